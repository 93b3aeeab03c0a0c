//! Questions to people, open and over, without what their clients poll by.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use writ_core::id::ApprovalId;
use writ_core::pending::PendingRequest;
use writ_store::directory::ApprovalsOf;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::time::Timestamp;

use super::{DirectoryPage, PageRequest};

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ApprovalEntry {
    pub id: String,
    /// By which way it was asked.
    pub kind: String,
    pub state: String,
    pub client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// What is asked: scopes, objects and resources.
    pub asked: Value,
    /// Who decided, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decided: Vec<VoteEntry>,
    pub created_at: String,
    pub expires_at: String,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct VoteEntry {
    pub person: String,
    pub role: String,
    pub at: String,
    pub receipt: String,
}

pub async fn approvals(
    reading: &mut DatabaseTransaction,
    of: ApprovalsOf<'_>,
    page: PageRequest<'_>,
    now: Timestamp,
) -> Result<DirectoryPage<ApprovalEntry>, StoreError> {
    let found = reading.approvals_before(of, page.after, page.one_more());
    let found = found.await?;
    page.page(found, |one| one.id.to_string(), |one| Ok(view(&one, now)))
}

/// Undecided ones, those that end first at the beginning.
pub async fn open_approvals(
    reading: &mut DatabaseTransaction,
    page: PageRequest<'_>,
    now: Timestamp,
) -> Result<DirectoryPage<ApprovalEntry>, StoreError> {
    let after = page.after.and_then(open_cursor);
    let (from, id) = match &after {
        Some((from, id)) => (*from, Some(id)),
        None => (now, None),
    };
    let found = reading.open_approvals_after(from, id, page.one_more());
    let found = found.await?;
    let cursor = |one: &PendingRequest| format!("{}/{}", one.expires_at.micros(), one.id);
    page.page(found, cursor, |one| Ok(view(&one, now)))
}

fn open_cursor(text: &str) -> Option<(Timestamp, ApprovalId)> {
    let (micros, id) = text.split_once('/')?;
    let from = Timestamp::from_micros(micros.parse().ok()?);
    Some((from, ApprovalId::from_text(id)))
}

pub async fn approval(
    reading: &mut DatabaseTransaction,
    id: &ApprovalId,
    now: Timestamp,
) -> Result<Option<ApprovalEntry>, StoreError> {
    let found = reading.pending_by_id(id).await?;
    Ok(found.map(|one| view(&one, now)))
}

fn view(request: &PendingRequest, now: Timestamp) -> ApprovalEntry {
    let votes = request.decision().map(|decision| decision.by.as_slice());
    let votes = votes.unwrap_or_default().iter();
    ApprovalEntry {
        id: request.id.to_string(),
        kind: request.kind.as_str().to_owned(),
        state: request.state_at(now).as_str().to_owned(),
        client_id: request.client.to_string(),
        subject: request.subject.as_ref().map(ToString::to_string),
        task: request.task.as_ref().map(ToString::to_string),
        asked: json!(request.asked.authority),
        decided: votes
            .map(|vote| VoteEntry {
                person: vote.user.to_string(),
                role: vote.role.as_str().to_owned(),
                at: vote.at.rfc3339(),
                receipt: vote.receipt.to_string(),
            })
            .collect(),
        created_at: request.created_at.rfc3339(),
        expires_at: request.expires_at.rfc3339(),
    }
}
