//! What a person was shown, as one value: the text that their device signs and that is kept.
//! The challenge is SHA-256 over a nonce and the canonical JSON (RFC 8785) of the whole screen.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use writ_authority::Authority;
use writ_wire::time::Timestamp;

use crate::id::ApprovalId;
use crate::narrowing::Narrowing;

/// Random bytes of a nonce.
pub const NONCE_BYTES: usize = 32;
/// The form of a screen that this version makes.
pub const VERSION: u32 = 1;
/// The longest canonical text of a screen, in bytes: more than any request can ask for.
pub const MAX_TEXT: usize = 256 * 1024;

/// Everything that is shown about one request, and what a yes to it grants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Screen {
    pub version: u32,
    pub request: ApprovalId,
    /// What is granted, to the last member: the words are made from it.
    pub authority: Authority,
    /// The headings and lines of the page, from top to bottom.
    pub shown: Vec<Section>,
    /// Language, names, times and whatever else the page is made from.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A heading of the page and the lines under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    pub heading: String,
    pub lines: Vec<String>,
}

/// A screen as it is kept for one person from the moment it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    pub screen: Screen,
    /// The choice that it shows.
    pub less: Narrowing,
    /// base64url of [`NONCE_BYTES`] random bytes: one for each request and person.
    pub nonce: String,
    /// When this person was first shown the request.
    pub since: Timestamp,
}

/// The screen cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScreenError {
    #[error("the screen is not well-formed: {0}")]
    Malformed(String),
    #[error("the screen is longer than {MAX_TEXT} bytes")]
    TooLong,
    #[error("the nonce is not {NONCE_BYTES} bytes in base64url")]
    Nonce,
}

impl Screen {
    /// From what the page is made of.
    pub fn read(value: Value) -> Result<Self, ScreenError> {
        let malformed = |e: serde_json::Error| ScreenError::Malformed(e.to_string());
        let screen: Self = serde_json::from_value(value).map_err(malformed)?;
        if screen.version != VERSION {
            let found = format!("version {}", screen.version);
            return Err(ScreenError::Malformed(found));
        }
        Ok(screen)
    }

    /// RFC 8785.
    pub fn canonical(&self) -> Result<String, ScreenError> {
        let text = serde_json_canonicalizer::to_string(self)
            .map_err(|e| ScreenError::Malformed(e.to_string()))?;
        if text.len() > MAX_TEXT {
            return Err(ScreenError::TooLong);
        }
        Ok(text)
    }
}

impl Shown {
    /// What the device signs: never the same for two requests, two people or two texts.
    pub fn challenge(&self) -> Result<[u8; 32], ScreenError> {
        challenge(&self.nonce, &self.screen.canonical()?)
    }

    /// The challenge as text: the name of this screen in the form.
    pub fn hash(&self) -> Result<String, ScreenError> {
        Ok(URL_SAFE_NO_PAD.encode(self.challenge()?))
    }
}

/// SHA-256 over the bytes of the nonce and the canonical text.
pub fn challenge(nonce: &str, canonical: &str) -> Result<[u8; 32], ScreenError> {
    let nonce = URL_SAFE_NO_PAD.decode(nonce).ok();
    let nonce = nonce.filter(|bytes| bytes.len() == NONCE_BYTES);
    let mut hash = Sha256::new();
    hash.update(nonce.ok_or(ScreenError::Nonce)?);
    hash.update(canonical.as_bytes());
    Ok(hash.finalize().into())
}

#[cfg(test)]
#[path = "screen/tests.rs"]
mod tests;
