//! What of an object stands first and largest on the approval screen: what is done, the amount, the payee, the account, the thing,
//! the letter.
//! A type says in `shown` which members they are (docs/types.md). The sentence says all of it again.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use writ_wire::rar::Detail;

use crate::definition::{TypeDefinition, TypeError, refuse};
use crate::letter::{Letter, LetterMembers};
use crate::object;
use crate::pointer;
use crate::reading::Piece;
use crate::sentence::{TypeMembers, choose};
use crate::template;
use crate::text::inner;
use crate::usual::Compared;

/// The longest words for what is done, in characters: they stand before the amount in one line.
pub(crate) const MAX_DOES: usize = 40;

/// The member `shown` of a type's file: words by language, and JSON pointers into the object.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShownMembers {
    /// After "wants to": `pay up to`.
    does: BTreeMap<String, String>,
    amount: Option<String>,
    unit: Option<String>,
    payee: Option<String>,
    account: Option<String>,
    object: Option<String>,
    letter: Option<LetterMembers>,
    /// One line below, written like a sentence.
    #[serde(default)]
    pub(crate) line: BTreeMap<String, String>,
}

/// What of one object decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headline {
    pub does: String,
    pub amount: Option<HeadlineAmount>,
    /// As it stands between quotation marks.
    pub payee: Option<String>,
    pub account: Option<String>,
    /// As it stands between quotation marks.
    pub object: Option<String>,
    pub letter: Option<Letter>,
    pub line: Vec<Piece>,
}

/// An amount as written in the object, and its unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadlineAmount {
    pub value: String,
    pub unit: String,
}

impl ShownMembers {
    /// Each pointer must be of a required member of a suitable rule, and every language of the type must have its words.
    pub(crate) fn check(
        &self,
        members: TypeMembers<'_>,
        spoken: &BTreeSet<&String>,
    ) -> Result<(), TypeError> {
        for (name, pointer, how) in [
            ("amount", &self.amount, Compared::Amount),
            ("unit", &self.unit, Compared::Equal),
            ("payee", &self.payee, Compared::Equal),
            ("account", &self.account, Compared::Equal),
            ("object", &self.object, Compared::Equal),
        ] {
            if let Some(pointer) = pointer {
                members.check(&pointer::join("/shown", name), pointer, how)?;
            }
        }
        if self.unit.is_some() && self.amount.is_none() {
            return Err(refuse("/shown/unit", "is the unit of no `amount`"));
        }
        if let Some(letter) = &self.letter {
            letter.check(members)?;
        }
        let names_none = self.amount.is_none() && self.payee.is_none() && self.object.is_none();
        if names_none && self.letter.is_none() {
            let why = "names no `amount`, `payee`, `object` or `letter`";
            return Err(refuse("/shown", why));
        }
        self.check_words(spoken)
    }

    fn check_words(&self, spoken: &BTreeSet<&String>) -> Result<(), TypeError> {
        if &self.does.keys().collect::<BTreeSet<_>>() != spoken {
            return Err(refuse("/shown/does", "has not the languages of `sentence`"));
        }
        if let Some((lang, _)) = self.does.iter().find(|(_, words)| !is_short(words)) {
            let why = format!("is not 1 to {MAX_DOES} characters on one line");
            return Err(refuse(&pointer::join("/shown/does", lang), why));
        }
        let lines: BTreeSet<&String> = self.line.keys().collect();
        if !lines.is_empty() && &lines != spoken {
            return Err(refuse("/shown/line", "has not the languages of `sentence`"));
        }
        Ok(())
    }
}

fn is_short(words: &str) -> bool {
    let length = words.chars().count();
    (1..=MAX_DOES).contains(&length) && words.trim() == words && !words.contains(char::is_control)
}

impl TypeDefinition {
    /// What of this object stands first and largest; `None` where its type does not say, or calls a letter what is none.
    pub fn headline(&self, detail: &Detail, lang: &str) -> Option<Headline> {
        let shown = self.shown_members()?;
        let own = object::own_members(detail);
        let text = |at: &Option<String>| {
            let value = pointer::find(&own, &pointer::names(at.as_deref()?)?)?;
            Some(
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned),
            )
        };
        let quoted = |at: &Option<String>| text(at).map(|text| inner(&text));
        let letter = match &shown.letter {
            Some(letter) => Some(letter.read(&own)?),
            None => None,
        };
        let line = choose(&shown.line, lang).and_then(|line| template::parse(line).ok());
        Some(Headline {
            does: choose(&shown.does, lang)?.clone(),
            amount: text(&shown.amount).map(|value| HeadlineAmount {
                value,
                unit: quoted(&shown.unit).unwrap_or_default(),
            }),
            payee: quoted(&shown.payee),
            account: quoted(&shown.account),
            object: quoted(&shown.object),
            letter,
            line: line.map_or_else(Vec::new, |line| self.line(detail, &line, lang)),
        })
    }

    /// Of a member of any JSON: each value that stands neither in the letter nor, where there is none, in the sentence.
    pub fn values(&self, detail: &Detail, lang: &str) -> Vec<Vec<Piece>> {
        let letter = self.shown_members().and_then(|shown| shown.letter.as_ref());
        let own = object::own_members(detail);
        let letter = letter.filter(|letter| letter.read(&own).is_some());
        let said = letter.map(LetterMembers::pointers);
        self.wording()
            .values(detail, self.members(), said.as_deref(), lang)
    }
}
