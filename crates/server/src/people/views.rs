//! Parts of a page that several pages share: who asks, scopes, and to whom an agent may pass on what it is given.

use writ_authority::Authority;
use writ_core::client::Client;
use writ_core::consent::{is_bare, scope_name};
use writ_core::onward::Onward;
use writ_pages::{AgentName, AgentView, ClientView, OnwardView, ScopeView};
use writ_store::StoreError;
use writ_wire::resource::ResourceUri;

use crate::node::app::App;
use crate::node::registry::Catalogue;

/// Every scope, and every resource that is named without one; not the issuer, which has a sentence of its own.
pub fn scopes(catalogue: &Catalogue, authority: &Authority) -> Vec<ScopeView> {
    let name = |uri: &ResourceUri| {
        catalogue
            .resources
            .get(uri)
            .map_or_else(|| uri.to_string(), |r| r.name.clone())
    };
    let named = authority
        .scopes()
        .iter()
        .filter(|s| s.resource != catalogue.issuer)
        .map(|s| ScopeView {
            value: scope_name(s.resource.as_str(), &s.scope),
            resource_name: name(&s.resource),
            scope: s.scope.clone(),
        });
    let bare = authority
        .resources()
        .iter()
        .filter(|uri| is_bare(authority, uri))
        .map(|uri| ScopeView {
            value: scope_name(uri.as_str(), ""),
            resource_name: name(uri),
            scope: String::new(),
        });
    named.chain(bare).collect()
}

/// Who asks, as the pages show it. A publisher is verified by a later feature: until then it never is.
pub fn client_view(client: &Client) -> ClientView {
    ClientView {
        name: client.name.clone(),
        client_id: client.id.to_string(),
        agent: client.agent.as_ref().map(|agent| AgentView {
            publisher: agent.publisher.clone(),
            publisher_verified: false,
            owner: agent.owner_name.clone(),
            sponsor: agent.sponsor_name.clone(),
        }),
    }
}

/// To whom an agent may pass on what it is given.
pub async fn onward(app: &App, onward: &Onward) -> Result<OnwardView, StoreError> {
    let mut agents = Vec::new();
    for id in onward.agents.iter().flatten() {
        let name = app.client(id.as_str()).await?.map(|c| c.name.clone());
        let id = id.to_string();
        agents.push(AgentName { id, name });
    }
    Ok(OnwardView {
        agents,
        same_owner: !onward.owners.is_empty(),
        depth: u32::try_from(onward.depth).unwrap_or(u32::MAX),
    })
}
