//! A type file that changed, in force by a restart: what a resource server asked about an object of the version before is over, as after
//! a change of its record (docs/access-requests.md).

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use writ_core::pending::State;
use writ_server::approvals::escalate;
use writ_testkit::{Node, World, both, payment};

use super::access_scene::{Scene, denied, permitted, presenting, row, staged};

/// The shipped types; the payment in another version.
fn changed_types() -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("types-of-access");
    fs::create_dir_all(&folder).unwrap();
    let mut changed: Value =
        serde_json::from_str(include_str!("../../config/types/payment.json")).unwrap();
    changed["version"] = json!(2);
    for (name, text) in [
        ("payment", changed.to_string().as_str()),
        ("calendar", include_str!("../../config/types/calendar.json")),
    ] {
        // Several scenes write the same, each as a whole.
        let own = folder.join(format!("{name}-{:?}", std::thread::current().id()));
        fs::write(&own, text).unwrap();
        fs::rename(own, folder.join(format!("{name}.json"))).unwrap();
    }
    folder.to_str().unwrap().to_owned()
}

async fn restarted(world: &World) -> Node {
    world.node_with(&[("TYPES__PATH", &changed_types())]).await
}

fn paying(scene: &Scene, amount: &str) -> Value {
    let mut object = payment(amount);
    let members = object.as_object_mut().unwrap();
    members.retain(|name, _| !["type", "locations", "ref"].contains(&name.as_str()));
    scene.notes.evaluation(&scene.token, "payment", object)
}

both!(
    a_type_that_changed_ends_open_questions_at_the_start,
    |world| async {
        let mut scene = staged(&world).await;
        let paid = scene.notes.asked(&world, &paying(&scene, "500.00")).await;
        let deleted = scene.notes.asked(&world, &scene.deletion("Diary")).await;
        let node = restarted(&world).await;
        escalate::turn(&node.app).await.unwrap();
        assert_eq!(
            row(&world, &paid).await.state_at(world.now()),
            State::Expired
        );
        let task = scene.notes.status(&world, &paid).await["task"].clone();
        assert_eq!(
            (&task["status"], &task["reason"]),
            (&json!("cancelled"), &json!("superseded"))
        );
        scene
            .alice
            .look(&paid)
            .await
            .says("This request has changed");
        // An action of the record is what it was.
        assert_eq!(scene.alice.inbox().await, [deleted]);
        let ended = world.events_named("approval.expired").await;
        assert_eq!(ended.len(), 1);
        let why = "what it asks is described otherwise by now";
        assert_eq!(ended[0].reason.as_deref(), Some(why));
    }
);

both!(
    /// Before the background work came to it.
    a_type_that_changed_ends_a_question_at_the_first_look,
    |world| async {
        let scene = staged(&world).await;
        let id = scene.notes.asked(&world, &paying(&scene, "500.00")).await;
        let node = restarted(&world).await;
        let path = format!("/access/v1/requests/{id}");
        let headers = [("authorization", scene.notes.basic.as_str())];
        let task = node.get(&path, &headers).await.json()["task"].clone();
        assert_eq!((&task["status"], &task["reason"]), (&json!("cancelled"), &json!("superseded")));
    }
);

both!(
    a_yes_to_an_object_of_another_version_permits_nothing,
    |world| async {
        let mut scene = staged(&world).await;
        let wanted = paying(&scene, "500.00");
        let id = scene.notes.asked(&world, &wanted).await;
        scene.yes(&id).await;
        let presented = presenting(&wanted, &scene.notes.status(&world, &id).await);
        let node = restarted(&world).await;
        let decided = scene.notes.decide_at(&node, &presented).await;
        assert_eq!(denied(&decided), "approval_expired");
        // Where the type is as it was.
        permitted(&scene.notes.decide(&world, &presented).await);
    }
);
