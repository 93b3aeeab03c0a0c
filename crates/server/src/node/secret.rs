//! What is kept of secrets.

use writ_jose::hash;

/// What is stored of a client secret, a code, a refresh token: 256 random bits need no slow hash (promise 9).
pub fn secret_digest(secret: &str) -> String {
    hash::digest_text(&[b"secret", secret.as_bytes()])
}
