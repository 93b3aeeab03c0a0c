//! Agents, clients of the house and guests, as they are registered.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use writ_core::id::ClientId;
use writ_store::registered::{ListedAgent, ListedClient};
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::registration::ClientFile;

use super::{DirectoryPage, PageRequest, document};
use crate::operate::behind::halted_by;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientState {
    Active,
    Suspended,
    /// Nobody stands behind it any more.
    Halted,
}

/// A client, an agent or a guest.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ClientEntry {
    pub id: String,
    pub name: String,
    pub state: ClientState,
    /// Why an agent cannot act though it is not suspended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub halted_because: Vec<String>,
    pub created_at: String,
    /// As it is registered (RFC 7591 section 2).
    pub record: Value,
}

pub async fn agents(
    reading: &mut DatabaseTransaction,
    page: PageRequest<'_>,
) -> Result<DirectoryPage<ClientEntry>, StoreError> {
    let found = reading.agents_after(page.beginning(), page.one_more());
    let found = found.await?;
    page.page(found, |one| one.client.id.to_string(), agent_view)
}

pub async fn clients(
    reading: &mut DatabaseTransaction,
    page: PageRequest<'_>,
) -> Result<DirectoryPage<ClientEntry>, StoreError> {
    let found = reading.house_clients_after(page.beginning(), page.one_more());
    let found = found.await?;
    page.page(found, |one| one.id.to_string(), client_view)
}

pub async fn guests(
    reading: &mut DatabaseTransaction,
    page: PageRequest<'_>,
) -> Result<DirectoryPage<ClientEntry>, StoreError> {
    let found = reading.guests_after(page.beginning(), page.one_more());
    let found = found.await?;
    page.page(found, |one| one.id.to_string(), client_view)
}

pub async fn agent(
    reading: &mut DatabaseTransaction,
    id: &ClientId,
) -> Result<Option<ClientEntry>, StoreError> {
    reading.listed_agent(id).await?.map(agent_view).transpose()
}

pub async fn client(
    reading: &mut DatabaseTransaction,
    id: &ClientId,
) -> Result<Option<ClientEntry>, StoreError> {
    let found = reading.listed_house_client(id).await?;
    found.map(client_view).transpose()
}

pub async fn guest(
    reading: &mut DatabaseTransaction,
    id: &ClientId,
) -> Result<Option<ClientEntry>, StoreError> {
    reading.listed_guest(id).await?.map(client_view).transpose()
}

fn client_view(listed: ListedClient) -> Result<ClientEntry, StoreError> {
    let record = document(&listed.metadata, "`clients.metadata`")?;
    let name = record.get("client_name").and_then(Value::as_str);
    Ok(ClientEntry {
        name: name.unwrap_or_default().to_owned(),
        id: listed.id.to_string(),
        state: match listed.stopped {
            true => ClientState::Suspended,
            false => ClientState::Active,
        },
        halted_because: Vec::new(),
        created_at: listed.created_at.rfc3339(),
        record,
    })
}

fn agent_view(listed: ListedAgent) -> Result<ClientEntry, StoreError> {
    let file: ClientFile = serde_json::from_str(&listed.client.metadata)
        .map_err(|e| StoreError::Corrupt(format!("client `{}`: {e}", listed.client.id)))?;
    let mut view = client_view(listed.client)?;
    if let Some(agent) = &file.agent {
        view.halted_because = halted_by(agent, listed.owner, listed.sponsor);
    }
    if view.state == ClientState::Active && !view.halted_because.is_empty() {
        view.state = ClientState::Halted;
    }
    Ok(view)
}
