//! SHA-256, and hashes made with it: `ath` (RFC 9449 section 4.2), `at_hash` (OpenID Connect Core section 3.1.3.6), replay digests.

use aws_lc_rs::digest::{Context, SHA256, digest};
use subtle::ConstantTimeEq;

use crate::encoding::encode;

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    array(digest(&SHA256, bytes).as_ref())
}

/// base64url SHA-256 over the parts, each prefixed with its length, so that no two lists of parts have the same input.
pub fn digest_text(parts: &[&[u8]]) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    encode(context.finish())
}

/// `ath`: base64url SHA-256 of the token's text.
pub fn access_token_hash(token: &str) -> String {
    encode(sha256(token.as_bytes()))
}

/// `at_hash` of an ID token signed with ES256: the left half of the hash.
pub fn at_hash(token: &str) -> String {
    let hash = sha256(token.as_bytes());
    encode(hash.split_at(hash.len() / 2).0)
}

/// Compares in constant time for equal lengths.
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// SHA-256 of the concatenated parts, for formats that define the exact bytes.
pub(crate) fn sha256_of(parts: &[&str]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part.as_bytes());
    }
    array(context.finish().as_ref())
}

/// The library gives slices; a SHA-256 always has 32 bytes.
pub(crate) fn array(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(bytes) {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cannot_run_into_each_other() {
        assert_ne!(digest_text(&[b"ab", b"c"]), digest_text(&[b"a", b"bc"]));
        assert_ne!(digest_text(&[b"a", b""]), digest_text(&[b"a"]));
        assert_eq!(digest_text(&[b"a"]).len(), 43);
    }

    #[test]
    fn fips_180_abc() {
        let expected = [
            0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae,
            0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61,
            0xf2, 0x00, 0x15, 0xad,
        ];
        assert_eq!(sha256(b"abc"), expected);
        assert_eq!(sha256_of(&["a", "bc"]), expected);
    }

    #[test]
    fn rfc_9449_7_1_ath_example() {
        assert_eq!(
            access_token_hash("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"),
            "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
        );
    }

    #[test]
    fn openid_core_a_3_at_hash_example() {
        assert_eq!(
            at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
    }

    #[test]
    fn constant_time_eq_compares_all() {
        assert!(constant_time_eq(b"abc", b"abc"));
        assert!(!constant_time_eq(b"abc", b"abd"));
        assert!(!constant_time_eq(b"abc", b"ab"));
    }
}
