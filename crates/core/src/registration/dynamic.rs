//! Clients that register themselves (RFC 7591): guests, whatever they ask for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use writ_jose::hash;
use writ_wire::registration::{ClientFile, Profile};
use writ_wire::registration_request::{RegisteredMetadata, RegistrationRefusal};
use writ_wire::time::Timestamp;

use crate::client::Client;
use crate::guest::{GuestLifetime, GuestPolicy};
use crate::id::{ClientId, ENTROPY};
use crate::oauth_error::OAuthError;

/// How their identifiers begin: no URL, no person, no agent.
pub const DYNAMIC_PREFIX: &str = "dyn_";
/// Requests of one client about its own registration in an hour: one more is refused.
pub const MAX_MANAGED_OF_CLIENT: u32 = 60;
/// The same from one address, about whichever registrations.
pub const MAX_MANAGED_FROM_ADDRESS: u32 = 300;
/// One registration ends so many others at most.
pub const MAX_ENDED_AT_ONCE: u64 = 16;
/// Where too many wait, one in so many of them ends with those that are too many: who waits is read once for several.
const ENDED_PART: u64 = 64;
/// The most registrations that one initial access token serves.
pub const MAX_INVITE_USES: u32 = 10_000;
/// The longest life of an initial access token.
pub const MAX_INVITE_LIFE: Duration = Duration::from_secs(90 * 24 * 3600);

/// Who may register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RegistrationMode {
    #[default]
    Off,
    /// Whoever brings an initial access token.
    Token,
    /// Everybody, within limits.
    Open,
}

/// Open registration: how often, and how long what nobody uses is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrationRules {
    pub mode: RegistrationMode,
    /// In an hour, from one address.
    pub per_address: u32,
    /// That no person agreed to yet, from all addresses together: one more ends some of the site that has most.
    pub in_all: u32,
    pub unused: Duration,
}

impl Default for RegistrationRules {
    fn default() -> Self {
        Self {
            mode: RegistrationMode::Off,
            per_address: 30,
            in_all: 10_000,
            unused: Duration::from_secs(24 * 3600),
        }
    }
}

impl RegistrationRules {
    /// When a new registration ends that nobody uses; an invited client's stays.
    pub fn expires_at(&self, now: Timestamp) -> Option<Timestamp> {
        (self.mode == RegistrationMode::Open).then(|| now.plus(self.unused))
    }

    /// How many registrations end where so many wait.
    pub fn ended_of(&self, waiting: u64) -> u32 {
        let in_all = u64::from(self.in_all);
        let ended = match waiting.saturating_sub(in_all) {
            0 => 0,
            above => MAX_ENDED_AT_ONCE.min(above + in_all / ENDED_PART),
        };
        u32::try_from(ended).unwrap_or(u32::MAX)
    }
}

pub fn make_id(now: Timestamp, entropy: [u8; ENTROPY]) -> ClientId {
    let made = ClientId::make(now, entropy);
    ClientId::from_text(made.as_str().replacen(ClientId::PREFIX, DYNAMIC_PREFIX, 1))
}

pub fn is_dynamic(id: &str) -> bool {
    id.starts_with(DYNAMIC_PREFIX)
}

/// The file of a client that registered itself.
pub fn file(metadata: &RegisteredMetadata, id: &ClientId) -> ClientFile {
    let name = metadata.client_name.clone();
    ClientFile {
        client_id: Some(id.to_string()),
        client_name: name.unwrap_or_else(|| id.to_string()),
        redirect_uris: metadata.redirect_uris.clone(),
        grant_types: Some(metadata.grant_types.clone()),
        token_endpoint_auth_method: Some(metadata.token_endpoint_auth_method),
        token_endpoint_auth_signing_alg: metadata.token_endpoint_auth_signing_alg.clone(),
        jwks: metadata.jwks.clone(),
        jwks_uri: metadata.jwks_uri.clone(),
        application_type: metadata.application_type,
        bearer: !metadata.dpop_bound_access_tokens,
        require_pushed_authorization_requests: Some(metadata.require_pushed_authorization_requests),
        task_lifetime: Some(GuestLifetime::Month.duration().as_secs()),
        ..ClientFile::bare(Profile::Guest)
    }
}

/// Whether what was asked for makes a client. `secret`: the digest of its secret, where its method has one.
pub fn admit(
    metadata: &RegisteredMetadata,
    id: &ClientId,
    secret: Option<String>,
    policy: &GuestPolicy,
) -> Result<Client, RegistrationRefusal> {
    for uri in &metadata.redirect_uris {
        if let Some(because) = policy.refuse_redirect(uri, None) {
            return Err(RegistrationRefusal::redirect(format!(
                "a member of `redirect_uris` is not taken: {because}"
            )));
        }
    }
    if let Some(jwks_uri) = &metadata.jwks_uri {
        let denied = |refusal: OAuthError| RegistrationRefusal::metadata(refusal.sentence);
        policy.admit_keys(jwks_uri).map_err(denied)?;
    }
    super::client(&file(metadata, id), id.clone(), secret, None)
        .map_err(|faults| RegistrationRefusal::metadata(faults.to_string()))
}

/// What events say of a registration: which members it has, and a digest of all of them. Events are never deleted, so a client that
/// nobody vouches for does not choose what stands in them.
pub struct MetadataSummary {
    pub digest: String,
    members: BTreeMap<String, Value>,
}

impl MetadataSummary {
    /// `metadata`: [`RegisteredMetadata`] as JSON.
    pub fn of(metadata: &str) -> Result<Self, serde_json::Error> {
        Ok(Self {
            digest: hash::digest_text(&[b"registration", metadata.as_bytes()]),
            members: serde_json::from_str(metadata)?,
        })
    }

    /// What it says at all.
    pub fn names(&self) -> Vec<&str> {
        self.members.keys().map(String::as_str).collect()
    }

    /// What the other one says otherwise, or does not say.
    pub fn names_changed_since<'a>(&'a self, before: &'a Self) -> Vec<&'a str> {
        let names: BTreeSet<&String> = self.members.keys().chain(before.members.keys()).collect();
        let changed = names.into_iter();
        let changed = changed.filter(|name| self.members.get(*name) != before.members.get(*name));
        changed.map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(more: &str) -> RegisteredMetadata {
        let body = format!(r#"{{"redirect_uris":["https://app.example/cb"]{more}}}"#);
        RegisteredMetadata::parse(body.as_bytes()).unwrap()
    }

    #[test]
    fn a_registration_too_many_ends_some() {
        for (in_all, waiting, ended) in [
            (5, 4, 0),
            (5, 5, 0),
            (5, 6, 1),
            (5, 9, 4),
            (5, 1000, 16),
            (640, 640, 0),
            (640, 641, 11),
            (10_000, 10_001, 16),
        ] {
            let rules = RegistrationRules {
                in_all,
                ..RegistrationRules::default()
            };
            assert_eq!(rules.ended_of(waiting), ended, "{waiting} of {in_all}");
        }
    }

    fn id() -> ClientId {
        make_id(Timestamp::from_seconds(1), [7; ENTROPY])
    }

    #[test]
    fn it_is_a_guest_by_our_name_with_a_quoted_one_of_its_own() {
        let asked = metadata(
            r#","client_name":"Your \u201dBank\u201c","token_endpoint_auth_method":"none",
            "grant_types":["authorization_code","refresh_token","client_credentials"]"#,
        );
        let client = admit(&asked, &id(), None, &GuestPolicy::default()).unwrap();
        assert!(client.id.as_str().starts_with(DYNAMIC_PREFIX));
        assert_eq!(client.name, "\u{201c}Your 'Bank'\u{201d}");
        assert!(client.is_guest() && client.is_public());
        let guest = client.guest.unwrap();
        assert_eq!(
            (guest.host, guest.says.as_str()),
            (None, "Your \u{201d}Bank\u{201c}")
        );
        assert_eq!(client.grant_types.len(), 2);
        let nameless = metadata(r#","token_endpoint_auth_method":"none""#);
        let client = admit(&nameless, &id(), None, &GuestPolicy::default()).unwrap();
        assert_eq!(client.name, id().to_string());
        assert_eq!(client.guest.unwrap().says, "");
        assert_eq!(client.grant_types.len(), 1, "the default is the code grant");
    }

    #[test]
    fn redirect_uris_are_judged_as_those_of_documents_are() {
        let admitted = |uri: &str| {
            let body =
                format!(r#"{{"redirect_uris":["{uri}"],"token_endpoint_auth_method":"none"}}"#);
            let asked = RegisteredMetadata::parse(body.as_bytes()).unwrap();
            let policy = GuestPolicy {
                schemes: ["cursor".to_owned()].into(),
                ..GuestPolicy::default()
            };
            admit(&asked, &id(), None, &policy).is_ok()
        };
        for good in [
            "https://app.example/cb",
            "http://localhost:3000/cb",
            "http://127.0.0.1/",
            "com.example.app://cb",
            "cursor://anything/cb",
        ] {
            assert!(admitted(good), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "data:text/html,x",
            "vscode://x/cb",
            "http://app.example/cb",
            "http://localhost.app.example/cb",
            "https://app.example/cb#x",
            "https://*.app.example/cb",
            "https://app.example@other.example/cb",
            "/cb",
        ] {
            assert!(!admitted(bad), "{bad}");
        }
    }
}
