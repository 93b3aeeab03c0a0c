//! One node of the server: what it knows and holds, below everything that it does.

pub mod app;
pub mod client_address;
pub mod failure;
pub mod keyring;
pub mod listener;
pub mod live;
pub mod metrics;
pub mod outgoing;
pub mod passwords;
pub mod rate_limits;
pub mod registry;
pub mod secret;
pub mod waiting;
