//! What browsers call: the way through login and consent, and the pages of a person.

pub mod activity;
pub mod agents;
pub mod approval;
pub mod assets;
pub mod authorize;
pub mod consent;
pub mod device_code;
pub mod inbox;
pub mod live;
pub mod login;
pub mod passkeys;
pub mod push_subscriptions;
pub mod reader;
pub mod session;
pub mod settings;
