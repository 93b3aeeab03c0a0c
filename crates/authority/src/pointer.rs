//! JSON pointers (RFC 6901).

use serde_json::Value;

/// `pointer` with one more member, escaped.
pub(crate) fn join(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The member names of a pointer; `None` if it is malformed.
pub(crate) fn names(pointer: &str) -> Option<Vec<String>> {
    let mut parts = pointer.split('/');
    let starts_empty = parts.next() == Some("");
    let names: Vec<String> = parts
        .map(|p| p.replace("~1", "/").replace("~0", "~"))
        .collect();
    (starts_empty && !names.is_empty()).then_some(names)
}

/// The value at `names` below `value`.
pub(crate) fn find<'v>(value: &'v Value, names: &[String]) -> Option<&'v Value> {
    names
        .iter()
        .try_fold(value, |value, name| value.as_object()?.get(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_6901_3_slash_and_tilde_are_escaped() {
        assert_eq!(
            join("/resource", "https://a/~b"),
            "/resource/https:~1~1a~1~0b"
        );
        assert_eq!(names("/m~0n/a~1b"), Some(vec!["m~n".into(), "a/b".into()]));
        assert_eq!(names("a"), None);
    }
}
