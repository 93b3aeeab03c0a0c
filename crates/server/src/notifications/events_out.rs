//! Events on their way to a sink: as lines of JSON, as log records of OpenTelemetry, or as signed JWTs. Each has the id of its event, and
//! says when it may have been sent before.

mod json_lines;
mod otlp_logs;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use writ_store::event::StoredEvent;

use self::json_lines::LinesWriter;
use super::webhook::LIFETIME;
use crate::config::{EventSink, SinkWay};
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::outgoing::otlp::{self, SentOutcome};

/// `typ` of a JWT that holds an event.
pub const EVENT_TYPE: &str = "writ-event+jwt";
/// Events that leave in one request.
pub const MAX_BATCH: u32 = 512;

/// An event as a sink gets it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct EventRecord<'a> {
    #[serde(flatten)]
    pub event: &'a StoredEvent,
    /// It was sent before, or may have been.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub resent: bool,
}

/// The way to one sink.
pub struct SinkSender {
    pub sink: EventSink,
    lines: LinesWriter,
}

#[derive(Serialize)]
struct EventClaims<'a> {
    iss: &'a str,
    aud: &'a str,
    /// The id of the event: the same at each attempt.
    jti: &'a str,
    iat: i64,
    exp: i64,
    event: &'a str,
    record: &'a EventRecord<'a>,
}

impl SinkSender {
    pub fn new(sink: EventSink) -> Self {
        Self {
            sink,
            lines: LinesWriter::default(),
        }
    }

    /// Events of one request at most.
    pub const fn most(&self) -> u32 {
        match self.sink.way {
            SinkWay::Webhook(_) => 1,
            SinkWay::JsonLines(_) | SinkWay::Otlp(_) => MAX_BATCH,
        }
    }

    /// Sends these in one request.
    pub async fn send(
        &mut self,
        app: &App,
        records: &[EventRecord<'_>],
    ) -> Result<SentOutcome, Failure> {
        match &self.sink.way {
            SinkWay::JsonLines(target) => Ok(self.lines.write(target, records).await),
            SinkWay::Otlp(collector) => {
                let now = app.clock.now();
                let request = otlp_logs::request(app.config.issuer.as_str(), records, now);
                let (guard, rejected) = (&app.notices.guard, "rejectedLogRecords");
                Ok(otlp::export(guard, collector, &request, rejected).await)
            }
            SinkWay::Webhook(url) => match records {
                [record] => post(app, url, record).await,
                _ => Ok(SentOutcome::Refused("more than one event".to_owned())),
            },
        }
    }
}

/// As the operator's webhook is told of notices: a JWT that our key signed. Its answer says nothing but by its status.
async fn post(app: &App, url: &str, record: &EventRecord<'_>) -> Result<SentOutcome, Failure> {
    let now = app.clock.now();
    let claims = EventClaims {
        iss: app.config.issuer.as_str(),
        aud: url,
        jti: &record.event.id,
        iat: now.seconds(),
        exp: now.plus(LIFETIME).seconds(),
        event: &record.event.name,
        record,
    };
    let token = app.keys().await?.active.sign_jwt(EVENT_TYPE, &claims);
    let token = token.map_err(Failure::from)?;
    let jwt = HeaderValue::from_static("application/jwt");
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, jwt)]);
    let answer = app.notices.guard.post(url, headers, Bytes::from(token));
    Ok(match answer.await {
        Ok(answer) if answer.status.is_success() => SentOutcome::Taken {
            refused: 0,
            said: String::new(),
        },
        other => otlp::not_taken(other),
    })
}
