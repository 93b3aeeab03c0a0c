//! The issuer `https://as.example`, the resource `https://bank.example`, and agents who sign with p256: one library
//! against another.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey as P256Key};
use serde_json::{Value, json};
use writ_authority::TypeDefinition;
use writ_jose::hash::access_token_hash;
use writ_jose::key::{PublicKey, SigningKey};
use writ_platform::{BoxFuture, Clock, ManualClock, Random, Transport, TransportError};
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;

use crate::{
    Caller, ClientSecret, LiveCheck, Reason, Rejection, Spends, Verifier, VerifierConfig,
    VerifierEnvironment,
};

pub(super) const ISSUER: &str = "https://as.example";
pub(super) const BANK: &str = "https://bank.example";
pub(super) const URL: &str = "https://bank.example/accounts";
pub(super) const START: i64 = 1_790_000_000;

/// How the issuer answers at `/introspect`.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Says {
    Active,
    Inactive,
    AnotherToken,
    Nonsense,
    Fails,
    Nothing,
}

/// The issuer's HTTP side.
pub(super) struct FakeIssuer(Mutex<State>);

struct State {
    keys: Vec<Value>,
    metadata: Value,
    types: BTreeMap<String, String>,
    says: Says,
    is_down: bool,
    calls: BTreeMap<String, usize>,
    last_credentials: String,
}

impl FakeIssuer {
    fn new() -> Self {
        Self(Mutex::new(State {
            keys: Vec::new(),
            metadata: json!({
                "issuer": ISSUER, "jwks_uri": "https://as.example/jwks",
                "introspection_endpoint": "https://as.example/introspect",
            }),
            types: BTreeMap::new(),
            says: Says::Active,
            is_down: false,
            calls: BTreeMap::new(),
            last_credentials: String::new(),
        }))
    }

    pub(super) fn publish(&self, keys: &[&SigningKey]) {
        let keys = keys.iter().map(|key| json!(key.public_jwk()));
        self.0.lock().unwrap().keys = keys.collect();
    }

    pub(super) fn publish_raw(&self, keys: Vec<Value>) {
        self.0.lock().unwrap().keys = keys;
    }

    pub(super) fn set_metadata(&self, name: &str, value: &str) {
        self.0.lock().unwrap().metadata[name] = json!(value);
    }

    pub(super) fn say(&self, says: Says) {
        self.0.lock().unwrap().says = says;
    }

    pub(super) fn go_down(&self) {
        self.0.lock().unwrap().is_down = true;
    }

    pub(super) fn come_back(&self) {
        self.0.lock().unwrap().is_down = false;
    }

    pub(super) fn serve_type(&self, hash: &str, document: &str) {
        let mut state = self.0.lock().unwrap();
        state.types.insert(hash.to_owned(), document.to_owned());
    }

    pub(super) fn calls(&self, path: &str) -> usize {
        self.0.lock().unwrap().calls.get(path).copied().unwrap_or(0)
    }

    pub(super) fn last_credentials(&self) -> String {
        self.0.lock().unwrap().last_credentials.clone()
    }

    /// `None` never answers.
    fn answer(&self, request: &Request<Bytes>) -> Option<Result<Response<Bytes>, TransportError>> {
        let mut state = self.0.lock().unwrap();
        let path = request.uri().path().to_owned();
        *state.calls.entry(path.clone()).or_default() += 1;
        if state.is_down {
            return Some(Err(TransportError::Unreachable("internal-host-7".into())));
        }
        let found = match path.as_str() {
            "/.well-known/oauth-authorization-server" => Some(state.metadata.to_string()),
            "/jwks" => Some(json!({ "keys": state.keys }).to_string()),
            "/introspect" => {
                let credentials = &request.headers()["authorization"];
                state.last_credentials = credentials.to_str().unwrap().to_owned();
                match state.says {
                    Says::Nothing => return None,
                    Says::Fails => None,
                    says => Some(introspected(says, request.body())),
                }
            }
            _ => path
                .strip_prefix("/types/")
                .and_then(|hash| state.types.get(hash).cloned()),
        };
        let mut response = Response::new(Bytes::from(found.clone().unwrap_or_default()));
        if found.is_none() {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        Some(Ok(response))
    }
}

fn introspected(says: Says, form: &Bytes) -> String {
    let token = url::form_urlencoded::parse(form)
        .find(|(name, _)| name == "token")
        .unwrap()
        .1;
    let payload = token.split('.').nth(1).unwrap();
    let mut claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    match says {
        Says::Inactive => return r#"{"active":false}"#.to_owned(),
        Says::Nonsense => return "<html>".to_owned(),
        Says::AnotherToken => claims["jti"] = json!("another"),
        Says::Active | Says::Fails | Says::Nothing => {}
    }
    claims["active"] = json!(true);
    claims["token_type"] = json!("DPoP");
    claims.to_string()
}

impl Transport for FakeIssuer {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        match self.answer(&request) {
            Some(answer) => Box::pin(std::future::ready(answer)),
            None => Box::pin(std::future::pending()),
        }
    }
}

/// Somebody with a P-256 key.
pub(super) struct Party(P256Key);

impl Party {
    pub(super) fn new(seed: u8) -> Self {
        Self(P256Key::from_slice(&[seed; 32]).unwrap())
    }

    pub(super) fn jwk(&self) -> Value {
        let point = self.0.verifying_key().to_sec1_point(false);
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "EC", "crv": "P-256",
            "x": encode(point.x().unwrap()), "y": encode(point.y().unwrap()),
        })
    }

    pub(super) fn thumbprint(&self) -> String {
        let jwk = serde_json::from_value(self.jwk()).unwrap();
        PublicKey::from_jwk(&jwk).unwrap().thumbprint().to_string()
    }

    pub(super) fn sign(&self, header: &Value, claims: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", encode(header), encode(claims));
        let signature: Signature = self.0.sign(input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }
}

/// A bank that verifies, its issuer, and the agent `agt_booker` with its key.
pub(super) struct World {
    pub(super) issuer: Arc<FakeIssuer>,
    pub(super) key: SigningKey,
    pub(super) clock: ManualClock,
    pub(super) agent: Party,
    pub(super) verifier: Verifier,
    nonce: Mutex<Option<String>>,
    serial: AtomicU64,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(super) fn live(cache: Duration) -> Self {
        Self::with(|config| {
            config.live = LiveCheck::Introspection {
                client_id: "bank-api".to_owned(),
                client_secret: ClientSecret::new("p@ss:word".to_owned()),
                cache,
            };
        })
    }

    pub(super) fn with(change: impl FnOnce(&mut VerifierConfig)) -> Self {
        let issuer = Arc::new(FakeIssuer::new());
        let key = SigningKey::generate().unwrap();
        issuer.publish(&[&key]);
        let clock = ManualClock::starting_at(Timestamp::from_seconds(START));
        let mut config = config();
        change(&mut config);
        let verifier = Verifier::new(config, environment(&issuer, &clock)).unwrap();
        Self {
            issuer,
            key,
            clock,
            agent: Party::new(7),
            verifier,
            nonce: Mutex::default(),
            serial: AtomicU64::new(0),
        }
    }

    /// A second process of the same bank: same configuration, nothing in memory.
    pub(super) fn restarted(&self) -> Verifier {
        Verifier::new(config(), environment(&self.issuer, &self.clock)).unwrap()
    }

    /// What the issuer says of Alice's agent.
    pub(super) fn claims(&self) -> Value {
        let now = self.clock.now().seconds();
        json!({
            "iss": ISSUER, "aud": BANK, "client_id": "agt_booker", "jti": "at_1",
            "iat": now, "exp": now + 300, "sub": "usr_alice", "sub_profile": "user",
            "act": act("agt_booker", act("agt_planner", Value::Null)),
            "mission": {
                "id": "tsk_1", "issuer": ISSUER, "authority_hash": "sha-256:x",
                "expires_at": Timestamp::from_seconds(now + 3600).rfc3339(),
                "purpose": "Book a flight",
            },
            "scope": "accounts:read", "cnf": { "jkt": self.agent.thumbprint() },
            "auth_time": now - 10, "acr": "urn:writ:password", "txn": "txn_1",
            "approval": { "id": "apr_1", "basis": "password", "at": now - 5 },
        })
    }

    /// The claims with one member changed, or removed by `null`.
    pub(super) fn claims_with(&self, member: &str, value: Value) -> Value {
        with(self.claims(), member, value)
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        self.key.sign_jwt("at+jwt", claims).unwrap()
    }

    pub(super) fn token(&self) -> String {
        self.sign(&self.claims())
    }

    /// The nonce that the bank gives to who comes without one.
    pub(super) async fn nonce(&self) -> String {
        if let Some(nonce) = self.nonce.lock().unwrap().clone() {
            return nonce;
        }
        let claims = self.claims_with("jti", json!("for the nonce"));
        let token = self.sign(&claims);
        let proof = self.proof_with(&token, None, |_| {});
        let refused = self.send(&request(&token, &proof)).await.unwrap_err();
        let nonce = refused.nonce().expect("a nonce").to_owned();
        *self.nonce.lock().unwrap() = Some(nonce.clone());
        nonce
    }

    pub(super) fn forget_nonce(&self) {
        *self.nonce.lock().unwrap() = None;
    }

    pub(super) async fn proof(&self, token: &str) -> String {
        let nonce = self.nonce().await;
        self.proof_with(token, Some(&nonce), |_| {})
    }

    /// Signed by the agent, after `change`.
    pub(super) fn proof_with(
        &self,
        token: &str,
        nonce: Option<&str>,
        change: impl FnOnce(&mut Value),
    ) -> String {
        let serial = self.serial.fetch_add(1, Ordering::SeqCst);
        let mut claims = json!({
            "jti": format!("proof-{serial}"), "htm": "GET", "htu": URL,
            "iat": self.clock.now().seconds(), "ath": access_token_hash(token),
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        change(&mut claims);
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.agent.jwk() });
        self.agent.sign(&header, &claims)
    }

    pub(super) async fn send<B>(&self, request: &Request<B>) -> Result<Caller, Rejection> {
        self.verifier.verify(request).await
    }

    /// Presents a token with everything else right.
    pub(super) async fn present(&self, token: &str) -> Result<Caller, Rejection> {
        let proof = self.proof(token).await;
        self.send(&request(token, &proof)).await
    }

    /// Why a token with these claims is refused, everything else right.
    pub(super) async fn refusal_of(&self, claims: &Value) -> Reason {
        let refused = self.present(&self.sign(claims)).await.unwrap_err();
        refused.reason().clone()
    }
}

fn config() -> VerifierConfig {
    let mut config = VerifierConfig::new(ISSUER, ResourceUri::parse(BANK).unwrap(), BANK);
    config.spends = Spends::InMemory;
    config
}

fn environment(issuer: &Arc<FakeIssuer>, clock: &ManualClock) -> VerifierEnvironment {
    VerifierEnvironment {
        transport: Arc::clone(issuer) as Arc<dyn Transport>,
        clock: Clock::Manual(clock.clone()),
        random: Random::System,
    }
}

pub(super) fn act(sub: &str, inner: Value) -> Value {
    let act = json!({
        "iss": ISSUER, "sub": sub, "sub_profile": "ai_agent", "dlg": format!("dlg_{sub}"),
    });
    with(act, "act", inner)
}

/// The object with one member set, or removed by `null`.
pub(super) fn with(mut object: Value, member: &str, value: Value) -> Value {
    let members = object.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(member);
    } else {
        members.insert(member.to_owned(), value);
    }
    object
}

pub(super) fn request(token: &str, proof: &str) -> Request<()> {
    Request::get("/accounts?page=2")
        .header("authorization", format!("DPoP {token}"))
        .header("dpop", proof)
        .body(())
        .unwrap()
}

pub(super) fn detail(value: Value) -> Detail {
    serde_json::from_value(value).unwrap()
}

pub(super) fn payment_type() -> TypeDefinition {
    TypeDefinition::parse(include_str!("../../../../config/types/payment.json")).unwrap()
}

pub(super) fn tool_type() -> TypeDefinition {
    TypeDefinition::parse(include_str!("../../../../config/types/mcp_tool_call.json")).unwrap()
}
