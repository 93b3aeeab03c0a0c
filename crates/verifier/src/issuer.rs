//! The issuer's keys and endpoints, from its metadata (RFC 8414 section 3, 7517 section 5): cached, rotated, and asked
//! for at most once in [`MIN_FETCH_INTERVAL`], whatever tokens are presented.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::{Mutex, OwnedMutexGuard};
use url::Url;
use writ_jose::key::PublicKey;
use writ_platform::{Clock, Transport};
use writ_wire::jwk::{JwkSet, MAX_KEYS};
use writ_wire::time::Timestamp;

use crate::config::is_safe_url;
use crate::fetch::{self, FetchError};
use crate::refused::Reason;

/// After this the keys are fetched again.
pub const KEYS_LIFETIME: Duration = Duration::from_secs(300);
/// After this keys that could not be fetched again are good for nothing.
pub const MAX_KEYS_STALENESS: Duration = Duration::from_secs(3600);
/// Unknown keys in tokens cause no more fetches than this.
pub const MIN_FETCH_INTERVAL: Duration = Duration::from_secs(10);

/// One issuer, as seen by one resource.
#[derive(Clone)]
pub(crate) struct Issuer(Arc<Inner>);

struct Inner {
    issuer: String,
    transport: Arc<dyn Transport>,
    clock: Clock,
    cached: RwLock<Cached>,
    /// Held by the one fetch that is under way.
    fetching: Arc<Mutex<()>>,
}

#[derive(Clone, Default)]
struct Cached {
    published: Option<Arc<Published>>,
    attempt: Option<Attempt>,
}

#[derive(Clone)]
struct Attempt {
    at: Timestamp,
    failure: Option<String>,
}

/// What the issuer says of itself.
#[derive(Debug)]
pub(crate) struct Published {
    keys: BTreeMap<String, PublicKey>,
    pub(crate) introspection_endpoint: Option<String>,
    fetched_at: Timestamp,
}

impl Published {
    pub(crate) fn key(&self, kid: &str) -> Option<&PublicKey> {
        self.keys.get(kid)
    }

    fn is_younger(&self, than: Duration, now: Timestamp) -> bool {
        age(self.fetched_at, now).is_some_and(|age| age < than)
    }
}

impl Issuer {
    pub(crate) fn new(issuer: &str, transport: Arc<dyn Transport>, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            issuer: issuer.to_owned(),
            transport,
            clock,
            cached: RwLock::default(),
            fetching: Arc::default(),
        }))
    }

    /// Fresh, or at most [`MAX_KEYS_STALENESS`] old while the issuer cannot be reached.
    pub(crate) async fn published(&self) -> Result<Arc<Published>, Reason> {
        let now = self.0.clock.now();
        if let Some(usable) = self.usable(now) {
            if usable.is_younger(KEYS_LIFETIME, now) {
                return Ok(usable);
            }
            // While another request fetches, nobody has to wait: old keys are still good.
            let Ok(turn) = Arc::clone(&self.0.fetching).try_lock_owned() else {
                return Ok(usable);
            };
            self.fetch(turn).await;
        } else {
            let turn = Arc::clone(&self.0.fetching).lock_owned().await;
            if self.usable(now).is_none() {
                self.fetch(turn).await;
            }
        }
        let now = self.0.clock.now();
        self.usable(now).ok_or_else(|| self.unavailable())
    }

    /// Again, because a token names a key that is not among `known`. At most once in [`MIN_FETCH_INTERVAL`].
    pub(crate) async fn published_after(
        &self,
        known: &Arc<Published>,
    ) -> Result<Arc<Published>, Reason> {
        let turn = Arc::clone(&self.0.fetching).lock_owned().await;
        let cached = self.cached().published;
        if let Some(newer) = cached.filter(|published| !Arc::ptr_eq(published, known)) {
            return Ok(newer);
        }
        self.fetch(turn).await;
        let cached = self.cached();
        match cached.attempt {
            Some(Attempt {
                failure: Some(_), ..
            }) => Err(self.unavailable()),
            _ => cached.published.ok_or_else(|| self.unavailable()),
        }
    }

    fn usable(&self, now: Timestamp) -> Option<Arc<Published>> {
        let published = self.cached().published?;
        published
            .is_younger(MAX_KEYS_STALENESS, now)
            .then_some(published)
    }

    fn cached(&self) -> Cached {
        let cached = self.0.cached.read();
        cached.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn unavailable(&self) -> Reason {
        let failure = self.cached().attempt.and_then(|attempt| attempt.failure);
        Reason::unavailable(
            "the issuer's keys cannot be fetched",
            failure.unwrap_or_default(),
        )
    }

    /// In a task of its own, so that a client that disconnects does not end it for the others.
    async fn fetch(&self, turn: OwnedMutexGuard<()>) {
        let now = self.0.clock.now();
        let last = self.cached().attempt.map(|attempt| attempt.at);
        let too_soon = |at| age(at, now).is_some_and(|age| age < MIN_FETCH_INTERVAL);
        if last.is_some_and(too_soon) {
            return;
        }
        self.0.record(now, Err("the fetch did not end".to_owned()));
        let inner = Arc::clone(&self.0);
        let fetched = tokio::spawn(async move {
            let fetched = inner.fetch(now).await.map_err(|e| e.to_string());
            inner.record(now, fetched);
            drop(turn);
        });
        // A task that failed has left its failure in the record.
        let _ = fetched.await;
    }
}

impl Inner {
    fn record(&self, at: Timestamp, fetched: Result<Published, String>) {
        let mut cached = self.cached.write().unwrap_or_else(PoisonError::into_inner);
        let failure = match fetched {
            Ok(published) => {
                cached.published = Some(Arc::new(published));
                None
            }
            Err(cause) => Some(cause),
        };
        cached.attempt = Some(Attempt { at, failure });
    }

    async fn fetch(&self, now: Timestamp) -> Result<Published, IssuerError> {
        let url = metadata_url(&self.issuer).ok_or(IssuerError::Issuer)?;
        let metadata: Metadata = self.document(&url).await?;
        if metadata.issuer != self.issuer {
            return Err(IssuerError::OtherIssuer);
        }
        for url in std::iter::once(&metadata.jwks_uri).chain(&metadata.introspection_endpoint) {
            if !self.may_call(url) {
                return Err(IssuerError::Unsafe);
            }
        }
        let jwks: JwkSet = self.document(&metadata.jwks_uri).await?;
        Ok(Published {
            keys: usable_keys(&jwks)?,
            introspection_endpoint: metadata.introspection_endpoint,
            fetched_at: now,
        })
    }

    async fn document<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, FetchError> {
        fetch::read(&fetch::get(&self.transport, url, FETCH_TIMEOUT).await?)
    }

    /// https, or plain http where the issuer itself is on loopback: a document must not send us into an internal network.
    fn may_call(&self, url: &str) -> bool {
        let plain_issuer = self.issuer.starts_with("http:");
        is_safe_url(url) && (plain_issuer || url.starts_with("https:"))
    }
}

#[derive(Debug, thiserror::Error)]
enum IssuerError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("the issuer is no URL")]
    Issuer,
    #[error("the metadata is of another issuer")]
    OtherIssuer,
    #[error("the metadata names an endpoint that is not https")]
    Unsafe,
    #[error("the key set has more than {MAX_KEYS} keys")]
    TooManyKeys,
    #[error("the key set has two keys of one `kid`")]
    RepeatedKid,
    #[error("the key set has no key that can be used")]
    NoKey,
}

/// The members of the metadata that a resource needs.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
    #[serde(default)]
    introspection_endpoint: Option<String>,
}

/// Keys for other purposes or of other algorithms are passed over: tokens that name them are refused.
fn usable_keys(jwks: &JwkSet) -> Result<BTreeMap<String, PublicKey>, IssuerError> {
    if jwks.keys.len() > MAX_KEYS {
        return Err(IssuerError::TooManyKeys);
    }
    let mut keys = BTreeMap::new();
    for key in jwks
        .keys
        .iter()
        .filter_map(|jwk| PublicKey::from_jwk(jwk).ok())
    {
        let Some(kid) = key.kid().map(str::to_owned) else {
            continue;
        };
        if keys.insert(kid, key).is_some() {
            return Err(IssuerError::RepeatedKid);
        }
    }
    if keys.is_empty() {
        return Err(IssuerError::NoKey);
    }
    Ok(keys)
}

/// RFC 8414 section 3.1: between host and path.
fn metadata_url(issuer: &str) -> Option<String> {
    let url = Url::parse(issuer).ok()?;
    let path = url.path().trim_end_matches('/');
    let origin = url.origin().ascii_serialization();
    Some(format!(
        "{origin}/.well-known/oauth-authorization-server{path}"
    ))
}

/// `None` if the clock went backwards: then nothing is known.
fn age(since: Timestamp, now: Timestamp) -> Option<Duration> {
    (since <= now).then(|| since.until(now))
}

const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
