//! Stop, suspend, disable, end: what only takes away, and can be done at once.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::json;
use writ_core::event::{Event, EventName};
use writ_core::id::{ClientId, TaskId, UserId};
use writ_store::DatabaseTransaction;
use writ_store::proposal::StoredProposal;

use super::super::operation::Containment;
use super::super::problem::{ApiFailure, ProblemKind};
use super::{Changing, Done, read};
use crate::operate::change::{ChangeContext, ChangedBy};
use crate::operate::containment::{end_sessions, forget_consents, stop_for_all};
use crate::operate::disable::{UserSwitch, switch_user};
use crate::operate::stop::{stop_agent, stop_task};
use crate::operate::suspend::suspend_agent;

/// The body of a stop of an agent.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StopRequest {
    /// The id of the person for whom it stops; absent, and not `null`: for all.
    #[serde(default, deserialize_with = "there")]
    #[schemars(with = "String")]
    pub person: Option<String>,
}

/// A member that is there says something: `null`, which a program sends for what it forgot to set, does not mean everybody.
fn there<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    String::deserialize(value).map(Some)
}

/// The body where consents are forgotten.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgetRequest {
    pub client_id: String,
}

/// A body that says nothing.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NothingToSay {}

/// That something was proposed, for the record.
pub(super) fn proposed(changing: &Changing<'_>, proposal: &StoredProposal) -> Event {
    let at = proposal.proposed_at;
    let event = Event::new(changing.app.event_id(at), at, EventName::ChangeProposed);
    event.by(&changing.caller.client).with(json!({
        "proposal": proposal.id,
        "hash": proposal.hash,
        "kind": proposal.change.get("kind"),
        "id": proposal.change.get("id"),
    }))
}

impl Changing<'_> {
    const fn by(&self) -> ChangedBy<'_> {
        ChangedBy::Operator(&self.caller.operator)
    }

    fn context(&self) -> ChangeContext<'_> {
        self.app.change(self.by(), self.app.clock.now())
    }

    pub(super) async fn contain(
        &self,
        what: Containment,
        transaction: &mut DatabaseTransaction,
    ) -> Result<Done, ApiFailure> {
        match what {
            Containment::Task => self.stop_task(transaction).await,
            Containment::Client => self.stop_client(transaction).await,
            Containment::Suspend => self.suspend(transaction).await,
            Containment::Disable => self.disable(transaction).await,
            Containment::EndSessions => self.end_sessions(transaction).await,
            Containment::ForgetConsents => self.forget(transaction).await,
        }
    }

    async fn stop_task(&self, transaction: &mut DatabaseTransaction) -> Result<Done, ApiFailure> {
        let NothingToSay {} = self.body()?;
        let id = TaskId::from_text(self.request.id.as_str());
        if transaction.task(&id).await?.is_none() {
            return Err(ApiFailure::not_found("task"));
        }
        let change = self.context();
        let at = change.now.rfc3339();
        match stop_task(&self.app.outbox(), transaction, &id, change).await? {
            Some(endings) => Ok(Done {
                endings,
                ..Done::with(json!({ "task": id, "stopped_at": at }))
            }),
            None => Err(conflict("the task is stopped already")),
        }
    }

    /// The id of a client of the kind that the path names: an agent is no client here, and no guest.
    async fn client(&self, transaction: &mut DatabaseTransaction) -> Result<ClientId, ApiFailure> {
        let id = ClientId::from_text(self.request.id.as_str());
        let path = self.head().path.as_str();
        let found = match path {
            _ if path.contains("/agents/") => transaction.listed_agent(&id).await?.is_some(),
            _ if path.contains("/guests/") => transaction.listed_guest(&id).await?.is_some(),
            _ => transaction.listed_house_client(&id).await?.is_some(),
        };
        match found {
            true => Ok(id),
            false => Err(ApiFailure::not_found("client")),
        }
    }

    async fn stop_client(&self, transaction: &mut DatabaseTransaction) -> Result<Done, ApiFailure> {
        let asked: StopRequest = self.body()?;
        let id = self.client(transaction).await?;
        let Some(person) = asked.person else {
            let contexts = (self.context(), self.context());
            let stopped = stop_for_all(transaction, &id, contexts.0, contexts.1).await?;
            self.app.metrics.stopped(stopped.tasks);
            return Ok(Done::with(json!({
                "client_id": id, "state": "suspended", "tasks": stopped.tasks,
            })));
        };
        let person = UserId::from_text(person);
        require_person(transaction, &person).await?;
        let stopped = stop_agent(self.app, transaction, &person, &id, self.by()).await?;
        let body = json!({
            "client_id": id, "person": person,
            "tasks": stopped.tasks, "delegations": stopped.delegations,
        });
        Ok(Done {
            endings: stopped.endings,
            ..Done::with(body)
        })
    }

    async fn suspend(&self, transaction: &mut DatabaseTransaction) -> Result<Done, ApiFailure> {
        let NothingToSay {} = self.body()?;
        let id = self.client(transaction).await?;
        match suspend_agent(transaction, &id, self.context()).await? {
            true => Ok(Done::with(json!({ "client_id": id, "state": "suspended" }))),
            false => Err(conflict("it is suspended already")),
        }
    }

    async fn disable(&self, transaction: &mut DatabaseTransaction) -> Result<Done, ApiFailure> {
        let NothingToSay {} = self.body()?;
        let person = UserId::from_text(self.request.id.as_str());
        require_person(transaction, &person).await?;
        let (id, to) = (person.as_str(), UserSwitch::Disable);
        match switch_user(transaction, id, to, self.context()).await? {
            Some(user) => Ok(Done::with(json!({ "id": user.id, "state": "disabled" }))),
            None => Err(conflict("the person is disabled already")),
        }
    }

    async fn end_sessions(
        &self,
        transaction: &mut DatabaseTransaction,
    ) -> Result<Done, ApiFailure> {
        let NothingToSay {} = self.body()?;
        let person = UserId::from_text(self.request.id.as_str());
        require_person(transaction, &person).await?;
        let ended = end_sessions(transaction, &person, self.context()).await?;
        Ok(Done::with(json!({ "id": person, "sessions": ended })))
    }

    async fn forget(&self, transaction: &mut DatabaseTransaction) -> Result<Done, ApiFailure> {
        let asked: ForgetRequest = read(self.request.incoming.body.json()?)?;
        let person = UserId::from_text(self.request.id.as_str());
        require_person(transaction, &person).await?;
        let client = ClientId::from_text(asked.client_id);
        let forgotten = forget_consents(transaction, &person, &client, self.context());
        match forgotten.await? {
            true => Ok(Done::with(json!({ "id": person, "client_id": client }))),
            false => Err(conflict(
                "nothing is remembered of this client for this person",
            )),
        }
    }
}

async fn require_person(
    transaction: &mut DatabaseTransaction,
    id: &UserId,
) -> Result<(), ApiFailure> {
    let found = transaction.user_by_id(id).await?;
    match found.filter(|stored| !stored.removed) {
        Some(_) => Ok(()),
        None => Err(ApiFailure::not_found("person")),
    }
}

fn conflict(sentence: &str) -> ApiFailure {
    ApiFailure::problem(ProblemKind::Conflict, sentence)
}
