//! The backchannel flow (CIBA 7, 10.1, 11): ask, poll, decide, redeem; and every way to ask wrongly.

use serde_json::{Value, json};
use writ_testkit::{
    BANK, Cast, Change, Fields, ISSUER, World, agent_file, both, enrol, enrol_plain, minted,
    payment, plain_file, poll_form, refused,
};
use writ_wire::token::GrantType;

both!(
    ciba_10_1_an_approval_within_a_task_is_one_token_of_that_task,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let before = writ_testkit::claims(&token);
        let question = cast.question_within(&token);
        let id = cast.planner.asked(&world, &question).await;
        refused(
            &cast.planner.poll(&world, &id).await,
            "authorization_pending",
            "nobody decided",
        );
        world.approve(&id, "alice").await;
        let reply = cast.planner.poll(&world, &id).await;
        let claims = minted(&reply, "approved");
        assert_eq!(claims["sub"], json!(cast.alice));
        assert_eq!(claims["mission"]["id"], before["mission"]["id"]);
        assert_eq!(claims["act"]["sub"], json!("agt_planner"));
        assert_ne!(
            claims["act"]["dlg"], before["act"]["dlg"],
            "a new delegation"
        );
        assert_eq!(claims["cnf"], before["cnf"]);
        let asked = &claims["authorization_details"];
        assert_eq!(
            asked.as_array().unwrap().len(),
            1,
            "what was approved alone"
        );
        assert_eq!(asked[0]["instructed_amount"]["amount"], json!("300.00"));
        assert_eq!(
            claims.get("scope"),
            None,
            "not what the task may do besides"
        );
        let request = world.waiting(&id).await;
        assert_eq!(
            claims["approval"],
            json!({
                "id": request.id, "basis": "password", "at": world.now().seconds(),
                "by": "subject", "people": 1
            })
        );
        assert_eq!(claims["acr"], json!("urn:writ:acr:password"));
        assert_eq!(reply.json().get("refresh_token"), None, "for one action");
        assert_eq!(reply.json()["token_type"], json!("DPoP"));
        let heard = cast.introspect(&world, &reply.access_token()).await;
        assert_eq!(heard["active"], json!(true));
        for name in ["approval.requested", "approval.redeemed"] {
            let events = world.events_named(name).await;
            assert_eq!(events.len(), 1, "{name}");
            assert_eq!(events[0].task.as_deref(), before["mission"]["id"].as_str());
        }
    }
);

both!(an_approval_without_a_task_opens_one, |world| async {
    let cast = Cast::of(&world).await;
    let before = writ_testkit::claims(&cast.token(&world).await);
    let id = cast.planner.asked(&world, &cast.question()).await;
    world.approve(&id, "alice").await;
    let reply = cast.planner.poll(&world, &id).await;
    let claims = minted(&reply, "approved");
    assert_ne!(claims["mission"]["id"], before["mission"]["id"]);
    assert_eq!(claims["act"]["sub"], json!("agt_planner"));
    assert_eq!(claims["act"].get("act"), None);
    let refresh = cast.planner.refresh_form(&reply.member("refresh_token"));
    let again = cast.planner.send(&world, "/token", &refresh).await;
    assert_eq!(
        minted(&again, "refreshed")["mission"]["id"],
        claims["mission"]["id"]
    );
});

both!(
    ciba_7_3_the_acknowledgement_says_how_to_wait,
    |world| async {
        let cast = Cast::of(&world).await;
        cast.token(&world).await;
        let reply = cast.planner.ask(&world, &cast.question()).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let id = reply.member("auth_req_id");
        assert_eq!(id.len(), 43, "256 bits in base64url");
        assert_eq!(
            reply.json(),
            json!({ "auth_req_id": id, "expires_in": 300, "interval": 5 })
        );
        for (asked, expected) in [("120", 120), ("1", 10), ("999999", 3600)] {
            let form = cast
                .question()
                .with("binding_message", format!("in {asked}"));
            let form = form.with("requested_expiry", asked);
            let reply = cast.planner.ask(&world, &form).await;
            assert_eq!(reply.json()["expires_in"], json!(expected), "{asked}");
        }
    }
);

both!(
    a_number_to_match_is_told_to_the_client_and_kept,
    |world| async {
        let cast = Cast::of(&world).await;
        let mut file = agent_file("agt_number", "alice");
        file["number_matching"] = json!(true);
        file["agent"]["may_ask"] = json!(["alice"]);
        let agent = enrol(&world, file).await;
        let reply = agent.ask(&world, &cast.question()).await;
        let number = reply.json()["number_to_match"].as_u64().unwrap();
        assert!((10..100).contains(&number), "two digits: {number}");
        let kept = world
            .waiting(&reply.member("auth_req_id"))
            .await
            .asked
            .number;
        assert_eq!(kept.map(u64::from), Some(number));
    }
);

/// Asks as the planner what must not be taken.
async fn cannot_ask(world: &World, cast: &Cast, rows: Vec<(Fields, u16, &str)>) {
    for (form, status, error) in rows {
        let reply = cast.planner.ask(world, &form).await;
        let found = reply.refusal();
        assert_eq!(
            found,
            (status, error.to_owned()),
            "{form:?}: {}",
            reply.text()
        );
    }
}

both!(ciba_13_each_wrong_request_has_its_code, |world| async {
    let cast = Cast::of(&world).await;
    cast.token(&world).await;
    let good = cast.question();
    let message = |text: &str| good.clone().with("binding_message", text);
    let details = |value: Value| {
        good.clone()
            .with("authorization_details", value.to_string())
    };
    let rows = vec![
        (good.clone().without("login_hint"), 400, "invalid_request"),
        (
            good.clone().with("id_token_hint", "x"),
            400,
            "invalid_request",
        ),
        (
            good.clone().and("login_hint", "alice"),
            400,
            "invalid_request",
        ),
        (
            good.clone().with("requested_expiry", "0"),
            400,
            "invalid_request",
        ),
        (
            good.clone().with("acr_values", "phr"),
            400,
            "invalid_request",
        ),
        (
            good.clone().with("request_uri", "urn:x"),
            400,
            "invalid_request",
        ),
        (
            good.clone().with("client_notification_token", "short"),
            400,
            "invalid_request",
        ),
        (
            good.clone().with("login_hint", "nobody"),
            400,
            "unknown_user_id",
        ),
        (
            good.clone().with("login_hint", "mallory"),
            400,
            "unknown_user_id",
        ),
        (good.clone().with("scope", "unknown"), 400, "invalid_scope"),
        (
            good.clone().without("authorization_details"),
            400,
            "invalid_scope",
        ),
        (
            good.clone().with("resource", "https://other.example"),
            400,
            "invalid_target",
        ),
        (
            details(json!([{ "type": "unknown" }])),
            400,
            "invalid_authorization_details",
        ),
        (
            details(json!([payment("500.01")])),
            400,
            "invalid_authorization_details",
        ),
        (message("two\nlines"), 400, "invalid_binding_message"),
        (message("pay\u{202e}me"), 400, "invalid_binding_message"),
        (message("zero\u{200b}width"), 400, "invalid_binding_message"),
        (message("p\u{0430}y"), 400, "invalid_binding_message"),
        (
            message("a\u{0301}\u{0301}\u{0301}"),
            400,
            "invalid_binding_message",
        ),
        (
            message("see https://evil.example"),
            400,
            "invalid_binding_message",
        ),
        (message(&"x".repeat(141)), 400, "invalid_binding_message"),
        (
            good.clone().with("acr_values", "urn:writ:acr:liveness"),
            403,
            "access_denied",
        ),
    ];
    cannot_ask(&world, &cast, rows).await;
    assert!(world.events_named("approval.requested").await.is_empty());
    cast.planner.asked(&world, &message(&"ä".repeat(140))).await;
});

both!(
    ciba_7_1_the_client_authenticates_and_has_the_grant,
    |world| async {
        let cast = Cast::of(&world).await;
        cast.token(&world).await;
        let pairs: Vec<(&str, String)> = cast.question();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let reply = world.post("/bc-authorize", &pairs, &[]).await;
        assert_eq!(reply.refusal(), (401, "invalid_client".to_owned()));
        let mut file = agent_file("agt_other", "alice");
        file["grant_types"] = json!(["client_credentials"]);
        let other = enrol(&world, file).await;
        let reply = other.ask(&world, &cast.question()).await;
        assert_eq!(reply.refusal(), (400, "unauthorized_client".to_owned()));
        let mut public = plain_file("public");
        public["grant_types"] = json!([GrantType::Ciba.as_str()]);
        assert!(
            world.try_add_client(public).await.is_err(),
            "confidential clients alone"
        );
    }
);

both!(
    a_common_client_asks_without_proof_and_binds_when_it_fetches,
    |world| async {
        let cast = Cast::of(&world).await;
        let web = enrol_plain(&world, web_file(json!({}))).await;
        let form = question_of_web();
        let reply = web.send_by(&world, "/bc-authorize", &form, None).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let id = reply.member("auth_req_id");
        world.approve(&id, "alice").await;
        let bare = web.send_by(&world, "/token", &poll_form(&id), None).await;
        refused(&bare, "invalid_request", "no proof");
        let reply = web.send(&world, "/token", &poll_form(&id)).await;
        let claims = minted(&reply, "with a proof");
        assert_eq!(claims["cnf"]["jkt"], json!(web.dpop.thumbprint()));
        assert_eq!(claims.get("act"), None, "no agent acts");
        let id_token = writ_testkit::claims(&reply.member("id_token"));
        assert_eq!(id_token["sub"], json!(cast.alice));
        assert_eq!(id_token["aud"], json!("web-ciba"));
        assert_eq!(id_token["acr"], json!("urn:writ:acr:password"));
        assert_eq!(id_token["auth_time"], json!(world.now().seconds()));
    }
);

both!(ciba_7_1_openid_alone_says_who_somebody_is, |world| async {
    let cast = Cast::of(&world).await;
    let web = enrol_plain(&world, web_file(json!({ "bearer": true }))).await;
    let form: Fields = vec![
        ("scope", "openid".to_owned()),
        ("login_hint", cast.alice.clone()),
        ("acr_values", "unknown urn:writ:acr:password".to_owned()),
    ];
    let reply = web.send_by(&world, "/bc-authorize", &form, None).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let id = reply.member("auth_req_id");
    world.approve(&id, "alice").await;
    let reply = web.send_by(&world, "/token", &poll_form(&id), None).await;
    let claims = minted(&reply, "identity");
    assert_eq!(claims["aud"], json!(ISSUER));
    assert_eq!(reply.json()["token_type"], json!("Bearer"));
    assert!(reply.json()["id_token"].is_string());
});

pub(crate) fn web_file(changes: Value) -> Value {
    let mut file = plain_file("web-ciba");
    file["grant_types"] = json!([GrantType::Ciba.as_str(), "refresh_token"]);
    file["token_endpoint_auth_method"] = json!("client_secret_basic");
    file["may_ask"] = json!(["alice"]);
    writ_testkit::merge(&mut file, changes);
    file
}

pub(crate) fn question_of_web() -> Fields {
    vec![
        ("scope", "openid accounts:read".to_owned()),
        ("login_hint", "alice".to_owned()),
        ("binding_message", "W4SCT".to_owned()),
    ]
}

both!(one_audience_is_named_when_it_is_fetched, |world| async {
    Cast::of(&world).await;
    world.add_shop().await;
    let mut file = agent_file("agt_both", "alice");
    file["agent"]["may_ask"] = json!(["alice"]);
    let agent = enrol(&world, file).await;
    let form: Fields = vec![
        ("login_hint", "alice".to_owned()),
        ("scope", "accounts:read orders:read".to_owned()),
    ];
    let id = agent.asked(&world, &form).await;
    world.approve(&id, "alice").await;
    refused(
        &agent.poll(&world, &id).await,
        "invalid_target",
        "two resources",
    );
    let one = poll_form(&id).with("resource", BANK);
    let reply = agent.send(&world, "/token", &one).await;
    assert_eq!(minted(&reply, "one")["aud"], json!(BANK));
});
