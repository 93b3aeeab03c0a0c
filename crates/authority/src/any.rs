//! Values of any kind under the rule `any`: how large they may be, and how each is shown on a line of its own with its path, so that
//! two different ones never read the same (docs/types.md).

use serde_json::{Map, Value};
use writ_wire::exact_json;

use crate::legible;
use crate::pointer;
use crate::problem::Problem;
use crate::reading::{Piece, said};
use crate::text;

/// The largest value, as canonical JSON in bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// The most lists and objects around a value.
pub const MAX_NESTED: usize = 32;
/// The largest value about which a person is asked, as canonical JSON in bytes.
pub const MAX_SHOWN_BYTES: usize = 16 * 1024;
/// The most values in it, each of which is a line on the screen.
pub const MAX_SHOWN_VALUES: usize = 200;
/// The most lists and objects around one of them.
pub const MAX_SHOWN_NESTED: usize = 8;
/// The longest name of a member in it, in characters.
pub const MAX_SHOWN_NAME: usize = 64;
/// The longest text in it, in characters.
pub const MAX_SHOWN_TEXT: usize = 8_000;

/// What one value may have at most.
struct Bounds {
    /// As canonical JSON.
    bytes: usize,
    /// Lists and objects around a value.
    nested: usize,
}

const JUDGED: Bounds = Bounds {
    bytes: MAX_BYTES,
    nested: MAX_NESTED,
};
const SHOWN: Bounds = Bounds {
    bytes: MAX_SHOWN_BYTES,
    nested: MAX_SHOWN_NESTED,
};

/// Whether it is small enough to be judged, and every parser reads it alike. `at` is its place.
pub fn check_bounds(value: &Value, at: &str) -> Result<(), Problem> {
    within(value, at, &JUDGED)?;
    exact(value, at)
}

/// Whether a person can be shown all of it, as it is.
pub(crate) fn check_shown(value: &Value, at: &str) -> Result<(), Problem> {
    within(value, at, &SHOWN)?;
    if count(value) > MAX_SHOWN_VALUES {
        let why = format!("a person is shown at most {MAX_SHOWN_VALUES} values");
        return Err(Problem::new(at, why));
    }
    readable(value, at)
}

fn within(value: &Value, at: &str, most: &Bounds) -> Result<(), Problem> {
    let Bounds { bytes, nested } = *most;
    // Depth first: what is written is not deeper than that.
    if let Some(deep) = deeper_than(value, nested, at) {
        let why = format!("this is more than {nested} lists and objects deep");
        return Err(Problem::new(deep, why));
    }
    let size = serde_json_canonicalizer::to_vec(value).map_or(usize::MAX, |text| text.len());
    match size > bytes {
        true => Err(Problem::new(
            at,
            format!("this is larger than {bytes} bytes of JSON"),
        )),
        false => Ok(()),
    }
}

/// The place of the first value with more than `left` lists and objects around it.
fn deeper_than(value: &Value, left: usize, at: &str) -> Option<String> {
    let Some(left) = left.checked_sub(1) else {
        let nests = value.is_array() || value.is_object();
        return nests.then(|| at.to_owned());
    };
    inner(value, at).find_map(|(value, at)| deeper_than(value, left, &at))
}

/// The values of a list or object, with their places.
fn inner<'a>(value: &'a Value, at: &'a str) -> Box<dyn Iterator<Item = (&'a Value, String)> + 'a> {
    match value {
        Value::Array(items) => {
            let items = items.iter().enumerate();
            Box::new(items.map(move |(place, item)| (item, format!("{at}/{place}"))))
        }
        Value::Object(members) => {
            let members = members.iter();
            Box::new(members.map(move |(name, value)| (value, pointer::join(at, name))))
        }
        _ => Box::new(std::iter::empty()),
    }
}

fn exact(value: &Value, at: &str) -> Result<(), Problem> {
    if exact_json::check(value).is_ok() {
        return Ok(());
    }
    for (value, at) in inner(value, at) {
        exact(value, &at)?;
    }
    exact_json::check(value).map_err(|error| Problem::new(at, error.at_its_place()))
}

/// Lines on the screen.
fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) if !items.is_empty() => items.iter().map(count).sum(),
        Value::Object(members) if !members.is_empty() => members.values().map(count).sum(),
        _ => 1,
    }
}

fn readable(value: &Value, at: &str) -> Result<(), Problem> {
    if let Value::String(text) = value {
        let long = text.chars().count() > MAX_SHOWN_TEXT;
        let long = long
            .then(|| format!("this is longer than the {MAX_SHOWN_TEXT} characters that are shown"));
        let why = long.or_else(|| legible::unclear_block(text).map(|why| why.to_string()));
        return why.map_or(Ok(()), |why| Err(Problem::new(at, why)));
    }
    for name in value.as_object().into_iter().flat_map(Map::keys) {
        let fits = (1..=MAX_SHOWN_NAME).contains(&name.chars().count());
        let why = (!fits).then(|| format!("a name has 1 to {MAX_SHOWN_NAME} characters"));
        let why = why.or_else(|| legible::unclear(name).map(|why| why.to_string()));
        if let Some(why) = why {
            return Err(Problem::new(pointer::join(at, name), why));
        }
    }
    if let Value::Object(members) = value {
        legible::check_names(members, at)?;
    }
    inner(value, at).try_for_each(|(value, at)| readable(value, &at))
}

/// A value that stands in a sentence: a text in one line, a number, or a word for `true`, `false` or `null`.
pub(crate) fn in_sentence(value: &Value, lang: &str) -> Option<Vec<Piece>> {
    match value {
        Value::Array(_) | Value::Object(_) => None,
        Value::String(text) if legible::unclear(text).is_some() => None,
        one => Some(shown(one, lang)),
    }
}

/// Each value on a line of its own: its path, and what it is. `said` are the pointers of what stands elsewhere.
pub(crate) fn lines(value: &Value, said: &[&str], lang: &str) -> Vec<Vec<Piece>> {
    let mut lines = Vec::new();
    let start = Line {
        path: Vec::new(),
        at: String::new(),
        lang,
    };
    start.walk(value, said, &mut lines);
    lines
}

/// Where a value is, for people and as a pointer.
struct Line<'a> {
    path: Vec<Piece>,
    at: String,
    lang: &'a str,
}

impl Line<'_> {
    fn walk(&self, value: &Value, said: &[&str], lines: &mut Vec<Vec<Piece>>) {
        match value {
            _ if said.contains(&self.at.as_str()) => {}
            Value::Array(items) if !items.is_empty() => {
                for (place, item) in items.iter().enumerate() {
                    // People count from one.
                    let step = vec![Piece::Value((place + 1).to_string())];
                    let below = self.below(step, format!("{}/{place}", self.at));
                    below.walk(item, said, lines);
                }
            }
            Value::Object(members) if !members.is_empty() => {
                for (name, value) in members {
                    let step = quoted(name, self.lang);
                    let below = self.below(step, pointer::join(&self.at, name));
                    below.walk(value, said, lines);
                }
            }
            one => {
                let mut line = self.path.clone();
                line.extend((!line.is_empty()).then(|| crate::reading::said(": ")));
                line.extend(shown(one, self.lang));
                lines.push(line);
            }
        }
    }

    fn below(&self, step: Vec<Piece>, at: String) -> Self {
        let mut path = self.path.clone();
        path.extend((!path.is_empty()).then(|| said(" › ")));
        path.extend(step);
        Line { path, at, ..*self }
    }
}

/// A value that is no list and no object, or an empty one: only a text has quotation marks.
fn shown(value: &Value, lang: &str) -> Vec<Piece> {
    match value {
        Value::String(text) if legible::unclear(text).is_some() => block(text, lang),
        Value::String(text) => quoted(text, lang),
        other => {
            let word = text::word(other, lang).map(str::to_owned);
            let written = word.or_else(|| serde_json_canonicalizer::to_string(other).ok());
            vec![Piece::Value(written.unwrap_or_else(|| other.to_string()))]
        }
    }
}

/// A text that is longer than a line: how long it is, and all of it.
fn block(text: &str, lang: &str) -> Vec<Piece> {
    let (before, after) = text::marks(lang);
    let length = text.chars().count();
    let length = match lang.split('-').next() {
        Some("de") => format!("({length} Zeichen) "),
        _ => format!("({length} characters) "),
    };
    let block = format!("{before}{}{after}", text::block(text));
    vec![Piece::Text(length), Piece::Block(block)]
}

fn quoted(text: &str, lang: &str) -> Vec<Piece> {
    let (before, after) = text::marks(lang);
    vec![said(before), Piece::Value(text::inner(text)), said(after)]
}
