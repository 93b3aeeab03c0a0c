//! The end of a grant by a program: its client revoked a token (RFC 7009), or a code or refresh token was used twice (RFC 6749
//! section 4.1.2, RFC 9700 section 4.14.2). The root ends with its task, so that its person finds no task that can do nothing. What is asked
//! with it, or below it, ends in the same transaction: its person finds no question that can permit nothing.

use serde_json::json;
use writ_core::client::Client;
use writ_core::event::{Event, EventName};
use writ_core::lineage::Lineage;
use writ_store::DatabaseTransaction;
use writ_wire::time::Timestamp;

use crate::approvals::close::{EndingPart, Endings, deny_within};
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::request::token_request::TokenRequestContext;

/// Who ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// The client that the token was issued to.
    Client,
    /// This server, because something was used twice.
    Server,
}

impl EndedBy {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

/// What was ended, and what was asked there: announce it after the commit.
#[must_use = "whoever waits for an answer hears of it after the commit"]
pub struct GrantEndings {
    pub ended: EndedGrant,
    pub asked: Endings,
}

/// What was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedGrant {
    /// It had ended before.
    Nothing,
    /// A part of a task, and everything below it.
    Delegation,
    /// The whole task.
    Task,
}

impl EndedGrant {
    /// The member of an event; absent for nothing.
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Delegation => Some("delegation"),
            Self::Task => Some("task"),
        }
    }
}

/// The leaf of a lineage, with everything below it, is to end.
pub struct GrantEnd<'a> {
    pub app: &'a App,
    pub client: &'a Client,
    pub lineage: &'a Lineage,
    pub by: EndedBy,
    pub because: &'static str,
    pub now: Timestamp,
}

impl GrantEnd<'_> {
    /// Writes the end and its event; both once, however often it is asked.
    pub async fn write(
        &self,
        transaction: &mut DatabaseTransaction,
    ) -> Result<GrantEndings, Failure> {
        let Lineage { task, leaf, .. } = self.lineage;
        let event_id = self.app.event_id(self.now);
        let ending = EndingPart {
            task,
            piece: (!self.lineage.is_grant()).then_some(&leaf.id),
            event: &event_id,
            at: self.now,
        };
        let asked = deny_within(&self.app.outbox(), transaction, ending).await?;
        let (ended, name) = if self.lineage.is_grant() {
            let stopped = transaction.stop_task(&task.id, self.now).await?;
            (stopped.then_some(EndedGrant::Task), EventName::TaskRevoked)
        } else {
            let stopped = transaction.stop_delegation(&leaf.id, self.now).await?;
            let ended = stopped.then_some(EndedGrant::Delegation);
            (ended, EventName::DelegationStopped)
        };
        let Some(ended) = ended else {
            let ended = EndedGrant::Nothing;
            return Ok(GrantEndings { ended, asked });
        };
        let event = Event::new(event_id, self.now, name)
            .by(self.client)
            .about(task)
            .under(leaf)
            .with(json!({ "by": self.by.as_str(), "because": self.because }));
        transaction.insert_event(&event).await?;
        Ok(GrantEndings { ended, asked })
    }
}

/// A code or refresh token was used a second time: the grant that it belongs to ends, in this transaction.
pub async fn end_by_server(
    context: &TokenRequestContext<'_>,
    transaction: &mut DatabaseTransaction,
    lineage: &Lineage,
    because: &'static str,
) -> Result<GrantEndings, Failure> {
    let end = GrantEnd {
        app: context.app,
        client: &context.caller.client,
        lineage,
        by: EndedBy::Server,
        because,
        now: context.now,
    };
    end.write(transaction).await
}
