//! The record says of a guest that it is one: every event that a guest caused has `profile`, those of tokens above all.

use serde_json::{Value, json};
use writ_testkit::{Change, TestGuest, Web, World, both_with};

use crate::client::dynamic_registration::{CALLBACK, Itself, OPEN};

/// A code, two refreshes, refusals at `/token` with a grant and without one, and one at `/par`, and a revocation.
async fn life(world: &World, guest: &TestGuest) {
    let first = guest.granted(world).await;
    let second = guest.refreshed(world, &first.member("refresh_token")).await;
    assert_eq!(second.status, 200, "{}", second.text());
    let refused = guest.send(world, &guest.redeem_form("no-code"), None).await;
    assert_eq!(refused.status, 400);
    let wider = guest.refresh_form(&second.member("refresh_token"));
    let wider = wider.with("scope", "accounts:write");
    assert_eq!(guest.send(world, &wider, None).await.status, 400);
    let wrong = guest.request().with("response_type", "token");
    assert_eq!(guest.send_to(world, "/par", &wrong, None).await.status, 400);
    let pushed = guest.send_to(world, "/par", &guest.request(), None).await;
    assert_eq!(pushed.status, 201);
    let form = vec![("token", second.member("refresh_token"))];
    let revoked = guest.send_to(world, "/revoke", &form, None).await;
    assert_eq!(revoked.status, 200, "{}", revoked.text());
}

both_with!(
    every_event_of_a_guest_says_its_profile,
    OPEN,
    |world| async {
        let (_, of_a_document) = TestGuest::visit(&world).await;
        let registered = Itself::of(&world, json!({})).await;
        let registered = TestGuest {
            id: registered.id().to_owned(),
            ..TestGuest::at(CALLBACK)
        };
        for guest in [&of_a_document, &registered] {
            life(&world, guest).await;
            let mut events = world.events().await;
            events.retain(|event| event.client.as_deref() == Some(guest.id.as_str()));
            for name in [
                "consent.given",
                "task.approved",
                "token.issued",
                "token.refreshed",
                "token.refused",
                "token.revoked",
            ] {
                assert!(events.iter().any(|event| event.name == name), "no {name}");
            }
            for event in &events {
                assert_eq!(
                    event.data["profile"],
                    json!("guest"),
                    "{}: {}",
                    event.name,
                    event.data
                );
            }
            // What the event said before is still there.
            let issued = events
                .iter()
                .find(|event| event.name == "token.issued")
                .unwrap();
            assert_eq!(issued.data["scope"], json!("accounts:read"));
            // Anybody can make a guest: what it pushes is no event, and what it is refused without a grant is counted alone.
            for name in ["task.proposed", "request.refused"] {
                assert!(!events.iter().any(|event| event.name == name), "{name}");
            }
            let refused = events.iter().filter(|event| event.name == "token.refused");
            assert_eq!(refused.count(), 1);
        }
    }
);

both_with!(
    events_of_registered_clients_have_no_profile,
    OPEN,
    |world| async {
        TestGuest::visit(&world).await;
        let web = Web::register(&world, json!({})).await;
        let code = web.code(&world, &web.request()).await;
        let reply = web
            .send(&world, "/token", &web.redeem_form(&code), &[])
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let issued = world.events_named("token.issued").await;
        assert_eq!(issued.len(), 1);
        assert_eq!(issued[0].data.get("profile"), None::<&Value>);
    }
);

both_with!(tokens_of_guests_are_counted_apart, OPEN, |world| async {
    let (_, guest) = TestGuest::visit(&world).await;
    let first = guest.granted(&world).await;
    guest
        .refreshed(&world, &first.member("refresh_token"))
        .await;
    for grant in ["authorization_code", "refresh_token"] {
        let line = format!("writ_tokens_issued_total{{grant=\"{grant}\",profile=\"guest\"}} 1");
        let metrics = world.app.metrics.render();
        assert!(metrics.contains(&line), "{metrics}");
    }
});
