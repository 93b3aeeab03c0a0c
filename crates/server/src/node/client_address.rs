//! From where a request comes, as far as this server can know it: the other end of the connection, or, behind a proxy that is
//! trusted, what that proxy says (LESSONS 24). Nothing else is taken from such headers: not the host, not the scheme.

use std::net::{IpAddr, SocketAddr};

use axum::Extension;
use http::{HeaderMap, HeaderValue};

use crate::config::ForwardedHeader;
use crate::node::app::App;

/// Put into each request by the listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Proxies one behind the other; whoever writes longer lists does not say from where they come.
const MOST_HOPS: usize = 16;

impl App {
    /// `None` where nobody who is trusted says it.
    pub fn address_of(
        &self,
        peer: Option<Extension<ClientAddress>>,
        headers: &HeaderMap,
    ) -> Option<IpAddr> {
        let Extension(ClientAddress(address)) = peer?;
        let (proxies, header) = (&self.config.trusted_proxies, self.config.forwarded_header);
        origin(address, (headers, header), proxies)
    }
}

/// From the right, past the proxies that are trusted: each wrote down who spoke to it. The first one that is no proxy of ours
/// is the origin; what stands to the left of it is that one's own claim, and never read.
fn origin(
    peer: IpAddr,
    (headers, header): (&HeaderMap, ForwardedHeader),
    proxies: &[IpAddr],
) -> Option<IpAddr> {
    let is_proxy = |address: &IpAddr| proxies.contains(address);
    let peer = peer.to_canonical();
    if !is_proxy(&peer) {
        return Some(peer);
    }
    let fields = headers.get_all(header.as_str()).iter();
    let mut hops = 0;
    // Several fields are one list (RFC 9110 section 5.3).
    for field in fields.rev() {
        for said in said(field, header)?.into_iter().rev() {
            hops += 1;
            let address = said.filter(|_| hops <= MOST_HOPS)?;
            if !is_proxy(&address) {
                return Some(address);
            }
        }
    }
    None
}

/// What each element of one field says, from left to right; `None` inside for one that names no address.
fn said(field: &HeaderValue, header: ForwardedHeader) -> Option<Vec<Option<IpAddr>>> {
    let text = field.to_str().ok()?;
    let elements = match header {
        ForwardedHeader::XForwardedFor => text.split(',').map(address).collect(),
        ForwardedHeader::Forwarded => unquoted(text, ',')?.into_iter().map(node).collect(),
    };
    Some(elements)
}

/// `for` of one element (RFC 7239 section 4): the one that is there, once.
fn node(element: &str) -> Option<IpAddr> {
    let pairs = unquoted(element, ';')?;
    let values = pairs.iter().filter_map(|pair| pair.split_once('='));
    let mut nodes = values.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    let (_, value) = nodes.next().filter(|_| nodes.next().is_none())?;
    let value = value.trim();
    let bare = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    address(bare.unwrap_or(value))
}

/// Split where no quoted string is (RFC 9110 section 5.6.4): a host that a client chose may hold anything inside its quotes.
fn unquoted(text: &str, separator: char) -> Option<Vec<&str>> {
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
