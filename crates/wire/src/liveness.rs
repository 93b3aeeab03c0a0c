//! What goes to a verifier of liveness and what comes back (docs/liveness.md): two JWTs, each in one parameter of an address.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `typ` of what we send.
pub const REQUEST_TYPE: &str = "writ-liveness-request+jwt";
/// `typ` of what comes back.
pub const RESULT_TYPE: &str = "writ-liveness-result+jwt";
/// Added to the verifier's address.
pub const REQUEST_PARAMETER: &str = "liveness_request";
/// Added to `return_to`.
pub const RESULT_PARAMETER: &str = "liveness_result";
/// The only `result` that counts.
pub const LIVE: &str = "live";

/// "Show me that this person is there, for this screen."
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LivenessRequest {
    pub iss: String,
    pub aud: String,
    /// A pseudonym: always the same for this person at this verifier, and nowhere else.
    pub sub: String,
    pub jti: String,
    pub iat: i64,
    pub exp: i64,
    /// The hash of the screen.
    pub challenge: String,
    /// Where the result goes, by the person's browser.
    pub return_to: String,
    /// The language of our page (OpenID Connect Core 3.1.2.1).
    pub ui_locales: String,
}

/// What the verifier found, beside the claims that every assertion has ([`crate::claims::AssertionClaims`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LivenessFinding {
    /// Of the request.
    pub challenge: String,
    /// [`LIVE`], or why not.
    pub result: String,
    /// The verifier's own name for what it keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Value>,
}
