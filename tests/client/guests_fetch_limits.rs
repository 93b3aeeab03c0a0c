//! Nobody makes this server fetch without end, or takes the calls of others, for guests: draft-ietf-oauth-client-id-metadata-document-03
//! section 6.6, RFC 9700 section 4.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::json;
use tokio::sync::mpsc;
use writ_core::authorize::{MAX_FRONT_REQUESTS, MAX_GUEST_QUESTIONS};
use writ_testkit::{
    Cast, Change, DEVICE_REDIRECT, Fields, Forge, GUEST, HttpReceiver, ISSUER, PASSWORD, Silence,
    SilentHost, TestAgent, TestGuest, TestReply, World, both, both_with, both_with_guests,
    front_url, minted, with,
};

use crate::client::assertions::machine;
use crate::client::dynamic_registration::{Itself, OPEN, notes};

/// Calls at once for guests that strangers name: together, and to one host.
const TOGETHER: usize = 32;
const TO_HOST: usize = 4;
const BUSY: &str = "too many documents are being fetched";

fn guest_at(id: &str) -> TestGuest {
    TestGuest {
        id: id.to_owned(),
        ..TestGuest::at(DEVICE_REDIRECT)
    }
}

fn pairs(form: &Fields) -> Vec<(&str, &str)> {
    form.iter().map(|(n, v)| (*n, v.as_str())).collect()
}

/// The texts of the pages where visits of these guests end, as they end.
fn visits(
    node: &writ_testkit::Node,
    ids: impl Iterator<Item = String>,
) -> mpsc::UnboundedReceiver<String> {
    let (ended, texts) = mpsc::unbounded_channel();
    for id in ids {
        let (mut browser, ended) = (node.browser(), ended.clone());
        let url = front_url(&guest_at(&id).request());
        tokio::spawn(async move {
            let page = browser.open(&url).await;
            let _ = ended.send(page.reply.text());
        });
    }
    texts
}

both!(a_slow_host_takes_no_calls_of_other_hosts, |world| async {
    TestGuest::visit(&world).await;
    let slow = SilentHost::start(Silence::LetsWait).await;
    let other = SilentHost::start(Silence::HangsUp).await;
    // The same machine under another name.
    let origins = format!(
        "{},{}",
        slow.origin,
        other.origin.replace("127.0.0.1", "localhost")
    );
    let settings = [
        ("FEATURES__GUESTS", "true"),
        ("GUESTS__TRUSTED", origins.as_str()),
    ];
    let node = world.node_with(&settings).await;
    let mut waiting = visits(&node, (0..TO_HOST).map(|n| slow.url(&format!("/{n}"))));
    slow.called(TO_HOST).await;
    let mut more = visits(&node, (0..9).map(|n| slow.url(&format!("/more-{n}"))));
    for _ in 0..9 {
        let text = more.recv().await.unwrap();
        assert!(text.contains(BUSY), "{text}");
    }
    let id = other.url("/client.json").replace("127.0.0.1", "localhost");
    let text = visits(&node, [id].into_iter()).recv().await.unwrap();
    assert!(
        !text.contains(BUSY) && text.contains("could not be fetched"),
        "{text}"
    );
    assert_eq!((slow.calls(), other.calls()), (TO_HOST, 1));
    drop(slow);
    for _ in 0..TO_HOST {
        let text = waiting.recv().await.unwrap();
        assert!(text.contains("could not be fetched"), "{text}");
    }
});

both!(
    /// Whoever comes for the same document waits for the one call, and after it failed nobody calls for a while.
    the_same_document_of_a_broken_host_is_called_once,
    |world| async {
        TestGuest::visit(&world).await;
        let host = SilentHost::start(Silence::HangsUp).await;
        let settings = [
            ("FEATURES__GUESTS", "true"),
            ("GUESTS__TRUSTED", host.origin.as_str()),
        ];
        let node = world.node_with(&settings).await;
        let mut ends = visits(&node, (0..20).map(|_| host.url("/client.json")));
        for _ in 0..20 {
            let text = ends.recv().await.unwrap();
            assert!(text.contains("nobody could be reached"), "{text}");
        }
        assert_eq!(host.calls(), 1);
    }
);

both!(
    sixty_five_slow_hosts_of_strangers_take_no_calls_of_known_clients,
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        let receiver = HttpReceiver::start().await;
        let registered = json!({
            "client_id": "published", "jwks": null, "jwks_uri": receiver.url("/jwks")
        });
        let registered = machine(&world, registered).await;
        let known = SilentHost::start(Silence::HangsUp).await;
        let mut slow = Vec::new();
        for place in 2..67 {
            let address = IpAddr::from(Ipv4Addr::new(127, 0, 0, place));
            slow.push(SilentHost::at(address, Silence::LetsWait).await);
        }
        let hosts = slow.iter().chain([&known]);
        let origins: Vec<&str> = hosts.map(|host| host.origin.as_str()).collect();
        let origins = origins.join(",");
        let settings = [
            ("FEATURES__GUESTS", "true"),
            ("GUESTS__TRUSTED", origins.as_str()),
            ("OUTBOUND__TRUSTED", receiver.origin.as_str()),
        ];
        let node = world.node_with(&settings).await;
        // Alice is on her way to a guest before the strangers come.
        let id = known.url("/client.json");
        let document = TestGuest::document(json!({ "client_id": id }));
        world.publish(&id, &document).await;
        let mut alice = node.browser();
        let login = alice.open(&front_url(&guest_at(&id).request())).await;
        world.advance(1);
        let mut ends = visits(&node, slow.iter().map(|host| host.url("/client.json")));
        for _ in TOGETHER..slow.len() {
            let text = ends.recv().await.unwrap();
            assert!(text.contains(BUSY), "{text}");
        }
        // A client of the house is served,
        let keys = json!({ "keys": [registered.assertion.jwk()] }).to_string();
        receiver.answer_with(200, &[("content-type", "application/json")], keys);
        let form = TestAgent::own_work().with("scope", "accounts:read");
        let ready = registered.ready(&world, "/token", &form);
        let reply = node.door().send(&ready).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        // and for a person who is signed in the document is fetched.
        let page = alice.log_in(&login, "alice", PASSWORD).await;
        page.says("nobody could be reached");
        assert_eq!(known.calls(), 1);
        // What is kept needs no call.
        world.publish(GUEST, &TestGuest::document(json!({}))).await;
        let page = node.browser().open(&front_url(&guest.request())).await;
        assert_eq!(page.url.path(), "/login", "{}", page.reply.text());
        drop(slow);
        for _ in 0..TOGETHER {
            assert!(!ends.recv().await.unwrap().contains(BUSY));
        }
    }
);

both!(
    /// Whoever has a link and no login makes no call, however often and by which page.
    without_a_login_no_page_of_a_request_fetches,
    |world| async {
        Cast::of(&world).await;
        world.admit_guests(json!({ "mode": "bearer", "scopes": ["accounts:read"] })).await;
        let host = SilentHost::start(Silence::HangsUp).await;
        let settings = [("FEATURES__GUESTS", "true"), ("GUESTS__TRUSTED", host.origin.as_str())];
        let node = world.node_with(&settings).await;
        let id = host.url("/client.json");
        world.publish(&id, &TestGuest::document(json!({ "client_id": id }))).await;
        let mut alice = node.browser();
        let login = alice.open(&front_url(&guest_at(&id).request())).await;
        let handle = login.query("request").unwrap();
        // The document is no longer fresh; the request is still open.
        world.advance(600);
        for _ in 0..5 {
            for page in ["consent", "login"] {
                let mut stranger = node.browser();
                let shown = stranger.open(&format!("/{page}?request={handle}")).await;
                assert_eq!(shown.url.path(), "/login", "{page}: {}", shown.reply.text());
                shown.says("127.0.0.1");
                let csrf = shown.fields("login-submit");
                let csrf = csrf.iter().find(|(name, _)| name == "csrf").unwrap().1.clone();
                let form = [
                    ("csrf", csrf),
                    ("request", handle.clone()),
                    ("consent-approve", String::new()),
                ];
                let sent = stranger.post("/consent", &form).await;
                assert_eq!(sent.url.path(), "/login", "{}", sent.reply.text());
            }
        }
        assert_eq!(host.calls(), 0);
        let wrong = alice.log_in(&login, "alice", "wrong").await;
        assert_eq!((wrong.url.path(), host.calls()), ("/login", 0));
        let page = alice.log_in(&wrong, "alice", PASSWORD).await;
        page.says("could not be fetched");
        assert_eq!(host.calls(), 1);
    }
);

both_with_guests!(
    /// Another site can send the browser of somebody who is signed in here again and again.
    one_person_is_asked_about_guests_so_often_in_a_minute,
    [],
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        let (mut browser, page) = world.consent_page(&front_url(&guest.request())).await;
        let handle = page.fields("consent-approve");
        let handle = handle.iter().find(|(name, _)| name == "request").unwrap().1.clone();
        let consent = format!("/consent?request={handle}");
        for _ in 1..MAX_GUEST_QUESTIONS {
            assert_eq!(browser.open(&consent).await.reply.status, 200);
        }
        let over = browser.open(&consent).await;
        over.says("this person was asked about clients too often");
        // Somebody else is asked, and so is this person in the next minute.
        world.advance(60);
        world.publish(GUEST, &TestGuest::document(json!({}))).await;
        assert_eq!(browser.open(&consent).await.reply.status, 200);
    }
);

const FROM: &str = "203.0.113.7";

async fn from(world: &World, address: &str, path: &str, form: &Fields) -> TestReply {
    let address = address.parse().unwrap();
    world.post_from(address, path, &pairs(form), &[]).await
}

both_with!(
    who_registered_itself_is_counted_by_address_at_each_front_door,
    OPEN,
    |world| async {
        notes(&world).await;
        let client = Itself::of(&world, json!({})).await;
        let wrong = client
            .request()
            .with("redirect_uri", "https://elsewhere.example/cb");
        for n in 0..MAX_FRONT_REQUESTS {
            let path = if n % 2 == 0 { "/par" } else { "/authorize" };
            let reply = from(&world, FROM, path, &wrong).await;
            assert!(
                reply.text().contains("not registered"),
                "{n} {path}: {}",
                reply.text()
            );
        }
        for path in ["/par", "/authorize"] {
            let over = from(&world, FROM, path, &wrong).await;
            assert_eq!(over.status, 429, "{path}");
            assert!(over.headers.contains_key("retry-after"), "{path}");
            assert!(
                over.text().contains("too many requests from this address"),
                "{path}: {}",
                over.text()
            );
        }
        let other = from(&world, "203.0.113.8", "/par", &client.request()).await;
        assert_eq!(other.status, 201, "{}", other.text());
        world.advance(60);
        let later = from(&world, FROM, "/par", &client.request()).await;
        assert_eq!(later.status, 201, "{}", later.text());
        for n in 1..MAX_FRONT_REQUESTS {
            let kept = from(&world, FROM, "/authorize", &client.request()).await;
            assert_eq!(kept.status, 303, "{n}: counted once");
        }
    }
);

both_with!(
    /// Its keys stand where it likes, and the token endpoint needs no person.
    an_unused_registration_with_keys_elsewhere_is_counted_at_the_token_endpoint_too,
    OPEN,
    |world| async {
        let changes = json!({
            "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://127.0.0.1/jwks"
        });
        let client = Itself::of(&world, changes).await;
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let key = Forge::new(&world.random);
        let assertion = key.assertion(client.id(), ISSUER, world.now().seconds());
        let form = with(&client.redeem_form("x"), "client_assertion_type", kind);
        let form = with(&form, "client_assertion", assertion);
        for _ in 0..MAX_FRONT_REQUESTS {
            let reply = from(&world, FROM, "/token", &form).await;
            assert_eq!(reply.error(), "invalid_client", "{}", reply.text());
        }
        let over = from(&world, FROM, "/token", &form).await;
        assert_eq!(over.error(), "temporarily_unavailable", "{}", over.text());
        // Without keys elsewhere nothing is fetched, and nothing is counted.
        notes(&world).await;
        let plain = Itself::of(&world, json!({})).await;
        let granted = plain.granted(&world).await;
        minted(&granted, "agreed");
        let refresh: Fields = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", granted.member("refresh_token")),
            ("client_id", plain.id().to_owned()),
        ];
        assert_eq!(from(&world, FROM, "/token", &refresh).await.status, 200);
    }
);
