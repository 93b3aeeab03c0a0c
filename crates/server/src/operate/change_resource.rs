//! Changing a registered resource: its file is replaced by another one that passes the same checks, whole or edited.

use serde_json::Value;
use writ_core::realm::DEFAULT_TENANT;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::registration::{GuestMode, ResourceFile};
use writ_wire::resource::ResourceUri;
use writ_wire::scope::ResourceScope;

use super::elsewhere::{Wish, tip};
use super::register::{Registrar, RegistrationError, fault};

/// How a resource's file is changed.
#[derive(Clone, Debug)]
pub enum ResourceChange {
    Replace(Box<ResourceFile>),
    Edit(ResourceEdit),
}

/// Changes of single members; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct ResourceEdit {
    pub name: Option<String>,
    pub add_scopes: Vec<String>,
    pub remove_scopes: Vec<String>,
    pub guests: Option<GuestMode>,
}

/// The resource's file as it is, unless it was removed.
pub(super) async fn registered(
    transaction: &mut DatabaseTransaction,
    uri: &ResourceUri,
) -> Result<ResourceFile, RegistrationError> {
    let name = || format!("resource `{uri}`");
    match transaction.resource(uri).await? {
        None => match other_spelling(transaction, uri).await? {
            Some(file) => Ok(file),
            None => {
                let tip = tip(transaction, uri.as_str(), Wish::See).await?;
                Err(RegistrationError::Unknown(name() + &tip))
            }
        },
        Some((_, true)) => Err(RegistrationError::Removed(name())),
        Some((document, false)) => Ok(serde_json::from_str(&document)
            .map_err(|e| StoreError::Corrupt(format!("{}: {e}", name())))?),
    }
}

/// What is registered under an equal URI (RFC 3986 section 6.2).
pub(super) async fn other_spelling(
    transaction: &mut DatabaseTransaction,
    uri: &ResourceUri,
) -> Result<Option<ResourceFile>, RegistrationError> {
    for document in transaction.resources().await? {
        let file: ResourceFile = serde_json::from_str(&document)?;
        if file.resource == *uri && file.resource.as_str() != uri.as_str() {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

impl Registrar<'_> {
    /// The file as it is registered; it can be changed and given back.
    pub async fn resource_file(
        &self,
        uri: &ResourceUri,
    ) -> Result<ResourceFile, RegistrationError> {
        let mut reading = self.store.read(DEFAULT_TENANT).await?;
        registered(&mut reading, uri).await
    }

    /// The resource as it is afterwards.
    pub async fn change_resource(
        &self,
        uri: &ResourceUri,
        change: ResourceChange,
    ) -> Result<Value, RegistrationError> {
        let before = self.resource_file(uri).await?;
        let file = match change {
            ResourceChange::Replace(file) => *file,
            ResourceChange::Edit(edit) => edited(before, edit)?,
        };
        if file.resource != *uri {
            return Err(fault(&format!(
                "`resource` is not `{uri}`: a resource keeps its URI"
            )));
        }
        self.add_resource(&file).await
    }
}

fn edited(mut file: ResourceFile, edit: ResourceEdit) -> Result<ResourceFile, RegistrationError> {
    if let Some(name) = edit.name {
        file.name = name;
    }
    for scope in edit.remove_scopes {
        let before = file.scopes.len();
        file.scopes.retain(|one| one.name != scope);
        if file.scopes.len() == before {
            return Err(fault(&format!("`scopes` does not hold `{scope}`")));
        }
    }
    for scope in edit.add_scopes {
        if !file.scopes.iter().any(|one| one.name == scope) {
            file.scopes.push(ResourceScope::from(scope.as_str()));
        }
    }
    if let Some(mode) = edit.guests {
        file.admit_guests(mode);
    }
    Ok(file)
}
