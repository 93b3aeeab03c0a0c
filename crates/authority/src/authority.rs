//! An authority: scopes, `authorization_details` and audiences that can be compared.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use writ_wire::error::Excess;
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;

use crate::object;
use crate::pointer;
use crate::tree::ValueForm;
use crate::types::Types;

/// A scope at one resource: `read` at one is not `read` at another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeGrant {
    pub resource: ResourceUri,
    pub scope: String,
}

/// Scopes, objects and all audiences. The audiences include those of the scopes and of the objects.
/// Each object has `ref`, `type_hash` and `locations`; a `ref` of a `use: once` type occurs once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Parts", into = "Parts")]
pub struct Authority {
    scopes: BTreeSet<ScopeGrant>,
    details: Vec<Detail>,
    resources: BTreeSet<ResourceUri>,
}

/// As it is written and hashed: scopes and audiences in the order of their texts, whatever makes two audiences equal.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    #[serde(default)]
    scopes: Vec<ScopeGrant>,
    #[serde(default)]
    authorization_details: Vec<Detail>,
    #[serde(default)]
    resources: Vec<ResourceUri>,
}

impl Authority {
    /// Sorts objects and their `locations` and removes duplicates; adds the audiences of scopes and objects to `resources`.
    pub fn new(
        scopes: BTreeSet<ScopeGrant>,
        details: Vec<Detail>,
        mut resources: BTreeSet<ResourceUri>,
    ) -> Self {
        let mut details: Vec<Detail> = details.into_iter().map(sort_locations).collect();
        details.sort_by_cached_key(sort_key);
        details.dedup();
        resources.extend(scopes.iter().map(|grant| grant.resource.clone()));
        resources.extend(details.iter().filter_map(object::locations).flatten());
        Self {
            scopes,
            details,
            resources,
        }
    }

    pub const fn scopes(&self) -> &BTreeSet<ScopeGrant> {
        &self.scopes
    }

    pub fn details(&self) -> &[Detail] {
        &self.details
    }

    /// Every audience, also those without scope or object.
    pub const fn resources(&self) -> &BTreeSet<ResourceUri> {
        &self.resources
    }

    pub fn is_empty(&self) -> bool {
        self.scopes.is_empty() && self.details.is_empty() && self.resources.is_empty()
    }

    /// The names of the scopes at `resource`.
    pub fn scopes_at(&self, resource: &ResourceUri) -> BTreeSet<String> {
        let here = self
            .scopes
            .iter()
            .filter(|grant| grant.resource == *resource);
        here.map(|grant| grant.scope.clone()).collect()
    }

    /// Whether `child` is nowhere wider. Pointers are into the child's `authorization_details` (`/0/instructed_amount/amount`), or
    /// `/scope/NAME` or `/resource/URI`. Errors do not show granted values.
    pub fn covers(&self, child: &Self, types: &Types) -> Result<(), Vec<Excess>> {
        let mut excess = self.excess_scopes(child);
        excess.extend(
            child
                .resources
                .difference(&self.resources)
                .map(|uri| Excess {
                    pointer: pointer::join("/resource", uri.as_str()),
                    requested: json!(uri),
                    granted: None,
                }),
        );
        let mut used = BTreeSet::new();
        for (place, detail) in child.details.iter().enumerate() {
            excess.extend(self.excess_of(detail, &format!("/{place}"), types, &mut used));
        }
        if excess.is_empty() {
            Ok(())
        } else {
            Err(without_granted(excess))
        }
    }

    /// The widest authority that both cover.
    pub fn meet(&self, other: &Self, types: &Types) -> Self {
        let mut details: Vec<Detail> = Vec::new();
        for (a, b) in self
            .details
            .iter()
            .flat_map(|a| other.details.iter().map(move |b| (a, b)))
        {
            let (Some(reference), Some(definition)) = (a.reference(), types.of(a)) else {
                continue;
            };
            let spent = object::is_once(definition)
                && details.iter().any(|d| d.reference() == Some(reference));
            if b.reference() == Some(reference) && !spent {
                details.extend(object::meet(definition, a, b));
            }
        }
        let scopes = self.scopes.intersection(&other.scopes).cloned().collect();
        let resources = self
            .resources
            .intersection(&other.resources)
            .cloned()
            .collect();
        Self::new(scopes, drop_covered(details, types), resources)
    }

    /// The part for one `audience`; each object has this one location.
    pub fn view(&self, audience: &ResourceUri) -> Self {
        let only = BTreeSet::from([audience.clone()]);
        let here = |d: &&Detail| object::locations(d).is_some_and(|uris| uris.contains(audience));
        let details = self.details.iter().filter(here);
        Self::new(
            self.scopes
                .iter()
                .filter(|grant| grant.resource == *audience)
                .cloned()
                .collect(),
            details
                .map(|d| object::with_locations(d.clone(), &only))
                .collect(),
            self.resources.intersection(&only).cloned().collect(),
        )
    }

    /// The normal form: two authorities that cover each other have the same. Objects of unknown types stay as they are.
    pub fn normal(&self, types: &Types) -> Self {
        let write = |detail: &Detail| {
            let normal = types
                .of(detail)
                .map(|t| object::rewrite(t, detail, ValueForm::Normal, ""));
            normal
                .and_then(Result::ok)
                .unwrap_or_else(|| detail.clone())
        };
        let details = Self::new(
            BTreeSet::new(),
            self.details.iter().map(write).collect(),
            BTreeSet::new(),
        );
        let details = drop_covered(details.details, types);
        Self::new(self.scopes.clone(), details, self.resources.clone())
    }

    /// `sha-256:` and the base64url SHA-256 over the canonical JSON (RFC 8785) of this authority and the task's salt.
    pub fn hash(&self, salt: &str) -> String {
        let salted = json!({ "authority": self, "salt": salt });
        let text = serde_json_canonicalizer::to_vec(&salted).unwrap_or_default();
        format!("sha-256:{}", URL_SAFE_NO_PAD.encode(Sha256::digest(text)))
    }

    fn excess_scopes<'a>(&'a self, child: &'a Self) -> Vec<Excess> {
        let extra = child.scopes.difference(&self.scopes);
        extra
            .map(|grant| Excess {
                pointer: pointer::join("/scope", &grant.scope),
                requested: json!(grant),
                granted: None,
            })
            .collect()
    }

    /// The members of one object of a child that are wider than in the objects with its `ref`.
    fn excess_of(
        &self,
        child: &Detail,
        at: &str,
        types: &Types,
        used: &mut BTreeSet<String>,
    ) -> Vec<Excess> {
        let Some(reference) = child.reference() else {
            return vec![object::missing("ref", child, at)];
        };
        let parents: Vec<&Detail> = self
            .details
            .iter()
            .filter(|d| d.reference() == Some(reference))
            .collect();
        if parents.is_empty() {
            return vec![object::missing("ref", child, at)];
        }
        let Some(definition) = child.type_hash().and_then(|_| types.of(child)) else {
            return vec![object::missing("type_hash", child, at)];
        };
        // `use: once`: a second object with the same `ref` would be a second use.
        if object::is_once(definition) && !used.insert(reference.to_owned()) {
            return vec![object::whole(child, at)];
        }
        closest(
            parents
                .iter()
                .map(|parent| object::compare(definition, parent, child, at)),
        )
    }
}

impl From<Parts> for Authority {
    fn from(parts: Parts) -> Self {
        let (scopes, resources) = (parts.scopes, parts.resources);
        Self::new(
            scopes.into_iter().collect(),
            parts.authorization_details,
            resources.into_iter().collect(),
        )
    }
}

impl From<Authority> for Parts {
    fn from(authority: Authority) -> Self {
        let Authority {
            scopes,
            details,
            resources,
        } = authority;
        let mut scopes: Vec<ScopeGrant> = scopes.into_iter().collect();
        scopes.sort_by(|a, b| {
            let resources = a.resource.as_str().cmp(b.resource.as_str());
            resources.then_with(|| a.scope.cmp(&b.scope))
        });
        let mut resources: Vec<ResourceUri> = resources.into_iter().collect();
        resources.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        Self {
            scopes,
            authorization_details: details,
            resources,
        }
    }
}

/// The shortest list: that of the closest object.
pub(crate) fn closest(lists: impl Iterator<Item = Vec<Excess>>) -> Vec<Excess> {
    lists.min_by_key(Vec::len).unwrap_or_default()
}

pub(crate) fn without_granted(mut excess: Vec<Excess>) -> Vec<Excess> {
    for one in &mut excess {
        one.granted = None;
    }
    excess
}

/// Removes each object that another with the same `ref` covers; of two equal ones the second.
fn drop_covered(details: Vec<Detail>, types: &Types) -> Vec<Detail> {
    let below = |child: &Detail, parent: &Detail| {
        child.reference() == parent.reference()
            && types
                .of(child)
                .is_some_and(|t| object::compare(t, parent, child, "").is_empty())
    };
    let mut kept: Vec<Detail> = Vec::with_capacity(details.len());
    for detail in details {
        if !kept.iter().any(|other| below(&detail, other)) {
            kept.retain(|other| !below(other, &detail));
            kept.push(detail);
        }
    }
    kept
}

fn sort_locations(detail: Detail) -> Detail {
    match object::locations(&detail) {
        Some(uris) => object::with_locations(detail, &uris),
        None => detail,
    }
}

fn sort_key(detail: &Detail) -> (String, String) {
    let text = serde_json_canonicalizer::to_string(detail).unwrap_or_default();
    (detail.reference().unwrap_or_default().to_owned(), text)
}
