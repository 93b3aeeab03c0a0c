//! What becomes of remembered consents when their client or its resource changes, and that a skipped consent goes by the client's record
//! as it is, on every node.

use serde_json::{Value, json};
use writ_core::id::ClientId;
use writ_server::operate::change_client::{ClientChange, ClientKind};
use writ_server::operate::suspend::{resume_agent, suspend_agent};
use writ_testkit::{BANK, Cast, Change, Fields, PASSWORD, Web, World, both, front_url};

use super::oidc_consent::{agree, asked, remembering, silent};
use super::remembered::{assert_asked, assert_silent};

/// As an operator replaces the record.
async fn changed(world: &World, change: Value) {
    let mut file = world.client_file("web").await;
    writ_testkit::merge(&mut file, change);
    let file = Box::new(serde_json::from_value(file).unwrap());
    let catalogue = world.app.catalogue().await.unwrap();
    let registrar = world.registry(&catalogue.types);
    let (id, change) = (ClientId::from_text("web"), ClientChange::Replace(file));
    let done = registrar.change_client(ClientKind::Plain, &id, change);
    done.await.unwrap();
}

/// What the bank says of itself.
async fn bank_is(world: &World, changes: Value) {
    let mut file = json!({
        "resource": BANK, "name": "Bank", "scopes": ["accounts:read", "accounts:write"],
        "authorization_details_types": ["payment"], "client_id": "bank-api"
    });
    writ_testkit::merge(&mut file, changes);
    world.add_resource(file).await;
}

both!(
    a_redirect_uri_that_was_taken_back_while_somebody_read_gets_no_code,
    |world| async {
        Cast::of(&world).await;
        let second = "https://web.example/2";
        let redirects = json!([writ_testkit::WEB_REDIRECT, second]);
        let web = Web::register(&world, json!({ "redirect_uris": redirects })).await;
        let form = web.request().with("redirect_uri", second);
        let mut browser = world.browser();
        let login = browser.open(&front_url(&form)).await;
        let page = browser.log_in(&login, "alice", PASSWORD).await;
        changed(
            &world,
            json!({ "redirect_uris": [writ_testkit::WEB_REDIRECT] }),
        )
        .await;
        world.advance(6);
        let refused = browser.submit(&page, "consent-approve", &[]).await;
        assert_eq!(
            (refused.url.path(), refused.reply.status),
            ("/consent", 400)
        );
        refused.says("`redirect_uri` is not registered for this client");
    }
);

both!(it_ends_when_its_client_is_suspended, |world| async {
    Cast::of(&world).await;
    let web = remembering(&world).await;
    let form = silent(&web);
    agree(&world, &form).await;
    let id = ClientId::from_text("web");
    let mut transaction = world.begin().await;
    let change = || world.change();
    let suspended = suspend_agent(&mut transaction, &id, change()).await;
    assert!(suspended.unwrap());
    transaction.commit().await.unwrap();
    let page = asked(&world, &form).await;
    page.says("This app has been stopped");
    let mut transaction = world.begin().await;
    assert!(resume_agent(&mut transaction, &id, change()).await.unwrap());
    transaction.commit().await.unwrap();
    assert_asked(&world, &form, "it was suspended").await;
});

both!(it_ends_with_what_is_taken_from_the_record, |world| async {
    Cast::of(&world).await;
    let second = "https://web.example/2";
    let redirects = json!([writ_testkit::WEB_REDIRECT, second]);
    let two = json!({ "remember_consent": true, "redirect_uris": redirects });
    let web = Web::register(&world, two).await;
    let form = silent(&web);
    // What is taken away, and given back.
    for (less, again) in [
        (
            json!({ "client_name": "Other" }),
            json!({ "client_name": "Web" }),
        ),
        (
            json!({ "redirect_uris": [second] }),
            json!({ "redirect_uris": redirects }),
        ),
        (
            json!({ "scope": "openid" }),
            json!({ "scope": "openid accounts:read accounts:write" }),
        ),
        (
            json!({ "remember_consent": null }),
            json!({ "remember_consent": true }),
        ),
    ] {
        agree(&world, &form).await;
        let why = less.to_string();
        changed(&world, less).await;
        changed(&world, again).await;
        world.advance(6);
        assert_asked(&world, &form, &why).await;
    }
    agree(&world, &form).await;
    let more =
        json!({ "redirect_uris": [writ_testkit::WEB_REDIRECT, second, "https://web.example/3"] });
    changed(&world, more).await;
    assert_silent(&world, &form, "a redirect URI was added").await;
    let catalogue = world.app.catalogue().await.unwrap();
    let id = ClientId::from_text("web");
    let rotated = world.registry(&catalogue.types);
    let rotated = rotated.rotate_client_secret(&id, std::time::Duration::ZERO);
    rotated.await.unwrap();
    assert_silent(&world, &form, "its secret was rotated").await;
});

both!(other_words_of_a_resource_are_asked_again, |world| async {
    Cast::of(&world).await;
    let web = remembering(&world).await;
    let form = silent(&web);
    let says = |words: &str| {
        let reading = json!({ "name": "accounts:read", "says": { "en": words } });
        json!({ "scopes": [reading, "accounts:write"] })
    };
    bank_is(&world, json!({})).await;
    for words in [
        json!({ "name": "Savings bank" }),
        says("See your accounts"),
        says("See and print your accounts"),
    ] {
        agree(&world, &form).await;
        bank_is(&world, words.clone()).await;
        assert_asked(&world, &form, &words.to_string()).await;
    }
    bank_is(&world, json!({})).await;
    agree(&world, &form).await;
    bank_is(
        &world,
        json!({ "scopes": ["accounts:read", "accounts:write", "cards"] }),
    )
    .await;
    assert_silent(&world, &form, "a scope was added").await;
});

both!(
    a_skipped_consent_goes_by_the_record_as_it_is_on_every_node,
    |world| async {
        Cast::of(&world).await;
        let second = "https://web.example/2";
        let redirects = json!([writ_testkit::WEB_REDIRECT, second]);
        let house = json!({ "first_party": true, "redirect_uris": redirects });
        let web = Web::register(&world, house).await;
        let other = world.node().await;
        let mut browser = other.browser();
        let page = browser.open("/login").await;
        browser.log_in(&page, "alice", PASSWORD).await;
        let form = silent(&web).with("redirect_uri", second);
        // Now both nodes have read the record.
        assert!(
            browser
                .open(&front_url(&form))
                .await
                .query("code")
                .is_some()
        );
        changed(
            &world,
            json!({ "redirect_uris": [writ_testkit::WEB_REDIRECT] }),
        )
        .await;
        let page = browser.open(&front_url(&form)).await;
        assert_eq!(page.reply.status, 400, "{}", page.url);
        page.says("`redirect_uri` is not registered for this client");
        let form = silent(&web);
        assert!(
            browser
                .open(&front_url(&form))
                .await
                .query("code")
                .is_some()
        );
        changed(&world, json!({ "first_party": null })).await;
        let page = browser.open(&front_url(&form)).await;
        assert_eq!(page.query("error").as_deref(), Some("consent_required"));
        let pushed: Fields = form.without("prompt");
        assert_eq!(
            browser.open(&front_url(&pushed)).await.url.path(),
            "/consent"
        );
    }
);
