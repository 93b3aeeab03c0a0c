//! A passkey in use (WebAuthn 7.2): login, where the device names the person, and approval, where the challenge is ours.
//! Each assertion is verified twice: by the library, and as an auditor will verify it later.

use base64::Engine;
use serde_json::Value;
use webauthn_rs::prelude::{DiscoverableAuthentication, PublicKeyCredential};

use crate::key::Key;
use crate::receipt::{
    Assertion, AuthenticatorData, BACKED_UP, BACKUP_ELIGIBLE, ClientData, USER_VERIFIED, decode,
    verify_assertion,
};
use crate::state::{State, challenge, library, put_challenge, to_json};
use crate::{BASE64URL, Ceremony, Fault, RelyingParty, public_key};

/// What an answer claims before anything is verified: good for looking a passkey up, and for nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    pub credential_id: String,
    pub user_handle: String,
}

/// A passkey after its use.
#[derive(Clone, Debug)]
pub struct Used {
    pub credential_id: String,
    /// To be stored in place of the old one: its counter has moved.
    pub passkey: String,
}

/// An approval: the evidence, the passkey to be stored in place of the old one, and its public key for the receipt.
#[derive(Clone, Debug)]
pub struct Approved {
    pub assertion: Assertion,
    pub passkey: String,
    pub public_key: String,
}

/// Reads whose passkey an answer claims to come from.
pub fn identify(answer: &Value) -> Result<Claimed, Fault> {
    let credential = read_credential(answer)?;
    let handle = credential.get_user_unique_id().ok_or(Fault::UserHandle)?;
    Ok(Claimed {
        credential_id: BASE64URL.encode(credential.get_credential_id()),
        user_handle: BASE64URL.encode(handle),
    })
}

/// The challenge that an answer of either kind claims to have signed, in base64url: good for looking its state up.
pub fn challenge_of(answer: &Value) -> Result<String, Fault> {
    let client_data = answer.pointer("/response/clientDataJSON");
    let text = client_data.and_then(Value::as_str);
    let text = text.ok_or_else(|| Fault::Malformed("no `clientDataJSON`".to_owned()))?;
    Ok(ClientData::read(&decode(text)?)?.challenge().to_owned())
}

impl RelyingParty {
    /// Names nobody: the device offers the passkeys that it holds for us. `challenge` is ours, and nobody can guess it: a caller
    /// that can tell its own challenges keeps nothing between the two halves.
    pub fn login(&self, challenge: &[u8]) -> Result<Ceremony, Fault> {
        if challenge.len() < SHORTEST_CHALLENGE {
            return Err(Fault::Challenge);
        }
        let (mut options, mut kept) = self.begin()?;
        put_challenge(&BASE64URL.encode(challenge), &mut options, &mut kept)?;
        State::Login { library: kept }.ceremony(options)
    }

    /// `passkey` is the one that [`identify`] named.
    pub fn logged_in(&self, state: &str, answer: &Value, passkey: &str) -> Result<Used, Fault> {
        let State::Login { library: kept } = State::read(state)? else {
            return Err(Fault::State);
        };
        let credential = read_credential(answer)?;
        credential.get_user_unique_id().ok_or(Fault::UserHandle)?;
        let approved = self.verify(kept, credential, passkey)?;
        Ok(Used {
            credential_id: approved.assertion.credential_id,
            passkey: approved.passkey,
        })
    }

    /// Asks one person's passkeys to sign `challenge`: the hash over exactly what was displayed.
    pub fn approve(&self, challenge: [u8; 32], passkeys: &[String]) -> Result<Ceremony, Fault> {
        let keys = passkeys
            .iter()
            .map(|text| Key::read(text))
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(Fault::Unknown);
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

    /// `passkeys` are those that the person has now: one removed since [`Self::approve`] is dead.
    pub fn approved(
        &self,
        state: &str,
        answer: &Value,
        passkeys: &[String],
    ) -> Result<Approved, Fault> {
        let State::Approve {
            allowed,
            library: kept,
        } = State::read(state)?
        else {
            return Err(Fault::State);
        };
        let credential = read_credential(answer)?;
        let id = BASE64URL.encode(credential.get_credential_id());
        if !allowed.contains(&id) {
            return Err(Fault::Unknown);
        }
        let passkey = with_id(&id, passkeys)?;
        self.verify(kept, credential, passkey)
    }

    fn begin(&self) -> Result<(Value, Value), Fault> {
        let (mut options, kept) = self.library.start_discoverable_authentication()?;
        // Autofill or a button: that is the page's choice.
        options.mediation = None;
        Ok((to_json(&options)?, to_json(&kept)?))
    }

    fn verify(
        &self,
        kept: Value,
        credential: PublicKeyCredential,
        passkey: &str,
    ) -> Result<Approved, Fault> {
        let mut key = Key::read(passkey)?;
        check_owner(&credential, &key)?;
        let challenge = decode(challenge(&kept)?)?;
        let state: DiscoverableAuthentication = library(kept)?;
        let result =
            self.library
                .finish_discoverable_authentication_v2(&credential, state, &key.passkey)?;
        key.passkey.update_credential(&result);
        let assertion = assertion_of(&credential)?;
        let public_key = public_key(passkey)?;
        let site = (self.id(), self.origin());
        verify_assertion(&public_key, site, &challenge, &assertion)?;
        Ok(Approved {
            assertion,
            passkey: key.write()?,
            public_key,
        })
    }
}

fn read_credential(answer: &Value) -> Result<PublicKeyCredential, Fault> {
    let credential: PublicKeyCredential = serde_json::from_value(answer.clone())
        .map_err(|error| Fault::Malformed(error.to_string()))?;
    if credential.type_ != "public-key" {
        return Err(Fault::Malformed("`type` is not `public-key`".to_owned()));
    }
    if decode(&credential.id)? != credential.get_credential_id() {
        return Err(Fault::CredentialId);
    }
    Ok(credential)
}

fn with_id<'a>(id: &str, passkeys: &'a [String]) -> Result<&'a str, Fault> {
    for text in passkeys {
        if Key::read(text)?.credential_id() == id {
            return Ok(text);
        }
    }
    Err(Fault::Unknown)
}

/// WebAuthn 7.2 step 6: a user handle that is there names the passkey's person.
fn check_owner(credential: &PublicKeyCredential, key: &Key) -> Result<(), Fault> {
    match credential.get_user_unique_id() {
        Some(handle) if BASE64URL.encode(handle) != key.user_handle => Err(Fault::UserHandle),
        _ => Ok(()),
    }
}

fn assertion_of(credential: &PublicKeyCredential) -> Result<Assertion, Fault> {
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
