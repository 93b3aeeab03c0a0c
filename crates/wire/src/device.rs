//! The device flow (RFC 8628): request and response of the device, and the user code.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::authorization::{self, RequestError};
use crate::form::Form;
use crate::mission::MissionIntent;
use crate::rar::Detail;
use crate::resource::ResourceUri;

/// Letters of a user code: without vowels, so that no words appear (RFC 8628 section 6.1).
pub const USER_CODE_LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Letters in a user code: 20^8 codes are 34.5 bits (RFC 8628 section 6.1).
pub const USER_CODE_LENGTH: usize = 8;

/// A well-formed device authorization request (RFC 8628 section 3.1), without client authentication.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceRequest {
    pub scope: Vec<String>,
    pub resource: Vec<ResourceUri>,
    pub authorization_details: Vec<Detail>,
    pub mission_intent: Option<MissionIntent>,
}

impl DeviceRequest {
    /// Unknown parameters are ignored, repeated ones refused (RFC 8628 section 3.1).
    pub fn parse(form: &Form) -> Result<Self, RequestError> {
        form.refuse_repeats(&["resource"])?;
        let intent = form.optional("mission_intent")?;
        Ok(Self {
            scope: authorization::scope(form)?
                .iter()
                .map(str::to_owned)
                .collect(),
            resource: authorization::resources(form)?,
            authorization_details: authorization::details(form)?,
            mission_intent: intent.map(MissionIntent::parse).transpose()?,
        })
    }
}

/// The response to the device (RFC 8628 section 3.2).
#[derive(Clone, Serialize, Deserialize)]
pub struct DeviceResponse {
    pub device_code: String,
    pub user_code: String,
    pub verification_uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_uri_complete: Option<String>,
    /// Seconds.
    pub expires_in: u64,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<u64>,
}

/// A user code: eight letters, displayed as `WDJB-MJHT`.
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode([u8; USER_CODE_LENGTH]);

impl UserCode {
    /// Parses typed text: case, spaces and punctuation do not count (RFC 8628 section 6.1).
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > MAX_TYPED {
            return None;
        }
        let counted = |c: &char| !c.is_whitespace() && !c.is_ascii_punctuation();
        let letters: Option<Vec<u8>> = typed
            .chars()
            .filter(counted)
            .map(|c| u8::try_from(c.to_ascii_uppercase()).ok())
            .collect();
        let letters = letters?;
        let known = letters.iter().all(|l| USER_CODE_LETTERS.contains(l));
        Some(Self(letters.try_into().ok().filter(|_| known)?))
    }

    /// From a random number. 2^64 is so much larger than 20^8 that all codes are practically equally likely.
    pub fn of(mut number: u64) -> Self {
        let base = USER_CODE_LETTERS.len() as u64;
        Self([(); USER_CODE_LENGTH].map(|()| {
            let place = usize::try_from(number % base).unwrap_or(0);
            number /= base;
            USER_CODE_LETTERS.get(place).copied().unwrap_or(b'B')
        }))
    }

    /// The letters alone.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.as_str().split_at(USER_CODE_LENGTH / 2);
        write!(f, "{first}-{second}")
    }
}

/// The longest typed text that is read, in bytes: more than eight letters and their separators.
const MAX_TYPED: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8628_6_1_case_dashes_and_spaces_do_not_count() {
        for typed in ["WDJB-MJHT", "wdjbmjht", " wdjb mjht ", "W.D.J.B_M-J-H-T"] {
            let code = UserCode::parse(typed).map(|code| code.to_string());
            assert_eq!(code.as_deref(), Some("WDJB-MJHT"), "{typed}");
        }
    }

    #[test]
    fn rfc_8628_6_1_what_is_no_code_is_none() {
        for typed in [
            "",
            "WDJB-MJH",
            "WDJB-MJHTT",
            "WDJA-MJHT",
            "WDJ8-MJHT",
            "ÄDJB-MJHT",
            &"-".repeat(100),
        ] {
            assert!(UserCode::parse(typed).is_none(), "{typed}");
        }
    }

    #[test]
    fn what_is_typed_has_a_longest_text() {
        for (length, is_code) in [(MAX_TYPED, true), (MAX_TYPED + 1, false)] {
            let typed = format!("{:-<length$}", "WDJB-MJHT");
            assert_eq!(UserCode::parse(&typed).is_some(), is_code, "{length}");
        }
    }

    #[test]
    fn rfc_8628_6_1_letters_are_twenty_consonants() {
        // 20^8 - 1 has every digit 19; 20^8 is one more, and begins anew.
        assert_eq!(UserCode::of(25_599_999_999).as_str(), "ZZZZZZZZ");
        assert_eq!(UserCode::of(25_600_000_000).as_str(), "BBBBBBBB");
        assert_eq!(UserCode::of(1 + 20 * 18).as_str(), "CXBBBBBB");
        assert!(USER_CODE_LETTERS.iter().all(|l| !b"AEIOUY".contains(l)));
    }
}
