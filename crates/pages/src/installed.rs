//! What makes `/app` installable: the manifest (W3C Web Application Manifest) and the page without a connection, in each
//! language.

use askama::Template;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::assets::{ICON_192_PATH, ICON_512_PATH, ICON_PATH, MASKABLE_PATH};
use super::brand::Brand;
use super::{Languages, Page, Texts};

/// Of `/app/manifest.webmanifest`, written once for each language.
pub fn manifests(languages: &Languages) -> ByLanguage {
    ByLanguage::of(languages, |texts| manifest(texts).to_string())
}

/// Of `/app/offline`, written once for each language.
pub fn offline_pages(languages: &Languages) -> ByLanguage {
    ByLanguage::of(languages, |texts| offline(texts).html)
}

/// One text in each language.
#[derive(Clone)]
pub struct ByLanguage(std::sync::Arc<Vec<(String, String)>>);

impl ByLanguage {
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

    /// The manifest in the language of whoever asks.
    pub fn manifest(&self, headers: &HeaderMap) -> Response<String> {
        let mut response = Response::new(self.chosen(headers));
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

    /// The page in the language of whoever asks.
    pub fn page(&self, headers: &HeaderMap) -> Response<String> {
        let html = self.chosen(headers);
        Page::of(html, StatusCode::OK).into_http()
    }
}

fn manifest(texts: &Texts) -> Value {
    json!({
        "id": "/app",
        "name": texts.product(),
        "short_name": texts.product(),
        "description": texts.app.description,
        "lang": texts.locale(),
        "dir": texts.layout.direction,
        "start_url": "/app",
        "scope": "/app",
        "display": "standalone",
        "background_color": "#f4f2ed",
        "theme_color": texts.brand().theme().unwrap_or("#26437f"),
        "icons": icons(texts.brand()),
        "shortcuts": [
            { "name": texts.app.agents, "url": "/app/agents" },
            { "name": texts.app.activity, "url": "/app/activity" },
        ],
    })
}

fn icons(brand: &Brand) -> Value {
    let icon = |path, kind, sizes: &str, purpose| json!({ "src": path, "type": kind, "sizes": sizes, "purpose": purpose });
    if let Some(side) = brand.icon_side() {
        let sizes = format!("{side}x{side}");
        return json!([icon(ICON_512_PATH, "image/png", &sizes, "any")]);
    }
    json!([
        icon(ICON_PATH, "image/svg+xml", "any", "any"),
        icon(ICON_192_PATH, "image/png", "192x192", "any"),
        icon(ICON_512_PATH, "image/png", "512x512", "any"),
        icon(MASKABLE_PATH, "image/png", "512x512", "maskable"),
    ])
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
    use super::*;
    use crate::Brand;

    /// As the server answers `GET` of a path.
    fn fetch(path: &str, language: &str) -> (http::response::Parts, String) {
        let languages = Languages::load().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, language.parse().unwrap());
        let response = match path {
            "/app/manifest.webmanifest" => manifests(&languages).manifest(&headers),
            "/app/offline" => offline_pages(&languages).page(&headers),
            _ => {
                let mut assets = Brand::default().assets().into_iter();
                let (_, found) = assets.find(|(known, _)| *known == path).expect(path);
                found.map(|body| String::from_utf8_lossy(&body).into_owned())
            }
        };
        response.into_parts()
    }

    /// W3C Web Application Manifest: what Chromium asks for before it offers to install.
    #[test]
    fn the_manifest_can_be_installed_and_its_icons_are_there() {
        let (parts, manifest) = fetch("/app/manifest.webmanifest", "de-DE");
        assert_eq!(parts.headers["content-type"], "application/manifest+json");
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        assert_eq!(manifest["lang"], "de");
        assert_eq!(manifest["start_url"], "/app");
        assert_eq!(manifest["display"], "standalone");
        for icon in manifest["icons"].as_array().unwrap() {
            let (parts, _) = fetch(icon["src"].as_str().unwrap(), "");
            assert_eq!(parts.status, StatusCode::OK);
            assert_eq!(
                parts.headers["content-type"],
                icon["type"].as_str().unwrap()
            );
        }
    }

    #[test]
    fn without_a_connection_each_reads_their_language() {
        let (parts, html) = fetch("/app/offline", "de");
        assert!(html.contains("Keine Verbindung") && html.contains("lang=\"de\""));
        assert!(!parts.headers.contains_key("set-cookie"));
        let (_, html) = fetch("/app/offline", "fr");
        assert!(html.contains("You are offline"));
    }

    /// Service Workers, `Service-Worker-Allowed`: its own folder is `/app/`, its pages begin at `/app`.
    #[test]
    fn the_service_worker_may_serve_the_app_and_is_never_kept() {
        let (parts, _) = fetch("/app/sw.js", "");
        assert_eq!(parts.headers["service-worker-allowed"], "/app");
        assert_eq!(parts.headers["cache-control"], "no-cache");
        assert_eq!(
            parts.headers["content-type"],
            "text/javascript; charset=utf-8"
        );
    }

    #[test]
    fn every_file_that_a_page_names_is_served() {
        let languages = Languages::load().unwrap();
        for (_, page) in crate::app_samples::every_page(languages.of("en")) {
            for rest in page.html.split("\"/static/").skip(1) {
                let path = format!("/static/{}", rest.split('"').next().unwrap());
                assert_eq!(fetch(&path, "").0.status, StatusCode::OK, "{path}");
            }
        }
    }
}
