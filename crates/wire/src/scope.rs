//! Scope strings (RFC 6749 section 3.3). Parsing takes linear time.

use std::collections::BTreeSet;
use std::fmt;

/// The most names of one scope.
pub const MAX_SCOPES: usize = 64;

/// A set of scope names, each a valid `scope-token`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(BTreeSet<String>);

/// Why a text is not a scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    #[error("more than {MAX_SCOPES} scope names")]
    TooMany,
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
    }

    #[test]
    fn half_a_million_scopes_are_refused_at_once() {
        let flood = "a ".repeat(500_000);
        assert_eq!(Scope::parse(&flood), Err(ScopeError::TooMany));
    }
}
