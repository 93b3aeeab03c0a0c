//! One more server on a world's database, by its own router and network.

use std::net::IpAddr;
use std::sync::Arc;

use axum::{Extension, Router};
use http::Method;
use writ_platform::{Clock, ManualClock};
use writ_server::node::app::{App, ServerEnvironment};
use writ_server::node::client_address::ClientAddress;
use writ_server::node::clock::DatabaseClock;
use writ_server::router::{operators, router};
use writ_store::Store;

use super::{ISSUER, PATIENT, World, post, send, start};
use crate::browser::TestBrowser;
use crate::network::Network;
use crate::node_client::NodeClient;
use crate::reply::TestReply;

impl World {
    /// A node with a clock of its own; PostgreSQL has the world's.
    pub async fn node_at(&self, clock: &ManualClock) -> Node {
        let store = Store::connect_within(&self.database.url, PATIENT).await;
        let environment = ServerEnvironment {
            clock: Clock::Manual(clock.clone()),
            database_clock: DatabaseClock::Given(Clock::Manual(self.clock.clone())),
            random: self.random.clone(),
        };
        let more = self.settings.iter();
        let more: Vec<(&str, &str)> = more.map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let app = start(store.unwrap(), &self.database.url, &more, environment).await;
        let router = router(app.clone());
        let network = Arc::new(Network::new());
        network.serve(ISSUER, router.clone());
        Node {
            app,
            network,
            router,
        }
    }
}

/// One more node.
pub struct Node {
    pub app: Arc<App>,
    /// Where the issuer is this node.
    pub network: Arc<Network>,
    pub(super) router: Router,
}

impl Node {
    pub fn door(&self) -> NodeClient {
        NodeClient::new(self.network.clone(), ISSUER)
    }

    pub fn browser(&self) -> TestBrowser {
        TestBrowser::new(self.network.clone())
    }

    pub async fn post(
        &self,
        path: &str,
        form: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> TestReply {
        post(self.router.clone(), path, form, headers).await
    }

    /// The same node over connections whose other end is this address.
    pub fn seen_from(&self, address: IpAddr) -> Self {
        Self {
            app: self.app.clone(),
            network: self.network.clone(),
            router: self.router.clone().layer(Extension(ClientAddress(address))),
        }
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> TestReply {
        send(self.router.clone(), method, path, headers, body).await
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> TestReply {
        send(self.router.clone(), Method::GET, path, headers, Vec::new()).await
    }

    pub async fn delete(&self, path: &str, headers: &[(&str, &str)]) -> TestReply {
        let (router, method) = (self.router.clone(), Method::DELETE);
        send(router, method, path, headers, Vec::new()).await
    }

    /// From the operator's listener.
    pub async fn get_as_operator(&self, path: &str) -> TestReply {
        let router = operators(self.app.clone());
        send(router, Method::GET, path, &[], Vec::new()).await
    }
}
