//! What makes `/app` installable: the manifest (W3C Web Application Manifest) and the page without a connection, in each
//! language.

use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::assets::{ICON_192_PATH, ICON_512_PATH, ICON_PATH, MASKABLE_PATH};
use super::{Languages, Page, Texts};

/// `/app/manifest.webmanifest` and `/app/offline`, written once for each language.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(languages: &Languages) -> Router<S> {
    let manifests = Written::of(languages, |texts| manifest(texts).to_string());
    let offline = Written::of(languages, |texts| offline(texts).html);
    Router::new()
        .route(
            "/app/manifest.webmanifest",
            get(move |headers: HeaderMap| async move { manifests.answer(&headers) }),
        )
        .route(
            "/app/offline",
            get(move |headers: HeaderMap| async move { offline.page(&headers) }),
        )
}

/// One text in each language.
#[derive(Clone)]
struct Written(std::sync::Arc<Vec<(String, String)>>);

impl Written {
    fn of(languages: &Languages, write: impl Fn(&Texts) -> String) -> Self {
        let all = languages.all();
        let written = all.map(|texts| (texts.locale().to_owned(), write(texts)));
        Self(std::sync::Arc::new(written.collect()))
    }

    fn chosen(&self, headers: &HeaderMap) -> String {
        let known = |tag: &str| self.0.iter().find(|(locale, _)| locale == tag);
        let wanted = super::languages::wanted(headers);
        let found = wanted.into_iter().find_map(known).or(self.0.first());
        found.map(|(_, text)| text.clone()).unwrap_or_default()
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let mut response = Response::new(Body::from(self.chosen(headers)));
        for (name, value) in [
            (header::CONTENT_TYPE, "application/manifest+json"),
            (header::CACHE_CONTROL, "no-cache"),
            (header::VARY, "accept-language, cookie"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
        ] {
            let value = HeaderValue::from_static(value);
            response.headers_mut().insert(name, value);
        }
        response
    }

    fn page(&self, headers: &HeaderMap) -> Response {
        let html = self.chosen(headers);
        Page::of(html, StatusCode::OK).into_response()
    }
}

fn manifest(texts: &Texts) -> Value {
    let icon = |path, kind, sizes, purpose| json!({ "src": path, "type": kind, "sizes": sizes, "purpose": purpose });
    json!({
        "id": "/app",
        "name": texts.layout.product,
        "short_name": texts.layout.product,
        "description": texts.app.description,
        "lang": texts.locale(),
        "dir": texts.layout.direction,
        "start_url": "/app",
        "scope": "/app",
        "display": "standalone",
        "background_color": "#f4f2ed",
        "theme_color": "#26437f",
        "icons": [
            icon(ICON_PATH, "image/svg+xml", "any", "any"),
            icon(ICON_192_PATH, "image/png", "192x192", "any"),
            icon(ICON_512_PATH, "image/png", "512x512", "any"),
            icon(MASKABLE_PATH, "image/png", "512x512", "maskable"),
        ],
        "shortcuts": [
            { "name": texts.app.agents, "url": "/app/agents" },
            { "name": texts.app.activity, "url": "/app/activity" },
        ],
    })
}

pub(super) fn offline(texts: &Texts) -> Page {
    let template = OfflineTemplate {
        texts,
        title: texts.page_title(&texts.offline.title),
    };
    Page::rendered(&template, StatusCode::OK)
}

#[derive(Template)]
#[template(path = "offline.html")]
struct OfflineTemplate<'a> {
    texts: &'a Texts,
    title: String,
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::pages::asset_routes;

    async fn fetch(path: &str, language: &str) -> (http::response::Parts, String) {
        let router: Router = asset_routes(&Languages::load().unwrap());
        let request = Request::get(path).header(header::ACCEPT_LANGUAGE, language);
        let response = router.oneshot(request.body(Body::empty()).unwrap()).await;
        let (parts, body) = response.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts, String::from_utf8_lossy(&body).into_owned())
    }

    /// W3C Web Application Manifest: what Chromium asks for before it offers to install.
    #[tokio::test]
    async fn the_manifest_can_be_installed_and_its_icons_are_there() {
        let (parts, manifest) = fetch("/app/manifest.webmanifest", "de-DE").await;
        assert_eq!(parts.headers["content-type"], "application/manifest+json");
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        assert_eq!(manifest["lang"], "de");
        assert_eq!(manifest["start_url"], "/app");
        assert_eq!(manifest["display"], "standalone");
        for icon in manifest["icons"].as_array().unwrap() {
            let (parts, _) = fetch(icon["src"].as_str().unwrap(), "").await;
            assert_eq!(parts.status, StatusCode::OK);
            assert_eq!(
                parts.headers["content-type"],
                icon["type"].as_str().unwrap()
            );
        }
    }

    #[tokio::test]
    async fn without_a_connection_each_reads_their_language() {
        let (parts, html) = fetch("/app/offline", "de").await;
        assert!(html.contains("Keine Verbindung") && html.contains("lang=\"de\""));
        assert!(!parts.headers.contains_key("set-cookie"));
        let (_, html) = fetch("/app/offline", "fr").await;
        assert!(html.contains("You are offline"));
    }

    /// Service Workers, `Service-Worker-Allowed`: its own folder is `/app/`, its pages begin at `/app`.
    #[tokio::test]
    async fn the_service_worker_may_serve_the_app_and_is_never_kept() {
        let (parts, _) = fetch("/app/sw.js", "").await;
        assert_eq!(parts.headers["service-worker-allowed"], "/app");
        assert_eq!(parts.headers["cache-control"], "no-cache");
        assert_eq!(
            parts.headers["content-type"],
            "text/javascript; charset=utf-8"
        );
    }

    #[tokio::test]
    async fn every_file_that_a_page_names_is_served() {
        let languages = Languages::load().unwrap();
        for (_, page) in crate::pages::app_samples::every_page(languages.of("en")) {
            for rest in page.html.split("\"/static/").skip(1) {
                let path = format!("/static/{}", rest.split('"').next().unwrap());
                assert_eq!(fetch(&path, "").await.0.status, StatusCode::OK, "{path}");
            }
        }
    }
}
