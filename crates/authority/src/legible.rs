//! Whether a text is displayed exactly as it is, and an escaped form otherwise. A person must see what they approve: values that
//! would be invisible, cut or reordered on the screen are refused, and so are different texts that look the same.

use std::fmt;

use icu_normalizer::ComposingNormalizerBorrowed;
use serde_json::{Map, Value};

use crate::alike;
use crate::any;
use crate::letters;
use crate::pointer;
use crate::problem::Problem;
use crate::rules::Rule;
use crate::scripts::{self, Stranger};
use crate::signs;
use crate::tree::Node;

/// The longest text of one value, in characters.
pub const MAX_VALUE_LENGTH: usize = 140;

/// Why a text would not be displayed as it is. Positions count characters from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegibilityError {
    TooLong,
    /// Zero-width, blank, control or unassigned character.
    Hidden(char, usize),
    /// Bidirectional control (UAX 9).
    BidiControl(char, usize),
    /// Leading, trailing or doubled white space.
    Edge(usize),
    /// White space other than U+0020 and, beside digits and signs, U+00A0 and U+202F.
    Space(char, usize),
    /// Combining marks without a letter, or too many on one.
    Marks(usize),
    /// Not in Unicode normalization form C: one look would have two spellings.
    NotNfc,
    /// Drawn like another character.
    Confusable(char, usize),
    /// Letters of two scripts in one word, of which some look like Latin ones.
    MixedScript,
    /// Letters from right to left beside what makes the order on the screen that of another text.
    MixedDirection,
}

impl LegibilityError {
    /// The same, so many characters later.
    fn moved(self, by: usize) -> Self {
        match self {
            Self::Hidden(c, at) => Self::Hidden(c, at + by),
            Self::BidiControl(c, at) => Self::BidiControl(c, at + by),
            Self::Edge(at) => Self::Edge(at + by),
            Self::Space(c, at) => Self::Space(c, at + by),
            Self::Marks(at) => Self::Marks(at + by),
            Self::Confusable(c, at) => Self::Confusable(c, at + by),
            whole => whole,
        }
    }
}

impl fmt::Display for LegibilityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let point = |c: &char| format!("U+{:04X}", u32::from(*c));
        match self {
            Self::TooLong => write!(f, "this is longer than the {MAX_VALUE_LENGTH} characters that are shown"),
            Self::Hidden(c, at) => {
                write!(f, "the person would not see {} at character {at}", point(c))
            }
            Self::BidiControl(c, at) => {
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
            Self::NotNfc => f.write_str("this is not in Unicode's form NFC"),
            Self::Confusable(c, at) => {
                write!(f, "{} at character {at} looks like another character", point(c))
            }
            Self::MixedScript => f.write_str("one word has letters of two alphabets that look the same"),
            Self::MixedDirection => f.write_str(
                "letters from right to left stand in one line with letters from left to right and digits, \
                 or beside signs, so that another text would look the same",
            ),
        }
    }
}

/// The first reason why a text would not be displayed as it is.
pub fn unclear(text: &str) -> Option<LegibilityError> {
    let all: Vec<char> = text.chars().collect();
    if all.len() > MAX_VALUE_LENGTH {
        return Some(LegibilityError::TooLong);
    }
    let by_one = (0..all.len()).find_map(|at| {
        let (before, rest) = all.split_at_checked(at)?;
        let (c, after) = rest.split_first()?;
        wrong(*c, before, after)
    });
    by_one
        .or_else(|| too_many_marks(&all))
        .or_else(|| whole(text, &all))
}

/// The first reason why a text of several lines would not be displayed as it is: any number of spaces, tabs and line ends are.
pub(crate) fn unclear_block(text: &str) -> Option<LegibilityError> {
    let mut start = 0;
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        // A carriage return alone would go back over what is shown; before a line feed it is a part of the line's end.
        let ended = lines.peek().is_some();
        let shown = line.strip_suffix('\r').filter(|_| ended).unwrap_or(line);
        let plain = shown.replace('\t', " ");
        let all: Vec<char> = plain.chars().collect();
        let by_one = (0..all.len()).find_map(|at| {
            let (before, rest) = all.split_at_checked(at)?;
            let (c, after) = rest.split_first()?;
            (*c != ' ').then(|| wrong(*c, before, after)).flatten()
        });
        let why = by_one
            .or_else(|| too_many_marks(&all))
            .or_else(|| whole(&plain, &all))
            .or_else(|| {
                // A tab has a sign before it on the screen.
                let moves = letters::has_ambiguous_order(shown);
                moves.then_some(LegibilityError::MixedDirection)
            });
        if let Some(why) = why {
            return Some(why.moved(start));
        }
        start += line.chars().count() + 1;
    }
    None
}

/// The same as [`legible`] for what is shown as several lines: line ends and tabs behind the sign for them are kept.
pub fn legible_block(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for piece in text.split_inclusive(['\n', '\t']) {
        let end = match piece.strip_suffix(['\n', '\t']) {
            Some(before) if before.ends_with(LINE_END) && piece.ends_with('\n') => "\n",
            Some(before) if before.ends_with(TAB) && piece.ends_with('\t') => "\t",
            _ => "",
        };
        kept.push_str(&legible(piece.strip_suffix(end).unwrap_or(piece)));
        kept.push_str(end);
    }
    kept
}

/// Stands before each line feed that is shown.
pub(crate) const LINE_END: char = '↵';
/// Stands before each tab that is shown.
pub(crate) const TAB: char = '⇥';
/// Stands for a carriage return before a line feed.
pub(crate) const RETURN: char = '␍';

/// Escapes invisible characters as `\u{200b}`. A text without an [`unclear`] reason is returned unchanged.
pub fn legible(text: &str) -> String {
    let all: Vec<char> = text.chars().collect();
    let spelt = all.iter().enumerate().map(|(at, c)| {
        let (before, rest) = all.split_at_checked(at).unwrap_or_default();
        one(*c, before, rest.get(1..).unwrap_or_default())
    });
    spelt.collect()
}

pub(crate) fn one(c: char, before: &[char], after: &[char]) -> String {
    let (last, next) = (before.last().copied(), after.first().copied());
    let space = c.is_whitespace() && c != ' ' && !letters::is_space_of_number(c, last, next);
    match space || (letters::is_hidden(c) && !letters::is_joiner_in_place(c, before, after)) {
        true => c.escape_unicode().to_string(),
        false => c.to_string(),
    }
}

/// Checks every text and every member name of an object; what has the rule `any` by its own measure.
pub(crate) fn check(tree: &Node, value: &Value, at: &str) -> Result<(), Problem> {
    match (tree, value) {
        (Node::Leaf(Rule::Any), value) => any::check_shown(value, at),
        (Node::Object { .. }, Value::Object(members)) => {
            check_clear_names(members, at)?;
            members.iter().try_for_each(|(name, value)| {
                let at = pointer::join(at, name);
                match tree.member(name) {
                    Some(step) => check(step.as_node(), value, &at),
                    None => check_all(value, &at),
                }
            })
        }
        _ => check_all(value, at),
    }
}

fn check_all(value: &Value, at: &str) -> Result<(), Problem> {
    match value {
        Value::String(text) => check_clear(text, at),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(place, item)| check_all(item, &format!("{at}/{place}"))),
        Value::Object(members) => {
            check_clear_names(members, at)?;
            members
                .iter()
                .try_for_each(|(name, value)| check_all(value, &pointer::join(at, name)))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn check_clear(text: &str, at: &str) -> Result<(), Problem> {
    match unclear(text) {
        Some(why) => Err(Problem::new(at, why.to_string())),
        None => Ok(()),
    }
}

fn check_clear_names(members: &Map<String, Value>, at: &str) -> Result<(), Problem> {
    let mut names = members.keys();
    names.try_for_each(|name| check_clear(name, &pointer::join(at, name)))?;
    check_names(members, at)
}

/// Whether a reader can tell the names of an object apart: texts may have a twin that reads the same, names that stand beside it not.
pub(crate) fn check_names(members: &Map<String, Value>, at: &str) -> Result<(), Problem> {
    match alike::two_alike(members.keys().map(String::as_str)) {
        Some((one, other)) => {
            let why = format!("this name reads like `{one}`, which is another one");
            Err(Problem::new(pointer::join(at, other), why))
        }
        None => Ok(()),
    }
}

fn wrong(c: char, before: &[char], after: &[char]) -> Option<LegibilityError> {
    let at = before.len() + 1;
    if c == ' ' {
        let inner = before.last().is_some_and(|c| *c != ' ') && !after.is_empty();
        return (!inner).then_some(LegibilityError::Edge(at));
    }
    if letters::is_bidi_control(c) {
        return Some(LegibilityError::BidiControl(c, at));
    }
    if letters::is_hidden(c) {
        return (!letters::is_joiner_in_place(c, before, after))
            .then_some(LegibilityError::Hidden(c, at));
    }
    let (last, next) = (before.last().copied(), after.first().copied());
    if c.is_whitespace() {
        let seen = letters::is_space_of_number(c, last, next);
        return (!seen).then_some(LegibilityError::Space(c, at));
    }
    let like_another = letters::is_confusable(c) || letters::is_out_of_place(c, last, next);
    like_another.then_some(LegibilityError::Confusable(c, at))
}

/// A mark at the beginning of a text or word counts as one too many: there is no letter for it.
fn too_many_marks(all: &[char]) -> Option<LegibilityError> {
    let mut letter = ' ';
    let mut marks = 0;
    for (place, c) in all.iter().enumerate() {
        if !letters::is_mark(*c) {
            (letter, marks) = (*c, 0);
            continue;
        }
        marks += usize::from(!letters::is_hidden(*c));
        if letter.is_whitespace() || marks > letters::most_marks(*c) {
            return Some(LegibilityError::Marks(place + 1));
        }
    }
    None
}

fn whole(text: &str, all: &[char]) -> Option<LegibilityError> {
    if text.is_ascii() {
        return None;
    }
    if !ComposingNormalizerBorrowed::new_nfc().is_normalized(text) {
        return Some(LegibilityError::NotNfc);
    }
    if let Some((c, at)) = signs::posing(all.iter().copied()) {
        return Some(LegibilityError::Confusable(c, at));
    }
    match scripts::stranger(all) {
        Some(Stranger::Letter) => Some(LegibilityError::MixedScript),
        Some(Stranger::LookAlike(c, at)) => Some(LegibilityError::Confusable(c, at)),
        None => letters::has_ambiguous_order(text).then_some(LegibilityError::MixedDirection),
    }
}
