//! The request that a login goes on with comes back by the form, where anybody may write anything into it.

use writ_testkit::{Cast, PASSWORD, Phone, TestBrowser, WebPage, both};

/// The login form as it is, with another `request`.
async fn typed_for(browser: &mut TestBrowser, request: &str) -> WebPage {
    let page = browser.open("/login").await;
    let mut fields = page.fields("login-submit");
    fields.retain(|(name, _)| name != "request");
    for (name, value) in [
        ("request", request),
        ("username", "alice"),
        ("password", PASSWORD),
    ] {
        fields.push((name.to_owned(), value.to_owned()));
    }
    browser.send_form(&page, "login-submit", &fields).await
}

both!(
    a_login_goes_on_with_a_request_that_could_be_one,
    |world| async {
        Cast::of(&world).await;
        let handle = "x".repeat(43);
        for request in [
            "a\r\nb",
            "a&x=1",
            "a#b",
            "x",
            &"x".repeat(42),
            &"x".repeat(44),
            &format!("{}%", &handle[1..]),
            &format!("{}\u{e9}", &handle[1..]),
        ] {
            let mut browser = world.browser();
            let page = typed_for(&mut browser, request).await;
            assert_eq!(page.reply.status, 400, "{request:?}");
            assert_eq!(page.reply.header("location"), None, "{request:?}");
            assert_eq!(browser.open("/app").await.url.path(), "/login");
            // As the login page says itself.
            let mut url = url::Url::parse("http://localhost/login").unwrap();
            url.query_pairs_mut().append_pair("request", request);
            let path = format!("/login?{}", url.query().unwrap());
            assert_eq!(browser.open(&path).await.reply.status, 400, "{request:?}");
        }
        assert!(world.events_named("login.succeeded").await.is_empty());
        // A right passkey goes no further.
        let enrolled = world.enrolled_phone("alice", 1).await;
        let mut phone = Phone::new(world.browser(), enrolled.device);
        world.advance(60);
        for request in ["a\r\nb", "a&x=1"] {
            phone.browser.open("/login").await;
            let assertion = phone.assertion().await;
            let page = phone
                .send_assertion(&assertion, &[("request", request)])
                .await;
            assert_eq!(page.reply.status, 400, "{request:?}");
            assert_eq!(phone.browser.open("/app").await.url.path(), "/login");
        }
        // One that waits for nobody is said so after the proof.
        let page = typed_for(&mut world.browser(), &handle).await;
        assert_eq!(page.url.path(), "/consent");
        assert_eq!(page.reply.status, 400);
    }
);
