//! What a token leaves behind, in one round trip whatever it is (promise 4, DESIGN 8): claims of what is used once, a task,
//! a delegation, an event. Whoever needs one of them alone comes here too, so that each text stands once.

use writ_core::delegation::Delegation;
use writ_core::event::Event;
use writ_core::id::DelegationId;
use writ_core::task::Task;
use writ_jose::key::Thumbprint;

use crate::delegation::{ACT, APPROVAL as EDGE_APPROVAL, AUTHORITY as DELEGATED, ONWARD};
use crate::error::{Result, StoreError};
use crate::event::DATA;
use crate::json;
use crate::replay::{MAX_CLAIMS, Once};
use crate::store::{Link, Session};
use crate::task::{APPROVAL, AUTHORITY, AUTHORITY_VERSION};

/// What is written together. Whatever is absent is not written.
#[derive(Clone, Copy, Default)]
pub struct Writes<'a> {
    /// At most [`MAX_CLAIMS`].
    pub claims: &'a [Once],
    pub task: Option<&'a Task>,
    pub delegation: Option<&'a Delegation>,
    pub event: Option<&'a Event>,
}

impl Writes<'_> {
    const fn is_nothing(&self) -> bool {
        let rows = self.task.is_some() || self.delegation.is_some() || self.event.is_some();
        self.claims.is_empty() && !rows
    }
}

/// After anything but `All` the caller rolls back: a part may have been written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    All,
    /// The claim at this place was seen before.
    Seen(usize),
    /// The task's client is unknown or stopped, or its owner or sponsor disabled.
    ClientStopped,
}

row! { WrittenRow { written: String } }

/// A claim that waits for another node's transaction loses or wins with it.
macro_rules! claims {
    () => {
        "INSERT INTO replays (tenant, digest, expires_at)
        SELECT CAST($1 AS TEXT), c.digest, c.expires_at FROM (
            SELECT CAST($2 AS TEXT) AS digest, CAST($3 AS BIGINT) AS expires_at
            UNION ALL SELECT CAST($4 AS TEXT), CAST($5 AS BIGINT)
            UNION ALL SELECT CAST($6 AS TEXT), CAST($7 AS BIGINT)
        ) c
        WHERE c.digest IS NOT NULL
        ON CONFLICT DO NOTHING
        RETURNING digest AS written"
    };
}

/// State is never cached: the row is written only while the client, its owner and its sponsor are active.
macro_rules! task {
    () => {
        "INSERT INTO tasks (tenant, id, subject_kind, subject, client_id, purpose, authority,
            authority_version, salt, transaction_id, approval, created_at, expires_at)
        SELECT c.tenant, CAST($8 AS TEXT), CAST($9 AS TEXT), CAST($10 AS TEXT), c.id,
            CAST($12 AS TEXT), CAST($13 AS TEXT), CAST($14 AS BIGINT), CAST($15 AS TEXT),
            CAST($16 AS TEXT), CAST($17 AS TEXT), CAST($18 AS BIGINT), CAST($19 AS BIGINT)
        FROM clients c
        LEFT JOIN agents a ON a.tenant = c.tenant AND a.client_id = c.id
        LEFT JOIN users o ON o.tenant = a.tenant AND o.id = a.owner_id
        LEFT JOIN users s ON s.tenant = a.tenant AND s.id = a.sponsor_id
        WHERE c.tenant = $1 AND c.id = $11 AND c.stopped_at IS NULL
            AND (a.client_id IS NULL OR (o.id IS NOT NULL AND o.disabled_at IS NULL
                AND s.id IS NOT NULL AND s.disabled_at IS NULL))
        RETURNING id AS written"
    };
}

macro_rules! delegation {
    () => {
        "INSERT INTO delegations (tenant, id, task_id, parent_id, path, holder, requested_by, authority,
            onward, act, jkt, created_at, expires_at, asked_by, approval)
        SELECT CAST($1 AS TEXT), CAST($20 AS TEXT), CAST($21 AS TEXT), CAST($22 AS TEXT),
            CAST($23 AS TEXT), CAST($24 AS TEXT), CAST($25 AS TEXT), CAST($26 AS TEXT),
            CAST($27 AS TEXT), CAST($28 AS TEXT), CAST($29 AS TEXT), CAST($30 AS BIGINT),
            CAST($31 AS BIGINT), CAST($49 AS TEXT), CAST($50 AS TEXT)
        WHERE CAST($20 AS TEXT) IS NOT NULL
        RETURNING id AS written"
    };
}

macro_rules! event {
    () => {
        "INSERT INTO events (tenant, id, at, name, subject, actor_path, client_id, owner, sponsor, task_id,
            delegation_id, purpose, resource, details_hash, decision, reason, transaction_id, data)
        SELECT CAST($1 AS TEXT), CAST($32 AS TEXT), CAST($33 AS BIGINT), CAST($34 AS TEXT),
            CAST($35 AS TEXT), CAST($36 AS TEXT), CAST($37 AS TEXT), CAST($38 AS TEXT),
            CAST($39 AS TEXT), CAST($40 AS TEXT), CAST($41 AS TEXT), CAST($42 AS TEXT),
            CAST($43 AS TEXT), CAST($44 AS TEXT), CAST($45 AS TEXT), CAST($46 AS TEXT),
            CAST($47 AS TEXT), CAST($48 AS TEXT)
        WHERE CAST($32 AS TEXT) IS NOT NULL
        RETURNING id AS written"
    };
}

/// SQLite runs several statements of one text, PostgreSQL several writes of one statement.
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

impl Session {
    pub async fn write(&mut self, writes: Writes<'_>) -> Result<Written> {
        if writes.claims.len() > MAX_CLAIMS {
            return Err(StoreError::TooMany {
                most: MAX_CLAIMS,
                what: "claims at once",
            });
        }
        if writes.is_nothing() {
            return Ok(Written::All);
        }
        let rows = self.insert(&writes).await?;
        let missing = |text: &str| !rows.iter().any(|row| row.written == text);
        let seen = writes.claims.iter().enumerate().position(|(place, once)| {
            let mut earlier = writes.claims.iter().take(place);
            earlier.any(|earlier| earlier.digest == once.digest) || missing(&once.digest)
        });
        if let Some(place) = seen {
            return Ok(Written::Seen(place));
        }
        if writes.task.is_some_and(|task| missing(task.id.as_str())) {
            return Ok(Written::ClientStopped);
        }
        Ok(Written::All)
    }
    async fn insert(&mut self, writes: &Writes<'_>) -> Result<Vec<WrittenRow>> {
        let (t, d, e) = (writes.task, writes.delegation, writes.event);
        let (claims, texts) = (Claims::of(writes.claims), Texts::of(writes)?);
        let sql = self.link.text();
        all!(
            self,
            WrittenRow,
            sql,
            &self.tenant,
            claims.digest(0),
            claims.expires_at(0),
            claims.digest(1),
            claims.expires_at(1),
            claims.digest(2),
            claims.expires_at(2),
            t.map(|t| t.id.as_str()),
            t.map(|t| t.subject.kind()),
            t.map(|t| t.subject.as_str()),
            t.map(|t| t.client.as_str()),
            t.and_then(|t| t.purpose.as_deref()),
            &texts.task_authority,
            AUTHORITY_VERSION,
            t.map(|t| t.salt.as_str()),
            t.map(|t| t.transaction.as_str()),
            &texts.approval,
            t.map(|t| t.created_at.micros()),
            t.map(|t| t.expires_at.micros()),
            d.map(|d| d.id.as_str()),
            d.map(|d| d.task.as_str()),
            d.and_then(|d| d.parent.as_ref().map(DelegationId::as_str)),
            d.map(|d| d.path.as_str()),
            d.map(|d| d.holder.as_str()),
            d.map(|d| d.requested_by.as_str()),
            &texts.delegation_authority,
            &texts.onward,
            &texts.act,
            d.and_then(|d| d.jkt.as_ref().map(Thumbprint::as_str)),
            d.map(|d| d.created_at.micros()),
            d.map(|d| d.expires_at.micros()),
            e.map(|e| e.id.as_str()),
            e.map(|e| e.at.micros()),
            e.map(|e| e.name.as_str()),
            e.and_then(|e| e.subject.as_deref()),
            e.and_then(|e| e.actor_path.as_deref()),
            e.and_then(|e| e.client.as_deref()),
            e.and_then(|e| e.owner.as_deref()),
            e.and_then(|e| e.sponsor.as_deref()),
            e.and_then(|e| e.task.as_deref()),
            e.and_then(|e| e.delegation.as_deref()),
            e.and_then(|e| e.purpose.as_deref()),
            e.and_then(|e| e.resource.as_deref()),
            e.and_then(|e| e.details_hash.as_deref()),
            e.and_then(|e| e.decision),
            e.and_then(|e| e.reason.as_deref()),
            e.and_then(|e| e.transaction.as_deref()),
            &texts.data,
            d.and_then(|d| d.asked_by.as_ref().map(DelegationId::as_str)),
            &texts.edge_approval,
        )
    }
}

impl Link {
    const fn text(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => ON_SQLITE,
            Self::Postgres(_) => ON_POSTGRES,
        }
    }
}

/// In the order of their digests: two requests with the same claims in other orders must not wait for each other.
struct Claims<'a>(Vec<&'a Once>);

impl<'a> Claims<'a> {
    fn of(claims: &'a [Once]) -> Self {
        let mut sorted: Vec<&Once> = claims.iter().collect();
        sorted.sort_by(|a, b| a.digest.cmp(&b.digest));
        Self(sorted)
    }

    fn digest(&self, place: usize) -> Option<&'a str> {
        self.0.get(place).map(|once| once.digest.as_str())
    }

    fn expires_at(&self, place: usize) -> Option<i64> {
        self.0.get(place).map(|once| once.expires_at.micros())
    }
}

/// The columns that are JSON text.
struct Texts {
    task_authority: Option<String>,
    approval: Option<String>,
    delegation_authority: Option<String>,
    onward: Option<String>,
    act: Option<String>,
    edge_approval: Option<String>,
    data: Option<String>,
}

impl Texts {
    fn of(writes: &Writes<'_>) -> Result<Self> {
        let (t, d) = (writes.task, writes.delegation);
        Ok(Self {
            task_authority: json::optional(t.map(|t| &t.authority), AUTHORITY)?,
            approval: json::optional(t.map(|t| &t.approval), APPROVAL)?,
            delegation_authority: json::optional(d.map(|d| &d.authority), DELEGATED)?,
            onward: json::optional(d.map(|d| &d.onward), ONWARD)?,
            act: json::optional(d.and_then(|d| d.act.as_ref()), ACT)?,
            edge_approval: json::optional(d.and_then(|d| d.approval.as_ref()), EDGE_APPROVAL)?,
            data: json::optional(writes.event.map(|e| &e.data), DATA)?,
        })
    }
}
