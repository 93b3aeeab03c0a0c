//! One node of the server: what it knows and holds, below everything that it does.

pub mod failure;
pub mod live;
pub mod outgoing;
pub mod secret;
