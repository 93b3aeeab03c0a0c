//! The operator's webhook: a signed JWT (RFC 7519, with explicit typing as RFC 8725 section 3.11 recommends) that holds a link.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use writ_core::id::UserId;
use writ_core::pending::PendingRequest;
use writ_pages::messages::{Passkey, Reach};
use writ_store::notice::Notice;
use writ_wire::time::Timestamp;

use super::fan_out::{open_request, request_over};
use super::outbox::{NoticeContent, StoppedFor};
use super::outcome::{DeliveryOutcome, NotSent};
use super::web_push::page_of;
use crate::node::app::App;
use crate::node::failure::Failure;

/// `typ` of the body.
pub const NOTICE_TYPE: &str = "writ-notice+jwt";
/// Lifetime of the JWT.
pub const LIFETIME: Duration = Duration::from_secs(300);

#[derive(Serialize)]
struct WebhookClaims<'a> {
    iss: &'a str,
    aud: &'a str,
    /// The same at each attempt.
    jti: &'a str,
    iat: i64,
    exp: i64,
    /// The name of an audit event.
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<String>,
    /// The resource server that asked about one action.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passkey: Option<Passkey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    setting: Option<&'static str>,
    /// Of a browser that is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    push: Option<&'static str>,
    /// The approvers of the stage, the user who reported the agent, or the user of the passkey, the password or the task.
    people: Vec<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

pub(crate) async fn send(
    app: &App,
    notice: &Notice,
    content: &NoticeContent,
) -> Result<DeliveryOutcome, NotSent> {
    let now = app.clock.now();
    let Some(receiver) = &app.config.channels.webhook else {
        return Ok(DeliveryOutcome::Failed("there is no webhook".to_owned()));
    };
    let claims = claims(app, notice, receiver, content, now).await?;
    let token = app.keys().await?.active.sign_jwt(NOTICE_TYPE, &claims);
    let token = token.map_err(Failure::from)?;
    let jwt = HeaderValue::from_static("application/jwt");
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, jwt)]);
    let reply = app
        .notices
        .guard
        .post(receiver, headers, Bytes::from(token));
    Ok(DeliveryOutcome::of(reply.await))
}

impl<'a> WebhookClaims<'a> {
    /// The notice is of this user.
    fn of_user(&mut self, notice: &Notice) {
        self.people = notice.user.iter().cloned().collect();
    }

    fn of_request(&mut self, request: &PendingRequest) {
        self.client_id = Some(request.client.to_string());
        self.expires_at = Some(request.expires_at.rfc3339());
        self.approval = Some(request.id.to_string());
    }

    /// What of a person changed.
    fn name_change(&mut self, content: &NoticeContent, notice: &Notice) {
        self.event = "user.changed";
        self.of_user(notice);
        match content {
            NoticeContent::Recovered { .. } => self.event = "user.recovered",
            NoticeContent::Passkey { what } => self.passkey = Some(*what),
            NoticeContent::Password => self.setting = Some("password"),
            NoticeContent::UpstreamLinked => self.setting = Some("upstream"),
            NoticeContent::ResetBegun => self.setting = Some("reset"),
            NoticeContent::Reach { what, .. } => match what {
                Reach::Email => self.setting = Some("email"),
                Reach::EmailAsked => self.setting = Some("email_asked"),
                Reach::QuietHours => self.setting = Some("quiet_hours"),
                Reach::BrowserAdded => self.push = Some("added"),
                Reach::BrowserRemoved => self.push = Some("removed"),
            },
            NoticeContent::Waiting { .. }
            | NoticeContent::Reported { .. }
            | NoticeContent::UsedTwice { .. }
            | NoticeContent::NotDone { .. }
            | NoticeContent::Silenced { .. }
            | NoticeContent::Over { .. }
            | NoticeContent::Link(_)
            | NoticeContent::ResetAsked { .. }
            | NoticeContent::Forgotten { .. }
            | NoticeContent::Stopped(_) => {}
        }
    }

    /// Without what the notice tells.
    fn of(iss: &'a str, aud: &'a str, notice: &'a Notice, now: Timestamp) -> Self {
        Self {
            iss,
            aud,
            jti: notice.id.as_str(),
            iat: now.seconds(),
            exp: now.plus(LIFETIME).seconds(),
            event: "approval.requested",
            client_id: None,
            resource: None,
            passkey: None,
            setting: None,
            push: None,
            approval: None,
            people: Vec::new(),
            url: None,
            expires_at: None,
        }
    }
}

const fn event_of(stopped_for: StoppedFor) -> &'static str {
    match stopped_for {
        StoppedFor::Everybody => "agent.suspended",
        StoppedFor::Person => "agent.reported",
    }
}

async fn claims<'a>(
    app: &'a App,
    notice: &'a Notice,
    receiver: &'a str,
    content: &NoticeContent,
    now: Timestamp,
) -> Result<WebhookClaims<'a>, NotSent> {
    let mut claims = WebhookClaims::of(app.config.issuer.as_str(), receiver, notice, now);
    match content {
        NoticeContent::Waiting { stage } => {
            let request = open_request(&mut app.read().await?, notice, now).await?;
            if *stage > 0 {
                claims.event = "approval.escalated";
            }
            let current = request.asked.stages.get(*stage);
            claims.people = current.map_or_else(Vec::new, |current| current.of.clone());
            claims.url = Some(app.config.url(&page_of(&request.id)));
            claims.of_request(&request);
        }
        NoticeContent::Reported {
            agent,
            by,
            stopped_for,
            ..
        } => {
            claims.event = event_of(*stopped_for);
            claims.client_id = Some(agent.to_string());
            claims.people = vec![by.clone()];
        }
        NoticeContent::Passkey { .. }
        | NoticeContent::Password
        | NoticeContent::UpstreamLinked
        | NoticeContent::ResetBegun
        | NoticeContent::Recovered { .. }
        | NoticeContent::Reach { .. } => claims.name_change(content, notice),
        NoticeContent::UsedTwice { client } => {
            claims.event = "task.revoked";
            claims.client_id = Some(client.to_string());
            claims.of_user(notice);
        }
        NoticeContent::NotDone { client, resource } => {
            claims.event = "approval.expired";
            claims.client_id = Some(client.to_string());
            claims.resource = Some(resource.to_string());
            claims.approval = notice.request.as_ref().map(ToString::to_string);
        }
        NoticeContent::Silenced {
            resource,
            client,
            by,
            ..
        } => {
            claims.event = "resource.reported";
            claims.client_id = Some(client.to_string());
            claims.resource = Some(resource.to_string());
            claims.people = vec![by.clone()];
        }
        NoticeContent::Over { .. }
        | NoticeContent::Link(_)
        | NoticeContent::ResetAsked { .. }
        | NoticeContent::Forgotten { .. }
        | NoticeContent::Stopped(_) => Err(request_over())?,
    }
    Ok(claims)
}
