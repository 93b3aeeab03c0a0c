//! Why a requested object is invalid, for the developer of the client (RFC 9396 section 5).

use std::fmt;

use serde_json::Value;
use writ_wire::rar::Detail;

use crate::object;
use crate::pointer;

/// The member that is invalid, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// JSON pointer into the request's `authorization_details`.
    pub pointer: String,
    pub sentence: String,
}

impl Problem {
    pub(crate) fn new(pointer: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            sentence: sentence.into(),
        }
    }

    pub(crate) fn at(place: &str, name: &str, sentence: &str) -> Self {
        Self::new(pointer::join(place, name), sentence)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.pointer, self.sentence)
    }
}

impl std::error::Error for Problem {}

/// Checks the common members as a client may send them.
pub(crate) fn check_common(detail: &Detail, at: &str) -> Result<(), Problem> {
    let members = detail.members();
    if members.contains_key("type_hash") {
        return Err(Problem::at(at, "type_hash", "only the server says this"));
    }
    if members.get("ref").is_some_and(|name| !name.is_string()) {
        return Err(Problem::at(at, "ref", "this is not text"));
    }
    check_locations(members.get("locations"), detail, at)
}

fn check_locations(written: Option<&Value>, detail: &Detail, at: &str) -> Result<(), Problem> {
    if written.is_some() && object::locations(detail).is_none() {
        let sentence = "this is not an array of absolute URIs with at least one";
        return Err(Problem::at(at, "locations", sentence));
    }
    Ok(())
}
