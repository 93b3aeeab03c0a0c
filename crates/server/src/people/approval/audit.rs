//! Verifies a receipt with the issuer's public keys alone (docs/receipts.md).

use url::Url;
use writ_core::receipt::{self, Receipt, Signature};
use writ_core::screen::Screen;
use writ_jose::key::PublicKey;
use writ_passkey::{Assertion, RelyingParty, verify_receipt};

/// The receipt and what was shown, or the sentence that says why it proves nothing. `find` gives the issuer's key for a `kid`.
pub fn prove(
    document: &str,
    find: impl FnOnce(&str) -> Option<PublicKey>,
) -> Result<(Receipt, Screen), String> {
    let (receipt, screen) = receipt::verify(document, find).map_err(|e| e.to_string())?;
    if let Some(signature) = receipt.proof.passkey() {
        device(&receipt, signature)?;
    }
    Ok((receipt, screen))
}

/// Only the issuer's own site counts, whatever the receipt says: an assertion for another one proves nothing.
fn device(receipt: &Receipt, signature: &Signature) -> Result<(), String> {
    let issuer = Url::parse(&receipt.issuer).map_err(|e| format!("the issuer is no URL: {e}"))?;
    let party = RelyingParty::new(&issuer).map_err(|e| e.to_string())?;
    if signature.rp_id != party.id() || signature.origin != party.origin() {
        return Err("the device signed for another site than the issuer's".to_owned());
    }
    let assertion: Assertion = serde_json::from_value(signature.assertion.clone())
        .map_err(|e| format!("this is no assertion of a device: {e}"))?;
    let challenge = receipt.screen.challenge().map_err(|e| e.to_string())?;
    verify_receipt(
        &signature.public_key,
        party.id(),
        party.origin(),
        challenge,
        &assertion,
    )
    .map_err(|fault| format!("the device did not sign this screen: {fault}"))
}
