//! The only crate that knows SQL: SQLite and PostgreSQL, one text per query (DESIGN 8, docs/storage.md).
//! A file per feature adds its queries to `Session`; a row that cannot be read is an error, never a default.

#[macro_use]
mod query;

pub mod attempts;
mod batch;
pub mod client;
pub mod code;
mod connect;
mod connections;
pub mod consent;
pub mod delegation;
mod error;
pub mod event;
mod json;
pub mod lineage;
mod migrate;
pub mod notice;
pub mod passkey;
pub mod pending;
pub mod push;
pub mod receipt;
pub mod refresh;
pub mod replay;
pub mod request;
pub mod resource;
pub mod session;
pub mod settings;
pub mod signing;
mod store;
pub mod sweep;
pub mod task;
pub mod tenant;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod types;
pub mod user;
pub mod usual;
pub mod write;

pub use connections::Committed;
pub use error::{Result, StoreError};
pub use store::{Session, Store};
