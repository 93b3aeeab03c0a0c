//! `confirm`: a person is asked about one action, on their own device, by CIBA (`docs/agent-kit.md`). The current token,
//! proved by its key, says in which task; what comes back is good for exactly what was approved.

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use writ_wire::claims::AccessTokenClaims;
use writ_wire::exchange::TOKEN_TYPE_ACCESS_TOKEN;
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;
use writ_wire::strict_json;
use writ_wire::time::Timestamp;
use writ_wire::token::GrantType;
use writ_wire::transaction::{TRANSACTION_CHALLENGE, TRANSACTION_ID, TransactionResponse};

use crate::agent::{Agent, Parameters};
use crate::error::{Error, protocol, refused};
use crate::jwt;
use crate::metadata::secure;
use crate::resource::ResourceRefusal;
use crate::secret::Secret;
use crate::token::{Grant, details_text};
use crate::waiting::{Place, Waiting, interval};

/// What a person is to be asked about one action.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Confirm {
    /// Exactly what is to be done.
    pub authorization_details: Vec<Detail>,
    /// Where; the resource of the current token unless another is named.
    pub resource: Option<String>,
    /// A short text that the agent shows too, so that the person knows this request again (CIBA 7.1).
    pub binding_message: Option<String>,
    /// How long the person has; the server has its own limits.
    pub requested_expiry: Option<Duration>,
    /// How strongly the person must answer; any one of these is enough.
    pub acr_values: Vec<String>,
    /// Of the refusal that this answers.
    reference: Option<String>,
    /// What the resource signed: then it alone is presented, and the person reads its words.
    challenge: Option<String>,
}

impl Confirm {
    pub fn details(details: &[Detail]) -> Self {
        Self {
            authorization_details: details.to_vec(),
            ..Self::default()
        }
    }

    /// What would let a refused request pass, as the resource's challenge says (draft-ietf-oauth-rar-metadata-remediation-00). If the
    /// resource signed a transaction challenge, that alone is sent.
    pub fn refused(refusal: &ResourceRefusal) -> Self {
        Self {
            acr_values: refusal.acr_values.clone(),
            reference: refusal.authorization_reference.clone(),
            challenge: refusal.transaction_challenge.clone(),
            ..Self::details(&refusal.insufficient)
        }
    }

    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.resource = Some(resource.into());
        self
    }

    pub fn binding_message(mut self, text: impl Into<String>) -> Self {
        self.binding_message = Some(text.into());
        self
    }

    pub const fn requested_expiry(mut self, wait: Duration) -> Self {
        self.requested_expiry = Some(wait);
        self
    }

    pub fn acr_values<V: Into<String>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        self.acr_values = values.into_iter().map(Into::into).collect();
        self
    }

    fn parameters(&self) -> Result<Parameters, Error> {
        if self.authorization_details.is_empty() {
            return Err(Error::Usage(
                "there is nothing to confirm: name the details of the one action".to_owned(),
            ));
        }
        let mut form: Parameters = vec![(
            "authorization_details",
            details_text(&self.authorization_details)?,
        )];
        if let Some(text) = &self.binding_message {
            form.push(("binding_message", text.clone()));
        }
        if let Some(wait) = self.requested_expiry {
            form.push(("requested_expiry", wait.as_secs().max(1).to_string()));
        }
        if !self.acr_values.is_empty() {
            form.push(("acr_values", self.acr_values.join(" ")));
        }
        Ok(form)
    }
}

/// A question that waits for the person. Show [`Self::number_to_match`], then [`Self::wait`].
#[derive(Clone)]
pub struct PendingConfirmation {
    /// What the person must find on their screen: show it wherever they see the agent.
    pub number_to_match: Option<u8>,
    /// After this the answer is no.
    pub expires_at: Timestamp,
    /// Where the person can decide, if the server says so; opening it approves nothing.
    pub authorization_uri: Option<String>,
    issuer: String,
    reference: Option<String>,
    waiting: Waiting,
}

impl Agent {
    /// Asks the person of `grant` about one action within its task. Nothing is done yet: the answer comes by
    /// [`PendingConfirmation::wait`]. A reference that was confirmed before is [`Error::Repeated`].
    pub async fn confirm(
        &self,
        grant: &Grant,
        ask: &Confirm,
    ) -> Result<PendingConfirmation, Error> {
        self.bound_key()?;
        if let Some(challenge) = &ask.challenge {
            return self.present(grant, challenge).await;
        }
        let token = grant.access_token.expose();
        let claims = own_claims(token)?;
        let mut form = ask.parameters()?;
        form.push(("login_hint", claims.sub));
        form.push(("subject_token", token.to_owned()));
        form.push(("subject_token_type", TOKEN_TYPE_ACCESS_TOKEN.to_owned()));
        self.asked(ask, form, ask.resource.clone().or(Some(claims.aud)))
            .await
    }

    /// Takes a resource's challenge to the person, checked before (draft-rosomakho-oauth-txn-challenge-00).
    async fn present(&self, grant: &Grant, challenge: &str) -> Result<PendingConfirmation, Error> {
        let endpoint = self.challenge_endpoint()?;
        let token = grant.access_token.expose();
        let resource = own_claims(token)?.aud;
        let now = self.environment.clock.now();
        self.resource_keys
            .check(challenge, &resource, self.issuer(), now)?;
        let form: Parameters = vec![
            (TRANSACTION_CHALLENGE, challenge.to_owned()),
            ("subject_token", token.to_owned()),
            ("subject_token_type", TOKEN_TYPE_ACCESS_TOKEN.to_owned()),
        ];
        let response = self.post(endpoint, &form, self.dpop_key()).await?;
        if response.status() != StatusCode::OK {
            return Err(refused(&response));
        }
        let answer: TransactionResponse = strict_json::read(response.body())
            .map_err(|_| protocol("the answer to the transaction challenge cannot be read"))?;
        if let Some(uri) = &answer.authorization_uri {
            secure(uri).map_err(|error| protocol(format!("`authorization_uri`: {error}")))?;
        }
        let expires_at = now.plus(Duration::from_secs(answer.expires_in));
        Ok(PendingConfirmation {
            number_to_match: answer.number_to_match,
            expires_at,
            authorization_uri: answer.authorization_uri,
            issuer: self.issuer().to_owned(),
            reference: None,
            waiting: Waiting {
                place: Place::Own(endpoint.to_owned()),
                name: TRANSACTION_ID,
                handle: answer.transaction_authorization_id.into(),
                interval: interval(answer.interval),
                expires_at,
            },
        })
    }

    /// Asks a person without a token: an approval opens a task of its own. The server lets an agent ask only whom it may.
    pub async fn confirm_in_new_task(
        &self,
        login_hint: &str,
        ask: &Confirm,
    ) -> Result<PendingConfirmation, Error> {
        let mut form = ask.parameters()?;
        form.push(("login_hint", login_hint.to_owned()));
        self.asked(ask, form, ask.resource.clone()).await
    }

    async fn asked(
        &self,
        ask: &Confirm,
        mut form: Parameters,
        resource: Option<String>,
    ) -> Result<PendingConfirmation, Error> {
        if let Some(reference) = &ask.reference
            && self.confirmed.has(reference)
        {
            return Err(Error::Repeated);
        }
        if let Some(resource) = resource {
            ResourceUri::parse(&resource).map_err(|error| Error::Usage(error.to_string()))?;
            form.push(("resource", resource));
        }
        let now = self.environment.clock.now();
        let endpoint = &self.metadata.backchannel_authentication_endpoint;
        let response = self.post(endpoint, &form, self.dpop_key()).await?;
        if response.status() != StatusCode::OK {
            return Err(refused(&response));
        }
        let answer: Acknowledged = strict_json::read(response.body()).map_err(|_| {
            protocol("the answer to the backchannel request cannot be read (CIBA 7.3)")
        })?;
        let expires_at = now.plus(Duration::from_secs(answer.expires_in));
        Ok(PendingConfirmation {
            number_to_match: answer.number_to_match,
            expires_at,
            authorization_uri: None,
            issuer: self.issuer().to_owned(),
            reference: ask.reference.clone(),
            waiting: Waiting {
                place: Place::Token(GrantType::Ciba),
                name: "auth_req_id",
                handle: answer.auth_req_id.into(),
                interval: interval(answer.interval),
                expires_at,
            },
        })
    }
}

fn own_claims(token: &str) -> Result<AccessTokenClaims, Error> {
    let read = jwt::read_unverified::<AccessTokenClaims>(token);
    read.map(|(_, claims)| claims).ok_or_else(|| {
        Error::Usage("the grant's token cannot be read: it must be one of this issuer".to_owned())
    })
}

impl PendingConfirmation {
    /// The handle of this request at the server: `auth_req_id`, or `transaction_authorization_id` for a challenge. With it and the
    /// agent's keys the token can be fetched.
    pub const fn auth_req_id(&self) -> &Secret {
        &self.waiting.handle
    }

    /// The least time between two calls of [`Self::poll`].
    pub const fn interval(&self) -> Duration {
        self.waiting.interval
    }

    /// Waits until the person decided: a token for this one action, or [`Error::Denied`], or a refusal with the code
    /// `expired_token`. `sleep` is the caller's, for example `tokio::time::sleep`.
    pub async fn wait<S, F>(&mut self, agent: &Agent, sleep: S) -> Result<Grant, Error>
    where
        S: Fn(Duration) -> F,
        F: Future<Output = ()>,
    {
        self.belongs_to(agent)?;
        let grant = self.waiting.wait(agent, sleep).await?;
        Ok(self.done(agent, grant))
    }

    /// Asks once; the server may hold the request for a while. `None`: not decided yet, ask again after the interval.
    pub async fn poll(&mut self, agent: &Agent) -> Result<Option<Grant>, Error> {
        self.belongs_to(agent)?;
        let grant = self.waiting.poll(agent).await?;
        Ok(grant.map(|grant| self.done(agent, grant)))
    }

    fn belongs_to(&self, agent: &Agent) -> Result<(), Error> {
        if agent.issuer() == self.issuer {
            return Ok(());
        }
        Err(Error::Usage(
            "this question was asked at another issuer".to_owned(),
        ))
    }

    fn done(&self, agent: &Agent, grant: Grant) -> Grant {
        if let Some(reference) = &self.reference {
            agent.confirmed.add(reference);
        }
        grant
    }
}

impl fmt::Debug for PendingConfirmation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingConfirmation")
            .field("issuer", &self.issuer)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// `authorization_reference`s that a person confirmed. If a resource refuses with the same one again, another question would not
/// help, and asking without end would be a loop.
#[derive(Default)]
pub(crate) struct Confirmed(Mutex<HashSet<String>>);

impl Confirmed {
    fn has(&self, reference: &str) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(reference)
    }

    fn add(&self, reference: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_REFERENCES {
            // A forgotten reference costs the person one more question.
            known.clear();
        }
        known.insert(reference.to_owned());
    }
}

/// CIBA 7.3, with the number that client and person compare.
#[derive(Deserialize)]
struct Acknowledged {
    auth_req_id: String,
    expires_in: u64,
    interval: Option<u64>,
    number_to_match: Option<u8>,
}

const MAX_REFERENCES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_too_many_forgets_the_others() {
        let confirmed = Confirmed::default();
        let name = |place: usize| format!("ref-{place}");
        for place in 0..MAX_REFERENCES {
            confirmed.add(&name(place));
        }
        assert!((0..MAX_REFERENCES).all(|place| confirmed.has(&name(place))));
        confirmed.add(&name(MAX_REFERENCES));
        assert!(confirmed.has(&name(MAX_REFERENCES)));
        assert!(!(0..MAX_REFERENCES).any(|place| confirmed.has(&name(place))));
    }
}
