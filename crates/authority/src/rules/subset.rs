//! `subset`: an array of texts and integers, read as a set. Normal form: sorted, each once. An empty array is refused,
//! so that "unrestricted" (no member) and "nothing" are not confused.

use serde_json::Value;

pub(super) fn covers(parent: &Value, child: &Value) -> bool {
    match (items(parent), items(child)) {
        (Some(parent), Some(child)) => child.iter().all(|item| parent.contains(item)),
        _ => false,
    }
}

pub(super) fn meet(a: &Value, b: &Value) -> Option<Value> {
    let (a, b) = (items(a)?, items(b)?);
    let both: Vec<Value> = a.iter().filter(|item| b.contains(item)).cloned().collect();
    normal(&Value::Array(both))
}

pub(super) fn normal(value: &Value) -> Option<Value> {
    let mut items = items(value)?.to_vec();
    items.sort_by_cached_key(ToString::to_string);
    items.dedup();
    Some(Value::Array(items))
}

fn items(value: &Value) -> Option<&[Value]> {
    let items = value.as_array()?;
    let is_item = |v: &Value| v.is_string() || v.is_i64() || v.is_u64();
    (!items.is_empty() && items.iter().all(is_item)).then_some(items)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn order_and_repetition_do_not_matter() {
        let parent = json!(["read", "create", "delete"]);
        assert!(covers(&parent, &json!(["create", "read"])));
        assert!(covers(&json!(["a", "b"]), &json!(["b", "a", "b"])));
        assert_eq!(normal(&json!(["b", "a", "b"])), Some(json!(["a", "b"])));
    }

    #[test]
    fn nothing_beyond_the_parent() {
        let parent = json!(["read"]);
        for child in [
            json!(["read", "delete"]),
            json!(["Read"]),
            json!([]),
            json!("read"),
            json!([null]),
            json!([["read"]]),
            json!([1.5]),
        ] {
            assert!(!covers(&parent, &child), "{child}");
        }
        assert!(!covers(&json!([]), &json!([])));
        assert!(!covers(&json!([1]), &json!(["1"])));
    }

    #[test]
    fn meet_is_what_both_list() {
        let met = meet(&json!(["a", "b", "c"]), &json!(["d", "c", "b"]));
        assert_eq!(met, Some(json!(["b", "c"])));
        assert_eq!(meet(&json!(["a"]), &json!(["b"])), None);
    }
}
