//! Parameters of OpenID Connect Core 3.1.2.1 at the authorization endpoint, and answers by form post.

use serde_json::{Value, json};
use writ_testkit::{
    Cast, Change, Fields, ISSUER, PASSWORD, TestBrowser, WEB_REDIRECT, Web, WebPage, World, both,
    claims, front_url,
};

async fn logged_in(world: &World, name: &str) -> TestBrowser {
    let mut browser = world.browser();
    let page = browser.open("/login").await;
    browser.log_in(&page, name, PASSWORD).await;
    browser
}

fn openid(web: &Web) -> Fields {
    web.request().with("scope", "openid accounts:read")
}

/// What `web` learns of whoever agrees in this browser.
async fn id_token(world: &World, web: &Web) -> String {
    let code = web.code(world, &openid(web)).await;
    let reply = web
        .send(world, "/token", &web.redeem_form(&code), &[])
        .await;
    reply.member("id_token")
}

fn error(page: &WebPage) -> Option<String> {
    page.query("error")
}

both!(
    oidc_core_3_1_2_1_prompt_is_a_set_and_unknown_values_are_ignored,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let mut browser = logged_in(&world, "alice").await;
        for (prompt, path) in [
            ("login consent", "/login"),
            ("consent login", "/login"),
            ("consent", "/consent"),
            ("create", "/consent"),
            ("create select_account", "/login"),
        ] {
            let form = openid(&web).with("prompt", prompt);
            let page = browser.open(&front_url(&form)).await;
            assert_eq!(page.url.path(), path, "{prompt}");
        }
        for prompt in ["none login", "consent none"] {
            let form = openid(&web).with("prompt", prompt);
            let page = browser.open(&front_url(&form)).await;
            assert_eq!(error(&page).as_deref(), Some("invalid_request"), "{prompt}");
        }
    }
);

both!(
    oidc_core_3_1_2_1_what_is_not_known_is_ignored_even_twice,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let mut browser = logged_in(&world, "alice").await;
        let ignored = openid(&web)
            .with("display", "popup")
            .with(
                "claims",
                json!({ "id_token": { "email": null } }).to_string(),
            )
            .and("utm_source", "a")
            .and("utm_source", "b");
        let page = browser.open(&front_url(&ignored)).await;
        assert_eq!(page.url.path(), "/consent", "{}", page.url);
        for known in ["nonce", "login_hint", "prompt", "ui_locales"] {
            let twice = openid(&web).with(known, "a").and(known, "b");
            let page = browser.open(&front_url(&twice)).await;
            assert_eq!(error(&page).as_deref(), Some("invalid_request"), "{known}");
        }
    }
);

both!(
    oidc_core_3_1_2_1_acr_values_are_voluntary_with_openid,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let mut browser = logged_in(&world, "alice").await;
        let unknown = openid(&web).with("acr_values", "urn:mace:incommon:iap:silver");
        let page = browser.open(&front_url(&unknown)).await;
        assert_eq!(page.url.path(), "/consent");
        let stepped = unknown.with("scope", "accounts:read");
        let page = browser.open(&front_url(&stepped)).await;
        let unmet = "unmet_authentication_requirements";
        assert_eq!(error(&page).as_deref(), Some(unmet), "RFC 9470 section 5");
        let out_of_reach = openid(&web).with("acr_values", "urn:writ:acr:liveness");
        let page = browser.open(&front_url(&out_of_reach)).await;
        assert_eq!(
            error(&page).as_deref(),
            Some(unmet),
            "known, but nobody reaches it"
        );
    }
);

both!(
    oidc_core_3_1_2_1_login_hint_and_ui_locales_reach_the_login_page,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let form = openid(&web)
            .with("login_hint", "al\"><b>")
            .with("ui_locales", "fr-CA de-AT en");
        let page = world.browser().open(&front_url(&form)).await;
        let html = page.reply.text();
        assert!(html.contains("<html lang=\"de\""), "{html}");
        assert!(html.contains("value=\"al&#34;&#62;&#60;b&#62;\""), "{html}");
        let long = openid(&web).with("login_hint", "x".repeat(201));
        let page = world.browser().open(&front_url(&long)).await;
        assert_eq!(error(&page).as_deref(), Some("invalid_request"));
        let (_, page) = world.consent_page(&front_url(&form)).await;
        let html = page.reply.text();
        assert!(
            html.contains("<html lang=\"de\"") && html.contains("Ablehnen"),
            "{html}"
        );
    }
);

both!(
    oidc_core_3_1_2_1_id_token_hint_names_who_may_answer,
    |world| async {
        Cast::of(&world).await;
        world.add_user("erin", PASSWORD).await;
        let web = Web::register(&world, json!({})).await;
        let hint = id_token(&world, &web).await;
        world.advance(40 * 24 * 3600);
        let form = openid(&web).with("id_token_hint", hint.clone());
        let mut alices = logged_in(&world, "alice").await;
        assert_eq!(alices.open(&front_url(&form)).await.url.path(), "/consent");
        let mut erins = logged_in(&world, "erin").await;
        let page = erins.open(&front_url(&form)).await;
        assert_eq!(page.url.path(), "/login", "another person is logged in");
        assert!(
            page.reply.text().contains("value=\"alice\""),
            "the hinted name"
        );
        let silent = form.clone().with("prompt", "none");
        let page = erins.open(&front_url(&silent)).await;
        assert_eq!(error(&page).as_deref(), Some("login_required"));
        let page = erins.open(&front_url(&form)).await;
        let page = erins.log_in(&page, "erin", PASSWORD).await;
        assert_eq!(page.url.path(), "/login", "never for another person");
        let page = erins.log_in(&page, "alice", PASSWORD).await;
        assert_eq!(page.url.path(), "/consent");
    }
);

both!(
    oidc_core_3_1_2_2_a_hint_that_is_not_ours_is_refused,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let other = Web::register(&world, json!({ "client_id": "other" })).await;
        let foreign = id_token(&world, &other).await;
        let own = id_token(&world, &web).await;
        let (signed, signature) = own.rsplit_once('.').unwrap();
        let forged = format!("{signed}.{}", signature.chars().rev().collect::<String>());
        let access = web
            .send(
                &world,
                "/token",
                &web.redeem_form(&web.code(&world, &openid(&web)).await),
                &[],
            )
            .await
            .access_token();
        for hint in [foreign, forged, access, "x".to_owned(), "a.b.c".to_owned()] {
            let form = openid(&web).with("id_token_hint", hint.clone());
            let page = world.browser().open(&front_url(&form)).await;
            assert_eq!(error(&page).as_deref(), Some("invalid_request"), "{hint}");
        }
    }
);

/// Names and values of the page that posts itself.
fn posted(page: &WebPage) -> Vec<(String, String)> {
    let text = page.reply.text();
    assert!(
        text.contains(&format!(
            "<form method=\"post\" id=\"form-post\" action=\"{WEB_REDIRECT}\">"
        )),
        "{text}"
    );
    let hidden = text.split("<input type=\"hidden\" name=\"").skip(1);
    let fields = hidden.map(|rest| {
        let (name, rest) = rest.split_once("\" value=\"").unwrap();
        let (value, _) = rest.split_once("\">").unwrap();
        (name.to_owned(), value.to_owned())
    });
    fields.collect()
}

fn value<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = fields.iter().find(|(found, _)| found == name);
    found.map(|(_, value)| value.as_str())
}

both!(
    oauth_form_post_4_answers_and_errors_come_by_post_with_state_and_iss,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let form = openid(&web).with("response_mode", "form_post");
        let (mut browser, page) = world.consent_page(&front_url(&form)).await;
        let page = browser.submit(&page, "consent-approve", &[]).await;
        assert_eq!(page.reply.status, 200);
        let fields = posted(&page);
        assert_eq!(
            (value(&fields, "state"), value(&fields, "iss")),
            (Some("s1"), Some(ISSUER))
        );
        assert_eq!(page.reply.header("cache-control"), Some("no-store"));
        let policy = page.reply.header("content-security-policy").unwrap();
        assert!(
            policy.contains("script-src 'self'") && !policy.contains("unsafe"),
            "{policy}"
        );
        let code = value(&fields, "code").unwrap();
        let reply = web
            .send(&world, "/token", &web.redeem_form(code), &[])
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        for (form, expected) in [
            (form.clone().with("scope", "nothing"), "invalid_scope"),
            (form.clone().with("prompt", "none"), "login_required"),
        ] {
            let page = world.browser().open(&front_url(&form)).await;
            let fields = posted(&page);
            assert_eq!(value(&fields, "error"), Some(expected));
            assert_eq!(
                (value(&fields, "state"), value(&fields, "iss")),
                (Some("s1"), Some(ISSUER))
            );
        }
        let fragment = form.with("response_mode", "fragment");
        let page = world.browser().open(&front_url(&fragment)).await;
        assert_eq!(error(&page).as_deref(), Some("invalid_request"));
    }
);

both!(the_metadata_say_which_parameters_count, |world| async {
    let listed: Value = world
        .get("/.well-known/openid-configuration", &[])
        .await
        .json();
    assert_eq!(
        listed["response_modes_supported"],
        json!(["query", "form_post"])
    );
    assert_eq!(listed["claims_parameter_supported"], json!(false));
    let prompts = json!(["none", "login", "consent", "select_account"]);
    assert_eq!(listed["prompt_values_supported"], prompts);
    assert_eq!(listed["ui_locales_supported"], json!(["en", "de"]));
    assert_eq!(
        listed["end_session_endpoint"],
        json!(format!("{ISSUER}/logout"))
    );
});

both!(
    an_id_token_of_max_age_says_when_the_login_was,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let form = openid(&web).with("max_age", "30");
        let code = web.code(&world, &form).await;
        let reply = web
            .send(&world, "/token", &web.redeem_form(&code), &[])
            .await;
        assert!(claims(&reply.member("id_token"))["auth_time"].is_i64());
    }
);
