//! RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0): asked, unless the app shows that it means this person; back only
//! to where the app registered.

use http::Method;
use serde_json::json;
use writ_core::id::ClientId;
use writ_server::operate::change_client::{ClientChange, ClientKind};
use writ_server::operate::suspend::suspend_agent;
use writ_testkit::{
    Cast, Change, Fields, PASSWORD, TestBrowser, TestGuest, Web, WebPage, World, both,
    both_with_guests, front_url,
};

const BACK: &str = "https://web.example/bye?x=1";

async fn web(world: &World) -> Web {
    Web::register(world, json!({ "post_logout_redirect_uris": [BACK] })).await
}

async fn logged_in(world: &World, name: &str) -> TestBrowser {
    let mut browser = world.browser();
    let page = browser.open("/login").await;
    browser.log_in(&page, name, PASSWORD).await;
    browser
}

async fn hint(world: &World, web: &Web) -> String {
    let code = web
        .code(world, &web.request().with("scope", "openid"))
        .await;
    let reply = web
        .send(world, "/token", &web.redeem_form(&code), &[])
        .await;
    reply.member("id_token")
}

fn url(form: &Fields) -> String {
    front_url(form).replace("/authorize?", "/logout?")
}

fn request(hint: &str) -> Fields {
    vec![
        ("id_token_hint", hint.to_owned()),
        ("post_logout_redirect_uri", BACK.to_owned()),
        ("state", "bye 1".to_owned()),
    ]
}

async fn is_logged_in(browser: &mut TestBrowser) -> bool {
    browser.open("/app").await.url.path() == "/app"
}

fn assert_back(page: &WebPage) {
    assert!(page.url.as_str().starts_with(BACK), "{}", page.url);
    assert_eq!(page.query("state").as_deref(), Some("bye 1"));
}

both!(
    oidc_rp_logout_2_the_hint_of_this_session_ends_it_and_leads_back,
    |world| async {
        let cast = Cast::of(&world).await;
        let web = web(&world).await;
        let hint = hint(&world, &web).await;
        world.advance(3600);
        let mut browser = logged_in(&world, "alice").await;
        assert_back(&browser.open(&url(&request(&hint))).await);
        assert!(!is_logged_in(&mut browser).await);
        let events = world.events_named("logout.succeeded").await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].subject.as_deref(), Some(cast.alice.as_str()));
        assert_eq!(events[0].client.as_deref(), Some("web"));
        assert!(world.app.metrics.render().contains("writ_logouts_total 1"));
        assert_back(&browser.open(&url(&request(&hint))).await);
        assert_eq!(world.events_named("logout.succeeded").await.len(), 1);
    }
);

both!(
    oidc_rp_logout_2_without_it_the_person_is_asked,
    |world| async {
        Cast::of(&world).await;
        world.add_user("erin", PASSWORD).await;
        let web = web(&world).await;
        let alices = hint(&world, &web).await;
        let mut browser = logged_in(&world, "erin").await;
        let bare = request("")
            .without("id_token_hint")
            .with("client_id", "web");
        for form in [Fields::new(), bare, request(&alices)] {
            let page = browser.open(&url(&form)).await;
            assert_eq!(page.url.path(), "/logout", "{form:?}");
            assert!(page.reply.text().contains("logout-submit"));
            assert!(is_logged_in(&mut browser).await, "only asked: {form:?}");
        }
        let page = browser.open(&url(&request(&alices))).await;
        assert!(page.reply.text().contains("Web"), "who asks");
        let page = browser.submit(&page, "logout-submit", &[]).await;
        assert_back(&page);
        assert!(!is_logged_in(&mut browser).await);
    }
);

both!(oidc_rp_logout_3_only_registered_addresses, |world| async {
    Cast::of(&world).await;
    let web = web(&world).await;
    let other = Web::register(&world, json!({ "client_id": "other" })).await;
    let (own, foreign) = (hint(&world, &web).await, hint(&world, &other).await);
    let mut browser = logged_in(&world, "alice").await;
    let (signed, _) = own.rsplit_once('.').unwrap();
    let refused = [
        request(&own).with("post_logout_redirect_uri", "https://evil.example/"),
        request(&own).with("post_logout_redirect_uri", "https://web.example/bye?x=2"),
        request(&foreign),
        request(&own).with("client_id", "other"),
        request("").without("id_token_hint"),
        request("").with("id_token_hint", format!("{signed}.AAAA")),
        request(&own).with("client_id", "nobody"),
        request(&own).and("state", "twice"),
        request(&own).with("state", "x".repeat(2049)),
    ];
    for form in refused {
        let page = browser.open(&url(&form)).await;
        assert_eq!(page.reply.status, 400, "{form:?}");
        assert!(is_logged_in(&mut browser).await, "{form:?}");
    }
});

both!(
    oidc_rp_logout_2_by_post_too_and_never_by_a_forged_form,
    |world| async {
        Cast::of(&world).await;
        let web = web(&world).await;
        let hint = hint(&world, &web).await;
        let form = request(&hint);
        let body = front_url(&form).replace("/authorize?", "").into_bytes();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let reply = world.send(Method::POST, "/logout", &headers, body).await;
        assert_eq!(reply.status, 303);
        let location = reply.header("location").unwrap().to_owned();
        assert!(location.starts_with("/logout?id_token_hint="), "{location}");
        let mut browser = logged_in(&world, "alice").await;
        let pairs: Vec<(&str, String)> = vec![("csrf", "forged".to_owned())];
        let page = browser.post("/logout", &pairs).await;
        assert_eq!(page.reply.status, 403);
        assert!(is_logged_in(&mut browser).await);
        assert_back(&browser.open(&location).await);
    }
);

pub(super) async fn suspend(world: &World) {
    let mut transaction = world.begin().await;
    let change = world.change();
    let web = ClientId::from_text("web");
    let suspended = suspend_agent(&mut transaction, &web, change).await;
    assert!(suspended.unwrap());
    transaction.commit().await.unwrap();
}

pub(super) async fn remove(world: &World) {
    let catalogue = world.app.catalogue().await.unwrap();
    let registrar = world.registry(&catalogue.types);
    let web = ClientId::from_text("web");
    let removed = registrar.remove_client(ClientKind::Plain, &web);
    removed.await.unwrap();
}

async fn unregister_the_way_back(world: &World) {
    let mut file = world.client_file("web").await;
    file["post_logout_redirect_uris"] = json!(["https://web.example/other"]);
    let file = Box::new(serde_json::from_value(file).unwrap());
    let catalogue = world.app.catalogue().await.unwrap();
    let registrar = world.registry(&catalogue.types);
    let (web, change) = (ClientId::from_text("web"), ClientChange::Replace(file));
    let changed = registrar.change_client(ClientKind::Plain, &web, change);
    changed.await.unwrap();
}

/// A request for a way back that is not there any more, with a session and without one.
async fn assert_no_way_back(world: &World, form: &Fields) {
    let mut browser = logged_in(world, "alice").await;
    let page = browser.open(&url(form)).await;
    assert_eq!((page.reply.status, page.url.path()), (400, "/logout"));
    assert!(is_logged_in(&mut browser).await, "nothing ends");
    let page = world.browser().open(&url(form)).await;
    assert_eq!((page.reply.status, page.url.path()), (400, "/logout"));
    let page = browser
        .open(&url(&form.clone().without("post_logout_redirect_uri")))
        .await;
    assert_eq!(page.reply.status, 200);
    assert!(
        !is_logged_in(&mut browser).await,
        "the person is signed out all the same"
    );
}

both!(
    oidc_rp_logout_3_a_suspended_client_gets_nobody_back,
    |world| async {
        Cast::of(&world).await;
        let web = web(&world).await;
        let hint = hint(&world, &web).await;
        suspend(&world).await;
        assert_no_way_back(&world, &request(&hint)).await;
    }
);

both!(
    oidc_rp_logout_3_a_removed_client_gets_nobody_back,
    |world| async {
        Cast::of(&world).await;
        let web = web(&world).await;
        let hint = hint(&world, &web).await;
        remove(&world).await;
        assert_no_way_back(&world, &request(&hint)).await;
    }
);

both!(
    oidc_rp_logout_3_only_what_is_registered_now_on_every_node,
    |world| async {
        Cast::of(&world).await;
        let web = web(&world).await;
        let hint = hint(&world, &web).await;
        let form = request(&hint);
        // This node has the record in its cache.
        assert_back(&logged_in(&world, "alice").await.open(&url(&form)).await);
        unregister_the_way_back(&world).await;
        assert_no_way_back(&world, &form).await;
    }
);

both!(
    oidc_rp_logout_2_a_click_signs_out_also_without_a_way_back,
    |world| async {
        Cast::of(&world).await;
        web(&world).await;
        let bare = request("")
            .without("id_token_hint")
            .with("client_id", "web");
        let mut browser = logged_in(&world, "alice").await;
        let page = browser.open(&url(&bare)).await;
        suspend(&world).await;
        let page = browser.submit(&page, "logout-submit", &[]).await;
        assert_eq!((page.reply.status, page.url.path()), (200, "/logout"));
        assert!(!is_logged_in(&mut browser).await);
    }
);

both_with_guests!(
    oidc_rp_logout_3_a_guest_gets_nobody_back,
    [],
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        let page = guest.agreed(&world, &guest.request(), &[]).await;
        assert!(page.query("code").is_some(), "{}", page.reply.text());
        let form = vec![
            ("client_id", guest.id.clone()),
            ("post_logout_redirect_uri", guest.redirect.clone()),
        ];
        let mut browser = logged_in(&world, "alice").await;
        let page = browser.open(&url(&form)).await;
        assert_eq!((page.reply.status, page.url.path()), (400, "/logout"));
        assert!(is_logged_in(&mut browser).await);
    }
);
