//! Actor assertions, and that neither they nor client assertions can be passed off as the other.

use serde_json::{Value, json};
use writ_testkit::{
    Cast, Fields, Forge, ISSUER, TestAgent, TestReply, World, both, claims, minted, plus, refused,
    with, without,
};
use writ_wire::exchange::{TOKEN_TYPE_ACCESS_TOKEN, TOKEN_TYPE_JWT};

/// The planner hands over with this actor token of this type.
pub(crate) async fn present(
    world: &World,
    cast: &Cast,
    token: &str,
    actor: (&str, &str),
) -> TestReply {
    let form = cast.exchange_form(token, Some(actor.0));
    let form = with(&form, "actor_token_type", actor.1);
    cast.planner.send(world, "/token", &form).await
}

/// Claims of a good assertion of the booker for the planner, changed.
fn changed(cast: &Cast, world: &World, change: impl FnOnce(&mut Value)) -> Value {
    let mut claims = cast.booker.actor_claims(world, "agt_planner");
    change(&mut claims);
    claims
}

pub(crate) fn remove(claims: &mut Value, name: &str) {
    claims.as_object_mut().unwrap().remove(name);
}

/// A request of the planner for its own work with this client assertion.
async fn authenticate(world: &World, planner: &TestAgent, assertion: String) -> TestReply {
    let form: Fields = vec![
        ("grant_type", "client_credentials".to_owned()),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned(),
        ),
        ("client_assertion", assertion),
    ];
    let pairs: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let proof = planner.proof(world, "/token");
    world.post("/token", &pairs, &[("dpop", &proof)]).await
}

both!(
    /// An actor token of the caller itself is no consent of another agent.
    an_actor_token_of_the_caller_itself_is_refused,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let assertion = cast.planner.actor_assertion(&world, "agt_planner");
        let own = cast.planner.own(&world, &[]).await.access_token();
        let fresh = cast.planner.with_key(Forge::new(&world.random));
        let other_key = fresh.actor_assertion(&world, "agt_planner");
        for (actor, kind) in [
            (&assertion, TOKEN_TYPE_JWT),
            (&other_key, TOKEN_TYPE_JWT),
            (&own, TOKEN_TYPE_ACCESS_TOKEN),
            (&token, TOKEN_TYPE_ACCESS_TOKEN),
        ] {
            let reply = present(&world, &cast, &token, (actor, kind)).await;
            refused(&reply, "invalid_request", kind);
        }
    }
);

both!(
    /// One that is repeated, untyped or invalid is refused, never taken as absent.
    a_bad_actor_token_is_never_taken_as_absent,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let alone = cast.exchange_form(&token, None);
        minted(
            &cast.planner.send(&world, "/token", &alone).await,
            "absent would narrow",
        );
        let good = || cast.booker.actor_assertion(&world, "agt_planner");
        let form = || cast.exchange_form(&token, Some(&good()));
        let type_only = plus(&alone, "actor_token_type", TOKEN_TYPE_JWT);
        let cases = [
            ("repeated", plus(&form(), "actor_token", good())),
            (
                "repeated type",
                plus(&form(), "actor_token_type", TOKEN_TYPE_JWT),
            ),
            ("untyped", without(&form(), "actor_token_type")),
            ("empty type", with(&form(), "actor_token_type", "")),
            ("type alone", type_only.clone()),
            ("empty token", with(&type_only, "actor_token", "")),
            ("no JWT", with(&form(), "actor_token", "x")),
            (
                "unknown type",
                with(
                    &form(),
                    "actor_token_type",
                    "urn:ietf:params:oauth:token-type:id_token",
                ),
            ),
            (
                "an assertion as access token",
                with(&form(), "actor_token_type", TOKEN_TYPE_ACCESS_TOKEN),
            ),
        ];
        for (what, form) in cases {
            let reply = cast.planner.send(&world, "/token", &form).await;
            refused(&reply, "invalid_request", what);
        }
        minted(
            &cast.planner.send(&world, "/token", &form()).await,
            "the good one",
        );
    }
);

both!(
    /// Every member of an actor assertion, and its `typ`, exactly.
    every_member_of_an_actor_assertion_is_checked,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let now = world.now().seconds();
        let key = &cast.booker.assertion;
        let actor = |change: fn(&mut Value)| {
            key.sign_typed("writ-actor+jwt", &changed(&cast, &world, change))
        };
        let typed = |typ: &str| key.sign_typed(typ, &changed(&cast, &world, |_| ()));
        let good = || changed(&cast, &world, |_| ());
        let kid = key.thumbprint();
        let mut cases: Vec<(&str, String)> = vec![
            ("typ JWT", typed("JWT")),
            (
                "typ of a client assertion",
                typed("client-authentication+jwt"),
            ),
            ("typ of an access token", typed("at+jwt")),
            ("typ in capitals", typed("WRIT-ACTOR+JWT")),
            ("typ with its prefix", typed("application/writ-actor+jwt")),
            (
                "no typ",
                key.sign(&json!({ "alg": "ES256", "kid": kid }), &good()),
            ),
            ("iss of another", actor(|c| c["iss"] = json!("agt_payer"))),
            ("sub of another", actor(|c| c["sub"] = json!("agt_payer"))),
            (
                "both of another",
                actor(|c| {
                    c["iss"] = json!("agt_payer");
                    c["sub"] = json!("agt_payer");
                }),
            ),
            (
                "sub of nobody",
                actor(|c| {
                    c["iss"] = json!("agt_none");
                    c["sub"] = json!("agt_none");
                }),
            ),
            (
                "sub of a plain client",
                actor(|c| {
                    c["iss"] = json!("bank-api");
                    c["sub"] = json!("bank-api");
                }),
            ),
            ("aud list", actor(|c| c["aud"] = json!([ISSUER]))),
            (
                "aud list of two",
                actor(|c| c["aud"] = json!([ISSUER, "https://x.example"])),
            ),
            (
                "aud of another",
                actor(|c| c["aud"] = json!("https://x.example")),
            ),
            (
                "aud the endpoint",
                actor(|c| c["aud"] = json!(format!("{ISSUER}/token"))),
            ),
            ("no aud", actor(|c| remove(c, "aud"))),
            ("azp of another", actor(|c| c["azp"] = json!("agt_payer"))),
            ("azp list", actor(|c| c["azp"] = json!(["agt_planner"]))),
            ("no azp", actor(|c| remove(c, "azp"))),
            ("no cnf", actor(|c| remove(c, "cnf"))),
            ("empty cnf", actor(|c| c["cnf"] = json!({}))),
            ("bad jkt", actor(|c| c["cnf"] = json!({ "jkt": "short" }))),
            ("no jti", actor(|c| remove(c, "jti"))),
            ("empty jti", actor(|c| c["jti"] = json!(""))),
            ("no exp", actor(|c| remove(c, "exp"))),
            ("no iat", actor(|c| remove(c, "iat"))),
        ];
        for (what, iat, exp) in [
            ("life of 121 s", now, now + 121),
            ("expired", now - 60, now),
            ("from the future", now + 11, now + 60),
        ] {
            let claims = changed(&cast, &world, |c| {
                c["iat"] = json!(iat);
                c["exp"] = json!(exp);
            });
            cases.push((what, key.sign_typed("writ-actor+jwt", &claims)));
        }
        let unregistered = Forge::new(&world.random);
        cases.push((
            "unregistered key",
            unregistered.sign_typed("writ-actor+jwt", &good()),
        ));
        let header = json!({ "typ": "writ-actor+jwt", "alg": "ES256", "kid": kid });
        cases.push(("its kid, another key", unregistered.sign(&header, &good())));
        cases.push((
            "the DPoP key",
            cast.booker.dpop.sign_typed("writ-actor+jwt", &good()),
        ));
        cases.push((
            "the planner's key",
            cast.planner.assertion.sign_typed("writ-actor+jwt", &good()),
        ));
        let none = json!({ "typ": "writ-actor+jwt", "alg": "none", "kid": kid });
        let unsigned = key.sign(&none, &good());
        cases.push((
            "alg none",
            format!("{}.", unsigned.rsplit_once('.').unwrap().0),
        ));
        for (what, assertion) in cases {
            let reply = present(&world, &cast, &token, (&assertion, TOKEN_TYPE_JWT)).await;
            refused(&reply, "invalid_request", what);
        }
        let longest = changed(&cast, &world, |c| c["exp"] = json!(now + 120));
        let longest = key.sign_typed("writ-actor+jwt", &longest);
        minted(
            &present(&world, &cast, &token, (&longest, TOKEN_TYPE_JWT)).await,
            "120 s",
        );
    }
);

both!(
    /// The `jti` of an actor assertion is consumed by a token, not by a refusal.
    an_actor_assertion_is_good_once,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let assertion = cast.booker.actor_assertion(&world, "agt_planner");
        let form = cast.exchange_form(&token, Some(&assertion));
        let wide = with(&form, "scope", "accounts:write");
        refused(
            &cast.planner.send(&world, "/token", &wide).await,
            "invalid_scope",
            "refused first",
        );
        minted(
            &cast.planner.send(&world, "/token", &form).await,
            "its one use",
        );
        let other = cast.exchange_form(&cast.token(&world).await, Some(&assertion));
        for (what, form) in [("again", &form), ("with another token", &other)] {
            let reply = cast.planner.send(&world, "/token", form).await;
            refused(&reply, "invalid_request", what);
        }
        // The same `jti` in another assertion is the same; another agent's is its own.
        let jti = claims(&assertion)["jti"].clone();
        let same = changed(&cast, &world, |c| c["jti"] = jti.clone());
        let same = cast.booker.assertion.sign_typed("writ-actor+jwt", &same);
        let reply = present(&world, &cast, &token, (&same, TOKEN_TYPE_JWT)).await;
        refused(&reply, "invalid_request", "the same `jti`");
        let mut others = cast.payer.actor_claims(&world, "agt_planner");
        others["jti"] = jti;
        let others = cast.payer.assertion.sign_typed("writ-actor+jwt", &others);
        minted(
            &present(&world, &cast, &token, (&others, TOKEN_TYPE_JWT)).await,
            "another agent's",
        );
    }
);

both!(
    /// Client authentication refuses actor assertions, and assertions with `cnf` or `azp`; and an actor token
    /// is no client assertion: neither can be passed off as the other.
    actor_and_client_assertions_are_not_interchangeable,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let key = &cast.planner.assertion;
        let now = world.now().seconds();
        let actor = || cast.planner.actor_claims(&world, "agt_booker");
        let client = || key.assertion_claims("agt_planner", ISSUER, now);
        let mut with_azp = client();
        with_azp["azp"] = json!("agt_planner");
        let mut with_cnf = client();
        with_cnf["cnf"] = json!({ "jkt": cast.planner.dpop.thumbprint() });
        let untyped = json!({ "alg": "ES256", "kid": key.thumbprint() });
        let bad = [
            (
                "an actor assertion",
                key.sign_typed("writ-actor+jwt", &actor()),
            ),
            ("its claims, as JWT", key.sign_typed("JWT", &actor())),
            (
                "its claims, typed",
                key.sign_typed("client-authentication+jwt", &actor()),
            ),
            ("its claims, untyped", key.sign(&untyped, &actor())),
            (
                "its typ, our claims",
                key.sign_typed("writ-actor+jwt", &client()),
            ),
            ("azp alone", key.sign_typed("JWT", &with_azp)),
            (
                "cnf alone",
                key.sign_typed("client-authentication+jwt", &with_cnf),
            ),
            ("an access token's typ", key.sign_typed("at+jwt", &client())),
        ];
        for (what, assertion) in bad {
            let reply = authenticate(&world, &cast.planner, assertion).await;
            assert_eq!(
                reply.refusal(),
                (400, "invalid_client".to_owned()),
                "{what}"
            );
        }
        let good = [
            key.sign_typed("JWT", &client()),
            key.sign_typed("client-authentication+jwt", &client()),
            key.sign(&untyped, &client()),
        ];
        for assertion in good {
            minted(
                &authenticate(&world, &cast.planner, assertion).await,
                "typ absent, JWT or its own",
            );
        }
        let client = cast.booker.assertion.assertion("agt_booker", ISSUER, now);
        for kind in [TOKEN_TYPE_JWT, TOKEN_TYPE_ACCESS_TOKEN] {
            let reply = present(&world, &cast, &token, (&client, kind)).await;
            refused(
                &reply,
                "invalid_request",
                "a client assertion as actor token",
            );
        }
    }
);
