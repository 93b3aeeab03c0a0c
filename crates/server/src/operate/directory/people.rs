//! People, without anything that they sign in with.

use schemars::JsonSchema;
use serde::Serialize;
use writ_core::id::UserId;
use writ_store::registered_user::{AccountState, ListedUser};
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::time::Timestamp;

use super::{DirectoryPage, PageRequest};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PersonStanding {
    Enabled,
    Disabled,
    /// They never came.
    Invited,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PersonEntry {
    pub id: String,
    pub name: String,
    pub state: PersonStanding,
    pub created_at: String,
}

/// The same, with what hangs from them.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ShownPerson {
    #[serde(flatten)]
    pub person: PersonEntry,
    pub passkeys: usize,
    /// Issuers of the providers by which they sign in.
    pub providers: Vec<String>,
    /// Agents that they own or sponsor.
    pub agents: i64,
}

pub async fn people(
    reading: &mut DatabaseTransaction,
    page: PageRequest<'_>,
    now: Timestamp,
) -> Result<DirectoryPage<PersonEntry>, StoreError> {
    let found = reading.users_after(page.beginning(), page.one_more(), now);
    let found = found.await?;
    page.page(found, |one| one.name.clone(), |one| Ok(view(one)))
}

pub async fn person(
    reading: &mut DatabaseTransaction,
    id: &UserId,
    now: Timestamp,
) -> Result<Option<ShownPerson>, StoreError> {
    let Some(listed) = reading.listed_user(id, now).await? else {
        return Ok(None);
    };
    let providers = reading.upstream_accounts_of(id).await?;
    Ok(Some(ShownPerson {
        person: view(listed),
        passkeys: reading.passkeys_of(id).await?.len(),
        providers: providers.into_iter().map(|one| one.issuer).collect(),
        agents: reading.agents_behind(id).await?,
    }))
}

fn view(listed: ListedUser) -> PersonEntry {
    PersonEntry {
        id: listed.id.to_string(),
        name: listed.name,
        state: match listed.state {
            AccountState::Enabled => PersonStanding::Enabled,
            AccountState::Disabled => PersonStanding::Disabled,
            AccountState::Invited { .. } => PersonStanding::Invited,
        },
        created_at: listed.created_at.rfc3339(),
    }
}
