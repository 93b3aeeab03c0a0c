//! Guests: clients that nobody registered here, known by their metadata document (draft-ietf-oauth-client-id-metadata-document-03)
//! or by open registration (RFC 7591).

mod admission;
mod kept;

use admission::is_shared;
pub use admission::{GuestPolicy, HostPattern, RefusedRedirect, admit, file};
pub use kept::{DocumentChange, KeptDocument};
pub use writ_wire::registration::GuestLifetime;

use std::collections::BTreeSet;

use url::Url;
use writ_authority::{Authority, TypeDefinition};
use writ_wire::claims::{PROFILE_NATIVE_APP, PROFILE_WEB_APP};
use writ_wire::client_document::ClientIdUrl;
use writ_wire::redirect::{self, RedirectKind};
use writ_wire::registration::{ApplicationType, ClientFile, GuestMode, Profile};
use writ_wire::resource::ResourceUri;
use writ_wire::token::GrantType;

use crate::client::{Client, Resource};
use crate::oauth_error::OAuthError;
use crate::realm::Realm;
use crate::registration::dynamic;
use crate::request::PreparedRequest;
use crate::requirements::{AskedUse, asked_use};
use crate::scope::is_identity;

/// What only a guest has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// The host of its document, as punycode; absent after open registration.
    pub host: Option<String>,
    /// How it calls itself.
    pub says: String,
    pub application_type: Option<ApplicationType>,
    /// Redirect URIs of its document that are not taken, each with the reason.
    pub refused_redirects: Vec<RefusedRedirect>,
}

/// Whatever its document says.
pub const GRANT_TYPES: [GrantType; 2] = [GrantType::AuthorizationCode, GrantType::RefreshToken];

/// Of these what it asked for; all of them if it says nothing.
pub fn grant_types(file: &ClientFile) -> BTreeSet<&'static str> {
    let asked = |grant: &&'static str| match &file.grant_types {
        Some(asked) => asked.iter().any(|asked| asked == grant),
        None => true,
    };
    let grants = GRANT_TYPES.map(GrantType::as_str).into_iter();
    grants.filter(asked).collect()
}

/// What may be chosen: whoever holds a bearer token for long is a thief with time.
pub fn offered_lifetimes(prepared: &PreparedRequest, realm: Realm<'_>) -> &'static [GuestLifetime] {
    if prepared.jkt.is_some() || always_bound(&prepared.authority, realm) {
        &GuestLifetime::ALL
    } else {
        &[GuestLifetime::Day, GuestLifetime::Week]
    }
}

/// What is chosen unless the person chooses otherwise: of what the resources say, the shortest.
pub fn preselected_lifetime(prepared: &PreparedRequest, realm: Realm<'_>) -> GuestLifetime {
    let said = visited(&prepared.authority, realm).map(|resource| resource.guests.lifetime);
    let offered = offered_lifetimes(prepared, realm);
    said.min()
        .filter(|shortest| offered.contains(shortest))
        .unwrap_or_default()
}

/// Types that are open to guests where this authority leads, and about each use of which people are asked: what is granted
/// once does not end the asking.
pub fn still_asked<'a>(
    authority: &Authority,
    realm: Realm<'a>,
) -> Vec<(&'a TypeDefinition, AskedUse)> {
    let open = visited(authority, realm).flat_map(|resource| &resource.guests.types);
    let open: BTreeSet<&String> = open.collect();
    let known = open
        .into_iter()
        .filter_map(|name| realm.types.by_name(name));
    known
        .filter_map(|definition| Some((definition, asked_use(definition)?)))
        .collect()
}

/// The resources where this authority leads, this server itself aside.
fn visited<'a>(authority: &Authority, realm: Realm<'a>) -> impl Iterator<Item = &'a Resource> {
    let uris = authority.resources().iter().cloned();
    uris.filter_map(move |uri| realm.resources.get(&uri))
}

/// The guest of a file, if it is one.
pub fn of_file(file: &ClientFile, id: &str) -> Option<Guest> {
    (file.profile == Profile::Guest).then(|| Guest {
        host: ClientIdUrl::parse(id).ok().map(|url| url.host().to_owned()),
        says: own_name(file, id).to_owned(),
        application_type: file.application_type,
        refused_redirects: Vec::new(),
    })
}

/// How it calls itself; empty for one that registered itself without a name, and goes by its identifier.
fn own_name<'a>(file: &'a ClientFile, id: &str) -> &'a str {
    match file.client_name == id {
        true => "",
        false => &file.client_name,
    }
}

/// The name of a client on every page: a guest's host, or its own words as a quotation, because nobody here checked what it calls
/// itself.
pub fn name(guest: Option<&Guest>, file: &ClientFile) -> String {
    let host = guest.and_then(|guest| guest.host.clone());
    host.unwrap_or_else(|| match file.client_id.as_deref() {
        Some(id) if dynamic::is_dynamic(id) && file.client_name != id => quoted(&file.client_name),
        _ => file.client_name.clone(),
    })
}

/// Nothing in it can end the quotation.
fn quoted(words: &str) -> String {
    let marks = |c: char| "\"\u{ab}\u{bb}\u{201c}\u{201d}\u{201e}\u{201f}".contains(c);
    format!("\u{201c}{}\u{201d}", words.replace(marks, "'"))
}

/// Whether this request shows that the guest is its host: a key that its document still has signed the push, or the code goes to
/// the document's own origin. What stood in the document only then, or stands there only now, shows nothing; and a host where
/// anybody may put a document shows nothing about who did.
pub fn is_verified(client: &Client, prepared: &PreparedRequest) -> bool {
    let host = client.guest.as_ref().and_then(|guest| guest.host.as_ref());
    if host.is_none_or(|host| is_shared(host)) {
        return false;
    }
    let signer = prepared.signed_by.as_ref();
    let signed = signer.is_some_and(|signer| client.has_key(signer));
    signed || redirect::origin(&prepared.redirect_uri) == redirect::origin(client.id.as_str())
}

/// Whether the code goes to a program on the person's own device: any of them could be asking.
pub fn is_on_device(redirect_uri: &str) -> bool {
    !matches!(redirect::kind(redirect_uri), Ok(RedirectKind::Web { .. }))
}

/// `sub_profile` in its `act`: as it says, else as its redirect URI shows.
pub fn profile(guest: &Guest, redirect_uri: &str) -> &'static str {
    match guest.application_type {
        Some(ApplicationType::Native) => PROFILE_NATIVE_APP,
        Some(ApplicationType::Web) => PROFILE_WEB_APP,
        None if is_on_device(redirect_uri) => PROFILE_NATIVE_APP,
        None => PROFILE_WEB_APP,
    }
}

/// Nothing but what each resource allows guests; of this server itself who the person is.
pub fn within(authority: &Authority, client: &Client, realm: Realm<'_>) -> Result<(), OAuthError> {
    if !client.is_guest() {
        return Ok(());
    }
    for scope in authority.scopes() {
        if !allows_scope(&scope.resource, &scope.scope, realm) {
            return Err(OAuthError::invalid_scope(format!(
                "scope `{}` is not open to guests at resource `{}`",
                scope.scope, scope.resource
            )));
        }
    }
    for (place, detail) in authority.details().iter().enumerate() {
        let closed = detail.locations().into_iter().find(|location| {
            let uri = ResourceUri::parse(location).ok();
            let resource = uri.and_then(|uri| realm.resources.get(&uri));
            !resource.is_some_and(|resource| resource.guests.types.contains(detail.type_name()))
        });
        if let Some(location) = closed {
            return Err(OAuthError::invalid_details(format!(
                "`/{place}/type`: type `{}` is not open to guests at resource `{location}`",
                detail.type_name()
            )));
        }
    }
    let closed = authority
        .resources()
        .iter()
        .find(|uri| *uri != realm.issuer && mode(uri, realm) == GuestMode::None);
    match closed {
        Some(uri) => Err(OAuthError::invalid_target(format!(
            "resource `{uri}` is not open to guests"
        ))),
        None => Ok(()),
    }
}

/// Whether guests may have this scope at this resource.
pub fn allows_scope(resource: &ResourceUri, scope: &str, realm: Realm<'_>) -> bool {
    if resource == realm.issuer {
        return is_identity(scope);
    }
    realm.resources.get(resource).is_some_and(|resource| {
        resource.guests.mode != GuestMode::None && resource.guests.scopes.contains(scope)
    })
}

/// A grant with a resource that takes bound tokens alone is bound as a whole.
pub fn require_proof(
    granted: &Authority,
    client: &Client,
    has_proof: bool,
    realm: Realm<'_>,
) -> Result<(), OAuthError> {
    let bound = granted
        .resources()
        .iter()
        .find(|uri| mode(uri, realm) == GuestMode::Bound);
    match bound.filter(|_| client.is_guest() && !has_proof) {
        Some(uri) => Err(OAuthError::invalid_request(format!(
            "resource `{uri}` takes only bound tokens of guests: send a `DPoP` header"
        ))),
        None => Ok(()),
    }
}

fn always_bound(authority: &Authority, realm: Realm<'_>) -> bool {
    authority
        .resources()
        .iter()
        .any(|uri| mode(uri, realm) == GuestMode::Bound)
}

fn mode(uri: &ResourceUri, realm: Realm<'_>) -> GuestMode {
    let resource = realm.resources.get(uri);
    resource.map_or(GuestMode::None, |resource| resource.guests.mode)
}

/// The host of a redirect URI as people read it: punycode, or the scheme of an app.
pub fn redirect_host(redirect_uri: &str) -> String {
    let url = Url::parse(redirect_uri).ok();
    url.map(|url| {
        url.host_str()
            .map_or_else(|| url.scheme().to_owned(), str::to_owned)
    })
    .unwrap_or_default()
}
