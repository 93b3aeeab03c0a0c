//! Why a request has no success: what its client hears, what is recorded, and what is our fault.

use writ_core::OAuthError;
use writ_core::event::{Event, EventName};
use writ_jose::key::KeyError;
use writ_store::StoreError;

use crate::node::app::App;

/// Why there is no success.
#[derive(Debug)]
pub enum Failure {
    /// Before the client proved who it is: counted by the minute.
    Unauthenticated(Box<OAuthError>),
    /// Afterwards: an event of its own, in its own transaction.
    Refused(Box<OAuthError>, Box<Event>),
    /// A person has not answered yet: nothing is refused, nothing is recorded.
    Waiting(Box<OAuthError>),
    /// Ours.
    Broken(String),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<OAuthError> for Failure {
    fn from(refusal: OAuthError) -> Self {
        Self::Unauthenticated(Box::new(refusal))
    }
}

impl App {
    /// A refusal with its event, for after client authentication.
    pub fn refused(&self, refusal: OAuthError, fill: impl FnOnce(Event) -> Event) -> Failure {
        let now = self.clock.now();
        let event =
            fill(Event::new(self.event_id(now), now, EventName::TokenRefused)).denied(&refusal);
        Failure::Refused(Box::new(refusal), Box::new(event))
    }
}
