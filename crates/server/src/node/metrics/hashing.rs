//! What waits for a password to be hashed: people who sign in or prove something.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::kept;

/// Of the queue of one node; cheap to clone.
#[derive(Clone, Default)]
pub struct HashingMetrics {
    busy: Gauge,
    waiting: Family<WhoLabel, Gauge>,
    refused: Family<WhoLabel, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WhoLabel {
    who: &'static str,
}

impl HashingMetrics {
    pub(super) fn kept(all: &mut Registry) -> Self {
        Self {
            busy: kept(all, "hashing_busy", "hashes that are computed now"),
            waiting: kept(all, "hashing_waiting", "who waits for a hash now"),
            refused: kept(
                all,
                "hashing_refused",
                "who found no room to wait for a hash",
            ),
        }
    }

    pub fn busy(&self, hashes: usize) {
        self.busy.set(i64::try_from(hashes).unwrap_or(i64::MAX));
    }

    pub fn waiting(&self, who: &'static str, waiters: usize) {
        let waiters = i64::try_from(waiters).unwrap_or(i64::MAX);
        self.waiting.get_or_create(&WhoLabel { who }).set(waiters);
    }

    /// Hashes now; of these people who waits now, and who was refused.
    #[cfg(test)]
    pub fn seen(&self, who: &'static str) -> (i64, i64, u64) {
        let label = WhoLabel { who };
        let waiting = self.waiting.get_or_create(&label).get();
        let refused = self.refused.get_or_create(&label).get();
        (self.busy.get(), waiting, refused)
    }

    pub fn refused(&self, who: &'static str) {
        self.refused.get_or_create(&WhoLabel { who }).inc();
    }
}
