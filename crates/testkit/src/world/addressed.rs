//! Requests over a connection whose other end is a known address.

use std::net::IpAddr;

use axum::Extension;
use http::Method;
use writ_server::node::client_address::ClientAddress;

use super::{World, send};
use crate::reply::TestReply;

impl World {
    /// JSON from this address.
    pub async fn send_from(&self, address: IpAddr, path: &str, body: &str) -> TestReply {
        let router = self.router.clone().layer(Extension(ClientAddress(address)));
        let headers = [("content-type", "application/json")];
        send(router, Method::POST, path, &headers, body.into()).await
    }
}
