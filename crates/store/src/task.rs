//! Tasks and their consents. A stop updates one row, the task's; every token below it reads that row.

use writ_core::consent::Consent;
use writ_core::id::{AGENT_PREFIX, ClientId, TaskId, TransactionId, UserId};
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
}

/// Which tasks; an absent member does not filter.
#[derive(Clone, Copy, Debug, Default)]
pub struct TaskFilter<'a> {
    pub subject: Option<&'a str>,
    /// Neither stopped nor expired at this time.
    pub live_at: Option<Timestamp>,
    pub limit: u32,
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
} }

/// The columns of `TaskRow` from `tasks t`.
macro_rules! task_columns {
    () => {
        "t.id AS task_id, t.subject_kind, t.subject, t.client_id AS task_client, t.purpose,
        t.authority AS task_authority, t.authority_version, t.salt, t.transaction_id, t.approval,
        t.created_at AS task_created_at, t.expires_at AS task_expires_at,
        t.stopped_at AS task_stopped_at, t.suspended_at AS task_suspended_at"
    };
}
pub(crate) use task_columns;

row! { IdRow { id: String } }

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

const LIST: &str = concat!(
    "SELECT ",
    task_columns!(),
    " FROM tasks t WHERE t.tenant = $1
        AND (CAST($2 AS TEXT) IS NULL OR t.subject = $2)
        AND (CAST($3 AS BIGINT) IS NULL OR (t.stopped_at IS NULL AND t.expires_at > $3))
    ORDER BY t.created_at DESC, t.id DESC LIMIT $4"
);

const LIVE_BETWEEN: &str = "
    SELECT id FROM tasks
    WHERE tenant = $1 AND subject_kind = 'person' AND subject = $2 AND client_id = $3
        AND stopped_at IS NULL AND expires_at > $4
    ORDER BY created_at DESC, id DESC LIMIT $5";

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
        Ok(())
    }

    pub async fn task(&mut self, id: &TaskId) -> Result<Option<StoredTask>> {
        let row = optional!(self, TaskRow, FIND, &self.tenant, id.as_str())?;
        row.map(TaskRow::read).transpose()
    }

    /// The newest first.
    pub async fn tasks(&mut self, filter: TaskFilter<'_>) -> Result<Vec<StoredTask>> {
        let live_at = filter.live_at.map(Timestamp::micros);
        let limit = i64::from(filter.limit);
        let rows = all!(
            self,
            TaskRow,
            LIST,
            &self.tenant,
            filter.subject,
            live_at,
            limit
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
        let found = self.live_tasks_between(subject, client, now, 1).await?;
        Ok(!found.is_empty())
    }

    /// The newest first.
    pub async fn live_tasks_between(
        &mut self,
        subject: &UserId,
        client: &ClientId,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<TaskId>> {
        let (subject, client) = (subject.as_str(), client.as_str());
        let (now, limit) = (now.micros(), i64::from(limit));
        let rows = all!(
            self,
            IdRow,
            LIVE_BETWEEN,
            &self.tenant,
            subject,
            client,
            now,
            limit
        )?;
        Ok(rows
            .into_iter()
            .map(|row| TaskId::from_text(row.id))
            .collect())
    }

    /// Its delegations and tokens are invalid from this commit on, and its client has to ask the person again. Whether this call
    /// stopped it.
    pub async fn stop_task(&mut self, id: &TaskId, now: Timestamp) -> Result<bool> {
        let (id, now) = (id.as_str(), now.micros());
        let stopped = optional!(self, StoppedRow, STOP, &self.tenant, id, now)?;
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
        let stopped = optional!(self, StoppedRow, STOP_OF, &self.tenant, id, person, now)?;
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
        })
    }
}
