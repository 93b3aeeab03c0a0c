//! The client that sent a request, after its authentication.

use std::sync::Arc;

use writ_core::OAuthError;
use writ_core::client::Client;
use writ_jose::assertion::ClientAssertion;
use writ_jose::dpop::DpopProof;
use writ_jose::key::Thumbprint;

use crate::node::app::App;
use crate::node::failure::Failure;

/// An authenticated client, and what it signed for this request.
pub struct Caller {
    pub client: Arc<Client>,
    pub proof: Option<DpopProof>,
    pub assertion: Option<ClientAssertion>,
}

impl Caller {
    /// The key of the proof.
    pub fn key(&self) -> Option<&Thumbprint> {
        self.proof.as_ref().map(|proof| &proof.thumbprint)
    }

    /// A refusal after client authentication.
    pub fn refuse(&self, app: &App, refusal: impl Into<OAuthError>) -> Failure {
        app.refused(refusal.into(), |event| event.by(&self.client))
    }
}
