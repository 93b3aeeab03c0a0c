//! Metrics of this node in the Prometheus text format, served on the operator's listener.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};
use writ_core::account_link::LinkKind;
use writ_store::sweep::SweptBatch;
use writ_wire::error::ErrorCode;
use writ_wire::registration::Profile;
use writ_wire::time::Timestamp;

mod access;
mod connections;
mod elsewhere;
mod events_out;
mod hashing;

pub use access::{AccessMetrics, CountedQuestion};
pub use connections::{ConnectionCounters, CutConnection};
pub use elsewhere::{CountedElsewhere, ElsewhereMetrics};
pub use events_out::{CountedEvents, CountedSpans, EventsOutMetrics};
pub use hashing::HashingMetrics;

/// Counters of one node. Labels are few and fixed, so that the series stay bounded.
pub struct Metrics {
    registry: Registry,
    tokens: Family<GrantLabel, Counter>,
    refusals: Family<RefusalLabel, Counter>,
    logins: LoginMetrics,
    consents: Family<ResultLabel, Counter>,
    changed_consents: Counter,
    revocations: Family<TokenLabel, Counter>,
    stops: Counter,
    notices: Family<NoticeLabel, Counter>,
    fetches: FetchCounters,
    registrations: Family<ResultLabel, Counter>,
    sweep: SweepMetrics,
    pub access: AccessMetrics,
    pub elsewhere: ElsewhereMetrics,
    pub events_out: EventsOutMetrics,
    broken: Counter<u64, AtomicU64>,
    unavailable: Counter<u64, AtomicU64>,
    log_lines_lost: Counter<u64, AtomicU64>,
    pub connections: ConnectionCounters,
    times: TimeGauges,
    pub hashing: HashingMetrics,
}

/// How people come in, and leave.
struct LoginMetrics {
    results: Family<ResultLabel, Counter>,
    logouts: Counter,
    account_links: Family<AccountLinkLabel, Counter>,
}

/// Documents of others that were fetched, by purpose and outcome.
pub type FetchCounters = Family<FetchLabel, Counter>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GrantLabel {
    grant: &'static str,
    profile: &'static str,
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
struct AccountLinkLabel {
    kind: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabel {
    token: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NoticeLabel {
    channel: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct FetchLabel {
    pub purpose: &'static str,
    pub outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TableLabel {
    table: &'static str,
}

/// Upper bounds of what a batch of the sweep takes, in seconds.
const BATCH_SECONDS: [f64; 8] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5];

/// A metric that counts from zero, registered under its name.
fn kept<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

/// What the sweep did.
struct SweepMetrics {
    rows: Family<TableLabel, Counter>,
    lag: Family<TableLabel, Gauge<f64, AtomicU64>>,
    batches: Histogram,
}

impl SweepMetrics {
    fn kept(all: &mut Registry) -> Self {
        let batches = Histogram::new(BATCH_SECONDS);
        all.register(
            "sweep_batch_seconds",
            "how long batches of the sweep had the database",
            batches.clone(),
        );
        Self {
            rows: kept(all, "rows_removed", "rows that were over, by table"),
            lag: kept(
                all,
                "sweep_lag_seconds",
                "for how long the oldest row should have left already, by table",
            ),
            batches,
        }
    }
}

/// How right this node's clock is, and until when its certificate is good.
struct TimeGauges {
    clock_skew: Gauge<f64, AtomicU64>,
    certificate_expiry: Gauge,
}

impl TimeGauges {
    fn kept(all: &mut Registry) -> Self {
        Self {
            clock_skew: kept(
                all,
                "clock_skew_seconds",
                "by how much the clock of this node is ahead of its database",
            ),
            certificate_expiry: kept(
                all,
                "tls_certificate_expires_seconds",
                "when the certificate of this server ends, in seconds since 1970; 0 without one",
            ),
        }
    }
}

impl ConnectionCounters {
    fn kept(all: &mut Registry) -> Self {
        Self {
            open: kept(all, "connections", "open connections of clients"),
            cut: kept(
                all,
                "connections_cut",
                "connections that were not taken or were ended by this server, by reason",
            ),
        }
    }
}

impl LoginMetrics {
    fn kept(all: &mut Registry) -> Self {
        Self {
            results: kept(all, "logins", "logins, by result"),
            logouts: kept(all, "logouts", "sessions that people ended"),
            account_links: kept(
                all,
                "account_links",
                "tries of mailed links, by what they finish and result",
            ),
        }
    }
}

impl Metrics {
    pub fn new() -> Self {
        let mut all = Registry::with_prefix("writ");
        Self {
            connections: ConnectionCounters::kept(&mut all),
            sweep: SweepMetrics::kept(&mut all),
            access: AccessMetrics::kept(&mut all),
            elsewhere: ElsewhereMetrics::kept(&mut all),
            events_out: EventsOutMetrics::kept(&mut all),
            tokens: kept(
                &mut all,
                "tokens_issued",
                "access tokens, by grant and profile",
            ),
            refusals: kept(
                &mut all,
                "requests_refused",
                "refusals, by endpoint and code",
            ),
            logins: LoginMetrics::kept(&mut all),
            consents: kept(&mut all, "consents", "decisions of persons, by result"),
            changed_consents: kept(
                &mut all,
                "consents_changed",
                "approvals of a consent page that had changed since it was shown",
            ),
            stops: kept(&mut all, "tasks_stopped", "tasks stopped by their person"),
            revocations: kept(
                &mut all,
                "tokens_revoked",
                "tokens that their client revoked, by kind",
            ),
            notices: kept(
                &mut all,
                "notices",
                "attempts to deliver, by channel and outcome",
            ),
            fetches: kept(
                &mut all,
                "documents_fetched",
                "calls for documents of others, by purpose and outcome",
            ),
            registrations: kept(
                &mut all,
                "registrations",
                "registrations of clients by themselves, by what became of them",
            ),
            broken: kept(&mut all, "requests_failed", "answers of server_error"),
            unavailable: kept(
                &mut all,
                "database_unavailable",
                "requests that the database kept from being answered",
            ),
            log_lines_lost: kept(
                &mut all,
                "log_lines_lost",
                "lines of the log that nobody took in time",
            ),
            times: TimeGauges::kept(&mut all),
            hashing: HashingMetrics::kept(&mut all),
            registry: all,
        }
    }

    pub fn certificate_expires_at(&self, at: Timestamp) {
        self.times.certificate_expiry.set(at.seconds());
    }

    /// `profile`: of the client that presents the token.
    pub fn issued(&self, grant: &'static str, profile: Profile) {
        let profile = profile.as_str();
        let label = GrantLabel { grant, profile };
        self.tokens.get_or_create(&label).inc();
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
        self.logins
            .results
            .get_or_create(&ResultLabel { result })
            .inc();
    }

    pub fn account_link(&self, kind: LinkKind, result: &'static str) {
        let kind = kind.as_str();
        let label = AccountLinkLabel { kind, result };
        self.logins.account_links.get_or_create(&label).inc();
    }

    pub fn logout(&self) {
        self.logins.logouts.inc();
    }

    pub fn consent(&self, result: &'static str) {
        self.consents.get_or_create(&ResultLabel { result }).inc();
    }

    /// Nothing was decided: another page would be shown now.
    pub fn consent_changed(&self) {
        self.changed_consents.inc();
    }

    /// `token`: the kind of the token that was presented.
    pub fn revoked(&self, token: &'static str) {
        self.revocations.get_or_create(&TokenLabel { token }).inc();
    }

    pub fn stopped(&self, tasks: u64) {
        self.stops.inc_by(tasks);
    }

    pub fn notice(&self, channel: &'static str, outcome: &'static str) {
        self.notices
            .get_or_create(&NoticeLabel { channel, outcome })
            .inc();
    }

    pub fn registration(&self, result: &'static str) {
        self.registrations
            .get_or_create(&ResultLabel { result })
            .inc();
    }

    pub fn swept(&self, batch: &SweptBatch) {
        for (table, rows) in &batch.tables {
            self.sweep
                .rows
                .get_or_create(&TableLabel { table })
                .inc_by(*rows);
        }
        self.sweep.batches.observe(batch.busy.as_secs_f64());
    }

    pub fn sweep_lag(&self, table: &'static str, lag: Duration) {
        self.sweep
            .lag
            .get_or_create(&TableLabel { table })
            .set(lag.as_secs_f64());
    }

    /// For whoever fetches.
    pub fn fetches(&self) -> FetchCounters {
        self.fetches.clone()
    }

    pub fn broken(&self) {
        self.broken.inc();
    }

    /// A request that the database kept from being answered.
    pub fn unavailable(&self) {
        self.unavailable.inc();
    }

    pub fn log_line_lost(&self) {
        self.log_lines_lost.inc();
    }

    /// By how many microseconds this node's clock is ahead.
    pub fn clock_skew(&self, ahead: i64) {
        let seconds = Duration::from_micros(ahead.unsigned_abs()).as_secs_f64();
        let signed = if ahead < 0 { -seconds } else { seconds };
        self.times.clock_skew.set(signed);
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
