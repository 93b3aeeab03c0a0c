//! Whether a text is shown exactly as it is, and how it is shown if not. Promise 7: what a person could not see, or would see
//! cut or in another order, is never granted; two texts that both may be granted never look the same by hidden means.

use std::fmt;

use icu_normalizer::ComposingNormalizerBorrowed;
use serde_json::Value;

use crate::letters;
use crate::pointer;
use crate::problem::Problem;

/// The longest text of one value, in characters.
pub const MAX_VALUE_LENGTH: usize = 140;

/// Why a text would not be shown as it is. Places count characters from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unclear {
    TooLong,
    /// Without width, without a picture, a control, or unknown.
    Hidden(char, usize),
    /// Turns the direction of text.
    Turning(char, usize),
    /// White space that is no single space between two characters.
    Edge(usize),
    /// Another white space than U+0020.
    Space(char, usize),
    /// On no letter, or too many on one.
    Marks(usize),
    /// Not in Unicode's form NFC: the same look has two spellings.
    Spelling,
    /// Drawn as another character.
    Double(char, usize),
    /// Latin letters and others that look like them in one word.
    Mixed,
    /// Letters of both directions and digits: their order on the screen would be another.
    Order,
}

impl fmt::Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let point = |c: &char| format!("U+{:04X}", u32::from(*c));
        match self {
            Self::TooLong => write!(f, "this is longer than the {MAX_VALUE_LENGTH} characters that are shown"),
            Self::Hidden(c, at) => {
                write!(f, "the person would not see {} at character {at}", point(c))
            }
            Self::Turning(c, at) => {
                write!(f, "{} at character {at} turns the direction of text", point(c))
            }
            Self::Edge(at) => {
                write!(f, "there is leading, trailing or doubled white space at character {at}")
            }
            Self::Space(c, at) => {
                write!(f, "{} at character {at} looks like a space: use U+0020", point(c))
            }
            Self::Marks(at) => {
                write!(f, "there are more marks at character {at} than can be told apart")
            }
            Self::Spelling => f.write_str("this is not in Unicode's form NFC"),
            Self::Double(c, at) => {
                write!(f, "{} at character {at} looks like another character", point(c))
            }
            Self::Mixed => f.write_str("one word has letters of two alphabets that look the same"),
            Self::Order => f.write_str(
                "letters from left to right, letters from right to left and digits stand in one text: \
                 their order on the screen would be another",
            ),
        }
    }
}

/// The first reason why this text would not be shown exactly.
pub fn unclear(text: &str) -> Option<Unclear> {
    let all: Vec<char> = text.chars().collect();
    if all.len() > MAX_VALUE_LENGTH {
        return Some(Unclear::TooLong);
    }
    let by_one = (0..all.len()).find_map(|at| {
        let (before, rest) = all.split_at_checked(at)?;
        let (c, after) = rest.split_first()?;
        wrong(*c, before, after)
    });
    by_one
        .or_else(|| too_many_marks(&all))
        .or_else(|| whole(text))
}

/// The text with what cannot be seen spelt out as `\u{200b}`. Of a text that is not [`unclear`] nothing changes.
pub fn legible(text: &str) -> String {
    let all: Vec<char> = text.chars().collect();
    let spelt = all.iter().enumerate().map(|(at, c)| {
        let (before, rest) = all.split_at_checked(at).unwrap_or_default();
        one(*c, before, rest.get(1..).unwrap_or_default())
    });
    spelt.collect()
}

pub(crate) fn one(c: char, before: &[char], after: &[char]) -> String {
    let space = c.is_whitespace() && c != ' ';
    match space || (letters::is_hidden(c) && !letters::is_seen(c, before, after)) {
        true => c.escape_unicode().to_string(),
        false => c.to_string(),
    }
}

/// Every text and every name of a free member in what a type's members hold.
pub(crate) fn check(value: &Value, at: &str) -> Result<(), Problem> {
    let clear = |text: &str, at: &str| match unclear(text) {
        Some(why) => Err(Problem::new(at, why.to_string())),
        None => Ok(()),
    };
    match value {
        Value::String(text) => clear(text, at),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(place, item)| check(item, &format!("{at}/{place}"))),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            let at = pointer::join(at, name);
            clear(name, &at)?;
            check(value, &at)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn wrong(c: char, before: &[char], after: &[char]) -> Option<Unclear> {
    let at = before.len() + 1;
    if c == ' ' {
        let inner = before.last().is_some_and(|c| *c != ' ') && !after.is_empty();
        return (!inner).then_some(Unclear::Edge(at));
    }
    if letters::is_turning(c) {
        return Some(Unclear::Turning(c, at));
    }
    if letters::is_hidden(c) {
        return (!letters::is_seen(c, before, after)).then_some(Unclear::Hidden(c, at));
    }
    if c.is_whitespace() {
        return Some(Unclear::Space(c, at));
    }
    letters::is_double(c).then_some(Unclear::Double(c, at))
}

/// Also the first mark of a text, or of a word, would stand on what is not its letter.
fn too_many_marks(all: &[char]) -> Option<Unclear> {
    let mut letter = ' ';
    let mut marks = 0;
    for (place, c) in all.iter().enumerate() {
        if !letters::is_mark(*c) {
            (letter, marks) = (*c, 0);
            continue;
        }
        marks += usize::from(!letters::is_hidden(*c));
        if letter == ' ' || marks > letters::most_marks(*c) {
            return Some(Unclear::Marks(place + 1));
        }
    }
    None
}

fn whole(text: &str) -> Option<Unclear> {
    if !ComposingNormalizerBorrowed::new_nfc().is_normalized(text) {
        return Some(Unclear::Spelling);
    }
    if letters::words(text).any(letters::looks_mixed) {
        return Some(Unclear::Mixed);
    }
    let both =
        text.chars().any(letters::is_right_to_left) && text.chars().any(letters::is_left_to_right);
    (both && text.chars().any(char::is_numeric)).then_some(Unclear::Order)
}
