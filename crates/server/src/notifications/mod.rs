//! Outgoing notifications, sent from a transactional outbox: Web Push and mail to users, mail to the admin, the operator's webhook.

pub mod account_notice;
pub mod events_out;
pub mod fan_out;
pub mod link_mail;
pub mod mail;
pub mod not_done_notice;
pub mod outbox;
pub mod outcome;
pub mod quiet_hours;
pub mod reach_notice;
pub mod seal;
pub mod stop_notice;
pub mod used_twice_notice;
pub mod web_push;
pub mod webhook;
