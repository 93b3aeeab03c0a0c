//! JSON Schema of requested objects (RFC 9396 section 5: unknown fields, wrong types, invalid values and missing
//! fields are refused). Only the server needs this; a verifier is built without it.

use std::sync::Arc;

use jsonschema::error::{ValidationError, ValidationErrorKind};
use serde_json::{Map, Value};
use writ_wire::rar::Detail;

use crate::any;
use crate::definition::{TypeDefinition, TypeError, refuse};
use crate::legible;
use crate::object;
use crate::pointer;
use crate::problem::{Problem, check_common};
use crate::tree::{Node, ValueForm};
use crate::types::Types;

#[derive(Clone, Debug)]
pub(crate) struct Schema(Arc<jsonschema::Validator>);

impl Schema {
    /// With a member of the rule `any` a part of it may come from another server (docs/mcp.md).
    pub(crate) fn compile(schema: &Map<String, Value>, tree: &Node) -> Result<Self, TypeError> {
        let schema = Value::Object(schema.clone());
        let compiled = match tree.has_any() {
            true => compile_linear(&schema),
            false => jsonschema::draft202012::new(&schema).map_err(|e| not_a_schema(&e)),
        };
        let compiled = compiled.map_err(|why| refuse("/schema", why))?;
        Ok(Self(Arc::new(compiled)))
    }

    pub(crate) fn problem(&self, members: &Value, at: &str) -> Option<Problem> {
        self.0
            .iter_errors(members)
            .next()
            .map(|error| explain(&error, at))
    }
}

impl Types {
    /// Whether these are valid objects of current types.
    pub fn check_requested(&self, details: &[Detail]) -> Result<(), Problem> {
        for (place, detail) in details.iter().enumerate() {
            let at = format!("/{place}");
            let Some(definition) = self.by_name(detail.type_name()) else {
                return Err(Problem::at(&at, "type", "this type is not known here"));
            };
            definition.check_object(detail, &at)?;
        }
        Ok(())
    }
}

impl TypeDefinition {
    /// Whether this is a valid object of this version, as a client may send it. `at` is its place in the request.
    pub fn check_object(&self, detail: &Detail, at: &str) -> Result<(), Problem> {
        self.check_unshown(detail, at)?;
        self.check_shown(detail, at)
    }

    /// The same for an object that no person will see: it is within its schema, but need not be readable.
    pub fn check_unshown(&self, detail: &Detail, at: &str) -> Result<(), Problem> {
        // What is too large is not judged.
        self.check_bounds(detail, at)?;
        self.check_within(detail, at)
    }

    /// Whether it is small enough to be judged, and every parser reads it alike.
    pub fn check_bounds(&self, detail: &Detail, at: &str) -> Result<(), Problem> {
        if !self.tree().has_any() {
            return Ok(());
        }
        let own = object::own_members(detail);
        self.tree().check_any(&own, at, &any::check_bounds)
    }

    /// Whether an object within its bounds is one of this version.
    pub fn check_within(&self, detail: &Detail, at: &str) -> Result<(), Problem> {
        check_common(detail, at)?;
        let own = object::own_members(detail);
        if let Some(problem) = self.compiled_schema().problem(&own, at) {
            return Err(problem);
        }
        object::rewrite(self, detail, ValueForm::Normal, at)
            .map_err(|pointer| Problem::new(pointer, "this value is not well-formed"))?;
        Ok(())
    }

    /// Whether a person would see all of it, exactly as it is.
    pub fn check_shown(&self, detail: &Detail, at: &str) -> Result<(), Problem> {
        legible::check(self.tree(), &object::own_members(detail), at)
    }
}

/// Patterns are matched in time that grows with the text alone.
pub(crate) fn compile_linear(schema: &Value) -> Result<jsonschema::Validator, String> {
    let linear = jsonschema::PatternOptions::regex().size_limit(MAX_PATTERN);
    let options = jsonschema::draft202012::options().with_pattern_options(linear);
    options.build(schema).map_err(|e| not_a_schema(&e))
}

fn not_a_schema(error: &ValidationError<'_>) -> String {
    format!("is no JSON Schema: {error}")
}

/// The largest compiled pattern, in bytes.
const MAX_PATTERN: usize = 1 << 20;

/// The messages of jsonschema would repeat the value.
fn explain(error: &ValidationError<'_>, at: &str) -> Problem {
    let here = format!("{at}{}", error.instance_path());
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let name = unexpected.first().map_or("", String::as_str);
            Problem::new(pointer::join(&here, name), "this type has no such member")
        }
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            Problem::new(pointer::join(&here, name), "this member is required")
        }
        ValidationErrorKind::Type { .. } => {
            Problem::new(here, "this value has the wrong JSON type")
        }
        ValidationErrorKind::Enum { .. } => {
            Problem::new(here, "this value is none of those listed")
        }
        ValidationErrorKind::Pattern { .. } => {
            Problem::new(here, "this text has not the form that its type asks for")
        }
        _ => Problem::new(
            here,
            format!(
                "this value breaks `{}` of its schema",
                error.kind().keyword()
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What a pattern of a few letters compiles to may be large.
    #[test]
    fn a_pattern_has_a_largest_size() {
        let compiled = |pattern: String| {
            let schema = json!({ "type": "string", "pattern": pattern });
            compile_linear(&schema).map(drop)
        };
        // Each letter of the alphabet of bytes takes some bytes: far below the bound, and far beyond it.
        assert_eq!(
            compiled(format!("^[a-z]{{{}}}$", MAX_PATTERN / 4096)),
            Ok(())
        );
        let refused = compiled(format!("^[a-z]{{{MAX_PATTERN}}}$")).unwrap_err();
        assert!(refused.starts_with("is no JSON Schema: "), "{refused}");
    }
}
