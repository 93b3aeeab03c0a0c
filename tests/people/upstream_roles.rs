//! Roles by groups of a provider: read at the login, again while nobody is there, and no longer than a day; what an operator gave stays.

use serde_json::{Value, json};
use writ_core::role::RoleName;
use writ_server::background::upstream_groups::read_due_groups;
use writ_testkit::{TestProvider, UPSTREAM_CLIENT, UPSTREAM_SUBJECT, World, both_upstream, merge};

use super::upstream::sign_in_as;

pub(super) const HOUR: u64 = 3600;

/// The roles of this person that count, and those that are suspended.
pub(super) async fn roles(world: &World, name: &str) -> (Vec<String>, Vec<String>) {
    let user = world.user_id(name).await;
    let given = world.begin().await.given_roles(&user).await.unwrap();
    let names = |suspended: bool| {
        let of = given
            .iter()
            .filter(move |role| role.suspended_at.is_some() == suspended);
        of.map(|role| role.name.clone()).collect::<Vec<String>>()
    };
    (names(false), names(true))
}

pub(super) fn are(active: &[&str], suspended: &[&str]) -> (Vec<String>, Vec<String>) {
    let owned = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
    (owned(active), owned(suspended))
}

/// A login whose answer has a refresh token too.
pub(super) async fn sign_in_offline(
    world: &World,
    acme: &TestProvider,
    changes: Value,
    token: &str,
) {
    let mut browser = world.browser();
    let login = browser.open("/login").await;
    let asked = browser.to_provider(&login, "acme").await;
    let mut claims = acme.claims(world, &asked);
    merge(&mut claims, changes);
    let tokens = json!({ "id_token": acme.id_token(&claims), "refresh_token": token });
    let page = browser.open(&acme.answer_with(&asked, &tokens)).await;
    assert_eq!(page.url.path(), "/app", "{}", page.reply.text());
}

/// What a refresh brings: these groups, and another refresh token.
pub(super) fn refreshes_to(
    world: &World,
    acme: &TestProvider,
    token: &str,
    (groups, next): (Value, &str),
) {
    let now = world.now().seconds();
    let mut claims = json!({
        "iss": acme.origin, "aud": UPSTREAM_CLIENT, "sub": UPSTREAM_SUBJECT, "iat": now, "exp": now + 300,
    });
    merge(&mut claims, json!({ "groups": groups }));
    let tokens = json!({ "id_token": acme.id_token(&claims), "refresh_token": next });
    acme.refresh_by(token, &tokens);
}

pub(super) async fn turn(world: &World) {
    read_due_groups(&world.app).await.unwrap();
}

both_upstream!(
    groups_at_the_login_give_roles_and_their_absence_takes_them,
    [
        ("ANYONE", "true"),
        ("ROLES__STAFF", "clerk"),
        ("ROLES__BOARD", "clerk,teller")
    ],
    |world, acme| async {
        for (groups, expected) in [
            (json!(["staff"]), &["clerk"][..]),
            (json!(["staff", "board", "other"]), &["clerk", "teller"]),
            (json!(["Staff"]), &[]),
            (json!(["board"]), &["clerk", "teller"]),
            (json!([]), &[]),
            (json!(["staff"]), &["clerk"]),
            (Value::Null, &[]),
            (json!(["staff"]), &["clerk"]),
            (json!("staff"), &[]),
            (json!(["staff"]), &["clerk"]),
            (json!(["staff", 7]), &[]),
        ] {
            let changes = json!({ "groups": groups });
            let page = sign_in_as(&world, &acme, &mut world.browser(), changes).await;
            assert_eq!(page.url.path(), "/app", "{groups}: {}", page.reply.text());
            assert_eq!(
                roles(&world, "noor@acme").await,
                are(expected, &[]),
                "{groups}"
            );
        }
        let changed = world.events_named("user.changed").await;
        assert_eq!(changed.len(), 11, "each change, and nothing else");
        assert!(changed.iter().all(|event| event.data["by"] == "upstream"));
    }
);

both_upstream!(
    what_an_operator_gave_is_not_touched_by_a_provider,
    [("ANYONE", "true"), ("ROLES__STAFF", "clerk")],
    |world, acme| async {
        let groups = json!({ "groups": ["staff"] });
        sign_in_as(&world, &acme, &mut world.browser(), groups).await;
        let user = world.user_id("noor@acme").await;
        for name in ["clerk", "editor"] {
            let mut transaction = world.begin().await;
            let role = RoleName::parse(name).unwrap();
            assert!(
                transaction
                    .give_role(&user, &role, world.now())
                    .await
                    .unwrap()
            );
            transaction.commit().await.unwrap();
        }
        sign_in_as(&world, &acme, &mut world.browser(), json!({})).await;
        assert_eq!(
            roles(&world, "noor@acme").await,
            are(&["clerk", "editor"], &[])
        );
        sign_in_as(
            &world,
            &acme,
            &mut world.browser(),
            json!({ "groups": ["staff"] }),
        )
        .await;
        world.advance(24 * HOUR);
        turn(&world).await;
        let (active, suspended) = roles(&world, "noor@acme").await;
        assert_eq!((active, suspended), are(&["clerk", "editor"], &["clerk"]));
    }
);

both_upstream!(
    without_a_refresh_token_roles_lapse_after_a_day_and_the_next_login_resumes_them,
    [
        ("ANYONE", "true"),
        ("ROLES__STAFF", "clerk"),
        ("ROLES__BOARD", "teller")
    ],
    |world, acme| async {
        let groups = || json!({ "groups": ["staff", "board"] });
        sign_in_as(&world, &acme, &mut world.browser(), groups()).await;
        world.advance(24 * HOUR - 1);
        turn(&world).await;
        assert_eq!(
            roles(&world, "noor@acme").await,
            are(&["clerk", "teller"], &[])
        );
        world.advance(1);
        turn(&world).await;
        assert_eq!(
            roles(&world, "noor@acme").await,
            are(&[], &["clerk", "teller"])
        );
        turn(&world).await;
        let lapses = world.events_named("user.changed").await;
        let why: Vec<_> = lapses
            .iter()
            .map(|event| event.data["because"].clone())
            .collect();
        assert_eq!(why, [Value::Null, json!("too_old")]);
        // Exactly what the groups of now give.
        sign_in_as(
            &world,
            &acme,
            &mut world.browser(),
            json!({ "groups": ["staff"] }),
        )
        .await;
        assert_eq!(roles(&world, "noor@acme").await, are(&["clerk"], &[]));
        assert_eq!(acme.refreshed(), 0);
    }
);

both_upstream!(
    groups_are_read_again_before_they_are_a_day_old_and_a_removed_one_narrows_at_once,
    [
        ("ANYONE", "true"),
        ("ROLES__STAFF", "clerk"),
        ("ROLES__BOARD", "teller")
    ],
    |world, acme| async {
        let groups = json!({ "groups": ["staff", "board"] });
        sign_in_offline(&world, &acme, groups, "rt1").await;
        turn(&world).await;
        assert_eq!(acme.refreshed(), 0, "not yet");
        world.advance(18 * HOUR);
        refreshes_to(&world, &acme, "rt1", (json!(["staff", "board"]), "rt2"));
        turn(&world).await;
        assert_eq!(
            roles(&world, "noor@acme").await,
            are(&["clerk", "teller"], &[])
        );
        // By the refresh token that came last.
        world.advance(18 * HOUR);
        refreshes_to(&world, &acme, "rt2", (json!(["staff"]), "rt3"));
        turn(&world).await;
        assert_eq!(roles(&world, "noor@acme").await, are(&["clerk"], &[]));
        world.advance(18 * HOUR);
        refreshes_to(&world, &acme, "rt3", (Value::Null, "rt4"));
        turn(&world).await;
        assert_eq!(
            roles(&world, "noor@acme").await,
            are(&[], &[]),
            "absent means none"
        );
        assert_eq!(acme.refreshed(), 3);
    }
);

both_upstream!(
    rfc_6749_5_2_a_refresh_token_that_is_taken_back_ends_the_roles_at_once,
    [("ANYONE", "true"), ("ROLES__STAFF", "clerk")],
    |world, acme| async {
        sign_in_offline(&world, &acme, json!({ "groups": ["staff"] }), "rt1").await;
        world.advance(18 * HOUR);
        turn(&world).await;
        assert_eq!(roles(&world, "noor@acme").await, are(&[], &["clerk"]));
        let changed = world.events_named("user.changed").await;
        assert_eq!(changed.last().unwrap().data["because"], "ended");
        world.advance(18 * HOUR);
        turn(&world).await;
        assert_eq!(acme.refreshed(), 1, "it is not asked again");
        sign_in_as(
            &world,
            &acme,
            &mut world.browser(),
            json!({ "groups": ["staff"] }),
        )
        .await;
        assert_eq!(roles(&world, "noor@acme").await, are(&["clerk"], &[]));
    }
);

both_upstream!(
    a_provider_that_is_away_takes_nothing_before_a_day_is_over,
    [("ANYONE", "true"), ("ROLES__STAFF", "clerk")],
    |world, acme| async {
        sign_in_offline(&world, &acme, json!({ "groups": ["staff"] }), "rt1").await;
        world.advance(18 * HOUR);
        acme.answer_tokens(503, "{}");
        refreshes_to(&world, &acme, "rt1", (json!(["staff"]), "rt2"));
        turn(&world).await;
        assert_eq!(roles(&world, "noor@acme").await, are(&["clerk"], &[]));
        acme.answer_tokens_again();
        turn(&world).await;
        assert_eq!(acme.refreshed(), 0, "the row is put off");
        world.advance(900);
        refreshes_to(&world, &acme, "rt1", (json!(["staff"]), "rt2"));
        turn(&world).await;
        assert_eq!(acme.refreshed(), 1);
        acme.answer_tokens(503, "{}");
        world.advance(24 * HOUR);
        turn(&world).await;
        assert_eq!(roles(&world, "noor@acme").await, are(&[], &["clerk"]));
        // A lapse needs a login: the provider's return alone is none.
        acme.answer_tokens_again();
        world.advance(HOUR);
        turn(&world).await;
        assert_eq!(acme.refreshed(), 1);
    }
);

both_upstream!(
    what_a_refresh_brings_of_somebody_else_counts_for_nothing,
    [
        ("ANYONE", "true"),
        ("ROLES__STAFF", "clerk"),
        ("ROLES__BOARD", "teller")
    ],
    |world, acme| async {
        sign_in_offline(&world, &acme, json!({ "groups": ["staff"] }), "rt1").await;
        world.advance(18 * HOUR);
        let now = world.now().seconds();
        let good = json!({
            "iss": acme.origin, "aud": UPSTREAM_CLIENT, "sub": UPSTREAM_SUBJECT, "iat": now, "exp": now + 9000,
            "groups": ["board"],
        });
        for changes in [
            json!({ "sub": "other" }),
            json!({ "iss": "https://evil.example" }),
            json!({ "aud": "another-client" }),
            json!({ "exp": now - 60 }),
        ] {
            let mut claims = good.clone();
            merge(&mut claims, changes.clone());
            acme.refresh_by("rt1", &json!({ "id_token": acme.id_token(&claims) }));
            turn(&world).await;
            assert_eq!(
                roles(&world, "noor@acme").await,
                are(&["clerk"], &[]),
                "{changes}"
            );
            world.advance(900);
        }
        assert_eq!(acme.refreshed(), 4);
    }
);

both_upstream!(
    oidc_core_12_2_without_an_id_token_userinfo_says_the_groups,
    [("ANYONE", "true"), ("ROLES__STAFF", "clerk")],
    |world, acme| async {
        acme.say_at_userinfo(json!({ "sub": UPSTREAM_SUBJECT, "groups": ["staff"] }));
        sign_in_offline(&world, &acme, json!({}), "rt1").await;
        assert_eq!(roles(&world, "noor@acme").await, are(&["clerk"], &[]));
        world.advance(18 * HOUR);
        acme.refresh_by("rt1", &json!({ "refresh_token": "rt2" }));
        acme.say_at_userinfo(json!({ "sub": "other", "groups": ["staff"] }));
        turn(&world).await;
        assert_eq!(roles(&world, "noor@acme").await, are(&["clerk"], &[]));
        world.advance(900);
        // What came in place of the first one is kept, whatever came beside it.
        acme.refresh_by("rt2", &json!({ "refresh_token": "rt3" }));
        acme.say_at_userinfo(json!({ "sub": UPSTREAM_SUBJECT, "groups": [] }));
        turn(&world).await;
        assert_eq!(roles(&world, "noor@acme").await, are(&[], &[]));
    }
);

both_upstream!(
    whoever_is_let_in_no_more_keeps_no_role_of_before,
    [("GROUPS", "staff"), ("ROLES__BOARD", "teller")],
    |world, acme| async {
        let groups = json!({ "groups": ["staff", "board"] });
        sign_in_as(&world, &acme, &mut world.browser(), groups).await;
        assert_eq!(roles(&world, "noor@acme").await, are(&["teller"], &[]));
        let board = json!({ "groups": ["board"] });
        let page = sign_in_as(&world, &acme, &mut world.browser(), board).await;
        assert_eq!(page.reply.status, 403);
        assert_eq!(roles(&world, "noor@acme").await, are(&[], &[]));
    }
);

both_upstream!(
    whoever_left_the_group_that_lets_in_keeps_no_role,
    [("GROUPS", "staff"), ("ROLES__BOARD", "teller")],
    |world, acme| async {
        let groups = json!({ "groups": ["staff", "board"] });
        sign_in_offline(&world, &acme, groups, "rt1").await;
        assert_eq!(roles(&world, "noor@acme").await, are(&["teller"], &[]));
        world.advance(18 * HOUR);
        refreshes_to(&world, &acme, "rt1", (json!(["board"]), "rt2"));
        turn(&world).await;
        assert_eq!(roles(&world, "noor@acme").await, are(&[], &[]));
        let board = json!({ "groups": ["board"] });
        let page = sign_in_as(&world, &acme, &mut world.browser(), board).await;
        assert_eq!(page.reply.status, 403);
        world.advance(18 * HOUR);
        turn(&world).await;
        assert_eq!(
            acme.refreshed(),
            1,
            "nothing is read of whoever is not let in"
        );
    }
);
