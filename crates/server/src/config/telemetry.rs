//! What leaves this server about what it does (docs/observability.md): events by `[events.NAME]`, a span of each request by `[traces]`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use writ_platform::guard::AddressPolicy;

use super::collector::{Collector, CollectorKeys};
use super::events_out::{self, EventSink, SinkFile};

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TracesFile {
    endpoint: Option<String>,
    authorization: Option<String>,
    authorization_file: Option<PathBuf>,
}

/// Where what goes; nowhere unless it is said.
#[derive(Clone, Debug, Default)]
pub struct Telemetry {
    /// In the order of their names.
    pub sinks: Arc<[EventSink]>,
    pub traces: Option<Collector>,
}

pub(super) fn check(
    events: BTreeMap<String, SinkFile>,
    traces_file: TracesFile,
    rules: &AddressPolicy,
    problems: &mut Vec<String>,
) -> Telemetry {
    Telemetry {
        sinks: events_out::check(events, rules, problems).into(),
        traces: traces(traces_file, rules, problems),
    }
}

fn traces(
    file: TracesFile,
    rules: &AddressPolicy,
    problems: &mut Vec<String>,
) -> Option<Collector> {
    let Some(endpoint) = file.endpoint else {
        if file.authorization.is_some() || file.authorization_file.is_some() {
            problems.push("`traces` has no `endpoint`".to_owned());
        }
        return None;
    };
    let keys = CollectorKeys {
        endpoint,
        authorization: file.authorization,
        authorization_file: file.authorization_file,
    };
    let mut wrong = Vec::new();
    let collector = keys.check(rules, &mut wrong);
    problems.extend(wrong.iter().map(|said| format!("`traces`: {said}")));
    collector
}
