//! Server-side state of a ceremony, and the members of webauthn-rs's serialised state that are replaced in it.
//! webauthn-rs cannot be given a challenge, so it is written into that state (`/ast/challenge`); another layout is an error.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{PasskeyError, PendingCeremony};

/// Tagged, so that the state of one ceremony is refused in another.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ceremony", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum State {
    Enrol {
        user_handle: String,
        library: Value,
    },
    Login {
        library: Value,
    },
    Approve {
        allowed: Vec<String>,
        library: Value,
    },
}

impl State {
    pub(crate) fn read(text: &str) -> Result<Self, PasskeyError> {
        serde_json::from_str(text).map_err(|_| PasskeyError::State)
    }

    /// The ceremony of this state. The browser gets `options` without the `publicKey` member around them.
    pub(crate) fn ceremony(&self, mut options: Value) -> Result<PendingCeremony, PasskeyError> {
        let options = options
            .pointer_mut("/publicKey")
            .ok_or(PasskeyError::Form)?
            .take();
        let challenge = options.get("challenge").and_then(Value::as_str);
        Ok(PendingCeremony {
            challenge: challenge.ok_or(PasskeyError::Form)?.to_owned(),
            options,
            state: serde_json::to_string(self).map_err(|_| PasskeyError::State)?,
        })
    }
}

pub(crate) fn to_json(value: &impl Serialize) -> Result<Value, PasskeyError> {
    serde_json::to_value(value).map_err(|_| PasskeyError::Form)
}

pub(crate) fn library<T: DeserializeOwned>(state: Value) -> Result<T, PasskeyError> {
    serde_json::from_value(state).map_err(|_| PasskeyError::Form)
}

/// The challenge in webauthn-rs's state of a login or an approval, in base64url.
pub(crate) fn challenge(library: &Value) -> Result<&str, PasskeyError> {
    library
        .pointer(KEPT_CHALLENGE)
        .and_then(Value::as_str)
        .ok_or(PasskeyError::Form)
}

/// Replaces the challenge in the options and in the state.
pub(crate) fn put_challenge(
    ours: &str,
    options: &mut Value,
    library: &mut Value,
) -> Result<(), PasskeyError> {
    // INVARIANT: both pointers lead to the challenge: they held the same value before.
    if options.pointer(SENT_CHALLENGE).and_then(Value::as_str) != Some(challenge(library)?) {
        return Err(PasskeyError::Form);
    }
    replace(options, SENT_CHALLENGE, Value::from(ours))?;
    replace(library, KEPT_CHALLENGE, Value::from(ours))
}

/// Sets a member that must be there already.
pub(crate) fn replace(json: &mut Value, pointer: &str, value: Value) -> Result<(), PasskeyError> {
    *json.pointer_mut(pointer).ok_or(PasskeyError::Form)? = value;
    Ok(())
}

const SENT_CHALLENGE: &str = "/publicKey/challenge";
const KEPT_CHALLENGE: &str = "/ast/challenge";
