//! RS256, as the TPM of a Windows device has it: enrolled, used, and verified offline (RFC 8812 section 2, RFC 8230 section 4).

use serde_json::{Value, json};

use super::{CHALLENGE, Held, ORIGIN, person, phone, relying_party};
use crate::software::Misbehaviour;
use crate::{PasskeyError, verify_receipt};

#[test]
fn rfc_8812_2_a_windows_device_enrols_logs_in_and_approves() {
    let mut held = Held::by(phone().rs256());
    held.log_in().unwrap();
    let approved = held.approve().unwrap();
    let key: Value = serde_json::from_str(&approved.public_key).unwrap();
    assert_eq!((&key["kty"], &key["e"]), (&json!("RSA"), &json!("AQAB")));
    assert_eq!(key["n"].as_str().unwrap().len(), 342, "2048 bits");
    let verify = |challenge| {
        let (rp_id, key) = ("as.example", &approved.public_key);
        verify_receipt(key, rp_id, ORIGIN, challenge, &approved.assertion)
    };
    assert_eq!(verify(CHALLENGE), Ok(()));
    assert_eq!(verify([1; 32]), Err(PasskeyError::Challenge));
}

#[test]
fn webauthn_7_2_21_an_rs256_signature_by_another_key_or_over_other_bytes() {
    let mut held = Held::by(phone().rs256());
    let approved = held.approve().unwrap();
    let other = Held::by(phone().rs256()).approve().unwrap();
    let verify =
        |key: &str, assertion| verify_receipt(key, "as.example", ORIGIN, CHALLENGE, assertion);
    let refused = verify(&other.public_key, &approved.assertion);
    assert_eq!(refused, Err(PasskeyError::Signature));
    let mut changed = approved.assertion.clone();
    changed.signature = other.assertion.signature.clone();
    assert_eq!(
        verify(&approved.public_key, &changed),
        Err(PasskeyError::Signature)
    );
    // An ES256 key does not verify it, whatever `alg` says.
    let elliptic = Held::by(phone()).approve().unwrap();
    let refused = verify(&elliptic.public_key, &approved.assertion);
    assert_eq!(refused, Err(PasskeyError::Signature));
    held.device = held.device.with(Misbehaviour::OtherKey);
    assert_eq!(held.approve().unwrap_err(), PasskeyError::Signature);
}

#[test]
fn rfc_8017_a_weak_or_odd_rsa_key_verifies_nothing() {
    let approved = Held::by(phone().rs256()).approve().unwrap();
    let key: Value = serde_json::from_str(&approved.public_key).unwrap();
    let n = key["n"].as_str().unwrap();
    for (member, value) in [
        ("e", json!("AQ")),
        ("e", json!("Aw")),
        ("e", json!("AAAAAQAB")),
        ("n", json!(&n[..171])),
        ("n", json!(format!("AAAA{n}"))),
        ("n", json!("")),
        ("kty", json!("EC")),
        ("alg", json!("none")),
    ] {
        let mut odd = key.clone();
        odd[member] = value;
        let refused = verify_receipt(
            &odd.to_string(),
            "as.example",
            ORIGIN,
            CHALLENGE,
            &approved.assertion,
        );
        assert_eq!(refused, Err(PasskeyError::Key), "{odd}");
    }
}

#[test]
fn webauthn_7_1_20_both_algorithms_are_offered_and_no_other() {
    let rp = relying_party();
    let offered = rp.start_enrolment(&person("alice"), &[]).unwrap().options;
    let algorithms: Vec<_> = offered["pubKeyCredParams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["alg"].clone())
        .collect();
    assert_eq!(algorithms, [json!(-7), json!(-257)], "the better one first");
    // An RSA key with the COSE algorithm PS256, RS384 or RS1.
    for cose in [-37, -258, -65535, -7] {
        let mut device = phone().rs256().with(Misbehaviour::Algorithm(cose));
        let ceremony = rp.start_enrolment(&person("alice"), &[]).unwrap();
        let answer = device.create(&ceremony.options, ORIGIN).unwrap();
        assert!(
            rp.finish_enrolment(&ceremony.state, &answer).is_err(),
            "{cose}"
        );
    }
}

#[test]
fn webauthn_13_4_3_a_challenge_is_long_enough() {
    let rp = relying_party();
    assert_eq!(
        rp.start_login(&[7; 15]).unwrap_err(),
        PasskeyError::Challenge
    );
    let long = rp.start_login(&[7; 52]).unwrap();
    assert_eq!(long.options["challenge"], json!(long.challenge));
}
