//! The transaction authorization challenge (draft-rosomakho-oauth-txn-challenge-00, SPECS 10.5): what a resource server signs,
//! what a client sends to the transaction authorization endpoint, and what it hears.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::ciba::{MAX_USER_CODE, bounded, subject_token};
use crate::form::{Form, FormError};
use crate::rar::Detail;

/// `typ` of a challenge.
pub const CHALLENGE_TYPE: &str = "txn-authz-challenge+jwt";
/// The field by which a client says that it can do something with a challenge; a Boolean of RFC 9651.
pub const ACCEPT_CHALLENGE: &str = "accept-txn-challenge";
/// The attribute of `WWW-Authenticate`, and the parameter of the request.
pub const TRANSACTION_CHALLENGE: &str = "transaction_challenge";
/// The parameter and member that names what waits.
pub const TRANSACTION_ID: &str = "transaction_authorization_id";
/// The longest `txn`, in bytes.
pub const MAX_TXN: usize = 256;
/// The longest `reason`, in bytes; how much of it is shown is decided in `core`.
pub const MAX_REASON: usize = 1024;

/// A well-formed request, without client authentication.
#[derive(Clone, PartialEq, Eq)]
pub enum TransactionRequest {
    Present(Presented),
    /// With this `transaction_authorization_id`.
    Poll(String),
}

/// A challenge on its way to a person. Whether it is genuine is decided in `jose`, whether it may be asked in `core`.
#[derive(Clone, PartialEq, Eq)]
pub struct Presented {
    pub challenge: String,
    /// The asking agent's own access token: its person is asked, within its task. The draft has no way to name the person.
    pub subject_token: Option<String>,
    /// As at the backchannel endpoint, for clients that are registered for it.
    pub user_code: Option<String>,
}

impl TransactionRequest {
    /// Unknown parameters are ignored.
    pub fn parse(form: &Form) -> Result<Self, FormError> {
        form.refuse_repeats(&[])?;
        let challenge = form.optional(TRANSACTION_CHALLENGE)?;
        match (challenge, form.optional(TRANSACTION_ID)?) {
            (Some(challenge), None) => Ok(Self::Present(Presented {
                challenge: challenge.to_owned(),
                subject_token: subject_token(form)?,
                user_code: bounded(form, "user_code", MAX_USER_CODE)?,
            })),
            (None, Some(id)) => Ok(Self::Poll(id.to_owned())),
            (None, None) => Err(FormError::Missing(TRANSACTION_CHALLENGE)),
            (Some(_), Some(_)) => Err(FormError::invalid(
                TRANSACTION_ID,
                "stands beside `transaction_challenge`: send one of the two",
            )),
        }
    }
}

/// What waits from now on; not an approval yet.
#[derive(Clone, Serialize, Deserialize)]
pub struct TransactionResponse {
    pub transaction_authorization_id: String,
    /// Seconds.
    pub expires_in: u64,
    /// Seconds between two polls; 5 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<u64>,
    /// Where a person can decide. Opening it approves nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_uri: Option<String>,
    /// As in the acknowledgement of CIBA: only for clients registered with `number_matching`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_to_match: Option<u8>,
}

/// What a challenge says. Claims that are not here are ignored; a missing one is an error that names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChallengeClaims {
    /// The resource server: the audience of the token to come.
    pub iss: String,
    /// The authorization server: a string, or a list that contains it.
    pub aud: Value,
    pub iat: i64,
    pub exp: i64,
    pub jti: String,
    /// Comes back in the token.
    pub txn: String,
    pub authorization_details: Vec<Detail>,
    /// For people, in the resource server's words.
    pub reason: String,
    /// Never fetched by us.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub reason_uri: Option<String>,
    /// An addition of ours, which the draft allows: on whose behalf the refused request came.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub sub: Option<String>,
    /// Who sent the refused request.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub act: Option<Requester>,
}

/// One actor of the refused request (RFC 8693 section 4.1); earlier ones nest inside. Only an object is one (LESSONS 11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub struct Requester {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    pub sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<Box<Requester>>,
}

impl Requester {
    /// From the current actor inwards to the first one.
    pub fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |act| act.act.as_deref())
    }
}

/// The members of [`Requester`], as serde reads them; it would take a list too.
#[derive(Deserialize)]
struct RequesterMembers {
    #[serde(default, deserialize_with = "present")]
    iss: Option<String>,
    sub: String,
    #[serde(default, deserialize_with = "present")]
    act: Option<Box<Requester>>,
}

impl TryFrom<Map<String, Value>> for Requester {
    type Error = serde_json::Error;

    fn try_from(members: Map<String, Value>) -> Result<Self, Self::Error> {
        let RequesterMembers { iss, sub, act } = serde_json::from_value(Value::Object(members))?;
        Ok(Self { iss, sub, act })
    }
}

/// A member that is there; `null` is a value like any other.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
#[path = "transaction/tests.rs"]
mod tests;
