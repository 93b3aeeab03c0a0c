//! A person approves less than was asked: some parts only, smaller amounts, a shorter end. The result is an authority
//! below what was asked, by the same rules as any narrowing, and it is shown again before anybody approves it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use writ_authority::{Amount, Authority, Decimal, NarrowRequest};
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;

use crate::consent::{Chosen, choose, scope_name};
use crate::realm::Realm;
use crate::scope::without_box;

/// What a person leaves of what was asked; unless they say otherwise, all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Narrowing {
    /// Names of the parts that stay, as on the consent page; absent: all of them.
    #[serde(default)]
    pub parts: Option<BTreeSet<String>>,
    /// Smaller amounts: by `ref`, then by JSON pointer.
    #[serde(default)]
    pub amounts: BTreeMap<String, BTreeMap<String, String>>,
    /// An earlier end.
    #[serde(default)]
    pub ends_at: Option<Timestamp>,
}

/// Why it is not less, but nothing or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NarrowingError {
    NothingLeft,
    /// No number, none above zero, more than was asked, or more exact than its type allows.
    Amount {
        reference: String,
        pointer: String,
    },
    /// Not between now and the usual end.
    End,
}

impl Narrowing {
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }
}

/// What is left of `asked`. Nothing in it is wider than what was asked.
pub fn narrow(
    asked: &Authority,
    less: &Narrowing,
    realm: Realm<'_>,
) -> Result<Authority, NarrowingError> {
    let kept = match &less.parts {
        Some(parts) => choose(asked, &with_identity(asked, parts, realm)),
        None => asked.clone(),
    };
    if kept.is_empty() || (less.parts.is_some() && only_identity(&kept, asked, realm)) {
        return Err(NarrowingError::NothingLeft);
    }
    let mut details = Vec::with_capacity(kept.details().len());
    for detail in kept.details() {
        details.push(lower(&kept, detail, less, realm)?);
    }
    let lowered = Authority::new(kept.scopes().clone(), details, kept.resources().clone());
    match asked.covers(&lowered, realm.types) {
        Ok(()) => Ok(lowered),
        Err(excess) => Err(first_of(&excess, &lowered)),
    }
}

/// The end that the person chose: after now, and not after the usual one.
pub fn ends_at(
    less: &Narrowing,
    usual: Timestamp,
    now: Timestamp,
) -> Result<Timestamp, NarrowingError> {
    match less.ends_at {
        Some(end) if end <= now || end > usual => Err(NarrowingError::End),
        Some(end) => Ok(end),
        None => Ok(usual),
    }
}

/// Shown without a box of its own: whoever approves anything is known to the client.
fn with_identity(asked: &Authority, parts: &BTreeSet<String>, realm: Realm<'_>) -> Chosen {
    let mut parts = parts.clone();
    let names = without_box(asked, realm).into_iter();
    parts.extend(names.map(|name| scope_name(realm.issuer.as_str(), &name)));
    Chosen {
        parts,
        lifetime: None,
    }
}

fn only_identity(kept: &Authority, asked: &Authority, realm: Realm<'_>) -> bool {
    let others = |authority: &Authority| {
        let scopes = authority.scopes().iter();
        let bare = authority.resources().iter().filter(|r| *r != realm.issuer);
        let named = scopes.filter(|s| s.resource != *realm.issuer).count();
        named + authority.details().len() + bare.count()
    };
    others(kept) == 0 && others(asked) > 0
}

/// The object with the amounts that the person wrote, and its type satisfied with it.
fn lower(
    kept: &Authority,
    detail: &Detail,
    less: &Narrowing,
    realm: Realm<'_>,
) -> Result<Detail, NarrowingError> {
    let reference = detail.reference().unwrap_or_default();
    let Some(wanted) = less.amounts.get(reference) else {
        return Ok(detail.clone());
    };
    let amounts = realm.types.of(detail).map(|t| t.amounts(detail));
    let mut lowered = Value::Object(detail.members().clone());
    for (pointer, text) in wanted {
        let refuse = || NarrowingError::Amount {
            reference: reference.to_owned(),
            pointer: pointer.clone(),
        };
        let mut known = amounts.iter().flatten().filter(|a| a.pointer == *pointer);
        let amount = known.next().ok_or_else(refuse)?;
        let place = lowered.pointer_mut(pointer).ok_or_else(refuse)?;
        *place = smaller(amount, text).ok_or_else(refuse)?;
    }
    let lowered: Detail =
        serde_json::from_value(lowered).map_err(|_| NarrowingError::NothingLeft)?;
    tidy(kept, detail, &lowered, realm).ok_or_else(|| NarrowingError::Amount {
        reference: reference.to_owned(),
        pointer: wanted.keys().next().cloned().unwrap_or_default(),
    })
}

/// The amount that the person wrote, in the form of the one that was asked: above zero and not above it.
fn smaller(asked: &Amount, text: &str) -> Option<Value> {
    let wanted = Decimal::parse(text)?;
    if wanted <= Decimal::default() || wanted > Decimal::from_value(&asked.value)? {
        return None;
    }
    match &asked.value {
        Value::Number(_) => text.parse::<u64>().ok().map(Value::from),
        _ => Some(Value::String(text.to_owned())),
    }
}

/// By the road of every narrowing: schema, form and measure of the type.
fn tidy(kept: &Authority, before: &Detail, lowered: &Detail, realm: Realm<'_>) -> Option<Detail> {
    let audience = ResourceUri::parse(before.locations().first()?).ok()?;
    let asked = NarrowRequest {
        scopes: Some(BTreeSet::new()),
        details: Some(vec![lowered.clone().without("locations")]),
        audience,
    };
    let narrowed = kept.narrow(&asked, realm.types).ok()?;
    let detail = narrowed.authority.details().first()?.clone();
    let places = before.members().get("locations")?;
    Some(detail.with("locations", places.clone()))
}

/// The person is told which number it was.
fn first_of(excess: &[writ_wire::error::Excess], lowered: &Authority) -> NarrowingError {
    let found = excess.iter().find_map(|excess| {
        let (place, pointer) = excess.pointer.strip_prefix('/')?.split_once('/')?;
        let detail = lowered.details().get(place.parse::<usize>().ok()?)?;
        Some(NarrowingError::Amount {
            reference: detail.reference()?.to_owned(),
            pointer: format!("/{pointer}"),
        })
    });
    found.unwrap_or(NarrowingError::NothingLeft)
}

#[cfg(test)]
#[path = "narrowing/tests.rs"]
mod tests;
