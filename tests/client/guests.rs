//! Guests: clients that nobody registered, known by the document at their URL
//! (draft-ietf-oauth-client-id-metadata-document-03).

use serde_json::json;
use writ_platform::Transport;
use writ_testkit::{
    BANK, Bank, Cast, Change, DEVICE_REDIRECT, Forge, GUEST, TestGuest, TestReply, World, at_once,
    authorize_url, both, both_with_guests, front_url,
};
use writ_verifier::BearerPolicy;

async fn call(world: &World, token: &str) -> TestReply {
    let request = http::Request::get(format!("{BANK}/accounts"))
        .header("authorization", format!("Bearer {token}"))
        .body(bytes::Bytes::new())
        .unwrap();
    TestReply::of(world.network.send(request).await.unwrap())
}

both_with_guests!(
    a_guest_acts_for_who_agrees_and_renews_until_its_task_ends,
    [],
    |world| async {
        let (cast, guest) = TestGuest::visit(&world).await;
        Bank::open(&world, &cast, |config| {
            config.agents_only = false;
            config.bearer = BearerPolicy::Allow;
        });
        let first = guest.granted(&world).await;
        assert_eq!(first.json()["token_type"], "Bearer");
        assert_eq!(first.json()["scope"], "accounts:read");
        let claims = first.claims();
        assert_eq!(claims["sub"], json!(cast.alice));
        assert_eq!(claims["client_id"], GUEST);
        assert_eq!(claims["aud"], BANK);
        assert_eq!(claims.get("cnf"), None);
        let act = &claims["act"];
        assert_eq!(
            (&act["sub"], &act["iss"], &act["sub_profile"]),
            (&json!(GUEST), &claims["iss"], &json!("web_app"))
        );
        assert_eq!(act.get("act"), None);
        assert!(
            claims["mission"]["id"]
                .as_str()
                .unwrap()
                .starts_with("tsk_")
        );
        let seen = call(&world, &first.access_token()).await;
        assert_eq!(seen.status, 200, "{}", seen.text());
        assert_eq!(seen.json()["subject"], json!(cast.alice));
        assert_eq!(seen.json()["actors"], json!([GUEST]));
        let answer = cast.introspect(&world, &first.access_token()).await;
        assert_eq!((&answer["active"], &answer["act"]), (&json!(true), act));

        let second = guest
            .refreshed(&world, &first.member("refresh_token"))
            .await;
        assert_eq!(second.status, 200, "{}", second.text());
        assert_eq!(second.claims()["act"], *act);
        assert_ne!(
            second.member("refresh_token"),
            first.member("refresh_token")
        );
        // A day, unless the person chose otherwise.
        world.advance(24 * 3600);
        world.publish(GUEST, &TestGuest::document(json!({}))).await;
        let late = guest
            .refreshed(&world, &second.member("refresh_token"))
            .await;
        assert_eq!(late.refusal(), (400, "invalid_grant".to_owned()));

        let registered = world.events_named("guest.registered").await;
        assert_eq!(registered[0].data["profile"], "guest");
        let given = world.events_named("consent.given").await;
        assert_eq!(
            given[0].data["client"],
            json!({ "profile": "guest", "assurance": "verified", "evidence": ["domain"] })
        );
    }
);

both_with_guests!(a_stopped_guest_has_nothing_any_more, [], |world| async {
    let (cast, guest) = TestGuest::visit(&world).await;
    let token = guest.granted(&world).await;
    let (mut browser, page) = TestGuest::alice_at(&world, "/app/agents").await;
    page.says("client.example");
    let page = browser.submit(&page, "agent-stop", &[]).await;
    page.says("Stopped");
    let answer = cast.introspect(&world, &token.access_token()).await;
    assert_eq!(answer, json!({ "active": false }));
    let refused = guest
        .refreshed(&world, &token.member("refresh_token"))
        .await;
    assert_eq!(refused.refusal(), (400, "invalid_grant".to_owned()));
});

both_with_guests!(
    a_rotated_refresh_token_that_comes_again_stops_the_grant,
    [],
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        let first = guest.granted(&world).await.member("refresh_token");
        let second = guest.refreshed(&world, &first).await;
        world.advance(61);
        let again = guest.refreshed(&world, &first).await;
        assert_eq!(again.refusal(), (400, "invalid_grant".to_owned()));
        let after = guest
            .refreshed(&world, &second.member("refresh_token"))
            .await;
        assert_eq!(after.refusal(), (400, "invalid_grant".to_owned()));
    }
);

both_with_guests!(
    a_guest_has_the_code_and_refresh_grants_alone,
    [],
    |world| async {
        let (cast, guest) = TestGuest::visit(&world).await;
        let token = guest.granted(&world).await.access_token();
        let exchange = cast.exchange_form(&token, None);
        let refused = guest.send(&world, &exchange, None).await;
        assert_eq!(
            refused.status,
            400,
            "a public client cannot: {}",
            refused.text()
        );
        let own = vec![("grant_type", "client_credentials".to_owned())];
        assert_eq!(guest.send(&world, &own, None).await.status, 400);
        for path in ["/device_authorization", "/bc-authorize"] {
            let refused = world
                .post(
                    path,
                    &[("client_id", GUEST), ("scope", "accounts:read")],
                    &[],
                )
                .await;
            assert!(refused.status >= 400, "{path}: {}", refused.text());
        }
    }
);

both_with_guests!(
    /// RFC 7636 section 4.4.1: always, and S256 alone.
    a_guest_without_pkce_gets_no_code,
    [],
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        for form in [
            guest.request().without("code_challenge").without("code_challenge_method"),
            guest.request().with("code_challenge_method", "plain"),
        ] {
            let form = form.with("redirect_uri", DEVICE_REDIRECT);
            let page = TestGuest::opened(&world, &form).await;
            assert_eq!(page.reply.status, 400, "{}", page.url);
            page.says("invalid_request");
        }
        let code = guest.code(&world).await;
        let form = guest.redeem_form(&code).without("code_verifier");
        assert!(guest.send(&world, &form, None).await.status >= 400);
    }
);

both_with_guests!(
    a_guest_whose_document_has_keys_must_sign,
    [],
    |world| async {
        let (_, mut guest) = TestGuest::visit(&world).await;
        let key = Forge::new(&world.random);
        let keys = json!({ "keys": [key.jwk()] });
        let document = TestGuest::document(
            json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": keys }),
        );
        world.publish_later(GUEST, &document).await;
        let code = guest.code(&world).await;
        let bare = guest.send(&world, &guest.redeem_form(&code), None).await;
        assert_eq!(
            bare.refusal(),
            (400, "invalid_client".to_owned()),
            "{}",
            bare.text()
        );
        guest.key = Some(Forge::new(&world.random));
        let foreign = guest.send(&world, &guest.redeem_form(&code), None).await;
        assert_eq!(foreign.refusal(), (400, "invalid_client".to_owned()));
        guest.key = Some(key);
        let reply = guest.send(&world, &guest.redeem_form(&code), None).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
);

both_with_guests!(
    a_guest_may_push_and_publish_its_keys_apart,
    [],
    |world| async {
        let (_, mut guest) = TestGuest::visit(&world).await;
        let pushed = guest.request().with("redirect_uri", DEVICE_REDIRECT);
        let pairs: Vec<(&str, &str)> = pushed.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let by_name = world.post("/par", &pairs, &[]).await;
        assert_eq!(by_name.status, 201, "{}", by_name.text());
        let key = Forge::new(&world.random);
        let url = "https://client.example/jwks";
        let document = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": url });
        world
            .publish_later(GUEST, &TestGuest::document(document))
            .await;
        world
            .publish_keys(url, &json!({ "keys": [key.jwk()] }))
            .await;
        assert_eq!(world.post("/par", &pairs, &[]).await.status, 400);
        guest.key = Some(key);
        let reply = guest.send_to(&world, "/par", &pushed, None).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        // A key of its document signed: that shows the domain, wherever the code goes.
        let link = authorize_url(GUEST, &reply.member("request_uri"));
        let (mut browser, page) = world.consent_page(&link).await;
        page.says("Domain verified");
        page.says("any program on this device could be asking");
        let back = browser.submit(&page, "consent-approve", &[]).await;
        let form = guest.redeem_form(&back.query("code").unwrap());
        let form = form.with("redirect_uri", DEVICE_REDIRECT);
        let reply = guest.send(&world, &form, None).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
);

both_with_guests!(
    /// Identity too, where it is asked: the name of the client in it is the URL.
    a_guest_may_learn_who_the_person_is,
    [],
    |world| async {
        let (cast, guest) = TestGuest::visit(&world).await;
        let form = guest.request().with("scope", "openid accounts:read");
        let back = guest.agreed(&world, &form, &[]).await;
        let form = guest.redeem_form(&back.query("code").unwrap());
        let reply = guest.send(&world, &form, None).await;
        let identity = writ_testkit::claims(&reply.member("id_token"));
        assert_eq!((&identity["aud"], &identity["sub"]), (&json!(GUEST), &json!(cast.alice)));
    }
);

both_with_guests!(
    /// First visits at once write one row of the guest, and all are answered.
    first_visits_at_once_write_one_guest,
    [],
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        let mut pages = Vec::new();
        for _ in 0..4 {
            pages.push(world.consent_page(&front_url(&guest.request())).await);
        }
        let racers = pages.into_iter().map(|(mut browser, page)| async move {
            let back = browser.submit(&page, "consent-approve", &[]).await;
            back.query("code").ok_or_else(|| back.words())
        });
        let codes = at_once(racers.collect()).await;
        assert!(codes.iter().all(Result::is_ok), "{codes:?}");
        assert_eq!(world.events_named("guest.registered").await.len(), 1);
    }
);

both_with_guests!(
    /// RFC 9449 section 5: a grant that was bound once never yields bearer.
    a_guest_that_proves_a_key_is_bound_to_it,
    [],
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        let key = Forge::new(&world.random);
        let code = guest.code(&world).await;
        let bound = guest.send(&world, &guest.redeem_form(&code), Some(&key)).await;
        assert_eq!(bound.json()["token_type"], "DPoP", "{}", bound.text());
        let form = guest.refresh_form(&bound.member("refresh_token"));
        assert!(guest.send(&world, &form, None).await.status >= 400);
        let again = guest.send(&world, &form, Some(&key)).await;
        assert_eq!(again.json()["token_type"], "DPoP", "{}", again.text());
    }
);

both!(without_the_feature_nobody_is_a_guest, |world| async {
    Cast::of(&world).await;
    world.publish(GUEST, &TestGuest::document(json!({}))).await;
    let guest = TestGuest::at("https://client.example/cb");
    let page = world.browser().open(&front_url(&guest.request())).await;
    page.says("no client has this `client_id`");
    let metadata = world
        .get("/.well-known/oauth-authorization-server", &[])
        .await
        .json();
    assert_eq!(metadata.get("client_id_metadata_document_supported"), None);
});

both_with_guests!(
    cimd_5_metadata_says_that_documents_are_taken,
    [],
    |world| async {
        let metadata = world
            .get("/.well-known/oauth-authorization-server", &[])
            .await
            .json();
        assert_eq!(
            metadata["client_id_metadata_document_supported"],
            json!(true)
        );
        let methods = metadata["token_endpoint_auth_methods_supported"]
            .as_array()
            .unwrap();
        assert!(methods.contains(&json!("none")));
    }
);
