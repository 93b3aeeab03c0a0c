//! Pending requests of every flow that waits for a person (CIBA, device flow, transaction challenges): created, polled, redeemed,
//! delivered by ping or push, escalated, ended.

pub mod close;
pub mod create;
pub mod deliver;
pub mod escalate;
pub mod long_poll;
pub mod poll;
pub mod push;
pub mod redeem;
pub mod secret;
