//! Resource indicators (RFC 8707 section 2): an absolute URI without fragment.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

/// The longest resource indicator, in bytes.
pub const MAX_RESOURCE_LENGTH: usize = 512;

/// A resource indicator. Stored and compared as written, with scheme and host in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceUri(String);

/// The text is not a resource indicator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an absolute URI without fragment")]
pub struct ResourceUriError(String);

impl ResourceUri {
    pub fn parse(text: &str) -> Result<Self, ResourceUriError> {
        let refuse = || ResourceUriError(text.chars().take(80).collect());
        if text.len() > MAX_RESOURCE_LENGTH || text.contains('#') {
            return Err(refuse());
        }
        let url = Url::parse(text).map_err(|_| refuse())?;
        if url.cannot_be_a_base() {
            return Ok(Self(text.to_owned()));
        }
        // `Url` writes an empty path as "/": keep the text as written, in lower case up to the path.
        let bare = text.find("://").and_then(|start| {
            let authority = text.get(start + 3..)?;
            Some(start + 3 + authority.find(['/', '?']).unwrap_or(authority.len()))
        });
        let (Some(end), Some(_)) = (bare, url.host_str()) else {
            return Err(refuse());
        };
        let (head, tail) = text.split_at_checked(end).ok_or_else(refuse)?;
        if head.contains('@') {
            return Err(refuse());
        }
        Ok(Self(format!("{}{tail}", head.to_ascii_lowercase())))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ResourceUri {
    type Error = ResourceUriError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<ResourceUri> for String {
    fn from(uri: ResourceUri) -> Self {
        uri.0
    }
}

impl fmt::Display for ResourceUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8707_2_absolute_without_fragment() {
        let uri = ResourceUri::parse("HTTPS://Bank.Example/Path").unwrap();
        assert_eq!(uri.as_str(), "https://bank.example/Path");
        assert_eq!(
            ResourceUri::parse("https://bank.example").unwrap().as_str(),
            "https://bank.example"
        );
        assert_eq!(ResourceUri::parse("urn:bank").unwrap().as_str(), "urn:bank");
        for bad in ["", "bank", "/path", "https://a/#f", "https://u@a/", "//a"] {
            assert!(ResourceUri::parse(bad).is_err(), "{bad}");
        }
    }
}
