//! What an operator does, and what stops: registration, tasks, agents, people.

pub mod disable;
pub mod register;
pub mod stop;
pub mod suspend;
