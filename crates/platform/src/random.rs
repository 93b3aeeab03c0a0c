//! Random bytes: the system's, or from the seed of a test.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng, TryRng};

/// Source of random bytes. Clones of a seeded source draw from the same stream.
#[derive(Clone, Debug)]
pub enum Random {
    System,
    Seeded(Arc<Mutex<StdRng>>),
}

impl Random {
    /// For tests: the same seed gives the same ids and secrets, in the same order of use.
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// `N` random bytes, fit for secrets unless the source is seeded.
    ///
    /// # Panics
    /// When the operating system has no random numbers: no secret could be made.
    #[expect(
        clippy::panic,
        reason = "without system randomness no secret may be made"
    )]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        match self {
            Self::System => {
                if let Err(error) = SysRng.try_fill_bytes(&mut out) {
                    panic!("the system has no random numbers: {error}");
                }
            }
            Self::Seeded(rng) => {
                rng.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .fill_bytes(&mut out);
            }
        }
        out
    }

    /// 256 random bits in base64url: 43 characters.
    pub fn secret(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<32>())
    }

    /// 128 random bits in base64url: 22 characters; for `jti`.
    pub fn identifier(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<16>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_replays_and_the_system_does_not() {
        assert_eq!(Random::seeded(7).secret(), Random::seeded(7).secret());
        assert_ne!(Random::seeded(7).secret(), Random::seeded(8).secret());
        assert_ne!(Random::System.secret(), Random::System.secret());
        assert_eq!(Random::System.secret().len(), 43);
        assert_eq!(Random::System.identifier().len(), 22);
    }
}
