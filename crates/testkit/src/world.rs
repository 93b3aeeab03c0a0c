//! A server in the test's process, with its database, its clock and an in-process network.

mod addressed;
mod keys;
mod node;
mod operator;
mod seed;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use axum::{Extension, Router};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;
use writ_agent::Agent;
use writ_platform::{Clock, ManualClock, Random};
use writ_server::config::Config;
use writ_server::node::app::{App, ServerEnvironment};
use writ_server::node::client_address::ClientAddress;
use writ_server::node::clock::DatabaseClock;
use writ_server::operate::change::Operator;
use writ_server::operate::register::Registrar;
use writ_server::router::router;
use writ_store::event::{EventFilter, StoredEvent};
use writ_store::testing::{self, DatabaseKind, PATIENT, TestDatabase};
use writ_store::{DatabaseTransaction, Store};
use writ_wire::time::Timestamp;

use crate::browser::TestBrowser;
use crate::network::Network;
use crate::node_client::NodeClient;
use crate::reply::TestReply;

pub use node::Node;
pub use operator::operator;
use seed::seed;

/// A host name, because passkeys need one.
pub const ISSUER: &str = "http://localhost:9";
/// 2026-09-21T14:13:20Z.
pub const START: i64 = 1_790_000_000;
const MASTER: &str = "mZ1v0pQk9b3T7xYcR2uWn8aLs5dFg6hJ4kE0iOqPtSU";
const TENANT: &str = "default";

/// Names and values, of a form or of headers.
type Pairs<'a> = &'a [(&'a str, &'a str)];

pub struct World {
    pub app: Arc<App>,
    pub clock: ManualClock,
    pub random: Random,
    pub network: Arc<Network>,
    pub database: TestDatabase,
    /// Who makes the changes of an operator.
    pub operator: Operator,
    router: Router,
    /// Settings beside the defaults.
    settings: Vec<(String, String)>,
}

impl World {
    /// Nonces off for all profiles, `mission_intent` on.
    pub async fn new(kind: DatabaseKind) -> Self {
        Self::configured(kind, &[]).await
    }

    /// With more of the environment: `("PROFILES__AGENT__DPOP_NONCE", "true")`.
    pub async fn configured(kind: DatabaseKind, more: &[(&str, &str)]) -> Self {
        testing::watch_plans();
        let database = testing::fresh(kind).await;
        let clock = ManualClock::starting_at(Timestamp::from_seconds(START));
        let random = Random::seeded(seed());
        let store = Store::connect_within(&database.url, PATIENT).await.unwrap();
        let app = start(store, &database.url, more, sources(&clock, &random)).await;
        let router = router(app.clone());
        let network = Arc::new(Network::new());
        network.serve(ISSUER, router.clone());
        Self {
            app,
            clock,
            random,
            network,
            database,
            operator: operator(),
            router,
            settings: owned(more),
        }
    }

    /// Another node on the same database with the same settings: its own caches, its own connections.
    pub async fn node(&self) -> Node {
        let more = self.settings.iter();
        let more: Vec<(&str, &str)> = more.map(|(k, v)| (k.as_str(), v.as_str())).collect();
        self.node_with(&more).await
    }

    /// The same, configured otherwise.
    pub async fn node_with(&self, more: &[(&str, &str)]) -> Node {
        let store = Store::connect_within(&self.database.url, PATIENT).await;
        self.node_on(store.unwrap(), more).await
    }

    /// A node whose connections to the database are these.
    pub async fn node_on(&self, store: Store, more: &[(&str, &str)]) -> Node {
        let app = start(
            store,
            &self.database.url,
            more,
            sources(&self.clock, &self.random),
        )
        .await;
        let router = router(app.clone());
        let network = Arc::new(Network::new());
        network.serve(ISSUER, router.clone());
        Node {
            app,
            network,
            router,
        }
    }

    /// The first node.
    pub fn door(&self) -> NodeClient {
        NodeClient::new(self.network.clone(), ISSUER)
    }

    /// The environment of one more process on the same database.
    pub fn environment(&self) -> BTreeMap<String, String> {
        environment(&self.database.url, &[])
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub fn store(&self) -> &Store {
        &self.database.store
    }

    pub async fn begin(&self) -> DatabaseTransaction {
        self.store().begin(TENANT).await.unwrap()
    }

    pub fn registry<'a>(&'a self, types: &'a writ_authority::Types) -> Registrar<'a> {
        Registrar {
            store: self.store(),
            issuer: &self.app.config.issuer,
            types,
            clock: &self.app.clock,
            random: &self.random,
            by: &self.operator,
        }
    }

    /// A person with a password that costs little to check: what a real one costs is tested where it is made.
    pub async fn add_user(&self, name: &str, password: &str) -> Value {
        let catalogue = self.app.catalogue().await.unwrap();
        self.registry(&catalogue.types)
            .add_user_with_hash(name, &cheap_hash(password))
            .await
            .unwrap()
    }

    /// A person as an operator adds them: the password is kept as everybody's.
    pub async fn add_user_at_full_cost(&self, name: &str, password: &str) -> Value {
        let catalogue = self.app.catalogue().await.unwrap();
        let registrar = self.registry(&catalogue.types);
        registrar.add_user(name, password).await.unwrap()
    }

    /// CLIENT.json or AGENT.json; answers what `writ client|agent add` prints.
    pub async fn add_client(&self, file: Value) -> Value {
        self.try_add_client(file).await.unwrap()
    }

    pub async fn try_add_client(&self, file: Value) -> Result<Value, String> {
        let catalogue = self.app.catalogue().await.unwrap();
        let registry = self.registry(&catalogue.types);
        let is_agent = file.get("agent").is_some();
        let file = serde_json::from_value(file).map_err(|e| e.to_string())?;
        let added = if is_agent {
            registry.add_agent(file).await
        } else {
            registry.add_client(file).await
        };
        added.map_err(|e| e.to_string())
    }

    /// The record of this client, as it is stored.
    pub async fn client_file(&self, id: &str) -> Value {
        let id = writ_core::id::ClientId::from_text(id);
        let stored = self.begin().await.client(&id).await.unwrap();
        serde_json::from_str(&stored.expect("no such client").metadata).unwrap()
    }

    /// Changes the stored record; a node may still have the older one in its cache.
    pub async fn change_client(&self, id: &str, change: impl FnOnce(&mut Value)) {
        let mut file = self.client_file(id).await;
        change(&mut file);
        let text = file.to_string();
        self.database.rewrite_client(id, &text).await;
    }

    pub async fn add_resource(&self, file: Value) -> Value {
        let added = self.try_add_resource(file).await.unwrap();
        self.app.fresh_catalogue().await.unwrap();
        added
    }

    pub async fn try_add_resource(&self, file: Value) -> Result<Value, String> {
        let catalogue = self.app.catalogue().await.unwrap();
        let registry = self.registry(&catalogue.types);
        let file = serde_json::from_value(file).map_err(|e| e.to_string())?;
        let added = registry.add_resource(&file).await;
        added.map_err(|e| e.to_string())
    }

    pub fn browser(&self) -> TestBrowser {
        TestBrowser::new(self.network.clone())
    }

    /// For the agent kit: this world's network, clock and random numbers.
    pub fn agent_environment(&self) -> writ_agent::AgentEnvironment {
        writ_agent::AgentEnvironment {
            transport: self.network.clone(),
            clock: Clock::Manual(self.clock.clone()),
            random: self.random.clone(),
        }
    }

    /// An agent with the real kit.
    pub async fn agent(&self, config: writ_agent::AgentConfig) -> Agent {
        Agent::discover(ISSUER, config, self.agent_environment())
            .await
            .unwrap()
    }

    /// A form through the real router.
    pub async fn post(
        &self,
        path: &str,
        form: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> TestReply {
        post(self.router.clone(), path, form, headers).await
    }

    /// A form over a connection whose other end is this address.
    pub async fn post_from(
        &self,
        address: IpAddr,
        path: &str,
        form: Pairs<'_>,
        headers: Pairs<'_>,
    ) -> TestReply {
        let router = self.router.clone().layer(Extension(ClientAddress(address)));
        post(router, path, form, headers).await
    }

    /// A page over a connection whose other end is this address.
    pub async fn get_from(
        &self,
        address: IpAddr,
        path: &str,
        headers: &[(&str, &str)],
    ) -> TestReply {
        let router = self.router.clone().layer(Extension(ClientAddress(address)));
        send(router, Method::GET, path, headers, Vec::new()).await
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> TestReply {
        self.send(Method::GET, path, headers, Vec::new()).await
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> TestReply {
        send(self.router.clone(), method, path, headers, body).await
    }

    /// All events of the audit log, oldest first.
    pub async fn events(&self) -> Vec<StoredEvent> {
        let mut transaction = self.store().read(TENANT).await.unwrap();
        transaction
            .events(EventFilter {
                limit: 10_000,
                ..EventFilter::default()
            })
            .await
            .unwrap()
    }

    /// Names of the events so far.
    pub async fn event_names(&self) -> Vec<String> {
        self.events()
            .await
            .into_iter()
            .map(|event| event.name)
            .collect()
    }
}

/// argon2id with the smallest memory that the algorithm takes, in kibibytes, and one pass.
fn cheap_hash(password: &str) -> String {
    let params = Params::new(Params::MIN_M_COST, 1, 1, None).unwrap();
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = hasher.hash_password_with_salt(password.as_bytes(), &[7; 16]);
    hash.unwrap().to_string()
}

fn owned(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    settings.iter().map(owned).collect()
}

fn environment(url: &str, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let types = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../config/types");
    let mut environment: BTreeMap<String, String> = [
        ("SERVER__ISSUER", ISSUER),
        ("DATABASE__URL", url),
        ("TYPES__PATH", types.to_str().unwrap()),
        ("KEYS__MASTER", MASTER),
        ("FEATURES__MISSION_INTENT", "true"),
        ("PROFILES__AGENT__DPOP_NONCE", "false"),
        ("PROFILES__FAPI2__DPOP_NONCE", "false"),
    ]
    .into_iter()
    .chain(more.iter().copied())
    .map(|(key, value)| (format!("WRIT__{key}"), value.to_owned()))
    .collect();
    environment.retain(|_, value| !value.is_empty());
    environment
}

/// The world's clock and random numbers, for one of its nodes.
fn sources(clock: &ManualClock, random: &Random) -> ServerEnvironment {
    ServerEnvironment {
        clock: Clock::Manual(clock.clone()),
        database_clock: DatabaseClock::Given(Clock::Manual(clock.clone())),
        random: random.clone(),
    }
}

async fn start(
    store: Store,
    url: &str,
    more: &[(&str, &str)],
    sources: ServerEnvironment,
) -> Arc<App> {
    let config = Config::load(None, &environment(url, more)).unwrap();
    App::start(config, store, sources).await.unwrap()
}

async fn post(
    router: Router,
    path: &str,
    form: &[(&str, &str)],
    headers: &[(&str, &str)],
) -> TestReply {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
    all.extend_from_slice(headers);
    send(router, Method::POST, path, &all, body.into_bytes()).await
}

async fn send(
    router: Router,
    method: Method,
    path: &str,
    headers: Pairs<'_>,
    body: Vec<u8>,
) -> TestReply {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    let mut request = http::Request::new(bytes::Bytes::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap();
    *request.headers_mut() = map;
    TestReply::of(crate::network::through(router, request).await)
}
