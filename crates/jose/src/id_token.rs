//! ID tokens (OpenID Connect Core section 2).

use writ_wire::claims::IdTokenClaims;

use crate::key::{KeyError, SigningKey};

/// Signs an ID token.
pub fn sign(key: &SigningKey, claims: &IdTokenClaims) -> Result<String, KeyError> {
    key.sign_jwt("JWT", claims)
}
