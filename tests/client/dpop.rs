//! DPoP proofs at our own endpoints (RFC 9449 section 4.3): each of the checks, broken once.

use serde_json::{Value, json};
use writ_testkit::{Cast, Fields, Forge, ISSUER, TestAgent, TestReply, World, both, merge};

const ENDPOINTS: [&str; 2] = ["/token", "/par"];

fn invalid_proof() -> (u16, String) {
    (400, "invalid_dpop_proof".to_owned())
}

/// A good request for an endpoint: the shortest at `/token`, a whole one at `/par`.
fn form(cast: &Cast, path: &str) -> Fields {
    if path == "/par" {
        cast.request()
    } else {
        TestAgent::own_work()
    }
}

fn accepted(path: &str) -> u16 {
    if path == "/par" { 201 } else { 200 }
}

/// The request with these proofs, each in a header of its own.
async fn send(world: &World, cast: &Cast, path: &str, proofs: &[&str]) -> TestReply {
    let headers: Vec<(&str, &str)> = proofs.iter().map(|proof| ("dpop", *proof)).collect();
    cast.planner
        .send_with(world, path, &form(cast, path), &headers)
        .await
}

fn claims(world: &World, cast: &Cast, path: &str) -> Value {
    let url = format!("{ISSUER}{path}");
    cast.planner
        .dpop
        .proof_claims("POST", &url, world.now().seconds())
}

/// A proof with claims set; null leaves one out.
fn proof(world: &World, cast: &Cast, path: &str, changes: Value) -> String {
    let mut claims = claims(world, cast, path);
    merge(&mut claims, changes);
    cast.planner.dpop.sign_proof(&claims)
}

both!(
    rfc_9449_4_3_checks_1_and_2_one_header_with_one_jwt,
    |world| async {
        let cast = Cast::of(&world).await;
        for path in ENDPOINTS {
            let good = || proof(&world, &cast, path, json!({}));
            for proofs in [
                vec![good(), good()],
                vec![format!("{}, {}", good(), good())],
                vec![String::new()],
                vec!["x".to_owned()],
                vec![good().rsplit_once('.').unwrap().0.to_owned()],
                vec![format!("{}.x", good())],
                vec![format!("{}=", good())],
            ] {
                let proofs: Vec<&str> = proofs.iter().map(String::as_str).collect();
                let reply = send(&world, &cast, path, &proofs).await;
                assert_eq!(reply.refusal(), invalid_proof(), "{path} {proofs:?}");
            }
            assert_eq!(
                send(&world, &cast, path, &[&good()]).await.status,
                accepted(path)
            );
        }
    }
);

both!(rfc_9449_4_3_checks_3_8_9_and_11_the_claims, |world| async {
    let cast = Cast::of(&world).await;
    let now = world.now().seconds();
    for path in ENDPOINTS {
        let bad = [
            json!({ "jti": null }),
            json!({ "jti": "" }),
            json!({ "jti": 7 }),
            json!({ "jti": "x".repeat(257) }),
            json!({ "htm": null }),
            json!({ "htm": "GET" }),
            json!({ "htm": "post" }),
            json!({ "htu": null }),
            json!({ "htu": path }),
            json!({ "htu": format!("{ISSUER}{path}/") }),
            json!({ "htu": format!("{ISSUER}/other") }),
            json!({ "htu": format!("https://localhost:9{path}") }),
            json!({ "htu": format!("http://localhost:8{path}") }),
            json!({ "htu": format!("http://localhost:9@evil.example{path}") }),
            json!({ "iat": null }),
            json!({ "iat": "now" }),
            json!({ "iat": now - 61 }),
            json!({ "iat": now + 11 }),
        ];
        for changes in bad {
            let reply = send(
                &world,
                &cast,
                path,
                &[&proof(&world, &cast, path, changes.clone())],
            )
            .await;
            assert_eq!(
                reply.refusal(),
                invalid_proof(),
                "{path} {changes}: {}",
                reply.text()
            );
        }
        let good = [
            json!({ "iat": now - 60 }),
            json!({ "iat": now + 10 }),
            json!({ "more": 1 }),
            // Normalised, query and fragment do not count.
            json!({ "htu": format!("HTTP://localhost:9{path}") }),
            json!({ "htu": format!("{ISSUER}{path}?x=1#y") }),
            json!({ "htu": format!("{ISSUER}/x/..{path}") }),
            json!({ "htu": format!("{ISSUER}{}", path.replace('a', "%61").replace('o', "%6F")) }),
            // RFC 9449 defines `ath` for resources; there is no token here to match.
            json!({ "ath": "x" }),
        ];
        for changes in good {
            let reply = send(
                &world,
                &cast,
                path,
                &[&proof(&world, &cast, path, changes.clone())],
            )
            .await;
            assert_eq!(
                reply.status,
                accepted(path),
                "{path} {changes}: {}",
                reply.text()
            );
        }
    }
});

both!(
    rfc_9449_4_3_checks_4_to_7_the_header_and_the_signature,
    |world| async {
        let cast = Cast::of(&world).await;
        let key = &cast.planner.dpop;
        let other = Forge::new(&world.random);
        let (bare, foreign) = (key.bare_jwk(), other.bare_jwk());
        let mut private = bare.clone();
        private["d"] = json!("A".repeat(43));
        let mut off_curve = bare.clone();
        off_curve["y"] = bare["x"].clone();
        for path in ENDPOINTS {
            let sign = |header: Value| key.sign(&header, &claims(&world, &cast, path));
            let good = proof(&world, &cast, path, json!({}));
            let (input, signature) = good.rsplit_once('.').unwrap();
            let bad = [
            sign(json!({ "typ": "JWT", "alg": "ES256", "jwk": bare })),
            sign(json!({ "alg": "ES256", "jwk": bare })),
            sign(json!({ "typ": "dpop+jwt", "alg": "none", "jwk": bare })),
            key.unsigned(&claims(&world, &cast, path)),
            key.mac_by_public_key(&json!({ "typ": "dpop+jwt", "alg": "HS256", "jwk": bare }), &claims(&world, &cast, path)),
            key.mac_by_public_key(
                &json!({ "typ": "dpop+jwt", "alg": "HS256", "jwk": { "kty": "oct", "k": "AAAA" } }),
                &claims(&world, &cast, path),
            ),
            sign(json!({ "typ": "dpop+jwt", "alg": "ES384", "jwk": bare })),
            sign(json!({ "typ": "dpop+jwt", "alg": "PS256", "jwk": bare })),
            sign(json!({ "typ": "dpop+jwt", "alg": "ES256" })),
            sign(json!({ "typ": "dpop+jwt", "alg": "ES256", "kid": key.thumbprint() })),
            sign(json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": foreign })),
            sign(json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": private })),
            sign(json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": off_curve })),
            sign(json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": bare, "crit": ["htu"] })),
            format!("{input}.{}", signature.chars().rev().collect::<String>()),
            format!("{input}."),
        ];
            for proof in bad {
                let reply = send(&world, &cast, path, &[&proof]).await;
                assert_eq!(
                    reply.refusal(),
                    invalid_proof(),
                    "{path} {proof}: {}",
                    reply.text()
                );
            }
            assert_eq!(
                send(&world, &cast, path, &[&good]).await.status,
                accepted(path),
                "not used up"
            );
        }
    }
);

both!(
    a_proof_is_good_once_on_every_node_until_it_is_too_old,
    |world| async {
        let cast = Cast::of(&world).await;
        let node = world.node().await;
        for path in ENDPOINTS {
            let used = proof(&world, &cast, path, json!({}));
            assert_eq!(
                send(&world, &cast, path, &[&used]).await.status,
                accepted(path)
            );
            assert_eq!(
                send(&world, &cast, path, &[&used]).await.refusal(),
                invalid_proof(),
                "{path}"
            );
            let signed = cast.planner.signed(&world, &form(&cast, path));
            let pairs: Vec<(&str, &str)> = signed
                .iter()
                .map(|(n, v)| (n.as_str(), v.as_str()))
                .collect();
            let elsewhere = node.post(path, &pairs, &[("dpop", &used)]).await;
            assert_eq!(elsewhere.refusal(), invalid_proof(), "{path}");
        }
        let used = proof(&world, &cast, "/token", json!({}));
        assert_eq!(send(&world, &cast, "/token", &[&used]).await.status, 200);
        for _ in 0..2 {
            world.advance(30);
            let late = send(&world, &cast, "/token", &[&used]).await;
            assert!(
                late.member("error_description").contains("used before"),
                "{}",
                late.text()
            );
        }
        world.advance(1);
        let old = send(&world, &cast, "/token", &[&used]).await;
        assert!(
            old.member("error_description").contains("too old"),
            "{}",
            old.text()
        );
    }
);

both!(a_jti_of_one_key_does_not_block_another, |world| async {
    let cast = Cast::of(&world).await;
    let jti = json!({ "jti": "the-same" });
    let first = proof(&world, &cast, "/token", jti.clone());
    assert_eq!(send(&world, &cast, "/token", &[&first]).await.status, 200);
    let second = proof(
        &world,
        &cast,
        "/token",
        json!({ "jti": "the-same", "more": 1 }),
    );
    assert_eq!(
        send(&world, &cast, "/token", &[&second]).await.refusal(),
        invalid_proof(),
        "one key"
    );
    let mut claims = claims(&world, &cast, "/token");
    merge(&mut claims, jti);
    let other = cast.booker.dpop.sign_proof(&claims);
    let reply = cast
        .booker
        .send_with(
            &world,
            "/token",
            &TestAgent::own_work(),
            &[("dpop", &other)],
        )
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
});

both!(forwarded_headers_do_not_change_htu, |world| async {
    let cast = Cast::of(&world).await;
    let forwarded = [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-port", "443"),
        ("forwarded", "host=evil.example;proto=https"),
        ("x-original-url", "/other"),
    ];
    for path in ENDPOINTS {
        for (htu, status) in [
            (format!("https://evil.example{path}"), 400),
            (format!("{ISSUER}{path}"), accepted(path)),
        ] {
            let proof = proof(&world, &cast, path, json!({ "htu": htu }));
            let mut headers = forwarded.to_vec();
            headers.push(("dpop", &proof));
            let reply = cast
                .planner
                .send_with(&world, path, &form(&cast, path), &headers)
                .await;
            assert_eq!(reply.status, status, "{htu}: {}", reply.text());
        }
    }
});

both!(
    a_key_belongs_to_the_agent_that_proved_it_first,
    |world| async {
        let cast = Cast::of(&world).await;
        assert_eq!(
            cast.booker
                .send(&world, "/token", &TestAgent::own_work())
                .await
                .status,
            200
        );
        for key in [&cast.booker.dpop, &cast.booker.assertion] {
            let thief = TestAgent {
                dpop: key.clone(),
                ..cast.planner.clone()
            };
            for path in ENDPOINTS {
                let reply = thief.send(&world, path, &form(&cast, path)).await;
                assert_eq!(reply.refusal(), invalid_proof(), "{path}: {}", reply.text());
            }
        }
        assert_eq!(
            cast.planner
                .send(&world, "/token", &TestAgent::own_work())
                .await
                .status,
            200
        );
        assert_eq!(
            cast.booker
                .send(&world, "/token", &TestAgent::own_work())
                .await
                .status,
            200
        );
    }
);
