//! The test vectors of WebAuthn Level 3, section 16, of RP ID `example.org`.

use base64::Engine;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::person;
use crate::key::PublicKey;
use crate::{Assertion, BASE64URL, PasskeyError, RelyingParty, public_key, verify_receipt};

const ORIGIN: &str = "https://example.org";

#[test]
fn webauthn_16_3_registration_with_self_attestation() {
    assert_eq!(packed_key(), PACKED_KEY);
}

#[test]
fn webauthn_16_3_authentication() {
    let client_data = text_of(PACKED_CLIENT_DATA);
    let mut signed = bytes(PACKED_DATA);
    signed.extend(Sha256::digest(&client_data));
    let key = PublicKey::read(&packed_key()).unwrap();
    assert_eq!(key.verify(&signed, &bytes(PACKED_SIGNATURE)), Ok(()));
    signed[36] ^= 1;
    let changed = key.verify(&signed, &bytes(PACKED_SIGNATURE));
    assert_eq!(changed, Err(PasskeyError::Signature));
}

#[test]
fn webauthn_16_3_authentication_without_user_verification_is_refused() {
    let assertion = assertion(PACKED_DATA, PACKED_CLIENT_DATA, PACKED_SIGNATURE);
    let refused = verify(&packed_key(), PACKED_CHALLENGE, &assertion);
    assert_eq!(refused, Err(PasskeyError::NotVerified));
}

#[test]
fn webauthn_16_4_cross_origin_is_refused() {
    let assertion = assertion(FRAMED_DATA, FRAMED_CLIENT_DATA, FRAMED_SIGNATURE);
    let refused = verify(&packed_key(), FRAMED_CHALLENGE, &assertion);
    assert_eq!(refused, Err(PasskeyError::CrossOrigin));
}

fn verify(key: &str, challenge: &str, assertion: &Assertion) -> Result<(), PasskeyError> {
    let challenge = bytes(challenge).try_into().unwrap();
    verify_receipt(key, "example.org", ORIGIN, challenge, assertion)
}

/// Enrols the vector's credential: only the challenge is written into the state.
fn packed_key() -> String {
    let rp = RelyingParty::new(&Url::parse(ORIGIN).unwrap()).unwrap();
    let ceremony = rp.start_enrolment(&person("alice"), &[]).unwrap();
    let mut state: Value = serde_json::from_str(&ceremony.state).unwrap();
    state["library"]["rs"]["challenge"] = json!(BASE64URL.encode(bytes(PACKED_CREATE_CHALLENGE)));
    let id = BASE64URL.encode(bytes(PACKED_ID));
    let answer = json!({
        "id": id, "rawId": id, "type": "public-key",
        "response": {
            "clientDataJSON": BASE64URL.encode(text_of(PACKED_CREATE_CLIENT_DATA)),
            "attestationObject": BASE64URL.encode(bytes(PACKED_ATTESTATION)),
        },
        "clientExtensionResults": {},
    });
    let enrolled = rp.finish_enrolment(&state.to_string(), &answer).unwrap();
    assert_eq!(enrolled.credential_id, id);
    public_key(&enrolled.passkey).unwrap()
}

fn assertion(data: &str, client_data: &str, signature: &str) -> Assertion {
    let data = bytes(data);
    Assertion {
        credential_id: String::new(),
        counter: 0,
        user_verified: data[32] & 4 != 0,
        backup_eligible: data[32] & 8 != 0,
        backed_up: data[32] & 16 != 0,
        authenticator_data: BASE64URL.encode(&data),
        client_data_json: BASE64URL.encode(text_of(client_data)),
        signature: BASE64URL.encode(bytes(signature)),
    }
}

/// Client data of the vectors, with the `extraData` member after the start.
fn text_of(start: &str) -> String {
    let (start, random) = start.split_once('|').unwrap();
    format!(
        "{start},\"extraData\":\"clientDataJSON may be extended with additional fields in the \
         future, such as this: {random}\"}}"
    )
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

const PACKED_KEY: &str = r#"{"crv":"P-256","kty":"EC","x":"6xUcgXayJcxlFVn-zwevRQ_YWAIEZlazTBj2zxk4Q8U","y":"knuKpCeivhuINNIzotNPYfE7_UQRnDJdWJbhg_7khPI"}"#;
const PACKED_CREATE_CHALLENGE: &str =
    "7869c2b772d4b58eba9378cf8f29e26cf935aa77df0da89fa99c0bdc0a76f7e5";
const PACKED_ID: &str = "455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58c";
const PACKED_CREATE_CLIENT_DATA: &str = r#"{"type":"webauthn.create","challenge":"eGnCt3LUtY66k3jPjynibPk1qnffDaifqZwL3Ap29-U","origin":"https://example.org","crossOrigin":false|U9hTXvKE2URkMnb_0xYHVg"#;
const PACKED_ATTESTATION: &str = "a363666d74667061636b65646761747453746d74a263616c672663736967584630440220067a20754ab925005dbf378097c92120031581c73228d1fb4f5b881bcd7da98302207fc7b147558c7c0eba3af18bd9d121fa3d3a26d17fe3f220272178f473b6006d68617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b55d00000000df850e09db6afbdfab51697791506cfc0020455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58ca5010203262001215820eb151c8176b225cc651559fecf07af450fd85802046656b34c18f6cf193843c5225820927b8aa427a2be1b8834d233a2d34f61f13bfd44119c325d5896e183fee484f2";
const PACKED_CHALLENGE: &str = "4478a10b1352348dd160c1353b0d469b5db19eb91c27f7dfa6fed39fe26af20b";
const PACKED_DATA: &str =
    "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50900000000";
const PACKED_CLIENT_DATA: &str = r#"{"type":"webauthn.get","challenge":"RHihCxNSNI3RYME1Ow1Gm12xnrkcJ_ffpv7Tn-Jq8gs","origin":"https://example.org","crossOrigin":false|gTb53rz6EhSWomXGzimC1Q"#;
const PACKED_SIGNATURE: &str = "304402203310b9431903c401f1be2bdc8d23a4007682dbbddcf846994947b7f465daf84002204e94dd00047b316061b3b99772b7efd95994a83ef584b3b6b825ea3550251b66";
const FRAMED_CHALLENGE: &str = "876aa517ba83fdee65fcffdbca4c84eeae5d54f8041a1fc85c991e5bbb273137";
const FRAMED_DATA: &str =
    "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50500000000";
const FRAMED_CLIENT_DATA: &str = r#"{"type":"webauthn.get","challenge":"h2qlF7qD_e5l_P_bykyE7q5dVPgEGh_IXJkeW7snMTc","origin":"https://example.org","crossOrigin":true|92pcTVD0Aby-q4dtmj6efg"#;
const FRAMED_SIGNATURE: &str = "3046022100eb12fcf23b12764c0f122e22371fab92e283879fd798f38ee1841c951b6e40e7022100c76237ff9db77b3c56f30837cda6a09acfa2e915544e609c0733b1184036d1cf";
