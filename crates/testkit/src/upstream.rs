//! An OpenID provider for tests, on loopback: its ID tokens say whatever the test wants, its endpoints are those of an honest one. Each code is
//! good once, for the redirect URI and the PKCE challenge of its request, and for the client with its secret.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use writ_jose::key::{KeySet, RsaSignatures};
use writ_platform::Random;
use writ_server::node::listener::{ListenerBounds, serve};

use self::endpoints::{metadata, redeem, show_keys, show_metadata, show_userinfo};
use crate::browser::{TestBrowser, WebPage};
use crate::forge::Forge;
use crate::world::{ISSUER, World};

mod endpoints;

/// Our client id there.
pub const UPSTREAM_CLIENT: &str = "writ-at-acme";
pub const UPSTREAM_SECRET: &str = "sealed kettle nine";
/// `sub` of its person.
pub const UPSTREAM_SUBJECT: &str = "10769150350006150715113082367";

#[derive(Clone)]
pub struct TestProvider {
    pub origin: String,
    /// It signs with this one.
    pub key: Forge,
    memory: Arc<ProviderMemory>,
    _running: Arc<watch::Sender<bool>>,
}

struct ProviderMemory {
    metadata: Mutex<Value>,
    keys: Mutex<Vec<Value>>,
    codes: Mutex<BTreeMap<String, PreparedCode>>,
    redeemed: Mutex<usize>,
    /// What its token endpoint answers, whatever it is asked.
    token_fault: Mutex<Option<(StatusCode, String)>>,
    /// Refresh tokens that are good, each once, with what they bring.
    refreshes: Mutex<BTreeMap<String, Value>>,
    refreshed: Mutex<usize>,
    /// What its UserInfo endpoint says to the access token `at`.
    userinfo: Mutex<Value>,
    /// By which this server proves who it is, instead of its secret.
    client_keys: Mutex<Option<KeySet>>,
    /// Of assertions that were used.
    used: Mutex<BTreeSet<String>>,
}

/// What a code is good for.
struct PreparedCode {
    challenge: String,
    redirect_uri: String,
    tokens: Value,
}

impl TestProvider {
    pub async fn start(seed: u64) -> Self {
        let key = Forge::new(&Random::seeded(seed));
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", socket.local_addr().unwrap());
        let memory = Arc::new(ProviderMemory {
            metadata: Mutex::new(metadata(&origin)),
            keys: Mutex::new(vec![key.jwk()]),
            codes: Mutex::default(),
            redeemed: Mutex::default(),
            token_fault: Mutex::default(),
            refreshes: Mutex::default(),
            refreshed: Mutex::default(),
            userinfo: Mutex::default(),
            client_keys: Mutex::default(),
            used: Mutex::default(),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(show_metadata))
            .route("/jwks", get(show_keys))
            .route("/token", post(redeem))
            .route("/userinfo", get(show_userinfo))
            .with_state(memory.clone());
        let (running, stopped) = watch::channel(false);
        tokio::spawn(serve(socket, router, ListenerBounds::default(), stopped));
        Self {
            origin,
            key,
            memory,
            _running: Arc::new(running),
        }
    }

    /// `[upstream.NAME]` of a server that trusts it.
    pub fn settings(&self, name: &str) -> Vec<(String, String)> {
        let key = |key: &str| format!("UPSTREAM__{}__{key}", name.to_uppercase());
        vec![
            (key("ISSUER"), self.origin.clone()),
            (key("LABEL"), format!("{name} & Sons")),
            (key("CLIENT_ID"), UPSTREAM_CLIENT.to_owned()),
            (key("CLIENT_SECRET"), UPSTREAM_SECRET.to_owned()),
        ]
    }

    /// Another document, another member of it, or without it: null.
    pub fn say(&self, member: &str, value: Value) {
        self.memory.metadata.lock().unwrap()[member] = value;
    }

    /// From now on these keys alone are published.
    pub fn publish(&self, keys: &[&Forge]) {
        *self.memory.keys.lock().unwrap() = keys.iter().map(|key| key.jwk()).collect();
    }

    /// From now on its token endpoint answers this, whatever it is asked.
    pub fn answer_tokens(&self, status: u16, body: &str) {
        let status = StatusCode::from_u16(status).unwrap();
        *self.memory.token_fault.lock().unwrap() = Some((status, body.to_owned()));
    }

    /// From now on this server proves who it is by one of these keys alone.
    pub fn expect_key(&self, jwks: &Value) {
        let keys = KeySet::published(jwks.to_string().as_bytes(), RsaSignatures::PssAndPkcs1);
        *self.memory.client_keys.lock().unwrap() = Some(keys.unwrap());
    }

    /// From now on its token endpoint answers as it should.
    pub fn answer_tokens_again(&self) {
        *self.memory.token_fault.lock().unwrap() = None;
    }

    /// This refresh token brings these members of a token response, once.
    pub fn refresh_by(&self, token: &str, tokens: &Value) {
        let mut all = json!({ "access_token": "at", "token_type": "Bearer", "expires_in": 60 });
        crate::front::merge(&mut all, tokens.clone());
        let mut refreshes = self.memory.refreshes.lock().unwrap();
        refreshes.insert(token.to_owned(), all);
    }

    /// An ID token of these claims, as a refresh brings it: without a nonce.
    pub fn id_token(&self, claims: &Value) -> String {
        let header = json!({ "alg": "ES256", "kid": self.key.thumbprint() });
        self.key.sign(&header, claims)
    }

    /// Refresh tokens that were used, also those that were good no more.
    pub fn refreshed(&self) -> usize {
        *self.memory.refreshed.lock().unwrap()
    }

    /// From now on it has a UserInfo endpoint, which says this.
    pub fn say_at_userinfo(&self, claims: Value) {
        self.say(
            "userinfo_endpoint",
            json!(format!("{}/userinfo", self.origin)),
        );
        *self.memory.userinfo.lock().unwrap() = claims;
    }

    /// Codes that were redeemed.
    pub fn redeemed(&self) -> usize {
        *self.memory.redeemed.lock().unwrap()
    }

    /// Claims of a good answer to the request with which the browser stands at this provider.
    pub fn claims(&self, world: &World, asked: &WebPage) -> Value {
        let now = world.now().seconds();
        json!({
            "iss": self.origin, "aud": UPSTREAM_CLIENT, "sub": UPSTREAM_SUBJECT, "iat": now, "exp": now + 300,
            "auth_time": now, "nonce": asked.query("nonce").expect("a nonce"),
            "preferred_username": "noor", "email": "noor@acme.example", "email_verified": true
        })
    }

    /// Where the provider sends the browser back, with a code for an ID token of these claims.
    pub fn answer(&self, asked: &WebPage, claims: &Value) -> String {
        let header = json!({ "alg": "ES256", "kid": self.key.thumbprint() });
        self.answer_with(
            asked,
            &json!({ "id_token": self.key.sign(&header, claims) }),
        )
    }

    /// The same, with a code for these members of a token response.
    pub fn answer_with(&self, asked: &WebPage, tokens: &Value) -> String {
        let code = self.key.jti();
        let mut all = json!({ "access_token": "at", "token_type": "Bearer", "expires_in": 60 });
        crate::front::merge(&mut all, tokens.clone());
        let prepared = PreparedCode {
            challenge: asked.query("code_challenge").expect("PKCE"),
            redirect_uri: asked.query("redirect_uri").expect("a redirect URI"),
            tokens: all,
        };
        let back = prepared.redirect_uri.clone();
        self.memory
            .codes
            .lock()
            .unwrap()
            .insert(code.clone(), prepared);
        let state = asked.query("state").expect("a state");
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("code", &code)
            .append_pair("state", &state)
            .append_pair("iss", &self.origin)
            .finish();
        format!("{back}?{query}")
    }

    /// There and back, as the provider's person.
    pub async fn sign_in(
        &self,
        world: &World,
        browser: &mut TestBrowser,
        login: &WebPage,
    ) -> WebPage {
        let asked = browser.to_provider(login, "acme").await;
        let back = self.answer(&asked, &self.claims(world, &asked));
        browser.open(&back).await
    }
}

impl TestBrowser {
    /// From the login page to where it was sent: the provider's page.
    pub async fn to_provider(&mut self, login: &WebPage, name: &str) -> WebPage {
        let button = format!("login-upstream-{name}");
        let there = self.submit(login, &button, &[]).await;
        assert_ne!(
            there.url.origin().ascii_serialization(),
            ISSUER,
            "{}",
            there.reply.text()
        );
        there
    }
}

/// As `both!`, in a world whose people come from the provider `acme`, with more of its settings:
/// `both_upstream!(name, [("ANYONE", "true")], |world, acme| async { ... })`.
#[macro_export]
macro_rules! both_upstream {
    ($(#[$doc:meta])* $name:ident, [$($more:expr),*], |$world:ident, $acme:ident| $scene:expr) => {
        $(#[$doc])*
        mod $name {
            #[expect(unused_imports, reason = "not every scene uses its file's imports")]
            use super::*;

            async fn scene(kind: $crate::DatabaseKind) {
                let $acme = $crate::TestProvider::start(20_261_201).await;
                let more: Vec<(&str, &str)> = vec![$($more),*];
                let $world = $crate::upstream_world(kind, &$acme, &more).await;
                $scene.await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                scene($crate::DatabaseKind::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                scene($crate::DatabaseKind::Postgres).await;
            }
        }
    };
}

/// A world that trusts this provider under the name `acme`.
pub async fn upstream_world(
    kind: crate::DatabaseKind,
    acme: &TestProvider,
    more: &[(&str, &str)],
) -> World {
    upstream_world_of(kind, &[("acme", acme)], more).await
}

/// The same with several; the settings are those of each.
pub async fn upstream_world_of(
    kind: crate::DatabaseKind,
    providers: &[(&str, &TestProvider)],
    more: &[(&str, &str)],
) -> World {
    let trusted: Vec<&str> = providers
        .iter()
        .map(|(_, one)| one.origin.as_str())
        .collect();
    let mut settings = vec![("OUTBOUND__TRUSTED".to_owned(), trusted.join(","))];
    settings.extend(providers.iter().flat_map(|(name, one)| one.settings(name)));
    // The same rules for all of them.
    settings.extend(providers.iter().flat_map(|(name, _)| {
        let name = name.to_uppercase();
        let key = move |(key, value): &(&str, &str)| {
            (format!("UPSTREAM__{name}__{key}"), (*value).to_owned())
        };
        more.iter().map(key)
    }));
    let settings: Vec<(&str, &str)> = settings
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    World::configured(kind, &settings).await
}
