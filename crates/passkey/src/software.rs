//! A software authenticator with the client's part (WebAuthn 5 and 6), for the demo and for tests. It can be told to misbehave.

mod cbor;
mod key;
mod options;

use std::collections::BTreeMap;

use base64::Engine;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::receipt::{BACKED_UP, BACKUP_ELIGIBLE, USER_PRESENT, USER_VERIFIED};
use crate::{BASE64URL, PasskeyError};
use cbor::Cbor;
use key::{Family, Key};
use options::{bytes, ids, public_key, text, wrong};

/// WebAuthn 6.1, `AT` of the flags.
const ATTESTED: u8 = 1 << 6;

/// A phone with its passkeys. A clone of it is a cloned authenticator.
#[derive(Clone)]
pub struct SoftwareAuthenticator {
    seed: [u8; 32],
    made: u32,
    counter: SignatureCounter,
    synced: bool,
    family: Family,
    misbehaviours: Vec<Misbehaviour>,
    credentials: Vec<Credential>,
}

#[derive(Clone)]
struct Credential {
    id: Vec<u8>,
    rp_id: String,
    user_handle: Vec<u8>,
    key: Key,
}

/// How the signature counter behaves (WebAuthn 6.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureCounter {
    /// Increases with each signature; holds the last value.
    Counting(u32),
    /// Always zero, as for synchronised passkeys.
    Zero,
}

/// What a dishonest or broken authenticator or browser does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misbehaviour {
    /// User presence without a fingerprint, face or PIN.
    NoUserVerification,
    NoUserPresence,
    /// Authenticator data for another RP ID.
    RelyingParty(String),
    /// Signs another challenge.
    Challenge(Vec<u8>),
    /// Writes another `type` into the client data.
    Type(String),
    /// Sets `crossOrigin`.
    CrossOrigin,
    /// Sets `topOrigin`.
    TopOrigin(String),
    /// The counter does not move.
    OldCounter,
    /// Signs with a key that belongs to no credential.
    OtherKey,
    /// Answers with this credential id instead of its own.
    CredentialId(Vec<u8>),
    /// Sends this user handle instead of its own.
    UserHandle(Vec<u8>),
    /// Sends no user handle.
    NoUserHandle,
    /// Sets the backup state without backup eligibility.
    BackedUpOnly,
    /// A synchronised passkey that is not backed up yet.
    NotYetBackedUp,
    /// Enrols with another COSE algorithm than asked.
    Algorithm(i64),
    /// Enrols with an id of so many bytes.
    IdLength(usize),
    /// Names this attestation format, without a statement.
    Attestation(String),
    /// Ignores `excludeCredentials` and makes a credential that is not discoverable.
    IgnoresOptions,
}

impl SoftwareAuthenticator {
    /// All ES256 keys and credential ids are derived from the seed: use random bytes outside of tests.
    pub fn new(seed: [u8; 32]) -> Self {
        Self {
            seed,
            made: 0,
            counter: SignatureCounter::Counting(0),
            synced: false,
            family: Family::Es256,
            misbehaviours: Vec::new(),
            credentials: Vec::new(),
        }
    }

    /// A synchronised passkey: backed up, and its counter always zero.
    pub fn synced(mut self) -> Self {
        self.synced = true;
        self.counter = SignatureCounter::Zero;
        self
    }

    /// Its passkeys are no longer synchronised.
    pub fn unsynced(mut self) -> Self {
        self.synced = false;
        self
    }

    /// With RS256 keys, as the TPM of a Windows device has them. They are random, not derived from the seed.
    pub fn rs256(mut self) -> Self {
        self.family = Family::Rs256;
        self
    }

    /// Misbehaves from now on.
    pub fn with(mut self, misbehaviour: Misbehaviour) -> Self {
        self.misbehaviours.push(misbehaviour);
        self
    }

    /// Stops misbehaving.
    pub fn honest(mut self) -> Self {
        self.misbehaviours.clear();
        self
    }

    /// Ids of the credentials it holds, in base64url, oldest first.
    pub fn credential_ids(&self) -> Vec<String> {
        self.credentials
            .iter()
            .map(|held| BASE64URL.encode(&held.id))
            .collect()
    }

    /// `navigator.credentials.create()`: answers the options of an enrolment in the form of `toJSON()`.
    pub fn create(&mut self, options: &Value, origin: &str) -> Result<Value, PasskeyError> {
        let options = public_key(options);
        self.check_offer(options)?;
        let credential = self.make(options)?;
        self.refuse_excluded(options)?;
        let id = credential.id.clone();
        let mut data = self.authenticator_data(&credential.rp_id, ATTESTED);
        data.extend([0; 16]);
        data.extend(
            u16::try_from(id.len())
                .map_err(|_| wrong("id"))?
                .to_be_bytes(),
        );
        data.extend(&id);
        data.extend(credential.key.cose(self.algorithm())?);
        let format = self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::Attestation(other) => Some(other.clone()),
            _ => None,
        });
        let format = format.unwrap_or_else(|| "none".to_owned());
        let attestation = Cbor::Map(vec![
            (Cbor::from("fmt"), Cbor::from(format.as_str())),
            (Cbor::from("attStmt"), Cbor::Map(Vec::new())),
            (Cbor::from("authData"), Cbor::Bytes(data)),
        ]);
        let client_data = self.client_data("webauthn.create", options, origin)?;
        self.credentials.push(credential);
        let shown = self.shown_id(&id);
        Ok(json!({
            "id": shown, "rawId": shown, "type": "public-key",
            "authenticatorAttachment": "platform",
            "response": {
                "clientDataJSON": BASE64URL.encode(client_data),
                "attestationObject": BASE64URL.encode(attestation.encode()),
                "transports": ["internal"],
            },
            "clientExtensionResults": { "credProps": { "rk": !self.does(&Misbehaviour::IgnoresOptions) } },
        }))
    }

    /// `navigator.credentials.get()`: answers the options of a login or an approval in the form of `toJSON()`.
    pub fn get(&mut self, options: &Value, origin: &str) -> Result<Value, PasskeyError> {
        let options = public_key(options);
        let credential = self.choose(options)?.clone();
        let data = self.authenticator_data(&credential.rp_id, 0);
        let client_data = self.client_data("webauthn.get", options, origin)?;
        let mut signed = data.clone();
        signed.extend(Sha256::digest(&client_data));
        let key = match self.does(&Misbehaviour::OtherKey) {
            true => self.key(u32::MAX)?,
            false => credential.key,
        };
        let signature = key.sign(&signed)?;
        let shown = self.shown_id(&credential.id);
        Ok(json!({
            "id": shown, "rawId": shown, "type": "public-key",
            "authenticatorAttachment": "platform",
            "response": {
                "clientDataJSON": BASE64URL.encode(client_data),
                "authenticatorData": BASE64URL.encode(data),
                "signature": BASE64URL.encode(signature),
                "userHandle": self.shown_handle(&credential.user_handle),
            },
            "clientExtensionResults": {},
        }))
    }

    fn make(&mut self, options: &Value) -> Result<Credential, PasskeyError> {
        self.made += 1;
        Ok(Credential {
            id: self.new_id(),
            rp_id: text(options, "/rp/id")?.to_owned(),
            user_handle: bytes(options, "/user/id")?,
            key: self.key(self.made)?,
        })
    }

    /// Refuses options that do not offer the algorithm of this authenticator.
    fn check_offer(&self, options: &Value) -> Result<(), PasskeyError> {
        let offer = options
            .pointer("/pubKeyCredParams")
            .and_then(Value::as_array);
        let mut offered = offer
            .into_iter()
            .flatten()
            .filter_map(|one| one.get("alg")?.as_i64());
        let honest = self.family.algorithm() == self.algorithm();
        match honest && !offered.any(|alg| alg == self.family.algorithm()) {
            true => Err(PasskeyError::Algorithm),
            false => Ok(()),
        }
    }

    fn new_id(&self) -> Vec<u8> {
        let length = self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::IdLength(bytes) => Some(*bytes),
            _ => None,
        });
        let random = self.derive("id", self.made);
        random
            .into_iter()
            .cycle()
            .take(length.unwrap_or(random.len()))
            .collect()
    }

    fn refuse_excluded(&self, options: &Value) -> Result<(), PasskeyError> {
        let held = |id: &String| ids(options, "/excludeCredentials").contains(id);
        match self.credential_ids().iter().any(held) && !self.does(&Misbehaviour::IgnoresOptions) {
            true => Err(PasskeyError::AlreadyEnrolled),
            false => Ok(()),
        }
    }

    fn choose(&self, options: &Value) -> Result<&Credential, PasskeyError> {
        let rp_id = text(options, "/rpId")?;
        let allowed = ids(options, "/allowCredentials");
        self.credentials
            .iter()
            .rev()
            .filter(|held| held.rp_id == rp_id)
            .find(|held| allowed.is_empty() || allowed.contains(&BASE64URL.encode(&held.id)))
            .ok_or(PasskeyError::Unknown)
    }

    fn authenticator_data(&mut self, rp_id: &str, more: u8) -> Vec<u8> {
        let rp_id = self
            .find(|misbehaviour| match misbehaviour {
                Misbehaviour::RelyingParty(other) => Some(other.clone()),
                _ => None,
            })
            .unwrap_or_else(|| rp_id.to_owned());
        let mut data = Sha256::digest(rp_id).to_vec();
        data.push(self.flags() | more);
        data.extend(self.count().to_be_bytes());
        data
    }

    fn flags(&self) -> u8 {
        let mut flags = 0;
        if !self.does(&Misbehaviour::NoUserPresence) {
            flags |= USER_PRESENT;
        }
        if !self.does(&Misbehaviour::NoUserVerification) {
            flags |= USER_VERIFIED;
        }
        if self.synced {
            flags |= BACKUP_ELIGIBLE;
        }
        if self.synced && !self.does(&Misbehaviour::NotYetBackedUp) {
            flags |= BACKED_UP;
        }
        if self.does(&Misbehaviour::BackedUpOnly) {
            flags |= BACKED_UP;
        }
        flags
    }

    fn count(&mut self) -> u32 {
        let still = self.does(&Misbehaviour::OldCounter);
        match &mut self.counter {
            SignatureCounter::Zero => 0,
            SignatureCounter::Counting(last) if still => *last,
            SignatureCounter::Counting(last) => {
                *last += 1;
                *last
            }
        }
    }

    fn client_data(
        &self,
        kind: &str,
        options: &Value,
        origin: &str,
    ) -> Result<Vec<u8>, PasskeyError> {
        let mut data = BTreeMap::from([
            ("type", json!(kind)),
            ("challenge", json!(text(options, "/challenge")?)),
            ("origin", json!(origin)),
            ("crossOrigin", json!(false)),
        ]);
        for misbehaviour in &self.misbehaviours {
            match misbehaviour {
                Misbehaviour::Type(other) => data.insert("type", json!(other)),
                Misbehaviour::Challenge(other) => {
                    data.insert("challenge", json!(BASE64URL.encode(other)))
                }
                Misbehaviour::CrossOrigin => data.insert("crossOrigin", json!(true)),
                Misbehaviour::TopOrigin(top) => data.insert("topOrigin", json!(top)),
                _ => None,
            };
        }
        serde_json::to_vec(&data).map_err(|_| wrong("client data"))
    }

    /// The COSE algorithm written into its keys.
    fn algorithm(&self) -> i64 {
        self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::Algorithm(other) => Some(*other),
            _ => None,
        })
        .unwrap_or(self.family.algorithm())
    }

    fn key(&self, number: u32) -> Result<Key, PasskeyError> {
        match self.family {
            Family::Es256 => Key::es256(&self.derive("key", number)),
            Family::Rs256 => Key::rs256(),
        }
    }

    fn derive(&self, what: &str, number: u32) -> [u8; 32] {
        Sha256::new()
            .chain_update(self.seed)
            .chain_update(what)
            .chain_update(number.to_be_bytes())
            .finalize()
            .into()
    }

    fn shown_id(&self, id: &[u8]) -> String {
        let other = self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::CredentialId(other) => Some(other.clone()),
            _ => None,
        });
        BASE64URL.encode(other.unwrap_or_else(|| id.to_vec()))
    }

    fn shown_handle(&self, handle: &[u8]) -> Value {
        if self.does(&Misbehaviour::NoUserHandle) {
            return Value::Null;
        }
        let other = self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::UserHandle(other) => Some(other.clone()),
            _ => None,
        });
        Value::from(BASE64URL.encode(other.unwrap_or_else(|| handle.to_vec())))
    }

    fn does(&self, misbehaviour: &Misbehaviour) -> bool {
        self.misbehaviours.contains(misbehaviour)
    }

    fn find<T>(&self, pick: impl Fn(&Misbehaviour) -> Option<T>) -> Option<T> {
        self.misbehaviours.iter().find_map(pick)
    }
}
