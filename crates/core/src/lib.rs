//! The rules: facts in, decision out. No clock, no randomness, no environment, no log, no await.
//! Each file is one feature; its facts are plain structs that `store` fills.

pub mod authorize;
pub mod ceiling;
pub mod checks;
pub mod client;
pub mod code;
pub mod consent;
pub mod credentials;
pub mod delegation;
pub mod event;
pub mod exchange;
pub mod id;
pub mod introspection;
pub mod lineage;
pub mod mint;
pub mod onward;
pub mod realm;
pub mod refresh;
pub mod refusal;
pub mod registration;
pub mod request;
pub mod signing;
pub mod target;
pub mod task;

pub use refusal::Refusal;
