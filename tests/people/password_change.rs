//! A new password: by the person with the one until now, or by the operator. It ends every other login, no other browser is known any more, and
//! the person is told.

use serde_json::json;
use writ_testkit::{Cast, PASSWORD, Phone, TestBrowser, WebPage, World, both};

use crate::operate::registered::writ_reading;

const NEW: &str = "seven green kettles sing";
const KNOWN: &str = "writ-known-loopback-default";

async fn signed_in(world: &World) -> Phone {
    let mut phone = world.phone(1);
    phone.sign_in("alice").await;
    phone
}

async fn change(phone: &mut Phone, [old, new, again]: [&str; 3]) -> WebPage {
    let fields = [
        ("setting", "password".to_owned()),
        ("password", old.to_owned()),
        ("new_password", new.to_owned()),
        ("new_password_again", again.to_owned()),
    ];
    phone.post("/app/settings", &fields).await
}

async fn logs_in(mut browser: TestBrowser, password: &str) -> bool {
    let page = browser.open("/login").await;
    let page = browser.log_in(&page, "alice", password).await;
    page.url.path() == "/app"
}

both!(
    a_person_changes_their_password_with_the_old_one,
    |world| async {
        Cast::of(&world).await;
        let (mut phone, mut other) = (signed_in(&world).await, signed_in(&world).await);
        let done = change(&mut phone, [PASSWORD, NEW, NEW]).await;
        assert_eq!(done.reply.status, 200, "{}", done.reply.text());
        done.says("Your password was changed");
        assert_eq!(
            phone.browser.open("/app").await.url.path(),
            "/app",
            "who did it stays"
        );
        assert_eq!(other.browser.open("/app").await.url.path(), "/login");
        assert!(!logs_in(world.browser(), PASSWORD).await);
        assert!(logs_in(world.browser(), NEW).await);
        let events = world.events_named("user.changed").await;
        let told = json!({
            "by": "subject", "setting": "password", "sessions_ended": 1, "proof": "password"
        });
        assert_eq!(events[0].data, told);
        let activity = phone.browser.open("/app/activity").await;
        activity.says("You changed your password");
        activity.does_not_say("You changed your settings");
    }
);

both!(
    what_is_wrong_with_a_new_password_is_said_and_nothing_changes,
    |world| async {
        Cast::of(&world).await;
        let mut phone = signed_in(&world).await;
        let long = "x9".repeat(600);
        for ([old, new, again], says) in [
            (["wrong", NEW, NEW], "The password is not right"),
            (["wrong", "short", "short"], "The password is not right"),
            (
                [PASSWORD, NEW, "seven green kettles sang"],
                "The two new passwords differ",
            ),
            ([PASSWORD, "", ""], "at least 15 characters"),
            (
                [PASSWORD, "fourteen chars", "fourteen chars"],
                "at least 15 characters",
            ),
            ([PASSWORD, &long, &long], "longer than a password can be"),
            (
                [PASSWORD, "1Q2W3E4R5T6Y7U8I", "1Q2W3E4R5T6Y7U8I"],
                "known from a data breach",
            ),
            (
                [PASSWORD, "alicealicealice", "alicealicealice"],
                "easily guessed",
            ),
        ] {
            let refused = change(&mut phone, [old, new, again]).await;
            assert_eq!(refused.reply.status, 422, "{new}");
            refused.says(says);
            assert!(!refused.reply.text().contains(&long));
        }
        assert!(logs_in(world.browser(), PASSWORD).await);
        assert!(world.events_named("user.changed").await.is_empty());
    }
);

both!(
    a_new_password_forgets_every_other_known_browser,
    |world| async {
        Cast::of(&world).await;
        let (mut phone, other) = (signed_in(&world).await, signed_in(&world).await);
        let before = phone.browser.cookies[KNOWN].clone();
        assert_eq!(
            change(&mut phone, [PASSWORD, NEW, NEW]).await.reply.status,
            200
        );
        assert_ne!(phone.browser.cookies[KNOWN], before);
        lock_out(&world).await;
        // Only the browser of the change has a way in of its own.
        let mut known = world.browser();
        known
            .cookies
            .insert(KNOWN.to_owned(), phone.browser.cookies[KNOWN].clone());
        assert!(logs_in(known, NEW).await);
        for old in [before, other.browser.cookies[KNOWN].clone()] {
            let mut forgotten = world.browser();
            forgotten.cookies.insert(KNOWN.to_owned(), old);
            assert!(!logs_in(forgotten, NEW).await);
        }
    }
);

both!(
    an_operators_new_password_or_stop_forgets_all_known_browsers,
    |world| async {
        Cast::of(&world).await;
        for (round, commands) in [
            &[&["user", "password", "alice", "--password-stdin"][..]][..],
            &[&["user", "disable", "alice"], &["user", "enable", "alice"]],
        ]
        .into_iter()
        .enumerate()
        {
            world.advance(3600);
            let known = signed_in(&world).await.browser.cookies[KNOWN].clone();
            for command in commands {
                let done = writ_reading(&world, command, PASSWORD);
                assert_eq!(done.status.code(), Some(0), "{command:?}");
            }
            lock_out(&world).await;
            let mut forgotten = world.browser();
            forgotten.cookies.insert(KNOWN.to_owned(), known);
            assert!(!logs_in(forgotten, PASSWORD).await, "{round}");
        }
    }
);

/// Guesses from where the tests' browsers are.
async fn lock_out(world: &World) {
    for _ in 0..5 {
        assert!(!logs_in(world.browser(), "wrong").await);
    }
    assert!(!logs_in(world.browser(), PASSWORD).await);
}
