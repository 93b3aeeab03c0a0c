//! Verifies a stored assertion from what a receipt holds, without server or state: the steps of WebAuthn 7.2 that need neither.

use base64::Engine;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::key::PublicKey;
use crate::{BASE64URL, PasskeyError};

/// An assertion as the device made it, in base64url, with the counter and flags of its authenticator data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    pub credential_id: String,
    pub authenticator_data: String,
    pub client_data_json: String,
    pub signature: String,
    pub counter: u32,
    pub backup_eligible: bool,
    pub backed_up: bool,
    /// Always true: an assertion without it is refused.
    pub user_verified: bool,
}

/// Verifies an assertion offline. `public_key` is JWK text as [`crate::public_key`] gives it, `challenge` the hash of what was
/// displayed. Checks type, challenge, origin, RP ID, user presence and verification, backup flags and signature; not the counter,
/// which would need the one before.
pub fn verify_receipt(
    public_key: &str,
    rp_id: &str,
    origin: &str,
    challenge: [u8; 32],
    assertion: &Assertion,
) -> Result<(), PasskeyError> {
    verify_assertion(public_key, rp_id, origin, &challenge, assertion)
}

/// The same for a challenge of any length.
pub(crate) fn verify_assertion(
    public_key: &str,
    rp_id: &str,
    origin: &str,
    challenge: &[u8],
    assertion: &Assertion,
) -> Result<(), PasskeyError> {
    let key = PublicKey::read(public_key)?;
    let client_data = decode(&assertion.client_data_json)?;
    ClientData::read(&client_data)?.check("webauthn.get", origin, challenge)?;
    let authenticator_data = decode(&assertion.authenticator_data)?;
    let flags = AuthenticatorData::read(&authenticator_data)?;
    flags.check(rp_id)?;
    flags.same_as(assertion)?;
    let mut signed = authenticator_data;
    signed.extend(Sha256::digest(&client_data));
    key.verify(&signed, &decode(&assertion.signature)?)
}

/// WebAuthn 5.8.1. A member that appears twice is refused by the parser.
#[derive(Debug, Deserialize)]
pub(crate) struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
    #[serde(rename = "topOrigin", default)]
    top_origin: Option<Value>,
}

impl ClientData {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, PasskeyError> {
        serde_json::from_slice(bytes).map_err(|error| PasskeyError::Malformed(error.to_string()))
    }

    pub(crate) fn challenge(&self) -> &str {
        &self.challenge
    }

    pub(crate) fn check(
        &self,
        kind: &str,
        origin: &str,
        challenge: &[u8],
    ) -> Result<(), PasskeyError> {
        if self.kind != kind {
            return Err(PasskeyError::Type);
        }
        if !bool::from(decode(&self.challenge)?.ct_eq(challenge)) {
            return Err(PasskeyError::Challenge);
        }
        self.check_origin(origin)
    }

    /// Compared as text: webauthn-rs compares parsed URLs, which may have a path.
    pub(crate) fn check_origin(&self, origin: &str) -> Result<(), PasskeyError> {
        if self.origin != origin {
            return Err(PasskeyError::Origin);
        }
        match self.cross_origin || self.top_origin.is_some() {
            true => Err(PasskeyError::CrossOrigin),
            false => Ok(()),
        }
    }
}

/// The authenticator data (WebAuthn 6.1) up to the counter.
#[derive(Debug)]
pub(crate) struct AuthenticatorData {
    rp_id_hash: [u8; 32],
    flags: u8,
    counter: u32,
}

impl AuthenticatorData {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, PasskeyError> {
        let short = || PasskeyError::Malformed("authenticator data is too short".to_owned());
        let (rp_id_hash, rest) = bytes.split_first_chunk::<32>().ok_or_else(short)?;
        let ([flags], rest) = rest.split_first_chunk::<1>().ok_or_else(short)?;
        let (counter, _) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        Ok(Self {
            rp_id_hash: *rp_id_hash,
            flags: *flags,
            counter: u32::from_be_bytes(*counter),
        })
    }

    pub(crate) fn check(&self, rp_id: &str) -> Result<(), PasskeyError> {
        if Sha256::digest(rp_id).as_slice() != self.rp_id_hash {
            return Err(PasskeyError::RelyingParty);
        }
        if !self.has(USER_PRESENT) {
            return Err(PasskeyError::NotPresent);
        }
        if !self.has(USER_VERIFIED) {
            return Err(PasskeyError::NotVerified);
        }
        match self.has(BACKED_UP) && !self.has(BACKUP_ELIGIBLE) {
            true => Err(PasskeyError::Backup),
            false => Ok(()),
        }
    }

    /// Whether the counter and flags beside the authenticator data repeat it.
    fn same_as(&self, assertion: &Assertion) -> Result<(), PasskeyError> {
        let said = (
            assertion.counter,
            assertion.user_verified,
            assertion.backup_eligible,
            assertion.backed_up,
        );
        let signed = (
            self.counter,
            self.has(USER_VERIFIED),
            self.has(BACKUP_ELIGIBLE),
            self.has(BACKED_UP),
        );
        match said == signed {
            true => Ok(()),
            false => Err(PasskeyError::Malformed(
                "the members are not those of the authenticator data".to_owned(),
            )),
        }
    }

    pub(crate) fn counter(&self) -> u32 {
        self.counter
    }

    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

pub(crate) fn decode(text: &str) -> Result<Vec<u8>, PasskeyError> {
    BASE64URL
        .decode(text)
        .map_err(|_| PasskeyError::Malformed("not base64url".to_owned()))
}

/// WebAuthn 6.1: bits of the flags.
pub(crate) const USER_PRESENT: u8 = 1;
pub(crate) const USER_VERIFIED: u8 = 1 << 2;
pub(crate) const BACKUP_ELIGIBLE: u8 = 1 << 3;
pub(crate) const BACKED_UP: u8 = 1 << 4;
