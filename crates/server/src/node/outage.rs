//! A database that cannot be used just now: callers are told to come again, the log says it once a second, and for a second nobody
//! waits for it who can do without.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use writ_store::StoreError;
use writ_wire::time::Timestamp;

use crate::node::app::App;

/// When a caller may come again, in seconds.
pub const RETRY_AFTER: u64 = 2;
/// For so long a failure is taken to last.
const LASTS: Duration = Duration::from_secs(1);

/// The last failure of the database that this node met.
pub struct Outage {
    /// In microseconds since 1970.
    at: AtomicI64,
}

impl Outage {
    pub const fn none() -> Self {
        Self {
            at: AtomicI64::new(i64::MIN / 2),
        }
    }

    /// Whether the database could not be used within the last second.
    pub fn lasts(&self, now: Timestamp) -> bool {
        is_recent(self.at.load(Ordering::Relaxed), now)
    }

    /// `true` for the first failure of a second.
    fn note(&self, now: Timestamp) -> bool {
        let before = self.at.load(Ordering::Relaxed);
        if is_recent(before, now) {
            return false;
        }
        let at = now.micros();
        let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
        let noted = self.at.compare_exchange(before, at, success, failure);
        noted.is_ok()
    }
}

fn is_recent(at: i64, now: Timestamp) -> bool {
    Timestamp::from_micros(at).is_within(LASTS, now)
}

impl App {
    /// Counts it, and says it in the log unless that was said within the last second.
    pub fn note_outage(&self, cause: &str) {
        self.metrics.unavailable();
        if self.outage.note(self.clock.now()) {
            tracing::warn!(cause, "the database cannot be used");
        }
    }

    /// What is known instead, where the database cannot be used.
    pub(crate) fn or_known<T>(
        &self,
        fresh: Result<T, StoreError>,
        known: impl FnOnce() -> T,
    ) -> Result<T, StoreError> {
        match fresh {
            Err(error) if error.is_unavailable() => {
                self.note_outage(&error.to_string());
                Ok(known())
            }
            fresh => fresh,
        }
    }
}
