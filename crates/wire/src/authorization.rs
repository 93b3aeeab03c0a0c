//! The authorization request, pushed (RFC 9126) or in the front channel (OAuth 2.1 section 4.1.1), with RAR (RFC 9396),
//! resource indicators (RFC 8707), `dpop_jkt` (RFC 9449 section 10) and OpenID Connect parameters.

use serde::{Deserialize, Serialize};

use crate::form::{Form, FormError};
use crate::mission::MissionIntent;
use crate::openid::{OpenIdParameters, ResponseMode};
use crate::pkce::CodeChallenge;
use crate::prompt::PromptSet;
use crate::rar::{self, Detail};
use crate::resource::ResourceUri;
use crate::scope::Scope;

pub const REQUEST_URI_PREFIX: &str = "urn:ietf:params:oauth:request_uri:";
/// The longest `state`, in bytes.
pub const MAX_STATE: usize = 4096;
/// The longest `nonce`, in bytes.
pub const MAX_NONCE: usize = 255;
/// The most values of `acr_values`.
pub const MAX_ACR_VALUES: usize = 16;
/// The longest of them, in bytes.
pub const MAX_ACR_VALUE: usize = 128;
/// The most `resource` parameters of one request.
pub const MAX_RESOURCES: usize = 16;

/// A well-formed request. Whether the client is allowed to make it is decided in `core`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    pub client_id: String,
    pub redirect_uri: Option<String>,
    pub state: Option<String>,
    pub scope: Vec<String>,
    /// Absent only where the client's record allows it.
    pub code_challenge: Option<CodeChallenge>,
    pub resource: Vec<ResourceUri>,
    pub authorization_details: Vec<Detail>,
    pub dpop_jkt: Option<String>,
    pub nonce: Option<String>,
    #[serde(default)]
    pub prompt: PromptSet,
    /// Seconds.
    pub max_age: Option<u64>,
    /// Any one of these, best first (OpenID Connect Core 3.1.2.1, RFC 9470 section 4).
    #[serde(default)]
    pub acr_values: Vec<String>,
    pub mission_intent: Option<MissionIntent>,
    #[serde(default)]
    pub openid: OpenIdParameters,
}

/// Why a request is malformed. Errors of `client_id` and `redirect_uri`, which forbid a redirect, are found elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error(transparent)]
    Form(#[from] FormError),
    #[error("`response_type` must be `code`")]
    ResponseType,
    #[error("`response_mode` must be `query` or `form_post`")]
    ResponseMode,
    #[error("parameter `scope`: {0}")]
    Scope(#[from] crate::scope::ScopeError),
    #[error("{0}")]
    Resource(String),
    #[error(transparent)]
    Details(#[from] rar::DetailsError),
    #[error("parameter `{0}` is not supported here")]
    NotSupported(&'static str),
}

impl AuthorizationRequest {
    /// Reads every parameter but `request_uri`. Unknown parameters are ignored (OAuth 2.1 section 3.1), also where they repeat.
    pub fn parse(form: &Form) -> Result<Self, RequestError> {
        form.refuse_repeats_of(&ONCE)?;
        for unsupported in ["request", "request_uri"] {
            if form.contains(unsupported) {
                return Err(RequestError::NotSupported(unsupported));
            }
        }
        if form.required("response_type")? != "code" {
            return Err(RequestError::ResponseType);
        }
        let response_mode = match form.optional("response_mode")? {
            Some(name) => ResponseMode::parse(name).ok_or(RequestError::ResponseMode)?,
            None => ResponseMode::Query,
        };
        Ok(Self {
            client_id: form.required("client_id")?.to_owned(),
            redirect_uri: form.optional("redirect_uri")?.map(str::to_owned),
            state: form.bounded("state", MAX_STATE)?,
            scope: scope(form)?.iter().map(str::to_owned).collect(),
            code_challenge: code_challenge(form)?,
            resource: resources(form)?,
            authorization_details: details(form)?,
            dpop_jkt: form.bounded("dpop_jkt", 43)?,
            nonce: form.bounded("nonce", MAX_NONCE)?,
            prompt: prompt(form)?,
            max_age: max_age(form)?,
            acr_values: acr_values(form)?,
            mission_intent: form
                .optional("mission_intent")?
                .map(MissionIntent::parse)
                .transpose()?,
            openid: OpenIdParameters::parse(form, response_mode)?,
        })
    }
}

/// The known parameters; `resource` alone may repeat.
const ONCE: [&str; 20] = [
    "client_id",
    "response_type",
    "response_mode",
    "redirect_uri",
    "state",
    "scope",
    "code_challenge",
    "code_challenge_method",
    "authorization_details",
    "dpop_jkt",
    "nonce",
    "prompt",
    "max_age",
    "acr_values",
    "mission_intent",
    "login_hint",
    "ui_locales",
    "id_token_hint",
    "request",
    "request_uri",
];

/// `scope` of any request; absent is the empty set.
pub fn scope(form: &Form) -> Result<Scope, RequestError> {
    Ok(Scope::parse(form.optional("scope")?.unwrap_or_default())?)
}

/// All `resource` parameters of any request, without repetitions.
pub fn resources(form: &Form) -> Result<Vec<ResourceUri>, RequestError> {
    named_resources(form, &["resource"])
}

/// The same of these parameters.
pub(crate) fn named_resources(
    form: &Form,
    parameters: &[&'static str],
) -> Result<Vec<ResourceUri>, RequestError> {
    let mut found: Vec<ResourceUri> = Vec::new();
    for text in parameters.iter().flat_map(|name| form.all(name)) {
        let uri = ResourceUri::parse(text).map_err(|e| RequestError::Resource(e.to_string()))?;
        if !found.contains(&uri) {
            found.push(uri);
        }
    }
    if found.len() > MAX_RESOURCES {
        return Err(RequestError::Resource(format!(
            "more than {MAX_RESOURCES} resources"
        )));
    }
    Ok(found)
}

/// `authorization_details` of any request; absent is the empty list.
pub fn details(form: &Form) -> Result<Vec<Detail>, RequestError> {
    Ok(form
        .optional("authorization_details")?
        .map(rar::parse)
        .transpose()?
        .unwrap_or_default())
}

fn code_challenge(form: &Form) -> Result<Option<CodeChallenge>, FormError> {
    let method = form.optional("code_challenge_method")?;
    let Some(text) = form.optional("code_challenge")? else {
        return match method {
            Some(_) => Err(FormError::Missing("code_challenge")),
            None => Ok(None),
        };
    };
    if method != Some("S256") {
        return Err(FormError::invalid(
            "code_challenge_method",
            "must be `S256`",
        ));
    }
    let challenge = CodeChallenge::parse(text);
    let invalid = || FormError::invalid("code_challenge", "is no SHA-256 in base64url");
    challenge.ok_or_else(invalid).map(Some)
}

fn prompt(form: &Form) -> Result<PromptSet, FormError> {
    PromptSet::parse(form.optional("prompt")?.unwrap_or_default())
}

fn max_age(form: &Form) -> Result<Option<u64>, FormError> {
    form.optional("max_age")?
        .map(|text| {
            text.parse()
                .map_err(|_| FormError::invalid("max_age", "is no number of seconds"))
        })
        .transpose()
}

/// `acr_values` of any request; absent is the empty list.
pub fn acr_values(form: &Form) -> Result<Vec<String>, FormError> {
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
    if values.iter().any(|value| value.len() > MAX_ACR_VALUE) {
        let problem = format!("has a value that is longer than {MAX_ACR_VALUE} bytes");
        return Err(FormError::invalid("acr_values", problem));
    }
    Ok(values)
}

/// The `state` that an answer brings back, also one that refuses the request (section 4.1.2.1); none that is refused itself.
pub fn returned_state(form: &Form) -> Option<String> {
    bounded(form, "state", MAX_STATE).ok().flatten()
}

fn bounded(form: &Form, name: &'static str, most: usize) -> Result<Option<String>, FormError> {
    match form.optional(name)? {
        Some(text) if text.len() > most => Err(FormError::invalid(
            name,
            format!("is longer than {most} bytes"),
        )),
        found => Ok(found.map(str::to_owned)),
    }
}

/// Response of the PAR endpoint (RFC 9126 section 2.2), status 201.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedAuthorizationResponse {
    pub request_uri: String,
    /// Seconds.
    pub expires_in: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn form(more: &str) -> Form {
        let text = format!(
            "client_id=a&response_type=code&code_challenge={CHALLENGE}&code_challenge_method=S256{more}"
        );
        Form::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn oauth21_4_1_1_a_request_is_read_whole() {
        let request =
            AuthorizationRequest::parse(&form("&scope=b+a&resource=https://x.example&unknown=1"))
                .unwrap();
        assert_eq!(request.scope, ["a", "b"]);
        assert_eq!(request.resource[0].as_str(), "https://x.example");
    }

    #[test]
    fn rfc_9470_4_acr_values_are_a_bounded_list() {
        let request = AuthorizationRequest::parse(&form("&acr_values=urn:b++urn:a")).unwrap();
        assert_eq!(request.acr_values, ["urn:b", "urn:a"]);
        let flood = "x+".repeat(MAX_ACR_VALUES + 1);
        assert!(AuthorizationRequest::parse(&form(&format!("&acr_values={flood}"))).is_err());
        let longest = "x".repeat(MAX_ACR_VALUE);
        for (more, fits) in [("", true), ("x", false)] {
            let parsed =
                AuthorizationRequest::parse(&form(&format!("&acr_values=a+{longest}{more}")));
            assert_eq!(parsed.is_ok(), fits, "one more: {more}");
        }
    }

    #[test]
    fn rfc_7636_4_3_plain_or_missing_method_is_refused() {
        let plain = format!(
            "client_id=a&response_type=code&code_challenge={CHALLENGE}&code_challenge_method=plain"
        );
        assert!(AuthorizationRequest::parse(&Form::parse(plain.as_bytes()).unwrap()).is_err());
        let none = format!("client_id=a&response_type=code&code_challenge={CHALLENGE}");
        assert!(AuthorizationRequest::parse(&Form::parse(none.as_bytes()).unwrap()).is_err());
    }

    #[test]
    fn rfc_6749_4_1_2_1_a_state_that_is_refused_is_not_sent_back() {
        let of = |more: &str| returned_state(&form(more));
        assert_eq!(of("&state=a+b"), Some("a b".to_owned()));
        let (most, more) = ("s".repeat(MAX_STATE), "s".repeat(MAX_STATE + 1));
        assert_eq!(of(&format!("&state={most}")), Some(most));
        for refused in ["", "&state=1&state=2", &format!("&state={more}")] {
            assert_eq!(of(refused), None);
        }
    }

    #[test]
    fn repeats_and_request_objects_are_refused() {
        assert!(AuthorizationRequest::parse(&form("&state=1&state=2")).is_err());
        assert!(AuthorizationRequest::parse(&form("&foo=1&foo=2")).is_ok());
        assert!(AuthorizationRequest::parse(&form("&request=x")).is_err());
        assert!(AuthorizationRequest::parse(&form("&request_uri=x")).is_err());
        assert!(AuthorizationRequest::parse(&form("&response_mode=fragment")).is_err());
    }
}
