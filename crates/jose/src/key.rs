//! Keys (RFC 7517, RFC 7518) with the algorithms of FAPI 2.0 section 5.4 (ES256, PS256, Ed25519), and thumbprints (RFC 7638).
//! A key has one algorithm, which follows from its type.

mod public;
mod rsa;
mod set;
mod signing;
mod thumbprint;

pub use public::{PublicKey, RsaSignatures};
pub use rsa::RsaSigningKey;
pub use set::KeySet;
pub use signing::SigningKey;
pub use thumbprint::Thumbprint;

use writ_wire::jwk::MAX_KEYS;

/// The supported signature algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    Es256,
    EdDsa,
    Ps256,
    /// Client assertions of some profiles alone (RFC 7523); no FAPI profile takes it.
    Rs256,
}

impl Algorithm {
    /// From its JOSE name; `Ed25519` (RFC 9864) is `EdDSA` with its curve.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "ES256" => Some(Self::Es256),
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            "PS256" => Some(Self::Ps256),
            _ => None,
        }
    }

    /// The same, and RS256: what a client assertion may be signed with.
    pub fn parse_of_client_assertion(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            name => Self::parse(name),
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Ps256 => "PS256",
            Self::Rs256 => "RS256",
        }
    }
}

/// Why a key is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("the key has the private member `{0}`: send and register public keys only")]
    PrivateMember(&'static str),
    #[error("a key of type `oct` is a shared secret, not a public key")]
    Symmetric,
    #[error("key type `{0}` is not supported: use `EC` with P-256, `OKP` with Ed25519, or `RSA`")]
    KeyType(String),
    #[error("curve `{0}` is not supported: use P-256 or Ed25519")]
    Curve(String),
    #[error("the key lacks the member `{0}`")]
    Missing(&'static str),
    #[error("the key's member `{0}` is not a valid base64url value")]
    Encoding(&'static str),
    #[error("the key is not a valid point on its curve")]
    Point,
    #[error("the RSA key has {0} bits: 2048 to 4096 are supported")]
    RsaSize(usize),
    #[error("the RSA key's public exponent is not supported: use 65537")]
    RsaExponent,
    #[error("the key's `alg` is `{found}`, but its type is for {expected}")]
    Algorithm {
        found: String,
        expected: &'static str,
    },
    #[error("the key's `use` or `key_ops` is not for signatures")]
    Use,
    #[error("more than {MAX_KEYS} keys")]
    TooMany,
    #[error("two keys have the `kid` `{0}`")]
    RepeatedKid(String),
    #[error("it is no JSON key set (RFC 7517 section 5)")]
    NotASet,
    #[error("there is no usable key in it")]
    NoneUsable,
    #[error("the private key cannot be read")]
    Unreadable,
    #[error("the claims cannot be written as JSON: {0}")]
    Claims(String),
    #[error("the cryptographic library failed")]
    Library,
}

#[cfg(test)]
mod client_key_tests;
#[cfg(test)]
mod tests;
