//! Client identifiers that are URLs, and the document at such a URL (draft-ietf-oauth-client-id-metadata-document-03).

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;

use crate::host::host_name;
use crate::jwk::JwkSet;
use crate::registration::{ApplicationType, AuthMethod};
use crate::strict_json;

/// The longest `client_id` that is a URL, in bytes.
pub const MAX_CLIENT_ID_BYTES: usize = 512;
/// The largest document, in bytes (section 6.6 recommends it).
pub const MAX_DOCUMENT_BYTES: usize = 5 * 1024;
/// The most `redirect_uris` of one document.
pub const MAX_REDIRECTS: usize = 32;
/// The longest of them, in bytes.
pub const MAX_REDIRECT_BYTES: usize = 512;
/// The longest name that is kept, in characters.
pub const MAX_NAME: usize = 140;
/// How a `client_id` begins that is a URL.
pub const URL_PREFIX: &str = "https://";

/// A `client_id` that is the https URL of its document, in the normal form of the URL standard: two spellings of one URL are
/// never two clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIdUrl {
    text: String,
    host: String,
}

/// Why a text is no such `client_id`; follows its name in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientIdError {
    #[error("is longer than {MAX_CLIENT_ID_BYTES} bytes")]
    TooLong,
    #[error("is no https URL")]
    NotHttps,
    #[error("has no path")]
    NoPath,
    #[error("has a dot segment in its path")]
    DotSegment,
    #[error("has a fragment")]
    Fragment,
    #[error("has user information")]
    UserInfo,
    #[error("is not written in its normal form: lower case, no default port, the host in punycode")]
    NotNormal,
}

impl ClientIdUrl {
    /// Whether a text is meant as one; our own identifiers never begin so (section 6.9).
    pub fn is_meant(text: &str) -> bool {
        text.get(..URL_PREFIX.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(URL_PREFIX))
    }

    /// Section 2.
    pub fn parse(text: &str) -> Result<Self, ClientIdError> {
        if text.len() > MAX_CLIENT_ID_BYTES {
            return Err(ClientIdError::TooLong);
        }
        let url = Url::parse(text).map_err(|_| ClientIdError::NotHttps)?;
        let host = host_name(&url).filter(|_| url.scheme() == "https");
        let host = host.ok_or(ClientIdError::NotHttps)?;
        if text.contains('#') {
            return Err(ClientIdError::Fragment);
        }
        let rest = text.get(URL_PREFIX.len()..).unwrap_or_default();
        let (authority, path) = match rest.find(['/', '?', '\\']) {
            Some(end) => rest.split_at(end),
            None => (rest, ""),
        };
        if authority.contains('@') {
            return Err(ClientIdError::UserInfo);
        }
        if !path.starts_with('/') {
            return Err(ClientIdError::NoPath);
        }
        let segments = path.split('?').next().unwrap_or_default().split('/');
        if segments.into_iter().any(is_dot_segment) {
            return Err(ClientIdError::DotSegment);
        }
        let ends_with_dot = url.host_str().is_some_and(|host| host.ends_with('.'));
        if url.as_str() != text || ends_with_dot {
            return Err(ClientIdError::NotNormal);
        }
        Ok(Self {
            host,
            text: text.to_owned(),
        })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As [`host_name`] has it.
    pub fn host(&self) -> &str {
        &self.host
    }
}

fn is_dot_segment(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}

/// What a document says, as far as this server reads it. Members that it does not know are ignored.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientDocument {
    /// Its own words, of at most [`MAX_NAME`] characters; absent if it has none.
    pub client_name: Option<String>,
    pub redirect_uris: Vec<String>,
    pub method: AuthMethod,
    pub jwks: Option<JwkSet>,
    pub jwks_uri: Option<String>,
    pub application_type: Option<ApplicationType>,
    pub dpop_bound_access_tokens: bool,
    pub require_pushed_authorization_requests: bool,
}

/// Why a document is refused, as a sentence about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DocumentError(String);

impl ClientDocument {
    /// Whether the client authenticates by its keys.
    pub fn has_method_of_keys(&self) -> bool {
        self.method == AuthMethod::PrivateKeyJwt
    }

    /// Sections 3.1 and 6.2.
    pub fn parse(bytes: &[u8], url: &ClientIdUrl) -> Result<Self, DocumentError> {
        if bytes.len() > MAX_DOCUMENT_BYTES {
            return Err(refused(&format!(
                "is larger than {MAX_DOCUMENT_BYTES} bytes"
            )));
        }
        let value = strict_json::read(bytes).map_err(|_| {
            refused("is no JSON, or has a member twice in one object or a control character")
        })?;
        let Value::Object(members) = value else {
            return Err(refused("is no JSON object"));
        };
        if members.get("client_id").and_then(Value::as_str) != Some(url.as_str()) {
            return Err(refused("has another `client_id` than its own URL"));
        }
        if members.keys().any(|name| name.starts_with("client_secret")) {
            return Err(refused("has a member `client_secret` or one like it"));
        }
        let (jwks, jwks_uri) = keys(&members)?;
        let name: Option<String> = member(&members, "client_name")?;
        Ok(Self {
            client_name: name.as_deref().and_then(one_line),
            redirect_uris: redirects(&members)?,
            method: method(&members, jwks.is_some() || jwks_uri.is_some())?,
            jwks,
            jwks_uri,
            application_type: member(&members, "application_type")?,
            dpop_bound_access_tokens: member(&members, "dpop_bound_access_tokens")?
                .unwrap_or_default(),
            require_pushed_authorization_requests: member(
                &members,
                "require_pushed_authorization_requests",
            )?
            .unwrap_or_default(),
        })
    }
}

/// At most one place for keys, and none with a private or symmetric one; each key is checked where keys are read.
fn keys(members: &Map<String, Value>) -> Result<(Option<JwkSet>, Option<String>), DocumentError> {
    let jwks: Option<JwkSet> = member(members, "jwks")?;
    let jwks_uri: Option<String> = member(members, "jwks_uri")?;
    if jwks.is_some() && jwks_uri.is_some() {
        return Err(refused("has both `jwks` and `jwks_uri`"));
    }
    if jwks_uri.as_deref().is_some_and(|uri| !is_key_set_url(uri)) {
        return Err(refused(
            "has a `jwks_uri` that is no https URL without user information and fragment",
        ));
    }
    Ok((jwks, jwks_uri))
}

/// As a `client_id`, it is https alone: nobody but its host says which keys there are.
fn is_key_set_url(text: &str) -> bool {
    let plain = |url: Url| {
        let has_user = !url.username().is_empty() || url.password().is_some();
        url.scheme() == "https" && !has_user && url.fragment().is_none()
    };
    Url::parse(text).is_ok_and(plain)
}

/// No shared secret is possible; without the member the keys say whether the client authenticates.
fn method(members: &Map<String, Value>, has_keys: bool) -> Result<AuthMethod, DocumentError> {
    let said: Option<String> = member(members, "token_endpoint_auth_method")?;
    match (said.as_deref(), has_keys) {
        (Some("private_key_jwt"), true) | (None, true) => Ok(AuthMethod::PrivateKeyJwt),
        (Some("private_key_jwt"), false) => Err(refused(
            "has `private_key_jwt`, and neither `jwks` nor `jwks_uri`",
        )),
        (Some("none") | None, _) => Ok(AuthMethod::None),
        (Some(other), _) if other.starts_with("client_secret") => Err(refused(
            "has a `token_endpoint_auth_method` that needs a shared secret",
        )),
        (Some(_), _) => Err(refused(
            "has a `token_endpoint_auth_method` that this server does not know: `none` or `private_key_jwt`",
        )),
    }
}

fn redirects(members: &Map<String, Value>) -> Result<Vec<String>, DocumentError> {
    let found: Vec<String> = member(members, "redirect_uris")?.unwrap_or_default();
    if found.is_empty() {
        return Err(refused("has no `redirect_uris`"));
    }
    if found.len() > MAX_REDIRECTS {
        return Err(refused(&format!(
            "has more than {MAX_REDIRECTS} `redirect_uris`"
        )));
    }
    if found.iter().any(|uri| uri.len() > MAX_REDIRECT_BYTES) {
        return Err(refused(&format!(
            "has a redirect URI of more than {MAX_REDIRECT_BYTES} bytes"
        )));
    }
    Ok(found)
}

/// A member that this server reads has its type, or the document is refused: a restriction is never overlooked. `null` is absent.
fn member<T: DeserializeOwned>(
    members: &Map<String, Value>,
    name: &str,
) -> Result<Option<T>, DocumentError> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value.clone())
            .map(Some)
            .map_err(|_| refused(&format!("has a member `{name}` of another form"))),
    }
}

/// Control characters become spaces, and what is too long is cut: pages clean it further.
pub(crate) fn one_line(name: &str) -> Option<String> {
    let plain: String = name
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_NAME)
        .collect();
    let plain = plain.trim();
    (!plain.is_empty()).then(|| plain.to_owned())
}

fn refused(what: &str) -> DocumentError {
    DocumentError(format!("the client's metadata document {what}"))
}

#[cfg(test)]
mod tests;
