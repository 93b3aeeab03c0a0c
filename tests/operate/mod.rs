//! What operators do: configuration, keys, records, stopping, suspending and disabling.

mod audit;
mod config;
mod disable;
mod fetched_documents;
mod guard;
mod keys;
mod keys_race;
mod records;
mod stop;
mod stop_race;
pub(crate) mod suspend;
