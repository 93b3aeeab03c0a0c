//! Passkeys (WebAuthn Level 3): enrolment, login, and an assertion whose challenge is the hash of what was displayed.
//! webauthn-rs verifies; none of its types appear in this API. Options, answers and stored state are JSON.

mod assertion;
mod enrolment;
mod error;
mod key;
mod receipt;
mod relying_party;
#[cfg(any(test, feature = "software"))]
pub mod software;
mod state;
#[cfg(test)]
mod tests;

use base64::engine::general_purpose::{GeneralPurpose, URL_SAFE_NO_PAD};

pub use assertion::{
    UnverifiedCredential, VerifiedApproval, VerifiedLogin, challenge_of, unverified_credential,
};
pub use enrolment::NewPasskey;
pub use error::PasskeyError;
pub use key::{is_device_bound, public_key};
pub use receipt::{Assertion, verify_receipt};
pub use relying_party::{RelyingParty, RelyingPartyError};

/// The user account that a passkey is enrolled for (WebAuthn 5.4.3). `id` is the stable id of the account; `name` is what the
/// device shows beside the passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserEntity {
    pub id: String,
    pub name: String,
}

/// A ceremony (WebAuthn 7) that waits for the browser's answer.
#[derive(Clone, Debug)]
pub struct PendingCeremony {
    /// For the browser: the JSON of `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON` (WebAuthn 5.1.9, 5.1.10).
    pub options: serde_json::Value,
    /// The challenge in `options`, in base64url; the state of an answer is looked up by it, see [`challenge_of`].
    pub challenge: String,
    /// For the server alone: it never goes to the browser, and is used once.
    pub state: String,
}

const BASE64URL: GeneralPurpose = URL_SAFE_NO_PAD;
