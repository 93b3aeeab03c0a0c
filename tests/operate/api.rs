//! Who may use the operators' API: a client whose record says so, by a token for it alone, with a proof, while all of that still holds.

use http::Method;
use serde_json::{Value, json};
use writ_core::id::ClientId;
use writ_testkit::{
    BANK, Cast, Forge, ISSUER, both, claims, enrol_plain, plain_file, refused, with,
};

use super::api_scene::{ALL_SCOPES, API, Operations, problem, service_file, token_form};

both!(
    a_token_for_the_api_is_for_it_alone_and_bound,
    |world| async {
        let ops = Operations::of(&world).await;
        let said = claims(&ops.token);
        assert_eq!(said["aud"], format!("{ISSUER}{API}"));
        assert_eq!(
            (&said["sub"], &said["client_id"]),
            (&json!("ops"), &json!("ops"))
        );
        assert_eq!(
            said["scope"],
            ALL_SCOPES
                .split(' ')
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>()
                .join(" ")
        );
        assert_eq!(said["cnf"]["jkt"], ops.client.dpop.thumbprint());
        assert!(said.get("act").is_none(), "{said}");
        let reply = ops.get(&world, "/agents").await;
        assert_eq!((reply.status, reply.json()), (200, json!({ "items": [] })));
        assert!(reply.header("access-control-allow-origin").is_none());
    }
);

both!(
    no_other_request_is_granted_a_token_for_the_api,
    |world| async {
        let cast = Cast::of(&world).await;
        let ops = Operations::with(&world, "reader", "api:read").await;
        let form = token_form("api:read");
        for (changed, code, what) in [
            (
                with(&form, "scope", "api:stop"),
                "invalid_scope",
                "not in its record",
            ),
            (
                with(&form, "scope", "accounts:read"),
                "invalid_scope",
                "no scope of the API",
            ),
            (
                with(&form, "scope", "api:read openid"),
                "invalid_scope",
                "and one more",
            ),
            (
                form.iter()
                    .filter(|(name, _)| *name != "scope")
                    .cloned()
                    .collect(),
                "invalid_scope",
                "none",
            ),
        ] {
            refused(
                &ops.client.send(&world, "/token", &changed).await,
                code,
                what,
            );
        }
        let mut two = form.clone();
        two.push(("resource", BANK.to_owned()));
        refused(
            &ops.client.send(&world, "/token", &two).await,
            "invalid_target",
            "two resources",
        );
        let bare = ops.client.send_by(&world, "/token", &form, None).await;
        refused(&bare, "invalid_request", "no proof");
        // An agent, and a client of the house whose record says nothing.
        refused(
            &cast.planner.send(&world, "/token", &form).await,
            "unauthorized_client",
            "an agent",
        );
        let mut file = plain_file("web");
        file["grant_types"] = json!(["client_credentials"]);
        file["token_endpoint_auth_method"] = json!("client_secret_basic");
        let web = enrol_plain(&world, file).await;
        refused(
            &web.send(&world, "/token", &form).await,
            "unauthorized_client",
            "no `operator`",
        );
        let pushed = cast
            .push(
                &world,
                &with(&cast.request(), "resource", format!("{ISSUER}{API}")),
            )
            .await;
        assert_eq!(
            pushed.refusal(),
            (400, "invalid_target".to_owned()),
            "by a person's consent"
        );
    }
);

both!(
    a_token_for_the_api_is_no_subject_and_no_actor,
    |world| async {
        let cast = Cast::of(&world).await;
        let ops = Operations::of(&world).await;
        let form = cast.exchange_form(&ops.token, None);
        refused(
            &cast.planner.send(&world, "/token", &form).await,
            "invalid_request",
            "as subject",
        );
        refused(
            &ops.client.send(&world, "/token", &form).await,
            "unauthorized_client",
            "its own",
        );
        let mut form = cast.exchange_form(&cast.token(&world).await, None);
        form.push(("actor_token", ops.token.clone()));
        form.push((
            "actor_token_type",
            "urn:ietf:params:oauth:token-type:access_token".to_owned(),
        ));
        refused(
            &cast.planner.send(&world, "/token", &form).await,
            "invalid_request",
            "as actor",
        );
    }
);

both!(
    /// RFC 9449 section 7.1: what the row of the table of checks says, by each kind of token and proof.
    only_its_own_live_token_with_its_proof_passes,
    |world| async {
        let cast = Cast::of(&world).await;
        let ops = Operations::of(&world).await;
        let path = format!("{API}/agents");
        let good = || ops.proof(&world, &Method::GET, &path);
        let bound = format!("DPoP {}", ops.token);
        let bearer = format!("Bearer {}", ops.token);
        let other = Forge::new(&world.random);
        let now = world.now().seconds();
        let url = format!("{ISSUER}{path}");
        let agents = format!("DPoP {}", cast.token(&world).await);
        let agents_proof = cast.planner.dpop.proof_with("GET", &url, now, &agents[5..]);
        let used = good();
        let send = async |authorization: Option<&str>, proof: Option<String>| {
            let proof = proof.as_deref();
            let headers = [("authorization", authorization), ("dpop", proof)];
            let headers = headers.into_iter().filter_map(|(name, value)| Some((name, value?)));
            let headers: Vec<(&str, &str)> = headers.collect();
            world.send(Method::GET, &path, &headers, Vec::new()).await
        };
        assert_eq!(send(Some(bound.as_str()), Some(used.clone())).await.status, 200);
        for (authorization, proof, code, what) in [
            (None, None, "invalid_token", "no token"),
            (None, Some(good()), "invalid_token", "a proof alone"),
            (Some(bound.as_str()), None, "invalid_token", "no proof"),
            (Some(bearer.as_str()), Some(good()), "invalid_token", "as bearer"),
            (Some(bound.as_str()), Some(used), "invalid_dpop_proof", "a proof once more"),
            (Some(bound.as_str()), Some("x".to_owned()), "invalid_dpop_proof", "no JWT"),
            (Some(bound.as_str()), Some(other.proof_with("GET", &url, now, &ops.token)), "invalid_token", "another key"),
            (Some(bound.as_str()), Some(ops.client.dpop.proof_with("POST", &url, now, &ops.token)), "invalid_dpop_proof", "another method"),
            (Some(agents.as_str()), Some(agents_proof), "invalid_token", "an agent's token for another audience"),
            (Some("DPoP x"), Some(good()), "invalid_token", "no token of this server"),
        ] {
            let reply = send(authorization, proof).await;
            assert_eq!(problem(&reply), (401, code.to_owned()), "{what}: {}", reply.text());
            assert!(reply.header("www-authenticate").unwrap().starts_with("DPoP "), "{what}");
        }
    }
);

both!(
    /// Judged at each call by the rows: what was taken away is refused at once.
    what_was_taken_away_is_refused_at_once,
    |world| async {
        let ops = Operations::of(&world).await;
        assert_eq!(ops.get(&world, "/agents").await.status, 200);
        world.change_client("ops", |file| file["operator"] = json!(["api:stop"])).await;
        let reply = ops.get(&world, "/agents").await;
        assert_eq!(problem(&reply), (403, "insufficient_scope".to_owned()));
        world.change_client("ops", |file| file["operator"] = json!(["api:read"])).await;
        assert_eq!(ops.get(&world, "/agents").await.status, 200);
        let mut transaction = world.begin().await;
        let id = ClientId::from_text("ops");
        transaction.stop_client(&id, world.now()).await.unwrap();
        transaction.commit().await.unwrap();
        let reply = ops.get(&world, "/agents").await;
        assert_eq!(problem(&reply), (401, "invalid_token".to_owned()), "suspended");

        let second = Operations::with(&world, "second", "api:read").await;
        let form = [("token", second.token.clone())];
        assert_eq!(second.client.send(&world, "/revoke", &form).await.status, 200);
        let reply = second.get(&world, "/agents").await;
        assert_eq!(problem(&reply), (401, "invalid_token".to_owned()), "revoked");
    }
);

both!(
    /// Signed by the server's own key: what an earlier record, or a fault, could have left.
    a_token_that_the_rows_do_not_know_so_is_refused,
    |world| async {
        let cast = Cast::of(&world).await;
        let ops = Operations::of(&world).await;
        let audience = format!("{ISSUER}{API}");
        let own = cast.planner.own(&world, &[]).await.access_token();
        let key = cast.planner.dpop.clone();
        let forged = world
            .resigned(&own, |claims| {
                claims["aud"] = json!(audience);
                claims["scope"] = json!("api:read");
            })
            .await;
        let agent = Operations { token: forged, client: writ_testkit::Plain { dpop: key, ..ops.client.clone() } };
        let reply = agent.get(&world, "/agents").await;
        assert_eq!(problem(&reply).0, 401, "an agent's own work: {}", reply.text());
    }
);

both!(
    introspection_knows_a_token_for_the_api_for_its_holder,
    |world| async {
        let cast = Cast::of(&world).await;
        let ops = Operations::of(&world).await;
        let other = Operations::with(&world, "other", "api:read").await;
        let form = [("token", ops.token.clone())];
        let found = ops.client.send(&world, "/introspect", &form).await.json();
        assert_eq!(
            (&found["active"], &found["client_id"]),
            (&json!(true), &json!("ops"))
        );
        let found = other.client.send(&world, "/introspect", &form).await.json();
        assert_eq!(found, json!({ "active": false }));
        assert_eq!(
            cast.introspect(&world, &ops.token).await,
            json!({ "active": false })
        );
    }
);

both!(what_is_not_there_is_a_problem_too, |world| async {
    let ops = Operations::of(&world).await;
    for (below, status) in [("", 404), ("/nothing", 404), ("/agents/agt_none", 404)] {
        let reply = ops.get(&world, below).await;
        assert_eq!(problem(&reply), (status, "not_found".to_owned()), "{below}");
    }
    let reply = ops
        .call(&world, (Method::PUT, "/agents"), &Value::Null, &[])
        .await;
    assert_eq!(problem(&reply).0, 405);
    let reply = ops.get(&world, "/agents?limit=0").await;
    assert_eq!(problem(&reply), (400, "invalid_request".to_owned()));
});

both!(
    nobody_else_is_registered_as_an_operators_service,
    |world| async {
        Cast::of(&world).await;
        let mut public = service_file("public", "api:read");
        public["token_endpoint_auth_method"] = json!("none");
        public["dpop_bound_access_tokens"] = json!(true);
        let mut agent = world.client_file("agt_planner").await;
        agent["client_id"] = json!("agt_operator");
        agent["operator"] = json!(["api:read"]);
        for file in [public, agent] {
            let refused = world.try_add_client(file).await.unwrap_err();
            assert!(refused.contains("`operator`"), "{refused}");
        }
        let resource =
            json!({ "resource": format!("{ISSUER}{API}"), "name": "x", "scopes": ["api:read"] });
        let refused = world.try_add_resource(resource).await.unwrap_err();
        assert!(refused.contains("operators' API"), "{refused}");
    }
);
