//! Guests in tests: documents that hosts publish, and a client that nobody registered.

use serde_json::{Value, json};
use writ_store::fetched_document::{DocumentName, StoredDocument};

use crate::browser::WebPage;
use crate::cast::{BANK, Cast, PASSWORD};
use crate::forge::Forge;
use crate::front::{CHALLENGE, Change, Fields, VERIFIER, front_url};
use crate::reply::TestReply;
use crate::world::{ISSUER, World};

/// Where the guest's document stands.
pub const GUEST: &str = "https://client.example/oauth/client.json";
pub const GUEST_REDIRECT: &str = "https://client.example/cb";
/// A redirect URI on the person's device.
pub const DEVICE_REDIRECT: &str = "http://127.0.0.1:33418/cb";
/// How long a document is fresh, in seconds.
const FRESH: u64 = 300;

/// A client that nobody registered, by its URL.
pub struct TestGuest {
    pub id: String,
    pub redirect: String,
    /// Of its document, if that has keys.
    pub key: Option<Forge>,
}

impl World {
    /// From now on this document stands at the URL, as if it were fetched at this moment.
    pub async fn publish(&self, url: &str, document: &Value) {
        let purpose = "client_metadata";
        self.keep(DocumentName { purpose, url }, document).await;
    }

    /// The same for a key set that a document names.
    pub async fn publish_keys(&self, url: &str, keys: &Value) {
        let purpose = "guest_jwks";
        self.keep(DocumentName { purpose, url }, keys).await;
    }

    /// Any document, as if it were fetched at this moment.
    pub async fn keep(&self, name: DocumentName<'_>, document: &Value) {
        let now = self.now();
        let stored = StoredDocument {
            body: document.to_string(),
            etag: None,
            fetched_at: now,
            fresh_until: now.plus(std::time::Duration::from_secs(FRESH)),
        };
        let mut transaction = self.begin().await;
        transaction.keep_document(name, &stored).await.unwrap();
        transaction.commit().await.unwrap();
    }

    /// A changed document, after the one before it is no longer fresh.
    pub async fn publish_later(&self, url: &str, document: &Value) {
        self.advance(FRESH);
        self.publish(url, document).await;
    }

    /// The bank takes guests so.
    pub async fn admit_guests(&self, guests: Value) {
        self.add_resource(json!({
            "resource": BANK, "name": "Bank", "scopes": ["accounts:read", "accounts:write"],
            "authorization_details_types": ["payment"], "client_id": "bank-api",
            "guests": guests
        }))
        .await;
    }
}

impl TestGuest {
    /// The members of its document; null leaves one out.
    pub fn document(changes: Value) -> Value {
        let mut document = json!({
            "client_id": GUEST, "client_name": "Notes helper", "redirect_uris": [GUEST_REDIRECT, DEVICE_REDIRECT],
            "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none"
        });
        crate::front::merge(&mut document, changes);
        document
    }

    /// A public one, and a bank that takes bearer tokens of guests for reading accounts.
    pub async fn visit(world: &World) -> (Cast, Self) {
        let cast = Cast::of(world).await;
        world
            .admit_guests(json!({ "mode": "bearer", "scopes": ["accounts:read"] }))
            .await;
        world.publish(GUEST, &Self::document(json!({}))).await;
        (cast, Self::at(GUEST_REDIRECT))
    }

    pub fn at(redirect: &str) -> Self {
        Self {
            id: GUEST.to_owned(),
            redirect: redirect.to_owned(),
            key: None,
        }
    }

    pub fn request(&self) -> Fields {
        vec![
            ("response_type", "code".to_owned()),
            ("client_id", self.id.clone()),
            ("redirect_uri", self.redirect.clone()),
            ("state", "s1".to_owned()),
            ("scope", "accounts:read".to_owned()),
            ("resource", BANK.to_owned()),
            ("code_challenge", CHALLENGE.to_owned()),
            ("code_challenge_method", "S256".to_owned()),
        ]
    }

    /// The page that a request leads to in a fresh browser.
    pub async fn opened(world: &World, form: &Fields) -> WebPage {
        world.browser().open(&front_url(form)).await
    }

    /// Where alice's yes leads, with this in her form.
    pub async fn agreed(&self, world: &World, form: &Fields, fill: &[(&str, &str)]) -> WebPage {
        let (mut browser, page) = world.consent_page(&front_url(form)).await;
        browser.submit(&page, "consent-approve", fill).await
    }

    /// A code that alice approved.
    pub async fn code(&self, world: &World) -> String {
        let back = self.agreed(world, &self.request(), &[]).await;
        back.query("code")
            .unwrap_or_else(|| panic!("no code in {}: {}", back.url, back.reply.text()))
    }

    pub fn redeem_form(&self, code: &str) -> Fields {
        vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", self.redirect.clone()),
            ("code_verifier", VERIFIER.to_owned()),
            ("resource", BANK.to_owned()),
        ]
    }

    /// As the document has it: by name alone, or with an assertion.
    pub async fn send(&self, world: &World, form: &Fields, proof: Option<&Forge>) -> TestReply {
        self.send_to(world, "/token", form, proof).await
    }

    pub async fn send_to(
        &self,
        world: &World,
        path: &str,
        form: &Fields,
        proof: Option<&Forge>,
    ) -> TestReply {
        let mut form = form.clone().with("client_id", self.id.as_str());
        let now = world.now().seconds();
        if let Some(key) = &self.key {
            form = form
                .with(
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                )
                .with("client_assertion", key.assertion(&self.id, ISSUER, now));
        }
        let pairs: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let proof = proof.map(|key| key.proof("POST", &format!("{ISSUER}{path}"), now));
        let headers: Vec<(&str, &str)> =
            proof.iter().map(|proof| ("dpop", proof.as_str())).collect();
        world.post(path, &pairs, &headers).await
    }

    /// The first tokens.
    pub async fn granted(&self, world: &World) -> TestReply {
        let code = self.code(world).await;
        let reply = self.send(world, &self.redeem_form(&code), None).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply
    }

    pub fn refresh_form(&self, token: &str) -> Fields {
        vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", token.to_owned()),
            ("resource", BANK.to_owned()),
        ]
    }

    pub async fn refreshed(&self, world: &World, token: &str) -> TestReply {
        self.send(world, &self.refresh_form(token), None).await
    }

    /// Alice signs in at this page of ours.
    pub async fn alice_at(world: &World, page: &str) -> (crate::TestBrowser, WebPage) {
        let mut browser = world.browser();
        let login = browser.open(page).await;
        let page = browser.log_in(&login, "alice", PASSWORD).await;
        (browser, page)
    }
}

/// As `both!`, in a world that takes guests, with more settings beside.
#[macro_export]
macro_rules! both_with_guests {
    ($(#[$doc:meta])* $name:ident, [$($more:expr),*], |$world:ident| $scene:expr) => {
        $(#[$doc])*
        mod $name {
            #[expect(unused_imports, reason = "not every scene uses its file's imports")]
            use super::*;

            async fn scene(kind: $crate::DatabaseKind) {
                let settings = [("FEATURES__GUESTS", "true"), $($more),*];
                let $world = $crate::World::configured(kind, &settings).await;
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
