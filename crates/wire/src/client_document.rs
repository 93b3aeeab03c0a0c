//! Client identifiers that are URLs, and the document at such a URL (draft-ietf-oauth-client-id-metadata-document-03).

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;

use crate::jwk::JwkSet;
use crate::registration::{ApplicationType, AuthMethod};
use crate::unique_json;

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
        let host = url.host_str().filter(|_| url.scheme() == "https");
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
        if url.as_str() != text || host.ends_with('.') {
            return Err(ClientIdError::NotNormal);
        }
        Ok(Self {
            host: host.to_owned(),
            text: text.to_owned(),
        })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Lower case, as punycode.
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
        let value = unique_json::parse(bytes)
            .map_err(|_| refused("is no JSON, or has a member twice in one object"))?;
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
    Ok((jwks, jwks_uri))
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
mod tests {
    use super::*;

    const URL: &str = "https://client.example/oauth/document.json";

    fn url() -> ClientIdUrl {
        ClientIdUrl::parse(URL).unwrap()
    }

    fn parse(text: &str) -> Result<ClientDocument, String> {
        ClientDocument::parse(text.as_bytes(), &url()).map_err(|e| e.to_string())
    }

    #[test]
    fn cimd_2_only_normal_https_urls_with_a_path_are_client_ids() {
        for good in [
            URL,
            "https://client.example/",
            "https://client.example:8443/a",
            "https://client.example/a?b=c",
            "https://xn--bcher-kva.example/a",
            "https://client.example/.well-known/a..b",
        ] {
            let parsed = ClientIdUrl::parse(good).unwrap();
            assert_eq!(parsed.as_str(), good);
        }
        assert_eq!(
            ClientIdUrl::parse("https://xn--bcher-kva.example:8443/a")
                .unwrap()
                .host(),
            "xn--bcher-kva.example"
        );
        for (bad, error) in [
            ("http://client.example/a", ClientIdError::NotHttps),
            ("https:client.example/a", ClientIdError::NotNormal),
            ("HTTPS://client.example/a", ClientIdError::NotNormal),
            ("cli_1", ClientIdError::NotHttps),
            ("https://client.example", ClientIdError::NoPath),
            ("https://client.example?a", ClientIdError::NoPath),
            ("https://client.example/a#", ClientIdError::Fragment),
            ("https://client.example/a#b", ClientIdError::Fragment),
            ("https://u@client.example/a", ClientIdError::UserInfo),
            ("https://u:p@client.example/a", ClientIdError::UserInfo),
            ("https://@client.example/a", ClientIdError::UserInfo),
            ("https://client.example/./a", ClientIdError::DotSegment),
            ("https://client.example/a/..", ClientIdError::DotSegment),
            ("https://client.example/%2e%2E/a", ClientIdError::DotSegment),
            ("https://client.example/.%2e/a", ClientIdError::DotSegment),
            ("https://Client.example/a", ClientIdError::NotNormal),
            ("https://client.example:443/a", ClientIdError::NotNormal),
            ("https://client.example./a", ClientIdError::NotNormal),
            ("https://b\u{fc}cher.example/a", ClientIdError::NotNormal),
            ("https://client.example/\u{e9}", ClientIdError::NotNormal),
            ("https://client.example/a b", ClientIdError::NotNormal),
            ("https://client.example\\a", ClientIdError::NoPath),
            ("https://client.example/a\\b", ClientIdError::NotNormal),
            (" https://client.example/a", ClientIdError::NotNormal),
            ("https://client.example/a\n", ClientIdError::NotNormal),
            ("https://0x7f.1/a", ClientIdError::NotNormal),
        ] {
            assert_eq!(ClientIdUrl::parse(bad), Err(error), "{bad}");
        }
        let long = format!("https://client.example/{}", "a".repeat(MAX_CLIENT_ID_BYTES));
        assert_eq!(ClientIdUrl::parse(&long), Err(ClientIdError::TooLong));
    }

    #[test]
    fn cimd_3_1_unknown_members_are_ignored_and_grants_are_not_asked() {
        let found = parse(&format!(
            r#"{{"client_id":"{URL}","client_name":"A\nClient","redirect_uris":["https://client.example/cb"],
            "token_endpoint_auth_method":"none","grant_types":["client_credentials"],"logo_uri":7,"x":{{}}}}"#
        ))
        .unwrap();
        assert_eq!(found.client_name.as_deref(), Some("A Client"));
        assert_eq!(found.method, AuthMethod::None);
        assert_eq!(found.redirect_uris, ["https://client.example/cb"]);
    }

    #[test]
    fn cimd_3_1_what_a_document_must_not_be() {
        let with = |more: &str| {
            parse(&format!(
                r#"{{"client_id":"{URL}","redirect_uris":["https://client.example/cb"]{more}}}"#
            ))
        };
        assert!(with("").is_ok());
        for bad in [
            r#","client_secret":"x""#,
            r#","client_secret_expires_at":0"#,
            r#","token_endpoint_auth_method":"client_secret_basic""#,
            r#","token_endpoint_auth_method":"client_secret_post""#,
            r#","token_endpoint_auth_method":"client_secret_jwt""#,
            r#","token_endpoint_auth_method":"tls_client_auth""#,
            r#","token_endpoint_auth_method":"private_key_jwt""#,
            r#","token_endpoint_auth_method":7"#,
            r#","jwks":{"keys":[]},"jwks_uri":"https://client.example/jwks""#,
            r#","redirect_uris":["https://client.example/cb"]"#,
            r#","client_name":["x"]"#,
            r#","application_type":"robot""#,
            r#","dpop_bound_access_tokens":"yes""#,
        ] {
            assert!(with(bad).is_err(), "{bad}");
        }
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"client_id":"https://client.example/oauth/document.json"}"#,
            r#"{"client_id":"https://client.example/other","redirect_uris":["https://client.example/cb"]}"#,
            r#"{"client_id":"https://client.example/oauth/document.json","redirect_uris":[]}"#,
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        let name = "x".repeat(MAX_DOCUMENT_BYTES);
        assert!(with(&format!(r#","client_name":"{name}""#)).is_err());
    }
}
