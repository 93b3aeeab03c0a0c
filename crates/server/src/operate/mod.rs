//! Administration: registration, invitations, stopping tasks and agents, suspending agents, disabling users.

pub mod change;
pub mod disable;
pub mod invite;
pub mod register;
pub mod stop;
pub mod suspend;
