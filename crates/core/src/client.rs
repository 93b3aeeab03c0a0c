//! Registered clients, agents, resources and people, as decisions read them.

mod user;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use writ_authority::Ceiling;
use writ_jose::hash;
use writ_jose::key::{Algorithm, KeySet, Thumbprint};
use writ_wire::api::ApiScope;
use writ_wire::redirect;
use writ_wire::registration::{
    ApproversFile, AssertionAudience, Delivery, GuestLifetime, GuestMode, Profile, TaskClaim,
};
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;
use writ_wire::token::GrantType;

use crate::forward_auth::RouteTable;
use crate::guest::Guest;
use crate::id::{ClientId, UserId};
use crate::oauth_error::OAuthError;
use crate::onward::Onward;

pub use user::User;

/// A registered client; valid by construction (`registration`).
#[derive(Clone)]
pub struct Client {
    pub id: ClientId,
    pub name: String,
    pub profile: Profile,
    pub authentication: Authentication,
    /// Taken beside the secret until its time is over.
    pub earlier_secret: Option<EarlierSecret>,
    pub redirect_uris: Vec<String>,
    pub grant_types: BTreeSet<&'static str>,
    /// Scope names that it may ask for.
    pub scope: BTreeSet<String>,
    /// Types of `authorization_details` that it may ask for.
    pub details_types: BTreeSet<String>,
    pub require_pushed: bool,
    /// Whether every token must be bound to a key.
    pub dpop_bound: bool,
    pub assertion_audience: Option<AssertionAudience>,
    /// The only algorithm of its assertions, if it registered one.
    pub assertion_algorithm: Option<Algorithm>,
    pub task_lifetime: Duration,
    pub backchannel: Backchannel,
    /// Names of people whom it may ask though they agreed to nothing.
    pub may_ask: BTreeSet<String>,
    /// What it may do at the operators' API.
    pub operator: BTreeSet<ApiScope>,
    pub openid: OpenIdClient,
    pub agent: Option<Agent>,
    pub guest: Option<Guest>,
}

/// What a client registered for OpenID Connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenIdClient {
    /// ES256 or RS256.
    pub id_token_algorithm: Algorithm,
    pub post_logout_redirect_uris: Vec<String>,
    pub consent: ConsentRule,
    pub pkce: PkceRule,
}

/// Whether people are asked each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentRule {
    EachTime,
    Remembered,
    FirstParty,
}

/// Whether each authorization request needs a `code_challenge` (OAuth 2.1 section 7.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PkceRule {
    Always,
    /// Not with `openid` and `nonce`.
    UnlessNonce,
}

/// How a client asks by CIBA (CIBA 4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backchannel {
    pub delivery: Delivery,
    /// There exactly for ping and push.
    pub notification_endpoint: Option<String>,
    /// With it, every request is signed.
    pub signing_alg: Option<Algorithm>,
    pub user_code: bool,
    pub number_matching: bool,
}

/// How a client proves who it is.
#[derive(Clone)]
pub enum Authentication {
    PrivateKeyJwt(ClientKeys),
    Secret(ClientSecret),
    Public,
}

/// The public keys of a client.
#[derive(Clone)]
pub enum ClientKeys {
    Registered(KeySet),
    /// Published at this URL (RFC 7591 section 2, `jwks_uri`).
    At(String),
    /// The same as they were fetched for this request: of a guest, whose grants keep which keys there were.
    Fetched {
        url: String,
        keys: KeySet,
    },
}

/// A secret of 256 bits, and how it is sent.
#[derive(Clone)]
pub struct ClientSecret {
    pub digest: String,
    pub methods: SecretMethods,
}

/// How a client may send its secret (RFC 6749 section 2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretMethods {
    Basic,
    Post,
    /// The registration names no method.
    Either,
}

/// The secret of a client before its last rotation.
#[derive(Clone)]
pub struct EarlierSecret {
    pub digest: String,
    pub until: Timestamp,
}

/// What only an agent has.
#[derive(Clone, Debug)]
pub struct Agent {
    pub owner: UserId,
    pub owner_name: String,
    pub sponsor: UserId,
    pub sponsor_name: String,
    pub publisher: String,
    pub ceiling: Ceiling,
    pub longest_task: Duration,
    pub onward: Onward,
    /// Who decides on single actions; empty: the subject.
    pub approvers: Vec<ApproversFile>,
}

/// A protected resource.
#[derive(Clone, Debug)]
pub struct Resource {
    pub uri: ResourceUri,
    pub name: String,
    pub scopes: BTreeSet<String>,
    /// What a request without `scope` asks for.
    pub default_scopes: BTreeSet<String>,
    /// Its own words for its scopes, by name, then by language.
    pub says: BTreeMap<String, BTreeMap<String, String>>,
    /// Whether its bearer tokens are good at `/userinfo`.
    pub userinfo: bool,
    pub details_types: BTreeSet<String>,
    /// The client that serves it and may introspect.
    pub served_by: Option<ClientId>,
    pub agents_only: bool,
    pub task_claims: Vec<TaskClaim>,
    /// Of its transaction challenges; without them it issues none.
    pub challenge_keys: Option<KeySet>,
    pub guests: GuestRules,
    /// What its server asks about before it does it, by name.
    pub actions: BTreeMap<String, ResourceAction>,
    /// What a method and a path need, where a reverse proxy asks.
    pub routes: RouteTable,
    /// For what is none of them: a person is asked about each call. Without it that is denied.
    pub unknown_actions: Option<ResourceAction>,
    /// Its server verifies the proofs of bound tokens itself.
    pub verifies_proofs: bool,
}

/// One action of a resource: a type of `authorization_details` that no client can ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceAction {
    /// The scope of the resource that covers it.
    pub scope: String,
    /// Whether a person is asked about each call.
    pub ask: bool,
    /// JSON pointers of arguments that the resource looked up.
    pub resolved: Vec<String>,
    /// By which argument the caller calls what was looked up in another: JSON pointers.
    pub called: BTreeMap<String, String>,
    /// Of a tool: the definition that the operator saw. Under another one a person is asked about each call.
    pub definition_hash: Option<String>,
    pub type_name: String,
    /// The version of the type.
    pub type_hash: String,
    /// Its file, as canonical JSON.
    pub document: String,
}

impl ResourceAction {
    /// Digest of all that a person goes by who is asked about it: the words and the schema, whose the values are, what covers it, and
    /// the definition that somebody confirmed.
    pub fn described(&self) -> String {
        let mut parts: Vec<&[u8]> = vec![
            b"described",
            self.type_hash.as_bytes(),
            self.scope.as_bytes(),
            self.definition_hash
                .as_deref()
                .unwrap_or_default()
                .as_bytes(),
        ];
        parts.extend(self.resolved.iter().map(String::as_bytes));
        // Without any it is what it was before they were kept.
        parts.extend((!self.called.is_empty()).then_some(&b"called"[..]));
        let called = self.called.iter();
        parts.extend(called.flat_map(|(by, what)| [by.as_bytes(), what.as_bytes()]));
        hash::digest_text(&parts)
    }
}

impl Resource {
    /// The action of this name, or what stands for those that the record does not name.
    pub fn action(&self, name: &str) -> Option<&ResourceAction> {
        self.actions.get(name).or(self.unknown_actions.as_ref())
    }
}

/// What guests may have at a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuestRules {
    pub mode: GuestMode,
    pub scopes: BTreeSet<String>,
    pub types: BTreeSet<String>,
    /// What is chosen unless the person chooses otherwise.
    pub lifetime: GuestLifetime,
}

impl Resource {
    /// All that become types.
    pub fn all_actions(&self) -> impl Iterator<Item = &ResourceAction> {
        self.actions.values().chain(&self.unknown_actions)
    }
}

impl ClientKeys {
    /// Without a fetch.
    pub const fn known(&self) -> Option<&KeySet> {
        match self {
            Self::Registered(keys) | Self::Fetched { keys, .. } => Some(keys),
            Self::At(_) => None,
        }
    }

    /// Where they are published, if they are not registered themselves (RFC 7591 section 2, `jwks_uri`).
    pub fn published_at(&self) -> Option<&str> {
        match self {
            Self::At(url) | Self::Fetched { url, .. } => Some(url),
            Self::Registered(_) => None,
        }
    }
}

impl Client {
    pub fn is_public(&self) -> bool {
        matches!(self.authentication, Authentication::Public)
    }

    pub fn is_agent(&self) -> bool {
        self.agent.is_some()
    }

    pub fn is_guest(&self) -> bool {
        self.guest.is_some()
    }

    /// Whether its authentication says who asks: anybody can come with the name of a public client, or make a guest.
    pub fn is_proved(&self) -> bool {
        !self.is_public() && !self.is_guest()
    }

    /// Whether its metadata document alone makes it a client: then it has a row from its first consent on.
    pub fn is_guest_of_document(&self) -> bool {
        let guest = self.guest.as_ref();
        guest.is_some_and(|guest| guest.host.is_some())
    }

    /// Whether this is one of its keys; of keys that it publishes elsewhere only those that were fetched are known.
    pub fn has_key(&self, thumbprint: &Thumbprint) -> bool {
        let Authentication::PrivateKeyJwt(keys) = &self.authentication else {
            return false;
        };
        let known = keys.known().map(KeySet::keys).unwrap_or_default();
        known.iter().any(|key| key.thumbprint() == thumbprint)
    }

    /// Its `jwks_uri`, if its keys are there.
    pub fn keys_published_at(&self) -> Option<&str> {
        match &self.authentication {
            Authentication::PrivateKeyJwt(keys) => keys.published_at(),
            Authentication::Secret(_) | Authentication::Public => None,
        }
    }

    /// A guest that publishes its keys elsewhere, with those that were fetched there; `None` for every other client.
    pub fn with_fetched_keys(&self, keys: &KeySet) -> Option<Self> {
        match &self.authentication {
            Authentication::PrivateKeyJwt(ClientKeys::At(url)) if self.is_guest() => Some(Self {
                authentication: Authentication::PrivateKeyJwt(ClientKeys::Fetched {
                    url: url.clone(),
                    keys: keys.clone(),
                }),
                ..self.clone()
            }),
            _ => None,
        }
    }

    /// Whether its registration lets it ask for this scope; what guests may have, each resource says.
    pub fn may_ask_scope(&self, scope: &str) -> bool {
        self.is_guest() || self.scope.contains(scope)
    }

    /// The same for a type of `authorization_details`.
    pub fn may_ask_type(&self, name: &str) -> bool {
        self.is_guest() || self.details_types.contains(name)
    }

    /// Refuses a grant type that is not registered.
    pub fn may_use(&self, grant: GrantType) -> Result<(), OAuthError> {
        if self.grant_types.contains(grant.as_str()) {
            return Ok(());
        }
        let sentence = format!(
            "grant type `{}` is not registered for this client",
            grant.as_str()
        );
        Err(OAuthError::new(
            writ_wire::error::ErrorCode::UnauthorizedClient,
            sentence,
        ))
    }

    /// The redirect URI of a request: the one asked for if it is registered, or the only registered one.
    pub fn redirect_uri(&self, asked: Option<&str>) -> Result<String, OAuthError> {
        match (asked, self.redirect_uris.as_slice()) {
            (Some(asked), registered) if registered.iter().any(|r| redirect::matches(r, asked)) => {
                Ok(asked.to_owned())
            }
            (Some(asked), _) => Err(self.unknown_redirect(asked)),
            (None, [only]) if self.profile == Profile::Oauth21 => Ok(only.clone()),
            (None, _) => Err(OAuthError::invalid_request(
                "parameter `redirect_uri` is missing: send one that is registered for this client",
            )),
        }
    }

    fn unknown_redirect(&self, asked: &str) -> OAuthError {
        let guest = self.guest.as_ref();
        let refused = guest.map(|guest| guest.refused_redirects.as_slice());
        let mut refused = refused.unwrap_or_default().iter();
        match refused.find(|refused| redirect::matches(&refused.uri, asked)) {
            Some(refused) => OAuthError::invalid_request(format!(
                "`redirect_uri` is refused: {}",
                refused.because
            )),
            None if guest.is_some_and(|guest| guest.host.is_some()) => OAuthError::invalid_request(
                "`redirect_uri` does not stand in the client's metadata document",
            ),
            None => OAuthError::invalid_request(
                "`redirect_uri` is not registered for this client: register exactly this URI, or send one that is",
            ),
        }
    }
}
