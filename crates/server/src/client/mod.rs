//! Endpoints of programs: of clients and of resource servers.

pub mod access;
pub mod access_request;
pub mod answer;
pub mod api;
pub mod authentication;
pub mod body;
pub mod ciba;
pub mod device;
pub mod end_grant;
pub mod error;
pub mod grants;
pub mod incoming;
pub mod introspect;
pub mod metadata;
pub mod par;
pub mod presented_token;
pub mod proof;
pub mod registration;
pub mod revoke;
pub mod sighting;
pub mod token;
pub mod transaction;
pub mod types;
pub mod upstream_logout;
pub mod userinfo;
