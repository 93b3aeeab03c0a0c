//! A request without PKCE (OAuth 2.1 section 7.5.1): only where the client's record allows it, with `openid` and `nonce`.

use serde_json::json;
use writ_testkit::{Cast, Change, Fields, VERIFIER, Web, WebPage, World, both, front_url};

fn without_pkce(web: &Web) -> Fields {
    web.request()
        .with("scope", "openid")
        .with("nonce", "n1")
        .without("code_challenge")
        .without("code_challenge_method")
}

async fn opened(world: &World, form: &Fields) -> WebPage {
    world.browser().open(&front_url(form)).await
}

both!(
    oauth21_7_5_1_without_pkce_only_by_record_openid_and_nonce,
    |world| async {
        Cast::of(&world).await;
        let usual = Web::register(&world, json!({})).await;
        let lax = json!({ "client_id": "lax", "pkce_required": false });
        let lax = Web::register(&world, lax).await;
        let refused = [
            without_pkce(&usual),
            without_pkce(&lax).without("nonce"),
            without_pkce(&lax).with("scope", "accounts:read"),
            without_pkce(&lax).with("code_challenge_method", "S256"),
        ];
        for form in refused {
            let page = opened(&world, &form).await;
            let error = page.query("error");
            assert_eq!(error.as_deref(), Some("invalid_request"), "{form:?}");
        }
        let code = lax.code(&world, &without_pkce(&lax)).await;
        let form = lax.redeem_form(&code).without("code_verifier");
        let reply = lax.send(&world, "/token", &form, &[]).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
);

both!(
    oauth21_4_1_3_a_verifier_without_a_challenge_is_refused,
    |world| async {
        Cast::of(&world).await;
        let lax = Web::register(&world, json!({ "pkce_required": false })).await;
        let code = lax.code(&world, &without_pkce(&lax)).await;
        let form = lax.redeem_form(&code).with("code_verifier", VERIFIER);
        let reply = lax.send(&world, "/token", &form, &[]).await;
        assert_eq!(reply.refusal(), (400, "invalid_grant".to_owned()));
        let challenged = lax.request().with("scope", "openid").with("nonce", "n");
        let code = lax.code(&world, &challenged).await;
        let form = lax.redeem_form(&code).without("code_verifier");
        let reply = lax.send(&world, "/token", &form, &[]).await;
        assert_eq!(
            reply.refusal(),
            (400, "invalid_grant".to_owned()),
            "sent, so needed"
        );
    }
);

both!(
    /// OAuth 2.1 section 10.2: a client with PKCE may leave it out, as its authorization request may not.
    rfc_6749_4_1_3_without_pkce_the_redirect_uri_comes_again,
    |world| async {
        Cast::of(&world).await;
        let lax = Web::register(&world, json!({ "pkce_required": false })).await;
        let code = lax.code(&world, &without_pkce(&lax)).await;
        let good = lax.redeem_form(&code).without("code_verifier");
        let elsewhere = good.clone().with("redirect_uri", "https://web.example/other");
        for (form, error) in [
            (good.clone().without("redirect_uri"), "invalid_request"),
            (elsewhere, "invalid_grant"),
        ] {
            let reply = lax.send(&world, "/token", &form, &[]).await;
            assert_eq!(reply.refusal(), (400, error.to_owned()), "{form:?}");
        }
        let reply = lax.send(&world, "/token", &good, &[]).await;
        assert_eq!(reply.status, 200, "nothing was used up: {}", reply.text());
        let code = lax.code(&world, &lax.request()).await;
        let form = lax.redeem_form(&code).without("redirect_uri");
        let reply = lax.send(&world, "/token", &form, &[]).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
);

both!(
    only_clients_that_authenticate_may_leave_it_out,
    |world| async {
        Cast::of(&world).await;
        for (member, value) in [
            ("pkce_required", json!(false)),
            ("first_party", json!(true)),
            ("remember_consent", json!(true)),
        ] {
            let mut public = Web::file(json!({ "token_endpoint_auth_method": "none" }));
            public[member] = value;
            let refused = world.try_add_client(public).await.unwrap_err();
            assert!(
                refused.contains(&format!("`{member}`: only for clients")),
                "{refused}"
            );
        }
        let both = Web::file(json!({ "first_party": true, "remember_consent": true }));
        let refused = world.try_add_client(both).await.unwrap_err();
        assert!(refused.contains("contradict"), "{refused}");
    }
);
