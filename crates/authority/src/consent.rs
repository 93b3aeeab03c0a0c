//! Completes requested objects for consent: each gets its `ref`, `type_hash` and `locations`.

use std::collections::BTreeSet;

use serde_json::Value;
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;

use crate::legible;
use crate::object;
use crate::problem::{Problem, check_common};
use crate::tree::ValueForm;
use crate::types::Types;

/// Completes requested objects of current types. `default_location` returns the resource of an object without `locations`; `None`, for
/// none or several, refuses the request. `make_ref` makes each `ref`, unique within the task; one that the client sent is replaced.
/// Every object that a person is asked about passes here: texts that would not be displayed as they are are refused.
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
        check_common(&detail, &at)?;
        let only = |uri| BTreeSet::from([uri]);
        let locations = object::locations(&detail).or_else(|| default_location(&detail).map(only));
        let Some(locations) = locations else {
            let sentence =
                "this member is required, because several resources take this type or none";
            return Err(Problem::at(&at, "locations", sentence));
        };
        let tidy =
            object::rewrite(definition, &detail, ValueForm::Tidy, &at).map_err(|pointer| {
                Problem::new(
                    pointer,
                    "this member is unknown or its value not well-formed",
                )
            })?;
        legible::check(definition.tree(), &object::own_members(&tidy), &at)?;
        let named = tidy
            .with("ref", Value::String(make_ref()))
            .with("type_hash", Value::from(definition.hash()));
        prepared.push(object::with_locations(named, &locations));
    }
    Ok(prepared)
}
