//! Suspending and resuming an agent. From the commit of a suspension on, no token, task or request of the agent is live on any
//! node, until an operator resumes it.

use serde_json::{Value, json};
use writ_core::approval::Denial;
use writ_core::client::Client;
use writ_core::event::{Event, EventName};
use writ_core::guest::KeptDocument;
use writ_core::id::{ApprovalId, ClientId, UserId};
use writ_core::pause::PausedBecause;
use writ_store::standing::{Pair, PausedClient};
use writ_store::task::StoredTask;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::resource::ResourceUri;

use super::change::ChangeContext;

const NOT_ME: &str = Denial::NotMe.as_str();

/// `false` if there is no such agent, or it is suspended already.
pub async fn suspend_agent(
    transaction: &mut DatabaseTransaction,
    client: &ClientId,
    change: ChangeContext<'_>,
) -> Result<bool, StoreError> {
    if !transaction.stop_client(client, change.now).await? {
        return Ok(false);
    }
    let mut event = change.event(EventName::AgentSuspended, json!({}));
    event.client = Some(client.to_string());
    transaction.insert_event(&event).await?;
    Ok(true)
}

/// Of which client somebody said "This was not me".
#[derive(Clone, Copy)]
pub struct ReportedClient<'a> {
    pub client: &'a ClientId,
    pub reporter: &'a UserId,
    /// The person for whom the reporter decided, if it is another: nothing was stopped for them.
    pub decided_for: Option<&'a UserId>,
}

/// A resource server, of whose question somebody said it.
pub struct ReportedResource<'a> {
    pub resource: &'a ResourceUri,
    /// How many other questions and unused approvals ended with it; absent where nothing was to end.
    pub ended: Option<u64>,
    pub change: ChangeContext<'a>,
}

impl ReportedClient<'_> {
    fn event(self, name: EventName, change: ChangeContext<'_>) -> Event {
        let data = self.decided_for.map(|person| json!({ "for": person }));
        let mut event = change.event(name, data.unwrap_or_else(|| json!({})));
        event.client = Some(self.client.to_string());
        event.subject = Some(self.reporter.to_string());
        event.reason = Some(NOT_ME.to_owned());
        event
    }
}

/// On record alone: what else follows a report, whoever was asked decides (`people/approval/stopping.rs`).
pub async fn report_agent(
    transaction: &mut DatabaseTransaction,
    reported: ReportedClient<'_>,
    change: ChangeContext<'_>,
) -> Result<(), StoreError> {
    let event = reported.event(EventName::AgentReported, change);
    transaction.insert_event(&event).await
}

/// The agent begins nothing for this person until they lift it. In the transaction that stops what it does for them.
pub async fn pause_agent(
    transaction: &mut DatabaseTransaction,
    pair: Pair<'_>,
    request: &ApprovalId,
    because: PausedBecause,
    change: ChangeContext<'_>,
) -> Result<(), StoreError> {
    if transaction
        .pause_client(pair, request, because, change.now)
        .await?
    {
        let facts = json!({ "because": because.as_str() });
        let event = change.event(EventName::AgentPaused, facts);
        transaction.insert_event(&of_pair(event, pair)).await?;
    }
    Ok(())
}

/// `false`: it is not paused any more. The event says what they proved themselves by.
pub async fn lift_pause(
    transaction: &mut DatabaseTransaction,
    subject: &UserId,
    paused: &PausedClient,
    proof: Value,
    change: ChangeContext<'_>,
) -> Result<bool, StoreError> {
    if !transaction.lift_pause(subject, paused).await? {
        return Ok(false);
    }
    let client = &paused.client;
    let event = change.event(EventName::AgentUnpaused, json!({ "proof": proof }));
    let event = of_pair(event, Pair { subject, client });
    transaction.insert_event(&event).await?;
    Ok(true)
}

fn of_pair(event: Event, pair: Pair<'_>) -> Event {
    let mut event = event.of_subject(pair.subject.as_str());
    event.client = Some(pair.client.to_string());
    event
}

/// The same of a question that a resource server asked for this client.
pub async fn report_resource_of(
    transaction: &mut DatabaseTransaction,
    reported: ReportedResource<'_>,
    client: ReportedClient<'_>,
) -> Result<(), StoreError> {
    let event = client.event(EventName::ResourceReported, reported.change);
    let mut event = event.at_resource(reported.resource.as_str());
    if let (Some(ended), Value::Object(data)) = (reported.ended, &mut event.data) {
        data.insert("ended".to_owned(), json!(ended));
    }
    transaction.insert_event(&event).await
}

/// `false` if there is no such agent, or it is not suspended.
pub async fn resume_agent(
    transaction: &mut DatabaseTransaction,
    client: &ClientId,
    change: ChangeContext<'_>,
) -> Result<bool, StoreError> {
    if !transaction.resume_client(client).await? {
        return Ok(false);
    }
    let mut event = change.event(EventName::AgentResumed, json!({}));
    event.client = Some(client.to_string());
    transaction.insert_event(&event).await?;
    Ok(true)
}

/// A task goes on that was suspended for its person; a guest's with the client's metadata document as it is now. `false` if it is not
/// suspended any more, or is another person's.
pub async fn resume_task(
    transaction: &mut DatabaseTransaction,
    stored: &StoredTask,
    client: &Client,
    change: ChangeContext<'_>,
) -> Result<bool, StoreError> {
    let (task, person) = (&stored.task, stored.task.subject.as_str());
    let Some(suspended_at) = stored.suspended_at else {
        return Ok(false);
    };
    if !transaction
        .resume_task_of(&task.id, person, suspended_at)
        .await?
    {
        return Ok(false);
    }
    let data = match client.is_guest() {
        true => {
            let document = KeptDocument::of(client);
            transaction.replace_guest_grant(&task.id, &document).await?;
            json!({ "profile": "guest", "document": document })
        }
        false => json!({}),
    };
    let event = change.event(EventName::TaskResumed, data);
    transaction
        .insert_event(&event.by(client).about(task))
        .await?;
    Ok(true)
}
