//! The JSON Schema (2020-12) of the arguments of an action: which keywords are enforced. Only what is
//! judged in time that grows with the arguments alone: no references, no patterns that look ahead or back.

use serde_json::Value;

use crate::definition::{TypeError, refuse};
use crate::pointer;
use crate::schema;

/// The largest schema of the arguments of one action, as JSON in bytes.
pub const MAX_ARGUMENTS_SCHEMA: usize = 8 * 1024;
/// The most schemas around one.
pub(crate) const MAX_NESTED: usize = 16;
/// They say something to people, and nothing is judged by them.
pub(crate) const ANNOTATIONS: [&str; 9] = [
    "$schema",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
];

/// What the value of a keyword is.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Schema,
    Schemas,
    SchemasByName,
    Count,
    Number,
    Positive,
    Flag,
    Names,
    Values,
    Value,
    Pattern,
    Types,
}

/// The keywords that are enforced.
pub(crate) fn kind_of(keyword: &str) -> Option<Kind> {
    Some(match keyword {
        "items" | "additionalProperties" | "propertyNames" => Kind::Schema,
        "anyOf" | "allOf" | "prefixItems" => Kind::Schemas,
        "properties" => Kind::SchemasByName,
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" => {
            Kind::Count
        }
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => Kind::Number,
        "multipleOf" => Kind::Positive,
        "uniqueItems" => Kind::Flag,
        "required" => Kind::Names,
        "enum" => Kind::Values,
        "const" => Kind::Value,
        "pattern" => Kind::Pattern,
        "type" => Kind::Types,
        _ => return None,
    })
}

/// Refuses a schema of which something would not be enforced, with its place.
pub fn check_arguments(schema: &Value) -> Result<(), TypeError> {
    if schema.to_string().len() > MAX_ARGUMENTS_SCHEMA {
        let why = format!("is larger than {MAX_ARGUMENTS_SCHEMA} bytes");
        return Err(refuse("/arguments", why));
    }
    if !schema.is_object() {
        return Err(refuse("/arguments", "is no object: it is a JSON Schema"));
    }
    check(schema, "/arguments", MAX_NESTED)?;
    schema::compile_linear(schema)
        .map(|_| ())
        .map_err(|why| refuse("/arguments", why))
}

fn check(schema: &Value, at: &str, left: usize) -> Result<(), TypeError> {
    let Value::Object(keywords) = schema else {
        return match schema {
            Value::Bool(_) => Ok(()),
            _ => Err(refuse(at, "is no JSON Schema")),
        };
    };
    let left = left
        .checked_sub(1)
        .ok_or_else(|| refuse(at, format!("is more than {MAX_NESTED} schemas deep")))?;
    for (keyword, value) in keywords {
        if ANNOTATIONS.contains(&keyword.as_str()) {
            continue;
        }
        let at = pointer::join(at, keyword);
        let kind = kind_of(keyword);
        let kind = kind.ok_or_else(|| refuse(&at, "is not built, so it would not be enforced"))?;
        if !kind.takes(value) {
            return Err(refuse(&at, "is not what this keyword takes"));
        }
        for (schema, at) in kind.schemas(value, &at) {
            check(schema, &at, left)?;
        }
    }
    Ok(())
}

impl Kind {
    pub(crate) fn takes(self, value: &Value) -> bool {
        match self {
            Self::Schema => value.is_object() || value.is_boolean(),
            Self::Schemas => value.as_array().is_some_and(|all| !all.is_empty()),
            Self::SchemasByName => value.is_object(),
            Self::Count => value.as_u64().is_some(),
            Self::Number => value.is_number(),
            Self::Positive => value.as_f64().is_some_and(|number| number > 0.0),
            Self::Flag => value.is_boolean(),
            Self::Names => value
                .as_array()
                .is_some_and(|all| all.iter().all(Value::is_string)),
            Self::Values => value.as_array().is_some_and(|all| !all.is_empty()),
            Self::Value => true,
            Self::Pattern => {
                let alone = serde_json::json!({ "pattern": value });
                value.is_string() && schema::compile_linear(&alone).is_ok()
            }
            Self::Types => match value {
                Value::Array(kinds) => !kinds.is_empty() && kinds.iter().all(is_type),
                one => is_type(one),
            },
        }
    }

    /// The schemas in it, with their places.
    pub(crate) fn schemas<'a>(self, value: &'a Value, at: &str) -> Vec<(&'a Value, String)> {
        match (self, value) {
            (Self::Schema, one) => vec![(one, at.to_owned())],
            (Self::Schemas, Value::Array(all)) => {
                let all = all.iter().enumerate();
                all.map(|(place, one)| (one, format!("{at}/{place}")))
                    .collect()
            }
            (Self::SchemasByName, Value::Object(all)) => {
                let all = all.iter();
                all.map(|(name, one)| (one, pointer::join(at, name)))
                    .collect()
            }
            _ => Vec::new(),
        }
    }
}

fn is_type(value: &Value) -> bool {
    let known = [
        "string", "number", "integer", "boolean", "null", "array", "object",
    ];
    value.as_str().is_some_and(|kind| known.contains(&kind))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_keyword_that_is_not_built_is_refused_with_its_place() {
        let good = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Issue",
            "type": "object", "required": ["title"], "additionalProperties": false,
            "properties": {
                "title": { "type": "string", "minLength": 1, "pattern": "^[^\\n]*$" },
                "labels": { "type": "array", "items": { "enum": ["a", "b"] }, "uniqueItems": true },
                "weight": { "anyOf": [{ "type": "number", "minimum": 0 }, { "type": "null" }] }
            }
        });
        assert_eq!(check_arguments(&good), Ok(()));
        for (bad, at) in [
            (json!(true), "/arguments"),
            (json!({ "$ref": "#/$defs/a" }), "/arguments/$ref"),
            (json!({ "format": "uri" }), "/arguments/format"),
            (json!({ "not": {} }), "/arguments/not"),
            (
                json!({ "properties": { "a/b": { "oneOf": [{}] } } }),
                "/arguments/properties/a~1b/oneOf",
            ),
            (
                json!({ "items": { "patternProperties": {} } }),
                "/arguments/items/patternProperties",
            ),
            (json!({ "pattern": "(?=a)" }), "/arguments/pattern"),
            (json!({ "pattern": "(a)\\1" }), "/arguments/pattern"),
            (json!({ "type": "text" }), "/arguments/type"),
            (json!({ "minLength": -1 }), "/arguments/minLength"),
            (json!({ "anyOf": [1] }), "/arguments/anyOf/0"),
            (
                json!({ "const": "x".repeat(MAX_ARGUMENTS_SCHEMA) }),
                "/arguments",
            ),
        ] {
            let refused = check_arguments(&bad).unwrap_err();
            assert_eq!(refused.pointer, at, "{bad}");
        }
        let mut deep = json!({});
        for _ in 1..MAX_NESTED {
            deep = json!({ "items": deep });
        }
        assert!(check_arguments(&deep).is_ok());
        assert!(check_arguments(&json!({ "items": deep })).is_err());
    }
}
