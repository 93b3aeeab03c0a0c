//! `[registration]`: whether clients may register themselves (RFC 7591), and how often.

use std::time::Duration;

use serde::Deserialize;
use writ_core::registration::dynamic::{RegistrationMode, RegistrationRules};

/// An upper bound of both limits in an hour.
const MOST: u32 = 100_000;
/// The longest that an unused registration is kept, in hours.
const MOST_HOURS: u64 = 30 * 24;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RegistrationFile {
    mode: Option<String>,
    per_address: Option<u32>,
    in_all: Option<u32>,
    unused_hours: Option<u64>,
}

/// `guests`: whether clients that nobody registered are welcome at all.
pub(super) fn check(
    file: &RegistrationFile,
    guests: bool,
    problems: &mut Vec<String>,
) -> RegistrationRules {
    let mode = match file.mode.as_deref() {
        None | Some("off") => RegistrationMode::Off,
        Some("token") => RegistrationMode::Token,
        Some("open") => RegistrationMode::Open,
        Some(_) => {
            problems.push("`registration.mode` is `off`, `token` or `open`".to_owned());
            RegistrationMode::Off
        }
    };
    if mode != RegistrationMode::Off && !guests {
        problems.push(
            "`registration.mode` needs `features.guests`: whoever registers itself is a guest"
                .to_owned(),
        );
    }
    let usual = RegistrationRules::default();
    let mut limit = |key: &str, given: Option<u32>, usual: u32| {
        let limit = given.unwrap_or(usual);
        if !(1..=MOST).contains(&limit) {
            problems.push(format!("`registration.{key}` is not between 1 and {MOST}"));
        }
        limit
    };
    let per_address = limit("per_address", file.per_address, usual.per_address);
    let in_all = limit("in_all", file.in_all, usual.in_all);
    let hours = file.unused_hours.unwrap_or(24);
    if !(1..=MOST_HOURS).contains(&hours) {
        problems.push(format!(
            "`registration.unused_hours` is not between 1 and {MOST_HOURS}"
        ));
    }
    RegistrationRules {
        mode,
        per_address,
        in_all,
        unused: Duration::from_secs(hours.saturating_mul(3600)),
    }
}
