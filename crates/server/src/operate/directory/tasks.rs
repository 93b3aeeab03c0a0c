//! Tasks, each as a tree: what was delegated, to whom, from what.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use writ_core::id::{DelegationId, TaskId};
use writ_store::directory::ListedDelegation;
use writ_store::task::{StoredTask, TasksInOrder};
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::time::Timestamp;

use super::{DirectoryPage, PageRequest, rfc3339};

/// The most delegations of a task's tree: of one with more the list of its delegations has all.
pub const MAX_TREE: u32 = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    Active,
    Suspended,
    Stopped,
    Expired,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TaskEntry {
    pub id: String,
    pub state: TaskState,
    /// Whose it is: a person, or the client itself.
    pub subject: String,
    pub client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// What it may do at most: scopes, objects and resources.
    pub authority: Value,
    /// By which decision it was opened.
    pub approval: String,
    pub created_at: String,
    pub expires_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<String>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DelegationEntry {
    pub id: String,
    pub task: String,
    /// The delegation from which it was made, or that asked for it; absent for the grant itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub above: Option<String>,
    pub holder: String,
    pub requested_by: String,
    pub authority: Value,
    pub live: bool,
    pub created_at: String,
    pub expires_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<String>,
}

/// A delegation with what was made from it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DelegationTree {
    #[serde(flatten)]
    pub delegation: DelegationEntry,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub below: Vec<DelegationTree>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TaskTree {
    #[serde(flatten)]
    pub task: TaskEntry,
    pub delegations: Vec<DelegationTree>,
    /// Whether there are more delegations than stand here.
    pub truncated: bool,
}

pub async fn tasks(
    reading: &mut DatabaseTransaction,
    which: TasksInOrder<'_>,
    page: PageRequest<'_>,
    now: Timestamp,
) -> Result<DirectoryPage<TaskEntry>, StoreError> {
    let found = reading.tasks_before(which, page.after, page.one_more());
    let found = found.await?;
    page.page(
        found,
        |one| one.task.id.to_string(),
        |one| Ok(task_view(&one, now)),
    )
}

pub async fn task(
    reading: &mut DatabaseTransaction,
    id: &TaskId,
    now: Timestamp,
) -> Result<Option<TaskTree>, StoreError> {
    let Some(stored) = reading.task(id).await? else {
        return Ok(None);
    };
    let mut found = reading.delegations_of_task(id, "", MAX_TREE + 1).await?;
    let most = usize::try_from(MAX_TREE).unwrap_or(usize::MAX);
    let truncated = found.len() > most;
    found.truncate(most);
    Ok(Some(TaskTree {
        task: task_view(&stored, now),
        delegations: trees(&found, now),
        truncated,
    }))
}

pub async fn delegations(
    reading: &mut DatabaseTransaction,
    task: &TaskId,
    page: PageRequest<'_>,
    now: Timestamp,
) -> Result<DirectoryPage<DelegationEntry>, StoreError> {
    let found = reading.delegations_of_task(task, page.beginning(), page.one_more());
    let found = found.await?;
    page.page(
        found,
        |one| one.delegation.id.to_string(),
        |one| Ok(delegation_view(&one, now)),
    )
}

pub async fn delegation(
    reading: &mut DatabaseTransaction,
    id: &DelegationId,
    now: Timestamp,
) -> Result<Option<DelegationEntry>, StoreError> {
    let found = reading.listed_delegation(id).await?;
    Ok(found.map(|one| delegation_view(&one, now)))
}

fn task_view(stored: &StoredTask, now: Timestamp) -> TaskEntry {
    let task = &stored.task;
    let state = match (stored.stopped_at, stored.suspended_at) {
        (Some(_), _) => TaskState::Stopped,
        _ if now >= task.expires_at => TaskState::Expired,
        (None, Some(_)) => TaskState::Suspended,
        (None, None) => TaskState::Active,
    };
    TaskEntry {
        id: task.id.to_string(),
        state,
        subject: task.subject.as_str().to_owned(),
        client_id: task.client.to_string(),
        purpose: task.purpose.clone(),
        authority: json!(task.authority),
        approval: task.approval.id.to_string(),
        created_at: task.created_at.rfc3339(),
        expires_at: task.expires_at.rfc3339(),
        stopped_at: rfc3339(stored.stopped_at),
    }
}

fn delegation_view(listed: &ListedDelegation, now: Timestamp) -> DelegationEntry {
    let row = &listed.delegation;
    DelegationEntry {
        id: row.id.to_string(),
        task: row.task.to_string(),
        above: above(listed).map(ToString::to_string),
        holder: row.holder.to_string(),
        requested_by: row.requested_by.to_string(),
        authority: json!(row.authority),
        live: listed.stopped_at.is_none() && now < row.expires_at,
        created_at: row.created_at.rfc3339(),
        expires_at: row.expires_at.rfc3339(),
        stopped_at: rfc3339(listed.stopped_at),
    }
}

fn above(listed: &ListedDelegation) -> Option<&DelegationId> {
    let row = &listed.delegation;
    row.parent.as_ref().or(row.asked_by.as_ref())
}

/// Those below come later in the list than what they were made from, for ids are in the order in which they were made.
fn trees(found: &[ListedDelegation], now: Timestamp) -> Vec<DelegationTree> {
    let mut below: BTreeMap<&str, Vec<DelegationTree>> = BTreeMap::new();
    let known: std::collections::BTreeSet<&str> =
        found.iter().map(|one| one.delegation.id.as_str()).collect();
    let mut roots = Vec::new();
    for listed in found.iter().rev() {
        let id = listed.delegation.id.as_str();
        let mut tree = DelegationTree {
            delegation: delegation_view(listed, now),
            below: below.remove(id).unwrap_or_default(),
        };
        tree.below.reverse();
        match above(listed)
            .map(DelegationId::as_str)
            .filter(|id| known.contains(id))
        {
            Some(parent) => below.entry(parent).or_default().push(tree),
            None => roots.push(tree),
        }
    }
    // What the clocks of two nodes put before its parent stands beside it, not nowhere.
    roots.extend(below.into_values().flatten());
    roots.reverse();
    roots
}
