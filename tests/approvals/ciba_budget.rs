//! Prompt budgets: duplicates collapse, counts have limits, a no makes the next question wait.

use std::time::Duration;

use serde_json::{Value, json};
use writ_core::budget::{MOST_OPEN, MOST_PER_PAIR};
use writ_core::pending::State;
use writ_testkit::{
    Cast, Change, Fields, TestReply, both, both_with, enrol_plain, payment, poll_form, refused,
};

use crate::client::ciba::{question_of_web, web_file};

/// Refused by policy, with the seconds to wait.
#[track_caller]
fn over_budget(reply: &TestReply) -> u64 {
    let found = reply.refusal();
    assert_eq!(found, (403, "access_denied".to_owned()), "{}", reply.text());
    let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(reply.json()["retry_after"], seconds, "the member too");
    seconds
}

fn numbered(form: &Fields, number: u64) -> Fields {
    form.clone()
        .with("binding_message", format!("question {number}"))
}

fn wide() -> Value {
    json!({ "scope": "openid accounts:read accounts:write" })
}

/// One of three contents.
fn about(number: usize) -> Fields {
    let scopes = ["openid accounts:read", "accounts:read", "accounts:write"];
    question_of_web().with("scope", scopes[number - 1])
}

both!(
    the_same_question_takes_the_place_of_the_older_one,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let mut older = cast.planner.asked(&world, &cast.question()).await;
        for _ in 0..3 {
            let newer = cast.planner.asked(&world, &cast.question()).await;
            assert_eq!(world.waiting(&older).await.state(), State::Expired);
            older = newer;
        }
        let first = world.waiting(&older).await;
        let other = cast
            .planner
            .asked(&world, &cast.question_within(&token))
            .await;
        assert_eq!(
            world.waiting(&older).await.state(),
            State::Pending,
            "within a task is another"
        );
        let amount = json!([payment("300.01")]).to_string();
        let dearer = cast.question().with("authorization_details", amount);
        cast.planner.asked(&world, &dearer).await;
        assert_eq!(world.waiting(&other).await.state(), State::Pending);
        assert_ne!(first.asked_hash, world.waiting(&other).await.asked_hash);
        let inbox = world
            .begin()
            .await
            .inbox(&world.user_id("alice").await, world.now(), 100)
            .await
            .unwrap();
        assert_eq!(inbox.len(), 3, "one for each question");
        // A superseded one is over for its client too.
        let id = cast.planner.asked(&world, &cast.question()).await;
        refused(
            &cast.planner.poll(&world, &older).await,
            "expired_token",
            "superseded",
        );
        refused(
            &cast.planner.poll(&world, &id).await,
            "authorization_pending",
            "the newest",
        );
    }
);

both!(the_number_of_questions_has_a_limit, |world| async {
    let cast = Cast::of(&world).await;
    cast.token(&world).await;
    for number in 0..MOST_OPEN {
        cast.planner
            .asked(&world, &numbered(&cast.question(), number))
            .await;
    }
    let more = numbered(&cast.question(), 99);
    assert!(over_budget(&cast.planner.ask(&world, &more).await) > 0);
    let same = numbered(&cast.question(), 0);
    cast.planner.asked(&world, &same).await;
    // When those have ended there is room again, up to the number of one hour; the copy is one of them.
    for round in 1..MOST_PER_PAIR / MOST_OPEN {
        world.advance(300);
        cast.token(&world).await;
        let asked = MOST_OPEN * round + 1;
        for number in 0..MOST_OPEN.min(MOST_PER_PAIR - asked) {
            let form = numbered(&cast.question(), round * 100 + number);
            cast.planner.asked(&world, &form).await;
        }
    }
    world.advance(300);
    assert!(over_budget(&cast.planner.ask(&world, &more).await) > 0);
    world.advance(3600);
    cast.token(&world).await;
    cast.planner.asked(&world, &more).await;
    assert!(
        world.events_named("request.refused").await.len() >= 2,
        "on record"
    );
});

both!(after_a_denial_the_pause_grows, |world| async {
    Cast::of(&world).await;
    let web = enrol_plain(&world, web_file(json!({}))).await;
    let question = question_of_web();
    let mut expected = 60;
    for _ in 0..3 {
        let reply = web.send(&world, "/bc-authorize", &question).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        world.deny(&reply.member("auth_req_id"), "alice").await;
        let reply = web.send(&world, "/bc-authorize", &question).await;
        assert_eq!(over_budget(&reply), expected);
        world.advance(expected - 1);
        let reply = web.send(&world, "/bc-authorize", &question).await;
        assert_eq!(over_budget(&reply), 1);
        world.advance(1);
        expected *= 4;
    }
    // A yes begins anew.
    let reply = web.send(&world, "/bc-authorize", &question).await;
    world.approve(&reply.member("auth_req_id"), "alice").await;
    world.advance(1);
    let reply = web.send(&world, "/bc-authorize", &question).await;
    world.deny(&reply.member("auth_req_id"), "alice").await;
    let reply = web.send(&world, "/bc-authorize", &question).await;
    assert_eq!(over_budget(&reply), 60);
});

both!(
    /// One no says nothing about other questions; two in a row do, for a shorter time.
    another_question_waits_after_a_second_no,
    |world| async {
        Cast::of(&world).await;
        let web = enrol_plain(&world, web_file(wide())).await;
        let ask = async |number: usize| {
            let form = about(number);
            web.send(&world, "/bc-authorize", &form).await
        };
        let deny = async |reply: &TestReply| {
            assert_eq!(reply.status, 200, "{}", reply.text());
            world.deny(&reply.member("auth_req_id"), "alice").await;
        };
        let first = ask(1).await;
        deny(&first).await;
        let form = poll_form(&first.member("auth_req_id"));
        let no = web.send(&world, "/token", &form).await;
        refused(&no, "access_denied", "a no");
        assert_eq!(no.header("retry-after"), None, "is no pause");
        assert_eq!(no.json().get("retry_after"), None);
        assert_eq!(over_budget(&ask(1).await), 60, "the same");
        let reworded = numbered(&about(1), 7);
        let reworded = web.send(&world, "/bc-authorize", &reworded).await;
        assert_eq!(over_budget(&reworded), 60, "in other words");
        deny(&ask(2).await).await;
        assert_eq!(over_budget(&ask(3).await), 60, "a third one");
        world.advance(60);
        deny(&ask(1).await).await;
        assert_eq!(over_budget(&ask(1).await), 240, "its second no");
        assert_eq!(over_budget(&ask(2).await), 240, "the third no in a row");
        world.advance(240);
        let third = ask(3).await;
        world.approve(&third.member("auth_req_id"), "alice").await;
        world.advance(1);
        assert_eq!(ask(1).await.status, 200, "a yes begins anew");
    }
);

both_with!(
    the_pauses_are_configured,
    &[
        ("PROMPTS__PAUSE_SAME", "600"),
        ("PROMPTS__PAUSE_OTHER", "0"),
        ("PROMPTS__LONGEST_PAUSE", "900"),
    ],
    |world| async {
        Cast::of(&world).await;
        let web = enrol_plain(&world, web_file(wide())).await;
        for (number, expected) in [(1, 600), (1, 900), (2, 600), (3, 600)] {
            let form = about(number);
            let reply = web.send(&world, "/bc-authorize", &form).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            world.deny(&reply.member("auth_req_id"), "alice").await;
            let again = web.send(&world, "/bc-authorize", &form).await;
            assert_eq!(over_budget(&again), expected, "{number}");
            world.advance(if number == 1 { expected } else { 0 });
        }
    }
);

both!(
    rfc_9110_10_2_3_whoever_waits_as_long_as_told_is_not_refused_again,
    |world| async {
        Cast::of(&world).await;
        let web = enrol_plain(&world, web_file(json!({}))).await;
        let question = question_of_web();
        let reply = web.send(&world, "/bc-authorize", &question).await;
        world.deny(&reply.member("auth_req_id"), "alice").await;
        world.clock.advance(Duration::from_millis(400));
        let reply = web.send(&world, "/bc-authorize", &question).await;
        let wait = over_budget(&reply);
        assert_eq!(wait, 60, "59.6 seconds are left");
        world.advance(wait);
        let reply = web.send(&world, "/bc-authorize", &question).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
);
