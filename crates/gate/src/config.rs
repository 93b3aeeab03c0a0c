//! What a gate is told at its start.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use url::{Host, Url};
use writ_verifier::{ClientSecret, ConfigError, ResourceUri};
use zeroize::Zeroizing;

/// Which requests of the server to the client are let through; none unless the operator says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    pub sampling: bool,
    pub elicitation: bool,
    pub roots: bool,
}

impl Allowed {
    /// Whether the server may send this request to the client.
    pub(crate) fn takes(self, method: &str) -> bool {
        match method {
            "ping" => true,
            "sampling/createMessage" => self.sampling,
            "elicitation/create" => self.elicitation,
            "roots/list" => self.roots,
            _ => false,
        }
    }

    /// Whether the server may learn that the client has this.
    pub(crate) fn shows(self, capability: &str) -> bool {
        match capability {
            "sampling" => self.sampling,
            "elicitation" => self.elicitation,
            "roots" => self.roots,
            _ => true,
        }
    }
}

/// The address of a plain `http` URL on this machine. TLS is not for the gate.
pub fn address_on_loopback(resource: &str) -> Option<SocketAddr> {
    let url = Url::parse(resource).ok()?;
    let address = match url.host()? {
        Host::Domain(name) if name == "localhost" || name.ends_with(".localhost") => {
            IpAddr::V4(Ipv4Addr::LOCALHOST)
        }
        Host::Domain(_) => return None,
        Host::Ipv4(address) => IpAddr::V4(address),
        Host::Ipv6(address) => IpAddr::V6(address),
    };
    let is_here = url.scheme() == "http" && address.is_loopback();
    let port = url.port_or_known_default().filter(|_| is_here)?;
    Some(SocketAddr::new(address, port))
}

#[derive(Clone)]
pub struct GateConfig {
    /// The server's MCP endpoint.
    pub upstream: Url,
    /// `Authorization` for the server, if it wants one: the caller's never reaches it.
    pub upstream_authorization: Option<Zeroizing<String>>,
    pub issuer: String,
    /// The URL that clients are given, and the audience of their tokens.
    pub resource: ResourceUri,
    /// The confidential client that the resource's record names.
    pub client_id: String,
    pub client_secret: ClientSecret,
    /// For the document of the resource (RFC 9728).
    pub scopes: Vec<String>,
    pub allowed: Allowed,
    /// How long a client that can only call again is held first.
    pub patience: Duration,
}

/// Why a gate does not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the resource `{0}` is no http(s) URL")]
    Resource(String),
    #[error("the upstream `{0}` is no http(s) URL without user information and fragment")]
    Upstream(String),
    #[error("the upstream is the resource itself: the gate would call itself")]
    Circle,
    #[error("the value for `Authorization` of the upstream is no header field")]
    UpstreamAuthorization,
    #[error("no HTTP client can be made: {0}")]
    Client(String),
    #[error("no key can be made")]
    Key,
}
