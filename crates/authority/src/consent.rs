//! From what was asked to what a person consents to: each object gets its `ref`, its `type_hash` and its resource.

use std::collections::BTreeSet;

use serde_json::Value;
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;

use crate::legible;
use crate::object;
use crate::problem::{Problem, beside};
use crate::tree::Form;
use crate::types::Types;

/// Completes requested objects of current types. `default_location` is asked for the resource of an object without
/// `locations`; if it knows none, or several, it answers `None` and the request is refused. `make_ref` makes each
/// `ref`, unique within the task; one that the client sent is replaced. A text that would not be shown exactly as it is is refused
/// (promise 7): every object that a person is asked about comes this way.
pub fn prepare(
    asked: Vec<Detail>,
    types: &Types,
    default_location: impl Fn(&Detail) -> Option<ResourceUri>,
    make_ref: &mut dyn FnMut() -> String,
) -> Result<Vec<Detail>, Problem> {
    let mut prepared = Vec::with_capacity(asked.len());
    for (place, detail) in asked.into_iter().enumerate() {
        let at = format!("/{place}");
        let Some(definition) = types.by_name(detail.type_name()) else {
            return Err(Problem::at(&at, "type", "this type is not known here"));
        };
        beside(&detail, &at)?;
        let only = |uri| BTreeSet::from([uri]);
        let locations = object::locations(&detail).or_else(|| default_location(&detail).map(only));
        let Some(locations) = locations else {
            let sentence =
                "this member is required, because several resources take this type or none";
            return Err(Problem::at(&at, "locations", sentence));
        };
        let tidy = object::rewrite(definition, &detail, Form::Tidy, &at).map_err(|pointer| {
            Problem::new(
                pointer,
                "this member is unknown or its value not well-formed",
            )
        })?;
        legible::check(&object::own_members(&tidy), &at)?;
        let named = tidy
            .with("ref", Value::String(make_ref()))
            .with("type_hash", Value::from(definition.hash()));
        prepared.push(object::with_locations(named, &locations));
    }
    Ok(prepared)
}
