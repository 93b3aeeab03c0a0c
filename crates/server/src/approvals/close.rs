//! Ends pending requests without a decision: expired, superseded, or stopped with their agent. One way for all of
//! them: the guarded statement, an event each, the client told by the outbox; after the commit whoever waits is woken.

use serde_json::{Value, json};
use writ_core::event::{Event, EventName};
use writ_core::id::ApprovalId;
use writ_core::pending::{Ending, PendingRequest};
use writ_store::DatabaseTransaction;
use writ_store::pending::EndedRequest;
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::node::failure::Failure;
use crate::notifications::outbox;

/// What ended in a transaction: announce it after the commit.
#[must_use = "whoever waits for them hears of it after the commit"]
#[derive(Default)]
pub struct Endings(Vec<PendingRequest>);

/// Ends them in the database transaction of what causes it.
pub async fn end(
    app: &App,
    transaction: &mut DatabaseTransaction,
    ending: Ending<'_>,
    now: Timestamp,
) -> Result<Endings, Failure> {
    let mut endings = Endings::default();
    for ended in transaction.end_pending(ending, now).await? {
        let event = event(app, &ended, ending, now);
        transaction.insert_event(&event).await?;
        // A decision has its own ping or push, which finds how it ended.
        if ended.decided_at.is_none() {
            outbox::request_ended(app, transaction, &ended.request).await?;
        }
        endings.0.push(ended.request);
    }
    Ok(endings)
}

impl Endings {
    pub fn announce(&self, app: &App) {
        for request in &self.0 {
            app.waiting.announce_request(request);
        }
        if !self.0.is_empty() {
            app.notices.wake();
        }
    }

    /// Whether people of a later stage had been asked.
    pub fn was_escalated(&self) -> bool {
        self.0.iter().any(|request| request.stage > 0)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn ids(&self) -> Vec<&ApprovalId> {
        self.0.iter().map(|request| &request.id).collect()
    }
}

fn event(app: &App, ended: &EndedRequest, ending: Ending<'_>, now: Timestamp) -> Event {
    let request = &ended.request;
    let name = match ending {
        Ending::Late(_) | Ending::Superseded(_) => EventName::ApprovalExpired,
        Ending::Stopped { .. } => EventName::ApprovalDenied,
    };
    let mut event = about(app, request, name, now);
    event.reason = ending.reason().map(str::to_owned);
    let mut data = json!({ "approval": request.id, "undecided": ended.decided_at.is_none() });
    match ending {
        Ending::Late(_) => {}
        Ending::Superseded(by) => insert(&mut data, "superseded_by", json!(by.id)),
        Ending::Stopped { .. } => event.decision = Some("deny"),
    }
    event.with(data)
}

fn insert(data: &mut Value, member: &str, value: Value) {
    if let Some(members) = data.as_object_mut() {
        members.insert(member.to_owned(), value);
    }
}

/// An event that nobody's visit led to.
pub fn about(app: &App, request: &PendingRequest, name: EventName, now: Timestamp) -> Event {
    let mut event = Event::new(app.event_id(now), now, name);
    event.subject = request.subject.as_ref().map(ToString::to_string);
    event.client = Some(request.client.to_string());
    event.task = request.task.as_ref().map(ToString::to_string);
    event.delegation = request.asked_by.as_ref().map(ToString::to_string);
    event
}
