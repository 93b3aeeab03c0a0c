//! What a file names that is not registered, beside what else may not be meant. It may come later, so it is a note for the operator and no fault: a misspelt name would
//! otherwise be noticed only when a request is refused.

use std::collections::BTreeSet;

use writ_authority::ScopeGrant;
use writ_core::id::ClientId;
use writ_core::realm::DEFAULT_TENANT;
use writ_core::registration;
use writ_core::role::RoleRules;
use writ_core::scope::is_identity;
use writ_store::DatabaseTransaction;
use writ_wire::registration::{AgentFile, ClientFile, ResourceFile, ScopeFile};
use writ_wire::scope::Scope;

use super::register::{Registrar, RegistrationError};
use crate::config::nearest::nearest;

impl Registrar<'_> {
    /// Notes on the file of a client or an agent, each a sentence.
    pub async fn unresolved_of_client(
        &self,
        file: &ClientFile,
    ) -> Result<Vec<String>, RegistrationError> {
        let mut reading = self.store.read(DEFAULT_TENANT).await?;
        let resources = resources(&mut reading).await?;
        let mut notes = registration::notes(file);
        let asked = file.scope.as_deref().map(Scope::parse);
        for scope in asked.iter().flatten().flat_map(Scope::iter) {
            let known = resources.iter().any(|resource| has_scope(resource, scope));
            if !known && !is_identity(scope) {
                notes.push(format!("`scope`: no resource has the scope `{scope}` yet"));
            }
        }
        if let Some(agent) = &file.agent {
            let pairs = agent.ceiling.scopes.iter();
            let pairs = pairs.filter(|pair| pair.resource != *self.issuer);
            notes.extend(pairs.filter_map(|pair| of_ceiling(pair, &resources)));
            of_onward(&mut reading, agent, &mut notes).await?;
        }
        of_people(&mut reading, file, &mut notes).await?;
        Ok(notes)
    }

    /// The same of a resource.
    pub async fn unresolved_of_resource(
        &self,
        file: &ResourceFile,
    ) -> Result<Vec<String>, RegistrationError> {
        let Some(id) = &file.client_id else {
            return Ok(Vec::new());
        };
        let mut reading = self.store.read(DEFAULT_TENANT).await?;
        let known = is_client(&mut reading, id).await?;
        let note = || format!("`client_id`: client `{id}` is not registered yet");
        Ok((!known).then(note).into_iter().collect())
    }
}

/// Scopes of roles that no resource has, each a sentence with the one that may be meant.
pub async fn unresolved_of_roles(
    reading: &mut DatabaseTransaction,
    rules: &RoleRules,
) -> Result<Vec<String>, RegistrationError> {
    let resources = resources(reading).await?;
    let mut notes = Vec::new();
    for (name, rule) in rules.iter() {
        let unknown = rule.ceiling.scopes.iter();
        let unknown = unknown.filter_map(|grant| of_role(grant, &resources));
        notes.extend(unknown.map(|note| format!("`roles.{name}.scopes`: {note}")));
    }
    Ok(notes)
}

fn of_role(grant: &ScopeGrant, resources: &[ResourceFile]) -> Option<String> {
    let ScopeGrant { resource, scope } = grant;
    let (said, meant) = match resources.iter().find(|one| one.resource == *resource) {
        None => {
            let known: Vec<&str> = resources.iter().map(|one| one.resource.as_str()).collect();
            let meant = nearest(resource.as_str(), &known);
            (
                format!("resource `{resource}` is not registered yet"),
                meant,
            )
        }
        Some(file) if !has_scope(file, scope) => {
            let known: Vec<&str> = file.scopes.iter().map(|one| one.name.as_str()).collect();
            let said = format!("resource `{resource}` has no scope `{scope}` yet");
            (said, nearest(scope, &known))
        }
        Some(_) => return None,
    };
    Some(match meant {
        Some(meant) => format!("{said}; perhaps `{meant}` is meant"),
        None => said,
    })
}

async fn resources(
    reading: &mut DatabaseTransaction,
) -> Result<Vec<ResourceFile>, RegistrationError> {
    let documents = reading.resources().await?.into_iter();
    let files = documents.map(|document| serde_json::from_str(&document));
    Ok(files.collect::<Result<_, _>>()?)
}

fn has_scope(resource: &ResourceFile, name: &str) -> bool {
    resource.scopes.iter().any(|scope| scope.name == name)
}

fn of_ceiling(pair: &ScopeFile, resources: &[ResourceFile]) -> Option<String> {
    let ScopeFile { resource, scope } = pair;
    let found = resources.iter().find(|one| one.resource == *resource);
    match found {
        None => Some(format!(
            "`ceiling.scopes`: resource `{resource}` is not registered yet"
        )),
        Some(file) if !has_scope(file, scope) => Some(format!(
            "`ceiling.scopes`: resource `{resource}` has no scope `{scope}` yet"
        )),
        Some(_) => None,
    }
}

/// People whom it may ask, and who decide about what it asks.
async fn of_people(
    reading: &mut DatabaseTransaction,
    file: &ClientFile,
    notes: &mut Vec<String>,
) -> Result<(), RegistrationError> {
    let agent = file.agent.iter();
    let stages = agent.clone().flat_map(|agent| &agent.approvers);
    let approvers = stages.flat_map(|stage| &stage.of);
    let approvers = approvers.filter(|name| !name.starts_with('@'));
    let asked = file
        .may_ask
        .iter()
        .chain(agent.flat_map(|agent| &agent.may_ask));
    for name in approvers.chain(asked).collect::<BTreeSet<_>>() {
        let found = reading.user_by_name(name).await?;
        if found.is_none_or(|stored| stored.removed) {
            notes.push(format!("there is no person `{name}` yet"));
        }
    }
    Ok(())
}

/// Agents to which it may delegate.
async fn of_onward(
    reading: &mut DatabaseTransaction,
    agent: &AgentFile,
    notes: &mut Vec<String>,
) -> Result<(), RegistrationError> {
    let onward = agent.onward.iter().flat_map(|onward| &onward.agents);
    for id in onward.flatten() {
        if !is_client(reading, id).await? {
            notes.push(format!(
                "`onward.agents`: agent `{id}` is not registered yet"
            ));
        }
    }
    Ok(())
}

async fn is_client(reading: &mut DatabaseTransaction, id: &str) -> Result<bool, RegistrationError> {
    let stored = reading.client(&ClientId::from_text(id)).await?;
    Ok(stored.is_some_and(|stored| !stored.removed))
}
