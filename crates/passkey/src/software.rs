//! An authenticator in software (WebAuthn 6) with the browser's half around it, for the demo and for tests. It does what it is told, also what it must not.

mod cbor;

use std::collections::BTreeMap;

use base64::Engine;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::receipt::{ATTESTED, BACKED_UP, BACKUP_ELIGIBLE, USER_PRESENT, USER_VERIFIED};
use crate::{BASE64URL, Fault};
use cbor::Cbor;

/// A phone with its passkeys. A clone of it is a cloned authenticator.
#[derive(Clone)]
pub struct Device {
    seed: [u8; 32],
    made: u32,
    counter: Counter,
    synced: bool,
    tricks: Vec<Trick>,
    credentials: Vec<Credential>,
}

#[derive(Clone)]
struct Credential {
    id: Vec<u8>,
    rp_id: String,
    user_handle: Vec<u8>,
    key: SigningKey,
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
    /// The seed decides all keys and ids: give random bytes outside of tests.
    pub fn new(seed: [u8; 32]) -> Self {
        Self {
            seed,
            made: 0,
            counter: Counter::Counting(0),
            synced: false,
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

    /// The same device, misbehaving from now on.
    pub fn with(mut self, trick: Trick) -> Self {
        self.tricks.push(trick);
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
        data.extend(self.cose(&credential.key));
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
        let signature: Signature = key.sign(&signed);
        let shown = self.shown_id(&credential.id);
        Ok(json!({
            "id": shown, "rawId": shown, "type": "public-key",
            "authenticatorAttachment": "platform",
            "response": {
                "clientDataJSON": BASE64URL.encode(client_data),
                "authenticatorData": BASE64URL.encode(data),
                "signature": BASE64URL.encode(signature.to_der()),
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
            flags |= BACKUP_ELIGIBLE | BACKED_UP;
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

    /// RFC 9053 section 7.1.1, in the canonical order of CTAP2.
    fn cose(&self, key: &SigningKey) -> Vec<u8> {
        let point = key.verifying_key().to_sec1_point(false);
        let coordinate = |bytes: Option<&p256::FieldBytes>| {
            Cbor::Bytes(bytes.map(|bytes| bytes.to_vec()).unwrap_or_default())
        };
        let algorithm = self
            .find(|trick| match trick {
                Trick::Algorithm(other) => Some(*other),
                _ => None,
            })
            .unwrap_or(-7);
        Cbor::Map(vec![
            (Cbor::Integer(1), Cbor::Integer(2)),
            (Cbor::Integer(3), Cbor::Integer(algorithm)),
            (Cbor::Integer(-1), Cbor::Integer(1)),
            (Cbor::Integer(-2), coordinate(point.x())),
            (Cbor::Integer(-3), coordinate(point.y())),
        ])
        .encode()
    }

    fn key(&self, number: u32) -> Result<SigningKey, Fault> {
        SigningKey::from_slice(&self.derive("key", number)).map_err(|_| Fault::Key)
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

/// Options come with or without the member that holds them.
fn public_key(options: &Value) -> &Value {
    options.get("publicKey").unwrap_or(options)
}

fn text<'a>(options: &'a Value, pointer: &str) -> Result<&'a str, Fault> {
    options
        .pointer(pointer)
        .and_then(Value::as_str)
        .ok_or_else(|| wrong(pointer))
}

fn bytes(options: &Value, pointer: &str) -> Result<Vec<u8>, Fault> {
    BASE64URL
        .decode(text(options, pointer)?)
        .map_err(|_| wrong(pointer))
}

fn ids(options: &Value, pointer: &str) -> Vec<String> {
    let list = options.pointer(pointer).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|one| Some(one.get("id")?.as_str()?.to_owned()))
        .collect()
}

fn wrong(what: &str) -> Fault {
    Fault::Malformed(format!("the options have no good `{what}`"))
}
