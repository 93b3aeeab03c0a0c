//! What is fetched for guests never reaches inside the house (draft-ietf-oauth-client-id-metadata-document-03 section 6.5): what
//! other calls may reach counts for nothing.

use serde_json::{Value, json};
use writ_store::fetched_document::DocumentName;
use writ_testkit::{
    Change, Fields, Forge, GUEST, HttpReceiver, ISSUER, Node, Silence, SilentHost, TestAgent,
    TestGuest, TestReply, WebPage, World, both, both_with, front_url, with,
};

use crate::client::assertions::machine;
use crate::client::dynamic_registration::{Itself, OPEN};

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// One more node, which takes guests and lets other calls or those for guests go to this origin.
async fn node(world: &World, key: &str, origin: &str) -> Node {
    let open = OPEN.iter().copied();
    let settings: Vec<_> = open.chain([(key, origin)]).collect();
    world.node_with(&settings).await
}

/// A guest by this document, which is not published yet.
fn guest_at(id: &str) -> TestGuest {
    TestGuest {
        id: id.to_owned(),
        ..TestGuest::at("http://127.0.0.1:33418/cb")
    }
}

/// The document of this guest, changed.
fn document(id: &str, changes: Value) -> Value {
    let mut document = TestGuest::document(json!({ "client_id": id }));
    writ_testkit::merge(&mut document, changes);
    document
}

async fn opened(node: &Node, guest: &TestGuest) -> WebPage {
    node.browser().open(&front_url(&guest.request())).await
}

/// A refusal on a page.
fn refused(page: &WebPage, sentence: &str, why: &str) {
    assert_eq!(page.reply.status, 400, "{why}: {}", page.url);
    assert!(
        page.reply.text().contains(sentence),
        "{why}: {}",
        page.reply.text()
    );
}

async fn post(node: &Node, path: &str, form: &Fields) -> TestReply {
    let pairs: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
    node.post(path, &pairs, &[]).await
}

/// A token request with an assertion of this client.
fn signed(world: &World, client: &Itself) -> Fields {
    let key = Forge::new(&world.random);
    let assertion = key.assertion(client.id(), ISSUER, world.now().seconds());
    let form = with(&client.redeem_form("x"), "client_assertion_type", ASSERTION);
    with(&form, "client_assertion", assertion)
}

both!(
    /// The bank's own services, the webhook and the clients of the house are there for other calls.
    cimd_6_5_documents_reach_no_origin_that_other_calls_may_reach,
    |world| async {
        TestGuest::visit(&world).await;
        let host = SilentHost::start(Silence::HangsUp).await;
        let node = node(&world, "OUTBOUND__TRUSTED", &host.origin).await;
        let port = host.origin.rsplit(':').next().unwrap();
        // A copy from a time when it was trusted changes nothing.
        let kept = host.url("/client.json");
        world.publish(&kept, &document(&kept, json!({}))).await;
        for id in [
            host.url("/client.json"),
            host.url("/"),
            host.url("/a?b=c"),
            format!("https://localhost:{port}/client.json"),
            format!("https://[::ffff:7f00:1]:{port}/client.json"),
        ] {
            refused(&opened(&node, &guest_at(&id)).await, "not a public one", &id);
        }
        for id in [
            format!("https://127.1:{port}/client.json"),
            format!("https://2130706433:{port}/client.json"),
            format!("https://0x7f.1:{port}/client.json"),
            format!("https://127.0.0.1.:{port}/client.json"),
            format!("https://localhost.:{port}/client.json"),
        ] {
            refused(&opened(&node, &guest_at(&id)).await, "normal form", &id);
        }
        let pushed = guest_at(&host.url("/client.json"));
        let reply = post(&node, "/par", &pushed.request()).await;
        assert_eq!(reply.refusal(), (400, "invalid_client".to_owned()));
        assert_eq!(host.calls(), 0);
    }
);

both!(
    /// A document on the web may name any URL for its keys.
    cimd_6_5_key_sets_of_documents_reach_no_origin_that_other_calls_may_reach,
    |world| async {
        TestGuest::visit(&world).await;
        let host = SilentHost::start(Silence::HangsUp).await;
        let plain = HttpReceiver::start().await;
        let origins = format!("{},{}", host.origin, plain.origin);
        let node = node(&world, "OUTBOUND__TRUSTED", &origins).await;
        for (place, (jwks_uri, sentence)) in [
            (host.url("/jwks"), "not a public one"),
            (host.origin.replace("127.0.0.1", "localhost"), "not a public one"),
            (host.origin.replace("127.0.0.1", "2130706433"), "not a public one"),
            (plain.url("/jwks"), "no https URL"),
            (plain.url("/jwks").replace("http:", "https:"), "not a public one"),
            ("http://169.254.169.254/latest/meta-data".to_owned(), "no https URL"),
            ("https://169.254.169.254/latest/meta-data".to_owned(), "not a public one"),
        ]
        .into_iter()
        .enumerate()
        {
            let id = format!("https://client.example/{place}.json");
            let changes =
                json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": jwks_uri });
            world.publish(&id, &document(&id, changes)).await;
            refused(&opened(&node, &guest_at(&id)).await, sentence, &jwks_uri);
        }
        assert_eq!((host.calls(), plain.heard().len()), (0, 0));
    }
);

both_with!(
    /// Nor does somebody who registers itself.
    cimd_6_5_key_sets_of_who_registered_itself_reach_no_origin_that_other_calls_may_reach,
    OPEN,
    |world| async {
        let host = SilentHost::start(Silence::HangsUp).await;
        let node = node(&world, "OUTBOUND__TRUSTED", &host.origin).await;
        let client = Itself::of(
            &world,
            json!({
                "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": host.url("/jwks")
            }),
        )
        .await;
        for path in ["/par", "/token"] {
            let reply = post(&node, path, &signed(&world, &client)).await;
            assert_eq!(reply.refusal(), (400, "invalid_client".to_owned()), "{path}");
            assert!(reply.text().contains("not a public one"), "{path}: {}", reply.text());
        }
        assert_eq!(host.calls(), 0);
    }
);

both!(
    /// One URL of the house for both: what was fetched for its own client is nothing that a guest can ask for.
    what_was_fetched_for_clients_of_the_house_is_not_kept_for_guests,
    |world| async {
        TestGuest::visit(&world).await;
        let inside = "https://keys.house.example/jwks";
        let key = Forge::new(&world.random);
        let kept = DocumentName {
            purpose: "jwks",
            url: inside,
        };
        world.keep(kept, &json!({ "keys": [key.jwk()] })).await;
        let changes =
            json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": inside });
        world.publish(GUEST, &document(GUEST, changes)).await;
        let node = node(&world, "OUTBOUND__TRUSTED", "https://keys.house.example").await;
        let page = opened(&node, &guest_at(GUEST)).await;
        refused(&page, "key set could not be fetched", inside);
    }
);

both!(
    /// What the operator trusts for guests is called for them, and for nobody else.
    origins_that_are_trusted_for_guests_are_called_for_guests_alone,
    |world| async {
        TestGuest::visit(&world).await;
        let host = SilentHost::start(Silence::HangsUp).await;
        let node = node(&world, "GUESTS__TRUSTED", &host.origin).await;
        let unreached = "could not be fetched: nobody could be reached";
        let page = opened(&node, &guest_at(&host.url("/client.json"))).await;
        refused(&page, unreached, "the document");
        assert_eq!(host.calls(), 1);
        let changes = json!({
            "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": host.url("/jwks")
        });
        world.publish(GUEST, &document(GUEST, changes)).await;
        refused(&opened(&node, &guest_at(GUEST)).await, unreached, "the key set");
        assert_eq!(host.calls(), 2);
        // Another port, another name of the same machine, another scheme.
        let other = SilentHost::start(Silence::HangsUp).await;
        for id in [
            other.url("/client.json"),
            host.url("/client.json").replace("127.0.0.1", "localhost"),
            host.url("/client.json").replace("127.0.0.1", "127.0.0.2"),
        ] {
            refused(&opened(&node, &guest_at(&id)).await, "not a public one", &id);
        }
        // A client of the house names the same URL.
        let inside = json!({ "client_id": "inside", "jwks": null, "jwks_uri": host.url("/jwks") });
        let inside = machine(&world, inside).await;
        let form = inside.signed(&world, &TestAgent::own_work().with("scope", "accounts:read"));
        let pairs: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let reply = node.post("/token", &pairs, &[]).await;
        assert!(reply.text().contains("not a public one"), "{}", reply.text());
        assert_eq!((host.calls(), other.calls()), (2, 0));
    }
);
