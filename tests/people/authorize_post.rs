//! `POST /authorize` (OpenID Connect Core 3.1.2.1): the same request as by GET, from a form, also of another site, whose posts
//! bring no cookie. And how many requests one address may leave in a minute.

use std::net::IpAddr;

use serde_json::json;
use url::Url;
use writ_core::authorize::MAX_FRONT_REQUESTS;
use writ_testkit::{
    Cast, Change, Fields, PASSWORD, TestReply, WEB_REDIRECT, Web, World, authorize_url, both,
    front_url,
};

async fn post(world: &World, form: &Fields) -> TestReply {
    let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
    world.post("/authorize", &form, &[]).await
}

/// Where the browser goes on, by GET, with a handle alone.
fn handle(reply: &TestReply) -> String {
    assert_eq!(reply.status, 303, "{}", reply.text());
    assert_eq!(
        reply.header("set-cookie"),
        None,
        "who is signed in stays signed in"
    );
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
    let location = reply.header("location").unwrap();
    let url = Url::parse("http://localhost:9")
        .unwrap()
        .join(location)
        .unwrap();
    assert_eq!(url.path(), "/authorize");
    let names: Vec<String> = url
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect();
    assert_eq!(
        names,
        ["client_id", "request_uri"],
        "nothing of the request: {location}"
    );
    location.to_owned()
}

both!(
    oidc_core_3_1_2_1_a_form_leads_through_login_and_consent_to_a_code,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let form = web.request();
        let link = handle(&post(&world, &form).await);
        let (mut browser, page) = world.consent_page(&link).await;
        let back = browser.submit(&page, "consent-approve", &[]).await;
        assert!(back.url.as_str().starts_with(WEB_REDIRECT), "{}", back.url);
        assert!(back.query("code").is_some());
        assert_eq!(back.query("state"), by_name(&form, "state"));
        assert!(back.query("iss").is_some());
        // Somebody who is signed in still is: the post of another site came without their cookie, and changed nothing.
        let link = handle(&post(&world, &form).await);
        let page = browser.open(&link).await;
        assert_eq!(page.url.path(), "/consent", "{}", page.reply.text());
        // Once, like any other.
        browser.submit(&page, "consent-deny", &[]).await;
        assert_eq!(browser.open(&link).await.reply.status, 400);
    }
);

fn by_name(form: &Fields, name: &str) -> Option<String> {
    let found = form.iter().find(|(other, _)| *other == name);
    found.map(|(_, value)| value.clone())
}

both!(
    rfc_9700_4_7_a_cookie_that_comes_along_decides_nothing,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let mut browser = world.browser();
        let page = browser.open("/login").await;
        browser.log_in(&page, "alice", PASSWORD).await;
        let before = browser.cookies.clone();
        let fields: Vec<(&str, String)> = web.request();
        let page = browser.post("/authorize", &fields).await;
        assert_eq!(page.url.path(), "/consent", "{}", page.reply.text());
        assert_eq!(browser.cookies, before);
        assert!(world.events_named("task.approved").await.is_empty());
    }
);

both!(a_pushed_request_by_post, |world| async {
    let cast = Cast::of(&world).await;
    let uri = cast.pushed(&world, &cast.request()).await;
    let form: Fields = vec![
        ("client_id", cast.planner.id.clone()),
        ("request_uri", uri.clone()),
        ("scope", "accounts:write".to_owned()),
    ];
    let link = handle(&post(&world, &form).await);
    let (mut browser, page) = world.consent_page(&link).await;
    page.does_not_say("accounts:write");
    browser.submit(&page, "consent-approve", &[]).await;
    assert_eq!(post(&world, &form).await.status, 400, "it was used");
    let other = cast.pushed(&world, &cast.request()).await;
    let foreign = form
        .with("client_id", "agt_booker")
        .with("request_uri", other);
    assert_eq!(post(&world, &foreign).await.status, 400);
});

both!(
    oidc_core_3_1_2_1_what_get_refuses_post_refuses,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let good = web.request();
        for form in [
            Fields::new(),
            good.clone().without("client_id"),
            good.clone().and("client_id", "web"),
            good.clone().with("client_id", "nobody"),
            good.clone().with("redirect_uri", "https://evil.example/cb"),
            good.clone()
                .with("request_uri", "https://evil.example/request"),
            good.clone()
                .with("request_uri", "urn:ietf:params:oauth:request_uri:unknown"),
        ] {
            let (by_post, by_get) = (
                post(&world, &form).await,
                world.get(&front_url(&form), &[]).await,
            );
            assert_eq!(
                (by_post.status, by_post.header("location")),
                (400, None),
                "{form:?}"
            );
            assert_eq!(by_post.text(), by_get.text());
        }
        for (form, error) in [
            (
                good.clone().with("response_type", "token"),
                "unsupported_response_type",
            ),
            (good.clone().without("code_challenge"), "invalid_request"),
            (good.clone().with("scope", "everything"), "invalid_scope"),
            (
                good.clone().and("scope", "accounts:write"),
                "invalid_request",
            ),
        ] {
            let reply = post(&world, &form).await;
            assert_eq!(reply.status, 303);
            assert_eq!(
                reply.header("location"),
                world.get(&front_url(&form), &[]).await.header("location")
            );
            let back = Url::parse(reply.header("location").unwrap()).unwrap();
            assert!(back.as_str().starts_with(WEB_REDIRECT));
            assert!(
                back.query_pairs().any(|(n, v)| n == "error" && v == error),
                "{back}"
            );
        }
        // `prompt=none` is answered where it goes on.
        let none = good.clone().with("prompt", "none");
        let link = handle(&post(&world, &none).await);
        let back = world.browser().open(&link).await;
        assert_eq!(back.query("error").as_deref(), Some("login_required"));
    }
);

both!(
    oidc_core_3_1_2_1_the_body_alone_and_only_a_form,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let form = web.request();
        let body = form_body(&form);
        let send = async |path: &str, kind: &str, body: &str| {
            let headers = [("content-type", kind)];
            let body = body.as_bytes().to_vec();
            world.send(http::Method::POST, path, &headers, body).await
        };
        let form_type = "application/x-www-form-urlencoded";
        handle(&send("/authorize?", form_type, &body).await);
        handle(
            &send(
                "/authorize",
                "application/x-www-form-urlencoded; charset=UTF-8",
                &body,
            )
            .await,
        );
        for (status, path, kind, body) in [
            (400, "/authorize?client_id=web", form_type, body.as_str()),
            (400, "/authorize?prompt=none", form_type, &body),
            (400, front_url(&form).as_str(), form_type, ""),
            (
                415,
                "/authorize",
                "application/json",
                "{\"client_id\":\"web\"}",
            ),
            (415, "/authorize", "multipart/form-data; boundary=x", &body),
            (415, "/authorize", "", &body),
            (400, "/authorize", form_type, "client_id=%ff"),
            (400, "/authorize", form_type, ""),
        ] {
            let reply = send(path, kind, body).await;
            assert_eq!(
                (reply.status, reply.header("location")),
                (status, None),
                "{path} {kind}"
            );
            assert_eq!(reply.header("set-cookie"), None);
        }
        let large = format!("{body}&state={}", "x".repeat(128 * 1024));
        let reply = send("/authorize", form_type, &large).await;
        assert_eq!(reply.status, 413);
        assert!(reply.text().contains("<html"), "{}", reply.text());
    }
);

fn form_body(form: &Fields) -> String {
    let url = Url::parse_with_params("http://localhost:9/", form).unwrap();
    url.query().unwrap().to_owned()
}

fn from(text: &str) -> IpAddr {
    text.parse().unwrap()
}

both!(
    requests_of_one_address_in_a_minute_are_bounded,
    |world| async {
        let cast = Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let (url, form) = (front_url(&web.request()), web.request());
        let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let many = from("2001:db8:1:2::a");
        for place in 0..MAX_FRONT_REQUESTS {
            let one = from(&format!("2001:db8:1:2::{place:x}"));
            let reply = if place % 3 == 0 {
                world.post_from(one, "/authorize", &form, &[]).await
            } else {
                world.get_from(one, &url, &[]).await
            };
            assert_eq!(reply.status, 303, "{place}: {}", reply.text());
        }
        let over = world.get_from(many, &url, &[]).await;
        assert_eq!(over.status, 429, "{}", over.text());
        // It is 20 seconds past the minute.
        assert_eq!(over.header("retry-after"), Some("40"));
        assert!(over.text().contains("Too many requests"), "{}", over.text());
        assert_eq!(over.header("location"), None);
        assert_eq!(
            world.post_from(many, "/authorize", &form, &[]).await.status,
            429
        );
        // Others go on, so does whoever is unknown, and so does a pushed request, which leaves no row here.
        for other in ["2001:db8:1:3::a", "203.0.113.7"] {
            assert_eq!(world.get_from(from(other), &url, &[]).await.status, 303);
        }
        assert_eq!(world.get(&url, &[]).await.status, 303);
        let pushed = authorize_url(
            &cast.planner.id,
            &cast.pushed(&world, &cast.request()).await,
        );
        let pushed = Url::parse(&pushed).unwrap();
        let path = &pushed[url::Position::BeforePath..];
        assert_eq!(world.get_from(many, path, &[]).await.status, 303);
        // A request that is refused leaves no row either, and is not counted.
        world.advance(60);
        assert_eq!(world.get_from(many, &url, &[]).await.status, 303);
    }
);
