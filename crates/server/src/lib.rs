//! The authorization server: endpoints, pages, configuration, background work, and the binary `writ`.
//! A request is four lines of story: parse (`wire`), load facts (`store`), decide (`core`), commit (`store`); then answer.

pub mod answer;
pub mod app;
pub mod authorize;
pub mod background;
pub mod caller;
pub mod catalogue;
pub mod cli;
pub mod config;
pub mod consent;
pub mod demo;
pub mod discovery;
pub mod grants;
pub mod introspect;
pub mod keyring;
pub mod listener;
pub mod login;
pub mod metrics;
pub mod mine;
pub mod once;
pub mod pages;
pub mod par;
pub mod passwords;
pub mod register;
pub mod router;
pub mod session;
pub mod stop;
pub mod strangers;
pub mod token;
pub mod types;
pub mod userinfo;
