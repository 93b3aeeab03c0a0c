//! WebAuthn 7.1: what makes an enrolment fail, and what is asked for.

use serde_json::{Value, json};
use url::Url;

use super::{ORIGIN, enrol, person, phone, relying_party};
use crate::software::{Device, Trick};
use crate::{Enrolled, Fault, NoPasskeys, RelyingParty};

fn attempt_at(mut device: Device, origin: &str) -> Result<Enrolled, Fault> {
    let rp = relying_party();
    let ceremony = rp.enrol(&person("alice"), &[]).unwrap();
    let answer = device.create(&ceremony.options, origin).unwrap();
    rp.enrolled(&ceremony.state, &answer)
}

fn attempt(trick: Trick) -> Result<Enrolled, Fault> {
    attempt_at(phone().with(trick), ORIGIN)
}

/// An honest answer with one member replaced.
fn altered(pointer: &str, value: Value) -> Result<Enrolled, Fault> {
    let rp = relying_party();
    let ceremony = rp.enrol(&person("alice"), &[]).unwrap();
    let mut answer = phone().create(&ceremony.options, ORIGIN).unwrap();
    *answer.pointer_mut(pointer).unwrap() = value;
    rp.enrolled(&ceremony.state, &answer)
}

#[test]
fn webauthn_7_1_1_options_ask_for_a_discoverable_verified_es256_key() {
    let ceremony = relying_party().enrol(&person("alice"), &[]).unwrap();
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
    assert!(matches!(broken, Err(Fault::Malformed(_))), "{broken:?}");
}

#[test]
fn webauthn_7_1_7_type() {
    let refused = attempt(Trick::Type("webauthn.get".to_owned()));
    assert_eq!(refused.unwrap_err(), Fault::Type);
}

#[test]
fn webauthn_7_1_8_challenge() {
    let refused = attempt(Trick::Challenge(vec![1; 32]));
    assert_eq!(refused.unwrap_err(), Fault::Challenge);
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
        assert_eq!(refused.unwrap_err(), Fault::Origin, "{origin}");
    }
}

#[test]
fn webauthn_7_1_10_cross_origin() {
    assert_eq!(attempt(Trick::CrossOrigin).unwrap_err(), Fault::CrossOrigin);
}

#[test]
fn webauthn_7_1_11_top_origin() {
    let refused = attempt(Trick::TopOrigin("https://evil.example".to_owned()));
    assert_eq!(refused.unwrap_err(), Fault::CrossOrigin);
}

#[test]
fn webauthn_7_1_13_attestation_object_must_be_cbor() {
    let broken = altered("/response/attestationObject", json!("_____w"));
    assert!(broken.is_err());
}

#[test]
fn webauthn_7_1_14_rp_id_hash() {
    let refused = attempt(Trick::RelyingParty("evil.example".to_owned()));
    assert_eq!(refused.unwrap_err(), Fault::RelyingParty);
}

#[test]
fn webauthn_7_1_15_user_present() {
    assert_eq!(
        attempt(Trick::NoUserPresence).unwrap_err(),
        Fault::NotPresent
    );
}

#[test]
fn webauthn_7_1_16_user_verified() {
    assert_eq!(
        attempt(Trick::NoUserVerification).unwrap_err(),
        Fault::NotVerified
    );
}

#[test]
fn webauthn_7_1_17_backed_up_without_being_eligible() {
    assert_eq!(attempt(Trick::BackedUpOnly).unwrap_err(), Fault::Backup);
}

#[test]
fn webauthn_7_1_20_algorithm_was_offered() {
    for cose in [-35, -8, -257, -65535] {
        assert!(attempt(Trick::Algorithm(cose)).is_err(), "{cose}");
    }
}

#[test]
fn webauthn_7_1_21_attestation_format_is_known() {
    let refused = attempt(Trick::Attestation("homemade".to_owned()));
    assert_eq!(refused.unwrap_err(), Fault::Attestation);
}

#[test]
fn webauthn_7_1_22_attestation_statement() {
    let refused = attempt(Trick::Attestation("packed".to_owned()));
    assert_eq!(refused.unwrap_err(), Fault::Attestation);
}

#[test]
fn webauthn_7_1_25_credential_id_is_at_most_1023_bytes() {
    assert!(attempt(Trick::IdLength(1023)).is_ok());
    assert_eq!(
        attempt(Trick::IdLength(1024)).unwrap_err(),
        Fault::CredentialId
    );
}

#[test]
fn webauthn_7_1_25_credential_id_is_the_attested_one() {
    let refused = attempt(Trick::CredentialId(vec![9; 32]));
    assert_eq!(refused.unwrap_err(), Fault::CredentialId);
    let two_names = altered("/id", json!("AAAA"));
    assert_eq!(two_names.unwrap_err(), Fault::CredentialId);
}

#[test]
fn webauthn_7_1_26_a_device_is_not_enrolled_twice() {
    let rp = relying_party();
    let mut device = phone();
    let passkey = enrol(&rp, &mut device, &person("alice"));
    let ceremony = rp.enrol(&person("alice"), &[passkey]).unwrap();
    assert_eq!(
        ceremony.options["excludeCredentials"][0]["id"],
        json!(device.credential_ids()[0])
    );
    let honest = device.create(&ceremony.options, ORIGIN);
    assert_eq!(honest.unwrap_err(), Fault::Enrolled);
}

#[test]
fn webauthn_7_1_28_a_key_that_cannot_be_found_again_is_refused() {
    assert_eq!(
        attempt(Trick::Forgetful).unwrap_err(),
        Fault::NotDiscoverable
    );
}

#[test]
fn a_state_of_another_ceremony_is_refused() {
    let rp = relying_party();
    let ceremony = rp.enrol(&person("alice"), &[]).unwrap();
    let answer = phone().create(&ceremony.options, ORIGIN).unwrap();
    let login = rp.login(&super::CHALLENGE).unwrap();
    let refused = rp.enrolled(&login.state, &answer);
    assert_eq!(refused.unwrap_err(), Fault::State);
    assert_eq!(rp.enrolled("{}", &answer).unwrap_err(), Fault::State);
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
        Err(NoPasskeys::NoHostName { .. })
    ));
    assert_eq!(of("http://as.example").unwrap_err(), NoPasskeys::NotSecure);
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
