//! DPoP proofs and nonces, the client's side (RFC 9449 sections 4, 8 and 9).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, Method};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;
use writ_wire::dpop::{DPOP_NONCE, PROOF_TYPE, ProofClaims};

use crate::agent::AgentEnvironment;
use crate::error::Error;
use crate::jwt;
use crate::key::Key;

/// What one proof is for.
pub(crate) struct ProofFor<'a> {
    pub(crate) method: &'a Method,
    pub(crate) url: &'a Url,
    /// The token that goes with the request to a resource (`ath`).
    pub(crate) access_token: Option<&'a str>,
    pub(crate) nonce: Option<String>,
}

/// A fresh proof (RFC 9449 section 4.2).
pub(crate) fn proof(
    key: &Key,
    to: ProofFor<'_>,
    environment: &AgentEnvironment,
) -> Result<String, Error> {
    let header = json!({ "typ": PROOF_TYPE, "alg": "ES256", "jwk": key.bare_jwk() });
    let claims = ProofClaims {
        jti: environment.random.identifier(),
        htm: to.method.as_str().to_owned(),
        htu: htu(to.url),
        iat: environment.clock.now().seconds(),
        ath: to.access_token.map(ath),
        nonce: to.nonce,
    };
    jwt::sign(key, &header, &claims)
}

/// The request's URI without query and fragment.
fn htu(url: &Url) -> String {
    let mut bare = url.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    bare.into()
}

pub(crate) fn ath(access_token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(access_token.as_bytes()))
}

/// Whether the response brought a new nonce: only then is a retry useful.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fresh {
    Nonce,
    Nothing,
}

/// The last nonce of each origin; the server's and a resource's are separate (RFC 9449 section 8.2).
#[derive(Default)]
pub(crate) struct Nonces(Mutex<HashMap<String, String>>);

impl Nonces {
    pub(crate) fn of(&self, url: &Url) -> Option<String> {
        let origin = url.origin().ascii_serialization();
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&origin).cloned()
    }

    /// Keeps the nonce of any answer, a success as well (RFC 9449 section 8.2).
    pub(crate) fn remember(&self, url: &Url, headers: &HeaderMap) -> Fresh {
        let Some(nonce) = single_nonce(headers) else {
            return Fresh::Nothing;
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let origin = url.origin().ascii_serialization();
        if known.len() >= MAX_ORIGINS && !known.contains_key(&origin) {
            // A forgotten nonce costs one nonce challenge.
            known.clear();
        }
        known.insert(origin, nonce.to_owned());
        Fresh::Nonce
    }
}

/// Exactly one field of NQCHAR (RFC 9449 section 8.1).
fn single_nonce(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(DPOP_NONCE).iter();
    let nonce = values.next()?.to_str().ok()?;
    let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    let good = (1..=MAX_NONCE).contains(&nonce.len()) && nonce.bytes().all(allowed);
    (good && values.next().is_none()).then_some(nonce)
}

/// More origins than one agent talks to.
const MAX_ORIGINS: usize = 256;
const MAX_NONCE: usize = 512;

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn answer(nonce: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(DPOP_NONCE, HeaderValue::from_str(nonce).unwrap());
        headers
    }

    fn origin(place: usize) -> Url {
        Url::parse(&format!("https://host{place}.example/path")).unwrap()
    }

    #[test]
    fn a_nonce_has_a_longest_text() {
        for (length, is_kept) in [(1, true), (MAX_NONCE, true), (MAX_NONCE + 1, false)] {
            let (nonces, nonce) = (Nonces::default(), "n".repeat(length));
            let fresh = nonces.remember(&origin(0), &answer(&nonce));
            assert_eq!(fresh == Fresh::Nonce, is_kept, "{length}");
            assert_eq!(nonces.of(&origin(0)), is_kept.then_some(nonce), "{length}");
        }
    }

    #[test]
    fn an_origin_too_many_forgets_the_nonces_of_the_others() {
        let nonces = Nonces::default();
        for place in 0..MAX_ORIGINS {
            nonces.remember(&origin(place), &answer("first"));
        }
        nonces.remember(&origin(7), &answer("second"));
        assert_eq!(nonces.of(&origin(7)).as_deref(), Some("second"));
        assert_eq!(
            nonces.of(&origin(0)).as_deref(),
            Some("first"),
            "a known one needs no room"
        );
        nonces.remember(&origin(MAX_ORIGINS), &answer("first"));
        assert_eq!(nonces.of(&origin(7)), None);
        assert_eq!(nonces.of(&origin(MAX_ORIGINS)).as_deref(), Some("first"));
    }
}
