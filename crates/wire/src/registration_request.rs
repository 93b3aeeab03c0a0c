//! Dynamic client registration: what a client asks to be (RFC 7591), and how it later changes that (RFC 7592).

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use crate::client_document::{MAX_REDIRECT_BYTES, MAX_REDIRECTS, one_line};
use crate::error::ErrorCode;
use crate::jwk::JwkSet;
use crate::registration::{ApplicationType, AuthMethod};
use crate::scope::Scope;
use crate::strict_json;
use crate::token::GrantType;

/// The largest body, in bytes.
pub const MAX_REGISTRATION_BYTES: usize = 16 * 1024;
/// The longest URL beside the redirect URIs, in bytes.
pub const MAX_URL_BYTES: usize = 512;
/// The longest list of scopes, in bytes.
pub const MAX_SCOPE_BYTES: usize = 2048;
/// The most contacts.
pub const MAX_CONTACTS: usize = 8;

/// Why a registration is refused (RFC 7591 section 3.2.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct RegistrationRefusal {
    pub code: ErrorCode,
    pub sentence: String,
}

impl RegistrationRefusal {
    pub fn metadata(sentence: impl Into<String>) -> Self {
        let (code, sentence) = (ErrorCode::InvalidClientMetadata, sentence.into());
        Self { code, sentence }
    }

    pub fn redirect(sentence: impl Into<String>) -> Self {
        let (code, sentence) = (ErrorCode::InvalidRedirectUri, sentence.into());
        Self { code, sentence }
    }
}

/// What is registered of a request; as JSON it is what the answer says and what is kept (RFC 7591 section 3.2.1). Members that
/// this server does not know, and those that it would not heed, are not in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegisteredMetadata {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    pub redirect_uris: Vec<String>,
    pub token_endpoint_auth_method: AuthMethod,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<String>,
    /// Of the code and the refresh grant what was asked for.
    pub grant_types: Vec<String>,
    pub response_types: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_type: Option<ApplicationType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<JwkSet>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    #[serde(default)]
    pub dpop_bound_access_tokens: bool,
    #[serde(default)]
    pub require_pushed_authorization_requests: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
}

/// The body of an update, which takes the place of everything that was registered (RFC 7592 section 2.2).
#[derive(Clone, Debug, PartialEq)]
pub struct RegistrationUpdate {
    /// If it is there, it must be the secret that the client has.
    pub client_secret: Option<String>,
    pub metadata: RegisteredMetadata,
}

/// What an update must not have: this server says it (RFC 7592 section 2.2).
const OURS: [&str; 4] = [
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
];

impl RegisteredMetadata {
    /// The body of a registration request (RFC 7591 section 3.1). A `client_id` or `client_secret` in it is not heeded.
    pub fn parse(body: &[u8]) -> Result<Self, RegistrationRefusal> {
        Self::read(&object(body)?)
    }

    fn read(members: &Map<String, Value>) -> Result<Self, RegistrationRefusal> {
        refuse_statement(members)?;
        let method = method(members)?;
        let (jwks, jwks_uri) = keys(members, method)?;
        let signing: Option<String> = member(members, "token_endpoint_auth_signing_alg")?;
        Ok(Self {
            client_name: line(members, "client_name")?,
            redirect_uris: redirects(members)?,
            token_endpoint_auth_method: method,
            token_endpoint_auth_signing_alg: signing
                .filter(|_| method == AuthMethod::PrivateKeyJwt),
            grant_types: grants(members)?,
            response_types: responses(members)?,
            application_type: member(members, "application_type")?,
            scope: scope(members)?,
            jwks,
            jwks_uri,
            dpop_bound_access_tokens: flag(members, "dpop_bound_access_tokens")?,
            require_pushed_authorization_requests: flag(
                members,
                "require_pushed_authorization_requests",
            )?,
            client_uri: web_page(members, "client_uri")?,
            logo_uri: web_page(members, "logo_uri")?,
            tos_uri: web_page(members, "tos_uri")?,
            policy_uri: web_page(members, "policy_uri")?,
            contacts: contacts(members)?,
            software_id: line(members, "software_id")?,
            software_version: line(members, "software_version")?,
        })
    }
}

impl RegistrationUpdate {
    pub fn parse(body: &[u8], client_id: &str) -> Result<Self, RegistrationRefusal> {
        let members = object(body)?;
        if member::<String>(&members, "client_id")?.as_deref() != Some(client_id) {
            return Err(RegistrationRefusal::metadata(
                "`client_id` is missing, or is another one than that of this registration",
            ));
        }
        let ours = OURS.iter().filter(|name| members.contains_key(**name));
        let ours: Vec<String> = ours.map(|name| format!("`{name}`")).collect();
        if !ours.is_empty() {
            return Err(RegistrationRefusal::metadata(format!(
                "this server says {}: leave that out of an update, and send the rest of what it answered",
                ours.join(", ")
            )));
        }
        Ok(Self {
            client_secret: member(&members, "client_secret")?,
            metadata: RegisteredMetadata::read(&members)?,
        })
    }
}

fn object(body: &[u8]) -> Result<Map<String, Value>, RegistrationRefusal> {
    if body.len() > MAX_REGISTRATION_BYTES {
        return Err(RegistrationRefusal::metadata(format!(
            "the body is larger than {MAX_REGISTRATION_BYTES} bytes"
        )));
    }
    match strict_json::read(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(RegistrationRefusal::metadata("the body is no JSON object")),
        Err(_) => Err(RegistrationRefusal::metadata(
            "the body is no JSON, or has a member twice in one object or a control character",
        )),
    }
}

/// What a statement says would come before everything else (RFC 7591 section 2.3): it is never overlooked.
fn refuse_statement(members: &Map<String, Value>) -> Result<(), RegistrationRefusal> {
    let (code, sentence) = match members.get("software_statement") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::String(text)) if text.split('.').count() == 3 => (
            ErrorCode::UnapprovedSoftwareStatement,
            "this server trusts no issuer of software statements: register without `software_statement`",
        ),
        Some(_) => (
            ErrorCode::InvalidSoftwareStatement,
            "`software_statement` is no signed JWT",
        ),
    };
    let sentence = sentence.to_owned();
    Err(RegistrationRefusal { code, sentence })
}

/// Without a word `client_secret_basic` (RFC 7591 section 2).
fn method(members: &Map<String, Value>) -> Result<AuthMethod, RegistrationRefusal> {
    let Some(said) = member::<String>(members, "token_endpoint_auth_method")? else {
        return Ok(AuthMethod::ClientSecretBasic);
    };
    let known = AuthMethod::ALL
        .into_iter()
        .find(|known| known.as_str() == said);
    known.ok_or_else(|| {
        let names = AuthMethod::ALL.map(AuthMethod::as_str).join("`, `");
        RegistrationRefusal::metadata(format!(
            "`token_endpoint_auth_method` is not one of `{names}`"
        ))
    })
}

/// Kept for a client that authenticates by them.
fn keys(
    members: &Map<String, Value>,
    method: AuthMethod,
) -> Result<(Option<JwkSet>, Option<String>), RegistrationRefusal> {
    let jwks: Option<JwkSet> = member(members, "jwks")?;
    let jwks_uri: Option<String> = member(members, "jwks_uri")?;
    let problem = match (&jwks, &jwks_uri, method) {
        (Some(_), Some(_), _) => "`jwks` and `jwks_uri` exclude each other",
        (None, None, AuthMethod::PrivateKeyJwt) => "`private_key_jwt` needs `jwks` or `jwks_uri`",
        (_, Some(uri), _) if !is_web_page(uri) || !uri.starts_with("https://") => {
            "`jwks_uri` is no https URL"
        }
        (_, _, AuthMethod::PrivateKeyJwt) => return Ok((jwks, jwks_uri)),
        _ => return Ok((None, None)),
    };
    Err(RegistrationRefusal::metadata(problem))
}

/// Whether they are taken, the operator's lists say; here only their form.
fn redirects(members: &Map<String, Value>) -> Result<Vec<String>, RegistrationRefusal> {
    let found = member::<Vec<String>>(members, "redirect_uris")
        .map_err(|refusal| RegistrationRefusal::redirect(refusal.sentence))?
        .unwrap_or_default();
    if found.is_empty() {
        return Err(RegistrationRefusal::redirect("`redirect_uris` names none"));
    }
    if found.len() > MAX_REDIRECTS {
        return Err(RegistrationRefusal::redirect(format!(
            "`redirect_uris` has more than {MAX_REDIRECTS} members"
        )));
    }
    // RFC 3986 section 2: a URI is plain ASCII, a host in other letters is written as punycode.
    let plain = |uri: &String| uri.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    match found
        .iter()
        .find(|uri| uri.len() > MAX_REDIRECT_BYTES || !plain(uri))
    {
        Some(_) => Err(RegistrationRefusal::redirect(format!(
            "a redirect URI is a URI of at most {MAX_REDIRECT_BYTES} bytes, its host in punycode"
        ))),
        None => Ok(found),
    }
}

/// Others than these two are left out: the answer says what was registered.
fn grants(members: &Map<String, Value>) -> Result<Vec<String>, RegistrationRefusal> {
    let code = GrantType::AuthorizationCode.as_str();
    let asked: Option<Vec<String>> = member(members, "grant_types")?;
    let asked = asked.unwrap_or_else(|| vec![code.to_owned()]);
    if !asked.iter().any(|name| name == code) {
        return Err(RegistrationRefusal::metadata(format!(
            "`grant_types` has no `{code}`: whoever registers itself has this grant, and `refresh_token` beside it"
        )));
    }
    let kept = [code, GrantType::RefreshToken.as_str()].into_iter();
    let kept = kept.filter(|name| asked.iter().any(|asked| asked == name));
    Ok(kept.map(str::to_owned).collect())
}

fn responses(members: &Map<String, Value>) -> Result<Vec<String>, RegistrationRefusal> {
    let asked: Option<Vec<String>> = member(members, "response_types")?;
    match asked {
        Some(asked) if !asked.iter().any(|name| name == "code") => Err(
            RegistrationRefusal::metadata("`response_types` has no `code`: there is no other"),
        ),
        _ => Ok(vec!["code".to_owned()]),
    }
}

/// The names that it may ask for; an empty text is no list.
fn scope(members: &Map<String, Value>) -> Result<Option<String>, RegistrationRefusal> {
    let Some(text) = member::<String>(members, "scope")? else {
        return Ok(None);
    };
    if text.trim().is_empty() {
        return Ok(None);
    }
    if text.len() > MAX_SCOPE_BYTES || Scope::parse(&text).is_err() {
        return Err(RegistrationRefusal::metadata(format!(
            "`scope` is no list of scopes of at most {MAX_SCOPE_BYTES} bytes"
        )));
    }
    Ok(Some(text))
}

fn contacts(members: &Map<String, Value>) -> Result<Option<Vec<String>>, RegistrationRefusal> {
    let found: Option<Vec<String>> = member(members, "contacts")?;
    let lines = found.map(|found| found.iter().filter_map(|text| one_line(text)).collect());
    match lines {
        Some(lines) if Vec::len(&lines) > MAX_CONTACTS => Err(RegistrationRefusal::metadata(
            format!("`contacts` has more than {MAX_CONTACTS} members"),
        )),
        lines => Ok(lines.filter(|lines| !lines.is_empty())),
    }
}

/// An address that nobody can open is left out.
fn web_page(
    members: &Map<String, Value>,
    name: &str,
) -> Result<Option<String>, RegistrationRefusal> {
    let text: Option<String> = member(members, name)?;
    Ok(text.filter(|text| is_web_page(text)))
}

fn is_web_page(text: &str) -> bool {
    let scheme = |url: Url| ["http", "https"].contains(&url.scheme()) && url.fragment().is_none();
    text.len() <= MAX_URL_BYTES && Url::parse(text).is_ok_and(scheme)
}

fn line(members: &Map<String, Value>, name: &str) -> Result<Option<String>, RegistrationRefusal> {
    let text: Option<String> = member(members, name)?;
    Ok(text.as_deref().and_then(one_line))
}

fn flag(members: &Map<String, Value>, name: &str) -> Result<bool, RegistrationRefusal> {
    Ok(member(members, name)?.unwrap_or_default())
}

/// `null` is absent (RFC 7592 section 2.2).
fn member<T: DeserializeOwned>(
    members: &Map<String, Value>,
    name: &str,
) -> Result<Option<T>, RegistrationRefusal> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value.clone())
            .map(Some)
            .map_err(|_| RegistrationRefusal::metadata(format!("`{name}` has another form"))),
    }
}

#[cfg(test)]
mod tests;
