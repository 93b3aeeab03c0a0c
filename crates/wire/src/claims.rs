//! Claims of access tokens (RFC 9068, RFC 8693 section 4.1), ID tokens (OpenID Connect Core section 2) and assertions.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::rar::Detail;
use crate::time::{numeric_date, optional_numeric_date};

pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";
pub const ACTOR_ASSERTION_TYPE: &str = "writ-actor+jwt";
pub const CLIENT_ASSERTION_TYPE: &str = "client-authentication+jwt";
/// `sub_profile` of a person (draft-mora-oauth-entity-profiles).
pub const PROFILE_USER: &str = "user";
/// `sub_profile` of an agent.
pub const PROFILE_AGENT: &str = "ai_agent";
/// `sub_profile` of a guest that is a program on a person's device.
pub const PROFILE_NATIVE_APP: &str = "native_app";
/// `sub_profile` of a guest that runs elsewhere.
pub const PROFILE_WEB_APP: &str = "web_app";

/// Payload of an access token. Unknown members are ignored when it is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    pub iss: String,
    pub aud: String,
    pub client_id: String,
    pub jti: String,
    pub iat: i64,
    pub exp: i64,
    pub sub: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_profile: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Act>,
    /// Id of the delegation that the token was issued under, where there is no `act` (with `act` it is `act.dlg`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dlg: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mission: Option<MissionClaim>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<Detail>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<ConfirmationClaim>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub txn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalClaim>,
    /// Never issued here. Read so that a token of another issuer that has it (RFC 8693 section 4.4) is not taken as one without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_act: Option<Value>,
}

impl AccessTokenClaims {
    /// Id of the delegation that the token was issued under.
    pub fn delegation(&self) -> Option<&str> {
        self.act
            .as_ref()
            .map(|act| act.dlg.as_str())
            .or(self.dlg.as_deref())
    }
}

/// An `act` claim (RFC 8693 section 4.1); earlier actors nest inside. Any JSON value but an object is an error, never an absent
/// actor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Map<String, Value>")]
pub struct Act {
    pub iss: String,
    pub sub: String,
    pub sub_profile: String,
    /// Id of the delegation to this actor.
    pub dlg: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Box<Act>>,
}

/// Deserializes the members of [`Act`] from an object: serde alone would read a struct from an array too.
#[derive(Deserialize)]
struct ActMembers {
    iss: String,
    sub: String,
    sub_profile: String,
    dlg: String,
    #[serde(default)]
    act: Option<Box<Act>>,
}

impl TryFrom<serde_json::Map<String, Value>> for Act {
    type Error = serde_json::Error;

    fn try_from(map: serde_json::Map<String, Value>) -> Result<Self, Self::Error> {
        if map.get("act").is_some_and(Value::is_null) {
            return Err(serde::de::Error::custom("`act` is an object or absent"));
        }
        let ActMembers {
            iss,
            sub,
            sub_profile,
            dlg,
            act,
        } = serde_json::from_value(Value::Object(map))?;
        Ok(Self {
            iss,
            sub,
            sub_profile,
            dlg,
            act,
        })
    }
}

impl Act {
    /// Number of `act` objects, this one included.
    pub fn depth(&self) -> usize {
        self.chain().count()
    }

    /// From the current actor to the first one.
    pub fn chain(&self) -> impl Iterator<Item = &Act> {
        std::iter::successors(Some(self), |act| act.act.as_deref())
    }
}

/// `mission` (draft-mcguinness-oauth-mission): the task that the token belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissionClaim {
    pub id: String,
    pub issuer: String,
    pub authority_hash: String,
    /// RFC 3339.
    pub expires_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<String>,
}

/// `cnf` (RFC 7800) with the thumbprint of a DPoP key (RFC 9449 section 6.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmationClaim {
    pub jkt: String,
}

/// `approval`: what was agreed, how, when, and by how many people in which role; never who they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalClaim {
    pub id: String,
    pub basis: ApprovalBasis,
    /// Seconds since 1970.
    pub at: i64,
    /// Absent where no person was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<DecidedBy>,
    /// How many people agreed; absent where none was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<u32>,
}

/// In which role the people behind an approval decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    /// The person on whose behalf the token is.
    Subject,
    /// People whom the type or the agent's record designates.
    Designated,
    /// The subject, and designated people beside them.
    Both,
}

/// How the person was authenticated when they approved; or that no person was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalBasis {
    Consent,
    Password,
    Passkey,
    Liveness,
    Policy,
}

/// Payload of an ID token (OpenID Connect Core section 2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdTokenClaims {
    pub iss: String,
    pub sub: String,
    pub aud: String,
    pub azp: String,
    pub iat: i64,
    pub exp: i64,
    pub auth_time: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    pub acr: String,
    pub amr: Vec<String>,
    pub at_hash: String,
    #[serde(flatten)]
    pub person: PersonClaims,
}

/// What the scopes `profile` and `email` tell of a person (OpenID Connect Core section 5.4), at `/userinfo` and in the ID token,
/// where many clients look for it alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonClaims {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Given by an operator; never what the person typed, which nobody verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// `true`, wherever there is an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
}

/// Payload of a client assertion (RFC 7523, 7523bis) or of an actor assertion, by which an agent accepts a delegation and names its
/// key (`cnf`): the claims of both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AssertionClaims {
    pub iss: String,
    pub sub: String,
    /// A string or an array; the verifier decides which are accepted.
    pub aud: Value,
    #[serde(deserialize_with = "numeric_date")]
    pub exp: i64,
    #[serde(
        default,
        deserialize_with = "optional_numeric_date",
        skip_serializing_if = "Option::is_none"
    )]
    pub iat: Option<i64>,
    #[serde(
        default,
        deserialize_with = "optional_numeric_date",
        skip_serializing_if = "Option::is_none"
    )]
    pub nbf: Option<i64>,
    pub jti: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azp: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<ConfirmationClaim>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8693_4_1_act_is_an_object_or_absent() {
        for bad in [
            "\"agt\"",
            "[]",
            "1",
            "null",
            "{\"sub\":\"agt\"}",
            r#"["i","s","p","d"]"#,
            r#"{"iss":"i","sub":"s","sub_profile":"p","dlg":"d","act":["i","s","p","d"]}"#,
            r#"{"iss":"i","sub":"s","sub_profile":"p","dlg":"d","act":null}"#,
        ] {
            assert!(serde_json::from_str::<Act>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn depth_counts_act_objects() {
        let inner = Act {
            iss: "i".into(),
            sub: "a".into(),
            sub_profile: "ai_agent".into(),
            dlg: "d".into(),
            act: None,
        };
        let outer = Act {
            sub: "b".into(),
            act: Some(Box::new(inner.clone())),
            ..inner.clone()
        };
        assert_eq!((inner.depth(), outer.depth()), (1, 2));
        assert_eq!(
            outer.chain().map(|a| a.sub.as_str()).collect::<Vec<_>>(),
            ["b", "a"]
        );
    }
}
