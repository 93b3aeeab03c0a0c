//! DPoP proofs (RFC 9449 section 4.3): each check by a proof that breaks it.

use serde_json::{Value, json};

use super::*;
use crate::encoding::encode;
use crate::hash::access_token_hash;
use crate::testing::{Party, with};

const NOW: i64 = 1_790_000_000;
const URL: &str = "https://as.example/token";
/// RFC 9449 section 5, figure 2.
const RFC_9449_5: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
/// RFC 9449 section 7.1, figure 13.
const RFC_9449_7_1: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";

/// A client, the server's nonce keys, and the server's clock.
struct Scene {
    client: Party,
    url: Htu,
    nonces: NonceKeys,
    now: Timestamp,
}

impl Scene {
    fn new() -> Self {
        Self {
            client: Party::new(1),
            url: Htu::parse(URL).unwrap(),
            nonces: NonceKeys::new(&[7; 32], "as"),
            now: Timestamp::from_seconds(NOW),
        }
    }

    fn header(&self) -> Value {
        json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.client.jwk() })
    }

    fn context(&self) -> ProofContext<'_> {
        ProofContext {
            method: "POST",
            url: &self.url,
            now: self.now,
            nonce: NoncePolicy::NotUsed,
            token: TokenHash::None,
        }
    }

    fn send(&self, header: &Value, claims: &Value) -> Result<DpopProof, ProofError> {
        verify(&self.client.sign(header, claims), &self.context())
    }

    fn claim(&self, member: &str, value: Value) -> Result<DpopProof, ProofError> {
        self.send(&self.header(), &with(&claims(), member, value))
    }

    fn with_nonce(&self, claims: &Value, policy: NoncePolicy<'_>) -> Result<DpopProof, ProofError> {
        let context = ProofContext {
            nonce: policy,
            ..self.context()
        };
        verify(&self.client.sign(&self.header(), claims), &context)
    }

    fn with_token(&self, ath: Value, token: TokenHash<'_>) -> Result<DpopProof, ProofError> {
        let context = ProofContext {
            token,
            ..self.context()
        };
        verify(
            &self
                .client
                .sign(&self.header(), &with(&claims(), "ath", ath)),
            &context,
        )
    }
}

fn claims() -> Value {
    json!({ "jti": "one", "htm": "POST", "htu": URL, "iat": NOW })
}

fn verify(text: &str, context: &ProofContext<'_>) -> Result<DpopProof, ProofError> {
    UnverifiedProof::parse(text)?.verify(context)
}

fn sentence(result: Result<DpopProof, ProofError>) -> String {
    match result.unwrap_err() {
        ProofError::Invalid(sentence) => sentence,
        ProofError::UseNonce => panic!("a nonce was asked for"),
    }
}

fn seconds(value: u64) -> Duration {
    Duration::from_secs(value)
}

#[test]
fn rfc_9449_5_and_7_1_examples() {
    let mut scene = Scene {
        url: Htu::parse("https://server.example.com/token").unwrap(),
        now: Timestamp::from_seconds(1_562_262_616),
        ..Scene::new()
    };
    let proof = verify(RFC_9449_5, &scene.context()).unwrap();
    assert_eq!(
        proof.thumbprint.as_str(),
        "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    );
    assert_eq!(proof.jti, "-BwC3ESc6acc2lTc");

    scene.url = Htu::parse("https://resource.example.org/protectedresource").unwrap();
    let hash = access_token_hash("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
    let context = ProofContext {
        method: "GET",
        token: TokenHash::Required(&hash),
        ..scene.context()
    };
    assert!(verify(RFC_9449_7_1, &context).is_ok());
}

#[test]
fn a_good_proof_passes() {
    let scene = Scene::new();
    let proof = scene.send(&scene.header(), &claims()).unwrap();
    assert_eq!(proof.key, scene.client.public());
    assert_eq!(proof.issued_at, scene.now);
    assert!(proof.accepted_until > scene.now.plus(MAX_AGE));
}

#[test]
fn rfc_9449_4_3_1_and_2_one_well_formed_jwt() {
    let scene = Scene::new();
    let good = scene.client.sign(&scene.header(), &claims());
    for bad in [
        format!("{good}, {good}"),
        format!("{good},{good}"),
        format!("{good} "),
        String::new(),
    ] {
        assert!(sentence(verify(&bad, &scene.context())).contains("cannot be read"));
    }
}

#[test]
fn rfc_9449_4_3_3_required_claims() {
    let scene = Scene::new();
    for member in ["jti", "htm", "htu", "iat"] {
        assert!(sentence(scene.claim(member, Value::Null)).contains(member));
    }
    let mut list = Vec::new();
    list.extend(["one", "POST", URL].map(Value::from));
    list.push(json!(NOW));
    assert!(sentence(scene.send(&scene.header(), &json!(list))).contains("not a JSON object"));
    for bad in [String::new(), "j".repeat(MAX_JTI_BYTES + 1)] {
        assert!(sentence(scene.claim("jti", json!(bad))).contains("jti"));
    }
    assert!(scene.claim("jti", json!("j".repeat(MAX_JTI_BYTES))).is_ok());
}

#[test]
fn rfc_9449_4_3_4_typ() {
    let scene = Scene::new();
    for typ in [json!("JWT"), json!("at+jwt"), Value::Null] {
        let header = with(&scene.header(), "typ", typ);
        assert!(sentence(scene.send(&header, &claims())).contains("typ"));
    }
}

#[test]
fn rfc_9449_4_3_5_alg() {
    let scene = Scene::new();
    for alg in ["none", "HS256", "RS256"] {
        let header = with(&scene.header(), "alg", json!(alg));
        assert!(sentence(scene.send(&header, &claims())).contains(alg));
    }
    let header = with(&scene.header(), "alg", json!("EdDSA"));
    assert!(sentence(scene.send(&header, &claims())).contains("does not fit the key"));
}

#[test]
fn rfc_9449_4_3_6_signature_of_the_jwk() {
    let scene = Scene::new();
    let header = with(&scene.header(), "jwk", Party::new(2).jwk());
    assert!(sentence(scene.send(&header, &claims())).contains("signature"));
    let header = with(&scene.header(), "jwk", Value::Null);
    assert!(sentence(scene.send(&header, &claims())).contains("no `jwk`"));
    let good = scene.client.sign(&scene.header(), &claims());
    let (_, signature) = good.rsplit_once('.').unwrap();
    let other = with(&claims(), "jti", json!("two"));
    let forged = format!(
        "{}.{}.{signature}",
        encode(scene.header().to_string()),
        encode(other.to_string())
    );
    assert!(sentence(verify(&forged, &scene.context())).contains("signature"));
}

#[test]
fn rfc_9449_4_3_7_no_private_key() {
    let scene = Scene::new();
    let header = with(
        &scene.header(),
        "jwk",
        with(&scene.client.jwk(), "d", json!(encode([1; 32]))),
    );
    assert!(sentence(scene.send(&header, &claims())).contains("private"));
}

#[test]
fn rfc_9449_4_3_8_htm() {
    let scene = Scene::new();
    for method in ["GET", "post", ""] {
        assert!(sentence(scene.claim("htm", json!(method))).contains("htm"));
    }
}

#[test]
fn rfc_9449_4_3_9_htu() {
    let scene = Scene::new();
    for url in [
        "https://as.example/par",
        "http://as.example/token",
        "/token",
        "",
    ] {
        assert!(sentence(scene.claim("htu", json!(url))).contains("htu"));
    }
    assert!(
        scene
            .claim("htu", json!("HTTPS://AS.example:443/%74oken?a=b#c"))
            .is_ok()
    );
}

#[test]
fn rfc_9449_4_3_10_nonce() {
    let scene = Scene::new();
    let ours = &scene.nonces;
    let others = NonceKeys::new(&[7; 32], "resource");
    let with_nonce = |nonce: &str| with(&claims(), "nonce", json!(nonce));
    let good = with_nonce(&ours.issue(scene.now));
    let old = with_nonce(&ours.issue(scene.now.minus(seconds(301))));
    let foreign = with_nonce(&others.issue(scene.now));
    for policy in [NoncePolicy::Required(ours), NoncePolicy::Optional(ours)] {
        assert!(scene.with_nonce(&good, policy).is_ok());
        for bad in [&old, &foreign, &with_nonce("x"), &with_nonce("")] {
            assert_eq!(
                scene.with_nonce(bad, policy).unwrap_err(),
                ProofError::UseNonce
            );
        }
    }
    assert_eq!(
        scene
            .with_nonce(&claims(), NoncePolicy::Required(ours))
            .unwrap_err(),
        ProofError::UseNonce
    );
    assert!(
        scene
            .with_nonce(&claims(), NoncePolicy::Optional(ours))
            .is_ok()
    );
    assert!(scene.with_nonce(&foreign, NoncePolicy::NotUsed).is_ok());
}

#[test]
fn rfc_9449_4_3_11_iat() {
    let scene = Scene::new();
    let at = |offset: i64| scene.claim("iat", json!(NOW + offset));
    assert!(at(10).is_ok() && at(-60).is_ok());
    assert!(sentence(at(11)).contains("future"));
    assert!(sentence(at(-61)).contains("too old"));
    assert!(sentence(scene.claim("iat", json!(i64::MAX))).contains("future"));
    assert!(sentence(scene.claim("iat", json!(i64::MIN))).contains("too old"));
}

#[test]
fn rfc_9449_8_a_valid_nonce_widens_the_window_and_a_missing_one_is_asked_for_first() {
    let scene = Scene::new();
    let required = NoncePolicy::Required(&scene.nonces);
    let at = |offset: i64| with(&claims(), "iat", json!(NOW + offset));
    let fresh = |offset: i64| with(&at(offset), "nonce", json!(scene.nonces.issue(scene.now)));
    let proof = scene.with_nonce(&fresh(-300), required).unwrap();
    assert!(proof.accepted_until > scene.now);
    assert!(sentence(scene.with_nonce(&fresh(-301), required)).contains("too old"));
    assert!(sentence(scene.with_nonce(&fresh(11), required)).contains("future"));
    assert_eq!(
        scene.with_nonce(&at(-200), required).unwrap_err(),
        ProofError::UseNonce
    );
    let optional = NoncePolicy::Optional(&scene.nonces);
    assert!(sentence(scene.with_nonce(&at(-200), optional)).contains("too old"));
    assert!(sentence(scene.with_nonce(&fresh(-200), NoncePolicy::NotUsed)).contains("too old"));
}

#[test]
fn rfc_9449_4_3_12_ath() {
    let scene = Scene::new();
    let (hash, other) = (access_token_hash("token"), access_token_hash("other"));
    let required = TokenHash::Required(&hash);
    assert!(scene.with_token(json!(hash), required).is_ok());
    assert!(sentence(scene.with_token(json!(other), required)).contains("ath"));
    assert!(sentence(scene.with_token(Value::Null, required)).contains("ath"));
    let if_present = TokenHash::IfPresent(&hash);
    assert!(scene.with_token(json!(hash), if_present).is_ok());
    assert!(scene.with_token(Value::Null, if_present).is_ok());
    assert!(sentence(scene.with_token(json!(other), if_present)).contains("ath"));
    assert!(scene.with_token(json!(other), TokenHash::None).is_ok());
}

#[test]
fn the_replay_digest_is_by_key_and_jti() {
    let scene = Scene::new();
    let digest = |scene: &Scene, jti: &str| scene.claim("jti", json!(jti)).unwrap().replay_digest();
    let thief = Scene {
        client: Party::new(2),
        ..Scene::new()
    };
    assert_eq!(digest(&scene, "one"), digest(&scene, "one"));
    assert_ne!(digest(&scene, "one"), digest(&scene, "two"));
    assert_ne!(digest(&scene, "one"), digest(&thief, "one"));
}

#[test]
fn no_proof_is_accepted_after_its_use_is_forgotten() {
    let scene = Scene::new();
    let text = scene.client.sign(&scene.header(), &claims());
    let until = verify(&text, &scene.context()).unwrap().accepted_until;
    for after in 0..400 {
        let now = scene.now.plus(seconds(after));
        let accepted = verify(
            &text,
            &ProofContext {
                now,
                ..scene.context()
            },
        )
        .is_ok();
        assert!(!accepted || now < until, "{after}");
    }
}

#[test]
fn a_client_without_the_key_is_not_asked_for_a_nonce() {
    let scene = Scene::new();
    let required = NoncePolicy::Required(&scene.nonces);
    let other_method = with(&claims(), "htm", json!("GET"));
    assert!(sentence(scene.with_nonce(&other_method, required)).contains("htm"));
    let context = ProofContext {
        nonce: required,
        ..scene.context()
    };
    let forged = Party::new(2).sign(&scene.header(), &claims());
    assert!(sentence(verify(&forged, &context)).contains("signature"));
}
