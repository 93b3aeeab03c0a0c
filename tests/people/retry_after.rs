//! `Retry-After` of a page tells the truth (RFC 9110 section 10.2.3): a second earlier nothing is looked at, then the next try is.

use std::ops::AsyncFnMut;

use writ_core::authorize::{MAX_FRONT_REQUESTS, MAX_FRONT_REQUESTS_OF_HOUR};
use writ_core::password::MAX_PASSWORD_TRIES_OF_DAY;
use writ_testkit::{Cast, PASSWORD, TestReply, Web, World, both, front_url};

use crate::client::device::{ask, request, types};

/// In seconds, of a reply that is a refusal by a limit.
fn told(reply: &TestReply) -> u64 {
    assert_eq!(reply.status, 429, "{}", reply.text());
    reply.header("retry-after").unwrap().parse().unwrap()
}

/// The next try is refused, and says `seconds`; after so many it is looked at, and not before.
async fn admitted_after(seconds: u64, world: &World, mut next: impl AsyncFnMut() -> TestReply) {
    assert_eq!(told(&next().await), seconds);
    world.advance(seconds - 1);
    assert_eq!(told(&next().await), 1);
    world.advance(1);
    let reply = next().await;
    assert_ne!(reply.status, 429, "{}", reply.text());
}

async fn log_in(world: &World, from: &str, password: &str) -> TestReply {
    let mut browser = world.browser_at(from);
    let page = browser.open("/login").await;
    browser.log_in(&page, "alice", password).await.reply
}

both!(
    wrong_passwords_in_a_row_end_with_their_pause,
    |world| async {
        Cast::of(&world).await;
        for _ in 0..5 {
            assert_eq!(log_in(&world, "203.0.113.9", "wrong").await.status, 422);
        }
        world.advance(20);
        let next = async || log_in(&world, "203.0.113.9", PASSWORD).await;
        admitted_after(40, &world, next).await;
    }
);

both!(the_passwords_of_a_day_end_with_the_day, |world| async {
    Cast::of(&world).await;
    let tries = usize::try_from(MAX_PASSWORD_TRIES_OF_DAY).unwrap();
    for place in 0..tries {
        let from = format!("198.18.{}.9", place / 5);
        assert_eq!(log_in(&world, &from, "wrong").await.status, 422);
    }
    // From a network that is paused as well: the longer one counts.
    let next = async || log_in(&world, "198.18.0.9", PASSWORD).await;
    // It is 14:13:20 in UTC.
    admitted_after(35_200, &world, next).await;
});

both!(
    wrong_passwords_of_a_session_end_with_their_pause,
    |world| async {
        let cast = Cast::of(&world).await;
        cast.token(&world).await;
        let asked = cast.planner.asked(&world, &cast.question()).await;
        let id = world.request_id(&asked).await;
        let mut phone = world.phone_of("alice").await;
        let typed = |password: &str| {
            [
                ("setting", "user_code".to_owned()),
                ("user_code", "open sesame".to_owned()),
                ("password", password.to_owned()),
            ]
        };
        for _ in 0..5 {
            let page = phone.post("/app/settings", &typed("wrong")).await;
            assert_eq!(page.reply.status, 422);
        }
        world.advance(15);
        let page = phone.look(&id).await;
        assert_eq!(told(&phone.approve_by_password(&page).await.reply), 45);
        let next = async || phone.post("/app/settings", &typed(PASSWORD)).await.reply;
        admitted_after(45, &world, next).await;
    }
);

both!(wrong_device_codes_end_with_their_pause, |world| async {
    let cast = Cast::of(&world).await;
    let right = ask(&world, &cast.planner, &request()).await;
    let right = right.member("user_code");
    let mut phone = world.phone_of("alice").await;
    for _ in 0..5 {
        assert_eq!(types(&mut phone, "BBBB-BBBB").await.reply.status, 422);
    }
    world.advance(7);
    let next = async || types(&mut phone, &right).await.reply;
    admitted_after(53, &world, next).await;
});

both!(
    requests_of_an_address_end_with_their_window,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, serde_json::json!({})).await;
        let url = front_url(&web.request());
        let from = "203.0.113.7".parse().unwrap();
        let next = async || world.get_from(from, &url, &[]).await;
        for _ in 0..MAX_FRONT_REQUESTS {
            assert_eq!(next().await.status, 303);
        }
        // It is 20 seconds past a minute, and 13 minutes past an hour.
        admitted_after(40, &world, &next).await;
        let minutes = u32::try_from(MAX_FRONT_REQUESTS).unwrap();
        let minutes = MAX_FRONT_REQUESTS_OF_HOUR.div_ceil(minutes);
        for _ in 2..minutes {
            while next().await.status == 303 {}
            world.advance(60);
        }
        while next().await.status == 303 {}
        let end = (3600 - world.now().seconds().rem_euclid(3600)).unsigned_abs();
        admitted_after(end, &world, &next).await;
    }
);
