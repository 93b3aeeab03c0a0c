//! `any`: the same JSON value, whatever it is. Numbers are compared as RFC 8785 writes them: `1` and `1.0` are one.

use serde_json::Value;
use writ_wire::exact_json;

pub(super) fn covers(parent: &Value, child: &Value) -> bool {
    normal(parent) == normal(child)
}

pub(super) fn normal(value: &Value) -> Value {
    exact_json::normal(value.clone())
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
            (json!(0), json!(-0.0)),
            (json!(10_000_000_000_000_000_000_u64), json!(1e19)),
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
