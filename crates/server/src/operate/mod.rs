//! Administration: registration, stopping tasks and agents, suspending agents, disabling users.

pub mod change;
pub mod disable;
pub mod register;
pub mod stop;
pub mod suspend;
