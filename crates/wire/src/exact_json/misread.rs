//! Where in a text something stands that two parsers may read differently. The grammar is judged by the one parser; here each value is
//! taken as the text that it is, so that what no reader here holds in a value, such as `1e400` or half of a letter, has a place too.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{ExactJsonError, check_names, check_text, number};

/// A place, as a JSON pointer (RFC 6901), and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    pub place: String,
    pub why: ExactJsonError,
}

/// The first of a text. `at` is its place, `levels` how many lists and objects may stand around a value.
pub fn misread(json: &RawValue, at: &str, levels: usize) -> Option<Misread> {
    find(
        json,
        at,
        Levels {
            left: levels,
            levels,
        },
    )
    .err()
}

/// The members of an object, each with its text; an object that two parsers read alike, whatever they read in its members.
pub fn members(json: &str) -> Result<Vec<(String, &RawValue)>, ExactJsonError> {
    let members = written_members(json)?;
    check_names(members.iter().map(|(name, _)| name.as_str()))?;
    Ok(members)
}

/// The same, each as often as it is written.
pub fn written_members(json: &str) -> Result<Vec<(String, &RawValue)>, ExactJsonError> {
    let members: Result<Members<'_>, _> = serde_json::from_str(json);
    let Members(members) = members.map_err(|error| ExactJsonError::Json(error.to_string()))?;
    Ok(members)
}

#[derive(Clone, Copy)]
struct Levels {
    left: usize,
    levels: usize,
}

fn find(json: &RawValue, at: &str, levels: Levels) -> Result<(), Misread> {
    let text = json.get();
    let here = |why| Misread {
        place: at.to_owned(),
        why,
    };
    let below = || match levels.left.checked_sub(1) {
        Some(left) => Ok(Levels { left, ..levels }),
        None => Err(here(ExactJsonError::Deep(levels.levels))),
    };
    match text.as_bytes().first() {
        Some(b'{') => {
            let below = below()?;
            // The grammar was judged: what is left is a name that is not Unicode.
            let unreadable = |why| match why {
                ExactJsonError::Json(_) => ExactJsonError::Unicode,
                other => other,
            };
            let members = members(text).map_err(|why| here(unreadable(why)))?;
            members
                .iter()
                .try_for_each(|(name, one)| find(one, &format!("{at}/{}", step(name)), below))
        }
        Some(b'[') => {
            let below = below()?;
            let items: Vec<&RawValue> = serde_json::from_str(text)
                .map_err(|error| here(ExactJsonError::Json(error.to_string())))?;
            let mut items = items.iter().enumerate();
            items.try_for_each(|(place, one)| find(one, &format!("{at}/{place}"), below))
        }
        Some(b'"') => {
            let text: String =
                serde_json::from_str(text).map_err(|_| here(ExactJsonError::Unicode))?;
            check_text(&text).map_err(here)
        }
        Some(b'-' | b'0'..=b'9') if !number::is_exact(text) => {
            Err(here(ExactJsonError::Number(number::told(text))))
        }
        _ => Ok(()),
    }
}

fn step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// In the order of the text, each as often as it is there.
struct Members<'de>(Vec<(String, &'de RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersReader)
    }
}

struct MembersReader;

impl<'de> Visitor<'de> for MembersReader {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
