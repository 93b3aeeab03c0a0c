//! A request of an authenticated client at any endpoint.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, header};
use writ_core::OAuthError;
use writ_core::checks::Endpoint;
use writ_core::client::Client;
use writ_store::DatabaseTransaction;
use writ_wire::form::Form;
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::registry::why_stopped;
use crate::request::caller::Caller;
use crate::request::replay::ReplayCheck;

/// Whether a request came with an `Authorization` header: only then a failed client is told by 401 how to use it (RFC 6749
/// section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizationHeader {
    Sent,
    Absent,
}

impl AuthorizationHeader {
    pub fn of(headers: &HeaderMap) -> Self {
        match headers.contains_key(header::AUTHORIZATION) {
            true => Self::Sent,
            false => Self::Absent,
        }
    }
}

/// The client is authenticated and the proof verified, by the endpoint's row of the checks table; nothing is used up yet.
pub struct ClientRequest {
    pub app: Arc<App>,
    pub endpoint: Endpoint,
    pub caller: Arc<Caller>,
    pub form: Form,
    pub authorization: AuthorizationHeader,
    /// From where it came, if that is known.
    pub address: Option<IpAddr>,
    /// How long the client would like a poll to be held (RFC 7240 section 4.3).
    pub wait: Option<Duration>,
    /// Whether the answer carries the client's next nonce (RFC 9449 section 8.2).
    pub offers_nonce: bool,
    pub now: Timestamp,
}

impl ClientRequest {
    pub fn client(&self) -> &Client {
        &self.caller.client
    }

    /// A refusal after client authentication.
    pub fn refuse(&self, refusal: impl Into<OAuthError>) -> Failure {
        self.caller.refuse(&self.app, refusal)
    }

    /// The client's keys, assertion and proof, and what else is used once: used up in this transaction, or the request is refused.
    pub async fn claim(
        &self,
        transaction: &mut DatabaseTransaction,
        more: Vec<ReplayCheck>,
    ) -> Result<(), Failure> {
        let (app, caller) = (&self.app, &self.caller);
        caller.claim_keys(app, transaction, self.now).await?;
        let mut checks = caller.replay_checks();
        checks.extend(more);
        caller.claim(app, transaction, checks).await
    }

    /// The client as it is in this transaction: a stopped one is refused.
    pub async fn require_active_client(
        &self,
        transaction: &mut DatabaseTransaction,
    ) -> Result<(), Failure> {
        match why_stopped(transaction, &self.client().id).await? {
            Some(refusal) => Err(self.refuse(refusal)),
            None => Ok(()),
        }
    }
}
