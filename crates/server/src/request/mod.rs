//! What requests of clients share, below every endpoint: the authenticated client, what a request uses up, and a token on its way.

pub mod action_event;
pub mod caller;
pub mod client_request;
pub mod person_claims;
pub mod replay;
pub mod token_request;
