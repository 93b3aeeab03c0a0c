//! The authorization server: endpoints, configuration, background work.
//! A request is four lines of story: parse (`wire`), load facts (`store`), decide (`core`), commit (`store`); then answer.

pub mod approvals;
pub mod background;
pub mod client;
pub mod config;
pub mod node;
pub mod notifications;
pub mod operate;
pub mod people;
pub mod request;
pub mod router;
