//! Keys, JWTs, thumbprints, DPoP proofs, assertions; each check is given now.
