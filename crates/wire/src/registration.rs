//! Client metadata (RFC 7591 section 2 with RFC 9126, 9396, 9449), and the files of `writ client|agent|resource add`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::jwk::JwkSet;
use crate::rar::Detail;
use crate::resource::ResourceUri;

/// The security profile of a client: which flows it may use and what it must prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    Oauth21,
    Fapi2,
    /// A registered agent: PAR, DPoP and `private_key_jwt` always.
    Agent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    PrivateKeyJwt,
    ClientSecretBasic,
    None,
}

impl AuthMethod {
    pub const ALL: [Self; 3] = [Self::PrivateKeyJwt, Self::ClientSecretBasic, Self::None];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::None => "none",
        }
    }
}

/// Which `aud` a client's assertions may have. An endpoint URL as audience lets one server replay an assertion at another
/// (draft-ietf-oauth-rfc7523bis), so the issuer is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssertionAudience {
    /// The issuer, as a string or as the only member of a list; profile `fapi2` takes the string only.
    #[default]
    Issuer,
    /// Also the URL of the endpoint that is called, for clients that cannot be changed.
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
    #[serde(default)]
    pub assertion_audience: AssertionAudience,
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
    /// The client shows a number, which the user picks on the approval page.
    #[serde(default)]
    pub number_matching: bool,
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
    pub scopes: Vec<String>,
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskClaim {
    Purpose,
    Risk,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn approvers_that_can_never_agree_are_refused() {
        let check = |text: &str| check_approvers(&serde_json::from_str::<Vec<_>>(text).unwrap());
        assert_eq!(check("[]"), Ok(()));
        assert_eq!(check(r#"[{"of":["bob","@owner"],"need":2}]"#), Ok(()));
        let stages = r#"[{"of":["a","b"],"need":2},{"of":["@sponsor"],"need":1}]"#;
        assert_eq!(check(stages), Ok(()));
        for bad in [
            r#"[{"of":[],"need":0}]"#,
            r#"[{"of":["bob"],"need":0}]"#,
            r#"[{"of":["bob"],"need":2}]"#,
            r#"[{"of":["@boss"],"need":1}]"#,
            r#"[{"of":["a","b"],"need":2},{"of":["a"],"need":1}]"#,
            r#"[{"of":["a","b"],"need":2},{"of":["b","c"],"need":2}]"#,
            r#"[{"of":["a","a"],"need":2}]"#,
            r#"[{"of":["@owner"],"need":1},{"of":["c","@owner"],"need":1}]"#,
            r#"[{"of":["a","b","c","d","e","f","g","h","i"],"need":1}]"#,
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        let five = [r#"{"of":["bob"],"need":1}"#; 5].join(",");
        assert!(check(&format!("[{five}]")).is_err());
    }

    #[test]
    fn a_reserved_or_misspelt_member_is_refused() {
        let good = r#"{"client_name":"Reports","profile":"oauth21"}"#;
        assert!(serde_json::from_str::<ClientFile>(good).is_ok());
        for name in [
            "act",
            "may_act",
            "cnf",
            "authorization_details",
            "mission",
            "redirect_uri",
        ] {
            let bad = format!(r#"{{"client_name":"Reports","profile":"oauth21","{name}":{{}}}}"#);
            assert!(serde_json::from_str::<ClientFile>(&bad).is_err(), "{name}");
        }
    }
}
