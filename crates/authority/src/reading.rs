//! Renders one object by the sentences of its type. Texts from a request are put in quotation marks, unless the schema limits them
//! to a list or a pattern, so that no value can be read as a part of the sentence or of another value.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use writ_wire::rar::Detail;

use crate::any;
use crate::pointer;
use crate::rules::Rule;
use crate::shape;
use crate::template::{self, Part, Place, Slot};
use crate::text;
use crate::tree::Node;

/// A part of a sentence: text of the type's template, or a value from the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    Value(String),
    /// A point in time from the request: RFC 3339, and the same as it is written where nobody's clock is known.
    Time {
        at: String,
        written: String,
    },
    /// A text of several lines from the request, in its quotation marks: it stands by itself. Its line ends and tabs are there, each
    /// with a sign that is seen before it.
    Block(String),
}

/// One object to be rendered, with the definition of its type and the reader's language.
pub(crate) struct Reading<'a> {
    pub(crate) own: Value,
    pub(crate) detail: &'a Detail,
    pub(crate) tree: &'a Node,
    pub(crate) schema: &'a Map<String, Value>,
    pub(crate) lang: &'a str,
    pub(crate) words: &'a BTreeMap<String, BTreeMap<String, String>>,
}

/// What was said before the lines of a member of the rule `any`, so that they leave it out.
#[derive(Clone, Copy)]
pub(crate) enum SaidBefore<'a> {
    Sentence(&'a [Part]),
    /// At these pointers of the object.
    At(&'a [&'a str]),
}

impl Piece {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Text(text) | Self::Value(text) | Self::Block(text) => text,
            Self::Time { written, .. } => written,
        }
    }
}

/// Merges adjacent texts.
pub(crate) fn join(pieces: impl IntoIterator<Item = Piece>) -> Vec<Piece> {
    let mut joined: Vec<Piece> = Vec::new();
    for piece in pieces {
        match (joined.last_mut(), piece) {
            (Some(Piece::Text(before)), Piece::Text(more)) => before.push_str(&more),
            (_, piece) if piece == said("") => {}
            (_, piece) => joined.push(piece),
        }
    }
    joined
}

impl Reading<'_> {
    pub(crate) fn render(&self, parts: &[Part]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for part in parts {
            match part {
                Part::Text(text) => pieces.push(said(text)),
                // Objects of a ceiling may leave out required members.
                Part::Slot(slot) => {
                    pieces.extend(self.value(slot).unwrap_or_else(|| vec![said("*")]));
                }
                Part::Choice { given, .. } if self.has_all(given) => {
                    pieces.extend(self.render(given));
                }
                Part::Choice { otherwise, .. } => pieces.extend(self.render(otherwise)),
            }
        }
        pieces
    }

    pub(crate) fn has_all(&self, parts: &[Part]) -> bool {
        template::slots(parts)
            .iter()
            .all(|(slot, place)| *place != Place::Always || self.value(slot).is_some())
    }

    /// A line of `limits` with the values of a member of the rule `any`, each on a line; `None` for every other line.
    pub(crate) fn lines_of_any(
        &self,
        line: &[Part],
        said: SaidBefore<'_>,
    ) -> Option<Vec<Vec<Piece>>> {
        let slots = template::slots(line);
        let (slot, _) = slots
            .iter()
            .find(|(slot, _)| matches!(self.tree.at(&slot.names), Some(Node::Leaf(Rule::Any))))?;
        let value = pointer::find(&self.own, &slot.names)?;
        let said: Vec<&str> = match said {
            SaidBefore::Sentence(sentence) => template::slots(sentence)
                .iter()
                .filter(|(_, place)| *place == Place::Always)
                .filter_map(|(other, _)| other.pointer.strip_prefix(slot.pointer.as_str()))
                .filter(|at| is_in_sentence(value, at, self.lang))
                .collect(),
            SaidBefore::At(pointers) => pointers
                .iter()
                .filter_map(|at| at.strip_prefix(slot.pointer.as_str()))
                .collect(),
        };
        let all = any::lines(value, &said, self.lang);
        let around = |shown: Vec<Piece>| {
            let parts = line.iter().flat_map(|part| match part {
                Part::Slot(own) if own.pointer == slot.pointer => shown.clone(),
                other => self.render(std::slice::from_ref(other)),
            });
            join(parts)
        };
        Some(all.into_iter().map(around).collect())
    }

    fn value(&self, slot: &Slot) -> Option<Vec<Piece>> {
        if slot.pointer == "/locations" {
            return Some(self.list(self.detail.members().get("locations")?, slot));
        }
        if let Some((OTHERS, around)) = slot.names.split_last().map(|(l, a)| (l.as_str(), a)) {
            return self.others(around);
        }
        let value = pointer::find(&self.own, &slot.names).or_else(|| self.single_time(slot))?;
        let rule = self.rule(&slot.names);
        if rule == Some(Rule::Any) {
            // What a sentence cannot hold stands in the lines, and only there.
            let shown = any::in_sentence(value, self.lang);
            return Some(shown.unwrap_or_else(|| vec![said(ELSEWHERE)]));
        }
        let is_group = rule.is_none();
        Some(match value {
            // An empty group restricts nothing: as if absent.
            Value::Object(members) if members.is_empty() && is_group => return None,
            Value::Array(items) if !items.is_empty() => self.list(value, slot),
            Value::Object(members) if !members.is_empty() => self.pairs(members),
            Value::Array(_) | Value::Object(_) => self.nested(value),
            one => self.scalar(one, slot),
        })
    }

    /// The members of a group that the type does not name.
    fn others(&self, around: &[String]) -> Option<Vec<Piece>> {
        let group = pointer::find(&self.own, around)?.as_object()?;
        let Some(Node::Object { members: named, .. }) = self.tree.at(around) else {
            return None;
        };
        let others = group.iter().filter(|(name, _)| !named.contains_key(*name));
        let others: Map<String, Value> = others.map(|(n, v)| (n.clone(), v.clone())).collect();
        (!others.is_empty()).then(|| self.pairs(&others))
    }

    /// A single time in place of a period is its `from` and its `until`.
    fn single_time(&self, slot: &Slot) -> Option<&Value> {
        let (end, around) = slot.names.split_last()?;
        let is_period =
            self.rule(around) == Some(Rule::Within) && (end == "from" || end == "until");
        pointer::find(&self.own, around).filter(|v| is_period && v.is_string())
    }

    fn list(&self, value: &Value, slot: &Slot) -> Vec<Piece> {
        let items = value.as_array().map_or(&[][..], Vec::as_slice);
        let last = items.len().saturating_sub(1);
        let mut pieces = Vec::new();
        for (place, item) in items.iter().enumerate() {
            match &slot.joint {
                _ if place == 0 => {}
                Some(joint) if place == last => pieces.push(Piece::Text(format!(" {joint} "))),
                _ => pieces.push(said(", ")),
            }
            pieces.extend(self.scalar(item, slot));
        }
        pieces
    }

    /// Members with names from the request: `“name”: value`, so that a reader sees where each begins and ends.
    fn pairs(&self, members: &Map<String, Value>) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for (place, (name, value)) in members.iter().enumerate() {
            pieces.extend((place > 0).then(|| said(", ")));
            pieces.extend(self.quoted(name));
            pieces.push(said(": "));
            pieces.extend(self.nested(value));
        }
        pieces
    }

    /// A value that may be of any JSON type: `2` is a number, `“2”` is text.
    fn nested(&self, value: &Value) -> Vec<Piece> {
        match value {
            Value::String(text) => self.quoted(text),
            Value::Array(items) => {
                let mut pieces = vec![said("[")];
                for (place, item) in items.iter().enumerate() {
                    pieces.extend((place > 0).then(|| said(", ")));
                    pieces.extend(self.nested(item));
                }
                pieces.push(said("]"));
                pieces
            }
            Value::Object(members) => {
                let mut pieces = vec![said("{")];
                pieces.extend(self.pairs(members));
                pieces.push(said("}"));
                pieces
            }
            other => {
                let word = text::word(other, self.lang).map(str::to_owned);
                vec![Piece::Value(word.unwrap_or_else(|| other.to_string()))]
            }
        }
    }

    fn scalar(&self, value: &Value, slot: &Slot) -> Vec<Piece> {
        let words = self.words.get(&slot.pointer);
        if let Some(word) = value.as_str().and_then(|text| words?.get(text)) {
            return vec![said(word)];
        }
        let around = slot
            .names
            .split_last()
            .map_or(&[][..], |(_, around)| around);
        let written = match self.rule(&slot.names).or_else(|| self.rule(around)) {
            Some(Rule::AtMost | Rule::AtLeast | Rule::Budget { .. }) => {
                text::number(value, self.lang)
            }
            Some(Rule::Within) => {
                if let Some(time) = value.as_str().and_then(time) {
                    return vec![time];
                }
                None
            }
            _ => None,
        };
        match (written, value) {
            (Some(written), _) => {
                let counted = slot.counted(&written);
                let word = counted.map(|word| Piece::Text(format!(" {word}")));
                std::iter::once(Piece::Value(written)).chain(word).collect()
            }
            (None, Value::String(text)) if words.is_none() && self.is_plain(text, slot) => {
                vec![Piece::Value(text::account(text))]
            }
            (None, other) => self.nested(other),
        }
    }

    /// Whether the text needs no quotation marks: letters and digits that the schema limits to a list or a pattern, and that read like no
    /// other value.
    fn is_plain(&self, text: &str, slot: &Slot) -> bool {
        if slot.pointer == "/locations" {
            let of_uri = |b: u8| b.is_ascii_graphic() && !b"\"\\<>`,".contains(&b);
            return text.bytes().all(of_uri);
        }
        let found = shape::schema_of(self.schema, &slot.names);
        let found = found.map(|inner| inner.get("items").unwrap_or(inner));
        let shaped = |s: &Value| {
            ["enum", "const", "pattern"]
                .iter()
                .any(|k| s.get(k).is_some())
        };
        let letters = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
        letters && !text::is_word(text, self.lang) && found.is_some_and(shaped)
    }

    fn quoted(&self, text: &str) -> Vec<Piece> {
        let (before, after) = text::marks(self.lang);
        vec![said(before), Piece::Value(text::inner(text)), said(after)]
    }

    fn rule(&self, names: &[String]) -> Option<Rule> {
        match self.tree.find(names)?.as_node() {
            Node::Leaf(rule) => Some(rule.clone()),
            Node::Object { .. } => None,
        }
    }
}

/// In a sentence, in place of a value that is too long for it; a text of this one character has quotation marks.
const ELSEWHERE: &str = "…";
/// In a pointer: the members that the type does not name.
const OTHERS: &str = "*";

pub(crate) fn said(text: &str) -> Piece {
    Piece::Text(text.to_owned())
}

fn time(at: &str) -> Option<Piece> {
    Some(Piece::Time {
        at: at.to_owned(),
        written: text::time(at)?,
    })
}

fn is_in_sentence(value: &Value, at: &str, lang: &str) -> bool {
    let names = pointer::names(at).unwrap_or_default();
    let found = pointer::find(value, &names);
    found.is_some_and(|one| any::in_sentence(one, lang).is_some())
}
