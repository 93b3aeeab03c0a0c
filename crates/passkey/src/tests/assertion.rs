//! WebAuthn 7.2: what makes a login or an approval fail, and what a success leaves.

use base64::Engine;
use serde_json::{Value, json};

use super::{CHALLENGE, Held, ORIGIN, enrol, person, phone, relying_party};
use crate::software::{Misbehaviour, SoftwareAuthenticator};
use crate::{BASE64URL, PasskeyError, UserEntity, challenge_of, unverified_credential};

fn approve_with(trick: Misbehaviour) -> PasskeyError {
    let mut held = Held::by(phone());
    held.device = held.device.with(trick);
    held.approve().unwrap_err()
}

/// An honest answer with one member replaced.
fn altered(pointer: &str, change: impl Fn(&str) -> Value) -> PasskeyError {
    let mut held = Held::by(phone());
    let ceremony = held.begin();
    let mut answer = held.device.get(&ceremony.options, ORIGIN).unwrap();
    let member = answer.pointer_mut(pointer).unwrap();
    *member = change(member.as_str().unwrap());
    held.finish(&ceremony, &answer).unwrap_err()
}

fn flipped(text: &str) -> Value {
    let mut bytes = BASE64URL.decode(text).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    json!(BASE64URL.encode(bytes))
}

#[test]
fn an_approval_signs_our_challenge() {
    let mut held = Held::by(phone());
    let ceremony = held.begin();
    assert_eq!(ceremony.challenge, BASE64URL.encode(CHALLENGE));
    assert_eq!(ceremony.options["challenge"], json!(ceremony.challenge));
    assert_eq!(ceremony.options["userVerification"], json!("required"));
    assert_eq!(
        ceremony.options["allowCredentials"][0]["id"],
        json!(held.device.credential_ids()[0])
    );
    let answer = held.device.get(&ceremony.options, ORIGIN).unwrap();
    assert_eq!(challenge_of(&answer).unwrap(), ceremony.challenge);
    let approved = held.finish(&ceremony, &answer).unwrap();
    assert!(approved.assertion.user_verified);
    assert!(!approved.assertion.backup_eligible);
    assert_eq!(approved.assertion.counter, 2);
}

#[test]
fn a_login_names_its_person() {
    let mut held = Held::by(phone());
    let ceremony = held.rp.start_login(&CHALLENGE).unwrap();
    assert_eq!(ceremony.options["userVerification"], json!("required"));
    assert_eq!(ceremony.options["allowCredentials"], json!([]));
    let answer = held.device.get(&ceremony.options, ORIGIN).unwrap();
    let claimed = unverified_credential(&answer).unwrap();
    assert_eq!(claimed.credential_id, held.device.credential_ids()[0]);
    assert_eq!(claimed.user_handle, held.rp.user_handle(&person("alice")));
    let used = held
        .rp
        .finish_login(&ceremony.state, &answer, &held.passkey);
    assert_eq!(used.unwrap().credential_id, claimed.credential_id);
}

#[test]
fn webauthn_7_2_5_only_the_credentials_that_were_asked() {
    let mut held = Held::by(phone());
    let second = enrol(&held.rp, &mut held.device, &person("alice"));
    let ceremony = held.begin();
    let other = held.device.credential_ids()[1].clone();
    let mut options = ceremony.options.clone();
    options["allowCredentials"] = json!([{ "type": "public-key", "id": other }]);
    let answer = held.device.get(&options, ORIGIN).unwrap();
    let both = [held.passkey.clone(), second];
    let refused = held.rp.finish_approval(&ceremony.state, &answer, &both);
    assert_eq!(refused.unwrap_err(), PasskeyError::Unknown);
}

#[test]
fn webauthn_7_2_6_a_removed_passkey_is_refused() {
    let mut held = Held::by(phone());
    let ceremony = held.begin();
    let answer = held.device.get(&ceremony.options, ORIGIN).unwrap();
    let refused = held.rp.finish_approval(&ceremony.state, &answer, &[]);
    assert_eq!(refused.unwrap_err(), PasskeyError::Unknown);
    let nobody = held.rp.start_approval(CHALLENGE, &[]);
    assert_eq!(nobody.unwrap_err(), PasskeyError::Unknown);
}

#[test]
fn webauthn_7_2_6_another_persons_passkey() {
    let mut held = Held::by(phone());
    let mut theirs = SoftwareAuthenticator::new([8; 32]);
    let passkey = enrol(&held.rp, &mut theirs, &person("bob"));
    let ceremony = held.begin();
    let for_bob = held.rp.start_approval(CHALLENGE, &[passkey]).unwrap();
    let answer = theirs.get(&for_bob.options, ORIGIN).unwrap();
    assert_eq!(
        held.finish(&ceremony, &answer).unwrap_err(),
        PasskeyError::Unknown
    );
    held.device = theirs;
    assert_eq!(held.log_in().unwrap_err(), PasskeyError::UserHandle);
}

#[test]
fn webauthn_7_2_6_user_handle() {
    assert_eq!(
        approve_with(Misbehaviour::UserHandle(vec![3; 16])),
        PasskeyError::UserHandle
    );
    let mut held = Held::by(phone());
    held.device = held.device.with(Misbehaviour::NoUserHandle);
    assert!(held.approve().is_ok(), "the person was known before");
    assert_eq!(held.log_in().unwrap_err(), PasskeyError::UserHandle);
}

#[test]
fn webauthn_7_2_6_the_id_names_the_key() {
    assert_eq!(
        approve_with(Misbehaviour::CredentialId(vec![9; 32])),
        PasskeyError::Unknown
    );
    assert_eq!(
        altered("/id", |_| json!("AAAA")),
        PasskeyError::CredentialId
    );
}

#[test]
fn webauthn_7_2_9_client_data_must_be_json() {
    let refused = altered("/response/clientDataJSON", |_| json!("bm90IGpzb24"));
    assert!(matches!(refused, PasskeyError::Malformed(_)), "{refused:?}");
}

#[test]
fn webauthn_7_2_10_type() {
    assert_eq!(
        approve_with(Misbehaviour::Type("webauthn.create".to_owned())),
        PasskeyError::Type
    );
}

#[test]
fn webauthn_7_2_11_challenge() {
    assert_eq!(
        approve_with(Misbehaviour::Challenge(vec![1; 32])),
        PasskeyError::Challenge
    );
    let mut held = Held::by(phone());
    let one = held.begin();
    let other = held
        .rp
        .start_approval([1; 32], std::slice::from_ref(&held.passkey));
    let answer = held.device.get(&one.options, ORIGIN).unwrap();
    let refused = held.finish(&other.unwrap(), &answer);
    assert_eq!(refused.unwrap_err(), PasskeyError::Challenge);
}

#[test]
fn webauthn_7_2_12_origin() {
    for origin in [
        "https://evil.example",
        "https://sub.as.example",
        "https://as.example:8443",
        "http://as.example",
        "https://as.example/",
    ] {
        let refused = Held::by(phone()).approve_at(origin);
        assert_eq!(refused.unwrap_err(), PasskeyError::Origin, "{origin}");
    }
}

#[test]
fn webauthn_7_2_13_cross_origin() {
    assert_eq!(
        approve_with(Misbehaviour::CrossOrigin),
        PasskeyError::CrossOrigin
    );
}

#[test]
fn webauthn_7_2_14_top_origin() {
    let top = "https://evil.example".to_owned();
    assert_eq!(
        approve_with(Misbehaviour::TopOrigin(top)),
        PasskeyError::CrossOrigin
    );
}

#[test]
fn webauthn_7_2_15_rp_id_hash() {
    assert_eq!(
        approve_with(Misbehaviour::RelyingParty("evil.example".to_owned())),
        PasskeyError::RelyingParty
    );
}

#[test]
fn webauthn_7_2_16_user_present() {
    assert_eq!(
        approve_with(Misbehaviour::NoUserPresence),
        PasskeyError::NotPresent
    );
}

#[test]
fn webauthn_7_2_17_user_verified() {
    assert_eq!(
        approve_with(Misbehaviour::NoUserVerification),
        PasskeyError::NotVerified
    );
}

#[test]
fn webauthn_7_2_18_backed_up_without_being_eligible() {
    assert_eq!(
        approve_with(Misbehaviour::BackedUpOnly),
        PasskeyError::Backup
    );
}

#[test]
fn webauthn_7_2_19_backup_eligibility_never_changes() {
    let mut held = Held::by(phone());
    held.device = held.device.synced();
    let id = held.device.credential_ids()[0].clone();
    assert_eq!(
        held.approve().unwrap_err(),
        PasskeyError::EligibilityChanged(id.clone())
    );
    assert_eq!(
        held.log_in().unwrap_err(),
        PasskeyError::EligibilityChanged(id)
    );
    held.device = held.device.with(Misbehaviour::OtherKey);
    assert_eq!(
        held.approve().unwrap_err(),
        PasskeyError::Backup,
        "who does not hold the key learns nothing more"
    );
}

#[test]
fn webauthn_7_2_19_nor_does_it_get_lost() {
    let mut held = Held::by(phone().synced());
    held.device = held.device.unsynced();
    assert!(matches!(
        held.approve().unwrap_err(),
        PasskeyError::EligibilityChanged(_)
    ));
}

#[test]
fn webauthn_6_1_3_a_backup_may_end_and_begin_again() {
    let mut held = Held::by(phone().synced());
    for backed_up in [true, false, true] {
        let device = held.device.clone().honest();
        held.device = match backed_up {
            true => device,
            false => device.with(Misbehaviour::NotYetBackedUp),
        };
        let approved = held.approve().unwrap();
        assert_eq!(approved.assertion.backed_up, backed_up);
        held.passkey = approved.passkey;
        held.passkey = held.log_in().unwrap().passkey;
    }
}

#[test]
fn webauthn_7_2_21_signature() {
    assert_eq!(
        approve_with(Misbehaviour::OtherKey),
        PasskeyError::Signature
    );
    assert_eq!(
        altered("/response/signature", flipped),
        PasskeyError::Signature
    );
    assert_eq!(
        altered("/response/authenticatorData", flipped),
        PasskeyError::Signature,
        "a counter that was not signed"
    );
}

#[test]
fn webauthn_7_2_22_counter() {
    assert_eq!(
        approve_with(Misbehaviour::OldCounter),
        PasskeyError::Counter
    );
    let mut held = Held::by(phone());
    let mut copy = held.device.clone();
    held.passkey = held.approve().unwrap().passkey;
    std::mem::swap(&mut held.device, &mut copy);
    assert_eq!(
        held.approve().unwrap_err(),
        PasskeyError::Counter,
        "a clone"
    );
}

#[test]
fn webauthn_7_2_22_a_counter_that_is_always_zero_says_nothing() {
    let mut held = Held::by(phone().synced());
    for _ in 0..2 {
        let approved = held.approve().unwrap();
        assert_eq!(approved.assertion.counter, 0);
        assert!(approved.assertion.backup_eligible && approved.assertion.backed_up);
        held.passkey = approved.passkey;
    }
}

#[test]
fn webauthn_7_2_24_the_counter_is_stored() {
    let mut held = Held::by(phone());
    let old = held.passkey.clone();
    held.passkey = held.log_in().unwrap().passkey;
    assert_ne!(held.passkey, old);
    held.passkey = held.approve().unwrap().passkey;
    assert!(held.log_in().is_ok());
}

#[test]
fn webauthn_7_2_24_the_backup_state_is_stored() {
    let backed_up = |passkey: &str| {
        let kept: Value = serde_json::from_str(passkey).unwrap();
        let state = kept.pointer("/passkey/cred/backup_state").unwrap();
        state.as_bool().unwrap()
    };
    let mut held = Held::by(phone().synced().with(Misbehaviour::NotYetBackedUp));
    assert!(!backed_up(&held.passkey));
    let keys = held.device.clone();
    held.device = keys.honest();
    let approved = held.approve().unwrap();
    assert!(approved.assertion.backed_up && backed_up(&approved.passkey));
    held.passkey = approved.passkey;
    held.device = held.device.with(Misbehaviour::NotYetBackedUp);
    assert!(!backed_up(&held.log_in().unwrap().passkey), "and back");
}

#[test]
fn a_login_is_no_approval_and_an_approval_no_login() {
    let mut held = Held::by(phone());
    let approval = held.begin();
    let answer = held.device.get(&approval.options, ORIGIN).unwrap();
    let refused = held
        .rp
        .finish_login(&approval.state, &answer, &held.passkey);
    assert_eq!(refused.unwrap_err(), PasskeyError::State);
    let login = held.rp.start_login(&CHALLENGE).unwrap();
    let answer = held.device.get(&login.options, ORIGIN).unwrap();
    assert_eq!(
        held.finish(&login, &answer).unwrap_err(),
        PasskeyError::State
    );
}

#[test]
fn several_passkeys_of_one_person() {
    let rp = relying_party();
    let alice: UserEntity = person("alice");
    let mut devices = [
        SoftwareAuthenticator::new([1; 32]),
        SoftwareAuthenticator::new([2; 32]),
    ];
    let passkeys: Vec<_> = devices
        .iter_mut()
        .map(|device| enrol(&rp, device, &alice))
        .collect();
    for (device, passkey) in devices.iter_mut().zip(&passkeys) {
        let ceremony = rp.start_approval(CHALLENGE, &passkeys).unwrap();
        let answer = device.get(&ceremony.options, ORIGIN).unwrap();
        let approved = rp
            .finish_approval(&ceremony.state, &answer, &passkeys)
            .unwrap();
        let key = crate::public_key(passkey).unwrap();
        assert_eq!(approved.public_key, key);
    }
}
