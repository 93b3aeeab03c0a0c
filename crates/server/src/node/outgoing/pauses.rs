//! A document that could not be fetched is left alone for a while.

use std::hash::Hash;
use std::time::Duration;

use quick_cache::sync::Cache;
use writ_wire::time::Timestamp;

use super::fetch::FetchError;

/// How long a URL is not called again after it failed.
pub const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(30);
/// Documents of one node that are left alone; strangers name them.
const MAX_PAUSES: usize = 4096;

/// By document.
pub(super) struct Pauses<Key>(Cache<Key, Pause>);

#[derive(Clone)]
struct Pause {
    since: Timestamp,
    error: FetchError,
}

impl<Key: Clone + Eq + Hash> Default for Pauses<Key> {
    fn default() -> Self {
        Self(Cache::new(MAX_PAUSES))
    }
}

impl<Key: Clone + Eq + Hash> Pauses<Key> {
    pub(super) fn begin(&self, key: Key, error: FetchError, since: Timestamp) {
        self.0.insert(key, Pause { since, error });
    }

    pub(super) fn end(&self, key: &Key) {
        self.0.remove(key);
    }

    /// Why it is left alone now.
    pub(super) fn why(&self, key: &Key, now: Timestamp) -> Option<FetchError> {
        let pause = self.0.get(key)?;
        let lasts = pause.since.is_within(PAUSE_AFTER_FAILURE, now);
        lasts.then_some(pause.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_names_many_documents_fills_no_memory() {
        let pauses = Pauses::default();
        let now = Timestamp::from_seconds(1_790_000_000);
        for named in 0..3 * MAX_PAUSES {
            pauses.begin(named, FetchError::NotKept, now);
            assert!(pauses.0.len() <= MAX_PAUSES, "{named}");
        }
        let left_alone = (0..3 * MAX_PAUSES).filter(|named| pauses.why(named, now).is_some());
        assert!(left_alone.count() > MAX_PAUSES / 2, "but it is used");
    }
}
