//! Request to an external liveness verifier and its result (docs/liveness.md): two JWTs, each in a URL parameter.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `typ` of the request.
pub const REQUEST_TYPE: &str = "writ-liveness-request+jwt";
/// `typ` of the result.
pub const RESULT_TYPE: &str = "writ-liveness-result+jwt";
/// The parameter that is added to the verifier's URL.
pub const REQUEST_PARAMETER: &str = "liveness_request";
/// The parameter that the verifier adds to `return_to`.
pub const RESULT_PARAMETER: &str = "liveness_result";
/// `result` of a successful check.
pub const LIVE: &str = "live";

/// Claims of a request: that the verifier check that a live person is in front of the approval screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LivenessRequest {
    pub iss: String,
    pub aud: String,
    /// A pairwise pseudonym: the same for one user at one verifier, another at every other verifier.
    pub sub: String,
    pub jti: String,
    pub iat: i64,
    pub exp: i64,
    /// The hash of the approval screen.
    pub challenge: String,
    /// The URL to which the verifier sends the browser with the result.
    pub return_to: String,
    /// The language of the approval page (OpenID Connect Core section 3.1.2.1).
    pub ui_locales: String,
}

/// Claims of a result, beside those that every assertion has ([`crate::claims::AssertionClaims`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LivenessResultClaims {
    /// The `challenge` of the request.
    pub challenge: String,
    /// [`LIVE`], or why the check failed.
    pub result: String,
    /// The verifier's reference to the evidence that it keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Value>,
}
