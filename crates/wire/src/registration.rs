//! Client metadata (RFC 7591 section 2 with RFC 9126, 9396, 9449), and the files of `writ client|agent|resource add`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::jwk::JwkSet;
use crate::rar::Detail;
use crate::resource::ResourceUri;

/// What a client may do and must do (SPECS 11.3).
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

/// Which `aud` a client's assertions may have (SPECS 5.1, LESSONS 20).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssertionAudience {
    /// The issuer, as a string or as the only member of a list; profile `fapi2` takes the string only.
    #[default]
    Issuer,
    /// Also the URL of the endpoint that is called, for clients that cannot do better.
    Endpoint,
}

/// CLIENT.json, and with `agent` AGENT.json. Unknown members are refused: a misspelt one must not be ignored.
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
    /// The one permission to get tokens that are bound to no key (promise 2).
    #[serde(default)]
    pub bearer: bool,
    #[serde(default)]
    pub assertion_audience: AssertionAudience,
    /// CIBA 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel_token_delivery_mode: Option<Delivery>,
    /// For ping and push.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel_client_notification_endpoint: Option<String>,
    /// With it, every backchannel request must be signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel_authentication_request_signing_alg: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel_user_code_parameter: Option<bool>,
    /// The client shows a number, and the person finds it on the screen.
    #[serde(default)]
    pub number_matching: bool,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_lifetime: Option<u64>,
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

/// `agent` of AGENT.json.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentFile {
    /// Name of the person who is technically responsible.
    pub owner: String,
    /// Name of the person who answers for it.
    pub sponsor: String,
    pub publisher: String,
    pub ceiling: CeilingFile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onward: Option<OnwardFile>,
    /// Who decides on single actions instead of the person for whom it acts, step by step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<ApproversFile>,
    /// Names of people whom it may ask without a task of theirs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_ask: Vec<String>,
}

/// One step of who decides; silence leads to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApproversFile {
    /// Names of people, or [`SUBJECT`], [`SPONSOR`], [`OWNER`].
    pub of: Vec<String>,
    /// How many of them must agree.
    pub need: usize,
}

/// The person for whom it would be done; the agent's sponsor; its owner.
pub const SUBJECT: &str = "@subject";
pub const SPONSOR: &str = "@sponsor";
pub const OWNER: &str = "@owner";
/// The most steps of escalation, and the most people of one step.
pub const MAX_STAGES: usize = 4;
pub const MAX_APPROVERS: usize = 8;

/// Whether a designation can be fulfilled at all; whether its people exist is seen when they are needed.
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
        // Whoever answered in one step has no second answer: a later step would wait for nobody.
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

/// How the client learns of the decision (CIBA 5).
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
    /// The longest task, in seconds.
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
    /// May name agents that are not registered yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<Vec<String>>,
    /// The largest number of `act` objects of a token made from this delegation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
}

/// RESOURCE.json.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceFile {
    pub resource: ResourceUri,
    pub name: String,
    #[serde(default)]
    pub scopes: Vec<String>,
    #[serde(default)]
    pub authorization_details_types: Vec<String>,
    /// The registered client that serves it and may introspect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    #[serde(default)]
    pub agents_only: bool,
    /// What its tokens say of the task beyond the id.
    #[serde(default)]
    pub task_claims: Vec<TaskClaim>,
    /// Public keys of its transaction challenges (draft-rosomakho-oauth-txn-challenge-00); without them it issues none.
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
    fn approvers_can_be_fulfilled() {
        let check = |text: &str| check_approvers(&serde_json::from_str::<Vec<_>>(text).unwrap());
        assert_eq!(check("[]"), Ok(()));
        assert_eq!(check(r#"[{"of":["bob","@owner"],"need":2}]"#), Ok(()));
        let steps = r#"[{"of":["a","b"],"need":2},{"of":["@sponsor"],"need":1}]"#;
        assert_eq!(check(steps), Ok(()));
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
    fn lessons_16_a_reserved_or_misspelt_member_is_refused() {
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
