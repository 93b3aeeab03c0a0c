//! Parts of a page that several pages share: who asks, scopes, and to whom an agent may pass on what it is given.

use writ_authority::{Authority, ScopeGrant};
use writ_core::client::{Client, Resource};
use writ_core::consent::{is_bare, scope_name};
use writ_core::onward::Onward;
use writ_core::scope::EMAIL;
use writ_pages::{
    AgentName, AgentView, AskedEachTime, ClientView, OnwardView, ScopeView, ScopeWords,
};
use writ_store::StoreError;
use writ_wire::client_document::ClientIdUrl;
use writ_wire::resource::ResourceUri;

use crate::node::app::App;
use crate::node::registry::Catalogue;

/// Every scope in the words of its resource, and every resource that is named without one. Of the issuer's scopes the e-mail
/// address alone: who the person is has a sentence of its own.
pub fn scopes(catalogue: &Catalogue, authority: &Authority) -> Vec<ScopeView> {
    let name = |uri: &ResourceUri| {
        catalogue
            .resources
            .get(uri)
            .map_or_else(|| uri.to_string(), |r| r.name.clone())
    };
    let email = authority.scopes_at(&catalogue.issuer).take(EMAIL);
    let email = email.map(|scope| ScopeView {
        value: scope_name(catalogue.issuer.as_str(), &scope),
        resource_name: String::new(),
        scope,
        words: ScopeWords::Email,
        asked: AskedEachTime::Nothing,
    });
    let named = authority
        .scopes()
        .iter()
        .filter(|s| s.resource != catalogue.issuer)
        .map(|s| ScopeView {
            value: scope_name(s.resource.as_str(), &s.scope),
            resource_name: name(&s.resource),
            scope: s.scope.clone(),
            words: words(catalogue, s),
            asked: asked(catalogue, s),
        });
    let bare = authority
        .resources()
        .iter()
        .filter(|uri| is_bare(authority, uri))
        .map(|uri| ScopeView {
            value: scope_name(uri.as_str(), ""),
            resource_name: name(uri),
            scope: String::new(),
            words: ScopeWords::Name,
            asked: AskedEachTime::Nothing,
        });
    named.chain(bare).chain(email).collect()
}

fn words(catalogue: &Catalogue, scope: &ScopeGrant) -> ScopeWords {
    let resource = catalogue.resources.get(&scope.resource);
    let says = resource.and_then(|resource| resource.says.get(&scope.scope));
    says.cloned().map_or(ScopeWords::Name, ScopeWords::Resource)
}

/// Of the actions that this scope covers: about which a person is asked each time.
fn asked(catalogue: &Catalogue, scope: &ScopeGrant) -> AskedEachTime {
    let resource = catalogue.resources.get(&scope.resource);
    let actions = resource.into_iter().flat_map(Resource::all_actions);
    let covered = actions.filter(|action| action.scope == scope.scope);
    let asked: Vec<bool> = covered.map(|action| action.ask).collect();
    match (asked.contains(&true), asked.contains(&false)) {
        (false, _) => AskedEachTime::Nothing,
        (true, true) => AskedEachTime::Some,
        (true, false) => AskedEachTime::All,
    }
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

/// Who asks, to somebody who is not signed in yet: a guest has the name of its host, and its document is not fetched for that.
pub async fn asking_client(app: &App, id: &str) -> Result<Option<ClientView>, StoreError> {
    if let Ok(url) = ClientIdUrl::parse(id) {
        return Ok(Some(ClientView {
            name: url.host().to_owned(),
            client_id: id.to_owned(),
            agent: None,
        }));
    }
    let client = app.client(id).await?;
    Ok(client.map(|client| client_view(&client)))
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
