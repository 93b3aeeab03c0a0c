//! The public keys of a client: registered, or fetched from its `jwks_uri` (RFC 7591 section 2). A rotated key is found by its `kid`.

use std::net::IpAddr;
use std::time::Duration;

use quick_cache::sync::Cache;
use writ_core::client::{Authentication, Client, ClientKeys};
use writ_core::client_assertion::rsa_signatures;
use writ_jose::assertion::unverified_kid;
use writ_jose::key::{KeySet, RsaSignatures};
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::outgoing::call_limits::CallReason;
use crate::node::outgoing::fetch::{
    AcceptedAge, DocumentPurpose, Fallback, FetchError, WantedDocument,
};

/// An unknown `kid` makes this server fetch a key set at most so often.
pub const UNKNOWN_KEY_INTERVAL: Duration = Duration::from_secs(60);
/// How long keys go on that can no longer be fetched.
pub const MAX_STALE_KEYS: Duration = Duration::from_secs(24 * 3600);
/// Fetched key sets that a node keeps ready.
const READY_KEY_SETS: usize = 4096;

/// Key sets made of fetched documents, by whose they are, what they may sign and URL, with the time of the fetch.
pub struct FetchedKeySets(Cache<KeySetName, (Timestamp, KeySet)>);

type KeySetName = (DocumentPurpose, RsaSignatures, String);

impl FetchedKeySets {
    pub fn new() -> Self {
        Self(Cache::new(READY_KEY_SETS))
    }
}

impl Default for FetchedKeySets {
    fn default() -> Self {
        Self::new()
    }
}

/// Why the keys of a client are not there.
#[derive(Debug, thiserror::Error)]
pub enum NoKeys {
    #[error("this client has no registered keys: `jwks`, or `jwks_uri`")]
    NotRegistered,
    #[error("the keys at the client's `jwks_uri` cannot be fetched: {0}")]
    Unavailable(FetchError),
}

impl NoKeys {
    /// A refusal, unless it is our fault.
    pub fn failure(self, refuse: impl FnOnce(String) -> Failure) -> Failure {
        match self {
            Self::Unavailable(FetchError::Ours(fault)) => fault.into(),
            missing => refuse(missing.to_string()),
        }
    }
}

/// Where keys of a client are published, and what they may do.
#[derive(Clone, Copy)]
struct KeyPlace<'a> {
    url: &'a str,
    signatures: RsaSignatures,
    purpose: DocumentPurpose,
    reason: CallReason,
}

/// Keys at a place, and what will do.
#[derive(Clone, Copy)]
struct WantedKeys<'a> {
    place: KeyPlace<'a>,
    age: AcceptedAge,
    fallback: Fallback,
}

impl<'a> KeyPlace<'a> {
    /// Whoever registered itself is a guest, and chose the URL: its calls are those of the address that sends the request.
    fn of(client: &Client, url: &'a str, from: Option<IpAddr>) -> Self {
        let (purpose, reason) = match client.is_guest() {
            true => (DocumentPurpose::GuestJwkSet, CallReason::Visit { from }),
            false => (DocumentPurpose::JwkSet, CallReason::Registered),
        };
        Self {
            url,
            signatures: rsa_signatures(client.profile),
            purpose,
            reason,
        }
    }
}

impl App {
    /// The keys of a client that may have signed this JWT, of which the `kid` alone is read; `from` is where the request comes from.
    /// Fetches, if it must: never call it while a database transaction is open.
    pub async fn client_keys(
        &self,
        client: &Client,
        jwt: &str,
        from: Option<IpAddr>,
    ) -> Result<KeySet, NoKeys> {
        let url = match &client.authentication {
            Authentication::PrivateKeyJwt(
                ClientKeys::Registered(keys) | ClientKeys::Fetched { keys, .. },
            ) => return Ok(keys.clone()),
            Authentication::PrivateKeyJwt(ClientKeys::At(url)) => url,
            Authentication::Secret(_) | Authentication::Public => {
                return Err(NoKeys::NotRegistered);
            }
        };
        let wanted = WantedKeys {
            place: KeyPlace::of(client, url, from),
            age: AcceptedAge::Fresh,
            fallback: Fallback::StaleFor(MAX_STALE_KEYS),
        };
        let keys = self.keys_at(wanted).await?;
        match unverified_kid(jwt) {
            Some(kid) if keys.candidates(Some(&kid)).next().is_none() => {
                let earliest = self.clock.now().minus(UNKNOWN_KEY_INTERVAL);
                let age = AcceptedAge::FetchedSince(earliest);
                self.keys_at(WantedKeys { age, ..wanted }).await
            }
            _ => Ok(keys),
        }
    }

    /// A guest that publishes its keys elsewhere, with those that are there now; every other client as it is. As [`Self::client_keys`],
    /// it fetches.
    pub async fn with_keys_of_now(
        &self,
        client: Client,
        reason: CallReason,
    ) -> Result<Client, NoKeys> {
        let url = match &client.authentication {
            Authentication::PrivateKeyJwt(ClientKeys::At(url)) if client.is_guest() => url,
            _ => return Ok(client),
        };
        let wanted = WantedKeys {
            place: KeyPlace {
                reason,
                ..KeyPlace::of(&client, url, None)
            },
            age: AcceptedAge::FetchedSince(self.clock.now()),
            fallback: Fallback::Error,
        };
        let keys = self.keys_at(wanted).await?;
        Ok(client.with_fetched_keys(&keys).unwrap_or(client))
    }

    async fn keys_at(&self, wanted: WantedKeys<'_>) -> Result<KeySet, NoKeys> {
        let WantedKeys {
            place,
            age,
            fallback,
        } = wanted;
        let KeyPlace {
            url,
            signatures,
            purpose,
            reason,
        } = place;
        let wanted = WantedDocument {
            url,
            purpose,
            reason,
            age,
            fallback,
            check: |_, body| {
                let usable = KeySet::published(body, RsaSignatures::PssAndPkcs1);
                usable.map(drop).map_err(|e| e.to_string())
            },
        };
        let document = self.documents.fetch(&wanted).await;
        let document = document.map_err(NoKeys::Unavailable)?;
        let name = (purpose, signatures, url.to_owned());
        if let Some((fetched_at, keys)) = self.key_sets.0.get(&name)
            && fetched_at == document.fetched_at
        {
            return Ok(keys);
        }
        let keys = KeySet::published(&document.body, signatures)
            .map_err(|e| NoKeys::Unavailable(FetchError::Invalid(e.to_string())))?;
        let ready = (document.fetched_at, keys.clone());
        self.key_sets.0.insert(name, ready);
        Ok(keys)
    }
}
