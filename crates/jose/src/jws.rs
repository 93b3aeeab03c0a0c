//! JWTs in compact serialization (RFC 7515 section 7.1), parsed strictly (RFC 8725 section 3).

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use writ_wire::jwk::Jwk;
use writ_wire::strict_json;

use crate::encoding::{decode, quoted};
use crate::key::{Algorithm, PublicKey};

/// The longest JWT that is read, in bytes.
pub const MAX_JWT_BYTES: usize = 16 * 1024;

/// The supported header members. Others are ignored, except those that change the meaning of a signature (`crit`), which are
/// refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub alg: Algorithm,
    pub typ: Option<String>,
    pub kid: Option<String>,
    pub jwk: Option<Jwk>,
}

/// Why a JWT is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    #[error("the JWT is larger than {MAX_JWT_BYTES} bytes")]
    TooLong,
    #[error("the JWT does not have three parts")]
    NotCompact,
    #[error("the JWT's {0} is not base64url without padding")]
    NotBase64url(&'static str),
    #[error("the JWT's header is not valid: {0}")]
    Header(String),
    #[error("the JWT's header has `crit` or `b64`, which are not supported")]
    Critical,
    #[error("the JWT's `alg` is `{0}`: use ES256, EdDSA or PS256")]
    Algorithm(String),
    #[error("the JWT's `alg` does not fit the key: {expected} was expected")]
    OtherAlgorithm { expected: &'static str },
    #[error("the JWT's signature does not verify")]
    Signature,
    #[error("the JWT's claims are not valid: {0}")]
    Claims(String),
}

/// A well-formed JWT with an unverified signature.
#[derive(Clone, Debug)]
pub struct UnverifiedJwt<'a> {
    header: Header,
    signing_input: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> UnverifiedJwt<'a> {
    pub fn parse(text: &'a str) -> Result<Self, JwsError> {
        Self::parse_with(text, Algorithm::parse)
    }

    /// The same, with the algorithms of a client assertion.
    pub fn parse_client_assertion(text: &'a str) -> Result<Self, JwsError> {
        Self::parse_with(text, Algorithm::parse_of_client_assertion)
    }

    fn parse_with(
        text: &'a str,
        algorithm: fn(&str) -> Option<Algorithm>,
    ) -> Result<Self, JwsError> {
        if text.len() > MAX_JWT_BYTES {
            return Err(JwsError::TooLong);
        }
        let (signing_input, signature) = text.rsplit_once('.').ok_or(JwsError::NotCompact)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsError::NotCompact)?;
        if payload.contains('.') {
            return Err(JwsError::NotCompact);
        }
        Ok(Self {
            header: read_header(&part(header, "header")?, algorithm)?,
            signing_input,
            payload: part(payload, "payload")?,
            signature: part(signature, "signature")?,
        })
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The claims; not to be trusted before [`Self::verify_signature`].
    pub fn unverified_claims<T: DeserializeOwned>(&self) -> Result<T, JwsError> {
        read_object(&self.payload).map_err(JwsError::Claims)
    }

    /// Also refuses a header whose `alg` is not that of the key.
    pub fn verify_signature(&self, key: &PublicKey) -> Result<(), JwsError> {
        let algorithm = self.header.alg;
        if !key.takes(algorithm) {
            return Err(JwsError::OtherAlgorithm {
                expected: key.algorithm().as_str(),
            });
        }
        key.verify_as(algorithm, self.signing_input.as_bytes(), &self.signature)
            .then_some(())
            .ok_or(JwsError::Signature)
    }

    pub fn verify<T: DeserializeOwned>(&self, key: &PublicKey) -> Result<T, JwsError> {
        self.verify_signature(key)?;
        self.unverified_claims()
    }

    /// Compares media types: case does not count, `application/` may be left out (RFC 7515 section 4.1.9).
    pub fn typ_is(&self, expected: &str) -> bool {
        let Some(typ) = self.header.typ.as_deref() else {
            return false;
        };
        let short = match typ.split_at_checked(APPLICATION.len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case(APPLICATION) => rest,
            _ => typ,
        };
        short.eq_ignore_ascii_case(expected)
    }
}

#[derive(Deserialize)]
struct RawHeader {
    alg: String,
    #[serde(default, deserialize_with = "present")]
    typ: Option<String>,
    #[serde(default, deserialize_with = "present")]
    kid: Option<String>,
    #[serde(default, deserialize_with = "present")]
    jwk: Option<Jwk>,
    #[serde(default, deserialize_with = "present")]
    crit: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    b64: Option<IgnoredAny>,
}

/// Refuses `null` in an optional member.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn read_header(json: &[u8], algorithm: fn(&str) -> Option<Algorithm>) -> Result<Header, JwsError> {
    let raw: RawHeader = read_object(json).map_err(JwsError::Header)?;
    if raw.crit.is_some() || raw.b64.is_some() {
        return Err(JwsError::Critical);
    }
    Ok(Header {
        alg: algorithm(&raw.alg).ok_or_else(|| JwsError::Algorithm(quoted(&raw.alg)))?,
        typ: raw.typ,
        kid: raw.kid,
        jwk: raw.jwk,
    })
}

/// Refuses a JSON array, from which serde would read a struct too.
fn read_object<T: DeserializeOwned>(json: &[u8]) -> Result<T, String> {
    if json.trim_ascii_start().first() != Some(&b'{') {
        return Err("not a JSON object".to_owned());
    }
    strict_json::read(json).map_err(|e| quoted(&e.to_string()))
}

fn part(text: &str, name: &'static str) -> Result<Vec<u8>, JwsError> {
    decode(text).ok_or(JwsError::NotBase64url(name))
}

const APPLICATION: &str = "application/";

#[cfg(test)]
mod tests;
