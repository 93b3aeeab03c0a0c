//! Stylesheet, scripts, icons, and what makes `/app` installable: the same for everybody, or for everybody of one language.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::HeaderMap;
use writ_pages::{Languages, assets, manifests, offline_pages};

/// `router.rs` merges it once.
pub fn routes<S: Clone + Send + Sync + 'static>(languages: &Languages) -> Router<S> {
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

#[cfg(test)]
mod tests {
    use http::{Request, StatusCode};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn every_file_has_its_route() {
        let router: Router = routes(&Languages::load().unwrap());
        let paths = assets().into_iter().map(|(path, _)| path);
        for path in paths.chain(["/app/manifest.webmanifest", "/app/offline"]) {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert!(response.headers().contains_key("content-type"), "{path}");
        }
    }
}
