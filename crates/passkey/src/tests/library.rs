//! The layout of webauthn-rs's serialised state, into which this crate writes. An update that changes it fails here.

use base64::Engine;
use serde_json::{Value, json};

use super::{CHALLENGE, ORIGIN, person, relying_party};
use crate::PasskeyError;
use crate::state::{challenge, library, put_challenge, to_json};

#[test]
fn webauthn_rs_keeps_the_challenge_at_ast_challenge() {
    let rp = relying_party();
    let (options, kept) = rp.library.start_discoverable_authentication().unwrap();
    let kept = to_json(&kept).unwrap();
    let members: Vec<_> = kept["ast"].as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        [
            "allow_backup_eligible_upgrade",
            "appid",
            "challenge",
            "credentials",
            "policy"
        ]
    );
    let options = to_json(&options).unwrap();
    assert_eq!(kept["ast"]["challenge"], options["publicKey"]["challenge"]);
    assert_eq!(kept["ast"]["policy"], json!("required"));
    assert_eq!(kept["ast"]["allow_backup_eligible_upgrade"], json!(false));
}

#[test]
fn webauthn_rs_keeps_what_an_enrolment_may_be() {
    let rp = relying_party();
    let ceremony = rp.start_enrolment(&person("alice"), &[]).unwrap();
    let state: Value = serde_json::from_str(&ceremony.state).unwrap();
    let kept = &state["library"]["rs"];
    assert_eq!(kept["credential_algorithms"], json!(["ES256", "RS256"]));
    assert_eq!(kept["require_resident_key"], json!(true));
    assert_eq!(kept["policy"], json!("required"));
    assert_eq!(kept["challenge"], json!(ceremony.challenge));
}

/// webauthn-rs compares with the challenge that was written into its state.
#[test]
fn webauthn_rs_compares_with_the_challenge_in_its_state() {
    let rp = relying_party();
    let mut device = super::phone();
    let passkey = super::enrol(&rp, &mut device, &person("alice"));
    let (options, kept) = rp.library.start_discoverable_authentication().unwrap();
    let mut options = to_json(&options).unwrap();
    let mut kept = to_json(&kept).unwrap();
    let theirs = options.clone();
    put_challenge(&crate::BASE64URL.encode(CHALLENGE), &mut options, &mut kept).unwrap();
    let key = crate::key::Key::read(&passkey).unwrap();
    let mut verify = |options: &Value| {
        let answer = device.get(options, ORIGIN).unwrap();
        let answer = serde_json::from_value(answer).unwrap();
        let state = library(kept.clone()).unwrap();
        rp.library
            .finish_discoverable_authentication_v2(&answer, state, &key.passkey)
            .map_err(PasskeyError::from)
    };
    assert_eq!(verify(&theirs).unwrap_err(), PasskeyError::Challenge);
    assert!(verify(&options).is_ok());
}

#[test]
fn a_changed_form_is_refused() {
    let moved = json!({ "state": { "challenge": "AA" } });
    assert_eq!(challenge(&moved), Err(PasskeyError::Form));
    let mut options = json!({ "publicKey": { "challenge": "AA" } });
    let mut kept = json!({ "ast": { "challenge": "BB" } });
    let two = put_challenge("CC", &mut options, &mut kept);
    assert_eq!(
        two,
        Err(PasskeyError::Form),
        "the two halves must agree before"
    );
    let unread = library::<webauthn_rs::prelude::DiscoverableAuthentication>(moved);
    assert_eq!(unread.unwrap_err(), PasskeyError::Form);
}
