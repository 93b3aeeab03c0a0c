//! RESOURCE.json becomes a resource, or every fault is named (RFC 8707, 9728).

use writ_jose::key::KeySet;
use writ_wire::registration::{GuestsFile, ResourceFile};
use writ_wire::resource::ResourceUri;
use writ_wire::scope::Scope;

use super::{Faults, check_text};
use crate::client::{GuestRules, Resource};
use crate::id::ClientId;

/// Checks a resource's file.
pub fn resource(file: &ResourceFile, issuer: &ResourceUri) -> Result<Resource, Faults> {
    let mut faults = Vec::new();
    check_text("name", &file.name, &mut faults);
    if file.resource == *issuer {
        faults.push("`resource` is the issuer itself".to_owned());
    }
    if Scope::parse(&file.scopes.join(" ")).map(|s| s.len()) != Ok(file.scopes.len()) {
        faults.push("`scopes` holds something that is no scope name, or one twice".to_owned());
    }
    if file.scopes.iter().any(|s| s == crate::request::OPENID) {
        faults.push("`scopes`: `openid` belongs to the issuer".to_owned());
    }
    let challenge_keys = challenge_keys(file, &mut faults);
    let guests = file.guests.as_ref();
    let guests = guests.map(|guests| guest_rules(guests, file, &mut faults));
    if !faults.is_empty() {
        return Err(Faults(faults));
    }
    Ok(Resource {
        uri: file.resource.clone(),
        name: file.name.clone(),
        scopes: file.scopes.iter().cloned().collect(),
        details_types: file.authorization_details_types.iter().cloned().collect(),
        served_by: file.client_id.as_deref().map(ClientId::from_text),
        agents_only: file.agents_only,
        task_claims: file.task_claims.clone(),
        challenge_keys,
        guests: guests.unwrap_or_default(),
    })
}

/// Guests may have no more than there is.
fn guest_rules(guests: &GuestsFile, file: &ResourceFile, faults: &mut Vec<String>) -> GuestRules {
    if let Some(scope) = guests.scopes.iter().find(|s| !file.scopes.contains(s)) {
        faults.push(format!(
            "`guests.scopes`: `{scope}` is no member of `scopes`"
        ));
    }
    let types = &file.authorization_details_types;
    if let Some(name) = guests.types.iter().find(|name| !types.contains(name)) {
        faults.push(format!(
            "`guests.types`: `{name}` is no member of `authorization_details_types`"
        ));
    }
    GuestRules {
        mode: guests.mode,
        scopes: guests.scopes.iter().cloned().collect(),
        types: guests.types.iter().cloned().collect(),
    }
}

/// A challenge names its key by `kid`, so each has one.
fn challenge_keys(file: &ResourceFile, faults: &mut Vec<String>) -> Option<KeySet> {
    let jwks = file.txn_challenge_jwks.as_ref()?;
    let keys = match KeySet::from_jwks(jwks) {
        Ok(keys) if keys.keys().is_empty() => Err("holds no key".to_owned()),
        Ok(keys) if keys.keys().iter().any(|key| key.kid().is_none()) => {
            Err("a key has no `kid`".to_owned())
        }
        Ok(keys) => Ok(keys),
        Err(problem) => Err(problem.to_string()),
    };
    keys.map_err(|fault| faults.push(format!("`txn_challenge_jwks`: {fault}")))
        .ok()
}
