//! Client authentication (RFC 7523 as 7523bis narrows it, RFC 6749 section 2.3).

use serde_json::json;
use writ_core::id::ClientId;
use writ_testkit::{Cast, Change, Fields, ISSUER, TestAgent, Web, basic, both};

/// Without an `Authorization` header.
fn invalid_client() -> (u16, String) {
    (400, "invalid_client".to_owned())
}

/// With an `Authorization` header, or where a specification says 401 (RFC 7662 section 2.3).
fn unauthorized() -> (u16, String) {
    (401, "invalid_client".to_owned())
}

both!(rfc_6749_2_3_one_way_of_authentication_only, |world| async {
    let cast = Cast::of(&world).await;
    let web = Web::register(&world, json!({ "grant_types": ["client_credentials"] })).await;
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let assertion = || {
        cast.planner
            .assertion
            .assertion("agt_planner", ISSUER, world.now().seconds())
    };
    let own = TestAgent::own_work().with("scope", "accounts:read");
    let asserted = || {
        own.clone()
            .with("client_assertion_type", kind)
            .with("client_assertion", assertion())
    };
    let (good, wrong) = (web.basic(), basic("web", "wrong"));
    let planner = basic("agt_planner", "x");
    let table: Vec<(Fields, Option<&str>, &str)> = vec![
        (asserted(), Some(&good), "invalid_request"),
        (
            own.clone().with("client_secret", "x"),
            None,
            "invalid_client",
        ),
        (
            own.clone()
                .with("client_id", "web")
                .with("client_secret", "wrong"),
            None,
            "invalid_client",
        ),
        (
            own.clone().with("client_secret", "x"),
            Some(&good),
            "invalid_request",
        ),
        (
            asserted().with("client_secret", "x"),
            None,
            "invalid_request",
        ),
        (
            own.clone().with("client_assertion_type", kind),
            None,
            "invalid_request",
        ),
        (own.clone(), Some(&wrong), "invalid_client"),
        (own.clone(), Some(&planner), "invalid_client"),
        (
            own.clone().with("client_id", "agt_planner"),
            Some(&good),
            "invalid_client",
        ),
        (own.clone().with("client_id", "web"), None, "invalid_client"),
        (
            own.clone().with("client_id", "agt_planner"),
            None,
            "invalid_client",
        ),
        (own.clone(), None, "invalid_client"),
        (asserted().with("client_id", "web"), None, "invalid_client"),
        (
            asserted().without("client_assertion_type"),
            None,
            "invalid_request",
        ),
        (
            asserted().with("client_assertion_type", "urn:x"),
            None,
            "invalid_client",
        ),
        (
            asserted().and("client_assertion", assertion()),
            None,
            "invalid_request",
        ),
        (own.clone(), Some("Basic x"), "invalid_client"),
        (own.clone(), Some("Bearer x"), "invalid_client"),
        (own.clone(), Some("Basic"), "invalid_client"),
    ];
    for (form, authorization, error) in table {
        let pairs: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let headers: Vec<(&str, &str)> = authorization
            .map(|value| ("authorization", value))
            .into_iter()
            .collect();
        let reply = world.post("/token", &pairs, &headers).await;
        assert_eq!(
            reply.error(),
            error,
            "{form:?} {authorization:?}: {}",
            reply.text()
        );
        // RFC 6749 section 5.2: 401 answers an `Authorization` header.
        let challenged = error == "invalid_client" && authorization.is_some();
        assert_eq!(reply.status, if challenged { 401 } else { 400 });
        assert_eq!(reply.header("www-authenticate").is_some(), challenged);
    }
    let twice = [
        ("authorization", good.as_str()),
        ("authorization", good.as_str()),
    ];
    let reply = world
        .post(
            "/token",
            &[
                ("grant_type", "client_credentials"),
                ("scope", "accounts:read"),
            ],
            &twice,
        )
        .await;
    assert_eq!(reply.refusal(), (400, "invalid_request".to_owned()));
    let named = own.with("client_id", "web");
    assert_eq!(web.send(&world, "/token", &named, &[]).await.status, 200);
});

both!(
    wrong_secret_and_unknown_client_look_the_same,
    |world| async {
        Cast::of(&world).await;
        Web::register(&world, json!({})).await;
        let form = [("grant_type", "refresh_token"), ("refresh_token", "x")];
        let wrong = world
            .post(
                "/token",
                &form,
                &[("authorization", &basic("web", "wrong"))],
            )
            .await;
        let unknown = world
            .post(
                "/token",
                &form,
                &[("authorization", &basic("nobody", "wrong"))],
            )
            .await;
        assert_eq!(
            (wrong.status, wrong.text()),
            (unknown.status, unknown.text())
        );
        assert_eq!(wrong.refusal(), unauthorized());
        let mut transaction = world.begin().await;
        let counted = transaction
            .refusal_counts(writ_wire::time::Timestamp::from_seconds(0))
            .await
            .unwrap();
        let of_token: Vec<_> = counted
            .iter()
            .filter(|count| count.code == "invalid_client")
            .collect();
        assert_eq!(of_token.len(), 1, "strangers are counted by the minute");
        assert_eq!(of_token[0].refusals, 2);
        assert!(world.events_named("token.refused").await.is_empty());
    }
);

both!(a_public_client_has_no_work_of_its_own, |world| async {
    let cast = Cast::of(&world).await;
    let public = json!({ "client_id": "public", "token_endpoint_auth_method": "none" });
    let public = Web::register(&world, public).await;
    for form in [
        TestAgent::own_work().with("scope", "accounts:read"),
        cast.exchange_form("x", None),
    ] {
        let reply = public.send(&world, "/token", &form, &[]).await;
        assert_eq!(reply.refusal(), invalid_client(), "{form:?}");
    }
    let reply = public
        .send(&world, "/introspect", &vec![("token", "x".to_owned())], &[])
        .await;
    assert_eq!(reply.refusal(), unauthorized());
    let guessed = [("authorization", basic("public", ""))];
    let headers: Vec<(&str, &str)> = guessed.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let reply = world
        .post(
            "/token",
            &[("grant_type", "refresh_token"), ("refresh_token", "x")],
            &headers,
        )
        .await;
    assert_eq!(reply.refusal(), unauthorized());
});

both!(a_stopped_client_gets_nothing_at_any_door, |world| async {
    let cast = Cast::of(&world).await;
    let code = cast.code(&world).await;
    let (mut browser, page) = cast.asked(&world, &cast.request()).await;
    let mut transaction = world.begin().await;
    transaction
        .stop_client(&ClientId::from_text("agt_planner"), world.now())
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(
        cast.push(&world, &cast.request()).await.refusal(),
        (400, "unauthorized_client".to_owned()),
        "RFC 6749 section 5.2: it did authenticate"
    );
    let own = cast
        .planner
        .send(&world, "/token", &TestAgent::own_work())
        .await;
    assert_eq!(own.refusal(), (400, "unauthorized_client".to_owned()));
    assert_eq!(
        cast.redeem(&world, &code).await.refusal(),
        (400, "invalid_grant".to_owned())
    );
    let back = browser.submit(&page, "consent-approve", &[]).await;
    assert_eq!(back.query("code"), None, "{}", back.url);
});
