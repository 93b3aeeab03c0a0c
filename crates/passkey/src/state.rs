//! What is kept between the two halves of a ceremony, and the places of webauthn-rs's serialised state that we set.
//! webauthn-rs has no setter for a challenge; its state does (`/ast/challenge`). A version that moves it is refused here.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Ceremony, Fault};

/// One state is never taken for another.
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
    pub(crate) fn read(text: &str) -> Result<Self, Fault> {
        serde_json::from_str(text).map_err(|_| Fault::State)
    }

    /// The ceremony that this state is kept for; the browser gets the options without the member around them.
    pub(crate) fn ceremony(&self, mut options: Value) -> Result<Ceremony, Fault> {
        let options = options.pointer_mut("/publicKey").ok_or(Fault::Form)?.take();
        let challenge = options.get("challenge").and_then(Value::as_str);
        Ok(Ceremony {
            challenge: challenge.ok_or(Fault::Form)?.to_owned(),
            options,
            state: serde_json::to_string(self).map_err(|_| Fault::State)?,
        })
    }
}

pub(crate) fn to_json(value: &impl Serialize) -> Result<Value, Fault> {
    serde_json::to_value(value).map_err(|_| Fault::Form)
}

pub(crate) fn library<T: DeserializeOwned>(state: Value) -> Result<T, Fault> {
    serde_json::from_value(state).map_err(|_| Fault::Form)
}

/// The challenge of a login or an approval, in base64url.
pub(crate) fn challenge(library: &Value) -> Result<&str, Fault> {
    library
        .pointer(KEPT_CHALLENGE)
        .and_then(Value::as_str)
        .ok_or(Fault::Form)
}

/// Puts our challenge into both halves.
pub(crate) fn put_challenge(
    ours: &str,
    options: &mut Value,
    library: &mut Value,
) -> Result<(), Fault> {
    // INVARIANT: both places held the same challenge before, so they are the places.
    if options.pointer(SENT_CHALLENGE).and_then(Value::as_str) != Some(challenge(library)?) {
        return Err(Fault::Form);
    }
    replace(options, SENT_CHALLENGE, Value::from(ours))?;
    replace(library, KEPT_CHALLENGE, Value::from(ours))
}

/// Sets a member that must be there already.
pub(crate) fn replace(json: &mut Value, pointer: &str, value: Value) -> Result<(), Fault> {
    *json.pointer_mut(pointer).ok_or(Fault::Form)? = value;
    Ok(())
}

const SENT_CHALLENGE: &str = "/publicKey/challenge";
const KEPT_CHALLENGE: &str = "/ast/challenge";
