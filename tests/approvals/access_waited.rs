//! By what the client was made to wait is on record: with the question, and with the permit after the yes (docs/events.md).

use serde_json::{Value, json};
use writ_testkit::{World, both};

use super::access_scene::{REQUESTS, Scene, permitted, presenting, staged};

const WAYS: [&str; 5] = [
    "url_elicitation",
    "url_elicitation_required",
    "input_required",
    "progress",
    "call_again",
];

/// Of the newest event of this name.
async fn recorded(world: &World, name: &str, pointer: &str) -> Option<Value> {
    let events = world.events_named(name).await;
    let data = serde_json::to_value(&events.last().unwrap().data).unwrap();
    data.pointer(pointer)
        .filter(|value| !value.is_null())
        .cloned()
}

/// Asked with this word, and approved; the status after the yes.
async fn approved(world: &World, scene: &mut Scene, wanted: &Value, more: Value) -> Value {
    // So that the newest event is the last one.
    world.advance(1);
    let mut body = scene.notes.submission(world, wanted).await;
    body["context"]["waited_by"] = more["waited_by"].clone();
    body["requested_access"] = json!({ "urn:writ:call_again": more["call_again"] });
    let asked = scene.notes.send(world, REQUESTS, &body).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    let id = asked.json()["task"]["id"].as_str().unwrap().to_owned();
    scene.yes(&id).await;
    scene.notes.status(world, &id).await
}

both!(how_a_client_waited_is_on_record, |world| async {
    let mut scene = staged(&world).await;
    for way in WAYS {
        let wanted = scene.deletion(way);
        let more = json!({ "waited_by": way, "call_again": false });
        let status = approved(&world, &mut scene, &wanted, more).await;
        let asked = recorded(&world, "approval.requested", "/asked/access/waited_by").await;
        assert_eq!(asked, Some(json!(way)));
        permitted(
            &scene
                .notes
                .decide(&world, &presenting(&wanted, &status))
                .await,
        );
        let permit = recorded(&world, "decision.permitted", "/waited_by").await;
        assert_eq!(permit, Some(json!(way)), "as the question had it");
    }
});

both!(what_the_decision_says_of_it_counts, |world| async {
    let mut scene = staged(&world).await;
    let wanted = scene.deletion("Diary");
    let more = json!({ "waited_by": "progress", "call_again": false });
    let status = approved(&world, &mut scene, &wanted, more).await;
    let mut again = presenting(&wanted, &status);
    again["context"]["waited_by"] = json!("input_required");
    permitted(&scene.notes.decide(&world, &again).await);
    let permit = recorded(&world, "decision.permitted", "/waited_by").await;
    assert_eq!(permit, Some(json!("input_required")));
});

both!(who_calls_again_waited_as_it_was_asked, |world| async {
    let mut scene = staged(&world).await;
    let wanted = scene.deletion("Diary");
    let more = json!({ "waited_by": "call_again", "call_again": true });
    approved(&world, &mut scene, &wanted, more).await;
    permitted(&scene.notes.decide(&world, &wanted).await);
    let permit = recorded(&world, "decision.permitted", "/waited_by").await;
    assert_eq!(permit, Some(json!("call_again")));
});

both!(
    a_word_that_is_not_known_is_left_out_and_stops_nothing,
    |world| async {
        let mut scene = staged(&world).await;
        for word in [json!("smoke_signals"), json!(7), Value::Null] {
            let wanted = scene.deletion(&format!("Diary {word}"));
            let more = json!({ "waited_by": word, "call_again": false });
            let status = approved(&world, &mut scene, &wanted, more).await;
            let asked = recorded(&world, "approval.requested", "/asked/access/waited_by").await;
            assert_eq!(asked, None);
            permitted(
                &scene
                    .notes
                    .decide(&world, &presenting(&wanted, &status))
                    .await,
            );
            let permit = recorded(&world, "decision.permitted", "/waited_by").await;
            assert_eq!(permit, None);
        }
        // A permit that waited for nobody has none, whatever is said.
        let mut read =
            scene
                .notes
                .evaluation(&scene.token, "read_note", json!({ "title": "Diary" }));
        read["context"]["waited_by"] = json!("progress");
        permitted(&scene.notes.decide(&world, &read).await);
        let permit = recorded(&world, "decision.permitted", "/waited_by").await;
        assert_eq!(permit, None);
    }
);

both!(how_a_client_waits_makes_no_other_question, |world| async {
    let scene = staged(&world).await;
    let wanted = scene.deletion("Diary");
    let mut tasks = Vec::new();
    for way in ["progress", "url_elicitation"] {
        let mut body = scene.notes.submission(&world, &wanted).await;
        body["context"]["waited_by"] = json!(way);
        let asked = scene.notes.send(&world, REQUESTS, &body).await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        tasks.push(asked.json()["task"]["id"].clone());
    }
    assert_eq!(tasks[0], tasks[1]);
    assert_eq!(world.events_named("approval.requested").await.len(), 1);
});
