//! What an operator says of a provider: what it is asked and believed, where its claims are read, that it is the only way in, and that people
//! can sign out there too.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use writ_platform::Random;
use writ_server::operate::invite_user::InvitedUser;
use writ_testkit::{
    Cast, Forge, Node, PASSWORD, Phone, TestBrowser, TestProvider, UPSTREAM_CLIENT,
    UPSTREAM_SUBJECT, World, both_upstream, merge,
};

use super::account;
use super::upstream::{name_of, sessions, sign_in_as};

both_upstream!(
    oidc_core_3_1_2_1_what_is_asked_is_believed_where_the_operator_says_so,
    [
        ("ANYONE", "true"),
        ("PROMPT", "select_account"),
        ("FRESH", "asked")
    ],
    |world, acme| async {
        let now = world.now().seconds();
        for (place, (at, is_fresh)) in [
            (Value::Null, true),
            (json!(now), true),
            // What is said counts, whatever was asked.
            (json!(now - 61), false),
            (json!(now - 36_000), false),
        ]
        .into_iter()
        .enumerate()
        {
            let mut browser = world.browser();
            let login = browser.open("/login").await;
            let asked = browser.to_provider(&login, "acme").await;
            assert_eq!(asked.query("prompt").as_deref(), Some("select_account"));
            assert_eq!(asked.query("max_age").as_deref(), Some("0"));
            let mut claims = acme.claims(&world, &asked);
            // Whatever it says of how: no more than a password.
            let sub = format!("sub {place}");
            merge(
                &mut claims,
                json!({ "auth_time": at, "sub": sub, "acr": "phr", "amr": ["hwk"] }),
            );
            let page = browser.open(&acme.answer(&asked, &claims)).await;
            if !is_fresh {
                assert_eq!(page.reply.status, 422, "{at}");
                assert_eq!(browser.open("/app").await.url.path(), "/login", "{at}");
                continue;
            }
            assert_eq!(page.url.path(), "/app", "{at}: {}", page.reply.text());
            let name = name_of(&mut browser).await.unwrap();
            assert_eq!(
                sessions(&world, &name).await[0].authenticated_at,
                world.now()
            );
        }
        let entered = world.events_named("login.succeeded").await;
        assert_eq!(entered.len(), 2);
        assert!(
            entered
                .iter()
                .all(|event| event.data["level"] == "password")
        );
    }
);

both_upstream!(
    oidc_core_5_3_2_userinfo_says_what_the_id_token_leaves_out_of_the_same_person,
    [("DOMAINS", "acme.example"), ("GROUPS", "staff")],
    |world, acme| async {
        let lacking = json!({ "email": null, "email_verified": null });
        let whole = json!({
            "sub": UPSTREAM_SUBJECT, "email": "noor@acme.example", "email_verified": true, "groups": ["staff"],
        });
        for (said, status) in [
            (json!({ "sub": "other" }), 422),
            (json!({ "sub": null }), 422),
            (json!({ "groups": ["other"] }), 403),
            (json!({ "groups": "staff" }), 403),
            (json!({ "groups": null }), 403),
            (json!({ "email_verified": false }), 403),
            (json!({ "email_verified": "true" }), 403),
            (json!({ "email": "noor@other.example" }), 403),
            (json!({}), 200),
        ] {
            let mut claims = whole.clone();
            merge(&mut claims, said.clone());
            acme.say_at_userinfo(claims);
            // The metadata of before was kept without it.
            world.advance(24 * 3600);
            let page = sign_in_as(&world, &acme, &mut world.browser(), lacking.clone()).await;
            assert_eq!(page.reply.status, status, "{said}: {}", page.reply.text());
        }
        // What the ID token says is not asked again.
        acme.say_at_userinfo(json!({ "sub": "other" }));
        let groups = json!({ "groups": ["staff"] });
        let page = sign_in_as(&world, &acme, &mut world.browser(), groups).await;
        assert_eq!(page.url.path(), "/app", "{}", page.reply.text());
        let none = json!({ "groups": [] });
        let page = sign_in_as(&world, &acme, &mut world.browser(), none).await;
        assert_eq!(page.reply.status, 403, "none is said, not left out");
    }
);

/// A node of the same world where people come by the provider alone.
async fn by_provider_alone(world: &World, acme: &TestProvider) -> Node {
    let mut settings = acme.settings("acme");
    let more = [
        ("OUTBOUND__TRUSTED", acme.origin.as_str()),
        ("UPSTREAM__ACME__ANYONE", "true"),
        ("ACCOUNTS__LOCAL", "false"),
    ];
    settings.extend(more.map(|(key, value)| (key.to_owned(), value.to_owned())));
    let settings: Vec<(&str, &str)> = settings
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    world.node_with(&settings).await
}

async fn by_password(browser: &mut TestBrowser, password: &str) -> u16 {
    let login = browser.open("/login").await;
    let csrf = login.fields("login-upstream-acme");
    let csrf = csrf.into_iter().find(|(name, _)| name == "csrf").unwrap().1;
    let fields = [
        ("csrf", csrf),
        ("username", "alice".to_owned()),
        ("password", password.to_owned()),
    ];
    browser.post("/login", &fields).await.reply.status
}

both_upstream!(
    where_local_accounts_are_off_nobody_signs_in_by_a_password,
    [("ANYONE", "true")],
    |world, acme| async {
        Cast::of(&world).await;
        let node = by_provider_alone(&world, &acme).await;
        let mut browser = node.browser();
        let login = browser.open("/login").await;
        login.says("Sign in with one of these services");
        assert!(!login.reply.text().contains("name=\"password\""));
        assert!(!login.reply.text().contains("/login/forgot"));
        assert_eq!(by_password(&mut browser, "wrong horse battery").await, 422);
        assert_eq!(by_password(&mut browser, PASSWORD).await, 403);
        assert_eq!(browser.open("/app").await.url.path(), "/login");
        let page = browser.open("/login/forgot").await;
        assert_eq!(page.reply.status, 200);
        let page = sign_in_as(&world, &acme, &mut browser, json!({})).await;
        assert_eq!(page.url.path(), "/app", "{}", page.reply.text());
        assert_eq!(world.events_named("login.succeeded").await.len(), 1);
    }
);

both_upstream!(
    where_local_accounts_are_off_a_passkey_raises_a_session_and_opens_none,
    [("ANYONE", "true")],
    |world, acme| async {
        Cast::of(&world).await;
        let mut phone = world.enrolled_phone("alice", 1).await;
        let node = by_provider_alone(&world, &acme).await;
        let mut stranger = Phone::new(node.browser(), phone.device.clone());
        let refused = stranger.sign_in_with_passkey(&[]).await;
        assert_eq!(refused.reply.status, 403, "{}", refused.reply.text());
        refused.says("You can no longer sign in with a password or passkey of this server");
        assert_eq!(stranger.browser.open("/app").await.url.path(), "/login");
        // Whoever is signed in proves more of themselves by it; the device counts on.
        phone.device = stranger.device.clone();
        phone.browser.move_to(node.network.clone());
        let page = phone.sign_in_with_passkey(&[]).await;
        assert_eq!(page.url.path(), "/app", "{}", page.reply.text());
    }
);

both_upstream!(
    where_local_accounts_are_off_no_link_is_made_and_none_of_before_is_good,
    [("ANYONE", "true")],
    |world, acme| async {
        Cast::of(&world).await;
        let printed = account::reset(&world, "alice").await.unwrap();
        let node = by_provider_alone(&world, &acme).await;
        let catalogue = world.app.catalogue().await.unwrap();
        let registry = world.registry(&catalogue.types);
        let config = &node.app.config;
        let invited = InvitedUser {
            name: "bob",
            email: None,
            language: None,
        };
        let refusals = [
            registry.invite_user(invited, config).await,
            registry.reset_user("alice", None, config).await,
            registry.code_for_user("alice", config).await,
        ];
        for refused in refusals {
            let said = refused.err().unwrap().to_string();
            assert!(said.contains("`accounts.local` is `false`"), "{said}");
        }
        let mut browser = node.browser();
        let page = browser.open(&account::link(&printed)).await;
        let code = account::text(&printed, "code");
        account::finish(&mut browser, &page, &code, account::NEW).await;
        assert_eq!(browser.open("/app").await.url.path(), "/login");
        assert!(world.events_named("user.recovered").await.is_empty());
    }
);

both_upstream!(
    rp_initiated_logout_2_a_person_may_sign_out_there_too,
    [("ANYONE", "true")],
    |world, acme| async {
        let end = format!("{}/session/end?tenant=1", acme.origin);
        acme.say("end_session_endpoint", json!(end));
        let mut browser = world.browser();
        let login = browser.open("/login").await;
        let asked = browser.to_provider(&login, "acme").await;
        let id_token = acme.id_token(&acme.claims(&world, &asked));
        let answer = acme.answer_with(&asked, &json!({ "id_token": id_token }));
        let page = browser.open(&answer).await;
        let done = browser.submit(&page, "logout-submit", &[]).await;
        assert_eq!(done.url.path(), "/logout", "never by itself");
        done.says("Also sign out at acme & Sons");
        let link = done.link("sign-out-there");
        let link = url::Url::parse(&link.replace("&amp;", "&")).unwrap();
        let said = |name: &str| {
            let mut pairs = link.query_pairs();
            pairs
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        assert_eq!(said("tenant").as_deref(), Some("1"), "of its metadata");
        assert_eq!(said("id_token_hint").as_deref(), Some(id_token.as_str()));
        assert_eq!(said("client_id").as_deref(), Some(UPSTREAM_CLIENT));
        let back = said("post_logout_redirect_uri").unwrap();
        assert_eq!(back, "http://localhost:9/upstream/acme/signed-out");
        let page = browser.open("/upstream/acme/signed-out").await;
        assert_eq!(page.reply.status, 200);
        page.says("You are signed out there too.");
        assert_eq!(
            browser.open("/upstream/evil/signed-out").await.reply.status,
            404
        );
        assert_eq!(browser.open("/app").await.url.path(), "/login");
        // It says so to nobody of whom it is not true.
        sign_in_as(&world, &acme, &mut browser, json!({})).await;
        let page = browser.open("/upstream/acme/signed-out").await;
        assert_eq!(page.url.path(), "/app");
    }
);

both_upstream!(
    rp_initiated_logout_2_nothing_is_offered_where_nobody_could_sign_out,
    [("ANYONE", "true")],
    |world, acme| async {
        Cast::of(&world).await;
        // People are sent to public https, or to who is trusted, alone.
        for endpoint in [Value::Null, json!("http://10.0.0.1/end")] {
            acme.say("end_session_endpoint", endpoint.clone());
            world.advance(24 * 3600);
            let mut browser = world.browser();
            let page = sign_in_as(&world, &acme, &mut browser, json!({})).await;
            let done = browser.submit(&page, "logout-submit", &[]).await;
            assert!(!done.reply.text().contains("sign-out-there"), "{endpoint}");
        }
        acme.say(
            "end_session_endpoint",
            json!(format!("{}/end", acme.origin)),
        );
        world.advance(24 * 3600);
        let mut browser = world.browser();
        let login = browser.open("/login").await;
        let page = browser.log_in(&login, "alice", PASSWORD).await;
        let done = browser.submit(&page, "logout-submit", &[]).await;
        assert!(
            !done.reply.text().contains("sign-out-there"),
            "by a password"
        );
    }
);

/// A key of this server in PEM, in a file that its owner alone may read.
fn key_file(key: &Forge) -> PathBuf {
    let name = format!("writ-upstream-{}.pem", key.thumbprint());
    let path = std::env::temp_dir().join(name);
    let der = STANDARD.encode(key.kit.to_pkcs8_der().unwrap());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
    std::fs::write(&path, pem).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

both_upstream!(
    rfc_7523_3_this_server_proves_who_it_is_by_a_key_that_it_publishes,
    [("ANYONE", "true")],
    |world, acme| async {
        let path = key_file(&Forge::new(&Random::System));
        let mut settings = acme.settings("acme");
        settings.retain(|(key, _)| !key.ends_with("CLIENT_SECRET"));
        let more = [
            ("OUTBOUND__TRUSTED", acme.origin.as_str()),
            ("UPSTREAM__ACME__ANYONE", "true"),
            ("UPSTREAM__ACME__CLIENT_KEY_FILE", path.to_str().unwrap()),
        ];
        settings.extend(more.map(|(key, value)| (key.to_owned(), value.to_owned())));
        let settings: Vec<(&str, &str)> = settings
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        let node = world.node_with(&settings).await;
        std::fs::remove_file(&path).unwrap();
        let published = node.get("/upstream/acme/jwks", &[]).await;
        assert_eq!(published.status, 200, "{}", published.text());
        assert!(published.json()["keys"][0].get("d").is_none());
        acme.expect_key(&published.json());
        for round in 0..2 {
            let page = sign_in_as(&world, &acme, &mut node.browser(), json!({})).await;
            assert_eq!(page.url.path(), "/app", "{round}: {}", page.reply.text());
        }
        // Who has the secret alone is not this server any more, and publishes no key.
        let page = sign_in_as(&world, &acme, &mut world.browser(), json!({})).await;
        assert_eq!(page.reply.status, 503, "{}", page.reply.text());
        assert_eq!(world.get("/upstream/acme/jwks", &[]).await.status, 404);
        assert_eq!(world.get("/upstream/evil/jwks", &[]).await.status, 404);
    }
);
