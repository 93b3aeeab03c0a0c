//! Scope strings (RFC 6749 section 3.3), and the scopes that a resource registers. Parsing takes linear time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most names of one scope.
pub const MAX_SCOPES: usize = 64;
/// The longest of them, in bytes.
pub const MAX_SCOPE_NAME: usize = 256;

/// A set of scope names, each a valid `scope-token`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(BTreeSet<String>);

/// Why a text is not a scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    #[error("more than {MAX_SCOPES} scope names")]
    TooMany,
    #[error("a scope name is longer than {MAX_SCOPE_NAME} bytes")]
    TooLong,
    #[error("a scope name holds a character outside RFC 6749 section 3.3")]
    BadCharacter,
}

impl Scope {
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let mut names = BTreeSet::new();
        for (count, name) in text.split(' ').filter(|n| !n.is_empty()).enumerate() {
            if count == MAX_SCOPES {
                return Err(ScopeError::TooMany);
            }
            if name.len() > MAX_SCOPE_NAME {
                return Err(ScopeError::TooLong);
            }
            if !name.bytes().all(is_scope_character) {
                return Err(ScopeError::BadCharacter);
            }
            names.insert(name.to_owned());
        }
        Ok(Self(names))
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<String> for Scope {
    fn from_iter<T: IntoIterator<Item = String>>(names: T) -> Self {
        Self(names.into_iter().collect())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.0.iter().enumerate() {
            let gap = if place == 0 { "" } else { " " };
            write!(f, "{gap}{name}")?;
        }
        Ok(())
    }
}

/// One of the `scopes` of a resource's file: its name alone, or with what people read and whether it is what a request without
/// `scope` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceScope {
    pub name: String,
    pub default: bool,
    /// The resource's own words, by language (`en`, `de`).
    pub says: BTreeMap<String, String>,
}

/// The long form in JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScopeMembers {
    name: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    default: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    says: BTreeMap<String, String>,
}

impl From<&str> for ResourceScope {
    fn from(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }
}

impl Serialize for ResourceScope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.default && self.says.is_empty() {
            return serializer.serialize_str(&self.name);
        }
        let members = ScopeMembers {
            name: self.name.clone(),
            default: self.default,
            says: self.says.clone(),
        };
        members.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ResourceScope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EitherForm)
    }
}

struct EitherForm;

impl<'de> Visitor<'de> for EitherForm {
    type Value = ResourceScope;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scope name, or an object with `name`, `default` and `says`")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<ResourceScope, E> {
        Ok(name.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ResourceScope, A::Error> {
        let members = ScopeMembers::deserialize(MapAccessDeserializer::new(map))?;
        Ok(ResourceScope {
            name: members.name,
            default: members.default,
            says: members.says,
        })
    }
}

const fn is_scope_character(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_6749_3_3_names_are_a_set() {
        let scope = Scope::parse("b a  b").unwrap();
        assert_eq!(scope.to_string(), "a b");
        assert_eq!(Scope::parse("a\"b"), Err(ScopeError::BadCharacter));
        assert_eq!(Scope::parse("ä"), Err(ScopeError::BadCharacter));
        let longest = "a".repeat(MAX_SCOPE_NAME);
        assert!(Scope::parse(&longest).is_ok());
        assert_eq!(
            Scope::parse(&format!("b {longest}a")),
            Err(ScopeError::TooLong)
        );
    }

    #[test]
    fn half_a_million_scopes_are_refused_at_once() {
        let flood = "a ".repeat(500_000);
        assert_eq!(Scope::parse(&flood), Err(ScopeError::TooMany));
    }

    #[test]
    fn a_scope_of_a_resource_is_a_name_or_an_object() {
        let text = r#"["notes:read",{"name":"notes:write","default":true,"says":{"en":"Write"}}]"#;
        let scopes: Vec<ResourceScope> = serde_json::from_str(text).unwrap();
        assert_eq!(scopes[0], "notes:read".into());
        assert!(scopes[1].default && scopes[1].says["en"] == "Write");
        assert_eq!(serde_json::to_string(&scopes).unwrap(), text);
        for bad in [
            "1",
            "null",
            "{}",
            "[\"a\"]",
            r#"{"name":"a","defualt":true}"#,
            r#"{"name":"a","name":"b"}"#,
            r#"{"name":"a","says":"words"}"#,
        ] {
            assert!(serde_json::from_str::<ResourceScope>(bad).is_err(), "{bad}");
        }
    }
}
