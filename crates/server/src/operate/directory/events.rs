//! The audit log, searched: one filter chooses the index, the others are applied to what it finds, within a bound.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use writ_core::id::{ClientId, EventId, UserId};
use writ_store::event::{EventsOf, StoredEvent};
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::time::Timestamp;

use super::{DirectoryPage, PageRequest};

/// Events that one page looks at, in steps of so many: where a search finds few, a page may be short, or empty, and have a next one.
pub const MAX_LOOKED_AT: u32 = 2000;
const STEP: u32 = 200;

/// Which events; an absent member does not filter.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventSearch<'a> {
    pub person: Option<&'a str>,
    /// The client that it concerns.
    pub agent: Option<&'a str>,
    pub task: Option<&'a str>,
    pub name: Option<&'a str>,
    pub resource: Option<&'a str>,
    pub outcome: Option<EventOutcome>,
    /// From this time on.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventOutcome {
    Permit,
    Deny,
}

impl EventOutcome {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "permit" => Some(Self::Permit),
            "deny" => Some(Self::Deny),
            _ => None,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Deny => "deny",
        }
    }
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EventEntry {
    pub id: String,
    pub at: String,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delegation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    pub data: Value,
}

impl EventSearch<'_> {
    fn admits(&self, event: &StoredEvent) -> bool {
        let is = |wanted: Option<&str>, found: Option<&str>| wanted.is_none() || wanted == found;
        is(self.person, event.subject.as_deref())
            && is(self.agent, event.client.as_deref())
            && is(self.task, event.task.as_deref())
            && is(self.name, Some(&event.name))
            && is(self.resource, event.resource.as_deref())
            && is(
                self.outcome.map(EventOutcome::as_str),
                event.decision.as_deref(),
            )
            && self.to.is_none_or(|to| event.at < to)
            && self.from.is_none_or(|from| event.at >= from)
    }

    /// Whether every event after it in the list is too early: those of one millisecond stand in no order.
    fn is_before(&self, event: &StoredEvent) -> bool {
        self.from
            .is_some_and(|from| event.at < from.minus(Duration::from_millis(1)))
    }
}

/// The index that has the fewest others.
fn index<'a>(search: &EventSearch<'a>, pair: Option<&'a (UserId, ClientId)>) -> EventsOf<'a> {
    if let Some(task) = search.task {
        return EventsOf::Task(task);
    }
    match (pair, search.person, search.agent) {
        (Some((person, agent)), ..) if person.as_str().starts_with(UserId::PREFIX) => {
            EventsOf::Pair(person, agent)
        }
        (_, Some(person), _) => EventsOf::Subject(person),
        (_, None, Some(agent)) => EventsOf::Client(agent),
        (_, None, None) => match (search.resource, search.name, search.outcome) {
            (Some(resource), ..) => EventsOf::Resource(resource),
            (None, Some(name), _) => EventsOf::Named(name),
            (None, None, Some(EventOutcome::Deny)) => EventsOf::Denied,
            _ => EventsOf::All,
        },
    }
}

/// The newest first.
pub async fn events(
    reading: &mut DatabaseTransaction,
    search: EventSearch<'_>,
    page: PageRequest<'_>,
) -> Result<DirectoryPage<EventEntry>, StoreError> {
    let pair = search.person.zip(search.agent);
    let pair = pair.map(|(person, agent)| (UserId::from_text(person), ClientId::from_text(agent)));
    let of = index(&search, pair.as_ref());
    let until = search.to.map(first_id_at);
    let mut before = page.after.map(str::to_owned).or(until);
    let (mut found, mut looked_at) = (Vec::new(), 0);
    let most = usize::try_from(page.limit).unwrap_or(usize::MAX);
    while looked_at < MAX_LOOKED_AT {
        let step = reading.events_before(of, before.as_deref(), STEP).await?;
        let is_last = step.len() < usize::try_from(STEP).unwrap_or(usize::MAX);
        for event in step {
            looked_at += 1;
            if search.is_before(&event) {
                return Ok(ended(found));
            }
            before = Some(event.id.clone());
            if search.admits(&event) {
                found.push(view(event));
            }
            if found.len() == most {
                return Ok(follows(found, before));
            }
        }
        if is_last {
            return Ok(ended(found));
        }
    }
    Ok(follows(found, before))
}

const fn follows(items: Vec<EventEntry>, next: Option<String>) -> DirectoryPage<EventEntry> {
    DirectoryPage { items, next }
}

const fn ended(items: Vec<EventEntry>) -> DirectoryPage<EventEntry> {
    DirectoryPage { items, next: None }
}

/// Below every id that is made at this time or later, and above those of a millisecond before.
fn first_id_at(time: Timestamp) -> String {
    // Ids count milliseconds: one that began before `time` may hold later events, which are looked at.
    let later = time.plus(Duration::from_millis(1));
    EventId::make(later, [0; writ_core::id::ENTROPY]).to_string()
}

pub async fn event(
    reading: &mut DatabaseTransaction,
    id: &str,
) -> Result<Option<EventEntry>, StoreError> {
    Ok(reading.event(id).await?.map(view))
}

fn view(event: StoredEvent) -> EventEntry {
    EventEntry {
        id: event.id,
        at: event.at.rfc3339(),
        name: event.name,
        subject: event.subject,
        actor_path: event.actor_path,
        client_id: event.client,
        task: event.task,
        delegation: event.delegation,
        purpose: event.purpose,
        resource: event.resource,
        decision: event.decision,
        reason: event.reason,
        transaction: event.transaction,
        request: event.request,
        data: event.data,
    }
}
