//! Keys: thumbprints (RFC 7638), accepted and refused JWKs (RFC 7517, 8037).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, Ed25519KeyPair, KeyPair, RsaKeyPair};
use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::DecodePrivateKey;
use serde_json::{Value, json};
use writ_wire::jwk::{JwkSet, MAX_KEYS};

use super::*;
use crate::encoding::{decode, encode};
use crate::testing::{Party, jwk, key_set, public, with};

/// RFC 7638 section 3.1.
const RFC_7638_N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

fn rfc_7638() -> Value {
    json!({ "kty": "RSA", "n": RFC_7638_N, "e": "AQAB", "kid": "2011-04-29" })
}

/// RFC 8037 appendix A.2.
fn rfc_8037() -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })
}

fn refusal(value: Value) -> KeyError {
    PublicKey::from_jwk(&jwk(value)).unwrap_err()
}

#[test]
fn rfc_7638_3_1_and_rfc_8037_a_3_thumbprints() {
    let rsa = public(rfc_7638());
    assert_eq!(
        rsa.thumbprint().as_str(),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    );
    assert_eq!(
        (rsa.algorithm(), rsa.kid()),
        (Algorithm::Ps256, Some("2011-04-29"))
    );
    let okp = public(rfc_8037());
    assert_eq!(
        okp.thumbprint().as_str(),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
    assert_eq!(okp.algorithm(), Algorithm::EdDsa);
}

#[test]
fn rfc_9449_6_1_thumbprint_of_the_example_key() {
    let key = public(json!({
        "kty": "EC", "crv": "P-256",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    }));
    assert_eq!(
        key.thumbprint().to_string(),
        "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    );
}

#[test]
fn optional_members_do_not_change_the_thumbprint_and_are_not_given_on() {
    for value in [rfc_7638(), rfc_8037(), Party::new(1).jwk()] {
        let plain = public(with(&value, "kid", Value::Null));
        let named = public(with(&with(&value, "kid", json!("a")), "use", json!("sig")));
        assert_eq!(plain.thumbprint(), named.thumbprint());
        assert_eq!(named.to_jwk(), jwk(with(&value, "kid", Value::Null)));
    }
}

#[test]
fn rfc_9449_4_3_7_private_members_are_refused() {
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        for value in [rfc_7638(), rfc_8037(), Party::new(1).jwk()] {
            assert_eq!(
                refusal(with(&value, name, json!("AQAB"))),
                KeyError::PrivateMember(name)
            );
        }
    }
    assert_eq!(
        refusal(json!({ "kty": "oct", "k": "AQAB" })),
        KeyError::Symmetric
    );
}

#[test]
fn other_types_curves_and_purposes_are_refused() {
    let key = Party::new(1).jwk();
    assert_eq!(
        refusal(with(&key, "kty", json!("EC2"))),
        KeyError::KeyType("EC2".into())
    );
    assert_eq!(
        refusal(with(&key, "crv", json!("P-384"))),
        KeyError::Curve("P-384".into())
    );
    assert_eq!(
        refusal(with(&rfc_8037(), "crv", json!("X25519"))),
        KeyError::Curve("X25519".into())
    );
    assert_eq!(
        refusal(with(&key, "y", Value::Null)),
        KeyError::Missing("y")
    );
    assert_eq!(refusal(with(&key, "use", json!("enc"))), KeyError::Use);
    assert_eq!(
        refusal(with(&key, "key_ops", json!(["deriveKey"]))),
        KeyError::Use
    );
    assert_eq!(
        public(with(&key, "key_ops", json!(["verify"]))),
        public(key)
    );
}

#[test]
fn rfc_8725_3_1_an_alg_that_contradicts_the_type_is_refused() {
    let wrong = [
        ("RS256", rfc_7638()),
        ("ES256", rfc_7638()),
        ("PS256", rfc_8037()),
        ("HS256", Party::new(1).jwk()),
    ];
    for (alg, value) in wrong {
        assert!(matches!(
            refusal(with(&value, "alg", json!(alg))),
            KeyError::Algorithm { .. }
        ));
    }
    for alg in ["EdDSA", "Ed25519"] {
        assert_eq!(
            public(with(&rfc_8037(), "alg", json!(alg))),
            public(rfc_8037())
        );
    }
}

#[test]
fn rfc_7518_6_2_points_off_the_curve_and_short_or_sloppy_coordinates_are_refused() {
    let key = Party::new(1).jwk();
    let x = key["x"].as_str().unwrap();
    assert_eq!(refusal(with(&key, "y", json!(x))), KeyError::Point);
    assert_eq!(
        refusal(with(&key, "x", json!(encode([0; 31])))),
        KeyError::Encoding("x")
    );
    assert_eq!(
        refusal(with(&key, "x", json!(format!("{x}=")))),
        KeyError::Encoding("x")
    );
    // 43 characters hold 258 bits: the two last ones must be zero, or one key would have four thumbprints.
    let stray = with(
        &rfc_8037(),
        "x",
        json!("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp"),
    );
    assert_eq!(refusal(stray), KeyError::Encoding("x"));
}

#[test]
fn ed25519_keys_of_small_order_are_refused() {
    let mut one = [0; 32];
    one[0] = 1;
    let mut minus_zero = [0; 32];
    minus_zero[31] = 0x80;
    let mut above_prime = [0xff; 32];
    above_prime[0] = 0xee;
    above_prime[31] = 0x7f;
    for x in [[0; 32], one, minus_zero, above_prime, [0xff; 32]] {
        assert_eq!(
            refusal(with(&rfc_8037(), "x", json!(encode(x)))),
            KeyError::Point
        );
    }
}

#[test]
fn fapi_2_5_4_rsa_keys_have_2048_to_4096_bits_and_a_real_exponent() {
    let modulus = decode(RFC_7638_N).unwrap();
    let with_n = |n: &[u8]| with(&rfc_7638(), "n", json!(encode(n)));
    assert_eq!(refusal(with_n(&modulus[1..])), KeyError::RsaSize(2040));
    let mut half = modulus.clone();
    half[0] >>= 1;
    assert_eq!(refusal(with_n(&half)), KeyError::RsaSize(2047));
    assert_eq!(
        refusal(with_n(&[vec![1], modulus.repeat(2)].concat())),
        KeyError::RsaSize(4097)
    );
    assert!(matches!(
        refusal(with_n(&[0xff; 4096])),
        KeyError::RsaSize(_)
    ));
    // A longer text is judged by its length alone: what has 1024 characters is decoded, and has so many bits.
    assert_eq!(refusal(with_n(&[0xff; 768])), KeyError::RsaSize(768 * 8));
    assert_eq!(refusal(with_n(&[0xff; 769])), KeyError::RsaSize(1026 * 6));
    assert_eq!(
        refusal(with_n(&[vec![0], modulus.clone()].concat())),
        KeyError::Encoding("n")
    );
    assert_eq!(refusal(with_n(&[])), KeyError::Encoding("n"));
    let longest = with(&rfc_7638(), "e", json!(encode([0xff; 4])));
    assert!(PublicKey::from_jwk(&jwk(longest)).is_ok(), "32 bits");
    for e in [&[1_u8][..], &[2], &[1, 0, 0, 0, 1], &[1, 0]] {
        assert_eq!(
            refusal(with(&rfc_7638(), "e", json!(encode(e)))),
            KeyError::RsaExponent
        );
    }
}

#[test]
fn ps256_verifies_what_the_library_signs() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    // RFC 8017 A.1.1: a sequence of the modulus and, in its last five bytes, the exponent 65537.
    let der = pair.public_key().as_ref();
    let (n, e) = der[der.len() - 5 - 256..].split_at(256);
    assert_eq!(e, [2, 3, 1, 0, 1]);
    let key = public(json!({
        "kty": "RSA", "alg": "PS256",
        "n": encode(n), "e": "AQAB",
    }));
    let signed = |encoding| {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &SystemRandom::new(), b"message", &mut signature)
            .unwrap();
        signature
    };
    assert!(key.verify(b"message", &signed(&signature::RSA_PSS_SHA256)));
    assert!(!key.verify(b"Message", &signed(&signature::RSA_PSS_SHA256)));
    // FAPI 2.0 5.4: PKCS #1 v1.5 is refused.
    assert!(!key.verify(b"message", &signed(&signature::RSA_PKCS1_SHA256)));
    assert!(!key.verify(b"message", &signed(&signature::RSA_PSS_SHA384)));
}

#[test]
fn ed25519_verifies_what_the_library_signs() {
    for seed in 0..20 {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let key = public(with(&rfc_8037(), "x", json!(encode(pair.public_key()))));
        assert!(key.verify(b"message", pair.sign(b"message").as_ref()));
        assert!(!key.verify(b"Message", pair.sign(b"message").as_ref()));
    }
}

#[test]
fn es256_and_p256_agree_both_ways() {
    for _ in 0..20 {
        let ours = SigningKey::generate().unwrap();
        let theirs = p256::ecdsa::SigningKey::from_pkcs8_der(&ours.to_pkcs8()).unwrap();
        let signature: Signature = theirs.sign(b"message");
        assert!(ours.public().verify(b"message", &signature.to_bytes()));
        assert!(!ours.public().verify(b"Message", &signature.to_bytes()));
        assert!(!ours.public().verify(b"message", &signature.to_bytes()[1..]));
        assert!(
            !ours
                .public()
                .verify(b"message", signature.to_der().as_bytes())
        );

        let text = ours.sign_jwt("at+jwt", &json!({ "sub": "a" })).unwrap();
        let (input, signature) = text.rsplit_once('.').unwrap();
        let signature = Signature::from_slice(&decode(signature).unwrap()).unwrap();
        let verifying = VerifyingKey::from(&theirs);
        assert!(verifying.verify(input.as_bytes(), &signature).is_ok());
    }
}

#[test]
fn a_signing_key_survives_pkcs8_and_publishes_no_secret() {
    let key = SigningKey::generate().unwrap();
    let again = SigningKey::from_pkcs8(&key.to_pkcs8()).unwrap();
    assert_eq!(again.kid(), key.kid());
    let published = serde_json::to_value(key.public_jwk()).unwrap();
    let names: Vec<_> = published
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    assert_eq!(published["kid"], key.public().thumbprint().as_str());
    assert_eq!(
        PublicKey::from_jwk(&key.public_jwk()).unwrap().thumbprint(),
        key.public().thumbprint()
    );
    assert_eq!(
        format!("{key:?}"),
        format!("SigningKey {{ kid: \"{}\", .. }}", key.kid())
    );
    assert_eq!(
        SigningKey::from_pkcs8(b"no key").unwrap_err(),
        KeyError::Unreadable
    );
}

#[test]
fn a_set_has_few_keys_and_no_kid_twice() {
    let named = |seed, kid: &str| with(&Party::new(seed).jwk(), "kid", json!(kid));
    let set = key_set(&[named(1, "a"), named(2, "b"), Party::new(3).jwk()]);
    let found = |kid| set.candidates(kid).count();
    assert_eq!((found(Some("a")), found(Some("c")), found(None)), (1, 0, 3));

    let refused = |keys: Vec<Value>| {
        KeySet::from_jwks(&JwkSet {
            keys: keys.into_iter().map(jwk).collect(),
        })
        .unwrap_err()
    };
    assert_eq!(
        refused(vec![named(1, "a"), named(2, "a")]),
        KeyError::RepeatedKid("a".into())
    );
    assert_eq!(
        refused(vec![Party::new(1).jwk(); MAX_KEYS + 1]),
        KeyError::TooMany
    );
    let private = with(&named(1, "a"), "d", json!("AQAB"));
    assert_eq!(
        refused(vec![named(2, "b"), private]),
        KeyError::PrivateMember("d")
    );
}

#[test]
fn a_thumbprint_is_32_bytes_of_strict_base64url() {
    let good = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    assert_eq!(Thumbprint::parse(good).unwrap().as_str(), good);
    for bad in [
        "",
        &good[1..],
        &format!("{good}="),
        &good.replace('-', "+"),
        &good.replace("A4I", "A4J"),
    ] {
        assert_eq!(Thumbprint::parse(bad), None, "{bad}");
        assert!(
            serde_json::from_value::<Thumbprint>(json!(bad)).is_err(),
            "{bad}"
        );
    }
    assert_eq!(
        serde_json::to_value(Thumbprint::parse(good)).unwrap(),
        json!(good)
    );
}
