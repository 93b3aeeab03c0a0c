//! DPoP (RFC 9449): names of header fields, and the claims of a proof.

use serde::{Deserialize, Serialize};

pub const DPOP: &str = "dpop";
pub const DPOP_NONCE: &str = "dpop-nonce";
/// `typ` of a proof.
pub const PROOF_TYPE: &str = "dpop+jwt";
/// JOSE algorithms accepted in proofs and in what agents sign, in order of preference.
pub const SIGNING_ALGORITHMS: [&str; 3] = ["ES256", "EdDSA", "PS256"];
/// Those of client assertions (RFC 7523): RS256 is for plain clients alone.
pub const ASSERTION_ALGORITHMS: [&str; 4] = ["ES256", "EdDSA", "PS256", "RS256"];

/// Payload of a proof (RFC 9449 section 4.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofClaims {
    pub jti: String,
    pub htm: String,
    pub htu: String,
    pub iat: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ath: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}
