//! DPoP nonces (RFC 9449 section 8): asked for by profile, stateless, and a challenge consumes nothing.

use serde_json::{Value, json};
use writ_jose::nonce::NonceKeys;
use writ_testkit::{
    Cast, Fields, ISSUER, REDIRECT, SignedParts, TestAgent, TestReply, Web, World, authorize_url,
    both, both_with, merge,
};
use writ_wire::time::Timestamp;

const ON: &[(&str, &str)] = &[("PROFILES__AGENT__DPOP_NONCE", "true")];

fn use_nonce() -> (u16, String) {
    (400, "use_dpop_nonce".to_owned())
}

/// A proof with this nonce.
fn proof(world: &World, actor: &TestAgent, path: &str, changes: Value) -> String {
    let url = format!("{ISSUER}{path}");
    let mut claims = actor.dpop.proof_claims("POST", &url, world.now().seconds());
    merge(&mut claims, changes);
    actor.dpop.sign_proof(&claims)
}

async fn own_work(world: &World, actor: &TestAgent, changes: Value) -> TestReply {
    let proof = proof(world, actor, "/token", changes);
    actor
        .send_with(world, "/token", &TestAgent::own_work(), &[("dpop", &proof)])
        .await
}

/// The nonce of an answer, which must be one header.
fn nonce(reply: &TestReply) -> String {
    let all: Vec<_> = reply.headers.get_all("dpop-nonce").iter().collect();
    assert_eq!(all.len(), 1, "one DPoP-Nonce: {reply:?}");
    all[0].to_str().unwrap().to_owned()
}

/// The form with this very assertion.
async fn exactly(
    world: &World,
    cast: &Cast,
    form: &Fields,
    assertion: &str,
    changes: Value,
) -> TestReply {
    let proof = proof(world, &cast.planner, "/token", changes);
    cast.planner
        .send_exactly(
            world,
            "/token",
            form,
            SignedParts {
                assertion,
                proof: &proof,
            },
        )
        .await
}

both_with!(
    rfc_9449_8_a_proof_without_nonce_is_challenged_at_both_doors,
    ON,
    |world| async {
        let cast = Cast::of(&world).await;
        for (path, form, status) in [
            ("/token", TestAgent::own_work(), 200),
            ("/par", cast.request(), 201),
        ] {
            let challenged = cast.planner.send(&world, path, &form).await;
            assert_eq!(challenged.refusal(), use_nonce(), "400 here");
            assert_eq!(challenged.header("cache-control"), Some("no-store"));
            let given = nonce(&challenged);
            let with = proof(&world, &cast.planner, path, json!({ "nonce": given }));
            let reply = cast
                .planner
                .send_with(&world, path, &form, &[("dpop", &with)])
                .await;
            assert_eq!(reply.status, status, "{}", reply.text());
            world.advance(1);
            let again = proof(&world, &cast.planner, path, json!({ "nonce": given }));
            let reply = cast
                .planner
                .send_with(&world, path, &form, &[("dpop", &again)])
                .await;
            assert_eq!(
                reply.status,
                status,
                "a nonce is no single-use thing: {}",
                reply.text()
            );
            assert_ne!(nonce(&reply), given, "success carries the next one");
        }
    }
);

both_with!(a_nonce_challenge_consumes_nothing, ON, |world| async {
    let cast = Cast::of(&world).await;
    let given = nonce(&own_work(&world, &cast.planner, json!({})).await);
    let pushing = proof(&world, &cast.planner, "/par", json!({ "nonce": given }));
    let pushed = cast
        .planner
        .send_with(&world, "/par", &cast.request(), &[("dpop", &pushing)])
        .await;
    let url = authorize_url("agt_planner", &pushed.member("request_uri"));
    let (mut browser, page) = world.consent_page(&url).await;
    let code = browser
        .submit(&page, "consent-approve", &[])
        .await
        .query("code")
        .unwrap();

    let form = cast.redeem_form(&code);
    let assertion = cast
        .planner
        .assertion
        .assertion("agt_planner", ISSUER, world.now().seconds());
    let same_jti = json!({ "jti": "one" });
    for _ in 0..2 {
        let challenged = exactly(&world, &cast, &form, &assertion, same_jti.clone()).await;
        assert_eq!(challenged.refusal(), use_nonce());
    }
    let with_nonce = json!({ "jti": "one", "nonce": given });
    let reply = exactly(&world, &cast, &form, &assertion, with_nonce).await;
    assert_eq!(
        reply.status,
        200,
        "same code, same assertion, same `jti`: {}",
        reply.text()
    );
    assert_eq!(world.events_named("token.issued").await.len(), 1);
});

both_with!(
    an_invalid_or_old_nonce_is_answered_by_a_new_one,
    ON,
    |world| async {
        let cast = Cast::of(&world).await;
        let good = nonce(&own_work(&world, &cast.planner, json!({})).await);
        let elsewhere = NonceKeys::new(&[7; 32], ISSUER).issue(world.now());
        let future = Timestamp::from_seconds(world.now().seconds() + 1000);
        let forged = NonceKeys::new(&[7; 32], ISSUER).issue(future);
        for bad in [
            elsewhere,
            forged,
            "x".to_owned(),
            String::new(),
            format!("{good}x"),
        ] {
            let reply = own_work(&world, &cast.planner, json!({ "nonce": bad })).await;
            assert_eq!(reply.refusal(), use_nonce(), "{bad}");
            nonce(&reply);
        }
        world.advance(300);
        assert_eq!(
            own_work(&world, &cast.planner, json!({ "nonce": good }))
                .await
                .status,
            200
        );
        world.advance(1);
        let old = own_work(&world, &cast.planner, json!({ "nonce": good })).await;
        assert_eq!(old.refusal(), use_nonce());
        let fresh = json!({ "nonce": nonce(&old) });
        assert_eq!(own_work(&world, &cast.planner, fresh).await.status, 200);
    }
);

both_with!(
    rfc_9449_8_2_a_valid_nonce_does_not_make_a_bad_proof_good,
    ON,
    |world| async {
        let cast = Cast::of(&world).await;
        let given = nonce(&own_work(&world, &cast.planner, json!({})).await);
        let now = world.now().seconds();
        for changes in [
            json!({ "htm": "GET" }),
            json!({ "htu": format!("{ISSUER}/par") }),
            json!({ "iat": now - 301 }),
            json!({ "iat": now + 11 }),
            json!({ "jti": null }),
        ] {
            let mut changes = changes;
            changes["nonce"] = json!(given);
            let reply = own_work(&world, &cast.planner, changes.clone()).await;
            assert_eq!(
                reply.refusal(),
                (400, "invalid_dpop_proof".to_owned()),
                "{changes}"
            );
        }
        let used = proof(&world, &cast.planner, "/token", json!({ "nonce": given }));
        let send = || cast.planner.send(&world, "/token", &[]);
        assert_eq!(send().await.error(), "invalid_request");
        let form = TestAgent::own_work();
        let headers = [("dpop", used.as_str())];
        assert_eq!(
            cast.planner
                .send_with(&world, "/token", &form, &headers)
                .await
                .status,
            200
        );
        let replayed = cast
            .planner
            .send_with(&world, "/token", &form, &headers)
            .await;
        assert_eq!(
            replayed.refusal(),
            (400, "invalid_dpop_proof".to_owned()),
            "a proof is good once"
        );
    }
);

both_with!(nonces_are_switched_by_profile, ON, |world| async {
    Cast::of(&world).await;
    let web = Web::register(&world, json!({ "grant_types": ["client_credentials"] })).await;
    let key = writ_testkit::Forge::new(&world.random);
    let form = TestAgent::own_work()
        .into_iter()
        .chain([("scope", "accounts:read".to_owned())])
        .collect();
    let plain = key.proof("POST", &format!("{ISSUER}/token"), world.now().seconds());
    let reply = web.send(&world, "/token", &form, &[("dpop", &plain)]).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("dpop-nonce"), None, "the profile wants none");
    // One that is sent all the same must be ours.
    let mut claims = key.proof_claims("POST", &format!("{ISSUER}/token"), world.now().seconds());
    claims["nonce"] = json!("x");
    let foreign = key.sign_proof(&claims);
    let reply = web
        .send(&world, "/token", &form, &[("dpop", &foreign)])
        .await;
    assert_eq!(reply.refusal(), use_nonce());
    nonce(&reply);
});

both!(fapi2_wants_nonces_unless_switched_off, |world| async {
    Cast::of(&world).await;
    let (assertion, dpop) = (
        writ_testkit::Forge::new(&world.random),
        writ_testkit::Forge::new(&world.random),
    );
    let file = Web::file(json!({
        "client_id": "fapi", "profile": "fapi2", "token_endpoint_auth_method": "private_key_jwt",
        "bearer": null, "redirect_uris": [REDIRECT], "jwks": { "keys": [assertion.jwk()] }
    }));
    world.add_client(file).await;
    let fapi = TestAgent {
        id: "fapi".to_owned(),
        assertion,
        dpop,
    };
    let form = vec![
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", "x".to_owned()),
    ];
    let reply = fapi.send(&world, "/token", &form).await;
    assert_eq!(
        reply.refusal(),
        (400, "invalid_grant".to_owned()),
        "this world has them off"
    );
    assert_eq!(reply.header("dpop-nonce"), None);
});
