//! What a push delivers (CIBA 10.3.1): minted once, with the hash claims, and nothing is lost before it is committed.

use serde_json::json;
use writ_core::pending::State;
use writ_jose::hash;
use writ_server::approvals::push::deliver;
use writ_testkit::{Cast, Change, Plain, World, both, claims, enrol_plain, poll_form, refused};

use crate::client::ciba::{question_of_web, web_file};

async fn pushed_to(world: &World) -> Plain {
    let file = web_file(json!({
        "backchannel_token_delivery_mode": "push",
        "backchannel_client_notification_endpoint": "https://web.example/cb"
    }));
    enrol_plain(world, file).await
}

both!(
    ciba_10_3_1_a_push_holds_the_tokens_and_their_hashes,
    |world| async {
        Cast::of(&world).await;
        let web = pushed_to(&world).await;
        let form = question_of_web().with("client_notification_token", "n".repeat(22));
        let bare = web.send_by(&world, "/bc-authorize", &form, None).await;
        refused(&bare, "invalid_request", "no key to bind it to");
        let reply = web.send(&world, "/bc-authorize", &form).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.json().get("interval"), None, "CIBA 7.3: not for push");
        let id = reply.member("auth_req_id");
        let request = world.waiting(&id).await;
        assert!(
            deliver(&world.app, &request.id, &id).await.is_err(),
            "not yet"
        );
        world.approve(&id, "alice").await;
        let poll = web.send(&world, "/token", &poll_form(&id)).await;
        refused(&poll, "unauthorized_client", "CIBA 11: a push client");
        // What is not committed is not gone.
        drop(deliver(&world.app, &request.id, &id).await.ok().unwrap());
        assert_eq!(world.waiting(&id).await.state(), State::Approved);
        let push = deliver(&world.app, &request.id, &id).await.ok().unwrap();
        let response = push.response.clone();
        push.commit().await.ok().unwrap();
        assert_eq!(world.waiting(&id).await.state(), State::Redeemed);
        let token = claims(&response.access_token);
        assert_eq!(token["cnf"]["jkt"], json!(web.dpop.thumbprint()));
        let id_token = claims(response.id_token.as_deref().unwrap());
        assert_eq!(
            id_token["urn:openid:params:jwt:claim:auth_req_id"],
            json!(id)
        );
        assert_eq!(
            id_token["at_hash"],
            json!(hash::at_hash(&response.access_token))
        );
        let refresh = response.refresh_token.as_deref().unwrap();
        assert_eq!(
            id_token["urn:openid:params:jwt:claim:rt_hash"],
            json!(hash::at_hash(refresh))
        );
        assert!(deliver(&world.app, &request.id, &id).await.is_err(), "once");
        assert_eq!(world.events_named("approval.redeemed").await.len(), 1);
    }
);

both!(a_push_is_judged_again_too, |world| async {
    Cast::of(&world).await;
    let web = pushed_to(&world).await;
    let form = question_of_web().with("client_notification_token", "n".repeat(22));
    let id = web.send(&world, "/bc-authorize", &form).await;
    let id = id.member("auth_req_id");
    world.approve(&id, "alice").await;
    let request = world.waiting(&id).await;
    world.disable("alice").await;
    assert!(deliver(&world.app, &request.id, &id).await.is_err());
});

both!(ciba_5_what_is_polled_is_never_pushed, |world| async {
    let cast = Cast::of(&world).await;
    cast.token(&world).await;
    let id = cast.planner.asked(&world, &cast.question()).await;
    world.approve(&id, "alice").await;
    let request = world.waiting(&id).await;
    assert!(deliver(&world.app, &request.id, &id).await.is_err());
    assert_eq!(cast.planner.poll(&world, &id).await.status, 200);
});

both!(ciba_10_3_1_a_push_needs_its_id_token, |world| async {
    Cast::of(&world).await;
    let web = pushed_to(&world).await;
    let form = question_of_web().with("client_notification_token", "n".repeat(22));
    let bare = form.clone().with("scope", "accounts:read");
    let reply = web.send(&world, "/bc-authorize", &bare).await;
    refused(&reply, "invalid_scope", "nothing would bind what is pushed");
    assert_eq!(web.send(&world, "/bc-authorize", &form).await.status, 200);
});
