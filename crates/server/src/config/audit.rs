//! `[audit]`: how long the record is kept.

use std::time::Duration;

use serde::Deserialize;

/// The shortest that a record is kept, in days.
const LEAST_DAYS: u64 = 30;
const MOST_DAYS: u64 = 36_500;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AuditFile {
    retention_days: Option<u64>,
}

/// What is done with the record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditPolicy {
    /// How long events are kept; `None`: for ever, unless they are archived.
    pub kept: Option<Duration>,
}

pub(super) fn check(file: &AuditFile, problems: &mut Vec<String>) -> AuditPolicy {
    let days = file.retention_days;
    if days.is_some_and(|days| !(LEAST_DAYS..=MOST_DAYS).contains(&days)) {
        problems.push(format!(
            "`audit.retention_days` is not between {LEAST_DAYS} and {MOST_DAYS}"
        ));
    }
    AuditPolicy {
        kept: days.map(|days| Duration::from_secs(days.saturating_mul(24 * 3600))),
    }
}
