//! What is unusual about a request, by what its person approved before: a payee for the first
//! time, more than usual. A type says in `usual` what is compared (docs/types.md); facts are the newest uses, nothing older.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use writ_authority::{Authority, Decimal, Types, UsualAmount};
use writ_jose::hash;
use writ_wire::rar::Detail;

use crate::id::UserId;

/// How many uses of one person and type are looked at.
pub const NEWEST: usize = 50;
/// How many earlier amounts of the same unit it takes before anything is usual.
pub const ENOUGH: usize = 3;
/// How long a use is kept: thirteen months, so that what happens once a year is still known.
pub const KEPT: Duration = Duration::from_secs(396 * 24 * 3600);

/// One approved object, to be written with the redemption of its approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// Its place among the objects that were approved together.
    pub place: usize,
    pub type_name: String,
    pub payee_digest: String,
    pub amount: Option<UsualAmount>,
}

/// One earlier use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    pub payee_digest: String,
    /// Unit, amount, and the amount as it was written.
    pub amount: Option<UsualAmount>,
}

/// The newest uses of one person, by type.
pub type Newest = BTreeMap<String, Vec<Earlier>>;

/// What a person should know before they answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusual {
    FirstPayee {
        payee: String,
    },
    /// Amounts as they are written in the objects.
    More {
        amount: String,
        largest: String,
        unit: String,
    },
}

/// Names of the types in `authority` that say what is usual: of these the newest uses are needed.
pub fn types_of(authority: &Authority, types: &Types) -> BTreeSet<String> {
    let usual = authority.details().iter().filter(|detail| {
        let definition = types.of(detail);
        definition.is_some_and(|definition| definition.usual(detail).is_some())
    });
    usual.map(|detail| detail.type_name().to_owned()).collect()
}

/// What is remembered of an approval of `authority` by this person.
pub fn uses(authority: &Authority, subject: &UserId, types: &Types) -> Vec<Use> {
    let details = authority.details().iter().enumerate();
    let uses = details.filter_map(|(place, detail)| {
        let values = types.of(detail)?.usual(detail)?;
        Some(Use {
            place,
            type_name: detail.type_name().to_owned(),
            payee_digest: payee_digest(subject, &values.key),
            amount: values.amount,
        })
    });
    uses.collect()
}

/// Every hint once, in the order of the objects.
pub fn unusual(
    authority: &Authority,
    subject: &UserId,
    newest: &Newest,
    types: &Types,
) -> Vec<Unusual> {
    let mut hints = Vec::new();
    for detail in authority.details() {
        let Some(values) = types.of(detail).and_then(|t| t.usual(detail)) else {
            continue;
        };
        let earlier = earlier(newest, detail);
        let known = is_known(&values.key, subject, earlier);
        let payee = values.payee;
        let first = (!known).then_some(Unusual::FirstPayee { payee });
        let more = values.amount.and_then(|amount| more(amount, earlier));
        let new = first.into_iter().chain(more);
        let new: Vec<_> = new.filter(|hint| !hints.contains(hint)).collect();
        hints.extend(new);
    }
    hints
}

/// The payee of this object, as people read it, if something was approved for it among the newest uses.
pub fn known_payee(
    detail: &Detail,
    subject: &UserId,
    newest: &Newest,
    types: &Types,
) -> Option<String> {
    let values = types.of(detail)?.usual(detail)?;
    is_known(&values.key, subject, earlier(newest, detail)).then_some(values.payee)
}

fn earlier<'a>(newest: &'a Newest, detail: &Detail) -> &'a [Earlier] {
    let earlier = newest.get(detail.type_name());
    earlier.map_or(&[][..], Vec::as_slice)
}

fn is_known(key: &str, subject: &UserId, earlier: &[Earlier]) -> bool {
    let digest = payee_digest(subject, key);
    earlier.iter().any(|one| one.payee_digest == digest)
}

/// Only where it is larger than each of at least [`ENOUGH`] earlier ones of its unit.
fn more(asked: UsualAmount, earlier: &[Earlier]) -> Option<Unusual> {
    let same: Vec<&UsualAmount> = earlier
        .iter()
        .filter_map(|one| one.amount.as_ref())
        .filter(|amount| amount.unit == asked.unit)
        .collect();
    let largest = same.iter().max_by_key(|amount| amount.value)?;
    let is_more = same.len() >= ENOUGH && asked.value > largest.value;
    is_more.then(|| Unusual::More {
        amount: asked.text,
        largest: largest.text.clone(),
        unit: asked.unit,
    })
}

/// Of one person: what is kept does not tell that two people paid the same.
fn payee_digest(subject: &UserId, key: &str) -> String {
    hash::digest_text(&[b"payee", subject.as_str().as_bytes(), key.as_bytes()])
}

/// What was approved of one unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    pub unit: String,
    pub sum: Sum,
    /// How many approvals it was.
    pub decisions: usize,
}

/// Decimal text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sum {
    Exact(String),
    AtLeast(String),
}

/// Whether older uses were left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    All,
    Newest,
}

#[derive(Default)]
struct Adding<'a> {
    sum: Decimal,
    places: usize,
    approvals: BTreeSet<&'a str>,
    too_large: bool,
}

/// Sums by unit, each with as many digits after the point as the most exact of its amounts. Uses are given with the name of
/// their approval: one decision may be about several objects.
pub fn totals<'a>(
    uses: impl Iterator<Item = (&'a str, &'a UsualAmount)>,
    known: Known,
) -> Vec<Total> {
    let mut by_unit: BTreeMap<&str, Adding<'_>> = BTreeMap::new();
    for (approval, amount) in uses {
        by_unit
            .entry(&amount.unit)
            .or_default()
            .add(approval, amount);
    }
    let total = |(unit, adding): (&str, Adding<'_>)| Total {
        unit: unit.to_owned(),
        decisions: adding.approvals.len(),
        sum: match (known, adding.too_large) {
            (Known::All, false) => Sum::Exact(adding.written()),
            _ => Sum::AtLeast(adding.written()),
        },
    };
    by_unit.into_iter().map(total).collect()
}

impl<'a> Adding<'a> {
    fn add(&mut self, approval: &'a str, amount: &UsualAmount) {
        self.approvals.insert(approval);
        let digits = amount.text.split_once('.');
        let places = digits.map_or(0, |(_, fraction)| fraction.len());
        match self.sum.plus(amount.value) {
            Some(sum) => {
                self.sum = sum;
                self.places = self.places.max(places);
            }
            None => self.too_large = true,
        }
    }

    fn written(&self) -> String {
        self.sum.with_places(self.places)
    }
}

#[cfg(test)]
#[path = "history/tests.rs"]
mod tests;
