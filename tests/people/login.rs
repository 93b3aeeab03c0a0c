//! Login and the cookie (RFC 9700 section 4.7): what a stranger, a forger and a thief of an old cookie get.

use writ_testkit::{Cast, PASSWORD, TestBrowser, WebPage, World, authorize_url, both, both_with};

const COOKIE: &str = "writ-loopback-default";

async fn try_login(browser: &mut TestBrowser, username: &str, password: &str) -> WebPage {
    let page = browser.open("/login").await;
    browser.log_in(&page, username, password).await
}

async fn signed_in(world: &World) -> TestBrowser {
    let mut browser = world.browser();
    let page = try_login(&mut browser, "alice", PASSWORD).await;
    assert_eq!(page.url.path(), "/app", "{}", page.reply.text());
    browser
}

both!(
    a_wrong_password_and_an_unknown_name_look_the_same,
    |world| async {
        Cast::of(&world).await;
        let mut browser = world.browser();
        let wrong = try_login(&mut browser, "alice", "wrong").await;
        let unknown = try_login(&mut browser, "zelda", "wrong").await;
        assert_eq!((wrong.reply.status, unknown.reply.status), (422, 422));
        let anonymous = |page: &WebPage, name: &str| page.reply.text().replace(name, "NAME");
        assert_eq!(anonymous(&wrong, "alice"), anonymous(&unknown, "zelda"));
        let names = |page: &WebPage| {
            page.reply
                .headers
                .keys()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&wrong), names(&unknown));
        assert_eq!(
            browser.open("/app").await.url.path(),
            "/login",
            "nobody is signed in"
        );
        assert_eq!(
            world.events_named("login.failed").await.len(),
            1,
            "names that nobody has are only counted"
        );
    }
);

both!(
    a_pause_after_five_wrong_passwords_on_every_node,
    |world| async {
        Cast::of(&world).await;
        let mut browser = world.browser();
        for _ in 0..5 {
            assert_eq!(
                try_login(&mut browser, "alice", "wrong").await.reply.status,
                422
            );
        }
        let paused = try_login(&mut browser, "alice", PASSWORD).await;
        assert_eq!(paused.reply.status, 429, "also for the right one");
        assert_eq!(
            try_login(&mut world.browser(), "alice", PASSWORD)
                .await
                .reply
                .status,
            429
        );
        assert_eq!(
            try_login(&mut world.browser(), "mallory", PASSWORD)
                .await
                .url
                .path(),
            "/app"
        );
        world.advance(59);
        assert_eq!(
            try_login(&mut browser, "alice", PASSWORD)
                .await
                .reply
                .status,
            429
        );
        world.advance(1);
        assert_eq!(
            try_login(&mut browser, "alice", PASSWORD).await.url.path(),
            "/app"
        );
        let recorded = world.events_named("login.failed").await;
        assert_eq!(recorded.len(), 5);
    }
);

both!(a_pause_does_not_tell_which_names_exist, |world| async {
    Cast::of(&world).await;
    let mut browser = world.browser();
    let anonymous = |page: &WebPage, name: &str| page.reply.text().replace(name, "NAME");
    for (step, status) in [422, 422, 422, 422, 422, 429, 429].into_iter().enumerate() {
        let known = try_login(&mut browser, "alice", "wrong").await;
        let unknown = try_login(&mut browser, "zelda", "wrong").await;
        assert_eq!(known.reply.status, status, "{step}");
        assert_eq!(unknown.reply.status, status, "{step}");
        assert_eq!(anonymous(&known, "alice"), anonymous(&unknown, "zelda"));
    }
    world.advance(60);
    for status in [422, 429] {
        let known = try_login(&mut browser, "alice", "wrong").await;
        let unknown = try_login(&mut browser, "zelda", "wrong").await;
        assert_eq!((known.reply.status, unknown.reply.status), (status, status));
    }
});

both!(
    a_good_login_forgets_the_wrong_ones_before_it,
    |world| async {
        Cast::of(&world).await;
        for _ in 0..2 {
            for _ in 0..4 {
                let page = try_login(&mut world.browser(), "alice", "wrong").await;
                assert_eq!(page.reply.status, 422);
            }
            signed_in(&world).await;
        }
    }
);

both!(
    rfc_9700_4_7_login_gives_a_new_cookie_and_ends_the_old_one,
    |world| async {
        Cast::of(&world).await;
        let mut browser = world.browser();
        let page = browser.open("/login").await;
        let before = browser.cookies.clone();
        browser.log_in(&page, "alice", PASSWORD).await;
        let first = browser.cookies.clone();
        assert_ne!(before[COOKIE], first[COOKIE]);
        let page = browser.open("/login").await;
        browser.log_in(&page, "alice", PASSWORD).await;
        assert_ne!(first[COOKIE], browser.cookies[COOKIE]);
        assert_eq!(browser.open("/app").await.url.path(), "/app");
        for old in [before, first] {
            let mut thief = world.browser();
            thief.cookies = old;
            assert_eq!(
                thief.open("/app").await.url.path(),
                "/login",
                "an old cookie is worth nothing"
            );
        }
    }
);

both!(signing_out_ends_the_session_at_the_server, |world| async {
    Cast::of(&world).await;
    let mut browser = signed_in(&world).await;
    let copy = browser.cookies.clone();
    let page = browser.open("/app").await;
    let csrf = page
        .reply
        .text()
        .split("name=\"csrf\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let body = format!("csrf={csrf}").into_bytes();
    let cookie = format!("{COOKIE}={}", copy[COOKIE]);
    let headers = [
        ("cookie", cookie.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let out = world
        .send(http::Method::POST, "/logout", &headers, body)
        .await;
    assert_eq!(out.status, 200, "{}", out.text());
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(
        world
            .get("/app", &[("cookie", &cookie)])
            .await
            .header("location"),
        Some("/login")
    );
});

both!(a_login_lasts_eight_hours, |world| async {
    Cast::of(&world).await;
    let mut browser = signed_in(&world).await;
    world.advance(8 * 3600 - 1);
    assert_eq!(browser.open("/app").await.url.path(), "/app");
    world.advance(1);
    assert_eq!(browser.open("/app").await.url.path(), "/login");
});

/// The form as it is, but for its `csrf`: left out, empty, made up, or another browser's.
fn forged(page: &WebPage, button: &str, foreign: &str) -> Vec<Vec<(String, String)>> {
    let mut fields = page.fields(button);
    fields.retain(|(name, _)| name != "csrf");
    fields.push((button.to_owned(), "1".to_owned()));
    let with = |value: &str| {
        let mut fields = fields.clone();
        fields.push(("csrf".to_owned(), value.to_owned()));
        fields
    };
    let mut twice = with(foreign);
    twice.push(("csrf".to_owned(), foreign.to_owned()));
    vec![fields.clone(), with(""), with("x"), with(foreign), twice]
}

fn csrf_of(page: &WebPage, button: &str) -> String {
    let fields = page.fields(button);
    fields
        .into_iter()
        .find(|(name, _)| name == "csrf")
        .unwrap()
        .1
}

both!(
    rfc_9700_4_7_a_login_form_that_this_browser_was_not_given_is_refused,
    |world| async {
        Cast::of(&world).await;
        let mut other = world.browser();
        let foreign = csrf_of(&other.open("/login").await, "login-submit");
        let mut browser = world.browser();
        let page = browser.open("/login").await;
        for mut fields in forged(&page, "login-submit", &foreign) {
            fields.push(("username".to_owned(), "alice".to_owned()));
            fields.push(("password".to_owned(), PASSWORD.to_owned()));
            let again = browser.send_form(&page, "login-submit", &fields).await;
            assert_eq!(again.reply.status, 403, "{fields:?}");
            assert_eq!(browser.open("/app").await.url.path(), "/login");
        }
        // A right token without the cookie is a forgery too.
        let fresh = world
            .browser()
            .send_form(&page, "login-submit", &page.fields("login-submit"))
            .await;
        assert_eq!(fresh.reply.status, 403);
        fresh.says("your browser keeps no cookies of this site");
        fresh.says("sign in again");
        assert!(world.events_named("login.succeeded").await.is_empty());
    }
);

both!(
    rfc_9700_4_7_a_forged_consent_decides_nothing,
    |world| async {
        let cast = Cast::of(&world).await;
        let foreign = csrf_of(&world.browser().open("/login").await, "login-submit");
        let url = authorize_url("agt_planner", &cast.pushed(&world, &cast.request()).await);
        let (mut browser, page) = world.consent_page(&url).await;
        for button in ["consent-approve", "consent-deny"] {
            for fields in forged(&page, button, &foreign) {
                let refused = browser.send_form(&page, button, &fields).await;
                assert_eq!(refused.reply.status, 403, "{fields:?}");
                assert_eq!(refused.reply.header("location"), None);
            }
        }
        assert!(world.events_named("task.approved").await.is_empty());
        let back = browser.submit(&page, "consent-approve", &[]).await;
        assert!(back.query("code").is_some(), "the request is still there");
    }
);

both!(
    rfc_9700_4_7_a_forged_stop_or_sign_out_changes_nothing,
    |world| async {
        let cast = Cast::of(&world).await;
        let code = cast.code(&world).await;
        let token = cast.redeem(&world, &code).await.access_token();
        let foreign = csrf_of(&world.browser().open("/login").await, "login-submit");
        let mut browser = signed_in(&world).await;
        let page = browser.open("/app/agents").await;
        for fields in forged(&page, "task-stop", &foreign) {
            let refused = browser.send_form(&page, "task-stop", &fields).await;
            assert_eq!(refused.reply.status, 403, "{fields:?}");
        }
        assert_eq!(cast.introspect(&world, &token).await["active"], true);
        let cookie = format!("{COOKIE}={}", browser.cookies[COOKIE]);
        let out = world
            .post("/logout", &[("csrf", &foreign)], &[("cookie", &cookie)])
            .await;
        assert_eq!(out.status, 403);
        assert_eq!(browser.open("/app").await.url.path(), "/app");
    }
);

fn attributes(cookie: &str) -> Vec<String> {
    cookie
        .split(';')
        .skip(1)
        .map(|part| part.trim().to_ascii_lowercase())
        .collect()
}

both!(
    over_loopback_http_no_secure_and_another_name,
    |world| async {
        let reply = world.get("/login", &[]).await;
        let cookie = reply.header("set-cookie").unwrap();
        assert!(cookie.starts_with("writ-loopback-default="), "{cookie}");
        let found = attributes(cookie);
        for attribute in ["httponly", "samesite=lax", "path=/"] {
            assert!(found.contains(&attribute.to_owned()), "{cookie}");
        }
        assert!(!found.contains(&"secure".to_owned()), "{cookie}");
        assert!(
            !found
                .iter()
                .any(|attribute| attribute.starts_with("domain")),
            "{cookie}"
        );
        assert_eq!(reply.header("strict-transport-security"), None);
    }
);

both_with!(
    with_an_https_issuer_host_prefix_and_secure,
    &[("SERVER__ISSUER", "https://as.example")],
    |world| async {
        let reply = world.get("/login", &[]).await;
        let cookie = reply.header("set-cookie").unwrap();
        assert!(cookie.starts_with("__Host-writ-default="), "{cookie}");
        let found = attributes(cookie);
        for attribute in ["secure", "httponly", "samesite=lax", "path=/"] {
            assert!(found.contains(&attribute.to_owned()), "{cookie}");
        }
        assert!(
            !found
                .iter()
                .any(|attribute| attribute.starts_with("domain")),
            "{cookie}"
        );
        assert_eq!(
            reply.header("strict-transport-security"),
            Some("max-age=31536000"),
            "nothing is said of the hosts below"
        );
        // The loopback name is no cookie of this server.
        let value = cookie.split(['=', ';']).nth(1).unwrap();
        let other = format!("writ-loopback-default={value}");
        let again = world.get("/login", &[("cookie", &other)]).await;
        assert!(again.header("set-cookie").is_some(), "a new visitor");
        let known = format!("__Host-writ-default={value}");
        let again = world.get("/login", &[("cookie", &known)]).await;
        assert_eq!(again.header("set-cookie"), None);
    }
);

both!(a_disabled_person_reads_nothing_more, |world| async {
    Cast::of(&world).await;
    let mut browser = signed_in(&world).await;
    let paths = [
        "/app",
        "/app/agents",
        "/app/activity",
        "/app/activity/export",
        "/app/devices",
        "/app/settings",
        "/app/requests/apr_1",
        "/app/receipts/rcp_1",
        "/app/receipts/rcp_1/document",
    ];
    for path in paths {
        assert_ne!(browser.open(path).await.url.path(), "/login", "{path}");
    }
    world.disable("alice").await;
    for path in paths {
        assert_eq!(browser.open(path).await.url.path(), "/login", "{path}");
    }
    let live = browser.open("/app/live").await.reply;
    assert_eq!(live.status, 401);
    let stop = [
        ("csrf", browser.csrf()),
        ("agent", "agt_planner".to_owned()),
    ];
    let sent = browser.post("/app/agents/stop", &stop).await;
    assert_eq!(sent.url.path(), "/login");
    let subscribe = [("csrf", browser.csrf()), ("subscription", "{}".to_owned())];
    let sent = browser.post("/app/devices/push", &subscribe).await;
    assert_eq!(sent.url.path(), "/login");
});
