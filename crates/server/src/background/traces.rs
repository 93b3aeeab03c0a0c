//! Sends spans to the collector of `[traces]`. What it does not take is dropped, and counted.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::node::app::App;
use crate::node::metrics::CountedSpans;
use crate::node::outgoing::otlp::{self, SentOutcome};
use crate::node::traces;

/// How often what waits is sent.
const PERIOD: Duration = Duration::from_secs(1);
/// Spans of one request.
pub const MAX_SPANS: usize = 512;

/// Runs until `stop` changes; what waits then is sent last.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    if app.config.telemetry.traces.is_none() {
        return;
    }
    loop {
        let stopped = tokio::select! {
            () = tokio::time::sleep(PERIOD) => false,
            _ = stop.changed() => true,
        };
        send_waiting(&app).await;
        if stopped {
            return;
        }
    }
}

/// Sends what waits, as long as it is taken.
pub async fn send_waiting(app: &App) {
    let Some(collector) = &app.config.telemetry.traces else {
        return;
    };
    loop {
        let spans = app.traces.take(MAX_SPANS);
        if spans.is_empty() {
            return;
        }
        let sent = u64::try_from(spans.len()).unwrap_or(u64::MAX);
        let request = traces::request(app.config.issuer.as_str(), &spans);
        let (guard, rejected) = (&app.notices.guard, "rejectedSpans");
        let outcome = otlp::export(guard, collector, &request, rejected).await;
        let dropped = match outcome {
            SentOutcome::Taken { refused, .. } => refused.min(sent),
            SentOutcome::Refused(said) | SentOutcome::Failed(said, _) => {
                tracing::warn!(
                    said,
                    spans = sent,
                    "spans were dropped: their collector does not take them"
                );
                sent
            }
        };
        let counted = &app.metrics.events_out;
        counted.spans(CountedSpans::Sent, sent - dropped);
        counted.spans(CountedSpans::Dropped, dropped);
        if dropped == sent {
            return;
        }
    }
}
