//! What is no answer: opening a link, an old login, another person, another screen, another time.

use serde_json::json;
use writ_core::pending::State;
use writ_testkit::{BANK, Cast, Change, PASSWORD, WebPage, both, payment, refused};

use crate::approvals::approval::{on_receipt, staged, state};

both!(opening_approves_nothing, |world| async {
    let mut scene = staged(&world).await;
    // A mail scanner has no login.
    let path = format!("/app/requests/{}", scene.id);
    let scanner = world.get(&path, &[]).await;
    assert_eq!(scanner.status, 303);
    let location = scanner.header("location").unwrap().to_owned();
    assert!(location.starts_with("/login?next="), "{location}");
    assert_eq!(state(&world, &scene).await, State::Pending);
    // A prefetch with the login changes nothing but that it was seen, once.
    let first = scene.alice.look(&scene.id).await;
    let second = scene.alice.look(&scene.id).await;
    assert_eq!(first.fields("decision"), second.fields("decision"));
    assert_eq!(state(&world, &scene).await, State::Viewed);
    assert_eq!(world.events_named("approval.viewed").await.len(), 1);
    for query in [
        "decision=approve",
        "decision=deny",
        "narrow=1&decision=not_me",
    ] {
        scene
            .alice
            .browser
            .open(&format!("{path}?{query}&password={PASSWORD}"))
            .await;
    }
    assert_eq!(state(&world, &scene).await, State::Viewed);
    refused(
        &scene.cast.planner.poll(&world, &scene.auth_req_id).await,
        "authorization_pending",
        "nobody answered",
    );
    // The page that was opened first still counts.
    on_receipt(&scene.alice.approve_by_password(&first).await);
});

both!(a_login_is_no_proof, |world| async {
    let mut scene = staged(&world).await;
    let page = scene.alice.look(&scene.id).await;
    for fill in [
        &[][..],
        &[("password", "")],
        &[("password", "wrong horse")],
        &[("assertion", "{}")],
        &[("assertion", "{}"), ("password", PASSWORD)],
    ] {
        let shown = scene.alice.answer(&page, fill).await;
        assert_eq!(shown.reply.status, 422, "{fill:?}");
        assert_eq!(state(&world, &scene).await, State::Viewed, "{fill:?}");
    }
    assert_eq!(world.events_named("login.failed").await.len(), 1);
});

both!(
    wrong_passwords_at_an_approval_pause_as_at_login,
    |world| async {
        let mut scene = staged(&world).await;
        let page = scene.alice.look(&scene.id).await;
        for _ in 0..5 {
            let shown = scene.alice.answer(&page, &[("password", "wrong")]).await;
            assert_eq!(shown.reply.status, 422);
        }
        let paused = scene.alice.approve_by_password(&page).await;
        assert_eq!(paused.reply.status, 429, "{}", paused.reply.text());
        assert_eq!(state(&world, &scene).await, State::Viewed);
        // Saying no needs no password, so no pause.
        on_receipt(&scene.alice.refuse(&page, "deny").await);
        assert_eq!(state(&world, &scene).await, State::Denied);
    }
);

both!(rfc_9700_4_7_a_forged_form_decides_nothing, |world| async {
    let mut scene = staged(&world).await;
    let page = scene.alice.look(&scene.id).await;
    for (name, value) in [("csrf", ""), ("csrf", "AAAA")] {
        for decision in ["approve", "deny", "stop", "not_me"] {
            let fill = [
                (name, value),
                ("password", PASSWORD),
                ("decision", decision),
            ];
            let shown = scene.alice.answer(&page, &fill).await;
            assert_eq!(shown.reply.status, 403, "{decision}");
            assert_eq!(state(&world, &scene).await, State::Viewed, "{decision}");
        }
    }
    let neither = scene.alice.answer(&page, &[("decision", "perhaps")]).await;
    assert_eq!(neither.reply.status, 400);
    assert_eq!(state(&world, &scene).await, State::Viewed);
});

both!(another_person_finds_nothing, |world| async {
    let mut scene = staged(&world).await;
    let page = scene.alice.look(&scene.id).await;
    let mut mallory = world.phone_of("mallory").await;
    assert!(mallory.inbox().await.is_empty());
    let theirs = mallory.look(&scene.id).await;
    assert_eq!(theirs.reply.status, 404);
    theirs.does_not_say("KLM");
    let nothing = mallory.look("apr_00000000000000000000000000").await;
    assert_eq!(nothing.reply.status, 404);
    assert_eq!(theirs.words(), nothing.words(), "the same answer");
    let csrf = mallory.browser.csrf();
    for decision in ["approve", "deny", "stop", "not_me"] {
        let fill = [
            ("csrf", csrf.as_str()),
            ("password", PASSWORD),
            ("decision", decision),
        ];
        let shown = mallory.answer(&page, &fill).await;
        assert_eq!(shown.reply.status, 404, "{decision}");
        assert_eq!(state(&world, &scene).await, State::Viewed, "{decision}");
    }
});

both!(
    the_screen_of_another_request_decides_nothing,
    |world| async {
        let mut scene = staged(&world).await;
        let other = scene.cast.question_within(&scene.token).with(
            "authorization_details",
            json!([payment("5.00")]).to_string(),
        );
        let other = scene.cast.planner.asked(&world, &other).await;
        let other = world.request_id(&other).await;
        let small = scene.alice.look(&other).await;
        let large = scene.alice.look(&scene.id).await;
        let named = |page: &WebPage| {
            let fields = page.fields("decision");
            let mut screen = fields.into_iter().filter(|(name, _)| name == "screen");
            screen.next().unwrap().1
        };
        let screen = named(&small);
        assert_ne!(screen, named(&large));
        let fill = [("screen", screen.as_str()), ("password", PASSWORD)];
        let shown = scene.alice.answer(&large, &fill).await;
        assert_eq!(shown.reply.status, 409);
        shown.says("This request changed while you looked");
        assert_eq!(state(&world, &scene).await, State::Viewed);
        // Nor one that was never shown.
        let fill = [("screen", "AAAA"), ("password", PASSWORD)];
        assert_eq!(scene.alice.answer(&large, &fill).await.reply.status, 409);
        assert_eq!(state(&world, &scene).await, State::Viewed);
    }
);

both!(
    what_changed_since_it_was_shown_is_read_again,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let question = cast.question_within(&token);
        let question = question.with("scope", "accounts:read");
        let auth_req_id = cast.planner.asked(&world, &question).await;
        let id = world.request_id(&auth_req_id).await;
        let mut alice = world.phone_of("alice").await;
        let page = alice.look(&id).await;
        page.says("Use “accounts:read” at Bank");
        world
            .add_resource(json!({
                "resource": BANK, "name": "Bank of Rome",
                "scopes": ["accounts:read", "accounts:write"],
                "authorization_details_types": ["payment"], "client_id": "bank-api",
                "agents_only": true
            }))
            .await;
        let shown = alice.approve_by_password(&page).await;
        assert_eq!(shown.reply.status, 409, "{}", shown.reply.text());
        shown.says("Use “accounts:read” at Bank of Rome");
        assert_eq!(world.waiting(&auth_req_id).await.state(), State::Viewed);
        // What it says now can be approved, and only from the new page.
        let stale = alice.approve_by_password(&page).await;
        assert_eq!(stale.reply.status, 409);
        on_receipt(&alice.approve_by_password(&shown).await);
    }
);

both!(another_language_is_another_screen, |world| async {
    let mut scene = staged(&world).await;
    let page = scene.alice.look(&scene.id).await;
    let german = ("writ-language".to_owned(), "de".to_owned());
    scene.alice.browser.cookies.extend([german]);
    let shown = scene.alice.approve_by_password(&page).await;
    assert_eq!(shown.reply.status, 409);
    shown.says("Bis zu 300,00 EUR an „KLM“ (NL91ABNA0417164300) zahlen, einmal");
    assert_eq!(state(&world, &scene).await, State::Viewed);
    on_receipt(&scene.alice.approve_by_password(&shown).await);
});

both!(expiry_means_no, |world| async {
    let mut scene = staged(&world).await;
    let page = scene.alice.look(&scene.id).await;
    world.advance(300);
    for decision in ["approve", "deny", "stop", "not_me"] {
        let fill = [("password", PASSWORD), ("decision", decision)];
        let shown = scene.alice.answer(&page, &fill).await;
        shown.says("Time ran out");
        assert_eq!(state(&world, &scene).await, State::Viewed, "{decision}");
    }
    refused(
        &scene.cast.planner.poll(&world, &scene.auth_req_id).await,
        "expired_token",
        "nobody answered in time",
    );
    let looked = scene.alice.look(&scene.id).await;
    looked.says("Time ran out");
    assert!(scene.alice.inbox().await.is_empty());
});

both!(who_was_disabled_decides_nothing, |world| async {
    let mut scene = staged(&world).await;
    let page = scene.alice.look(&scene.id).await;
    world.disable("alice").await;
    for decision in ["approve", "deny"] {
        let fill = [("password", PASSWORD), ("decision", decision)];
        let shown = scene.alice.answer(&page, &fill).await;
        assert_eq!(shown.url.path(), "/login", "{decision}");
        assert_eq!(state(&world, &scene).await, State::Viewed, "{decision}");
    }
});

both!(
    a_changed_type_says_nothing_else_about_what_was_asked,
    |world| async {
        let mut scene = staged(&world).await;
        let page = scene.alice.look(&scene.id).await;
        let catalogue = world.app.catalogue().await.unwrap();
        let document = catalogue.types.by_name("payment").unwrap().document();
        let document = document.replace("Pay up to", "Look at, once, up to");
        let changed = writ_authority::TypeDefinition::parse(&document).unwrap();
        let mut transaction = world.begin().await;
        let (hash, now) = (changed.hash(), world.now());
        transaction
            .insert_type(hash, "payment", changed.document(), now)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        world.app.fresh_catalogue().await.unwrap();
        let again = scene.alice.look(&scene.id).await;
        again.says("Pay up to EUR 300.00 to “KLM” (NL91ABNA0417164300), once");
        on_receipt(&scene.alice.approve_by_password(&page).await);
    }
);
