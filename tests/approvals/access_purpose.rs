//! What a question says of what was approved before: what it belongs to, and whether it is more. A warning that is not so teaches
//! people to read none (docs/approval.md).

use serde_json::Value;
use writ_testkit::{Change, World, both, payment};

use super::access_scene::{NOTES, Scene, denied, row, staged};

const NOTHING: &str = "It does not belong to anything that you approved before.";
const BEYOND: &str = "Outside what you allowed";
const BELONGS: &str = "It belongs to what you approved on";

fn paying(scene: &Scene, amount: &str) -> Value {
    let mut object = payment(amount);
    let members = object.as_object_mut().unwrap();
    members.retain(|name, _| !["type", "locations", "ref"].contains(&name.as_str()));
    scene.notes.evaluation(&scene.token, "payment", object)
}

/// How a person reads this moment.
fn moment(world: &World) -> String {
    let text = world.now().rfc3339();
    let (_, time) = text.split_once('T').unwrap();
    format!("{} UTC", &time[..5])
}

both!(
    /// Seconds after the consent to the scope that covers it.
    what_a_consent_covers_belongs_to_it_and_is_not_more,
    |world| async {
        let mut scene = staged(&world).await;
        let at = moment(&world);
        world.advance(60);
        let id = scene.notes.asked(&world, &scene.deletion("Diary")).await;
        let page = scene.alice.look(&id).await;
        page.says(BELONGS);
        page.says(&at);
        page.says("Look at that task");
        page.does_not_say(NOTHING);
        page.does_not_say(BEYOND);
        let task = row(&world, &id).await.task.unwrap();
        assert!(page.reply.text().contains(&format!("#task-{task}")));
    }
);

both!(
    a_scope_that_nobody_consented_to_asks_nobody,
    |world| async {
        let mut scene = staged(&world).await;
        let asked = scene
            .cast
            .request()
            .with("scope", "notes:read")
            .with("resource", NOTES);
        let granted = scene
            .cast
            .granted(&world, &scene.claude, &asked, NOTES)
            .await;
        scene.token = granted.access_token();
        let answer = scene.notes.look(&world, &scene.deletion("Diary")).await;
        assert_eq!(denied(&answer), "not_covered");
        assert!(answer["context"].get("access_request").is_none());
    }
);

both!(
    /// Two consents of one person to one agent: each question names its own.
    a_question_belongs_to_the_task_of_its_token,
    |world| async {
        let mut scene = staged(&world).await;
        let first = (scene.token.clone(), moment(&world));
        world.advance(60);
        let asked = scene.cast.request().with("scope", "notes:read notes:write").with("resource", NOTES);
        let granted = scene.cast.granted(&world, &scene.claude, &asked, NOTES).await;
        let second = (granted.access_token(), moment(&world));
        for ((token, at), other) in [(&second, &first.1), (&first, &second.1)] {
            scene.token.clone_from(token);
            let id = scene.notes.asked(&world, &scene.deletion("Diary")).await;
            let page = scene.alice.look(&id).await;
            page.says(&format!("{BELONGS} 21 September 2026, {at}"));
            page.does_not_say(&format!("{BELONGS} 21 September 2026, {other}"));
            page.does_not_say(BEYOND);
        }
    }
);

both!(only_what_goes_beyond_is_more, |world| async {
    let mut scene = staged(&world).await;
    let id = scene.notes.asked(&world, &paying(&scene, "100.01")).await;
    let page = scene.alice.look(&id).await;
    page.says(BELONGS);
    page.does_not_say(NOTHING);
    // By how much, and in nothing else.
    page.says("EUR 0.01 more than the EUR 100.00 you allowed.");
    page.does_not_say(BEYOND);
    // Made smaller by the person, it is within what they allowed.
    let choice = [("part", "d0"), ("amount-d0", "90.00")];
    let page = scene.alice.less(&id, &choice).await;
    page.says("Pay up to EUR 90.00");
});

both!(a_task_that_was_stopped_asks_nothing, |world| async {
    let mut scene = staged(&world).await;
    let id = scene.notes.asked(&world, &scene.deletion("Diary")).await;
    let page = scene.alice.look(&id).await;
    scene.alice.refuse(&page, "stop").await;
    let answer = scene.notes.look(&world, &scene.deletion("Other")).await;
    assert_eq!(denied(&answer), "token_invalid");
    scene.alice.look(&id).await.does_not_say(BELONGS);
});
