//! The operator's name, icon and colour stand on every page; of the two databases none is asked for them.

use writ_testkit::{DatabaseKind, World};

const SETTINGS: [(&str, &str); 3] = [
    ("BRAND__NAME", "Acme & Co"),
    (
        "BRAND__ICON",
        concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../crates/pages/static/icon-512.png"
        ),
    ),
    ("BRAND__ACCENT", "#0A6640"),
];

/// The value of the attribute after this text.
fn after<'a>(page: &'a str, start: &str) -> &'a str {
    let (_, rest) = page
        .split_once(start)
        .unwrap_or_else(|| panic!("{start}: {page}"));
    rest.split('"').next().unwrap()
}

#[tokio::test]
async fn pages_carry_the_operators_name_icon_and_colour() {
    let world = World::configured(DatabaseKind::Sqlite, &SETTINGS).await;
    let login = world.get("/login", &[]).await.text();
    assert!(login.contains("<bdi>Acme &#38; Co</bdi>"), "{login}");
    assert!(login.contains("Acme &#38; Co</title>"), "{login}");
    assert!(!login.contains("Writ"), "{login}");
    let path = format!("/static/brand-{}", after(&login, "href=\"/static/brand-"));
    let style = world.get(&path, &[]).await;
    assert_eq!(
        (style.status, style.headers["content-type"].as_bytes()),
        (200, &b"text/css; charset=utf-8"[..])
    );
    assert!(
        style.text().starts_with(":root { --accent: #0a6640;"),
        "{}",
        style.text()
    );
    // A PNG says its kind in its first bytes (PNG third edition, section 5.2), and ours of 512 pixels is in the place of the small one.
    let icon = world
        .get(after(&login, "<img class=\"mark\" src=\""), &[])
        .await;
    assert_eq!((icon.status, &icon.body[1..4]), (200, &b"PNG"[..]));
    assert_eq!(icon.body[16..20], 512_u32.to_be_bytes());
    let manifest = world.get("/app/manifest.webmanifest", &[]).await.text();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["name"], "Acme & Co");
    assert_eq!(manifest["theme_color"], "#0a6640");
    assert_eq!(manifest["icons"][0]["sizes"], "512x512");
    assert_eq!(manifest["icons"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn without_one_they_are_writs() {
    let world = World::new(DatabaseKind::Sqlite).await;
    let login = world.get("/login", &[]).await.text();
    assert!(
        login.contains("<bdi>Writ</bdi>") && login.contains("<svg class=\"mark\""),
        "{login}"
    );
    assert!(
        !login.contains("/static/brand-") && !login.contains("<img"),
        "{login}"
    );
}
