//! Time, randomness and HTTP: what comes from outside, so that a test can bring its own.
//! The one place that reads the system clock and the system's random numbers.

mod clock;
#[cfg(feature = "https")]
pub mod guard;
mod random;
mod transport;

pub use clock::{Clock, ManualClock};
pub use random::Random;
#[cfg(feature = "https")]
pub use transport::Https;
pub use transport::{BoxFuture, MAX_RESPONSE_BYTES, Patience, Transport, TransportError};
