//! What a proxy is answered: who calls, in header fields for the API; or why the caller is refused, as a problem (RFC 9457), with
//! the challenge that it needs (RFC 6750 section 3, RFC 9449 section 7.1).

use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};
use writ_core::OAuthError;
use writ_wire::access::DecisionReason;
use writ_wire::access_request::PROBLEM;
use writ_wire::challenge::HttpChallenge;
use writ_wire::claims::AccessTokenClaims;
use writ_wire::error::ErrorCode;
use writ_wire::forward_auth::{
    ACTOR, CLIENT, ForwardAuthProblem, ForwardAuthReason as Reason, REASON, SCOPE, SUBJECT, TASK,
};

use super::super::question::AccessQuestion;
use crate::client::answer::{empty, json};
use crate::client::error::token_challenge;
use crate::client::presented_token::Scheme;
use crate::node::failure::Failure;

/// Who calls, in header fields.
type Identity = [(&'static str, HeaderValue); 5];

/// What becomes of a caller's request.
pub enum ForwardVerdict {
    Permit(Box<Identity>),
    Deny(DeniedForward),
}

/// A denial, with what its challenge names.
pub struct DeniedForward {
    reason: Reason,
    sentence: String,
    /// By which the token came.
    scheme: Option<Scheme>,
    /// The scope that would have covered it.
    scope: Option<String>,
}

impl ForwardVerdict {
    pub fn permit(question: &AccessQuestion) -> Result<Self, Failure> {
        let token = question.token.as_ref();
        let token = token.ok_or_else(|| Failure::Broken("a permit without a token".to_owned()))?;
        Ok(Self::Permit(Box::new(identity(&token.claims)?)))
    }

    /// For the metrics.
    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::Permit(_) => "permit",
            Self::Deny(denied) => denied.reason.as_str(),
        }
    }

    pub fn into_response(self) -> Result<Response, Failure> {
        match self {
            Self::Deny(denied) => denied.into_response(),
            Self::Permit(identity) => {
                let mut response = empty();
                for (name, value) in *identity {
                    let name = HeaderName::from_static(name);
                    response.headers_mut().insert(name, value);
                }
                Ok(response)
            }
        }
    }
}

impl From<DeniedForward> for ForwardVerdict {
    fn from(denied: DeniedForward) -> Self {
        Self::Deny(denied)
    }
}

/// Each field is there, so that a caller's own of this name is replaced.
fn identity(claims: &AccessTokenClaims) -> Result<Identity, Failure> {
    let field = |name, text: Option<&str>| {
        let value = HeaderValue::from_str(text.unwrap_or_default());
        let value = value.map_err(|_| Failure::Broken(format!("`{name}` is no header field")))?;
        Ok::<_, Failure>((name, value))
    };
    let actor = claims.act.as_ref().map(|act| act.sub.as_str());
    let task = claims.mission.as_ref().map(|task| task.id.as_str());
    Ok([
        field(SUBJECT, Some(&claims.sub))?,
        field(CLIENT, Some(&claims.client_id))?,
        field(ACTOR, actor)?,
        field(TASK, task)?,
        field(SCOPE, claims.scope.as_deref())?,
    ])
}

impl DeniedForward {
    pub fn of(reason: Reason) -> Self {
        Self::saying(reason, sentence(reason))
    }

    fn saying(reason: Reason, sentence: impl Into<String>) -> Self {
        Self {
            reason,
            sentence: sentence.into(),
            scheme: None,
            scope: None,
        }
    }

    pub fn token_missing() -> Self {
        Self::of(Reason::TokenMissing)
    }

    pub fn request_refused(why: &str) -> Self {
        let sentence = format!("Two programs may read this request differently: {why}.");
        Self::saying(Reason::RequestRefused, sentence)
    }

    /// As an evaluation has it.
    pub fn decided(reason: DecisionReason, sentence: String) -> Self {
        let sentence = match reason {
            DecisionReason::ApprovalRequired => format!(
                "{sentence} Nobody is asked from here: the server behind the proxy can, for what it judges itself (docs/access-requests.md)."
            ),
            _ => sentence,
        };
        Self::saying(Reason::Decision(reason), sentence)
    }

    pub fn wrong_scheme(reason: DecisionReason) -> Self {
        let sentence = match reason {
            DecisionReason::ProofInvalid => {
                "The access token is bound to a key: use scheme `DPoP`, with a proof."
            }
            _ => "The access token is bound to no key: use scheme `Bearer`.",
        };
        Self::saying(Reason::Decision(reason), sentence)
    }

    pub fn proof_used() -> Self {
        let sentence = "The proof was used before: make a new one for each request.";
        Self::saying(Reason::Decision(DecisionReason::ProofInvalid), sentence)
    }

    /// Of a token that came by this scheme, where this scope would do.
    pub fn to(self, scheme: Scheme, scope: Option<String>) -> Self {
        Self {
            scheme: Some(scheme),
            scope,
            ..self
        }
    }

    fn into_response(self) -> Result<Response, Failure> {
        let status = StatusCode::from_u16(self.reason.status());
        let status = status.map_err(|error| Failure::Broken(error.to_string()))?;
        let problem = ForwardAuthProblem::new(self.reason, self.sentence.clone());
        let mut response = json(status, &problem);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        let reason = HeaderValue::from_static(self.reason.as_str());
        headers.insert(HeaderName::from_static(REASON), reason);
        for challenge in self.challenges() {
            if let Ok(value) = HeaderValue::from_str(&challenge.render()) {
                headers.append(header::WWW_AUTHENTICATE, value);
            }
        }
        Ok(response)
    }

    fn challenges(&self) -> Vec<HttpChallenge> {
        let code = match self.reason {
            Reason::TokenMissing => {
                return vec![of(Scheme::Bearer, None), of(Scheme::DPoP, None)];
            }
            Reason::Decision(DecisionReason::TokenInvalid) => ErrorCode::InvalidToken,
            Reason::Decision(DecisionReason::ProofInvalid) => {
                // Whatever the token came by.
                let refusal = OAuthError::new(ErrorCode::InvalidDpopProof, self.sentence.clone());
                return vec![of(Scheme::DPoP, Some(&refusal))];
            }
            Reason::Decision(DecisionReason::NotCovered) => ErrorCode::InsufficientScope,
            _ => return Vec::new(),
        };
        let refusal = OAuthError::new(code, self.sentence.clone());
        let challenge = of(self.scheme.unwrap_or(Scheme::Bearer), Some(&refusal));
        vec![match (&self.scope, code) {
            (Some(scope), ErrorCode::InsufficientScope) => challenge.with("scope", scope),
            _ => challenge,
        }]
    }
}

fn of(scheme: Scheme, refusal: Option<&OAuthError>) -> HttpChallenge {
    let challenge = match scheme {
        Scheme::Bearer => HttpChallenge::new("Bearer").with("realm", "writ"),
        Scheme::DPoP => HttpChallenge::new("DPoP"),
    };
    token_challenge(challenge, refusal)
}

/// For the developer of the caller.
const fn sentence(reason: Reason) -> &'static str {
    match reason {
        Reason::TokenMissing => {
            "No access token came along: send `Authorization: Bearer`, or `DPoP` with a proof."
        }
        Reason::UnknownResource => "No resource of this proxy is at this URL.",
        Reason::NoRoute => "Nobody said what this method and path need, so they are denied.",
        Reason::McpResource => {
            "This is an MCP server: what a call does stands in its body, which is not seen here. It needs `writ gate` (docs/gate.md)."
        }
        Reason::UsesUp => {
            "This would use something up, and here is only looked: the server behind the proxy decides it (docs/decisions.md)."
        }
        Reason::RequestRefused => "Two programs may read this request differently.",
        Reason::Decision(_) => "The access token does not permit this.",
    }
}
