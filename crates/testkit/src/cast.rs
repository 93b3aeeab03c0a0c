//! Fixtures that most tests need: the person alice, the agents planner, booker and stranger, and the resource bank.

use std::time::Duration;

use serde_json::{Value, json};
use writ_agent::{Agent, AgentConfig, AuthorizationIntent, Grant};
use writ_wire::exchange::{TOKEN_TYPE_ACCESS_TOKEN, TOKEN_TYPE_JWT};
use writ_wire::token::GrantType;

use crate::forge::Forge;
use crate::reply::TestReply;
use crate::world::{ISSUER, World};

pub const BANK: &str = "https://bank.example";
pub const REDIRECT: &str = "https://agents.example/cb";
pub const PASSWORD: &str = "correct horse battery";

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A payment of the shipped type.
pub fn payment(amount: &str) -> Value {
    let text = include_str!("../../../config/types/payment.json");
    let document: Value = serde_json::from_str(text).unwrap();
    let mut example = document["example"].clone();
    example["instructed_amount"]["amount"] = json!(amount);
    let members = example.as_object_mut().unwrap();
    members.remove("locations");
    members.remove("ref");
    example
}

/// One agent's keys: one authenticates, one binds tokens.
#[derive(Clone)]
pub struct TestAgent {
    pub id: String,
    pub assertion: Forge,
    pub dpop: Forge,
}

pub struct Cast {
    pub alice: String,
    pub planner: TestAgent,
    /// In the planner's `onward`.
    pub booker: TestAgent,
    /// In the booker's and the planner's `onward` too, for a chain of three.
    pub payer: TestAgent,
    /// Another owner's, in nobody's `onward`.
    pub stranger: TestAgent,
    pub bank_secret: String,
}

impl Cast {
    pub async fn of(world: &World) -> Self {
        let alice = world.add_user("alice", PASSWORD).await["id"]
            .as_str()
            .unwrap()
            .to_owned();
        world.add_user("mallory", PASSWORD).await;
        let bank = json!({
            "client_id": "bank-api", "client_name": "Bank", "profile": "oauth21", "grant_types": [],
            "token_endpoint_auth_method": "client_secret_basic"
        });
        let bank_secret = world.add_client(bank).await["client_secret"]
            .as_str()
            .unwrap()
            .to_owned();
        world
            .add_resource(json!({
                "resource": BANK, "name": "Bank", "scopes": ["accounts:read", "accounts:write"],
                "authorization_details_types": ["payment"], "client_id": "bank-api", "agents_only": true,
                "task_claims": ["purpose"]
            }))
            .await;
        let chain = ["agt_booker", "agt_payer"];
        Self {
            alice,
            planner: actor(world, "agt_planner", "alice", &chain).await,
            booker: actor(world, "agt_booker", "alice", &["agt_payer"]).await,
            payer: actor(world, "agt_payer", "alice", &chain).await,
            stranger: actor(world, "agt_stranger", "mallory", &[]).await,
            bank_secret,
        }
    }

    /// The planner by the real kit.
    pub async fn planner_kit(&self, world: &World) -> Agent {
        self.planner.kit(world).await
    }

    /// From the push to the first token, by the real kit: a payment of up to 100 and reading accounts.
    pub async fn grant(&self, world: &World) -> Grant {
        let planner = self.planner_kit(world).await;
        let intent = AuthorizationIntent {
            redirect_uri: REDIRECT.to_owned(),
            scope: "accounts:read".to_owned(),
            resource: vec![BANK.to_owned()],
            authorization_details: writ_agent::details(json!([payment("100.00")])).unwrap(),
            purpose: None,
            ..AuthorizationIntent::default()
        };
        let pending = planner.authorize(&intent).await.unwrap();
        let callback = world
            .browser()
            .approve(&pending.url, "alice", PASSWORD)
            .await;
        pending
            .complete(&planner, callback.as_str(), None)
            .await
            .unwrap()
    }

    /// The form of a good authorization request by the planner; change what you want to break.
    pub fn request(&self) -> Vec<(&'static str, String)> {
        vec![
            ("response_type", "code".to_owned()),
            ("client_id", self.planner.id.clone()),
            ("redirect_uri", REDIRECT.to_owned()),
            ("state", "s1".to_owned()),
            ("scope", "accounts:read".to_owned()),
            ("code_challenge", CHALLENGE.to_owned()),
            ("code_challenge_method", "S256".to_owned()),
            (
                "authorization_details",
                json!([payment("100.00")]).to_string(),
            ),
        ]
    }

    /// Pushes a form as the planner, with assertion and proof.
    pub async fn push(&self, world: &World, form: &[(&str, String)]) -> TestReply {
        self.planner.send(world, "/par", form).await
    }

    /// A pushed and approved code of the planner, redeemable by `redeem`.
    pub async fn code(&self, world: &World) -> String {
        let pushed = self.push(world, &self.request()).await;
        assert_eq!(pushed.status, 201, "{}", pushed.text());
        let url = authorize_url(&self.planner.id, &pushed.member("request_uri"));
        let back = world.browser().approve(&url, "alice", PASSWORD).await;
        back.query_pairs()
            .find(|(name, _)| name == "code")
            .unwrap()
            .1
            .into_owned()
    }

    pub fn redeem_form(&self, code: &str) -> Vec<(&'static str, String)> {
        vec![
            (
                "grant_type",
                GrantType::AuthorizationCode.as_str().to_owned(),
            ),
            ("code", code.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
        ]
    }

    pub async fn redeem(&self, world: &World, code: &str) -> TestReply {
        self.planner
            .send(world, "/token", &self.redeem_form(code))
            .await
    }

    /// A good exchange form; `actor` is an actor assertion.
    pub fn exchange_form(&self, subject: &str, actor: Option<&str>) -> Vec<(&'static str, String)> {
        let mut form = vec![
            ("grant_type", GrantType::TokenExchange.as_str().to_owned()),
            ("subject_token", subject.to_owned()),
            ("subject_token_type", TOKEN_TYPE_ACCESS_TOKEN.to_owned()),
            ("resource", BANK.to_owned()),
        ];
        if let Some(actor) = actor {
            form.push(("actor_token", actor.to_owned()));
            form.push(("actor_token_type", TOKEN_TYPE_JWT.to_owned()));
        }
        form
    }

    /// The introspection response for a token, to the bank.
    pub async fn introspect(&self, world: &World, token: &str) -> Value {
        let basic = self.bank_basic();
        let reply = world
            .post(
                "/introspect",
                &[("token", token)],
                &[("authorization", &basic)],
            )
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    pub fn bank_basic(&self) -> String {
        use base64::Engine;
        let pair = format!("bank-api:{}", self.bank_secret);
        format!(
            "Basic {}",
            base64::engine::general_purpose::STANDARD.encode(pair)
        )
    }
}

impl TestAgent {
    pub async fn kit(&self, world: &World) -> Agent {
        let config = AgentConfig::agent(
            self.id.as_str(),
            self.assertion.kit.clone(),
            self.dpop.kit.clone(),
        );
        world.agent(config).await
    }

    /// The form with a fresh assertion, and a fresh proof as header.
    pub async fn send(&self, world: &World, path: &str, form: &[(&str, String)]) -> TestReply {
        let proof = self.proof(world, path);
        self.send_with(world, path, form, &[("dpop", &proof)]).await
    }

    /// The form with a fresh assertion and just these headers.
    pub async fn send_with(
        &self,
        world: &World,
        path: &str,
        form: &[(&str, String)],
        headers: &[(&str, &str)],
    ) -> TestReply {
        let signed = self.signed(world, form);
        let pairs: Vec<(&str, &str)> = signed
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        world.post(path, &pairs, headers).await
    }

    /// The form with a fresh client assertion beside it.
    pub fn signed(&self, world: &World, form: &[(&str, String)]) -> Vec<(String, String)> {
        let assertion = self
            .assertion
            .assertion(&self.id, ISSUER, world.now().seconds());
        let mut pairs: Vec<(String, String)> = form
            .iter()
            .map(|(n, v)| ((*n).to_owned(), v.clone()))
            .collect();
        pairs.push((
            "client_assertion_type".to_owned(),
            ASSERTION_TYPE.to_owned(),
        ));
        pairs.push(("client_assertion".to_owned(), assertion));
        pairs
    }

    pub fn proof(&self, world: &World, path: &str) -> String {
        self.dpop
            .proof("POST", &format!("{ISSUER}{path}"), world.now().seconds())
    }

    /// An actor assertion: lets `presenter` get a token for this agent, bound to its own key.
    pub fn actor_assertion(&self, world: &World, presenter: &str) -> String {
        self.assertion
            .sign_typed("writ-actor+jwt", &self.actor_claims(world, presenter))
    }

    pub fn actor_claims(&self, world: &World, presenter: &str) -> Value {
        let now = world.now().seconds();
        let mut claims = self.assertion.assertion_claims(&self.id, ISSUER, now);
        claims["azp"] = json!(presenter);
        claims["cnf"] = json!({ "jkt": self.dpop.thumbprint() });
        claims
    }

    /// As the kit makes it.
    pub fn lifetime() -> Duration {
        Duration::from_secs(60)
    }
}

/// Where the person's browser goes.
pub fn authorize_url(client_id: &str, request_uri: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", client_id)
        .append_pair("request_uri", request_uri)
        .finish();
    format!("{ISSUER}/authorize?{query}")
}

/// Registers an agent with two fresh keys, a ceiling of payments up to 500 and both scopes of the bank.
pub async fn actor(world: &World, id: &str, owner: &str, onward: &[&str]) -> TestAgent {
    let (assertion, dpop) = (Forge::new(&world.random), Forge::new(&world.random));
    let mut ceiling = payment("500.00");
    let members = ceiling.as_object_mut().unwrap();
    members.retain(|name, _| name == "type" || name == "instructed_amount");
    world
        .add_client(json!({
            "client_id": id, "client_name": id, "profile": "agent", "redirect_uris": [REDIRECT],
            "jwks": { "keys": [assertion.jwk()] },
            "grant_types": GrantType::ALL.map(GrantType::as_str),
            "agent": {
                "owner": owner, "sponsor": owner, "publisher": "Acme",
                "ceiling": {
                    "scopes": [
                        { "resource": BANK, "scope": "accounts:read" },
                        { "resource": BANK, "scope": "accounts:write" }
                    ],
                    "authorization_details": [ceiling], "lifetime": 7200
                },
                "onward": { "agents": onward, "depth": 3 }
            }
        }))
        .await;
    TestAgent {
        id: id.to_owned(),
        assertion,
        dpop,
    }
}
