//! Token exchange: whose key, whose consent (RFC 8693).

use serde_json::json;
use writ_testkit::{
    BANK, Cast, Fields, Forge, ISSUER, TestAgent, TestReply, World, agent_file, basic, both,
    claims, enrol, enrol_plain, minted, plain_file, plus, refused, with, without,
};
use writ_wire::exchange::TOKEN_TYPE_ACCESS_TOKEN;

use crate::client::subject_token::useless;

/// The exchange form with a proof by this key.
pub(crate) async fn by_key(
    world: &World,
    who: &TestAgent,
    key: &Forge,
    form: &Fields,
) -> TestReply {
    who.with_key(key.clone()).send(world, "/token", form).await
}

both!(
    /// Caller, holder, key and `cnf` decide, never the presence of an actor token; anything else is `invalid_request`.
    key_and_client_decide_with_and_without_actor_token,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let other_key = Forge::new(&world.random);
        for place in 0..8 {
            let (own_key, own_token, actor) = (place & 1 > 0, place & 2 > 0, place & 4 > 0);
            let caller = if own_token {
                &cast.planner
            } else {
                &cast.booker
            };
            let key = match (own_key, own_token) {
                (true, _) => &cast.planner.dpop,
                (false, true) => &other_key,
                (false, false) => &cast.booker.dpop,
            };
            let assertion = actor.then(|| cast.payer.actor_assertion(&world, &caller.id));
            let form = cast.exchange_form(&token, assertion.as_deref());
            let reply = by_key(&world, caller, key, &form).await;
            let what = format!("own key {own_key}, own token {own_token}, actor token {actor}");
            if own_key && own_token {
                let holder = if actor { "agt_payer" } else { "agt_planner" };
                assert_eq!(minted(&reply, &what)["act"]["sub"], holder);
            } else {
                refused(&reply, "invalid_request", &what);
            }
        }
        let exchanged = world.event_names().await;
        let count = |name: &str| exchanged.iter().filter(|n| *n == name).count();
        assert_eq!(
            (count("token.exchanged"), count("token.refused")),
            (2, 6),
            "{exchanged:?}"
        );
    }
);

both!(
    /// An agent cannot exchange a token that another agent holds: every form of it is refused.
    pick_up_is_refused,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let assertion = cast.booker.actor_assertion(&world, "agt_booker");
        let own = cast.booker.own(&world, &[]).await.access_token();
        let bare = cast.exchange_form(&token, None);
        let by_token = plus(
            &plus(&bare, "actor_token", own),
            "actor_token_type",
            TOKEN_TYPE_ACCESS_TOKEN,
        );
        let forms = [
            bare.clone(),
            cast.exchange_form(&token, Some(&assertion)),
            by_token,
            without(&bare, "resource"),
        ];
        for form in forms {
            let reply = cast.booker.send(&world, "/token", &form).await;
            refused(&reply, "invalid_request", "pick up");
        }
    }
);

both!(
    /// A plain client cannot exchange: `unauthorized_client` (RFC 6749 section 5.2).
    plain_clients_cannot_exchange,
    |world| async {
        let cast = Cast::of(&world).await;
        let mut file = plain_file("web");
        file["token_endpoint_auth_method"] = json!("client_secret_basic");
        let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
        let mut with_exchange = file.clone();
        with_exchange["grant_types"] = json!(["authorization_code", exchange]);
        let problem = world.try_add_client(with_exchange).await.unwrap_err();
        assert!(problem.contains("only an agent may exchange"), "{problem}");
        let web = enrol_plain(&world, file).await;
        let token = web
            .granted(&world, &cast, Some(&web.dpop))
            .await
            .access_token();
        assert_eq!(claims(&token).get("act"), None);
        let form = cast.exchange_form(&token, None);
        refused(
            &web.send(&world, "/token", &form).await,
            "unauthorized_client",
            "with a secret",
        );
        let public = enrol_plain(&world, plain_file("app")).await;
        let reply = public.send(&world, "/token", &form).await;
        assert_eq!(reply.refusal(), (400, "invalid_client".to_owned()));
    }
);

both!(
    /// A token for a resource is not a key to the issuer's own endpoints.
    a_resource_token_is_refused_at_userinfo,
    |world| async {
        let cast = Cast::of(&world).await;
        let bank = basic("bank-api", &cast.bank_secret);
        world.add_shop().await;
        let agent = enrol(&world, agent_file("agt_known", "alice")).await;
        let asked = with(&cast.request(), "scope", "openid accounts:read");
        let token = cast
            .granted(&world, &agent, &asked, BANK)
            .await
            .access_token();
        let url = format!("{ISSUER}/userinfo");
        let ask = async |token: &str| {
            let proof = agent
                .dpop
                .proof_with("GET", &url, world.now().seconds(), token);
            let authorization = format!("DPoP {token}");
            let headers = [
                ("authorization", authorization.as_str()),
                ("dpop", proof.as_str()),
            ];
            world.get("/userinfo", &headers).await
        };
        let reply = ask(&token).await;
        assert_eq!(reply.refusal(), (401, "invalid_token".to_owned()));
        let challenge = reply.header("www-authenticate").unwrap();
        assert!(
            challenge.starts_with("DPoP ") && challenge.contains("invalid_token"),
            "{challenge}"
        );
        // The way that is meant: ask `resource` = issuer.
        let form = with(&cast.exchange_form(&token, None), "resource", ISSUER);
        let own = agent.send(&world, "/token", &form).await;
        let own_claims = minted(&own, "for the issuer");
        assert_eq!(
            (&own_claims["aud"], &own_claims["scope"]),
            (&json!(ISSUER), &json!("openid"))
        );
        let person = ask(&own.access_token()).await;
        assert_eq!(
            (person.status, person.member("sub")),
            (200, cast.alice.clone())
        );
        let hidden = world
            .post(
                "/introspect",
                &[("token", &own.access_token())],
                &[("authorization", &bank)],
            )
            .await;
        assert_eq!(hidden.json(), json!({ "active": false }));
    }
);

both!(
    /// An agent with its own valid key and a stolen or unrelated user token gets nothing.
    a_stolen_or_unrelated_token_gives_nothing,
    |world| async {
        let cast = Cast::of(&world).await;
        let mut file = plain_file("web");
        file["bearer"] = json!(true);
        let web = enrol_plain(&world, file).await;
        let bearer = web.granted(&world, &cast, None).await.access_token();
        let bound = web
            .granted(&world, &cast, Some(&web.dpop))
            .await
            .access_token();
        let stolen = cast.token(&world).await;
        for token in [bearer, bound, stolen] {
            for key in [&cast.booker.dpop, &web.dpop] {
                let form = cast.exchange_form(&token, None);
                let reply = by_key(&world, &cast.booker, key, &form).await;
                refused(&reply, "invalid_request", "stolen");
            }
        }
    }
);

both!(
    /// A bound token makes a bound one; what is bound to no key is not exchanged; a proof is always needed.
    bound_in_bound_out,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let unbound = world
            .resigned(&token, |c| _ = c.as_object_mut().unwrap().remove("cnf"))
            .await;
        useless(&world, &cast, &unbound, "no `cnf`").await;
        let form = cast.exchange_form(&token, None);
        let without_proof = cast.planner.send_with(&world, "/token", &form, &[]).await;
        refused(&without_proof, "invalid_request", "no proof");
        let narrowed = cast.planner.send(&world, "/token", &form).await;
        assert_eq!(
            minted(&narrowed, "narrow")["cnf"]["jkt"],
            cast.planner.dpop.thumbprint()
        );
        assert_eq!(narrowed.member("token_type"), "DPoP");
        let handed = cast.hand(&world, &cast.planner, &token, &cast.booker).await;
        assert_eq!(
            minted(&handed, "hand over")["cnf"]["jkt"],
            cast.booker.dpop.thumbprint()
        );
        assert_eq!(handed.member("token_type"), "DPoP");
    }
);

both!(
    /// Reserved claims cannot be set by request parameters.
    parameters_set_no_reserved_claim,
    |world| async {
        let cast = Cast::of(&world).await;
        let mut asked = cast.request();
        let reserved = ["act", "may_act", "cnf", "mission", "sub", "claims_sub"];
        for name in reserved {
            asked = plus(
                &asked,
                name,
                r#"{"sub":"agt_evil","jkt":"evil","id":"tsk_evil"}"#,
            );
        }
        let first = cast.granted(&world, &cast.planner, &asked, BANK).await;
        let mut form = cast.exchange_form(&first.access_token(), None);
        for name in reserved {
            form = plus(
                &form,
                name,
                r#"{"sub":"agt_evil","jkt":"evil","id":"tsk_evil"}"#,
            );
        }
        let second = cast.planner.send(&world, "/token", &form).await;
        for reply in [first, second] {
            let claims = minted(&reply, "unknown parameters are ignored");
            assert!(!claims.to_string().contains("evil"), "{claims}");
            assert_eq!(claims["sub"], json!(cast.alice));
        }
    }
);
