//! WebAuthn behind one door (SPECS 10.8): enrolment, login, and an assertion over the hash of what was displayed.
//! The verification is webauthn-rs; no type of it stands in this API. What goes to a browser and what is kept is JSON.

mod assertion;
mod enrolment;
mod fault;
mod key;
mod receipt;
mod relying_party;
#[cfg(any(test, feature = "software"))]
pub mod software;
mod state;
#[cfg(test)]
mod tests;

use base64::engine::general_purpose::{GeneralPurpose, URL_SAFE_NO_PAD};

pub use assertion::{Approved, Claimed, Used, challenge_of, identify};
pub use enrolment::Enrolled;
pub use fault::Fault;
pub use key::public_key;
pub use receipt::{Assertion, verify_receipt};
pub use relying_party::{NoPasskeys, RelyingParty};

/// Who enrols. `id` is ours and never changes; `name` is what the device shows beside the passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: String,
    pub name: String,
}

/// A ceremony that began. `options` is what the browser gets: the JSON of `parseCreationOptionsFromJSON` or
/// `parseRequestOptionsFromJSON` (WebAuthn 5.1.9 and 5.1.10). `state` is kept by us, never by the browser, and used once.
#[derive(Clone, Debug)]
pub struct Ceremony {
    pub options: serde_json::Value,
    /// The one in `options`, in base64url: an answer finds its state by it, see [`challenge_of`].
    pub challenge: String,
    pub state: String,
}

const BASE64URL: GeneralPurpose = URL_SAFE_NO_PAD;
