//! An `ExportLogsServiceRequest` of OpenTelemetry (`opentelemetry/proto/logs/v1`): a log record for each event.

use serde_json::{Value, json};
use writ_wire::time::Timestamp;

use super::EventRecord;
use crate::node::outgoing::otlp::{any_value, attribute, nanoseconds, resource};

/// `SEVERITY_NUMBER_INFO`.
const INFO: u32 = 9;
/// Members of an event that are fields of the record itself.
const FIELDS: [&str; 3] = ["at", "name", "data"];

pub(super) fn request(issuer: &str, records: &[EventRecord<'_>], now: Timestamp) -> Value {
    let records: Vec<Value> = records.iter().map(|one| log_record(one, now)).collect();
    json!({ "resourceLogs": [{
        "resource": resource(issuer),
        "scopeLogs": [{ "scope": { "name": "writ.events" }, "logRecords": records }],
    }] })
}

fn log_record(record: &EventRecord<'_>, now: Timestamp) -> Value {
    let event = record.event;
    json!({
        "timeUnixNano": nanoseconds(event.at),
        "observedTimeUnixNano": nanoseconds(now),
        "severityNumber": INFO,
        "severityText": "INFO",
        "eventName": event.name,
        "body": any_value(&event.data),
        "attributes": attributes(record),
    })
}

/// The name once more, for collectors that know no `eventName`; then every other member that is there.
fn attributes(record: &EventRecord<'_>) -> Vec<Value> {
    let mut attributes = vec![attribute("event.name", &json!(record.event.name))];
    let written = serde_json::to_value(record).unwrap_or_default();
    let members = written.as_object().into_iter().flatten();
    let members =
        members.filter(|(key, value)| !FIELDS.contains(&key.as_str()) && !value.is_null());
    attributes.extend(members.map(|(key, value)| attribute(&format!("writ.{key}"), value)));
    attributes
}
