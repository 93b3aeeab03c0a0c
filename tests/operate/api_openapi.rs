//! The description of the operators' API is the committed one, has each operation, and each answer of a story is as its schema says.

use serde_json::{Value, json};
use writ_server::client::api::ProblemKind;
use writ_server::client::api::openapi::text;
use writ_server::client::api::operation::ApiMethod;
use writ_server::client::api::operations::OPERATIONS;
use writ_testkit::{Cast, ISSUER, World, both};

use super::api_scene::{Operations, in_path};
use crate::house;

const COMMITTED: &str = "docs/openapi/api.json";

#[test]
fn the_committed_description_of_the_api_is_the_one_that_is_served() {
    let committed = std::fs::read_to_string(house::root().join(COMMITTED)).unwrap_or_default();
    let made = text("https://as.example");
    if committed != made {
        let here = std::env::temp_dir().join("writ-openapi-api.json");
        std::fs::write(&here, &made).unwrap();
        panic!("{COMMITTED} is another one: take {}", here.display());
    }
}

both!(
    each_list_and_record_of_the_api_is_as_described,
    |world| async {
        let cast = Cast::of(&world).await;
        cast.token(&world).await;
        cast.planner
            .send(&world, "/bc-authorize", &cast.question())
            .await;
        let ops = Operations::of(&world).await;
        let served = world.get("/api/v1/openapi.json", &[]).await;
        assert_eq!((served.status, served.text()), (200, text(ISSUER)));
        let document = served.json();
        for operation in OPERATIONS {
            let described = &document["paths"][operation.path()][operation.method.as_str()];
            assert_eq!(described["operationId"], operation.id);
            assert_eq!(
                described["security"],
                json!([{ "dpop": [operation.scope().as_str()] }])
            );
        }
        for operation in OPERATIONS.iter().filter(|one| one.method == ApiMethod::Get) {
            let below = match operation.below {
                "/delegations" => {
                    let task = ops.items(&world, "/tasks").await.pop().unwrap();
                    format!("/delegations?task={}", task["id"].as_str().unwrap())
                }
                below if operation.has_id() => {
                    let list = below.trim_end_matches("/{id}");
                    let Some(id) = first(&ops, &world, list).await else {
                        continue;
                    };
                    format!("{list}/{}", in_path(&id))
                }
                below => below.to_owned(),
            };
            let reply = ops.get(&world, &below).await;
            assert_eq!(reply.status, 200, "{below}: {}", reply.text());
            let answers = &document["paths"][operation.path()]["get"]["responses"]["200"];
            let schema = &answers["content"]["application/json"]["schema"];
            let whole = json!({ "allOf": [schema], "components": document["components"] });
            let validator = jsonschema::validator_for(&whole).unwrap();
            let found = validator
                .validate(&reply.json())
                .err()
                .map(|e| e.to_string());
            assert!(schema.is_object() && found.is_none(), "{below}: {found:?}");
        }
    }
);

/// The id of a list's first member.
async fn first(ops: &Operations, world: &World, list: &str) -> Option<String> {
    if list == "/delegations" {
        return None;
    }
    let found: Vec<Value> = ops.items(world, list).await;
    let one = found.first()?;
    let id = one.get("id").or(one.get("hash"))?;
    Some(id.as_str().unwrap().to_owned())
}

#[test]
fn the_page_of_the_api_has_each_code_and_each_path() {
    let page = std::fs::read_to_string(house::root().join("docs/api.md")).unwrap();
    for kind in ProblemKind::ALL {
        let row = format!("| `{}` | {} |", kind.code(), kind.status().as_u16());
        assert!(page.contains(&row), "{row}");
    }
    for operation in OPERATIONS {
        let list = operation.below.split('/').nth(1).unwrap();
        assert!(page.contains(&format!("/{list}")), "{list}");
    }
}
