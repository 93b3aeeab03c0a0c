//! Redeeming a code (OAuth 2.1 section 4.1.3): its client, its key, its verifier, once.

use serde_json::json;
use writ_testkit::{
    BANK, Cast, Change, Fields, Forge, TestAgent, TestReply, VERIFIER, WEB_REDIRECT, Web, World,
    authorize_url, both,
};

fn grant() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

async fn redeem(world: &World, actor: &TestAgent, form: &Fields) -> TestReply {
    actor.send(world, "/token", form).await
}

async fn is_active(world: &World, cast: &Cast, token: &str) -> bool {
    cast.introspect(world, token).await["active"] == json!(true)
}

/// The planner with another key.
fn rekeyed(cast: &Cast, dpop: Forge) -> TestAgent {
    TestAgent {
        dpop,
        ..cast.planner.clone()
    }
}

both!(rfc_6749_5_1_what_a_code_gives, |world| async {
    let cast = Cast::of(&world).await;
    let code = cast.code(&world).await;
    let reply = cast.redeem(&world, &code).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("pragma"), Some("no-cache"));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let body = reply.json();
    assert_eq!(body["token_type"], json!("DPoP"));
    assert_eq!(body["expires_in"], json!(300));
    assert_eq!(body["scope"], json!("accounts:read"));
    assert!(body["refresh_token"].is_string(), "registered for it");
    let issued = world.events_named("token.issued").await;
    assert_eq!(issued.len(), 1, "one event for one token");
    assert_eq!(issued[0].data["jti"], reply.claims()["jti"]);
    assert_eq!(issued[0].subject.as_deref(), Some(cast.alice.as_str()));
    let digest = writ_server::node::secret::secret_digest(&code);
    let mut transaction = world.begin().await;
    assert!(transaction.code(&digest).await.unwrap().is_some());
    assert!(
        transaction.code(&code).await.unwrap().is_none(),
        "the code itself is kept nowhere"
    );
});

both!(
    a_wrong_clients_try_neither_consumes_nor_revokes,
    |world| async {
        let cast = Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let code = cast.code(&world).await;
        let form = cast.redeem_form(&code);
        assert_eq!(redeem(&world, &cast.booker, &form).await.refusal(), grant());
        assert_eq!(
            web.send(&world, "/token", &form, &[]).await.refusal(),
            grant()
        );
        let reply = cast.redeem(&world, &code).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        world.advance(11);
        assert_eq!(redeem(&world, &cast.booker, &form).await.refusal(), grant());
        assert_eq!(
            web.send(&world, "/token", &form, &[]).await.refusal(),
            grant()
        );
        assert!(
            is_active(&world, &cast, &reply.access_token()).await,
            "nor after it was used"
        );
    }
);

both!(
    wrong_verifier_redirect_or_key_do_not_consume,
    |world| async {
        let cast = Cast::of(&world).await;
        let code = cast.code(&world).await;
        let good = cast.redeem_form(&code);
        let other = "A".repeat(43);
        let table = [
            (good.clone().with("code_verifier", other), "invalid_grant"),
            (good.clone().without("code_verifier"), "invalid_grant"),
            (
                good.clone().with("code_verifier", "short"),
                "invalid_request",
            ),
            // RFC 7636 section 4.6: the challenge is not its own verifier.
            (
                good.clone().with("code_verifier", writ_testkit::CHALLENGE),
                "invalid_grant",
            ),
            (
                good.clone()
                    .with("redirect_uri", "https://agents.example/other"),
                "invalid_grant",
            ),
            (
                good.clone().with("code", format!("{code}x")),
                "invalid_grant",
            ),
            (good.clone().and("code", "x"), "invalid_request"),
            (good.clone().without("code"), "invalid_request"),
            (
                good.clone().with("client_id", "agt_booker"),
                "invalid_client",
            ),
        ];
        for (form, error) in table {
            let reply = redeem(&world, &cast.planner, &form).await;
            assert_eq!(reply.error(), error, "{form:?}: {}", reply.text());
        }
        let wrong_key = rekeyed(&cast, Forge::new(&world.random));
        assert_eq!(redeem(&world, &wrong_key, &good).await.refusal(), grant());
        assert_eq!(
            redeem(&world, &rekeyed(&cast, cast.booker.dpop.clone()), &good)
                .await
                .refusal(),
            grant()
        );
        let right = good.with("redirect_uri", writ_testkit::REDIRECT);
        let reply = redeem(&world, &cast.planner, &right).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
);

both!(
    an_unbound_code_takes_no_key_of_another_agent,
    |world| async {
        let cast = Cast::of(&world).await;
        let own = redeem(&world, &cast.booker, &TestAgent::own_work()).await;
        assert_eq!(own.status, 200, "the booker proves its key");
        let pushed = cast
            .planner
            .send_with(&world, "/par", &cast.request(), &[])
            .await;
        let url = authorize_url("agt_planner", &pushed.member("request_uri"));
        let (mut browser, page) = world.consent_page(&url).await;
        let code = browser
            .submit(&page, "consent-approve", &[])
            .await
            .query("code")
            .unwrap();
        let form = cast.redeem_form(&code);
        let foreign = redeem(&world, &rekeyed(&cast, cast.booker.dpop.clone()), &form).await;
        assert_eq!(foreign.refusal(), (400, "invalid_dpop_proof".to_owned()));
        let reply = redeem(&world, &cast.planner, &form).await;
        assert_eq!(
            reply.claims()["cnf"]["jkt"],
            json!(cast.planner.dpop.thumbprint())
        );
    }
);

both!(fapi_2_5_3_2_1_a_code_lives_sixty_seconds, |world| async {
    let cast = Cast::of(&world).await;
    let (early, late) = (cast.code(&world).await, cast.code(&world).await);
    world.advance(59);
    assert_eq!(cast.redeem(&world, &early).await.status, 200);
    world.advance(1);
    assert_eq!(cast.redeem(&world, &late).await.refusal(), grant());
});

both!(
    rfc_6749_4_1_2_a_code_used_again_later_stops_what_came_of_it,
    |world| async {
        let cast = Cast::of(&world).await;
        let code = cast.code(&world).await;
        let reply = cast.redeem(&world, &code).await;
        let (token, refresh) = (reply.access_token(), reply.member("refresh_token"));
        world.advance(10);
        assert_eq!(cast.redeem(&world, &code).await.refusal(), grant());
        assert!(
            is_active(&world, &cast, &token).await,
            "the loser of a race, up to 10 s"
        );
        world.advance(1);
        assert_eq!(cast.redeem(&world, &code).await.refusal(), grant());
        assert!(!is_active(&world, &cast, &token).await);
        let stopped = world.events_named("task.revoked").await;
        assert_eq!(stopped.len(), 1);
        assert_eq!(stopped[0].data["by"], "server");
        let form = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", refresh),
        ];
        assert_eq!(
            redeem(&world, &cast.planner, &form).await.refusal(),
            grant()
        );
    }
);

both!(the_ten_seconds_are_for_the_same_key_only, |world| async {
    let cast = Cast::of(&world).await;
    let code = cast.code(&world).await;
    let token = cast.redeem(&world, &code).await.access_token();
    let form = cast.redeem_form(&code);
    assert_eq!(
        redeem(&world, &cast.planner, &form).await.refusal(),
        grant()
    );
    assert!(is_active(&world, &cast, &token).await);
    let other = rekeyed(&cast, Forge::new(&world.random));
    assert_eq!(redeem(&world, &other, &form).await.refusal(), grant());
    assert!(
        !is_active(&world, &cast, &token).await,
        "its own client with another key: stolen"
    );
});

both!(
    /// Two absent keys are not the same key: without one a second use has no grace.
    a_code_used_twice_without_a_key_has_no_grace,
    |world| async {
        let cast = Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let form = web.redeem_form(&web.code(&world, &web.request()).await);
        let token = web.send(&world, "/token", &form, &[]).await.access_token();
        assert!(is_active(&world, &cast, &token).await);
        let again = web.send(&world, "/token", &form, &[]).await;
        assert_eq!(again.refusal(), grant());
        assert!(!is_active(&world, &cast, &token).await);
        assert_eq!(world.events_named("task.revoked").await.len(), 1);
    }
);

both!(
    two_resources_granted_and_none_asked_keeps_the_code,
    |world| async {
        let cast = Cast::of(&world).await;
        let trips = "https://travel.example";
        world
        .add_resource(json!({ "resource": trips, "name": "Travel", "client_id": "bank-api", "authorization_details_types": ["payment"] }))
        .await;
        let details = json!([{ "type": "payment", "locations": [BANK],
        "instructed_amount": { "amount": "1.00", "currency": "EUR" },
        "creditor": { "name": "KLM", "account": { "iban": "NL91ABNA0417164300" } } }]);
        let form = cast
            .request()
            .with("authorization_details", details.to_string())
            .with("resource", BANK)
            .and("resource", trips);
        let code = cast.code_of(&world, &form).await;
        let good = cast.redeem_form(&code);
        let target = (400, "invalid_target".to_owned());
        for bad in [
            good.clone(),
            good.clone().with("resource", BANK).and("resource", trips),
            good.clone().with("resource", "https://other.example"),
            good.clone().with("resource", writ_testkit::ISSUER),
        ] {
            assert_eq!(
                redeem(&world, &cast.planner, &bad).await.refusal(),
                target,
                "{bad:?}"
            );
        }
        let reply = redeem(&world, &cast.planner, &good.with("resource", trips)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let claims = reply.claims();
        assert_eq!(claims["aud"], json!(trips), "one audience, a string");
        assert_eq!(
            (claims.get("scope"), claims.get("authorization_details")),
            (None, None)
        );
    }
);

both!(nothing_else_is_a_code, |world| async {
    let cast = Cast::of(&world).await;
    let uri = cast.pushed(&world, &cast.request()).await;
    let handle = uri.rsplit(':').next().unwrap().to_owned();
    let code = cast.code(&world).await;
    let reply = cast.redeem(&world, &code).await;
    for forged in [
        uri,
        handle,
        reply.member("refresh_token"),
        reply.access_token(),
        "x".to_owned(),
    ] {
        assert_eq!(
            cast.redeem(&world, &forged).await.refusal(),
            grant(),
            "{forged}"
        );
    }
    let form = vec![
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", code),
    ];
    assert_eq!(
        redeem(&world, &cast.planner, &form).await.refusal(),
        grant()
    );
    assert!(is_active(&world, &cast, &reply.access_token()).await);
});

both!(rfc_6749_5_2_a_grant_that_is_not_registered, |world| async {
    Cast::of(&world).await;
    let machine = json!({ "client_id": "machine", "grant_types": ["client_credentials"], "redirect_uris": [] });
    let machine = Web::register(&world, machine).await;
    let form = vec![
        ("grant_type", "authorization_code".to_owned()),
        ("code", "x".to_owned()),
        ("code_verifier", VERIFIER.to_owned()),
        ("redirect_uri", WEB_REDIRECT.to_owned()),
    ];
    let reply = machine.send(&world, "/token", &form, &[]).await;
    assert_eq!(reply.refusal(), (400, "unauthorized_client".to_owned()));
    for grant in [
        "password",
        "implicit",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ] {
        let form = vec![("grant_type", grant.to_owned())];
        let reply = machine.send(&world, "/token", &form, &[]).await;
        assert_eq!(reply.refusal(), (400, "unsupported_grant_type".to_owned()));
    }
});
