//! As many resources, and versions of types, are registered as a node loads: one more is refused, and nothing stops for it. A list says
//! where it ends.

use serde_json::{Value, json};
use writ_core::id::TaskId;
use writ_core::task::Task;
use writ_store::resource::MAX_RESOURCES;
use writ_store::types::MAX_TYPES;
use writ_testkit::{BANK, Cast, World, both, claims};
use writ_wire::resource::ResourceUri;

use super::registered::cast_now;
use super::suspend::writ;

const METADATA: &str = "/.well-known/oauth-authorization-server";

fn notes(host: &str) -> Value {
    json!({ "resource": format!("https://{host}.example"), "name": "Notes", "scopes": [] })
}

fn with_action(host: &str) -> Value {
    let mut file = notes(host);
    file["actions"] = json!({ "read_note": { "says": { "en": format!("read a note of {host}") }, "scope": "notes" } });
    file["scopes"] = json!(["notes"]);
    file
}

async fn refused(world: &World, file: Value, words: &str) {
    let sentence = world.try_add_resource(file).await.unwrap_err();
    assert!(sentence.contains(words), "{sentence}");
}

both!(
    no_more_resources_are_registered_than_a_node_loads,
    |world| async {
        let cast = Cast::of(&world).await;
        let there = world.begin().await.resources().await.unwrap().len();
        let room = i64::try_from(MAX_RESOURCES - there - 1).unwrap();
        world.database.crowd_resources(BANK, room).await;
        world.add_resource(notes("last")).await;
        for _ in 0..2 {
            let words = "there are 10000 resources already, which is the most: remove one";
            refused(&world, notes("over"), words).await;
        }
        // The others go on, and can be changed.
        let renamed = json!({ "resource": "https://last.example", "name": "Files", "scopes": [] });
        assert_eq!(world.add_resource(renamed).await["name"], "Files");
        assert_eq!(world.get(METADATA, &[]).await.status, 200);
        cast.token(&world).await;
        let catalogue = world.app.catalogue().await.unwrap();
        let registry = world.registry(&catalogue.types);
        let last = ResourceUri::parse("https://last.example").unwrap();
        registry.remove_resource(&last).await.unwrap();
        world.add_resource(notes("over")).await;
    }
);

both!(
    no_more_versions_of_types_are_registered_than_a_node_loads,
    |world| async {
        Cast::of(&world).await;
        world.add_resource(with_action("first")).await;
        let catalogue = world.app.catalogue().await.unwrap();
        let registry = world.registry(&catalogue.types);
        let uri = ResourceUri::parse("https://first.example").unwrap();
        let hash = catalogue
            .resources
            .get(&uri)
            .unwrap()
            .all_actions()
            .next()
            .unwrap()
            .type_hash
            .clone();
        let there = world.begin().await.types().await.unwrap().len();
        let room = i64::try_from(MAX_TYPES - there - 1).unwrap();
        world.database.crowd_types(&hash, room).await;
        let file = |host: &str| serde_json::from_value(with_action(host)).unwrap();
        assert!(registry.add_resource(&file("last")).await.is_ok());
        let refused = registry
            .add_resource(&file("over"))
            .await
            .unwrap_err()
            .to_string();
        let words = "there are 10000 types already, which is the most: versions that nothing uses";
        assert!(refused.contains(words), "{refused}");
        let stored = world.begin().await.types().await.unwrap();
        assert_eq!(stored.len(), MAX_TYPES, "nothing was written");
    }
);

both!(
    the_newest_thousand_tasks_are_listed_and_that_there_are_more_is_said,
    |world| async {
        let cast = cast_now(&world).await;
        let token = cast.token(&world).await;
        let id = TaskId::from_text(claims(&token)["mission"]["id"].as_str().unwrap());
        let task = world.begin().await.task(&id).await.unwrap().unwrap().task;
        for (older, is_all) in [(0..999, true), (999..1000, false)] {
            let mut transaction = world.begin().await;
            for place in older {
                let older = Task {
                    id: TaskId::from_text(format!("tsk_00{place}")),
                    ..task.clone()
                };
                assert!(transaction.insert_task_if_active(&older).await.unwrap());
            }
            transaction.commit().await.unwrap();
            let listed = writ(&world, &["task", "list"]);
            let (found, said) = (
                String::from_utf8_lossy(&listed.stdout),
                String::from_utf8_lossy(&listed.stderr),
            );
            assert_eq!(listed.status.code(), Some(0), "{said}");
            assert_eq!(found.matches("\"id\": \"tsk_").count(), 1000);
            assert!(found.contains(id.as_str()), "the newest");
            assert_eq!(
                said.contains("the newest 1000 are listed: there are more"),
                !is_all,
                "{said}"
            );
        }
    }
);
