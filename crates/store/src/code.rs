//! Authorization codes, as digests, each redeemed once (OAuth 2.1 section 4.1.3).

use writ_core::code::{Consumed, FoundCode, NewCode};
use writ_core::id::{ClientId, DelegationId};
use writ_jose::key::Thumbprint;
use writ_wire::pkce::CodeChallenge;
use writ_wire::time::Timestamp;

use crate::error::{Result, StoreError};
use crate::json::{self, time};
use crate::store::DatabaseTransaction;

row! { CodeRow {
    digest: String,
    client_id: String,
    delegation_id: String,
    redirect_uri: String,
    code_challenge: String,
    jkt: Option<String>,
    nonce: Option<String>,
    created_at: i64,
    expires_at: i64,
    consumed_at: Option<i64>,
    consumed_jkt: Option<String>,
} }

/// In the column, which is never null: the request came without PKCE.
const NO_CHALLENGE: &str = "";

const INSERT: &str = "
    INSERT INTO codes (tenant, digest, client_id, delegation_id, redirect_uri, code_challenge,
        jkt, nonce, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

const FIND: &str = "
    SELECT digest, client_id, delegation_id, redirect_uri, code_challenge, jkt, nonce, created_at,
        expires_at, consumed_at, consumed_jkt
    FROM codes WHERE tenant = $1 AND digest = $2";

const CONSUME: &str = "
    UPDATE codes SET consumed_at = $4, consumed_jkt = $3
    WHERE tenant = $1 AND digest = $2 AND consumed_at IS NULL AND expires_at > $4";

impl DatabaseTransaction {
    pub async fn insert_code(&mut self, new: &NewCode) -> Result<()> {
        execute!(
            self,
            INSERT,
            &self.tenant,
            &new.digest,
            new.client.as_str(),
            new.delegation.as_str(),
            &new.redirect_uri,
            new.code_challenge
                .as_ref()
                .map_or(NO_CHALLENGE, CodeChallenge::as_str),
            new.jkt.as_ref().map(Thumbprint::as_str),
            new.nonce.as_deref(),
            new.created_at.micros(),
            new.expires_at.micros(),
        )?;
        Ok(())
    }

    /// With its lineage; also one that is expired or redeemed. Two statements.
    pub async fn code(&mut self, digest: &str) -> Result<Option<FoundCode>> {
        let Some(row) = optional!(self, CodeRow, FIND, &self.tenant, digest)? else {
            return Ok(None);
        };
        let consumed = consumed(
            row.consumed_at,
            row.consumed_jkt.as_deref(),
            "`codes.consumed_jkt`",
        )?;
        let row = row.read()?;
        let lineage = self.lineage(&row.delegation).await?;
        Ok(lineage.map(|lineage| FoundCode {
            row,
            consumed,
            lineage,
        }))
    }

    /// Whether this call redeemed it; a second use is compared with `key`.
    pub async fn consume_code(
        &mut self,
        digest: &str,
        key: Option<&Thumbprint>,
        now: Timestamp,
    ) -> Result<bool> {
        let key = key.map(Thumbprint::as_str);
        Ok(execute!(self, CONSUME, &self.tenant, digest, key, now.micros())? == 1)
    }
}

impl CodeRow {
    fn read(self) -> Result<NewCode> {
        Ok(NewCode {
            digest: self.digest,
            client: ClientId::from_text(self.client_id),
            delegation: DelegationId::from_text(self.delegation_id),
            redirect_uri: self.redirect_uri,
            code_challenge: challenge(&self.code_challenge)?,
            jkt: self
                .jkt
                .map(|text| json::thumbprint(&text, "`codes.jkt`"))
                .transpose()?,
            nonce: self.nonce,
            created_at: time(self.created_at),
            expires_at: time(self.expires_at),
        })
    }
}

fn challenge(text: &str) -> Result<Option<CodeChallenge>> {
    if text == NO_CHALLENGE {
        return Ok(None);
    }
    let challenge = CodeChallenge::parse(text);
    let corrupt = || StoreError::corrupt("`codes.code_challenge`");
    challenge.ok_or_else(corrupt).map(Some)
}

pub(crate) fn consumed(
    at: Option<i64>,
    jkt: Option<&str>,
    place: &'static str,
) -> Result<Option<Consumed>> {
    let Some(at) = at else { return Ok(None) };
    let jkt = jkt.map(|text| json::thumbprint(text, place)).transpose()?;
    Ok(Some(Consumed { at: time(at), jkt }))
}
