//! The registered resources of a tenant, found by URI and by scope: what a request costs does not depend on how many there are.

use std::collections::BTreeMap;
use std::collections::btree_map::{Iter, Values};

use writ_wire::resource::ResourceUri;

use crate::client::Resource;
use crate::id::ClientId;

#[derive(Clone, Debug, Default)]
pub struct Resources {
    by_uri: BTreeMap<ResourceUri, Resource>,
    /// In the order of the URIs.
    by_scope: BTreeMap<String, Vec<ResourceUri>>,
    by_type: BTreeMap<String, Vec<ResourceUri>>,
    by_server: BTreeMap<ClientId, Vec<ResourceUri>>,
    has_default_scopes: bool,
}

impl Resources {
    pub fn get(&self, uri: &ResourceUri) -> Option<&Resource> {
        self.by_uri.get(uri)
    }

    /// Those that register this scope.
    pub fn registering(&self, scope: &str) -> impl Iterator<Item = &Resource> {
        let uris = self.by_scope.get(scope).into_iter().flatten();
        uris.filter_map(|uri| self.by_uri.get(uri))
    }

    /// Those that register this type of `authorization_details`.
    pub fn serving(&self, type_name: &str) -> impl Iterator<Item = &ResourceUri> {
        self.by_type.get(type_name).into_iter().flatten()
    }

    /// Whether this client serves any of them.
    pub fn are_served_by(&self, client: &ClientId) -> bool {
        self.by_server.contains_key(client)
    }

    /// Those that this client serves.
    pub fn served_by(&self, client: &ClientId) -> impl Iterator<Item = &Resource> {
        let uris = self.by_server.get(client).into_iter().flatten();
        uris.filter_map(|uri| self.by_uri.get(uri))
    }

    /// Whether any of them has default scopes.
    pub const fn have_default_scopes(&self) -> bool {
        self.has_default_scopes
    }

    /// Every scope that is registered, each once.
    pub fn scopes(&self) -> impl Iterator<Item = &String> {
        self.by_scope.keys()
    }

    pub fn len(&self) -> usize {
        self.by_uri.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_uri.is_empty()
    }

    pub fn values(&self) -> Values<'_, ResourceUri, Resource> {
        self.by_uri.values()
    }

    pub fn iter(&self) -> Iter<'_, ResourceUri, Resource> {
        self.by_uri.iter()
    }
}

impl FromIterator<(ResourceUri, Resource)> for Resources {
    fn from_iter<T: IntoIterator<Item = (ResourceUri, Resource)>>(resources: T) -> Self {
        let by_uri: BTreeMap<_, _> = resources.into_iter().collect();
        let mut by_scope: BTreeMap<String, Vec<ResourceUri>> = BTreeMap::new();
        let mut by_type: BTreeMap<String, Vec<ResourceUri>> = BTreeMap::new();
        let mut by_server: BTreeMap<ClientId, Vec<ResourceUri>> = BTreeMap::new();
        for (uri, resource) in &by_uri {
            if let Some(client) = &resource.served_by {
                let served = by_server.entry(client.clone());
                served.or_default().push(uri.clone());
            }
            for scope in &resource.scopes {
                by_scope.entry(scope.clone()).or_default().push(uri.clone());
            }
            for name in &resource.details_types {
                by_type.entry(name.clone()).or_default().push(uri.clone());
            }
        }
        let has_default_scopes = by_uri.values().any(|one| !one.default_scopes.is_empty());
        Self {
            by_uri,
            by_scope,
            by_type,
            by_server,
            has_default_scopes,
        }
    }
}

impl<'a> IntoIterator for &'a Resources {
    type Item = (&'a ResourceUri, &'a Resource);
    type IntoIter = Iter<'a, ResourceUri, Resource>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
