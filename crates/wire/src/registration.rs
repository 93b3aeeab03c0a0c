//! Client metadata (RFC 7591 section 2 with RFC 9126, 9396, 9449), and the files of `writ client|agent|resource add`.

mod actions;
mod guests;
mod routes;

pub use actions::{ActionFile, UnknownActionsFile};
pub use guests::{GuestLifetime, GuestMode, GuestsFile};
pub use routes::RouteFile;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::api::ApiScope;
use crate::jwk::JwkSet;
use crate::rar::Detail;
use crate::resource::ResourceUri;
use crate::scope::ResourceScope;

/// The security profile of a client: which flows it may use and what it must prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    Oauth21,
    Fapi2,
    /// A registered agent: PAR, DPoP and `private_key_jwt` always.
    Agent,
    /// A client that nobody registered here: known by its metadata document, or by open registration. Code and refresh grants
    /// alone; public, or `private_key_jwt` where it published keys.
    Guest,
}

impl Profile {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Oauth21 => "oauth21",
            Self::Fapi2 => "fapi2",
            Self::Agent => "agent",
            Self::Guest => "guest",
        }
    }
}

/// OpenID Connect Dynamic Client Registration section 2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationType {
    #[default]
    Web,
    Native,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    PrivateKeyJwt,
    ClientSecretBasic,
    ClientSecretPost,
    None,
}

impl AuthMethod {
    pub const ALL: [Self; 4] = [
        Self::PrivateKeyJwt,
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::None,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::None => "none",
        }
    }

    /// Whether the client has a secret.
    pub const fn has_secret(self) -> bool {
        match self {
            Self::ClientSecretBasic | Self::ClientSecretPost => true,
            Self::PrivateKeyJwt | Self::None => false,
        }
    }
}

/// Which `aud` a client's assertions may have, where its registration says it; without a word the profile decides. An endpoint URL as
/// audience lets one server replay an assertion at another (draft-ietf-oauth-rfc7523bis).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssertionAudience {
    /// The issuer, as a string or as the only member of a list; profile `fapi2` takes the string only.
    Issuer,
    /// Also the URL of the endpoint that is called or of the token endpoint, for clients that cannot be changed.
    Endpoint,
}

/// The file of `writ client add`, and with `agent` that of `writ agent add`. Unknown members are refused, so that no misspelt
/// restriction is ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientFile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    pub client_name: String,
    pub profile: Profile,
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_types: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_types: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<AuthMethod>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<JwkSet>,
    /// Where its keys are published, instead of `jwks`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_bound_access_tokens: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_pushed_authorization_requests: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_details_types: Option<Vec<String>>,
    /// Allows access tokens that are not bound to a DPoP key.
    #[serde(default)]
    pub bearer: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assertion_audience: Option<AssertionAudience>,
    /// CIBA section 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel_token_delivery_mode: Option<Delivery>,
    /// For ping and push (CIBA section 4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel_client_notification_endpoint: Option<String>,
    /// If set, every backchannel request must be signed with it (CIBA section 4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel_authentication_request_signing_alg: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel_user_code_parameter: Option<bool>,
    /// The client shows a number, which the user types into the approval page.
    #[serde(default)]
    pub number_matching: bool,
    /// User names of people whom it may ask by CIBA though they agreed to nothing; an agent has it in `agent`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_ask: Vec<String>,
    /// What it may do at the operators' API.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operator: Vec<ApiScope>,
    /// Lifetime of its tasks, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_lifetime: Option<u64>,
    /// OpenID Connect Dynamic Client Registration 1.0 section 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<String>,
    /// OpenID Connect RP-Initiated Logout 1.0 section 3.1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<String>,
    /// The client belongs to the house: nobody is asked for consent to scopes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first_party: bool,
    /// Consent to scopes is remembered for a while.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub remember_consent: bool,
    /// `false`: requests with `openid` and `nonce` may come without PKCE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pkce_required: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_type: Option<ApplicationType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentFile>,
}

/// The member `agent` of an agent's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentFile {
    /// User name of the person who is technically responsible.
    pub owner: String,
    /// User name of the person who is accountable for what it does.
    pub sponsor: String,
    pub publisher: String,
    pub ceiling: CeilingFile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onward: Option<OnwardFile>,
    /// Who decides on single actions instead of the person for whom the agent acts; stages of an escalation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<ApproversFile>,
    /// User names of people whom it may ask for approval without a task of theirs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_ask: Vec<String>,
}

/// One stage of an escalation: without an answer in time the next stage is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApproversFile {
    /// User names, or [`SUBJECT`], [`SPONSOR`], [`OWNER`].
    pub of: Vec<String>,
    /// How many of them must agree.
    pub need: usize,
}

/// The person for whom the agent acts.
pub const SUBJECT: &str = "@subject";
/// The agent's sponsor.
pub const SPONSOR: &str = "@sponsor";
/// The agent's owner.
pub const OWNER: &str = "@owner";
/// The most stages of an escalation.
pub const MAX_STAGES: usize = 4;
/// The most people of one stage.
pub const MAX_APPROVERS: usize = 8;

/// Whether the stages can be satisfied. Whether the users exist is checked when they are asked.
pub fn check_approvers(stages: &[ApproversFile]) -> Result<(), String> {
    if stages.len() > MAX_STAGES {
        return Err(format!("has more than {MAX_STAGES} steps"));
    }
    let mut seen = BTreeSet::new();
    for stage in stages {
        if !(1..=MAX_APPROVERS).contains(&stage.of.len()) {
            return Err(format!("a step names 1 to {MAX_APPROVERS} people"));
        }
        if !(1..=stage.of.len()).contains(&stage.need) {
            return Err("`need` is 1 to the number of people in its step".to_owned());
        }
        // A person answers once: a later stage that needs them again could never be satisfied.
        if let Some(name) = stage.of.iter().find(|name| !seen.insert(name.as_str())) {
            let name: String = name.chars().take(80).collect();
            return Err(format!("`{name}` is named twice: a person answers once"));
        }
        let known = |name: &String| {
            !name.starts_with('@') || [SUBJECT, SPONSOR, OWNER].contains(&name.as_str())
        };
        if let Some(name) = stage.of.iter().find(|name| !known(name)) {
            let name: String = name.chars().take(80).collect();
            return Err(format!(
                "`{name}` is no role: there are `{SUBJECT}`, `{SPONSOR}`, `{OWNER}`"
            ));
        }
    }
    Ok(())
}

/// How the client gets the result (CIBA section 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    #[default]
    Poll,
    Ping,
    Push,
}

impl Delivery {
    pub const ALL: [Self; 3] = [Self::Poll, Self::Ping, Self::Push];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Ping => "ping",
            Self::Push => "push",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CeilingFile {
    #[serde(default)]
    pub scopes: Vec<ScopeFile>,
    #[serde(default)]
    pub authorization_details: Vec<Detail>,
    /// The longest lifetime of a task, in seconds.
    pub lifetime: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeFile {
    pub resource: ResourceUri,
    pub scope: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnwardFile {
    /// Client ids of the agents it may delegate to; they need not be registered yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<Vec<String>>,
    /// The most nested `act` objects in a token of this delegation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
}

/// The file of `writ resource add`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceFile {
    pub resource: ResourceUri,
    pub name: String,
    #[serde(default)]
    pub scopes: Vec<ResourceScope>,
    /// Whether a bearer token for this resource is good at `/userinfo` too; a bound one of an `oauth21` client is anyway.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub userinfo: bool,
    #[serde(default)]
    pub authorization_details_types: Vec<String>,
    /// The client of the resource server, which may introspect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    #[serde(default)]
    pub agents_only: bool,
    /// Members of the `mission` claim in its tokens beyond the required ones.
    #[serde(default)]
    pub task_claims: Vec<TaskClaim>,
    /// Public keys of its transaction challenges (draft-rosomakho-oauth-txn-challenge-00); without them none are accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub txn_challenge_jwks: Option<JwkSet>,
    /// What clients of the profile `guest` may have here; without it nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guests: Option<GuestsFile>,
    /// What its server asks about before it does it, by name (docs/decisions.md).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub actions: BTreeMap<String, ActionFile>,
    /// What a method and a path need, where a reverse proxy asks (docs/forward-auth.md); in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<RouteFile>,
    /// A person is asked about each call of what is none of them; without it that is denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown_actions: Option<UnknownActionsFile>,
    /// Its server verifies the proofs of bound tokens itself, so that it need not send them along when it asks for a decision.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verifies_proofs: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskClaim {
    Purpose,
    Risk,
}

#[cfg(test)]
mod tests;
