//! Tasks and their consents. A stop updates one row, the task's; every token below it reads that row.

use writ_core::consent::Consent;
use writ_core::id::{AGENT_PREFIX, ClientId, TaskId, TransactionId, UserId};
use writ_core::pause::PausedBecause;
use writ_core::task::{Subject, Task};
use writ_wire::time::Timestamp;

use crate::error::{Result, StoreError};
use crate::json::{self, time};
use crate::store::DatabaseTransaction;
use crate::write::{InsertBatch, InsertOutcome};

/// A task and whether somebody stopped it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTask {
    pub task: Task,
    pub stopped_at: Option<Timestamp>,
    /// It waits until its person lets it go on.
    pub suspended_at: Option<Timestamp>,
    /// If that is known.
    pub suspended_because: Option<PausedBecause>,
}

/// Tasks that one index has in the order in which they were made.
#[derive(Clone, Copy, Debug)]
pub enum TasksInOrder<'a> {
    All,
    Subject(&'a str),
    /// That this client opened.
    Client(&'a str),
}

/// The last live task of a page: the next page begins after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveCursor {
    pub expires_at: Timestamp,
    pub id: TaskId,
}

/// The version of the format of an authority.
pub(crate) const AUTHORITY_VERSION: i64 = 1;
pub(crate) const AUTHORITY: &str = "`tasks.authority`";
pub(crate) const APPROVAL: &str = "`tasks.approval`";

row! { TaskRow {
    task_id: String,
    subject_kind: String,
    subject: String,
    task_client: String,
    purpose: Option<String>,
    task_authority: String,
    authority_version: i64,
    salt: String,
    transaction_id: String,
    approval: String,
    task_created_at: i64,
    task_expires_at: i64,
    task_stopped_at: Option<i64>,
    task_suspended_at: Option<i64>,
    task_suspended_because: Option<String>,
} }

/// The columns of `TaskRow` from `tasks t`.
macro_rules! task_columns {
    () => {
        "t.id AS task_id, t.subject_kind, t.subject, t.client_id AS task_client, t.purpose,
        t.authority AS task_authority, t.authority_version, t.salt, t.transaction_id, t.approval,
        t.created_at AS task_created_at, t.expires_at AS task_expires_at,
        t.stopped_at AS task_stopped_at, t.suspended_at AS task_suspended_at,
        t.suspended_because AS task_suspended_because"
    };
}
pub(crate) use task_columns;

row! { LiveRow { live: i64 } }

row! { StoppedRow { subject_kind: String, subject: String, client_id: String } }

const INSERT_CONSENT: &str = "
    INSERT INTO consents (tenant, id, task_id, subject, client_id, shown, shown_hash, locale,
        method, given_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

const FIND: &str = concat!(
    "SELECT ",
    task_columns!(),
    " FROM tasks t WHERE t.tenant = $1 AND t.id = $2"
);

/// $2 the last id of the page before, $3 most.
const ALL_BEFORE: &str = concat!(
    "SELECT ",
    task_columns!(),
    " FROM tasks t WHERE t.tenant = $1 AND t.id < $2 ORDER BY t.id DESC LIMIT $3"
);

const OF_SUBJECT_BEFORE: &str = concat!(
    "SELECT ",
    task_columns!(),
    " FROM tasks t WHERE t.tenant = $1 AND t.id < $2 AND t.subject = $4
    ORDER BY t.id DESC LIMIT $3"
);

const OF_CLIENT_BEFORE: &str = concat!(
    "SELECT ",
    task_columns!(),
    " FROM tasks t WHERE t.tenant = $1 AND t.id < $2 AND t.client_id = $4
    ORDER BY t.id DESC LIMIT $3"
);

/// $3 now, $4 and $5 the last task of the page before, $6 most. Those that end last come first.
const LIVE_OF_PERSON: &str = concat!(
    "SELECT ",
    task_columns!(),
    " FROM tasks t WHERE t.tenant = $1 AND t.subject = $2 AND t.subject_kind = 'person'
        AND t.stopped_at IS NULL AND t.expires_at > $3
        AND t.expires_at <= $4 AND (t.expires_at < $4 OR t.id < $5)
    ORDER BY t.expires_at DESC, t.id DESC LIMIT $6"
);

/// Beyond every id.
const NEWEST: &str = "u";

const IS_LIVE_BETWEEN: &str = "
    SELECT CAST(1 AS BIGINT) AS live FROM tasks
    WHERE tenant = $1 AND client_id = $2 AND subject = $3 AND subject_kind = 'person'
        AND stopped_at IS NULL AND expires_at > $4
    LIMIT 1";

const STOP: &str = "
    UPDATE tasks SET stopped_at = $3 WHERE tenant = $1 AND id = $2 AND stopped_at IS NULL
    RETURNING subject_kind, subject, client_id";

const STOP_OF: &str = "
    UPDATE tasks SET stopped_at = $4
    WHERE tenant = $1 AND id = $2 AND subject_kind = 'person' AND subject = $3
        AND stopped_at IS NULL
    RETURNING subject_kind, subject, client_id";

impl DatabaseTransaction {
    /// Whether it was written: not for a client that is unknown or stopped, or whose owner or sponsor is disabled.
    pub async fn insert_task_if_active(&mut self, task: &Task) -> Result<bool> {
        let task = Some(task);
        let written = self
            .insert_batch(InsertBatch {
                task,
                ..InsertBatch::default()
            })
            .await?;
        Ok(written == InsertOutcome::All)
    }

    /// The exact text that was shown, and how the person agreed.
    pub async fn insert_consent(&mut self, task: &Task, consent: &Consent) -> Result<()> {
        execute!(
            self,
            INSERT_CONSENT,
            &self.tenant,
            consent.id.as_str(),
            task.id.as_str(),
            task.subject.as_str(),
            task.client.as_str(),
            &consent.shown,
            &consent.shown_hash,
            &consent.locale,
            consent.method,
            consent.at.micros(),
        )?;
        let (subject, client) = (task.subject.as_str(), &task.client);
        self.allow_client(subject, client, consent.at).await
    }

    pub async fn task(&mut self, id: &TaskId) -> Result<Option<StoredTask>> {
        let row = optional!(self, TaskRow, FIND, &self.tenant, id.as_str())?;
        row.map(TaskRow::read).transpose()
    }

    /// The newest before this id, or of all, newest first.
    pub async fn tasks_before(
        &mut self,
        which: TasksInOrder<'_>,
        id: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredTask>> {
        let (tenant, id, limit) = (&self.tenant, id.unwrap_or(NEWEST), i64::from(limit));
        let rows = match which {
            TasksInOrder::All => all!(self, TaskRow, ALL_BEFORE, tenant, id, limit)?,
            TasksInOrder::Subject(subject) => {
                all!(self, TaskRow, OF_SUBJECT_BEFORE, tenant, id, limit, subject)?
            }
            TasksInOrder::Client(client) => {
                all!(self, TaskRow, OF_CLIENT_BEFORE, tenant, id, limit, client)?
            }
        };
        rows.into_iter().map(TaskRow::read).collect()
    }

    /// Tasks of this person that are neither stopped nor expired, those that end last first.
    pub async fn live_tasks_of_person(
        &mut self,
        subject: &UserId,
        after: Option<&LiveCursor>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<StoredTask>> {
        let (expires_at, id) = match after {
            Some(cursor) => (cursor.expires_at.micros(), cursor.id.as_str()),
            None => (i64::MAX, NEWEST),
        };
        let rows = all!(
            self,
            TaskRow,
            LIVE_OF_PERSON,
            &self.tenant,
            subject.as_str(),
            now.micros(),
            expires_at,
            id,
            i64::from(limit)
        )?;
        rows.into_iter().map(TaskRow::read).collect()
    }

    /// Whether this client has a task for this person that is neither stopped nor expired.
    pub async fn has_live_task(
        &mut self,
        subject: &UserId,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<bool> {
        let row = optional!(
            self,
            LiveRow,
            IS_LIVE_BETWEEN,
            &self.tenant,
            client.as_str(),
            subject.as_str(),
            now.micros()
        )?;
        Ok(row.is_some_and(|row| row.live == 1))
    }

    /// Its delegations and tokens are invalid from this commit on, and its client has to ask the person again. Whether this call
    /// stopped it.
    pub async fn stop_task(&mut self, id: &TaskId, now: Timestamp) -> Result<bool> {
        let (id, now) = (id.as_str(), now.micros());
        // Before, because an undoing at the same moment is waited for; after, because its person may stop it at the same moment.
        self.forget_undoable_stops_of_task(id).await?;
        let stopped = optional!(self, StoppedRow, STOP, &self.tenant, id, now)?;
        if stopped.is_none() {
            self.forget_undoable_stops_of_task(id).await?;
        }
        self.stopped(stopped).await
    }

    /// The same, only for a task of this person.
    pub async fn stop_task_of(
        &mut self,
        id: &TaskId,
        person: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let (id, now) = (id.as_str(), now.micros());
        // As above.
        self.forget_undoable_stops_of_task_of(id, person).await?;
        let stopped = optional!(self, StoppedRow, STOP_OF, &self.tenant, id, person, now)?;
        if stopped.is_none() {
            self.forget_undoable_stops_of_task_of(id, person).await?;
        }
        self.stopped(stopped).await
    }

    /// No consent to an agent is remembered.
    async fn stopped(&mut self, stopped: Option<StoppedRow>) -> Result<bool> {
        let Some(row) = stopped else {
            return Ok(false);
        };
        let subject = Subject::from_row(&row.subject_kind, row.subject);
        if let Some(Subject::Person(person)) = subject
            && !row.client_id.starts_with(AGENT_PREFIX)
        {
            let (person, client) = (
                UserId::from_text(person),
                ClientId::from_text(row.client_id),
            );
            self.forget_consents(&person, &client).await?;
        }
        Ok(true)
    }
}

impl TaskRow {
    pub(crate) fn read(self) -> Result<StoredTask> {
        if self.authority_version != AUTHORITY_VERSION {
            return Err(StoreError::corrupt("`tasks.authority_version`"));
        }
        let because = self.task_suspended_because.as_deref();
        let subject = Subject::from_row(&self.subject_kind, self.subject)
            .ok_or_else(|| StoreError::corrupt("`tasks.subject_kind`"))?;
        Ok(StoredTask {
            task: Task {
                id: TaskId::from_text(self.task_id),
                subject,
                client: ClientId::from_text(self.task_client),
                purpose: self.purpose,
                authority: json::read(&self.task_authority, AUTHORITY)?,
                salt: self.salt,
                transaction: TransactionId::from_text(self.transaction_id),
                approval: json::read(&self.approval, APPROVAL)?,
                created_at: time(self.task_created_at),
                expires_at: time(self.task_expires_at),
            },
            stopped_at: self.task_stopped_at.map(time),
            suspended_at: self.task_suspended_at.map(time),
            suspended_because: because.and_then(PausedBecause::from_row),
        })
    }
}
