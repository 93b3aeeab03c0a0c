//! What the specifications put on the wire, a file per specification: parameters, responses, claims, metadata, error codes.
//! Parsing only: text becomes a well-formed type, or an error that names the parameter. The rules are in `core`.
//! No network, no clock, no randomness, no C compiler.

pub mod access;
pub mod access_request;
pub mod api;
pub mod authorization;
pub mod challenge;
pub mod ciba;
pub mod claims;
pub mod client_document;
pub mod device;
pub mod dpop;
pub mod error;
pub mod exact_json;
pub mod exchange;
pub mod form;
pub mod forward_auth;
pub mod host;
pub mod introspection;
pub mod jwk;
pub mod liveness;
pub mod metadata;
pub mod mission;
pub mod openid;
pub mod pkce;
pub mod prompt;
pub mod rar;
pub mod redirect;
pub mod registration;
pub mod registration_request;
pub mod resource;
pub mod scope;
pub mod strict_json;
pub mod structured;
pub mod text;
pub mod time;
pub mod token;
pub mod transaction;
pub mod waited_by;
