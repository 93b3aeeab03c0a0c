//! A permit of the server: one run of one handler with exactly what was judged, and the report of how it ended.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use writ_wire::time::Timestamp;

use super::access::{AccessCall, AccessServer};
use super::action::GatedAction;
use super::error::NotPermitted;

/// How often a report is tried.
pub const REPORT_ATTEMPTS: u32 = 3;

/// What became of a permitted action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Completed,
    Failed,
    /// It gives a budget back, never an approval.
    NotStarted,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::NotStarted => "not_started",
        }
    }
}

/// Good for one run, which begins before `valid_until`. It cannot be made but by a decision, nor copied.
#[must_use = "a permit that is not run is reported as never begun only by `report`"]
pub struct DecisionPermit {
    pub(super) server: Arc<AccessServer>,
    pub(super) action: GatedAction,
    pub(super) decision_id: String,
    pub(super) valid_until: Timestamp,
}

impl DecisionPermit {
    pub fn decision_id(&self) -> &str {
        &self.decision_id
    }

    /// What was judged, and nothing else may be done by it.
    pub const fn action(&self) -> &GatedAction {
        &self.action
    }

    /// Runs the handler once, in time, with the arguments that were judged, and reports how it ended. The inner result is the
    /// handler's own.
    pub async fn run<T, E, F>(
        self,
        handler: impl FnOnce(Map<String, Value>) -> F,
    ) -> Result<Result<T, E>, NotPermitted>
    where
        F: Future<Output = Result<T, E>>,
    {
        let running = self.begin().await?;
        let done = handler(running.action.arguments().clone()).await;
        let outcome = if done.is_ok() {
            Outcome::Completed
        } else {
            Outcome::Failed
        };
        running.report(outcome).await;
        Ok(done)
    }

    /// Begins what is not one handler, if it is not too late; it is for the caller to report.
    pub async fn begin(self) -> Result<BegunAction, NotPermitted> {
        let in_time = self.server.clock.now() < self.valid_until;
        let begun = BegunAction {
            server: self.server,
            action: self.action,
            decision_id: self.decision_id,
        };
        if in_time {
            return Ok(begun);
        }
        begun.report(Outcome::NotStarted).await;
        Err(NotPermitted::Expired("it did not begin in time"))
    }
}

/// What was permitted and has begun.
pub struct BegunAction {
    server: Arc<AccessServer>,
    action: GatedAction,
    decision_id: String,
}

impl BegunAction {
    pub const fn action(&self) -> &GatedAction {
        &self.action
    }

    /// Tells the server how it ended; whether it took that. What was done stays done.
    pub async fn report(self, outcome: Outcome) -> bool {
        for attempt in 1..=REPORT_ATTEMPTS {
            if self.send_report(outcome).await.unwrap_or(false) {
                return true;
            }
            if attempt < REPORT_ATTEMPTS {
                tokio::time::sleep(BETWEEN_REPORTS * attempt).await;
            }
        }
        false
    }

    async fn send_report(&self, outcome: Outcome) -> Result<bool, NotPermitted> {
        let evaluation = self.server.endpoints().await?.evaluation;
        let base = evaluation
            .strip_suffix("/evaluation")
            .unwrap_or(&evaluation);
        let body = json!({ "decision_id": self.decision_id, "result": outcome.as_str() });
        let call = AccessCall {
            method: Method::POST,
            url: &format!("{base}/outcomes"),
            body: Some(&body),
            idempotency_key: None,
            wait: Duration::ZERO,
        };
        // What it refused once it refuses again.
        let answer = self.server.call(call).await?;
        Ok(answer.status == StatusCode::NO_CONTENT || answer.status.is_client_error())
    }
}

const BETWEEN_REPORTS: Duration = Duration::from_millis(500);
