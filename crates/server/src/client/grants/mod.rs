//! The grants of the token endpoint, a file each, and the poll of the transaction authorization endpoint, which also ends in a
//! token: each loads facts, decides, commits and answers.

pub mod ciba;
pub mod code;
pub mod credentials;
pub mod device;
pub mod exchange;
pub mod guest;
pub mod refresh;
pub mod transaction;
