//! OTLP over HTTP in JSON (OpenTelemetry protocol specification, "OTLP/HTTP" and "JSON Protobuf Encoding"): requests, and what the
//! answers of a collector mean.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};
use writ_platform::guard::{GuardError, GuardedClient, GuardedResponse};
use writ_wire::time::Timestamp;

use crate::config::Collector;

/// What a receiver made of what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentOutcome {
    /// It has them, but for so many that it refused.
    Taken { refused: u64, said: String },
    /// It refuses what was sent: too much, or something in it.
    Refused(String),
    /// It may take the same later: not before this time, if it says so.
    Failed(String, Option<Duration>),
}

/// What an answer may say of a partial success is logged so far, in characters.
const LONGEST_SAID: usize = 200;

/// Sends one request; `rejected` is the member of `partialSuccess` that counts.
pub async fn export(
    client: &GuardedClient,
    collector: &Collector,
    request: &Value,
    rejected: &str,
) -> SentOutcome {
    let json = HeaderValue::from_static("application/json");
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, json)]);
    if let Some(value) = &collector.authorization {
        headers.insert(AUTHORIZATION, value.clone());
    }
    let body = Bytes::from(request.to_string());
    match client.post(&collector.url, headers, body).await {
        Ok(answer) if answer.status.is_success() => taken(&answer, rejected),
        other => not_taken(other),
    }
}

/// By the status of an answer, or its absence. What a collector answers to content is 400 and 413; everything else may pass: also 401 and
/// 404, once its operator has mended them.
pub fn not_taken(answer: Result<GuardedResponse, GuardError>) -> SentOutcome {
    const OF_CONTENT: [StatusCode; 3] = [
        StatusCode::BAD_REQUEST,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::UNPROCESSABLE_ENTITY,
    ];
    match answer {
        Ok(answer) => {
            let said = format!("status {}", answer.status.as_u16());
            match OF_CONTENT.contains(&answer.status) {
                true => SentOutcome::Refused(said),
                false => SentOutcome::Failed(said, answer.retry_after),
            }
        }
        Err(error) => SentOutcome::Failed(error.to_string(), None),
    }
}

/// Of an answer that is no object of JSON nobody knows whether a collector gave it.
fn taken(answer: &GuardedResponse, rejected: &str) -> SentOutcome {
    if answer.body.is_empty() {
        return SentOutcome::Taken {
            refused: 0,
            said: String::new(),
        };
    }
    let read = serde_json::from_slice::<Value>(&answer.body).ok();
    let Some(Value::Object(answer)) = read else {
        let said = "the answer is no JSON: this is no collector".to_owned();
        return SentOutcome::Failed(said, None);
    };
    let partial = answer.get("partialSuccess");
    let refused = partial.and_then(|partial| whole_number(partial.get(rejected)?));
    let said = partial.and_then(|partial| partial.get("errorMessage")?.as_str());
    let said = said.unwrap_or_default().chars().filter(|c| !c.is_control());
    SentOutcome::Taken {
        refused: refused.unwrap_or_default(),
        said: said.take(LONGEST_SAID).collect(),
    }
}

/// 64 bits are a text in this encoding; some collectors write a number.
fn whole_number(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    }
}

/// The resource that all records and spans are of.
pub fn resource(issuer: &str) -> Value {
    json!({ "attributes": [
        attribute("service.name", &json!("writ")),
        attribute("service.version", &json!(env!("CARGO_PKG_VERSION"))),
        attribute("writ.issuer", &json!(issuer)),
    ]})
}

pub fn attribute(key: &str, value: &Value) -> Value {
    json!({ "key": key, "value": any_value(value) })
}

/// `AnyValue`, which is an empty object for null.
pub fn any_value(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(one) => json!({ "boolValue": one }),
        Value::String(text) => json!({ "stringValue": text }),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => json!({ "intValue": whole.to_string() }),
            None => json!({ "doubleValue": number }),
        },
        Value::Array(items) => {
            let values: Vec<Value> = items.iter().map(any_value).collect();
            json!({ "arrayValue": { "values": values } })
        }
        Value::Object(members) => {
            let values = members.iter().map(|(key, value)| attribute(key, value));
            json!({ "kvlistValue": { "values": values.collect::<Vec<_>>() } })
        }
    }
}

/// Nanoseconds since 1970, as text.
pub fn nanoseconds(at: Timestamp) -> String {
    i128::from(at.micros()).saturating_mul(1000).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: &'static str) -> GuardedResponse {
        GuardedResponse {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::from_static(body.as_bytes()),
            retry_after: Some(Duration::from_secs(7)),
        }
    }

    #[test]
    fn what_a_collector_answers_is_understood() {
        for (body, refused) in [
            ("", Some(0)),
            ("{}", Some(0)),
            (r#"{"partialSuccess":{}}"#, Some(0)),
            (r#"{"partialSuccess":{"rejectedLogRecords":"3"}}"#, Some(3)),
            (
                r#"{"partialSuccess":{"rejectedLogRecords":3,"errorMessage":"no"}}"#,
                Some(3),
            ),
            (r#"{"partialSuccess":{"rejectedLogRecords":-3}}"#, Some(0)),
            ("<!doctype html><title>Log in</title>", None),
            ("ok", None),
            ("[]", None),
        ] {
            let outcome = taken(&answered(200, body), "rejectedLogRecords");
            let found = match outcome {
                SentOutcome::Taken { refused, .. } => Some(refused),
                _ => None,
            };
            assert_eq!(found, refused, "{body}");
        }
        for (status, is_content) in [
            (301, false),
            (400, true),
            (401, false),
            (404, false),
            (413, true),
            (422, true),
            (429, false),
            (500, false),
            (502, false),
            (503, false),
            (504, false),
        ] {
            let outcome = not_taken(Ok(answered(status, "")));
            let is_refused = matches!(outcome, SentOutcome::Refused(_));
            assert_eq!(is_refused, is_content, "{status}");
            let wait = Some(Duration::from_secs(7));
            let said = format!("status {status}");
            assert!(
                is_content || outcome == SentOutcome::Failed(said, wait),
                "{status}"
            );
        }
    }

    /// The mapping of JSON to `AnyValue`, as the protocol's own example has it.
    #[test]
    fn values_are_written_as_the_protocol_says() {
        let value = json!({ "a": [1, -2.5, true, null, "x"], "big": u64::MAX });
        let expected = json!({ "kvlistValue": { "values": [
            { "key": "a", "value": { "arrayValue": { "values": [
                { "intValue": "1" }, { "doubleValue": -2.5 }, { "boolValue": true }, {},
                { "stringValue": "x" },
            ] } } },
            { "key": "big", "value": { "doubleValue": u64::MAX } },
        ] } });
        assert_eq!(any_value(&value), expected);
        let at = Timestamp::from_micros(1_544_712_660_300_000);
        assert_eq!(nanoseconds(at), "1544712660300000000");
    }
}
