//! Stylesheet, scripts, icons, and what makes `/app` installable: the same for everybody, or for everybody of one language.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::HeaderMap;
use writ_pages::{Languages, assets, manifests, offline_pages};

use crate::node::app::App;

/// `router.rs` merges it once.
pub fn routes(languages: &Languages) -> Router<Arc<App>> {
    let mut router = Router::new();
    for (path, answer) in assets() {
        router = router.route(path, get(move || async move { answer.map(Body::from) }));
    }
    let (manifests, offline) = (manifests(languages), offline_pages(languages));
    router
        .route(
            "/app/manifest.webmanifest",
            get(move |headers: HeaderMap| async move { manifests.manifest(&headers) }),
        )
        .route(
            "/app/offline",
            get(move |headers: HeaderMap| async move { offline.page(&headers) }),
        )
}
