//! Answers to clients: one table from error code to status, JSON that is not cached, one log line for a fault of this server.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use writ_wire::error::{ErrorBody, ErrorCode};

use crate::node::app::App;
use crate::node::clock::{self, Skew};
use crate::node::failure::ServerFault;
use crate::node::outage::RETRY_AFTER;
use crate::node::request_log::{current_request, note_error};

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
        | ErrorCode::InvalidRedirectUri
        | ErrorCode::InvalidSoftwareStatement
        | ErrorCode::UnapprovedSoftwareStatement => StatusCode::BAD_REQUEST,
        ErrorCode::IdempotencyKeyReused | ErrorCode::OutcomeReported => StatusCode::CONFLICT,
    }
}

/// JSON that must not be cached.
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

/// Success that has nothing to say, and must not be cached.
pub fn empty() -> Response {
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::PRAGMA, HeaderValue::from_static("no-cache")),
    ];
    (StatusCode::OK, headers, Body::empty()).into_response()
}

impl App {
    /// A fault of this server, to a program.
    pub fn fault(&self, fault: &ServerFault) -> Response {
        match fault {
            ServerFault::Broken(cause) => self.broken(cause),
            ServerFault::Unavailable(cause) => {
                let sentence = "the server cannot reach what it needs: send the same again later";
                self.unavailable(cause, sentence, Some(RETRY_AFTER))
            }
            ServerFault::InDoubt(cause) => {
                let sentence = "the server cannot tell whether this was done: do not send a code or an approval again, ask for a new one";
                self.unavailable(cause, sentence, None)
            }
        }
    }

    fn unavailable(&self, cause: &str, sentence: &str, retry_after: Option<u64>) -> Response {
        self.note_outage(cause);
        Self::temporarily_unavailable(sentence, retry_after)
    }

    /// By a clock that is wrong nothing is done.
    pub fn wrong_clock_answer(skew: Skew) -> Response {
        let sentence = format!("{}: send the same again later", skew.sentence());
        Self::temporarily_unavailable(&sentence, Some(clock::RETRY_AFTER))
    }

    fn temporarily_unavailable(sentence: &str, retry_after: Option<u64>) -> Response {
        note_error(ErrorCode::TemporarilyUnavailable);
        let body = ErrorBody {
            error: ErrorCode::TemporarilyUnavailable,
            error_description: Some(sentence.to_owned()),
            excess: Vec::new(),
            error_id: None,
            retry_after,
        };
        let mut response = json(StatusCode::SERVICE_UNAVAILABLE, &body);
        if let Some(seconds) = retry_after {
            let wait = HeaderValue::from(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        response
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
            retry_after: None,
        };
        json(StatusCode::INTERNAL_SERVER_ERROR, &body)
    }

    /// Logs once; gives the id for whoever was hit: the request's.
    pub fn log_broken(&self, cause: &str) -> String {
        let id = current_request();
        let id = id.unwrap_or_else(|| self.own_request_id());
        note_error(ErrorCode::ServerError);
        tracing::error!(error_id = id, cause, "request failed");
        self.metrics.broken();
        id
    }
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
