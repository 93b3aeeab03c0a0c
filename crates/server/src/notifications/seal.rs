//! Encryption at rest, under the master key, of what has to be read again: contents of notices, push subscriptions, user codes. The
//! associated data names the row, so that a ciphertext decrypts in its own row alone.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use writ_core::id::{ApprovalId, NoticeId};
use writ_core::realm::DEFAULT_TENANT;
use writ_jose::seal::{MasterKey, SealedFor};
use zeroize::Zeroizing;

use crate::node::app::App;
use crate::node::failure::Failure;

impl App {
    pub(crate) fn seal<T: Serialize>(
        &self,
        associated_data: &str,
        value: &T,
    ) -> Result<String, Failure> {
        seal(&self.config.master, associated_data, value)
    }

    pub(crate) fn unseal<T: DeserializeOwned>(
        &self,
        associated_data: &str,
        sealed: &str,
    ) -> Result<T, Failure> {
        let sealed = URL_SAFE_NO_PAD
            .decode(sealed)
            .map_err(|e| broken(associated_data, &e))?;
        let (master, place) = (&self.config.master, associated_data.as_bytes());
        let plain = master.open(SealedFor::Storage, place, &sealed);
        let plain = plain.map_err(|e| broken(associated_data, &e))?;
        // The library's message could quote what was sealed.
        serde_json::from_slice(&plain)
            .map_err(|_| broken(associated_data, &"it is not what was sealed"))
    }
}

pub(crate) fn seal<T: Serialize>(
    master: &MasterKey,
    associated_data: &str,
    value: &T,
) -> Result<String, Failure> {
    let plain = serde_json::to_vec(value).map(Zeroizing::new);
    let plain = plain.map_err(|e| broken(associated_data, &e))?;
    let sealed = master.seal(SealedFor::Storage, associated_data.as_bytes(), &plain);
    Ok(URL_SAFE_NO_PAD.encode(sealed.map_err(|e| broken(associated_data, &e))?))
}

/// The associated data of a notice's content.
pub(crate) fn of_notice(id: &NoticeId) -> String {
    format!("notice {DEFAULT_TENANT} {id}")
}

/// The associated data of a browser's push subscription.
pub(crate) fn of_subscription(digest: &str) -> String {
    format!("push-subscription {DEFAULT_TENANT} {digest}")
}

/// The associated data of the user code that a device shows (RFC 8628 section 3.2); the approval screen shows it again.
pub(crate) fn of_user_code(id: &ApprovalId) -> String {
    format!("user-code {DEFAULT_TENANT} {id}")
}

fn broken(associated_data: &str, why: &dyn std::fmt::Display) -> Failure {
    Failure::Broken(format!("sealed `{associated_data}`: {why}"))
}
