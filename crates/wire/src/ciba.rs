//! Backchannel authentication request and its acknowledgement (CIBA 7.1 and 7.3), with RAR, resource indicators, and the
//! token of the chain that asks. A signed request (CIBA 7.1.1) is read from its claims by the same parser.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::authorization::{self, RequestError};
use crate::exchange::TOKEN_TYPE_ACCESS_TOKEN;
use crate::form::{Form, FormError};
use crate::rar::Detail;
use crate::resource::ResourceUri;

/// The type of our `login_hint_token`.
pub const LOGIN_HINT_TYPE: &str = "writ-login-hint+jwt";
/// CIBA 7.1: at least 128 bits in base64url, at most 1024 characters.
pub const NOTIFICATION_TOKEN: std::ops::RangeInclusive<usize> = 22..=1024;
/// The longest `login_hint` and `user_code`, in bytes.
pub const MAX_LOGIN_HINT: usize = 256;
pub const MAX_USER_CODE: usize = 128;
/// The longest text of `binding_message` that is read at all, in bytes; which is shown is decided in `core`.
pub const MAX_BINDING_MESSAGE: usize = 4096;
/// More classes than anybody can mean.
pub const MAX_ACR_VALUES: usize = 16;

/// A well-formed request, without client authentication. Whether the client may ask is decided in `core`.
#[derive(Clone, PartialEq)]
pub struct BackchannelRequest {
    pub scope: Vec<String>,
    pub hint: Hint,
    pub client_notification_token: Option<String>,
    pub binding_message: Option<String>,
    pub user_code: Option<String>,
    /// Seconds, never zero.
    pub requested_expiry: Option<u64>,
    pub acr_values: Vec<String>,
    pub resource: Vec<ResourceUri>,
    pub authorization_details: Vec<Detail>,
    /// The asking agent's own access token: the approval belongs to its task.
    pub subject_token: Option<String>,
}

/// Who is to be asked; exactly one.
#[derive(Clone, PartialEq, Eq)]
pub enum Hint {
    Login(String),
    LoginToken(String),
    IdToken(String),
}

/// How the parameters came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival<'a> {
    Plain(&'a Form),
    /// The text of one signed request that holds them all.
    Signed(&'a str),
}

impl<'a> Arrival<'a> {
    /// No parameter of the request stands beside a signed one (CIBA 7.1.1); what nobody knows is ignored (CIBA 7.2).
    pub fn of(form: &'a Form) -> Result<Self, RequestError> {
        form.refuse_repeats(&["resource"])?;
        if form.contains("request_uri") {
            return Err(RequestError::NotSupported("request_uri"));
        }
        let Some(request) = form.optional("request")? else {
            return Ok(Self::Plain(form));
        };
        let beside = form
            .pairs()
            .iter()
            .find(|(name, _)| CLAIMS.contains(&name.as_str()));
        if let Some((name, _)) = beside {
            let name: String = name.chars().take(80).collect();
            return Err(FormError::invalid(
                "request",
                format!("must hold every parameter: `{name}` stands beside it"),
            )
            .into());
        }
        Ok(Self::Signed(request))
    }
}

impl BackchannelRequest {
    /// Unknown parameters are ignored (CIBA 7.1).
    pub fn parse(form: &Form) -> Result<Self, RequestError> {
        form.refuse_repeats(&["resource"])?;
        Ok(Self {
            scope: authorization::scope(form)?
                .iter()
                .map(str::to_owned)
                .collect(),
            hint: hint(form)?,
            client_notification_token: notification_token(form)?,
            binding_message: bounded(form, "binding_message", MAX_BINDING_MESSAGE)?,
            user_code: bounded(form, "user_code", MAX_USER_CODE)?,
            requested_expiry: requested_expiry(form)?,
            acr_values: acr_values(form)?,
            resource: authorization::resources(form)?,
            authorization_details: authorization::details(form)?,
            subject_token: subject_token(form)?,
        })
    }

    /// From the claims of a verified signed request: numbers and lists where JSON has them, texts otherwise.
    pub fn from_claims(claims: &Map<String, Value>) -> Result<Self, RequestError> {
        let mut text = form_urlencoded::Serializer::new(String::new());
        for name in CLAIMS {
            match claims.get(name) {
                None => {}
                Some(Value::String(value)) => _ = text.append_pair(name, value),
                Some(Value::Number(number)) if name == "requested_expiry" => {
                    text.append_pair(name, &number.to_string());
                }
                Some(list @ Value::Array(_)) if name == "authorization_details" => {
                    text.append_pair(name, &list.to_string());
                }
                Some(Value::Array(list)) if name == "resource" => {
                    for uri in list {
                        let uri = uri.as_str().ok_or_else(|| wrong_type(name))?;
                        text.append_pair(name, uri);
                    }
                }
                Some(_) => return Err(wrong_type(name).into()),
            }
        }
        Self::parse(&Form::parse(text.finish().as_bytes())?)
    }
}

fn wrong_type(name: &'static str) -> FormError {
    FormError::invalid(name, "has the wrong JSON type in the signed request")
}

fn hint(form: &Form) -> Result<Hint, FormError> {
    let login = bounded(form, "login_hint", MAX_LOGIN_HINT)?.map(Hint::Login);
    let token = form.optional("login_hint_token")?.map(str::to_owned);
    let id_token = form.optional("id_token_hint")?.map(str::to_owned);
    let mut hints = login
        .into_iter()
        .chain(token.map(Hint::LoginToken))
        .chain(id_token.map(Hint::IdToken));
    match (hints.next(), hints.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(FormError::invalid(
            "login_hint",
            "is missing: send `login_hint`, `login_hint_token` or `id_token_hint`",
        )),
        (Some(_), Some(_)) => Err(FormError::invalid(
            "login_hint",
            "stands beside another hint: send one of the three",
        )),
    }
}

fn notification_token(form: &Form) -> Result<Option<String>, FormError> {
    let Some(token) = form.optional("client_notification_token")? else {
        return Ok(None);
    };
    let bare = token.trim_end_matches('=');
    let fits = NOTIFICATION_TOKEN.contains(&token.len())
        && !bare.is_empty()
        && bare
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b));
    if !fits {
        return Err(FormError::invalid(
            "client_notification_token",
            "is not 22 to 1024 characters of a bearer token",
        ));
    }
    Ok(Some(token.to_owned()))
}

fn requested_expiry(form: &Form) -> Result<Option<u64>, FormError> {
    let Some(text) = form.optional("requested_expiry")? else {
        return Ok(None);
    };
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(seconds) if digits && seconds > 0 => Ok(Some(seconds)),
        _ => Err(FormError::invalid(
            "requested_expiry",
            "is no positive number of seconds",
        )),
    }
}

fn acr_values(form: &Form) -> Result<Vec<String>, FormError> {
    let text = form.optional("acr_values")?.unwrap_or_default();
    let values: Vec<String> = text
        .split(' ')
        .filter(|value| !value.is_empty())
        .take(MAX_ACR_VALUES + 1)
        .map(str::to_owned)
        .collect();
    if values.len() > MAX_ACR_VALUES {
        return Err(FormError::invalid("acr_values", "has too many values"));
    }
    Ok(values)
}

/// The type is there exactly when the token is.
pub(crate) fn subject_token(form: &Form) -> Result<Option<String>, FormError> {
    let token = form.optional("subject_token")?.map(str::to_owned);
    match (token, form.optional("subject_token_type")?) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(FormError::Missing("subject_token_type")),
        (None, Some(_)) => Err(FormError::Missing("subject_token")),
        (Some(token), Some(TOKEN_TYPE_ACCESS_TOKEN)) => Ok(Some(token)),
        (Some(_), Some(_)) => Err(FormError::invalid(
            "subject_token_type",
            format!("must be `{TOKEN_TYPE_ACCESS_TOKEN}`"),
        )),
    }
}

pub(crate) fn bounded(
    form: &Form,
    name: &'static str,
    most: usize,
) -> Result<Option<String>, FormError> {
    match form.optional(name)? {
        Some(text) if text.len() > most => Err(FormError::invalid(
            name,
            format!("is longer than {most} bytes"),
        )),
        found => Ok(found.map(str::to_owned)),
    }
}

/// The acknowledgement (CIBA 7.3).
#[derive(Clone, Serialize, Deserialize)]
pub struct BackchannelResponse {
    pub auth_req_id: String,
    /// Seconds.
    pub expires_in: u64,
    /// Seconds between two polls; absent for push.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<u32>,
    /// Two digits that the client shows and the person picks: only for clients registered with `number_matching`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_to_match: Option<u8>,
}

/// Parameters as claims.
const CLAIMS: [&str; 13] = [
    "scope",
    "client_notification_token",
    "acr_values",
    "login_hint",
    "login_hint_token",
    "id_token_hint",
    "binding_message",
    "user_code",
    "requested_expiry",
    "authorization_details",
    "resource",
    "subject_token",
    "subject_token_type",
];

#[cfg(test)]
#[path = "ciba/tests.rs"]
mod tests;
