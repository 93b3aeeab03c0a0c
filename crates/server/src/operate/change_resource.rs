//! Registering a resource and changing it: its file is replaced by another one that passes the same checks, whole or edited.

use serde_json::{Value, json};
use writ_core::access::has_tools;
use writ_core::api;
use writ_core::client::Resource;
use writ_core::event::EventName;
use writ_core::realm::DEFAULT_TENANT;
use writ_core::registration;
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
    /// Adds a resource, or replaces it.
    pub async fn add_resource(&self, file: &ResourceFile) -> Result<Value, RegistrationError> {
        let mut transaction = self.store.begin(DEFAULT_TENANT).await?;
        let added = self.add_resource_in(&mut transaction, file).await?;
        transaction.commit().await?;
        Ok(added)
    }

    /// The same in a transaction of the caller's.
    pub async fn add_resource_in(
        &self,
        transaction: &mut DatabaseTransaction,
        file: &ResourceFile,
    ) -> Result<Value, RegistrationError> {
        let resource = self.check_resource(file)?;
        let now = self.clock.now();
        let document = serde_json::to_string(file)?;
        refuse_other_spelling(transaction, &resource.uri).await?;
        let (uri, served_by) = (&resource.uri, resource.served_by.as_ref());
        if !transaction
            .put_resource(uri, &document, served_by, now)
            .await?
        {
            return Err(RegistrationError::Removed(format!("resource `{uri}`")));
        }
        for action in resource.all_actions() {
            let (hash, name) = (&action.type_hash, &action.type_name);
            transaction
                .insert_type(hash, name, &action.document, now)
                .await?;
        }
        refuse_crowd(transaction).await?;
        let event = self
            .event(
                now,
                EventName::ResourceChanged,
                json!({ "file": serde_json::to_value(file)? }),
            )
            .at_resource(resource.uri.as_str());
        transaction.insert_event(&event).await?;
        Ok(serde_json::to_value(file)?)
    }

    fn check_resource(&self, file: &ResourceFile) -> Result<Resource, RegistrationError> {
        let resource = registration::resource(file, self.issuer)?;
        registration::check_resource(file)?;
        if api::audience(self.issuer).is_some_and(|api| api == resource.uri) {
            return Err(fault("`resource` is the operators' API of this server"));
        }
        let unknown = resource
            .details_types
            .iter()
            .find(|name| self.types.by_name(name).is_none());
        if let Some(name) = unknown {
            return Err(fault(&registration::undeclared_type(name)));
        }
        match !file.routes.is_empty() && has_tools(&resource, self.types) {
            true => Err(fault(
                "`routes`: `authorization_details_types` has calls of tools, which stand in bodies: no proxy sees them, so put `writ gate` before it",
            )),
            false => Ok(resource),
        }
    }

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

/// Every node loads all of them, or none: one more than it loads would be the end of its service.
async fn refuse_crowd(transaction: &mut DatabaseTransaction) -> Result<(), RegistrationError> {
    let refused = |error, way_out: &str| match error {
        StoreError::TooMany { most, what } => fault(&format!(
            "there are {most} {what} already, which is the most: {way_out}"
        )),
        other => other.into(),
    };
    let resources = transaction.resources().await;
    resources.map_err(|e| refused(e, "remove one by `writ resource remove URI`"))?;
    let types = transaction.types().await;
    types.map_err(|e| refused(e, "versions that nothing uses leave after thirteen months"))?;
    Ok(())
}

/// Two resources that RFC 3986 section 6.2 makes equal would be one target of a request, and two audiences of tokens.
async fn refuse_other_spelling(
    transaction: &mut DatabaseTransaction,
    uri: &ResourceUri,
) -> Result<(), RegistrationError> {
    match other_spelling(transaction, uri).await? {
        None => Ok(()),
        Some(ResourceFile {
            resource: registered,
            ..
        }) => Err(fault(&format!(
            "`resource`: `{uri}` is the same as `{registered}`, which is registered: use that spelling"
        ))),
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
