//! `equal`: the same JSON value. `null` is refused because it may mean absent, numbers with a decimal point because they have
//! several spellings.

use serde_json::Value;

pub(super) fn covers(parent: &Value, child: &Value) -> bool {
    exact(parent) && parent == child
}

pub(super) fn normal(value: &Value) -> Option<Value> {
    exact(value).then(|| value.clone())
}

pub(super) fn exact(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => number.is_i64() || number.is_u64(),
        Value::Array(items) => items.iter().all(exact),
        Value::Object(members) => members.values().all(exact),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_value_and_nothing_else() {
        assert!(covers(&json!("EUR"), &json!("EUR")));
        assert!(covers(&json!({"a": [1, true]}), &json!({"a": [1, true]})));
        for (parent, child) in [
            (json!("EUR"), json!("eur")),
            (json!("EUR"), json!("EUR ")),
            (json!(1), json!("1")),
            (json!(1), json!(1.0)),
            (json!(1.5), json!(1.5)),
            (json!(null), json!(null)),
            (json!([null]), json!([null])),
            (json!([1, 2]), json!([2, 1])),
        ] {
            assert!(!covers(&parent, &child), "{parent} {child}");
        }
    }
}
