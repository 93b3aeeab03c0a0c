//! Narrows an authority to what a refresh (RFC 6749 section 6) or token exchange (RFC 8693) asks for. A request for more is refused
//! with a pointer to the member that is too wide, never reduced silently.

use std::collections::BTreeSet;

use writ_wire::error::Excess;
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;

use crate::authority::{Authority, ScopeGrant, closest, without_granted};
use crate::definition::TypeDefinition;
use crate::legible;
use crate::object;
use crate::problem::Problem;
use crate::tree::ValueForm;
use crate::types::Types;

/// What a token request asks for; `None` is everything for that audience.
#[derive(Clone, Debug, PartialEq)]
pub struct NarrowRequest {
    pub scopes: Option<BTreeSet<String>>,
    pub details: Option<Vec<Detail>>,
    pub audience: ResourceUri,
}

/// The requested part of an authority.
#[derive(Clone, Debug, PartialEq)]
pub struct Narrowed {
    pub authority: Authority,
    /// Whether the request left out something for that audience. If so, the new delegation has exactly [`Self::authority`], for good;
    /// if not, it has all that the old one has.
    pub reduced: bool,
}

/// Why a request is refused, by OAuth error code.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NarrowError {
    /// `invalid_target`.
    #[error("the audience is not granted")]
    Target,
    /// `invalid_scope`: these names.
    #[error("scopes are not granted: {}", .0.join(" "))]
    Scope(Vec<String>),
    /// `invalid_authorization_details` with `excess`.
    #[error("authorization details are wider than what is granted")]
    Details(Vec<Excess>),
    /// `invalid_authorization_details`: the request must name one `ref`.
    #[error("several granted objects cover what is asked, name one by `ref`: {}", .refs.join(" "))]
    Ambiguous { refs: Vec<String> },
    /// `invalid_authorization_details`.
    #[error("{0}")]
    Bad(#[from] Problem),
}

impl Authority {
    /// The requested part of this authority. Requested objects need not pass `check_requested`: they are interpreted by the version of
    /// the type under which the parent was granted. Errors do not show granted values.
    pub fn narrow(&self, asked: &NarrowRequest, types: &Types) -> Result<Narrowed, NarrowError> {
        self.narrow_presented(asked, types)
            .map_err(|error| match error {
                NarrowError::Details(excess) => NarrowError::Details(without_granted(excess)),
                other => other,
            })
    }

    /// As [`Self::narrow`], but errors show granted values: only if the presented token has this audience, so that its holder knows
    /// them already.
    pub fn narrow_presented(
        &self,
        asked: &NarrowRequest,
        types: &Types,
    ) -> Result<Narrowed, NarrowError> {
        let view = self.view(&asked.audience);
        if view.is_empty() {
            return Err(NarrowError::Target);
        }
        let scopes = narrow_scopes(&view, asked)?;
        let details = match &asked.details {
            None => view.details().to_vec(),
            Some(details) => Asking {
                view: &view,
                asked,
                types,
            }
            .narrow_all(details)?,
        };
        let authority = Authority::new(scopes, details, BTreeSet::from([asked.audience.clone()]));
        let reduced = authority.normal(types) != view.normal(types);
        Ok(Narrowed { authority, reduced })
    }
}

fn narrow_scopes(
    view: &Authority,
    asked: &NarrowRequest,
) -> Result<BTreeSet<ScopeGrant>, NarrowError> {
    let Some(names) = &asked.scopes else {
        return Ok(view.scopes().clone());
    };
    let grants = names.iter().map(|scope| ScopeGrant {
        resource: asked.audience.clone(),
        scope: scope.clone(),
    });
    let (granted, extra): (BTreeSet<_>, BTreeSet<_>) =
        grants.partition(|grant| view.scopes().contains(grant));
    if extra.is_empty() {
        return Ok(granted);
    }
    Err(NarrowError::Scope(
        extra.into_iter().map(|grant| grant.scope).collect(),
    ))
}

struct Asking<'a> {
    view: &'a Authority,
    asked: &'a NarrowRequest,
    types: &'a Types,
}

impl Asking<'_> {
    fn narrow_all(&self, details: &[Detail]) -> Result<Vec<Detail>, NarrowError> {
        let mut narrowed = Vec::with_capacity(details.len());
        let mut used = BTreeSet::new();
        let mut excess = Vec::new();
        for (place, detail) in details.iter().enumerate() {
            let at = format!("/{place}");
            match self.narrow_one(detail, &at, &mut used) {
                Ok(detail) => narrowed.push(detail),
                Err(NarrowError::Details(more)) => excess.extend(more),
                Err(other) => return Err(other),
            }
        }
        if excess.is_empty() {
            Ok(narrowed)
        } else {
            Err(NarrowError::Details(excess))
        }
    }

    fn narrow_one(
        &self,
        asked: &Detail,
        at: &str,
        used: &mut BTreeSet<String>,
    ) -> Result<Detail, NarrowError> {
        let (parent, definition) = self.parent_of(asked, at)?;
        let reference = parent.reference().unwrap_or_default().to_owned();
        if object::is_once(definition) && !used.insert(reference) {
            return Err(NarrowError::Details(vec![object::whole(asked, at)]));
        }
        #[cfg(feature = "schema")]
        if let Some(problem) = definition
            .compiled_schema()
            .problem(&object::own_members(asked), at)
        {
            return Err(problem.into());
        }
        let tidy = object::rewrite(
            definition,
            &with_common_of(asked, parent),
            ValueForm::Tidy,
            at,
        )
        .map_err(|pointer| Problem::new(pointer, "this value is not well-formed"))?;
        // The narrowed object is shown to people too.
        legible::check(definition.tree(), &object::own_members(&tidy), at)?;
        Ok(tidy)
    }

    /// The one granted object that covers the requested one.
    fn parent_of(
        &self,
        asked: &Detail,
        at: &str,
    ) -> Result<(&Detail, &TypeDefinition), NarrowError> {
        let candidates = self.candidates(asked, at)?;
        let compared = candidates
            .iter()
            .map(|parent| self.excess(parent, asked, at));
        let compared: Vec<_> = compared.collect();
        let mut covering: Vec<&Detail> = Vec::new();
        for (parent, excess) in candidates.iter().zip(&compared) {
            // Objects with the same `ref` are one grant.
            if excess.is_empty() && !covering.iter().any(|c| c.reference() == parent.reference()) {
                covering.push(parent);
            }
        }
        let (Some(parent), None) = (covering.first(), covering.get(1)) else {
            return Err(match covering.is_empty() {
                true => NarrowError::Details(closest(compared.into_iter())),
                false => NarrowError::Ambiguous {
                    refs: references(&covering),
                },
            });
        };
        let unknown = || NarrowError::Details(vec![object::missing("type_hash", asked, at)]);
        Ok((parent, self.types.of(parent).ok_or_else(unknown)?))
    }

    /// The granted objects that may be meant: those with its `ref`, or those of its type.
    fn candidates(&self, asked: &Detail, at: &str) -> Result<Vec<&Detail>, NarrowError> {
        let members = asked.members();
        if members.get("ref").is_some_and(|name| !name.is_string()) {
            return Err(Problem::at(at, "ref", "this is not text").into());
        }
        let all = self.view.details().iter();
        let (name, meant): (_, Vec<&Detail>) = match asked.reference() {
            Some(_) => (
                "ref",
                all.filter(|d| d.reference() == asked.reference()).collect(),
            ),
            None => (
                "type",
                all.filter(|d| d.type_name() == asked.type_name()).collect(),
            ),
        };
        if meant.is_empty() {
            return Err(NarrowError::Details(vec![object::missing(name, asked, at)]));
        }
        Ok(meant)
    }

    fn excess(&self, parent: &Detail, asked: &Detail, at: &str) -> Vec<Excess> {
        let Some(definition) = parent.type_hash().and_then(|_| self.types.of(parent)) else {
            return vec![object::missing("type_hash", asked, at)];
        };
        let mut excess = object::compare_own(definition, parent, asked, at);
        // An agent may send an object back as it received it.
        for name in ["type_hash", "locations"] {
            let given = asked.members().get(name);
            let fits = match name {
                "locations" => self.is_here(asked),
                _ => given == parent.members().get(name),
            };
            if given.is_some() && !fits {
                excess.push(object::member_excess(name, parent, asked, at));
            }
        }
        excess
    }

    fn is_here(&self, asked: &Detail) -> bool {
        let only = BTreeSet::from([self.asked.audience.clone()]);
        object::locations(asked).is_some_and(|uris| uris == only)
    }
}

/// The requested members with the common members of the parent.
fn with_common_of(asked: &Detail, parent: &Detail) -> Detail {
    ["ref", "type_hash", "locations"]
        .iter()
        .fold(asked.clone(), |detail, name| {
            match parent.members().get(*name) {
                Some(value) => detail.with(name, value.clone()),
                None => detail.without(name),
            }
        })
}

fn references(details: &[&Detail]) -> Vec<String> {
    details
        .iter()
        .filter_map(|detail| detail.reference())
        .map(str::to_owned)
        .collect()
}
