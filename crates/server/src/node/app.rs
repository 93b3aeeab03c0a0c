//! The state that every request handler shares: configuration, store, clock, randomness, keys, caches.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use url::Url;
use writ_authority::Level;
use writ_core::checks::Endpoint;
use writ_core::id::{ClientId, ENTROPY, EventId, TransactionId};
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
use crate::node::client_keys::FetchedKeySets;
use crate::node::clock::{ClockWatch, DatabaseClock};
use crate::node::compared_catalogue::ComparedCatalogue;
use crate::node::keyring::KeyRing;
use crate::node::live::EventStreams;
use crate::node::metrics::Metrics;
use crate::node::outage::Outage;
use crate::node::outgoing::OutgoingChannels;
use crate::node::outgoing::documents::{Documents, FetchEnvironment};
use crate::node::owed_attempts::OwedAttempts;
use crate::node::passwords::Passwords;
use crate::node::registry::{CatalogueCache, Clients};
use crate::node::strangers::Strangers;
use crate::node::traces::Traces;
use crate::node::waiting::Waiting;

/// Cached owners of DPoP keys; an evicted one costs a database statement.
const KNOWN_KEYS: usize = 65_536;

/// One node of the server.
pub struct App {
    pub config: Config,
    pub store: Store,
    pub clock: Clock,
    pub watch: ClockWatch,
    pub random: Random,
    pub keys: KeyRing,
    pub nonces: NonceKeys,
    pub clients: Clients,
    pub catalogue: CatalogueCache,
    pub compared: ComparedCatalogue,
    /// The client that owns each DPoP key, by thumbprint, and since when this is known; a key that is used never changes its owner.
    pub known_keys: Cache<String, (Timestamp, ClientId)>,
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
    pub key_sets: FetchedKeySets,
    pub live: EventStreams,
    pub outage: Outage,
    pub strangers: Strangers,
    pub owed_attempts: OwedAttempts,
    pub traces: Traces,
    pub urls: Urls,
}

/// The URLs of our endpoints as `htu` is compared with them (RFC 9449 section 4.3): from the configuration, never from a header.
pub struct Urls {
    pub par: Htu,
    pub token: Htu,
    pub introspect: Htu,
    pub revoke: Htu,
    pub userinfo: Htu,
    pub backchannel: Htu,
    pub device_authorization: Htu,
    pub transaction: Htu,
    pub evaluation: Htu,
    pub evaluations: Htu,
    pub outcomes: Htu,
    pub access_request: Htu,
    pub forward_auth: Htu,
    pub api: Htu,
}

/// The sources of time and randomness; tests bring their own.
pub struct ServerEnvironment {
    pub clock: Clock,
    pub database_clock: DatabaseClock,
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
        let ServerEnvironment {
            clock,
            database_clock,
            random,
        } = environment;
        store.migrate().await?;
        let now = clock.now();
        found(&store, &config, now).await?;
        let catalogue = CatalogueCache::start(&store, &config, &random, now).await?;
        let keys = KeyRing::start(&store, &config, &random, now).await?;
        let metrics = Metrics::new();
        let notices = OutgoingChannels::start(&store, &config, now).await?;
        let documents = Documents::new(FetchEnvironment {
            guests: notices.guest_guard.clone(),
            registered: notices.guard.clone(),
            store: store.clone(),
            clock: clock.clone(),
            fetches: metrics.fetches(),
        });
        let languages = Languages::load()?.under(&config.brand);
        let nonces = NonceKeys::new(&config.master.derive("dpop-nonce"), config.issuer.as_str());
        let app = Arc::new(Self {
            urls: Urls::of(&config)?,
            keys,
            nonces,
            clients: Clients::new(),
            catalogue,
            compared: ComparedCatalogue::default(),
            known_keys: Cache::new(KNOWN_KEYS),
            waiting: Waiting::new(store.clone(), clock.clone()),
            passwords: Passwords::start(metrics.hashing.clone()),
            passkeys: RelyingParty::new(&issuer_url(&config)?),
            texts: languages.english().clone(),
            languages,
            zones: Zones::load(),
            metrics,
            notices,
            documents,
            key_sets: FetchedKeySets::new(),
            live: EventStreams::new(),
            outage: Outage::none(),
            strangers: Strangers::default(),
            owed_attempts: OwedAttempts::default(),
            traces: Traces::of(&config.telemetry),
            watch: ClockWatch::new(database_clock),
            config,
            store,
            clock,
            random,
        });
        app.compare_clock().await?;
        Ok(app)
    }

    /// The strongest level at which anybody can approve here: without a host name to bind passkeys to, nobody has one.
    pub fn strongest(&self) -> Level {
        if self.passkeys.is_err() {
            return Level::Password;
        }
        self.config.strongest()
    }

    pub async fn begin(&self) -> Result<DatabaseTransaction, StoreError> {
        self.store.begin(DEFAULT_TENANT).await
    }

    pub async fn read(&self) -> Result<DatabaseTransaction, StoreError> {
        self.store.read(DEFAULT_TENANT).await
    }

    /// From now on this node is not ready, and keeps nobody waiting: long polls and live inboxes are answered.
    pub fn begin_ending(&self) {
        self.live.closed.send_replace(true);
        self.waiting.end();
    }

    pub fn is_ending(&self) -> bool {
        *self.live.closed.borrow()
    }

    /// Entropy of one id.
    pub fn entropy(&self) -> [u8; ENTROPY] {
        self.random.bytes()
    }

    /// The id of a new event.
    pub fn event_id(&self, now: Timestamp) -> EventId {
        EventId::make(now, self.entropy())
    }

    /// Makes the `ref`s of the objects of one request; each survives every narrowing. An authority is sorted by them, so each is
    /// later than the one before: people and resources see the order in which the client asked.
    pub fn references(&self, now: Timestamp) -> impl FnMut() -> String + '_ {
        let mut at = now;
        move || {
            let id = TransactionId::make(at, self.entropy());
            at = at.plus(Duration::from_millis(1));
            id.as_str().replace(TransactionId::PREFIX, "ref_")
        }
    }
}

/// The tenant, and the sinks to which events are due from now on.
async fn found(store: &Store, config: &Config, now: Timestamp) -> Result<(), StoreError> {
    let mut transaction = store.begin(DEFAULT_TENANT).await?;
    transaction
        .ensure_tenant(config.issuer.as_str(), now)
        .await?;
    for sink in config.telemetry.sinks.iter() {
        transaction.note_sink(&sink.name, now).await?;
    }
    transaction.commit().await
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
            par: parse(Endpoint::Par.path())?,
            token: parse(Endpoint::TOKEN_PATH)?,
            introspect: parse(Endpoint::Introspect.path())?,
            revoke: parse(Endpoint::Revoke.path())?,
            userinfo: parse(Endpoint::Userinfo.path())?,
            backchannel: parse(Endpoint::Backchannel.path())?,
            device_authorization: parse(Endpoint::DeviceAuthorization.path())?,
            transaction: parse(Endpoint::Transaction.path())?,
            evaluation: parse(Endpoint::Evaluation.path())?,
            evaluations: parse(Endpoint::Evaluations.path())?,
            outcomes: parse(Endpoint::Outcomes.path())?,
            access_request: parse(Endpoint::AccessRequest.path())?,
            forward_auth: parse(Endpoint::ForwardAuth.path())?,
            api: parse(Endpoint::Api.path())?,
        })
    }
}
