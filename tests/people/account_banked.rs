//! Whoever had the password before a reset may have agreed to something, stopped something, or be signing in at this very moment: nothing of
//! that is good afterwards.

use writ_testkit::{BANK, Cast, PASSWORD, TestBrowser, World, both, refused};

use super::account::{NEW, finish, link, reset, text};
use super::undo::{is_active, offered, stop, undo};

/// Enough that a login is compared while the reset commits.
const ROUNDS: usize = 6;

/// Another password, in a browser of its own, which is signed in then.
async fn recover(world: &World) -> TestBrowser {
    let printed = reset(world, "alice").await.unwrap();
    let mut browser = world.browser();
    let page = browser.open(&link(&printed)).await;
    let done = finish(&mut browser, &page, &text(&printed, "code"), NEW).await;
    assert_eq!(done.reply.status, 200, "{}", done.words());
    browser
}

both!(
    what_was_approved_and_not_fetched_is_good_for_nothing_after_a_reset,
    |world| async {
        let cast = Cast::of(&world).await;
        // It may ask her: she agreed to it before.
        cast.granted(&world, &cast.planner, &cast.request(), BANK)
            .await;
        let asked = cast.planner.asked(&world, &cast.question()).await;
        let mut phone = world.phone_of("alice").await;
        let page = phone.look(&world.request_id(&asked).await).await;
        phone.approve_by_password(&page).await;
        recover(&world).await;
        let polled = cast.planner.poll(&world, &asked).await;
        refused(&polled, "expired_token", "agreed to before the reset");
        let ended = world.events_named("approval.expired").await;
        assert_eq!(
            ended[0].reason.as_deref(),
            Some("its person set another password since")
        );
    }
);

both!(no_stop_is_taken_back_after_a_reset, |world| async {
    let cast = Cast::of(&world).await;
    let grant = cast
        .granted(&world, &cast.planner, &cast.request(), BANK)
        .await;
    let mut phone = world.phone_of("alice").await;
    let page = stop(&mut phone, "agt_planner").await;
    let offer = offered(&page);
    // There is more time for the proof from here on.
    phone.browser.submit(&page, "stop-undo", &[]).await;
    phone.browser = recover(&world).await;
    let undone = undo(&mut phone, &offer, &[("password", NEW)]).await;
    undone.does_not_say("Undone");
    assert!(!is_active(&world, &cast, &grant.access_token()).await);
});

both!(
    a_login_by_the_old_password_beside_a_reset_is_over_with_it,
    |world| async {
        Cast::of(&world).await;
        let mut old = PASSWORD.to_owned();
        for round in 0..ROUNDS {
            let new = format!("seven green kettles sang {round}");
            let printed = reset(&world, "alice").await.unwrap();
            let (mut fresh, mut other) = (world.browser(), world.browser());
            let page = fresh.open(&link(&printed)).await;
            let form = other.open("/login").await;
            let code = text(&printed, "code");
            let (done, _) = tokio::join!(
                finish(&mut fresh, &page, &code, &new),
                other.log_in(&form, "alice", &old)
            );
            assert_eq!(done.reply.status, 200, "{}", done.words());
            assert_eq!(other.open("/app").await.url.path(), "/login", "{round}");
            old = new;
        }
    }
);
