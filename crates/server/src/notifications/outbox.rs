//! What leaves this server by itself: pings and pushes to clients (CIBA 10.2, 10.3), messages to people and to the admin.
//! A durable outbox: a notice is written in the transaction of the state that it tells of, sealed while it waits, and sent by
//! whichever node takes it first (LESSONS 28, 29).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use writ_core::id::{ApprovalId, ClientId, NoticeId, UserId};
use writ_core::mint::TOKEN_LIFETIME;
use writ_core::pending::{Delivery, PendingRequest, State};
use writ_outside::Random;
use writ_pages::messages::Passkey;
use writ_store::DatabaseTransaction;
use writ_store::notice::Notice;
use writ_wire::time::Timestamp;

use super::seal;
use crate::config::Config;
use crate::node::app::App;
use crate::node::failure::Failure;

/// How long the admin's notices are tried.
const ADMIN_PATIENCE: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// By which way a notice leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// To nobody: it becomes notices for the people of one step.
    Announce,
    Ping,
    Push,
    WebPush,
    Mail,
    Webhook,
}

impl Channel {
    pub const ALL: [Self; 6] = [
        Self::Announce,
        Self::Ping,
        Self::Push,
        Self::WebPush,
        Self::Mail,
        Self::Webhook,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Announce => "announce",
            Self::Ping => "ping",
            Self::Push => "push",
            Self::WebPush => "webpush",
            Self::Mail => "mail",
            Self::Webhook => "webhook",
        }
    }

    pub(crate) fn from_row(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|channel| channel.as_str() == text)
    }
}

/// What a notice says; sealed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub(crate) enum Letter {
    /// A request waits for the people of this step.
    Waiting { stage: usize },
    /// A request is over; with the very answer that its client is pushed, once there is one.
    Over { answer: Option<Value> },
    /// A person said that a request was not theirs.
    Suspended { agent: ClientId, by: UserId },
    /// A passkey of this person was added or removed.
    Passkey { what: Passkey },
}

/// What a notice is written with: a node's, or those of an operator's command.
#[derive(Clone, Copy)]
pub struct Post<'a> {
    pub config: &'a Config,
    pub random: &'a Random,
    pub now: Timestamp,
}

/// A notice before it has a name.
pub(crate) struct Draft<'a> {
    pub(crate) channel: Channel,
    pub(crate) request: Option<&'a ApprovalId>,
    pub(crate) user: Option<&'a UserId>,
    /// Where to, as far as anybody may read it.
    pub(crate) target: &'a str,
    pub(crate) letter: Letter,
    pub(crate) expires_at: Timestamp,
}

/// In the transaction of a new request: the people of its first step will be told.
pub async fn requested(
    app: &App,
    session: &mut DatabaseTransaction,
    request: &PendingRequest,
) -> Result<(), Failure> {
    tell_stage(app, session, request, request.stage).await
}

/// In the transaction of the decision: a client that wants to hear of it will.
pub async fn decided(
    app: &App,
    session: &mut DatabaseTransaction,
    request: &PendingRequest,
) -> Result<(), Failure> {
    ended(app, session, request).await
}

/// In the transaction that ends a request which nobody had decided. Who is pinged may poll, and knows when the time is over;
/// who is pushed would wait for ever (CIBA 12).
pub async fn ended(
    app: &App,
    session: &mut DatabaseTransaction,
    request: &PendingRequest,
) -> Result<(), Failure> {
    let (channel, expires_at) = match (request.asked.delivery, request.state()) {
        (Delivery::Poll, _) | (Delivery::Ping, State::Expired) => return Ok(()),
        (Delivery::Ping, _) => (Channel::Ping, request.expires_at),
        // A token that was made can be sent as long as it is good for something (LESSONS 29).
        (Delivery::Push, _) => {
            let end = request.expires_at.max(app.clock.now());
            (Channel::Push, end.plus(TOKEN_LIFETIME))
        }
    };
    let draft = Draft {
        channel,
        request: Some(&request.id),
        user: None,
        target: request.client.as_str(),
        letter: Letter::Over { answer: None },
        expires_at,
    };
    write(app, session, draft).await
}

/// In the transaction that suspends an agent because of "this was not me": the admin will be told.
pub async fn suspended(
    app: &App,
    session: &mut DatabaseTransaction,
    agent: &ClientId,
    by: &UserId,
) -> Result<(), Failure> {
    let channels = &app.config.channels;
    let mail = channels.admin.as_ref().map(|_| (Channel::Mail, ADMIN));
    let webhook = channels
        .webhook
        .as_ref()
        .map(|_| (Channel::Webhook, WEBHOOK));
    for (channel, target) in mail.into_iter().chain(webhook) {
        let draft = Draft {
            channel,
            request: None,
            user: None,
            target,
            letter: Letter::Suspended {
                agent: agent.clone(),
                by: by.clone(),
            },
            expires_at: app.clock.now().plus(ADMIN_PATIENCE),
        };
        write(app, session, draft).await?;
    }
    Ok(())
}

pub(crate) async fn tell_stage(
    app: &App,
    session: &mut DatabaseTransaction,
    request: &PendingRequest,
    stage: usize,
) -> Result<(), Failure> {
    let draft = Draft {
        channel: Channel::Announce,
        request: Some(&request.id),
        user: None,
        target: "people",
        letter: Letter::Waiting { stage },
        expires_at: request.expires_at,
    };
    write(app, session, draft).await
}

pub(crate) async fn write(
    app: &App,
    session: &mut DatabaseTransaction,
    draft: Draft<'_>,
) -> Result<(), Failure> {
    app.post().write(session, draft).await
}

impl App {
    pub fn post(&self) -> Post<'_> {
        Post {
            config: &self.config,
            random: &self.random,
            now: self.clock.now(),
        }
    }
}

impl Post<'_> {
    pub(crate) async fn write(
        &self,
        session: &mut DatabaseTransaction,
        draft: Draft<'_>,
    ) -> Result<(), Failure> {
        let id = NoticeId::make(self.now, self.random.bytes());
        let place = seal::of_notice(&id);
        let notice = Notice {
            kind: draft.channel.as_str().to_owned(),
            request: draft.request.cloned(),
            user: draft.user.cloned(),
            target: draft.target.to_owned(),
            sealed: seal::seal(&self.config.master, &place, &draft.letter)?,
            attempts: 0,
            created_at: self.now,
            expires_at: draft.expires_at,
            id,
        };
        Ok(session.insert_notice(&notice, self.now).await?)
    }
}

/// Targets that are no secret.
const ADMIN: &str = "admin";
pub(crate) const WEBHOOK: &str = "webhook";
