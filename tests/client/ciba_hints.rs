//! Who may be asked (CIBA 7.1, 7.2): hints of three kinds, unknown and unrelated people alike, and the person's own code.

use serde_json::{Value, json};
use writ_core::id::{ClientId, UserId};
use writ_server::node::passwords;
use writ_store::stop::{StopEvents, TasksOf};
use writ_testkit::{
    Cast, Change, Fields, ISSUER, TestAgent, World, agent_file, both, enrol, enrol_plain,
    poll_form, refused,
};

use crate::client::ciba::{question_of_web, web_file};

/// An agent without any task, that may ask alice.
async fn asker(world: &World) -> TestAgent {
    let mut file = agent_file("agt_asker", "mallory");
    file["agent"]["may_ask"] = json!(["alice"]);
    enrol(world, file).await
}

fn hinted(cast: &Cast, name: &'static str, value: impl Into<String>) -> Fields {
    cast.question().without("login_hint").and(name, value)
}

both!(an_agent_asks_whom_it_acts_for_or_may_ask, |world| async {
    let cast = Cast::of(&world).await;
    let reply = cast.planner.ask(&world, &cast.question()).await;
    refused(&reply, "unknown_user_id", "no task yet");
    let token = cast.token(&world).await;
    cast.planner.asked(&world, &cast.question()).await;
    let by_id = cast.question().with("login_hint", cast.alice.as_str());
    cast.planner.asked(&world, &by_id).await;
    let agent = asker(&world).await;
    agent.asked(&world, &cast.question()).await;
    // The token of a chain names its person and nobody else.
    let other = cast.question_within(&token).with("login_hint", "mallory");
    let reply = cast.planner.ask(&world, &other).await;
    refused(&reply, "unknown_user_id", "not the token's person");
    // A task that ended is no relation.
    let mut transaction = world.begin().await;
    let (alice, now) = (UserId::from_text(cast.alice.as_str()), world.now());
    let planner = ClientId::from_text("agt_planner");
    let id = world.app.event_id(now);
    let events = StopEvents {
        id: &id,
        now,
        data: "{}",
    };
    let stopped = transaction.stop_tasks(TasksOf::Pair(&alice, &planner), events);
    assert!(stopped.await.unwrap() > 0);
    transaction.commit().await.unwrap();
    let reply = cast.planner.ask(&world, &cast.question()).await;
    refused(&reply, "unknown_user_id", "the task ended");
    let reply = cast
        .planner
        .ask(&world, &cast.question_within(&token))
        .await;
    refused(&reply, "invalid_request", "and so did its token");
});

both!(
    ciba_13_unknown_unrelated_and_disabled_look_the_same,
    |world| async {
        let cast = Cast::of(&world).await;
        let agent = asker(&world).await;
        world.add_user("bob", "another password").await;
        world.disable("alice").await;
        let mut answers = Vec::new();
        let mut costs = Vec::new();
        for name in ["nobody", "bob", "alice"] {
            let start = world.app.store.statements();
            let reply = agent
                .ask(&world, &cast.question().with("login_hint", name))
                .await;
            costs.push(world.app.store.statements() - start);
            answers.push((reply.status, reply.json()));
        }
        assert_eq!(answers[0].1["error"], json!("unknown_user_id"));
        assert!(
            answers.iter().all(|answer| *answer == answers[0]),
            "{answers:?}"
        );
        // The first one reads the client once more than those that find it cached.
        assert_eq!(costs[1], costs[2], "the same work: {costs:?}");
        assert!(costs[0].abs_diff(costs[1]) <= 1, "{costs:?}");
    }
);

/// Claims of a good `login_hint_token` of this agent.
fn token_claims(world: &World, agent: &TestAgent, id: &str) -> Value {
    json!({
        "iss": agent.id, "aud": ISSUER, "exp": world.now().seconds() + 60,
        "sub_id": { "format": "opaque", "id": id }
    })
}

both!(
    rfc_9493_a_login_hint_token_names_the_person,
    |world| async {
        let cast = Cast::of(&world).await;
        let agent = asker(&world).await;
        let typed = |claims: &Value| agent.assertion.sign_typed("writ-login-hint+jwt", claims);
        let good = token_claims(&world, &agent, &cast.alice);
        let form = hinted(&cast, "login_hint_token", typed(&good));
        agent.asked(&world, &form).await;
        let mut late = good.clone();
        late["exp"] = json!(world.now().seconds());
        let form = hinted(&cast, "login_hint_token", typed(&late));
        refused(
            &agent.ask(&world, &form).await,
            "expired_login_hint_token",
            "late",
        );
        let mut unknown = good.clone();
        unknown["sub_id"]["id"] = json!("usr_nobody");
        let form = hinted(&cast, "login_hint_token", typed(&unknown));
        refused(&agent.ask(&world, &form).await, "unknown_user_id", "nobody");
        for (what, text) in [
            (
                "another key",
                agent.dpop.sign_typed("writ-login-hint+jwt", &good),
            ),
            ("another type", agent.assertion.sign_typed("JWT", &good)),
            ("no JWT", "x".to_owned()),
        ] {
            let form = hinted(&cast, "login_hint_token", text);
            refused(&agent.ask(&world, &form).await, "invalid_request", what);
        }
    }
);

both!(
    ciba_7_1_an_id_token_hint_is_one_of_ours_for_this_client,
    |world| async {
        Cast::of(&world).await;
        let web = enrol_plain(&world, web_file(json!({}))).await;
        let asked = web.send(&world, "/bc-authorize", &question_of_web()).await;
        let id = asked.member("auth_req_id");
        world.approve(&id, "alice").await;
        let id_token = web.send(&world, "/token", &poll_form(&id)).await;
        let id_token = id_token.member("id_token");
        let form = question_of_web()
            .without("login_hint")
            .and("id_token_hint", id_token.as_str());
        world.advance(7 * 24 * 3600);
        let reply = web.send(&world, "/bc-authorize", &form).await;
        assert_eq!(reply.status, 200, "expired for a week: {}", reply.text());
        // Its key was rotated out and removed since.
        for _ in 0..2 {
            let retired = world.rotate_keys().await.retired;
            let mut transaction = world.begin().await;
            assert!(
                transaction
                    .remove_retired(&retired, world.now())
                    .await
                    .unwrap()
            );
            transaction.commit().await.unwrap();
            world.advance(60);
        }
        let again = form.clone().with("binding_message", "old key");
        let reply = web.send(&world, "/bc-authorize", &again).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let other = web_file(json!({ "client_id": "other" }));
        let other = enrol_plain(&world, other).await;
        let reply = other.send(&world, "/bc-authorize", &form).await;
        refused(&reply, "invalid_request", "another client's");
        world.advance(30 * 24 * 3600);
        let reply = web.send(&world, "/bc-authorize", &form).await;
        refused(&reply, "invalid_request", "expired for too long");
    }
);

both!(
    ciba_7_1_an_access_token_is_no_id_token_hint,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let form = hinted(&cast, "id_token_hint", token);
        let reply = cast.planner.ask(&world, &form).await;
        refused(&reply, "invalid_request", "an access token");
    }
);

both!(ciba_7_1_a_person_guards_with_a_code, |world| async {
    Cast::of(&world).await;
    let file = web_file(json!({ "backchannel_user_code_parameter": true }));
    let web = enrol_plain(&world, file).await;
    let ask = |code: Option<&'static str>| {
        let form = match code {
            Some(code) => question_of_web().with("user_code", code),
            None => question_of_web(),
        };
        let (web, world) = (&web, &world);
        async move { web.send(world, "/bc-authorize", &form).await }
    };
    assert_eq!(ask(None).await.status, 200, "alice has none");
    let hash = passwords::hash("4711", &[7; 16]).unwrap();
    let alice = world.user_id("alice").await;
    let mut transaction = world.begin().await;
    transaction
        .set_user_code(&alice, Some(&hash), world.now())
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    refused(&ask(None).await, "missing_user_code", "none sent");
    refused(&ask(Some("0815")).await, "invalid_user_code", "wrong");
    assert_eq!(ask(Some("4711")).await.status, 200, "right");
    for _ in 0..5 {
        refused(&ask(Some("0815")).await, "invalid_user_code", "wrong");
    }
    refused(&ask(Some("4711")).await, "invalid_user_code", "paused");
    world.advance(900);
    assert_eq!(ask(Some("4711")).await.status, 200, "the pause is over");
    let other = web_file(json!({ "client_id": "other" }));
    let other = enrol_plain(&world, other).await;
    let reply = other
        .send(&world, "/bc-authorize", &question_of_web())
        .await;
    assert_eq!(
        reply.status, 200,
        "a client that is not registered for codes"
    );
});

both!(
    within_a_task_the_token_and_its_key_are_shown,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let form = cast.question_within(&token);
        let bare = cast
            .planner
            .send_with(&world, "/bc-authorize", &form, &[])
            .await;
        refused(&bare, "invalid_request", "no proof");
        let other = writ_testkit::Forge::new(&world.random);
        let reply = cast.planner.with_key(other).ask(&world, &form).await;
        refused(&reply, "invalid_request", "another key");
        let reply = cast.stranger.ask(&world, &form).await;
        refused(&reply, "invalid_request", "another agent");
        let resigned = world
            .resigned(&token, |claims| claims["sub"] = json!("usr_other"))
            .await;
        let form = cast.question_within(&resigned);
        refused(
            &cast.planner.ask(&world, &form).await,
            "invalid_request",
            "changed",
        );
        world.advance(301);
        let form = cast.question_within(&token);
        refused(
            &cast.planner.ask(&world, &form).await,
            "invalid_request",
            "expired",
        );
    }
);
