//! Refresh tokens (OAuth 2.1 section 4.3, RFC 9449 section 5).
//! A confidential client's is bound to the client and not rotated; a public client's is rotated, and bound to its key.

use std::collections::BTreeSet;

use writ_authority::{Authority, NarrowError, NarrowRequest, Narrowed};
use writ_jose::key::Thumbprint;
use writ_wire::resource::ResourceUri;
use writ_wire::scope::Scope;
use writ_wire::time::Timestamp;
use writ_wire::token::RefreshRequest;

use crate::ceiling::{too_wide, within_ceiling};
use crate::client::Client;
use crate::code::Consumed;
use crate::guest;
use crate::id::{ClientId, DelegationId};
use crate::lineage::Lineage;
use crate::oauth_error::OAuthError;
use crate::realm::DecisionContext;
use crate::rotation::{self, Reuse, Successor};
use crate::target;

/// One row of `refresh_tokens`; the token itself is kept nowhere.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRefreshToken {
    pub digest: String,
    pub client: ClientId,
    pub delegation: DelegationId,
    pub binding: Binding,
    /// Of the access token that came with it, if it took the place of another refresh token.
    pub access_jti: Option<String>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// What each use must show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// Nothing but the client: bearer, by permission.
    None,
    /// A proof by any key of the client (confidential clients).
    AnyKey,
    /// A proof by this key (public clients).
    Key(Thumbprint),
}

impl Binding {
    /// A grant that was bound once stays bound.
    pub fn of(client: &Client, proof: Option<&Thumbprint>) -> Self {
        match proof {
            None => Self::None,
            Some(key) if client.is_public() => Self::Key(key.clone()),
            Some(_) => Self::AnyKey,
        }
    }
}

/// A refresh token as it is found, with everything above it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundRefreshToken {
    pub row: NewRefreshToken,
    /// Rotated away.
    pub consumed: Option<Consumed>,
    /// What took its place; absent also if it was rotated by a version that did not write it.
    pub successor: Option<Successor>,
    /// When it got its second successor.
    pub twin_at: Option<Timestamp>,
    /// When another took its place before it was used.
    pub dead_at: Option<Timestamp>,
    pub lineage: Lineage,
}

/// What a refresh gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Refreshed {
    pub audience: ResourceUri,
    pub narrowed: Narrowed,
    pub view: Authority,
    /// The scopes that the client holds by this answer, over all resources.
    pub scope: Scope,
    pub rotation: Rotation,
}

/// Which refresh token comes with the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// None: the old one goes on.
    Keep,
    /// The first successor.
    Successor,
    /// The second and last one, because the first answer was lost: it replaces the successor with this digest.
    Twin { replaces: String },
}

#[derive(Clone, Debug, PartialEq)]
pub enum RefreshOutcome {
    Refresh(Box<Refreshed>),
    Refuse(OAuthError),
    /// Somebody else has the token: its grant is stopped, and the person is told.
    RefuseAndStop(OAuthError),
}

/// Decides; rotation is one guarded statement of the caller.
pub fn refresh(
    found: &FoundRefreshToken,
    request: &RefreshRequest,
    client: &Client,
    proof: Option<&Thumbprint>,
    context: DecisionContext<'_>,
) -> RefreshOutcome {
    if found.row.client != client.id {
        return RefreshOutcome::Refuse(unknown().because("refresh token of another client"));
    }
    if let Err(refusal) = bound(&found.row.binding, proof) {
        return RefreshOutcome::Refuse(refusal);
    }
    let rotation = match rotation::reuse(found, proof, context.now) {
        None if client.is_public() => Rotation::Successor,
        None => Rotation::Keep,
        Some(Reuse::Twin { replaces }) => Rotation::Twin { replaces },
        Some(Reuse::Raced) => {
            return RefreshOutcome::Refuse(unknown().because("refresh token used at once"));
        }
        Some(Reuse::Theft) => {
            return RefreshOutcome::RefuseAndStop(unknown().because("refresh token used before"));
        }
    };
    let granted = &found.lineage.leaf.authority;
    let proved = guest::require_proof(granted, client, proof.is_some(), context.realm);
    match proved.and_then(|()| allowed(found, request, client, context)) {
        Ok(allowed) => RefreshOutcome::Refresh(Box::new(Refreshed {
            rotation,
            ..allowed
        })),
        Err(refusal) => RefreshOutcome::Refuse(refusal),
    }
}

pub fn unknown() -> OAuthError {
    OAuthError::invalid_grant("the refresh token is unknown, expired or used")
}

fn bound(binding: &Binding, proof: Option<&Thumbprint>) -> Result<(), OAuthError> {
    match (binding, proof) {
        (Binding::None, _) | (Binding::AnyKey, Some(_)) => Ok(()),
        (Binding::Key(key), Some(proof)) if key == proof => Ok(()),
        (Binding::Key(_), Some(_)) => Err(OAuthError::invalid_grant(
            "the proof's key is not the one that the refresh token is bound to",
        )),
        (Binding::AnyKey | Binding::Key(_), None) => Err(OAuthError::invalid_request(
            "this grant is bound to a key: send a `DPoP` header",
        )),
    }
}

fn allowed(
    found: &FoundRefreshToken,
    request: &RefreshRequest,
    client: &Client,
    context: DecisionContext<'_>,
) -> Result<Refreshed, OAuthError> {
    let DecisionContext { realm, now } = context;
    if now >= found.row.expires_at {
        return Err(unknown().because("refresh token expired"));
    }
    found
        .lineage
        .require_live(context, OAuthError::invalid_grant)?;
    let granted = &found.lineage.leaf.authority;
    // A scope that was removed from the client stops refresh.
    if let Some(gone) = granted
        .scopes()
        .iter()
        .find(|s| !client.may_ask_scope(&s.scope))
    {
        return Err(OAuthError::invalid_grant(format!(
            "scope `{}` is no longer registered for this client",
            gone.scope
        )));
    }
    within_ceiling(granted, client, realm).map_err(|r| {
        OAuthError::invalid_grant("the grant is wider than what this client may have now")
            .because(r.sentence)
    })?;
    found.lineage.require_agreement(client, realm)?;
    let audience = target::audience(granted, &request.resource, realm)?;
    let asked = NarrowRequest {
        scopes: asked_of(granted, request.scope.as_ref(), &audience)?,
        details: request.authorization_details.clone(),
        audience: audience.clone(),
    };
    let narrowed = granted
        .narrow(&asked, realm.types)
        .map_err(|e| narrowing(e, "the grant"))?;
    let view = narrowed.authority.view(&audience);
    Ok(Refreshed {
        scope: request
            .scope
            .clone()
            .unwrap_or_else(|| granted_scope(granted)),
        audience,
        narrowed,
        view,
        rotation: Rotation::Keep,
    })
}

/// The names of all scopes of a grant, over all its resources: what the person agreed to.
fn granted_scope(granted: &Authority) -> Scope {
    granted.scopes().iter().map(|s| s.scope.clone()).collect()
}

/// What is asked of this audience. RFC 6749 section 6 measures the request by the whole grant, whose scopes may span several
/// resources; the token then has those of its audience.
fn asked_of(
    granted: &Authority,
    asked: Option<&Scope>,
    audience: &ResourceUri,
) -> Result<Option<BTreeSet<String>>, OAuthError> {
    let Some(asked) = asked else { return Ok(None) };
    let of = |name: &str, resource: Option<&ResourceUri>| {
        let mut scopes = granted.scopes().iter();
        scopes.any(|s| s.scope == name && resource.is_none_or(|one| s.resource == *one))
    };
    let wider: Vec<String> = asked
        .iter()
        .filter(|name| !of(name, None))
        .map(str::to_owned)
        .collect();
    if !wider.is_empty() {
        return Err(narrowing(NarrowError::Scope(wider), "the grant"));
    }
    let here: BTreeSet<String> = asked
        .iter()
        .filter(|name| of(name, Some(audience)))
        .map(str::to_owned)
        .collect();
    if here.is_empty() && asked.iter().next().is_some() {
        return Err(OAuthError::invalid_scope(format!(
            "no scope of the request is one of `{audience}`: name another `resource`"
        )));
    }
    Ok(Some(here))
}

/// A failed narrowing as a refusal, with the code that its kind has.
pub fn narrowing(error: NarrowError, measure: &str) -> OAuthError {
    match error {
        NarrowError::Target => OAuthError::invalid_target("the resource was not granted"),
        NarrowError::Scope(names) => OAuthError::invalid_scope(format!(
            "scope `{}` is wider than {measure}",
            names.join(" ")
        )),
        NarrowError::Details(excess) => too_wide(measure, excess),
        NarrowError::Ambiguous { refs } => OAuthError::invalid_details(format!(
            "several granted objects cover the one asked for: name one by `ref`, of `{}`",
            refs.join("`, `")
        )),
        NarrowError::Bad(problem) => OAuthError::invalid_details(problem.to_string()),
    }
}
