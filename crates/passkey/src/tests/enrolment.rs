//! WebAuthn 7.1: what makes an enrolment fail, and what is asked for.

use serde_json::{Value, json};
use url::Url;

use super::{ORIGIN, enrol, person, phone, relying_party};
use crate::software::{Misbehaviour, SoftwareAuthenticator};
use crate::{NewPasskey, PasskeyError, RelyingParty, RelyingPartyError};

fn attempt_at(mut device: SoftwareAuthenticator, origin: &str) -> Result<NewPasskey, PasskeyError> {
    let rp = relying_party();
    let ceremony = rp.start_enrolment(&person("alice"), &[]).unwrap();
    let answer = device.create(&ceremony.options, origin).unwrap();
    rp.finish_enrolment(&ceremony.state, &answer)
}

fn attempt(trick: Misbehaviour) -> Result<NewPasskey, PasskeyError> {
    attempt_at(phone().with(trick), ORIGIN)
}

/// An honest answer with one member replaced.
fn altered(pointer: &str, value: Value) -> Result<NewPasskey, PasskeyError> {
    let rp = relying_party();
    let ceremony = rp.start_enrolment(&person("alice"), &[]).unwrap();
    let mut answer = phone().create(&ceremony.options, ORIGIN).unwrap();
    *answer.pointer_mut(pointer).unwrap() = value;
    rp.finish_enrolment(&ceremony.state, &answer)
}

#[test]
fn webauthn_7_1_1_options_ask_for_a_discoverable_verified_es256_key() {
    let ceremony = relying_party()
        .start_enrolment(&person("alice"), &[])
        .unwrap();
    let options = ceremony.options;
    assert_eq!(options["rp"]["id"], json!("as.example"));
    assert_eq!(
        options["pubKeyCredParams"],
        json!([{ "type": "public-key", "alg": -7 }, { "type": "public-key", "alg": -257 }])
    );
    let selection = &options["authenticatorSelection"];
    assert_eq!(selection["residentKey"], json!("required"));
    assert_eq!(selection["requireResidentKey"], json!(true));
    assert_eq!(selection["userVerification"], json!("required"));
    assert_eq!(options["attestation"], json!("none"));
    assert_eq!(options["challenge"], json!(ceremony.challenge));
    assert!(ceremony.challenge.len() >= 43, "256 random bits");
}

#[test]
fn webauthn_7_1_1_a_user_handle_is_stable_and_says_nothing() {
    let rp = relying_party();
    let handle = rp.user_handle(&person("alice"));
    assert_eq!(handle, rp.user_handle(&person("alice")));
    assert_ne!(handle, rp.user_handle(&person("bob")));
    assert_eq!(handle.len(), 22, "128 bits, within the 64 bytes of 5.4.3");
    let other = RelyingParty::new(&Url::parse("https://other.example").unwrap()).unwrap();
    assert_ne!(handle, other.user_handle(&person("alice")));
}

#[test]
fn webauthn_7_1_5_client_data_must_be_json() {
    let broken = altered("/response/clientDataJSON", json!("bm90IGpzb24"));
    assert!(
        matches!(broken, Err(PasskeyError::Malformed(_))),
        "{broken:?}"
    );
}

#[test]
fn webauthn_7_1_7_type() {
    let refused = attempt(Misbehaviour::Type("webauthn.get".to_owned()));
    assert_eq!(refused.unwrap_err(), PasskeyError::Type);
}

#[test]
fn webauthn_7_1_8_challenge() {
    let refused = attempt(Misbehaviour::Challenge(vec![1; 32]));
    assert_eq!(refused.unwrap_err(), PasskeyError::Challenge);
}

#[test]
fn webauthn_7_1_9_origin() {
    for origin in [
        "https://evil.example",
        "https://sub.as.example",
        "https://as.example:8443",
        "http://as.example",
        "https://as.example/path",
    ] {
        let refused = attempt_at(phone(), origin);
        assert_eq!(refused.unwrap_err(), PasskeyError::Origin, "{origin}");
    }
}

#[test]
fn webauthn_7_1_10_cross_origin() {
    assert_eq!(
        attempt(Misbehaviour::CrossOrigin).unwrap_err(),
        PasskeyError::CrossOrigin
    );
}

#[test]
fn webauthn_7_1_11_top_origin() {
    let refused = attempt(Misbehaviour::TopOrigin("https://evil.example".to_owned()));
    assert_eq!(refused.unwrap_err(), PasskeyError::CrossOrigin);
}

#[test]
fn webauthn_7_1_13_attestation_object_must_be_cbor() {
    let broken = altered("/response/attestationObject", json!("_____w"));
    assert!(broken.is_err());
}

#[test]
fn webauthn_7_1_14_rp_id_hash() {
    let refused = attempt(Misbehaviour::RelyingParty("evil.example".to_owned()));
    assert_eq!(refused.unwrap_err(), PasskeyError::RelyingParty);
}

#[test]
fn webauthn_7_1_15_user_present() {
    assert_eq!(
        attempt(Misbehaviour::NoUserPresence).unwrap_err(),
        PasskeyError::NotPresent
    );
}

#[test]
fn webauthn_7_1_16_user_verified() {
    assert_eq!(
        attempt(Misbehaviour::NoUserVerification).unwrap_err(),
        PasskeyError::NotVerified
    );
}

#[test]
fn webauthn_7_1_17_backed_up_without_being_eligible() {
    assert_eq!(
        attempt(Misbehaviour::BackedUpOnly).unwrap_err(),
        PasskeyError::Backup
    );
}

#[test]
fn webauthn_7_1_20_algorithm_was_offered() {
    for cose in [-35, -8, -257, -65535] {
        assert!(attempt(Misbehaviour::Algorithm(cose)).is_err(), "{cose}");
    }
}

#[test]
fn webauthn_7_1_21_attestation_format_is_known() {
    let refused = attempt(Misbehaviour::Attestation("homemade".to_owned()));
    assert_eq!(refused.unwrap_err(), PasskeyError::Attestation);
}

#[test]
fn webauthn_7_1_22_attestation_statement() {
    let refused = attempt(Misbehaviour::Attestation("packed".to_owned()));
    assert_eq!(refused.unwrap_err(), PasskeyError::Attestation);
}

#[test]
fn webauthn_7_1_25_credential_id_is_at_most_1023_bytes() {
    assert!(attempt(Misbehaviour::IdLength(1023)).is_ok());
    assert_eq!(
        attempt(Misbehaviour::IdLength(1024)).unwrap_err(),
        PasskeyError::CredentialId
    );
}

#[test]
fn webauthn_7_1_25_credential_id_is_the_attested_one() {
    let refused = attempt(Misbehaviour::CredentialId(vec![9; 32]));
    assert_eq!(refused.unwrap_err(), PasskeyError::CredentialId);
    let two_names = altered("/id", json!("AAAA"));
    assert_eq!(two_names.unwrap_err(), PasskeyError::CredentialId);
}

#[test]
fn webauthn_7_1_26_a_device_is_not_enrolled_twice() {
    let rp = relying_party();
    let mut device = phone();
    let passkey = enrol(&rp, &mut device, &person("alice"));
    let ceremony = rp.start_enrolment(&person("alice"), &[passkey]).unwrap();
    assert_eq!(
        ceremony.options["excludeCredentials"][0]["id"],
        json!(device.credential_ids()[0])
    );
    let honest = device.create(&ceremony.options, ORIGIN);
    assert_eq!(honest.unwrap_err(), PasskeyError::AlreadyEnrolled);
}

#[test]
fn webauthn_7_1_28_a_key_that_cannot_be_found_again_is_refused() {
    assert_eq!(
        attempt(Misbehaviour::IgnoresOptions).unwrap_err(),
        PasskeyError::NotDiscoverable
    );
}

#[test]
fn webauthn_6_1_3_a_passkey_that_may_be_copied_is_not_bound_to_its_device() {
    let rp = relying_party();
    for (device, bound) in [(phone(), true), (phone().synced(), false)] {
        let mut device = device;
        let passkey = enrol(&rp, &mut device, &person("alice"));
        assert_eq!(crate::is_device_bound(&passkey), Ok(bound));
    }
    for broken in ["", "{}", r#"{"passkey":{"cred":{"backup_eligible":"no"}}}"#] {
        assert_eq!(crate::is_device_bound(broken), Err(PasskeyError::Key));
    }
}

#[test]
fn a_state_of_another_ceremony_is_refused() {
    let rp = relying_party();
    let ceremony = rp.start_enrolment(&person("alice"), &[]).unwrap();
    let answer = phone().create(&ceremony.options, ORIGIN).unwrap();
    let login = rp.start_login(&super::CHALLENGE).unwrap();
    let refused = rp.finish_enrolment(&login.state, &answer);
    assert_eq!(refused.unwrap_err(), PasskeyError::State);
    assert_eq!(
        rp.finish_enrolment("{}", &answer).unwrap_err(),
        PasskeyError::State
    );
}

#[test]
fn a_passkey_needs_a_host_name_and_https() {
    let of = |issuer: &str| RelyingParty::new(&Url::parse(issuer).unwrap());
    let refused = of("http://127.0.0.1:8080").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "passkeys need a host name, and `127.0.0.1` has none: use `http://localhost:8080`"
    );
    assert!(matches!(
        of("http://[::1]:9000"),
        Err(RelyingPartyError::NoHostName { .. })
    ));
    assert_eq!(
        of("http://as.example").unwrap_err(),
        RelyingPartyError::NotSecure
    );
    for (issuer, id, origin) in [
        ("https://as.example", "as.example", "https://as.example"),
        (
            "https://as.example:8443/t/a",
            "as.example",
            "https://as.example:8443",
        ),
        (
            "http://localhost:8080",
            "localhost",
            "http://localhost:8080",
        ),
    ] {
        let rp = of(issuer).unwrap();
        assert_eq!((rp.id(), rp.origin()), (id, origin));
    }
}
