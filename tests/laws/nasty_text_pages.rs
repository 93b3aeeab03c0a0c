//! The same strings at every page and its scripts, in their queries, forms and paths; the table has every route of the server.

use http::Method;
use writ_core::checks::Endpoint;
use writ_testkit::{Cast, PASSWORD, TestBrowser, TestReply, World, both_with};

use super::nasty_text::{AUTHORIZATION, FORM, MARK, REFUSED, Route, SETTINGS, taken};
use crate::house::server_routes;

/// The pages and what their scripts call.
fn pages() -> Vec<Route> {
    let post = |path, names| Route::form(path, Vec::new(), names);
    let get = Route::query;
    vec![
        get("/", "x"),
        get("/app", "x"),
        get("/authorize", AUTHORIZATION),
        post("/authorize", AUTHORIZATION),
        get("/login", "request next"),
        post("/login", "username password request next"),
        post("/login/passkey/options", "username request next"),
        post("/login/passkey", "assertion request next"),
        get("/login/forgot", "x"),
        post("/login/forgot", "username"),
        post("/upstream/x", "request next"),
        get("/upstream/x/callback", "state code error iss"),
        get("/upstream/x/signed-out", "state"),
        get("/account", "link"),
        post(
            "/account",
            "link code assertion new_password new_password_again account-passkey",
        ),
        get("/account/not-me", "link"),
        post("/account/not-me", "link"),
        post("/account/passkey/options", "link new_password"),
        get("/app/settings/address", "link"),
        post("/app/settings/address", "link"),
        get(
            "/logout",
            "id_token_hint client_id post_logout_redirect_uri state ui_locales logout_hint",
        ),
        post(
            "/logout",
            "id_token_hint client_id post_logout_redirect_uri state",
        ),
        get("/consent", "request"),
        post("/consent", "request grant screen lifetime decision narrow"),
        get("/device", "user_code"),
        post("/device", "user_code confirm"),
        get("/app/requests/x", "decided screen liveness assertion"),
        get("/app/requests/x/liveness", "screen password"),
        post(
            "/app/requests/x",
            "decision narrow minutes part screen number assertion password",
        ),
        get("/app/receipts/x", "decided"),
        get("/app/receipts/x/document", "x"),
        get("/app/agents", "x"),
        post("/app/agents/stop", "agent"),
        post("/app/agents/undo", "stop password assertion"),
        post("/app/agents/unpause", "agent password assertion"),
        post("/app/agents/forget", "client"),
        post("/app/stop", "task"),
        post("/app/resume", "task"),
        get("/app/activity", "before agent task"),
        get("/app/activity/export", "x"),
        get("/app/settings", "x"),
        post(
            "/app/settings",
            "setting by language time_zone email user_code password assertion new_password new_password_again from until offset",
        ),
        get("/app/upstream", "x"),
        post("/app/upstream", "upstream password assertion"),
        post("/app/upstream/remove", "upstream"),
        get("/app/devices", "x"),
        post("/app/devices/sessions/end", "session"),
        post("/app/devices/sessions/end-others", "x"),
        post(
            "/app/devices/passkeys/prove",
            "passkey stop agent setting email new_password user_code console",
        ),
        post(
            "/app/devices/passkeys/options",
            "name password assertion proof code",
        ),
        post("/app/devices/passkeys", "name answer attestation"),
        post("/app/devices/passkeys/remove", "passkey password assertion"),
        get("/app/devices/push/key", "x"),
        get("/admin", "x"),
        post("/admin/enter", "next assertion"),
        post("/app/devices/push", "subscription name endpoint device"),
        post(
            "/app/devices/push/remove",
            "subscription name endpoint device",
        ),
        get("/types/x", "x"),
        get("/jwks", "x"),
        get("/userinfo", "access_token"),
        get("/access/v1/requests/x", "x"),
        get("/access/v1/requests/x/cancel", "x"),
    ]
}

/// What scripts of ours read, which cannot read a page.
const SCRIPTS: [&str; 5] = [
    "/account/passkey/options",
    "/login/passkey/options",
    "/app/devices/passkeys/prove",
    "/app/devices/passkeys/options",
    "/app/devices/push/key",
];

#[test]
fn the_table_has_every_route_of_the_server() {
    let known: Vec<String> = pages().iter().map(|route| route.path.to_owned()).collect();
    for path in server_routes() {
        let like = ["{id}", "{hash}", "{provider}"];
        let like = like
            .iter()
            .fold(path.clone(), |path, part| path.replace(part, "x"));
        let is_program = Endpoint::ALL.iter().any(|e| e.path() == path);
        let by_itself = [
            "/register",
            "/register/x",
            "/.well-known/{*other}",
            // Of a provider: `people/upstream_logout.rs`.
            "/upstream/x/logout",
            // In its JSON: `approvals/access_request.rs`.
            "/access/v1/requests",
            // What stands behind it is a caller's: `client/forward_auth_refused.rs`.
            "/access/v1/forward-auth/",
            "/access/v1/forward-auth/{*uri}",
            // Read from nobody who does not pass the door: `operate/console.rs`.
            "/admin/leave",
        ];
        assert!(
            is_program
                || known.contains(&like)
                || by_itself.contains(&like.as_str())
                || is_plain(&like),
            "{path} is in no table of nasty text"
        );
    }
}

/// Answers the same whatever comes: metadata, files, and what the operator's listener has.
fn is_plain(path: &str) -> bool {
    let streams = "/app/live";
    let of_operator = ["/healthz", "/readyz", "/metrics"];
    let files = [
        "/app/manifest.webmanifest",
        "/app/offline",
        "/access/v1/openapi.json",
    ];
    path.starts_with("/.well-known/")
        || path == streams
        || of_operator.contains(&path)
        || files.contains(&path)
}

/// Alice's browser, and the token of its forms.
async fn signed_in(world: &World) -> (String, String) {
    let mut browser: TestBrowser = world.browser();
    let page = browser.open("/app/settings").await;
    let page = browser.log_in(&page, "alice", PASSWORD).await;
    let text = page.reply.text();
    let csrf = text
        .split("name=\"csrf\" value=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let cookies = browser.cookies.iter().map(|(n, v)| format!("{n}={v}"));
    (
        cookies.collect::<Vec<_>>().join("; "),
        csrf.unwrap().to_owned(),
    )
}

async fn visit(world: &World, route: &Route, cookies: &str, encoded: &str) -> TestReply {
    let headers = [FORM, ("cookie", cookies)];
    match route.method {
        Method::GET => {
            let address = format!("{}?{encoded}", route.path);
            world
                .send(Method::GET, &address, &headers[1..], Vec::new())
                .await
        }
        _ => {
            world
                .send(route.method.clone(), route.path, &headers, encoded.into())
                .await
        }
    }
}

/// What a page shows: all of it but tags with their attributes.
fn shown(html: &str) -> String {
    let parts = html.split('<');
    let texts = parts.filter_map(|part| part.split_once('>'));
    texts.map(|(_, text)| text).collect()
}

both_with!(no_text_breaks_a_page, SETTINGS, |world| async {
    Cast::of(&world).await;
    let (cookies, csrf) = signed_in(&world).await;
    for route in pages() {
        for name in route.names() {
            for text in taken() {
                let value: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
                let encoded = format!("{}&csrf={csrf}", route.encoded(name, &value));
                let reply = visit(&world, &route, &cookies, &encoded).await;
                let what = format!("{} {} {name}={text:.40}", route.method, route.path);
                assert!(reply.status < 500, "{what}: {}", reply.text());
                assert!(!reply.text().contains("<script>alert"), "{what}");
                assert!(!shown(&reply.text()).contains('\u{202e}'), "{what}");
            }
        }
    }
});

both_with!(
    what_is_no_text_is_refused_by_every_page,
    SETTINGS,
    |world| async {
        Cast::of(&world).await;
        let (cookies, csrf) = signed_in(&world).await;
        for route in pages() {
            for name in route.names().into_iter().chain(["nobody_knows_it"]) {
                for bad in REFUSED {
                    let encoded = format!("{}&csrf={csrf}", route.encoded(name, bad));
                    let reply = visit(&world, &route, &cookies, &encoded).await;
                    let what = format!("{} {} {name}={bad}", route.method, route.path);
                    assert_eq!(reply.status, 400, "{what}: {}", reply.text());
                    if SCRIPTS.contains(&route.path) {
                        assert_eq!(reply.error(), "invalid_request", "{what}");
                    }
                }
            }
        }
        assert!(!world.database.dump().await.contains(MARK));
    }
);

both_with!(
    what_is_no_text_is_refused_in_every_path,
    SETTINGS,
    |world| async {
        Cast::of(&world).await;
        let (cookies, _) = signed_in(&world).await;
        for bad in [
            "%00", "a%00b", "%0d%0ax", "%1b", "%7f", "%c2%85", "%ff", "%c0%80", "%09",
        ] {
            for (before, after, is_json) in [
                ("/types/", "", true),
                ("/register/", "", true),
                ("/.well-known/", "", true),
                ("/access/v1/requests/", "", true),
                ("/access/v1/requests/", "/cancel", true),
                ("/app/requests/", "", false),
                ("/app/requests/", "/liveness", false),
                ("/app/receipts/", "", false),
                ("/app/receipts/", "/document", false),
                ("/", "", false),
            ] {
                let path = format!("{before}{bad}{after}");
                let reply = world.get(&path, &[("cookie", &cookies)]).await;
                assert_eq!(reply.status, 400, "{path}");
                let kind = reply.header("content-type").unwrap();
                assert_eq!(kind == "application/json", is_json, "{path}: {kind}");
            }
        }
        for odd in [
            "%E2%80%AE",
            "..%2f..",
            "%25",
            "'--",
            "%F0%9F%98%80",
            &"x".repeat(5000),
        ] {
            for before in [
                "/types/",
                "/register/",
                "/access/v1/requests/",
                "/app/requests/",
                "/app/receipts/",
                "/",
            ] {
                let reply = world
                    .get(&format!("{before}{odd}"), &[("cookie", &cookies)])
                    .await;
                assert!(
                    matches!(reply.status, 303 | 401 | 404),
                    "{before}{odd}: {}",
                    reply.status
                );
            }
        }
    }
);
