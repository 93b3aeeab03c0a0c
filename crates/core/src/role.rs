//! Names of roles: what an operator calls them in the configuration.

use std::fmt;

/// The most roles of one person from one source.
pub const MAX_ROLES: usize = 64;
/// In bytes.
const LONGEST: usize = 64;
/// What operators are called: no role of people has such a name.
const OF_OPERATORS: [&str; 3] = ["admin", "auditor", "helpdesk"];

/// 1 to 64 of `a` to `z`, digits, `.`, `_` and `-`, of which the first is a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleName(String);

impl RoleName {
    /// `None` also for the name of an operator's role.
    pub fn parse(text: &str) -> Option<Self> {
        let is_first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let sound = |byte: u8| is_first(byte) || b"._-".contains(&byte);
        let first = text.bytes().next().is_some_and(is_first);
        let fits = first && text.len() <= LONGEST && text.bytes().all(sound);
        (fits && !OF_OPERATORS.contains(&text)).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
