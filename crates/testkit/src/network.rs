//! An in-process network: HTTP without sockets, where each origin is a router.

use std::sync::Mutex;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::ServiceExt;
use writ_platform::{BoxFuture, Transport, TransportError};

/// Every origin that can be reached.
#[derive(Default)]
pub struct Network(Mutex<Vec<(String, Router)>>);

impl Network {
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on `origin` (`https://bank.example`) is this router.
    pub fn serve(&self, origin: &str, router: Router) {
        let mut all = self.0.lock().unwrap();
        all.retain(|(name, _)| name != origin);
        all.push((origin.to_owned(), router));
    }

    fn find(&self, request: &Request<Bytes>) -> Option<Router> {
        let uri = request.uri();
        let origin = format!("{}://{}", uri.scheme_str()?, uri.authority()?);
        let all = self.0.lock().unwrap();
        all.iter()
            .find(|(name, _)| *name == origin)
            .map(|(_, router)| router.clone())
    }
}

impl Transport for Network {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let unknown = || TransportError::Unreachable(format!("nobody is at {}", request.uri()));
            let router = self.find(&request).ok_or_else(unknown)?;
            Ok(through(router, request).await)
        })
    }
}

/// One request through a router.
pub async fn through(router: Router, request: Request<Bytes>) -> Response<Bytes> {
    let (mut parts, body) = request.into_parts();
    // As a server reads it: the origin is not in the request line.
    if let Some(path) = parts.uri.path_and_query().cloned() {
        if let Some(authority) = parts.uri.authority() {
            parts
                .headers
                .insert("host", authority.as_str().parse().unwrap());
        }
        parts.uri = path.into();
    }
    let response = router
        .oneshot(Request::from_parts(parts, Body::from(body)))
        .await
        .unwrap();
    let (parts, body) = response.into_parts();
    Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}
