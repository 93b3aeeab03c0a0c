//! Metrics of this node in the Prometheus text format, served on the operator's listener.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use writ_wire::error::ErrorCode;

/// Counters of one node. Labels are few and fixed, so that the series stay bounded.
pub struct Metrics {
    registry: Registry,
    tokens: Family<GrantLabel, Counter>,
    refusals: Family<RefusalLabel, Counter>,
    logins: Family<ResultLabel, Counter>,
    logouts: Counter,
    consents: Family<ResultLabel, Counter>,
    changed_consents: Counter,
    stops: Counter,
    notices: Family<NoticeLabel, Counter>,
    broken: Counter<u64, AtomicU64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GrantLabel {
    grant: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabel {
    endpoint: String,
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NoticeLabel {
    channel: &'static str,
    outcome: &'static str,
}

impl Metrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("writ");
        let (tokens, refusals) = (Family::default(), Family::default());
        let (logins, consents) = (Family::default(), Family::default());
        let (stops, broken) = (Counter::default(), Counter::default());
        registry.register("tokens_issued", "access tokens, by grant", tokens.clone());
        registry.register(
            "requests_refused",
            "refusals, by endpoint and code",
            refusals.clone(),
        );
        registry.register("logins", "logins, by result", logins.clone());
        registry.register(
            "consents",
            "decisions of persons, by result",
            consents.clone(),
        );
        let logouts = Counter::default();
        registry.register("logouts", "sessions that people ended", logouts.clone());
        let changed_consents = Counter::default();
        registry.register(
            "consents_changed",
            "approvals of a consent page that had changed since it was shown",
            changed_consents.clone(),
        );
        registry.register(
            "tasks_stopped",
            "tasks stopped by their person",
            stops.clone(),
        );
        let notices = Family::default();
        registry.register(
            "notices",
            "attempts to deliver, by channel and outcome",
            notices.clone(),
        );
        registry.register("requests_failed", "answers of server_error", broken.clone());
        Self {
            registry,
            tokens,
            refusals,
            logins,
            logouts,
            consents,
            changed_consents,
            stops,
            notices,
            broken,
        }
    }

    pub fn issued(&self, grant: &'static str) {
        self.tokens.get_or_create(&GrantLabel { grant }).inc();
    }

    /// `route`: the path as the router has it, at `/token` with the grant.
    pub fn refused(&self, route: &str, code: ErrorCode) {
        let label = RefusalLabel {
            endpoint: route.to_owned(),
            code: code.as_str(),
        };
        self.refusals.get_or_create(&label).inc();
    }

    pub fn login(&self, result: &'static str) {
        self.logins.get_or_create(&ResultLabel { result }).inc();
    }

    pub fn logout(&self) {
        self.logouts.inc();
    }

    pub fn consent(&self, result: &'static str) {
        self.consents.get_or_create(&ResultLabel { result }).inc();
    }

    /// Nothing was decided: another page would be shown now.
    pub fn consent_changed(&self) {
        self.changed_consents.inc();
    }

    pub fn stopped(&self) {
        self.stops.inc();
    }

    pub fn notice(&self, channel: &'static str, outcome: &'static str) {
        self.notices
            .get_or_create(&NoticeLabel { channel, outcome })
            .inc();
    }

    pub fn broken(&self) {
        self.broken.inc();
    }

    /// OpenMetrics text; empty if it cannot be written.
    pub fn render(&self) -> String {
        let mut text = String::new();
        if let Err(error) = prometheus_client::encoding::text::encode(&mut text, &self.registry) {
            tracing::error!(%error, "metrics cannot be written");
        }
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
