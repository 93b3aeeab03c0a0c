//! The authorization server: endpoints, configuration, background work.
//! Each request is parsed (`wire`), its facts are loaded (`store`), it is decided (`core`) and committed (`store`); then it is answered.

pub mod approvals;
pub mod background;
pub mod client;
pub mod config;
pub mod console;
pub mod node;
pub mod notifications;
pub mod operate;
pub mod people;
pub mod request;
pub mod router;
