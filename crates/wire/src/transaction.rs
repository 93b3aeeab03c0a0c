//! Transaction authorization challenges (draft-rosomakho-oauth-txn-challenge-00): the challenge that a resource server signs,
//! and request and response of the transaction authorization endpoint.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::ciba::{MAX_USER_CODE, subject_token};
use crate::form::{Form, FormError};
use crate::rar::Detail;

/// `typ` of a challenge.
pub const CHALLENGE_TYPE: &str = "txn-authz-challenge+jwt";
/// The header field of a client that supports challenges; a Boolean (RFC 9651 section 3.3.6).
pub const ACCEPT_CHALLENGE: &str = "accept-txn-challenge";
/// The attribute of `WWW-Authenticate`, and the parameter of the request.
pub const TRANSACTION_CHALLENGE: &str = "transaction_challenge";
/// The parameter, and the member of the response, that names a pending authorization.
pub const TRANSACTION_ID: &str = "transaction_authorization_id";
/// The longest `txn`, in bytes.
pub const MAX_TXN: usize = 256;
/// The longest `reason`, in bytes; which reasons are shown is decided in `core`.
pub const MAX_REASON: usize = 1024;

/// A well-formed request, without client authentication.
#[derive(Clone, PartialEq, Eq)]
pub enum TransactionRequest {
    Present(PresentedChallenge),
    /// The `transaction_authorization_id`.
    Poll(String),
}

/// A challenge as a client presents it, unverified.
#[derive(Clone, PartialEq, Eq)]
pub struct PresentedChallenge {
    pub challenge: String,
    /// Extension: the access token of the agent that asks. Its subject is asked, within its task: the draft has no parameter that
    /// names the user.
    pub subject_token: Option<String>,
    /// As in CIBA section 7.1, for clients that are registered for it.
    pub user_code: Option<String>,
}

impl TransactionRequest {
    /// Unknown parameters are ignored.
    pub fn parse(form: &Form) -> Result<Self, FormError> {
        form.refuse_repeats(&[])?;
        let challenge = form.optional(TRANSACTION_CHALLENGE)?;
        match (challenge, form.optional(TRANSACTION_ID)?) {
            (Some(challenge), None) => Ok(Self::Present(PresentedChallenge {
                challenge: challenge.to_owned(),
                subject_token: subject_token(form)?,
                user_code: form.bounded("user_code", MAX_USER_CODE)?,
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

/// A pending authorization; not yet an approval.
#[derive(Clone, Serialize, Deserialize)]
pub struct TransactionResponse {
    pub transaction_authorization_id: String,
    /// Seconds.
    pub expires_in: u64,
    /// Seconds between two polls; 5 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<u64>,
    /// Where the user can decide. Opening it approves nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_uri: Option<String>,
    /// Extension: as in [`crate::ciba::BackchannelResponse`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_to_match: Option<u8>,
}

/// Payload of a challenge. Unknown claims are ignored; a missing one is an error that names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChallengeClaims {
    /// The resource server, which is the audience of the requested token.
    pub iss: String,
    /// The authorization server: a string, or an array that contains it.
    pub aud: Value,
    pub iat: i64,
    pub exp: i64,
    pub jti: String,
    /// Returned in the token.
    pub txn: String,
    pub authorization_details: Vec<Detail>,
    /// Shown to the user, in the resource server's words.
    pub reason: String,
    /// Never fetched.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub reason_uri: Option<String>,
    /// Extension, which the draft allows: the subject of the refused request.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub sub: Option<String>,
    /// The actor of the refused request.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub act: Option<Requester>,
}

/// An actor of the refused request (RFC 8693 section 4.1); earlier ones nest inside. Any JSON value but an object is an error.
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
    /// From the current actor to the first one.
    pub fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |act| act.act.as_deref())
    }
}

/// Deserializes the members of [`Requester`] from an object: serde alone would read a struct from an array too.
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

/// Refuses `null` in an optional member.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
#[path = "transaction/tests.rs"]
mod tests;
