//! Signed backchannel requests (CIBA 7.1.1, FAPI-CIBA 5.2.2), through the door.

use serde_json::{Value, json};
use writ_testkit::{
    Cast, Change, Fields, ISSUER, TestAgent, World, agent_file, both, enrol, payment, refused,
};
use writ_wire::exchange::TOKEN_TYPE_ACCESS_TOKEN;

/// An agent that signs its requests.
async fn signer(world: &World) -> TestAgent {
    let mut file = agent_file("agt_signer", "alice");
    file["agent"]["may_ask"] = json!(["alice"]);
    file["backchannel_authentication_request_signing_alg"] = json!("ES256");
    enrol(world, file).await
}

fn claims(world: &World, agent: &TestAgent) -> Value {
    let now = world.now().seconds();
    json!({
        "iss": agent.id, "aud": ISSUER, "iat": now, "nbf": now, "exp": now + 300,
        "jti": agent.assertion.jti(), "login_hint": "alice", "binding_message": "W4SCT",
        "authorization_details": [payment("300.00")], "requested_expiry": "120"
    })
}

fn signed(agent: &TestAgent, claims: &Value) -> Fields {
    vec![(
        "request",
        agent.assertion.sign_typed("oauth-authz-req+jwt", claims),
    )]
}

both!(ciba_7_1_1_a_signed_request_is_taken_once, |world| async {
    Cast::of(&world).await;
    let agent = signer(&world).await;
    let form = signed(&agent, &claims(&world, &agent));
    let reply = agent.ask(&world, &form).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["expires_in"], json!(120));
    let request = world.waiting(&reply.member("auth_req_id")).await;
    assert_eq!(request.asked.binding_message.as_deref(), Some("W4SCT"));
    refused(&agent.ask(&world, &form).await, "invalid_request", "again");
});

both!(
    ciba_7_1_1_who_registered_an_algorithm_signs_always_and_others_never,
    |world| async {
        let cast = Cast::of(&world).await;
        let agent = signer(&world).await;
        let plain = agent.ask(&world, &cast.question()).await;
        refused(&plain, "invalid_request", "unsigned");
        cast.token(&world).await;
        let claims = claims(&world, &cast.planner);
        let reply = cast
            .planner
            .ask(&world, &signed(&cast.planner, &claims))
            .await;
        refused(&reply, "invalid_request", "not registered");
    }
);

both!(
    ciba_7_1_1_each_claim_is_required_and_nothing_stands_beside,
    |world| async {
        Cast::of(&world).await;
        let agent = signer(&world).await;
        let ask = |claims: Value| {
            let (world, agent) = (&world, &agent);
            async move { agent.ask(world, &signed(agent, &claims)).await }
        };
        for name in ["iss", "aud", "exp", "iat", "nbf", "jti"] {
            let mut claims = claims(&world, &agent);
            claims.as_object_mut().unwrap().remove(name);
            refused(&ask(claims).await, "invalid_request", name);
        }
        let now = world.now().seconds();
        for (name, bad) in [
            ("iss", json!("agt_planner")),
            ("aud", json!("https://other.example")),
            ("exp", json!(now)),
            ("exp", json!(now + 3601)),
            ("nbf", json!(now + 60)),
            ("sub", json!("agt_signer")),
            ("id_token_hint", json!("x")),
            ("requested_expiry", json!(0)),
        ] {
            let mut claims = claims(&world, &agent);
            claims[name] = bad;
            refused(&ask(claims).await, "invalid_request", name);
        }
        for name in ["login_hint", "scope", "subject_token"] {
            let form = signed(&agent, &claims(&world, &agent)).with(name, "alice");
            refused(&agent.ask(&world, &form).await, "invalid_request", name);
        }
    }
);

both!(
    ciba_7_1_1_another_key_or_algorithm_says_nothing,
    |world| async {
        let cast = Cast::of(&world).await;
        let agent = signer(&world).await;
        let good = claims(&world, &agent);
        let typ = "oauth-authz-req+jwt";
        let header = json!({ "alg": "ES256", "typ": typ });
        for (what, text) in [
            ("another key", agent.dpop.sign_typed(typ, &good)),
            (
                "another client",
                cast.planner.assertion.sign_typed(typ, &good),
            ),
            ("none", agent.assertion.unsigned(&good)),
            (
                "HS256",
                agent
                    .assertion
                    .mac_by_public_key(&json!({ "alg": "HS256", "typ": typ }), &good),
            ),
            ("tampered", tampered(&agent.assertion.sign(&header, &good))),
        ] {
            let form: Fields = vec![("request", text)];
            refused(&agent.ask(&world, &form).await, "invalid_request", what);
        }
        // An assertion is no request.
        let assertion = agent
            .assertion
            .assertion(&agent.id, ISSUER, world.now().seconds());
        let form: Fields = vec![("request", assertion)];
        refused(
            &agent.ask(&world, &form).await,
            "invalid_request",
            "an assertion",
        );
    }
);

/// One character of the payload changed.
fn tampered(token: &str) -> String {
    let (header, rest) = token.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let first = if payload.starts_with('e') { "f" } else { "e" };
    format!("{header}.{first}{}.{signature}", &payload[1..])
}

both!(a_signed_request_asks_within_a_task_too, |world| async {
    let cast = Cast::of(&world).await;
    let agent = signer(&world).await;
    let token = cast
        .granted(&world, &agent, &cast.request(), writ_testkit::BANK)
        .await
        .access_token();
    let mut claims = claims(&world, &agent);
    claims["subject_token"] = json!(token);
    claims["subject_token_type"] = json!(TOKEN_TYPE_ACCESS_TOKEN);
    let id = agent.asked(&world, &signed(&agent, &claims)).await;
    let task = writ_testkit::claims(&token)["mission"]["id"].clone();
    let request = world.waiting(&id).await;
    assert_eq!(request.task.as_ref().map(|t| json!(t)), Some(task));
});
