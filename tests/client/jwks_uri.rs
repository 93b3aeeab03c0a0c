//! Keys that a client publishes at its `jwks_uri` (RFC 7591 section 2): fetched, kept, found again after a rotation.

use serde_json::{Value, json};
use writ_testkit::{
    Cast, Change, Forge, HttpReceiver, ISSUER, SignedParts, TestAgent, TestReply, Web, World,
    both_heard,
};

use super::assertions::machine;

const JSON: (&str, &str) = ("content-type", "application/json");

/// The next answer at `/jwks`.
fn publish(receiver: &HttpReceiver, keys: &Value) {
    let headers = [JSON, ("cache-control", "max-age=600")];
    receiver.answer_with(200, &headers, json!({ "keys": keys }).to_string());
}

/// A client whose key is at the receiver.
async fn published(world: &World, receiver: &HttpReceiver) -> TestAgent {
    Cast::of(world).await;
    let uri = receiver.url("/jwks");
    machine(
        world,
        json!({ "client_id": "published", "jwks": null, "jwks_uri": uri }),
    )
    .await
}

async fn ask(world: &World, client: &TestAgent) -> TestReply {
    let assertion = client
        .assertion
        .assertion(&client.id, ISSUER, world.now().seconds());
    ask_with(world, client, &assertion).await
}

async fn ask_with(world: &World, client: &TestAgent, assertion: &str) -> TestReply {
    let form = TestAgent::own_work().with("scope", "accounts:read");
    let proof = client.proof(world, "/token");
    let parts = SignedParts {
        assertion,
        proof: &proof,
    };
    client.send_exactly(world, "/token", &form, parts).await
}

fn refused(reply: &TestReply, word: &str) {
    let text = reply.text();
    assert_eq!(
        reply.refusal(),
        (400, "invalid_client".to_owned()),
        "{text}"
    );
    assert!(text.contains(word), "{text}");
}

both_heard!(
    rfc_7591_2_keys_at_a_jwks_uri_are_fetched_once_and_rotated,
    |world, receiver| async {
        let first = published(&world, &receiver).await;
        publish(&receiver, &json!([first.assertion.jwk()]));
        for _ in 0..3 {
            let reply = ask(&world, &first).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
        }
        assert_eq!(receiver.only().path, "/jwks");
        // A new key, with a new `kid`: fetched at once, but not within a minute of the last fetch.
        let second = TestAgent {
            assertion: Forge::new(&world.random),
            ..first.clone()
        };
        refused(&ask(&world, &second).await, "jwks_uri");
        assert!(receiver.heard().is_empty());
        world.advance(61);
        publish(
            &receiver,
            &json!([first.assertion.jwk(), second.assertion.jwk()]),
        );
        assert_eq!(ask(&world, &second).await.status, 200);
        assert_eq!(ask(&world, &first).await.status, 200);
        assert_eq!(receiver.heard().len(), 1);
        // A stranger's `kid` fetches once a minute, however often it comes.
        let stranger = TestAgent {
            assertion: Forge::new(&world.random),
            ..first.clone()
        };
        world.advance(61);
        publish(&receiver, &json!([second.assertion.jwk()]));
        for _ in 0..5 {
            refused(&ask(&world, &stranger).await, "jwks_uri");
        }
        assert_eq!(receiver.heard().len(), 1);
        refused(&ask(&world, &first).await, "jwks_uri");
        let node = world.node().await;
        let form = second.signed(
            &world,
            &TestAgent::own_work().with("scope", "accounts:read"),
        );
        let pairs: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let proof = second.proof(&world, "/token");
        let reply = node.post("/token", &pairs, &[("dpop", &proof)]).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(
            receiver.heard().is_empty(),
            "the other node has the kept set"
        );
    }
);

both_heard!(
    /// RFC 7517 section 5: keys that are not understood are ignored.
    rfc_7517_5_a_published_set_is_usable_by_its_usable_keys,
    |world, receiver| async {
        let client = published(&world, &receiver).await;
        let mut private = Forge::new(&world.random).jwk();
        private["d"] = json!("A".repeat(43));
        let mut encrypting = Forge::new(&world.random).jwk();
        encrypting["use"] = json!("enc");
        let odd = json!([
            { "kty": "AKP", "alg": "ML-DSA-44", "pub": "AA" },
            { "kty": "EC", "crv": "P-521", "x": "AA", "y": "AA" },
            { "kty": "RSA", "n": "AQAB", "e": "AQAB" },
            { "kty": "oct", "k": "AAAA" },
            { "kty": 1 },
            "no key",
            private,
            encrypting,
        ]);
        publish(&receiver, &odd);
        refused(&ask(&world, &client).await, "jwks_uri");
        world.advance(30);
        let mut keys = odd.as_array().unwrap().clone();
        keys.push(client.assertion.jwk());
        publish(&receiver, &Value::Array(keys));
        assert_eq!(ask(&world, &client).await.status, 200);
        // Without a `kid` all that fit are tried.
        let claims = client.assertion.assertion_claims(&client.id, ISSUER, world.now().seconds());
        let without_kid = client.assertion.sign(&json!({ "alg": "ES256" }), &claims);
        assert_eq!(ask_with(&world, &client, &without_kid).await.status, 200);
    }
);

both_heard!(
    keys_that_can_no_longer_be_fetched_go_on_for_a_day,
    |world, receiver| async {
        let client = published(&world, &receiver).await;
        receiver.answer(404, &[]);
        let reply = ask(&world, &client).await;
        refused(&reply, "jwks_uri");
        assert!(reply.text().contains("404"), "{}", reply.text());
        refused(&ask(&world, &client).await, "404");
        assert_eq!(receiver.heard().len(), 1, "left alone for a while");
        world.advance(30);
        publish(&receiver, &json!([client.assertion.jwk()]));
        assert_eq!(ask(&world, &client).await.status, 200);
        world.advance(600 + 24 * 3600 - 1);
        receiver.answer(503, &[]);
        assert_eq!(ask(&world, &client).await.status, 200);
        world.advance(1);
        refused(&ask(&world, &client).await, "503");
        world.advance(30);
        receiver.answer_with(200, &[JSON], "{".to_owned());
        refused(&ask(&world, &client).await, "JSON key set");
    }
);

both_heard!(
    a_registration_has_keys_or_an_address_of_keys,
    |world, receiver| async {
        let key = Forge::new(&world.random).jwk();
        let long = format!("https://client.example/{}", "x".repeat(2048));
        let by = |changes: Value| {
            let mut file = Web::file(json!({ "token_endpoint_auth_method": "private_key_jwt" }));
            writ_testkit::merge(&mut file, changes);
            file
        };
        for bad in [
            by(json!({})),
            by(json!({ "jwks_uri": "https://client.example/jwks", "jwks": { "keys": [key] } })),
            by(json!({ "jwks_uri": "http://client.example/jwks" })),
            by(json!({ "jwks_uri": "https://user@client.example/jwks" })),
            by(json!({ "jwks_uri": "https://client.example/jwks#x" })),
            by(json!({ "jwks_uri": "file:///etc/passwd" })),
            by(json!({ "jwks_uri": "jwks" })),
            by(json!({ "jwks_uri": long })),
            Web::file(json!({ "jwks_uri": "https://client.example/jwks" })),
        ] {
            let sentence = world.try_add_client(bad.clone()).await.unwrap_err();
            assert!(sentence.contains("jwks_uri"), "{bad}: {sentence}");
        }
        let good = by(json!({ "jwks_uri": "https://client.example/jwks" }));
        assert!(world.try_add_client(good).await.is_ok());
        assert!(
            receiver.heard().is_empty(),
            "nothing is fetched to register"
        );
        // Inside the house only what the operator trusts is called, whatever is registered.
        Cast::of(&world).await;
        let inside =
            json!({ "client_id": "inside", "jwks": null, "jwks_uri": "https://10.0.0.1/jwks" });
        let inside = machine(&world, inside).await;
        refused(&ask(&world, &inside).await, "not a public one");
    }
);
