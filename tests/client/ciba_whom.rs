//! Whom a client that is no agent may ask: who agreed to something for it that lives, and whom its record names. To everybody else
//! it is as if they were not there (CIBA 13), by every kind of hint, and their budget is not touched.

use serde_json::json;
use writ_core::budget::MOST_PER_PERSON;
use writ_core::id::UserId;
use writ_testkit::{
    Cast, Change, Fields, PASSWORD, Plain, Web, World, agent_file, both, enrol, enrol_plain,
    front_url, poll_form, refused,
};
use writ_wire::token::GrantType;

use crate::client::ciba::{question_of_web, web_file};

fn sign_in(name: &str) -> Fields {
    question_of_web().with("login_hint", name)
}

/// A client that logs people in and asks them, and remembers what they agreed to.
async fn shop(world: &World, more: serde_json::Value) -> (Web, Plain) {
    let mut file = json!({
        "grant_types": ["authorization_code", "refresh_token", GrantType::Ciba.as_str()]
    });
    writ_testkit::merge(&mut file, more);
    let web = Web::register(world, file).await;
    let asks = Plain {
        id: web.id.clone(),
        secret: web.secret.clone(),
        dpop: writ_testkit::Forge::new(&world.random),
    };
    (web, asks)
}

both!(
    ciba_13_whom_it_may_not_ask_is_as_if_not_there,
    |world| async {
        let cast = Cast::of(&world).await;
        let web = enrol_plain(&world, web_file(json!({ "may_ask": ["mallory"] }))).await;
        let mut answers = Vec::new();
        for name in ["nobody", "alice", cast.alice.as_str()] {
            let reply = web.send(&world, "/bc-authorize", &sign_in(name)).await;
            refused(&reply, "unknown_user_id", name);
            answers.push((reply.status, reply.json()));
        }
        assert!(answers.iter().all(|one| *one == answers[0]), "{answers:?}");
        let reply = web.send(&world, "/bc-authorize", &sign_in("mallory")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        // With the user code of a person it may not ask it learns no more.
        let coded = json!({
            "client_id": "coded", "backchannel_user_code_parameter": true, "may_ask": null
        });
        let coded = enrol_plain(&world, web_file(coded)).await;
        for name in ["nobody", "alice"] {
            let reply = coded.send(&world, "/bc-authorize", &sign_in(name)).await;
            assert_eq!((reply.status, reply.json()), answers[0], "{name}");
        }
    }
);

both!(
    whoever_may_not_ask_uses_up_nothing_of_what_others_may,
    |world| async {
        let cast = Cast::of(&world).await;
        let web = enrol_plain(&world, web_file(json!({ "may_ask": null }))).await;
        for _ in 0..=MOST_PER_PERSON {
            let reply = web.send(&world, "/bc-authorize", &sign_in("alice")).await;
            refused(&reply, "unknown_user_id", "never agreed");
        }
        let mut file = agent_file("agt_asker", "mallory");
        file["agent"]["may_ask"] = json!(["alice"]);
        let agent = enrol(&world, file).await;
        agent.asked(&world, &cast.question()).await;
    }
);

both!(
    who_agreed_to_it_may_be_asked_until_that_ends,
    |world| async {
        let cast = Cast::of(&world).await;
        let (web, asks) = shop(&world, json!({})).await;
        let form = web.request().with("scope", "openid accounts:read");
        let question = sign_in("alice");
        let reply = asks.send(&world, "/bc-authorize", &question).await;
        refused(&reply, "unknown_user_id", "before she agreed");
        let tokens = signed_in(&world, &web, &form).await;
        let reply = asks.send(&world, "/bc-authorize", &question).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        world.deny(&reply.member("auth_req_id"), "alice").await;
        world.advance(60);
        let mut transaction = world.begin().await;
        let alice = UserId::from_text(cast.alice.as_str());
        let now = world.now();
        let tasks = transaction.live_tasks_of_person(&alice, None, now, 9).await;
        let tasks = tasks.unwrap();
        assert!(!tasks.is_empty());
        for stored in tasks {
            let task = &stored.task.id;
            assert!(transaction.stop_task(task, now).await.unwrap());
        }
        transaction.commit().await.unwrap();
        let reply = asks.send(&world, "/bc-authorize", &question).await;
        refused(&reply, "unknown_user_id", "it ended");
        // Who she is, it knows still: that is no leave to ask her.
        let hint = question
            .without("login_hint")
            .and("id_token_hint", tokens["id_token"].as_str().unwrap());
        let reply = asks.send(&world, "/bc-authorize", &hint).await;
        refused(&reply, "unknown_user_id", "by her ID token");
    }
);

both!(a_yes_that_is_remembered_is_leave_to_ask, |world| async {
    Cast::of(&world).await;
    let (web, asks) = shop(&world, json!({ "remember_consent": true })).await;
    let form = web.request().with("scope", "openid accounts:read");
    signed_in(&world, &web, &form).await;
    let question = sign_in("alice");
    // The task of that login is over, the consent lives for 90 days.
    world.advance(30 * 24 * 3600);
    let reply = asks.send(&world, "/bc-authorize", &question).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let id = reply.member("auth_req_id");
    world.approve(&id, "alice").await;
    assert_eq!(
        asks.send(&world, "/token", &poll_form(&id)).await.status,
        200
    );
    world.advance(61 * 24 * 3600);
    let reply = asks.send(&world, "/bc-authorize", &question).await;
    refused(&reply, "unknown_user_id", "both are over");
});

/// Alice logs in there and agrees.
async fn signed_in(world: &World, web: &Web, form: &Fields) -> serde_json::Value {
    let mut browser = world.browser();
    let page = browser.open("/login").await;
    browser.log_in(&page, "alice", PASSWORD).await;
    let page = browser.open(&front_url(form)).await;
    let page = browser.submit(&page, "consent-approve", &[]).await;
    let code = page.query("code").unwrap();
    let reply = web
        .send(world, "/token", &web.redeem_form(&code), &[])
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}
