//! A stored assertion is verified offline, and one that was changed is refused.

use base64::Engine;

use super::{CHALLENGE, Held, ORIGIN, phone};
use crate::{Assertion, BASE64URL, PasskeyError, VerifiedApproval, verify_receipt};

const RP_ID: &str = "as.example";

fn approved() -> VerifiedApproval {
    Held::by(phone()).approve().unwrap()
}

fn verify(approved: &VerifiedApproval, assertion: &Assertion) -> Result<(), PasskeyError> {
    verify_receipt(&approved.public_key, RP_ID, ORIGIN, CHALLENGE, assertion)
}

#[test]
fn webauthn_7_2_a_receipt_is_verified_offline() {
    let approved = approved();
    assert_eq!(verify(&approved, &approved.assertion), Ok(()));
    let text = serde_json::to_string(&approved.assertion).unwrap();
    let read: Assertion = serde_json::from_str(&text).unwrap();
    assert_eq!(read, approved.assertion);
}

#[test]
fn webauthn_7_2_11_a_receipt_for_another_challenge() {
    let approved = approved();
    let refused = verify_receipt(
        &approved.public_key,
        RP_ID,
        ORIGIN,
        [1; 32],
        &approved.assertion,
    );
    assert_eq!(refused, Err(PasskeyError::Challenge));
}

#[test]
fn webauthn_7_2_12_a_receipt_of_another_origin_or_rp_id() {
    let one = approved();
    let at =
        |rp_id, origin| verify_receipt(&one.public_key, rp_id, origin, CHALLENGE, &one.assertion);
    assert_eq!(at(RP_ID, "https://evil.example"), Err(PasskeyError::Origin));
    assert_eq!(at("evil.example", ORIGIN), Err(PasskeyError::RelyingParty));
}

#[test]
fn webauthn_7_2_21_a_receipt_by_another_key() {
    let one = approved();
    let other = Held::by(crate::software::SoftwareAuthenticator::new([9; 32])).approve();
    let refused = verify(&other.unwrap(), &one.assertion);
    assert_eq!(refused, Err(PasskeyError::Signature));
    let mut odd = one.clone();
    odd.public_key = one.public_key.replace("P-256", "P-384");
    assert_eq!(verify(&odd, &one.assertion), Err(PasskeyError::Key));
}

#[test]
fn webauthn_7_2_21_no_changed_member_passes() {
    let one = approved();
    let flip = |text: &str, at: usize| {
        let mut bytes = BASE64URL.decode(text).unwrap();
        bytes[at] ^= 4;
        BASE64URL.encode(bytes)
    };
    for at in [0, 31, 32, 33, 36] {
        let mut changed = one.assertion.clone();
        changed.authenticator_data = flip(&changed.authenticator_data, at);
        assert!(verify(&one, &changed).is_err(), "byte {at}");
    }
    let mut said = one.assertion.clone();
    said.counter += 1;
    assert!(verify(&one, &said).is_err());
    let mut said = one.assertion.clone();
    said.backed_up = true;
    assert!(verify(&one, &said).is_err());
}

#[test]
fn a_public_key_is_a_jwk_in_the_order_of_rfc_7638() {
    let key = approved().public_key;
    assert!(
        key.starts_with(r#"{"crv":"P-256","kty":"EC","x":""#),
        "{key}"
    );
}
