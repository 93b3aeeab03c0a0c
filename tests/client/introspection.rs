//! Introspection (RFC 7662): for the resource that a token is for, and nobody else.

use serde_json::{Value, json};
use writ_testkit::{
    BANK, Cast, Forge, ISSUER, World, agent_file, basic, both, claims, enrol, enrol_plain,
    plain_file, with,
};

/// What this client hears of a token.
async fn hears(world: &World, authorization: &str, token: &str) -> Value {
    let headers = [("authorization", authorization)];
    let reply = world
        .post("/introspect", &[("token", token)], &headers)
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    reply.json()
}

both!(
    /// RFC 7662 section 2.2: the members of an active token are those of the token itself, chain and task included.
    rfc_7662_2_2_members_of_an_active_token,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let handed = cast
            .hand(&world, &cast.planner, &token, &cast.booker)
            .await
            .access_token();
        for token in [token, handed] {
            let answer = hears(&world, &cast.bank_basic(), &token).await;
            let claims = claims(&token);
            assert_eq!(
                (&answer["active"], &answer["token_type"]),
                (&json!(true), &json!("DPoP"))
            );
            for same in [
                "iss",
                "aud",
                "sub",
                "client_id",
                "exp",
                "iat",
                "jti",
                "scope",
                "cnf",
                "act",
                "sub_profile",
                "authorization_details",
                "mission",
                "auth_time",
                "acr",
                "txn",
                "approval",
            ] {
                assert_eq!(answer[same], claims[same], "{same}");
                assert!(!answer[same].is_null(), "{same}");
            }
            let known = answer.as_object().unwrap().len();
            assert_eq!(known, 19, "{answer}");
        }
    }
);

both!(
    /// RFC 7662 section 2.2: whatever is wrong looks the same: exactly `{"active":false}`.
    everything_else_is_inactive_and_nothing_more,
    |world| async {
        let cast = Cast::of(&world).await;
        let shop = world.add_shop().await;
        let mut file = plain_file("web");
        file["token_endpoint_auth_method"] = json!("client_secret_basic");
        let web = enrol_plain(&world, file).await;
        let web_basic = basic("web", web.secret.as_deref().unwrap());
        let agent = enrol(&world, agent_file("agt_known", "alice")).await;
        let asked = with(&cast.request(), "scope", "openid accounts:read");
        let grant = cast.granted(&world, &agent, &asked, BANK).await;
        let token = grant.access_token();
        let bank = cast.bank_basic();
        let form = with(&cast.exchange_form(&token, None), "resource", ISSUER);
        let for_issuer = agent.send(&world, "/token", &form).await.access_token();
        let forged = Forge::new(&world.random);
        let header = json!({ "typ": "at+jwt", "alg": "ES256", "kid": "k" });
        let tampered = format!("{}x", &token[..token.len() - 1]);
        let cases = [
            ("another resource's client", &shop, token.clone()),
            ("a client that serves nothing", &web_basic, token.clone()),
            ("for the issuer", &bank, for_issuer),
            ("its own `sub` by another", &shop, cast.token(&world).await),
            ("unknown", &bank, "opaque".to_owned()),
            ("tampered", &bank, tampered),
            ("forged", &bank, forged.sign(&header, &claims(&token))),
            ("a refresh token", &bank, grant.member("refresh_token")),
            ("an ID token", &bank, grant.member("id_token")),
            (
                "another audience",
                &bank,
                world
                    .resigned(&token, |c| c["aud"] = json!("https://x.example"))
                    .await,
            ),
            (
                "two audiences",
                &bank,
                world
                    .resigned(&token, |c| c["aud"] = json!([BANK, ISSUER]))
                    .await,
            ),
            (
                "another issuer",
                &bank,
                world
                    .resigned(&token, |c| c["iss"] = json!("https://x.example"))
                    .await,
            ),
            (
                "untraceable",
                &bank,
                world
                    .resigned(&token, |c| c["act"]["dlg"] = json!("dlg_x"))
                    .await,
            ),
        ];
        for (what, authorization, token) in cases {
            assert_eq!(
                hears(&world, authorization, &token).await.to_string(),
                r#"{"active":false}"#,
                "{what}"
            );
        }
        assert_eq!(hears(&world, &bank, &token).await["active"], true);
        world.advance(299);
        assert_eq!(hears(&world, &bank, &token).await["active"], true);
        world.advance(1);
        assert_eq!(
            hears(&world, &bank, &token).await,
            json!({ "active": false }),
            "expired"
        );
    }
);

both!(
    /// RFC 7662 sections 2.1 and 2.3: who asks must authenticate: 401 with `WWW-Authenticate`, whatever the token.
    rfc_7662_2_3_without_authentication_401,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let wrong = basic("bank-api", "wrong");
        let unknown = basic("nobody", &cast.bank_secret);
        let app = enrol_plain(&world, plain_file("app")).await;
        let no_secret = basic(&app.id, "");
        let bearer = format!("Bearer {token}");
        for authorization in [&wrong, &unknown, &no_secret, &bearer] {
            let headers = [("authorization", authorization.as_str())];
            let reply = world
                .post("/introspect", &[("token", &token)], &headers)
                .await;
            assert_eq!(
                reply.refusal(),
                (401, "invalid_client".to_owned()),
                "{authorization}"
            );
            assert!(
                reply
                    .header("www-authenticate")
                    .unwrap()
                    .starts_with("Basic ")
            );
        }
        for form in [
            vec![("token", token.as_str())],
            vec![("token", token.as_str()), ("client_id", "app")],
        ] {
            let reply = world.post("/introspect", &form, &[]).await;
            assert_eq!(
                reply.refusal(),
                (401, "invalid_client".to_owned()),
                "nobody, or a public client"
            );
        }
        let bank = cast.bank_basic();
        let headers = [("authorization", bank.as_str())];
        for form in [
            vec![],
            vec![("token", "")],
            vec![("token", token.as_str()), ("token", token.as_str())],
        ] {
            let reply = world.post("/introspect", &form, &headers).await;
            assert_eq!(
                reply.refusal(),
                (400, "invalid_request".to_owned()),
                "{form:?}"
            );
        }
        let get = world
            .get(&format!("/introspect?token={token}"), &headers)
            .await;
        assert_eq!(get.status, 405, "POST only");
    }
);

both!(
    /// RFC 7662 section 2.1: a client may authenticate by assertion, whose `jti` is consumed here too.
    the_assertion_of_an_introspection_is_good_once,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let form = vec![("token", token)];
        let signed = cast.planner.signed(&world, &form);
        let pairs: Vec<(&str, &str)> = signed
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        let first = world.post("/introspect", &pairs, &[]).await;
        assert_eq!(
            first.json(),
            json!({ "active": false }),
            "the holder is not the resource"
        );
        let again = world.post("/introspect", &pairs, &[]).await;
        assert_eq!(again.refusal(), (401, "invalid_client".to_owned()));
    }
);

both!(
    /// `token_type_hint` and unknown parameters change nothing (RFC 7662 section 2.1).
    rfc_7662_2_1_a_hint_changes_nothing,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let bank = cast.bank_basic();
        for hint in ["access_token", "refresh_token", "nonsense"] {
            let form = [
                ("token", token.as_str()),
                ("token_type_hint", hint),
                ("other", "x"),
            ];
            let reply = world
                .post("/introspect", &form, &[("authorization", &bank)])
                .await;
            assert_eq!(reply.json()["active"], true, "{hint}");
        }
    }
);
