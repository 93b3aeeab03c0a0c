//! What a person left of a request, as the form says it (`writ_pages::ApprovalPage`): boxes, amounts, minutes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use writ_core::narrowing::{Narrowing, NarrowingError};
use writ_pages::{ApprovalProblem, ScopeView};
use writ_wire::form::{Form, FormError};
use writ_wire::time::Timestamp;

use super::question::Question;
use crate::people::views::scopes;

/// Before it is known what these names stand for.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    narrows: bool,
    parts: BTreeSet<String>,
    amounts: BTreeMap<String, String>,
    pub minutes: Option<u32>,
}

/// Shorter times that can be chosen, in minutes.
pub const MINUTES: [u32; 4] = [15, 60, 8 * 60, 24 * 60];
const AMOUNT: &str = "amount-";

impl Choice {
    pub fn read(form: &Form) -> Result<Self, FormError> {
        if form.optional("narrow")?.is_none() {
            return Ok(Self::default());
        }
        let minutes = form.optional("minutes")?.map(str::parse::<u32>);
        let minutes = minutes.transpose();
        let amounts = form.pairs().iter().filter_map(|(name, value)| {
            Some((name.strip_prefix(AMOUNT)?.to_owned(), value.clone()))
        });
        Ok(Self {
            narrows: true,
            parts: form.all("part").map(str::to_owned).collect(),
            amounts: amounts.collect(),
            minutes: minutes.map_err(|_| FormError::invalid("minutes", "is no number"))?,
        })
    }

    /// The same choice as a form says it; nothing for all of it.
    pub fn fields(&self) -> Vec<(String, String)> {
        if !self.narrows {
            return Vec::new();
        }
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut fields = vec![field("narrow", "1")];
        fields.extend(self.parts.iter().map(|part| field("part", part)));
        let amounts = self.amounts.iter();
        fields.extend(amounts.map(|(name, text)| field(&format!("{AMOUNT}{name}"), text)));
        fields.extend(self.minutes.map(|m| field("minutes", &m.to_string())));
        fields
    }

    /// Whether the part stays.
    pub fn keeps(&self, name: &str) -> bool {
        !self.narrows || self.parts.contains(name)
    }

    pub fn amount(&self, name: &str) -> Option<&str> {
        self.amounts.get(name).map(String::as_str)
    }

    /// In the words of the rules; what changes nothing is left out, so that all of it is one screen.
    pub fn less(&self, question: &Question, since: Timestamp) -> Narrowing {
        if !self.narrows {
            return Narrowing::default();
        }
        let names = names(question);
        let all = !has_boxes(question) || names.iter().all(|(name, _)| self.parts.contains(name));
        let kept = names.into_iter().filter(|(name, _)| self.keeps(name));
        let minutes = |minutes: u32| since.plus(Duration::from_secs(u64::from(minutes) * 60));
        Narrowing {
            parts: (!all).then(|| kept.map(|(_, part)| part).collect()),
            amounts: self.smaller(question, all),
            ends_at: self.minutes.map(minutes),
        }
    }

    fn smaller(
        &self,
        question: &Question,
        all: bool,
    ) -> BTreeMap<String, BTreeMap<String, String>> {
        let mut smaller = BTreeMap::new();
        for (place, detail) in question.base.details().iter().enumerate() {
            let name = detail_name(place);
            let amounts = question.catalogue.types.of(detail);
            let amount = amounts.and_then(|t| t.amounts(detail).into_iter().next());
            let (Some(amount), Some(text)) = (amount, self.amount(&name)) else {
                continue;
            };
            let text = text.trim().replace(',', ".");
            let same = plain(&amount.value) == text;
            if same || !(all || self.keeps(&name)) {
                continue;
            }
            let reference = detail.reference().unwrap_or_default().to_owned();
            smaller.insert(reference, BTreeMap::from([(amount.pointer, text)]));
        }
        smaller
    }
}

/// Whether the page lets people choose parts: one part without an amount is all or nothing.
pub fn has_boxes(question: &Question) -> bool {
    let types = &question.catalogue.types;
    let mut details = question.base.details().iter();
    let amounts = |detail| {
        types
            .of(detail)
            .is_some_and(|t| !t.amounts(detail).is_empty())
    };
    names(question).len() > 1 || details.any(amounts)
}

/// Form names of all parts of what can be approved, and what the rules call them.
pub fn names(question: &Question) -> Vec<(String, String)> {
    let details = question.base.details().iter().enumerate();
    let details = details.map(|(place, detail)| {
        let reference = detail.reference().unwrap_or_default();
        (detail_name(place), reference.to_owned())
    });
    let scopes = scope_parts(question).into_iter();
    details
        .chain(scopes.map(|(name, scope)| (name, scope.value)))
        .collect()
}

pub fn detail_name(place: usize) -> String {
    format!("d{place}")
}

/// Scopes and bare audiences of what can be approved.
pub fn scope_parts(question: &Question) -> Vec<(String, ScopeView)> {
    let views = scopes(&question.catalogue, &question.base).into_iter();
    let named = views.enumerate();
    named
        .map(|(place, view)| (format!("s{place}"), view))
        .collect()
}

/// Decimal text of an amount, as it stands in the object.
pub fn plain(amount: &serde_json::Value) -> String {
    amount
        .as_str()
        .map_or_else(|| amount.to_string(), str::to_owned)
}

pub fn problem(not_less: &NarrowingError) -> ApprovalProblem {
    match not_less {
        NarrowingError::NothingLeft => ApprovalProblem::NothingChosen,
        NarrowingError::Amount { .. } => ApprovalProblem::AmountWrong,
        NarrowingError::End => ApprovalProblem::Changed,
    }
}
