//! JSON that every reader takes for the same (RFC 8259 sections 4 and 6, RFC 7493 section 2): whoever judges a message and whoever
//! acts upon it may use different parsers. Beyond [`strict_json`]: every number is one that each of them reads alike (`number.rs`);
//! no two members of an object differ in case or Unicode form alone; no member is called `__proto__`; no text has a noncharacter
//! (RFC 7493 section 2.1), which canonical JSON (RFC 8785) has no form for.

mod misread;
mod number;

use std::collections::BTreeSet;

use icu_normalizer::DecomposingNormalizerBorrowed;
use serde_json::{Map, Value};

use crate::{strict_json, text};

pub use misread::{Misread, members, misread, written_members};

/// Why a text is refused: a sentence for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExactJsonError {
    #[error("this is no JSON that is taken here: {0}")]
    Json(String),
    #[error("the number `{0}` is not read alike by every parser: send it as text")]
    Number(String),
    #[error("the member `{0}` is there twice")]
    Twice(String),
    #[error("the members `{0}` and `{1}` of one object are one name for some parsers")]
    SameName(String, String),
    #[error("a member is called `__proto__`")]
    Prototype,
    #[error("a member has a name that a parser keeps for itself")]
    Private,
    #[error("a text has the control character {}", text::code_point(*.0))]
    Control(char),
    #[error("a text has the noncharacter {}", text::code_point(*.0))]
    Noncharacter(char),
    #[error("this is not Unicode")]
    Unicode,
    #[error("this is more than {0} lists and objects deep")]
    Deep(usize),
}

impl ExactJsonError {
    /// The same where its place is named: digits that another parser reads otherwise are not repeated.
    pub fn at_its_place(&self) -> String {
        match self {
            Self::Number(_) => {
                "this number is not read alike by every parser: send it as text".to_owned()
            }
            other => other.to_string(),
        }
    }
}

/// The value of a text about which no two parsers disagree, with its numbers in their one form.
pub fn read(text: &[u8]) -> Result<Value, ExactJsonError> {
    let value: Value =
        strict_json::read(text).map_err(|error| ExactJsonError::Json(error.to_string()))?;
    match inexact_number(text) {
        Some(number) => return Err(ExactJsonError::Number(number)),
        None => check(&value)?,
    }
    Ok(normal(value))
}

/// The first number of a JSON text that is not read alike by every parser.
pub fn inexact_number(text: &[u8]) -> Option<String> {
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = match first {
            b'"' => after_string(after),
            // In JSON, what begins so outside of a string is a number.
            b'-' | b'0'..=b'9' => {
                let end = rest.iter().position(|byte| !is_of_number(*byte));
                let (number, after) = rest.split_at(end.unwrap_or(rest.len()));
                let number = String::from_utf8_lossy(number);
                if !number::is_exact(&number) {
                    return Some(number::told(&number));
                }
                after
            }
            _ => after,
        };
    }
    None
}

/// The same for a value that was made here, whose text does not exist yet.
pub fn check(value: &Value) -> Result<(), ExactJsonError> {
    match value {
        Value::Null | Value::Bool(_) => Ok(()),
        Value::String(text) => check_text(text),
        Value::Number(number) if number::is_exact_value(number) => Ok(()),
        Value::Number(number) => Err(ExactJsonError::Number(number::told(&number.to_string()))),
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(members) => {
            check_names(members.keys().map(String::as_str))?;
            members.values().try_for_each(check)
        }
    }
}

/// The value with each number in its one form, so that two spellings of one number are the same: `1` for `1.0` and `1e0`, `0` for `-0`.
pub fn normal(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(number::normal(&number)),
        Value::Array(items) => items.into_iter().map(normal).collect(),
        Value::Object(members) => Value::Object(normal_members(members)),
        Value::Null | Value::Bool(_) | Value::String(_) => value,
    }
}

pub fn normal_members(members: Map<String, Value>) -> Map<String, Value> {
    let members = members.into_iter();
    members.map(|(name, one)| (name, normal(one))).collect()
}

fn check_text(text: &str) -> Result<(), ExactJsonError> {
    match (text::control_in(text), text::noncharacter_in(text)) {
        (Some(control), _) => Err(ExactJsonError::Control(control)),
        (None, Some(other)) => Err(ExactJsonError::Noncharacter(other)),
        (None, None) => Ok(()),
    }
}

/// Of one object.
pub fn check_names<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Result<(), ExactJsonError> {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for name in names.clone() {
        check_text(name)?;
        if name == "__proto__" {
            return Err(ExactJsonError::Prototype);
        }
        if strict_json::is_private(name) {
            return Err(ExactJsonError::Private);
        }
        if !seen.insert(folded(name)) {
            let mut others = names.clone();
            let same = |other: &&str| *other != name && folded(other) == folded(name);
            return Err(match others.find(same) {
                Some(other) => ExactJsonError::SameName(other.to_owned(), name.to_owned()),
                None => ExactJsonError::Twice(name.to_owned()),
            });
        }
    }
    Ok(())
}

/// Whether some parser takes two names for one.
pub fn is_same_name(one: &str, other: &str) -> bool {
    folded(one) == folded(other)
}

/// The same for two names that any reader takes for one which ignores case, or compares by canonical equivalence as Swift does (Unicode,
/// section 3.13.5): simple and full folding together, of the decomposed letters and decomposed again. Letter by letter, because a sigma
/// at the end of a word is written in another way. The dotted I folds to `i` with a dot or, by simple folding, to `i` alone.
fn folded(name: &str) -> String {
    let decomposed = DecomposingNormalizerBorrowed::new_nfd();
    let name = decomposed.normalize(name);
    let small = name.chars().flat_map(char::to_lowercase);
    let large = small.flat_map(char::to_uppercase);
    let small: String = large.flat_map(char::to_lowercase).collect();
    decomposed.normalize(&small).replace("i\u{307}", "i")
}

fn after_string(mut rest: &[u8]) -> &[u8] {
    while let Some((first, after)) = rest.split_first() {
        match first {
            b'"' => return after,
            b'\\' => rest = after.get(1..).unwrap_or_default(),
            _ => rest = after,
        }
    }
    rest
}

fn is_of_number(byte: u8) -> bool {
    byte.is_ascii_digit() || b"+-.eE".contains(&byte)
}

#[cfg(test)]
mod tests;
