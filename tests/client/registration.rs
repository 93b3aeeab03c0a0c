//! Registration (RFC 7591 section 2): every fault is named, a secret is shown once and never kept.

use serde_json::{Value, json};
use writ_core::id::ClientId;
use writ_testkit::{Cast, Forge, Web, World, both, merge};

async fn refusal(world: &World, file: Value) -> String {
    let text = file.to_string();
    match world.try_add_client(file).await {
        Err(sentence) => sentence,
        Ok(_) => panic!("registered: {text}"),
    }
}

both!(
    a_registration_that_makes_no_client_is_refused,
    |world| async {
        Cast::of(&world).await;
        let key = Forge::new(&world.random);
        let with_keys = |keys: Value| json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": keys } });
        let mut private = key.jwk();
        private["d"] = json!("A".repeat(43));
        // What is changed, and the word that the sentence must hold.
        let table = [
            (json!({ "client_id": "usr_alice" }), "usr_"),
            (json!({ "client_id": "agt_web" }), "agt_"),
            (json!({ "client_id": "a b" }), "client_id"),
            (json!({ "client_id": "" }), "client_id"),
            (json!({ "client_id": "x".repeat(129) }), "client_id"),
            (json!({ "client_name": " " }), "client_name"),
            (json!({ "client_name": "x".repeat(141) }), "client_name"),
            (json!({ "client_name": null }), "client_name"),
            (
                json!({ "redirect_uris": ["https://*.web.example/cb"] }),
                "wildcard",
            ),
            (
                json!({ "redirect_uris": ["http://web.example/cb"] }),
                "loopback",
            ),
            (
                json!({ "redirect_uris": ["https://web.example/cb#x"] }),
                "fragment",
            ),
            (
                json!({ "redirect_uris": ["https://u:p@web.example/cb"] }),
                "user information",
            ),
            (json!({ "redirect_uris": ["/cb"] }), "absolute"),
            (
                json!({ "redirect_uris": ["javascript:alert(1)"] }),
                "scheme",
            ),
            (json!({ "redirect_uris": ["data:text/html,x"] }), "scheme"),
            (json!({ "redirect_uris": [] }), "redirect_uris"),
            (json!({ "grant_types": ["password"] }), "password"),
            (
                json!({ "grant_types": ["urn:ietf:params:oauth:grant-type:token-exchange"] }),
                "agent",
            ),
            (
                json!({ "token_endpoint_auth_method": "none", "grant_types": ["client_credentials"] }),
                "public",
            ),
            (json!({ "response_types": ["token"] }), "response_types"),
            (json!({ "scope": "a\"b" }), "scope"),
            (json!({ "dpop_bound_access_tokens": true }), "bearer"),
            (
                json!({ "token_endpoint_auth_method": "private_key_jwt" }),
                "jwks",
            ),
            (json!({ "jwks": { "keys": [key.jwk()] } }), "jwks"),
            (with_keys(json!([])), "jwks"),
            (with_keys(json!([private])), "private"),
            (with_keys(json!([{ "kty": "oct", "k": "AAAA" }])), "jwks"),
            (
                with_keys(json!([{ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" }])),
                "jwks",
            ),
            (
                json!({ "token_endpoint_auth_signing_alg": "HS256" }),
                "token_endpoint_auth_signing_alg",
            ),
            (json!({ "task_lifetime": 0 }), "task_lifetime"),
            (
                json!({ "task_lifetime": 365 * 24 * 3600 + 1 }),
                "task_lifetime",
            ),
            (json!({ "profile": "agent" }), "agent"),
            (json!({ "profile": "other" }), "other"),
        ];
        for (changes, word) in table {
            let sentence = refusal(&world, Web::file(changes.clone())).await;
            assert!(sentence.contains(word), "{changes}: {sentence}");
        }
        assert!(
            world.events_named("client.registered").await.len() == 1,
            "the bank's client alone"
        );
        assert!(world.try_add_client(Web::file(json!({}))).await.is_ok());
        let twice = refusal(&world, Web::file(json!({}))).await;
        assert!(twice.contains("exists"), "{twice}");
    }
);

both!(reserved_and_misspelt_members_are_refused, |world| async {
    for name in [
        "act",
        "may_act",
        "cnf",
        "authorization_details",
        "mission",
        "sub",
        "redirect_uri",
        "client_secret",
        "Scope",
    ] {
        let sentence = refusal(&world, Web::file(json!({ name: {} }))).await;
        assert!(
            sentence.contains("unknown field") && sentence.contains(name),
            "{name}: {sentence}"
        );
    }
});

both!(fapi2_is_strict_from_the_first_day, |world| async {
    let keys = json!({ "keys": [Forge::new(&world.random).jwk()] });
    let fapi = |changes: Value| {
        let mut file = Web::file(json!({
            "client_id": "fapi", "profile": "fapi2", "bearer": null, "jwks": keys,
            "token_endpoint_auth_method": "private_key_jwt"
        }));
        merge(&mut file, changes);
        file
    };
    for (changes, word) in [
        (json!({ "bearer": true }), "bearer"),
        (
            json!({ "dpop_bound_access_tokens": false }),
            "dpop_bound_access_tokens",
        ),
        (
            json!({ "require_pushed_authorization_requests": false }),
            "pushe",
        ),
        (
            json!({ "token_endpoint_auth_method": "client_secret_basic", "jwks": null }),
            "private_key_jwt",
        ),
        (
            json!({ "token_endpoint_auth_method": "none", "jwks": null }),
            "private_key_jwt",
        ),
    ] {
        let sentence = refusal(&world, fapi(changes.clone())).await;
        assert!(sentence.contains(word), "{changes}: {sentence}");
    }
    assert!(world.try_add_client(fapi(json!({}))).await.is_ok());
});

both!(all_faults_of_a_file_are_named_at_once, |world| async {
    let file = Web::file(json!({
        "client_id": "usr_x", "client_name": "", "redirect_uris": ["http://a.example/", "https://*.b.example/"],
        "grant_types": ["authorization_code", "magic"], "scope": "\""
    }));
    let sentence = refusal(&world, file).await;
    for word in [
        "usr_",
        "client_name",
        "loopback",
        "wildcard",
        "magic",
        "scope",
    ] {
        assert!(sentence.contains(word), "{word}: {sentence}");
    }
});

both!(
    a_secret_is_printed_once_and_only_its_digest_is_kept,
    |world| async {
        let printed = world.add_client(Web::file(json!({}))).await;
        let secret = printed["client_secret"].as_str().unwrap();
        assert_eq!(secret.len(), 43, "256 bits in base64url");
        assert_eq!(
            printed["client_secret_expires_at"],
            json!(0),
            "RFC 7591 section 3.2.1"
        );
        assert_eq!(printed["client_id_issued_at"], json!(world.now().seconds()));
        assert_eq!(
            printed["token_endpoint_auth_method"],
            json!("client_secret_basic")
        );
        let stored = world
            .begin()
            .await
            .client(&ClientId::from_text("web"))
            .await
            .unwrap()
            .unwrap();
        let digest = stored.secret_digest.unwrap();
        assert_ne!(digest, secret);
        assert_eq!(digest, writ_server::node::secret::secret_digest(secret));
        assert!(!stored.metadata.contains(secret));
        for event in world.events().await {
            let text = serde_json::to_string(&event).unwrap();
            assert!(!text.contains(secret) && !text.contains(&digest), "{text}");
        }
        let other = world
            .add_client(Web::file(json!({ "client_id": "other" })))
            .await;
        assert_ne!(other["client_secret"], printed["client_secret"]);
        let public = json!({ "client_id": "public", "token_endpoint_auth_method": "none" });
        assert_eq!(
            world
                .add_client(Web::file(public))
                .await
                .get("client_secret"),
            None
        );
    }
);

both!(a_password_is_kept_as_argon2id, |world| async {
    world
        .add_user_at_full_cost("alice", writ_testkit::PASSWORD)
        .await;
    world
        .add_user_at_full_cost("bob", writ_testkit::PASSWORD)
        .await;
    let mut transaction = world.begin().await;
    let alice = transaction.user_by_name("alice").await.unwrap().unwrap();
    let bob = transaction.user_by_name("bob").await.unwrap().unwrap();
    assert!(
        alice.password_hash.starts_with("$argon2id$"),
        "{}",
        alice.password_hash
    );
    assert_ne!(alice.password_hash, bob.password_hash, "salted");
    drop(transaction);
    for event in world.events().await {
        let text = serde_json::to_string(&event).unwrap();
        assert!(
            !text.contains(writ_testkit::PASSWORD) && !text.contains("argon2"),
            "{text}"
        );
    }
});

both!(people_have_names_and_passwords, |world| async {
    let catalogue = world.app.catalogue().await.unwrap();
    let registry = world.registry(&catalogue.types);
    for (name, password) in [
        ("", "fifteen letters"),
        ("a b", "fifteen letters"),
        ("x\n", "fifteen letters"),
        (&"x".repeat(65), "fifteen letters"),
        ("alice", ""),
        // NIST SP 800-63B revision 4, section 3.1.1.2.
        ("alice", "fourteen chars"),
        ("alice", "1q2w3e4r5t6y7u8i"),
        ("alice", "AliceAliceAliceAlice"),
    ] {
        assert!(registry.add_user(name, password).await.is_err(), "{name:?}");
    }
    assert!(registry.add_user("alice", "fifteen letters").await.is_ok());
    assert!(
        registry
            .add_user("alice", "sixteen  letters")
            .await
            .is_err(),
        "exists already"
    );
    let short = registry
        .change_password("alice", "1234567", &world.app.config)
        .await;
    assert!(short.is_err(), "nor later");
    assert_eq!(world.events_named("user.added").await.len(), 1);
});

both!(faults_of_a_resource_are_named_too, |world| async {
    let catalogue = world.app.catalogue().await.unwrap();
    let registry = world.registry(&catalogue.types);
    let good =
        json!({ "resource": "https://notes.example", "name": "Notes", "scopes": ["notes:read"] });
    for changes in [
        json!({ "resource": writ_testkit::ISSUER }),
        json!({ "name": "" }),
        json!({ "scopes": ["a b"] }),
        json!({ "scopes": ["a", "a"] }),
        json!({ "scopes": ["openid"] }),
        json!({ "authorization_details_types": ["teleport"] }),
        json!({ "guests": { "mode": "bearer" } }),
        json!({ "guests": { "mode": "bound", "types": [] } }),
        json!({ "guests": { "mode": "bearer", "scopes": ["notes:write"] } }),
    ] {
        let mut file = good.clone();
        merge(&mut file, changes.clone());
        let file = serde_json::from_value(file).unwrap();
        assert!(registry.add_resource(&file).await.is_err(), "{changes}");
    }
    for changes in [
        json!({ "resource": "notes" }),
        json!({ "resource": "https://a.example#x" }),
        json!({ "scope": "a" }),
    ] {
        let mut file = good.clone();
        merge(&mut file, changes.clone());
        let parsed: Result<writ_wire::registration::ResourceFile, _> = serde_json::from_value(file);
        assert!(parsed.is_err(), "{changes}");
    }
    assert!(world.events_named("resource.changed").await.is_empty());
});
