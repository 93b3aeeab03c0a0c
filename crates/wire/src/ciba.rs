//! Backchannel authentication request and its acknowledgement (CIBA 7.1 and 7.3), with RAR, resource indicators, and the
//! access token of the agent that asks. A signed request (CIBA 7.1.1) is read from its claims by the same parser.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::authorization::{self, RequestError};
use crate::exchange::TOKEN_TYPE_ACCESS_TOKEN;
use crate::form::{Form, FormError};
use crate::rar::Detail;
use crate::resource::ResourceUri;

/// `typ` of a `login_hint_token`.
pub const LOGIN_HINT_TYPE: &str = "writ-login-hint+jwt";
/// Length of a `client_notification_token` in characters: at least 128 bits in base64url, at most 1024 (CIBA 7.1).
pub const NOTIFICATION_TOKEN: std::ops::RangeInclusive<usize> = 22..=1024;
/// The longest `login_hint`, in bytes.
pub const MAX_LOGIN_HINT: usize = 256;
/// The longest `user_code`, in bytes.
pub const MAX_USER_CODE: usize = 128;
/// The longest `binding_message` that is read, in bytes; which messages are shown is decided in `core`.
pub const MAX_BINDING_MESSAGE: usize = 4096;

/// A well-formed request, without client authentication. Whether the client is allowed to make it is decided in `core`.
#[derive(Clone, PartialEq)]
pub struct BackchannelRequest {
    pub scope: Vec<String>,
    pub hint: UserHint,
    pub client_notification_token: Option<String>,
    pub binding_message: Option<String>,
    pub user_code: Option<String>,
    /// Seconds, never zero.
    pub requested_expiry: Option<u64>,
    pub acr_values: Vec<String>,
    pub resource: Vec<ResourceUri>,
    pub authorization_details: Vec<Detail>,
    /// The access token of the agent that asks: the approval belongs to the task of this token.
    pub subject_token: Option<String>,
}

/// The hint that names the user: exactly one of three (CIBA 7.1).
#[derive(Clone, PartialEq, Eq)]
pub enum UserHint {
    Login(String),
    LoginToken(String),
    IdToken(String),
}

/// Where the parameters of the request are: in the form, or in a signed request object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackchannelParameters<'a> {
    Plain(&'a Form),
    /// The JWT text of `request`, which holds all of them.
    Signed(&'a str),
}

impl<'a> BackchannelParameters<'a> {
    /// Refuses parameters beside a signed request (CIBA 7.1.1); unknown ones are ignored (CIBA 7.2).
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
            binding_message: form.bounded("binding_message", MAX_BINDING_MESSAGE)?,
            user_code: form.bounded("user_code", MAX_USER_CODE)?,
            requested_expiry: requested_expiry(form)?,
            acr_values: authorization::acr_values(form)?,
            resource: authorization::resources(form)?,
            authorization_details: authorization::details(form)?,
            subject_token: subject_token(form)?,
        })
    }

    /// From the claims of a verified signed request: numbers and arrays as JSON, or as the strings that a form would have.
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

fn hint(form: &Form) -> Result<UserHint, FormError> {
    let login = form
        .bounded("login_hint", MAX_LOGIN_HINT)?
        .map(UserHint::Login);
    let token = form.optional("login_hint_token")?.map(str::to_owned);
    let id_token = form.optional("id_token_hint")?.map(str::to_owned);
    let mut hints = login
        .into_iter()
        .chain(token.map(UserHint::LoginToken))
        .chain(id_token.map(UserHint::IdToken));
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

/// `subject_token` and `subject_token_type` come together or not at all.
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

/// The acknowledgement (CIBA 7.3).
#[derive(Clone, Serialize, Deserialize)]
pub struct BackchannelResponse {
    pub auth_req_id: String,
    /// Seconds.
    pub expires_in: u64,
    /// Seconds between two polls; absent for push.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<u32>,
    /// Extension: two digits that the client shows and the user types into the approval page; only for clients registered with
    /// `number_matching`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_to_match: Option<u8>,
}

/// The request parameters that a signed request may hold.
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
