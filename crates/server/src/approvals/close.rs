//! Ends pending requests without a decision: expired, superseded, cancelled, or stopped with their agent. One way for all of
//! them: the guarded statement, an event each, the client told by the outbox; after the commit whoever waits is woken. What a stop
//! ends is never read here, however much it is: its clients are told in batches (`notifications/stop_notice.rs`).

use serde_json::{Value, json};
use writ_core::event::{Event, EventName};
use writ_core::id::{ApprovalId, DelegationId, EventId, UserId};
use writ_core::pending::{Ending, Kind, PendingRequest, is_same_content};
use writ_core::task::{Subject, Task};
use writ_store::pending::{EndedRequest, ResourceSilence};
use writ_store::stop::{RequestsOf, StoppedRequests};
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::metrics::CountedQuestion;
use crate::node::waiting::{StoppedAsker, StoppedQuestions};
use crate::notifications::not_done_notice;
use crate::notifications::outbox::{self, OutboxContext, StoppedPair};

/// What ended in a transaction: announce it after the commit.
#[must_use = "whoever waits for them hears of it after the commit"]
#[derive(Default)]
pub struct Endings {
    requests: Vec<PendingRequest>,
    /// Of those that resource servers asked, what is counted.
    counted: Vec<CountedQuestion>,
    /// Whose requests a stop ended.
    stopped: Vec<StoppedQuestions>,
}

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
        match ended.decided_at {
            None => outbox::request_ended(app, transaction, &ended.request).await?,
            // Who said no knows it, and who set another password is told of that.
            Some(_) if matches!(ending, Ending::TakenBack { .. } | Ending::Recovered(_)) => {}
            // A decision has its own ping or push, which finds how it ended. Of an action nobody else tells the people.
            Some(_) => not_done_notice::approval_unused(app, transaction, &ended.request).await?,
        }
        if ended.request.kind == Kind::Access {
            endings.counted.push(counted(&ended, ending));
        }
        endings.requests.push(ended.request);
    }
    Ok(endings)
}

/// A person said no to this: what was approved for the same before, and nobody used, is taken back. However it is asked, in whatever words,
/// and also where its type or action was described otherwise then.
pub async fn take_back(
    app: &App,
    transaction: &mut DatabaseTransaction,
    denied: &PendingRequest,
    now: Timestamp,
) -> Result<Endings, Failure> {
    let mut endings = Endings::default();
    let Some(subject) = &denied.subject else {
        return Ok(endings);
    };
    let unused = transaction.unused_approvals(subject, &denied.client, now);
    for approved in unused.await? {
        if is_same_content(&approved.asked.authority, &denied.asked.authority) {
            let ending = Ending::TakenBack {
                approved: &approved,
                by: &denied.id,
            };
            endings.add(end(app, transaction, ending, now).await?);
        }
    }
    Ok(endings)
}

/// What was approved for this person before they set another password by a link, and nobody used, is good for nothing any more: whoever had
/// the password before may have agreed to it.
pub async fn end_unused(
    app: &App,
    transaction: &mut DatabaseTransaction,
    subject: &UserId,
    now: Timestamp,
) -> Result<Endings, Failure> {
    let mut endings = Endings::default();
    for approved in transaction.unused_approvals_of(subject, now).await? {
        let ending = Ending::Recovered(&approved);
        endings.add(end(app, transaction, ending, now).await?);
    }
    Ok(endings)
}

/// Denies everything that this client asked this person, and that others asked below what it holds, also what was approved and not
/// fetched; as many statements for one request as for a hundred thousand.
pub async fn deny_all(
    app: &App,
    transaction: &mut DatabaseTransaction,
    pair: StoppedPair<'_>,
    now: Timestamp,
) -> Result<Endings, Failure> {
    let StoppedPair { subject, client } = pair;
    let (of, event) = (RequestsOf::Client(client), app.event_id(now));
    let denied = transaction.stop_requests(subject, of, &event, now).await?;
    // A decision has its own ping or push, which finds how it ended.
    if denied.undecided > 0 {
        outbox::requests_stopped(&app.outbox(), transaction, pair, &event, now).await?;
    }
    let stopped = StoppedAsker::Client(client.clone());
    Ok(Endings::of_stop(denied, subject, stopped))
}

/// What of a task is about to end, and what the ids of the events of its requests begin with.
#[derive(Clone, Copy)]
pub struct EndingPart<'a> {
    pub task: &'a Task,
    /// With everything below it; absent for the whole task.
    pub piece: Option<&'a DelegationId>,
    pub event: &'a EventId,
    pub at: Timestamp,
}

/// The same of everything that is asked of the task's person within it, whoever asks. Nobody is asked in the task of an agent's own work.
pub async fn deny_within(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    ending: EndingPart<'_>,
) -> Result<Endings, Failure> {
    let EndingPart {
        task, event, at, ..
    } = ending;
    let Subject::Person(person) = &task.subject else {
        return Ok(Endings::default());
    };
    let subject = &UserId::from_text(person.as_str());
    let of = match ending.piece {
        None => RequestsOf::Task(&task.id),
        Some(piece) => RequestsOf::Delegation(piece),
    };
    transaction.guard_person(subject, at).await?;
    let denied = transaction.stop_requests(subject, of, event, at).await?;
    // As above.
    if denied.undecided > 0 {
        let client = &task.client;
        let pair = StoppedPair { subject, client };
        outbox::requests_stopped(outbox, transaction, pair, event, at).await?;
    }
    let stopped = StoppedAsker::Task(task.id.clone());
    Ok(Endings::of_stop(denied, subject, stopped))
}

/// The same of everything that this resource server asks this person, whoever its callers are; it polls, so that nobody is told. The ids
/// of the events begin with `report`, the one of the report.
pub async fn deny_all_of_resource(
    transaction: &mut DatabaseTransaction,
    silence: ResourceSilence<'_>,
    report: &EventId,
    now: Timestamp,
) -> Result<(StoppedRequests, Endings), StoreError> {
    let (subject, resource) = (silence.subject, silence.resource);
    let of = RequestsOf::Resource(resource);
    let denied = transaction.stop_requests(subject, of, report, now).await?;
    let stopped = StoppedAsker::Resource(resource.clone());
    Ok((denied, Endings::of_stop(denied, subject, stopped)))
}

impl Endings {
    pub fn announce(&self, app: &App) {
        for request in &self.requests {
            app.waiting.announce_request(request);
        }
        for counted in &self.counted {
            app.metrics.access.question(*counted);
        }
        for stopped in &self.stopped {
            app.waiting.announce_stop(stopped);
        }
        if !self.is_empty() {
            app.notices.wake();
        }
    }

    /// Whether people of a later stage had been asked.
    pub fn was_escalated(&self) -> bool {
        self.requests.iter().any(|request| request.stage > 0)
    }

    pub fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.stopped.is_empty()
    }

    pub fn add(&mut self, more: Self) {
        self.requests.extend(more.requests);
        self.counted.extend(more.counted);
        self.stopped.extend(more.stopped);
    }

    fn of_stop(denied: StoppedRequests, subject: &UserId, asker: StoppedAsker) -> Self {
        let subject = subject.clone();
        let stopped = (denied.ended > 0).then_some(StoppedQuestions { subject, asker });
        Self {
            stopped: stopped.into_iter().collect(),
            ..Self::default()
        }
    }

    pub fn ids(&self) -> Vec<&ApprovalId> {
        self.requests.iter().map(|request| &request.id).collect()
    }
}

fn counted(ended: &EndedRequest, ending: Ending<'_>) -> CountedQuestion {
    match (ending, ended.decided_at) {
        (Ending::Late(_), None) => CountedQuestion::Expired,
        (Ending::Late(_), Some(_)) => CountedQuestion::Lapsed,
        (
            Ending::Superseded(_)
            | Ending::DescribedAnew { .. }
            | Ending::Cancelled { .. }
            | Ending::Withdrawn(_)
            | Ending::TakenBack { .. }
            | Ending::Recovered(_),
            _,
        ) => CountedQuestion::Cancelled,
    }
}

fn event(app: &App, ended: &EndedRequest, ending: Ending<'_>, now: Timestamp) -> Event {
    let request = &ended.request;
    let name = match ending {
        Ending::Late(_)
        | Ending::Superseded(_)
        | Ending::DescribedAnew { .. }
        | Ending::TakenBack { .. }
        | Ending::Recovered(_) => EventName::ApprovalExpired,
        Ending::Cancelled { .. } | Ending::Withdrawn(_) => EventName::ApprovalCancelled,
    };
    let mut event = about(app, request, name, now);
    event.reason = ending.reason().map(str::to_owned);
    let mut data = json!({
        "approval": request.id,
        "kind": request.kind.as_str(),
        "undecided": ended.decided_at.is_none(),
    });
    match ending {
        Ending::Late(_) | Ending::Withdrawn(_) | Ending::Recovered(_) => {}
        Ending::Superseded(by) => insert(&mut data, "superseded_by", json!(by.id)),
        Ending::DescribedAnew { by, .. } => insert(&mut data, "superseded_by", json!(by)),
        Ending::TakenBack { by, .. } => insert(&mut data, "superseded_by", json!(by)),
        Ending::Cancelled { because, .. } => insert(&mut data, "because", json!(because)),
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
    if let Some(asked) = &request.asked.access {
        event = event.at_resource(asked.resource.as_str());
    }
    event
}
