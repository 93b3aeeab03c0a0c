//! Steps of WebAuthn (level 3, 7.1 and 7.2) that are about the whole ceremony: each other step has its test in `crates/passkey`.

use serde_json::{Value, json};
use url::Url;
use writ_passkey::software::{Misbehaviour, SoftwareAuthenticator};
use writ_passkey::{PasskeyError, RelyingParty, UserEntity, VerifiedApproval};

const ORIGIN: &str = "https://as.example";

fn relying_party() -> RelyingParty {
    RelyingParty::new(&Url::parse(ORIGIN).unwrap()).unwrap()
}

fn phone() -> SoftwareAuthenticator {
    SoftwareAuthenticator::new([9; 32])
}

/// Enrols after `change` had its way with the device's answer; answers what is kept.
fn enrolled(
    device: &mut SoftwareAuthenticator,
    change: impl FnOnce(&mut Value),
) -> Result<String, PasskeyError> {
    let person = UserEntity {
        id: "usr_alice".to_owned(),
        name: "alice".to_owned(),
    };
    let rp = relying_party();
    let ceremony = rp.start_enrolment(&person, &[])?;
    let mut answer = device.create(&ceremony.options, ORIGIN)?;
    change(&mut answer);
    Ok(rp.finish_enrolment(&ceremony.state, &answer)?.passkey)
}

fn approved(
    device: &mut SoftwareAuthenticator,
    passkey: &str,
    change: impl FnOnce(&mut Value),
) -> Result<VerifiedApproval, PasskeyError> {
    let rp = relying_party();
    let passkeys = [passkey.to_owned()];
    let ceremony = rp.start_approval([3; 32], &passkeys)?;
    let mut answer = device.get(&ceremony.options, ORIGIN)?;
    change(&mut answer);
    rp.finish_approval(&ceremony.state, &answer, &passkeys)
}

fn unsolicited(answer: &mut Value) {
    let results = &mut answer["clientExtensionResults"];
    results["appid"] = json!(true);
    results["hmacCreateSecret"] = json!(true);
    results["madeUp"] = json!({ "deep": [1, 2, 3] });
}

#[test]
fn webauthn_7_1_27_the_record_holds_the_counter_of_the_enrolment() {
    let mut device = phone();
    let passkey = enrolled(&mut device, |_| {}).unwrap();
    let mut clone = device.clone().with(Misbehaviour::OldCounter);
    assert!(approved(&mut clone, &passkey, |_| {}).is_err());
    assert!(approved(&mut device, &passkey, |_| {}).is_ok());
}

#[test]
fn webauthn_7_1_27_the_record_holds_the_key_of_the_enrolment() {
    let mut device = phone();
    let passkey = enrolled(&mut device, |_| {}).unwrap();
    let mut thief = device.clone().with(Misbehaviour::OtherKey);
    assert!(approved(&mut thief, &passkey, |_| {}).is_err());
}

#[test]
fn webauthn_7_1_28_unsolicited_extensions_do_no_harm() {
    let mut device = phone();
    let passkey = enrolled(&mut device, unsolicited).unwrap();
    assert!(approved(&mut device, &passkey, |_| {}).is_ok());
}

#[test]
fn webauthn_7_2_23_unsolicited_extensions_do_no_harm() {
    let mut device = phone();
    let passkey = enrolled(&mut device, |_| {}).unwrap();
    let approved = approved(&mut device, &passkey, unsolicited).unwrap();
    assert!(approved.assertion.user_verified);
}

/// Also where all other steps pass, and none of them leaves a mark: the same passkey is good afterwards.
#[test]
fn webauthn_7_2_25_one_failed_step_fails_the_whole() {
    let mut device = phone();
    let passkey = enrolled(&mut device, |_| {}).unwrap();
    let tricks = [
        Misbehaviour::NoUserPresence,
        Misbehaviour::NoUserVerification,
        Misbehaviour::RelyingParty("other.example".to_owned()),
        Misbehaviour::Challenge(vec![1; 32]),
        Misbehaviour::Type("webauthn.create".to_owned()),
        Misbehaviour::CrossOrigin,
        Misbehaviour::TopOrigin("https://frame.example".to_owned()),
        Misbehaviour::OldCounter,
        Misbehaviour::OtherKey,
        Misbehaviour::CredentialId(vec![1; 32]),
        Misbehaviour::UserHandle(vec![1; 16]),
        Misbehaviour::BackedUpOnly,
    ];
    for trick in tricks {
        let mut bad = device.clone().with(trick.clone());
        assert!(approved(&mut bad, &passkey, |_| {}).is_err(), "{trick:?}");
    }
    assert!(approved(&mut device, &passkey, |_| {}).is_ok());
}
