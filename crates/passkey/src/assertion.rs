//! Assertions (WebAuthn 7.2): login with a discoverable credential, and approval, whose challenge is the hash of what was displayed.
//! Each assertion is verified twice: by webauthn-rs, and by [`crate::verify_receipt`]'s code, as an auditor will do later.

use base64::Engine;
use serde_json::Value;
use webauthn_rs::prelude::{DiscoverableAuthentication, PublicKeyCredential};

use crate::key::Key;
use crate::receipt::{
    Assertion, AuthenticatorData, BACKED_UP, BACKUP_ELIGIBLE, ClientData, USER_VERIFIED, decode,
    verify_assertion,
};
use crate::state::{State, challenge, library, put_challenge, to_json};
use crate::{BASE64URL, PasskeyError, PendingCeremony, RelyingParty, public_key};

/// What an answer claims before it is verified: only for looking the passkey up. Both in base64url.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedCredential {
    pub credential_id: String,
    pub user_handle: String,
}

/// A verified login.
#[derive(Clone, Debug)]
pub struct VerifiedLogin {
    pub credential_id: String,
    /// To be stored in place of the old one: its signature counter has moved.
    pub passkey: String,
}

/// A verified approval.
#[derive(Clone, Debug)]
pub struct VerifiedApproval {
    /// The evidence, for the receipt.
    pub assertion: Assertion,
    /// To be stored in place of the old one: its signature counter has moved.
    pub passkey: String,
    /// The passkey's public key as JWK text, for the receipt.
    pub public_key: String,
}

/// Reads the credential id and user handle of an answer, unverified.
pub fn unverified_credential(answer: &Value) -> Result<UnverifiedCredential, PasskeyError> {
    let credential = read_credential(answer)?;
    let handle = credential
        .get_user_unique_id()
        .ok_or(PasskeyError::UserHandle)?;
    Ok(UnverifiedCredential {
        credential_id: BASE64URL.encode(credential.get_credential_id()),
        user_handle: BASE64URL.encode(handle),
    })
}

/// The challenge in an answer of any ceremony, unverified, in base64url: only for looking the state up.
pub fn challenge_of(answer: &Value) -> Result<String, PasskeyError> {
    let client_data = answer.pointer("/response/clientDataJSON");
    let text = client_data.and_then(Value::as_str);
    let text = text.ok_or_else(|| PasskeyError::Malformed("no `clientDataJSON`".to_owned()))?;
    Ok(ClientData::read(&decode(text)?)?.challenge().to_owned())
}

impl RelyingParty {
    /// Options without `allowCredentials`: the device offers the passkeys that it holds for this RP ID. `challenge` has at least 16
    /// unpredictable bytes; from the same challenge comes the same state, so a caller need not store it.
    pub fn start_login(&self, challenge: &[u8]) -> Result<PendingCeremony, PasskeyError> {
        if challenge.len() < SHORTEST_CHALLENGE {
            return Err(PasskeyError::Challenge);
        }
        let (mut options, mut kept) = self.begin()?;
        put_challenge(&BASE64URL.encode(challenge), &mut options, &mut kept)?;
        State::Login { library: kept }.ceremony(options)
    }

    /// Verifies the answer to [`Self::start_login`]. `passkey` is the stored one that [`unverified_credential`] named.
    pub fn finish_login(
        &self,
        state: &str,
        answer: &Value,
        passkey: &str,
    ) -> Result<VerifiedLogin, PasskeyError> {
        let State::Login { library: kept } = State::read(state)? else {
            return Err(PasskeyError::State);
        };
        let credential = read_credential(answer)?;
        credential
            .get_user_unique_id()
            .ok_or(PasskeyError::UserHandle)?;
        let approved = self.verify(kept, credential, passkey)?;
        Ok(VerifiedLogin {
            credential_id: approved.assertion.credential_id,
            passkey: approved.passkey,
        })
    }

    /// Asks for a signature of `challenge`, the hash of exactly what was displayed, by one of the user's `passkeys`.
    pub fn start_approval(
        &self,
        challenge: [u8; 32],
        passkeys: &[String],
    ) -> Result<PendingCeremony, PasskeyError> {
        let keys = passkeys
            .iter()
            .map(|text| Key::read(text))
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(PasskeyError::Unknown);
        }
        let (mut options, mut kept) = self.begin()?;
        put_challenge(&BASE64URL.encode(challenge), &mut options, &mut kept)?;
        let named: Vec<_> = keys.iter().map(|key| key.passkey.clone()).collect();
        let (for_these, _) = self.library.start_passkey_authentication(&named)?;
        let allowed = to_json(&for_these.public_key.allow_credentials)?;
        crate::state::replace(&mut options, "/publicKey/allowCredentials", allowed)?;
        let state = State::Approve {
            allowed: keys.iter().map(Key::credential_id).collect(),
            library: kept,
        };
        state.ceremony(options)
    }

    /// Verifies the answer to [`Self::start_approval`]. `passkeys` are those that the user has now: one removed since is refused.
    pub fn finish_approval(
        &self,
        state: &str,
        answer: &Value,
        passkeys: &[String],
    ) -> Result<VerifiedApproval, PasskeyError> {
        let State::Approve {
            allowed,
            library: kept,
        } = State::read(state)?
        else {
            return Err(PasskeyError::State);
        };
        let credential = read_credential(answer)?;
        let id = BASE64URL.encode(credential.get_credential_id());
        if !allowed.contains(&id) {
            return Err(PasskeyError::Unknown);
        }
        let passkey = with_id(&id, passkeys)?;
        self.verify(kept, credential, passkey)
    }

    fn begin(&self) -> Result<(Value, Value), PasskeyError> {
        let (mut options, kept) = self.library.start_discoverable_authentication()?;
        // The page chooses between autofill and a button.
        options.mediation = None;
        Ok((to_json(&options)?, to_json(&kept)?))
    }

    fn verify(
        &self,
        kept: Value,
        credential: PublicKeyCredential,
        passkey: &str,
    ) -> Result<VerifiedApproval, PasskeyError> {
        let mut key = Key::read(passkey)?;
        check_owner(&credential, &key)?;
        let challenge = decode(challenge(&kept)?)?;
        let state: DiscoverableAuthentication = library(kept)?;
        let verified =
            self.library
                .finish_discoverable_authentication_v2(&credential, state, &key.passkey);
        let result = match verified {
            Ok(result) => result,
            Err(error) => {
                let genuine = self.is_genuine(&credential, passkey, &challenge);
                return Err(with_eligibility(error.into(), genuine, &key));
            }
        };
        key.passkey.update_credential(&result);
        let assertion = assertion_of(&credential)?;
        let public_key = public_key(passkey)?;
        verify_assertion(
            &public_key,
            self.id(),
            self.origin(),
            &challenge,
            &assertion,
        )?;
        Ok(VerifiedApproval {
            assertion,
            passkey: key.write()?,
            public_key,
        })
    }

    /// Whether the key of this passkey signed exactly this, and its flags do not contradict each other.
    fn is_genuine(
        &self,
        credential: &PublicKeyCredential,
        passkey: &str,
        challenge: &[u8],
    ) -> bool {
        let (Ok(assertion), Ok(public_key)) = (assertion_of(credential), public_key(passkey))
        else {
            return false;
        };
        verify_assertion(&public_key, self.id(), self.origin(), challenge, &assertion).is_ok()
    }
}

/// The library refuses changed flags before it looks at the signature. Who holds the key is told more than who does not.
fn with_eligibility(fault: PasskeyError, genuine: bool, key: &Key) -> PasskeyError {
    match fault {
        PasskeyError::Backup if genuine => PasskeyError::EligibilityChanged(key.credential_id()),
        fault => fault,
    }
}

fn read_credential(answer: &Value) -> Result<PublicKeyCredential, PasskeyError> {
    let credential: PublicKeyCredential = serde_json::from_value(answer.clone())
        .map_err(|error| PasskeyError::Malformed(error.to_string()))?;
    if credential.type_ != "public-key" {
        return Err(PasskeyError::Malformed(
            "`type` is not `public-key`".to_owned(),
        ));
    }
    if decode(&credential.id)? != credential.get_credential_id() {
        return Err(PasskeyError::CredentialId);
    }
    Ok(credential)
}

fn with_id<'a>(id: &str, passkeys: &'a [String]) -> Result<&'a str, PasskeyError> {
    for text in passkeys {
        if Key::read(text)?.credential_id() == id {
            return Ok(text);
        }
    }
    Err(PasskeyError::Unknown)
}

/// WebAuthn 7.2 step 6: a user handle, if present, is that of the passkey.
fn check_owner(credential: &PublicKeyCredential, key: &Key) -> Result<(), PasskeyError> {
    match credential.get_user_unique_id() {
        Some(handle) if BASE64URL.encode(handle) != key.user_handle => {
            Err(PasskeyError::UserHandle)
        }
        _ => Ok(()),
    }
}

fn assertion_of(credential: &PublicKeyCredential) -> Result<Assertion, PasskeyError> {
    let response = &credential.response;
    let data = AuthenticatorData::read(response.authenticator_data.as_ref())?;
    Ok(Assertion {
        credential_id: BASE64URL.encode(credential.get_credential_id()),
        authenticator_data: BASE64URL.encode(&response.authenticator_data),
        client_data_json: BASE64URL.encode(&response.client_data_json),
        signature: BASE64URL.encode(&response.signature),
        counter: data.counter(),
        backup_eligible: data.has(BACKUP_ELIGIBLE),
        backed_up: data.has(BACKED_UP),
        user_verified: data.has(USER_VERIFIED),
    })
}

/// WebAuthn 13.4.3, in bytes.
const SHORTEST_CHALLENGE: usize = 16;
