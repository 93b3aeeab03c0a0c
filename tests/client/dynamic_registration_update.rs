//! An update writes what changed and nothing else (RFC 7592 section 2.2): no row where nothing changed, no word of the client's in an event,
//! no second secret.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};
use writ_core::id::ClientId;
use writ_platform::Transport;
use writ_server::node::secret::secret_digest;
use writ_store::registered::RotatedSecret;
use writ_testkit::{World, both_with, merge, minted, refused};

use crate::client::dynamic_registration::{Itself, OPEN, asked, notes};
use crate::client::dynamic_registration_managed::put;

const NOTHING: Value = Value::Null;

/// What the events of changes name, oldest first.
async fn changed_names(world: &World) -> Vec<Vec<String>> {
    let events = world.events_named("client.changed").await.into_iter();
    let names = events.map(|event| event.data["changed"].clone());
    names
        .map(|names| serde_json::from_value(names).unwrap())
        .collect()
}

/// Everything in the database but what counts requests.
async fn rows(world: &World) -> Vec<String> {
    let dump = world.database.dump().await;
    let rows = dump.lines().filter(|row| !row.starts_with("attempts "));
    let mut rows: Vec<String> = rows.map(str::to_owned).collect();
    rows.sort();
    rows
}

both_with!(
    rfc_7592_2_2_what_was_answered_is_sent_back_without_what_the_server_says,
    OPEN,
    |world| async {
        for method in ["none", "client_secret_basic"] {
            let client = Itself::of(
                &world,
                json!({
                    "token_endpoint_auth_method": method, "contacts": ["a@client.example"],
                    "client_uri": "https://client.example", "scope": "notes.read"
                }),
            )
            .await;
            // As a client that knows no better does it: everything, with its secret.
            let reply = client.manage(&world, Method::PUT, &client.answer).await;
            refused(&reply, "invalid_client_metadata", method);
            let ours: &[&str] = match method {
                "none" => &[
                    "registration_access_token",
                    "registration_client_uri",
                    "client_id_issued_at",
                ],
                _ => &[
                    "registration_access_token",
                    "registration_client_uri",
                    "client_id_issued_at",
                    "client_secret_expires_at",
                ],
            };
            let mut body = client.answer.clone();
            for member in ours {
                let said = reply.member("error_description");
                assert!(said.contains(member), "{member}: {said}");
                merge(&mut body, json!({ *member: null }));
            }
            let before = rows(&world).await;
            let reply = client.manage(&world, Method::PUT, &body).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            assert_eq!(reply.json(), client.answer, "{method}");
            let read = client.manage(&world, Method::GET, &NOTHING).await.json();
            merge(&mut body, json!({ "client_secret": null }));
            for member in body.as_object().unwrap().keys() {
                assert_eq!(read[member], body[member], "{member}");
            }
            let reply = client.manage(&world, Method::PUT, &body).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            assert_eq!(
                rows(&world).await,
                before,
                "nothing changed, nothing is written"
            );
        }
    }
);

both_with!(
    an_unchanged_update_is_still_measured_by_the_operators_lists,
    OPEN,
    |world| async {
        let redirect = json!({ "redirect_uris": ["https://client.example/cb"] });
        let client = Itself::of(&world, redirect.clone()).await;
        let node = world
            .node_with(&[OPEN[0], OPEN[1], ("GUESTS__DENY", "client.example")])
            .await;
        let mut body = asked(json!({ "client_id": client.id() }));
        merge(&mut body, redirect);
        assert_eq!(client.manage(&world, Method::PUT, &body).await.status, 200);
        let token = format!("Bearer {}", client.said("registration_access_token"));
        let request = Request::put(client.said("registration_client_uri"))
            .header("content-type", "application/json")
            .header("authorization", token)
            .body(Bytes::from(body.to_string()))
            .unwrap();
        let reply = node.network.send(request).await.unwrap();
        assert_eq!(reply.status(), 400);
        assert!(world.events_named("client.changed").await.is_empty());
    }
);

both_with!(
    /// Events are never deleted, and whoever registers itself could say anything.
    events_name_what_changed_and_hold_none_of_it,
    OPEN,
    |world| async {
        let words = json!({
            "client_name": "Zebra", "contacts": ["zebra@client.example"],
            "software_id": "zebra-1", "policy_uri": "https://client.example/zebra",
            "redirect_uris": ["https://client.example/zebra"]
        });
        let client = Itself::of(&world, words.clone()).await;
        let mut more = words.clone();
        more["client_name"] = json!("Another Zebra");
        more["software_version"] = json!("zebra-2");
        world.advance(1);
        assert_eq!(put(&world, &client, more.clone()).await.status, 200);
        world.advance(1);
        more["token_endpoint_auth_method"] = json!("client_secret_basic");
        assert_eq!(put(&world, &client, more).await.status, 200);
        let names: Vec<Vec<String>> = changed_names(&world).await;
        assert_eq!(names[0], ["client_name", "software_version"]);
        assert_eq!(names[1], ["token_endpoint_auth_method", "client_secret"]);
        let registered = world.events_named("client.registered").await.remove(0);
        let members = registered.data["members"].as_array().unwrap();
        assert!(members.contains(&json!("software_id")), "{members:?}");
        assert!(!members.contains(&json!("software_version")), "{members:?}");
        let mut last = registered.data["metadata_hash"].clone();
        assert!(last.is_string());
        for event in world.events_named("client.changed").await {
            assert_eq!(event.data["metadata_hash_before"], last);
            assert_ne!(event.data["metadata_hash"], last);
            last = event.data["metadata_hash"].clone();
        }
        for event in world.events().await {
            let text = event.data.to_string().to_lowercase();
            assert!(!text.contains("zebra"), "{text}");
        }
    }
);

both_with!(
    /// An operator could once give such a client a second secret.
    an_update_leaves_one_secret,
    OPEN,
    |world| async {
        notes(&world).await;
        let basic = json!({ "token_endpoint_auth_method": "client_secret_basic" });
        let client = Itself::of(&world, basic.clone()).await;
        let first = client.granted(&world).await;
        minted(&first, "by its first secret");
        let second = "a-second-secret";
        let digest = secret_digest(second);
        let rotated = RotatedSecret {
            digest: &digest,
            earlier_until: Some(world.now().plus(Duration::from_secs(3600))),
        };
        let mut transaction = world.begin().await;
        let id = ClientId::from_text(client.id());
        assert!(transaction.rotate_secret(&id, rotated).await.unwrap());
        transaction.commit().await.unwrap();
        let mut sent = basic.clone();
        sent["client_secret"] = client.answer["client_secret"].clone();
        let reply = put(&world, &client, sent.clone()).await;
        refused(&reply, "invalid_client_metadata", "the earlier one");
        let both = client.refresh(&world, &first).await;
        minted(&both, "the two are taken until then");
        sent["client_secret"] = json!(second);
        assert_eq!(put(&world, &client, sent).await.status, 200);
        let refused = client.refresh(&world, &first).await;
        assert_eq!(refused.refusal(), (401, "invalid_client".to_owned()));
        let mut now = Itself {
            answer: client.answer.clone(),
        };
        now.answer["client_secret"] = json!(second);
        minted(&now.refresh(&world, &first).await, "by the only one");
        assert_eq!(changed_names(&world).await, [["client_secret"]]);
    }
);
