//! What operators do: configuration, a first start, keys, records, stopping, suspending and disabling.

mod audit;
mod config;
mod disable;
mod guard;
mod init;
mod keys;
mod keys_race;
mod records;
mod stop;
mod stop_race;
pub(crate) mod suspend;
