//! An agent whose server and resources are a list of prepared answers; every request it made can be looked at.

mod authorization;
mod challenge;
mod confirmation;
mod device;
mod dpop;
mod exchange;
mod key;
mod resource;
mod token;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use serde_json::{Value, json};
use writ_platform::{BoxFuture, Clock, ManualClock, Random, Transport, TransportError};
use writ_wire::form::Form;
use writ_wire::time::Timestamp;

use crate::{Agent, AgentConfig, AgentEnvironment, ClientAuthentication, Error, Key, TokenBinding};

const ISSUER: &str = "https://as.example/t/acme";
const BANK: &str = "https://bank.example";
const NOW: i64 = 1_790_000_000;

#[derive(Default)]
struct Fake {
    requests: Mutex<Vec<Request<Bytes>>>,
    answers: Mutex<VecDeque<Response<Bytes>>>,
}

impl Transport for Fake {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        self.requests.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front();
        Box::pin(async { answer.ok_or(TransportError::Unreachable("nothing prepared".into())) })
    }
}

/// One request as the other side sees it.
struct Sent(Request<Bytes>);

impl Sent {
    fn header(&self, name: &str) -> &str {
        self.0.headers()[name].to_str().unwrap()
    }

    fn form(&self) -> Form {
        Form::parse(self.0.body()).unwrap()
    }

    fn parameter(&self, name: &'static str) -> String {
        self.form().required(name).unwrap().to_owned()
    }

    /// Header and claims of the proof, its signature verified by the key that it carries.
    fn proof(&self) -> (Value, Value) {
        assert_eq!(self.0.headers().get_all("dpop").iter().count(), 1);
        let jwt = self.header("dpop");
        let jwk = peek(jwt, 0)["jwk"].clone();
        verified(jwt, &jwk)
    }
}

struct World {
    fake: Arc<Fake>,
    clock: ManualClock,
    assertion: Key,
    dpop: Key,
    agent: Agent,
}

impl World {
    async fn new() -> Self {
        Self::with("agt_planner", |c| c).await
    }

    async fn with(client_id: &str, change: fn(AgentConfig) -> AgentConfig) -> Self {
        let fake = Arc::new(Fake::default());
        let clock = ManualClock::starting_at(Timestamp::from_seconds(NOW));
        let environment = AgentEnvironment {
            transport: fake.clone(),
            clock: Clock::Manual(clock.clone()),
            random: Random::System,
        };
        let assertion = Key::generate(&environment.random);
        let dpop = Key::generate(&environment.random);
        let config = change(AgentConfig::agent(
            client_id,
            assertion.clone(),
            dpop.clone(),
        ));
        push(&fake, 200, &[], &metadata());
        let agent = Agent::discover(ISSUER, config, environment).await.unwrap();
        let world = Self {
            fake,
            clock,
            assertion,
            dpop,
            agent,
        };
        world.sent();
        world
    }

    async fn bearer() -> Self {
        Self::with("reports", |c| AgentConfig {
            authentication: ClientAuthentication::Secret("s e:cret".into()),
            binding: TokenBinding::Bearer,
            ..c
        })
        .await
    }

    fn answer(&self, status: u16, headers: &[(&str, &str)], body: &Value) {
        push(&self.fake, status, headers, body);
    }

    /// All requests since the last look.
    fn sent(&self) -> Vec<Sent> {
        let all = std::mem::take(&mut *self.fake.requests.lock().unwrap());
        all.into_iter().map(Sent).collect()
    }
}

fn push(fake: &Fake, status: u16, headers: &[(&str, &str)], body: &Value) {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let response = response.body(body.to_string().into()).unwrap();
    fake.answers.lock().unwrap().push_back(response);
}

fn metadata() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://as.example/t/acme/authorize",
        "token_endpoint": "https://as.example/t/acme/token",
        "jwks_uri": "https://as.example/t/acme/jwks",
        "pushed_authorization_request_endpoint": "https://as.example/t/acme/par",
        "introspection_endpoint": "https://as.example/t/acme/introspect",
        "userinfo_endpoint": "https://as.example/t/acme/userinfo",
        "backchannel_authentication_endpoint": "https://as.example/t/acme/bc-authorize",
        "device_authorization_endpoint": "https://as.example/t/acme/device_authorization",
        "acr_values_supported": [],
        "backchannel_token_delivery_modes_supported": ["poll"],
        "backchannel_authentication_request_signing_alg_values_supported": ["ES256"],
        "backchannel_user_code_parameter_supported": false,
        "backchannel_endpoint_login_hint_token_types_supported": [],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "introspection_endpoint_auth_methods_supported": ["private_key_jwt"],
        "introspection_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": ["ES256"],
        "authorization_response_iss_parameter_supported": true,
        "mission_bound_authorization_supported": true,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "claims_supported": [],
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false
    })
}

fn token_answer() -> Value {
    json!({
        "access_token": "at-1", "token_type": "DPoP", "expires_in": 300, "refresh_token": "rt-1",
        "scope": "accounts:read", "authorization_details": [{ "type": "payment", "amount": "1.00" }],
        "mission_id": "tsk_1"
    })
}

fn bound_grant() -> crate::Grant {
    crate::Grant {
        access_token: "at-1".into(),
        token_type: crate::TokenType::DPoP,
        expires_at: Timestamp::from_seconds(NOW + 300),
        refresh_token: Some("rt-1".into()),
        scope: None,
        authorization_details: Vec::new(),
        id_token: None,
        mission_id: None,
    }
}

fn decoded(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).unwrap()
}

fn peek(jwt: &str, part: usize) -> Value {
    serde_json::from_slice(&decoded(jwt.split('.').nth(part).unwrap())).unwrap()
}

/// Verifies ES256 with the JWK's coordinates alone; gives header and claims.
fn verified(jwt: &str, jwk: &Value) -> (Value, Value) {
    let coordinate = |name: &str| decoded(jwk[name].as_str().unwrap());
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let key = VerifyingKey::from_sec1_bytes(&point).unwrap();
    let (message, signature) = jwt.rsplit_once('.').unwrap();
    let signature = Signature::from_slice(&decoded(signature)).unwrap();
    key.verify(message.as_bytes(), &signature).unwrap();
    (peek(jwt, 0), peek(jwt, 1))
}

fn jwk(key: &Key) -> Value {
    serde_json::to_value(key.public_jwk()).unwrap()
}

fn is_protocol<T>(result: Result<T, Error>) -> bool {
    matches!(result, Err(Error::Protocol(_)))
}

fn is_usage<T>(result: Result<T, Error>) -> bool {
    matches!(result, Err(Error::Usage(_)))
}
