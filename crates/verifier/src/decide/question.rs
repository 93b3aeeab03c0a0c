//! One question to a person: its state, the wait, the end (the Access Request and Approval Profile). What is not plainly an
//! approval is none.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use writ_wire::time::Timestamp;
use writ_wire::waited_by::WaitedBy;

use super::access::{AccessAnswer, AccessCall, AccessServer, MAX_POLL};
use super::action::GatedAction;
use super::error::NotPermitted;
use crate::presented::PresentedCaller;

/// The longest words of the resource beside a question, in characters.
pub const MAX_SAYS: usize = 140;
/// Polls whose answer may be lost, one after the other.
pub const MAX_LOST_POLLS: u32 = 5;

/// How a person is asked.
#[derive(Clone, Debug, Default)]
pub struct Asking {
    /// Shown as the resource's own words; at most [`MAX_SAYS`] characters.
    pub says: Option<String>,
    /// The client can carry nothing: the same call, made again within two minutes of the yes, is permitted. The screen says so.
    pub call_again: bool,
    /// By what the client is made to wait, for the record.
    pub waited_by: Option<WaitedBy>,
}

/// A question that a person has, or had.
#[derive(Clone)]
pub struct OpenQuestion {
    pub(super) server: Arc<AccessServer>,
    pub(super) caller: PresentedCaller,
    pub(super) action: GatedAction,
    pub(super) asking: Asking,
    id: String,
    status_endpoint: String,
    cancel_endpoint: Option<String>,
    review: Option<String>,
    expires_at: Option<Timestamp>,
    state: QuestionState,
    retry_after: Option<Duration>,
}

/// What the last answer said.
#[derive(Clone)]
enum QuestionState {
    Pending,
    Approved(GivenApproval),
    Ended(NotPermitted),
}

/// An approval, as it came: it goes back unchanged.
#[derive(Clone, Debug)]
pub struct GivenApproval {
    pub(super) approval: Value,
    /// The object that a person approved instead of what was asked: less.
    pub(super) instead: Option<Map<String, Value>>,
}

/// Of whom and about what.
pub(super) struct Asked {
    pub(super) server: Arc<AccessServer>,
    pub(super) caller: PresentedCaller,
    pub(super) action: GatedAction,
    pub(super) asking: Asking,
}

impl OpenQuestion {
    pub(super) fn read(asked: Asked, answer: AccessAnswer) -> Result<Self, NotPermitted> {
        let incomplete =
            || NotPermitted::unavailable("the answer to the question is not complete", "");
        let task = answer
            .body
            .get("task")
            .and_then(Value::as_object)
            .ok_or_else(incomplete)?;
        let text = |of: &Map<String, Value>, name: &str| {
            of.get(name).and_then(Value::as_str).map(str::to_owned)
        };
        let links = task
            .get("links")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        let ours = |url: Option<String>| url.map(|url| asked.server.ours(&url)).transpose();
        let id = text(task, "id")
            .filter(|id| !id.is_empty())
            .ok_or_else(incomplete)?;
        let status_endpoint = ours(text(task, "status_endpoint"))?.ok_or_else(incomplete)?;
        let (review, cancel_endpoint) =
            (ours(text(&links, "review"))?, ours(text(&links, "cancel"))?);
        let expires_at = text(task, "expires_at");
        let expires_at = expires_at.as_deref().and_then(Timestamp::from_rfc3339);
        let state = state(&answer.body, &id, asked.server.clock.now());
        Ok(Self {
            server: asked.server,
            caller: asked.caller,
            action: asked.action,
            asking: asked.asking,
            id,
            status_endpoint,
            cancel_endpoint,
            review,
            expires_at,
            state,
            retry_after: answer.retry_after,
        })
    }

    /// The question of an id that a protocol's state carried. Whose it is, the server judges when its approval is presented.
    pub(super) async fn resume(asked: Asked, id: &str) -> Result<Self, NotPermitted> {
        let unknown = || NotPermitted::unavailable("there is no such question", "");
        let requests = asked
            .server
            .endpoints()
            .await?
            .requests
            .ok_or_else(unknown)?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if !(1..=128).contains(&id.len()) || !id.bytes().all(plain) {
            return Err(unknown());
        }
        let url = format!("{requests}/{id}");
        let answer = asked.server.call(get(&url, Duration::ZERO)).await?;
        if answer.status != StatusCode::OK {
            return Err(answer.problem("the question could not be read"));
        }
        let found = Self::read(asked, answer)?;
        match found.id == id {
            true => Ok(found),
            false => Err(unknown()),
        }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// The page at which the person decides.
    pub fn review(&self) -> Option<&str> {
        self.review.as_deref()
    }

    /// What the last answer said; `None` while it is pending.
    pub fn decision(&self) -> Option<Result<GivenApproval, NotPermitted>> {
        match &self.state {
            QuestionState::Pending => None,
            QuestionState::Approved(approval) => Some(Ok(approval.clone())),
            QuestionState::Ended(why) => Some(Err(why.clone())),
        }
    }

    /// Asks once more, and lets the server hold that for as long.
    pub async fn poll(&mut self, wait: Duration) -> Result<(), NotPermitted> {
        let call = get(&self.status_endpoint, wait.min(MAX_POLL));
        let answer = self.server.call(call).await?;
        if answer.status != StatusCode::OK {
            return Err(answer.problem("the state of the question could not be read"));
        }
        self.state = state(&answer.body, &self.id, self.server.clock.now());
        self.retry_after = answer.retry_after;
        Ok(())
    }

    /// Waits until a person has decided; `each` is called before each poll, and lets it be held for as long. After `patience`
    /// it is [`NotPermitted::StillWaiting`], and the question stays open.
    pub async fn wait(
        &mut self,
        patience: Duration,
        mut each: impl FnMut(Duration) -> Duration,
    ) -> Result<GivenApproval, NotPermitted> {
        let begun = Instant::now();
        let mut lost = 0;
        loop {
            if let Some(decided) = self.decision() {
                return decided;
            }
            let now = self.server.clock.now();
            if self.expires_at.is_some_and(|end| end <= now) {
                return Err(NotPermitted::Expired("nobody decided in time"));
            }
            let waited = begun.elapsed();
            let left = patience.saturating_sub(waited);
            if left.is_zero() {
                return Err(self.still_waiting());
            }
            let hold = each(waited).min(left).min(MAX_POLL);
            let polled = Instant::now();
            match self.poll(hold).await {
                Ok(()) => lost = 0,
                Err(over @ NotPermitted::Expired(_)) => return Err(over),
                Err(error) if lost == MAX_LOST_POLLS => return Err(error),
                Err(error) => {
                    lost += 1;
                    self.retry_after = error.retry_after().map(Duration::from_secs);
                }
            }
            if self.decision().is_none() {
                let pause = self.retry_after.unwrap_or(INTERVAL).min(LONGEST_PAUSE);
                let pause = pause.saturating_sub(polled.elapsed());
                tokio::time::sleep(pause.min(left)).await;
            }
        }
    }

    pub fn still_waiting(&self) -> NotPermitted {
        NotPermitted::StillWaiting {
            question: self.id.clone(),
            review: self.review.clone(),
        }
    }

    /// Nobody waits any more. `false` where it had ended already.
    pub async fn cancel(&self) -> Result<bool, NotPermitted> {
        let Some(url) = &self.cancel_endpoint else {
            return Ok(false);
        };
        let body = json!({ "reason": "call_ended" });
        let call = AccessCall {
            method: Method::POST,
            url,
            body: Some(&body),
            idempotency_key: None,
            wait: Duration::ZERO,
        };
        Ok(self.server.call(call).await?.status == StatusCode::OK)
    }
}

const fn get(url: &str, wait: Duration) -> AccessCall<'_> {
    AccessCall {
        method: Method::GET,
        url,
        body: None,
        idempotency_key: None,
        wait,
    }
}

fn state(answer: &Map<String, Value>, id: &str, now: Timestamp) -> QuestionState {
    let unknown = |why: &'static str| QuestionState::Ended(NotPermitted::unavailable(why, ""));
    let Some(task) = answer.get("task").and_then(Value::as_object) else {
        return unknown("the answer names no question");
    };
    let text = |name: &str| task.get(name).and_then(Value::as_str);
    if text("id") != Some(id) {
        return unknown("the answer is about another question");
    }
    match text("status") {
        Some("pending") => QuestionState::Pending,
        Some("approved") => match approval(answer, now) {
            Ok(approval) => QuestionState::Approved(approval),
            Err(why) => QuestionState::Ended(why),
        },
        Some("denied") => {
            QuestionState::Ended(NotPermitted::denied("person", "the person said no"))
        }
        Some("expired") => QuestionState::Ended(NotPermitted::Expired("nobody decided in time")),
        Some("cancelled") => QuestionState::Ended(NotPermitted::Cancelled {
            reason: text("reason").unwrap_or("cancelled").to_owned(),
        }),
        Some(_) | None => unknown("the question ended in a way that is no approval"),
    }
}

fn approval(answer: &Map<String, Value>, now: Timestamp) -> Result<GivenApproval, NotPermitted> {
    let incomplete = || NotPermitted::unavailable("the approval is not complete", "");
    let result = answer
        .get("result")
        .and_then(Value::as_object)
        .ok_or_else(incomplete)?;
    if result.get("mode").and_then(Value::as_str) != Some("reevaluate") {
        return Err(NotPermitted::unavailable(
            "the approval has a mode that is not known",
            "",
        ));
    }
    let approval = result
        .get("approval")
        .and_then(Value::as_object)
        .ok_or_else(incomplete)?;
    let text = |name: &str| approval.get(name).and_then(Value::as_str);
    text("id")
        .filter(|id| !id.is_empty())
        .ok_or_else(incomplete)?;
    let until = text("approved_until")
        .and_then(Timestamp::from_rfc3339)
        .ok_or_else(incomplete)?;
    if until <= now {
        return Err(NotPermitted::Expired("the approval is over"));
    }
    let instead = match approval.get("authorization_details") {
        None => None,
        Some(Value::Array(objects)) => match objects.as_slice() {
            [Value::Object(only)] => Some(only.clone()),
            _ => return Err(incomplete()),
        },
        Some(_) => return Err(incomplete()),
    };
    Ok(GivenApproval {
        approval: Value::Object(approval.clone()),
        instead,
    })
}

/// Between two polls, where the server says nothing.
const INTERVAL: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
