//! The operator's webhook: a JWT that our key signed (RFC 7519, `typ` as RFC 8725 section 3.11 wants it), and a link.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use writ_core::id::UserId;
use writ_pages::messages::Passkey;
use writ_store::notice::Notice;
use writ_wire::time::Timestamp;

use super::announce::{over, waiting};
use super::outbox::Letter;
use super::outcome::Outcome;
use super::web_push::page_of;
use crate::node::app::App;
use crate::node::failure::Failure;

/// `typ` of the body.
pub const NOTICE_TYPE: &str = "writ-notice+jwt";
/// How long a receiver may believe one.
pub const LIFETIME: Duration = Duration::from_secs(300);

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    /// The same at each attempt.
    jti: &'a str,
    iat: i64,
    exp: i64,
    /// A name of the vocabulary of events.
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passkey: Option<Passkey>,
    /// Who may decide now, who said that it was not them, or whose passkey it is.
    people: Vec<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

pub(crate) async fn send(app: &App, notice: &Notice, letter: &Letter) -> Result<Outcome, Failure> {
    let now = app.clock.now();
    let Some(receiver) = &app.config.channels.webhook else {
        return Ok(Outcome::Never("there is no webhook".to_owned()));
    };
    let Some(claims) = claims(app, (notice, receiver), letter, now).await? else {
        return Ok(over());
    };
    let token = app.keys().await?.active.sign_jwt(NOTICE_TYPE, &claims)?;
    let jwt = HeaderValue::from_static("application/jwt");
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, jwt)]);
    let reply = app
        .notices
        .guard
        .post(receiver, headers, Bytes::from(token));
    Ok(Outcome::of(reply.await))
}

async fn claims<'a>(
    app: &'a App,
    (notice, receiver): (&'a Notice, &'a str),
    letter: &Letter,
    now: Timestamp,
) -> Result<Option<Claims<'a>>, Failure> {
    let mut claims = Claims {
        iss: app.config.issuer.as_str(),
        aud: receiver,
        jti: notice.id.as_str(),
        iat: now.seconds(),
        exp: now.plus(LIFETIME).seconds(),
        event: "approval.requested",
        client_id: None,
        passkey: None,
        approval: None,
        people: Vec::new(),
        url: None,
        expires_at: None,
    };
    match letter {
        Letter::Waiting { stage } => {
            let Some(request) = waiting(&mut app.read().await?, notice, now).await? else {
                return Ok(None);
            };
            let step = request.asked.stages.get(*stage);
            if *stage > 0 {
                claims.event = "approval.escalated";
            }
            claims.people = step.map(|step| step.of.clone()).unwrap_or_default();
            claims.client_id = Some(request.client.to_string());
            claims.url = Some(app.config.url(&page_of(&request.id)));
            claims.expires_at = Some(request.expires_at.rfc3339());
            claims.approval = Some(request.id.to_string());
        }
        Letter::Suspended { agent, by } => {
            claims.event = "agent.suspended";
            claims.client_id = Some(agent.to_string());
            claims.people = vec![by.clone()];
        }
        Letter::Passkey { what } => {
            claims.event = "user.changed";
            claims.passkey = Some(*what);
            claims.people = notice.user.iter().cloned().collect();
        }
        Letter::Over { .. } => return Ok(None),
    }
    Ok(Some(claims))
}
