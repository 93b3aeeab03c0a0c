//! Configuration of a verifier. Unsafe combinations are refused at the start.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use url::{Host, Url};
use writ_jose::dpop::Htu;
use writ_platform::{Clock, Random, Transport};
use writ_wire::resource::ResourceUri;
use zeroize::Zeroizing;

use crate::step_up::StepUp;
use crate::stores::{ReplayStore, SpendStore};
use crate::transaction::Transactions;

/// The longest time for which an introspection response is cached: a stop reaches every resource server within a second.
pub const MAX_LIVE_CACHE: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub struct VerifierConfig {
    /// Exactly as the issuer's metadata and tokens say it.
    pub issuer: String,
    /// The one audience that is accepted.
    pub resource: ResourceUri,
    /// Scheme, host and path prefix under which clients reach this server: what `htu` is compared with.
    /// `Forwarded` and `X-Forwarded-*` are ignored, because any client can send them.
    pub public_url: String,
    /// For challenges (RFC 9728 section 5.1); see [`crate::metadata_url`].
    pub resource_metadata_url: Option<String>,
    /// Rejects tokens of clients that are no agents.
    pub agents_only: bool,
    /// For every request; for single ones there is [`crate::Caller::require_login`].
    pub step_up: Option<StepUp>,
    pub bearer: BearerPolicy,
    pub nonces: Nonces,
    pub live: LiveCheck,
    pub replay: Replay,
    pub spends: Spends,
    pub transactions: Transactions,
}

impl VerifierConfig {
    /// Bound tokens only, with nonces, checked offline; objects with `use: once` are refused until `spends` is set.
    pub fn new(issuer: &str, resource: ResourceUri, public_url: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            resource_metadata_url: crate::metadata_url(&resource),
            resource,
            public_url: public_url.to_owned(),
            agents_only: false,
            step_up: None,
            bearer: BearerPolicy::Refuse,
            nonces: Nonces::Required,
            live: LiveCheck::No,
            replay: Replay::InMemory,
            spends: Spends::Refuse,
            transactions: Transactions::Off,
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        is_safe_url(&self.issuer)
            .then_some(())
            .ok_or_else(|| ConfigError::Issuer(self.issuer.clone()))?;
        if !is_safe_url(&self.public_url) || Htu::parse(&self.public_url).is_none() {
            return Err(ConfigError::PublicUrl(self.public_url.clone()));
        }
        if let Some(url) = &self.resource_metadata_url
            && Url::parse(url).is_err()
        {
            return Err(ConfigError::MetadataUrl(url.clone()));
        }
        if matches!(self.replay, Replay::InMemory) && !matches!(self.nonces, Nonces::Required) {
            return Err(ConfigError::ReplayNeedsNonces);
        }
        match &self.live {
            LiveCheck::Introspection { cache, .. } if *cache > MAX_LIVE_CACHE => {
                Err(ConfigError::LiveCache)
            }
            LiveCheck::Introspection { client_id, .. } if client_id.is_empty() => {
                Err(ConfigError::LiveClient)
            }
            LiveCheck::Introspection { .. } | LiveCheck::No => Ok(()),
        }
    }
}

/// HTTP transport, clock and random numbers.
#[derive(Clone)]
pub struct VerifierEnvironment {
    pub transport: Arc<dyn Transport>,
    pub clock: Clock,
    pub random: Random,
}

#[cfg(feature = "https")]
impl VerifierEnvironment {
    /// HTTPS, the system's clock and random numbers.
    pub fn system() -> Result<Self, writ_platform::TransportError> {
        Ok(Self {
            transport: Arc::new(writ_platform::Https::new()?),
            clock: Clock::System,
            random: Random::System,
        })
    }
}

/// Whether bearer tokens of plain clients and guests are accepted. A registered agent's token must always be bound to a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BearerPolicy {
    #[default]
    Refuse,
    Allow,
}

/// Server nonces in proofs (RFC 9449 section 9).
#[derive(Clone)]
pub enum Nonces {
    /// Under a secret drawn at start: no nonce of an earlier process is accepted.
    Required,
    /// Under a secret that several processes share; they must also share a durable [`Replay::Store`].
    Shared(Zeroizing<[u8; 32]>),
    /// Only with a [`Replay::Store`].
    Off,
}

/// Whether each token is introspected at the issuer.
#[derive(Clone)]
pub enum LiveCheck {
    No,
    /// RFC 7662, with `client_secret_basic`. While the issuer does not answer, requests are rejected.
    Introspection {
        client_id: String,
        client_secret: ClientSecret,
        /// How long an answer counts: at most [`MAX_LIVE_CACHE`]; zero asks each time.
        cache: Duration,
    },
}

/// Where accepted proofs are remembered.
#[derive(Clone)]
pub enum Replay {
    /// Lost with the process; safe, because a restart invalidates the nonces of older proofs.
    InMemory,
    Store(Arc<dyn ReplayStore>),
}

/// Where used objects are remembered.
#[derive(Clone)]
pub enum Spends {
    /// Objects that are used once or have a budget are rejected.
    Refuse,
    /// Lost with the process: after a restart an approved payment could be made again. For development.
    InMemory,
    Store(Arc<dyn SpendStore>),
}

/// Wiped when dropped; `Debug` does not print it.
#[derive(Clone)]
pub struct ClientSecret(Zeroizing<String>);

impl ClientSecret {
    pub fn new(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret")
    }
}

/// Why a verifier does not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "the issuer `{0}` is not an https URL (http only on loopback) without query and fragment"
    )]
    Issuer(String),
    #[error(
        "`public_url` `{0}` is not an https URL (http only on loopback) without query and fragment"
    )]
    PublicUrl(String),
    #[error("`resource_metadata_url` `{0}` is not a URL")]
    MetadataUrl(String),
    #[error(
        "a replay memory that is lost with the process needs `Nonces::Required`: a restart would take old proofs again"
    )]
    ReplayNeedsNonces,
    #[error("an introspection answer counts at most one second")]
    LiveCache,
    #[error("the key of transaction challenges is no P-256 key in PKCS #8")]
    ChallengeKey,
    #[error("introspection needs the `client_id` of this resource")]
    LiveClient,
    #[error("the client secret is empty or has white space: it is what `writ client add` printed")]
    ClientSecret,
}

/// https, or http on loopback; no user information, query or fragment.
pub(crate) fn is_safe_url(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    let bare = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    bare && match url.scheme() {
        "https" => url.has_host(),
        "http" => url.host().is_some_and(|host| is_loopback(&host)),
        _ => false,
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}
