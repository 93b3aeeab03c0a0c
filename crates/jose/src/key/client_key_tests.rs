//! Keys that sign client assertions: RS256 beside PS256 (RFC 7518 section 3.3), and sets with keys of other kinds (RFC 7517 section 5).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, KeyPair, RsaKeyPair};
use serde_json::{Value, json};
use writ_wire::jwk::{JwkSet, MAX_KEYS};

use super::*;
use crate::encoding::encode;
use crate::testing::{Party, jwk, with};

/// RFC 7638 section 3.1.
const RFC_7638_N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

fn rsa() -> Value {
    json!({ "kty": "RSA", "n": RFC_7638_N, "e": "AQAB", "kid": "2011-04-29" })
}

fn refusal(value: Value) -> KeyError {
    PublicKey::from_jwk(&jwk(value)).unwrap_err()
}

#[test]
fn rfc_7518_3_3_rs256_is_for_client_assertions_alone() {
    let with_alg = |alg: &str| with(&rsa(), "alg", json!(alg));
    let made = |key: Value, signatures| PublicKey::from_jwk_with(&jwk(key), signatures);
    let algorithms = [Algorithm::Ps256, Algorithm::Rs256, Algorithm::Es256];
    for (key, signatures, expected) in [
        (rsa(), RsaSignatures::Pss, [true, false, false]),
        (rsa(), RsaSignatures::PssAndPkcs1, [true, true, false]),
        (
            with_alg("PS256"),
            RsaSignatures::PssAndPkcs1,
            [true, false, false],
        ),
        (
            with_alg("RS256"),
            RsaSignatures::PssAndPkcs1,
            [false, true, false],
        ),
    ] {
        let made = made(key.clone(), signatures).unwrap();
        assert_eq!(
            algorithms.map(|a| made.takes(a)),
            expected,
            "{key} {signatures:?}"
        );
    }
    assert!(matches!(
        refusal(with_alg("RS256")),
        KeyError::Algorithm { .. }
    ));
    let es256 = with(&Party::new(1).jwk(), "alg", json!("RS256"));
    assert!(made(es256, RsaSignatures::PssAndPkcs1).is_err());
    assert_eq!(Algorithm::parse("RS256"), None);
}

#[test]
fn rs256_verifies_only_as_rs256() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    // RFC 8017 A.1.1: a sequence of the modulus and, in its last five bytes, the exponent 65537.
    let der = pair.public_key().as_ref();
    let (n, _) = der[der.len() - 5 - 256..].split_at(256);
    let key = json!({ "kty": "RSA", "n": encode(n), "e": "AQAB" });
    let key = PublicKey::from_jwk_with(&jwk(key), RsaSignatures::PssAndPkcs1).unwrap();
    let sign = |padding| {
        let mut signature = vec![0; pair.public_modulus_len()];
        let random = SystemRandom::new();
        pair.sign(padding, &random, b"message", &mut signature)
            .unwrap();
        signature
    };
    let pss = sign(&signature::RSA_PSS_SHA256);
    let pkcs1 = sign(&signature::RSA_PKCS1_SHA256);
    for (algorithm, good, bad) in [
        (Algorithm::Rs256, &pkcs1, &pss),
        (Algorithm::Ps256, &pss, &pkcs1),
    ] {
        assert!(key.verify_as(algorithm, b"message", good));
        assert!(!key.verify_as(algorithm, b"message", bad));
        assert!(!key.verify_as(algorithm, b"massage", good));
    }
    assert!(!key.verify_as(Algorithm::Es256, b"message", &pss));
}

#[test]
fn rfc_7517_5_a_set_of_a_client_is_used_by_its_usable_keys() {
    let good = with(&Party::new(1).jwk(), "kid", json!("a"));
    let odd = [
        json!({ "kty": "AKP", "alg": "ML-DSA-44" }),
        with(&rsa(), "use", json!("enc")),
        json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" }),
    ];
    let secret = json!({ "kty": "oct", "k": "AAAA" });
    let private = with(&good, "d", json!("AAAA"));
    let set = |keys: Vec<Value>| {
        let keys = keys.into_iter().map(jwk).collect();
        KeySet::of_client(&JwkSet { keys }, RsaSignatures::Pss).map(|set| set.keys().len())
    };
    let more = |key: &Value| [&odd[..], std::slice::from_ref(key)].concat();
    assert_eq!(set(more(&good)), Ok(1));
    assert_eq!(set(more(&secret)), Err(KeyError::Symmetric));
    assert_eq!(set(more(&private)), Err(KeyError::PrivateMember("d")));
    assert!(matches!(set(odd.to_vec()), Err(KeyError::KeyType(_))));
    assert_eq!(set(vec![]), Err(KeyError::NoneUsable));
    assert!(matches!(
        set(vec![good.clone(), good.clone()]),
        Err(KeyError::RepeatedKid(_))
    ));
    assert_eq!(
        set(vec![good.clone(); MAX_KEYS + 1]),
        Err(KeyError::TooMany)
    );
    let published = |text: String| {
        KeySet::published(text.as_bytes(), RsaSignatures::Pss).map(|set| set.keys().len())
    };
    let keys = |keys: &[Value]| published(json!({ "keys": keys }).to_string());
    assert_eq!(
        keys(&[&[private, secret, json!(1)], &more(&good)[..]].concat()),
        Ok(1)
    );
    assert_eq!(keys(&odd), Err(KeyError::NoneUsable));
    let many: Vec<Value> = (1..=20).map(|seed| Party::new(seed).jwk()).collect();
    assert_eq!(keys(&many), Ok(MAX_KEYS));
    assert_eq!(published("[]".to_owned()), Err(KeyError::NotASet));
    assert_eq!(published("{}".to_owned()), Err(KeyError::NotASet));
}
