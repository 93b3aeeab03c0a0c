//! A new passkey (WebAuthn 7.1): discoverable, with user verification, no attestation, ES256 or RS256.

use serde_json::{Value, json};
use webauthn_rs::prelude::{CredentialID, PasskeyRegistration, RegisterPublicKeyCredential};

use crate::key::Key;
use crate::receipt::{ClientData, decode};
use crate::state::{State, library, replace, to_json};
use crate::{PasskeyError, PendingCeremony, RelyingParty, UserEntity};

/// A verified new passkey, to be stored. The caller refuses an id that is stored already (WebAuthn 7.1 step 26).
#[derive(Clone, Debug)]
pub struct NewPasskey {
    /// In base64url.
    pub credential_id: String,
    /// JSON, to be passed back to this crate.
    pub passkey: String,
}

impl RelyingParty {
    /// Options for `navigator.credentials.create()`. `existing` are the passkeys that the user has: they are excluded.
    pub fn start_enrolment(
        &self,
        person: &UserEntity,
        existing: &[String],
    ) -> Result<PendingCeremony, PasskeyError> {
        let (options, kept) = self.library.start_passkey_registration(
            self.user_uuid(person),
            &person.name,
            &person.name,
            Some(ids_of(existing)?),
        )?;
        let mut options = to_json(&options)?;
        let mut kept = to_json(&kept)?;
        narrow(&mut options, &mut kept)?;
        let state = State::Enrol {
            user_handle: self.user_handle(person),
            library: kept,
        };
        state.ceremony(options)
    }

    /// Verifies the browser's answer to [`Self::start_enrolment`] (WebAuthn 7.1).
    pub fn finish_enrolment(
        &self,
        state: &str,
        answer: &Value,
    ) -> Result<NewPasskey, PasskeyError> {
        let State::Enrol {
            user_handle,
            library: kept,
        } = State::read(state)?
        else {
            return Err(PasskeyError::State);
        };
        let kept: PasskeyRegistration = library(kept)?;
        let credential = self.read_credential(answer)?;
        let passkey = self
            .library
            .finish_passkey_registration(&credential, &kept)?;
        if passkey.cred_id().as_slice() != credential.raw_id.as_slice() {
            return Err(PasskeyError::CredentialId);
        }
        let key = Key {
            user_handle,
            passkey,
        };
        key.public()?;
        Ok(NewPasskey {
            credential_id: key.credential_id(),
            passkey: key.write()?,
        })
    }

    fn read_credential(&self, answer: &Value) -> Result<RegisterPublicKeyCredential, PasskeyError> {
        let credential: RegisterPublicKeyCredential = serde_json::from_value(answer.clone())
            .map_err(|error| PasskeyError::Malformed(error.to_string()))?;
        if credential.type_ != "public-key" {
            return Err(PasskeyError::Malformed(
                "`type` is not `public-key`".to_owned(),
            ));
        }
        let id: &[u8] = credential.raw_id.as_ref();
        if id.len() > LONGEST_CREDENTIAL_ID || decode(&credential.id)? != id {
            return Err(PasskeyError::CredentialId);
        }
        if answer.pointer(DISCOVERABLE) == Some(&Value::Bool(false)) {
            return Err(PasskeyError::NotDiscoverable);
        }
        ClientData::read(credential.response.client_data_json.as_ref())?
            .check_origin(self.origin())?;
        Ok(credential)
    }
}

fn ids_of(passkeys: &[String]) -> Result<Vec<CredentialID>, PasskeyError> {
    passkeys
        .iter()
        .map(|text| Ok(Key::read(text)?.passkey.cred_id().clone()))
        .collect()
}

/// Requires a discoverable credential and offers only the algorithms that [`crate::verify_receipt`] knows, which webauthn-rs has no
/// options for. EdDSA (-8) is missing because webauthn-rs-core 0.6.2 refuses such keys (`COSEKey::get_public_key`).
fn narrow(options: &mut Value, kept: &mut Value) -> Result<(), PasskeyError> {
    let offered = [ES256, RS256].map(|alg| json!({ "type": "public-key", "alg": alg }));
    let offered = json!(offered);
    replace(options, "/publicKey/pubKeyCredParams", offered)?;
    let selection = "/publicKey/authenticatorSelection";
    replace(
        options,
        &format!("{selection}/residentKey"),
        json!("required"),
    )?;
    replace(
        options,
        &format!("{selection}/requireResidentKey"),
        json!(true),
    )?;
    replace(kept, "/rs/credential_algorithms", json!(["ES256", "RS256"]))?;
    replace(kept, "/rs/require_resident_key", json!(true))
}

/// RFC 9053 section 2.1.
const ES256: i32 = -7;
/// RFC 8812 section 2: what the TPM of a Windows device has.
const RS256: i32 = -257;
/// WebAuthn 7.1 step 25, in bytes.
const LONGEST_CREDENTIAL_ID: usize = 1023;
/// What the client reports by the `credProps` extension (WebAuthn 10.1.3).
const DISCOVERABLE: &str = "/clientExtensionResults/credProps/rk";
