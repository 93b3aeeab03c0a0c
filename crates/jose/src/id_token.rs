//! ID tokens (OpenID Connect Core section 2).

use writ_wire::claims::IdTokenClaims;

use crate::key::{KeyError, SigningKey};

pub fn sign(key: &SigningKey, claims: &IdTokenClaims) -> Result<String, KeyError> {
    key.sign_jwt("JWT", claims)
}
