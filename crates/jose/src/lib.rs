//! Keys, JWTs, thumbprints, DPoP proofs, assertions; each check is given now.
//! One library does the cryptography (aws-lc-rs); an algorithm belongs to a key, never to a header.

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
