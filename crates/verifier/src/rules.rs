//! Definitions of `authorization_details` types, from `GET {issuer}/types/{hash}`: immutable, named by their hash, which is checked.
//! A request under an unknown type is rejected.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use tokio::sync::Mutex;
use writ_authority::{TypeDefinition, Types};
use writ_platform::Transport;
use writ_wire::rar::Detail;

use crate::fetch::{self, FetchError};
use crate::refused::Reason;

/// Versions of types that are kept; when there are more, all are fetched anew.
pub const MAX_TYPES: usize = 64;

/// The types that this process has seen.
pub(crate) struct Rules {
    /// The issuer's URL with `/types/`.
    base: String,
    transport: Arc<dyn Transport>,
    known: RwLock<Known>,
    /// Held by the one fetch that is under way.
    fetching: Mutex<()>,
}

#[derive(Clone, Default)]
struct Known {
    types: Arc<Types>,
    count: usize,
}

impl Rules {
    pub(crate) fn new(issuer: &str, transport: Arc<dyn Transport>) -> Self {
        Self {
            base: format!("{}/types/", issuer.trim_end_matches('/')),
            transport,
            known: RwLock::default(),
            fetching: Mutex::default(),
        }
    }

    /// Types that hold every version that `granted` names, each fetched at most once.
    pub(crate) async fn of(&self, granted: &[Detail]) -> Result<Arc<Types>, Reason> {
        let mut known = self.known();
        for detail in granted {
            let hash = detail.type_hash().ok_or(Reason::UnknownType)?;
            if known.types.by_hash(hash).is_none() {
                known = self.fetched(hash).await?;
            }
        }
        // A token with so many types that they push one another out is refused by `permits`.
        Ok(known.types)
    }

    async fn fetched(&self, hash: &str) -> Result<Known, Reason> {
        let _turn = self.fetching.lock().await;
        let known = self.known();
        if known.types.by_hash(hash).is_some() {
            return Ok(known);
        }
        let document = self.document(hash).await?;
        let known = if known.count < MAX_TYPES {
            known
        } else {
            Known::default()
        };
        let types = Types::clone(&known.types).with_older(document);
        let known = Known {
            types: Arc::new(types.map_err(|e| unavailable(e.to_string()))?),
            count: known.count + 1,
        };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known.clone();
        Ok(known)
    }

    async fn document(&self, hash: &str) -> Result<String, Reason> {
        // Only a hash may become part of a URL.
        let decoded = URL_SAFE_NO_PAD.decode(hash);
        if !decoded.is_ok_and(|bytes| bytes.len() == HASH_BYTES) {
            return Err(Reason::UnknownType);
        }
        let url = format!("{}{hash}", self.base);
        let body = match fetch::get(&self.transport, &url, FETCH_TIMEOUT).await {
            Ok(body) => body,
            Err(FetchError::Status(StatusCode::NOT_FOUND)) => return Err(Reason::UnknownType),
            Err(error) => return Err(unavailable(error.to_string())),
        };
        let document = String::from_utf8(body.to_vec());
        let document = document.map_err(|e| unavailable(e.to_string()))?;
        let definition =
            TypeDefinition::parse_older(&document).map_err(|e| unavailable(e.to_string()))?;
        if definition.hash() != hash {
            return Err(unavailable("the document has another hash".to_owned()));
        }
        Ok(document)
    }

    fn known(&self) -> Known {
        let known = self.known.read();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.known().count
    }
}

fn unavailable(cause: String) -> Reason {
    Reason::unavailable(
        "the rules of the type behind this token's authority cannot be fetched",
        cause,
    )
}

const HASH_BYTES: usize = 32;
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
