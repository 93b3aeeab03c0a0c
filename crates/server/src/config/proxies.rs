//! The reverse proxies in front of this server, and the header in which they name the client: `server.trusted_proxies`,
//! `server.forwarded_header`.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::{Config, ServerFile, UpstreamProvider, without_credentials};

/// The reverse proxies whose word counts about the address of a client: they end TLS, and bring the requests of many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<IpNet> for TrustedProxies {
    fn from_iter<I: IntoIterator<Item = IpNet>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

/// The one header from which client addresses are read, and only from trusted proxies: any client can send the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    #[default]
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

impl ForwardedHeader {
    /// As a header's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }
}

impl Config {
    /// What works, and is hardly meant: a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let upstream = self.upstreams.iter().flat_map(UpstreamProvider::warnings);
        self.hidden_callers().into_iter().chain(upstream).collect()
    }

    fn hidden_callers(&self) -> Option<String> {
        let unnamed = self.is_https() && self.trusted_proxies.is_empty();
        let hidden = unnamed && self.listen.ip().is_loopback();
        hidden.then(|| {
            format!(
                "`server.trusted_proxies` is empty: requests for `{}` come through a proxy on this machine, and all callers look like it. Limits by address are off, and approval pages show no address: name the proxy, such as `127.0.0.1`",
                self.issuer
            )
        })
    }

    /// At start.
    pub fn log_warnings(&self) {
        for warning in self.warnings() {
            tracing::warn!("{warning}");
        }
    }
}

/// Whose word counts about the address of a client, and in which header.
pub(super) fn check(
    server: &ServerFile,
    problems: &mut Vec<String>,
) -> (TrustedProxies, ForwardedHeader) {
    let trusted = proxies(&server.trusted_proxies, problems);
    let header = header(server.forwarded_header.as_deref(), problems);
    (trusted, header)
}

/// Addresses, and networks as `10.0.0.0/8`.
fn proxies(texts: &[String], problems: &mut Vec<String>) -> TrustedProxies {
    let mut found = Vec::new();
    for text in texts {
        match network(text) {
            Ok(network) => found.push(network),
            Err(problem) => {
                let shown = without_credentials(text);
                problems.push(format!("`server.trusted_proxies`: `{shown}` {problem}"));
            }
        }
    }
    found.into_iter().collect()
}

/// In the form that addresses of connections are compared with.
fn network(text: &str) -> Result<IpNet, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.to_canonical().into());
    }
    let network = text
        .parse::<IpNet>()
        .map_err(|_| "is neither an IP address nor a network, such as `10.0.0.0/8`".to_owned())?;
    let network = canonical(network);
    let shortest = match network {
        IpNet::V4(_) => SHORTEST_V4,
        IpNet::V6(_) => SHORTEST_V6,
    };
    if network.prefix_len() == 0 {
        return Err("is everybody: any client could say from where it comes".to_owned());
    }
    if network.prefix_len() < shortest {
        return Err(format!(
            "is more than one house has: any client in it could say from where it comes, so a network has a prefix of `/{shortest}` or longer"
        ));
    }
    let exact = network.trunc();
    if exact != network {
        return Err(format!("is an address within a network: write `{exact}`"));
    }
    Ok(network)
}

/// Networks of IPv4 addresses in IPv6 (RFC 4291 section 2.5.5.2) as those of IPv4.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(six) = network else {
        return network;
    };
    let four = six.addr().to_ipv4_mapped();
    let bits = six.prefix_len().checked_sub(MAPPED_BITS);
    let mapped = four.zip(bits).map(|(four, bits)| Ipv4Net::new(four, bits));
    match mapped {
        Some(Ok(four)) => four.into(),
        Some(Err(_)) | None => network,
    }
}

/// The largest networks that one operator has: of IPv4 as `10.0.0.0/8` (RFC 1918), of IPv6 far more than a provider gets.
const SHORTEST_V4: u8 = 8;
const SHORTEST_V6: u8 = 16;

/// The prefix `::ffff:0:0/96`.
const MAPPED_BITS: u8 = 96;

fn header(text: Option<&str>, problems: &mut Vec<String>) -> ForwardedHeader {
    let all = [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded];
    let Some(text) = text else {
        return ForwardedHeader::default();
    };
    let found = all.into_iter().find(|header| header.as_str() == text);
    found.unwrap_or_else(|| {
        problems.push(
            "`server.forwarded_header` is neither `x-forwarded-for` nor `forwarded`".to_owned(),
        );
        ForwardedHeader::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> Option<String> {
        let mut problems = Vec::new();
        proxies(&[text.to_owned()], &mut problems);
        problems.pop()
    }

    #[test]
    fn a_network_is_one_that_a_house_may_have() {
        for (wide, shortest) in [
            ("0.0.0.0/1", "`/8`"),
            ("128.0.0.0/1", "`/8`"),
            ("10.0.0.0/7", "`/8`"),
            ("::ffff:0.0.0.0/97", "`/8`"),
            ("::/1", "`/16`"),
            ("2000::/3", "`/16`"),
            ("fc00::/15", "`/16`"),
        ] {
            let said = problem(wide).unwrap_or_default();
            assert!(said.contains(shortest), "{wide}: {said}");
            assert!(said.contains(wide), "{said}");
        }
        for good in [
            "10.0.0.0/8",
            "::ffff:10.0.0.0/104",
            "fd00::/16",
            "10.0.0.1",
            "::1",
        ] {
            assert_eq!(problem(good), None, "{good}");
        }
    }
}
