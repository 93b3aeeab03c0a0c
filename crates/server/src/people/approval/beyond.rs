//! By how much a request exceeds what its task allows, where that is a matter of an amount.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde_json::Value;
use writ_authority::{Authority, Decimal, spend};
use writ_core::requirements::is_within;
use writ_pages::{Hint, Texts, title_of};
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;

use super::question::Question;
use super::view::unit;
use crate::people::views::scopes;

/// How much more it is than each smaller object of its type and unit in the task, the largest of them first, and the object with
/// that one's amount.
#[derive(Default)]
struct Larger {
    than: Vec<(Hint, Detail)>,
    /// Whether there is none that allows as much.
    is_than_all: bool,
}

impl Question {
    /// What the screen says of a request that its task does not cover: numbers where the amount is larger, by what the task allows
    /// for the same otherwise, and that there is more to it where it allows nothing of the kind.
    pub(super) fn beyond(&self, authority: &Authority, texts: &Texts) -> Vec<Hint> {
        if !self.is_beyond_task() {
            return Vec::new();
        }
        let larger = match authority.details() {
            [detail] => self.larger(detail).unwrap_or_default(),
            _ => Larger::default(),
        };
        let mut than = larger.than.iter();
        let only = than.find(|(_, less)| self.covers(authority, less.clone()));
        if let Some((hint, _)) = only {
            return vec![hint.clone()];
        }
        let largest = larger.than.first().filter(|_| larger.is_than_all);
        let largest = largest.map(|(hint, _)| hint.clone());
        // Where numbers say by how much, the first screen has no room for what else differs: it stands above.
        let what = match largest {
            Some(_) => Vec::new(),
            None => self.outside(authority, texts),
        };
        largest
            .into_iter()
            .chain([Hint::BeyondTask { what }])
            .collect()
    }

    /// What of it the task does not cover, as people read it: scopes, kinds of objects, and values. Not amounts, which are compared.
    fn outside(&self, authority: &Authority, texts: &Texts) -> Vec<String> {
        let Some(asking) = &self.asking else {
            return Vec::new();
        };
        let granted = &asking.task.authority;
        let asked = self.request.asked.measured(authority);
        let missing = asked.scopes().difference(granted.scopes()).cloned();
        let missing = Authority::new(missing.collect(), Vec::new(), BTreeSet::new());
        let missing = scopes(&self.catalogue, &missing);
        let missing = missing.iter().map(|scope| scope.label(texts));
        let objects = asked.details().iter();
        let objects = objects.filter_map(|detail| self.outside_of(detail, granted, texts));
        missing.chain(objects).collect()
    }

    /// The title of its type, where the task has nothing of that; else the value by which it differs from what is nearest to it there.
    fn outside_of(&self, detail: &Detail, granted: &Authority, texts: &Texts) -> Option<String> {
        let types = &self.catalogue.types;
        let definition = types.of(detail)?;
        let alone = |one: Detail| Authority::new(BTreeSet::new(), vec![one], BTreeSet::new());
        let same = granted.details().iter();
        let same = same.filter(|other| other.type_name() == detail.type_name());
        let compared: Vec<_> = same
            .filter_map(|other| {
                let named = detail.clone().with("ref", other.reference()?.into());
                Some(alone(other.clone()).covers(&alone(named), types))
            })
            .collect();
        if compared.is_empty() {
            return Some(title_of(definition, texts.locale()));
        }
        let excess: Result<Vec<_>, ()> = compared
            .into_iter()
            .map(|one| one.err().ok_or(()))
            .collect();
        let nearest = excess.ok()?.into_iter().min_by_key(Vec::len)?;
        let amounts = definition.amounts(detail);
        let is_amount = |at: &str| amounts.iter().any(|one| at == format!("/0{}", one.pointer));
        let mut other = nearest.iter().filter(|one| !is_amount(&one.pointer));
        other.find_map(|one| {
            let said = one.requested.as_str()?;
            let resource = self.resource_named(detail, said);
            Some(resource.unwrap_or_else(|| writ_authority::legible(said)))
        })
    }

    /// A resource by its name, which stands on the screen above.
    fn resource_named(&self, detail: &Detail, said: &str) -> Option<String> {
        let mut locations = detail.locations().into_iter();
        let uri = ResourceUri::parse(locations.find(|one| *one == said)?);
        let resource = self.catalogue.resources.get(&uri.ok()?)?;
        Some(resource.name.clone())
    }

    fn larger(&self, detail: &Detail) -> Option<Larger> {
        let types = &self.catalogue.types;
        let asked = types.of(detail)?.amounts(detail).into_iter().next()?;
        let asked_unit = unit(detail, &asked.pointer);
        if asked_unit.is_empty() {
            return None;
        }
        let granted = self.asking.as_ref()?.task.authority.details();
        let same = granted
            .iter()
            .filter(|other| other.type_name() == detail.type_name());
        let amounts = same.filter_map(|other| {
            let amounts = types.of(other)?.amounts(other);
            let amount = amounts
                .into_iter()
                .find(|amount| amount.pointer == asked.pointer)?;
            (unit(other, &amount.pointer) == asked_unit).then_some(amount.value)
        });
        let amounts = amounts.filter_map(|value| Some((Decimal::from_value(&value)?, value)));
        let amount = Decimal::from_value(&asked.value)?;
        let all: Vec<_> = amounts.collect();
        let mut smaller = all.clone();
        smaller.retain(|(allowed, _)| *allowed < amount);
        smaller.sort_by_key(|(allowed, _)| Reverse(*allowed));
        let is_than_all = smaller.len() == all.len();
        let than = smaller.into_iter().filter_map(|(allowed, written)| {
            let places = places(&asked.value).max(places(&written));
            let hint = Hint::MoreThanAllowed {
                more: spend(amount, allowed).ok()?.with_places(places),
                allowed: allowed.with_places(places),
                unit: asked_unit.clone(),
            };
            Some((hint, lowered(detail, &asked.pointer, written)?))
        });
        Some(Larger {
            than: than.collect(),
            is_than_all,
        })
    }

    fn covers(&self, authority: &Authority, less: Detail) -> bool {
        let (scopes, resources) = (authority.scopes().clone(), authority.resources().clone());
        let less = Authority::new(scopes, vec![less], resources);
        let realm = self.catalogue.realm();
        let asking = self.asking.as_ref();
        asking.is_some_and(|asking| is_within(&asking.task, &less, realm))
    }
}

fn lowered(detail: &Detail, pointer: &str, amount: Value) -> Option<Detail> {
    let mut members = Value::Object(detail.members().clone());
    *members.pointer_mut(pointer)? = amount;
    serde_json::from_value(members).ok()
}

/// Digits after the point.
fn places(value: &Value) -> usize {
    let text = value.as_str().unwrap_or_default();
    text.split_once('.')
        .map_or(0, |(_, fraction)| fraction.len())
}
