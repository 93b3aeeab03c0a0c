//! `[prompts]`: how many approval requests a user, an agent, or an agent and user together may have.

use serde::Deserialize;
use writ_core::budget::Limits;

/// An upper bound of every limit: more could not be answered, and counting them would be slow.
const MOST: u64 = 1_000_000;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PromptsFile {
    per_person: Option<u64>,
    per_agent: Option<u64>,
    per_pair: Option<u64>,
    open_per_pair: Option<u64>,
}

pub(super) fn check(file: &PromptsFile, problems: &mut Vec<String>) -> Limits {
    let usual = Limits::default();
    let mut limit = |key: &str, given: Option<u64>, usual: u64| {
        let limit = given.unwrap_or(usual);
        if !(1..=MOST).contains(&limit) {
            problems.push(format!("`prompts.{key}` is not between 1 and {MOST}"));
        }
        limit
    };
    Limits {
        per_person: limit("per_person", file.per_person, usual.per_person),
        per_agent: limit("per_agent", file.per_agent, usual.per_agent),
        per_pair: limit("per_pair", file.per_pair, usual.per_pair),
        open_per_pair: limit("open_per_pair", file.open_per_pair, usual.open_per_pair),
    }
}
