//! By how much a request exceeds what its task allows, where that is a matter of an amount.

use serde_json::Value;
use writ_authority::{Authority, Decimal, spend};
use writ_core::requirements::is_within;
use writ_pages::Hint;
use writ_wire::rar::Detail;

use super::question::Question;
use super::view::unit;

impl Question {
    /// What the screen says of a request that its task does not cover: numbers where the amount is larger, and that there is more to
    /// it where the amount is not all.
    pub(super) fn beyond(&self, authority: &Authority) -> Vec<Hint> {
        if !self.is_beyond_task() {
            return Vec::new();
        }
        let Some((hint, less)) = self.larger(authority) else {
            return vec![Hint::BeyondTask];
        };
        match self.covers(authority, less) {
            true => vec![hint],
            false => vec![hint, Hint::BeyondTask],
        }
    }

    /// Of a single object: how much more it is than the largest of its type and unit in the task, and the object with that amount.
    fn larger(&self, authority: &Authority) -> Option<(Hint, Detail)> {
        let [detail] = authority.details() else {
            return None;
        };
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
        let (largest, allowed) = amounts.max_by_key(|(amount, _)| *amount)?;
        let amount = Decimal::from_value(&asked.value)?;
        let more = spend(amount, largest).ok()?;
        let places = places(&asked.value).max(places(&allowed));
        let hint = Hint::MoreThanAllowed {
            more: more.with_places(places),
            allowed: largest.with_places(places),
            unit: asked_unit,
        };
        let less = lowered(detail, &asked.pointer, allowed)?;
        (amount > largest).then_some((hint, less))
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
