//! What of another's schema of arguments is enforced, and what of it is lost.

use std::cell::{Cell, RefCell};

use serde_json::{Map, Value};

use crate::arguments::{ANNOTATIONS, Kind, MAX_NESTED, kind_of};
use crate::definition::{TypeError, refuse};
use crate::pointer;

/// The most schemas that are read of another's.
const MAX_SCHEMAS: usize = 4096;

/// What of this schema is enforced, and no more: what is left out allows more, never less. A reference into its own `$defs` is
/// replaced by what it names, `oneOf` by `anyOf`; what is not built is left out.
pub fn enforceable(schema: &Value) -> Value {
    Reader::of(schema).read(schema, "/arguments", MAX_NESTED)
}

/// The first of what [`enforceable`] leaves out of this schema, with its place. Definitions and annotations are no loss.
pub fn left_out(schema: &Value) -> Option<TypeError> {
    let reader = Reader::of(schema);
    reader.read(schema, "/arguments", MAX_NESTED);
    reader.lost.into_inner()
}

struct Reader<'a> {
    whole: &'a Value,
    /// How many more schemas are read: references can name each other again and again.
    left: Cell<usize>,
    lost: RefCell<Option<TypeError>>,
}

impl<'a> Reader<'a> {
    fn of(whole: &'a Value) -> Self {
        Self {
            whole,
            left: Cell::new(MAX_SCHEMAS),
            lost: RefCell::default(),
        }
    }

    fn lose(&self, at: &str, why: &str) {
        self.lost
            .borrow_mut()
            .get_or_insert_with(|| refuse(at, why));
    }

    fn read(&self, schema: &Value, at: &str, left: usize) -> Value {
        let Value::Object(keywords) = schema else {
            if !schema.is_boolean() {
                self.lose(at, "is no JSON Schema");
            }
            return Value::Bool(schema != &Value::Bool(false));
        };
        let budget = self.left.get().checked_sub(1);
        let (Some(left), Some(budget)) = (left.checked_sub(1), budget) else {
            self.lose(at, "is too deep, or one schema too many");
            return Value::Bool(true);
        };
        self.left.set(budget);
        let named = self.referred(keywords);
        let mut kept = Map::new();
        for (keyword, value) in keywords {
            let at = pointer::join(at, keyword);
            if let Some((keyword, kind)) = self.kept(keywords, keyword, &at)
                && !self.is_lost(kind, value, &at)
            {
                kept.insert(keyword.to_owned(), self.inner(kind, value, &at, left));
            }
        }
        let Some((named, at)) = named else {
            return Value::Object(kept);
        };
        let named = self.read(named, &at, left);
        if kept.is_empty() {
            return named;
        }
        let mut both = vec![named];
        if let Some(Value::Array(others)) = kept.remove("allOf") {
            both.extend(others);
        }
        kept.insert("allOf".to_owned(), both.into());
        Value::Object(kept)
    }

    /// What stands for this keyword, if anything does.
    fn kept<'k>(
        &self,
        keywords: &Map<String, Value>,
        keyword: &'k str,
        at: &str,
    ) -> Option<(&'k str, Kind)> {
        let keyword = match keyword {
            "oneOf" if !keywords.contains_key("anyOf") => {
                self.lose(at, "is enforced as `anyOf`");
                "anyOf"
            }
            // Which members are additional is said by what is not built too.
            "additionalProperties" if keywords.contains_key("patternProperties") => {
                self.lose(at, "is left out beside `patternProperties`");
                return None;
            }
            keyword => keyword,
        };
        let kind = kind_of(keyword);
        let is_nothing = match keyword {
            "$defs" | "definitions" => true,
            "$ref" => self.referred(keywords).is_some(),
            other => kind.is_some() || ANNOTATIONS.contains(&other),
        };
        if !is_nothing {
            self.lose(at, "is not built, so it would not be enforced");
        }
        kind.map(|kind| (keyword, kind))
    }

    fn is_lost(&self, kind: Kind, value: &Value, at: &str) -> bool {
        let takes = kind.takes(value);
        if !takes {
            self.lose(at, "is not what this keyword takes");
        }
        !takes
    }

    fn inner(&self, kind: Kind, value: &Value, at: &str, left: usize) -> Value {
        let read = |(one, at): (&Value, String)| self.read(one, &at, left);
        let inner = kind.schemas(value, at).into_iter();
        match (kind, value) {
            (Kind::Schema, one) => self.read(one, at, left),
            (Kind::Schemas, Value::Array(_)) => inner.map(read).collect(),
            (Kind::SchemasByName, Value::Object(all)) => {
                Value::Object(all.keys().cloned().zip(inner.map(read)).collect())
            }
            _ => value.clone(),
        }
    }

    /// What `$ref` names in this schema itself, with its place.
    fn referred(&self, keywords: &Map<String, Value>) -> Option<(&'a Value, String)> {
        let place = keywords.get("$ref")?.as_str()?.strip_prefix('#')?;
        let known = ["/$defs/", "/definitions/"];
        let here = known.iter().any(|start| place.starts_with(start));
        let whole = self.whole;
        let named = here.then(|| whole.pointer(place)).flatten()?;
        Some((named, format!("/arguments{place}")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::arguments::check_arguments;

    #[test]
    fn only_what_is_lost_is_told_with_its_place() {
        let model = json!({ "type": "object", "title": "Item", "properties": { "n": { "type": "integer" } } });
        let none = json!({
            "$defs": { "Item": model, "Unused": { "format": "uri" } }, "type": "object",
            "properties": {
                "items": { "type": "array", "items": { "$ref": "#/$defs/Item" } },
                "one": { "anyOf": [{ "$ref": "#/$defs/Item" }, { "type": "null" }], "default": null }
            }
        });
        assert_eq!(left_out(&none), None);
        assert_eq!(left_out(&json!(true)), None);
        for (schema, at) in [
            (
                json!({ "properties": { "a": { "format": "uri" } } }),
                "/arguments/properties/a/format",
            ),
            (
                json!({ "$defs": { "a": { "not": {} } }, "items": { "$ref": "#/$defs/a" } }),
                "/arguments/$defs/a/not",
            ),
            (json!({ "$ref": "#/$defs/a" }), "/arguments/$ref"),
            (json!({ "oneOf": [{}] }), "/arguments/oneOf"),
            (
                json!({ "additionalProperties": false, "patternProperties": {} }),
                "/arguments/additionalProperties",
            ),
            (json!({ "pattern": "(?!a)" }), "/arguments/pattern"),
            (json!(null), "/arguments"),
        ] {
            let lost = left_out(&schema);
            assert_eq!(
                lost.map(|lost| lost.pointer),
                Some(at.to_owned()),
                "{schema}"
            );
        }
    }

    #[test]
    fn what_is_enforced_of_a_schema_allows_no_less() {
        for (theirs, ours) in [
            (
                json!({ "type": "string", "format": "uri", "description": "Approve this" }),
                json!({ "type": "string" }),
            ),
            (
                json!({
                    "$defs": { "name": { "type": "string", "maxLength": 3 } },
                    "properties": { "a": { "$ref": "#/$defs/name" } }
                }),
                json!({ "properties": { "a": { "type": "string", "maxLength": 3 } } }),
            ),
            (
                json!({ "definitions": { "n": { "type": "null" } }, "$ref": "#/definitions/n", "enum": [1] }),
                json!({ "enum": [1], "allOf": [{ "type": "null" }] }),
            ),
            (json!({ "$ref": "https://x.example/y" }), json!({})),
            (
                json!({ "oneOf": [{ "type": "null" }, { "format": "uri" }] }),
                json!({ "anyOf": [{ "type": "null" }, {}] }),
            ),
            (
                json!({ "additionalProperties": false, "patternProperties": { "^x": {} } }),
                json!({}),
            ),
            (json!({ "not": { "type": "null" }, "if": {} }), json!({})),
            (
                json!({ "exclusiveMinimum": true, "minimum": 1 }),
                json!({ "minimum": 1 }),
            ),
            (json!({ "pattern": "(?!a)" }), json!({})),
            (json!(false), json!(false)),
            (json!(null), json!(true)),
        ] {
            assert_eq!(enforceable(&theirs), ours, "{theirs}");
        }
        let endless =
            json!({ "$defs": { "a": { "items": { "$ref": "#/$defs/a" } } }, "$ref": "#/$defs/a" });
        assert_eq!(check_arguments(&enforceable(&endless)), Ok(()));
        let many = vec![json!({ "$ref": "#/$defs/a" }); 10];
        let many = json!({ "$defs": { "a": { "anyOf": many } }, "$ref": "#/$defs/a" });
        let most = MAX_SCHEMAS * 200;
        assert!(enforceable(&many).to_string().len() < most);
    }
}
