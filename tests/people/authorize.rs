//! `/authorize` (OAuth 2.1 section 4.1, RFC 9207, RFC 9700): a page where nobody can be trusted, a redirect with `iss` otherwise.

use std::collections::BTreeMap;

use serde_json::json;
use url::Url;
use writ_testkit::{
    Cast, Change, Fields, ISSUER, PASSWORD, TestReply, WEB_REDIRECT, Web, World, authorize_url,
    both, front_url,
};

async fn get(world: &World, form: &Fields) -> TestReply {
    world.get(&front_url(form), &[]).await
}

/// The query of a redirect that starts with `redirect`.
fn answer(reply: &TestReply, redirect: &str) -> BTreeMap<String, String> {
    assert_eq!(reply.status, 303, "{}", reply.text());
    let location = reply.header("location").unwrap();
    assert!(location.starts_with(redirect), "{location}");
    let url = Url::parse(location).unwrap();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let found: BTreeMap<_, _> = pairs.iter().cloned().collect();
    assert_eq!(found.len(), pairs.len(), "nothing twice in {location}");
    found
}

fn assert_page(reply: &TestReply) {
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert_eq!(reply.header("location"), None);
    assert_eq!(
        reply.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let policy = reply.header("content-security-policy").unwrap();
    assert!(
        policy.contains("form-action 'self';"),
        "no foreign origin: {policy}"
    );
}

both!(
    oauth21_4_1_2_1_no_redirect_where_client_or_redirect_cannot_be_trusted,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let two =
            json!({ "client_id": "two", "redirect_uris": [WEB_REDIRECT, "https://web.example/2"] });
        let two = Web::register(&world, two).await;
        let good = web.request();
        let table = [
            Fields::new(),
            good.clone().without("client_id"),
            good.clone().with("client_id", "nobody"),
            good.clone().and("client_id", "web"),
            good.clone().with("redirect_uri", "https://evil.example/cb"),
            good.clone().and("redirect_uri", "https://evil.example/cb"),
            good.clone().with("redirect_uri", "javascript:alert(1)"),
            good.clone().with("redirect_uri", "/cb"),
            good.clone()
                .with("redirect_uri", "https://evil.example/cb")
                .with("response_type", "token"),
            two.request().without("redirect_uri"),
            good.clone()
                .with("request_uri", "https://evil.example/request"),
            good.clone()
                .with("request_uri", "urn:ietf:params:oauth:request_uri:unknown"),
        ];
        for form in table {
            assert_page(&get(&world, &form).await);
        }
        for (form, sentence) in [
            (
                good.clone().with("client_id", "nobody"),
                "register one, or send another",
            ),
            (
                good.clone().with("redirect_uri", "https://evil.example/cb"),
                "register exactly this URI",
            ),
            (
                good.clone()
                    .with("request_uri", "https://evil.example/request"),
                "push the request",
            ),
        ] {
            let page = get(&world, &form).await;
            assert!(page.text().contains(sentence), "{}", page.text());
        }
        assert_page(&world.get("/authorize?client_id=%ff", &[]).await);
        let escaped = get(&world, &good.with("client_id", "<script>alert(1)</script>")).await;
        assert!(!escaped.text().contains("<script"), "{}", escaped.text());
    }
);

both!(
    rfc_9207_2_errors_go_back_with_state_and_iss,
    |world| async {
        let cast = Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let good = web.request();
        let table = [
            (
                good.clone().with("response_type", "token"),
                "unsupported_response_type",
            ),
            (
                good.clone().with("response_type", "id_token"),
                "unsupported_response_type",
            ),
            (
                good.clone().with("response_type", "code token"),
                "unsupported_response_type",
            ),
            (good.clone().without("response_type"), "invalid_request"),
            (good.clone().without("code_challenge"), "invalid_request"),
            (
                good.clone().without("code_challenge_method"),
                "invalid_request",
            ),
            (
                good.clone().with("code_challenge_method", "plain"),
                "invalid_request",
            ),
            (
                good.clone().with("response_mode", "fragment"),
                "invalid_request",
            ),
            (
                good.clone().and("scope", "accounts:write"),
                "invalid_request",
            ),
            (
                good.clone().with("scope", "accounts:close"),
                "invalid_scope",
            ),
            (good.clone().without("scope"), "invalid_scope"),
            (
                good.clone().with("resource", "https://unknown.example"),
                "invalid_target",
            ),
            (
                good.clone().with("authorization_details", "[{}]"),
                "invalid_authorization_details",
            ),
            (
                good.clone().with("request", "e30.e30."),
                "request_not_supported",
            ),
            (good.clone().with("prompt", "none"), "login_required"),
            (good.clone().with("prompt", "none login"), "invalid_request"),
            (good.clone().with("dpop_jkt", "x"), "invalid_request"),
        ];
        for (form, error) in table {
            let found = answer(&get(&world, &form).await, WEB_REDIRECT);
            assert_eq!(found["error"], error, "{form:?}: {found:?}");
            assert_eq!(found["state"], "s1");
            assert_eq!(found["iss"], ISSUER);
            assert_eq!(found["from"], "writ", "the redirect's own query is kept");
            assert_eq!(found.get("code"), None);
        }
        let long = good.clone().with("state", "s".repeat(4097));
        let long = answer(&get(&world, &long).await, WEB_REDIRECT);
        assert_eq!(
            (long["error"].as_str(), long.get("state")),
            ("invalid_request", None)
        );
        let twice = answer(&get(&world, &good.and("state", "s2")).await, WEB_REDIRECT);
        assert_eq!(
            (twice["error"].as_str(), twice.get("state")),
            ("invalid_request", None)
        );
        let agent = answer(&get(&world, &cast.request()).await, writ_testkit::REDIRECT);
        assert_eq!(agent["error"], "invalid_request", "an agent always pushes");
        assert!(agent["error_description"].contains("/par"));
    }
);

both!(
    rfc_9207_2_success_goes_back_with_state_and_iss_by_303,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let first = get(&world, &web.request()).await;
        assert_eq!(first.status, 303, "never 307, RFC 9700 section 4.12");
        assert!(
            first
                .header("location")
                .unwrap()
                .starts_with("/login?request=")
        );
        let (mut browser, page) = world.consent_page(&front_url(&web.request())).await;
        let back = browser.submit(&page, "consent-approve", &[]).await;
        let found = answer(&back.reply, WEB_REDIRECT);
        assert_eq!(
            (found["state"].as_str(), found["iss"].as_str()),
            ("s1", ISSUER)
        );
        assert_eq!(found["code"].len(), 43);
        assert_eq!(back.reply.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(back.reply.header("cache-control"), Some("no-store"));
        let bare = web.request().without("state").without("redirect_uri");
        let (mut browser, page) = world.consent_page(&front_url(&bare)).await;
        let found = answer(
            &browser.submit(&page, "consent-approve", &[]).await.reply,
            WEB_REDIRECT,
        );
        assert_eq!(found.get("state"), None);
    }
);

/// Registered, asked for, and whether it is the same.
const REDIRECTS: [(&str, &str, bool); 15] = [
    ("https://a.example/cb", "https://a.example/cb", true),
    ("https://a.example/cb", "https://a.example/cb/", false),
    ("https://a.example/cb", "https://a.example/CB", false),
    ("https://a.example/cb", "https://a.example/cb?x=1", false),
    ("https://a.example/cb", "https://a.example:443/cb", false),
    ("https://a.example/cb", "https://a.example/x/../cb", false),
    (
        "https://a.example/cb",
        "https://a.example.evil.example/cb",
        false,
    ),
    ("https://a.example/cb", "http://a.example/cb", false),
    ("https://a.example/cb", "https://a.example/cb#x", false),
    ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb", true),
    ("http://[::1]/cb", "http://[::1]:49152/cb", true),
    ("http://localhost:1/cb", "http://localhost:2/cb", true),
    ("http://127.0.0.1/cb", "http://127.0.0.1:49152/other", false),
    (
        "http://127.0.0.1/cb",
        "http://127.0.0.1:1@evil.example/cb",
        false,
    ),
    ("http://127.0.0.1/cb", "http://localhost/cb", false),
];

both!(
    oauth21_2_3_1_redirects_match_exactly_but_for_loopback_ports,
    |world| async {
        Cast::of(&world).await;
        for (place, (registered, asked, same)) in REDIRECTS.into_iter().enumerate() {
            let changes =
                json!({ "client_id": format!("web{place}"), "redirect_uris": [registered] });
            let web = Web::register(&world, changes).await;
            let reply = get(&world, &web.request().with("redirect_uri", asked)).await;
            if same {
                assert_eq!(reply.status, 303, "{registered} {asked}");
            } else {
                assert_page(&reply);
            }
        }
    }
);

both!(prompt_none_never_succeeds, |world| async {
    let cast = Cast::of(&world).await;
    let web = Web::register(&world, json!({})).await;
    let mut browser = world.browser();
    let page = browser.open("/login").await;
    browser.log_in(&page, "alice", PASSWORD).await;
    let silent = web.request().with("prompt", "none");
    let back = browser.open(&front_url(&silent)).await;
    assert_eq!(
        back.query("error").as_deref(),
        Some("consent_required"),
        "with a session"
    );
    let uri = cast
        .pushed(&world, &cast.request().with("prompt", "none"))
        .await;
    let url = authorize_url("agt_planner", &uri);
    for mut browser in [world.browser(), browser] {
        let back = browser.open(&url).await;
        assert_eq!(
            back.query("error").as_deref(),
            Some("consent_required"),
            "an agent"
        );
        assert_eq!(back.query("iss").as_deref(), Some(ISSUER));
    }
});

both!(
    openid_3_1_2_1_prompt_login_and_max_age_ask_for_a_new_login,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let mut browser = world.browser();
        let page = browser.open("/login").await;
        browser.log_in(&page, "alice", PASSWORD).await;
        world.advance(60);
        let table = [
            (web.request(), "/consent"),
            (web.request().with("max_age", "60"), "/consent"),
            (web.request().with("max_age", "59"), "/login"),
            (web.request().with("prompt", "login"), "/login"),
            (web.request().with("prompt", "select_account"), "/login"),
            (web.request().with("prompt", "consent"), "/consent"),
        ];
        for (form, path) in table {
            assert_eq!(
                browser.open(&front_url(&form)).await.url.path(),
                path,
                "{form:?}"
            );
        }
        let page = browser
            .open(&front_url(&web.request().with("prompt", "login")))
            .await;
        let page = browser.log_in(&page, "alice", PASSWORD).await;
        assert_eq!(page.url.path(), "/consent", "asked once, not for ever");
    }
);

both!(
    rfc_9700_4_16_pages_cannot_be_framed_and_only_forms_of_a_request_may_end_elsewhere,
    |world| async {
        let cast = Cast::of(&world).await;
        let url = authorize_url("agt_planner", &cast.pushed(&world, &cast.request()).await);
        let mut browser = world.browser();
        let login = browser.open(&url).await;
        let consent = browser.log_in(&login, "alice", PASSWORD).await;
        for page in [&login, &consent] {
            let policy = page.reply.header("content-security-policy").unwrap();
            let directives: Vec<&str> = policy.split(';').map(str::trim).collect();
            for directive in [
                "default-src 'none'",
                "frame-ancestors 'none'",
                "base-uri 'none'",
            ] {
                assert!(directives.contains(&directive), "{directive}: {policy}");
            }
            assert!(!policy.contains("unsafe"), "{policy}");
            assert!(
                !policy.contains("form-action"),
                "a callback may redirect on to anywhere: {policy}"
            );
            assert_eq!(page.reply.header("x-frame-options"), Some("DENY"));
            assert_eq!(page.reply.header("referrer-policy"), Some("same-origin"));
            assert_eq!(page.reply.header("x-content-type-options"), Some("nosniff"));
            assert_eq!(page.reply.header("cache-control"), Some("no-store"));
        }
        for path in ["/login", "/nothing"] {
            let page = world.browser().open(path).await;
            let policy = page.reply.header("content-security-policy").unwrap();
            assert!(policy.contains("form-action 'self';"), "{path}: {policy}");
        }
        // The consent page has no script; the login page only ours, for passkeys.
        let policy = consent.reply.header("content-security-policy");
        assert!(!policy.unwrap().contains("script-src"));
        assert!(!consent.reply.text().contains("<script"));
        let scripts = login.reply.text();
        let mut scripts = scripts.split("<script").skip(1);
        assert!(scripts.all(|tag| tag.starts_with(" type=\"module\" src=\"/static/")));
    }
);

both!(unknown_paths_and_methods_are_pages, |world| async {
    for (method, path, status) in [
        (http::Method::GET, "/nothing", 404),
        (http::Method::DELETE, "/authorize", 405),
        (http::Method::PUT, "/consent", 405),
        (http::Method::GET, "/token", 405),
        (http::Method::GET, "/introspect", 405),
        (http::Method::POST, "/jwks", 405),
    ] {
        let reply = world.send(method, path, &[], Vec::new()).await;
        assert_eq!(reply.status, status, "{path}");
    }
});
