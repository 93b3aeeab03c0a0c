//! Compact JWS (RFC 7515 section 7.1): signing what we send, and reading what is ours to read.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use writ_wire::strict_json;

use crate::error::Error;
use crate::key::Key;

/// Signs with ES256; the header is given whole.
pub(crate) fn sign(key: &Key, header: &Value, claims: &impl Serialize) -> Result<String, Error> {
    let claims = serde_json::to_vec(claims)
        .map_err(|_| Error::Usage("the claims cannot be written as JSON".to_owned()))?;
    let mut text = URL_SAFE_NO_PAD.encode(header.to_string());
    text.push('.');
    text.push_str(&URL_SAFE_NO_PAD.encode(claims));
    let signature = key.sign(text.as_bytes());
    text.push('.');
    text.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(text)
}

/// Header and claims of a token whose signature is NOT verified: good for a look at one's own token, never for trust.
pub(crate) fn read_unverified<C: DeserializeOwned>(token: &str) -> Option<(Value, C)> {
    let mut parts = token.split('.');
    let header = decode(parts.next()?)?;
    let claims = decode(parts.next()?)?;
    (parts.next().is_some() && parts.next().is_none()).then_some((header, claims))
}

fn decode<T: DeserializeOwned>(part: &str) -> Option<T> {
    strict_json::read(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
