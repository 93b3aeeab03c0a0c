//! Sign-in by an OpenID provider: who comes by it is one person by issuer and subject alone, let in by the operator's rules, and nobody
//! whom the operator shut out here.

use serde_json::{Value, json};
use writ_server::operate::disable::{UserSwitch, switch_user};
use writ_store::session::ListedSession;
use writ_testkit::{
    Cast, PASSWORD, TestBrowser, TestProvider, UPSTREAM_CLIENT, Web, WebPage, World, both_upstream,
    front_url, merge,
};

/// Signs in at the provider by these changes of its claims, from the page that asks for it.
pub(super) async fn sign_in_as(
    world: &World,
    acme: &TestProvider,
    browser: &mut TestBrowser,
    changes: Value,
) -> WebPage {
    let login = browser.open("/login").await;
    let asked = browser.to_provider(&login, "acme").await;
    let mut claims = acme.claims(world, &asked);
    merge(&mut claims, changes);
    let back = acme.answer(&asked, &claims);
    browser.open(&back).await
}

/// The name that the frame of the page shows.
pub(super) async fn name_of(browser: &mut TestBrowser) -> Option<String> {
    let page = browser.open("/app").await;
    let text = page.reply.text();
    let mut words = text.split(|c: char| c.is_whitespace() || "<>".contains(c));
    words
        .find(|word| word.ends_with("@acme"))
        .map(str::to_owned)
}

pub(super) async fn sessions(world: &World, user: &str) -> Vec<ListedSession> {
    let mut reading = world.begin().await;
    let stored = reading.user_by_name(user).await.unwrap().unwrap();
    let now = world.now();
    reading.sessions_of(&stored.user.id, now, 10).await.unwrap()
}

both_upstream!(
    a_person_comes_by_the_provider_and_goes_on_with_what_waited,
    [("ANYONE", "true")],
    |world, acme| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let mut browser = world.browser();
        let login = browser.open(&front_url(&web.request())).await;
        assert_eq!(login.url.path(), "/login");
        login.says("Continue with acme & Sons");
        let asked = browser.to_provider(&login, "acme").await;
        assert!(
            asked.url.as_str().starts_with(&acme.origin),
            "{}",
            asked.url
        );
        let said = |name: &str| asked.query(name).unwrap_or_default();
        assert_eq!(said("tenant"), "1", "of its metadata");
        assert_eq!(said("response_type"), "code");
        assert_eq!(said("client_id"), UPSTREAM_CLIENT);
        assert_eq!(said("scope"), "openid profile email");
        assert_eq!(said("code_challenge_method"), "S256");
        assert_eq!(said("max_age"), "0", "a login of now");
        assert_eq!(
            said("redirect_uri"),
            "http://localhost:9/upstream/acme/callback"
        );
        let back = acme.answer(&asked, &acme.claims(&world, &asked));
        let consent = browser.open(&back).await;
        assert_eq!(consent.url.path(), "/consent", "{}", consent.reply.text());
        let done = browser.submit(&consent, "consent-approve", &[]).await;
        let code = done.query("code").expect("a code");
        let tokens = web
            .send(&world, "/token", &web.redeem_form(&code), &[])
            .await;
        assert_eq!(tokens.status, 200, "{}", tokens.text());
        let added = world.events_named("user.added").await;
        // Of one moment with others, in no order.
        let noor = added.iter().find(|one| one.data["name"] == "noor@acme");
        let noor = noor.unwrap();
        assert_eq!(noor.data["by"], "upstream");
        assert_eq!(noor.data["upstream"], acme.origin);
        let entered = world.events_named("login.succeeded").await;
        let entered = entered.iter().find(|one| one.subject == noor.subject);
        let entered = entered.unwrap();
        assert_eq!(entered.data["upstream"], acme.origin);
        assert_eq!(entered.data["method"], "upstream");
        assert_eq!(entered.data["level"], "password");
    }
);

both_upstream!(
    oidc_core_5_7_the_account_is_issuer_and_subject_whatever_else_changes,
    [("ANYONE", "true")],
    |world, acme| async {
        let mut first = world.browser();
        let page = sign_in_as(&world, &acme, &mut first, json!({})).await;
        assert_eq!(page.url.path(), "/app", "{}", page.reply.text());
        assert_eq!(name_of(&mut first).await.as_deref(), Some("noor@acme"));
        // Married, moved, with another address: the same person.
        let mut second = world.browser();
        let renamed = json!({ "preferred_username": "ella", "email": "ella@acme.example" });
        sign_in_as(&world, &acme, &mut second, renamed).await;
        assert_eq!(name_of(&mut second).await.as_deref(), Some("noor@acme"));
        // Somebody else who is called as she was, with her address, which was given away.
        for (sub, named) in [("other", "noor-2@acme"), ("third", "noor-3@acme")] {
            let mut browser = world.browser();
            sign_in_as(&world, &acme, &mut browser, json!({ "sub": sub })).await;
            assert_eq!(name_of(&mut browser).await.as_deref(), Some(named));
        }
        assert_eq!(world.events_named("user.added").await.len(), 3);
    }
);

both_upstream!(
    nobody_takes_a_name_of_the_house,
    [("ANYONE", "true")],
    |world, acme| async {
        Cast::of(&world).await;
        let mut browser = world.browser();
        let claimed = json!({ "preferred_username": "alice", "email": "alice@acme.example" });
        sign_in_as(&world, &acme, &mut browser, claimed).await;
        assert_eq!(name_of(&mut browser).await.as_deref(), Some("alice@acme"));
        // Nor a name that an operator gave in the provider's way of naming.
        world.add_user("boss@acme", PASSWORD).await;
        let mut browser = world.browser();
        let claimed = json!({ "sub": "mallory", "preferred_username": "boss" });
        sign_in_as(&world, &acme, &mut browser, claimed).await;
        assert_eq!(name_of(&mut browser).await.as_deref(), Some("boss-2@acme"));
        // And nobody signs in as such a person by typing something.
        for password in ["", PASSWORD] {
            let mut browser = world.browser();
            let login = browser.open("/login").await;
            let tried = browser.log_in(&login, "alice@acme", password).await;
            assert_eq!(tried.reply.status, 422);
        }
    }
);

both_upstream!(
    nobody_new_comes_where_no_rule_lets_them_in,
    [],
    |world, acme| async {
        let mut browser = world.browser();
        let page = sign_in_as(&world, &acme, &mut browser, json!({})).await;
        assert_eq!(page.reply.status, 403, "{}", page.reply.text());
        page.says("your account may not be used here");
        assert_eq!(browser.open("/app").await.url.path(), "/login");
        assert!(world.events_named("user.added").await.is_empty());
    }
);

both_upstream!(
    a_domain_lets_in_verified_addresses_of_that_domain,
    [("DOMAINS", "acme.example")],
    |world, acme| async {
        for (sub, changes, let_in) in [
            ("s1", json!({ "email": "a@acme.example" }), true),
            (
                "s2",
                json!({ "email": "a@acme.example", "email_verified": "true" }),
                true,
            ),
            (
                "s3",
                json!({ "email": "a@acme.example", "email_verified": false }),
                false,
            ),
            (
                "s4",
                json!({ "email": "a@acme.example", "email_verified": null }),
                false,
            ),
            ("s5", json!({ "email": "a@other.example" }), false),
            ("s6", json!({ "email": "a@sub.acme.example" }), false),
            ("s7", json!({ "email": null }), false),
            // The name alone says nothing.
            (
                "s8",
                json!({ "email": null, "preferred_username": "a@acme.example" }),
                false,
            ),
        ] {
            let mut browser = world.browser();
            let mut all = changes.clone();
            all["sub"] = json!(sub);
            let page = sign_in_as(&world, &acme, &mut browser, all).await;
            assert_eq!(page.url.path() == "/app", let_in, "{sub} {changes}");
            assert_eq!(
                page.reply.status,
                if let_in { 200 } else { 403 },
                "{changes}"
            );
        }
        assert_eq!(world.events_named("user.added").await.len(), 2);
    }
);

both_upstream!(
    whoever_leaves_the_group_is_let_in_no_more,
    [("GROUPS", "8a1f,staff"), ("GROUPS_CLAIM", "roles")],
    |world, acme| async {
        let mut at_work = world.browser();
        let groups = json!({ "roles": ["staff"] });
        let page = sign_in_as(&world, &acme, &mut at_work, groups).await;
        assert_eq!(page.url.path(), "/app", "{}", page.reply.text());
        for (groups, let_in) in [
            (json!(["staff", "other"]), true),
            (json!(["8a1f"]), true),
            // Absent means none; so does what is no list of texts.
            (json!("staff"), false),
            (Value::Null, false),
            (json!([]), false),
            (json!(["Staff", "staff2"]), false),
            (json!({ "staff": true }), false),
            (json!([["staff"]]), false),
            (json!(["staff"]), true),
        ] {
            let mut browser = world.browser();
            world.advance(1);
            let page = sign_in_as(&world, &acme, &mut browser, json!({ "roles": groups })).await;
            assert_eq!(page.url.path() == "/app", let_in, "{groups}");
        }
        // Where she was signed in by it she is no more.
        assert_eq!(at_work.open("/app").await.url.path(), "/login");
        // One person all the while; what was refused is on their record.
        assert_eq!(world.events_named("user.added").await.len(), 1);
        let refused = world.events_named("login.failed").await;
        assert_eq!(refused.len(), 6);
        assert_eq!(refused[0].data["method"], "upstream");
        assert_eq!(refused[0].data["sessions_ended"], 3);
        assert_eq!(
            refused[0].data["reason"],
            "no group of the person is one that is admitted"
        );
    }
);

/// `writ user disable` and `enable`.
pub(super) async fn switch(world: &World, name: &str, to: UserSwitch) {
    let mut transaction = world.app.begin().await.unwrap();
    let change = world.change();
    let done = switch_user(&mut transaction, name, to, change).await;
    assert!(done.unwrap().is_some());
    transaction.commit().await.unwrap();
}

both_upstream!(
    whoever_is_disabled_or_removed_stays_so,
    [("ANYONE", "true")],
    |world, acme| async {
        let mut browser = world.browser();
        sign_in_as(&world, &acme, &mut browser, json!({})).await;
        switch(&world, "noor@acme", UserSwitch::Disable).await;
        assert_eq!(browser.open("/app").await.url.path(), "/login");
        let shut = async || {
            let renamed = json!({ "preferred_username": "noor-again" });
            let page = sign_in_as(&world, &acme, &mut world.browser(), renamed).await;
            assert_eq!(page.reply.status, 403, "{}", page.reply.text());
            page.does_not_say("disabled");
        };
        shut().await;
        switch(&world, "noor@acme", UserSwitch::Enable).await;
        let page = sign_in_as(&world, &acme, &mut browser, json!({})).await;
        assert_eq!(page.url.path(), "/app", "the same person again");
        let catalogue = world.app.catalogue().await.unwrap();
        let registry = world.registry(&catalogue.types);
        registry.remove_user("noor@acme").await.unwrap();
        shut().await;
        assert_eq!(world.events_named("user.added").await.len(), 1);
        let refused = world.events_named("login.failed").await;
        let reasons: Vec<_> = refused.iter().map(|event| &event.data["reason"]).collect();
        assert_eq!(
            reasons,
            ["the person is disabled", "the person is disabled"]
        );
    }
);

both_upstream!(
    oidc_core_3_1_2_1_only_a_login_of_now_is_a_proof_of_now,
    [("ANYONE", "true")],
    |world, acme| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let now = world.now().seconds();
        for (at, is_fresh) in [
            (json!(now), true),
            (json!(now - 60), true),
            (json!(now - 61), false),
            (json!(now - 36_000), false),
            (Value::Null, false),
        ] {
            // Where a request waits for a proof, nobody is signed in without one.
            let mut browser = world.browser();
            let login = browser.open(&front_url(&web.request())).await;
            let asked = browser.to_provider(&login, "acme").await;
            let mut claims = acme.claims(&world, &asked);
            merge(&mut claims, json!({ "auth_time": at }));
            let page = browser.open(&acme.answer(&asked, &claims)).await;
            match is_fresh {
                true => assert_eq!(page.url.path(), "/consent", "{at}"),
                false => {
                    assert_eq!(page.reply.status, 422, "{at}");
                    page.says("a sign-in of this very moment");
                    // Nor on the way round by a login for nothing.
                    let stale = json!({ "auth_time": at });
                    let round = sign_in_as(&world, &acme, &mut browser, stale).await;
                    assert_eq!(round.reply.status, 422, "{at}");
                    let asked = browser.open(&front_url(&web.request())).await;
                    assert_eq!(asked.url.path(), "/login", "{at}");
                    // What waits still does.
                    let local = browser.log_in(&page, "alice", PASSWORD).await;
                    assert_eq!(local.url.path(), "/consent", "{at}");
                }
            }
            // Nor is anybody elsewhere: no session is opened that something could use later.
            let mut browser = world.browser();
            let sub = json!({ "auth_time": at, "sub": format!("sub {at}") });
            let page = sign_in_as(&world, &acme, &mut browser, sub).await;
            if !is_fresh {
                assert_eq!(page.reply.status, 422, "{at}");
                assert_eq!(browser.open("/app").await.url.path(), "/login", "{at}");
                continue;
            }
            assert_eq!(page.url.path(), "/app", "{at}: {}", page.reply.text());
            // Of the time that the provider says, whenever its answer comes.
            let name = name_of(&mut browser).await.unwrap();
            let opened = &sessions(&world, &name).await[0];
            assert_eq!(json!(opened.authenticated_at.seconds()), at);
        }
    }
);

both_upstream!(
    a_login_there_is_worth_what_the_map_says,
    [
        ("ANYONE", "true"),
        ("PASSKEY_ACR", "phr,phrh"),
        ("PASSKEY_AMR", "hwk")
    ],
    |world, acme| async {
        for (place, (changes, level)) in [
            (json!({}), "password"),
            (json!({ "acr": "phr" }), "passkey"),
            (json!({ "acr": "urn:mace:incommon:iap:silver" }), "password"),
            (json!({ "acr": "PHR" }), "password"),
            (json!({ "amr": ["pwd", "hwk"] }), "passkey"),
            (json!({ "amr": ["phr"] }), "password"),
        ]
        .into_iter()
        .enumerate()
        {
            let mut all = changes.clone();
            merge(&mut all, json!({ "sub": format!("person {place}") }));
            // The last event is of another moment than the one before.
            world.advance(1);
            let page = sign_in_as(&world, &acme, &mut world.browser(), all).await;
            assert_eq!(page.url.path(), "/app", "{changes}: {}", page.reply.text());
            let entered = world.events_named("login.succeeded").await;
            assert_eq!(entered.last().unwrap().data["level"], level, "{changes}");
        }
    }
);
