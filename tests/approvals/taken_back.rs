//! A no takes back what was approved for the same before and nobody used: however it was asked, and also where it was described otherwise.

use serde_json::{Value, json};
use writ_testkit::{Cast, Change, Phone, TestReply, World, both, minted, poll_form, refused};

use super::access_scene::{NOTES, REQUESTS, ResourceServer, denied, permitted, presenting, staged};

async fn no(alice: &mut Phone, id: &str) {
    let page = alice.look(id).await;
    alice.refuse(&page, "deny").await;
}

/// Of a client that can carry nothing, and has to call again.
async fn called_again(server: &ResourceServer, world: &World, evaluation: &Value) -> String {
    let mut body = server.submission(world, evaluation).await;
    body["requested_access"] = json!({ "urn:writ:call_again": true });
    let reply: TestReply = server.send(world, REQUESTS, &body).await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    reply.json()["task"]["id"].as_str().unwrap().to_owned()
}

/// The record says what it does in these words.
async fn described(world: &World, words: &str) {
    let mut file = ResourceServer::file(NOTES, "Notes", "notes-api");
    file["actions"]["delete_note"]["says"] = json!({ "en": words });
    world.add_resource(file).await;
}

both!(
    a_no_takes_back_an_unused_yes_to_the_same_call,
    |world| async {
        let mut scene = staged(&world).await;
        let (wanted, other) = (scene.deletion("Diary"), scene.deletion("Letters"));
        let unused = scene.approved(&world, &wanted).await;
        let another = scene.approved(&world, &other).await;
        let again = called_again(&scene.notes, &world, &wanted).await;
        no(&mut scene.alice, &again).await;
        let decided = scene.notes.decide(&world, &unused).await;
        assert_eq!(denied(&decided), "approval_expired", "asked the other way");
        let why = "A person said no to the same after this approval.";
        assert_eq!(decided["context"]["reason_user"]["en"], json!(why));
        assert_eq!(decided["context"]["next_action"], json!("none"), "a no");
        let id = unused["context"]["approval"]["id"].as_str().unwrap();
        let page = scene.alice.look(id).await;
        page.says("Approved, then denied");
        page.does_not_say("nobody used it in time");
        permitted(&scene.notes.decide(&world, &another).await);
        let ended = world.events_named("approval.expired").await;
        assert_eq!(ended.len(), 1);
        assert_eq!(
            ended[0].reason.as_deref(),
            Some("a person said no to the same since")
        );
        assert_eq!(ended[0].data["superseded_by"], json!(again));
        assert_eq!(ended[0].data["undecided"], json!(false));
        // The person knows: nobody tells them that it was not done.
        let activity = scene.alice.browser.open("/app/activity").await;
        activity.does_not_say("was not done in time");
    }
);

both!(
    a_no_counts_against_what_was_described_otherwise,
    |world| async {
        let mut scene = staged(&world).await;
        let wanted = scene.deletion("Diary");
        let id = scene.notes.asked(&world, &wanted).await;
        scene.yes(&id).await;
        let unused = presenting(&wanted, &scene.notes.status(&world, &id).await);
        described(&world, "throw away the note {/title}").await;
        let newer = scene.notes.asked(&world, &wanted).await;
        no(&mut scene.alice, &newer).await;
        // As it was described when she said yes.
        world
            .add_resource(ResourceServer::file(NOTES, "Notes", "notes-api"))
            .await;
        let decided = scene.notes.decide(&world, &unused).await;
        assert_eq!(denied(&decided), "approval_expired");
    }
);

both!(
    /// In other words; a wrong number says nothing about what was approved, nor does a no to another question.
    a_no_takes_back_what_an_agent_did_not_fetch,
    |world| async {
        let cast = Cast::of(&world).await;
        cast.token(&world).await;
        let mut alice = world.phone_of("alice").await;
        let ask = |words: &str| cast.question().with("binding_message", words);
        let unused = cast.planner.asked(&world, &ask("first")).await;
        world.approve(&unused, "alice").await;
        // The same amount, spelled otherwise.
        let second = json!([writ_testkit::payment("300.0")]).to_string();
        let second = ask("second").with("authorization_details", second);
        let second = cast.planner.asked(&world, &second).await;
        no(&mut alice, &world.request_id(&second).await).await;
        let reply = cast.planner.poll(&world, &unused).await;
        refused(&reply, "access_denied", "taken back");
        let why = reply.json()["error_description"].clone();
        assert!(why.as_str().unwrap().contains("said no to the same"), "{why}");
        world.advance(3600);
        cast.token(&world).await;
        let unused = cast.planner.asked(&world, &ask("third")).await;
        world.approve(&unused, "alice").await;
        let details = json!([writ_testkit::payment("301.00")]).to_string();
        let other = cast.question().with("authorization_details", details);
        let other = cast.planner.asked(&world, &other).await;
        no(&mut alice, &world.request_id(&other).await).await;
        minted(&cast.planner.send(&world, "/token", &poll_form(&unused)).await, "another question");
    }
);

both!(
    /// Nobody has to look at a question for it to end: the inbox is empty, and who opens an old link reads what happened.
    a_changed_record_ends_open_questions_by_itself,
    |world| async {
        let mut scene = staged(&world).await;
        let wanted = scene.deletion("Diary");
        let reading = json!({ "title": "Diary" });
        let other = scene.notes.evaluation(&scene.token, "rename_note", reading);
        let changed = scene.notes.asked(&world, &wanted).await;
        let stays = scene.notes.asked(&world, &other).await;
        let turn = async || writ_server::approvals::escalate::turn(&world.app).await.unwrap();
        turn().await;
        assert_eq!(scene.alice.inbox().await.len(), 2);
        described(&world, "throw away the note {/title}").await;
        turn().await;
        let ended = world.events_named("approval.expired").await;
        assert_eq!(ended.len(), 1, "before anybody looked");
        assert_eq!(ended[0].data["approval"], json!(changed));
        assert_eq!(scene.alice.inbox().await, [stays]);
        let page = scene.alice.look(&changed).await;
        page.says("This request has changed");
        page.says("Nothing happened");
        assert_eq!(scene.notes.status(&world, &changed).await["task"]["status"], json!("cancelled"));
    }
);
