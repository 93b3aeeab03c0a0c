//! Reads the JSON of a relying party's options (WebAuthn 5.1.9 and 5.1.10).

use base64::Engine;
use serde_json::Value;

use crate::{BASE64URL, PasskeyError};

/// The options, with or without the `publicKey` member around them.
pub(super) fn public_key(options: &Value) -> &Value {
    options.get("publicKey").unwrap_or(options)
}

pub(super) fn text<'a>(options: &'a Value, pointer: &str) -> Result<&'a str, PasskeyError> {
    options
        .pointer(pointer)
        .and_then(Value::as_str)
        .ok_or_else(|| wrong(pointer))
}

pub(super) fn bytes(options: &Value, pointer: &str) -> Result<Vec<u8>, PasskeyError> {
    BASE64URL
        .decode(text(options, pointer)?)
        .map_err(|_| wrong(pointer))
}

pub(super) fn ids(options: &Value, pointer: &str) -> Vec<String> {
    let list = options.pointer(pointer).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|one| Some(one.get("id")?.as_str()?.to_owned()))
        .collect()
}

pub(super) fn wrong(what: &str) -> PasskeyError {
    PasskeyError::Malformed(format!("the options have no good `{what}`"))
}
