//! What a client checks before it presents a transaction challenge (draft-rosomakho-oauth-txn-challenge-00, "Client Processing"):
//! signature, issuer, audience, expiration. Keys are ES256 keys that the developer configures; challenges signed by other
//! algorithms are not presented.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use serde_json::Value;
use writ_wire::jwk::{Jwk, JwkSet};
use writ_wire::time::Timestamp;
use writ_wire::transaction::{CHALLENGE_TYPE, ChallengeClaims};

use crate::error::{Error, protocol};
use crate::jwt;

/// Keys of the resources whose challenges are taken to the person: by resource identifier, then by `kid`.
#[derive(Clone, Debug, Default)]
pub struct ResourceKeys(BTreeMap<String, BTreeMap<String, VerifyingKey>>);

impl ResourceKeys {
    /// `resource` is the audience of the tokens; `keys` what it publishes at `txn_challenge_jwks_uri`, or gave you.
    pub fn with(mut self, resource: impl Into<String>, keys: &JwkSet) -> Result<Self, Error> {
        let known: BTreeMap<String, VerifyingKey> = keys.keys.iter().filter_map(es256).collect();
        if known.is_empty() {
            return Err(Error::Usage(
                "no ES256 key with a `kid`: the kit verifies challenges by ES256 alone".to_owned(),
            ));
        }
        self.0.insert(resource.into(), known);
        Ok(self)
    }

    pub(crate) fn knows(&self, resource: &str) -> bool {
        self.0.contains_key(resource)
    }

    /// Whether this is a challenge of that resource for that issuer.
    pub(crate) fn check(
        &self,
        text: &str,
        resource: &str,
        issuer: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let unreadable = || protocol("the transaction challenge cannot be read");
        let (header, claims) =
            jwt::read_unverified::<ChallengeClaims>(text).ok_or_else(unreadable)?;
        let member = |name: &str| header.get(name).and_then(Value::as_str);
        if member("typ") != Some(CHALLENGE_TYPE) || member("alg") != Some("ES256") {
            return Err(protocol(
                "the transaction challenge has another `typ` or `alg`",
            ));
        }
        let key = self.0.get(resource).zip(member("kid"));
        let key = key.and_then(|(keys, kid)| keys.get(kid)).ok_or_else(|| {
            protocol("the transaction challenge is signed by no known key of this resource")
        })?;
        if !is_signed_by(text, key) {
            return Err(protocol(
                "the signature of the transaction challenge does not verify",
            ));
        }
        let names_issuer = match &claims.aud {
            Value::String(one) => one == issuer,
            Value::Array(all) => all.iter().any(|one| one.as_str() == Some(issuer)),
            _ => false,
        };
        let checks = [
            (claims.iss == resource, "`iss`"),
            (names_issuer, "`aud`"),
            (claims.exp > now.seconds(), "`exp`"),
        ];
        match checks.into_iter().find(|(good, _)| !good) {
            Some((_, name)) => Err(protocol(format!(
                "the transaction challenge's {name} is wrong"
            ))),
            None => Ok(()),
        }
    }
}

fn is_signed_by(text: &str, key: &VerifyingKey) -> bool {
    let Some((signed, signature)) = text.rsplit_once('.') else {
        return false;
    };
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
    Signature::from_slice(&bytes).is_ok_and(|found| key.verify(signed.as_bytes(), &found).is_ok())
}

/// Other keys of a set are left out: nothing that they signed is presented.
fn es256(jwk: &Jwk) -> Option<(String, VerifyingKey)> {
    let fits = jwk.kty == "EC" && jwk.crv.as_deref() == Some("P-256");
    let (x, y) = jwk.x.as_ref().zip(jwk.y.as_ref()).filter(|_| fits)?;
    let mut point = vec![UNCOMPRESSED];
    for coordinate in [x, y] {
        let bytes = URL_SAFE_NO_PAD.decode(coordinate).ok()?;
        point.extend(bytes);
    }
    let key = VerifyingKey::from_sec1_bytes(&point).ok()?;
    Some((jwk.kid.clone()?, key))
}

const UNCOMPRESSED: u8 = 4;
