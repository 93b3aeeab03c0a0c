//! The decisions of the server, as functions of facts that were read before. No clock, no randomness, no environment, no log, no await.
//! Each file is one feature; its facts are plain structs that `store` fills.

pub mod approval;
pub mod archive;
pub mod authorize;
pub mod budget;
pub mod ceiling;
pub mod checks;
pub mod ciba;
pub mod client;
pub mod client_assertion;
pub mod code;
pub mod consent;
pub mod credentials;
pub mod delegation;
pub mod device;
pub mod event;
pub mod exchange;
pub mod guest;
pub mod history;
pub mod id;
pub mod introspection;
pub mod lineage;
pub mod liveness;
pub mod mint;
pub mod narrowing;
pub mod oauth_error;
pub mod onward;
pub mod pending;
pub mod realm;
pub mod receipt;
pub mod refresh;
pub mod registration;
pub mod remembered;
pub mod request;
pub mod requirements;
pub mod rotation;
pub mod scope;
pub mod screen;
pub mod signing;
pub mod target;
pub mod task;
pub mod transaction;
pub mod words;

pub use oauth_error::OAuthError;
