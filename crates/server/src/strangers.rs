//! Names that nobody has are paused like names that somebody has; otherwise a pause would tell which names exist.
//! Kept by each node, bounded, and lost at a restart: anybody can send names, so they get no rows (DESIGN 4).

use std::time::Duration;

use quick_cache::sync::Cache;
use writ_core::authorize::{LOGIN_PAUSE, MAX_LOGIN_FAILURES};
use writ_jose::hash;
use writ_wire::time::Timestamp;

/// More made-up names than a guesser gets through while one is paused; the oldest are forgotten.
const REMEMBERED: usize = 16_384;

/// Wrong tries by whoever has no row to count them in.
pub struct Strangers {
    tries: Cache<String, Tries>,
    most: i64,
    pause: Duration,
}

#[derive(Clone, Copy, Default)]
struct Tries {
    failures: i64,
    paused_until: Option<Timestamp>,
}

impl Strangers {
    /// Wrong logins by names that are not known here.
    pub fn new() -> Self {
        Self::after(MAX_LOGIN_FAILURES, LOGIN_PAUSE)
    }

    /// From the `most`th wrong try on, each pauses the next one.
    pub fn after(most: i64, pause: Duration) -> Self {
        Self {
            tries: Cache::new(REMEMBERED),
            most,
            pause,
        }
    }

    pub fn is_paused(&self, name: &str, now: Timestamp) -> bool {
        let tries = self.tries.get(&key(name)).unwrap_or_default();
        tries.paused_until.is_some_and(|until| now < until)
    }

    /// A try that was counted before it was looked at, and was right.
    pub fn forgive(&self, name: &str) {
        let key = key(name);
        let mut tries = self.tries.get(&key).unwrap_or_default();
        tries.failures -= 1;
        if tries.failures < self.most {
            tries.paused_until = None;
        }
        self.tries.insert(key, tries);
    }

    /// As `record_login_failure` counts for people.
    pub fn failed(&self, name: &str, now: Timestamp) {
        let key = key(name);
        let mut tries = self.tries.get(&key).unwrap_or_default();
        tries.failures += 1;
        if tries.failures >= self.most {
            tries.paused_until = Some(now.plus(self.pause));
        }
        self.tries.insert(key, tries);
    }
}

impl Default for Strangers {
    fn default() -> Self {
        Self::new()
    }
}

/// Of one length, whatever was typed.
fn key(name: &str) -> String {
    hash::digest_text(&[b"stranger", name.as_bytes()])
}
