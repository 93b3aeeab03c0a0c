//! Scenes through the HTTP door, on both databases: given a world, when someone acts, then what they see.

mod approvals;
mod breakdown;
mod client;
mod house;
mod laws;
mod operate;
mod people;
mod process;
mod tries;
