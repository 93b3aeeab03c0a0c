//! The one engine of everything that waits for a person: asked, polled, redeemed, pushed, ended.

pub mod long_poll;
pub mod push;
