//! Refresh tokens, as digests; rotation consumes one by a conditional `UPDATE`, so that it happens once (RFC 9700 section 4.14.2).

use writ_core::id::{ClientId, DelegationId};
use writ_core::refresh::{Binding, FoundRefreshToken, NewRefreshToken};
use writ_jose::key::Thumbprint;
use writ_wire::time::Timestamp;

use crate::code::consumed;
use crate::error::{Result, StoreError};
use crate::json::{self, time};
use crate::store::DatabaseTransaction;

row! { RefreshRow {
    digest: String,
    client_id: String,
    delegation_id: String,
    binding: String,
    jkt: Option<String>,
    created_at: i64,
    expires_at: i64,
    consumed_at: Option<i64>,
    consumed_jkt: Option<String>,
} }

const BOUND_TO_NONE: &str = "none";
const BOUND_TO_ANY_KEY: &str = "any_key";
const BOUND_TO_KEY: &str = "key";

const INSERT: &str = "
    INSERT INTO refresh_tokens (tenant, digest, client_id, delegation_id, binding, jkt, created_at,
        expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

const FIND: &str = "
    SELECT digest, client_id, delegation_id, binding, jkt, created_at, expires_at, consumed_at,
        consumed_jkt
    FROM refresh_tokens WHERE tenant = $1 AND digest = $2";

const CONSUME: &str = "
    UPDATE refresh_tokens SET consumed_at = $4, consumed_jkt = $3
    WHERE tenant = $1 AND digest = $2 AND consumed_at IS NULL AND expires_at > $4";

impl DatabaseTransaction {
    pub async fn insert_refresh_token(&mut self, new: &NewRefreshToken) -> Result<()> {
        let (binding, key) = match &new.binding {
            Binding::None => (BOUND_TO_NONE, None),
            Binding::AnyKey => (BOUND_TO_ANY_KEY, None),
            Binding::Key(key) => (BOUND_TO_KEY, Some(key.as_str())),
        };
        execute!(
            self,
            INSERT,
            &self.tenant,
            &new.digest,
            new.client.as_str(),
            new.delegation.as_str(),
            binding,
            key,
            new.created_at.micros(),
            new.expires_at.micros(),
        )?;
        Ok(())
    }

    /// With its lineage; also one that is expired or rotated. Two statements.
    pub async fn refresh_token(&mut self, digest: &str) -> Result<Option<FoundRefreshToken>> {
        let Some(row) = optional!(self, RefreshRow, FIND, &self.tenant, digest)? else {
            return Ok(None);
        };
        let place = "`refresh_tokens.consumed_jkt`";
        let consumed = consumed(row.consumed_at, row.consumed_jkt.as_deref(), place)?;
        let row = row.read()?;
        let lineage = self.lineage(&row.delegation).await?;
        Ok(lineage.map(|lineage| FoundRefreshToken {
            row,
            consumed,
            lineage,
        }))
    }

    /// Whether this call consumed it; a second use is compared with `key`.
    pub async fn consume_refresh_token(
        &mut self,
        digest: &str,
        key: Option<&Thumbprint>,
        now: Timestamp,
    ) -> Result<bool> {
        let key = key.map(Thumbprint::as_str);
        Ok(execute!(self, CONSUME, &self.tenant, digest, key, now.micros())? == 1)
    }
}

impl RefreshRow {
    fn read(self) -> Result<NewRefreshToken> {
        let binding = match (self.binding.as_str(), self.jkt) {
            (BOUND_TO_NONE, None) => Binding::None,
            (BOUND_TO_ANY_KEY, None) => Binding::AnyKey,
            (BOUND_TO_KEY, Some(key)) => {
                Binding::Key(json::thumbprint(&key, "`refresh_tokens.jkt`")?)
            }
            _ => return Err(StoreError::corrupt("`refresh_tokens.binding`")),
        };
        Ok(NewRefreshToken {
            digest: self.digest,
            client: ClientId::from_text(self.client_id),
            delegation: DelegationId::from_text(self.delegation_id),
            binding,
            created_at: time(self.created_at),
            expires_at: time(self.expires_at),
        })
    }
}
