//! The IP address of the client: the peer of the connection, or what a trusted proxy says in its forwarding header
//! (`X-Forwarded-For`, or `Forwarded` of RFC 7239). Host and scheme are never taken from such headers: a client can write them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::Extension;
use http::{HeaderMap, HeaderValue};

use crate::config::{ForwardedHeader, TrustedProxies};
use crate::node::app::App;

/// The peer's IP address; the listener puts it into each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// The longest list of proxies that is read; behind more of them the address is unknown.
const MOST_HOPS: usize = 16;
/// The IPv6 prefix of one link (RFC 4291 section 2.5.4): its addresses are counted as one.
const NETWORK_BITS: u32 = 64;
/// The prefix of one site: RFC 6177 section 2 gives a home more than one link, of up to this prefix.
const SITE_BITS: u32 = 48;
/// The same of IPv4: the longest prefix that is announced by itself.
const SITE_BITS_V4: u32 = 24;

/// What a site has of a limit that each of its networks has.
pub const NETWORKS_OF_SITE: u32 = 16;

/// What counts as one address wherever addresses are counted.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(four) => four.into(),
        IpAddr::V6(six) => prefix(six, NETWORK_BITS),
    }
}

/// What may be one holder of many networks: it has a part of what all share.
pub fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(four) => {
            let host_bits = u32::BITS - SITE_BITS_V4;
            Ipv4Addr::from(u32::from(four) >> host_bits << host_bits).into()
        }
        IpAddr::V6(six) => prefix(six, SITE_BITS),
    }
}

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Area {
    Network(IpAddr),
    Site(IpAddr),
}

impl Area {
    /// The smaller one first.
    pub fn around(address: IpAddr) -> [Self; 2] {
        [Self::Network(network(address)), Self::Site(site(address))]
    }
}

fn prefix(address: Ipv6Addr, bits: u32) -> IpAddr {
    let host_bits = u128::BITS - bits;
    Ipv6Addr::from(u128::from(address) >> host_bits << host_bits).into()
}

impl App {
    /// The client's address; `None` where no trusted proxy names it.
    pub fn address_of(
        &self,
        peer: Option<Extension<ClientAddress>>,
        headers: &HeaderMap,
    ) -> Option<IpAddr> {
        let Extension(ClientAddress(address)) = peer?;
        let (proxies, header) = (&self.config.trusted_proxies, self.config.forwarded_header);
        origin(address, headers, header, proxies)
    }
}

/// Reads the list from the right, past the trusted proxies: each appended the address of its peer. The first one that is no
/// trusted proxy is the client; what stands to the left of it is the client's own claim, and not read.
fn origin(
    peer: IpAddr,
    headers: &HeaderMap,
    header: ForwardedHeader,
    proxies: &TrustedProxies,
) -> Option<IpAddr> {
    let is_proxy = |address: &IpAddr| proxies.contains(*address);
    let peer = peer.to_canonical();
    if !is_proxy(&peer) {
        return Some(peer);
    }
    let fields = headers.get_all(header.as_str()).iter();
    let mut hops = 0;
    // Several fields are one list (RFC 9110 section 5.3).
    for field in fields.rev() {
        for listed in listed_addresses(field, header)?.into_iter().rev() {
            hops += 1;
            let address = listed.filter(|_| hops <= MOST_HOPS)?;
            if !is_proxy(&address) {
                return Some(address);
            }
        }
    }
    None
}

/// The address of each element of one field, from left to right; `None` inside for an element that names none.
fn listed_addresses(field: &HeaderValue, header: ForwardedHeader) -> Option<Vec<Option<IpAddr>>> {
    let text = field.to_str().ok()?;
    let elements = match header {
        ForwardedHeader::XForwardedFor => text.split(',').map(address).collect(),
        ForwardedHeader::Forwarded => split_unquoted(text, ',')?
            .into_iter()
            .map(forwarded_for)
            .collect(),
    };
    Some(elements)
}

/// The address of the parameter `for` of one element (RFC 7239 section 4), if it is there exactly once.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pairs = split_unquoted(element, ';')?;
    let values = pairs.iter().filter_map(|pair| pair.split_once('='));
    let mut nodes = values.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    let (_, value) = nodes.next().filter(|_| nodes.next().is_none())?;
    let value = value.trim();
    let bare = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    address(bare.unwrap_or(value))
}

/// Splits outside quoted strings (RFC 9110 section 5.6.4): a quoted host that a client chose may hold any character.
fn split_unquoted(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text.split(|letter| {
        let is_escape = quoted && !escaped && letter == '\\';
        if letter == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = is_escape;
        letter == separator && !quoted
    });
    let parts = parts.collect();
    (!quoted).then_some(parts)
}

/// An address, alone or with a port; IPv6 also in brackets (RFC 7239 section 6).
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let found = match bare {
        Some(inside) => inside.parse().ok().map(IpAddr::V6),
        None => text.parse().ok().or_else(|| {
            let with_port = text.parse::<SocketAddr>().ok();
            with_port.map(|socket| socket.ip())
        }),
    };
    found.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests;
