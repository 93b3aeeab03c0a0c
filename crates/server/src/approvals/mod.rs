//! The one engine of everything that waits for a person: asked, polled, redeemed, delivered, ended.

pub mod close;
pub mod create;
pub mod deliver;
pub mod escalate;
pub mod long_poll;
pub mod poll;
pub mod push;
pub mod redeem;
pub mod secret;
