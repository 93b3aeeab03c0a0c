//! `authorize`: a pushed request (RFC 9126) that a person approves in a browser, and the code for it
//! (OAuth 2.1 section 4.1, PKCE by RFC 7636, the answer's issuer by RFC 9207).

use http::StatusCode;
use writ_wire::authorization::PushedAuthorizationResponse;
use writ_wire::error::{ErrorBody, ErrorCode};
use writ_wire::form::Form;
use writ_wire::mission::{Intent, MissionIntent};
use writ_wire::pkce::{CodeChallenge, CodeVerifier};
use writ_wire::rar::Detail;
use writ_wire::strict_json;
use writ_wire::time::Timestamp;

use crate::agent::{Agent, Parameters};
use crate::error::{Error, protocol, refused};
use crate::metadata::secure;
use crate::secret::Secret;
use crate::token::{Grant, RequestedAccess, details_text};

/// What the agent asks a person for.
#[derive(Clone, Debug, Default)]
pub struct AuthorizationIntent {
    /// As registered; the port of a loopback address is free.
    pub redirect_uri: String,
    /// Names with spaces between; empty for none. With `openid` the kit sends and checks a `nonce`.
    pub scope: String,
    pub resource: Vec<String>,
    pub authorization_details: Vec<Detail>,
    /// How strongly the person must log in, any one of these, best first: as a resource's refusal said (RFC 9470).
    pub acr_values: Vec<String>,
    /// How old that login may be, in seconds.
    pub max_age: Option<u64>,
    /// Opens a task of its own (`mission_intent`); without it the client's default task is used.
    pub purpose: Option<Purpose>,
}

/// What the task is for, as the person will read it: quoted, as the agent's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// 1 to 140 characters.
    pub goal: String,
    /// When the task should end at the latest.
    pub expires_at: Option<Timestamp>,
}

impl From<&str> for Purpose {
    fn from(goal: &str) -> Self {
        Self {
            goal: goal.to_owned(),
            expires_at: None,
        }
    }
}

/// A request that waits for the person. Keep it until the browser comes back.
#[derive(Clone)]
pub struct PendingAuthorization {
    /// To be opened in the person's browser.
    pub url: String,
    /// Until then the person opens the URL; they may take longer to answer.
    pub expires_at: Timestamp,
    issuer: String,
    state: String,
    verifier: CodeVerifier,
    nonce: Option<String>,
}

impl Agent {
    /// Pushes the request and returns the URL that the person must open.
    pub async fn authorize(
        &self,
        intent: &AuthorizationIntent,
    ) -> Result<PendingAuthorization, Error> {
        let random = &self.environment.random;
        let verifier = CodeVerifier::parse(&random.secret())
            .ok_or_else(|| Error::Usage("the random source gives no code verifier".to_owned()))?;
        let state = random.secret();
        let openid = intent.scope.split(' ').any(|name| name == "openid");
        let nonce = openid.then(|| random.secret());

        let mut form = self.requested(intent)?;
        form.push(("state", state.clone()));
        form.push((
            "code_challenge",
            CodeChallenge::of(&verifier).as_str().to_owned(),
        ));
        form.push(("code_challenge_method", "S256".to_owned()));
        form.extend(nonce.clone().map(|nonce| ("nonce", nonce)));

        let now = self.environment.clock.now();
        let endpoint = &self.metadata.pushed_authorization_request_endpoint;
        let response = self.post(endpoint, &form, self.dpop_key()).await?;
        if response.status() != StatusCode::CREATED {
            return Err(refused(&response));
        }
        let pushed: PushedAuthorizationResponse =
            strict_json::read(response.body()).map_err(|_| {
                protocol("the answer to the pushed request cannot be read (RFC 9126 2.2)")
            })?;
        Ok(PendingAuthorization {
            url: self.browser_url(&pushed.request_uri)?,
            expires_at: now.plus(std::time::Duration::from_secs(pushed.expires_in)),
            issuer: self.issuer().to_owned(),
            state,
            verifier,
            nonce,
        })
    }

    fn requested(&self, intent: &AuthorizationIntent) -> Result<Parameters, Error> {
        let mut form: Parameters = vec![
            ("response_type", "code".to_owned()),
            ("client_id", self.client_id().to_owned()),
            ("redirect_uri", intent.redirect_uri.clone()),
        ];
        if !intent.scope.trim().is_empty() {
            form.push(("scope", intent.scope.clone()));
        }
        form.extend(intent.resource.iter().map(|uri| ("resource", uri.clone())));
        if !intent.authorization_details.is_empty() {
            form.push((
                "authorization_details",
                details_text(&intent.authorization_details)?,
            ));
        }
        if !intent.acr_values.is_empty() {
            form.push(("acr_values", intent.acr_values.join(" ")));
        }
        form.extend(intent.max_age.map(|age| ("max_age", age.to_string())));
        if let Some(purpose) = &intent.purpose {
            form.push(("mission_intent", self.mission_intent(purpose)?));
        }
        Ok(form)
    }

    pub(crate) fn mission_intent(&self, purpose: &Purpose) -> Result<String, Error> {
        // A server that ignores it would let the person approve without having seen the purpose.
        if self.metadata.mission_bound_authorization_supported != Some(true) {
            return Err(Error::Usage(
                "the server takes no purpose: leave it out, or switch `mission_intent` on there"
                    .to_owned(),
            ));
        }
        let envelope = MissionIntent {
            intent: Intent {
                goal: purpose.goal.clone(),
                goal_lang: None,
                purpose: None,
                expires_at: purpose.expires_at.map(Timestamp::rfc3339),
            },
        };
        let text = serde_json::to_string(&envelope)
            .map_err(|_| Error::Usage("the purpose cannot be written as JSON".to_owned()))?;
        MissionIntent::parse(&text).map_err(|error| Error::Usage(error.to_string()))?;
        Ok(text)
    }

    /// `client_id` and `request_uri` only (RFC 9126 section 4).
    fn browser_url(&self, request_uri: &str) -> Result<String, Error> {
        let mut url = secure(&self.metadata.authorization_endpoint)?;
        url.query_pairs_mut()
            .append_pair("client_id", self.client_id())
            .append_pair("request_uri", request_uri);
        Ok(url.into())
    }
}

impl PendingAuthorization {
    /// The `state` of the request: finds this `PendingAuthorization` again when a callback comes.
    pub fn state(&self) -> &str {
        &self.state
    }

    /// Takes the callback (its URL, or its query) and exchanges the code for a grant at one resource.
    /// Borrowed, not consumed: a forged callback must not end a request that the person still answers.
    pub async fn complete(
        &self,
        agent: &Agent,
        callback: &str,
        resource: Option<&str>,
    ) -> Result<Grant, Error> {
        if agent.issuer() != self.issuer {
            return Err(Error::Usage(
                "this request was pushed to another issuer".to_owned(),
            ));
        }
        let code = self.code(callback)?;
        let mut form: Parameters = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.expose().to_owned()),
            ("code_verifier", self.verifier.as_str().to_owned()),
        ];
        let ask = RequestedAccess {
            resource: resource.map(str::to_owned),
            ..RequestedAccess::default()
        };
        form.extend(ask.parameters()?);
        let grant = agent.token(&form).await?;
        agent.check_id_token(&grant, self.nonce.as_deref())?;
        Ok(grant)
    }

    /// `state` first, then `iss`, and only then what the answer says (RFC 9700 section 4.4, RFC 9207 section 2.4).
    fn code(&self, callback: &str) -> Result<Secret, Error> {
        let form = answer(callback)?;
        let read = |name: &'static str| {
            form.optional(name)
                .map_err(|error| protocol(format!("in the callback, {error}")))
        };
        if read("state")? != Some(self.state.as_str()) {
            return Err(protocol(
                "the callback's `state` is not that of this request",
            ));
        }
        if read("iss")? != Some(self.issuer.as_str()) {
            return Err(protocol(
                "the callback's `iss` is not this issuer (RFC 9207 2.4)",
            ));
        }
        if let Some(error) = read("error")? {
            let code = ErrorCode::parse(error)
                .ok_or_else(|| protocol("the callback has an error code that we do not know"))?;
            return Err(ErrorBody {
                error: code,
                error_description: read("error_description")?.map(str::to_owned),
                excess: Vec::new(),
                error_id: None,
                retry_after: None,
            }
            .into());
        }
        let code =
            read("code")?.ok_or_else(|| protocol("the callback has neither `code` nor `error`"))?;
        Ok(Secret::from(code))
    }
}

/// The parameters of a callback, given as URL or as query.
fn answer(callback: &str) -> Result<Form, Error> {
    let without_fragment = callback.split('#').next().unwrap_or_default();
    let query = without_fragment
        .split_once('?')
        .map_or(without_fragment, |(_, query)| query);
    Form::parse(query.as_bytes()).map_err(|error| protocol(format!("in the callback, {error}")))
}

impl std::fmt::Debug for PendingAuthorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingAuthorization")
            .field("issuer", &self.issuer)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
