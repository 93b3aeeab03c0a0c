//! Consent that is not asked for again (OpenID Connect Core 3.1.2.4): of clients of the house, and of what a person agreed to before.
//! Only ordinary clients that authenticate, only scopes, and only where the code goes to a web server or to this device.

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;
use writ_authority::{Authority, ScopeGrant};
use writ_jose::hash;
use writ_wire::claims::ApprovalBasis;
use writ_wire::redirect::is_loopback;
use writ_wire::registration::Profile;

use crate::client::Client;
use crate::realm::Realm;
use crate::request::PreparedRequest;

/// How long a consent is remembered.
pub const REMEMBERED_FOR: Duration = Duration::from_secs(90 * 24 * 3600);
/// The most remembered scopes, of one client, and clients, of one person, that are read.
pub const MAX_REMEMBERED: i64 = 256;

/// Scopes to which a person agreed, each with a digest of the words in which they read it, the client's name among them: other words
/// are asked again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RememberedScopes(pub BTreeMap<ScopeGrant, String>);

impl RememberedScopes {
    pub fn iter(&self) -> impl Iterator<Item = (&ScopeGrant, &str)> {
        self.0.iter().map(|(grant, words)| (grant, words.as_str()))
    }

    /// Whether each of these is remembered in the same words.
    pub fn cover(&self, asked: &Self) -> bool {
        let same = |(grant, words): (&ScopeGrant, &str)| {
            self.0.get(grant).is_some_and(|kept| kept == words)
        };
        asked.iter().all(same)
    }
}

/// Why a person is not asked for consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkippedConsent {
    /// They agreed to the same before.
    Remembered,
    /// The client belongs to the house: nobody is asked.
    FirstParty,
}

impl SkippedConsent {
    /// For the record, as the method of the consent.
    pub const fn method(self) -> &'static str {
        match self {
            Self::Remembered => "remembered",
            Self::FirstParty => "first_party",
        }
    }

    /// Who decided, as tokens say it: nobody about a client of the house.
    pub const fn basis(self) -> ApprovalBasis {
        match self {
            Self::Remembered => ApprovalBasis::Consent,
            Self::FirstParty => ApprovalBasis::Policy,
        }
    }
}

/// What is asked for, in the words of now.
pub fn asked(authority: &Authority, client: &Client, realm: Realm<'_>) -> RememberedScopes {
    let scopes = authority.scopes().iter();
    let words = |one: &ScopeGrant| (one.clone(), words(one, client, realm));
    RememberedScopes(scopes.map(words).collect())
}

/// No name and no words have a line break (`registration`), so that no two texts are one.
fn words(grant: &ScopeGrant, client: &Client, realm: Realm<'_>) -> String {
    let resource = realm.resources.get(&grant.resource);
    let name = resource.map_or(grant.resource.as_str(), |resource| &resource.name);
    let mut text = format!("{}\n{name}\n{}", client.name, grant.scope);
    let says = resource.and_then(|resource| resource.says.get(&grant.scope));
    for (language, words) in says.into_iter().flatten() {
        text.push_str(&format!("\n{language}\n{words}"));
    }
    hash::digest_text(&[text.as_bytes()])
}

/// Whether consents to a client outlive this change of its record: it lost nothing and is called the same. What it can do beyond is
/// asked by itself, and its keys and secrets are no part of what a person agreed to.
pub fn outlive(before: &Client, after: &Client) -> bool {
    let has_all =
        |before: &[String], after: &[String]| before.iter().all(|one| after.contains(one));
    before.name == after.name
        && before.profile == after.profile
        && before.is_public() == after.is_public()
        && before.openid.consent == after.openid.consent
        && has_all(&before.redirect_uris, &after.redirect_uris)
        && before.scope.is_subset(&after.scope)
}

/// Whether consent to this request may be remembered, or left out, at all.
pub fn may_skip_consent(prepared: &PreparedRequest, client: &Client) -> bool {
    let authority = &prepared.authority;
    let scopes_only = authority.details().is_empty()
        && authority
            .resources()
            .iter()
            .all(|uri| !crate::consent::is_bare(authority, uri));
    client.profile == Profile::Oauth21
        && !client.is_agent()
        && !client.is_public()
        && prepared.purpose.is_none()
        && scopes_only
        && returns_safely(&prepared.redirect_uri)
}

/// https, or a loopback address of this device.
fn returns_safely(redirect_uri: &str) -> bool {
    Url::parse(redirect_uri).is_ok_and(|url| match url.scheme() {
        "https" => true,
        "http" => is_loopback(&url),
        _ => false,
    })
}
