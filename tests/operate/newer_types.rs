//! While an update is under way: what a later version writes does not take down nodes of this one.

use serde_json::json;
use writ_testkit::{Cast, World, both};

/// Longer than a node believes its configuration.
const LATER: u64 = 6;

async fn store_type(world: &World, document: &str) {
    let mut transaction = world.begin().await;
    let now = world.now();
    let new = transaction.insert_type("hash-of-it", "payment", document, now);
    assert!(new.await.unwrap());
    transaction.commit().await.unwrap();
}

both!(
    a_type_that_this_version_cannot_read_stops_nothing_else,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let later = json!({ "type": "payment", "version": 9, "a_member_of_later": true });
        store_type(&world, &later.to_string()).await;
        world.advance(LATER);
        let seen = cast.introspect(&world, &token).await;
        assert_eq!(seen["active"], json!(true));
        cast.token(&world).await;
        let started = world.node().await.door();
        let keys = started.try_get("/jwks").await.unwrap();
        assert_eq!(keys.status, 200, "a node that starts then");
    }
);
