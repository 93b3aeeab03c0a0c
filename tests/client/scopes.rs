//! Scopes as people spell them (RFC 6749 section 3.3, OpenID Connect Core 5.4 and 11): what is known, left out, and told.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use writ_core::id::UserId;
use writ_store::settings::PersonSettings;
use writ_testkit::{
    BANK, Cast, Change, Fields, ISSUER, PASSWORD, TestReply, Web, World, both, claims, enrol_plain,
    front_url, plain_file,
};

use crate::client::identity::{asked, userinfo};
use crate::operate::suspend::writ;

const NOTES: &str = "https://notes.example/mcp";

/// A resource that says what its scopes are, and which of them a request without any asks for.
async fn add_notes(world: &World) {
    world
        .add_resource(json!({
            "resource": NOTES, "name": "Notes", "scopes": [
                { "name": "notes:read", "default": true, "says": { "en": "Read your notes" } },
                "notes:write"
            ]
        }))
        .await;
}

/// A web application with this `scope` in its file, or none.
async fn web(world: &World, scope: Value) -> Web {
    Web::register(
        world,
        json!({ "scope": scope, "authorization_details_types": null }),
    )
    .await
}

/// The first token answer for a request that alice approves whole.
async fn granted(world: &World, web: &Web, form: &Fields) -> TestReply {
    let code = web.code(world, form).await;
    let reply = web
        .send(world, "/token", &web.redeem_form(&code), &[])
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply
}

/// The error that comes back with the redirect.
async fn refused(world: &World, form: &Fields) -> String {
    let page = world.browser().open(&front_url(form)).await;
    page.query("error")
        .unwrap_or_else(|| panic!("no error in {}", page.url))
}

/// As an operator gives it.
async fn set_email(world: &World) {
    let change = ["user", "change", "alice", "--email", "alice@example.org"];
    assert!(writ(world, &change).status.success());
}

const ALL: &str = "openid profile email offline_access";

both!(
    openid_5_4_a_login_client_gets_what_its_scopes_promise,
    |world| async {
        let cast = Cast::of(&world).await;
        set_email(&world).await;
        let web = web(&world, Value::Null).await;
        let reply = granted(&world, &web, &web.request().with("scope", ALL)).await;
        assert_eq!(reply.member("scope"), "email offline_access openid profile");
        assert!(reply.json()["refresh_token"].is_string());
        assert_eq!(
            reply.claims()["aud"],
            json!(ISSUER),
            "identity has no other audience"
        );
        let bearer = format!("Bearer {}", reply.access_token());
        let found = userinfo(&world, http::Method::GET, &bearer, None)
            .await
            .json();
        let expected = json!({ "sub": cast.alice, "preferred_username": "alice", "name": "alice",
            "email": "alice@example.org", "email_verified": true });
        assert_eq!(found, expected);
        let id_token = claims(&reply.member("id_token"));
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(
                &id_token[name], value,
                "many clients read the ID token alone: {name}"
            );
        }
        assert_eq!(
            reply.claims().get("email"),
            None,
            "an access token tells a resource nothing of it"
        );

        let reply = granted(&world, &web, &web.request().with("scope", "openid")).await;
        let bearer = format!("Bearer {}", reply.access_token());
        let found = userinfo(&world, http::Method::GET, &bearer, None)
            .await
            .json();
        assert_eq!(found, json!({ "sub": cast.alice }));
        let id_token = claims(&reply.member("id_token"));
        assert_eq!((id_token.get("name"), id_token.get("email")), (None, None));
    }
);

both!(
    oidc_core_5_1_an_address_that_nobody_verified_is_not_told,
    |world| async {
        let cast = Cast::of(&world).await;
        // Bob's, whom apps may know by it.
        let mut transaction = world.app.begin().await.unwrap();
        let email = PersonSettings {
            email: Some("bob@example.org".to_owned()),
            ..PersonSettings::default()
        };
        let alice = UserId::from_text(cast.alice.clone());
        transaction
            .save_settings(&alice, &email, world.now())
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        let web = web(&world, Value::Null).await;
        let told = async || {
            let reply = granted(&world, &web, &web.request().with("scope", "openid email")).await;
            let bearer = format!("Bearer {}", reply.access_token());
            let found = userinfo(&world, http::Method::GET, &bearer, None).await;
            let id_token = claims(&reply.member("id_token"));
            for name in ["email", "email_verified"] {
                assert_eq!(id_token.get(name), found.json().get(name), "{name}");
            }
            found.json()
        };
        assert_eq!(told().await, json!({ "sub": cast.alice }));
        set_email(&world).await;
        let expected = json!({
            "sub": cast.alice, "email": "alice@example.org", "email_verified": true
        });
        assert_eq!(told().await, expected, "the operator's, not what she typed");
        assert!(
            writ(&world, &["user", "change", "alice", "--no-email"])
                .status
                .success()
        );
        assert_eq!(told().await, json!({ "sub": cast.alice }));
    }
);

both!(an_address_for_mail_may_be_kept_back, |world| async {
    Cast::of(&world).await;
    set_email(&world).await;
    let web = web(&world, Value::Null).await;
    let form = web.request().with("scope", "openid profile email");
    let (mut browser, page) = world.consent_page(&front_url(&form)).await;
    let text = page.reply.text();
    assert!(text.contains("Know your e-mail address"), "{text}");
    assert!(text.contains("It also learns who you are"), "{text}");
    let mut fields = page.fields("consent-approve");
    fields.retain(|(name, _)| name != "grant");
    fields.push(("consent-approve".to_owned(), "1".to_owned()));
    let back = browser.send_form(&page, "consent-approve", &fields).await;
    let code = back.query("code").unwrap();
    let reply = web
        .send(&world, "/token", &web.redeem_form(&code), &[])
        .await;
    assert_eq!(reply.member("scope"), "openid profile");
    let bearer = format!("Bearer {}", reply.access_token());
    let found = userinfo(&world, http::Method::GET, &bearer, None)
        .await
        .json();
    assert_eq!(
        (found.get("email"), &found["name"]),
        (None, &json!("alice"))
    );
});

both!(
    openid_11_offline_access_promises_a_refresh_token,
    |world| async {
        Cast::of(&world).await;
        let once = Web::register(
            &world,
            json!({ "scope": null, "grant_types": ["authorization_code"] }),
        )
        .await;
        let reply = granted(
            &world,
            &once,
            &once.request().with("scope", "openid offline_access"),
        )
        .await;
        assert_eq!(reply.member("scope"), "openid", "it may not refresh");
        assert_eq!(reply.json().get("refresh_token"), None);
    }
);

both!(
    rfc_6749_3_3_unknown_scopes_are_left_out_and_the_answer_says_so,
    |world| async {
        let cast = Cast::of(&world).await;
        add_notes(&world).await;
        let web = web(&world, json!("openid notes:read")).await;
        let wide = "openid notes:read mcp:tools offline_access";
        let reply = granted(&world, &web, &web.request().with("scope", wide)).await;
        assert_eq!(reply.member("scope"), "notes:read openid");
        assert_eq!(
            reply.claims()["scope"],
            json!("notes:read"),
            "what this audience needs"
        );
        for (scope, why) in [
            ("mcp:tools", "nothing is left"),
            ("notes:write", "known, and not registered for this client"),
            ("openid email", "its file names what it may ask for"),
            ("openid accounts:read", "another resource's"),
        ] {
            let error = refused(&world, &web.request().with("scope", scope)).await;
            assert_eq!(error, "invalid_scope", "{scope}: {why}");
        }
        let agent = cast
            .push(
                &world,
                &cast.request().with("scope", "accounts:read mcp:tools"),
            )
            .await;
        assert_eq!(
            agent.refusal(),
            (400, "invalid_scope".to_owned()),
            "an agent is told"
        );
    }
);

both!(no_scope_is_the_default_of_the_resource, |world| async {
    add_notes(&world).await;
    world.add_user("alice", PASSWORD).await;
    let web = web(&world, json!("notes:read notes:write accounts:read")).await;
    let none = web.request().without("scope");
    let (mut browser, page) = world.consent_page(&front_url(&none)).await;
    let text = page.reply.text();
    assert!(
        text.contains("Read your notes") && text.contains("Notes"),
        "{text}"
    );
    let code = browser
        .submit(&page, "consent-approve", &[])
        .await
        .query("code")
        .unwrap();
    let reply = web
        .send(&world, "/token", &web.redeem_form(&code), &[])
        .await;
    assert_eq!(
        (reply.member("scope"), &reply.claims()["aud"]),
        ("notes:read".to_owned(), &json!(NOTES))
    );
    let bank = json!({ "resource": BANK, "name": "Bank", "scopes": ["accounts:read"] });
    world.add_resource(bank).await;
    assert_eq!(
        refused(&world, &none).await,
        "invalid_target",
        "two, and none is named"
    );
    let named = none.clone().with("resource", NOTES);
    assert_eq!(
        granted(&world, &web, &named).await.member("scope"),
        "notes:read"
    );
    let other = none.with("resource", BANK);
    assert_eq!(
        refused(&world, &other).await,
        "invalid_scope",
        "it registers no default"
    );
});

both!(
    rfc_6749_5_1_scope_is_in_every_answer_and_complete,
    |world| async {
        let cast = Cast::of(&world).await;
        let both = cast.request().with("scope", "accounts:read");
        let code = cast.code_of(&world, &both).await;
        let reply = cast.redeem(&world, &code).await;
        assert_eq!(reply.member("scope"), "accounts:read");
        let none = cast.request().without("scope");
        let code = cast.code_of(&world, &none).await;
        let reply = cast.redeem(&world, &code).await;
        assert_eq!(
            reply.json()["scope"],
            json!(""),
            "absent would mean: as asked"
        );
        assert_eq!(reply.claims().get("scope"), None);
    }
);

both!(
    a_plain_clients_token_opens_userinfo_if_it_is_bound_or_its_resource_allows_it,
    |world| async {
        let cast = Cast::of(&world).await;
        add_notes(&world).await;
        let web = web(&world, json!("openid profile notes:read")).await;
        let form = web.request().with("scope", "openid profile notes:read");
        let bearer = granted(&world, &web, &form).await.access_token();
        let bearer = format!("Bearer {bearer}");
        let get = || userinfo(&world, http::Method::GET, &bearer, None);
        assert_eq!(get().await.refusal(), (401, "invalid_token".to_owned()));
        world
            .add_resource(json!({
                "resource": NOTES, "name": "Notes", "scopes": ["notes:read"], "userinfo": true
            }))
            .await;
        assert_eq!(
            get().await.json()["name"],
            json!("alice"),
            "its record says so"
        );

        let mut file = plain_file("app");
        file["scope"] = json!("openid accounts:read");
        let app = enrol_plain(&world, file).await;
        let key = Some(&app.dpop);
        let request = cast
            .request()
            .without("authorization_details")
            .with("client_id", "app");
        for (scope, status) in [("openid accounts:read", 200), ("accounts:read", 403)] {
            let pushed = app
                .send_by(&world, "/par", &request.clone().with("scope", scope), key)
                .await;
            let url = writ_testkit::authorize_url("app", &pushed.member("request_uri"));
            let back = world.browser().approve(&url, "alice", PASSWORD).await;
            let code = back
                .query_pairs()
                .find(|(name, _)| name == "code")
                .unwrap()
                .1
                .into_owned();
            let reply = app
                .send_by(&world, "/token", &cast.redeem_form(&code), key)
                .await;
            assert_eq!(reply.claims()["aud"], json!(BANK), "{}", reply.text());
            let found = asked(&world, &app.dpop, &reply.access_token()).await;
            assert_eq!(found.status, status, "{scope}: {}", found.text());
        }
    }
);

both!(the_document_stays_bounded, |world| async {
    for place in 0..5 {
        let scopes: Vec<String> = (0..64).map(|n| format!("r{place}:s{n}")).collect();
        let uri = format!("https://r{place}.example");
        let file = json!({ "resource": uri, "name": "Many", "scopes": scopes });
        world.add_resource(file).await;
    }
    let found = world
        .get("/.well-known/oauth-authorization-server", &[])
        .await
        .json();
    let listed: BTreeSet<&str> = found["scopes_supported"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    assert_eq!(listed.len(), 256 + 4);
    for name in ALL.split(' ') {
        assert!(listed.contains(name), "{name}");
    }
    assert_eq!(found["protected_resources"].as_array().unwrap().len(), 5);
    for claim in ["name", "preferred_username", "email", "email_verified"] {
        assert!(
            found["claims_supported"]
                .as_array()
                .unwrap()
                .contains(&json!(claim))
        );
    }
});
