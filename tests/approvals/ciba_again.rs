//! The same question asked again: one row in the inbox and one buzz, but each counts; whoever looks at the
//! older one is led to the newer one, and what is approved is exactly one request.

use serde_json::{Value, json};
use writ_core::budget::MOST_PER_PAIR;
use writ_core::pending::State;
use writ_server::background::sending;
use writ_testkit::{
    Cast, HttpReceiver, Phone as Hand, Plain, WebPage, World, both, both_heard, enrol_plain,
    minted, poll_form, refused,
};

use crate::client::ciba::{question_of_web, web_file};
use crate::people::webpush::{Phone, plain};

/// Alice, and a web server that asks her something.
struct Again {
    web: Plain,
    first: String,
}

impl Again {
    async fn of(world: &World) -> Self {
        Cast::of(world).await;
        let web = enrol_plain(world, web_file(json!({}))).await;
        let first = asked(world, &web).await;
        Self { web, first }
    }

    async fn asked_again(&self, world: &World) -> String {
        asked(world, &self.web).await
    }

    async fn poll(&self, world: &World, id: &str) -> writ_testkit::TestReply {
        self.web.send(world, "/token", &poll_form(id)).await
    }
}

async fn asked(world: &World, web: &Plain) -> String {
    let reply = web.send(world, "/bc-authorize", &question_of_web()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.member("auth_req_id")
}

/// Where a page of a request is.
fn path_of(id: &str) -> String {
    format!("/app/requests/{id}")
}

async fn is_led_to(world: &World, page: &WebPage, auth_req_id: &str) {
    let id = world.request_id(auth_req_id).await;
    let text = page.reply.text();
    let action = format!("action=\"{}\"", path_of(&id));
    assert!(text.contains(&action), "{text}");
}

async fn home(world: &World) -> Hand {
    world.phone_of("alice").await
}

async fn buzzes(world: &World, receiver: &HttpReceiver) -> Vec<Value> {
    sending::send_due(&world.app).await.unwrap();
    receiver.heard().iter().map(plain).collect()
}

both_heard!(
    a_repeated_question_counts_and_buzzes_once,
    |world, receiver| async {
        let again = Again::of(&world).await;
        let phone = Phone::logged_in(&world, "alice").await;
        phone.subscribe(&world, &receiver.url("/phone")).await;
        assert_eq!(buzzes(&world, &receiver).await.len(), 1);
        for _ in 1..MOST_PER_PAIR {
            world.advance(1);
            again.asked_again(&world).await;
            assert_eq!(buzzes(&world, &receiver).await.len(), 0);
        }
        assert_eq!(home(&world).await.inbox().await.len(), 1);
        let form = question_of_web();
        let over = again.web.send(&world, "/bc-authorize", &form).await;
        assert_eq!(over.refusal(), (403, "access_denied".to_owned()));
        assert_eq!(
            home(&world).await.inbox().await.len(),
            1,
            "the last one waits on"
        );
    }
);

both_heard!(
    what_was_not_told_yet_tells_of_the_newest,
    |world, receiver| async {
        let again = Again::of(&world).await;
        let phone = Phone::logged_in(&world, "alice").await;
        phone.subscribe(&world, &receiver.url("/phone")).await;
        // Asked again before anybody was told.
        let second = again.asked_again(&world).await;
        receiver.answer(503, &[]);
        let first = buzzes(&world, &receiver).await;
        assert_eq!(first.len(), 1, "{first:?}");
        assert_eq!(first[0]["url"], path_of(&world.request_id(&second).await));
        // And before the push service took it, until after the end of the older one.
        world.advance(1);
        let third = again.asked_again(&world).await;
        world.advance(1);
        let told = buzzes(&world, &receiver).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["url"], path_of(&world.request_id(&third).await));
        assert_eq!(
            told[0]["tag"], first[0]["tag"],
            "it takes the place of the other"
        );
        assert!(buzzes(&world, &receiver).await.is_empty());
    }
);

both!(
    ciba_7_3_whoever_lost_the_answer_asks_again_and_gets_one_token,
    |world| async {
        let again = Again::of(&world).await;
        let old = world.request_id(&again.first).await;
        let mut alice = home(&world).await;
        let page = alice.look(&old).await;
        world.advance(10);
        let newer = again.asked_again(&world).await;
        // The page that she has open says so and shows the newer one; nothing is decided by it.
        let shown = alice.approve_by_password(&page).await;
        assert_eq!(shown.reply.status, 409);
        shown.says("The same was asked again while you looked.");
        is_led_to(&world, &shown, &newer).await;
        assert_eq!(world.waiting(&newer).await.state(), State::Viewed);
        // So does the link in the message that told her of the older one.
        let looked = alice.look(&old).await;
        assert_eq!(looked.reply.status, 200);
        is_led_to(&world, &looked, &newer).await;
        let receipt = alice.approve_by_password(&looked).await;
        assert!(receipt.url.path().starts_with("/app/receipts/"));
        refused(
            &again.poll(&world, &again.first).await,
            "expired_token",
            "the older one",
        );
        minted(&again.poll(&world, &newer).await, "the newer one");
        assert_eq!(world.events_named("approval.approved").await.len(), 1);
        assert_eq!(world.events_named("token.issued").await.len(), 1);
        alice.look(&old).await.says("You approved this");
    }
);

both!(
    a_no_to_the_older_one_is_a_no_to_the_newer_one,
    |world| async {
        let again = Again::of(&world).await;
        let old = world.request_id(&again.first).await;
        let mut alice = home(&world).await;
        let page = alice.look(&old).await;
        let second = again.asked_again(&world).await;
        let newest = again.asked_again(&world).await;
        alice.refuse(&page, "deny").await;
        assert_eq!(world.waiting(&newest).await.state(), State::Denied);
        refused(
            &again.poll(&world, &newest).await,
            "access_denied",
            "she said no",
        );
        refused(
            &again.poll(&world, &second).await,
            "expired_token",
            "in between",
        );
        assert!(alice.inbox().await.is_empty());
    }
);

both!(nobody_else_is_led_to_the_newer_one, |world| async {
    let again = Again::of(&world).await;
    let old = world.request_id(&again.first).await;
    again.asked_again(&world).await;
    let mut mallory = world.phone_of("mallory").await;
    assert_eq!(mallory.look(&old).await.reply.status, 404);
});
