//! `any`: the same JSON value, whatever it is. Numbers are compared as RFC 8785 writes them: `1` and `1.0` are one.

use serde_json::{Number, Value};

pub(super) fn covers(parent: &Value, child: &Value) -> bool {
    normal(parent) == normal(child)
}

pub(super) fn normal(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(shortest(number)),
        Value::Array(items) => items.iter().map(normal).collect(),
        Value::Object(members) => {
            let members = members.iter();
            Value::Object(members.map(|(n, v)| (n.clone(), normal(v))).collect())
        }
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

fn shortest(number: &Number) -> Number {
    let written = serde_json_canonicalizer::to_string(number);
    let whole = written.ok().and_then(|text| text.parse::<i64>().ok());
    whole.map_or_else(|| number.clone(), Number::from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_value_of_any_kind_and_nothing_else() {
        for (parent, child) in [
            (json!(null), json!(null)),
            (json!(1), json!(1.0)),
            (
                json!({ "a": [1.5, null, {}] }),
                json!({ "a": [1.5, null, {}] }),
            ),
        ] {
            assert!(covers(&parent, &child), "{parent} {child}");
        }
        for (parent, child) in [
            (json!(null), json!("null")),
            (json!([]), json!({})),
            (json!({ "a": null }), json!({})),
            (json!(1), json!("1")),
            (json!(1.5), json!(1)),
            (json!([1, 2]), json!([2, 1])),
        ] {
            assert!(!covers(&parent, &child), "{parent} {child}");
        }
    }
}
