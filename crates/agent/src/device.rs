//! `device`: an agent in a terminal, approved in a browser elsewhere (RFC 8628, the client's side).

use std::fmt;
use std::future::Future;
use std::time::Duration;

use http::StatusCode;
use writ_wire::device::DeviceResponse;
use writ_wire::rar::Detail;
use writ_wire::strict_json;
use writ_wire::time::Timestamp;
use writ_wire::token::GrantType;

use crate::agent::{Agent, Parameters};
use crate::authorization::Purpose;
use crate::error::{Error, protocol, refused};
use crate::metadata::secure;
use crate::token::{Grant, details_text};
use crate::waiting::{Place, Waiting, interval};

/// What the agent asks whoever types its code for.
#[derive(Clone, Debug, Default)]
pub struct DeviceIntent {
    /// Names with spaces between; empty for none.
    pub scope: String,
    pub resource: Vec<String>,
    pub authorization_details: Vec<Detail>,
    /// Opens a task of its own (`mission_intent`).
    pub purpose: Option<Purpose>,
}

/// A code that waits for a person. Show [`Self::user_code`] and [`Self::verification_uri`], then [`Self::wait`].
#[derive(Clone)]
pub struct DevicePending {
    /// The person types it in, and compares it where it is filled in already.
    pub user_code: String,
    /// To be shown; short enough to be typed.
    pub verification_uri: String,
    /// The same with the code filled in: for a link or a QR code, beside the code itself (RFC 8628 section 3.3.1).
    pub verification_uri_complete: Option<String>,
    /// After this the code is of no use.
    pub expires_at: Timestamp,
    issuer: String,
    waiting: Waiting,
}

impl Agent {
    /// Asks for a code that a person types in a browser of their own.
    pub async fn device(&self, intent: &DeviceIntent) -> Result<DevicePending, Error> {
        let form = self.device_parameters(intent)?;
        let now = self.environment.clock.now();
        let endpoint = &self.metadata.device_authorization_endpoint;
        let response = self.post(endpoint, &form, self.dpop_key()).await?;
        if response.status() != StatusCode::OK {
            return Err(refused(&response));
        }
        let answer: DeviceResponse = strict_json::read(response.body()).map_err(|_| {
            protocol("the device authorization response cannot be read (RFC 8628 3.2)")
        })?;
        for uri in
            std::iter::once(&answer.verification_uri).chain(&answer.verification_uri_complete)
        {
            secure(uri).map_err(|error| protocol(format!("in the device answer, {error}")))?;
        }
        if !is_printable(&answer.user_code) {
            return Err(protocol("the `user_code` is not plain text (RFC 8628 6.1)"));
        }
        let expires_at = now.plus(Duration::from_secs(answer.expires_in));
        Ok(DevicePending {
            user_code: answer.user_code,
            verification_uri: answer.verification_uri,
            verification_uri_complete: answer.verification_uri_complete,
            expires_at,
            issuer: self.issuer().to_owned(),
            waiting: Waiting {
                place: Place::Token(GrantType::DeviceCode),
                name: "device_code",
                handle: answer.device_code.into(),
                interval: interval(answer.interval),
                expires_at,
            },
        })
    }

    fn device_parameters(&self, intent: &DeviceIntent) -> Result<Parameters, Error> {
        let mut form = Parameters::new();
        if !intent.scope.trim().is_empty() {
            form.push(("scope", intent.scope.clone()));
        }
        form.extend(intent.resource.iter().map(|uri| ("resource", uri.clone())));
        if !intent.authorization_details.is_empty() {
            form.push((
                "authorization_details",
                details_text(&intent.authorization_details)?,
            ));
        }
        if let Some(purpose) = &intent.purpose {
            form.push(("mission_intent", self.mission_intent(purpose)?));
        }
        Ok(form)
    }
}

impl DevicePending {
    /// The least time between two calls of [`Self::poll`].
    pub const fn interval(&self) -> Duration {
        self.waiting.interval
    }

    /// Waits until a person decided; as [`crate::PendingConfirmation::wait`].
    pub async fn wait<S, F>(&mut self, agent: &Agent, sleep: S) -> Result<Grant, Error>
    where
        S: Fn(Duration) -> F,
        F: Future<Output = ()>,
    {
        self.belongs_to(agent)?;
        self.waiting.wait(agent, sleep).await
    }

    /// Asks once; as [`crate::PendingConfirmation::poll`].
    pub async fn poll(&mut self, agent: &Agent) -> Result<Option<Grant>, Error> {
        self.belongs_to(agent)?;
        self.waiting.poll(agent).await
    }

    fn belongs_to(&self, agent: &Agent) -> Result<(), Error> {
        if agent.issuer() == self.issuer {
            return Ok(());
        }
        Err(Error::Usage("this code is of another issuer".to_owned()))
    }
}

impl fmt::Debug for DevicePending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevicePending")
            .field("issuer", &self.issuer)
            .field("user_code", &self.user_code)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// It is shown in a terminal.
fn is_printable(code: &str) -> bool {
    (1..=MAX_USER_CODE).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic())
}

const MAX_USER_CODE: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_code_has_a_longest_text() {
        for (length, is_shown) in [
            (0, false),
            (1, true),
            (MAX_USER_CODE, true),
            (MAX_USER_CODE + 1, false),
        ] {
            assert_eq!(is_printable(&"B".repeat(length)), is_shown, "{length}");
        }
    }
}
