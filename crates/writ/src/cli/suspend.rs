//! `suspend` and `resume` under `writ agent` and `writ client`: of agents, of plain clients and of guests alike.

use serde_json::json;
use writ_core::id::ClientId;
use writ_server::operate::elsewhere::{Wish, tip};
use writ_server::operate::suspend::{resume_agent, suspend_agent};
use writ_wire::client_document::ClientIdUrl;

use super::desk::{Desk, commit_change};
use super::{Outcome, say_json};

pub async fn suspend(desk: &Desk, id: &str) -> Outcome {
    let why_not = why_not(desk, id, Wish::Stop, "is suspended already").await?;
    let mut transaction = desk.begin().await?;
    let done = suspend_agent(&mut transaction, &ClientId::from_text(id), desk.change()).await;
    commit_change(transaction, done.map(|did| did.then_some(())), || why_not).await?;
    say_json(&json!({ "client_id": id, "state": "suspended" }))
}

pub async fn resume(desk: &Desk, id: &str) -> Outcome {
    let why_not = why_not(desk, id, Wish::Resume, "is not suspended").await?;
    let mut transaction = desk.begin().await?;
    let done = resume_agent(&mut transaction, &ClientId::from_text(id), desk.change()).await;
    commit_change(transaction, done.map(|did| did.then_some(())), || why_not).await?;
    say_json(&json!({ "client_id": id, "state": "active" }))
}

/// The sentence for the case that nothing can be done about it; `state` is what would stand in the way of one that exists.
async fn why_not(desk: &Desk, id: &str, wish: Wish, state: &str) -> Result<String, String> {
    let mut reading = desk.read().await?;
    let stored = reading.client(&ClientId::from_text(id)).await;
    Ok(match stored.map_err(|e| e.to_string())? {
        Some(stored) if stored.removed => {
            format!("`{id}` was removed: nothing of it is live, and it is never registered again")
        }
        Some(_) => format!("`{id}` {state}"),
        None if ClientIdUrl::is_meant(id) => format!(
            "nobody agreed to the guest `{id}` yet: `guests.deny` of the configuration keeps its host out"
        ),
        None => {
            let tip = tip(&mut reading, id, wish).await;
            let tip = tip.map_err(|e| e.to_string())?;
            format!("there is no agent and no client `{id}`{tip}")
        }
    })
}
