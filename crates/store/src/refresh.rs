//! Refresh tokens, as digests; rotation consumes one by a conditional `UPDATE`, so that it happens once (RFC 9700 section 4.14.2). A
//! second successor takes the place of the first by conditional `UPDATE`s too: it is used, or replaced, never both.

use writ_core::id::{ClientId, DelegationId};
use writ_core::refresh::{Binding, FoundRefreshToken, NewRefreshToken};
use writ_core::rotation::Successor;
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
    access_jti: Option<String>,
    twin_at: Option<i64>,
    dead_at: Option<i64>,
    successor: Option<String>,
    successor_seen_at: Option<i64>,
} }

row! { SightingRow { seen_at: Option<i64>, dead_at: Option<i64> } }

/// What is known of the refresh token that came with an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// It took the place of no other: nothing depends on whether the access token is seen.
    Untracked,
    Unseen,
    Seen,
    /// Another took its place: its answer was lost, and so was the access token.
    Dead,
}

const BOUND_TO_NONE: &str = "none";
const BOUND_TO_ANY_KEY: &str = "any_key";
const BOUND_TO_KEY: &str = "key";

const INSERT: &str = "
    INSERT INTO refresh_tokens (tenant, digest, client_id, delegation_id, binding, jkt, created_at,
        expires_at, access_jti)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const FIND: &str = "
    SELECT r.digest, r.client_id, r.delegation_id, r.binding, r.jkt, r.created_at, r.expires_at,
        r.consumed_at, r.consumed_jkt, r.access_jti, r.twin_at, r.dead_at, r.successor,
        CASE WHEN s.consumed_at < s.seen_at THEN s.consumed_at
            ELSE COALESCE(s.seen_at, s.consumed_at) END AS successor_seen_at
    FROM refresh_tokens r
    LEFT JOIN refresh_tokens s ON s.tenant = r.tenant AND s.digest = r.successor
    WHERE r.tenant = $1 AND r.digest = $2";

const CONSUME: &str = "
    UPDATE refresh_tokens SET consumed_at = $5, consumed_jkt = $3, successor = $4
    WHERE tenant = $1 AND digest = $2 AND consumed_at IS NULL AND dead_at IS NULL
        AND expires_at > $5";

const BURY: &str = "
    UPDATE refresh_tokens SET dead_at = $3
    WHERE tenant = $1 AND digest = $2 AND consumed_at IS NULL AND seen_at IS NULL
        AND dead_at IS NULL";

const TWIN: &str = "
    UPDATE refresh_tokens SET twin_at = $5, successor = $4
    WHERE tenant = $1 AND digest = $2 AND successor = $3 AND consumed_at IS NOT NULL
        AND twin_at IS NULL";

const SEEN: &str = "
    UPDATE refresh_tokens SET seen_at = $3
    WHERE tenant = $1 AND access_jti = $2 AND seen_at IS NULL AND dead_at IS NULL";

const SIGHTING: &str = "
    SELECT seen_at, dead_at FROM refresh_tokens WHERE tenant = $1 AND access_jti = $2";

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
            new.access_jti.as_deref(),
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
        let successor = row.successor.clone().map(|digest| Successor {
            digest,
            seen_at: row.successor_seen_at.map(time),
        });
        let (twin_at, dead_at) = (row.twin_at.map(time), row.dead_at.map(time));
        let row = row.read()?;
        let lineage = self.lineage(&row.delegation).await?;
        Ok(lineage.map(|lineage| FoundRefreshToken {
            row,
            consumed,
            successor,
            twin_at,
            dead_at,
            lineage,
        }))
    }

    /// Whether this call consumed it; a second use is compared with `key`.
    pub async fn consume_refresh_token(
        &mut self,
        digest: &str,
        key: Option<&Thumbprint>,
        successor: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let (key, now) = (key.map(Thumbprint::as_str), now.micros());
        Ok(execute!(self, CONSUME, &self.tenant, digest, key, successor, now)? == 1)
    }

    /// Whether this call gave a rotated token its second successor, which is inserted by the caller; the first one dies, unless it was
    /// used or seen. After `false` the caller rolls back: a part may have been written.
    pub async fn twin_refresh_token(
        &mut self,
        digest: &str,
        successor: &str,
        twin: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let now = now.micros();
        if execute!(self, BURY, &self.tenant, successor, now)? != 1 {
            return Ok(false);
        }
        Ok(execute!(self, TWIN, &self.tenant, digest, successor, twin, now)? == 1)
    }

    /// Remembers that the access token with this `jti` reached whoever holds it.
    pub async fn see_access_token(&mut self, jti: &str, now: Timestamp) -> Result<()> {
        execute!(self, SEEN, &self.tenant, jti, now.micros())?;
        Ok(())
    }

    /// What is known of the refresh token that came with the access token with this `jti`.
    pub async fn sighting(&mut self, jti: &str) -> Result<Sighting> {
        let row = optional!(self, SightingRow, SIGHTING, &self.tenant, jti)?;
        Ok(row.map_or(Sighting::Untracked, |row| {
            match (row.dead_at, row.seen_at) {
                (Some(_), _) => Sighting::Dead,
                (None, Some(_)) => Sighting::Seen,
                (None, None) => Sighting::Unseen,
            }
        }))
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
            access_jti: self.access_jti,
            created_at: time(self.created_at),
            expires_at: time(self.expires_at),
        })
    }
}
