//! The signed record of one person's decision: what they were shown, what they answered, and how they
//! showed that it was them. An auditor verifies it with the issuer's public keys and nothing else.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use writ_authority::Level;
use writ_jose::jws::UnverifiedJwt;
use writ_jose::key::{KeyError, PublicKey, SigningKey};
use writ_wire::strict_json;
use writ_wire::time::Timestamp;

use crate::id::{ApprovalId, ClientId, ReceiptId, TaskId, UserId};
use crate::liveness::{NotSeen, Seen};
use crate::pending::Role;
use crate::screen::{Screen, ScreenError, Shown, challenge};

/// `typ` of the signature.
pub const RECEIPT_TYPE: &str = "writ-receipt+jwt";
/// The form of a receipt that this version makes.
pub const VERSION: u32 = 1;

/// What happened, in one value. Times are RFC 3339.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    pub version: u32,
    pub issuer: String,
    pub id: ReceiptId,
    pub request: ApprovalId,
    pub at: String,
    pub outcome: Verdict,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// On whose behalf.
    pub subject: String,
    pub approver: ReceiptApprover,
    /// The agent that asked.
    pub client_id: ClientId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    pub screen: Evidence,
    pub level: Level,
    pub proof: Proof,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Approved,
    /// A yes that needed others.
    Agreed,
    Denied,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptApprover {
    pub id: UserId,
    pub name: String,
    pub role: Role,
}

/// The canonical text of the screen, and the hash over nonce and text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    pub text: String,
    pub nonce: String,
    pub hash: String,
}

/// How the person showed that it was them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case", deny_unknown_fields)]
pub enum Proof {
    /// Their login alone: enough for no.
    Login,
    /// Typed in this very approval.
    Password,
    /// Their device's signature over the hash of the screen.
    Passkey(Signature),
    /// The same, and a verifier that saw them before this screen.
    Liveness {
        passkey: Signature,
        verifier: Box<Seen>,
    },
}

/// What WebAuthn needs to verify an assertion again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    pub rp_id: String,
    pub origin: String,
    pub public_key: String,
    pub assertion: Value,
}

/// A receipt as it is kept and handed out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedReceipt {
    /// Kept as it was written: the signature is over exactly this.
    pub receipt: Value,
    /// A JWS with [`RECEIPT_TYPE`] over the hash of the receipt.
    pub signature: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Sealed {
    iss: String,
    jti: String,
    iat: i64,
    /// base64url SHA-256 over the canonical JSON (RFC 8785) of the receipt.
    receipt_hash: String,
}

/// Why a receipt proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    #[error("this is no receipt: {0}")]
    Malformed(String),
    #[error("the signature is not the issuer's: {0}")]
    Signature(String),
    #[error("the receipt was changed after it was signed")]
    Changed,
    #[error("the text of the screen is not in its canonical form, or of another request")]
    Text,
    #[error("the hash is not that of the text")]
    Hash,
    #[error("the level is not the one that was proved")]
    Level,
    #[error("the verifier did not see this person before this screen: {0}")]
    Liveness(NotSeen),
}

impl Evidence {
    pub fn of(shown: &Shown) -> Result<Self, ScreenError> {
        Ok(Self {
            text: shown.screen.canonical()?,
            nonce: shown.nonce.clone(),
            hash: shown.hash()?,
        })
    }

    /// The screen, if the text is one and the hash is the text's.
    pub fn screen(&self) -> Result<Screen, Unproven> {
        let value = serde_json::from_str(&self.text).map_err(|_| Unproven::Text)?;
        let screen = Screen::read(value).map_err(|_| Unproven::Text)?;
        if screen.canonical().as_ref() != Ok(&self.text) {
            return Err(Unproven::Text);
        }
        let hash = challenge(&self.nonce, &self.text).map_err(|_| Unproven::Hash)?;
        if URL_SAFE_NO_PAD.encode(hash) != self.hash {
            return Err(Unproven::Hash);
        }
        Ok(screen)
    }

    /// What the device signed.
    pub fn challenge(&self) -> Result<[u8; 32], Unproven> {
        challenge(&self.nonce, &self.text).map_err(|_| Unproven::Hash)
    }
}

impl Proof {
    pub const fn level(&self) -> Level {
        match self {
            Self::Login => Level::None,
            Self::Password => Level::Password,
            Self::Passkey(_) => Level::Passkey,
            Self::Liveness { .. } => Level::Liveness,
        }
    }

    /// The device's part, if there is one.
    pub const fn passkey(&self) -> Option<&Signature> {
        match self {
            Self::Login | Self::Password => None,
            Self::Passkey(signature)
            | Self::Liveness {
                passkey: signature, ..
            } => Some(signature),
        }
    }

    /// The verifier's part, if there is one.
    pub fn verifier(&self) -> Option<&Seen> {
        match self {
            Self::Login | Self::Password | Self::Passkey(_) => None,
            Self::Liveness { verifier, .. } => Some(verifier.as_ref()),
        }
    }
}

impl Receipt {
    /// As JSON text with the issuer's signature.
    pub fn sign(&self, key: &SigningKey, now: Timestamp) -> Result<String, KeyError> {
        let claims = |e: serde_json::Error| KeyError::Claims(e.to_string());
        let receipt = serde_json::to_value(self).map_err(claims)?;
        let sealed = Sealed {
            iss: self.issuer.clone(),
            jti: self.id.to_string(),
            iat: now.seconds(),
            receipt_hash: hash_of(&receipt),
        };
        let signed = SignedReceipt {
            signature: key.sign_jwt(RECEIPT_TYPE, &sealed)?,
            receipt,
        };
        serde_json::to_string(&signed).map_err(claims)
    }
}

/// Everything but the device's signature: the issuer signed it, the text has that hash, the level is the one proved, and the
/// verifier's word is about this screen.
/// `find` gives the issuer's key for a `kid`.
pub fn verify(
    document: &str,
    find: impl FnOnce(&str) -> Option<PublicKey>,
) -> Result<(Receipt, Screen), Unproven> {
    let malformed = |e: serde_json::Error| Unproven::Malformed(e.to_string());
    let signed: SignedReceipt = strict_json::read(document).map_err(malformed)?;
    let sealed = sealed(&signed.signature, find)?;
    if sealed.receipt_hash != hash_of(&signed.receipt) {
        return Err(Unproven::Changed);
    }
    let receipt: Receipt = serde_json::from_value(signed.receipt).map_err(malformed)?;
    if receipt.version != VERSION {
        let found = format!("version {}", receipt.version);
        return Err(Unproven::Malformed(found));
    }
    if receipt.issuer != sealed.iss || receipt.id.as_str() != sealed.jti {
        return Err(Unproven::Changed);
    }
    let screen = receipt.screen.screen()?;
    if screen.request != receipt.request {
        return Err(Unproven::Text);
    }
    let needs_proof = receipt.outcome != Verdict::Denied;
    if receipt.level != receipt.proof.level() || (needs_proof && receipt.level < Level::Password) {
        return Err(Unproven::Level);
    }
    if let Some(seen) = receipt.proof.verifier() {
        let malformed = || Unproven::Malformed("`at` is no time".to_owned());
        let at = Timestamp::from_rfc3339(&receipt.at).ok_or_else(malformed)?;
        seen.prove(&receipt.issuer, &receipt.screen.hash, at)
            .map_err(Unproven::Liveness)?;
    }
    Ok((receipt, screen))
}

/// A receipt as it is read back by the server that made it, which trusts its own rows.
pub fn read(document: &str) -> Result<Receipt, Unproven> {
    let malformed = |e: serde_json::Error| Unproven::Malformed(e.to_string());
    let signed: SignedReceipt = serde_json::from_str(document).map_err(malformed)?;
    serde_json::from_value(signed.receipt).map_err(malformed)
}

fn sealed(
    signature: &str,
    find: impl FnOnce(&str) -> Option<PublicKey>,
) -> Result<Sealed, Unproven> {
    let refuse = |e: &dyn std::fmt::Display| Unproven::Signature(e.to_string());
    let unverified = UnverifiedJwt::parse(signature).map_err(|e| refuse(&e))?;
    if !unverified.typ_is(RECEIPT_TYPE) {
        return Err(refuse(&format!("its `typ` is not `{RECEIPT_TYPE}`")));
    }
    let kid = unverified.header().kid.as_deref().unwrap_or_default();
    let key = find(kid).ok_or_else(|| refuse(&format!("there is no key `{kid}`")))?;
    unverified.verify(&key).map_err(|e| refuse(&e))
}

fn hash_of(receipt: &Value) -> String {
    let text = serde_json_canonicalizer::to_vec(receipt).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

#[cfg(test)]
#[path = "receipt/tests.rs"]
mod tests;
