//! Who may ask for decisions: the client that serves the resource, by HTTP Basic or by an access token of its own.

use http::Method;
use serde_json::{Value, json};
use writ_testkit::{
    AskingServer, Cast, EVALUATION, ISSUER, TestReply, World, agent_file, asking_bank, basic, both,
    both_with, claims, enrol, enrol_plain, merge, permitted, plain_file, question, reason,
};

use crate::approvals::access_scene::REQUESTS;
use crate::client::access::opened;

async fn shown(world: &World, cast: &Cast, server: &AskingServer) -> TestReply {
    let token = cast.token(world).await;
    let action = ("show_account", json!({ "name": "Savings" }));
    server
        .look(&question(world, &cast.planner, &token, action))
        .await
}

/// The bank is served by this agent, which may have tokens for itself.
async fn served_by_agent(world: &World) -> (Cast, writ_testkit::TestAgent) {
    let cast = Cast::of(world).await;
    let agent = enrol(world, agent_file("agt_bank", "alice")).await;
    let mut file = asking_bank();
    file["client_id"] = json!("agt_bank");
    world.add_resource(file).await;
    (cast, agent)
}

both!(
    /// RFC 6750 section 3: without credentials, or with wrong ones, 401 names every way to come.
    without_credentials_nothing_is_decided,
    |world| async {
        let (cast, bank) = opened(&world).await;
        for authorization in [
            basic("bank-api", "wrong"),
            basic("nobody", "x"),
            "Bearer x".to_owned(),
            "DPoP x".to_owned(),
            "Digest x".to_owned(),
        ] {
            let door = world.door();
            let server = AskingServer { door, authorization };
            let reply = shown(&world, &cast, &server).await;
            assert_eq!(reply.status, 401, "{}", reply.text());
            let offered = reply.headers.get_all("www-authenticate");
            let offered: Vec<&str> = offered.iter().map(|v| v.to_str().unwrap()).collect();
            for scheme in ["Basic ", "Bearer ", "DPoP "] {
                assert!(offered.iter().any(|o| o.starts_with(scheme)), "{offered:?}");
            }
        }
        permitted(&shown(&world, &cast, &bank).await);
    }
);

both!(
    /// A client that serves nothing has nothing to ask; one that serves another resource hears nothing of this one's tokens.
    another_client_hears_nothing,
    |world| async {
        let (cast, _bank) = opened(&world).await;
        let mut file = plain_file("web");
        file["token_endpoint_auth_method"] = json!("client_secret_basic");
        let web = enrol_plain(&world, file).await;
        let nobody = AskingServer {
            door: world.door(),
            authorization: basic("web", web.secret.as_deref().unwrap()),
        };
        let reply = shown(&world, &cast, &nobody).await;
        assert_eq!(reply.refusal(), (403, "access_denied".to_owned()));
        let shop = AskingServer {
            authorization: world.add_shop().await,
            door: world.door(),
        };
        let reply = shown(&world, &cast, &shop).await;
        assert_eq!(reason(&reply), "token_invalid");
    }
);

both!(
    /// `client_credentials` with scope `access` is for the client that serves a resource, for the issuer alone.
    a_servers_own_token_with_scope_access_asks,
    |world| async {
        let (cast, agent) = served_by_agent(&world).await;
        let own = |scope: &str| vec![("scope", scope.to_owned())];
        let token = agent.own(&world, &own("access")).await.access_token();
        let said = claims(&token);
        assert_eq!((&said["aud"], &said["scope"]), (&json!(ISSUER), &json!("access")));
        let url = format!("{ISSUER}{EVALUATION}");
        let subject = cast.token(&world).await;
        let action = ("show_account", json!({ "name": "Savings" }));
        let body = question(&world, &cast.planner, &subject, action);
        let send = async |authorization: String, proof: Option<String>| {
            let door = world.door();
            let server = AskingServer { door, authorization };
            let proof = proof.as_deref().map(|proof| ("dpop", proof));
            let headers: Vec<(&str, &str)> = proof.into_iter().collect();
            server.post(EVALUATION, &body, &headers).await
        };
        let now = world.now().seconds();
        let proof = || agent.dpop.proof_with("POST", &url, now, &token);
        let good = proof();
        permitted(&send(format!("DPoP {token}"), Some(good.clone())).await);
        for (scheme, proof, what) in [
            ("DPoP", Some(good), "a proof that was used"),
            ("DPoP", None, "no proof"),
            ("Bearer", None, "a bound token as bearer"),
            ("DPoP", Some(cast.planner.dpop.proof_with("POST", &url, now, &token)), "another key"),
            ("DPoP", Some(agent.dpop.proof("POST", &url, now)), "no `ath`"),
        ] {
            let reply = send(format!("{scheme} {token}"), proof).await;
            assert_eq!(reply.status, 401, "{what}: {}", reply.text());
        }
        // Its other tokens, and those of others, are not good for this.
        let other = agent.own(&world, &[]).await.access_token();
        let for_other = agent.dpop.proof_with("POST", &url, now, &other);
        let reply = send(format!("DPoP {other}"), Some(for_other)).await;
        assert_eq!(reply.refusal(), (403, "insufficient_scope".to_owned()));
        let for_subject = cast.planner.dpop.proof_with("POST", &url, now, &subject);
        let reply = send(format!("DPoP {subject}"), Some(for_subject)).await;
        assert_eq!(reply.refusal(), (401, "invalid_token".to_owned()));
        let refused = cast.planner.own(&world, &own("access")).await;
        assert_eq!(refused.refusal(), (400, "invalid_scope".to_owned()), "serves nothing");
    }
);

both!(
    /// RFC 9449 section 4.3 item 9: `htu` is the URL of the request itself, also below the path of an endpoint.
    a_servers_own_proof_names_the_url_of_its_request,
    |world| async {
        let (_cast, agent) = served_by_agent(&world).await;
        let fields = [("scope", "access".to_owned())];
        let token = agent.own(&world, &fields).await.access_token();
        let authorization = format!("DPoP {token}");
        let (task, cancel) = (format!("{REQUESTS}/none"), format!("{REQUESTS}/none/cancel"));
        for (method, path) in [(Method::GET, &task), (Method::POST, &cancel)] {
            for (named, status) in [
                (path.as_str(), 404),
                (REQUESTS, 401),
                ("/access/v1/requests/other", 401),
                ("/access/v1/evaluation", 401),
            ] {
                let url = format!("{ISSUER}{named}");
                let now = world.now().seconds();
                let proof = agent.dpop.proof_with(method.as_str(), &url, now, &token);
                let headers = [("authorization", authorization.as_str()), ("dpop", &proof)];
                let door = world.door();
                let sent = door.send_json(method.clone(), path, &headers, String::new());
                let reply = sent.await;
                assert_eq!(reply.status, status, "{method} {path}, {named}: {}", reply.text());
            }
        }
    }
);

both!(
    /// A stopped server's token ends at once.
    a_stopped_servers_token_asks_nothing,
    |world| async {
        let (cast, agent) = served_by_agent(&world).await;
        let fields = [("scope", "access".to_owned())];
        let token = agent.own(&world, &fields).await.access_token();
        let task = claims(&token)["mission"]["id"].as_str().unwrap().to_owned();
        let mut transaction = world.begin().await;
        let id = writ_core::id::TaskId::from_text(task);
        transaction.stop_task(&id, world.now()).await.unwrap();
        transaction.commit().await.unwrap();
        let url = format!("{ISSUER}{EVALUATION}");
        let proof = agent.dpop.proof_with("POST", &url, world.now().seconds(), &token);
        let subject = cast.token(&world).await;
        let body: Value = question(
            &world,
            &cast.planner,
            &subject,
            ("show_account", json!({ "name": "Savings" })),
        );
        let server = AskingServer {
            door: world.door(),
            authorization: format!("DPoP {token}"),
        };
        let reply = server.post(EVALUATION, &body, &[("dpop", &proof)]).await;
        assert_eq!(reply.refusal(), (401, "invalid_token".to_owned()));
    }
);

both_with!(
    /// RFC 9449 section 9: where the profile of its client wants nonces, a server's own token is challenged here too, and named a nonce.
    rfc_9449_9_a_servers_own_token_needs_a_nonce_where_its_profile_does,
    &[("PROFILES__AGENT__DPOP_NONCE", "true")],
    |world| async {
        let (_, agent) = served_by_agent(&world).await;
        let signed = |url: &str, more: Value| {
            let mut claims = agent.dpop.proof_claims("POST", url, world.now().seconds());
            merge(&mut claims, more);
            agent.dpop.sign_proof(&claims)
        };
        let nonce = |reply: &TestReply| reply.header("dpop-nonce").unwrap().to_owned();
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("scope", "access".to_owned()),
        ];
        let challenged = agent.send(&world, "/token", &form).await;
        let token_url = format!("{ISSUER}/token");
        let proof = signed(&token_url, json!({ "nonce": nonce(&challenged) }));
        let headers = [("dpop", proof.as_str())];
        let granted = agent.send_with(&world, "/token", &form, &headers).await;
        let token = granted.access_token();
        let url = format!("{ISSUER}{EVALUATION}");
        let ath = json!({ "ath": writ_jose::hash::access_token_hash(&token) });
        let body = json!({
            "subject": { "type": "user", "id": "usr_x" }, "action": { "name": "show_account" },
            "resource": { "type": "resource", "id": "https://bank.example" },
            "context": { "access_token": "x" }
        });
        let send = async |nonce: Option<&str>| {
            let mut more = ath.clone();
            if let Some(nonce) = nonce {
                more["nonce"] = json!(nonce);
            }
            let server = AskingServer {
                door: world.door(),
                authorization: format!("DPoP {token}"),
            };
            let proof = signed(&url, more);
            server.post(EVALUATION, &body, &[("dpop", &proof)]).await
        };
        let mut given = String::new();
        for made_up in [None, Some("made-up")] {
            let challenged = send(made_up).await;
            assert_eq!(challenged.refusal(), (401, "use_dpop_nonce".to_owned()));
            let offered = challenged.headers.get_all("www-authenticate");
            let mut offered = offered.iter().map(|value| value.to_str().unwrap());
            assert!(offered.any(|o| o.starts_with("DPoP ") && o.contains("use_dpop_nonce")));
            given = nonce(&challenged);
        }
        let answered = send(Some(&given)).await;
        assert_eq!(reason(&answered), "token_invalid", "the question itself");
    }
);
