//! What may be shown once: `jti` of proofs and assertions, as digests over key and `jti` (LESSONS 20, 22, 26).

use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::store::Session;
use crate::write::{Writes, Written};

/// Claims of one request: a proof, a client assertion, an actor assertion.
pub const MAX_CLAIMS: usize = 3;

/// Something that may be seen once until `expires_at`, the end of its acceptance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    pub digest: String,
    pub expires_at: Timestamp,
}

impl Session {
    /// Claims all in one statement. `None`: all were fresh. `Some(i)`: the `i`th was seen before, and the caller rolls
    /// back. A claim that waits for another node's transaction loses or wins with it.
    pub async fn claim_once(&mut self, claims: &[Once]) -> Result<Option<usize>> {
        let written = self
            .write(Writes {
                claims,
                ..Writes::default()
            })
            .await?;
        Ok(match written {
            Written::Seen(place) => Some(place),
            Written::All | Written::ClientStopped => None,
        })
    }
}
