//! Why a request of a program fails, and how that is recorded, counted and answered.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use writ_core::OAuthError;
use writ_core::checks::{ClientRule, Endpoint};
use writ_store::StoreError;
use writ_wire::challenge::HttpChallenge;
use writ_wire::dpop::{DPOP_NONCE, SIGNING_ALGORITHMS};
use writ_wire::error::{ErrorBody, ErrorCode, description};
use writ_wire::time::seconds_to_wait;

use crate::approvals::long_poll;
use crate::client::answer::{json, status};
use crate::node::app::App;
use crate::node::failure::{Failure, RefusedRequest, ServerFault};
use crate::request::client_request::AuthorizationHeader;

/// Where a request of a program came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramRoute {
    Endpoint(Endpoint),
    /// `/token`, with no grant that could be read.
    TokenWithoutGrant,
    /// Where a client registers itself.
    Registration,
    /// Where it reads, changes and removes that.
    RegisteredClient,
    /// The same two where no client registers itself.
    RegistrationOff,
}

impl ProgramRoute {
    /// The name under which its refusals are counted.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Endpoint(endpoint) => endpoint.label(),
            Self::TokenWithoutGrant => Endpoint::TOKEN_PATH,
            Self::Registration | Self::RegistrationOff => "/register",
            Self::RegisteredClient => "/register/{id}",
        }
    }

    /// The status of the token endpoint's family, with the exceptions of CIBA 13 and RFC 7662 section 2.3 (401 however the client
    /// came) and of RFC 6750 section 3.1.
    fn status(self, code: ErrorCode, header: AuthorizationHeader) -> StatusCode {
        match (self, code) {
            // 401 and 403 would be taken for what is said of the caller.
            (Self::Endpoint(Endpoint::ForwardAuth), _) => StatusCode::BAD_REQUEST,
            (Self::Endpoint(Endpoint::Backchannel), ErrorCode::AccessDenied)
            | (Self::Endpoint(Endpoint::Userinfo), ErrorCode::InsufficientScope) => {
                StatusCode::FORBIDDEN
            }
            (Self::Endpoint(Endpoint::Userinfo), ErrorCode::InvalidRequest) => {
                StatusCode::BAD_REQUEST
            }
            (Self::Endpoint(Endpoint::Userinfo), _)
            | (Self::Registration | Self::RegisteredClient, ErrorCode::InvalidToken) => {
                StatusCode::UNAUTHORIZED
            }
            (Self::RegisteredClient, ErrorCode::AccessDenied) => StatusCode::FORBIDDEN,
            (Self::Endpoint(Endpoint::Api), code) => of_access(code),
            (Self::Endpoint(endpoint), code) if takes_tokens(endpoint) => of_access(code),
            (Self::RegistrationOff, _) => StatusCode::NOT_FOUND,
            (
                Self::Endpoint(Endpoint::Backchannel | Endpoint::Introspect),
                ErrorCode::InvalidClient,
            ) => StatusCode::UNAUTHORIZED,
            (_, ErrorCode::InvalidClient) => match header {
                AuthorizationHeader::Sent => StatusCode::UNAUTHORIZED,
                AuthorizationHeader::Absent => StatusCode::BAD_REQUEST,
            },
            (_, code) => status(code),
        }
    }

    /// The fields `WWW-Authenticate` of a refusal. Without credentials they name no error (RFC 6750 section 3.1).
    fn challenges(
        self,
        refusal: &OAuthError,
        status: StatusCode,
        header: AuthorizationHeader,
    ) -> Vec<HeaderValue> {
        let realm = || HttpChallenge::new("Bearer").with("realm", "writ");
        let basic = || {
            let basic = HttpChallenge::new("Basic").with("realm", "writ");
            basic.with("charset", "UTF-8")
        };
        let found = match self {
            Self::Endpoint(Endpoint::Userinfo) => {
                let named = (header == AuthorizationHeader::Sent).then_some(refusal);
                let dpop = token_challenge(HttpChallenge::new("DPoP"), named);
                // What is wrong with a proof, whoever sends bearer tokens cannot mend.
                let both = !is_of_proofs(refusal.code);
                [
                    Some(dpop),
                    both.then(|| token_challenge(realm(), named)),
                    None,
                ]
            }
            Self::Registration | Self::RegisteredClient => {
                let named = (header == AuthorizationHeader::Sent).then_some(refusal);
                let unauthorized = refusal.code == ErrorCode::InvalidToken;
                [
                    unauthorized.then(|| token_challenge(realm(), named)),
                    None,
                    None,
                ]
            }
            Self::RegistrationOff => [None, None, None],
            Self::Endpoint(Endpoint::Api) => {
                let named = (header == AuthorizationHeader::Sent).then_some(refusal);
                let unauthorized = status == StatusCode::UNAUTHORIZED;
                let dpop = || token_challenge(HttpChallenge::new("DPoP"), named);
                [unauthorized.then(dpop), None, None]
            }
            Self::Endpoint(endpoint) if takes_tokens(endpoint) => {
                let named = (header == AuthorizationHeader::Sent).then_some(refusal);
                let unauthorized = status == StatusCode::UNAUTHORIZED;
                [
                    unauthorized.then(basic),
                    unauthorized.then(|| token_challenge(realm(), named)),
                    unauthorized.then(|| token_challenge(HttpChallenge::new("DPoP"), named)),
                ]
            }
            Self::Endpoint(_) | Self::TokenWithoutGrant => {
                let unauthorized = status == StatusCode::UNAUTHORIZED;
                [unauthorized.then(basic), None, None]
            }
        };
        let rendered = found.into_iter().flatten();
        rendered
            .filter_map(|challenge| HeaderValue::from_str(&challenge.render()).ok())
            .collect()
    }
}

impl From<Endpoint> for ProgramRoute {
    fn from(endpoint: Endpoint) -> Self {
        Self::Endpoint(endpoint)
    }
}

/// Whether a client may come with an access token of its own.
fn takes_tokens(endpoint: Endpoint) -> bool {
    endpoint.checks().client == ClientRule::AuthenticatedOrToken
}

/// RFC 6750 section 3.1; and who serves no resource has nothing to ask.
const fn of_access(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::InvalidClient
        | ErrorCode::InvalidToken
        | ErrorCode::InvalidDpopProof
        | ErrorCode::UseDpopNonce => StatusCode::UNAUTHORIZED,
        ErrorCode::InsufficientScope | ErrorCode::AccessDenied => StatusCode::FORBIDDEN,
        code => status(code),
    }
}

const fn is_of_proofs(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::InvalidDpopProof | ErrorCode::UseDpopNonce)
}

/// RFC 6750 section 3, RFC 9449 section 7.1.
pub fn token_challenge(mut challenge: HttpChallenge, named: Option<&OAuthError>) -> HttpChallenge {
    let is_bound = challenge.scheme == "DPoP";
    if let Some(refusal) = named {
        challenge = challenge
            .with("error", refusal.code.as_str())
            .with("error_description", &refusal.sentence);
    }
    if is_bound {
        challenge = challenge.with("algs", &SIGNING_ALGORITHMS.join(" "));
    }
    challenge
}

/// What is kept of a refusal that anybody can cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Record {
    /// A number in the database, beside the metric.
    Written,
    /// The metric alone.
    Counted,
}

/// A request that has no success, with what its answer needs.
pub struct ClientError {
    pub app: Arc<App>,
    pub route: ProgramRoute,
    pub authorization: AuthorizationHeader,
    /// From where it came, if that is known.
    pub address: Option<IpAddr>,
    pub failure: Failure,
    /// Whether the answer carries the client's next nonce (RFC 9449 section 8.2).
    pub offers_nonce: bool,
    /// How long the client would like a poll to be held.
    pub wait: Option<Duration>,
}

impl ClientError {
    /// Records it, counts it and answers it.
    pub async fn into_answer(mut self) -> Response {
        let record = self.limit_unproved();
        let (mut response, needs_nonce) = match self.recorded(record).await {
            Ok(refusal) => (
                self.refusal_answer(refusal),
                // Nothing can follow such an answer without a nonce.
                refusal.code == ErrorCode::UseDpopNonce,
            ),
            Err(fault) => (self.app.fault(&fault), false),
        };
        if self.offers_nonce || needs_nonce {
            add_nonce(&self.app, response.headers_mut());
        }
        response
    }

    /// An address that proved nothing too often is told so instead, and nothing is written. A proof without a nonce is how clients ask for
    /// one: they are answered as always.
    fn limit_unproved(&mut self) -> Record {
        let proved_nothing = match &self.failure {
            Failure::Unauthenticated(refusal) => refusal.code != ErrorCode::UseDpopNonce,
            Failure::Unacceptable(_) => true,
            Failure::Limited(_) => false,
            Failure::Refused(_)
            | Failure::Waiting(_)
            | Failure::Broken(_)
            | Failure::Unavailable(_)
            | Failure::InDoubt(_) => return Record::Written,
        };
        let now = self.app.clock.now();
        match self.app.strangers.admit_unproved(self.address, now) {
            Ok(()) => Record::Written,
            Err(too_many) => {
                if proved_nothing {
                    self.failure = too_many.failure();
                }
                Record::Counted
            }
        }
    }

    /// The refusal, once it is on record; or what is our fault.
    async fn recorded(&self, record: Record) -> Result<&OAuthError, ServerFault> {
        match &self.failure {
            Failure::Unauthenticated(refusal) if record == Record::Counted => Ok(refusal),
            Failure::Limited(limited) if record == Record::Counted => Ok(&limited.refusal),
            Failure::Waiting(refusal) => Ok(refusal),
            Failure::Broken(cause) => Err(ServerFault::Broken(cause.clone())),
            Failure::Unavailable(cause) => Err(ServerFault::Unavailable(cause.clone())),
            Failure::InDoubt(cause) => Err(ServerFault::InDoubt(cause.clone())),
            Failure::Unauthenticated(refusal) => {
                self.count(refusal).await?;
                Ok(refusal)
            }
            Failure::Unacceptable(found) => {
                self.count(&found.refusal).await?;
                Ok(&found.refusal)
            }
            Failure::Limited(limited) => {
                self.count(&limited.refusal).await?;
                Ok(&limited.refusal)
            }
            Failure::Refused(refused) => {
                self.write_event(refused).await?;
                Ok(&refused.refusal)
            }
        }
    }

    /// Anybody can cause it: a row for each would fill the database.
    async fn count(&self, refusal: &OAuthError) -> Result<(), StoreError> {
        let mut transaction = self.app.begin().await?;
        let now = self.app.clock.now();
        transaction
            .count_refusal(self.route.label(), refusal.code.as_str(), now)
            .await?;
        transaction.commit().await
    }

    async fn write_event(&self, refused: &RefusedRequest) -> Result<(), StoreError> {
        let event = refused.event.clone();
        let event = match self.route {
            ProgramRoute::Endpoint(endpoint) => event.refused_at(endpoint),
            ProgramRoute::TokenWithoutGrant
            | ProgramRoute::Registration
            | ProgramRoute::RegisteredClient
            | ProgramRoute::RegistrationOff => event,
        };
        let mut transaction = self.app.begin().await?;
        transaction.insert_event(&event).await?;
        transaction.commit().await
    }

    fn refusal_answer(&self, refusal: &OAuthError) -> Response {
        self.app.note_refusal(self.route.label(), refusal.code);
        let sentence = &refusal.sentence;
        let retry_after = self.retry_after();
        let body = ErrorBody {
            error: refusal.code,
            error_description: (!sentence.is_empty()).then(|| description(sentence)),
            excess: refusal.excess.clone(),
            error_id: None,
            retry_after,
        };
        let status = match &self.failure {
            Failure::Limited(_) => StatusCode::TOO_MANY_REQUESTS,
            Failure::Unacceptable(found) => found.reason.status(),
            _ => self.route.status(refusal.code, self.authorization),
        };
        let mut response = json(status, &body);
        let headers = response.headers_mut();
        for challenge in self.route.challenges(refusal, status, self.authorization) {
            headers.append(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if matches!(&self.failure, Failure::Waiting(refusal) if refusal.code == ErrorCode::AuthorizationPending)
        {
            long_poll::add_preference_applied(headers, self.wait);
        }
        response
    }

    /// In seconds, in the header and in the body alike.
    fn retry_after(&self) -> Option<u64> {
        match &self.failure {
            Failure::Limited(limited) => Some(seconds_to_wait(limited.retry_after)),
            Failure::Refused(refused) => refused.retry_after.map(seconds_to_wait),
            Failure::Unauthenticated(_)
            | Failure::Unacceptable(_)
            | Failure::Waiting(_)
            | Failure::Broken(_)
            | Failure::Unavailable(_)
            | Failure::InDoubt(_) => None,
        }
    }
}

/// The client's next nonce (RFC 9449 section 8.2).
pub fn add_nonce(app: &App, headers: &mut HeaderMap) {
    if let Ok(nonce) = HeaderValue::from_str(&app.nonces.issue(app.clock.now())) {
        headers.insert(DPOP_NONCE, nonce);
    }
}
