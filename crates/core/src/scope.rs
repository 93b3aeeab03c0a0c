//! What scope names mean (RFC 6749 section 3.3, OpenID Connect Core sections 5.4 and 11): the ones of identity, the ones that
//! resources register, which unknown ones are left out, and what a request without any asks for.

use std::collections::BTreeSet;

use writ_authority::{Authority, ScopeGrant};
use writ_wire::registration::Profile;
use writ_wire::resource::ResourceUri;
use writ_wire::token::GrantType;

use crate::client::{Client, Resource};
use crate::guest;
use crate::oauth_error::OAuthError;
use crate::realm::Realm;
use crate::request::Wanted;

pub const OPENID: &str = "openid";
pub const PROFILE: &str = "profile";
pub const EMAIL: &str = "email";
pub const OFFLINE_ACCESS: &str = "offline_access";
/// Of the issuer too: a resource server's own token with it may ask for decisions (docs/decisions.md).
pub const ACCESS: &str = "access";
/// Known to every server, and granted at the issuer.
pub const IDENTITY: [&str; 4] = [OPENID, PROFILE, EMAIL, OFFLINE_ACCESS];

/// What happens to a scope name that nobody registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownScope {
    /// Left out: such clients ask for whatever they find listed. The answer says what was granted.
    LeftOut,
    Refused,
}

impl UnknownScope {
    pub const fn of(profile: Profile) -> Self {
        match profile {
            Profile::Oauth21 | Profile::Guest => Self::LeftOut,
            Profile::Fapi2 | Profile::Agent => Self::Refused,
        }
    }
}

/// What a client may ask for whose record names no `scope`.
pub fn unless_registered(profile: Profile) -> BTreeSet<String> {
    match profile {
        Profile::Oauth21 | Profile::Guest => IDENTITY.map(str::to_owned).into(),
        Profile::Fapi2 | Profile::Agent => BTreeSet::new(),
    }
}

/// Whether this scope belongs to the issuer, not to a resource.
pub fn is_identity(scope: &str) -> bool {
    IDENTITY.contains(&scope)
}

/// The scopes of identity that a person grants without a box of their own: whoever approves anything is known to the client.
pub fn without_box(authority: &Authority, realm: Realm<'_>) -> Vec<String> {
    let mut names: Vec<String> = authority.scopes_at(realm.issuer).into_iter().collect();
    names.retain(|name| name != EMAIL);
    names
}

/// Each scope name with the resource that it is for. `wanted.resources` are registered.
pub(crate) fn resolve(
    wanted: &Wanted<'_>,
    client: &Client,
    realm: Realm<'_>,
) -> Result<BTreeSet<ScopeGrant>, OAuthError> {
    let mut found = BTreeSet::new();
    for scope in wanted.scopes {
        if is_identity(scope) {
            found.extend(identity(scope, wanted, client, realm)?);
        } else if is_allowed(scope, client, realm)? {
            found.extend(homes(scope, wanted, client, realm)?);
        }
    }
    let named = names_scopes(wanted);
    if named && wanted.details.is_empty() && found.iter().all(|s| s.scope == OFFLINE_ACCESS) {
        return Err(OAuthError::invalid_scope(if client.is_guest() {
            "no scope that was asked for is known here and open to guests at the resource asked for"
        } else {
            "no scope that was asked for is known here: see `scopes_supported` of the metadata"
        }));
    }
    Ok(found)
}

/// What a request asks for that names neither scope nor object: the default scopes of the resource, for those clients whose
/// unknown scopes are left out.
pub(crate) fn defaults(
    wanted: &Wanted<'_>,
    client: &Client,
    realm: Realm<'_>,
) -> Result<BTreeSet<ScopeGrant>, OAuthError> {
    let tolerant = UnknownScope::of(client.profile) == UnknownScope::LeftOut;
    if !tolerant || names_scopes(wanted) || !wanted.details.is_empty() {
        return Ok(BTreeSet::new());
    }
    let mut found = BTreeSet::new();
    for resource in default_resources(wanted, realm)? {
        let scopes = resource.default_scopes.iter();
        let allowed = scopes.filter(|scope| is_open(&resource.uri, scope, client, realm));
        found.extend(allowed.map(|scope| grant(&resource.uri, scope)));
    }
    if found.is_empty() {
        return Err(OAuthError::invalid_scope(
            "the request asks for nothing: it names no `scope`, and no default scope is registered that this client may ask for",
        ));
    }
    Ok(found)
}

/// The resources named; without any, the only one that is registered.
fn default_resources<'a>(
    wanted: &Wanted<'_>,
    realm: Realm<'a>,
) -> Result<Vec<&'a Resource>, OAuthError> {
    if !wanted.resources.is_empty() {
        let named = wanted.resources.iter();
        return Ok(named.filter_map(|uri| realm.resources.get(uri)).collect());
    }
    let all: Vec<&Resource> = realm.resources.values().take(2).collect();
    if all.len() > 1 && realm.resources.have_default_scopes() {
        return Err(OAuthError::invalid_target(
            "the request names neither `scope` nor `resource`, and several resources are registered: name one",
        ));
    }
    Ok(if all.len() == 1 { all } else { Vec::new() })
}

/// `offline_access` alone names nothing that could be done.
fn names_scopes(wanted: &Wanted<'_>) -> bool {
    wanted.scopes.iter().any(|scope| scope != OFFLINE_ACCESS)
}

/// OpenID Connect Core 5.4 and 11: `profile` and `email` say more about whom `openid` names.
fn identity(
    scope: &str,
    wanted: &Wanted<'_>,
    client: &Client,
    realm: Realm<'_>,
) -> Result<Option<ScopeGrant>, OAuthError> {
    let tolerant = UnknownScope::of(client.profile) == UnknownScope::LeftOut;
    let registered = client.may_ask_scope(scope);
    let granted = Some(grant(realm.issuer, scope));
    if scope == OFFLINE_ACCESS && (registered || tolerant) {
        // It promises a refresh token, and nothing else.
        let promised = registered && client.may_use(GrantType::RefreshToken).is_ok();
        return Ok(granted.filter(|_| promised));
    }
    if !registered {
        return Err(not_registered(scope));
    }
    if scope == OPENID || wanted.scopes.iter().any(|other| other == OPENID) {
        return Ok(granted);
    }
    if tolerant {
        return Ok(None);
    }
    Err(OAuthError::invalid_scope(format!(
        "scope `{scope}` says more about the person whom `openid` names: ask for both"
    )))
}

/// Whether the client may ask for it; a name that no resource registers is left out or refused.
fn is_allowed(scope: &str, client: &Client, realm: Realm<'_>) -> Result<bool, OAuthError> {
    if client.may_ask_scope(scope) {
        return Ok(true);
    }
    let known = realm.resources.registering(scope).next().is_some();
    match UnknownScope::of(client.profile) {
        UnknownScope::LeftOut if !known => Ok(false),
        UnknownScope::LeftOut | UnknownScope::Refused => Err(not_registered(scope)),
    }
}

/// The resources that register it, among those that are named if any are.
fn homes(
    scope: &str,
    wanted: &Wanted<'_>,
    client: &Client,
    realm: Realm<'_>,
) -> Result<Vec<ScopeGrant>, OAuthError> {
    let open = |resource: &&Resource| is_open(&resource.uri, scope, client, realm);
    let grants = |resource: &Resource| grant(&resource.uri, scope);
    let homes: Vec<_> = match wanted.resources.is_empty() {
        // Two are too many already.
        true => {
            let registering = realm.resources.registering(scope);
            registering.filter(open).take(2).map(grants).collect()
        }
        false => {
            let named = wanted.resources.iter();
            let named = named.filter_map(|uri| realm.resources.get(uri));
            let registering = named.filter(|resource| resource.scopes.contains(scope));
            registering.filter(open).map(grants).collect()
        }
    };
    match homes.len() {
        0 if UnknownScope::of(client.profile) == UnknownScope::LeftOut => Ok(homes),
        0 => Err(OAuthError::invalid_scope(format!(
            "scope `{scope}` is not known at the resource asked for"
        ))),
        2.. if wanted.resources.is_empty() => Err(OAuthError::invalid_target(format!(
            "scope `{scope}` is registered by several resources: name one by `resource`"
        ))),
        _ => Ok(homes),
    }
}

/// Whether the client may have it there: by its registration, and for a guest by what the resource allows guests.
fn is_open(resource: &ResourceUri, scope: &str, client: &Client, realm: Realm<'_>) -> bool {
    let allowed = !client.is_guest() || guest::allows_scope(resource, scope, realm);
    allowed && client.may_ask_scope(scope)
}

fn grant(resource: &ResourceUri, scope: &str) -> ScopeGrant {
    ScopeGrant {
        resource: resource.clone(),
        scope: scope.to_owned(),
    }
}

fn not_registered(scope: &str) -> OAuthError {
    OAuthError::invalid_scope(format!("scope `{scope}` is not registered for this client"))
}

#[cfg(test)]
#[path = "scope/tests.rs"]
mod tests;
