//! The audit log: an event is inserted in the database transaction of the change that it records. Refusals before authentication are
//! only counted, so that unauthenticated clients cannot fill it.

use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use writ_core::event::Event;
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json::{self, time};
use crate::request_scope::current_id;
use crate::store::DatabaseTransaction;
use crate::write::InsertBatch;

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

/// How often one endpoint refused with one code within one minute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefusalCount {
    /// The beginning of the minute; RFC 3339 in JSON.
    #[serde(serialize_with = "rfc3339")]
    pub minute: Timestamp,
    pub endpoint: String,
    pub code: String,
    pub refusals: i64,
}

/// The most counts that are listed.
pub const MAX_COUNTS: i64 = 10_000;

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

row! { CountRow { minute: i64, endpoint: String, code: String, refusals: i64 } }

/// `replace` compares exactly on both databases; `LIKE` does not, and `_` in an id would match anything.
const LIST: &str = "
    SELECT id, at, name, subject, actor_path, client_id, owner, sponsor, task_id, delegation_id,
        purpose, resource, details_hash, decision, reason, transaction_id, data
    FROM events WHERE tenant = $1
        AND (CAST($2 AS TEXT) IS NULL OR subject = $2)
        AND (CAST($3 AS TEXT) IS NULL OR client_id = $3
            OR replace('>' || actor_path || '>', '>' || $3 || '>', '') <> '>' || actor_path || '>')
        AND (CAST($4 AS TEXT) IS NULL OR task_id = $4)
        AND (CAST($5 AS TEXT) IS NULL OR name = $5)
    ORDER BY at DESC, id DESC LIMIT $6";

const COUNT: &str = "
    INSERT INTO refusal_counts (tenant, minute, endpoint, code, refusals) VALUES ($1, $2, $3, $4, 1)
    ON CONFLICT (tenant, minute, endpoint, code)
    DO UPDATE SET refusals = refusal_counts.refusals + 1";

const COUNTS: &str = "
    SELECT minute, endpoint, code, refusals FROM refusal_counts
    WHERE tenant = $1 AND minute >= $2 ORDER BY minute, endpoint, code LIMIT $3";

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

    /// The last `limit` events, the newest at the end.
    pub async fn events(&mut self, filter: EventFilter<'_>) -> Result<Vec<StoredEvent>> {
        let limit = i64::from(filter.limit);
        let rows = all!(
            self,
            EventRow,
            LIST,
            &self.tenant,
            filter.person,
            filter.agent,
            filter.task,
            filter.name,
            limit,
        )?;
        rows.into_iter().rev().map(EventRow::read).collect()
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

    /// From the minute of `since` on, at most `MAX_COUNTS`.
    pub async fn refusal_counts(&mut self, since: Timestamp) -> Result<Vec<RefusalCount>> {
        let since = minute(since).micros();
        let rows = all!(self, CountRow, COUNTS, &self.tenant, since, MAX_COUNTS)?;
        Ok(rows.into_iter().map(CountRow::read).collect())
    }
}

impl EventRow {
    fn read(self) -> Result<StoredEvent> {
        let (data, request) = without_request(json::read(&self.data, DATA)?);
        Ok(StoredEvent {
            id: self.id,
            at: time(self.at),
            name: self.name,
            subject: self.subject,
            actor_path: self.actor_path,
            client: self.client_id,
            owner: self.owner,
            sponsor: self.sponsor,
            task: self.task_id,
            delegation: self.delegation_id,
            purpose: self.purpose,
            resource: self.resource,
            details_hash: self.details_hash,
            decision: self.decision,
            reason: self.reason,
            transaction: self.transaction_id,
            request,
            data,
        })
    }
}

impl CountRow {
    fn read(self) -> RefusalCount {
        RefusalCount {
            minute: time(self.minute),
            endpoint: self.endpoint,
            code: self.code,
            refusals: self.refusals,
        }
    }
}

fn minute(now: Timestamp) -> Timestamp {
    let seconds = i64::try_from(MINUTE.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_seconds(now.seconds().div_euclid(seconds).saturating_mul(seconds))
}

fn rfc3339<S: Serializer>(at: &Timestamp, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.rfc3339())
}
