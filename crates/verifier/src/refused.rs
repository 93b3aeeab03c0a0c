//! Refusals: a typed reason, its code and status by one table, and the answer with its challenges
//! (RFC 6750 section 3, 9449 sections 7.1 and 9, 9470 section 3, 9728 section 5.1).
//! No text here holds a token, a proof or a secret.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use writ_authority::Level;
use writ_jose::access_token::AccessTokenError;
use writ_wire::challenge::HttpChallenge;
use writ_wire::dpop::{DPOP_NONCE, SIGNING_ALGORITHMS};
use writ_wire::error::{ErrorBody, ErrorCode, Excess, description};
use writ_wire::transaction::TRANSACTION_CHALLENGE;

use crate::config::BearerPolicy;
use crate::credentials::Scheme;
use crate::remediation::Remediation;
use crate::step_up::{StepUp, names_from};
use crate::transaction::Challenged;

/// Why a request is refused: a sentence for the client's developer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Reason {
    #[error("send an access token in the `Authorization` header field")]
    NoCredentials,
    #[error(
        "send one access token in one way: one `Authorization` header field, nothing in the query"
    )]
    SeveralCredentials,
    #[error("the `Authorization` header field holds no access token")]
    MalformedCredentials,
    #[error(
        "this resource takes no bearer tokens: ask for a token that is bound to your key, and use the scheme `DPoP`"
    )]
    BearerRefused,
    #[error("this token is bound to a key: use the scheme `DPoP` and send a proof")]
    BoundTokenAsBearer,
    #[error("this token is bound to no key: it cannot be used with the scheme `DPoP`")]
    UnboundToken,
    #[error("a token of an agent must be bound to a key")]
    UnboundAgent,
    #[error(transparent)]
    Token(AccessTokenError),
    #[error("the token's `{0}` is not what an access token of this issuer says")]
    Claim(&'static str),
    #[error("the token is for another resource")]
    WrongAudience,
    #[error("the token's actor chain is refused: {0}")]
    ActorChain(&'static str),
    #[error("this resource is for agents only, and no agent stands behind this token")]
    NotAnAgent,
    #[error("the agent's token names no task (`mission`)")]
    NoTask,
    #[error("the task of this token is over or cannot be read")]
    Task,
    #[error("the token is no longer active: it was revoked, or its task was stopped")]
    Inactive,
    #[error("the DPoP proof is missing: send one in the `DPoP` header field")]
    MissingProof,
    #[error("send exactly one `DPoP` header field")]
    SeveralProofs,
    #[error("{0}")]
    Proof(String),
    #[error("the DPoP proof needs a valid nonce: take the one of this answer's `DPoP-Nonce`")]
    UseNonce,
    #[error("the token is bound to another key than that of the DPoP proof")]
    WrongKey,
    #[error("the DPoP proof was used before: sign a new one for each request")]
    ProofReplayed,
    #[error("the token was given for another transaction than this one")]
    OtherTransaction,
    #[error("the scope `{0}` is needed")]
    InsufficientScope(String),
    #[error("the token does not permit this: `{pointer}` goes beyond what was granted")]
    NotPermitted {
        pointer: String,
        asked: Remediation,
        excess: Vec<Excess>,
    },
    #[error("what the token permits was already used: it is good once, or its budget is spent")]
    AlreadyUsed { asked: Remediation },
    /// The type wants a stronger answer about this than the one behind the token.
    #[error("a person must agree to exactly this, with {}", words(*.level))]
    NeedsPerson { level: Level, asked: Remediation },
    #[error(
        "the person must log in more strongly or anew: ask for authorization with the values of this answer"
    )]
    Login(StepUp),
    #[error("the rules of the type behind this token's authority are not known")]
    UnknownType,
    /// `cause` is for the log, and never sent.
    #[error("{what}: try again")]
    Unavailable { what: &'static str, cause: String },
}

impl Reason {
    pub(crate) fn unavailable(what: &'static str, cause: impl fmt::Display) -> Self {
        Self::Unavailable {
            what,
            cause: cause.to_string(),
        }
    }

    /// The registered code; none where the client sent no credentials (RFC 6750 section 3.1).
    pub const fn error(&self) -> Option<ErrorCode> {
        Some(match self {
            Self::NoCredentials => return None,
            Self::SeveralCredentials | Self::MalformedCredentials => ErrorCode::InvalidRequest,
            Self::BearerRefused
            | Self::BoundTokenAsBearer
            | Self::UnboundToken
            | Self::UnboundAgent
            | Self::Token(_)
            | Self::Claim(_)
            | Self::WrongAudience
            | Self::ActorChain(_)
            | Self::NotAnAgent
            | Self::NoTask
            | Self::Task
            | Self::Inactive
            | Self::WrongKey
            | Self::OtherTransaction
            | Self::UnknownType => ErrorCode::InvalidToken,
            Self::MissingProof | Self::SeveralProofs | Self::Proof(_) | Self::ProofReplayed => {
                ErrorCode::InvalidDpopProof
            }
            Self::UseNonce => ErrorCode::UseDpopNonce,
            Self::InsufficientScope(_) => ErrorCode::InsufficientScope,
            Self::NotPermitted { .. } | Self::AlreadyUsed { .. } | Self::NeedsPerson { .. } => {
                ErrorCode::InsufficientAuthorization
            }
            Self::Login(_) => ErrorCode::InsufficientUserAuthentication,
            Self::Unavailable { .. } => ErrorCode::TemporarilyUnavailable,
        })
    }

    pub const fn status(&self) -> StatusCode {
        match self {
            Self::SeveralCredentials | Self::MalformedCredentials => StatusCode::BAD_REQUEST,
            Self::InsufficientScope(_) => StatusCode::FORBIDDEN,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoCredentials
            | Self::BearerRefused
            | Self::BoundTokenAsBearer
            | Self::UnboundToken
            | Self::UnboundAgent
            | Self::Token(_)
            | Self::Claim(_)
            | Self::WrongAudience
            | Self::ActorChain(_)
            | Self::NotAnAgent
            | Self::NoTask
            | Self::Task
            | Self::Inactive
            | Self::MissingProof
            | Self::SeveralProofs
            | Self::Proof(_)
            | Self::UseNonce
            | Self::WrongKey
            | Self::ProofReplayed
            | Self::OtherTransaction
            | Self::NotPermitted { .. }
            | Self::AlreadyUsed { .. }
            | Self::NeedsPerson { .. }
            | Self::Login(_)
            | Self::UnknownType => StatusCode::UNAUTHORIZED,
        }
    }

    fn excess(&self) -> &[Excess] {
        match self {
            Self::NotPermitted { excess, .. } => excess,
            _ => &[],
        }
    }

    /// What, if granted, would let the request pass; too large for a header field is left out.
    fn remediation(&self) -> Option<String> {
        let (Self::NotPermitted { asked, .. }
        | Self::AlreadyUsed { asked }
        | Self::NeedsPerson { asked, .. }) = self
        else {
            return None;
        };
        asked.remediation()
    }

    /// `acr_values` and `max_age` (RFC 9470 section 3).
    fn login(&self) -> (String, Option<u64>) {
        match self {
            Self::NeedsPerson { level, .. } => {
                let names: Vec<_> = names_from(*level).collect();
                (names.join(" "), None)
            }
            Self::Login(wanted) => {
                let age = wanted.max_age.map(|age| age.as_secs());
                (wanted.acr_values.join(" "), age)
            }
            _ => (String::new(), None),
        }
    }
}

const fn words(level: Level) -> &'static str {
    match level {
        Level::None => "a click",
        Level::Password => "a password",
        Level::Passkey => "a passkey",
        Level::Liveness => "a passkey and a live face",
    }
}

/// A refusal, ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejection(Box<Inner>);

#[derive(Clone, Debug, PartialEq)]
struct Inner {
    reason: Reason,
    challenges: Vec<HttpChallenge>,
    nonce: Option<String>,
    /// Of a signed challenge.
    transaction: Option<String>,
}

impl Rejection {
    pub fn reason(&self) -> &Reason {
        &self.0.reason
    }

    pub fn status(&self) -> StatusCode {
        self.0.reason.status()
    }

    pub fn error(&self) -> Option<ErrorCode> {
        match self.0.transaction {
            Some(_) => Some(ErrorCode::TransactionAuthorizationRequired),
            None => self.0.reason.error(),
        }
    }

    /// `txn` of the signed challenge, if this refusal is one: the token that answers it has the same.
    pub fn transaction(&self) -> Option<&str> {
        self.0.transaction.as_deref()
    }

    /// The signed challenge stands in the place of the details to ask for.
    pub(crate) fn with_transaction(mut self, challenged: Challenged) -> Self {
        let error = ErrorCode::TransactionAuthorizationRequired.as_str();
        for challenge in &mut self.0.challenges {
            let parameters = &mut challenge.parameters;
            parameters.retain(|(name, _)| !REPLACED.contains(&name.as_str()));
            parameters.insert(0, ("error".to_owned(), error.to_owned()));
            parameters.push((TRANSACTION_CHALLENGE.to_owned(), challenged.text.clone()));
        }
        self.0.transaction = Some(challenged.txn);
        self
    }

    /// Each is one `WWW-Authenticate` field.
    pub fn challenges(&self) -> &[HttpChallenge] {
        &self.0.challenges
    }

    /// `DPoP-Nonce`.
    pub fn nonce(&self) -> Option<&str> {
        self.0.nonce.as_deref()
    }

    /// The whole answer. Its body is [`ErrorBody`], or empty where no code may be given.
    pub fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(self.body());
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.error().is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        for challenge in self.challenges() {
            if let Ok(value) = HeaderValue::from_str(&challenge.render()) {
                headers.append(WWW_AUTHENTICATE, value);
            }
        }
        if let Some(Ok(nonce)) = self.nonce().map(HeaderValue::from_str) {
            headers.insert(HeaderName::from_static(DPOP_NONCE), nonce);
        }
        response
    }

    fn body(&self) -> Bytes {
        let Some(error) = self.error() else {
            return Bytes::new();
        };
        let body = ErrorBody {
            error,
            error_description: Some(description(&self.0.reason.to_string())),
            excess: self.0.reason.excess().to_vec(),
            error_id: None,
            retry_after: None,
        };
        serde_json::to_vec(&body).unwrap_or_default().into()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.reason.fmt(f)
    }
}

impl std::error::Error for Rejection {}

/// What the issuer reads in the signed challenge, or decides itself.
const REPLACED: [&str; 3] = ["error", "authorization_remediation", "acr_values"];

/// Writes the challenges of one resource.
#[derive(Clone, Debug)]
pub(crate) struct Challenger {
    /// The protection space (RFC 9110 section 11.5): the resource.
    pub(crate) realm: Arc<str>,
    pub(crate) metadata_url: Option<Arc<str>>,
    pub(crate) bearer: BearerPolicy,
}

impl Challenger {
    /// `scheme` is what the client used; without credentials it hears of every scheme that is taken.
    pub(crate) fn refuse(
        &self,
        scheme: Option<Scheme>,
        nonce: Option<String>,
        reason: Reason,
    ) -> Rejection {
        let both = self.bearer == BearerPolicy::Allow;
        let schemes: &[Scheme] = match scheme {
            _ if reason.status() == StatusCode::SERVICE_UNAVAILABLE => &[],
            Some(Scheme::Bearer) if both && reason != Reason::BoundTokenAsBearer => {
                &[Scheme::Bearer]
            }
            None if both => &[Scheme::DPoP, Scheme::Bearer],
            _ => &[Scheme::DPoP],
        };
        let challenges = schemes
            .iter()
            .map(|scheme| self.challenge(*scheme, &reason));
        Rejection(Box::new(Inner {
            challenges: challenges.collect(),
            nonce,
            transaction: None,
            reason,
        }))
    }

    fn challenge(&self, scheme: Scheme, reason: &Reason) -> HttpChallenge {
        let mut challenge = HttpChallenge::new(scheme.as_str());
        if let Some(error) = reason.error() {
            challenge = challenge
                .with("error", error.as_str())
                .with("error_description", &reason.to_string());
        }
        if let Reason::InsufficientScope(scope) = reason {
            challenge = challenge.with("scope", scope);
        }
        let (acr_values, max_age) = reason.login();
        if !acr_values.is_empty() {
            challenge = challenge.with("acr_values", &acr_values);
        }
        if let Some(age) = max_age {
            challenge = challenge.with("max_age", &age.to_string());
        }
        if let Some(remediation) = reason.remediation() {
            challenge = challenge.with("authorization_remediation", &remediation);
        }
        if scheme == Scheme::DPoP {
            challenge = challenge.with("algs", &SIGNING_ALGORITHMS.join(" "));
        }
        match &self.metadata_url {
            Some(url) => challenge.with("resource_metadata", url),
            // RFC 6750 section 3: `Bearer` never stands alone.
            None if challenge.parameters.is_empty() => challenge.with("realm", &self.realm),
            None => challenge,
        }
    }
}
