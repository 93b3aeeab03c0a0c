//! The ceiling of an agent, measured against a request: what goes beyond it is refused, with a pointer to what was too wide.

use writ_authority::{Authority, Ceiling, ScopeGrant};
use writ_wire::error::Excess;
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;

use crate::client::Client;
use crate::guest;
use crate::oauth_error::OAuthError;
use crate::realm::Realm;
use crate::scope::is_identity;

/// Refuses what goes beyond the ceiling, with a pointer to it.
pub fn within_ceiling(
    authority: &Authority,
    client: &Client,
    realm: Realm<'_>,
) -> Result<(), OAuthError> {
    guest::within(authority, client, realm)?;
    excess(authority, client, realm).map_err(|excess| too_wide(CEILING, excess))?;
    bare_resources(authority, client, realm)
}

/// As [`within_ceiling`], with pointers into the request: `asked` is the [`order`] of its objects.
pub fn admits_asked(
    authority: &Authority,
    asked: &[String],
    client: &Client,
    realm: Realm<'_>,
) -> Result<(), OAuthError> {
    guest::within(authority, client, realm)?;
    excess(authority, client, realm)
        .map_err(|excess| too_wide(CEILING, as_asked(excess, authority, asked)))?;
    bare_resources(authority, client, realm)
}

/// The `ref`s of objects, before an authority sorts them.
pub fn order(details: &[Detail]) -> Vec<String> {
    details.iter().filter_map(reference).collect()
}

fn excess(authority: &Authority, client: &Client, realm: Realm<'_>) -> Result<(), Vec<Excess>> {
    let Some(agent) = &client.agent else {
        return Ok(());
    };
    let mut ceiling = agent.ceiling.clone();
    // Identity is no authority at a resource: the registered scope decides.
    for scope in client.scope.iter().filter(|name| is_identity(name)) {
        ceiling.scopes.insert(ScopeGrant {
            resource: realm.issuer.clone(),
            scope: scope.clone(),
        });
    }
    ceiling.admits(authority, realm.types)
}

/// A client's developer looks for the place in the request.
fn as_asked(excess: Vec<Excess>, authority: &Authority, asked: &[String]) -> Vec<Excess> {
    let place = |pointer: &str| {
        let (index, member) = pointer.strip_prefix('/')?.split_once('/')?;
        let named = reference(authority.details().get(index.parse::<usize>().ok()?)?)?;
        let place = asked.iter().position(|other| *other == named)?;
        Some(format!("/{place}/{member}"))
    };
    let moved = excess.into_iter().map(|excess| Excess {
        pointer: place(&excess.pointer).unwrap_or(excess.pointer),
        ..excess
    });
    moved.collect()
}

fn reference(detail: &Detail) -> Option<String> {
    detail.reference().map(str::to_owned)
}

/// A refusal for authority that is wider than its measure.
pub fn too_wide(measure: &str, excess: Vec<Excess>) -> OAuthError {
    let first = excess
        .first()
        .map(|e| e.pointer.clone())
        .unwrap_or_default();
    let sentence = format!("`{first}` is wider than {measure}");
    let refusal = if first.starts_with("/scope/") {
        OAuthError::invalid_scope(sentence)
    } else if first.starts_with("/resource/") {
        OAuthError::invalid_target(sentence)
    } else {
        OAuthError::invalid_details(sentence)
    };
    refusal.with_excess(excess)
}

fn bare_resources(
    authority: &Authority,
    client: &Client,
    realm: Realm<'_>,
) -> Result<(), OAuthError> {
    let agent = client.agent.as_ref();
    match agent.and_then(|agent| unnamed_resource(authority, &agent.ceiling, realm)) {
        Some(uri) => Err(OAuthError::invalid_target(format!(
            "resource `{uri}` is outside the agent's ceiling"
        ))),
        None => Ok(()),
    }
}

/// A resource without scope or details is an audience all the same: the ceiling must name it somewhere.
pub(crate) fn unnamed_resource<'a>(
    authority: &'a Authority,
    ceiling: &Ceiling,
    realm: Realm<'_>,
) -> Option<&'a ResourceUri> {
    let named = |uri: &ResourceUri| {
        ceiling.scopes.iter().any(|s| s.resource == *uri)
            || ceiling.details.iter().any(|d| {
                let places: Vec<_> = d.locations().into_iter().map(ResourceUri::parse).collect();
                let serves = realm
                    .resources
                    .get(uri)
                    .is_some_and(|r| r.details_types.contains(d.type_name()));
                places.contains(&Ok(uri.clone())) || (places.is_empty() && serves)
            })
    };
    let mut resources = authority.resources().iter();
    resources.find(|uri| *uri != realm.issuer && !named(uri))
}

const CEILING: &str = "the agent's ceiling";
