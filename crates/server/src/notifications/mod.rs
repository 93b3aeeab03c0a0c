//! What leaves this server by itself: messages to people and to the admin, and what clients are told.

pub mod announce;
pub mod mail;
pub mod outbox;
pub mod outcome;
pub mod passkey;
pub mod quiet;
pub mod seal;
pub mod web_push;
pub mod webhook;
