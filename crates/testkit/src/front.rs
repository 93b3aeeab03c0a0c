//! The authorization endpoint in tests: forms to change, a plain web client, and consent step by step.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::browser::{TestBrowser, WebPage};
use crate::cast::{Cast, PASSWORD, TestAgent, authorize_url};
use crate::reply::TestReply;
use crate::world::World;

/// RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub const WEB_REDIRECT: &str = "https://web.example/cb?from=writ";

/// Parameters of a request, in order.
pub type Fields = Vec<(&'static str, String)>;

/// A good form, changed where a test wants it.
pub trait Change {
    /// The parameter has this one value.
    fn with(self, name: &'static str, value: impl Into<String>) -> Self;
    /// The parameter comes once more.
    fn and(self, name: &'static str, value: impl Into<String>) -> Self;
    fn without(self, name: &str) -> Self;
}

impl Change for Fields {
    fn with(self, name: &'static str, value: impl Into<String>) -> Self {
        self.without(name).and(name, value)
    }

    fn and(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.push((name, value.into()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.retain(|(found, _)| *found != name);
        self
    }
}

impl Cast {
    /// The `request_uri` of a request that must be good.
    pub async fn pushed(&self, world: &World, form: &Fields) -> String {
        let reply = self.push(world, form).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        reply.member("request_uri")
    }

    /// Alice stands on the consent page of a request.
    pub async fn asked(&self, world: &World, form: &Fields) -> (TestBrowser, WebPage) {
        let url = authorize_url(&self.planner.id, &self.pushed(world, form).await);
        world.consent_page(&url).await
    }

    /// A code for a request, approved whole.
    pub async fn code_of(&self, world: &World, form: &Fields) -> String {
        let (mut browser, page) = self.asked(world, form).await;
        let back = browser.submit(&page, "consent-approve", &[]).await;
        back.query("code")
            .unwrap_or_else(|| panic!("no code in {}", back.url))
    }
}

impl World {
    /// Alice follows a link, logs in, and stands on the consent page.
    pub async fn consent_page(&self, url: &str) -> (TestBrowser, WebPage) {
        let mut browser = self.browser();
        let page = browser.open(url).await;
        assert_eq!(page.url.path(), "/login", "{}", page.reply.text());
        let page = browser.log_in(&page, "alice", PASSWORD).await;
        assert_eq!(page.url.path(), "/consent", "{}", page.reply.text());
        (browser, page)
    }

    /// Events of one name, oldest first.
    pub async fn events_named(&self, name: &str) -> Vec<writ_store::event::StoredEvent> {
        let mut found = self.events().await;
        found.retain(|event| event.name == name);
        found
    }
}

impl TestAgent {
    /// `client_credentials` without anything asked: the shortest request with assertion and proof.
    pub fn own_work() -> Fields {
        vec![("grant_type", "client_credentials".to_owned())]
    }

    /// Sends a form with exactly this assertion and this proof.
    pub async fn send_exactly(
        &self,
        world: &World,
        path: &str,
        form: &Fields,
        signed: SignedParts<'_>,
    ) -> TestReply {
        let form = form
            .clone()
            .and(
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            )
            .and("client_assertion", signed.assertion);
        let pairs: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
        world.post(path, &pairs, &[("dpop", signed.proof)]).await
    }
}

/// What authenticates one request: a client assertion and a DPoP proof.
#[derive(Clone, Copy)]
pub struct SignedParts<'a> {
    pub assertion: &'a str,
    pub proof: &'a str,
}

/// A plain web application: a client secret, requests in the front channel, bearer tokens.
pub struct Web {
    pub id: String,
    pub secret: Option<String>,
}

impl Web {
    /// CLIENT.json with some members changed; null leaves one out.
    pub fn file(changes: Value) -> Value {
        let mut file = json!({
            "client_id": "web", "client_name": "Web", "profile": "oauth21",
            "redirect_uris": [WEB_REDIRECT], "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "client_secret_basic",
            "scope": "openid accounts:read accounts:write",
            "authorization_details_types": ["payment"], "bearer": true
        });
        merge(&mut file, changes);
        file
    }

    pub async fn register(world: &World, changes: Value) -> Self {
        let added = world.add_client(Self::file(changes)).await;
        Self {
            id: added["client_id"].as_str().unwrap().to_owned(),
            secret: added["client_secret"].as_str().map(str::to_owned),
        }
    }

    pub fn basic(&self) -> String {
        basic(&self.id, self.secret.as_deref().unwrap())
    }

    /// A good request for the front channel.
    pub fn request(&self) -> Fields {
        vec![
            ("response_type", "code".to_owned()),
            ("client_id", self.id.clone()),
            ("redirect_uri", WEB_REDIRECT.to_owned()),
            ("state", "s1".to_owned()),
            ("scope", "accounts:read".to_owned()),
            ("code_challenge", CHALLENGE.to_owned()),
            ("code_challenge_method", "S256".to_owned()),
        ]
    }

    /// A code for a request, approved whole by alice.
    pub async fn code(&self, world: &World, form: &Fields) -> String {
        let back = world
            .browser()
            .approve(&front_url(form), "alice", PASSWORD)
            .await;
        let found = back.query_pairs().find(|(name, _)| name == "code");
        found
            .unwrap_or_else(|| panic!("no code in {back}"))
            .1
            .into_owned()
    }

    pub fn redeem_form(&self, code: &str) -> Fields {
        vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
            ("redirect_uri", WEB_REDIRECT.to_owned()),
        ]
    }

    /// As a client with a secret, or a public one, with more headers.
    pub async fn send(
        &self,
        world: &World,
        path: &str,
        form: &Fields,
        headers: &[(&str, &str)],
    ) -> TestReply {
        let basic = self.secret.as_ref().map(|_| self.basic());
        let form = match basic {
            Some(_) => form.clone(),
            None => form.clone().with("client_id", self.id.clone()),
        };
        let mut headers = headers.to_vec();
        headers.extend(basic.as_deref().map(|basic| ("authorization", basic)));
        let pairs: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
        world.post(path, &pairs, &headers).await
    }
}

/// `/authorize` with everything in the query.
pub fn front_url(form: &Fields) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    format!("/authorize?{query}")
}

/// HTTP Basic.
pub fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// Sets members of an object; null removes one.
pub fn merge(object: &mut Value, changes: Value) {
    let members = object.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
}

/// As `both!`, with settings: `both_with!(name, &[("FEATURES__MISSION_INTENT", "false")], |world| async { ... })`.
#[macro_export]
macro_rules! both_with {
    ($(#[$doc:meta])* $name:ident, $settings:expr, |$world:ident| $scene:expr) => {
        $(#[$doc])*
        mod $name {
            #[expect(unused_imports, reason = "not every scene uses its file's imports")]
            use super::*;

            async fn scene($world: $crate::World) {
                $scene.await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                scene($crate::World::configured($crate::DatabaseKind::Sqlite, $settings).await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                scene($crate::World::configured($crate::DatabaseKind::Postgres, $settings).await).await;
            }
        }
    };
}
