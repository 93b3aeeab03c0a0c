//! Keys of guests that are published apart, at a `jwks_uri` that stays the same: a key that is gone there pauses what people agreed to, for
//! guests of a document and for clients that registered themselves (draft-ietf-oauth-client-id-metadata-document-03 section 6.3.1).

use http::Method;
use serde_json::{Value, json};
use writ_core::guest::KeptDocument;
use writ_core::id::TaskId;
use writ_testkit::{
    Cast, Forge, GUEST, ISSUER, PASSWORD, TestGuest, TestReply, World, both_with, front_url, merge,
    minted, refused, with,
};
use writ_wire::registration::AuthMethod;

use crate::client::dynamic_registration::{CALLBACK, Itself, OPEN, asked};

const KEY_SET: &str = "https://client.example/jwks";
const ELSEWHERE: &str = "https://client.example/other-jwks";

/// Which kind of guest publishes its keys.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Document,
    Registered,
}

fn published(at: &str) -> Value {
    json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": at })
}

fn key_set(keys: &[&Forge]) -> Value {
    let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
    json!({ "keys": keys })
}

/// From now on these keys are there, and whatever else a guest publishes is fresh again.
async fn publish(world: &World, keys: &[&Forge]) {
    world
        .publish_later(GUEST, &TestGuest::document(published(KEY_SET)))
        .await;
    world.publish_keys(KEY_SET, &key_set(keys)).await;
    world.publish_keys(ELSEWHERE, &key_set(keys)).await;
}

struct Scene {
    cast: Cast,
    keys: [Forge; 3],
    /// As it registered, of that kind.
    itself: Option<Itself>,
    guest: TestGuest,
}

impl Scene {
    /// A guest with the first two keys, which signs with the first.
    async fn of(world: &World, kind: Kind) -> Self {
        let (cast, guest) = TestGuest::visit(world).await;
        let keys = [0; 3].map(|_| Forge::new(&world.random));
        publish(world, &[&keys[0], &keys[1]]).await;
        let itself = match kind {
            Kind::Document => None,
            Kind::Registered => Some(Itself::of(world, published(KEY_SET)).await),
        };
        let guest = match &itself {
            Some(itself) => TestGuest {
                id: itself.id().to_owned(),
                ..TestGuest::at(CALLBACK)
            },
            None => guest,
        };
        Self {
            cast,
            guest: TestGuest {
                key: Some(keys[0].clone()),
                ..guest
            },
            keys,
            itself,
        }
    }

    async fn suspended(&self, world: &World) -> usize {
        world.events_named("task.suspended").await.len()
    }

    /// It asks for the next token of a grant: a client that signs keeps its refresh token.
    async fn next(&self, world: &World, grant: &TestReply) -> TestReply {
        self.guest
            .refreshed(world, &grant.member("refresh_token"))
            .await
    }
}

fn task_of(token: &TestReply) -> TaskId {
    TaskId::from_text(token.claims()["mission"]["id"].as_str().unwrap())
}

/// A key goes, at the same URL.
async fn a_key_goes(world: &World, kind: Kind) {
    let scene = Scene::of(world, kind).await;
    let [one, two, three] = &scene.keys;
    let first = scene.guest.granted(world).await;
    // One more, and another order, take nothing away.
    publish(world, &[three, two, one]).await;
    let second = scene.next(world, &first).await;
    assert_eq!(second.status, 200, "{kind:?}: {}", second.text());
    let fresh = scene.guest.granted(world).await;
    assert_eq!(scene.suspended(world).await, 0);
    publish(world, &[one, three]).await;
    let third = scene.next(world, &first).await;
    refused(&third, "invalid_grant", "a key is gone");
    // All that was opened while it was there waits, not only what was presented.
    assert_eq!(scene.suspended(world).await, 2, "{kind:?}");
    for token in [&second, &fresh] {
        let answer = scene.cast.introspect(world, &token.access_token()).await;
        assert_eq!(answer, json!({ "active": false }), "{kind:?}");
    }
    // The person lets both go on, and from then on these keys are what they agreed to.
    world.advance(1);
    for _ in 0..2 {
        publish(world, &[one, three]).await;
        let (mut browser, page) = TestGuest::alice_at(world, "/app/agents").await;
        let page = browser.submit(&page, "task-resume", &[]).await;
        page.says("It may go on");
    }
    let again = scene.next(world, &first).await;
    assert_eq!(again.status, 200, "{kind:?}: {}", again.text());
    publish(world, &[one]).await;
    refused(
        &scene.next(world, &first).await,
        "invalid_grant",
        "one more is gone",
    );
}

/// Another key takes the place of the only ones that were there.
async fn a_key_is_replaced(world: &World, kind: Kind) {
    let mut scene = Scene::of(world, kind).await;
    let first = scene.guest.granted(world).await;
    let third = scene.keys[2].clone();
    publish(world, &[&third]).await;
    scene.guest.key = Some(third);
    let reply = scene.next(world, &first).await;
    refused(&reply, "invalid_grant", "all keys are others");
    assert_eq!(scene.suspended(world).await, 1);
}

/// The same between the consent and the redemption of its code, at a node that has no key set in its memory.
async fn a_key_goes_while_a_code_is_open(world: &World, kind: Kind) {
    let scene = Scene::of(world, kind).await;
    let code = scene.guest.code(world).await;
    world.advance(1);
    let node = world.node().await;
    world
        .publish(GUEST, &TestGuest::document(published(KEY_SET)))
        .await;
    world
        .publish_keys(KEY_SET, &key_set(&[&scene.keys[0]]))
        .await;
    let (id, now) = (&scene.guest.id, world.now().seconds());
    let assertion = scene.keys[0].assertion(id, ISSUER, now);
    let kind_of_assertion = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let form = scene.guest.redeem_form(&code);
    let form = with(&form, "client_assertion_type", kind_of_assertion);
    let form = with(&form, "client_assertion", assertion);
    let pairs: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let reply = node.post("/token", &pairs, &[]).await;
    refused(&reply, "invalid_grant", &format!("{kind:?}"));
    assert_eq!(scene.suspended(world).await, 1);
}

both_with!(
    cimd_6_3_1_a_key_that_is_gone_at_the_same_url_pauses_a_guest_of_a_document,
    OPEN,
    |world| a_key_goes(&world, Kind::Document)
);

both_with!(
    a_key_that_is_gone_at_the_same_url_pauses_a_client_that_registered_itself,
    OPEN,
    |world| a_key_goes(&world, Kind::Registered)
);

both_with!(
    a_key_that_takes_the_place_of_another_pauses_a_guest_of_a_document,
    OPEN,
    |world| a_key_is_replaced(&world, Kind::Document)
);

both_with!(
    a_key_that_takes_the_place_of_another_pauses_a_client_that_registered_itself,
    OPEN,
    |world| a_key_is_replaced(&world, Kind::Registered)
);

both_with!(
    a_key_that_is_gone_ends_an_open_code_of_a_guest_of_a_document,
    OPEN,
    |world| a_key_goes_while_a_code_is_open(&world, Kind::Document)
);

both_with!(
    a_key_that_is_gone_ends_an_open_code_of_a_client_that_registered_itself,
    OPEN,
    |world| a_key_goes_while_a_code_is_open(&world, Kind::Registered)
);

both_with!(
    /// The keys are the same ones, wherever they stand: nothing became weaker.
    the_same_keys_at_another_place_pause_nothing,
    OPEN,
    |world| async {
        let scene = Scene::of(&world, Kind::Registered).await;
        let itself = scene.itself.as_ref().unwrap();
        let first = scene.guest.granted(&world).await;
        let inline = json!({
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": key_set(&[&scene.keys[0], &scene.keys[1]])
        });
        for place in [published(ELSEWHERE), inline, published(KEY_SET)] {
            let mut body = asked(json!({ "client_id": itself.id() }));
            merge(&mut body, place.clone());
            let reply = itself.manage(&world, Method::PUT, &body).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            publish(&world, &[&scene.keys[0], &scene.keys[1]]).await;
            minted(&scene.next(&world, &first).await, &place.to_string());
        }
        assert_eq!(scene.suspended(&world).await, 0);
    }
);

both_with!(
    /// A grant of a version that kept the URL alone is compared by the URL alone.
    what_kept_only_the_url_of_a_key_set_goes_on_while_that_is_the_url,
    OPEN,
    |world| async {
        let scene = Scene::of(&world, Kind::Registered).await;
        let itself = scene.itself.as_ref().unwrap();
        let first = scene.guest.granted(&world).await;
        let older = KeptDocument {
            name: "Inspector".to_owned(),
            method: AuthMethod::PrivateKeyJwt,
            keys: [KEY_SET.to_owned()].into(),
            redirect_uris: [CALLBACK.to_owned()].into(),
        };
        let mut transaction = world.begin().await;
        transaction.replace_guest_grant(&task_of(&first), &older).await.unwrap();
        transaction.commit().await.unwrap();
        publish(&world, &[&scene.keys[0]]).await;
        minted(&scene.next(&world, &first).await, "the same URL");
        let (_, page) = world
            .consent_page(&front_url(&scene.guest.request()))
            .await;
        page.does_not_say("not what you last agreed to");
        let mut body = asked(json!({ "client_id": itself.id() }));
        merge(&mut body, published(ELSEWHERE));
        assert_eq!(itself.manage(&world, Method::PUT, &body).await.status, 200);
        publish(&world, &[&scene.keys[0]]).await;
        refused(&scene.next(&world, &first).await, "invalid_grant", "another URL");
    }
);

both_with!(
    /// As for documents: whoever is asked is told when the keys of the client cannot be had.
    nobody_is_asked_about_a_client_whose_keys_cannot_be_fetched,
    OPEN,
    |world| async {
        let scene = Scene::of(&world, Kind::Registered).await;
        let gone = Itself::of(&world, published("https://client.example/no-such-keys")).await;
        let guest = TestGuest {
            id: gone.id().to_owned(),
            ..TestGuest::at(CALLBACK)
        };
        let mut browser = world.browser();
        let login = browser.open(&front_url(&guest.request())).await;
        let page = browser.log_in(&login, "alice", PASSWORD).await;
        assert_eq!(page.reply.status, 400, "{}", page.url);
        page.says("jwks_uri");
        minted(&scene.guest.granted(&world).await, "another one is asked about");
    }
);
