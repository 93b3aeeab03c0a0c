//! Tenants: each has its issuer, keys and rows, and no query crosses tenants.

use writ_wire::time::Timestamp;

use crate::error::{Result, StoreError};
use crate::store::{DatabaseTransaction, Store};

row! { IssuerRow { issuer: String } }

const INSERT: &str = "
    INSERT INTO tenants (tenant, issuer, created_at) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING";

/// Of two changes at once one finds another issuer than it read.
const CHANGE_ISSUER: &str = "UPDATE tenants SET issuer = $3 WHERE tenant = $1 AND issuer = $2";

const ISSUER: &str = "SELECT issuer FROM tenants WHERE tenant = $1";

/// Changes nothing, and is written all the same.
const TOUCH: &str = "UPDATE tenants SET issuer = issuer WHERE tenant = $1";

/// Fails where this table cannot be read and written; no row has an empty key.
macro_rules! insert_none {
    ($table:literal, $key:literal) => {
        concat!(
            "INSERT INTO ",
            $table,
            " SELECT * FROM ",
            $table,
            " WHERE tenant = $1 AND ",
            $key,
            " = ''"
        )
    };
}

macro_rules! update_none {
    ($table:literal, $key:literal) => {
        concat!(
            "UPDATE ",
            $table,
            " SET tenant = tenant WHERE tenant = $1 AND ",
            $key,
            " = ''"
        )
    };
}

/// Fails where this table cannot be read.
macro_rules! read_none {
    ($table:literal, $key:literal) => {
        concat!(
            "SELECT tenant FROM ",
            $table,
            " WHERE tenant = $1 AND ",
            $key,
            " = ''"
        )
    };
}

/// What a token needs, on one way or another; `tests/readiness.rs` knows the files of its statements.
pub(crate) const PROBES: [&str; 22] = [
    TOUCH,
    read_none!("users", "id"),
    read_none!("agents", "client_id"),
    read_none!("paused_clients", "subject"),
    read_none!("resources", "uri"),
    read_none!("types", "hash"),
    read_none!("signing_keys", "kid"),
    read_none!("id_token_keys", "kid"),
    insert_none!("agent_keys", "thumbprint"),
    insert_none!("replays", "digest"),
    insert_none!("tasks", "id"),
    insert_none!("delegations", "id"),
    insert_none!("events", "id"),
    insert_none!("consents", "id"),
    insert_none!("codes", "digest"),
    insert_none!("refresh_tokens", "digest"),
    insert_none!("pending_requests", "id"),
    insert_none!("sessions", "digest"),
    update_none!("codes", "digest"),
    update_none!("refresh_tokens", "digest"),
    update_none!("pending_requests", "id"),
    update_none!("clients", "id"),
];

impl Store {
    /// Commits a write that changes nothing: fails where the database is gone, read-only, locked or full, or where a table that a
    /// token needs is gone, locked or not ours to write.
    pub async fn prove_write(&self, tenant: &str) -> Result<()> {
        let mut transaction = self.begin(tenant).await?;
        for probe in PROBES {
            execute!(transaction, probe, tenant)?;
        }
        transaction.commit().await
    }
}

impl DatabaseTransaction {
    /// Inserts the tenant at the first start; later the issuer must be the same.
    pub async fn ensure_tenant(&mut self, issuer: &str, now: Timestamp) -> Result<()> {
        execute!(self, INSERT, &self.tenant, issuer, now.micros())?;
        match optional!(self, IssuerRow, ISSUER, &self.tenant)? {
            Some(row) if row.issuer == issuer => Ok(()),
            Some(row) => Err(StoreError::OtherIssuer {
                issuer: row.issuer,
                configured: issuer.to_owned(),
            }),
            None => Err(StoreError::IssuerTaken(issuer.to_owned())),
        }
    }

    /// The issuer of this tenant; none before the first start.
    pub async fn issuer(&mut self) -> Result<Option<String>> {
        let row = optional!(self, IssuerRow, ISSUER, &self.tenant)?;
        Ok(row.map(|row| row.issuer))
    }

    /// `false` if it is not `from`. Every client has to ask everybody again.
    pub async fn change_issuer(&mut self, from: &str, to: &str) -> Result<bool> {
        let changed = execute!(self, CHANGE_ISSUER, &self.tenant, from, to)? == 1;
        if changed {
            self.forget_all_consents().await?;
        }
        Ok(changed)
    }
}
