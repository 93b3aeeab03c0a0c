//! An authenticator in software (WebAuthn 6) with the browser's half around it, for the demo and for tests. It does what it is told, also what it must not.

mod cbor;
mod key;
mod options;

use std::collections::BTreeMap;

use base64::Engine;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::receipt::{BACKED_UP, BACKUP_ELIGIBLE, USER_PRESENT, USER_VERIFIED};
use crate::{BASE64URL, Fault};
use cbor::Cbor;
use key::{Family, Key};
use options::{bytes, ids, public_key, text, wrong};

/// WebAuthn 6.1, `AT` of the flags.
const ATTESTED: u8 = 1 << 6;

/// A phone with its passkeys. A clone of it is a cloned authenticator.
#[derive(Clone)]
pub struct Device {
    seed: [u8; 32],
    made: u32,
    counter: Counter,
    synced: bool,
    family: Family,
    tricks: Vec<Trick>,
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
pub enum Counter {
    /// Moves on with each signature; this is its last value.
    Counting(u32),
    /// Always zero, as with synchronised passkeys.
    Zero,
}

/// What a dishonest or broken device or browser does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trick {
    /// Presence without a fingerprint, face or PIN.
    NoUserVerification,
    NoUserPresence,
    /// Authenticator data for another RP ID.
    RelyingParty(String),
    /// Signs another challenge.
    Challenge(Vec<u8>),
    /// Writes another `type` into the client data.
    Type(String),
    /// Says that it was in another site's frame.
    CrossOrigin,
    /// Names the site in whose frame it was.
    TopOrigin(String),
    /// The counter does not move.
    OldCounter,
    /// Signs with a key that belongs to no credential.
    OtherKey,
    /// Answers with this credential id instead of its own.
    CredentialId(Vec<u8>),
    /// Claims another person.
    UserHandle(Vec<u8>),
    /// Sends no user handle.
    NoUserHandle,
    /// Claims to be backed up without being eligible.
    BackedUpOnly,
    /// A synchronised passkey that has no copy yet.
    NotYetBackedUp,
    /// Enrols with another COSE algorithm than asked.
    Algorithm(i64),
    /// Enrols with an id of so many bytes.
    IdLength(usize),
    /// Names this attestation format, without a statement.
    Attestation(String),
    /// Ignores `excludeCredentials` and the wish for a discoverable key.
    Forgetful,
}

impl Device {
    /// The seed decides all ES256 keys and ids: give random bytes outside of tests.
    pub fn new(seed: [u8; 32]) -> Self {
        Self {
            seed,
            made: 0,
            counter: Counter::Counting(0),
            synced: false,
            family: Family::Es256,
            tricks: Vec::new(),
            credentials: Vec::new(),
        }
    }

    /// A synchronised passkey: backed up, and its counter always zero.
    pub fn synced(mut self) -> Self {
        self.synced = true;
        self.counter = Counter::Zero;
        self
    }

    /// As with the TPM of a Windows device: its keys are RS256. They are drawn at random, whatever the seed.
    pub fn rs256(mut self) -> Self {
        self.family = Family::Rs256;
        self
    }

    /// The same device, misbehaving from now on.
    pub fn with(mut self, trick: Trick) -> Self {
        self.tricks.push(trick);
        self
    }

    /// The same device, honest from now on.
    pub fn without_tricks(mut self) -> Self {
        self.tricks.clear();
        self
    }

    /// Ids of the credentials it holds, in base64url, oldest first.
    pub fn credential_ids(&self) -> Vec<String> {
        self.credentials
            .iter()
            .map(|held| BASE64URL.encode(&held.id))
            .collect()
    }

    /// `navigator.credentials.create()`: answers the options of [`crate::RelyingParty::enrol`] as `toJSON()` does.
    pub fn create(&mut self, options: &Value, origin: &str) -> Result<Value, Fault> {
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
        let format = self.find(|trick| match trick {
            Trick::Attestation(other) => Some(other.clone()),
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
            "clientExtensionResults": { "credProps": { "rk": !self.does(&Trick::Forgetful) } },
        }))
    }

    /// `navigator.credentials.get()`: answers the options of a login or an approval as `toJSON()` does.
    pub fn get(&mut self, options: &Value, origin: &str) -> Result<Value, Fault> {
        let options = public_key(options);
        let credential = self.choose(options)?.clone();
        let data = self.authenticator_data(&credential.rp_id, 0);
        let client_data = self.client_data("webauthn.get", options, origin)?;
        let mut signed = data.clone();
        signed.extend(Sha256::digest(&client_data));
        let key = match self.does(&Trick::OtherKey) {
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

    fn make(&mut self, options: &Value) -> Result<Credential, Fault> {
        self.made += 1;
        Ok(Credential {
            id: self.new_id(),
            rp_id: text(options, "/rp/id")?.to_owned(),
            user_handle: bytes(options, "/user/id")?,
            key: self.key(self.made)?,
        })
    }

    /// An honest device makes no key of a kind that nobody asked for.
    fn check_offer(&self, options: &Value) -> Result<(), Fault> {
        let offer = options
            .pointer("/pubKeyCredParams")
            .and_then(Value::as_array);
        let mut offered = offer
            .into_iter()
            .flatten()
            .filter_map(|one| one.get("alg")?.as_i64());
        let honest = self.family.algorithm() == self.algorithm();
        match honest && !offered.any(|alg| alg == self.family.algorithm()) {
            true => Err(Fault::Algorithm),
            false => Ok(()),
        }
    }

    fn new_id(&self) -> Vec<u8> {
        let length = self.find(|trick| match trick {
            Trick::IdLength(bytes) => Some(*bytes),
            _ => None,
        });
        let random = self.derive("id", self.made);
        random
            .into_iter()
            .cycle()
            .take(length.unwrap_or(random.len()))
            .collect()
    }

    fn refuse_excluded(&self, options: &Value) -> Result<(), Fault> {
        let held = |id: &String| ids(options, "/excludeCredentials").contains(id);
        match self.credential_ids().iter().any(held) && !self.does(&Trick::Forgetful) {
            true => Err(Fault::Enrolled),
            false => Ok(()),
        }
    }

    fn choose(&self, options: &Value) -> Result<&Credential, Fault> {
        let rp_id = text(options, "/rpId")?;
        let allowed = ids(options, "/allowCredentials");
        self.credentials
            .iter()
            .rev()
            .filter(|held| held.rp_id == rp_id)
            .find(|held| allowed.is_empty() || allowed.contains(&BASE64URL.encode(&held.id)))
            .ok_or(Fault::Unknown)
    }

    fn authenticator_data(&mut self, rp_id: &str, more: u8) -> Vec<u8> {
        let rp_id = self
            .find(|trick| match trick {
                Trick::RelyingParty(other) => Some(other.clone()),
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
        if !self.does(&Trick::NoUserPresence) {
            flags |= USER_PRESENT;
        }
        if !self.does(&Trick::NoUserVerification) {
            flags |= USER_VERIFIED;
        }
        if self.synced {
            flags |= BACKUP_ELIGIBLE;
        }
        if self.synced && !self.does(&Trick::NotYetBackedUp) {
            flags |= BACKED_UP;
        }
        if self.does(&Trick::BackedUpOnly) {
            flags |= BACKED_UP;
        }
        flags
    }

    fn count(&mut self) -> u32 {
        let still = self.does(&Trick::OldCounter);
        match &mut self.counter {
            Counter::Zero => 0,
            Counter::Counting(last) if still => *last,
            Counter::Counting(last) => {
                *last += 1;
                *last
            }
        }
    }

    fn client_data(&self, kind: &str, options: &Value, origin: &str) -> Result<Vec<u8>, Fault> {
        let mut data = BTreeMap::from([
            ("type", json!(kind)),
            ("challenge", json!(text(options, "/challenge")?)),
            ("origin", json!(origin)),
            ("crossOrigin", json!(false)),
        ]);
        for trick in &self.tricks {
            match trick {
                Trick::Type(other) => data.insert("type", json!(other)),
                Trick::Challenge(other) => data.insert("challenge", json!(BASE64URL.encode(other))),
                Trick::CrossOrigin => data.insert("crossOrigin", json!(true)),
                Trick::TopOrigin(top) => data.insert("topOrigin", json!(top)),
                _ => None,
            };
        }
        serde_json::to_vec(&data).map_err(|_| wrong("client data"))
    }

    /// What its keys say of themselves.
    fn algorithm(&self) -> i64 {
        self.find(|trick| match trick {
            Trick::Algorithm(other) => Some(*other),
            _ => None,
        })
        .unwrap_or(self.family.algorithm())
    }

    fn key(&self, number: u32) -> Result<Key, Fault> {
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
        let other = self.find(|trick| match trick {
            Trick::CredentialId(other) => Some(other.clone()),
            _ => None,
        });
        BASE64URL.encode(other.unwrap_or_else(|| id.to_vec()))
    }

    fn shown_handle(&self, handle: &[u8]) -> Value {
        if self.does(&Trick::NoUserHandle) {
            return Value::Null;
        }
        let other = self.find(|trick| match trick {
            Trick::UserHandle(other) => Some(other.clone()),
            _ => None,
        });
        Value::from(BASE64URL.encode(other.unwrap_or_else(|| handle.to_vec())))
    }

    fn does(&self, trick: &Trick) -> bool {
        self.tricks.contains(trick)
    }

    fn find<T>(&self, pick: impl Fn(&Trick) -> Option<T>) -> Option<T> {
        self.tricks.iter().find_map(pick)
    }
}
