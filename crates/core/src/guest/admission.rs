//! Which documents are taken, and which of their redirect URIs: by the operator's lists, and by rules that hold without any.

use std::collections::BTreeSet;

use url::Url;
use writ_wire::client_document::{ClientDocument, ClientIdUrl};
use writ_wire::host::host_name;
use writ_wire::jwk::JwkSet;
use writ_wire::redirect::{self, RedirectKind};
use writ_wire::registration::{ClientFile, Profile};

use crate::client::{Authentication, Client, ClientKeys};
use crate::id::ClientId;
use crate::oauth_error::OAuthError;
use crate::registration;

/// The operator's lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuestPolicy {
    /// Taken although they are shared, and as hosts of redirect URIs of others.
    pub hosts: Vec<HostPattern>,
    /// Refused; `*` is every host that `hosts` does not list.
    pub deny: Vec<HostPattern>,
    /// Schemes without a dot that redirect URIs may have.
    pub schemes: BTreeSet<String>,
}

/// Hosts by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    All,
    One(String),
    /// All below a name; kept with the dot before it.
    Below(String),
}

/// A redirect URI of a document that is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRedirect {
    pub uri: String,
    /// Follows "it" in a sentence.
    pub because: String,
}

/// Hosts where anybody may put a document, and hosts below which anybody may have a name: neither says who wrote it.
const SHARED_HOSTS: [&str; 40] = [
    "amazonaws.com",
    "appspot.com",
    "azureedge.net",
    "azurestaticapps.net",
    "azurewebsites.net",
    "bitbucket.io",
    "blob.core.windows.net",
    "blogspot.com",
    "cloudfront.net",
    "codeberg.page",
    "deno.dev",
    "digitaloceanspaces.com",
    "firebaseapp.com",
    "fly.dev",
    "gist.github.com",
    "github.io",
    "githubusercontent.com",
    "gitlab.io",
    "glitch.me",
    "herokuapp.com",
    "jsdelivr.net",
    "loca.lt",
    "netlify.app",
    "ngrok-free.app",
    "ngrok.app",
    "ngrok.io",
    "onrender.com",
    "pages.dev",
    "pastebin.com",
    "r2.dev",
    "railway.app",
    "replit.app",
    "run.app",
    "storage.googleapis.com",
    "surge.sh",
    "trycloudflare.com",
    "unpkg.com",
    "vercel.app",
    "web.app",
    "workers.dev",
];

impl HostPattern {
    /// `*`, `host.example` or `*.host.example`, as [`host_name`] has it.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        let (name, is_below) = match text.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text, false),
        };
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-:[]".contains(&b);
        let url = Url::parse(&format!("https://{name}/")).ok()?;
        // What is spelled otherwise would match no host, and nobody would notice.
        let is_host = host_name(&url).is_some_and(|host| host == name);
        if !is_host || name.starts_with('.') || !name.bytes().all(plain) {
            return None;
        }
        Some(match is_below {
            true => Self::Below(format!(".{name}")),
            false => Self::One(name.to_owned()),
        })
    }

    fn has(&self, host: &str) -> bool {
        match self {
            Self::All => true,
            Self::One(name) => name == host,
            Self::Below(end) => host.len() > end.len() && host.ends_with(end),
        }
    }
}

impl GuestPolicy {
    fn lists(&self, host: &str) -> bool {
        self.hosts.iter().any(|pattern| pattern.has(host))
    }

    /// A host that is named in `deny` is refused whatever `hosts` says; `*` there leaves what `hosts` lists.
    fn denies(&self, host: &str) -> bool {
        let named = |pattern: &HostPattern| *pattern != HostPattern::All && pattern.has(host);
        let all = self.deny.contains(&HostPattern::All) && !self.lists(host);
        all || self.deny.iter().any(named)
    }

    /// Whether a document of this host is taken; asked before it is fetched.
    pub fn admit_host(&self, host: &str) -> Result<(), OAuthError> {
        if self.denies(host) {
            return Err(OAuthError::invalid_client(format!(
                "this server takes no clients of the host `{host}`"
            )));
        }
        if is_shared(host) && !self.lists(host) {
            return Err(OAuthError::invalid_client(format!(
                "anybody can put a document on the host `{host}`: an operator can list it in `guests.hosts`"
            )));
        }
        Ok(())
    }

    /// Whether keys are fetched from this `jwks_uri`; asked before they are.
    pub fn admit_keys(&self, jwks_uri: &str) -> Result<(), OAuthError> {
        let host = Url::parse(jwks_uri).ok().and_then(|url| host_name(&url));
        match host {
            Some(host) if self.denies(&host) => Err(OAuthError::invalid_client(format!(
                "this server fetches no keys of clients from the host `{host}`"
            ))),
            _ => Ok(()),
        }
    }

    /// Whether a client that registered itself would be taken now: the lists may have changed since.
    pub fn admit_registered(&self, client: &Client) -> Result<(), OAuthError> {
        let refused = |uri: &String| self.refuse_redirect(uri, None);
        if let Some(because) = client.redirect_uris.iter().find_map(refused) {
            return Err(OAuthError::invalid_client(format!(
                "this client is not taken any more, because of a redirect URI that it registered: {because}"
            )));
        }
        match &client.authentication {
            Authentication::PrivateKeyJwt(ClientKeys::At(jwks_uri)) => self.admit_keys(jwks_uri),
            _ => Ok(()),
        }
    }

    /// Why this redirect URI is not taken from a guest with a document of this host (`None`: after open registration).
    pub fn refuse_redirect(&self, uri: &str, host: Option<&str>) -> Option<String> {
        match redirect::kind(uri) {
            Err(problem) => Some(problem.to_string()),
            Ok(RedirectKind::Loopback) => None,
            Ok(RedirectKind::App { scheme }) => {
                let known = scheme.contains('.') || self.schemes.contains(&scheme);
                (!known).then(|| {
                    format!("its scheme `{scheme}` has no dot, and no operator listed it in `guests.schemes`")
                })
            }
            Ok(RedirectKind::Web { host: to }) => {
                if self.denies(&to) {
                    return Some(format!("this server sends nobody to the host `{to}`"));
                }
                let own = host.is_none_or(|host| to == host || to.ends_with(&format!(".{host}")));
                (!own && !self.lists(&to)).then(|| {
                    format!("it is on the host `{to}`, not on that of the document: an operator can list it in `guests.hosts`")
                })
            }
        }
    }
}

pub(super) fn is_shared(host: &str) -> bool {
    SHARED_HOSTS.iter().any(|shared| {
        host.strip_suffix(shared)
            .is_some_and(|before| before.is_empty() || before.ends_with('.'))
    })
}

/// The client that a document describes. `keys`: those at its `jwks_uri`, if it has one.
pub fn admit(
    document: &ClientDocument,
    url: &ClientIdUrl,
    keys: Option<JwkSet>,
    policy: &GuestPolicy,
) -> Result<Client, OAuthError> {
    policy.admit_host(url.host())?;
    let mut refused_redirects = Vec::new();
    let mut redirect_uris = Vec::new();
    for uri in &document.redirect_uris {
        match policy.refuse_redirect(uri, Some(url.host())) {
            None => redirect_uris.push(uri.clone()),
            Some(because) => refused_redirects.push(RefusedRedirect {
                uri: uri.clone(),
                because,
            }),
        }
    }
    let file = ClientFile {
        client_id: Some(url.as_str().to_owned()),
        client_name: document
            .client_name
            .clone()
            .unwrap_or_else(|| url.host().chars().take(registration::MAX_NAME).collect()),
        redirect_uris,
        token_endpoint_auth_method: Some(document.method),
        jwks: document
            .jwks
            .clone()
            .or(keys)
            .filter(|_| document.has_method_of_keys()),
        application_type: document.application_type,
        bearer: !document.dpop_bound_access_tokens,
        require_pushed_authorization_requests: Some(document.require_pushed_authorization_requests),
        ..ClientFile::bare(Profile::Guest)
    };
    let id = ClientId::from_text(url.as_str());
    let mut client = registration::client(&file, id, None, None).map_err(|faults| {
        OAuthError::invalid_client(format!(
            "the client's metadata document is refused: {faults}"
        ))
    })?;
    if let Some(guest) = &mut client.guest {
        guest.refused_redirects = refused_redirects;
    }
    Ok(client)
}

/// The same as a file, for the row that its tasks hang from.
pub fn file(client: &Client) -> ClientFile {
    let guest = client.guest.as_ref();
    ClientFile {
        client_id: Some(client.id.to_string()),
        client_name: guest.map_or_else(|| client.name.clone(), |guest| guest.says.clone()),
        application_type: guest.and_then(|guest| guest.application_type),
        bearer: true,
        ..ClientFile::bare(Profile::Guest)
    }
}
