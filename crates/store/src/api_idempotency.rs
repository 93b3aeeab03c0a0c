//! Answers to requests of the operators' API that came with an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): the row is
//! begun and answered in the transaction of the change, so that one is never there without the other.

use writ_core::id::ClientId;
use writ_wire::time::Timestamp;

use crate::error::{Result, StoreError};
use crate::store::DatabaseTransaction;

/// The most keys of one client that are remembered at a time.
pub const MAX_KEYS_OF_CLIENT: i64 = 2_000;

/// A request that is done once.
#[derive(Clone, Copy, Debug)]
pub struct KeyedRequest<'a> {
    pub client: &'a ClientId,
    pub key_digest: &'a str,
    /// Of everything that was asked.
    pub request_digest: &'a str,
}

/// What became of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOutcome {
    /// It is new: what is asked is done in this transaction, and answered there.
    Begun,
    /// It came before, with this request.
    Answered { status: u16, answer: String },
    /// Another request came with it.
    Reused,
    /// The client has too many.
    TooMany,
}

row! { KnownRow { request_digest: String, status: i64, answer: Option<String> } }

row! { CountRow { n: i64 } }

const COUNT: &str = "
    SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM api_idempotency
        WHERE tenant = $1 AND client_id = $2 LIMIT $3) k";

/// One that is over, and not swept yet, begins anew.
const BEGIN: &str = "
    INSERT INTO api_idempotency (tenant, client_id, key_digest, request_digest, status, answer,
        created_at, expires_at)
    VALUES ($1, $2, $3, $4, 0, NULL, $5, $6)
    ON CONFLICT (tenant, client_id, key_digest) DO UPDATE SET
        request_digest = excluded.request_digest, status = 0, answer = NULL,
        created_at = excluded.created_at, expires_at = excluded.expires_at
    WHERE api_idempotency.expires_at <= excluded.created_at";

const FIND: &str = "
    SELECT request_digest, status, answer FROM api_idempotency
    WHERE tenant = $1 AND client_id = $2 AND key_digest = $3";

const ANSWER: &str = "
    UPDATE api_idempotency SET status = $4, answer = $5
    WHERE tenant = $1 AND client_id = $2 AND key_digest = $3";

impl DatabaseTransaction {
    /// A request with the same key at the same moment waits here for the other one, and gets its answer.
    pub async fn begin_keyed(
        &mut self,
        request: KeyedRequest<'_>,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<KeyOutcome> {
        let (client, key) = (request.client.as_str(), request.key_digest);
        let most = MAX_KEYS_OF_CLIENT;
        let known = optional!(self, CountRow, COUNT, &self.tenant, client, most)?;
        let begun = execute!(
            self,
            BEGIN,
            &self.tenant,
            client,
            key,
            request.request_digest,
            now.micros(),
            until.micros()
        )?;
        if begun == 1 {
            let is_full = known.is_some_and(|known| known.n >= most);
            return Ok(if is_full {
                KeyOutcome::TooMany
            } else {
                KeyOutcome::Begun
            });
        }
        let row = optional!(self, KnownRow, FIND, &self.tenant, client, key)?;
        let row = row.ok_or_else(|| StoreError::corrupt(ROW))?;
        if row.request_digest != request.request_digest {
            return Ok(KeyOutcome::Reused);
        }
        Ok(KeyOutcome::Answered {
            status: u16::try_from(row.status).map_err(|_| StoreError::corrupt(ROW))?,
            answer: row.answer.ok_or_else(|| StoreError::corrupt(ROW))?,
        })
    }

    /// In the transaction that began it.
    pub async fn answer_keyed(
        &mut self,
        request: KeyedRequest<'_>,
        status: u16,
        answer: &str,
    ) -> Result<()> {
        let (client, key) = (request.client.as_str(), request.key_digest);
        let status = i64::from(status);
        execute!(self, ANSWER, &self.tenant, client, key, status, answer)?;
        Ok(())
    }
}

const ROW: &str = "`api_idempotency`";
