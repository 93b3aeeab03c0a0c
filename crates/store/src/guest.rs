//! What each grant of a guest keeps of the client's metadata document, and tasks that wait until their person lets them go on.

use writ_core::event::EventName;
use writ_core::guest::KeptDocument;
use writ_core::id::{ClientId, TaskId};
use writ_core::pause::PausedBecause;
use writ_core::task::Task;
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json;
use crate::stop::StopEvents;
use crate::store::DatabaseTransaction;

const DOCUMENT: &str = "`guest_grants.document`";

row! { DocumentRow { document: String } }

row! { SuspendedRow { suspended: i64 } }

row! { IdRow { id: String } }

const INSERT: &str = "
    INSERT INTO guest_grants (tenant, task_id, client_id, subject, document, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

const OF_TASK: &str = "SELECT document FROM guest_grants WHERE tenant = $1 AND task_id = $2";

const NEWEST: &str = "
    SELECT document FROM guest_grants WHERE tenant = $1 AND client_id = $2 AND subject = $3
    ORDER BY created_at DESC, task_id DESC LIMIT 1";

const REPLACE: &str = "UPDATE guest_grants SET document = $3 WHERE tenant = $1 AND task_id = $2";

/// Live tasks whose grants keep this very document.
macro_rules! kept {
    () => {
        "t.tenant = $tenant AND t.client_id = $client AND t.stopped_at IS NULL
            AND t.suspended_at IS NULL AND t.expires_at > $now AND t.id IN
            (SELECT g.task_id FROM guest_grants g
            WHERE g.tenant = $tenant AND g.client_id = $client AND g.document = $document)"
    };
}

macro_rules! suspended_events {
    ($from:expr) => {
        concat!(
            "INSERT INTO events (tenant, id, at, name, subject, client_id, task_id, purpose,
                transaction_id, data)
            SELECT t.tenant, CAST($event AS TEXT) || '_' || t.id, CAST($now AS BIGINT),             CAST($name AS TEXT), t.subject, t.client_id, t.id, t.purpose, t.transaction_id,
                CAST($data AS TEXT)
            FROM ",
            $from
        )
    };
}

const SUSPEND_ON_SQLITE: &str = concat!(
    suspended_events!(concat!("tasks t WHERE ", kept!())),
    "; UPDATE tasks AS t SET suspended_at = $now, suspended_because = $because WHERE ",
    kept!(),
    "; SELECT changes() AS suspended"
);
const SUSPEND_ON_POSTGRES: &str = concat!(
    "WITH suspended AS (UPDATE tasks AS t SET suspended_at = $now, suspended_because = $because WHERE ",
    kept!(),
    " RETURNING t.tenant, t.id, t.subject, t.client_id, t.purpose, t.transaction_id),
    recorded AS (",
    suspended_events!("suspended t"),
    ") SELECT COUNT(*) AS suspended FROM suspended"
);

const RESUME: &str = "
    UPDATE tasks SET suspended_at = NULL, suspended_because = NULL
    WHERE tenant = $1 AND id = $2 AND subject_kind = 'person' AND subject = $3
        AND stopped_at IS NULL AND suspended_at = $4";

/// Also where it is kept longer already: the row is locked, so that it is not deleted meanwhile.
const KEEP: &str = "
    UPDATE clients SET kept_until = CASE WHEN kept_until > $3 THEN kept_until ELSE $3 END
    WHERE tenant = $1 AND id = $2";

const FORGOTTEN: &str = "
    SELECT id FROM clients
    WHERE tenant = $1 AND kept_until <= $2 AND stopped_at IS NULL AND removed_at IS NULL
    ORDER BY kept_until LIMIT $3";

const FORGET: &str = "
    DELETE FROM clients
    WHERE tenant = $1 AND id = $2 AND kept_until <= $3 AND stopped_at IS NULL AND removed_at IS NULL";

/// Before its client, as everywhere.
const HOLD_REGISTRATION: &str = "
    UPDATE registrations SET token_digest = token_digest WHERE tenant = $1 AND client_id = $2";

const FORGET_REGISTRATION: &str = "DELETE FROM registrations WHERE tenant = $1 AND client_id = $2";

impl DatabaseTransaction {
    /// A guest has something to do until then: from this commit on it leaves only thirteen months after. `false` if there is no
    /// such client.
    pub async fn keep_guest_until(&mut self, guest: &ClientId, until: Timestamp) -> Result<bool> {
        let (id, tenant) = (guest.as_str(), &self.tenant);
        Ok(execute!(self, KEEP, tenant, id, until.micros())? == 1)
    }

    /// Guests that had nothing to do any more at that time, also those that registered themselves. One that an operator stopped
    /// stays stopped.
    pub async fn forgotten_guests(
        &mut self,
        ended: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClientId>> {
        let (ended, limit) = (ended.micros(), i64::from(limit));
        let rows = all!(self, IdRow, FORGOTTEN, &self.tenant, ended, limit)?;
        Ok(rows
            .into_iter()
            .map(|row| ClientId::from_text(row.id))
            .collect())
    }

    /// Deletes such a guest, with its registration; `false` if it got something to do meanwhile.
    pub async fn delete_forgotten_guest(
        &mut self,
        guest: &ClientId,
        ended: Timestamp,
    ) -> Result<bool> {
        let (id, tenant) = (guest.as_str(), &self.tenant);
        execute!(self, HOLD_REGISTRATION, tenant, id)?;
        let deleted = execute!(self, FORGET, &self.tenant, id, ended.micros())? == 1;
        if deleted {
            execute!(self, FORGET_REGISTRATION, &self.tenant, id)?;
        }
        Ok(deleted)
    }

    /// In the transaction of its task.
    pub async fn insert_guest_grant(&mut self, task: &Task, document: &KeptDocument) -> Result<()> {
        let document = json::write(document, DOCUMENT)?;
        execute!(
            self,
            INSERT,
            &self.tenant,
            task.id.as_str(),
            task.client.as_str(),
            task.subject.as_str(),
            document.as_str(),
            task.created_at.micros(),
            task.expires_at.micros(),
        )?;
        Ok(())
    }

    /// `None` for a task of no guest.
    pub async fn guest_grant(&mut self, task: &TaskId) -> Result<Option<KeptDocument>> {
        let row = optional!(self, DocumentRow, OF_TASK, &self.tenant, task.as_str())?;
        row.map(|row| json::read(&row.document, DOCUMENT))
            .transpose()
    }

    /// What this person last agreed to.
    pub async fn newest_guest_grant(
        &mut self,
        guest: &ClientId,
        subject: &str,
    ) -> Result<Option<KeptDocument>> {
        let row = optional!(
            self,
            DocumentRow,
            NEWEST,
            &self.tenant,
            guest.as_str(),
            subject
        )?;
        row.map(|row| json::read(&row.document, DOCUMENT))
            .transpose()
    }

    /// The grant goes on with the document as it is now.
    pub async fn replace_guest_grant(
        &mut self,
        task: &TaskId,
        document: &KeptDocument,
    ) -> Result<()> {
        let document = json::write(document, DOCUMENT)?;
        execute!(
            self,
            REPLACE,
            &self.tenant,
            task.as_str(),
            document.as_str()
        )?;
        Ok(())
    }

    /// Suspends all live tasks of this guest whose grants keep this very document, each with its event; says how many. From this commit
    /// on nothing below them is live.
    pub async fn suspend_guest_tasks(
        &mut self,
        guest: &ClientId,
        kept: &KeptDocument,
        events: StopEvents<'_>,
    ) -> Result<i64> {
        let rows = all_by_name!(self, SuspendedRow, (SUSPEND_ON_SQLITE, SUSPEND_ON_POSTGRES), {
            tenant: &self.tenant,
            client: guest.as_str(),
            document: json::write(kept, DOCUMENT)?,
            event: events.id.as_str(),
            name: EventName::TaskSuspended.as_str(),
            now: events.now.micros(),
            data: events.data,
            because: PausedBecause::DocumentWeaker.as_str(),
        })?;
        Ok(rows.first().map_or(0, |row| row.suspended))
    }

    /// Whether this call let a task of this person go on that was suspended at that time.
    pub async fn resume_task_of(
        &mut self,
        id: &TaskId,
        person: &str,
        suspended_at: Timestamp,
    ) -> Result<bool> {
        let resumed = execute!(
            self,
            RESUME,
            &self.tenant,
            id.as_str(),
            person,
            suspended_at.micros()
        )?;
        Ok(resumed == 1)
    }
}
