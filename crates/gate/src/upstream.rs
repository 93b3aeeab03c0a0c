//! The MCP server behind the gate: what is sent to it, and its answers, bounded. It gets header fields that the gate made, and none of
//! the client's.

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use reqwest::redirect::Policy;
use serde_json::{Map, Value, json};
use std::time::Duration;
use url::Url;

use crate::config::GateError;
use crate::headers::{PROTOCOL_VERSION, SESSION_ID, STATELESS};
use crate::sse::EventReader;

/// The largest answer that is no stream, in bytes.
pub const MAX_ANSWER: usize = 4 * 1024 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For what the gate asks on its own account.
const ASK_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Clone)]
pub struct Upstream {
    client: reqwest::Client,
    url: Url,
    authorization: Option<HeaderValue>,
}

/// Why there is no answer. The text is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UpstreamError {
    /// Nothing was sent.
    #[error("the server cannot be reached: {0}")]
    NotSent(String),
    #[error("the connection to the server was lost: {0}")]
    Lost(String),
    #[error("the answer is larger than {MAX_ANSWER} bytes")]
    TooLarge,
    #[error("the answer is no JSON-RPC message: {0}")]
    NoMessage(String),
    #[error("the server answered {0}")]
    Status(StatusCode),
}

/// How the gate speaks to the server for one caller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct UpstreamSession {
    pub(crate) id: Option<String>,
    pub(crate) version: Option<String>,
    /// Each request says its version and the client's capabilities.
    pub(crate) is_stateless: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerKind {
    Json,
    Events,
    Other,
}

impl Upstream {
    pub fn new(url: Url, authorization: Option<&str>) -> Result<Self, GateError> {
        let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
        let bare =
            url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if !is_web || !bare {
            return Err(GateError::Upstream(url.to_string()));
        }
        let authorization = authorization.map(|text| {
            let value = HeaderValue::from_str(text);
            let mut value = value.map_err(|_| GateError::UpstreamAuthorization)?;
            value.set_sensitive(true);
            Ok::<_, GateError>(value)
        });
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|error| GateError::Client(error.without_url().to_string()))?;
        Ok(Self {
            client,
            url,
            authorization: authorization.transpose()?,
        })
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        fields: HeaderMap,
        body: Option<&Value>,
    ) -> Result<reqwest::Response, UpstreamError> {
        let mut request = self
            .client
            .request(method, self.url.clone())
            .headers(fields);
        if let Some(value) = &self.authorization {
            request = request.header(AUTHORIZATION, value.clone());
        }
        if let Some(body) = body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_string());
        }
        request.send().await.map_err(|error| {
            let not_sent = error.is_connect() || error.is_builder();
            let cause = causes(&error.without_url());
            match not_sent {
                true => UpstreamError::NotSent(cause),
                false => UpstreamError::Lost(cause),
            }
        })
    }

    /// One request of the gate itself, and its result.
    pub(crate) async fn ask(
        &self,
        session: &UpstreamSession,
        method: &str,
        params: Map<String, Value>,
    ) -> Result<Value, UpstreamError> {
        let mut params = params;
        if session.is_stateless {
            params.insert(
                "_meta".to_owned(),
                stateless_meta(session.version.as_deref()),
            );
        }
        let message = json!({ "jsonrpc": "2.0", "id": OWN_ID, "method": method, "params": params });
        let mut fields = session.fields();
        if session.is_stateless {
            let value =
                HeaderValue::from_str(method).map_err(|e| UpstreamError::NotSent(e.to_string()))?;
            fields.insert(crate::headers::METHOD, value);
        }
        let asked = async {
            let answer = self.send(Method::POST, fields, Some(&message)).await?;
            response_in(answer).await
        };
        let answered = tokio::time::timeout(ASK_TIMEOUT, asked).await;
        let answer =
            answered.map_err(|_| UpstreamError::Lost("no answer in time".to_owned()))??;
        match answer.get("result") {
            Some(result) => Ok(result.clone()),
            None => Err(UpstreamError::NoMessage(format!("{method} was refused"))),
        }
    }

    /// A session of the gate's own, for servers that want one.
    pub(crate) async fn open(&self) -> Result<UpstreamSession, UpstreamError> {
        let opened = tokio::time::timeout(ASK_TIMEOUT, self.initialize()).await;
        opened.map_err(|_| UpstreamError::Lost("no answer in time".to_owned()))?
    }

    async fn initialize(&self) -> Result<UpstreamSession, UpstreamError> {
        let params = json!({
            "protocolVersion": SESSIONS_VERSION, "capabilities": {},
            "clientInfo": { "name": "writ", "version": env!("CARGO_PKG_VERSION") }
        });
        let message =
            json!({ "jsonrpc": "2.0", "id": OWN_ID, "method": "initialize", "params": params });
        let fields = UpstreamSession::default().fields();
        let answer = self.send(Method::POST, fields, Some(&message)).await?;
        let id = answer
            .headers()
            .get(SESSION_ID)
            .and_then(|id| id.to_str().ok())
            .map(str::to_owned);
        let version = match response_in(answer).await {
            Ok(answer) => answer
                .get("result")
                .and_then(|result| result.get("protocolVersion"))
                .and_then(Value::as_str)
                .map(str::to_owned),
            Err(UpstreamError::Status(_)) => None,
            Err(error) => return Err(error),
        };
        let Some(version) = version else {
            return Ok(UpstreamSession {
                id: None,
                version: Some(STATELESS.to_owned()),
                is_stateless: true,
            });
        };
        let session = UpstreamSession {
            id,
            version: Some(version),
            is_stateless: false,
        };
        let told = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        self.send(Method::POST, session.fields(), Some(&told))
            .await?;
        Ok(session)
    }
}

impl UpstreamSession {
    /// The header fields of every message.
    pub(crate) fn fields(&self) -> HeaderMap {
        let mut fields = HeaderMap::new();
        let both = HeaderValue::from_static("application/json, text/event-stream");
        fields.insert(ACCEPT, both);
        for (name, value) in [(SESSION_ID, &self.id), (PROTOCOL_VERSION, &self.version)] {
            if let Some(Ok(value)) = value.as_deref().map(HeaderValue::from_str) {
                fields.insert(name, value);
            }
        }
        fields
    }
}

/// From the outermost error to the one that says what happened: "connection refused" is the innermost.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    let told: Vec<String> = chain.map(ToString::to_string).collect();
    told.join(": ")
}

pub(crate) fn kind(answer: &reqwest::Response) -> AnswerKind {
    let text = answer
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = text
        .and_then(|text| text.split(';').next())
        .unwrap_or_default()
        .trim();
    if essence.eq_ignore_ascii_case("application/json") {
        AnswerKind::Json
    } else if essence.eq_ignore_ascii_case("text/event-stream") {
        AnswerKind::Events
    } else {
        AnswerKind::Other
    }
}

/// The one message of an answer that is no stream.
pub(crate) async fn message_in(mut answer: reqwest::Response) -> Result<Value, UpstreamError> {
    let mut body = Vec::new();
    while let Some(piece) = next_piece(&mut answer).await? {
        if body.len() + piece.len() > MAX_ANSWER {
            return Err(UpstreamError::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    message(&body)
}

pub(crate) fn message(text: &[u8]) -> Result<Value, UpstreamError> {
    let value: Value =
        serde_json::from_slice(text).map_err(|e| UpstreamError::NoMessage(e.to_string()))?;
    match value.is_object() {
        true => Ok(value),
        false => Err(UpstreamError::NoMessage("it is no object".to_owned())),
    }
}

pub(crate) async fn next_piece(
    answer: &mut reqwest::Response,
) -> Result<Option<bytes::Bytes>, UpstreamError> {
    let piece = answer.chunk().await;
    piece.map_err(|error| UpstreamError::Lost(causes(&error.without_url())))
}

/// The response to the one request, in whatever form it comes.
async fn response_in(mut answer: reqwest::Response) -> Result<Value, UpstreamError> {
    if !answer.status().is_success() {
        return Err(UpstreamError::Status(answer.status()));
    }
    match kind(&answer) {
        AnswerKind::Json => message_in(answer).await,
        AnswerKind::Other => Err(UpstreamError::NoMessage(
            "it has another media type".to_owned(),
        )),
        AnswerKind::Events => {
            let mut reader = EventReader::default();
            while let Some(piece) = next_piece(&mut answer).await? {
                reader.push(&piece).map_err(|_| UpstreamError::TooLarge)?;
                while let Some(event) = reader.next().map_err(|_| UpstreamError::TooLarge)? {
                    let found = message(event.data.as_bytes());
                    if let Ok(found) = found
                        && found.get("id") == Some(&json!(OWN_ID))
                        && found.get("method").is_none()
                    {
                        return Ok(found);
                    }
                }
            }
            Err(UpstreamError::Lost(
                "the stream ended without an answer".to_owned(),
            ))
        }
    }
}

fn stateless_meta(version: Option<&str>) -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": version.unwrap_or(STATELESS),
        "io.modelcontextprotocol/clientInfo": { "name": "writ", "version": env!("CARGO_PKG_VERSION") },
        "io.modelcontextprotocol/clientCapabilities": {}
    })
}

const OWN_ID: &str = "writ";
const SESSIONS_VERSION: &str = "2025-11-25";

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_has_a_largest_size() {
        for (length, is_read) in [(MAX_ANSWER, true), (MAX_ANSWER + 1, false)] {
            let around = r#"{"a":""}"#.len();
            let text = format!(r#"{{"a":"{}"}}"#, "x".repeat(length - around));
            let answer = reqwest::Response::from(http::Response::new(text));
            let read = message_in(answer).await;
            assert_eq!(read.is_ok(), is_read, "{length}");
            assert!(is_read || read == Err(UpstreamError::TooLarge));
        }
    }
}
