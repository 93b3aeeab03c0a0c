//! One more server on a world's database, by its own router and network.

use std::sync::Arc;

use axum::Router;
use http::Method;
use writ_server::node::app::App;
use writ_server::router::operators;

use super::{ISSUER, post, send};
use crate::browser::TestBrowser;
use crate::network::Network;
use crate::node_client::NodeClient;
use crate::reply::TestReply;

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

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> TestReply {
        send(self.router.clone(), Method::GET, path, headers, Vec::new()).await
    }

    /// From the operator's listener.
    pub async fn get_as_operator(&self, path: &str) -> TestReply {
        let router = operators(self.app.clone());
        send(router, Method::GET, path, &[], Vec::new()).await
    }
}
