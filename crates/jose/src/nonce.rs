//! Stateless DPoP nonces (RFC 9449 sections 8 and 9): a time and its HMAC, under keys that change every five minutes.
//! All nodes with the same secret accept them. A nonce may be used many times while it is valid.

use aws_lc_rs::hmac;
use writ_wire::time::Timestamp;

use crate::encoding::{decode_exactly, encode};
use crate::hash::constant_time_eq;

/// How long one key makes nonces. A valid nonce is of the current or the previous key.
pub const EPOCH_SECONDS: i64 = 300;
/// The oldest nonce that is accepted.
pub const MAX_NONCE_AGE_SECONDS: i64 = 300;
/// How far the clocks of two nodes may differ.
pub const NONCE_SKEW_SECONDS: i64 = 10;

/// Issues and checks the nonces of one server: `realm` is an issuer or a resource server.
#[derive(Clone)]
pub struct NonceKeys(hmac::Key);

impl NonceKeys {
    /// Nonces of one realm are not valid in another, even under the same secret.
    pub fn new(secret: &[u8; 32], realm: &str) -> Self {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let mut context = hmac::Context::with_key(&secret);
        context.update(b"writ dpop nonce\0");
        context.update(realm.as_bytes());
        Self(key_of(&context.sign()))
    }

    pub fn issue(&self, now: Timestamp) -> String {
        let issued_at = now.seconds();
        let tag = self.tag(issued_at);
        let mut bytes = [0; NONCE_BYTES];
        let source = issued_at.to_be_bytes().into_iter().chain(tag);
        for (to, from) in bytes.iter_mut().zip(source) {
            *to = from;
        }
        encode(bytes)
    }

    pub fn accepts(&self, nonce: &str, now: Timestamp) -> bool {
        let Some(bytes) = decode_exactly::<NONCE_BYTES>(nonce) else {
            return false;
        };
        let (Some(time), Some(tag)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<TAG_BYTES>())
        else {
            return false;
        };
        let issued_at = i64::from_be_bytes(*time);
        let age = now.seconds().saturating_sub(issued_at);
        (-NONCE_SKEW_SECONDS..=MAX_NONCE_AGE_SECONDS).contains(&age)
            && constant_time_eq(&self.tag(issued_at), tag)
    }

    fn tag(&self, issued_at: i64) -> [u8; TAG_BYTES] {
        let epoch = issued_at.div_euclid(EPOCH_SECONDS);
        let epoch_key = key_of(&hmac::sign(&self.0, &epoch.to_be_bytes()));
        let tag = hmac::sign(&epoch_key, &issued_at.to_be_bytes());
        tag.as_ref().first_chunk().copied().unwrap_or_default()
    }
}

fn key_of(tag: &hmac::Tag) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref())
}

const TAG_BYTES: usize = 16;
const NONCE_BYTES: usize = 8 + TAG_BYTES;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::encoding::decode;

    const START: i64 = 1_790_000_100; // the first second of an epoch

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(START + seconds)
    }

    fn keys() -> NonceKeys {
        NonceKeys::new(&[7; 32], "https://as.example")
    }

    #[test]
    fn rfc_9449_8_1_a_nonce_is_printable_and_lives_five_minutes() {
        assert_eq!(START % EPOCH_SECONDS, 0);
        for issued in [0, 1, 150, 299] {
            let nonce = keys().issue(at(issued));
            assert_eq!(nonce.len(), 32);
            assert!(
                nonce
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            );
            for age in [0, 1, 299, 300] {
                assert!(keys().accepts(&nonce, at(issued + age)), "{issued} {age}");
            }
            assert!(!keys().accepts(&nonce, at(issued + 301)));
            assert!(keys().accepts(&nonce, at(issued - 10)));
            assert!(!keys().accepts(&nonce, at(issued - 11)));
        }
    }

    #[test]
    fn two_realms_and_two_secrets_never_accept_each_other() {
        let nonce = keys().issue(at(0));
        assert!(!NonceKeys::new(&[7; 32], "https://bank.example").accepts(&nonce, at(0)));
        assert!(!NonceKeys::new(&[8; 32], "https://as.example").accepts(&nonce, at(0)));
        assert!(NonceKeys::new(&[7; 32], "https://as.example").accepts(&nonce, at(0)));
    }

    #[test]
    fn a_changed_nonce_is_refused() {
        let good = decode(&keys().issue(at(0))).unwrap();
        for place in 0..good.len() {
            let mut changed = good.clone();
            changed[place] ^= 1;
            assert!(!keys().accepts(&encode(&changed), at(0)), "{place}");
        }
        for bad in [
            "",
            "x",
            &encode([0; 24]),
            &encode([0xff; 24]),
            &encode(&good[1..]),
        ] {
            assert!(!keys().accepts(bad, at(0)), "{bad}");
        }
        let later = at(0).plus(Duration::from_secs(1));
        assert_ne!(keys().issue(at(0)), keys().issue(later));
    }
}
