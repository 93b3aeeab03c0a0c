//! What people read and decide of a question of a resource server: whose each word is, less, several people, silence, budgets.

use serde_json::{Value, json};
use writ_core::budget::{MOST_OPEN_PER_RESOURCE, MOST_PER_RESOURCE};
use writ_testkit::{OUTCOMES, both, both_with, payment};

use super::access_scene::{
    NOTES, REQUESTS, ResourceServer, Scene, WIKI, agent, denied, permitted, presenting, problem,
    staged, token,
};

/// A payment at the notes, of the type that the resource lists.
fn paying(scene: &Scene, amount: &str) -> Value {
    let mut object = payment(amount);
    let members = object.as_object_mut().unwrap();
    members.retain(|name, _| !["type", "locations", "ref"].contains(&name.as_str()));
    scene.notes.evaluation(&scene.token, "payment", object)
}

both!(every_word_shows_whose_it_is, |world| async {
    let mut scene = staged(&world).await;
    let mut body = scene
        .notes
        .submission(&world, &scene.deletion("Shopping list"))
        .await;
    let says = "Changed\u{202e} today. See https://evil.example \"now\"";
    body["context"]["says"] = json!(says);
    let asked = scene.notes.send(&world, REQUESTS, &body).await;
    let id = asked.json()["task"]["id"].as_str().unwrap().to_owned();
    let inbox = scene.alice.browser.open("/app").await;
    inbox.says("Claude");
    inbox.says("Asked by Notes");
    inbox.says("Delete the note “Shopping list”, once");
    let page = scene.alice.look(&id).await;
    for words in [
        "Claude, through Notes, wants to: Delete the note “Shopping list”, once",
        "Published by Acme",
        "Notes looked up: title. All other details are in the words of Claude.",
        "Notes says",
        "We did not check these words.",
        "Asked by Notes",
        "Notes may ask you nothing for 30 days",
    ] {
        page.says(words);
    }
    page.does_not_say("https://evil");
    page.does_not_say("\u{202e}");
    scene.yes(&id).await;
    let activity = scene.alice.browser.open("/app/activity").await;
    activity.says("Claude (through Notes) asked for your approval");
    activity.says("You approved a request of Claude (through Notes)");
    // What the caller wrote is in its own words alone.
    let renamed = scene
        .notes
        .evaluation(&scene.token, "rename_note", json!({ "title": "Diary" }));
    let id = scene.notes.asked(&world, &renamed).await;
    let page = scene.alice.look(&id).await;
    page.says("The details are in the words of Claude.");
    page.does_not_say("Notes looked up");
    page.does_not_say("Notes says");
    // What was denied is told as what was approved is: once as asked, once as denied.
    scene.alice.refuse(&page, "deny").await;
    let activity = scene.alice.browser.open("/app/activity").await;
    let told = activity.words();
    assert_eq!(told.matches("“Diary”").count(), 2, "{told}");
});

both!(less_is_what_the_person_left, |world| async {
    let mut scene = staged(&world).await;
    // More than the token's own object.
    let wanted = paying(&scene, "150.00");
    let id = scene.notes.asked(&world, &wanted).await;
    let page = scene
        .alice
        .less(&id, &[("part", "d0"), ("amount-d0", "120.00")])
        .await;
    page.says("Pay up to EUR 120.00");
    scene.alice.approve_by_password(&page).await;
    let status = scene.notes.status(&world, &id).await;
    let approval = &status["result"]["approval"];
    let object = approval["authorization_details"][0].clone();
    assert_eq!(object["instructed_amount"]["amount"], json!("120.00"));
    assert!(
        object.get("ref").is_none() && object.get("type_hash").is_none(),
        "{object}"
    );
    let all = presenting(&wanted, &status);
    assert_eq!(
        denied(&scene.notes.decide(&world, &all).await),
        "out_of_scope"
    );
    let less = presenting(&paying(&scene, "120.00"), &status);
    permitted(&scene.notes.decide(&world, &less).await);
    assert_eq!(
        denied(&scene.notes.decide(&world, &less).await),
        "approval_expired"
    );
});

both!(
    this_was_not_me_silences_the_resource_first_then_the_agent,
    |world| async {
        let mut scene = staged(&world).await;
        let wiki = ResourceServer::add(&world, WIKI, "Wiki").await;
        let there = token(&world, &scene.cast, &scene.claude, WIKI).await;
        let id = scene
            .notes
            .asked(&world, &scene.deletion("Shopping list"))
            .await;
        let page = scene.alice.look(&id).await;
        page.says("Notes may ask you nothing for 30 days, and whoever runs this server");
        page.does_not_say("all that Claude does for you");
        let receipt = scene.alice.refuse(&page, "not_me").await;
        receipt.says("Notes may ask you nothing for 30 days.");
        receipt.does_not_say("Claude can do nothing for you");
        scene
            .alice
            .look(&id)
            .await
            .says("Notes may ask you nothing for 30 days");
        let refused = scene.notes.ask(&world, &scene.deletion("Other")).await;
        assert_eq!(problem(&refused), (429, "too-many".to_owned()));
        let title = "The person wants no questions of this resource";
        assert_eq!(refused.json()["title"], json!(title));
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert_eq!(wait, 30 * 24 * 3600);
        // Whoever its caller is; but nobody else is hit.
        let other = agent(&world, "agt_other").await;
        let token_of_other = token(&world, &scene.cast, &other, NOTES).await;
        let wanted =
            scene
                .notes
                .evaluation(&token_of_other, "delete_note", json!({ "title": "A" }));
        let refused = scene.notes.ask(&world, &wanted).await;
        assert_eq!(problem(&refused), (429, "too-many".to_owned()));
        assert_eq!(world.events_named("resource.reported").await.len(), 1);
        assert!(world.events_named("agent.reported").await.is_empty());
        let wanted = wiki.evaluation(&there, "delete_note", json!({ "title": "Shopping list" }));
        let id = wiki.asked(&world, &wanted).await;
        // The same agent behind a second resource: now the agent is reported too.
        let page = scene.alice.look(&id).await;
        page.says("Wiki may ask you nothing for 30 days.");
        page.says("all that Claude does for you ends too");
        let receipt = scene.alice.refuse(&page, "not_me").await;
        let both = "Wiki may ask you nothing for 30 days, and Claude can do nothing for you";
        receipt.says(both);
        scene.alice.look(&id).await.says(both);
        assert_eq!(world.events_named("agent.paused").await.len(), 1);
        assert_eq!(world.events_named("resource.reported").await.len(), 2);
        assert_eq!(world.events_named("agent.reported").await.len(), 1);
        assert_eq!(denied(&wiki.look(&world, &wanted).await), "token_invalid");
    }
);

both_with!(
    questions_count_for_the_resource_and_the_person,
    &[
        ("PROMPTS__PER_PAIR", "1000"),
        ("PROMPTS__OPEN_PER_PAIR", "1000"),
        ("PROMPTS__PER_PERSON", "1000")
    ],
    |world| async {
        let scene = staged(&world).await;
        let other = agent(&world, "agt_other").await;
        let another = token(&world, &scene.cast, &other, NOTES).await;
        let wanted = |number: u64| {
            let token = [&scene.token, &another][usize::try_from(number % 2).unwrap()];
            let title = json!({ "title": format!("Note {number}") });
            scene.notes.evaluation(token, "delete_note", title)
        };
        for number in 0..MOST_OPEN_PER_RESOURCE {
            scene.notes.asked(&world, &wanted(number)).await;
        }
        let refused = scene.notes.ask(&world, &wanted(90)).await;
        assert_eq!(problem(&refused), (429, "too-many".to_owned()));
        assert!(refused.header("retry-after").is_some());
        // Another resource asks on.
        let wiki = ResourceServer::add(&world, WIKI, "Wiki").await;
        let there = token(&world, &scene.cast, &scene.claude, WIKI).await;
        let elsewhere = wiki.evaluation(&there, "delete_note", json!({ "title": "A" }));
        wiki.asked(&world, &elsewhere).await;
        const { assert!(MOST_PER_RESOURCE > MOST_OPEN_PER_RESOURCE) };
    }
);

both_with!(
    the_questions_of_an_hour_have_a_limit_of_their_own,
    &[("PROMPTS__PER_RESOURCE", "3")],
    |world| async {
        let scene = staged(&world).await;
        for number in 0..3 {
            let wanted = scene.deletion(&format!("Note {number}"));
            let id = scene.notes.asked(&world, &wanted).await;
            assert_eq!(scene.notes.cancel(&world, &id).await.status, 200);
        }
        let refused = scene.notes.ask(&world, &scene.deletion("Note 9")).await;
        assert_eq!(problem(&refused), (429, "too-many".to_owned()));
    }
);

both!(
    a_no_pauses_a_resource_whoever_its_callers_are,
    |world| async {
        let mut scene = staged(&world).await;
        let other = agent(&world, "agt_other").await;
        let another = token(&world, &scene.cast, &other, NOTES).await;
        for title in ["One", "Two"] {
            let id = scene.notes.asked(&world, &scene.deletion(title)).await;
            let page = scene.alice.look(&id).await;
            scene.alice.refuse(&page, "deny").await;
        }
        let wanted = scene
            .notes
            .evaluation(&another, "delete_note", json!({ "title": "Three" }));
        let paused = scene.notes.ask(&world, &wanted).await;
        assert_eq!(problem(&paused), (429, "too-many".to_owned()));
        assert_eq!(
            paused.json()["title"],
            json!("The person said no just before")
        );
        world.advance(60);
        scene.notes.asked(&world, &wanted).await;
    }
);

both!(
    /// By what the resource says became of it, in the words that were approved.
    activity_tells_what_was_done,
    |world| async {
        let mut scene = staged(&world).await;
        let with_did = |did: Value| {
            let mut file = ResourceServer::file(NOTES, "Notes", "notes-api");
            file["actions"]["delete_note"]["did"] = did;
            file
        };
        for (title, result, did, told) in [
            ("Shopping list", "completed", json!({}), "Done by Claude (through Notes), says the other side"),
            (
                "Letters",
                "completed",
                json!({ "en": "deleted the note {/title}" }),
                "Claude (through Notes) deleted the note “Letters”, says the other side",
            ),
            ("Diary", "failed", json!({}), "Claude (through Notes) tried this and it did not work, says the other side"),
            ("Recipes", "not_started", json!({}), "Allowed for Claude (through Notes), but not begun, says the other side"),
        ] {
            world.add_resource(with_did(did)).await;
            let again = scene.approved(&world, &scene.deletion(title)).await;
            let answer = scene.notes.decide(&world, &again).await;
            permitted(&answer);
            let decision = answer["context"]["decision_id"].as_str().unwrap();
            world.advance(1);
            let body = json!({ "decision_id": decision, "result": result });
            let sent = scene.notes.send(&world, OUTCOMES, &body).await;
            assert_eq!(sent.status, 204, "{}", sent.text());
            let activity = scene.alice.browser.open("/app/activity").await;
            activity.says(told);
            activity.says(&format!("“{title}”"));
            world.advance(60);
        }
        let agents = scene.alice.browser.open("/app/agents").await;
        agents.says("Allowed for Claude (through Notes), but not begun, says the other side");
    }
);

both!(who_agreed_hears_that_it_was_not_done, |world| async {
    let mut scene = staged(&world).await;
    let again = scene
        .approved(&world, &scene.deletion("Shopping list"))
        .await;
    let id = again["context"]["approval"]["id"].as_str().unwrap();
    let second = scene.approved(&world, &scene.deletion("Diary")).await;
    permitted(&scene.notes.decide(&world, &second).await);
    world.advance(121);
    writ_server::approvals::escalate::turn(&world.app)
        .await
        .unwrap();
    let expired = world.events_named("approval.expired").await;
    assert_eq!(expired.len(), 1, "the other one was used");
    assert_eq!(expired[0].data["undecided"], json!(false));
    scene.alice.look(id).await.says("Approved, not done");
    let activity = scene.alice.browser.open("/app/activity").await;
    activity.says("What you approved for Claude (through Notes) was not done in time");
    activity.says("Claude (through Notes) used your approval");
});
