//! Keys, assertions and proofs of the agents by aws-lc-rs (RFC 7523, RFC 9449), and the CPU time of its signatures alone.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use writ_platform::{Clock, Random};

use crate::scene::MeasuredGrant;
use crate::{Outcome, process};

/// Seconds that an assertion lives: the most that an actor assertion may.
const LIFE: i64 = 120;
/// As long as a proof or a small token.
const MESSAGE: [u8; 700] = [b'm'; 700];
const ROUNDS: u32 = 1000;

/// One P-256 key.
pub struct BenchKey {
    pair: EcdsaKeyPair,
    pub jwk: Value,
    pub thumbprint: String,
}

/// One agent: a key that authenticates, a key that binds.
pub struct BenchAgent {
    pub id: &'static str,
    pub registered: BenchKey,
    pub bound: BenchKey,
}

impl BenchKey {
    fn generate() -> Outcome<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
        let (_, point) = pair.public_key().as_ref().split_first().ok_or("no point")?;
        let (x, y) = point.split_at_checked(32).ok_or("a short point")?;
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        Ok(Self {
            pair,
            jwk: json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y }),
            thumbprint: URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes())),
        })
    }

    fn sign(&self, header: &Value, claims: &Value) -> Outcome<String> {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", part(header), part(claims));
        let signature = self.pair.sign(&SystemRandom::new(), input.as_bytes())?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl BenchAgent {
    pub fn make(id: &'static str) -> Outcome<Self> {
        Ok(Self {
            id,
            registered: BenchKey::generate()?,
            bound: BenchKey::generate()?,
        })
    }

    /// A client assertion (RFC 7523).
    pub fn client_assertion(&self, issuer: &str) -> Outcome<String> {
        let header = json!({ "typ": "client-authentication+jwt", "alg": "ES256" });
        self.registered.sign(&header, &self.claims(issuer))
    }

    /// An actor assertion: lets `presenter` get a token for this agent by token exchange (RFC 8693).
    pub fn actor_assertion(&self, issuer: &str, presenter: &str) -> Outcome<String> {
        let header = json!({ "typ": "writ-actor+jwt", "alg": "ES256" });
        let mut claims = self.claims(issuer);
        if let Value::Object(members) = &mut claims {
            members.insert("azp".to_owned(), presenter.into());
            members.insert("cnf".to_owned(), json!({ "jkt": self.bound.thumbprint }));
        }
        self.registered.sign(&header, &claims)
    }

    /// RFC 9449 section 4.2; an empty `nonce` is none.
    pub fn proof(&self, url: &str, nonce: &str) -> Outcome<String> {
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.bound.jwk });
        let (jti, now) = (Random::System.identifier(), Clock::System.now().seconds());
        let mut claims = json!({ "jti": jti, "htm": "POST", "htu": url, "iat": now });
        if let (Value::Object(members), false) = (&mut claims, nonce.is_empty()) {
            members.insert("nonce".to_owned(), nonce.into());
        }
        self.bound.sign(&header, &claims)
    }

    fn claims(&self, issuer: &str) -> Value {
        let (jti, now) = (Random::System.identifier(), Clock::System.now().seconds());
        let id = self.id;
        json!({ "iss": id, "sub": id, "aud": issuer, "jti": jti, "iat": now, "exp": now + LIFE })
    }
}

/// CPU of the signatures alone that one token of this grant needs, in microseconds: each key is read before it verifies.
pub fn bare_crypto(grant: MeasuredGrant) -> Outcome<f64> {
    let key = BenchKey::generate()?;
    let point = key.pair.public_key().as_ref().to_vec();
    let signed = key.pair.sign(&SystemRandom::new(), &MESSAGE)?;
    let before = process::own_micros()?;
    for _ in 0..ROUNDS {
        for _ in 0..grant.verifications() {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point)
                .verify(&MESSAGE, signed.as_ref())?;
        }
        key.pair.sign(&SystemRandom::new(), &MESSAGE)?;
    }
    Ok((process::own_micros()? - before) / f64::from(ROUNDS))
}
