//! The grants of the token endpoint, a file each: load, decide, commit, answer.

pub mod ciba;
pub mod code;
pub mod credentials;
pub mod device;
pub mod exchange;
pub mod guest;
pub mod refresh;
pub mod transaction;
