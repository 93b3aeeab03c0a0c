//! What operators do with the rows of clients, resources and users: list, change, remove. A removed row stays, so that what it
//! named is never registered again by another.

use writ_core::id::{ClientId, UserId};
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;

use crate::client::NewAgent;
use crate::error::Result;
use crate::store::DatabaseTransaction;

/// Rows of one page of a list that a command prints.
pub const PAGE: u32 = 500;

/// A client or an agent in a list.
#[derive(Clone, Debug)]
pub struct ListedClient {
    pub id: ClientId,
    /// The registration's JSON text.
    pub metadata: String,
    pub stopped: bool,
    pub created_at: Timestamp,
}

/// An agent in a list, with the people behind it.
#[derive(Clone, Debug)]
pub struct ListedAgent {
    pub client: ListedClient,
    pub owner: PersonState,
    pub sponsor: PersonState,
}

/// Whether somebody can stand behind an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonState {
    Active,
    Disabled,
    Removed,
    Unknown,
}

/// Whose tasks and refresh tokens.
#[derive(Clone, Copy, Debug)]
pub enum LiveOf<'a> {
    /// Those that it opened.
    Client(&'a ClientId),
    /// Those of which they are the subject.
    User(&'a UserId),
}

/// How much lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiveCounts {
    pub tasks: i64,
    pub refresh_tokens: i64,
}

/// The secrets of a client from a rotation on.
#[derive(Clone, Copy)]
pub struct RotatedSecret<'a> {
    pub digest: &'a str,
    /// Until when the earlier one is taken too.
    pub earlier_until: Option<Timestamp>,
}

row! { IdRow { id: String } }

row! { DocumentRow { document: String, removed_at: Option<i64> } }

row! { LiveRow { tasks: i64, refresh_tokens: i64 } }

row! { CountRow { n: i64 } }

/// Only over what was read, so that of two changes at once neither is lost in silence.
const REPLACE_CLIENT: &str = "
    UPDATE clients SET metadata = $4
    WHERE tenant = $1 AND id = $2 AND metadata = $3 AND removed_at IS NULL";

const REPLACE_AGENT: &str = "
    UPDATE agents SET owner_id = $3, sponsor_id = $4, publisher = $5
    WHERE tenant = $1 AND client_id = $2";

const ROTATE_SECRET: &str = "
    UPDATE clients SET earlier_secret_digest = CASE WHEN CAST($4 AS BIGINT) IS NULL THEN NULL
            ELSE secret_digest END,
        earlier_secret_until = $4, secret_digest = $3
    WHERE tenant = $1 AND id = $2 AND secret_digest IS NOT NULL AND removed_at IS NULL";

const SET_SECRET: &str = "
    UPDATE clients SET secret_digest = $3, earlier_secret_digest = NULL, earlier_secret_until = NULL
    WHERE tenant = $1 AND id = $2 AND removed_at IS NULL";

const HOLD_CLIENT: &str = "
    UPDATE clients SET removed_at = removed_at WHERE tenant = $1 AND id = $2";

const HOLD_RESOURCE: &str = "
    UPDATE resources SET removed_at = removed_at WHERE tenant = $1 AND uri = $2";

const REMOVE_CLIENT: &str = "
    UPDATE clients SET removed_at = $3, stopped_at = COALESCE(stopped_at, $3)
    WHERE tenant = $1 AND id = $2 AND removed_at IS NULL";

const RESOURCE: &str = "SELECT document, removed_at FROM resources WHERE tenant = $1 AND uri = $2";

const REMOVE_RESOURCE: &str = "
    UPDATE resources SET removed_at = $3 WHERE tenant = $1 AND uri = $2 AND removed_at IS NULL";

const SET_PASSWORD: &str = "
    UPDATE users SET password_hash = $3, browser_epoch = browser_epoch + 1
    WHERE tenant = $1 AND id = $2 AND removed_at IS NULL";

const REPLACE_PASSWORD: &str = "
    UPDATE users SET password_hash = $4, browser_epoch = browser_epoch + 1
    WHERE tenant = $1 AND id = $2 AND password_hash = $3 AND removed_at IS NULL";

/// The name stays taken; what a login needs does not stay.
const REMOVE_USER: &str = "
    UPDATE users SET removed_at = $3, disabled_at = COALESCE(disabled_at, $3), password_hash = '',
        email = NULL
    WHERE tenant = $1 AND id = $2 AND removed_at IS NULL";

/// Each once, though a person may be both.
macro_rules! behind {
    () => {
        "clients c WHERE c.tenant = $1 AND c.removed_at IS NULL AND c.id IN
            (SELECT client_id FROM agents WHERE tenant = $1 AND owner_id = $2
            UNION SELECT client_id FROM agents WHERE tenant = $1 AND sponsor_id = $2)"
    };
}

const AGENTS_BEHIND: &str = concat!("SELECT COUNT(*) AS n FROM ", behind!());

const AGENTS_NAMED: &str = concat!("SELECT c.id FROM ", behind!(), " ORDER BY c.id LIMIT $3");

pub(crate) const PASSKEYS: &str =
    "SELECT COUNT(*) AS n FROM passkeys WHERE tenant = $1 AND removed_at IS NULL";

/// $2 whose, $3 now. SQLite joins in the order that `CROSS JOIN` says.
macro_rules! live_counts {
    ($whose:literal) => {
        concat!(
            "SELECT (SELECT COUNT(*) FROM tasks t WHERE ",
            live_counts!(@ $whose),
            ") AS tasks, (SELECT COUNT(*) FROM tasks t CROSS JOIN delegations d CROSS JOIN refresh_tokens r
                WHERE d.tenant = t.tenant AND d.task_id = t.id
                    AND r.tenant = d.tenant AND r.delegation_id = d.id AND r.consumed_at IS NULL AND r.expires_at > $3 AND d.stopped_at IS NULL AND ",
            live_counts!(@ $whose),
            ") AS refresh_tokens"
        )
    };
    (@ $whose:literal) => {
        concat!(
            "t.tenant = $1 AND ",
            $whose,
            " AND t.stopped_at IS NULL AND t.expires_at > $3"
        )
    };
}

const LIVE_OF_CLIENT: &str = live_counts!("t.client_id = $2");
const LIVE_OF_USER: &str = live_counts!("t.subject = $2 AND t.subject_kind = 'person'");

impl DatabaseTransaction {
    /// `false` if it is not what it was when it was read, or was removed.
    pub async fn replace_client(
        &mut self,
        id: &ClientId,
        before: &str,
        after: &str,
    ) -> Result<bool> {
        let id = id.as_str();
        Ok(execute!(self, REPLACE_CLIENT, &self.tenant, id, before, after)? == 1)
    }

    /// In the transaction of its client row.
    pub async fn replace_agent(&mut self, agent: NewAgent<'_>) -> Result<()> {
        execute!(
            self,
            REPLACE_AGENT,
            &self.tenant,
            agent.client.as_str(),
            agent.owner.as_str(),
            agent.sponsor.as_str(),
            agent.publisher,
        )?;
        Ok(())
    }

    /// `false` for a client that has no secret.
    pub async fn rotate_secret(
        &mut self,
        id: &ClientId,
        rotated: RotatedSecret<'_>,
    ) -> Result<bool> {
        let until = rotated.earlier_until.map(Timestamp::micros);
        let (id, digest) = (id.as_str(), rotated.digest);
        Ok(execute!(self, ROTATE_SECRET, &self.tenant, id, digest, until)? == 1)
    }

    /// For a client whose authentication changed; none for one that has no secret any more.
    pub async fn set_secret(&mut self, id: &ClientId, digest: Option<&str>) -> Result<()> {
        execute!(self, SET_SECRET, &self.tenant, id.as_str(), digest)?;
        Ok(())
    }

    /// Locks its row until the end of this transaction: what is read of it afterwards stays.
    pub async fn hold_client(&mut self, id: &ClientId) -> Result<()> {
        execute!(self, HOLD_CLIENT, &self.tenant, id.as_str())?;
        Ok(())
    }

    /// The same of a resource.
    pub async fn hold_resource(&mut self, uri: &ResourceUri) -> Result<()> {
        execute!(self, HOLD_RESOURCE, &self.tenant, uri.as_str())?;
        Ok(())
    }

    /// It is stopped too: whatever hangs from it is invalid from this commit on. Whether this call removed it.
    pub async fn remove_client(&mut self, id: &ClientId, now: Timestamp) -> Result<bool> {
        let now = now.micros();
        let removed = execute!(self, REMOVE_CLIENT, &self.tenant, id.as_str(), now)? == 1;
        if removed {
            self.forget_consents_to(id).await?;
        }
        Ok(removed)
    }

    /// The registration's JSON text, and whether it was removed.
    pub async fn resource(&mut self, uri: &ResourceUri) -> Result<Option<(String, bool)>> {
        let row = optional!(self, DocumentRow, RESOURCE, &self.tenant, uri.as_str())?;
        Ok(row.map(|row| (row.document, row.removed_at.is_some())))
    }

    /// Whether this call removed it.
    pub async fn remove_resource(&mut self, uri: &ResourceUri, now: Timestamp) -> Result<bool> {
        let (uri, now) = (uri.as_str(), now.micros());
        let removed = execute!(self, REMOVE_RESOURCE, &self.tenant, uri, now)? == 1;
        self.count_catalogue_change().await?;
        Ok(removed)
    }

    /// Every client has to ask them again, and no browser is known to have been theirs. `false` for a user who was removed.
    pub async fn set_password(&mut self, id: &UserId, hash: &str) -> Result<bool> {
        let changed = execute!(self, SET_PASSWORD, &self.tenant, id.as_str(), hash)? == 1;
        if changed {
            self.end_with_password(id).await?;
        }
        Ok(changed)
    }

    /// The same, while the hash is still the one `before`.
    pub async fn replace_password(
        &mut self,
        id: &UserId,
        before: &str,
        hash: &str,
    ) -> Result<bool> {
        let (tenant, user) = (&self.tenant, id.as_str());
        let changed = execute!(self, REPLACE_PASSWORD, tenant, user, before, hash)? == 1;
        if changed {
            self.end_with_password(id).await?;
        }
        Ok(changed)
    }

    /// They are disabled too. Whether this call removed them.
    pub async fn remove_user(&mut self, id: &UserId, now: Timestamp) -> Result<bool> {
        let now = now.micros();
        let removed = execute!(self, REMOVE_USER, &self.tenant, id.as_str(), now)? == 1;
        if removed {
            self.end_with_password(id).await?;
        }
        Ok(removed)
    }

    /// How many agents this user owns or sponsors.
    pub async fn agents_behind(&mut self, id: &UserId) -> Result<i64> {
        let row = optional!(self, CountRow, AGENTS_BEHIND, &self.tenant, id.as_str())?;
        Ok(row.map_or(0, |row| row.n))
    }

    /// The first of them, in the order of their ids.
    pub async fn agents_named_behind(&mut self, id: &UserId, most: u32) -> Result<Vec<ClientId>> {
        let (id, most) = (id.as_str(), i64::from(most));
        let rows = all!(self, IdRow, AGENTS_NAMED, &self.tenant, id, most)?;
        let ids = rows.into_iter().map(|row| ClientId::from_text(row.id));
        Ok(ids.collect())
    }

    /// How many passkeys all users together have.
    pub async fn count_passkeys(&mut self) -> Result<i64> {
        let row = optional!(self, CountRow, PASSKEYS, &self.tenant)?;
        Ok(row.map_or(0, |row| row.n))
    }

    pub async fn live_counts(&mut self, of: LiveOf<'_>, now: Timestamp) -> Result<LiveCounts> {
        let (sql, whose) = match of {
            LiveOf::Client(id) => (LIVE_OF_CLIENT, id.as_str()),
            LiveOf::User(id) => (LIVE_OF_USER, id.as_str()),
        };
        let row = optional!(self, LiveRow, sql, &self.tenant, whose, now.micros())?;
        Ok(row.map_or_else(LiveCounts::default, |row| LiveCounts {
            tasks: row.tasks,
            refresh_tokens: row.refresh_tokens,
        }))
    }
}

impl PersonState {
    pub const fn new(known: bool, disabled: bool, removed: bool) -> Self {
        match (known, disabled, removed) {
            (false, ..) => Self::Unknown,
            (true, _, true) => Self::Removed,
            (true, true, false) => Self::Disabled,
            (true, false, false) => Self::Active,
        }
    }
}
