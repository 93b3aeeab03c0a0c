//! Answers to clients: one table from error code to status, no caching, no secret, one log line for what is our fault.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use writ_core::OAuthError;
use writ_core::checks::Endpoint;
use writ_core::event::Event;
use writ_store::StoreError;
use writ_wire::dpop::DPOP_NONCE;
use writ_wire::error::{ErrorBody, ErrorCode, description};
use writ_wire::registration::Profile;

use crate::node::app::App;
use crate::node::failure::Failure;

/// The status of the token endpoint's family: RFC 6749 section 5.2, RFC 9126 section 2.3, RFC 9449 section 5.
pub const fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::InvalidClient => StatusCode::UNAUTHORIZED,
        ErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::InvalidRequest
        | ErrorCode::InvalidGrant
        | ErrorCode::UnauthorizedClient
        | ErrorCode::UnsupportedGrantType
        | ErrorCode::UnsupportedResponseType
        | ErrorCode::InvalidScope
        | ErrorCode::AccessDenied
        | ErrorCode::InvalidTarget
        | ErrorCode::InvalidAuthorizationDetails
        | ErrorCode::InvalidDpopProof
        | ErrorCode::UseDpopNonce
        | ErrorCode::LoginRequired
        | ErrorCode::ConsentRequired
        | ErrorCode::InteractionRequired
        | ErrorCode::InvalidRequestUri
        | ErrorCode::RequestNotSupported
        | ErrorCode::RequestUriNotSupported
        | ErrorCode::InvalidToken
        | ErrorCode::InsufficientScope
        | ErrorCode::InsufficientAuthorization
        | ErrorCode::InsufficientUserAuthentication
        | ErrorCode::UnmetAuthenticationRequirements
        | ErrorCode::InvalidRequestObject
        | ErrorCode::AuthorizationPending
        | ErrorCode::SlowDown
        | ErrorCode::ExpiredToken
        | ErrorCode::ExpiredLoginHintToken
        | ErrorCode::UnknownUserId
        | ErrorCode::MissingUserCode
        | ErrorCode::InvalidUserCode
        | ErrorCode::InvalidBindingMessage
        | ErrorCode::TransactionFailed
        | ErrorCode::TransactionAuthorizationRequired
        | ErrorCode::InvalidClientMetadata
        | ErrorCode::InvalidRedirectUri => StatusCode::BAD_REQUEST,
    }
}

/// JSON that nobody keeps.
pub fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    let Ok(text) = serde_json::to_vec(body) else {
        return (StatusCode::INTERNAL_SERVER_ERROR, Body::empty()).into_response();
    };
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::PRAGMA, HeaderValue::from_static("no-cache")),
    ];
    (status, headers, text).into_response()
}

impl App {
    /// Records the failure and answers it.
    pub async fn answer_failure(&self, endpoint: Endpoint, failure: Failure) -> Response {
        let refusal = match failure {
            Failure::Unauthenticated(refusal) => match self.count(endpoint, &refusal).await {
                Ok(()) => *refusal,
                Err(error) => return self.broken(&error.to_string()),
            },
            Failure::Refused(refusal, event) => match self.record(&event).await {
                Ok(()) => *refusal,
                Err(error) => return self.broken(&error.to_string()),
            },
            Failure::Waiting(refusal) => *refusal,
            Failure::Broken(cause) => return self.broken(&cause),
        };
        self.metrics.refused(endpoint, refusal.code);
        refusal_response(&refusal)
    }

    /// `server_error` with an id that names the one log line.
    pub fn broken(&self, cause: &str) -> Response {
        let body = ErrorBody {
            error: ErrorCode::ServerError,
            error_description: Some(
                "the server could not do this: try again, or name the `error_id`".to_owned(),
            ),
            excess: Vec::new(),
            error_id: Some(self.log_broken(cause)),
        };
        json(StatusCode::INTERNAL_SERVER_ERROR, &body)
    }

    /// Logs once; gives the id for whoever was hit.
    pub fn log_broken(&self, cause: &str) -> String {
        let id = URL_SAFE_NO_PAD.encode(self.random.bytes::<9>());
        tracing::error!(error_id = id, cause, "request failed");
        self.metrics.broken();
        id
    }

    async fn count(&self, endpoint: Endpoint, refusal: &OAuthError) -> Result<(), StoreError> {
        let mut session = self.begin().await?;
        session
            .count_refusal(
                &endpoint.name().replace('`', ""),
                refusal.code.as_str(),
                self.clock.now(),
            )
            .await?;
        session.commit().await
    }

    async fn record(&self, event: &Event) -> Result<(), StoreError> {
        let mut session = self.begin().await?;
        session.insert_event(event).await?;
        session.commit().await
    }

    /// Gives the client its next nonce (RFC 9449 section 8.2), if its profile wants any or its last one was no good.
    pub fn with_nonce(&self, mut response: Response, profile: Option<&Profile>) -> Response {
        let wanted = profile.is_some_and(|profile| self.config.nonces.of(*profile));
        let refused = response.extensions().get::<NonceRefused>().is_some();
        if (wanted || refused)
            && let Ok(nonce) = HeaderValue::from_str(&self.nonces.issue(self.clock.now()))
        {
            response.headers_mut().insert(DPOP_NONCE, nonce);
        }
        response
    }
}

/// Marks an answer of `use_dpop_nonce`: it is worth nothing without a nonce.
#[derive(Clone, Copy)]
pub struct NonceRefused;

/// The body and status of a refusal.
pub fn refusal_response(refusal: &OAuthError) -> Response {
    let body = ErrorBody {
        error: refusal.code,
        error_description: Some(description(&refusal.sentence)),
        excess: refusal.excess.clone(),
        error_id: None,
    };
    let mut response = json(status(refusal.code), &body);
    if refusal.code == ErrorCode::UseDpopNonce {
        response.extensions_mut().insert(NonceRefused);
    }
    if refusal.code == ErrorCode::InvalidClient {
        let basic = HeaderValue::from_static("Basic realm=\"writ\", charset=\"UTF-8\"");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, basic);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_6749_5_2_only_invalid_client_is_401() {
        for code in ErrorCode::ALL {
            let unauthorized = status(*code) == StatusCode::UNAUTHORIZED;
            assert_eq!(unauthorized, *code == ErrorCode::InvalidClient, "{code:?}");
        }
    }
}
