//! The state that every request handler shares: configuration, store, clock, randomness, keys, caches.

use std::sync::Arc;

use quick_cache::sync::Cache;
use url::Url;
use writ_core::id::{ClientId, ENTROPY};
use writ_core::realm::DEFAULT_TENANT;
use writ_jose::dpop::Htu;
use writ_jose::nonce::NonceKeys;
use writ_pages::zones::Zones;
use writ_pages::{Languages, Texts};
use writ_passkey::{RelyingParty, RelyingPartyError};
use writ_platform::{Clock, Random};
use writ_store::{DatabaseTransaction, Store, StoreError};
use writ_wire::time::Timestamp;

use crate::config::Config;
use crate::node::keyring::KeyRing;
use crate::node::live::EventStreams;
use crate::node::metrics::Metrics;
use crate::node::outgoing::OutgoingChannels;
use crate::node::outgoing::documents::{Documents, FetchEnvironment};
use crate::node::passwords::Passwords;
use crate::node::registry::{CatalogueCache, Clients};
use crate::node::waiting::Waiting;

/// Cached owners of DPoP keys; an evicted one costs a database statement.
const KNOWN_KEYS: usize = 65_536;

/// One node of the server.
pub struct App {
    pub config: Config,
    pub store: Store,
    pub clock: Clock,
    pub random: Random,
    pub keys: KeyRing,
    pub nonces: NonceKeys,
    pub clients: Clients,
    pub catalogue: CatalogueCache,
    /// The client that owns each DPoP key, by thumbprint; a key never changes its owner.
    pub known_keys: Cache<String, ClientId>,
    pub passwords: Passwords,
    /// Our WebAuthn relying party, or why there is none; passwords always work.
    pub passkeys: Result<RelyingParty, RelyingPartyError>,
    /// Long polls and live inboxes of this node.
    pub waiting: Waiting,
    /// English texts, for answers without a language of the user's.
    pub texts: Texts,
    pub languages: Languages,
    pub zones: Zones,
    pub metrics: Metrics,
    pub notices: OutgoingChannels,
    /// What others host and this server fetched.
    pub documents: Documents,
    pub live: EventStreams,
    pub urls: Urls,
}

/// The URLs of our endpoints as `htu` is compared with them (RFC 9449 section 4.3): from the configuration, never from a header.
pub struct Urls {
    pub par: Htu,
    pub token: Htu,
    pub introspect: Htu,
    pub userinfo: Htu,
    pub backchannel: Htu,
    pub device_authorization: Htu,
    pub transaction: Htu,
}

/// The sources of time and randomness; tests bring their own.
pub struct ServerEnvironment {
    pub clock: Clock,
    pub random: Random,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the database: {0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Types(String),
    #[error("signing keys: {0}")]
    Keys(String),
    #[error("page texts: {0}")]
    Texts(#[from] writ_pages::TextError),
    #[error("what this server calls: {0}")]
    Channels(String),
    #[error("`{0}` is no URL")]
    Url(String),
}

impl App {
    /// Migrates, writes the tenant, loads types and keys.
    pub async fn start(
        config: Config,
        store: Store,
        environment: ServerEnvironment,
    ) -> Result<Arc<Self>, StartError> {
        let ServerEnvironment { clock, random } = environment;
        store.migrate().await?;
        let now = clock.now();
        let mut session = store.begin(DEFAULT_TENANT).await?;
        session.ensure_tenant(config.issuer.as_str(), now).await?;
        session.commit().await?;
        let catalogue = CatalogueCache::start(&store, &config, &random, now).await?;
        let keys = KeyRing::start(&store, &config, &random, now).await?;
        let metrics = Metrics::new();
        let notices = OutgoingChannels::start(&store, &config, now).await?;
        let documents = Documents::new(FetchEnvironment {
            guard: notices.guard.clone(),
            store: store.clone(),
            clock: clock.clone(),
            fetches: metrics.fetches(),
        });
        let nonces = NonceKeys::new(&config.master.derive("dpop-nonce"), config.issuer.as_str());
        Ok(Arc::new(Self {
            urls: Urls::of(&config)?,
            keys,
            nonces,
            clients: Clients::new(),
            catalogue,
            known_keys: Cache::new(KNOWN_KEYS),
            waiting: Waiting::new(store.clone(), clock.clone()),
            passwords: Passwords::start(),
            passkeys: RelyingParty::new(&issuer_url(&config)?),
            texts: Texts::load()?,
            languages: Languages::load()?,
            zones: Zones::load(),
            metrics,
            notices,
            documents,
            live: EventStreams::new(),
            config,
            store,
            clock,
            random,
        }))
    }

    pub async fn begin(&self) -> Result<DatabaseTransaction, StoreError> {
        self.store.begin(DEFAULT_TENANT).await
    }

    pub async fn read(&self) -> Result<DatabaseTransaction, StoreError> {
        self.store.read(DEFAULT_TENANT).await
    }

    /// Entropy of one id.
    pub fn entropy(&self) -> [u8; ENTROPY] {
        self.random.bytes()
    }

    /// The id of a new event.
    pub fn event_id(&self, now: Timestamp) -> writ_core::id::EventId {
        writ_core::id::EventId::make(now, self.entropy())
    }
}

fn issuer_url(config: &Config) -> Result<Url, StartError> {
    let issuer = config.issuer.as_str();
    Url::parse(issuer).map_err(|_| StartError::Url(issuer.to_owned()))
}

impl Urls {
    fn of(config: &Config) -> Result<Self, StartError> {
        let parse = |path: &str| {
            let url = config.url(path);
            Htu::parse(&url).ok_or(StartError::Url(url))
        };
        Ok(Self {
            par: parse("/par")?,
            token: parse("/token")?,
            introspect: parse("/introspect")?,
            userinfo: parse("/userinfo")?,
            backchannel: parse("/bc-authorize")?,
            device_authorization: parse("/device_authorization")?,
            transaction: parse("/transaction_authorization")?,
        })
    }
}
