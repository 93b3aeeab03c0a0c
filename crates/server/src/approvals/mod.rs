//! Pending requests of every flow that waits for a person (CIBA, device flow, transaction challenges, access requests): created, polled, redeemed,
//! delivered by ping or push, escalated, ended.

pub mod access_request;
pub mod close;
pub mod create;
pub mod deliver;
pub mod escalate;
pub mod long_poll;
pub mod poll;
pub mod push;
pub mod redeem;
pub mod secret;
