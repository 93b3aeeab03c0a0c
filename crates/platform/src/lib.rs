//! The platform: clock, randomness and HTTP client, given as arguments so that a test can replace them.
//! The only crate that reads the system clock and the system's random numbers.

mod clock;
#[cfg(feature = "https")]
pub mod guard;
mod random;
mod transport;

pub use clock::{Clock, ManualClock};
pub use random::Random;
#[cfg(feature = "https")]
pub use transport::Https;
pub use transport::{BoxFuture, ExtraTimeout, MAX_RESPONSE_BYTES, Transport, TransportError};
