//! `[events.NAME]`: where events go beside the record (docs/observability.md), by a name that stands in metrics and in the database.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use writ_core::event::EventName;
use writ_platform::guard::AddressPolicy;

use super::collector::{Collector, CollectorKeys, admitted};
use super::upstream::unusable_name;

/// Sinks of one configuration.
pub const MAX_SINKS: usize = 8;
/// Standard output, as a path.
const STANDARD_OUTPUT: &str = "-";
const DEFAULT_DAYS: u64 = 7;
const MOST_DAYS: u64 = 90;

#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SinkFile {
    kind: Option<String>,
    endpoint: Option<String>,
    path: Option<PathBuf>,
    authorization: Option<String>,
    authorization_file: Option<PathBuf>,
    names: Option<Vec<String>>,
    keep_days: Option<u64>,
}

/// A sink of events; valid by construction.
#[derive(Clone, Debug)]
pub struct EventSink {
    pub name: String,
    pub way: SinkWay,
    names: Vec<EventPattern>,
    /// How long events that it does not take are kept for it.
    pub kept: Duration,
}

/// How events go there.
#[derive(Clone, Debug)]
pub enum SinkWay {
    /// An object on each line.
    JsonLines(LinesTarget),
    /// Records of OpenTelemetry, by OTLP over HTTP.
    Otlp(Collector),
    /// A signed JWT for each event, to this URL.
    Webhook(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinesTarget {
    StandardOutput,
    File(PathBuf),
}

/// Events of one name, or whose names begin so.
#[derive(Clone, Debug, PartialEq, Eq)]
enum EventPattern {
    Is(String),
    BeginsWith(String),
}

impl EventSink {
    /// Whether it gets events of this name: all, unless it says which.
    pub fn wants(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|pattern| pattern.matches(name))
    }
}

impl SinkWay {
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::JsonLines(_) => "json_lines",
            Self::Otlp(_) => "otlp",
            Self::Webhook(_) => "webhook",
        }
    }
}

impl EventPattern {
    fn of(text: &str) -> Self {
        match text.strip_suffix('*') {
            Some(begin) => Self::BeginsWith(begin.to_owned()),
            None => Self::Is(text.to_owned()),
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Is(wanted) => wanted == name,
            Self::BeginsWith(begin) => name.starts_with(begin.as_str()),
        }
    }
}

pub(super) fn check(
    files: BTreeMap<String, SinkFile>,
    rules: &AddressPolicy,
    problems: &mut Vec<String>,
) -> Vec<EventSink> {
    let mut sinks = Vec::new();
    for (name, file) in files {
        // A section of which every key is a comment.
        if file == SinkFile::default() {
            continue;
        }
        let mut wrong = Vec::new();
        let sink = file.sink(&name, rules, &mut wrong);
        problems.extend(wrong.iter().map(|said| format!("`events.{name}`: {said}")));
        sinks.extend(sink);
    }
    if sinks.len() > MAX_SINKS {
        problems.push(format!("`events` has more than {MAX_SINKS} sinks"));
    }
    sinks
}

impl SinkFile {
    fn sink(self, name: &str, rules: &AddressPolicy, wrong: &mut Vec<String>) -> Option<EventSink> {
        wrong.extend(unusable_name(name).map(str::to_owned));
        let days = self.keep_days.unwrap_or(DEFAULT_DAYS);
        if !(1..=MOST_DAYS).contains(&days) {
            wrong.push(format!("`keep_days` is not between 1 and {MOST_DAYS}"));
        }
        let names = patterns(self.names.as_deref().unwrap_or_default(), wrong);
        let way = self.way(rules, wrong)?;
        Some(EventSink {
            name: name.to_owned(),
            way,
            names,
            kept: Duration::from_secs(days.saturating_mul(24 * 3600)),
        })
    }

    fn way(self, rules: &AddressPolicy, wrong: &mut Vec<String>) -> Option<SinkWay> {
        let is_secret = self.authorization.is_some() || self.authorization_file.is_some();
        match (self.kind.as_deref(), self.endpoint, self.path) {
            (Some("json_lines"), None, Some(path)) if !is_secret => {
                Some(SinkWay::JsonLines(lines_target(path)))
            }
            (Some("otlp"), Some(endpoint), None) => {
                let keys = CollectorKeys {
                    endpoint,
                    authorization: self.authorization,
                    authorization_file: self.authorization_file,
                };
                keys.check(rules, wrong).map(SinkWay::Otlp)
            }
            (Some("webhook"), Some(endpoint), None) if !is_secret => {
                admitted(endpoint, rules, wrong).map(SinkWay::Webhook)
            }
            _ => {
                wrong.push(WAYS.to_owned());
                None
            }
        }
    }
}

const WAYS: &str = "`kind` is `json_lines` with `path`, `otlp` with `endpoint` (and `authorization` or \
    `authorization_file`), or `webhook` with `endpoint`";

fn lines_target(path: PathBuf) -> LinesTarget {
    match path.as_os_str() == STANDARD_OUTPUT {
        true => LinesTarget::StandardOutput,
        false => LinesTarget::File(path),
    }
}

/// A pattern that no event matches is a misspelt one.
fn patterns(names: &[String], wrong: &mut Vec<String>) -> Vec<EventPattern> {
    let patterns: Vec<_> = names.iter().map(|text| EventPattern::of(text)).collect();
    for (text, pattern) in names.iter().zip(&patterns) {
        let mut known = EventName::ALL.iter();
        if !known.any(|name| pattern.matches(name.as_str())) {
            wrong.push(format!(
                "`names`: no event is called `{text}`; a `*` stands at the end, as in `approval.*`"
            ));
        }
    }
    patterns
}

#[cfg(test)]
mod tests;
