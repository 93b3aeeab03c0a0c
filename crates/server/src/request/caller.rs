//! The client that sent a request, after its authentication.

use std::sync::Arc;

use writ_core::client::Client;
use writ_jose::assertion::ClientAssertion;
use writ_jose::dpop::DpopProof;
use writ_jose::key::Thumbprint;

/// One authenticated request.
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
}
