//! A stored assertion, verified from what a receipt holds: no server, no state (WebAuthn 7.2 as far as an auditor can go).

use base64::Engine;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::key::PublicKey;
use crate::{BASE64URL, Fault};

/// An assertion as the device made it, in base64url, with what its authenticator data says.
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

/// Verifies an assertion offline: `public_key` is what [`crate::public_key`] gave, `challenge` the hash over what was displayed.
/// Type, challenge, origin, RP ID, presence, verification, backup flags and signature; a counter means nothing without its history.
pub fn verify_receipt(
    public_key: &str,
    rp_id: &str,
    origin: &str,
    challenge: [u8; 32],
    assertion: &Assertion,
) -> Result<(), Fault> {
    verify_assertion(public_key, (rp_id, origin), &challenge, assertion)
}

/// The same for a challenge of any length.
pub(crate) fn verify_assertion(
    public_key: &str,
    (rp_id, origin): (&str, &str),
    challenge: &[u8],
    assertion: &Assertion,
) -> Result<(), Fault> {
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
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Fault> {
        serde_json::from_slice(bytes).map_err(|error| Fault::Malformed(error.to_string()))
    }

    pub(crate) fn challenge(&self) -> &str {
        &self.challenge
    }

    pub(crate) fn check(&self, kind: &str, origin: &str, challenge: &[u8]) -> Result<(), Fault> {
        if self.kind != kind {
            return Err(Fault::Type);
        }
        if !bool::from(decode(&self.challenge)?.ct_eq(challenge)) {
            return Err(Fault::Challenge);
        }
        self.check_origin(origin)
    }

    /// To the letter: the library compares parsed URLs, which may carry a path.
    pub(crate) fn check_origin(&self, origin: &str) -> Result<(), Fault> {
        if self.origin != origin {
            return Err(Fault::Origin);
        }
        match self.cross_origin || self.top_origin.is_some() {
            true => Err(Fault::CrossOrigin),
            false => Ok(()),
        }
    }
}

/// WebAuthn 6.1, the part that every assertion has.
#[derive(Debug)]
pub(crate) struct AuthenticatorData {
    rp_id_hash: [u8; 32],
    flags: u8,
    counter: u32,
}

impl AuthenticatorData {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let short = || Fault::Malformed("authenticator data is too short".to_owned());
        let (rp_id_hash, rest) = bytes.split_first_chunk::<32>().ok_or_else(short)?;
        let ([flags], rest) = rest.split_first_chunk::<1>().ok_or_else(short)?;
        let (counter, _) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        Ok(Self {
            rp_id_hash: *rp_id_hash,
            flags: *flags,
            counter: u32::from_be_bytes(*counter),
        })
    }

    pub(crate) fn check(&self, rp_id: &str) -> Result<(), Fault> {
        if Sha256::digest(rp_id).as_slice() != self.rp_id_hash {
            return Err(Fault::RelyingParty);
        }
        if !self.has(USER_PRESENT) {
            return Err(Fault::NotPresent);
        }
        if !self.has(USER_VERIFIED) {
            return Err(Fault::NotVerified);
        }
        match self.has(BACKED_UP) && !self.has(BACKUP_ELIGIBLE) {
            true => Err(Fault::Backup),
            false => Ok(()),
        }
    }

    /// What an assertion says of itself is what was signed.
    fn same_as(&self, assertion: &Assertion) -> Result<(), Fault> {
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
            false => Err(Fault::Malformed(
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

pub(crate) fn decode(text: &str) -> Result<Vec<u8>, Fault> {
    BASE64URL
        .decode(text)
        .map_err(|_| Fault::Malformed("not base64url".to_owned()))
}

/// WebAuthn 6.1: bits of the flags.
pub(crate) const USER_PRESENT: u8 = 1;
pub(crate) const USER_VERIFIED: u8 = 1 << 2;
pub(crate) const BACKUP_ELIGIBLE: u8 = 1 << 3;
pub(crate) const BACKED_UP: u8 = 1 << 4;
