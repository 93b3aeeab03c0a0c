//! The digest under which client secrets, codes and refresh tokens are stored.

use writ_jose::hash;

/// Secrets of 256 random bits cannot be guessed, so a fast hash is enough.
pub fn secret_digest(secret: &str) -> String {
    hash::digest_text(&[b"secret", secret.as_bytes()])
}
