//! Steps that many tests share: changed forms, grants, more agents, plain clients, a second resource, and tokens signed by the
//! server's own key that the server never issued.

use serde_json::{Value, json};
use writ_wire::claims::ACCESS_TOKEN_TYPE;
use writ_wire::token::GrantType;

use crate::cast::{BANK, Cast, PASSWORD, REDIRECT, TestAgent, authorize_url, payment};
use crate::forge::Forge;
use crate::front::{Fields, basic};
use crate::reply::{TestReply, claims};
use crate::world::{ISSUER, World};

pub const SHOP: &str = "https://shop.example";

/// The form with this field instead.
pub fn with(
    form: &[(&'static str, String)],
    name: &'static str,
    value: impl Into<String>,
) -> Fields {
    let mut form = without(form, name);
    form.push((name, value.into()));
    form
}

pub fn without(form: &[(&'static str, String)], name: &str) -> Fields {
    form.iter().filter(|(n, _)| *n != name).cloned().collect()
}

/// The form with one field more, whether it is there already or not.
pub fn plus(
    form: &[(&'static str, String)],
    name: &'static str,
    value: impl Into<String>,
) -> Fields {
    let mut form = form.to_vec();
    form.push((name, value.into()));
    form
}

/// Ends the test unless the answer is a refusal with status 400 and this code, and holds no token.
#[track_caller]
pub fn refused(reply: &TestReply, error: &str, what: &str) {
    assert_eq!(
        reply.refusal(),
        (400, error.to_owned()),
        "{what}: {}",
        reply.text()
    );
    // Some codes end like the members that hold tokens.
    let body = reply.text().replacen(&format!("\"{error}\""), "", 1);
    assert!(!body.contains("_token\""), "{what}");
}

/// Claims of the token in the answer; ends the test if there is none.
#[track_caller]
pub fn minted(reply: &TestReply, what: &str) -> Value {
    assert_eq!(reply.status, 200, "{what}: {}", reply.text());
    reply.claims()
}

impl World {
    /// Signed by the server's active key: what a stolen key, or a fault of the server, could make.
    pub async fn sign(&self, typ: &str, claims: &Value) -> String {
        let keys = self.app.keys().await.unwrap();
        keys.active.sign_jwt(typ, claims).unwrap()
    }

    /// A token of the server, changed and signed again by the server's key.
    pub async fn resigned(&self, token: &str, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = claims(token);
        change(&mut claims);
        self.sign(ACCESS_TOKEN_TYPE, &claims).await
    }

    /// The shop: orders and calendars. Answers the `Authorization` of its introspection.
    pub async fn add_shop(&self) -> String {
        let client = json!({
            "client_id": "shop-api", "client_name": "Shop", "profile": "oauth21", "grant_types": [],
            "token_endpoint_auth_method": "client_secret_basic"
        });
        let secret = self.add_client(client).await["client_secret"].clone();
        self.add_resource(json!({
            "resource": SHOP, "name": "Shop", "scopes": ["orders:read"],
            "authorization_details_types": ["calendar"], "client_id": "shop-api"
        }))
        .await;
        basic("shop-api", secret.as_str().unwrap())
    }
}

impl Cast {
    /// A code that `person` approved for `who`; the form is that of `request`, changed.
    pub async fn approved(
        &self,
        world: &World,
        who: &TestAgent,
        form: &[(&'static str, String)],
        person: &str,
    ) -> String {
        let form = with(form, "client_id", who.id.as_str());
        let pushed = who.send(world, "/par", &form).await;
        assert_eq!(pushed.status, 201, "{}", pushed.text());
        let url = authorize_url(&who.id, &pushed.member("request_uri"));
        let back = world.browser().approve(&url, person, PASSWORD).await;
        let code = back.query_pairs().find(|(name, _)| name == "code");
        code.unwrap().1.into_owned()
    }

    /// The first token of `who` for alice, at this resource.
    pub async fn granted(
        &self,
        world: &World,
        who: &TestAgent,
        form: &[(&'static str, String)],
        resource: &str,
    ) -> TestReply {
        let code = self.approved(world, who, form, "alice").await;
        let redeem = with(&self.redeem_form(&code), "resource", resource);
        let reply = who.send(world, "/token", &redeem).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply
    }

    /// The planner's first token: a payment of up to 100 and reading accounts.
    pub async fn token(&self, world: &World) -> String {
        let reply = self
            .granted(world, &self.planner, &self.request(), BANK)
            .await;
        reply.access_token()
    }

    /// `from` hands its token over to `to`, whole.
    pub async fn hand(
        &self,
        world: &World,
        from: &TestAgent,
        token: &str,
        to: &TestAgent,
    ) -> TestReply {
        let assertion = to.actor_assertion(world, &from.id);
        let form = self.exchange_form(token, Some(&assertion));
        from.send(world, "/token", &form).await
    }
}

impl TestAgent {
    /// The same agent with another key for proofs.
    pub fn with_key(&self, dpop: Forge) -> Self {
        Self {
            dpop,
            ..self.clone()
        }
    }

    /// `client_credentials` for these fields.
    pub async fn own(&self, world: &World, fields: &[(&'static str, String)]) -> TestReply {
        let grant = GrantType::ClientCredentials.as_str();
        self.send(world, "/token", &plus(fields, "grant_type", grant))
            .await
    }

    /// The form of a refresh.
    pub fn refresh_form(&self, token: &str) -> Fields {
        vec![
            ("grant_type", GrantType::RefreshToken.as_str().to_owned()),
            ("refresh_token", token.to_owned()),
        ]
    }
}

/// AGENT.json for `enrol`: may go on to agents of the same owner, four deep; ceiling as that of the cast, and the shop.
pub fn agent_file(id: &str, owner: &str) -> Value {
    let mut ceiling = payment("500.00");
    let members = ceiling.as_object_mut().unwrap();
    members.retain(|name, _| name == "type" || name == "instructed_amount");
    let scope = |resource: &str, scope: &str| json!({ "resource": resource, "scope": scope });
    json!({
        "client_id": id, "client_name": id, "profile": "agent", "redirect_uris": [REDIRECT],
        "grant_types": GrantType::ALL.map(GrantType::as_str),
        "scope": "openid accounts:read accounts:write orders:read",
        "agent": {
            "owner": owner, "sponsor": owner, "publisher": "Acme",
            "ceiling": {
                "scopes": [
                    scope(BANK, "accounts:read"), scope(BANK, "accounts:write"), scope(SHOP, "orders:read")
                ],
                "authorization_details": [ceiling, { "type": "calendar" }], "lifetime": 7200
            }
        }
    })
}

/// Registers AGENT.json with two fresh keys.
pub async fn enrol(world: &World, mut file: Value) -> TestAgent {
    let (assertion, dpop) = (Forge::new(&world.random), Forge::new(&world.random));
    file["jwks"] = json!({ "keys": [assertion.jwk()] });
    let id = file["client_id"].as_str().unwrap().to_owned();
    world.add_client(file).await;
    TestAgent {
        id,
        assertion,
        dpop,
    }
}

/// A client that is no agent: with a secret, or public.
#[derive(Clone)]
pub struct Plain {
    pub id: String,
    pub secret: Option<String>,
    pub dpop: Forge,
}

/// CLIENT.json of a client without secret; add `token_endpoint_auth_method` or `bearer`.
pub fn plain_file(id: &str) -> Value {
    json!({
        "client_id": id, "client_name": id, "profile": "oauth21", "redirect_uris": [REDIRECT],
        "grant_types": ["authorization_code", "refresh_token"], "scope": "openid accounts:read",
        "token_endpoint_auth_method": "none"
    })
}

pub async fn enrol_plain(world: &World, file: Value) -> Plain {
    let added = world.add_client(file).await;
    Plain {
        id: added["client_id"].as_str().unwrap().to_owned(),
        secret: added["client_secret"].as_str().map(str::to_owned),
        dpop: Forge::new(&world.random),
    }
}

impl Plain {
    /// With authentication and a fresh proof.
    pub async fn send(
        &self,
        world: &World,
        path: &str,
        form: &[(&'static str, String)],
    ) -> TestReply {
        self.send_by(world, path, form, Some(&self.dpop)).await
    }

    /// With authentication, and a fresh proof by this key or none.
    pub async fn send_by(
        &self,
        world: &World,
        path: &str,
        form: &[(&'static str, String)],
        key: Option<&Forge>,
    ) -> TestReply {
        let form = with(form, "client_id", self.id.as_str());
        let pairs: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let authorization = self.secret.as_ref().map(|secret| basic(&self.id, secret));
        let url = format!("{ISSUER}{path}");
        let proof = key.map(|key| key.proof("POST", &url, world.now().seconds()));
        let headers: Vec<(&str, &str)> = [("authorization", &authorization), ("dpop", &proof)]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)))
            .collect();
        world.post(path, &pairs, &headers).await
    }

    /// A code that alice approved for reading accounts, pushed with this key or none.
    pub async fn approved(&self, world: &World, cast: &Cast, key: Option<&Forge>) -> String {
        let form = without(&cast.request(), "authorization_details");
        let pushed = self.send_by(world, "/par", &form, key).await;
        assert_eq!(pushed.status, 201, "{}", pushed.text());
        let url = authorize_url(&self.id, &pushed.member("request_uri"));
        let back = world.browser().approve(&url, "alice", PASSWORD).await;
        let code = back.query_pairs().find(|(name, _)| name == "code");
        code.unwrap().1.into_owned()
    }

    /// From the push to the first tokens, all with this key or none.
    pub async fn granted(&self, world: &World, cast: &Cast, key: Option<&Forge>) -> TestReply {
        let code = self.approved(world, cast, key).await;
        let reply = self
            .send_by(world, "/token", &cast.redeem_form(&code), key)
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply
    }
}
