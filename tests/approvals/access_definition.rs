//! A yes is for the definition of a tool that the person was asked about, and the screen says which one that is (docs/access-requests.md).

use serde_json::{Value, json};
use writ_core::pending::State;
use writ_testkit::{World, both};

use super::access_scene::{
    NOTES, REQUESTS, ResourceServer, Scene, denied, permitted, presenting, problem, row, staged,
};

const CHANGED: &str = "This tool is not described as it was when somebody confirmed what it does.";
const UNKNOWN: &str = "Nobody has confirmed what this does as it is now.";

/// Of the definition with this letter.
fn hash(letter: &str) -> Value {
    match letter {
        "" => Value::Null,
        letter => json!(letter.repeat(43)),
    }
}

/// The record of a server with a tool `move_note`, confirmed as the definition of this letter.
async fn confirm(world: &World, letter: &str) {
    let mut file = ResourceServer::file(NOTES, "Notes", "notes-api");
    file["unknown_actions"] = json!({ "scope": "notes:write" });
    let tool = &mut file["actions"]["move_note"];
    *tool = json!({
        "scope": "notes:write", "ask": true,
        "says": { "en": "move the note {/title}", "de": "die Notiz {/title} verschieben" }
    });
    if !letter.is_empty() {
        tool["definition_hash"] = hash(letter);
    }
    world.add_resource(file).await;
}

/// A call of this tool while its definition is the one of this letter.
fn call(scene: &Scene, tool: &str, letter: &str) -> Value {
    let arguments = json!({ "arguments": { "title": "Diary" } });
    let mut call = scene
        .notes
        .evaluation(&scene.token, "tools/call", arguments);
    call["resource"] = json!({ "type": "tool", "id": tool });
    defined(call, letter)
}

fn defined(mut call: Value, letter: &str) -> Value {
    call["context"]["definition_hash"] = hash(letter);
    call
}

both!(a_yes_is_for_the_definition_that_was_seen, |world| async {
    let mut scene = staged(&world).await;
    confirm(&world, "A").await;
    for (asked, evaluated, is_permitted) in [
        ("A", "A", true),
        ("B", "B", true),
        ("", "", true),
        ("A", "B", false),
        ("B", "A", false),
        ("A", "", false),
        ("", "A", false),
    ] {
        let what = format!("asked as {asked:?}, evaluated as {evaluated:?}");
        let wanted = call(&scene, "move_note", asked);
        let presented = scene.approved(&world, &wanted).await;
        let now = defined(presented.clone(), evaluated);
        let answer = scene.notes.decide(&world, &now).await;
        match is_permitted {
            true => permitted(&answer),
            false => {
                assert_eq!(denied(&answer), "out_of_scope", "{what}");
                // It took nothing: under its own definition it is good, once.
                permitted(&scene.notes.decide(&world, &presented).await);
            }
        }
        let again = scene.notes.decide(&world, &presented).await;
        assert_eq!(denied(&again), "approval_expired", "{what}");
    }
});

both!(
    /// The older one would be a yes to a definition that is no more.
    a_question_under_another_definition_takes_the_place_of_the_older,
    |world| async {
        let mut scene = staged(&world).await;
        confirm(&world, "A").await;
        let (first, second) = (
            call(&scene, "move_note", "A"),
            call(&scene, "move_note", "B"),
        );
        // Another call is another question, under whatever definition.
        let mut letters = first.clone();
        letters["action"]["properties"]["arguments"]["title"] = json!("Letters");
        let other = scene.notes.asked(&world, &letters).await;
        let before = scene.notes.asked(&world, &first).await;
        let after = scene.notes.asked(&world, &second).await;
        assert_ne!(before, after);
        is_superseded(&scene.notes.status(&world, &before).await);
        assert_eq!(scene.notes.asked(&world, &second).await, after);
        assert_eq!(scene.alice.inbox().await.len(), 2);
        scene.alice.look(&before).await.says("This request has changed");
        let ended = world.events_named("approval.expired").await;
        assert_eq!(ended.len(), 1);
        assert_eq!(ended[0].data["superseded_by"], json!(after));
        let why = "what it asks is described otherwise by now";
        assert_eq!(ended[0].reason.as_deref(), Some(why));
        let asked = world.events_named("approval.requested").await;
        let newer = asked.iter().find(|one| one.data["approval"] == json!(after));
        assert_eq!(newer.unwrap().data["takes_the_place_of"], json!([before]));
        scene.yes(&after).await;
        let presented = presenting(&first, &scene.notes.status(&world, &after).await);
        assert_eq!(
            denied(&scene.notes.decide(&world, &presented).await),
            "out_of_scope"
        );
        assert_eq!(
            row(&world, &other).await.state_at(world.now()),
            State::Pending
        );
    }
);

both!(
    /// Who can carry nothing calls again: that finds an approval of the same definition alone.
    a_call_that_comes_again_under_another_definition_finds_no_approval,
    |world| async {
        let mut scene = staged(&world).await;
        confirm(&world, "A").await;
        let wanted = call(&scene, "move_note", "A");
        let mut body = scene.notes.submission(&world, &wanted).await;
        body["requested_access"] = json!({ "urn:writ:call_again": true });
        let asked = scene.notes.send(&world, REQUESTS, &body).await;
        let id = asked.json()["task"]["id"].as_str().unwrap().to_owned();
        scene.yes(&id).await;
        for letter in ["B", ""] {
            let again = scene.notes.decide(&world, &defined(wanted.clone(), letter)).await;
            assert_eq!(denied(&again), "approval_required", "{letter}");
        }
        permitted(&scene.notes.decide(&world, &wanted).await);
        assert_eq!(denied(&scene.notes.decide(&world, &wanted).await), "approval_required");
    }
);

both!(
    a_question_is_about_the_definition_of_its_denial,
    |world| async {
        let scene = staged(&world).await;
        confirm(&world, "A").await;
        let body = scene
            .notes
            .submission(&world, &call(&scene, "move_note", "A"))
            .await;
        for letter in ["B", ""] {
            let refused = scene
                .notes
                .send(&world, REQUESTS, &defined(body.clone(), letter))
                .await;
            let unbound = (400, "invalid_denial_binding".to_owned());
            assert_eq!(problem(&refused), unbound, "{letter}");
        }
        assert_eq!(scene.notes.send(&world, REQUESTS, &body).await.status, 202);
    }
);

both!(
    the_screen_says_whether_somebody_confirmed_it,
    |world| async {
        let mut scene = staged(&world).await;
        for (confirmed, tool, letter, says) in [
            ("A", "move_note", "A", None),
            ("", "move_note", "", None),
            ("A", "move_note", "B", Some(CHANGED)),
            ("A", "move_note", "", Some(UNKNOWN)),
            // Its words are the operator's, who confirmed no definition.
            ("", "move_note", "B", None),
            ("A", "burn_note", "B", Some(UNKNOWN)),
            ("A", "burn_note", "", Some(UNKNOWN)),
            // What is no tool, and what the record describes.
            ("A", "delete_note", "", None),
        ] {
            confirm(&world, confirmed).await;
            let wanted = match tool {
                "delete_note" => scene.deletion("Diary"),
                tool => call(&scene, tool, letter),
            };
            let id = scene.notes.asked(&world, &wanted).await;
            let page = scene.alice.look(&id).await;
            for warning in [CHANGED, UNKNOWN] {
                match says == Some(warning) {
                    true => page.says(warning),
                    false => page.does_not_say(warning),
                }
            }
            scene.notes.cancel(&world, &id).await;
        }
    }
);

#[track_caller]
fn is_superseded(status: &Value) {
    let task = &status["task"];
    assert_eq!(
        (&task["status"], &task["reason"]),
        (&json!("cancelled"), &json!("superseded")),
        "{status}"
    );
    assert!(status.get("result").is_none(), "{status}");
}

/// The record with this change of the tool that is called.
async fn change(world: &World, change: impl FnOnce(&mut Value)) {
    let mut file = ResourceServer::file(NOTES, "Notes", "notes-api");
    file["unknown_actions"] = json!({ "scope": "notes:write" });
    file["actions"]["move_note"] = json!({
        "scope": "notes:write", "ask": true, "definition_hash": hash("A"),
        "says": { "en": "move the note {/title}", "de": "die Notiz {/title} verschieben" }
    });
    change(&mut file);
    world.add_resource(file).await;
}

/// Each is another answer to what the tool does. Whatever else the record says is not.
type Changed = (&'static str, fn(&mut Value), bool);
const CHANGES: [Changed; 7] = [
    (
        "definition",
        |file| file["actions"]["move_note"]["definition_hash"] = hash("B"),
        true,
    ),
    (
        "no definition",
        |file| {
            file["actions"]["move_note"]
                .as_object_mut()
                .unwrap()
                .remove("definition_hash");
        },
        true,
    ),
    (
        "words",
        |file| file["actions"]["move_note"]["says"]["en"] = json!("burn the note {/title}"),
        true,
    ),
    (
        "scope",
        |file| file["actions"]["move_note"]["scope"] = json!("notes:read"),
        true,
    ),
    (
        "whose values",
        |file| file["actions"]["move_note"]["resolved"] = json!(["/title"]),
        true,
    ),
    (
        "action",
        |file| {
            file["actions"].as_object_mut().unwrap().remove("move_note");
        },
        true,
    ),
    (
        "another action",
        |file| file["actions"]["rename_note"]["says"]["en"] = json!("call it {/title}"),
        false,
    ),
];

both!(
    /// What a person would see is not what was asked: the question ends, and the next one is asked at once.
    a_record_that_changes_ends_an_open_question,
    |world| async {
        let mut scene = staged(&world).await;
        for (what, by, ends) in CHANGES {
            change(&world, |_| ()).await;
            let wanted = call(&scene, "move_note", "A");
            let id = scene.notes.asked(&world, &wanted).await;
            let before = scene.alice.look(&id).await;
            change(&world, by).await;
            if !ends {
                assert_eq!(scene.notes.asked(&world, &wanted).await, id, "{what}");
                scene.yes(&id).await;
                continue;
            }
            // Who looked before may not say yes to what it was.
            scene.alice.approve_by_password(&before).await;
            is_superseded(&scene.notes.status(&world, &id).await);
            scene.alice.look(&id).await.says("This request has changed");
            let next = scene.notes.asked(&world, &wanted).await;
            assert_ne!(next, id, "{what}");
            scene.yes(&next).await;
            let presented = presenting(&wanted, &scene.notes.status(&world, &next).await);
            permitted(&scene.notes.decide(&world, &presented).await);
        }
    }
);

both!(
    /// A resource server hears of it without a person who looks, and a new question of the same call takes its place.
    a_record_that_changes_is_told_to_who_waits,
    |world| async {
        let mut scene = staged(&world).await;
        change(&world, |_| ()).await;
        let wanted = call(&scene, "move_note", "B");
        let id = scene.notes.asked(&world, &wanted).await;
        let [definition, ..] = CHANGES;
        change(&world, definition.1).await;
        is_superseded(&scene.notes.status(&world, &id).await);
        assert!(scene.alice.inbox().await.is_empty());
        assert_eq!(problem(&scene.notes.cancel(&world, &id).await).0, 409);
    }
);

both!(
    /// A yes is to what was shown: it is good for nothing else, and a person can be asked again at once.
    a_record_that_changes_ends_a_yes,
    |world| async {
        let mut scene = staged(&world).await;
        for (what, by, ends) in CHANGES {
            change(&world, |_| ()).await;
            let wanted = call(&scene, "move_note", "A");
            let presented = scene.approved(&world, &wanted).await;
            change(&world, by).await;
            let decided = scene.notes.decide(&world, &presented).await;
            if !ends {
                permitted(&decided);
                continue;
            }
            assert_eq!(denied(&decided), "approval_expired", "{what}");
            let context = &decided["context"];
            let words = "The approval was given before it was described anew what this does.";
            assert_eq!(context["reason_user"]["en"], json!(words), "{what}");
            assert_eq!(context["next_action"], json!("request"), "{what}");
            let next = scene.notes.asked(&world, &wanted).await;
            scene.yes(&next).await;
            let presented = presenting(&wanted, &scene.notes.status(&world, &next).await);
            permitted(&scene.notes.decide(&world, &presented).await);
        }
    }
);

both!(
    /// Who can carry nothing calls again, and finds no yes to what it was.
    a_record_that_changes_ends_the_yes_of_who_calls_again,
    |world| async {
        let mut scene = staged(&world).await;
        for (what, by, ends) in CHANGES {
            change(&world, |_| ()).await;
            let mut wanted = call(&scene, "move_note", "A");
            // A yes of before is good again where the record says again what it said.
            wanted["action"]["properties"]["arguments"]["title"] = json!(what);
            let mut body = scene.notes.submission(&world, &wanted).await;
            body["requested_access"] = json!({ "urn:writ:call_again": true });
            let asked = scene.notes.send(&world, REQUESTS, &body).await;
            let id = asked.json()["task"]["id"].as_str().unwrap().to_owned();
            scene.yes(&id).await;
            change(&world, by).await;
            let again = scene.notes.decide(&world, &wanted).await;
            match ends {
                true => assert_eq!(denied(&again), "approval_required", "{what}"),
                false => permitted(&again),
            }
        }
    }
);

both!(
    /// A node may know the record as it was some seconds ago: what it permits by a yes goes by the record of now.
    a_record_that_changed_on_another_node_ends_a_yes_at_once,
    |world| async {
        let mut scene = staged(&world).await;
        let node = world.node().await;
        for calls_again in [false, true] {
            for (what, by, ends) in [CHANGES[0], CHANGES[CHANGES.len() - 1]] {
                change(&world, |_| ()).await;
                let mut wanted = call(&scene, "move_note", "A");
                wanted["action"]["properties"]["arguments"]["title"] = json!(what);
                let presented = match calls_again {
                    true => approved_again(&mut scene, &world, &wanted).await,
                    false => scene.approved(&world, &wanted).await,
                };
                node.app.fresh_catalogue().await.unwrap();
                change(&world, by).await;
                let decided = scene.notes.decide_at(&node, &presented).await;
                assert_eq!(decided["decision"], json!(!ends), "{decided}");
            }
        }
    }
);

/// The evaluation of who can carry nothing, after the yes.
async fn approved_again(scene: &mut Scene, world: &World, wanted: &Value) -> Value {
    let mut body = scene.notes.submission(world, wanted).await;
    body["requested_access"] = json!({ "urn:writ:call_again": true });
    let reply = scene.notes.send(world, REQUESTS, &body).await;
    let id = reply.json()["task"]["id"].clone();
    scene.yes(id.as_str().unwrap()).await;
    wanted.clone()
}
