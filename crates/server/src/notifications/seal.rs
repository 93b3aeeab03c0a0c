//! What is kept for later sending is sealed under the master key, each thing for its own place (promise 9).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use writ_core::id::{ApprovalId, NoticeId};
use writ_core::realm::DEFAULT_TENANT;
use writ_jose::seal::MasterKey;
use zeroize::Zeroizing;

use crate::node::app::App;
use crate::node::failure::Failure;

impl App {
    pub(crate) fn seal<T: Serialize>(&self, place: &str, value: &T) -> Result<String, Failure> {
        seal(&self.config.master, place, value)
    }

    pub(crate) fn unseal<T: DeserializeOwned>(
        &self,
        place: &str,
        sealed: &str,
    ) -> Result<T, Failure> {
        let sealed = URL_SAFE_NO_PAD
            .decode(sealed)
            .map_err(|e| broken(place, &e))?;
        let plain = self.config.master.open(place.as_bytes(), &sealed);
        let plain = plain.map_err(|e| broken(place, &e))?;
        // The library's message could quote what was sealed.
        serde_json::from_slice(&plain).map_err(|_| broken(place, &"it is not what was sealed"))
    }
}

pub(crate) fn seal<T: Serialize>(
    master: &MasterKey,
    place: &str,
    value: &T,
) -> Result<String, Failure> {
    let plain = serde_json::to_vec(value).map(Zeroizing::new);
    let plain = plain.map_err(|e| broken(place, &e))?;
    let sealed = master.seal(place.as_bytes(), &plain);
    Ok(URL_SAFE_NO_PAD.encode(sealed.map_err(|e| broken(place, &e))?))
}

pub(crate) fn of_notice(id: &NoticeId) -> String {
    format!("notice {DEFAULT_TENANT} {id}")
}

pub(crate) fn of_subscription(digest: &str) -> String {
    format!("push-subscription {DEFAULT_TENANT} {digest}")
}

/// The code that a terminal shows, for the screen of the person who typed it.
pub(crate) fn of_user_code(id: &ApprovalId) -> String {
    format!("user-code {DEFAULT_TENANT} {id}")
}

fn broken(place: &str, why: &dyn std::fmt::Display) -> Failure {
    Failure::Broken(format!("sealed `{place}`: {why}"))
}
