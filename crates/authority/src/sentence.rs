//! What an object permits, in sentences. A type is refused unless each of its members is shown in each language, so that a person
//! approves nothing that is not displayed.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use writ_wire::rar::Detail;

use crate::definition::{File, TypeError, Usage, refuse};
use crate::object;
use crate::pointer;
use crate::reading::{self, Piece, Reading, SaidBefore};
use crate::rules::Rule;
use crate::shape;
use crate::template::{self, Part, Place};
use crate::tree::Node;

/// The members of a type: the tree of their rules, and their JSON Schema.
#[derive(Clone, Copy)]
pub(crate) struct TypeMembers<'a> {
    pub(crate) tree: &'a Node,
    pub(crate) schema: &'a Map<String, Value>,
}

#[derive(Clone, Debug)]
pub(crate) struct Wording(BTreeMap<String, Language>);

#[derive(Clone, Debug)]
pub(crate) struct Language {
    pub(crate) sentence: Vec<Part>,
    did: Option<Vec<Part>>,
    pub(crate) limits: Vec<Vec<Part>>,
    pub(crate) words: BTreeMap<String, BTreeMap<String, String>>,
}

/// The entry of `lang`, of the language without its region, or of English.
pub(crate) fn choose<'a, T>(by_language: &'a BTreeMap<String, T>, lang: &str) -> Option<&'a T> {
    let primary = lang.split('-').next().unwrap_or_default();
    [lang, primary, "en"]
        .iter()
        .find_map(|name| by_language.get(*name))
}

impl Wording {
    pub(crate) fn parse(file: &File, tree: &Node) -> Result<Self, TypeError> {
        let mut languages = BTreeMap::new();
        if let Some(lang) = file
            .did
            .keys()
            .find(|lang| !file.sentence.contains_key(*lang))
        {
            let at = pointer::join("/did", lang);
            return Err(refuse(&at, "`sentence` has not this language"));
        }
        for (lang, sentence) in &file.sentence {
            let at = pointer::join("/sentence", lang);
            says_usage(file.usage, lang, sentence).map_err(|why| refuse(&at, why))?;
            let language = Language {
                sentence: read(sentence, &at, tree)?,
                did: match file.did.get(lang) {
                    Some(did) => Some(read(did, &pointer::join("/did", lang), tree)?),
                    None => None,
                },
                limits: read_limits(file, lang, tree)?,
                words: file.words.get(lang).cloned().unwrap_or_default(),
            };
            let shown = file.shown.iter().filter_map(|shown| shown.line.get(lang));
            for line in shown {
                read(line, &pointer::join("/shown/line", lang), tree)?;
            }
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

    pub(crate) const fn languages(&self) -> &BTreeMap<String, Language> {
        &self.0
    }

    pub(crate) fn sentence(
        &self,
        detail: &Detail,
        members: TypeMembers<'_>,
        lang: &str,
    ) -> Vec<Piece> {
        let Some((language, reading)) = self.reading(detail, members, lang) else {
            return Vec::new();
        };
        let mut pieces = reading::join(reading.render(&language.sentence));
        // Only words are capitalised: the values `work` and `Work` differ, and so do the programs `delete_note` and `Delete_note`.
        if let Some(Piece::Text(first)) = pieces.first_mut().filter(|piece| is_worded(piece)) {
            let mut rest = first.chars();
            let capital = rest.next().into_iter().flat_map(char::to_uppercase);
            *first = capital.chain(rest).collect();
        }
        pieces
    }

    /// `None` where the type does not say it, or a value of it is absent.
    pub(crate) fn did(
        &self,
        detail: &Detail,
        members: TypeMembers<'_>,
        lang: &str,
    ) -> Option<Vec<Piece>> {
        let (language, reading) = self.reading(detail, members, lang)?;
        let did = language.did.as_ref()?;
        reading
            .has_all(did)
            .then(|| reading::join(reading.render(did)))
    }

    pub(crate) fn limits(
        &self,
        detail: &Detail,
        members: TypeMembers<'_>,
        lang: &str,
    ) -> Vec<Vec<Piece>> {
        let Some((language, reading)) = self.reading(detail, members, lang) else {
            return Vec::new();
        };
        let shown = language.limits.iter().filter(|line| reading.has_all(line));
        let lines = shown.flat_map(|line| {
            let any = reading.lines_of_any(line, SaidBefore::Sentence(&language.sentence));
            any.unwrap_or_else(|| vec![reading::join(reading.render(line))])
        });
        lines.collect()
    }

    /// The lines among [`Self::limits`] that hold the values of a member of the rule `any`: but for those at `said`, or without it
    /// those of the sentence.
    pub(crate) fn values(
        &self,
        detail: &Detail,
        members: TypeMembers<'_>,
        said: Option<&[&str]>,
        lang: &str,
    ) -> Vec<Vec<Piece>> {
        let Some((language, reading)) = self.reading(detail, members, lang) else {
            return Vec::new();
        };
        let said = said.map_or(SaidBefore::Sentence(&language.sentence), SaidBefore::At);
        let lines = language.limits.iter();
        let lines = lines.filter_map(|line| reading.lines_of_any(line, said));
        lines.flatten().collect()
    }

    /// A line of the type's own, beside sentence and limits.
    pub(crate) fn line(
        &self,
        detail: &Detail,
        members: TypeMembers<'_>,
        line: &[Part],
        lang: &str,
    ) -> Vec<Piece> {
        let reading = self.reading(detail, members, lang);
        reading.map_or_else(Vec::new, |(_, reading)| reading::join(reading.render(line)))
    }

    fn reading<'a>(
        &'a self,
        detail: &'a Detail,
        members: TypeMembers<'a>,
        lang: &'a str,
    ) -> Option<(&'a Language, Reading<'a>)> {
        let language = choose(&self.0, lang)?;
        // Numbers are formatted for the language that was found.
        let shown = self.0.iter().find(|(_, l)| std::ptr::eq(*l, language));
        let lang = shown.map_or("en", |(name, _)| name.as_str());
        let own = object::own_members(detail);
        Some((
            language,
            Reading {
                own,
                detail,
                tree: members.tree,
                schema: members.schema,
                lang,
                words: &language.words,
            },
        ))
    }
}

/// Whether it begins with a word, and not with a name for programs.
fn is_worded(piece: &Piece) -> bool {
    let first = piece.as_str().split_whitespace().next();
    let first = first.unwrap_or_default().trim_end_matches([',', ';', ':']);
    first
        .chars()
        .all(|c| c.is_lowercase() || matches!(c, '-' | '\'' | '’'))
}

impl Language {
    /// Whether the member is shown.
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
        rule.is_shown_by(&seen)
    }

    /// The words before the last item of a list of this member ("and").
    pub(crate) fn joints(&self, member: &str) -> Vec<&str> {
        let all = self.limits.iter().chain([&self.sentence]);
        let slots = all.flat_map(|parts| template::slots(parts));
        let of = slots.filter(|(slot, _)| slot.pointer == member);
        of.filter_map(|(slot, _)| slot.joint.as_deref()).collect()
    }
}

pub(crate) struct Leaf<'a> {
    pub(crate) pointer: String,
    rule: &'a Rule,
}

impl Leaf<'_> {
    pub(crate) fn is_any(&self) -> bool {
        *self.rule == Rule::Any
    }

    /// Whether it is shown by one of these members: itself, one that contains it, or both ends of a period.
    pub(crate) fn is_shown_by(&self, seen: &[&str]) -> bool {
        let below = |around: &str| {
            self.pointer
                .strip_prefix(around)
                .is_some_and(|r| r.is_empty() || r.starts_with('/'))
        };
        let has = |name: &str| seen.contains(&format!("{}{name}", self.pointer).as_str());
        let ends = *self.rule == Rule::Within && has("/from") && has("/until");
        ends || seen.iter().any(|around| below(around))
    }
}

pub(crate) fn leaves<'a>(node: &'a Node, at: &str) -> Vec<Leaf<'a>> {
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

/// A value outside brackets must be of a required member.
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

/// The sentence must say how often the object may be used. Checked in English and German; in other languages it is up to the author.
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
