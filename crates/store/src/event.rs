//! The audit log: an event is inserted in the database transaction of the change that it records. Refusals before authentication are
//! only counted, so that unauthenticated clients cannot fill it.

mod events_out;
mod latest;
mod rows;

use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use writ_core::event::Event;
use writ_core::id::{ClientId, UserId};
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json;
use crate::request_scope::current_id;
use crate::store::DatabaseTransaction;
use crate::write::InsertBatch;

pub use events_out::StoredSink;

/// Which events; an absent member does not filter.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventFilter<'a> {
    /// The subject.
    pub person: Option<&'a str>,
    /// The client, or any actor in the chain.
    pub agent: Option<&'a str>,
    pub task: Option<&'a str>,
    pub name: Option<&'a str>,
    pub limit: u32,
}

/// Events that one index has in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventsOf<'a> {
    All,
    Subject(&'a str),
    /// Of one client.
    Client(&'a str),
    /// What a client did for a person.
    Pair(&'a UserId, &'a ClientId),
    Task(&'a str),
    Named(&'a str),
    Resource(&'a str),
    /// What was refused or denied.
    Denied,
}

/// One row of the audit log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoredEvent {
    pub id: String,
    /// RFC 3339 in JSON.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
    pub name: String,
    pub subject: Option<String>,
    pub actor_path: Option<String>,
    pub client: Option<String>,
    pub owner: Option<String>,
    pub sponsor: Option<String>,
    pub task: Option<String>,
    pub delegation: Option<String>,
    pub purpose: Option<String>,
    pub resource: Option<String>,
    pub details_hash: Option<String>,
    pub decision: Option<String>,
    pub reason: Option<String>,
    pub transaction: Option<String>,
    /// The request in which it happened, as the log and the answer name it.
    pub request: Option<String>,
    pub data: Value,
}

const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const DATA: &str = "`events.data`";
/// The member of `events.data` that holds the request's id; no event has one of its own by that name.
const REQUEST: &str = "request_id";

/// The column `data`: what the event holds, and the request that is being answered.
pub(crate) fn data_column(event: &Event) -> Result<String> {
    let Some(request) = current_id() else {
        return json::write(&event.data, DATA);
    };
    let none = Map::new();
    let members = match &event.data {
        Value::Object(members) => members,
        Value::Null => &none,
        _ => return json::write(&event.data, DATA),
    };
    let request = &request;
    json::write(&RecordedData { members, request }, DATA)
}

#[derive(Serialize)]
struct RecordedData<'a> {
    #[serde(flatten)]
    members: &'a Map<String, Value>,
    #[serde(rename = "request_id")]
    request: &'a str,
}

/// The reverse of [`data_column`].
fn without_request(mut data: Value) -> (Value, Option<String>) {
    let Some(members) = data.as_object_mut() else {
        return (data, None);
    };
    let Some(Value::String(request)) = members.remove(REQUEST) else {
        return (data, None);
    };
    let data = if members.is_empty() {
        Value::Null
    } else {
        data
    };
    (data, Some(request))
}

row! { EventRow {
    id: String,
    at: i64,
    name: String,
    subject: Option<String>,
    actor_path: Option<String>,
    client_id: Option<String>,
    owner: Option<String>,
    sponsor: Option<String>,
    task_id: Option<String>,
    delegation_id: Option<String>,
    purpose: Option<String>,
    resource: Option<String>,
    details_hash: Option<String>,
    decision: Option<String>,
    reason: Option<String>,
    transaction_id: Option<String>,
    data: String,
} }

macro_rules! event_columns {
    () => {
        "e.id, e.at, e.name, e.subject, e.actor_path, e.client_id, e.owner, e.sponsor, e.task_id,
        e.delegation_id, e.purpose, e.resource, e.details_hash, e.decision, e.reason,
        e.transaction_id, e.data"
    };
}
use event_columns;

/// $2 the last id of the page before, $3 most. An id begins with the time at which it was made.
macro_rules! page {
    ($condition:literal, $order:literal) => {
        concat!(
            "SELECT ",
            event_columns!(),
            " FROM events e WHERE e.tenant = $1",
            $condition,
            $order
        )
    };
}

/// Backwards and forwards.
macro_rules! pages {
    ($condition:literal) => {
        [
            page!($condition, " AND e.id < $2 ORDER BY e.id DESC LIMIT $3"),
            page!($condition, " AND e.id > $2 ORDER BY e.id LIMIT $3"),
        ]
    };
}

const ALL: [&str; 2] = pages!("");
const OF_SUBJECT: [&str; 2] = pages!(" AND e.subject = $4");
const OF_CLIENT: [&str; 2] = pages!(" AND e.client_id = $4");
const OF_TASK: [&str; 2] = pages!(" AND e.task_id = $4");
const NAMED: [&str; 2] = pages!(" AND e.name = $4");
const OF_RESOURCE: [&str; 2] = pages!(" AND e.resource = $4");
const DENIED: [&str; 2] = pages!(" AND e.decision = 'deny'");
/// The index has people only.
const OF_PAIR: [&str; 2] =
    pages!(" AND e.subject = $4 AND e.client_id = $5 AND substr(e.subject, 1, 4) = 'usr_'");

const ONE: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM events e WHERE e.tenant = $1 AND e.id = $2"
);

/// Beyond every id, and before.
const NEWEST: &str = "f";
const OLDEST: &str = "";
/// Events that one query returns where a filter is applied to what it found.
const PAGE: u32 = 200;

const COUNT: &str = "
    INSERT INTO refusal_counts (tenant, minute, endpoint, code, refusals) VALUES ($1, $2, $3, $4, 1)
    ON CONFLICT (tenant, minute, endpoint, code)
    DO UPDATE SET refusals = refusal_counts.refusals + 1";

impl DatabaseTransaction {
    pub async fn insert_event(&mut self, event: &Event) -> Result<()> {
        let event = Some(event);
        self.insert_batch(InsertBatch {
            event,
            ..InsertBatch::default()
        })
        .await?;
        Ok(())
    }

    /// The newest before this id, or of all, newest first.
    pub async fn events_before(
        &mut self,
        of: EventsOf<'_>,
        id: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredEvent>> {
        let [sql, _] = of.texts();
        self.page_of_events(of, sql, id.unwrap_or(NEWEST), limit)
            .await
    }

    /// The oldest after this id, or of all, oldest first.
    pub async fn events_after(
        &mut self,
        of: EventsOf<'_>,
        id: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredEvent>> {
        let [_, sql] = of.texts();
        self.page_of_events(of, sql, id.unwrap_or(OLDEST), limit)
            .await
    }

    pub async fn event(&mut self, id: &str) -> Result<Option<StoredEvent>> {
        let row = optional!(self, EventRow, ONE, &self.tenant, id)?;
        row.map(EventRow::read).transpose()
    }

    async fn page_of_events(
        &mut self,
        of: EventsOf<'_>,
        sql: &'static str,
        id: &str,
        limit: u32,
    ) -> Result<Vec<StoredEvent>> {
        let (tenant, limit) = (&self.tenant, i64::from(limit));
        let rows = match of {
            EventsOf::All | EventsOf::Denied => all!(self, EventRow, sql, tenant, id, limit)?,
            EventsOf::Subject(one)
            | EventsOf::Client(one)
            | EventsOf::Task(one)
            | EventsOf::Named(one)
            | EventsOf::Resource(one) => all!(self, EventRow, sql, tenant, id, limit, one)?,
            EventsOf::Pair(subject, client) => {
                let (subject, client) = (subject.as_str(), client.as_str());
                all!(self, EventRow, sql, tenant, id, limit, subject, client)?
            }
        };
        rows.into_iter().map(EventRow::read).collect()
    }

    /// The last `limit` events, the newest at the end.
    pub async fn events(&mut self, filter: EventFilter<'_>) -> Result<Vec<StoredEvent>> {
        let most = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        let mut found = Vec::new();
        let mut before = None;
        while found.len() < most {
            let page = self
                .events_before(filter.of(), before.as_deref(), PAGE)
                .await?;
            let is_last = page.len() < PAGE as usize;
            before = page.last().map(|event| event.id.clone());
            found.extend(page.into_iter().filter(|event| filter.admits(event)));
            if is_last {
                break;
            }
        }
        found.truncate(most);
        found.reverse();
        Ok(found)
    }

    /// One more refusal of this minute, before anybody was authenticated.
    pub async fn count_refusal(
        &mut self,
        endpoint: &str,
        code: &str,
        now: Timestamp,
    ) -> Result<()> {
        execute!(
            self,
            COUNT,
            &self.tenant,
            minute(now).micros(),
            endpoint,
            code
        )?;
        Ok(())
    }
}

impl<'a> EventFilter<'a> {
    /// The index that has the fewest others. One for the actors of a chain there is not: they are looked for among all.
    pub const fn of(&self) -> EventsOf<'a> {
        match *self {
            Self {
                task: Some(task), ..
            } => EventsOf::Task(task),
            Self {
                person: Some(person),
                ..
            } => EventsOf::Subject(person),
            Self {
                name: Some(name), ..
            } => EventsOf::Named(name),
            _ => EventsOf::All,
        }
    }

    /// Whether the event is one of them.
    pub fn admits(&self, event: &StoredEvent) -> bool {
        let is = |wanted: Option<&str>, found: Option<&str>| wanted.is_none() || wanted == found;
        is(self.person, event.subject.as_deref())
            && is(self.task, event.task.as_deref())
            && is(self.name, Some(&event.name))
            && self.agent.is_none_or(|agent| event.is_of(agent))
    }
}

impl EventsOf<'_> {
    const fn texts(&self) -> [&'static str; 2] {
        match self {
            Self::All => ALL,
            Self::Subject(_) => OF_SUBJECT,
            Self::Client(_) => OF_CLIENT,
            Self::Pair(..) => OF_PAIR,
            Self::Task(_) => OF_TASK,
            Self::Named(_) => NAMED,
            Self::Resource(_) => OF_RESOURCE,
            Self::Denied => DENIED,
        }
    }
}

impl StoredEvent {
    /// Whether this is the client, or an actor in the chain.
    fn is_of(&self, agent: &str) -> bool {
        let mut actors = self.actor_path.iter().flat_map(|path| path.split('>'));
        self.client.as_deref() == Some(agent) || actors.any(|actor| actor == agent)
    }
}

pub(crate) fn minute(now: Timestamp) -> Timestamp {
    let seconds = i64::try_from(MINUTE.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_seconds(now.seconds().div_euclid(seconds).saturating_mul(seconds))
}

fn rfc3339<S: Serializer>(at: &Timestamp, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.rfc3339())
}
