//! A scripted liveness verifier (`docs/liveness.md`): reads the request that a person's browser brings, and returns the result that the
//! test wants.

use serde_json::{Value, json};
use writ_jose::jws::UnverifiedJwt;
use writ_platform::Random;
use writ_wire::liveness::{REQUEST_PARAMETER, RESULT_PARAMETER, RESULT_TYPE};

use crate::browser::WebPage;
use crate::device::Phone;
use crate::forge::Forge;
use crate::world::World;

/// `iss` of what it says.
pub const SEER: &str = "https://seer.example";
/// Its page for people.
pub const SEER_PAGE: &str = "https://seer.example/look?lang=any";

pub struct TestLivenessVerifier {
    pub key: Forge,
}

impl TestLivenessVerifier {
    pub fn new() -> Self {
        Self {
            key: Forge::new(&Random::seeded(20_261_122)),
        }
    }

    /// `jwks` of the configuration.
    pub fn jwks(&self) -> String {
        json!({ "keys": [self.key.jwk()] }).to_string()
    }

    /// What our server asks, where the browser stands now: its signature and type count, as a verifier must check them.
    pub async fn asked(&self, world: &World, page: &WebPage) -> Value {
        assert_eq!(page.url.origin().ascii_serialization(), SEER);
        assert_eq!(page.query("lang").as_deref(), Some("any"));
        let text = page.query(REQUEST_PARAMETER).expect("a request");
        let request = UnverifiedJwt::parse(&text).unwrap();
        assert!(request.typ_is("writ-liveness-request+jwt"));
        let keys = world.app.keys().await.unwrap();
        let kid = request.header().kid.clone().unwrap();
        request.verify(&keys.find(&kid).unwrap()).unwrap()
    }

    /// A good finding about this request.
    pub fn finding(&self, world: &World, asked: &Value) -> Value {
        let now = world.now().seconds();
        json!({
            "iss": SEER, "aud": asked["iss"], "sub": asked["sub"], "challenge": asked["challenge"],
            "result": "live", "evidence": "session 7", "jti": self.key.jti(), "iat": now, "exp": now + 120,
        })
    }

    pub fn sign(&self, finding: &Value) -> String {
        self.key.sign_typed(RESULT_TYPE, finding)
    }
}

impl Default for TestLivenessVerifier {
    fn default() -> Self {
        Self::new()
    }
}

impl Phone {
    /// From the page of a request to the verifier; the claims of what it is asked.
    pub async fn go_to(
        &mut self,
        seer: &TestLivenessVerifier,
        world: &World,
        page: &WebPage,
    ) -> Value {
        let there = self.browser.open(&page.link("approval-liveness")).await;
        seer.asked(world, &there).await
    }

    /// Back with this result.
    pub async fn come_back(&mut self, asked: &Value, result: &str) -> WebPage {
        let mut url = url::Url::parse(asked["return_to"].as_str().unwrap()).unwrap();
        url.query_pairs_mut().append_pair(RESULT_PARAMETER, result);
        self.browser.open(url.as_str()).await
    }

    /// There and back, seen alive.
    pub async fn show(
        &mut self,
        seer: &TestLivenessVerifier,
        world: &World,
        page: &WebPage,
    ) -> WebPage {
        let asked = self.go_to(seer, world, page).await;
        let result = seer.sign(&seer.finding(world, &asked));
        self.come_back(&asked, &result).await
    }
}

/// As `both!`, in a world with a verifier: `both_seen!(name, |world, seer| async { ... })`.
#[macro_export]
macro_rules! both_seen {
    ($name:ident, |$world:ident, $seer:ident| $scene:expr) => {
        mod $name {
            #[expect(unused_imports, reason = "not every scene uses its file's imports")]
            use super::*;

            async fn scene(kind: $crate::DatabaseKind) {
                let $seer = $crate::TestLivenessVerifier::new();
                let $world = $crate::World::configured(
                    kind,
                    &[
                        ("LIVENESS__URL", $crate::SEER_PAGE),
                        ("LIVENESS__ISSUER", $crate::SEER),
                        ("LIVENESS__JWKS", $seer.jwks().as_str()),
                    ],
                )
                .await;
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
