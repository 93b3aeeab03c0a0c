//! JWK SHA-256 thumbprints (RFC 7638), as in `cnf.jkt` and `dpop_jkt`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::encoding::{decode_exactly, encode};

/// A thumbprint: 32 bytes in 43 characters of base64url.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Thumbprint(String);

impl Thumbprint {
    pub fn parse(text: &str) -> Option<Self> {
        decode_exactly::<32>(text).map(|_| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn of_digest(digest: [u8; 32]) -> Self {
        Self(encode(digest))
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Thumbprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a SHA-256 thumbprint"))
    }
}
