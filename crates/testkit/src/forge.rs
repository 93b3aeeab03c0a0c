//! Signs JWTs with any header and claims by p256, also those that an honest client never sends.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use writ_agent::Key;
use writ_jose::hash;
use writ_platform::Random;

/// A key that signs whatever it is given.
#[derive(Clone)]
pub struct Forge {
    key: SigningKey,
    random: Random,
    /// The same key for the agent kit.
    pub kit: Key,
}

impl Forge {
    pub fn new(random: &Random) -> Self {
        let kit = Key::generate(random);
        let der = kit.to_pkcs8_der().unwrap();
        let key = <SigningKey as p256::pkcs8::DecodePrivateKey>::from_pkcs8_der(&der).unwrap();
        Self {
            key,
            random: random.clone(),
            kit,
        }
    }

    pub fn jwk(&self) -> Value {
        serde_json::to_value(self.kit.public_jwk()).unwrap()
    }

    /// The public members alone, as a proof carries them.
    pub fn bare_jwk(&self) -> Value {
        let jwk = self.jwk();
        json!({ "kty": jwk["kty"], "crv": jwk["crv"], "x": jwk["x"], "y": jwk["y"] })
    }

    pub fn thumbprint(&self) -> String {
        self.kit.thumbprint().to_owned()
    }

    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(serde_json::to_vec(value).unwrap());
        let input = format!("{}.{}", part(header), part(claims));
        let signature: Signature = self.key.sign(input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    /// `alg: none` and no signature (RFC 8725 section 2.1).
    pub fn unsigned(&self, claims: &Value) -> String {
        let header = json!({ "alg": "none", "kid": self.thumbprint() });
        let signed = self.sign(&header, claims);
        format!("{}.", signed.rsplit_once('.').unwrap().0)
    }

    /// HS256 with the public key's text as the secret (RFC 8725 section 2.1).
    pub fn mac_by_public_key(&self, header: &Value, claims: &Value) -> String {
        let signed = self.sign(header, claims);
        let input = signed.rsplit_once('.').unwrap().0;
        let secret = hash::sha256(self.bare_jwk().to_string().as_bytes());
        let mac = hmac_sha256(secret, input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(mac))
    }

    pub fn jti(&self) -> String {
        self.random.identifier()
    }

    /// Claims of a good proof; change what you want to break, then `sign_proof`.
    pub fn proof_claims(&self, method: &str, url: &str, now: i64) -> Value {
        json!({ "jti": self.jti(), "htm": method, "htu": url, "iat": now })
    }

    pub fn sign_proof(&self, claims: &Value) -> String {
        self.sign(
            &json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.bare_jwk() }),
            claims,
        )
    }

    /// A good proof for one request.
    pub fn proof(&self, method: &str, url: &str, now: i64) -> String {
        self.sign_proof(&self.proof_claims(method, url, now))
    }

    /// A good proof with `ath`, for a resource.
    pub fn proof_with(&self, method: &str, url: &str, now: i64, token: &str) -> String {
        let mut claims = self.proof_claims(method, url, now);
        claims["ath"] = json!(hash::access_token_hash(token));
        self.sign_proof(&claims)
    }

    /// Claims of a good client assertion.
    pub fn assertion_claims(&self, client_id: &str, issuer: &str, now: i64) -> Value {
        json!({ "iss": client_id, "sub": client_id, "aud": issuer, "iat": now, "exp": now + 60, "jti": self.jti() })
    }

    pub fn sign_typed(&self, typ: &str, claims: &Value) -> String {
        self.sign(
            &json!({ "typ": typ, "alg": "ES256", "kid": self.thumbprint() }),
            claims,
        )
    }

    /// A good client assertion.
    pub fn assertion(&self, client_id: &str, issuer: &str, now: i64) -> String {
        self.sign_typed(
            "client-authentication+jwt",
            &self.assertion_claims(client_id, issuer, now),
        )
    }
}

/// RFC 2104 by hand, for a key of 32 bytes.
fn hmac_sha256(key: [u8; 32], message: &[u8]) -> [u8; 32] {
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        for (to, from) in block.iter_mut().zip(key) {
            *to ^= from;
        }
        block.to_vec()
    };
    let inner = hash::sha256(&[pad(0x36), message.to_vec()].concat());
    hash::sha256(&[pad(0x5c), inner.to_vec()].concat())
}

/// RFC 7638 thumbprint of a P-256 key by hand: members in the order that the RFC fixes.
pub fn thumbprint(jwk: &Value) -> String {
    let member = |name: &str| jwk[name].as_str().unwrap();
    let text = format!(
        r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#,
        member("x"),
        member("y")
    );
    URL_SAFE_NO_PAD.encode(hash::sha256(text.as_bytes()))
}
