//! What operators do: configuration, a first start, keys, records, what is registered, stopping, suspending and disabling.

mod audit;
mod behind;
mod config;
mod database_transport;
mod disable;
mod elsewhere;
mod fetched_documents;
mod file_tables;
mod guard;
mod guests;
mod init;
mod invites;
mod issuer;
mod keys;
mod keys_race;
mod may_ask;
mod misspelt;
mod newer_types;
mod records;
pub(crate) mod registered;
mod registration_page;
mod stop;
mod stop_race;
pub(crate) mod suspend;
mod unresolved;
mod usage;
mod user_email;
