//! The RSA keys that sign ID tokens: the same states and rotation as in `signing.rs`, in a table of their own.

use writ_wire::time::Timestamp;

use crate::error::{Result, StoreError};
use crate::signing::{KeyRow, KidRow, MAX_SIGNING_KEYS, RotatedKids, StoredSigningKey};
use crate::store::DatabaseTransaction;

const KEYS: &str = "
    SELECT kid, state, public_jwk, sealed, created_at, activated_at, retired_at
    FROM id_token_keys WHERE tenant = $1
    ORDER BY CASE state WHEN 'active' THEN 1 WHEN 'next' THEN 2 WHEN 'retiring' THEN 3 ELSE 4 END,
        created_at DESC, kid
    LIMIT $2";

const INSERT: &str = "
    INSERT INTO id_token_keys
        (tenant, kid, state, public_jwk, sealed, created_at, activated_at, retired_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT DO NOTHING";

const RETIRE: &str = "
    UPDATE id_token_keys SET state = 'retiring', retired_at = $2
    WHERE tenant = $1 AND state = 'active' AND EXISTS
        (SELECT 1 FROM id_token_keys n WHERE n.tenant = $1 AND n.state = 'next')
    RETURNING kid";

const ACTIVATE: &str = "
    UPDATE id_token_keys SET state = 'active', activated_at = $2
    WHERE tenant = $1 AND state = 'next'
    RETURNING kid";

const REMOVE: &str = "
    UPDATE id_token_keys SET state = 'removed', sealed = NULL, removed_at = $3
    WHERE tenant = $1 AND kid = $2 AND state = 'retiring'";

impl DatabaseTransaction {
    /// Active, next, retiring, and at the end the removed ones.
    pub async fn id_token_keys(&mut self) -> Result<Vec<StoredSigningKey>> {
        let rows = all!(self, KeyRow, KEYS, &self.tenant, MAX_SIGNING_KEYS)?;
        Ok(rows.into_iter().map(KeyRow::read).collect())
    }

    /// Whether it was written: there is one active and one next key, whoever came first (a unique index each).
    pub async fn insert_id_token_key(&mut self, key: &StoredSigningKey) -> Result<bool> {
        let written = execute!(
            self,
            INSERT,
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

    /// As [`DatabaseTransaction::rotate`]: `None` while there is no next key, or if another node rotated just now.
    pub async fn rotate_id_token_key(&mut self, now: Timestamp) -> Result<Option<RotatedKids>> {
        let Some(retired) = optional!(self, KidRow, RETIRE, &self.tenant, now.micros())? else {
            return Ok(None);
        };
        let activated =
            optional!(self, KidRow, ACTIVATE, &self.tenant, now.micros())?.ok_or_else(|| {
                StoreError::corrupt("no next key of ID tokens after the active one retired")
            })?;
        Ok(Some(RotatedKids {
            retired: retired.kid,
            activated: activated.kid,
        }))
    }

    /// Takes a retiring key out of use for good; its private part is gone.
    pub async fn remove_retired_id_token_key(&mut self, kid: &str, now: Timestamp) -> Result<bool> {
        Ok(execute!(self, REMOVE, &self.tenant, kid, now.micros())? == 1)
    }
}
