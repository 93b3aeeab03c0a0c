//! The only crate that knows SQL: SQLite and PostgreSQL, one text per query (`docs/storage.md`).
//! A file per feature adds its queries to `DatabaseTransaction`; a row that cannot be read is an error, never a default.

#[macro_use]
mod query;
#[macro_use]
mod numbered;

pub mod access;
pub mod account_link;
pub mod api_idempotency;
pub mod approved_uses;
pub mod archive;
pub mod attempts;
pub mod client;
pub mod clock;
pub mod code;
mod connect;
pub mod consent;
mod deadline;
pub mod delegation;
pub mod directory;
mod driver;
mod error;
pub mod event;
pub mod fetched_document;
mod group_commit;
pub mod guest;
pub mod id_token_keys;
mod json;
pub mod lease;
pub mod lineage;
mod migrate;
pub mod notice;
pub mod operator;
pub mod passkey;
pub mod passkey_code;
pub mod pause;
pub mod pending;
mod pool;
mod pooled_connection;
pub mod proposal;
pub mod push;
pub mod receipt;
pub mod refresh;
pub mod registered;
pub mod registered_user;
pub mod registration;
pub mod remembered_consent;
pub mod replay;
pub mod request;
mod request_scope;
pub mod resource;
pub mod role;
mod serve_lock;
pub mod session;
pub mod settings;
pub mod signing;
mod single_flight;
mod sqlite_files;
pub mod standing;
pub mod stop;
mod store;
pub mod sweep;
pub mod task;
pub mod tenant;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod transport;
mod trouble;
pub mod types;
pub mod undo;
pub mod upstream_account;
pub mod upstream_groups;
pub mod upstream_logout;
pub mod user;
pub mod write;

pub use deadline::{Deadlines, STOP_DEADLINE};
pub use error::{Result, StoreError};
pub use pooled_connection::CommitIsolation;
pub use request_scope::in_request;
pub use serve_lock::ServeLock;
pub use single_flight::SingleFlight;
pub use store::{DatabaseTransaction, Store};
