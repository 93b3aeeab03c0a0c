//! Requests over a connection whose other end is a known address.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Extension;
use bytes::Bytes;
use http::{Method, Request};
use writ_server::node::client_address::ClientAddress;

use super::{ISSUER, World, send};
use crate::browser::TestBrowser;
use crate::network::{Network, through};
use crate::reply::TestReply;

impl World {
    /// A browser at this address.
    pub fn browser_at(&self, address: &str) -> TestBrowser {
        let address: IpAddr = address.parse().unwrap();
        let router = self.router.clone().layer(Extension(ClientAddress(address)));
        let network = Arc::new(Network::new());
        network.serve(ISSUER, router);
        TestBrowser::new(network)
    }

    /// JSON from this address.
    pub async fn send_from(&self, address: IpAddr, path: &str, body: &str) -> TestReply {
        let router = self.router.clone().layer(Extension(ClientAddress(address)));
        let headers = [("content-type", "application/json")];
        send(router, Method::POST, path, &headers, body.into()).await
    }

    /// Any request from this address.
    pub async fn request_from(&self, address: IpAddr, request: Request<Bytes>) -> TestReply {
        let router = self.router.clone().layer(Extension(ClientAddress(address)));
        TestReply::of(through(router, request).await)
    }
}
