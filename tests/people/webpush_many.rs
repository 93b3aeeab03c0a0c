//! How many browsers of a person are told, and what is on record of them.

use http::Method;
use serde_json::{Value, json};
use writ_core::pending::Delivery;
use writ_server::background::sending;
use writ_store::push::MAX_SUBSCRIPTIONS;
use writ_testkit::{World, both_heard};

use crate::approvals::notices::Told;
use crate::people::webpush::Phone;

async fn remove(world: &World, phone: &Phone, endpoint: &str) -> u16 {
    let headers = [
        ("cookie", phone.cookie.as_str()),
        ("x-csrf", &phone.csrf),
        ("content-type", "application/json"),
    ];
    let body = json!({ "endpoint": endpoint }).to_string().into_bytes();
    let path = "/app/devices/push/remove";
    world.send(Method::POST, path, &headers, body).await.status
}

/// What became of browsers, oldest first.
async fn changes(world: &World) -> Vec<Value> {
    let changes = world.events_named("user.changed").await.into_iter();
    changes.map(|event| event.data["push"].clone()).collect()
}

both_heard!(
    newer_browsers_do_not_hide_the_older_ones,
    |world, receiver| async {
        let told = Told::of(&world, "poll", None).await;
        let phone = Phone::logged_in(&world, "alice").await;
        let subscribe = async |path: &str| {
            world.advance(1);
            let endpoint = receiver.url(path);
            phone.subscribe(&world, &endpoint).await.status
        };
        assert_eq!(subscribe("/phone").await, 204);
        for number in 1..MAX_SUBSCRIPTIONS {
            assert_eq!(subscribe(&format!("/{number}")).await, 204, "{number}");
        }
        for number in 0..3 {
            assert_eq!(subscribe(&format!("/more/{number}")).await, 409);
        }
        assert_eq!(subscribe("/1").await, 204, "it is no new one");
        // Each of them heard of the next ones.
        let mut heard = 1;
        while heard > 0 {
            sending::send_due(&world.app).await.unwrap();
            heard = receiver.heard().len();
        }
        told.ask(&world, Delivery::Poll, &[&told.alice]).await;
        sending::send_due(&world.app).await.unwrap();
        let heard = receiver.heard();
        assert_eq!(heard.len(), usize::try_from(MAX_SUBSCRIPTIONS).unwrap());
        assert!(heard.iter().any(|heard| heard.path == "/phone"));
        let away = receiver.url("/2");
        assert_eq!(remove(&world, &phone, &away).await, 204);
        assert_eq!(subscribe("/more").await, 204, "there is room again");
    }
);

both_heard!(
    a_browser_that_comes_or_goes_is_on_record,
    |world, receiver| async {
        let told = Told::of(&world, "poll", None).await;
        let phone = Phone::logged_in(&world, "alice").await;
        let endpoint = receiver.url("/phone");
        for _ in 0..2 {
            phone.subscribe(&world, &endpoint).await;
        }
        assert_eq!(changes(&world).await, ["added"], "once");
        world.advance(1);
        for _ in 0..2 {
            remove(&world, &phone, &endpoint).await;
        }
        assert_eq!(changes(&world).await, ["added", "removed"]);
        let events = world.events_named("user.changed").await;
        for event in &events {
            assert_eq!(event.subject.as_deref(), Some(told.alice.as_str()));
            assert!(
                !format!("{event:?}").contains(&receiver.origin),
                "an endpoint is a secret"
            );
        }
    }
);
