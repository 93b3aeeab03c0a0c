//! What operators do: configuration, a first start, keys, records, what is registered, stopping, suspending and disabling.

mod archive;
mod audit;
mod behind;
mod config;
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
mod misspelt;
mod records;
mod registered;
mod registration_page;
mod stop;
mod stop_race;
pub(crate) mod suspend;
mod sweep;
mod unresolved;
mod usage;
