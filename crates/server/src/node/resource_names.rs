//! What resources are called, to people.

use writ_core::pending::PendingRequest;
use writ_wire::resource::ResourceUri;

use crate::node::registry::Catalogue;

impl Catalogue {
    /// As it is registered; its URI, if it is not known any more.
    pub fn name_of(&self, resource: &ResourceUri) -> String {
        let known = self.resources.get(resource);
        known.map_or_else(|| resource.to_string(), |known| known.name.clone())
    }

    /// Of the resource server that asked about one action.
    pub fn name_of_asking(&self, request: &PendingRequest) -> Option<String> {
        let asked = request.asked.access.as_ref();
        asked.map(|asked| self.name_of(&asked.resource))
    }
}
