//! The client that sent a request, after its authentication.

use std::sync::Arc;

use writ_core::OAuthError;
use writ_core::client::Client;
use writ_core::lineage::Lineage;
use writ_core::task::Task;
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

    /// A refusal after client authentication: an event, if that proved who asks; else it is counted by the minute.
    pub fn refuse(&self, app: &App, refusal: impl Into<OAuthError>) -> Failure {
        match self.client.is_proved() {
            true => app.refused(refusal.into(), |event| event.by(&self.client)),
            false => Failure::Unauthenticated(Box::new(refusal.into())),
        }
    }

    /// The same, where it showed a grant of this task: an event, for who did not prove who asks the first one of each minute.
    pub fn refuse_below(&self, app: &App, refusal: OAuthError, lineage: &Lineage) -> Failure {
        let (task, leaf) = (&lineage.task, &lineage.leaf);
        match self.writes_event_below(app, task) {
            true => app.refused(refusal, |event| {
                event.by(&self.client).about(task).under(leaf)
            }),
            false => Failure::Unauthenticated(Box::new(refusal)),
        }
    }

    /// Whoever holds a code or a token that is of no use can send it for ever.
    pub fn writes_event_below(&self, app: &App, task: &Task) -> bool {
        let now = app.clock.now();
        self.client.is_proved() || app.strangers.is_first_of_minute(task.id.as_str(), now)
    }
}
