//! Replay protection: the `jti` of DPoP proofs (RFC 9449 section 11.1) and of assertions (RFC 7523 section 3), as digests over key
//! and `jti`, in the database so that they are remembered over restarts and by all nodes.

use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::store::DatabaseTransaction;
use crate::write::{InsertBatch, InsertOutcome};

/// Claims of one request: a proof, a client assertion, an actor assertion.
pub const MAX_CLAIMS: usize = 3;

/// Claims a `jti` for one use. After `expires_at` the proof or assertion is not accepted by the node that claims it; the row stays
/// [`KEPT_AFTER_ACCEPTANCE`](crate::clock::KEPT_AFTER_ACCEPTANCE) longer, for nodes whose clocks are behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayClaim {
    pub digest: String,
    pub expires_at: Timestamp,
}

impl DatabaseTransaction {
    /// Claims all in one statement. `None`: all were new. `Some(i)`: the `i`th was used before, and the caller rolls back. A claim
    /// waits for another node's transaction with the same one, and fails if that commits.
    pub async fn claim_once(&mut self, claims: &[ReplayClaim]) -> Result<Option<usize>> {
        let written = self
            .insert_batch(InsertBatch {
                claims,
                ..InsertBatch::default()
            })
            .await?;
        Ok(match written {
            InsertOutcome::Replayed(place) => Some(place),
            InsertOutcome::All | InsertOutcome::ClientStopped => None,
        })
    }
}
