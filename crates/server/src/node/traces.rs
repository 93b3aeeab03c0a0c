//! A span of each request, for the collector of `[traces]`: kept in a bounded queue, which drops and counts what does not fit. Spans may
//! be lost, and no request waits for one. They hold what the line of a request in the log holds, and nothing else.

use std::sync::{Mutex, PoisonError};

use http::{HeaderMap, HeaderName};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use writ_platform::Random;
use writ_wire::time::Timestamp;

use crate::config::Telemetry;
use crate::node::metrics::{CountedSpans, EventsOutMetrics};
use crate::node::outgoing::otlp::{attribute, nanoseconds, resource};

/// Spans that wait to be sent.
pub const MAX_WAITING_SPANS: usize = 4096;
/// W3C Trace Context section 3.2.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// `SPAN_KIND_SERVER`, `STATUS_CODE_ERROR`.
const SERVER: u32 = 2;
const ERROR: u32 = 2;

/// The queue; absent where no collector is configured.
pub struct Traces(Option<SpanQueue>);

struct SpanQueue {
    sender: mpsc::Sender<RequestSpan>,
    receiver: Mutex<mpsc::Receiver<RequestSpan>>,
}

/// Where a request stands in its trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanContext {
    /// 32 hexadecimal digits.
    trace: String,
    /// 16 of them.
    span: String,
    parent: Option<String>,
    pub began: Timestamp,
}

/// A request that was answered, or whose client went away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestSpan {
    pub context: SpanContext,
    pub ended: Timestamp,
    pub request: String,
    pub method: &'static str,
    pub route: String,
    pub status: Option<u16>,
    pub error: Option<&'static str>,
    pub client: Option<String>,
}

/// Who may say to which trace a request belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentBy {
    TrustedProxy,
    Anybody,
}

impl Traces {
    pub fn of(telemetry: &Telemetry) -> Self {
        Self(telemetry.traces.as_ref().map(|_| {
            let (sender, receiver) = mpsc::channel(MAX_WAITING_SPANS);
            SpanQueue {
                sender,
                receiver: Mutex::new(receiver),
            }
        }))
    }

    /// The place of a request that begins now: below what a trusted proxy says, else the first of its own trace. `None`: it is not traced.
    pub fn begin(
        &self,
        (headers, sent_by): (&HeaderMap, SentBy),
        random: &Random,
        now: Timestamp,
    ) -> Option<SpanContext> {
        self.0.as_ref()?;
        let given = match sent_by {
            SentBy::TrustedProxy => TraceParent::of(headers),
            SentBy::Anybody => None,
        };
        if given.as_ref().is_some_and(|given| !given.is_sampled) {
            return None;
        }
        let (trace, parent) = match given {
            Some(given) => (given.trace, Some(given.parent)),
            None => (hexadecimal(&random.bytes::<16>()), None),
        };
        Some(SpanContext {
            trace,
            span: hexadecimal(&random.bytes::<8>()),
            parent,
            began: now,
        })
    }

    /// Takes the span, if there is room.
    pub fn keep(&self, span: RequestSpan, metrics: &EventsOutMetrics) {
        let queue = self.0.as_ref();
        if queue.is_some_and(|queue| queue.sender.try_send(span).is_err()) {
            metrics.spans(CountedSpans::Dropped, 1);
        }
    }

    /// The oldest that wait, at most so many.
    pub fn take(&self, most: usize) -> Vec<RequestSpan> {
        let Some(queue) = &self.0 else {
            return Vec::new();
        };
        let receiver = queue.receiver.lock();
        let mut receiver = receiver.unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| receiver.try_recv().ok())
            .take(most)
            .collect()
    }
}

/// What a `traceparent` says (W3C Trace Context section 3.2.2).
#[derive(Debug, PartialEq, Eq)]
struct TraceParent {
    trace: String,
    parent: String,
    is_sampled: bool,
}

impl TraceParent {
    /// Of several fields none counts.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let mut given = headers.get_all(TRACEPARENT).into_iter();
        let only = given.next().filter(|_| given.next().is_none())?;
        Self::parse(only.to_str().ok()?)
    }

    /// A later version may have more behind a further `-`.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, trace) = (hex(parts.next()?, 2)?, hex(parts.next()?, 32)?);
        let (parent, flags) = (hex(parts.next()?, 16)?, hex(parts.next()?, 2)?);
        let is_nothing = |digits: &str| digits.bytes().all(|digit| digit == b'0');
        let is_longer = parts.next().is_some();
        if version == "ff" || (version == "00" && is_longer) {
            return None;
        }
        if is_nothing(trace) || is_nothing(parent) {
            return None;
        }
        Some(Self {
            trace: trace.to_owned(),
            parent: parent.to_owned(),
            is_sampled: u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1),
        })
    }
}

/// So many digits, in lower case.
fn hex(text: &str, length: usize) -> Option<&str> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (text.len() == length && text.bytes().all(is_digit)).then_some(text)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An `ExportTraceServiceRequest` of OpenTelemetry (`opentelemetry/proto/trace/v1`).
pub fn request(issuer: &str, spans: &[RequestSpan]) -> Value {
    let spans: Vec<Value> = spans.iter().map(RequestSpan::written).collect();
    json!({ "resourceSpans": [{
        "resource": resource(issuer),
        "scopeSpans": [{ "scope": { "name": "writ.requests" }, "spans": spans }],
    }] })
}

impl RequestSpan {
    fn written(&self) -> Value {
        let (context, broken) = (
            &self.context,
            self.status.is_none_or(|status| status >= 500),
        );
        let mut span = json!({
            "traceId": context.trace,
            "spanId": context.span,
            "name": format!("{} {}", self.method, self.route),
            "kind": SERVER,
            "startTimeUnixNano": nanoseconds(context.began),
            "endTimeUnixNano": nanoseconds(self.ended),
            "attributes": self.attributes(),
            "status": if broken { json!({ "code": ERROR }) } else { json!({}) },
        });
        if let (Some(parent), Some(members)) = (&context.parent, span.as_object_mut()) {
            members.insert("parentSpanId".to_owned(), json!(parent));
        }
        span
    }

    fn attributes(&self) -> Vec<Value> {
        let there = [
            ("http.request.method", Some(json!(self.method))),
            ("http.route", Some(json!(self.route))),
            (
                "http.response.status_code",
                self.status.map(|status| json!(status)),
            ),
            ("error.type", self.error.map(|error| json!(error))),
            (
                "writ.client",
                self.client.as_ref().map(|client| json!(client)),
            ),
            ("writ.request", Some(json!(self.request))),
        ];
        let there = there.into_iter();
        there
            .filter_map(|(key, value)| Some(attribute(key, &value?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of W3C Trace Context sections 3.2.2 and 3.2.4, and what is next to them.
    #[test]
    fn a_traceparent_is_read_as_it_is_specified() {
        const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        const PARENT: &str = "00f067aa0ba902b7";
        for (text, sampled) in [
            (format!("00-{TRACE}-{PARENT}-01"), Some(true)),
            (format!("00-{TRACE}-{PARENT}-00"), Some(false)),
            (format!("00-{TRACE}-{PARENT}-03"), Some(true)),
            (
                format!("cc-{TRACE}-{PARENT}-01-what-the-future-will-be"),
                Some(true),
            ),
            (format!("00-{TRACE}-{PARENT}-01-more"), None),
            (format!("ff-{TRACE}-{PARENT}-01"), None),
            (format!("00-{}-{PARENT}-01", TRACE.to_uppercase()), None),
            (format!("00-{}-{PARENT}-01", "0".repeat(32)), None),
            (format!("00-{TRACE}-{}-01", "0".repeat(16)), None),
            (format!("00-{TRACE}-{PARENT}"), None),
            (format!("00-{TRACE}-{PARENT}-1"), None),
            (format!("0-{TRACE}-{PARENT}-01"), None),
            (String::new(), None),
        ] {
            let found = TraceParent::parse(&text);
            let expected = sampled.map(|is_sampled| TraceParent {
                trace: TRACE.to_owned(),
                parent: PARENT.to_owned(),
                is_sampled,
            });
            assert_eq!(found, expected, "{text}");
        }
    }
}
