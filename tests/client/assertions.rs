//! Client assertions (RFC 7523 as 7523bis narrows it, RFC 8725): meant for us, signed by a registered key, once.

use serde_json::{Value, json};
use writ_testkit::{
    Cast, Change, Forge, ISSUER, REDIRECT, SignedParts, TestAgent, TestReply, Web, World, both,
};

fn invalid_client() -> (u16, String) {
    (400, "invalid_client".to_owned())
}

/// `client_credentials` by the planner with claims of its assertion set; null leaves one out.
async fn with_claims(world: &World, actor: &TestAgent, changes: Value) -> TestReply {
    let mut claims = actor
        .assertion
        .assertion_claims(&actor.id, ISSUER, world.now().seconds());
    writ_testkit::merge(&mut claims, changes);
    let assertion = actor
        .assertion
        .sign_typed("client-authentication+jwt", &claims);
    with_assertion(world, actor, &assertion).await
}

async fn with_assertion(world: &World, actor: &TestAgent, assertion: &str) -> TestReply {
    let proof = actor.proof(world, "/token");
    actor
        .send_exactly(
            world,
            "/token",
            &TestAgent::own_work(),
            SignedParts {
                assertion,
                proof: &proof,
            },
        )
        .await
}

fn claims_of(world: &World, actor: &TestAgent) -> Value {
    actor
        .assertion
        .assertion_claims(&actor.id, ISSUER, world.now().seconds())
}

/// A client with a key of its own that may do its own work.
pub(crate) async fn machine(world: &World, changes: Value) -> TestAgent {
    let (assertion, dpop) = (Forge::new(&world.random), Forge::new(&world.random));
    let mut file = Web::file(json!({
        "token_endpoint_auth_method": "private_key_jwt", "bearer": null,
        "grant_types": ["client_credentials"], "redirect_uris": [REDIRECT],
        "jwks": { "keys": [assertion.jwk()] }
    }));
    writ_testkit::merge(&mut file, changes);
    let id = world.add_client(file).await["client_id"]
        .as_str()
        .unwrap()
        .to_owned();
    TestAgent {
        id,
        assertion,
        dpop,
    }
}

/// Whether a client of this kind may name that audience at the token endpoint.
async fn takes(world: &World, actor: &TestAgent, audience: Value) -> bool {
    let form = TestAgent::own_work().with("scope", "accounts:read");
    let mut claims = claims_of(world, actor);
    claims["aud"] = audience;
    let assertion = actor.assertion.sign_typed("JWT", &claims);
    let proof = actor.proof(world, "/token");
    let reply = actor
        .send_exactly(
            world,
            "/token",
            &form,
            SignedParts {
                assertion: &assertion,
                proof: &proof,
            },
        )
        .await;
    assert!(
        reply.status == 200 || reply.refusal() == invalid_client(),
        "{}",
        reply.text()
    );
    reply.status == 200
}

both!(the_audience_is_the_issuer_by_profile, |world| async {
    let cast = Cast::of(&world).await;
    let kinds = [
        json!({ "client_id": "common" }),
        json!({ "client_id": "narrow", "assertion_audience": "issuer" }),
        json!({ "client_id": "fapi", "profile": "fapi2" }),
        json!({ "client_id": "wide", "assertion_audience": "endpoint" }),
    ];
    let mut actors = Vec::new();
    for kind in kinds {
        actors.push(machine(&world, kind).await);
    }
    let token = format!("{ISSUER}/token");
    let other = "https://other.example";
    // The audience, and whether each of those may use it.
    let table = [
        (json!(ISSUER), [true, true, true, true]),
        (json!([ISSUER]), [true, true, false, true]),
        (json!(token), [true, false, false, true]),
        (json!([token]), [true, false, false, true]),
        (json!([ISSUER, token]), [true, false, false, true]),
        (json!([ISSUER, other]), [true, false, false, false]),
        (json!([other, token]), [true, false, false, false]),
        (json!(format!("{ISSUER}/")), [false; 4]),
        (json!(format!("{ISSUER}/par")), [false; 4]),
        (json!(other), [false; 4]),
        (json!([]), [false; 4]),
        (json!([ISSUER, 1]), [false; 4]),
        (json!(1), [false; 4]),
        (Value::Null, [false; 4]),
    ];
    for (audience, expected) in table {
        for (actor, expected) in actors.iter().zip(expected) {
            assert_eq!(
                takes(&world, actor, audience.clone()).await,
                expected,
                "{} {audience}",
                actor.id
            );
        }
    }
    // An agent is as strict as a FAPI client.
    for (audience, status) in [
        (json!(ISSUER), 200),
        (json!([ISSUER]), 400),
        (json!(token), 400),
    ] {
        let reply = with_claims(&world, &cast.planner, json!({ "aud": audience })).await;
        assert_eq!(reply.status, status, "{audience}: {}", reply.text());
    }
});

both!(an_assertion_is_good_once_on_every_node, |world| async {
    let cast = Cast::of(&world).await;
    let node = world.node().await;
    let assertion = cast
        .planner
        .assertion
        .assertion("agt_planner", ISSUER, world.now().seconds());
    assert_eq!(
        with_assertion(&world, &cast.planner, &assertion)
            .await
            .status,
        200
    );
    assert_eq!(
        with_assertion(&world, &cast.planner, &assertion)
            .await
            .refusal(),
        invalid_client()
    );
    let proof = cast.planner.proof(&world, "/token");
    let form = [
        ("grant_type", "client_credentials"),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", assertion.as_str()),
    ];
    let elsewhere = node.post("/token", &form, &[("dpop", &proof)]).await;
    assert_eq!(elsewhere.refusal(), invalid_client());
    let at_par = cast.planner.proof(&world, "/par");
    let used = cast
        .planner
        .send_exactly(
            &world,
            "/par",
            &cast.request(),
            SignedParts {
                assertion: &assertion,
                proof: &at_par,
            },
        )
        .await;
    assert_eq!(used.refusal(), invalid_client(), "nor at another endpoint");

    let jti = writ_testkit::claims(&assertion)["jti"].clone();
    let same_jti = with_claims(&world, &cast.booker, json!({ "jti": jti })).await;
    assert_eq!(same_jti.status, 200, "another client's `jti` is its own");
    // Until the end of its life, and then it has expired.
    world.advance(59);
    assert_eq!(
        with_assertion(&world, &cast.planner, &assertion)
            .await
            .refusal(),
        invalid_client()
    );
});

both!(
    rfc_7523_3_an_assertion_with_one_claim_wrong_is_refused,
    |world| async {
        let cast = Cast::of(&world).await;
        let now = world.now().seconds();
        let bad = [
            json!({ "exp": null }),
            json!({ "exp": now }),
            json!({ "exp": now - 1 }),
            json!({ "exp": now + 301 }),
            json!({ "exp": "soon" }),
            json!({ "iat": now + 11 }),
            json!({ "nbf": now + 11 }),
            json!({ "jti": null }),
            json!({ "jti": "" }),
            json!({ "jti": "x".repeat(257) }),
            json!({ "jti": 1 }),
            json!({ "iss": "agt_booker" }),
            json!({ "iss": null }),
            json!({ "sub": "agt_booker" }),
            json!({ "sub": null }),
            json!({ "sub": "nobody", "iss": "nobody" }),
            // What makes it an actor assertion.
            json!({ "cnf": { "jkt": "x" } }),
            json!({ "azp": "agt_planner" }),
        ];
        for changes in bad {
            let reply = with_claims(&world, &cast.planner, changes.clone()).await;
            assert_eq!(
                reply.refusal(),
                invalid_client(),
                "{changes}: {}",
                reply.text()
            );
            assert!(reply.header("www-authenticate").is_none());
        }
        for good in [
            json!({ "iat": now + 10, "nbf": now + 10 }),
            json!({ "exp": now + 300 }),
            json!({ "iat": null }),
            json!({ "more": 1 }),
        ] {
            let reply = with_claims(&world, &cast.planner, good.clone()).await;
            assert_eq!(reply.status, 200, "{good}: {}", reply.text());
        }
    }
);

both!(
    rfc_8725_3_an_assertion_with_a_forged_header_or_signature_is_refused,
    |world| async {
        let cast = Cast::of(&world).await;
        let actor = &cast.planner;
        let key = &actor.assertion;
        let sign = |header: Value| key.sign(&header, &claims_of(&world, actor));
        let kid = key.thumbprint();
        let good = sign(json!({ "alg": "ES256", "kid": kid }));
        let other = Forge::new(&world.random);
        let typed = |typ: &str| sign(json!({ "typ": typ, "alg": "ES256", "kid": kid }));
        let bad = [
            typed("dpop+jwt"),
            typed("at+jwt"),
            typed("writ-actor+jwt"),
            typed(""),
            sign(json!({ "alg": "ES256", "kid": "other" })),
            sign(json!({ "alg": "PS256", "kid": kid })),
            sign(json!({ "alg": "RS256", "kid": kid })),
            sign(json!({ "alg": "ES256", "kid": kid, "crit": ["exp"] })),
            key.unsigned(&claims_of(&world, actor)),
            key.mac_by_public_key(
                &json!({ "alg": "HS256", "kid": kid }),
                &claims_of(&world, actor),
            ),
            other.sign(
                &json!({ "alg": "ES256", "kid": kid }),
                &claims_of(&world, actor),
            ),
            // The key in the header is nobody's word.
            other.sign(
                &json!({ "alg": "ES256", "jwk": other.bare_jwk() }),
                &claims_of(&world, actor),
            ),
            other.sign(
                &json!({ "alg": "ES256", "kid": other.thumbprint() }),
                &claims_of(&world, actor),
            ),
            format!("{good}x"),
            good.rsplit_once('.').unwrap().0.to_owned(),
            "x".to_owned(),
            actor
                .dpop
                .assertion(&actor.id, ISSUER, world.now().seconds()),
            actor.actor_assertion(&world, "agt_planner"),
        ];
        for assertion in bad {
            let reply = with_assertion(&world, actor, &assertion).await;
            assert_eq!(
                reply.refusal(),
                invalid_client(),
                "{assertion}: {}",
                reply.text()
            );
        }
        assert_eq!(
            with_assertion(&world, actor, &good).await.status,
            200,
            "`typ` may be absent"
        );
        for typ in ["JWT", "client-authentication+jwt"] {
            assert_eq!(
                with_assertion(&world, actor, &typed(typ)).await.status,
                200,
                "{typ}"
            );
        }
        let without_kid = sign(json!({ "alg": "ES256" }));
        assert_eq!(
            with_assertion(&world, actor, &without_kid).await.status,
            200
        );
    }
);
