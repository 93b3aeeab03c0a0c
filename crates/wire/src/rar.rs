//! `authorization_details` (RFC 9396 section 2): a JSON array of objects, each with a `type`.

use crate::strict_json;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The most objects of one request.
pub const MAX_DETAILS: usize = 32;
/// The largest `authorization_details` text taken, in bytes.
pub const MAX_DETAILS_LENGTH: usize = 32 * 1024;

/// One object of `authorization_details`. It has a string `type`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct Detail(Map<String, Value>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DetailsError {
    #[error("`authorization_details` is not a JSON array of objects: {0}")]
    NotAnArray(String),
    #[error("`authorization_details` is larger than {MAX_DETAILS_LENGTH} bytes")]
    TooLong,
    #[error("`authorization_details` has more than {MAX_DETAILS} objects")]
    TooMany,
    #[error("an object of `authorization_details` has no string `type`")]
    NoType,
}

impl Detail {
    pub fn new(members: Map<String, Value>) -> Result<Self, DetailsError> {
        match members.get("type") {
            Some(Value::String(_)) => Ok(Self(members)),
            _ => Err(DetailsError::NoType),
        }
    }

    pub fn type_name(&self) -> &str {
        self.text("type").unwrap_or_default()
    }

    /// `ref`: the name that the server gave to an object when it was consented to.
    pub fn reference(&self) -> Option<&str> {
        self.text("ref")
    }

    /// `type_hash`: hash of the version of the type under which the object was consented to.
    pub fn type_hash(&self) -> Option<&str> {
        self.text("type_hash")
    }

    /// `locations`; empty if absent or malformed.
    pub fn locations(&self) -> Vec<&str> {
        let list = self.0.get("locations").and_then(Value::as_array);
        list.map(|l| l.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default()
    }

    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Sets a member; `type` keeps its value.
    pub fn with(mut self, name: &str, value: Value) -> Self {
        if name != "type" {
            self.0.insert(name.to_owned(), value);
        }
        self
    }

    /// Removes a member; `type` stays.
    pub fn without(mut self, name: &str) -> Self {
        if name != "type" {
            self.0.remove(name);
        }
        self
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }
}

impl TryFrom<Map<String, Value>> for Detail {
    type Error = DetailsError;

    fn try_from(members: Map<String, Value>) -> Result<Self, Self::Error> {
        Self::new(members)
    }
}

impl From<Detail> for Map<String, Value> {
    fn from(detail: Detail) -> Self {
        detail.0
    }
}

/// Whether a list that came in other JSON is within what the parameter may have.
pub fn is_bounded(details: &[Detail]) -> bool {
    let text = || serde_json::to_string(details);
    details.len() <= MAX_DETAILS && text().is_ok_and(|text| text.len() <= MAX_DETAILS_LENGTH)
}

/// Parses the value of the parameter.
pub fn parse(text: &str) -> Result<Vec<Detail>, DetailsError> {
    if text.len() > MAX_DETAILS_LENGTH {
        return Err(DetailsError::TooLong);
    }
    let objects: Vec<Map<String, Value>> =
        strict_json::read(text).map_err(|e| DetailsError::NotAnArray(e.to_string()))?;
    if objects.len() > MAX_DETAILS {
        return Err(DetailsError::TooMany);
    }
    objects.into_iter().map(Detail::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_9396_2_an_array_of_objects_with_a_type() {
        let details = parse(r#"[{"type":"payment","locations":["https://a.example"]}]"#).unwrap();
        assert_eq!(details[0].type_name(), "payment");
        assert_eq!(details[0].locations(), ["https://a.example"]);
        assert!(parse(r#"{"type":"payment"}"#).is_err());
        assert_eq!(parse(r#"[{"type":1}]"#), Err(DetailsError::NoType));
        assert_eq!(parse("[{}]"), Err(DetailsError::NoType));
        assert!(parse(r#"[{"type":"a","b":1,"b":2}]"#).is_err());
        assert!(parse(r#"[{"type":"a","b":["\u0000"]}]"#).is_err());
        let many = format!("[{}]", vec![r#"{"type":"a"}"#; MAX_DETAILS + 1].join(","));
        assert_eq!(parse(&many), Err(DetailsError::TooMany));
    }
}
