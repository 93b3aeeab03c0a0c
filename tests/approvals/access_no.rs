//! A no is told to the call that comes again, and whatever else is in the way of a question says what it is (docs/access-requests.md).

use serde_json::{Value, json};
use writ_server::approvals::escalate;
use writ_testkit::{TestReply, World, both, both_with};

use super::access_scene::{
    NOTES, REQUESTS, ResourceServer, Scene, agent, permitted, problem, staged, token,
};

/// Of a client that can carry nothing, and has to call again.
async fn call(server: &ResourceServer, world: &World, evaluation: &Value) -> TestReply {
    let mut body = server.submission(world, evaluation).await;
    body["requested_access"] = json!({ "urn:writ:call_again": true });
    server.send(world, REQUESTS, &body).await
}

#[track_caller]
fn id_of(reply: &TestReply) -> String {
    assert_eq!(reply.status, 202, "{}", reply.text());
    reply.json()["task"]["id"].as_str().unwrap().to_owned()
}

async fn no(scene: &mut Scene, id: &str) {
    let page = scene.alice.look(id).await;
    scene.alice.refuse(&page, "deny").await;
}

#[track_caller]
fn is_told_no(reply: &TestReply) {
    assert_eq!(problem(reply), (403, "denied".to_owned()));
    assert_eq!(reply.json()["title"], json!("The person said no"));
    assert_eq!(reply.header("retry-after"), None, "nobody is to ask again");
}

#[track_caller]
fn is_paused(reply: &TestReply, title: &str) {
    assert_eq!(problem(reply), (429, "too-many".to_owned()));
    assert_eq!(reply.json()["title"], json!(title));
    assert!(reply.header("retry-after").is_some());
}

both!(
    /// For as long as a yes would be found, also after the pause for the same question (60 s), and however the client waits.
    a_call_that_comes_again_finds_the_no,
    |world| async {
        let mut scene = staged(&world).await;
        let wanted = scene.deletion("Diary");
        let id = id_of(&call(&scene.notes, &world, &wanted).await);
        no(&mut scene, &id).await;
        let asked = world.events_named("approval.requested").await.len();
        is_told_no(&call(&scene.notes, &world, &wanted).await);
        is_told_no(&scene.notes.ask(&world, &wanted).await);
        world.advance(119);
        is_told_no(&call(&scene.notes, &world, &wanted).await);
        assert_eq!(world.events_named("approval.requested").await.len(), asked);
        assert!(scene.alice.inbox().await.is_empty());
        world.advance(1);
        id_of(&call(&scene.notes, &world, &wanted).await);
    }
);

both!(
    /// Who was told waits for the pause alone.
    who_asks_anew_after_the_pause_is_asked_about,
    |world| async {
        let mut scene = staged(&world).await;
        let wanted = scene.deletion("Diary");
        let id = scene.notes.asked(&world, &wanted).await;
        no(&mut scene, &id).await;
        world.advance(59);
        is_told_no(&scene.notes.ask(&world, &wanted).await);
        world.advance(1);
        let id = scene.notes.asked(&world, &wanted).await;
        // A second no pauses for longer than it is told.
        no(&mut scene, &id).await;
        world.advance(119);
        is_told_no(&scene.notes.ask(&world, &wanted).await);
        world.advance(1);
        let paused = scene.notes.ask(&world, &wanted).await;
        is_paused(&paused, "The person said no just before");
        assert_eq!(paused.header("retry-after"), Some("120"));
    }
);

both_with!(
    /// Also where no pause is configured: who calls again did not hear the answer yet.
    a_no_is_found_where_it_pauses_nothing,
    &[("PROMPTS__PAUSE_SAME", "0"), ("PROMPTS__PAUSE_OTHER", "0")],
    |world| async {
        let mut scene = staged(&world).await;
        let wanted = scene.deletion("Diary");
        let id = id_of(&call(&scene.notes, &world, &wanted).await);
        no(&mut scene, &id).await;
        is_told_no(&call(&scene.notes, &world, &wanted).await);
        // Who hears the answer while it waits asks anew.
        scene.notes.asked(&world, &wanted).await;
    }
);

both!(a_no_is_to_one_call_alone, |world| async {
    let mut scene = staged(&world).await;
    let other = agent(&world, "agt_other").await;
    let another = token(&world, &scene.cast, &other, NOTES).await;
    let wanted = scene.deletion("Diary");
    let title = json!({ "title": "Diary" });
    let by_another = scene.notes.evaluation(&another, "delete_note", title);
    let id = id_of(&call(&scene.notes, &world, &wanted).await);
    no(&mut scene, &id).await;
    // Another agent was not answered; it is the same question of the same resource.
    let paused = call(&scene.notes, &world, &by_another).await;
    is_paused(&paused, "The person said no just before");
    // Other arguments, until the second no in a row.
    let id = id_of(&call(&scene.notes, &world, &scene.deletion("Letters")).await);
    no(&mut scene, &id).await;
    let paused = call(&scene.notes, &world, &scene.deletion("Recipes")).await;
    is_paused(&paused, "The person said no just before");
    is_told_no(&call(&scene.notes, &world, &wanted).await);
});

both!(an_end_that_is_no_answer_is_no_no, |world| async {
    let mut scene = staged(&world).await;
    let longer = |claims: &mut Value| {
        claims["exp"] = json!(claims["exp"].as_i64().unwrap() + 600);
    };
    scene.token = world.resigned(&scene.token, longer).await;
    let wanted = scene.deletion("Diary");
    let id = id_of(&call(&scene.notes, &world, &wanted).await);
    world.advance(301);
    escalate::turn(&world.app).await.unwrap();
    let next = id_of(&call(&scene.notes, &world, &wanted).await);
    assert_ne!(next, id, "it expired");
    assert_eq!(scene.notes.cancel(&world, &next).await.status, 200);
    let last = id_of(&call(&scene.notes, &world, &wanted).await);
    assert_ne!(last, next, "it was cancelled");
    // The last answer counts: after a yes, a new question is one.
    no(&mut scene, &last).await;
    world.advance(120);
    let id = id_of(&call(&scene.notes, &world, &wanted).await);
    scene.yes(&id).await;
    permitted(&scene.notes.decide(&world, &wanted).await);
    assert_ne!(id_of(&call(&scene.notes, &world, &wanted).await), id);
});

both_with!(
    too_many_questions_are_no_no,
    &[("PROMPTS__PER_RESOURCE", "2")],
    |world| async {
        let scene = staged(&world).await;
        for title in ["One", "Two"] {
            let id = id_of(&call(&scene.notes, &world, &scene.deletion(title)).await);
            assert_eq!(scene.notes.cancel(&world, &id).await.status, 200);
        }
        let refused = call(&scene.notes, &world, &scene.deletion("Two")).await;
        is_paused(&refused, "Too many questions");
    }
);
