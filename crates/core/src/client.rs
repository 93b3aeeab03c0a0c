//! Registered clients, agents, resources and people, as decisions read them.

use std::collections::BTreeSet;
use std::time::Duration;

use writ_authority::Ceiling;
use writ_jose::key::{Algorithm, KeySet};
use writ_wire::redirect;
use writ_wire::registration::{ApproversFile, AssertionAudience, Delivery, Profile, TaskClaim};
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;
use writ_wire::token::GrantType;

use crate::id::{ClientId, UserId};
use crate::oauth_error::OAuthError;
use crate::onward::Onward;

/// A registered client; valid by construction (`registration`).
#[derive(Clone)]
pub struct Client {
    pub id: ClientId,
    pub name: String,
    pub profile: Profile,
    pub authentication: Authentication,
    /// Taken beside the secret until its time is over.
    pub earlier_secret: Option<EarlierSecret>,
    pub redirect_uris: Vec<String>,
    pub grant_types: BTreeSet<&'static str>,
    /// Scope names that it may ask for.
    pub scope: BTreeSet<String>,
    /// Types of `authorization_details` that it may ask for.
    pub details_types: BTreeSet<String>,
    pub require_pushed: bool,
    /// Whether every token must be bound to a key.
    pub dpop_bound: bool,
    pub assertion_audience: AssertionAudience,
    pub task_lifetime: Duration,
    pub backchannel: Backchannel,
    pub agent: Option<Agent>,
}

/// How a client asks by CIBA (CIBA 4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backchannel {
    pub delivery: Delivery,
    /// There exactly for ping and push.
    pub notification_endpoint: Option<String>,
    /// With it, every request is signed.
    pub signing_alg: Option<Algorithm>,
    pub user_code: bool,
    pub number_matching: bool,
}

/// How a client proves who it is.
#[derive(Clone)]
pub enum Authentication {
    PrivateKeyJwt(KeySet),
    /// Digest of the 256-bit secret.
    SecretBasic(String),
    Public,
}

/// The secret of a client before its last rotation.
#[derive(Clone)]
pub struct EarlierSecret {
    pub digest: String,
    pub until: Timestamp,
}

/// What only an agent has.
#[derive(Clone, Debug)]
pub struct Agent {
    pub owner: UserId,
    pub owner_name: String,
    pub sponsor: UserId,
    pub sponsor_name: String,
    pub publisher: String,
    pub ceiling: Ceiling,
    pub longest_task: Duration,
    pub onward: Onward,
    /// Who decides on single actions; empty: the subject.
    pub approvers: Vec<ApproversFile>,
    /// Names of people whom it may ask without a task of theirs.
    pub may_ask: BTreeSet<String>,
}

/// A protected resource.
#[derive(Clone, Debug)]
pub struct Resource {
    pub uri: ResourceUri,
    pub name: String,
    pub scopes: BTreeSet<String>,
    pub details_types: BTreeSet<String>,
    /// The client that serves it and may introspect.
    pub served_by: Option<ClientId>,
    pub agents_only: bool,
    pub task_claims: Vec<TaskClaim>,
    /// Of its transaction challenges; without them it issues none.
    pub challenge_keys: Option<KeySet>,
}

/// A person, without the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub name: String,
    pub disabled: bool,
}

impl Client {
    pub fn is_public(&self) -> bool {
        matches!(self.authentication, Authentication::Public)
    }

    pub fn is_agent(&self) -> bool {
        self.agent.is_some()
    }

    /// Refuses a grant type that is not registered.
    pub fn may_use(&self, grant: GrantType) -> Result<(), OAuthError> {
        if self.grant_types.contains(grant.as_str()) {
            return Ok(());
        }
        let sentence = format!(
            "grant type `{}` is not registered for this client",
            grant.as_str()
        );
        Err(OAuthError::new(
            writ_wire::error::ErrorCode::UnauthorizedClient,
            sentence,
        ))
    }

    /// The redirect URI of a request: the one asked for if it is registered, or the only registered one.
    pub fn redirect_uri(&self, asked: Option<&str>) -> Result<String, OAuthError> {
        match (asked, self.redirect_uris.as_slice()) {
            (Some(asked), registered) if registered.iter().any(|r| redirect::matches(r, asked)) => {
                Ok(asked.to_owned())
            }
            (Some(_), _) => Err(OAuthError::invalid_request(
                "`redirect_uri` is not registered for this client",
            )),
            (None, [only]) if self.profile == Profile::Oauth21 => Ok(only.clone()),
            (None, _) => Err(OAuthError::invalid_request(
                "parameter `redirect_uri` is missing",
            )),
        }
    }
}
