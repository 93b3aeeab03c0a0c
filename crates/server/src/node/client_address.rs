//! The IP address of the client: the peer of the connection, or what a trusted proxy says in its forwarding header
//! (`X-Forwarded-For`, or `Forwarded` of RFC 7239). Host and scheme are never taken from such headers: a client can write them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::Extension;
use http::HeaderMap;
use writ_platform::guard::translated_ipv4;

use crate::config::{ForwardedHeader, TrustedProxies};
use crate::node::app::App;

/// The peer's IP address; the listener puts it into each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// The longest list of proxies that is read; what is behind more of them counts as the last that was read.
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
    match reached(address) {
        IpAddr::V4(four) => four.into(),
        IpAddr::V6(six) => prefix(six, NETWORK_BITS),
    }
}

/// What may be one holder of many networks: it has a part of what all share.
pub fn site(address: IpAddr) -> IpAddr {
    match reached(address) {
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

/// A translator names all of IPv4 within one network of IPv6: who is behind it is told apart by the IPv4 address.
fn reached(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) => translated_ipv4(six).map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

fn prefix(address: Ipv6Addr, bits: u32) -> IpAddr {
    let host_bits = u128::BITS - bits;
    Ipv6Addr::from(u128::from(address) >> host_bits << host_bits).into()
}

impl App {
    /// The client's address; `None` where a trusted proxy sends no such header at all.
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
/// trusted proxy is the client; what stands to the left of it is the client's own claim, and not read. Where a proxy's own element
/// names no address, or there is none, its client counts as the proxy itself: nobody is without limits because of what it says.
fn origin(
    peer: IpAddr,
    headers: &HeaderMap,
    header: ForwardedHeader,
    proxies: &TrustedProxies,
) -> Option<IpAddr> {
    let mut client = peer.to_canonical();
    if !proxies.contains(client) {
        return Some(client);
    }
    // Several fields are one list (RFC 9110 section 5.3).
    let fields = headers.get_all(header.as_str()).iter().rev();
    let mut fields = fields.peekable();
    fields.peek()?;
    let elements = fields.flat_map(|field| match header {
        ForwardedHeader::XForwardedFor => split_from_right(field.as_bytes(), b',', &[]),
        ForwardedHeader::Forwarded => split_from_right(field.as_bytes(), b',', QUOTES),
    });
    for element in elements.take(MOST_HOPS) {
        let listed = match header {
            ForwardedHeader::XForwardedFor => address(&String::from_utf8_lossy(element)),
            ForwardedHeader::Forwarded => forwarded_for(element),
        };
        let Some(listed) = listed else { break };
        client = listed;
        if !proxies.contains(client) {
            break;
        }
    }
    Some(client)
}

/// The address of the parameter `for` of one element (RFC 7239 section 4), if it is there exactly once.
fn forwarded_for(element: &[u8]) -> Option<IpAddr> {
    let pairs = split_from_right(element, b';', QUOTES).map(String::from_utf8_lossy);
    let mut values = pairs.filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let is_node = name.trim().eq_ignore_ascii_case("for");
        is_node.then(|| value.trim().to_owned())
    });
    let value = values.next().filter(|_| values.next().is_none())?;
    let bare = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    address(bare.unwrap_or(&value))
}

/// What opens and closes a quoted string.
const QUOTES: &[u8] = b"\"";

/// The parts of a text from the last to the first, split outside quoted strings (RFC 9110 section 5.6.4). From the right, because there
/// stands what a trusted proxy wrote: no quote that a client left open to the left of it reaches it, and no byte that is no text.
fn split_from_right<'a>(
    text: &'a [u8],
    separator: u8,
    quotes: &'static [u8],
) -> impl Iterator<Item = &'a [u8]> {
    let (mut quoted, mut before) = (false, text);
    text.rsplit(move |byte| {
        before = before.split_last().map_or(before, |(_, rest)| rest);
        if quotes.contains(byte) && !ends_in_escape(before) {
            quoted = !quoted;
        }
        *byte == separator && !quoted
    })
}

/// Whether what follows is escaped: by a backslash that is not escaped itself.
fn ends_in_escape(text: &[u8]) -> bool {
    let backslashes = text.iter().rev().take_while(|byte| **byte == b'\\');
    backslashes.count() % 2 == 1
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
