//! Introspection of each token at the issuer (RFC 7662), so that a stop takes effect here within a second. Without a response, or with
//! one about another token, the request is rejected.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request};
use url::form_urlencoded;
use writ_platform::{Clock, Transport};
use writ_wire::introspection::IntrospectionResponse;
use writ_wire::time::Timestamp;

use crate::config::ClientSecret;
use crate::fetch::{self, FetchError};
use crate::issuer::Published;
use crate::refused::Reason;

/// How long the issuer may take to answer.
pub const LIVE_TIMEOUT: Duration = Duration::from_secs(3);
/// Answers that are kept at once; beyond that the issuer is asked each time.
pub const MAX_LIVE_ANSWERS: usize = 10_000;

/// Credentials for the introspection endpoint, and its cached responses.
pub(crate) struct Introspection {
    credentials: HeaderValue,
    lifetime: Duration,
    pub(crate) timeout: Duration,
    pub(crate) limit: usize,
    answers: Mutex<HashMap<String, Answer>>,
}

#[derive(Clone, Copy)]
struct Answer {
    active: bool,
    /// When it was asked for, not when it came: a stop between the two is not in it.
    asked_at: Timestamp,
}

/// The token as it came, its hash, and which one it says that it is.
pub(crate) struct LiveQuestion<'a> {
    pub(crate) token: &'a str,
    pub(crate) hash: &'a str,
    pub(crate) id: &'a str,
    pub(crate) issuer: &'a str,
    pub(crate) subject: &'a str,
}

/// Where the issuer is asked.
pub(crate) fn endpoint(published: &Published) -> Result<&str, Reason> {
    let endpoint = published.introspection_endpoint.as_deref();
    endpoint.ok_or_else(|| unanswered("no endpoint"))
}

impl Introspection {
    pub(crate) fn new(client_id: &str, secret: &ClientSecret, lifetime: Duration) -> Self {
        Self {
            credentials: basic(client_id, secret.reveal()),
            lifetime,
            timeout: LIVE_TIMEOUT,
            limit: MAX_LIVE_ANSWERS,
            answers: Mutex::default(),
        }
    }

    pub(crate) async fn check(
        &self,
        asked: &LiveQuestion<'_>,
        endpoint: &str,
        transport: &Arc<dyn Transport>,
        clock: &Clock,
    ) -> Result<(), Reason> {
        let now = clock.now();
        let active = match self.known(asked.hash, now) {
            Some(active) => active,
            None => {
                let active = self.ask(asked, endpoint, transport).await?;
                self.keep(asked.hash, active, now);
                active
            }
        };
        active.then_some(()).ok_or(Reason::Inactive)
    }

    async fn ask(
        &self,
        asked: &LiveQuestion<'_>,
        endpoint: &str,
        transport: &Arc<dyn Transport>,
    ) -> Result<bool, Reason> {
        let request = self.request(asked.token, endpoint).map_err(unanswered)?;
        let body = fetch::send(transport, request, self.timeout).await;
        let answer: IntrospectionResponse =
            fetch::read(&body.map_err(unanswered)?).map_err(unanswered)?;
        if !answer.active {
            return Ok(false);
        }
        let same = answer.token.is_some_and(|token| {
            token.jti == asked.id && token.iss == asked.issuer && token.sub == asked.subject
        });
        same.then_some(true)
            .ok_or_else(|| unanswered("the answer is about another token"))
    }

    fn request(&self, token: &str, endpoint: &str) -> Result<Request<Bytes>, FetchError> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("token", token)
            .append_pair("token_type_hint", "access_token")
            .finish();
        Request::post(endpoint)
            .header(AUTHORIZATION, self.credentials.clone())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.into())
            .map_err(|e| FetchError::Request(e.to_string()))
    }

    fn known(&self, hash: &str, now: Timestamp) -> Option<bool> {
        let answer = self.answers().get(hash).copied()?;
        self.is_fresh(&answer, now).then_some(answer.active)
    }

    fn keep(&self, hash: &str, active: bool, asked_at: Timestamp) {
        if self.lifetime.is_zero() {
            return;
        }
        let mut answers = self.answers();
        if answers.len() >= self.limit {
            answers.retain(|_, answer| self.is_fresh(answer, asked_at));
        }
        if answers.len() < self.limit {
            answers.insert(hash.to_owned(), Answer { active, asked_at });
        }
    }

    fn is_fresh(&self, answer: &Answer, now: Timestamp) -> bool {
        answer.asked_at <= now && answer.asked_at.until(now) < self.lifetime
    }

    /// A poisoned mutex is used all the same: each change is one insert or one removal.
    fn answers(&self) -> MutexGuard<'_, HashMap<String, Answer>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.answers().len()
    }
}

fn unanswered(cause: impl std::fmt::Display) -> Reason {
    Reason::unavailable("the issuer cannot be asked about this token", cause)
}

/// `client_secret_basic`: both parts are form-encoded first (RFC 6749 section 2.3.1).
pub(crate) fn basic(client_id: &str, secret: &str) -> HeaderValue {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(client_id), encode(secret));
    let text = format!("Basic {}", STANDARD.encode(pair));
    let mut value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("Basic"));
    value.set_sensitive(true);
    value
}
