//! The types of the actions of resources, among all others.

use std::sync::Arc;

use writ_authority::Types;
use writ_core::client::{Resource, ResourceAction};
use writ_core::resources::Resources;

/// Of all resources.
pub fn actions(resources: &Resources) -> impl Iterator<Item = &ResourceAction> {
    resources.values().flat_map(Resource::all_actions)
}

/// With the types of all actions: those that an earlier version of this server wrote in other words are not among the stored.
pub fn with_actions(types: Arc<Types>, resources: &Resources) -> Arc<Types> {
    let unknown = |action: &&ResourceAction| types.by_hash(&action.type_hash).is_none();
    let missing: Vec<&ResourceAction> = actions(resources).filter(unknown).collect();
    if missing.is_empty() {
        return types;
    }
    let mut all = Types::clone(&types);
    for action in missing {
        if let Err(error) = all.add_older(&action.document) {
            tracing::warn!(%error, "an action cannot be read by this version: it is denied here");
        }
    }
    Arc::new(all)
}
