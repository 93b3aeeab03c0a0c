//! Registered clients and agents, and the client to which each key belongs.

use std::collections::BTreeMap;
use std::time::Duration;

use writ_core::client::{EarlierSecret, User};
use writ_core::id::{ClientId, UserId};
use writ_jose::key::Thumbprint;
use writ_wire::time::Timestamp;

use crate::error::{Result, StoreError};
use crate::json::{self, time};
use crate::store::DatabaseTransaction;

/// A client, with owner and sponsor if it is an agent. No `Debug`, because of the digest.
#[derive(Clone)]
pub struct StoredClient {
    /// The registration's JSON text.
    pub metadata: String,
    pub secret_digest: Option<String>,
    /// What a rotation replaced, also when its time is over.
    pub earlier_secret: Option<EarlierSecret>,
    pub stopped: bool,
    /// It is stopped too, and its id is never registered again.
    pub removed: bool,
    pub owner: Option<User>,
    pub sponsor: Option<User>,
}

/// What an agent has beside its client row.
#[derive(Clone, Copy)]
pub struct NewAgent<'a> {
    pub client: &'a ClientId,
    pub owner: &'a UserId,
    pub sponsor: &'a UserId,
    pub publisher: &'a str,
}

/// A key's last use is written down so often: a key that nobody used for thirteen months belongs to nobody any more (`sweep/ends.rs`).
const USE_NOTED: Duration = Duration::from_secs(30 * 24 * 3600);
/// How well the identity of a newly registered agent was verified.
const ASSURANCE: &str = "unverified";

row! { ClientRow {
    metadata: String,
    secret_digest: Option<String>,
    stopped_at: Option<i64>,
    removed_at: Option<i64>,
    earlier_secret_digest: Option<String>,
    earlier_secret_until: Option<i64>,
    agent: Option<String>,
    owner_id: Option<String>,
    owner_name: Option<String>,
    owner_disabled_at: Option<i64>,
    sponsor_id: Option<String>,
    sponsor_name: Option<String>,
    sponsor_disabled_at: Option<i64>,
} }

/// State of the agent that receives a token by token exchange; never cached.
pub struct ActorState {
    /// Neither it nor its owner or sponsor is stopped.
    pub active: bool,
    /// The client to which the key in its assertion belongs, if any.
    pub key_owner: Option<ClientId>,
}

row! { ActorRow { active: i64, key_owner: Option<String> } }

row! { FoundIdRow { found_id: String } }

joined! { FoundRow { id: FoundIdRow, client: ClientRow } }

row! { OwnerRow { client_id: String, used_at: Option<i64> } }

const INSERT: &str = "
    INSERT INTO clients (tenant, id, metadata, secret_digest, created_at)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING";

const INSERT_AGENT: &str = "
    INSERT INTO agents (tenant, client_id, owner_id, sponsor_id, publisher, assurance, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

macro_rules! clients {
    ($first:literal, $from:literal, $which:literal) => {
        concat!(
            "SELECT ",
            $first,
            "c.metadata, c.secret_digest, c.stopped_at, c.removed_at, c.earlier_secret_digest,
                c.earlier_secret_until, a.client_id AS agent,
                o.id AS owner_id, o.name AS owner_name, o.disabled_at AS owner_disabled_at,
                s.id AS sponsor_id, s.name AS sponsor_name, s.disabled_at AS sponsor_disabled_at
            FROM ",
            $from,
            "clients c
            LEFT JOIN agents a ON a.tenant = c.tenant AND a.client_id = c.id
            LEFT JOIN users o ON o.tenant = a.tenant AND o.id = a.owner_id
            LEFT JOIN users s ON s.tenant = a.tenant AND s.id = a.sponsor_id
            ",
            $which
        )
    };
}

const FIND: &str = clients!("", "", "WHERE c.tenant = $1 AND c.id = $2");

const AMONG_ON_SQLITE: &str = clients!(
    "c.id AS found_id, ",
    "(SELECT value AS id FROM json_each($ids)) n CROSS JOIN ",
    "WHERE c.tenant = $tenant AND c.id = n.id"
);
const AMONG_ON_POSTGRES: &str = clients!(
    "c.id AS found_id, ",
    "(SELECT json_array_elements_text(CAST($ids AS json)) AS id) n CROSS JOIN ",
    "WHERE c.tenant = $tenant AND c.id = n.id"
);

const ACTOR: &str = "
    SELECT CASE WHEN c.stopped_at IS NULL AND o.disabled_at IS NULL AND o.id IS NOT NULL
                AND s.disabled_at IS NULL AND s.id IS NOT NULL AND p.client_id IS NULL
            THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END AS active,
        k.client_id AS key_owner
    FROM clients c
    LEFT JOIN agents a ON a.tenant = c.tenant AND a.client_id = c.id
    LEFT JOIN users o ON o.tenant = a.tenant AND o.id = a.owner_id
    LEFT JOIN users s ON s.tenant = a.tenant AND s.id = a.sponsor_id
    LEFT JOIN agent_keys k ON k.tenant = c.tenant AND k.thumbprint = $3
    LEFT JOIN paused_clients p ON p.tenant = c.tenant AND p.subject = $4 AND p.client_id = c.id
    WHERE c.tenant = $1 AND c.id = $2";

const STOP: &str = "
    UPDATE clients SET stopped_at = $3 WHERE tenant = $1 AND id = $2 AND stopped_at IS NULL";

const RESUME: &str = "
    UPDATE clients SET stopped_at = NULL
    WHERE tenant = $1 AND id = $2 AND stopped_at IS NOT NULL AND removed_at IS NULL";

const CLAIM_KEY: &str = "
    INSERT INTO agent_keys (tenant, thumbprint, client_id, first_used_at, used_at)
    VALUES ($1, $2, $3, $4, $4)
    ON CONFLICT DO NOTHING";

const KEY_OWNER: &str =
    "SELECT client_id, used_at FROM agent_keys WHERE tenant = $1 AND thumbprint = $2";

const KEY_USED: &str = "
    UPDATE agent_keys SET used_at = $3
    WHERE tenant = $1 AND thumbprint = $2 AND (used_at IS NULL OR used_at < $3)";

impl DatabaseTransaction {
    /// Whether it was written: the id may be taken.
    pub async fn insert_client(
        &mut self,
        id: &ClientId,
        metadata: &str,
        secret_digest: Option<&str>,
        now: Timestamp,
    ) -> Result<bool> {
        let written = execute!(
            self,
            INSERT,
            &self.tenant,
            id.as_str(),
            metadata,
            secret_digest,
            now.micros()
        )?;
        Ok(written == 1)
    }

    /// In the transaction of its client row.
    pub async fn insert_agent(&mut self, new: NewAgent<'_>, now: Timestamp) -> Result<()> {
        execute!(
            self,
            INSERT_AGENT,
            &self.tenant,
            new.client.as_str(),
            new.owner.as_str(),
            new.sponsor.as_str(),
            new.publisher,
            ASSURANCE,
            now.micros(),
        )?;
        Ok(())
    }

    pub async fn client(&mut self, id: &ClientId) -> Result<Option<StoredClient>> {
        let row = optional!(self, ClientRow, FIND, &self.tenant, id.as_str())?;
        row.map(ClientRow::read).transpose()
    }

    /// Those of these that exist, by their ids. One statement.
    pub async fn clients_among(&mut self, ids: &[&str]) -> Result<BTreeMap<String, StoredClient>> {
        let rows = all_by_name!(self, FoundRow, (AMONG_ON_SQLITE, AMONG_ON_POSTGRES), {
            tenant: &self.tenant,
            ids: json::write(&ids, "a list of ids")?,
        })?;
        let read = |row: FoundRow| Ok((row.id.found_id, row.client.read()?));
        rows.into_iter().map(read).collect()
    }

    /// `None` for an agent that does not exist. Not active is also one that `subject`, for whom it would act, paused.
    pub async fn actor_state(
        &mut self,
        agent: &ClientId,
        key: &Thumbprint,
        subject: &str,
    ) -> Result<Option<ActorState>> {
        let (agent, key) = (agent.as_str(), key.as_str());
        let row = optional!(self, ActorRow, ACTOR, &self.tenant, agent, key, subject)?;
        Ok(row.map(|row| ActorState {
            active: row.active == 1,
            key_owner: row.key_owner.map(ClientId::from_text),
        }))
    }

    /// Its tasks, delegations and tokens are invalid from this commit on, and it has to ask everybody again. Whether this call
    /// stopped it.
    pub async fn stop_client(&mut self, id: &ClientId, now: Timestamp) -> Result<bool> {
        let stopped = execute!(self, STOP, &self.tenant, id.as_str(), now.micros())? == 1;
        if stopped {
            self.forget_consents_to(id).await?;
        }
        Ok(stopped)
    }

    /// Its tasks and delegations are valid again, unless they were stopped themselves. Whether this call resumed it.
    pub async fn resume_client(&mut self, id: &ClientId) -> Result<bool> {
        Ok(execute!(self, RESUME, &self.tenant, id.as_str())? == 1)
    }

    /// Binds a key to a client at the first valid signature (trust on first use); afterwards returns that client.
    /// A known key costs one statement, and once a month another.
    pub async fn claim_key(
        &mut self,
        key: &Thumbprint,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<ClientId> {
        if let Some(row) = self.key_row(key).await? {
            let used_at = row.used_at.map_or(Timestamp::from_micros(0), time);
            if used_at.plus(USE_NOTED) <= now {
                execute!(self, KEY_USED, &self.tenant, key.as_str(), now.micros())?;
            }
            return Ok(ClientId::from_text(row.client_id));
        }
        let mine = execute!(
            self,
            CLAIM_KEY,
            &self.tenant,
            key.as_str(),
            client.as_str(),
            now.micros()
        )?;
        if mine == 1 {
            return Ok(client.clone());
        }
        self.key_owner(key)
            .await?
            .ok_or_else(|| StoreError::corrupt("`agent_keys`: a key is gone"))
    }

    pub async fn key_owner(&mut self, key: &Thumbprint) -> Result<Option<ClientId>> {
        let row = self.key_row(key).await?;
        Ok(row.map(|row| ClientId::from_text(row.client_id)))
    }

    async fn key_row(&mut self, key: &Thumbprint) -> Result<Option<OwnerRow>> {
        optional!(self, OwnerRow, KEY_OWNER, &self.tenant, key.as_str())
    }
}

impl StoredClient {
    /// Neither it nor its owner or sponsor is stopped.
    pub fn is_active(&self) -> bool {
        let mut people = [&self.owner, &self.sponsor].into_iter().flatten();
        !self.stopped && people.all(|person| !person.disabled)
    }
}

impl ClientRow {
    fn read(self) -> Result<StoredClient> {
        let owner = person(self.owner_id, self.owner_name, self.owner_disabled_at);
        let sponsor = person(self.sponsor_id, self.sponsor_name, self.sponsor_disabled_at);
        if self.agent.is_some() && (owner.is_none() || sponsor.is_none()) {
            return Err(StoreError::corrupt("`agents`: an owner or sponsor is gone"));
        }
        let earlier = self.earlier_secret_digest.zip(self.earlier_secret_until);
        Ok(StoredClient {
            metadata: self.metadata,
            secret_digest: self.secret_digest,
            earlier_secret: earlier.map(|(digest, until)| EarlierSecret {
                digest,
                until: time(until),
            }),
            stopped: self.stopped_at.is_some(),
            removed: self.removed_at.is_some(),
            owner,
            sponsor,
        })
    }
}

fn person(id: Option<String>, name: Option<String>, disabled_at: Option<i64>) -> Option<User> {
    Some(User {
        disabled: disabled_at.is_some(),
        ..User::new(UserId::from_text(id?), name?)
    })
}
