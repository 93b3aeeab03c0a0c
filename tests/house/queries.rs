//! The texts of queries.

use super::rust_files;

/// `$1 AS BIGINT)` and the like.
const MOST: usize = 24;

/// Where few rows stay, a number with a name, and the others are over.
const BOUNDED: [&str; 2] = ["sweep.rs", "pending/device.rs"];

/// A condition that filters or not as its parameter says is served by no index: there is a text for each combination.
#[test]
fn no_query_filters_by_what_is_absent() {
    let texts = rust_files().into_iter();
    let texts = texts.filter(|(name, _)| name.starts_with("crates/store/src/"));
    let mut found = Vec::new();
    for (name, text) in texts {
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let words = lines.collect::<Vec<_>>().join(" ");
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let parts = words.split(" IS NULL OR ").collect::<Vec<_>>();
        for part in parts.iter().take(parts.len() - 1) {
            let condition = part.rsplit('(').next().unwrap_or_default();
            if condition.starts_with('$') && condition.len() < MOST {
                found.push(format!("{name}: `{condition} IS NULL OR`"));
            }
        }
        let is_bounded = BOUNDED.iter().any(|file| name.ends_with(file));
        if words.contains(" OFFSET $") && !is_bounded {
            found.push(format!("{name}: `OFFSET` reads what it leaves out"));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
