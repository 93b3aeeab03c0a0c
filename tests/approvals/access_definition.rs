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

both!(two_definitions_are_two_questions, |world| async {
    let mut scene = staged(&world).await;
    confirm(&world, "A").await;
    let (first, second) = (
        call(&scene, "move_note", "A"),
        call(&scene, "move_note", "B"),
    );
    let before = scene.notes.asked(&world, &first).await;
    let after = scene.notes.asked(&world, &second).await;
    assert_ne!(before, after);
    assert_eq!(scene.notes.asked(&world, &second).await, after);
    assert_eq!(scene.notes.asked(&world, &first).await, before);
    scene.yes(&before).await;
    let presented = presenting(&second, &scene.notes.status(&world, &before).await);
    assert_eq!(
        denied(&scene.notes.decide(&world, &presented).await),
        "out_of_scope"
    );
    assert_eq!(
        row(&world, &after).await.state_at(world.now()),
        State::Pending
    );
});

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

both!(
    /// The screen goes by the record as it is when it is looked at, and the yes by what was asked.
    the_record_may_change_between_question_and_yes,
    |world| async {
        let mut scene = staged(&world).await;
        confirm(&world, "A").await;
        let wanted = call(&scene, "move_note", "B");
        let id = scene.notes.asked(&world, &wanted).await;
        scene.alice.look(&id).await.says(CHANGED);
        confirm(&world, "B").await;
        scene.alice.look(&id).await.does_not_say(CHANGED);
        scene.yes(&id).await;
        confirm(&world, "C").await;
        let presented = presenting(&wanted, &scene.notes.status(&world, &id).await);
        let other = defined(presented.clone(), "C");
        assert_eq!(denied(&scene.notes.decide(&world, &other).await), "out_of_scope");
        permitted(&scene.notes.decide(&world, &presented).await);
        assert_eq!(denied(&scene.notes.decide(&world, &presented).await), "approval_expired");
    }
);
