//! The person's side of the device flow (RFC 8628 sections 3.3 and 5): who types a code, how often they may
//! be wrong, and that nothing but the approval screen approves.

use writ_core::device::{MAX_CODE_FAILURES, MAX_WAITING_DEVICES};
use writ_core::id::ClientId;
use writ_core::pending::State;
use writ_testkit::{Cast, PASSWORD, at_once, both, refused};

use crate::client::device::{ask, poll, request, taken, terminal, types, waiting};

both!(
    /// RFC 8628 sections 3.3 and 6.1: the person logs in first, and types as people type; the way back leads to the code.
    rfc_8628_3_3_login_first_then_the_code_as_typed,
    |world| async {
        let cast = Cast::of(&world).await;
        let asked = ask(&world, &cast.planner, &request()).await;
        let code = asked.member("user_code");
        let mut browser = world.browser();
        let page = browser.open("/device").await;
        assert_eq!(page.url.path(), "/login");
        let page = browser
            .log_in(&page, "alice", PASSWORD)
            .await;
        assert_eq!(page.url.path(), "/device", "{}", page.reply.text());
        let typed = code.replace('-', " ").to_lowercase();
        let mut fields = page.fields("user_code");
        fields.push(("user_code".to_owned(), format!(" {typed} ")));
        let page = browser.send_form(&page, "user_code", &fields).await;
        assert!(page.url.path().starts_with("/app/requests/"), "{}", page.url);
        assert_eq!(page.reply.status, 200);
    }
);

both!(
    /// RFC 8628 sections 3.3.1 and 5.4: the complete link fills the field in. It takes nothing and approves nothing.
    opening_the_complete_link_does_nothing,
    |world| async {
        let cast = Cast::of(&world).await;
        let asked = ask(&world, &cast.planner, &request()).await;
        let (link, device_code) = (
            asked.member("verification_uri_complete"),
            asked.member("device_code"),
        );
        let page = world.browser().open(&link).await;
        assert_eq!(page.url.path(), "/login", "a mail scanner sees a login");
        let mut alice = world.phone_of("alice").await;
        let page = alice.browser.open(&link).await;
        assert_eq!((page.url.path(), page.reply.status), ("/device", 200));
        let code = asked.member("user_code");
        assert!(page.reply.text().contains(&format!("value=\"{code}\"")));
        let found = waiting(&world, &device_code).await;
        assert_eq!((&found.subject, found.state()), (&None, State::Pending));
        assert!(alice.inbox().await.is_empty());
        // Whatever else a link carries is not shown.
        let page = alice.browser.open("/device?user_code=Call+0900-1234").await;
        assert!(!page.reply.text().contains("0900"));
        // Taking it approves nothing either.
        let page = types(&mut alice, &code).await;
        assert!(page.url.path().starts_with("/app/requests/"));
        let reply = cast
            .planner
            .send(&world, "/token", &poll(&device_code))
            .await;
        refused(&reply, "authorization_pending", "taken, not approved");
    }
);

both!(
    /// RFC 8628 section 3.3.1: the code of the terminal stands on the screen that is signed, and lies sealed before.
    rfc_8628_3_3_1_the_code_is_on_the_screen,
    |world| async {
        let cast = Cast::of(&world).await;
        let asked = ask(&world, &cast.planner, &request()).await;
        let (code, device_code) = (asked.member("user_code"), asked.member("device_code"));
        let dump = world.database.dump().await;
        assert!(!dump.contains(&code), "in clear");
        let found = waiting(&world, &device_code).await;
        let sealed = world.begin().await.pending_sealed(&found.id).await.unwrap();
        assert!(!sealed.unwrap().contains(&code));
        let mut alice = world.phone_of("alice").await;
        let page = types(&mut alice, &code).await;
        page.says("Code on the device");
        page.says(&code);
        page.says("the device in front of you shows this very code");
        // What is kept, and would be signed, has it; another request has another.
        let user = world.user_id("alice").await;
        let kept = world.begin().await.screen(&found.id, &user).await.unwrap();
        assert!(kept.unwrap().contains(&code));
        let receipt = alice.approve_by_password(&page).await;
        receipt.says(&code);
        let other = ask(&world, &cast.planner, &request()).await;
        let page = types(&mut alice, &other.member("user_code")).await;
        page.says(&other.member("user_code"));
        page.does_not_say(&code);
    }
);

both!(
    /// RFC 8628 section 5.1: wrong codes are counted by person; while they pause, a right one is not even looked at.
    rfc_8628_5_1_guessing_is_paused,
    |world| async {
        let cast = Cast::of(&world).await;
        let right = ask(&world, &cast.planner, &request())
            .await
            .member("user_code");
        let mut alice = world.phone_of("alice").await;
        for wrong in ["BBBB-BBBB", "nonsense", "", "CCCC-CCCC", "DDDD-DDDD"] {
            let page = types(&mut alice, wrong).await;
            assert_eq!((page.url.path(), page.reply.status), ("/device", 422), "{wrong}");
        }
        let page = types(&mut alice, &right).await;
        assert_eq!((page.url.path(), page.reply.status), ("/device", 429));
        // Another session of the same person is the same person; another person is not.
        let mut again = world.phone_of("alice").await;
        assert_eq!(types(&mut again, &right).await.reply.status, 429);
        let mut mallory = world.phone_of("mallory").await;
        assert_eq!(types(&mut mallory, "BBBB-BBBB").await.reply.status, 422);
        world.advance(60);
        let page = types(&mut alice, &right).await;
        assert!(page.url.path().starts_with("/app/requests/"), "{}", page.url);
    }
);

both!(
    /// RFC 8628 section 5.1: no node, and no restart, gives more guesses.
    rfc_8628_5_1_guesses_are_counted_over_all_nodes,
    |world| async {
        let cast = Cast::of(&world).await;
        let right = ask(&world, &cast.planner, &request())
            .await
            .member("user_code");
        let mut phones = Vec::new();
        for _ in 0..6 {
            phones.push(world.phone_of("alice").await);
        }
        let node = world.node().await;
        for phone in phones.iter_mut().skip(3) {
            phone.browser.move_to(node.network.clone());
        }
        let racers = phones.into_iter().map(|mut phone| async move {
            let status = types(&mut phone, "BBBB-BBBB").await.reply.status;
            (status, phone)
        });
        let tried = at_once(racers.collect()).await;
        let wrong = tried.iter().filter(|(status, _)| *status == 422).count();
        assert_eq!(wrong, 5);
        let restarted = world.node().await;
        let (_, mut alice) = tried.into_iter().next().unwrap();
        alice.browser.move_to(restarted.network.clone());
        assert_eq!(types(&mut alice, &right).await.reply.status, 429);
        world.advance(60);
        let page = types(&mut alice, &right).await;
        assert!(page.url.path().starts_with("/app/requests/"), "{}", page.url);
    }
);

both!(
    /// RFC 8628 section 5.1: the fewer codes wait, the harder is each to guess; whoever asks for many ends the oldest, but none that
    /// somebody took.
    rfc_8628_5_1_codes_that_wait_are_bounded,
    |world| async {
        Cast::of(&world).await;
        let terminal = terminal(&world).await;
        let form = vec![("scope", "accounts:read".to_owned())];
        let path = "/device_authorization";
        let taken = terminal.send_by(&world, path, &form, None).await;
        let mut alice = world.phone_of("alice").await;
        let page = types(&mut alice, &taken.member("user_code")).await;
        assert!(page.url.path().starts_with("/app/requests/"), "{}", page.url);
        let mut asked = Vec::new();
        for number in 0..=MAX_WAITING_DEVICES {
            let reply = terminal.send_by(&world, path, &form, None).await;
            assert_eq!(reply.status, 200, "{number}: {}", reply.text());
            asked.push(reply.member("device_code"));
            world.advance(u64::from(number == 0));
        }
        let last = asked.len() - 1;
        let device_code = taken.member("device_code");
        for (code, error) in [
            (&asked[0], "expired_token"),
            (&asked[1], "authorization_pending"),
            (&asked[last], "authorization_pending"),
            (&device_code, "authorization_pending"),
        ] {
            let reply = terminal.send(&world, "/token", &poll(code)).await;
            assert_eq!(reply.error(), error, "{}", reply.text());
        }
    }
);

both!(
    /// Whoever took it is who decides; for everybody else the code is as wrong as any.
    a_user_code_belongs_to_the_person_who_typed_it,
    |world| async {
        let cast = Cast::of(&world).await;
        let asked = ask(&world, &cast.planner, &request()).await;
        let code = asked.member("user_code");
        let mut alice = world.phone_of("alice").await;
        let first = types(&mut alice, &code).await;
        let second = types(&mut alice, &code).await;
        assert_eq!(first.url, second.url, "alice may type it again");
        let mut mallory = world.phone_of("mallory").await;
        assert_eq!(types(&mut mallory, &code).await.reply.status, 422);
        let page = mallory.browser.open(first.url.path()).await;
        assert_ne!(page.reply.status, 200, "{}", page.reply.text());
        let found = waiting(&world, &asked.member("device_code")).await;
        assert_eq!(found.subject.unwrap().as_str(), cast.alice);
        // A form of another page of the same person, without its token, takes nothing.
        let asked = ask(&world, &cast.planner, &request()).await;
        let fields = [("user_code", asked.member("user_code"))];
        let page = alice.browser.post("/device", &fields).await;
        assert_eq!(page.reply.status, 403);
        let found = waiting(&world, &asked.member("device_code")).await;
        assert_eq!(found.subject, None);
    }
);

both!(
    /// Person and client are judged when the code is typed and again when the token is fetched.
    everybody_is_judged_again,
    |world| async {
        let cast = Cast::of(&world).await;
        let (code, mut alice, page) = taken(&world, &cast).await;
        alice.approve_by_password(&page).await;
        // She owns the agent too: from then on it asks nobody.
        let asked = ask(&world, &cast.planner, &request()).await;
        world.disable("alice").await;
        let reply = cast.planner.send(&world, "/token", &poll(&code)).await;
        refused(&reply, "invalid_grant", "the person is gone");

        let mut transaction = world.begin().await;
        let planner = ClientId::from_text("agt_planner");
        assert!(transaction.stop_client(&planner, world.now()).await.unwrap());
        transaction.commit().await.unwrap();
        let mut mallory = world.phone_of("mallory").await;
        let page = types(&mut mallory, &asked.member("user_code")).await;
        assert_eq!(page.reply.status, 422, "nobody takes a stopped agent's");
        let reply = cast
            .planner
            .send(&world, "/device_authorization", &request())
            .await;
        assert!(reply.status >= 400, "{}", reply.text());
    }
);

both!(
    /// What was not judged by our own fault is no try.
    a_device_code_that_met_a_database_in_trouble_is_no_failure,
    |world| async {
        let cast = Cast::of(&world).await;
        let right = ask(&world, &cast.planner, &request())
            .await
            .member("user_code");
        let mut alice = world.phone_of("alice").await;
        let page = types(&mut alice, "BBBB-BBBB").await;
        assert_eq!(page.reply.status, 422);
        let (away, back) = (
            "ALTER TABLE pending_requests RENAME TO away",
            "ALTER TABLE away RENAME TO pending_requests",
        );
        world.database.administer(away).await;
        for _ in 0..MAX_CODE_FAILURES {
            let page = types(&mut alice, &right).await;
            assert!(page.reply.status >= 500, "{}", page.reply.text());
        }
        world.database.administer(back).await;
        let page = types(&mut alice, &right).await;
        assert!(page.url.path().starts_with("/app/requests/"));
    }
);
