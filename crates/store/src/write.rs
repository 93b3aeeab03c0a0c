//! All rows that a token needs, in one round trip and one database transaction, so that no token exists without its audit event:
//! replay claims, a task, a delegation, an event. Each of them alone is inserted here too, so that each text stands once.

use writ_core::delegation::Delegation;
use writ_core::event::Event;
use writ_core::id::DelegationId;
use writ_core::task::Task;
use writ_jose::key::Thumbprint;

use crate::clock::KEPT_AFTER_ACCEPTANCE;
use crate::delegation::{ACT, APPROVAL as DELEGATION_APPROVAL, AUTHORITY as DELEGATED, ONWARD};
use crate::error::{Result, StoreError};
use crate::event::data_column;
use crate::json;
use crate::replay::{MAX_CLAIMS, ReplayClaim};
use crate::store::DatabaseTransaction;
use crate::task::{APPROVAL, AUTHORITY, AUTHORITY_VERSION};

/// Rows that are inserted together. What is absent is not inserted.
#[derive(Clone, Copy, Default)]
pub struct InsertBatch<'a> {
    /// At most [`MAX_CLAIMS`].
    pub claims: &'a [ReplayClaim],
    pub task: Option<&'a Task>,
    pub delegation: Option<&'a Delegation>,
    pub event: Option<&'a Event>,
}

impl InsertBatch<'_> {
    const fn is_nothing(&self) -> bool {
        let rows = self.task.is_some() || self.delegation.is_some() || self.event.is_some();
        self.claims.is_empty() && !rows
    }
}

/// After anything but `All` the caller rolls back: a part may have been written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsertOutcome {
    All,
    /// The claim at this index was used before.
    Replayed(usize),
    /// The task's client is unknown or stopped, or its owner or sponsor disabled, or its person paused it.
    ClientStopped,
}

row! { WrittenRow { written: String } }

/// A claim that waits for another node's transaction loses or wins with it.
macro_rules! claims {
    () => {
        "INSERT INTO replays (tenant, digest, expires_at)
        SELECT CAST($tenant AS TEXT), c.digest, c.expires_at FROM (
            SELECT CAST($claim_1 AS TEXT) AS digest, \
            CAST($claim_1_expires_at AS BIGINT) AS expires_at
            UNION ALL SELECT CAST($claim_2 AS TEXT), CAST($claim_2_expires_at AS BIGINT)
            UNION ALL SELECT CAST($claim_3 AS TEXT), CAST($claim_3_expires_at AS BIGINT)
        ) c
        WHERE c.digest IS NOT NULL
        ON CONFLICT DO NOTHING
        RETURNING digest AS written"
    };
}

/// `FROM`: the client `c` of that id, while neither it nor its owner or sponsor is stopped.
macro_rules! active_client {
    ($id:literal) => {
        concat!(
            "clients c
            LEFT JOIN agents a ON a.tenant = c.tenant AND a.client_id = c.id
            LEFT JOIN users o ON o.tenant = a.tenant AND o.id = a.owner_id
            LEFT JOIN users s ON s.tenant = a.tenant AND s.id = a.sponsor_id
            WHERE c.tenant = $tenant AND c.id = ",
            $id,
            " AND c.stopped_at IS NULL
                AND (a.client_id IS NULL OR (o.id IS NOT NULL AND o.disabled_at IS NULL
                    AND s.id IS NOT NULL AND s.disabled_at IS NULL))"
        )
    };
}

/// State is never cached: the row is written only while the client, its owner and its sponsor are active, and its person did not pause it.
macro_rules! task {
    () => {
        concat!(
            "INSERT INTO tasks (tenant, id, subject_kind, subject, client_id, purpose, authority,
            authority_version, salt, transaction_id, approval, created_at, expires_at)
        SELECT c.tenant, CAST($task_id AS TEXT), CAST($task_subject_kind AS TEXT), \
            CAST($task_subject AS TEXT), c.id,
            CAST($task_purpose AS TEXT), CAST($task_authority AS TEXT), \
            CAST($task_authority_version AS BIGINT), CAST($task_salt AS TEXT),
            CAST($task_transaction AS TEXT), CAST($task_approval AS TEXT), \
            CAST($task_created_at AS BIGINT), CAST($task_expires_at AS BIGINT)
        FROM ",
            active_client!("$task_client"),
            "
            AND NOT EXISTS (SELECT 1 FROM paused_clients k WHERE k.tenant = c.tenant
                AND k.subject = CAST($task_subject AS TEXT) AND k.client_id = c.id)
        RETURNING id AS written"
        )
    };
}

macro_rules! delegation {
    () => {
        "INSERT INTO delegations (tenant, id, task_id, parent_id, path, holder, requested_by, authority,
            onward, act, jkt, created_at, expires_at, asked_by, approval)
        SELECT CAST($tenant AS TEXT), CAST($delegation_id AS TEXT), CAST($delegation_task AS TEXT), \
            CAST($delegation_parent AS TEXT),
            CAST($delegation_path AS TEXT), CAST($delegation_holder AS TEXT), \
            CAST($delegation_requested_by AS TEXT), CAST($delegation_authority AS TEXT),
            CAST($delegation_onward AS TEXT), CAST($delegation_act AS TEXT), CAST($delegation_jkt AS TEXT), \
            CAST($delegation_created_at AS BIGINT),
            CAST($delegation_expires_at AS BIGINT), CAST($delegation_asked_by AS TEXT), \
            CAST($delegation_approval AS TEXT)
        WHERE CAST($delegation_id AS TEXT) IS NOT NULL
        RETURNING id AS written"
    };
}

macro_rules! event {
    () => {
        "INSERT INTO events (tenant, id, at, name, subject, actor_path, client_id, owner, sponsor, task_id,
            delegation_id, purpose, resource, details_hash, decision, reason, transaction_id, data)
        SELECT CAST($tenant AS TEXT), CAST($event_id AS TEXT), CAST($event_at AS BIGINT), \
            CAST($event_name AS TEXT),
            CAST($event_subject AS TEXT), CAST($event_actor_path AS TEXT), \
            CAST($event_client AS TEXT), CAST($event_owner AS TEXT),
            CAST($event_sponsor AS TEXT), CAST($event_task AS TEXT), \
            CAST($event_delegation AS TEXT), CAST($event_purpose AS TEXT),
            CAST($event_resource AS TEXT), CAST($event_details_hash AS TEXT), \
            CAST($event_decision AS TEXT), CAST($event_reason AS TEXT),
            CAST($event_transaction AS TEXT), CAST($event_data AS TEXT)
        WHERE CAST($event_id AS TEXT) IS NOT NULL
        RETURNING id AS written"
    };
}

mod decision;

/// SQLite runs several statements of one text, PostgreSQL several inserts of one statement.
const ON_SQLITE: &str = concat!(claims!(), ";", task!(), ";", delegation!(), ";", event!());
const ON_POSTGRES: &str = concat!(
    "WITH claimed AS (",
    claims!(),
    "), opened AS (",
    task!(),
    "), delegated AS (",
    delegation!(),
    "), recorded AS (",
    event!(),
    ") SELECT written FROM claimed UNION ALL SELECT written FROM opened
    UNION ALL SELECT written FROM delegated UNION ALL SELECT written FROM recorded"
);

impl DatabaseTransaction {
    pub async fn insert_batch(&mut self, batch: InsertBatch<'_>) -> Result<InsertOutcome> {
        if batch.claims.len() > MAX_CLAIMS {
            return Err(StoreError::TooMany {
                most: MAX_CLAIMS,
                what: "claims at once",
            });
        }
        if batch.is_nothing() {
            return Ok(InsertOutcome::All);
        }
        let rows = self.insert_rows(&batch).await?;
        let missing = |text: &str| !rows.iter().any(|row| row.written == text);
        let seen = batch.claims.iter().enumerate().position(|(place, once)| {
            let mut earlier = batch.claims.iter().take(place);
            earlier.any(|earlier| earlier.digest == once.digest) || missing(&once.digest)
        });
        if let Some(place) = seen {
            return Ok(InsertOutcome::Replayed(place));
        }
        if batch.task.is_some_and(|task| missing(task.id.as_str())) {
            return Ok(InsertOutcome::ClientStopped);
        }
        Ok(InsertOutcome::All)
    }

    async fn insert_rows(&mut self, batch: &InsertBatch<'_>) -> Result<Vec<WrittenRow>> {
        let (t, d, e) = (batch.task, batch.delegation, batch.event);
        let (claims, texts) = (SortedClaims::of(batch.claims), Texts::of(batch)?);
        all_by_name!(self, WrittenRow, (ON_SQLITE, ON_POSTGRES), {
            tenant: &self.tenant,
            claim_1: claims.digest(0),
            claim_1_expires_at: claims.expires_at(0),
            claim_2: claims.digest(1),
            claim_2_expires_at: claims.expires_at(1),
            claim_3: claims.digest(2),
            claim_3_expires_at: claims.expires_at(2),
            task_id: t.map(|t| t.id.as_str()),
            task_subject_kind: t.map(|t| t.subject.kind()),
            task_subject: t.map(|t| t.subject.as_str()),
            task_client: t.map(|t| t.client.as_str()),
            task_purpose: t.and_then(|t| t.purpose.as_deref()),
            task_authority: &texts.task_authority,
            task_authority_version: AUTHORITY_VERSION,
            task_salt: t.map(|t| t.salt.as_str()),
            task_transaction: t.map(|t| t.transaction.as_str()),
            task_approval: &texts.approval,
            task_created_at: t.map(|t| t.created_at.micros()),
            task_expires_at: t.map(|t| t.expires_at.micros()),
            delegation_id: d.map(|d| d.id.as_str()),
            delegation_task: d.map(|d| d.task.as_str()),
            delegation_parent: d.and_then(|d| d.parent.as_ref().map(DelegationId::as_str)),
            delegation_path: d.map(|d| d.path.as_str()),
            delegation_holder: d.map(|d| d.holder.as_str()),
            delegation_requested_by: d.map(|d| d.requested_by.as_str()),
            delegation_authority: &texts.delegation_authority,
            delegation_onward: &texts.onward,
            delegation_act: &texts.act,
            delegation_jkt: d.and_then(|d| d.jkt.as_ref().map(Thumbprint::as_str)),
            delegation_created_at: d.map(|d| d.created_at.micros()),
            delegation_expires_at: d.map(|d| d.expires_at.micros()),
            event_id: e.map(|e| e.id.as_str()),
            event_at: e.map(|e| e.at.micros()),
            event_name: e.map(|e| e.name.as_str()),
            event_subject: e.and_then(|e| e.subject.as_deref()),
            event_actor_path: e.and_then(|e| e.actor_path.as_deref()),
            event_client: e.and_then(|e| e.client.as_deref()),
            event_owner: e.and_then(|e| e.owner.as_deref()),
            event_sponsor: e.and_then(|e| e.sponsor.as_deref()),
            event_task: e.and_then(|e| e.task.as_deref()),
            event_delegation: e.and_then(|e| e.delegation.as_deref()),
            event_purpose: e.and_then(|e| e.purpose.as_deref()),
            event_resource: e.and_then(|e| e.resource.as_deref()),
            event_details_hash: e.and_then(|e| e.details_hash.as_deref()),
            event_decision: e.and_then(|e| e.decision),
            event_reason: e.and_then(|e| e.reason.as_deref()),
            event_transaction: e.and_then(|e| e.transaction.as_deref()),
            event_data: &texts.data,
            delegation_asked_by: d.and_then(|d| d.asked_by.as_ref().map(DelegationId::as_str)),
            delegation_approval: &texts.delegation_approval,
        })
    }
}

/// In the order of their digests: two requests with the same claims in other orders must not wait for each other.
struct SortedClaims<'a>(Vec<&'a ReplayClaim>);

impl<'a> SortedClaims<'a> {
    fn of(claims: &'a [ReplayClaim]) -> Self {
        let mut sorted: Vec<&ReplayClaim> = claims.iter().collect();
        sorted.sort_by(|a, b| a.digest.cmp(&b.digest));
        Self(sorted)
    }

    fn digest(&self, place: usize) -> Option<&'a str> {
        self.0.get(place).map(|once| once.digest.as_str())
    }

    fn expires_at(&self, place: usize) -> Option<i64> {
        let once = self.0.get(place)?;
        Some(once.expires_at.plus(KEPT_AFTER_ACCEPTANCE).micros())
    }
}

/// The columns that are JSON text.
struct Texts {
    task_authority: Option<String>,
    approval: Option<String>,
    delegation_authority: Option<String>,
    onward: Option<String>,
    act: Option<String>,
    delegation_approval: Option<String>,
    data: Option<String>,
}

impl Texts {
    fn of(batch: &InsertBatch<'_>) -> Result<Self> {
        let (t, d) = (batch.task, batch.delegation);
        Ok(Self {
            task_authority: json::optional(t.map(|t| &t.authority), AUTHORITY)?,
            approval: json::optional(t.map(|t| &t.approval), APPROVAL)?,
            delegation_authority: json::optional(d.map(|d| &d.authority), DELEGATED)?,
            onward: json::optional(d.map(|d| &d.onward), ONWARD)?,
            act: json::optional(d.and_then(|d| d.act.as_ref()), ACT)?,
            delegation_approval: json::optional(
                d.and_then(|d| d.approval.as_ref()),
                DELEGATION_APPROVAL,
            )?,
            data: batch.event.map(data_column).transpose()?,
        })
    }
}
