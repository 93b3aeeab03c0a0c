//! Keys, JWTs, thumbprints, DPoP proofs, assertions. Each check takes the current time as an argument.
//! aws-lc-rs does the cryptography. The algorithm is that of the key; a header that names another is refused (RFC 8725 section 3.1).

pub mod access_token;
pub mod assertion;
pub mod dpop;
mod encoding;
pub mod hash;
pub mod id_token;
pub mod jws;
pub mod key;
pub mod nonce;
pub mod seal;

#[cfg(test)]
mod testing;
