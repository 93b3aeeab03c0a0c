//! Counters of a listener: who is connected, and which connections this server did not take or ended.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

/// Of one listener, or of several; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ConnectionCounters {
    pub(super) open: Gauge,
    pub(super) cut: Family<CutLabel, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CutLabel {
    reason: &'static str,
}

/// Why a connection was not taken, or ended by this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutConnection {
    /// The system had no file or memory for it.
    BySystem,
    /// Its address has as many as it may, and all are being answered.
    OfAddress,
    /// The same of its site.
    OfSite,
    /// The listener has as many as it may, and all are being answered.
    NoRoom,
    /// It waited longest for its client, and another came.
    ForAnother,
    /// Of requests that are not whole more was here than may be, and its own began first.
    Unfinished,
    LateHead,
    LateBody,
    /// No further request came.
    Idle,
    /// The client did not read its answer.
    Unread,
}

impl CutConnection {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BySystem => "system",
            Self::OfAddress => "address",
            Self::OfSite => "site",
            Self::NoRoom => "no_room",
            Self::ForAnother => "for_another",
            Self::Unfinished => "unfinished",
            Self::LateHead => "late_head",
            Self::LateBody => "late_body",
            Self::Idle => "idle",
            Self::Unread => "unread",
        }
    }
}

impl ConnectionCounters {
    pub fn opened(&self) {
        self.open.inc();
    }

    pub fn closed(&self) {
        self.open.dec();
    }

    pub fn cut(&self, why: CutConnection) {
        let reason = why.as_str();
        self.cut.get_or_create(&CutLabel { reason }).inc();
    }

    pub fn now_open(&self) -> i64 {
        self.open.get()
    }

    pub fn cuts(&self, why: CutConnection) -> u64 {
        let reason = why.as_str();
        self.cut.get_or_create(&CutLabel { reason }).get()
    }
}
