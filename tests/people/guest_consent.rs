//! Consent to a guest: who it is by what can be checked, what it says of itself apart, where the answer goes, and for how long.

use serde_json::json;
use writ_testkit::{Change, DEVICE_REDIRECT, Forge, GUEST, TestGuest, both_with_guests, front_url};

both_with_guests!(
    a_guest_is_named_by_its_host_and_quoted_apart,
    [],
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        let document =
            TestGuest::document(json!({ "client_name": "Your Bank \u{202e}https://bank.example" }));
        world.publish_later(GUEST, &document).await;
        let (_, page) = world.consent_page(&front_url(&guest.request())).await;
        page.says("client.example asks to act for you");
        page.says("It calls itself");
        page.says("Nobody here has checked that");
        page.says("Domain verified");
        page.does_not_say("https://bank.example");
        page.does_not_say("\u{202e}");
        page.does_not_say("any program on this device could be asking");
        page.says("Use \u{201c}accounts:read\u{201d} at Bank");
        for lifetime in ["For a day, until", "For a week, until"] {
            page.says(lifetime);
        }
        page.does_not_say("For a month");
    }
);

both_with_guests!(
    a_program_on_the_device_is_not_verified_and_the_page_warns,
    [],
    |world| async {
        TestGuest::visit(&world).await;
        let guest = TestGuest::at(DEVICE_REDIRECT);
        let (mut browser, page) = world.consent_page(&front_url(&guest.request())).await;
        page.says("any program on this device could be asking");
        page.says("Not verified");
        page.says("127.0.0.1");
        let back = browser.submit(&page, "consent-approve", &[]).await;
        let reply = guest
            .send(
                &world,
                &guest.redeem_form(&back.query("code").unwrap()),
                None,
            )
            .await;
        assert_eq!(
            reply.claims()["act"]["sub_profile"],
            "native_app",
            "{}",
            reply.text()
        );
        let given = world.events_named("consent.given").await;
        assert_eq!(given[0].data["client"]["assurance"], "unverified");
        let shown = given[0].data["shown"].as_str().unwrap();
        assert_eq!(shown.split_whitespace().collect::<String>(), page.words());
    }
);

both_with_guests!(
    the_person_chooses_for_how_long_and_a_month_is_for_bound_tokens,
    [],
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        let back = guest
            .agreed(&world, &guest.request(), &[("lifetime", "week")])
            .await;
        let reply = guest
            .send(
                &world,
                &guest.redeem_form(&back.query("code").unwrap()),
                None,
            )
            .await;
        let approved = world.events_named("task.approved").await;
        assert_eq!(approved[0].data["expires_at"], "2026-09-28T14:13:20Z");
        world.advance(7 * 24 * 3600 - 1);
        world.publish(GUEST, &TestGuest::document(json!({}))).await;
        let renewed = guest
            .refreshed(&world, &reply.member("refresh_token"))
            .await;
        assert_eq!(renewed.status, 200, "{}", renewed.text());
        world
            .publish_later(GUEST, &TestGuest::document(json!({})))
            .await;
        let long = guest
            .agreed(&world, &guest.request(), &[("lifetime", "month")])
            .await;
        assert_eq!(long.query("code"), None, "{}", long.url);
        let key = Forge::new(&world.random);
        let bound = guest.request().with("dpop_jkt", key.thumbprint());
        let (mut browser, page) = world.consent_page(&front_url(&bound)).await;
        page.says("For a month, until");
        let back = browser
            .submit(&page, "consent-approve", &[("lifetime", "month")])
            .await;
        assert!(back.query("code").is_some(), "{}", back.url);
    }
);

both_with_guests!(
    each_visit_asks_a_person_who_proved_who_they_are_here,
    [],
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        guest.granted(&world).await;
        let (mut browser, _) = TestGuest::alice_at(&world, "/app").await;
        let page = browser.open(&front_url(&guest.request())).await;
        assert_eq!(
            page.url.path(),
            "/login",
            "an agent may be driving the browser"
        );
        let page = browser
            .open(&front_url(&guest.request().with("prompt", "none")))
            .await;
        assert_eq!(page.reply.status, 400, "{}", page.url);
        page.says("consent_required");
    }
);

both_with_guests!(
    the_document_is_fetched_afresh_when_a_person_is_asked,
    [],
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        let mut browser = world.browser();
        let login = browser.open(&front_url(&guest.request())).await;
        // A moment later the redirect URI is gone: the document in memory would still have it.
        world.advance(1);
        let moved = TestGuest::document(json!({ "redirect_uris": ["https://client.example/new"] }));
        world.publish(GUEST, &moved).await;
        let page = browser
            .log_in(&login, "alice", writ_testkit::PASSWORD)
            .await;
        assert_eq!(page.reply.status, 400, "{}", page.url);
        page.says("does not stand in the client's metadata document");
    }
);
