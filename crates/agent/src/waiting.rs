//! The polling loop of CIBA (sections 10.1 and 11), of the device flow (RFC 8628 sections 3.4 and 3.5) and of transaction challenges.
//! Long polls are requested by `Prefer: wait` (RFC 7240 section 4.3); between two polls the caller sleeps.

use std::future::Future;
use std::time::Duration;

use writ_wire::error::{ErrorBody, ErrorCode};
use writ_wire::time::Timestamp;
use writ_wire::token::GrantType;

use crate::agent::{Agent, Parameters};
use crate::error::Error;
use crate::secret::Secret;
use crate::token::Grant;

/// How long the server is asked to hold a request (CIBA 10.1: it answers within 30 seconds).
pub const HOLD: Duration = Duration::from_secs(25);
/// Seconds between two requests where the server names none (CIBA 7.3, RFC 8628 section 3.2).
const USUAL_INTERVAL: u64 = 5;
/// What `slow_down` adds for good (CIBA 11, RFC 8628 section 3.5).
const SLOW_DOWN: Duration = Duration::from_secs(5);
/// The longest interval of the backoff after network errors.
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);

/// A request that a person has not decided yet.
#[derive(Clone)]
pub(crate) struct Waiting {
    pub(crate) place: Place,
    /// `auth_req_id`, `device_code` or `transaction_authorization_id`.
    pub(crate) name: &'static str,
    pub(crate) handle: Secret,
    pub(crate) interval: Duration,
    pub(crate) expires_at: Timestamp,
}

/// Where the answer is fetched.
#[derive(Clone)]
pub(crate) enum Place {
    /// The token endpoint, by this grant.
    Token(GrantType),
    /// An endpoint of its own.
    Own(String),
}

/// `interval` of a response, in seconds.
pub(crate) fn interval(seconds: Option<u64>) -> Duration {
    Duration::from_secs(seconds.unwrap_or(USUAL_INTERVAL).max(1))
}

impl Waiting {
    /// One poll. `None`: still pending; the next poll may come after `interval`.
    pub(crate) async fn poll(&mut self, agent: &Agent) -> Result<Option<Grant>, Error> {
        let mut form: Parameters = vec![(self.name, self.handle.expose().to_owned())];
        let endpoint = match &self.place {
            Place::Token(grant_type) => {
                form.insert(0, ("grant_type", grant_type.as_str().to_owned()));
                &agent.metadata.token_endpoint
            }
            Place::Own(endpoint) => endpoint,
        };
        match agent.token_held(endpoint, &form, HOLD).await {
            Ok(grant) => {
                agent.check_id_token(&grant, None)?;
                Ok(Some(grant))
            }
            Err(error) => match error.code() {
                Some(ErrorCode::AuthorizationPending) => Ok(None),
                Some(ErrorCode::SlowDown) => {
                    self.interval += SLOW_DOWN;
                    Err(error)
                }
                _ => Err(error),
            },
        }
    }

    /// Polls until there is a decision or the request expires.
    pub(crate) async fn wait<S, F>(&mut self, agent: &Agent, sleep: S) -> Result<Grant, Error>
    where
        S: Fn(Duration) -> F,
        F: Future<Output = ()>,
    {
        loop {
            let asked_at = agent.environment.clock.now();
            match self.poll(agent).await {
                Ok(Some(grant)) => return Ok(grant),
                Ok(None) => {}
                // Exponential backoff after a network error (RFC 8628 section 3.5).
                Err(Error::Transport(_)) if self.goes_on(agent) => {
                    self.interval = (self.interval * 2).min(LONGEST_INTERVAL);
                }
                Err(error) if error.code() == Some(ErrorCode::SlowDown) => {}
                Err(error) => return Err(error),
            }
            if !self.goes_on(agent) {
                return Err(expired());
            }
            // A long poll counts as waiting.
            let held = asked_at.until(agent.environment.clock.now());
            sleep(self.interval.saturating_sub(held)).await;
        }
    }

    fn goes_on(&self, agent: &Agent) -> bool {
        agent.environment.clock.now() < self.expires_at
    }
}

/// As the server's error response (CIBA section 11, RFC 8628 section 3.5).
fn expired() -> Error {
    Error::from(ErrorBody {
        error: ErrorCode::ExpiredToken,
        error_description: Some("nobody decided in time".to_owned()),
        excess: Vec::new(),
        error_id: None,
        retry_after: None,
    })
}
