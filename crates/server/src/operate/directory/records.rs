//! Resources, versions of types, consents, and decisions per action.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use writ_core::id::{ConsentId, DecisionId};
use writ_store::access::AccessDecision;
use writ_store::directory::{ConsentsOf, ListedConsent, ListedResource, ListedType};
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::resource::ResourceUri;

use super::{DirectoryPage, PageRequest, document};

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ResourceEntry {
    pub id: String,
    pub created_at: String,
    /// As it is registered.
    pub record: Value,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TypeEntry {
    /// Of this version.
    pub hash: String,
    pub name: String,
    pub created_at: String,
    pub document: Value,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ConsentEntry {
    pub id: String,
    pub subject: String,
    pub client_id: String,
    pub task: String,
    /// The text that the person read, and its hash.
    pub shown: String,
    pub shown_hash: String,
    pub locale: String,
    pub method: String,
    pub given_at: String,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DecisionEntry {
    pub id: String,
    /// The client of the resource server that asked.
    pub caller: String,
    pub resource: String,
    pub action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delegation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_hash: Option<String>,
    /// What became of it, as far as it was reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    pub decided_at: String,
}

pub async fn resources(
    reading: &mut DatabaseTransaction,
    page: PageRequest<'_>,
) -> Result<DirectoryPage<ResourceEntry>, StoreError> {
    let found = reading.resources_after(page.beginning(), page.one_more());
    let found = found.await?;
    page.page(found, |one| one.uri.clone(), resource_view)
}

pub async fn resource(
    reading: &mut DatabaseTransaction,
    uri: &ResourceUri,
) -> Result<Option<ResourceEntry>, StoreError> {
    let found = reading.listed_resource(uri).await?;
    found.map(resource_view).transpose()
}

pub async fn types(
    reading: &mut DatabaseTransaction,
    page: PageRequest<'_>,
) -> Result<DirectoryPage<TypeEntry>, StoreError> {
    let found = reading.types_after(page.beginning(), page.one_more());
    let found = found.await?;
    page.page(found, |one| one.hash.clone(), type_view)
}

pub async fn type_version(
    reading: &mut DatabaseTransaction,
    hash: &str,
) -> Result<Option<TypeEntry>, StoreError> {
    let found = reading.listed_type(hash).await?;
    found.map(type_view).transpose()
}

pub async fn consents(
    reading: &mut DatabaseTransaction,
    of: ConsentsOf<'_>,
    page: PageRequest<'_>,
) -> Result<DirectoryPage<ConsentEntry>, StoreError> {
    let found = reading.listed_consents_before(of, page.after, page.one_more());
    let found = found.await?;
    page.page(found, |one| one.id.clone(), |one| Ok(consent_view(one)))
}

pub async fn consent(
    reading: &mut DatabaseTransaction,
    id: &ConsentId,
) -> Result<Option<ConsentEntry>, StoreError> {
    Ok(reading.listed_consent(id).await?.map(consent_view))
}

pub async fn decisions(
    reading: &mut DatabaseTransaction,
    page: PageRequest<'_>,
) -> Result<DirectoryPage<DecisionEntry>, StoreError> {
    let found = reading.decisions_before(page.after, page.one_more());
    let found = found.await?;
    page.page(
        found,
        |one| one.id.to_string(),
        |one| Ok(decision_view(one)),
    )
}

pub async fn decision(
    reading: &mut DatabaseTransaction,
    id: &DecisionId,
) -> Result<Option<DecisionEntry>, StoreError> {
    Ok(reading.decision(id).await?.map(decision_view))
}

fn resource_view(listed: ListedResource) -> Result<ResourceEntry, StoreError> {
    Ok(ResourceEntry {
        record: document(&listed.document, "`resources.document`")?,
        id: listed.uri,
        created_at: listed.created_at.rfc3339(),
    })
}

fn type_view(listed: ListedType) -> Result<TypeEntry, StoreError> {
    Ok(TypeEntry {
        document: document(&listed.document, "`types.document`")?,
        hash: listed.hash,
        name: listed.name,
        created_at: listed.created_at.rfc3339(),
    })
}

fn consent_view(listed: ListedConsent) -> ConsentEntry {
    ConsentEntry {
        id: listed.id,
        subject: listed.subject,
        client_id: listed.client,
        task: listed.task,
        shown: listed.shown,
        shown_hash: listed.shown_hash,
        locale: listed.locale,
        method: listed.method,
        given_at: listed.given_at.rfc3339(),
    }
}

fn decision_view(decision: AccessDecision) -> DecisionEntry {
    DecisionEntry {
        id: decision.id.to_string(),
        caller: decision.caller.to_string(),
        resource: decision.resource,
        action: decision.action,
        client_id: decision.client.map(|id| id.to_string()),
        task: decision.task.map(|id| id.to_string()),
        delegation: decision.delegation.map(|id| id.to_string()),
        object_hash: decision.object_hash,
        outcome: decision.outcome,
        decided_at: decision.decided_at.rfc3339(),
    }
}
