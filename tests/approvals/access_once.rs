//! One approval, one permit: whoever tries to use it twice, for something else, or in another's place.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use writ_core::pending::State;
use writ_testkit::{World, at_once, both};

use super::access_scene::{
    NOTES, REQUESTS, ResourceServer, Scene, WIKI, agent, denied, fresh_key, permitted, presenting,
    problem, row, staged, token,
};

const EVALUATION: &str = "/access/v1/evaluation";

async fn evaluated(world: &World, scene: &Scene, evaluation: &Value) -> String {
    denied(&scene.notes.decide(world, evaluation).await)
}

both!(
    fifty_evaluations_over_two_nodes_are_one_permit,
    |world| async {
        let mut scene = staged(&world).await;
        let again = scene
            .approved(&world, &scene.deletion("Shopping list"))
            .await;
        let nodes = [Arc::new(world.node().await), Arc::new(world.node().await)];
        let racers = (0..50).map(|racer| {
            let node = nodes[racer % 2].clone();
            let (basic, body) = (scene.notes.basic.clone(), again.to_string());
            let key = fresh_key();
            async move {
                let headers = [
                    ("authorization", basic.as_str()),
                    ("content-type", "application/json"),
                    ("idempotency-key", key.as_str()),
                ];
                node.send(Method::POST, EVALUATION, &headers, body.into())
                    .await
            }
        });
        let replies = at_once(racers.collect()).await;
        let permits = replies.iter().filter(|reply| {
            assert_eq!(reply.status, 200, "{}", reply.text());
            reply.json()["decision"] == json!(true)
        });
        assert_eq!(permits.count(), 1);
        assert_eq!(world.events_named("approval.redeemed").await.len(), 1);
    }
);

both!(two_identical_calls_need_two_approvals, |world| async {
    let mut scene = staged(&world).await;
    let wanted = scene.deletion("Shopping list");
    let first = scene.approved(&world, &wanted).await;
    permitted(&scene.notes.decide(&world, &first).await);
    assert_eq!(
        evaluated(&world, &scene, &wanted).await,
        "approval_required"
    );
    let second = scene.approved(&world, &wanted).await;
    assert_ne!(
        second["context"]["approval"]["id"],
        first["context"]["approval"]["id"]
    );
    assert_eq!(evaluated(&world, &scene, &first).await, "approval_expired");
    permitted(&scene.notes.decide(&world, &second).await);
});

both!(an_approval_is_of_its_very_action, |world| async {
    let mut scene = staged(&world).await;
    let again = scene
        .approved(&world, &scene.deletion("Shopping list"))
        .await;
    let mut changed = again.clone();
    changed["action"]["properties"]["title"] = json!("Diary");
    assert_eq!(evaluated(&world, &scene, &changed).await, "out_of_scope");
    let mut more = again.clone();
    more["action"]["properties"]["force"] = json!(true);
    assert_eq!(evaluated(&world, &scene, &more).await, "out_of_scope");
    let mut other = again.clone();
    other["action"]["name"] = json!("rename_note");
    assert_eq!(evaluated(&world, &scene, &other).await, "out_of_scope");
    // None of them used it up.
    permitted(&scene.notes.decide(&world, &again).await);
});

both!(an_approval_of_yesterday_permits_nothing, |world| async {
    let mut scene = staged(&world).await;
    let again = scene
        .approved(&world, &scene.deletion("Shopping list"))
        .await;
    world.advance(120);
    assert_eq!(evaluated(&world, &scene, &again).await, "approval_expired");
    let id = again["context"]["approval"]["id"].as_str().unwrap();
    assert_eq!(row(&world, id).await.state_at(world.now()), State::Expired);
    let status = scene.notes.status(&world, id).await;
    assert_eq!(
        status["task"]["status"],
        json!("approved"),
        "it stays what it was"
    );
    let ended = status["result"]["approval"]["approved_until"]
        .as_str()
        .unwrap();
    assert_eq!(ended, world.now().rfc3339());
});

both!(
    arap_neither_task_nor_approval_is_a_bearer_grant,
    |world| async {
        let mut scene = staged(&world).await;
        let wiki = ResourceServer::add(&world, WIKI, "Wiki").await;
        let open = scene.notes.asked(&world, &scene.deletion("Open")).await;
        let again = scene
            .approved(&world, &scene.deletion("Shopping list"))
            .await;
        let id = again["context"]["approval"]["id"].as_str().unwrap();
        // Another resource's server knows nothing of it.
        for task in [open.as_str(), id] {
            let path = format!("{REQUESTS}/{task}");
            let found = wiki
                .send_with(&world, (Method::GET, &path), &Value::Null, &[])
                .await;
            assert_eq!(problem(&found), (404, "unknown_task".to_owned()));
            // By this it finds at its start whether it asks as the right client.
            assert_eq!(found.json()["resources"], json!([WIKI]));
            let cancelled = wiki.cancel(&world, task).await;
            assert_eq!(problem(&cancelled), (404, "unknown_task".to_owned()));
        }
        assert_eq!(
            scene.notes.status(&world, &open).await["task"]["status"],
            json!("pending")
        );
        assert_eq!(denied(&wiki.decide(&world, &again).await), "token_invalid");
        // At its own resource it has no meaning either.
        let there = token(&world, &scene.cast, &scene.claude, WIKI).await;
        let mut at_wiki =
            wiki.evaluation(&there, "delete_note", json!({ "title": "Shopping list" }));
        at_wiki["context"]["approval"] = again["context"]["approval"].clone();
        assert_eq!(
            denied(&wiki.decide(&world, &at_wiki).await),
            "approval_unverifiable"
        );
        // Another session of the same agent, and another agent.
        let other = agent(&world, "agt_other").await;
        for token in [
            token(&world, &scene.cast, &scene.claude, NOTES).await,
            token(&world, &scene.cast, &other, NOTES).await,
        ] {
            let mut theirs =
                scene
                    .notes
                    .evaluation(&token, "delete_note", json!({ "title": "Shopping list" }));
            theirs["context"]["approval"] = again["context"]["approval"].clone();
            assert_eq!(
                evaluated(&world, &scene, &theirs).await,
                "approval_unverifiable"
            );
        }
        let mut made_up = again.clone();
        made_up["context"]["approval"]["id"] = json!("apr_00000000000000000000000000");
        assert_eq!(
            evaluated(&world, &scene, &made_up).await,
            "approval_unverifiable"
        );
        let nobody = world.get(&format!("{REQUESTS}/{id}"), &[]).await;
        assert_eq!(nobody.status, 401, "{}", nobody.text());
        permitted(&scene.notes.decide(&world, &again).await);
    }
);

both!(a_look_with_an_approval_is_refused, |world| async {
    let mut scene = staged(&world).await;
    let again = scene
        .approved(&world, &scene.deletion("Shopping list"))
        .await;
    let look = scene.notes.send(&world, EVALUATION, &again).await;
    assert_eq!(look.refusal(), (400, "invalid_request".to_owned()));
    permitted(&scene.notes.decide(&world, &again).await);
});

both!(
    call_again_finds_the_approval_for_two_minutes_once,
    |world| async {
        let mut scene = staged(&world).await;
        let wanted = scene.deletion("Shopping list");
        let mut body = scene.notes.submission(&world, &wanted).await;
        body["requested_access"] = json!({ "urn:writ:call_again": true });
        let ask = async |scene: &mut Scene, body: &Value| {
            let asked = scene.notes.send(&world, REQUESTS, body).await;
            assert_eq!(asked.status, 202, "{}", asked.text());
            asked.json()["task"]["id"].as_str().unwrap().to_owned()
        };
        let id = ask(&mut scene, &body).await;
        assert_eq!(
            evaluated(&world, &scene, &wanted).await,
            "approval_required"
        );
        let page = scene.alice.look(&id).await;
        page.says("Claude has to try once more, within two minutes of your yes.");
        scene.yes(&id).await;
        world.advance(119);
        // Another object, another session: neither is the call that was approved.
        let other = scene.deletion("Diary");
        assert_eq!(evaluated(&world, &scene, &other).await, "approval_required");
        let second = token(&world, &scene.cast, &scene.claude, NOTES).await;
        let there =
            scene
                .notes
                .evaluation(&second, "delete_note", json!({ "title": "Shopping list" }));
        assert_eq!(evaluated(&world, &scene, &there).await, "approval_required");
        permitted(&scene.notes.decide(&world, &wanted).await);
        assert_eq!(
            evaluated(&world, &scene, &wanted).await,
            "approval_required"
        );
        // Too late.
        let mut body = scene.notes.submission(&world, &wanted).await;
        body["requested_access"] = json!({ "urn:writ:call_again": true });
        let id = ask(&mut scene, &body).await;
        scene.yes(&id).await;
        world.advance(120);
        assert_eq!(
            evaluated(&world, &scene, &wanted).await,
            "approval_required"
        );
    }
);

both!(
    without_call_again_an_approval_must_be_presented,
    |world| async {
        let mut scene = staged(&world).await;
        let wanted = scene.deletion("Shopping list");
        let id = scene.notes.asked(&world, &wanted).await;
        let page = scene.alice.look(&id).await;
        page.does_not_say("has to try once more");
        scene.yes(&id).await;
        assert_eq!(
            evaluated(&world, &scene, &wanted).await,
            "approval_required"
        );
        let status = scene.notes.status(&world, &id).await;
        permitted(
            &scene
                .notes
                .decide(&world, &presenting(&wanted, &status))
                .await,
        );
    }
);

both!(
    an_approval_is_judged_again_as_everything_is_then,
    |world| async {
        let mut scene = staged(&world).await;
        let again = scene
            .approved(&world, &scene.deletion("Shopping list"))
            .await;
        // The notes are served by another client now.
        let shop = world.add_shop().await;
        world
            .add_resource(ResourceServer::file(NOTES, "Notes", "shop-api"))
            .await;
        world.app.fresh_catalogue().await.unwrap();
        let taken_over = ResourceServer {
            uri: NOTES,
            basic: shop,
        };
        assert_eq!(
            denied(&taken_over.decide(&world, &again).await),
            "approval_unverifiable"
        );
        world
            .add_resource(ResourceServer::file(NOTES, "Notes", "notes-api"))
            .await;
        world.app.fresh_catalogue().await.unwrap();
        permitted(&scene.notes.decide(&world, &again).await);
    }
);
