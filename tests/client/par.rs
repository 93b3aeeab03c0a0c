//! Pushed authorization requests (RFC 9126): validated when pushed, bound to their client, consumed at the decision.

use serde_json::json;
use writ_testkit::{
    BANK, Cast, Change, Fields, PASSWORD, REDIRECT, both, both_with, front_url, payment,
};

/// Pushes what must be refused, and tells why it was.
async fn refused(world: &writ_testkit::World, cast: &Cast, form: &Fields) -> (String, String) {
    let reply = cast.push(world, form).await;
    assert_eq!(reply.status, 400, "{form:?}: {}", reply.text());
    (reply.error(), reply.member("error_description"))
}

both!(
    rfc_9126_2_2_a_pushed_request_is_answered_by_201,
    |world| async {
        let cast = Cast::of(&world).await;
        let reply = cast.push(&world, &cast.request()).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert_eq!(
            reply.json()["expires_in"],
            json!(300),
            "less than the 600 s of FAPI 2.0"
        );
        let uri = reply.member("request_uri");
        let secret = uri
            .strip_prefix("urn:ietf:params:oauth:request_uri:")
            .unwrap();
        assert_eq!(secret.len(), 43, "256 bits in base64url");
        assert_ne!(uri, cast.pushed(&world, &cast.request()).await);
        assert_eq!(world.events_named("task.proposed").await.len(), 2);
    }
);

both!(rfc_9126_2_1_what_a_push_may_not_hold, |world| async {
    let cast = Cast::of(&world).await;
    let good = cast.request();
    let table = [
        (
            good.clone()
                .with("request_uri", "urn:ietf:params:oauth:request_uri:x"),
            "invalid_request",
        ),
        (
            good.clone().with("request", "e30.e30."),
            "request_not_supported",
        ),
        (
            good.clone().with("response_type", "token"),
            "unsupported_response_type",
        ),
        (good.clone().without("response_type"), "invalid_request"),
        (
            good.clone().with("response_mode", "fragment"),
            "invalid_request",
        ),
        (
            good.clone()
                .with("redirect_uri", "https://agents.example/other"),
            "invalid_request",
        ),
        (good.clone().without("redirect_uri"), "invalid_request"),
        (good.clone().and("state", "s2"), "invalid_request"),
        (good.clone().without("code_challenge"), "invalid_request"),
        (
            good.clone().without("code_challenge_method"),
            "invalid_request",
        ),
        (
            good.clone().with("code_challenge_method", "plain"),
            "invalid_request",
        ),
        (
            good.clone().with("code_challenge", "short"),
            "invalid_request",
        ),
        (
            good.clone().with("client_id", "agt_booker"),
            "invalid_client",
        ),
        (
            good.clone()
                .without("scope")
                .without("authorization_details"),
            "invalid_scope",
        ),
        (good.clone().with("prompt", "none login"), "invalid_request"),
        (good.clone().with("max_age", "-1"), "invalid_request"),
    ];
    for (form, error) in table {
        let reply = cast.push(&world, &form).await;
        assert_eq!(reply.error(), error, "{form:?}: {}", reply.text());
        assert_eq!(reply.status, 400);
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
    let ignored = good.with("unknown", "1").and("unknown", "2");
    let ignored = ignored.with("nonce", "").with("prompt", "sometimes");
    let ignored = ignored.with("claims", "{}");
    assert_eq!(
        cast.push(&world, &ignored).await.status,
        201,
        "unknown and empty are ignored"
    );
});

both!(rfc_9126_2_3_only_small_posts_of_forms, |world| async {
    let cast = Cast::of(&world).await;
    assert_eq!(world.get("/par", &[]).await.status, 405);
    let body = vec![b'a'; 128 * 1024 + 1];
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let reply = world.send(http::Method::POST, "/par", &form, body).await;
    assert_eq!(reply.refusal(), (413, "invalid_request".to_owned()));
    for kind in ["application/json", "multipart/form-data", "text/plain", ""] {
        let body = b"{}".to_vec();
        let headers = [("content-type", kind)];
        let reply = world.send(http::Method::POST, "/par", &headers, body).await;
        assert_eq!(
            reply.refusal(),
            (415, "invalid_request".to_owned()),
            "{kind}"
        );
    }
    let flood = vec![("x", "1".to_owned()); 65];
    assert_eq!(
        cast.push(&world, &flood).await.refusal(),
        (400, "invalid_request".to_owned())
    );
});

both!(
    front_channel_parameters_are_never_merged_in,
    |world| async {
        let cast = Cast::of(&world).await;
        let uri = cast.pushed(&world, &cast.request()).await;
        let beside: Fields = vec![
            ("client_id", cast.planner.id.clone()),
            ("request_uri", uri),
            ("scope", "accounts:read accounts:write".to_owned()),
            ("redirect_uri", "https://evil.example/cb".to_owned()),
            ("state", "other".to_owned()),
            ("response_type", "token".to_owned()),
            ("prompt", "none".to_owned()),
            (
                "authorization_details",
                json!([payment("499.00")]).to_string(),
            ),
            ("code_challenge", "A".repeat(43)),
        ];
        let back = world
            .browser()
            .approve(&front_url(&beside), "alice", PASSWORD)
            .await;
        assert!(back.as_str().starts_with(&format!("{REDIRECT}?")), "{back}");
        let query = |name: &str| {
            back.query_pairs()
                .find(|(n, _)| n == name)
                .map(|(_, v)| v.into_owned())
        };
        assert_eq!(query("state").as_deref(), Some("s1"));
        let reply = cast.redeem(&world, &query("code").unwrap()).await;
        assert_eq!(reply.claims()["scope"], json!("accounts:read"));
        assert_eq!(
            reply.claims()["authorization_details"][0]["instructed_amount"]["amount"],
            json!("100.00")
        );
    }
);

both!(reserved_claims_cannot_be_asked_for, |world| async {
    let cast = Cast::of(&world).await;
    let mut form = cast.request();
    for (name, value) in [
        ("act", r#"{"sub":"agt_stranger"}"#),
        ("may_act", r#"{"sub":"agt_stranger"}"#),
        ("cnf", r#"{"jkt":"x"}"#),
        ("mission", r#"{"id":"tsk_x"}"#),
        ("sub", "usr_other"),
        ("aud", "https://evil.example"),
        ("sub_profile", "service"),
        ("exp", "9999999999"),
    ] {
        form = form.with(name, value);
    }
    let code = cast.code_of(&world, &form).await;
    let mut redeem = cast.redeem_form(&code);
    redeem.extend(
        form.iter()
            .filter(|(name, _)| ["act", "may_act", "cnf", "mission"].contains(name))
            .cloned(),
    );
    let reply = cast.planner.send(&world, "/token", &redeem).await;
    let claims = reply.claims();
    assert_eq!(claims["sub"], json!(cast.alice));
    assert_eq!(claims["aud"], json!(BANK));
    assert_eq!(claims["act"]["sub"], json!("agt_planner"));
    assert_eq!(claims["cnf"]["jkt"], json!(cast.planner.dpop.thumbprint()));
    assert_eq!(claims.get("may_act"), None);
    assert_ne!(claims["mission"]["id"], json!("tsk_x"));
    assert_eq!(claims["exp"], json!(world.now().seconds() + 300));
});

both!(
    rfc_9449_10_1_header_and_dpop_jkt_bind_the_code_and_must_agree,
    |world| async {
        let cast = Cast::of(&world).await;
        let (own, other) = (
            cast.planner.dpop.thumbprint(),
            cast.booker.dpop.thumbprint(),
        );
        let good = cast.request();
        cast.pushed(&world, &good.clone().with("dpop_jkt", own.clone()))
            .await;
        let (error, _) = refused(&world, &cast, &good.clone().with("dpop_jkt", other)).await;
        assert_eq!(error, "invalid_dpop_proof");
        for malformed in ["short", &own[..42], &format!("{own}=")] {
            let (error, _) =
                refused(&world, &cast, &good.clone().with("dpop_jkt", malformed)).await;
            assert_eq!(error, "invalid_request", "{malformed}");
        }
        // Without the header, `dpop_jkt` alone: a key that its agent did not prove yet.
        let new = writ_testkit::Forge::new(&world.random);
        let form = good.with("dpop_jkt", new.thumbprint());
        let reply = cast.planner.send_with(&world, "/par", &form, &[]).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        let url = writ_testkit::authorize_url(&cast.planner.id, &reply.member("request_uri"));
        let (mut browser, page) = world.consent_page(&url).await;
        let code = browser
            .submit(&page, "consent-approve", &[])
            .await
            .query("code")
            .unwrap();
        let wrong = cast.redeem(&world, &code).await;
        assert_eq!(wrong.refusal(), (400, "invalid_grant".to_owned()));
        let right = writ_testkit::TestAgent {
            dpop: new.clone(),
            ..cast.planner.clone()
        };
        let reply = right.send(&world, "/token", &cast.redeem_form(&code)).await;
        assert_eq!(reply.claims()["cnf"]["jkt"], json!(new.thumbprint()));
    }
);

/// What a client says about its task, and what becomes of it.
const INTENTS: [(&str, bool); 13] = [
    (r#"{"intent":{"goal":"Book a flight"}}"#, true),
    (
        r#"{"intent":{"goal":"Book a flight","purpose":"The fair in June","goal_lang":"en"}}"#,
        true,
    ),
    // START is 2026-09-21T14:13:20Z and the planner's longest task two hours.
    (
        r#"{"intent":{"goal":"x","expires_at":"2026-09-21T16:13:20Z"}}"#,
        true,
    ),
    (
        r#"{"intent":{"goal":"x","expires_at":"2026-09-21T16:13:21Z"}}"#,
        false,
    ),
    (
        r#"{"intent":{"goal":"x","expires_at":"2026-09-21T14:13:20Z"}}"#,
        false,
    ),
    (r#"{"intent":{"goal":"x","expires_at":"tomorrow"}}"#, false),
    (r#"{"intent":{"goal":"x"},"more":1}"#, false),
    (r#"{"intent":{"goal":"x","controls":{}}}"#, false),
    (r#"{"intent":{"goal":""}}"#, false),
    (r#"{"intent":{"goal":"x","purpose":" "}}"#, false),
    (r#"{"intent":{}}"#, false),
    ("[]", false),
    ("Book a flight", false),
];

both!(
    a_mission_intent_is_closed_and_within_the_ceiling,
    |world| async {
        let cast = Cast::of(&world).await;
        for (intent, good) in INTENTS {
            let reply = cast
                .push(&world, &cast.request().with("mission_intent", intent))
                .await;
            assert_eq!(reply.status == 201, good, "{intent}: {}", reply.text());
            if !good {
                assert_eq!(reply.error(), "invalid_request", "{intent}");
            }
        }
        for (length, status) in [(140, 201), (141, 400)] {
            let intent = json!({ "intent": { "goal": "ä".repeat(length) } }).to_string();
            let reply = cast
                .push(&world, &cast.request().with("mission_intent", intent))
                .await;
            assert_eq!(reply.status, status, "{length} characters");
        }
        let late = INTENTS[3].0;
        let reply = cast
            .push(&world, &cast.request().with("mission_intent", late))
            .await;
        assert_eq!(
            reply.json()["excess"],
            json!([{ "pointer": "/mission_intent/intent/expires_at", "requested": "2026-09-21T16:13:21Z" }])
        );
    }
);

both!(the_task_has_the_approved_purpose_and_end, |world| async {
    let cast = Cast::of(&world).await;
    let intent = r#"{"intent":{"goal":"Book a flight","expires_at":"2026-09-21T15:00:00Z"}}"#;
    let code = cast
        .code_of(&world, &cast.request().with("mission_intent", intent))
        .await;
    let reply = cast.redeem(&world, &code).await;
    let mission = &reply.claims()["mission"];
    assert_eq!(mission["expires_at"], json!("2026-09-21T15:00:00Z"));
    assert_eq!(
        mission["purpose"],
        json!("Book a flight"),
        "the bank's record asks for it"
    );
    assert_eq!(reply.json()["mission_id"], mission["id"]);
    assert_eq!(reply.json()["mission_expires_at"], mission["expires_at"]);
});

both_with!(
    mission_intent_is_refused_where_it_is_off,
    &[("FEATURES__MISSION_INTENT", "false")],
    |world| async {
        let cast = Cast::of(&world).await;
        let form = cast.request().with("mission_intent", INTENTS[0].0);
        let (error, sentence) = refused(&world, &cast, &form).await;
        assert_eq!(error, "invalid_request");
        assert!(sentence.contains("mission_intent"), "{sentence}");
        let code = cast.code(&world).await;
        let reply = cast.redeem(&world, &code).await;
        assert!(
            reply.claims()["mission"]["id"].is_string(),
            "the claim is there all the same"
        );
        assert_eq!(
            reply.json().get("mission_id"),
            None,
            "the response members are not"
        );
    }
);
