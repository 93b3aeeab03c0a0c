//! The transactional outbox of notifications: pings and pushes to clients (CIBA sections 10.2 and 10.3), messages to users and to
//! the admin. A notice is written in the transaction of the change that it tells of, so that neither is without the other; its
//! content is encrypted, and the node that leases it first sends it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use writ_core::id::{ApprovalId, ClientId, EventId, NoticeId, UserId};
use writ_core::mint::TOKEN_LIFETIME;
use writ_core::pending::{Delivery, PendingRequest, State};
use writ_pages::messages::{Passkey, Reach, Reporter};
use writ_platform::Random;
use writ_store::DatabaseTransaction;
use writ_store::notice::Notice;
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;

use super::link_mail::SentLink;
use super::reach_notice::{EarlierBrowser, EarlierReach};
use super::seal;
use crate::config::Config;
use crate::node::app::App;
use crate::node::failure::Failure;

/// How long notices to the admin are tried.
const ADMIN_NOTICE_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// How long a client is told of a stop.
const STOP_NOTICE_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// How a notice is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Not sent itself: it becomes notices for the approvers of one stage, or for a client whose requests were stopped.
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

/// The content of a notice; stored encrypted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub(crate) enum NoticeContent {
    /// A request waits for the approvers of this stage.
    Waiting { stage: usize },
    /// A request is over; with the answer that is pushed to its client, once that is made.
    Over { answer: Option<Value> },
    /// An agent was stopped because a user reported that its request was not theirs. The name is of versions that suspended it always.
    #[serde(rename = "suspended")]
    Reported {
        agent: ClientId,
        by: UserId,
        #[serde(default)]
        stopped_for: StoppedFor,
        #[serde(default)]
        reporter: Reporter,
    },
    /// A passkey of the user was added or removed, or a code for the first one made.
    Passkey { what: Passkey },
    /// The user has a new password.
    Password,
    /// An account at a provider signs in as the user from now on.
    UpstreamLinked,
    /// An operator lets the user set another password.
    ResetBegun,
    /// The user set another one by a link. To a browser that is told of nothing else from then on: as it was reached.
    Recovered {
        #[serde(default)]
        before: Option<EarlierBrowser>,
    },
    /// A link for this address; its secret.
    Link(SentLink),
    /// A link was mailed to the user who forgot their password; what it is stored by.
    ResetAsked { link: String },
    /// Somebody said that they forgot the password of this name. Whether there is one is found out where nobody waits for it.
    Forgotten { name: String },
    /// How the user is told was changed. Told as it was until then, or, without `before`, as it is now.
    Reach {
        what: Reach,
        before: Option<EarlierReach>,
    },
    /// A stop denied what was asked of this person.
    Stopped(StopNotice),
    /// What was approved for this client through this resource was not done in time.
    NotDone {
        client: ClientId,
        resource: ResourceUri,
    },
    /// A user reported a question that this resource server asked about a call of this client: it may ask them nothing for a while.
    Silenced {
        resource: ResourceUri,
        client: ClientId,
        by: UserId,
        #[serde(default)]
        reporter: Reporter,
    },
    /// A task of the user ended because a refresh token of this client was used twice.
    UsedTwice { client: ClientId },
}

/// For whom an agent was stopped by a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoppedFor {
    #[default]
    Everybody,
    /// The user about whom it asked.
    Person,
}

/// Of which requests clients are told after a stop: those that ended by it, after the last one of which they were told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StopNotice {
    pub(crate) subject: UserId,
    /// Whose work ended.
    pub(crate) client: ClientId,
    /// What the ids of the events of these requests begin with, whoever asked; absent where a version wrote it that told that client alone.
    #[serde(default)]
    pub(crate) event: Option<EventId>,
    /// In microseconds.
    pub(crate) at: i64,
    pub(crate) after: Option<(i64, ApprovalId)>,
}

/// A client that is stopped for a person.
#[derive(Clone, Copy)]
pub struct StoppedPair<'a> {
    pub subject: &'a UserId,
    pub client: &'a ClientId,
}

/// What writing a notice needs; of a node, or of an operator's command.
#[derive(Clone, Copy)]
pub struct OutboxContext<'a> {
    pub config: &'a Config,
    pub random: &'a Random,
    pub now: Timestamp,
}

/// A notice to write; its id is made when it is written.
pub(crate) struct NoticeDraft<'a> {
    pub(crate) channel: Channel,
    pub(crate) request: Option<&'a ApprovalId>,
    pub(crate) user: Option<&'a UserId>,
    /// The receiver, as it is stored in plain text: never an address or a secret.
    pub(crate) target: &'a str,
    pub(crate) content: NoticeContent,
    pub(crate) expires_at: Timestamp,
}

/// Notifies the approvers of a new request, in the transaction that creates it.
pub async fn request_created(
    app: &App,
    transaction: &mut DatabaseTransaction,
    request: &PendingRequest,
) -> Result<(), Failure> {
    stage_reached(app, transaction, request, request.stage).await
}

/// Notifies the client of a decision by ping or push, in the transaction of the decision.
pub async fn request_decided(
    app: &App,
    transaction: &mut DatabaseTransaction,
    request: &PendingRequest,
) -> Result<(), Failure> {
    request_ended(app, transaction, request).await
}

/// Notifies the client of the end of a request, in the transaction that ends it. An expiry is not pinged, because a client in ping
/// mode may poll and knows when its request expires; a client in push mode would wait for ever (CIBA section 12).
pub async fn request_ended(
    app: &App,
    transaction: &mut DatabaseTransaction,
    request: &PendingRequest,
) -> Result<(), Failure> {
    let (channel, expires_at) = match (request.asked.delivery, request.state()) {
        (Delivery::Poll, _) | (Delivery::Ping, State::Expired | State::Cancelled) => return Ok(()),
        (Delivery::Ping, _) => (Channel::Ping, request.expires_at),
        // A token that was made is sent as long as it is valid.
        (Delivery::Push, _) => {
            let end = request.expires_at.max(app.mended_time());
            (Channel::Push, end.plus(TOKEN_LIFETIME))
        }
    };
    let draft = NoticeDraft {
        channel,
        request: Some(&request.id),
        user: None,
        target: request.client.as_str(),
        content: NoticeContent::Over { answer: None },
        expires_at,
    };
    app.outbox().enqueue(transaction, draft).await
}

/// Notifies clients of all requests that a stop ended, in the transaction of the stop: by one notice, which becomes those of single
/// requests later. The ids of their events begin with `event`.
pub(crate) async fn requests_stopped(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    pair: StoppedPair<'_>,
    event: &EventId,
    now: Timestamp,
) -> Result<(), Failure> {
    let notice = StopNotice {
        subject: pair.subject.clone(),
        client: pair.client.clone(),
        event: Some(event.clone()),
        at: now.micros(),
        after: None,
    };
    stop_notice(outbox, transaction, notice).await
}

pub(super) async fn stop_notice(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    notice: StopNotice,
) -> Result<(), Failure> {
    let target = notice.client.to_string();
    let draft = NoticeDraft {
        channel: Channel::Announce,
        request: None,
        user: None,
        target: &target,
        content: NoticeContent::Stopped(notice),
        expires_at: outbox.now.plus(STOP_NOTICE_LIFETIME),
    };
    outbox.enqueue(transaction, draft).await
}

/// A client, and who said "This was not me" about what it asked.
#[derive(Clone, Copy)]
pub struct NotMeReport<'a> {
    pub client: &'a ClientId,
    pub by: &'a UserId,
    pub reporter: Reporter,
}

/// Notifies the admin that a user reported an agent, in the transaction that stops it.
pub async fn agent_reported(
    app: &App,
    transaction: &mut DatabaseTransaction,
    report: NotMeReport<'_>,
) -> Result<(), Failure> {
    let content = NoticeContent::Reported {
        agent: report.client.clone(),
        by: report.by.clone(),
        stopped_for: StoppedFor::Person,
        reporter: report.reporter,
    };
    to_admin(app, transaction, &content).await
}

/// The same of a question that a resource server asked, in the transaction that silences it.
pub async fn resource_reported(
    app: &App,
    transaction: &mut DatabaseTransaction,
    resource: &ResourceUri,
    report: NotMeReport<'_>,
) -> Result<(), Failure> {
    let content = NoticeContent::Silenced {
        resource: resource.clone(),
        client: report.client.clone(),
        by: report.by.clone(),
        reporter: report.reporter,
    };
    to_admin(app, transaction, &content).await
}

async fn to_admin(
    app: &App,
    transaction: &mut DatabaseTransaction,
    content: &NoticeContent,
) -> Result<(), Failure> {
    let channels = &app.config.channels;
    let mail = channels.admin.as_ref().map(|_| (Channel::Mail, ADMIN));
    let webhook = channels
        .webhook
        .as_ref()
        .map(|_| (Channel::Webhook, WEBHOOK));
    for (channel, target) in mail.into_iter().chain(webhook) {
        let draft = NoticeDraft {
            channel,
            request: None,
            user: None,
            target,
            content: content.clone(),
            expires_at: app.mended_time().plus(ADMIN_NOTICE_LIFETIME),
        };
        app.outbox().enqueue(transaction, draft).await?;
    }
    Ok(())
}

/// Notifies the approvers of a stage, in the transaction in which it becomes the request's current one.
pub(crate) async fn stage_reached(
    app: &App,
    transaction: &mut DatabaseTransaction,
    request: &PendingRequest,
    stage: usize,
) -> Result<(), Failure> {
    let draft = NoticeDraft {
        channel: Channel::Announce,
        request: Some(&request.id),
        user: None,
        target: "people",
        content: NoticeContent::Waiting { stage },
        expires_at: request.expires_at,
    };
    app.outbox().enqueue(transaction, draft).await
}

impl App {
    pub fn outbox(&self) -> OutboxContext<'_> {
        OutboxContext {
            config: &self.config,
            random: &self.random,
            now: self.mended_time(),
        }
    }
}

impl OutboxContext<'_> {
    /// Writes a notice in this transaction.
    pub(crate) async fn enqueue(
        &self,
        transaction: &mut DatabaseTransaction,
        draft: NoticeDraft<'_>,
    ) -> Result<(), Failure> {
        let id = NoticeId::make(self.now, self.random.bytes());
        let associated_data = seal::of_notice(&id);
        let notice = Notice {
            kind: draft.channel.as_str().to_owned(),
            request: draft.request.cloned(),
            user: draft.user.cloned(),
            target: draft.target.to_owned(),
            sealed: seal::seal(&self.config.master, &associated_data, &draft.content)?,
            attempts: 0,
            created_at: self.now,
            expires_at: draft.expires_at,
            id,
        };
        Ok(transaction.insert_notice(&notice, self.now).await?)
    }
}

/// Targets of notices that have no user or client.
const ADMIN: &str = "admin";
pub(crate) const WEBHOOK: &str = "webhook";
