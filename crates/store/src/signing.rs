//! Signing keys and their rotation: next, active, retiring, removed. The state is in the rows, so that all nodes agree.

use writ_core::signing::KeyState;
use writ_wire::time::Timestamp;

use crate::error::{Result, StoreError};
use crate::json::time;
use crate::store::DatabaseTransaction;

/// One row of `signing_keys`. `sealed` is the private part, encrypted; absent once removed.
#[derive(Clone)]
pub struct StoredSigningKey {
    pub kid: String,
    pub state: KeyState,
    pub public_jwk: String,
    pub sealed: Option<String>,
    pub created_at: Timestamp,
    pub activated_at: Option<Timestamp>,
    pub retired_at: Option<Timestamp>,
}

/// What one rotation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotatedKids {
    pub retired: String,
    pub activated: String,
}

/// More keys than an operator ever rotates to: receipts and archives are verified by old ones.
pub(crate) const MAX_SIGNING_KEYS: i64 = 10_000;

row! { KeyRow {
    kid: String,
    state: String,
    public_jwk: String,
    sealed: Option<String>,
    created_at: i64,
    activated_at: Option<i64>,
    retired_at: Option<i64>,
} }

row! { KidRow { kid: String } }

/// Queries about the keys of one table.
pub(crate) struct KeyQueries {
    pub(crate) keys: &'static str,
    pub(crate) insert: &'static str,
    pub(crate) retire: &'static str,
    pub(crate) activate: &'static str,
    pub(crate) remove: &'static str,
}

/// The queries about the table of this name.
macro_rules! key_queries {
    ($table:literal) => {
        $crate::signing::KeyQueries {
            keys: concat!(
                "SELECT kid, state, public_jwk, sealed, created_at, activated_at, retired_at FROM ",
                $table,
                " WHERE tenant = $1
                ORDER BY CASE state WHEN 'active' THEN 1 WHEN 'next' THEN 2 WHEN 'retiring' THEN 3 \
                    ELSE 4 END, created_at DESC, kid
                LIMIT $2"
            ),
            insert: concat!(
                "INSERT INTO ",
                $table,
                " (tenant, kid, state, public_jwk, sealed, created_at, activated_at, retired_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                ON CONFLICT DO NOTHING"
            ),
            // The loser of a race finds the key retiring, and a `next` that did not exist when it looked is not seen.
            retire: concat!(
                "UPDATE ",
                $table,
                " SET state = 'retiring', retired_at = $2
                WHERE tenant = $1 AND state = 'active' AND EXISTS (SELECT 1 FROM ",
                $table,
                " n WHERE n.tenant = $1 AND n.state = 'next')
                RETURNING kid"
            ),
            activate: concat!(
                "UPDATE ",
                $table,
                " SET state = 'active', activated_at = $2
                WHERE tenant = $1 AND state = 'next'
                RETURNING kid"
            ),
            remove: concat!(
                "UPDATE ",
                $table,
                " SET state = 'removed', sealed = NULL, removed_at = $3
                WHERE tenant = $1 AND kid = $2 AND state = 'retiring'"
            ),
        }
    };
}
pub(crate) use key_queries;

const SIGNING_KEYS: KeyQueries = key_queries!("signing_keys");

impl DatabaseTransaction {
    /// Active, next, retiring, and at the end the removed ones.
    pub async fn signing_keys(&mut self) -> Result<Vec<StoredSigningKey>> {
        self.keys_of(&SIGNING_KEYS).await
    }

    /// Whether it was written: there is one active and one next key, whoever came first (a unique index each).
    pub async fn insert_signing_key(&mut self, key: &StoredSigningKey) -> Result<bool> {
        self.insert_key(&SIGNING_KEYS, key).await
    }

    /// Active becomes retiring, next becomes active. `None`: there is no next, or another node rotated just now.
    /// Only inside a transaction, where the caller also writes the new `next`.
    pub async fn rotate(&mut self, now: Timestamp) -> Result<Option<RotatedKids>> {
        self.rotate_keys(&SIGNING_KEYS, now).await
    }

    /// Takes a retiring key out of use for good; its private part is gone.
    pub async fn remove_retired(&mut self, kid: &str, now: Timestamp) -> Result<bool> {
        self.remove_retired_key(&SIGNING_KEYS, kid, now).await
    }

    pub(crate) async fn keys_of(&mut self, of: &KeyQueries) -> Result<Vec<StoredSigningKey>> {
        let rows = all!(self, KeyRow, of.keys, &self.tenant, MAX_SIGNING_KEYS)?;
        Ok(rows.into_iter().map(KeyRow::read).collect())
    }

    pub(crate) async fn insert_key(
        &mut self,
        of: &KeyQueries,
        key: &StoredSigningKey,
    ) -> Result<bool> {
        let written = execute!(
            self,
            of.insert,
            &self.tenant,
            &key.kid,
            key.state.as_str(),
            &key.public_jwk,
            key.sealed.as_deref(),
            key.created_at.micros(),
            key.activated_at.map(Timestamp::micros),
            key.retired_at.map(Timestamp::micros),
        )?;
        Ok(written == 1)
    }

    pub(crate) async fn rotate_keys(
        &mut self,
        of: &KeyQueries,
        now: Timestamp,
    ) -> Result<Option<RotatedKids>> {
        let now = now.micros();
        let Some(retired) = optional!(self, KidRow, of.retire, &self.tenant, now)? else {
            return Ok(None);
        };
        let activated = optional!(self, KidRow, of.activate, &self.tenant, now)?;
        let activated = activated
            .ok_or_else(|| StoreError::corrupt("no next key after the active one retired"))?;
        Ok(Some(RotatedKids {
            retired: retired.kid,
            activated: activated.kid,
        }))
    }

    pub(crate) async fn remove_retired_key(
        &mut self,
        of: &KeyQueries,
        kid: &str,
        now: Timestamp,
    ) -> Result<bool> {
        Ok(execute!(self, of.remove, &self.tenant, kid, now.micros())? == 1)
    }
}

impl KeyRow {
    fn read(self) -> StoredSigningKey {
        StoredSigningKey {
            kid: self.kid,
            state: KeyState::from_row(&self.state),
            public_jwk: self.public_jwk,
            sealed: self.sealed,
            created_at: time(self.created_at),
            activated_at: self.activated_at.map(time),
            retired_at: self.retired_at.map(time),
        }
    }
}
