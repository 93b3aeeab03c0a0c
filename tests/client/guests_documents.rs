//! Documents of guests: which are refused, and what a change of one does to what people agreed to
//! (draft-ietf-oauth-client-id-metadata-document-03 sections 2, 4 and 6.3).

use serde_json::json;
use writ_testkit::{Change, Forge, GUEST, TestGuest, both_with_guests};

both_with_guests!(
    /// Each line once: what the URL must be, and where it must not lead.
    cimd_2_and_6_5_urls_that_are_no_client_ids_or_lead_inside,
    [],
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        for (id, sentence) in [
            ("https://client.example", "has no path"),
            ("https://client.example/a/../b", "has a dot segment in its path"),
            ("https://client.example/%2e/b", "has a dot segment in its path"),
            ("https://client.example/a#b", "has a fragment"),
            ("https://me@client.example/a", "has user information"),
            ("https://client.example:443/a", "is not written in its normal form"),
            ("https://CLIENT.example/a", "is not written in its normal form"),
            ("https://b\u{fc}cher.example/a", "is not written in its normal form"),
            ("https://127.0.0.1/a", "the address is not a public one"),
            ("https://[::1]/a", "the address is not a public one"),
            ("https://10.0.0.1/a", "the address is not a public one"),
            ("https://169.254.169.254/latest", "the address is not a public one"),
            ("https://localhost/a", "not a public one"),
            ("http://client.example/a", "no client has this `client_id`"),
        ] {
            let page = TestGuest::opened(&world, &guest.request().with("client_id", id)).await;
            assert_eq!(page.reply.status, 400, "{id}");
            page.says(sentence);
        }
        let long = format!("https://client.example/{}", "a".repeat(512));
        let page = TestGuest::opened(&world, &guest.request().with("client_id", long)).await;
        page.says("is longer than 512 bytes");
    }
);

both_with_guests!(a_port_and_a_query_belong_to_the_name, [], |world| async {
    TestGuest::visit(&world).await;
    for id in [
        "https://client.example:8443/a",
        "https://client.example/a?b=c",
    ] {
        world
            .publish(id, &TestGuest::document(json!({ "client_id": id })))
            .await;
        let guest = TestGuest {
            id: id.to_owned(),
            ..TestGuest::at("https://client.example/cb")
        };
        let page = TestGuest::opened(&world, &guest.request()).await;
        assert_eq!(page.url.path(), "/login", "{id}: {}", page.reply.text());
        // Its document stands there alone.
        let other = guest.request().with("client_id", format!("{id}x"));
        let page = TestGuest::opened(&world, &other).await;
        assert_eq!(page.reply.status, 400, "{id}");
    }
});

both_with_guests!(
    /// A token request makes this server fetch nothing that no person was asked about.
    a_guest_without_a_grant_is_unknown_at_the_token_endpoint,
    [],
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        let reply = guest.send(&world, &guest.redeem_form("x"), None).await;
        assert_eq!(reply.refusal(), (400, "invalid_client".to_owned()));
    }
);

both_with_guests!(
    cimd_6_3_a_changed_document_ends_open_codes_and_is_said_at_the_next_consent,
    [],
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        let before = guest.granted(&world).await.member("refresh_token");
        // Fresh to the last second: the document changes while a code is open.
        world.advance(290);
        world.publish(GUEST, &TestGuest::document(json!({}))).await;
        let code = guest.code(&world).await;
        world.advance(20);
        let renamed = TestGuest::document(json!({ "client_name": "Other name" }));
        world.publish(GUEST, &renamed).await;
        // Another node has nothing in its memory.
        let node = world.node().await;
        let form = guest.redeem_form(&code).with("client_id", GUEST);
        let pairs: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let refused = node.post("/token", &pairs, &[]).await;
        assert_eq!(
            refused.refusal(),
            (400, "invalid_grant".to_owned()),
            "{}",
            refused.text()
        );
        world.publish_later(GUEST, &renamed).await;
        let (_, page) = world
            .consent_page(&writ_testkit::front_url(&guest.request()))
            .await;
        page.says("What it says of itself is not what you last agreed to");
        page.says("Other name");
        // What people agreed to goes on: the name is no authority.
        let renewed = guest.refreshed(&world, &before).await;
        assert_eq!(renewed.status, 200, "{}", renewed.text());
    }
);

both_with_guests!(
    cimd_6_3_1_a_key_that_is_gone_pauses_its_tasks_until_the_person_lets_them_go_on,
    [],
    |world| async {
        let (cast, mut guest) = TestGuest::visit(&world).await;
        let keys = [Forge::new(&world.random), Forge::new(&world.random)];
        let signing = |keys: &[&Forge]| {
            let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
            TestGuest::document(json!({
                "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": keys }
            }))
        };
        world
            .publish_later(GUEST, &signing(&[&keys[0], &keys[1]]))
            .await;
        guest.key = Some(keys[0].clone());
        let token = guest.granted(&world).await;
        world.publish_later(GUEST, &signing(&[&keys[0]])).await;
        let refused = guest
            .refreshed(&world, &token.member("refresh_token"))
            .await;
        assert_eq!(
            refused.refusal(),
            (400, "invalid_grant".to_owned()),
            "{}",
            refused.text()
        );
        let answer = cast.introspect(&world, &token.access_token()).await;
        assert_eq!(answer, json!({ "active": false }));
        assert_eq!(world.events_named("task.suspended").await.len(), 1);

        let (mut browser, page) = TestGuest::alice_at(&world, "/app/agents").await;
        page.says("Paused because what it says of itself became weaker.");
        page.does_not_say("new password");
        page.says("Sign in again, then you can let it go on");
        // Signed in at the moment of the pause is not since.
        let page = browser.submit(&page, "task-resume", &[]).await;
        page.says("Sign out and in again first");
        world.advance(1);
        world.publish(GUEST, &signing(&[&keys[0]])).await;
        let (mut browser, page) = TestGuest::alice_at(&world, "/app/agents").await;
        page.says("Paused because what it says of itself became weaker.");
        page.does_not_say("Sign in again");
        let page = browser.submit(&page, "task-resume", &[]).await;
        page.says("It may go on");
        assert_eq!(world.events_named("task.resumed").await.len(), 1);
        let renewed = guest
            .refreshed(&world, &token.member("refresh_token"))
            .await;
        assert_eq!(renewed.status, 200, "{}", renewed.text());
    }
);

both_with_guests!(
    a_weaker_method_pauses_and_the_person_may_stop_instead,
    [],
    |world| async {
        let (_, mut guest) = TestGuest::visit(&world).await;
        let key = Forge::new(&world.random);
        let signing = TestGuest::document(json!({
            "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [key.jwk()] }
        }));
        world.publish_later(GUEST, &signing).await;
        guest.key = Some(key);
        let token = guest.granted(&world).await.member("refresh_token");
        world
            .publish_later(GUEST, &TestGuest::document(json!({})))
            .await;
        guest.key = None;
        let refused = guest.refreshed(&world, &token).await;
        assert_eq!(
            refused.refusal(),
            (400, "invalid_grant".to_owned()),
            "{}",
            refused.text()
        );
        let (mut browser, page) = TestGuest::alice_at(&world, "/app/agents").await;
        let page = browser.submit(&page, "task-stop", &[]).await;
        page.says("Stopped");
        page.does_not_say("Paused because");
    }
);
