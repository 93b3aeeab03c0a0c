//! Stylesheet, scripts, icons, and what makes `/app` installable: the same for everybody, or for everybody of one language.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use http::HeaderMap;
use writ_pages::{Brand, Languages, manifests, offline_pages};

/// `router.rs` merges it once.
pub fn routes<S: Clone + Send + Sync + 'static>(brand: &Brand, languages: &Languages) -> Router<S> {
    let mut router = Router::new();
    for (path, answer) in brand.assets() {
        router = router.route(
            &path,
            get(move || async move {
                answer.map(|content| Body::from(Bytes::from(content.into_owned())))
            }),
        );
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
        let router: Router = routes(&Brand::default(), &Languages::load().unwrap());
        let paths = Brand::default().assets().into_iter().map(|(path, _)| path);
        let installed = ["/app/manifest.webmanifest", "/app/offline"].map(str::to_owned);
        for path in paths.chain(installed) {
            let request = Request::get(&path).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert!(response.headers().contains_key("content-type"), "{path}");
        }
    }
}
