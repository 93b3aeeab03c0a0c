//! `[prompts]`: how many approval requests a user, an agent, an agent and user together, or a resource server and user may have, and
//! how long whoever asks waits after a denial.

use std::time::Duration;

use serde::Deserialize;
use writ_core::budget::{LONGEST_PAUSE, Limits, Pauses};

/// An upper bound of every limit: more could not be answered, and counting them would be slow.
const MOST: u64 = 1_000_000;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PromptsFile {
    per_person: Option<u64>,
    per_agent: Option<u64>,
    per_pair: Option<u64>,
    open_per_pair: Option<u64>,
    per_resource: Option<u64>,
    open_per_resource: Option<u64>,
    pause_same: Option<u64>,
    pause_other: Option<u64>,
    longest_pause: Option<u64>,
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
        per_resource: limit("per_resource", file.per_resource, usual.per_resource),
        open_per_resource: limit(
            "open_per_resource",
            file.open_per_resource,
            usual.open_per_resource,
        ),
        pauses: pauses(file, usual.pauses, problems),
    }
}

/// In seconds; zero switches one off.
fn pauses(file: &PromptsFile, usual: Pauses, problems: &mut Vec<String>) -> Pauses {
    let most = LONGEST_PAUSE.as_secs();
    let mut pause = |key: &str, given: Option<u64>, usual: Duration| {
        if given.is_some_and(|seconds| seconds > most) {
            problems.push(format!("`prompts.{key}` is not between 0 and {most}"));
        }
        given.map_or(usual, Duration::from_secs)
    };
    Pauses {
        same: pause("pause_same", file.pause_same, usual.same),
        other: pause("pause_other", file.pause_other, usual.other),
        longest: pause("longest_pause", file.longest_pause, usual.longest),
    }
}
