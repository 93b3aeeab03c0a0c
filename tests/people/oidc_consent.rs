//! Consent that is not asked for again (OpenID Connect Core 3.1.2.4): remembered, or of a client of the house.

use serde_json::json;
use writ_testkit::{
    BANK, Cast, Change, Fields, PASSWORD, TestBrowser, Web, WebPage, World, both, front_url,
};

const DAY: u64 = 24 * 3600;

pub(crate) async fn logged_in(world: &World) -> TestBrowser {
    let mut browser = world.browser();
    let page = browser.open("/login").await;
    browser.log_in(&page, "alice", PASSWORD).await;
    browser
}

pub(crate) async fn remembering(world: &World) -> Web {
    Web::register(world, json!({ "remember_consent": true })).await
}

pub(crate) fn silent(web: &Web) -> Fields {
    web.request()
        .with("scope", "openid accounts:read")
        .with("prompt", "none")
}

pub(super) async fn asked(world: &World, form: &Fields) -> WebPage {
    logged_in(world).await.open(&front_url(form)).await
}

/// What a silent request gets in a browser where alice is logged in.
pub(super) async fn silently(world: &World, form: &Fields) -> Option<String> {
    let page = asked(world, form).await;
    assert_eq!(page.url.host_str(), Some("web.example"), "{}", page.url);
    page.query("error")
}

pub(crate) async fn agree(world: &World, form: &Fields) {
    let mut browser = logged_in(world).await;
    let page = browser
        .open(&front_url(&form.clone().without("prompt")))
        .await;
    assert!(
        page.reply.text().contains("You are not asked again for"),
        "{}",
        page.reply.text()
    );
    let page = browser.submit(&page, "consent-approve", &[]).await;
    assert!(page.query("code").is_some());
}

both!(
    oidc_core_3_1_2_4_a_remembered_consent_answers_a_silent_request,
    |world| async {
        let cast = Cast::of(&world).await;
        let web = remembering(&world).await;
        let form = silent(&web);
        assert_eq!(
            silently(&world, &form).await.as_deref(),
            Some("consent_required")
        );
        let page = world.browser().open(&front_url(&form)).await;
        assert_eq!(page.query("error").as_deref(), Some("login_required"));
        agree(&world, &form).await;
        let page = asked(&world, &form).await;
        let code = page.query("code").unwrap();
        let reply = web
            .send(&world, "/token", &web.redeem_form(&code), &[])
            .await;
        let claims = reply.claims();
        assert_eq!(claims["sub"], json!(cast.alice));
        assert_eq!(claims["approval"]["basis"], json!("consent"));
        let page = asked(&world, &form.clone().without("prompt")).await;
        assert!(page.query("code").is_some(), "without a prompt too");
        let page = asked(&world, &form.clone().with("prompt", "consent")).await;
        assert_eq!(page.url.path(), "/consent", "unless the app wants it asked");
        let given = world.events_named("consent.given").await;
        let shown = |method: &str| {
            let of = given
                .iter()
                .filter(|event| event.data["method"] == json!(method));
            of.map(|event| event.data["shown"] == json!(""))
                .collect::<Vec<bool>>()
        };
        assert_eq!(shown("password"), [false]);
        assert_eq!(shown("remembered"), [true, true], "nothing was shown");
    }
);

both!(
    oidc_core_3_1_2_4_only_for_the_same_scopes_redirect_and_words,
    |world| async {
        Cast::of(&world).await;
        let two = json!({
            "remember_consent": true,
            "redirect_uris": [writ_testkit::WEB_REDIRECT, "https://web.example/2"]
        });
        let web = Web::register(&world, two).await;
        let other = json!({ "client_id": "other", "remember_consent": true });
        let other = Web::register(&world, other).await;
        let form = silent(&web);
        agree(&world, &form).await;
        let needed = Some("consent_required".to_owned());
        let wider = form
            .clone()
            .with("scope", "openid accounts:read accounts:write");
        let elsewhere = form.clone().with("redirect_uri", "https://web.example/2");
        let audience = form.clone().with("resource", BANK);
        for asked in [wider, elsewhere, silent(&other)] {
            assert_eq!(silently(&world, &asked).await, needed, "{asked:?}");
        }
        let less = form.clone().with("scope", "openid");
        for same in [less, audience] {
            assert_eq!(silently(&world, &same).await, None, "{same:?}");
        }
        world.advance(90 * DAY - 60);
        assert_eq!(silently(&world, &form).await, None);
        world.advance(120);
        assert_eq!(silently(&world, &form).await, needed, "after 90 days");
    }
);

both!(
    oidc_core_3_1_2_4_a_client_of_the_house_asks_nobody,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({ "first_party": true })).await;
        let form = silent(&web);
        let page = world.browser().open(&front_url(&form)).await;
        assert_eq!(page.query("error").as_deref(), Some("login_required"));
        let page = asked(&world, &form).await;
        let code = page.query("code").unwrap();
        let reply = web
            .send(&world, "/token", &web.redeem_form(&code), &[])
            .await;
        let basis = &reply.claims()["approval"]["basis"];
        assert_eq!(*basis, json!("policy"), "nobody was asked");
        let mut browser = world.browser();
        let login = browser
            .open(&front_url(&form.clone().without("prompt")))
            .await;
        let page = browser.log_in(&login, "alice", PASSWORD).await;
        assert!(page.query("code").is_some(), "the login alone");
        let page = asked(&world, &form.clone().with("prompt", "consent")).await;
        assert_eq!(page.url.path(), "/consent");
        let payment = json!([writ_testkit::payment("100.00")]).to_string();
        let objects = form.with("authorization_details", payment);
        assert_ne!(
            silently(&world, &objects).await,
            None,
            "objects are always asked"
        );
    }
);

both!(an_agent_is_never_remembered, |world| async {
    let cast = Cast::of(&world).await;
    let agent = json!({ "remember_consent": true, "profile": "fapi2" });
    let refused = world.try_add_client(Web::file(agent)).await.unwrap_err();
    assert!(
        refused.contains("`remember_consent`: only for clients"),
        "{refused}"
    );
    for _ in 0..2 {
        let (mut browser, page) = cast.asked(&world, &cast.request()).await;
        assert!(!page.reply.text().contains("You are not asked again"));
        browser.submit(&page, "consent-approve", &[]).await;
    }
});
