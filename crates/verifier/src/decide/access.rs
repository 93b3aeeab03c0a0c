//! The requests to the authorization server as the one that decides (AuthZEN 1.0 sections 6 and 9, its Access Request and Approval
//! Profile), with the credentials of the client that serves the resource. URLs in answers lead to the issuer, or nowhere.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use serde_json::{Map, Value};
use tokio::time::timeout;
use url::Url;
use writ_platform::{Clock, ExtraTimeout, Transport};
use writ_wire::access_request::DENIED;
use writ_wire::strict_json;
use writ_wire::time::Timestamp;

use super::error::NotPermitted;
use crate::config::is_safe_url;

/// How long one poll is held at most.
pub const MAX_POLL: Duration = Duration::from_secs(25);

pub(super) struct AccessServer {
    pub(super) issuer: String,
    pub(super) credentials: HeaderValue,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Clock,
    pub(super) endpoints: RwLock<Option<(Timestamp, Endpoints)>>,
}

/// Where the server is asked.
#[derive(Clone, Debug)]
pub(super) struct Endpoints {
    pub(super) evaluation: String,
    pub(super) requests: Option<String>,
}

/// One answer, read.
pub(super) struct AccessAnswer {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Map<String, Value>,
}

/// What is sent: a body only where there is one.
pub(super) struct AccessCall<'a> {
    pub(super) method: Method,
    pub(super) url: &'a str,
    pub(super) body: Option<&'a Value>,
    pub(super) idempotency_key: Option<&'a str>,
    /// `Prefer: wait=N`.
    pub(super) wait: Duration,
}

/// Why it is not known that the issuer takes the credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// They are wrong, or the client serves no resource: the same will come again.
    #[error("the issuer refuses these credentials ({status}): {said}")]
    Refused { status: StatusCode, said: String },
    /// What was configured is not the name of the server there.
    #[error("that server calls itself `{said}`, not `{asked}`")]
    OtherIssuer { asked: String, said: String },
    /// The issuer lists its resources, and this is none of them.
    #[error("no resource's record of the issuer is of `{0}`")]
    NoRecord(String),
    /// Something answers there, and it is not what decides about actions: the same will come again.
    #[error("no Writ server is there: {0}")]
    NotWrit(String),
    /// The resource's record names another client.
    #[error("the record of `{0}` names another client than this one")]
    OtherClient(String),
    /// It may be known later.
    #[error("the issuer cannot be asked: {0}")]
    Unknown(String),
}

/// For the operator, with its cause.
fn told(why: &NotPermitted) -> String {
    match why {
        NotPermitted::Unavailable { what, cause } if !cause.is_empty() => {
            format!("{what}: {cause}")
        }
        why => why.to_string(),
    }
}

impl AccessServer {
    pub(super) async fn endpoints(&self) -> Result<Endpoints, NotPermitted> {
        let now = self.clock.now();
        let known = self.endpoints.read();
        let known = known.unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, found)) = known
            && at <= now
            && at.until(now) < METADATA_LIFETIME
        {
            return Ok(found);
        }
        let found = self.fetch_endpoints().await?;
        let mut kept = self
            .endpoints
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *kept = Some((now, found.clone()));
        Ok(found)
    }

    /// A document of the issuer, which anybody may read.
    async fn document(&self, name: &str) -> Result<Map<String, Value>, NotPermitted> {
        let url = metadata_url(&self.issuer, name);
        let url = url.ok_or_else(|| unsaid("the issuer is no URL"))?;
        let answer = self.send(get(&url), None).await?;
        match answer.status {
            StatusCode::OK => Ok(answer.body),
            status => Err(unsaid(&format!("{status} at {url}"))),
        }
    }

    async fn fetch_endpoints(&self) -> Result<Endpoints, NotPermitted> {
        let metadata = self.document(DECISIONS).await?;
        let text = |name: &str| metadata.get(name).and_then(Value::as_str);
        if text("policy_decision_point") != Some(self.issuer.as_str()) {
            return Err(unsaid("the metadata is of another server"));
        }
        let endpoint = |name: &str| text(name).map(|url| self.ours(url)).transpose();
        Ok(Endpoints {
            evaluation: endpoint("access_evaluation_endpoint")?
                .ok_or_else(|| unsaid("no endpoint for evaluations"))?,
            requests: endpoint("access_request_endpoint")?,
        })
    }

    /// Our credentials go there, and what people are sent to.
    pub(super) fn ours(&self, url: &str) -> Result<String, NotPermitted> {
        let origin = |url: &str| Url::parse(url).map(|url| url.origin().ascii_serialization());
        let same = match (origin(url), origin(&self.issuer)) {
            (Ok(there), Ok(here)) => there == here,
            _ => false,
        };
        match same && is_safe_url(url) {
            true => Ok(url.to_owned()),
            false => Err(NotPermitted::unavailable(
                "the answer names an endpoint of another server",
                "",
            )),
        }
    }

    /// Whether the issuer is the one that is meant, takes these credentials, and has a record of the resource; nothing is changed.
    pub(super) async fn check(&self, resource: &str) -> Result<(), CredentialsError> {
        let unread = |why: NotPermitted| CredentialsError::Unknown(told(&why));
        let name = self.name_there().await?;
        if name != self.issuer {
            return Err(CredentialsError::OtherIssuer {
                asked: self.issuer.clone(),
                said: shown(&name),
            });
        }
        let served = self.check_credentials().await?;
        let metadata = self.document(SERVER).await.map_err(unread)?;
        let listed = metadata
            .get("protected_resources")
            .and_then(Value::as_array);
        // Where there are too many it lists none.
        let may_be_in = |all: &Vec<Value>| all.is_empty() || all.contains(&resource.into());
        if !listed.is_none_or(may_be_in) {
            return Err(CredentialsError::NoRecord(resource.to_owned()));
        }
        match may_be_in(&served) {
            true => Ok(()),
            false => Err(CredentialsError::OtherClient(resource.to_owned())),
        }
    }

    /// As the server there calls itself, where it decides about actions. What may come of a proxy before a server that is not up is no
    /// answer yet.
    async fn name_there(&self) -> Result<String, CredentialsError> {
        let unknown = |why: String| CredentialsError::Unknown(why);
        let url = metadata_url(&self.issuer, DECISIONS);
        let url = url.ok_or_else(|| unknown("the issuer is no URL".to_owned()))?;
        let answer = self.answered(get(&url), None).await;
        let answer = answer.map_err(|why| unknown(told(&why)))?;
        let status = answer.status();
        if status.is_server_error() || COMES_LATER.contains(&status) {
            return Err(unknown(format!("{status} at {url}")));
        }
        let document: Option<Map<String, Value>> = strict_json::read(answer.body()).ok();
        let document = document.filter(|_| status == StatusCode::OK);
        let text = |name: &str| document.as_ref()?.get(name)?.as_str();
        match (
            text("policy_decision_point"),
            text("access_request_endpoint"),
        ) {
            (Some(name), Some(_)) => Ok(name.to_owned()),
            (None, _) if status != StatusCode::OK => {
                Err(CredentialsError::NotWrit(format!("{status} at {url}")))
            }
            _ => Err(CredentialsError::NotWrit(format!(
                "what is at {url} does not say how people are asked about actions"
            ))),
        }
    }

    /// A question that there is not is asked for. The resources that the client serves, as far as the server says.
    async fn check_credentials(&self) -> Result<Vec<Value>, CredentialsError> {
        let unknown = |why: &dyn std::fmt::Display| CredentialsError::Unknown(why.to_string());
        let endpoints = self.endpoints().await.map_err(|why| unknown(&told(&why)))?;
        let requests = endpoints.requests;
        let requests = requests.ok_or_else(|| unknown(&"it has no endpoint for questions"))?;
        let url = format!("{requests}/none");
        let answer = self.call(get(&url)).await;
        let answer = answer.map_err(|why| unknown(&told(&why)))?;
        match answer.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let said = answer.body.get("error_description");
                Err(CredentialsError::Refused {
                    status: answer.status,
                    said: shown(said.and_then(Value::as_str).unwrap_or_default()),
                })
            }
            StatusCode::OK | StatusCode::NOT_FOUND => {
                let served = answer.body.get("resources").and_then(Value::as_array);
                Ok(served.cloned().unwrap_or_default())
            }
            status => Err(unknown(&format_args!("it answered {status}"))),
        }
    }

    pub(super) async fn call(&self, call: AccessCall<'_>) -> Result<AccessAnswer, NotPermitted> {
        self.send(call, Some(&self.credentials)).await
    }

    async fn send(
        &self,
        call: AccessCall<'_>,
        credentials: Option<&HeaderValue>,
    ) -> Result<AccessAnswer, NotPermitted> {
        let answer = self.answered(call, credentials).await?;
        let body = match answer.body().is_empty() {
            true => Map::new(),
            false => strict_json::read(answer.body())
                .map_err(|error| NotPermitted::unavailable(NOT_HAD, error))?,
        };
        Ok(AccessAnswer {
            status: answer.status(),
            retry_after: retry_after(answer.headers()),
            body,
        })
    }

    /// Whatever it is.
    async fn answered(
        &self,
        call: AccessCall<'_>,
        credentials: Option<&HeaderValue>,
    ) -> Result<Response<Bytes>, NotPermitted> {
        let what = NOT_HAD;
        let wait = call.wait;
        let request =
            request(call, credentials).map_err(|error| NotPermitted::unavailable(what, error))?;
        let limit = PATIENCE + wait;
        let answer = timeout(limit, self.transport.send(request)).await;
        answer
            .map_err(|_| NotPermitted::unavailable(what, "no answer in time"))?
            .map_err(|error| NotPermitted::unavailable(what, error))
    }
}

fn get(url: &str) -> AccessCall<'_> {
    AccessCall {
        method: Method::GET,
        url,
        body: None,
        idempotency_key: None,
        wait: Duration::ZERO,
    }
}

fn request(
    call: AccessCall<'_>,
    credentials: Option<&HeaderValue>,
) -> Result<Request<Bytes>, http::Error> {
    let mut request = Request::builder()
        .method(call.method)
        .uri(call.url)
        .header(ACCEPT, "application/json");
    if let Some(credentials) = credentials {
        request = request.header(AUTHORIZATION, credentials.clone());
    }
    if let Some(key) = call.idempotency_key {
        request = request.header("idempotency-key", key);
    }
    if !call.wait.is_zero() {
        request = request
            .header("prefer", format!("wait={}", call.wait.as_secs()))
            .extension(ExtraTimeout(call.wait));
    }
    match call.body {
        Some(body) => request
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string().into()),
        None => request.body(Bytes::new()),
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    text.parse().ok().map(Duration::from_secs)
}

impl AccessAnswer {
    /// What an answer means that is neither a decision nor a question.
    pub(super) fn problem(&self, what: &'static str) -> NotPermitted {
        let text = |name: &str| self.body.get(name).and_then(Value::as_str);
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            return NotPermitted::AskLater {
                retry_after: self.retry_after.unwrap_or(ASK_LATER),
                why: text("title").unwrap_or_default().to_owned(),
            };
        }
        if text("type") == Some(DENIED) {
            return NotPermitted::denied("person", "the person said no");
        }
        if matches!(
            self.status,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        ) {
            let code = text("error").unwrap_or_default();
            return NotPermitted::unavailable(REFUSED, format!("{} {code}", self.status));
        }
        let kind = text("type").and_then(|kind| kind.strip_prefix(PROBLEM));
        match kind {
            Some("expired_denial" | "task_expired") => NotPermitted::Expired("it is over"),
            kind => {
                let code = kind.or_else(|| text("error")).unwrap_or_default();
                NotPermitted::unavailable(what, format!("{} {code}", self.status))
            }
        }
    }
}

/// AuthZEN 1.0 section 9.2: between host and path.
fn metadata_url(issuer: &str, name: &str) -> Option<String> {
    let url = Url::parse(issuer).ok()?;
    let origin = url.origin().ascii_serialization();
    let path = url.path().trim_end_matches('/');
    Some(format!("{origin}/.well-known/{name}{path}"))
}

fn unsaid(cause: &str) -> NotPermitted {
    NotPermitted::unavailable("the issuer does not say how decisions are asked for", cause)
}

/// What the issuer says, for the operator.
fn shown(said: &str) -> String {
    let plain = said.chars().filter(|c| !c.is_control());
    plain.take(MAX_SAID).collect()
}

const NOT_HAD: &str = "the decision could not be had";
/// Beside those of 5xx what is over in a while (RFC 9110 section 15.5.9, RFC 8470 section 5.2, RFC 6585 section 4).
const COMES_LATER: [StatusCode; 3] = [
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::TOO_EARLY,
    StatusCode::TOO_MANY_REQUESTS,
];
/// AuthZEN 1.0 section 9.
const DECISIONS: &str = "authzen-configuration";
/// RFC 8414 section 3; RFC 9728 section 4 for the resources in it.
const SERVER: &str = "oauth-authorization-server";

/// The same sentence in each kit.
const REFUSED: &str = "the issuer refuses the credentials of this server: its client secret is what `writ client add` printed, \
    and `client_id` of the resource's record names this client";
const PROBLEM: &str = "urn:openid:authzen:access-request:error:";
/// Of what the issuer says to a refusal, in characters.
const MAX_SAID: usize = 300;
/// How long the server may take beyond what it was told to wait.
const PATIENCE: Duration = Duration::from_secs(10);
const METADATA_LIFETIME: Duration = Duration::from_secs(300);
/// Where the server does not say when people may be asked again.
const ASK_LATER: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_an_issuer_says_so_much_is_told() {
        assert_eq!(shown("a\n\u{1b}b"), "ab");
        for (length, told) in [(MAX_SAID, MAX_SAID), (MAX_SAID + 1, MAX_SAID)] {
            assert_eq!(shown(&"é".repeat(length)), "é".repeat(told), "{length}");
        }
    }
}
