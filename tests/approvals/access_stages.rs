//! Who decides about a question of a resource server: the same people as about any other of that agent. The person whose things they are
//! comes first, because they agreed to a scope and to no action yet (docs/ciba.md).

use serde_json::json;
use writ_testkit::{Cast, PASSWORD, World, agent_file, both, enrol};

use super::access_scene::{NOTES, ResourceServer, Scene, permitted, presenting, staged, token};

/// Bob and carol decide about this agent's questions, and dan if they are silent.
async fn guarded(world: &World) -> Scene {
    let cast = Cast::of(world).await;
    for name in ["bob", "carol", "dan"] {
        world.add_user(name, PASSWORD).await;
    }
    let notes = ResourceServer::add(world, NOTES, "Notes").await;
    let mut file = agent_file("agt_guarded", "mallory");
    file["scope"] = json!("openid notes:read notes:write");
    file["agent"]["ceiling"]["scopes"] = json!([
        { "resource": NOTES, "scope": "notes:read" }, { "resource": NOTES, "scope": "notes:write" }
    ]);
    file["agent"]["approvers"] =
        json!([{ "of": ["bob", "carol"], "need": 2 }, { "of": ["dan"], "need": 1 }]);
    let guarded = enrol(world, file).await;
    let token = token(world, &cast, &guarded, NOTES).await;
    Scene {
        alice: world.phone_of("alice").await,
        claude: guarded,
        cast,
        notes,
        token,
    }
}

/// Alice's yes, after which the designated are asked.
async fn agreed(scene: &mut Scene, id: &str) {
    let page = scene.alice.look(id).await;
    scene.alice.approve_by_password(&page).await;
}

both!(two_of_the_first_stage_agree, |world| async {
    let mut scene = guarded(&world).await;
    let wanted = scene.deletion("Shopping list");
    let id = scene.notes.asked(&world, &wanted).await;
    for name in ["bob", "carol", "dan"] {
        let mut phone = world.phone_of(name).await;
        assert!(phone.inbox().await.is_empty(), "{name}: alice comes first");
    }
    agreed(&mut scene, &id).await;
    let status = scene.notes.status(&world, &id).await;
    assert_eq!(status["task"]["status"], json!("pending"));
    let mut dan = world.phone_of("dan").await;
    assert!(dan.inbox().await.is_empty(), "his stage has not come");
    for (name, after) in [("bob", "pending"), ("carol", "approved")] {
        let mut phone = world.phone_of(name).await;
        assert_eq!(phone.inbox().await, [id.as_str()], "{name}");
        let page = phone.look(&id).await;
        page.says("It would act for alice.");
        let receipt = phone.approve_by_password(&page).await;
        let path = receipt.url.path();
        assert!(path.starts_with("/app/receipts/"), "{name}: {path}");
        let status = scene.notes.status(&world, &id).await;
        assert_eq!(status["task"]["status"], json!(after), "{name}");
    }
    let status = scene.notes.status(&world, &id).await;
    let again = presenting(&wanted, &status);
    permitted(&scene.notes.decide(&world, &again).await);
});

both!(silence_of_the_first_stage_asks_the_next, |world| async {
    let mut scene = guarded(&world).await;
    let id = scene.notes.asked(&world, &scene.deletion("Diary")).await;
    agreed(&mut scene, &id).await;
    let (mut bob, mut dan) = (world.phone_of("bob").await, world.phone_of("dan").await);
    let page = bob.look(&id).await;
    bob.approve_by_password(&page).await;
    // Carol is silent for her half of the time.
    world.advance(149);
    let turn = async || {
        let turned = writ_server::approvals::escalate::turn(&world.app).await;
        turned.unwrap();
    };
    turn().await;
    assert!(dan.inbox().await.is_empty(), "a second is left");
    world.advance(1);
    turn().await;
    assert_eq!(dan.inbox().await, [id.as_str()]);
    let page = dan.look(&id).await;
    dan.approve_by_password(&page).await;
    let status = scene.notes.status(&world, &id).await;
    assert_eq!(status["task"]["status"], json!("approved"));
});

both!(one_no_ends_it, |world| async {
    let mut scene = guarded(&world).await;
    let id = scene.notes.asked(&world, &scene.deletion("Diary")).await;
    agreed(&mut scene, &id).await;
    let (mut bob, mut carol) = (world.phone_of("bob").await, world.phone_of("carol").await);
    let page = bob.look(&id).await;
    bob.approve_by_password(&page).await;
    let page = carol.look(&id).await;
    carol.refuse(&page, "deny").await;
    let status = scene.notes.status(&world, &id).await;
    assert_eq!(status["task"]["status"], json!("denied"));
    assert!(status.get("result").is_none(), "{status}");
});

both!(whom_nobody_designated_decides_nothing, |world| async {
    let scene = staged(&world).await;
    let id = scene.notes.asked(&world, &scene.deletion("Diary")).await;
    let mut owner = world.phone_of("mallory").await;
    assert!(owner.inbox().await.is_empty(), "the agent's owner");
    assert_eq!(owner.look(&id).await.reply.status, 404);
});

both!(
    /// Who says it speaks for themselves: what the resource may ask alice, and what the agent does for her, is hers to end.
    a_report_of_who_decides_for_another_ends_the_question_alone,
    |world| async {
        let mut scene = guarded(&world).await;
        let id = scene.notes.asked(&world, &scene.deletion("Diary")).await;
        agreed(&mut scene, &id).await;
        let open = scene.notes.asked(&world, &scene.deletion("Recipes")).await;
        agreed(&mut scene, &open).await;
        let mut bob = world.phone_of("bob").await;
        let page = bob.look(&id).await;
        page.says("Nothing else ends: what agt_guarded does for alice goes on.");
        page.does_not_say("may ask you nothing");
        let receipt = bob.refuse(&page, "not_me").await;
        receipt.says("Nothing else of agt_guarded was stopped.");
        bob.look(&id).await.says("Nothing else of agt_guarded was stopped.");
        let status = scene.notes.status(&world, &id).await;
        assert_eq!(status["task"]["status"], json!("denied"));
        let other = scene.notes.status(&world, &open).await;
        assert_eq!(other["task"]["status"], json!("pending"), "hers");
        scene.notes.asked(&world, &scene.deletion("Letters")).await;
        let events = world.events_named("resource.reported").await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].data.get("ended"), None, "nothing was to end");
        assert_eq!(events[0].data["for"], json!(scene.cast.alice));
        for name in ["agent.reported", "agent.paused", "agent.stopped"] {
            assert!(world.events_named(name).await.is_empty(), "{name}");
        }
    }
);
