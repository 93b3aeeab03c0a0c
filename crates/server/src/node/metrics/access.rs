//! What resource servers asked: evaluations, and questions to people.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use writ_wire::access::{DecisionReason, EvaluationResponse};

use super::kept;

pub struct AccessMetrics {
    evaluations: Family<OutcomeLabel, Histogram>,
    questions: Family<QuestionLabel, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QuestionLabel {
    result: &'static str,
}

/// What became of a question of a resource server, on this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountedQuestion {
    Made,
    Approved,
    Denied,
    /// Nobody answered.
    Expired,
    /// It was approved, and nobody used that.
    Lapsed,
    Cancelled,
}

impl CountedQuestion {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Lapsed => "lapsed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Upper bounds of what an evaluation takes, in seconds.
const EVALUATION_SECONDS: [f64; 9] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0];

impl AccessMetrics {
    pub(super) fn kept(all: &mut Registry) -> Self {
        let evaluations = Family::new_with_constructor(
            (|| Histogram::new(EVALUATION_SECONDS)) as fn() -> Histogram,
        );
        all.register(
            "access_evaluation_seconds",
            "how long evaluations took, by outcome",
            evaluations.clone(),
        );
        Self {
            evaluations,
            questions: kept(
                all,
                "access_requests",
                "questions of resource servers to people, by what became of them",
            ),
        }
    }

    /// `outcome`: `permit`, or the reason of a denial.
    pub fn evaluated(&self, answer: &EvaluationResponse, took: Duration) {
        let reason = answer.context.reason;
        self.decided(reason.map_or("permit", DecisionReason::as_str), took);
    }

    /// The same, where a proxy is told more reasons.
    pub fn decided(&self, outcome: &'static str, took: Duration) {
        let label = OutcomeLabel { outcome };
        let seconds = self.evaluations.get_or_create(&label);
        seconds.observe(took.as_secs_f64());
    }

    pub fn question(&self, result: CountedQuestion) {
        let result = result.as_str();
        self.questions
            .get_or_create(&QuestionLabel { result })
            .inc();
    }
}
