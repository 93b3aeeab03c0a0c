//! The subject token of an exchange: of the right type, untampered, traceable, and for this caller (RFC 8693 section 2.1).

use serde_json::{Value, json};
use writ_testkit::{
    BANK, Cast, Forge, ISSUER, World, agent_file, both, claims, enrol, minted, plus, refused, with,
    without,
};
use writ_wire::exchange::{TOKEN_TYPE_ACCESS_TOKEN, TOKEN_TYPE_JWT};

/// Narrow and hand over of this subject token by the planner are both refused.
pub(crate) async fn useless(world: &World, cast: &Cast, token: &str, what: &str) {
    let alone = cast.exchange_form(token, None);
    let assertion = cast.booker.actor_assertion(world, "agt_planner");
    let onward = cast.exchange_form(token, Some(&assertion));
    for form in [alone, onward] {
        let reply = cast.planner.send(world, "/token", &form).await;
        refused(&reply, "invalid_request", what);
    }
}

both!(
    /// A missing, empty, repeated or bad `subject_token` fails, and turns into no other grant.
    a_missing_empty_repeated_or_bad_subject_token_fails,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let good = cast.exchange_form(&token, None);
        let missing = without(&good, "subject_token");
        let code = cast
            .approved(&world, &cast.planner, &cast.request(), "alice")
            .await;
        let other_grant = plus(&missing, "code", code);
        let cases = [
            ("missing", missing),
            ("beside a code", other_grant),
            ("empty", with(&good, "subject_token", "")),
            ("repeated", plus(&good, "subject_token", token.as_str())),
            ("no JWT", with(&good, "subject_token", "opaque")),
            ("dots", with(&good, "subject_token", "..")),
            (
                "two grants",
                plus(&good, "grant_type", "client_credentials"),
            ),
            (
                "two tokens",
                with(&good, "subject_token", format!("{token} {token}")),
            ),
        ];
        for (what, form) in cases {
            let reply = cast.planner.send(&world, "/token", &form).await;
            refused(&reply, "invalid_request", what);
        }
    }
);

both!(
    /// Signature, issuer (each tenant has its own) and expiry of the subject token; RFC 8693 section 2.2.2.
    tampered_foreign_and_expired_tokens_are_refused,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let keys = world.app.keys().await.unwrap();
        let kid = keys.active.kid();
        let foreign = Forge::new(&world.random);
        let header = |kid: &str| json!({ "typ": "at+jwt", "alg": "ES256", "kid": kid });
        let parts: Vec<&str> = token.split('.').collect();
        let other = world
            .resigned(&token, |c| c["scope"] = json!("accounts:write"))
            .await;
        let payload = other.split('.').nth(1).unwrap();
        let none = foreign.sign(
            &json!({ "typ": "at+jwt", "alg": "none", "kid": kid }),
            &claims(&token),
        );
        let none = format!("{}.", none.rsplit_once('.').unwrap().0);
        let cases = [
            (
                "changed claims",
                format!("{}.{payload}.{}", parts[0], parts[2]),
            ),
            ("no signature", format!("{}.{}.", parts[0], parts[1])),
            ("alg none", none),
            (
                "foreign key, our kid",
                foreign.sign(&header(kid), &claims(&token)),
            ),
            (
                "foreign key, its kid",
                foreign.sign(&header("k1"), &claims(&token)),
            ),
            (
                "another tenant's issuer",
                world
                    .resigned(&token, |c| c["iss"] = json!(format!("{ISSUER}/t/other")))
                    .await,
            ),
            (
                "from the future",
                world
                    .resigned(&token, |c| c["iat"] = json!(world.now().seconds() + 60))
                    .await,
            ),
        ];
        for (what, bad) in &cases {
            useless(&world, &cast, bad, what).await;
        }
        world.advance(300);
        useless(&world, &cast, &token, "expired").await;
    }
);

both!(
    /// What cannot be traced is refused; chains of two people cannot be spliced.
    untraceable_and_spliced_chains_are_refused,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let code = cast
            .approved(&world, &cast.planner, &cast.request(), "mallory")
            .await;
        let hers = cast.redeem(&world, &code).await.access_token();
        let (act, mission) = (
            claims(&hers)["act"].clone(),
            claims(&hers)["mission"].clone(),
        );
        let booker = json!({
            "iss": ISSUER, "sub": "agt_booker", "sub_profile": "ai_agent", "dlg": "dlg_x", "act": act
        });
        type Change<'a> = Box<dyn FnOnce(&mut Value) + 'a>;
        let cases: [(&str, Change<'_>); 8] = [
            (
                "unknown delegation",
                Box::new(|c| c["act"]["dlg"] = json!("dlg_unknown")),
            ),
            (
                "another person's chain",
                Box::new(|c| c["act"] = act.clone()),
            ),
            (
                "another person's task",
                Box::new(|c| c["mission"] = mission.clone()),
            ),
            (
                "another subject",
                Box::new(|c| c["sub"] = claims(&hers)["sub"].clone()),
            ),
            ("a chain around it", Box::new(|c| c["act"] = booker.clone())),
            (
                "another client",
                Box::new(|c| c["client_id"] = json!("agt_booker")),
            ),
            (
                "no chain",
                Box::new(|c| _ = c.as_object_mut().unwrap().remove("act")),
            ),
            (
                "no task",
                Box::new(|c| _ = c.as_object_mut().unwrap().remove("mission")),
            ),
        ];
        for (what, change) in cases {
            let bad = world.resigned(&token, change).await;
            useless(&world, &cast, &bad, what).await;
        }
        // The actor token is from the other person's chain.
        let code = cast
            .approved(&world, &cast.booker, &cast.request(), "mallory")
            .await;
        let redeem = cast.redeem_form(&code);
        let actor = cast
            .booker
            .send(&world, "/token", &redeem)
            .await
            .access_token();
        let for_us = world.resigned(&actor, |c| c["aud"] = json!(ISSUER)).await;
        for actor in [actor, for_us] {
            let form = cast.exchange_form(&token, Some(&actor));
            for kind in [TOKEN_TYPE_ACCESS_TOKEN, TOKEN_TYPE_JWT] {
                let form = with(&form, "actor_token_type", kind);
                let reply = cast.planner.send(&world, "/token", &form).await;
                refused(&reply, "invalid_request", kind);
            }
        }
    }
);

both!(
    /// The declared type must be that of the token: no ID token, no refresh token, no assertion.
    only_an_access_token_is_a_subject_token,
    |world| async {
        let cast = Cast::of(&world).await;
        world.add_shop().await;
        let agent = enrol(&world, agent_file("agt_known", "alice")).await;
        let asked = with(&cast.request(), "scope", "openid accounts:read");
        let reply = cast.granted(&world, &agent, &asked, BANK).await;
        let token = reply.access_token();
        let assertion = agent
            .assertion
            .assertion(&agent.id, ISSUER, world.now().seconds());
        let of = |name: &str| format!("urn:ietf:params:oauth:token-type:{name}");
        let form = cast.exchange_form(&token, None);
        for kind in ["id_token", "refresh_token", "jwt", "saml2", ""] {
            let bad = with(&form, "subject_token_type", of(kind));
            let reply = agent.send(&world, "/token", &bad).await;
            refused(&reply, "invalid_request", kind);
        }
        let missing = without(&form, "subject_token_type");
        refused(
            &agent.send(&world, "/token", &missing).await,
            "invalid_request",
            "no type",
        );
        let others = [
            reply.member("id_token"),
            reply.member("refresh_token"),
            assertion,
        ];
        for other in others {
            let bad = with(&form, "subject_token", other.as_str());
            refused(
                &agent.send(&world, "/token", &bad).await,
                "invalid_request",
                "as access token",
            );
            let bad = with(&bad, "subject_token_type", of("id_token"));
            refused(
                &agent.send(&world, "/token", &bad).await,
                "invalid_request",
                "as ID token",
            );
        }
        minted(
            &agent.send(&world, "/token", &form).await,
            "the access token itself",
        );
    }
);

both!(
    /// `may_act` is not issued; one that is present and does not match is refused.
    may_act_that_does_not_match_is_refused,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let named = |sub: &str, iss: &str| json!({ "sub": sub, "iss": iss });
        let cases = [
            (named("agt_booker", ISSUER), false),
            (named("agt_planner", "https://other.example"), false),
            (json!({ "sub": "agt_planner" }), false),
            (json!({ "client_id": "agt_planner" }), false),
            (json!("agt_planner"), false),
            (json!([]), false),
            (named("agt_planner", ISSUER), true),
        ];
        for (may_act, fits) in cases {
            let token = world
                .resigned(&token, |c| c["may_act"] = may_act.clone())
                .await;
            let form = cast.exchange_form(&token, None);
            let reply = cast.planner.send(&world, "/token", &form).await;
            if fits {
                assert_eq!(minted(&reply, "it matches").get("may_act"), None);
            } else {
                refused(&reply, "invalid_request", &may_act.to_string());
            }
        }
        let for_booker = world
            .resigned(&token, |c| c["may_act"] = named("agt_booker", ISSUER))
            .await;
        let to_payer = cast
            .hand(&world, &cast.planner, &for_booker, &cast.payer)
            .await;
        refused(
            &to_payer,
            "invalid_request",
            "to another than `may_act` names",
        );
        let to_booker = cast
            .hand(&world, &cast.planner, &for_booker, &cast.booker)
            .await;
        assert_eq!(
            minted(&to_booker, "to the one it names").get("may_act"),
            None
        );
    }
);

both!(
    /// `act` that is a string, array, null or number is refused.
    act_is_an_object,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let inner = claims(&token)["act"].clone();
        let nested = |act: Value| {
            let mut outer = inner.clone();
            outer["act"] = act;
            outer
        };
        let shapes = [
            json!("agt_planner"),
            json!([inner]),
            json!(null),
            json!(1),
            json!({}),
            nested(json!([])),
            nested(json!(null)),
            nested(json!("agt_x")),
        ];
        for act in shapes {
            let bad = world.resigned(&token, |c| c["act"] = act.clone()).await;
            useless(&world, &cast, &bad, &act.to_string()).await;
        }
    }
);
