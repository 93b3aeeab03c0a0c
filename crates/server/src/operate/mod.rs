//! Administration: registration, invitations, changing and removing what was registered, stopping tasks and agents and taking that back, suspending agents, disabling users.

pub mod account_link;
pub mod behind;
pub mod change;
pub mod change_client;
pub mod change_issuer;
pub mod change_resource;
pub mod change_user;
pub mod client_secret;
pub mod disable;
pub mod elsewhere;
pub mod forgotten;
pub mod invite;
pub mod invite_user;
pub mod passkey_code;
pub mod recover;
pub mod register;
pub mod remove;
pub mod stop;
pub mod suspend;
pub mod undo;
pub mod unresolved;
pub mod upstream_groups;
