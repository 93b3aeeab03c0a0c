//! Lists of resources in documents are whole or left out: a client that compares with a part (RFC 9728 section 4) would refuse the rest.

use http::Method;
use serde_json::{Value, json};
use writ_core::id::ClientId;
use writ_testkit::{Cast, World, both};
use writ_wire::resource::ResourceUri;

use crate::approvals::access_scene::{REQUESTS, ResourceServer, WIKI, problem};

/// So many more resources, which this client serves.
async fn add(world: &World, of: &str, count: usize, served_by: Option<&str>) {
    let mut transaction = world.begin().await;
    for place in 0..count {
        let uri = format!("https://{of}{place}.example");
        let mut file = json!({ "resource": uri, "name": "Many", "scopes": [] });
        if let Some(client) = served_by {
            file["client_id"] = json!(client);
        }
        let uri = ResourceUri::parse(&uri).unwrap();
        let client = served_by.map(ClientId::from_text);
        let document = file.to_string();
        let put = transaction.put_resource(&uri, &document, client.as_ref(), world.now());
        assert!(put.await.unwrap());
    }
    transaction.commit().await.unwrap();
}

async fn metadata(world: &World) -> Value {
    let path = "/.well-known/oauth-authorization-server";
    world.get(path, &[]).await.json()
}

both!(metadata_lists_up_to_256_resources_or_none, |world| async {
    Cast::of(&world).await;
    let there = world.app.fresh_catalogue().await.unwrap().resources.len();
    add(&world, "one", 256 - there, None).await;
    let listed = metadata(&world).await["protected_resources"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 256);
    add(&world, "more", 1, None).await;
    let none = metadata(&world).await["protected_resources"].clone();
    assert!(none == Value::Null || none == json!([]), "{none}");
});

both!(
    a_server_is_told_of_up_to_256_resources_that_it_serves_or_of_none,
    |world| async {
        Cast::of(&world).await;
        let wiki = ResourceServer::add(&world, WIKI, "Wiki").await;
        let unknown = format!("{REQUESTS}/apr_unknown");
        for (more, listed) in [(255, 256), (1, 0)] {
            add(&world, &format!("wiki{more}-"), more, Some("wiki-api")).await;
            let request = (Method::GET, unknown.as_str());
            let reply = wiki.send_with(&world, request, &Value::Null, &[]).await;
            assert_eq!(problem(&reply), (404, "unknown_task".to_owned()));
            let resources = reply.json()["resources"].clone();
            let length = resources.as_array().map_or(0, Vec::len);
            assert_eq!(length, listed, "{resources}");
        }
    }
);
