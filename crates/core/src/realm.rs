//! A tenant's issuer, resources, types and roles, as decisions read them.

use writ_authority::Types;
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;

use crate::resources::Resources;
use crate::role::RoleRules;

/// The tenant of paths without `/t/{tenant}`.
pub const DEFAULT_TENANT: &str = "default";

/// The view of one tenant that a decision is made in, borrowed for one request.
#[derive(Clone, Copy)]
pub struct Realm<'a> {
    pub issuer: &'a ResourceUri,
    pub resources: &'a Resources,
    pub types: &'a Types,
    /// What people may grant, as this process is configured.
    pub roles: &'a RoleRules,
}

/// What every decision about a grant is measured by: the tenant as it is registered now, and the time.
#[derive(Clone, Copy)]
pub struct DecisionContext<'a> {
    pub realm: Realm<'a>,
    pub now: Timestamp,
}

impl<'a> Realm<'a> {
    /// Whether tokens may be meant for `uri`: a registered resource, or the issuer itself.
    pub fn knows(&self, uri: &ResourceUri) -> bool {
        self.registered(uri).is_some()
    }

    /// The same resource, or the issuer, in the spelling that tokens carry.
    pub fn registered(&self, uri: &ResourceUri) -> Option<&'a ResourceUri> {
        if uri == self.issuer {
            return Some(self.issuer);
        }
        self.resources.get(uri).map(|resource| &resource.uri)
    }

    /// Whether that resource server may want a person for one operation: it registered keys for its challenges.
    pub fn trusts_challenges_of(&self, uri: &ResourceUri) -> bool {
        let found = self.resources.get(uri);
        found.is_some_and(|resource| resource.challenge_keys.is_some())
    }
}
