//! From where a request comes, as far as this server can know it: the other end of the connection. No forwarded header is read.

use std::net::IpAddr;

use axum::Extension;

use crate::app::App;

/// Put into each request by the listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

impl App {
    /// `None` behind a proxy: its address says nothing.
    pub fn address_of(&self, peer: Option<Extension<Peer>>) -> Option<IpAddr> {
        let Extension(Peer(address)) = peer?;
        let address = address.to_canonical();
        let is_proxy = self.config.trusted_proxies.contains(&address);
        (!is_proxy).then_some(address)
    }
}
