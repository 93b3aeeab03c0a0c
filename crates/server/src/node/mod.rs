//! The state of one server process: configuration, keys, caches, connections. It uses no other folder but `config`.

pub mod action_types;
pub mod app;
pub mod client_address;
pub mod client_keys;
pub mod clock;
pub mod failure;
pub mod guests;
pub mod id_token_hint;
mod id_token_keys;
pub mod keyring;
pub mod listener;
pub mod live;
pub mod metrics;
pub mod outage;
pub mod outgoing;
pub mod passing_time;
pub mod password_limits;
pub mod passwords;
pub mod rate_limits;
pub mod registry;
pub mod request_log;
pub mod resource_names;
pub mod secret;
pub mod strangers;
pub mod tls;
pub mod type_files;
pub mod waiting;
