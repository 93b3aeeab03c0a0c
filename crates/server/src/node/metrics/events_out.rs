//! What leaves for the sinks of `[events]`, and for the collector of `[traces]`.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::kept;

/// Names of sinks stand in the configuration: the series stay few.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SinkLabel {
    sink: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SinkResultLabel {
    sink: String,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SpanLabel {
    result: &'static str,
}

/// What became of events that were due to a sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountedEvents {
    Sent,
    /// It took the others, and not these.
    Refused,
    /// It took them for no time that they were kept.
    Lost,
}

impl CountedEvents {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Lost => "lost",
        }
    }
}

/// What became of spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountedSpans {
    Sent,
    /// There was no room for them, or the collector did not take them.
    Dropped,
}

impl CountedSpans {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Dropped => "dropped",
        }
    }
}

pub struct EventsOutMetrics {
    events: Family<SinkResultLabel, Counter>,
    failures: Family<SinkLabel, Counter>,
    lag: Family<SinkLabel, Gauge<f64, AtomicU64>>,
    spans: Family<SpanLabel, Counter>,
}

impl EventsOutMetrics {
    pub(super) fn kept(all: &mut Registry) -> Self {
        Self {
            events: kept(
                all,
                "events_out",
                "events that were due to a sink, by what became of them",
            ),
            failures: kept(
                all,
                "events_out_failures",
                "attempts to send events that failed, by sink",
            ),
            lag: kept(
                all,
                "events_out_lag_seconds",
                "age of the oldest event that a sink has not had",
            ),
            spans: kept(all, "spans", "spans of requests, by what became of them"),
        }
    }

    pub fn events(&self, sink: &str, result: CountedEvents, events: u64) {
        let label = SinkResultLabel {
            sink: sink.to_owned(),
            result: result.as_str(),
        };
        self.events.get_or_create(&label).inc_by(events);
    }

    pub fn failed(&self, sink: &str) {
        self.failures.get_or_create(&of(sink)).inc();
    }

    pub fn lag(&self, sink: &str, lag: Duration) {
        self.lag.get_or_create(&of(sink)).set(lag.as_secs_f64());
    }

    pub fn spans(&self, result: CountedSpans, spans: u64) {
        let result = result.as_str();
        self.spans
            .get_or_create(&SpanLabel { result })
            .inc_by(spans);
    }
}

fn of(sink: &str) -> SinkLabel {
    SinkLabel {
        sink: sink.to_owned(),
    }
}
