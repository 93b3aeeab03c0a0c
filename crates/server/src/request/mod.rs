//! What requests of clients share, below every endpoint: who calls, what is used up, and a token on its way.

pub mod caller;
pub mod granting;
pub mod replay;
