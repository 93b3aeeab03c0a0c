//! What an object permits, in words. A type is refused unless each of its members is shown in each language: what is
//! carried but not shown to the person is a fault (LESSONS 37).

use std::collections::BTreeMap;

use serde_json::Value;
use writ_wire::rar::Detail;

use crate::definition::{File, TypeError, Usage, refuse};
use crate::object;
use crate::pointer;
use crate::rules::Rule;
use crate::shape;
use crate::template::{self, Part, Place, Slot};
use crate::text;
use crate::tree::Node;

/// A part of a sentence: our own words, or a value that came from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    Value(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Wording(BTreeMap<String, Language>);

#[derive(Clone, Debug)]
struct Language {
    sentence: Vec<Part>,
    limits: Vec<Vec<Part>>,
    words: BTreeMap<String, BTreeMap<String, String>>,
}

/// One object, its type's members and the reader's language.
struct Reading<'a> {
    own: Value,
    detail: &'a Detail,
    tree: &'a Node,
    lang: &'a str,
    words: &'a BTreeMap<String, BTreeMap<String, String>>,
}

impl Piece {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Text(text) | Self::Value(text) => text,
        }
    }
}

/// The entry of `lang`, of its language without region, or of English.
pub(crate) fn choose<'a, T>(by_language: &'a BTreeMap<String, T>, lang: &str) -> Option<&'a T> {
    let primary = lang.split('-').next().unwrap_or_default();
    [lang, primary, "en"]
        .iter()
        .find_map(|name| by_language.get(*name))
}

impl Wording {
    pub(crate) fn parse(file: &File, tree: &Node) -> Result<Self, TypeError> {
        let mut languages = BTreeMap::new();
        for (lang, sentence) in &file.sentence {
            let at = pointer::join("/sentence", lang);
            says_usage(file.usage, lang, sentence).map_err(|why| refuse(&at, why))?;
            let language = Language {
                sentence: read(sentence, &at, tree)?,
                limits: read_limits(file, lang, tree)?,
                words: file.words.get(lang).cloned().unwrap_or_default(),
            };
            check_always(file, &language, &at)?;
            for rule in leaves(tree, "") {
                if !language.shows(&rule) {
                    let why = format!("neither this nor `limits` shows `{}`", rule.pointer);
                    return Err(refuse(&at, why));
                }
            }
            languages.insert(lang.clone(), language);
        }
        Ok(Self(languages))
    }

    pub(crate) fn sentence(&self, detail: &Detail, tree: &Node, lang: &str) -> Vec<Piece> {
        let Some((language, reading)) = self.reading(detail, tree, lang) else {
            return Vec::new();
        };
        let mut pieces = reading.render(&language.sentence);
        if let Some(Piece::Text(first) | Piece::Value(first)) = pieces.first_mut() {
            let mut rest = first.chars();
            *first = rest
                .next()
                .into_iter()
                .flat_map(char::to_uppercase)
                .chain(rest)
                .collect();
        }
        pieces
    }

    pub(crate) fn limits(&self, detail: &Detail, tree: &Node, lang: &str) -> Vec<String> {
        let Some((language, reading)) = self.reading(detail, tree, lang) else {
            return Vec::new();
        };
        let shown = language.limits.iter().filter(|line| reading.has_all(line));
        shown
            .map(|line| reading.render(line).iter().map(Piece::as_str).collect())
            .collect()
    }

    fn reading<'a>(
        &'a self,
        detail: &'a Detail,
        tree: &'a Node,
        lang: &'a str,
    ) -> Option<(&'a Language, Reading<'a>)> {
        let language = choose(&self.0, lang)?;
        // Numbers are written as in the language that is really shown.
        let shown = self.0.iter().find(|(_, l)| std::ptr::eq(*l, language));
        let lang = shown.map_or("en", |(name, _)| name.as_str());
        let own = object::own_members(detail);
        Some((
            language,
            Reading {
                own,
                detail,
                tree,
                lang,
                words: &language.words,
            },
        ))
    }
}

impl Language {
    /// Whether a reader sees the member: itself, something around it, or both ends of a period.
    fn shows(&self, rule: &Leaf<'_>) -> bool {
        let all = self
            .limits
            .iter()
            .chain([&self.sentence])
            .flat_map(|parts| template::slots(parts));
        let seen: Vec<&str> = all
            .filter(|(_, place)| *place != Place::Instead)
            .map(|(s, _)| s.pointer.as_str())
            .collect();
        let below = |around: &str| {
            rule.pointer
                .strip_prefix(around)
                .is_some_and(|r| r.is_empty() || r.starts_with('/'))
        };
        let has = |name: &str| seen.contains(&format!("{}{name}", rule.pointer).as_str());
        let ends = *rule.rule == Rule::Within && has("/from") && has("/until");
        ends || seen.iter().any(|around| below(around))
    }
}

impl Reading<'_> {
    fn render(&self, parts: &[Part]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for part in parts {
            match part {
                Part::Text(text) => pieces.push(Piece::Text(text.clone())),
                // A pattern (a ceiling) may leave out what an object must have.
                Part::Slot(slot) => pieces.push(
                    self.value(slot)
                        .map_or(Piece::Text("*".into()), Piece::Value),
                ),
                Part::Choice { given, .. } if self.has_all(given) => {
                    pieces.extend(self.render(given));
                }
                Part::Choice { otherwise, .. } => pieces.extend(self.render(otherwise)),
            }
        }
        pieces
    }

    fn has_all(&self, parts: &[Part]) -> bool {
        template::slots(parts).iter().all(|(slot, place)| {
            *place != Place::Always || self.value(slot).is_some_and(|text| !text.is_empty())
        })
    }

    fn value(&self, slot: &Slot) -> Option<String> {
        if slot.pointer == "/locations" {
            return Some(self.list(self.detail.members().get("locations")?, slot));
        }
        let value = pointer::find(&self.own, &slot.names).or_else(|| self.single_time(slot))?;
        Some(match value {
            Value::Array(_) => self.list(value, slot),
            Value::Object(members) => {
                let pairs = members
                    .iter()
                    .map(|(k, v)| format!("{} = {}", text::clean(k), plain(v)));
                pairs.collect::<Vec<_>>().join(", ")
            }
            one => self.scalar(one, slot),
        })
    }

    /// A single time is a period that begins and ends there.
    fn single_time(&self, slot: &Slot) -> Option<&Value> {
        let (end, around) = slot.names.split_last()?;
        let is_period =
            self.rule(around) == Some(Rule::Within) && (end == "from" || end == "until");
        pointer::find(&self.own, around).filter(|v| is_period && v.is_string())
    }

    fn list(&self, value: &Value, slot: &Slot) -> String {
        let items = value.as_array().map_or(&[][..], Vec::as_slice);
        let mut texts: Vec<String> = items.iter().map(|item| self.scalar(item, slot)).collect();
        match (&slot.joint, texts.len()) {
            (Some(joint), 2..) => {
                let last = texts.pop().unwrap_or_default();
                format!("{} {joint} {last}", texts.join(", "))
            }
            _ => texts.join(", "),
        }
    }

    fn scalar(&self, value: &Value, slot: &Slot) -> String {
        let words = self.words.get(&slot.pointer);
        if let Some(word) = value.as_str().and_then(|text| words?.get(text)) {
            return word.clone();
        }
        let around = slot
            .names
            .split_last()
            .map_or(&[][..], |(_, around)| around);
        let written = match self.rule(&slot.names).or_else(|| self.rule(around)) {
            Some(Rule::AtMost | Rule::AtLeast | Rule::Budget { .. }) => {
                text::number(value, self.lang)
            }
            Some(Rule::Within) => value.as_str().and_then(text::time),
            _ => None,
        };
        written.unwrap_or_else(|| plain(value))
    }

    fn rule(&self, names: &[String]) -> Option<Rule> {
        match self.tree.find(names)?.as_node() {
            Node::Leaf(rule) => Some(rule.clone()),
            Node::Object { .. } => None,
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text::clean(text),
        other => text::clean(&other.to_string()),
    }
}

struct Leaf<'a> {
    pointer: String,
    rule: &'a Rule,
}

fn leaves<'a>(node: &'a Node, at: &str) -> Vec<Leaf<'a>> {
    match node {
        Node::Leaf(rule) => vec![Leaf {
            pointer: at.to_owned(),
            rule,
        }],
        Node::Object { members, others } => {
            let named = members
                .iter()
                .flat_map(|(name, n)| leaves(n, &pointer::join(at, name)));
            let others = others.iter().map(|rule| Leaf {
                pointer: format!("{at}/*"),
                rule,
            });
            named.chain(others).collect()
        }
    }
}

fn read(text: &str, at: &str, tree: &Node) -> Result<Vec<Part>, TypeError> {
    let parts = template::parse(text).map_err(|why| refuse(at, why))?;
    for (slot, _) in template::slots(&parts) {
        let around = slot
            .names
            .split_last()
            .map_or(&[][..], |(_, around)| around);
        let is_period = tree
            .find(around)
            .is_some_and(|step| matches!(step.as_node(), Node::Leaf(Rule::Within)));
        let is_end =
            is_period && (slot.pointer.ends_with("/from") || slot.pointer.ends_with("/until"));
        if slot.pointer != "/locations" && !is_end && tree.find(&slot.names).is_none() {
            return Err(refuse(
                at,
                format!("`{}` is no member of the schema", slot.pointer),
            ));
        }
    }
    Ok(parts)
}

fn read_limits(file: &File, lang: &str, tree: &Node) -> Result<Vec<Vec<Part>>, TypeError> {
    let lines = file.limits.get(lang).map_or(&[][..], Vec::as_slice);
    let at = pointer::join("/limits", lang);
    let read = |(place, line): (usize, &String)| read(line, &format!("{at}/{place}"), tree);
    lines.iter().enumerate().map(read).collect()
}

/// A value outside brackets must be there in every object.
fn check_always(file: &File, language: &Language, at: &str) -> Result<(), TypeError> {
    for (slot, place) in template::slots(&language.sentence) {
        let given = place != Place::Always || shape::is_required(&file.schema, &slot.names);
        if !given && slot.pointer != "/locations" {
            let why = format!(
                "`{}` is not required and stands outside brackets",
                slot.pointer
            );
            return Err(refuse(at, why));
        }
    }
    Ok(())
}

/// The sentence must say how often: these words are known, other languages are the author's care.
fn says_usage(usage: Usage, lang: &str, sentence: &str) -> Result<(), String> {
    let (once, repeat) = match lang.split('-').next() {
        Some("en") => ("once", "each"),
        Some("de") => ("einmal", "jede"),
        _ => return Ok(()),
    };
    let word = match usage {
        Usage::Once => once,
        Usage::Repeat => repeat,
    };
    let said = sentence
        .split(|c: char| !c.is_alphabetic())
        .any(|w| w.to_lowercase().starts_with(word));
    if said {
        Ok(())
    } else {
        Err(format!("does not say `{word}`, as its `use` demands"))
    }
}
