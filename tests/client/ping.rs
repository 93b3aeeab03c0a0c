//! Ping (CIBA 10.2): the client is told that there is something to fetch, by the token that it gave, until it hears.

use serde_json::json;
use writ_core::pending::{Delivery, State};
use writ_server::background::sending;
use writ_testkit::{HttpReceiver, World, both_heard, minted, poll_form, refused};

use crate::approvals::notices::{NOTIFICATION_TOKEN, Told, WAIT, decide, notices_of, told};
use crate::client::push::ask_to_be_told;

async fn ended(
    world: &World,
    receiver: &HttpReceiver,
    state: State,
) -> writ_core::pending::PendingRequest {
    let told = Told::of(world, "ping", Some(&receiver.url("/ping?of=me"))).await;
    let request = told.ask(world, Delivery::Ping, &[&told.alice]).await;
    sending::send_due(&world.app).await.unwrap();
    assert!(receiver.heard().is_empty(), "nothing to fetch yet");
    decide(world, &request, state).await;
    request
}

both_heard!(
    ciba_10_2_a_ping_names_the_request_and_shows_the_token,
    |world, receiver| async {
        let request = ended(&world, &receiver, State::Approved).await;
        sending::send_due(&world.app).await.unwrap();
        let heard = receiver.only();
        assert_eq!(heard.path, "/ping?of=me");
        assert_eq!(
            heard.header("authorization"),
            format!("Bearer {NOTIFICATION_TOKEN}")
        );
        assert_eq!(heard.header("content-type"), "application/json");
        let handle = format!("handle-of-{}", request.id);
        assert_eq!(heard.json(), json!({ "auth_req_id": handle }));
    }
);

both_heard!(ciba_10_2_a_denial_is_pinged_too, |world, receiver| async {
    ended(&world, &receiver, State::Denied).await;
    receiver.answer(200, &[]);
    sending::send_due(&world.app).await.unwrap();
    receiver.only();
    world.advance(WAIT - 1);
    sending::send_due(&world.app).await.unwrap();
    assert!(receiver.heard().is_empty(), "200 is as good as 204");
});

both_heard!(a_failed_ping_is_sent_again, |world, receiver| async {
    ended(&world, &receiver, State::Approved).await;
    for (status, pause) in [(500, 0), (503, 2), (429, 10), (302, 60)] {
        world.advance(pause);
        receiver.answer(status, &[("location", &receiver.url("/elsewhere"))]);
        sending::send_due(&world.app).await.unwrap();
        assert_eq!(receiver.only().path, "/ping?of=me", "{status}");
        sending::send_due(&world.app).await.unwrap();
        assert!(receiver.heard().is_empty(), "no sooner than it is due");
    }
    world.advance(WAIT - 72 - 5);
    sending::send_due(&world.app).await.unwrap();
    assert_eq!(receiver.only().path, "/ping?of=me", "the last chance");
    let ends = told(&world).await;
    let ping = ends.iter().find(|end| end["channel"] == "ping").unwrap();
    assert_eq!(
        (&ping["reached"], &ping["attempts"]),
        (&json!(true), &json!(5))
    );
});

both_heard!(
    a_redirect_of_a_ping_is_not_followed,
    |world, receiver| async {
        ended(&world, &receiver, State::Approved).await;
        let elsewhere = HttpReceiver::start().await;
        for status in [301, 302, 307, 308] {
            receiver.answer(status, &[("location", &elsewhere.url("/"))]);
            sending::send_due(&world.app).await.unwrap();
            world.advance(60);
        }
        assert!(!receiver.heard().is_empty());
        assert!(elsewhere.heard().is_empty());
    }
);

both_heard!(a_refusal_for_good_ends_it, |world, receiver| async {
    let request = ended(&world, &receiver, State::Approved).await;
    receiver.answer(404, &[]);
    sending::send_due(&world.app).await.unwrap();
    receiver.only();
    world.advance(60);
    sending::send_due(&world.app).await.unwrap();
    assert!(receiver.heard().is_empty());
    let ends = told(&world).await;
    let ping = ends.iter().find(|end| end["channel"] == "ping").unwrap();
    assert_eq!(ping["outcome"], "status 404");
    let left = notices_of(&world, &request).await;
    assert!(left.iter().all(|notice| notice.sealed.is_empty()));
});

both_heard!(
    a_receiver_may_ask_for_a_longer_pause,
    |world, receiver| async {
        ended(&world, &receiver, State::Approved).await;
        receiver.answer(503, &[("retry-after", "120")]);
        sending::send_due(&world.app).await.unwrap();
        receiver.only();
        world.advance(119);
        sending::send_due(&world.app).await.unwrap();
        assert!(receiver.heard().is_empty());
        world.advance(1);
        sending::send_due(&world.app).await.unwrap();
        receiver.only();
    }
);

both_heard!(a_ping_ends_with_its_request, |world, receiver| async {
    ended(&world, &receiver, State::Approved).await;
    for _ in 0..WAIT {
        receiver.answer(500, &[]);
    }
    for _ in 0..WAIT / 10 {
        sending::send_due(&world.app).await.unwrap();
        world.advance(10);
    }
    let tried = receiver.heard().len();
    assert!((4..=8).contains(&tried), "{tried}");
    world.advance(WAIT);
    sending::send_due(&world.app).await.unwrap();
    assert!(receiver.heard().is_empty());
});

both_heard!(
    /// From the question over the phone to the ping and the token; a denial is fetched like a token.
    ciba_10_2_what_was_pinged_can_be_fetched,
    |world, receiver| async {
        let asked = ask_to_be_told(&world, "ping", &receiver.url("/ping")).await;
        let mut alice = world.phone_of("alice").await;
        let page = alice.look(asked.request.id.as_str()).await;
        assert!(receiver.heard().is_empty(), "looking is no answer");
        alice.approve_by_password(&page).await;
        sending::send_due(&world.app).await.unwrap();
        let heard = receiver.only();
        assert_eq!(heard.json(), json!({ "auth_req_id": asked.auth_req_id }));
        let poll = poll_form(&asked.auth_req_id);
        let reply = asked.web.send(&world, "/token", &poll).await;
        assert_eq!(minted(&reply, "pinged")["sub"], asked.cast.alice.as_str());
        let again = asked.web.send(&world, "/token", &poll).await;
        refused(&again, "invalid_grant", "single use");
    }
);
