//! Whoever reads, changes or removes a registration is counted, by address before its token is looked at and by client after that
//! (RFC 7592 section 5): nobody fills the database, and nobody uses up what another client has.

use std::net::IpAddr;

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};
use writ_core::registration::dynamic::{MAX_MANAGED_FROM_ADDRESS, MAX_MANAGED_OF_CLIENT};
use writ_testkit::{ISSUER, TestReply, World, both_with};

use crate::client::dynamic_registration::{Itself, OPEN, asked};

const NOTHING: Value = Value::Null;
const PROXIED: &[(&str, &str)] = &[
    ("FEATURES__GUESTS", "true"),
    ("REGISTRATION__MODE", "open"),
    ("REGISTRATION__PER_ADDRESS", "2"),
    ("SERVER__TRUSTED_PROXIES", "10.0.0.1"),
];

/// Status and code, and that it says the same wait in header and body: the rest of the hour.
fn paused(world: &World, reply: &TestReply) -> u64 {
    assert_eq!(
        reply.refusal(),
        (429, "temporarily_unavailable".to_owned()),
        "{}",
        reply.text()
    );
    assert!(!reply.member("error_description").is_empty());
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(reply.json()["retry_after"], json!(wait));
    let over = u64::try_from(world.now().seconds()).unwrap() % 3600;
    assert_eq!(wait, 3600 - over);
    wait
}

async fn read_from(world: &World, address: &str, client: &Itself, token: &str) -> TestReply {
    let uri = client.said("registration_client_uri");
    let request = Request::get(uri.strip_prefix(ISSUER).unwrap())
        .header("authorization", format!("Bearer {token}"))
        .body(Bytes::new())
        .unwrap();
    let address: IpAddr = address.parse().unwrap();
    world.request_from(address, request).await
}

/// Another name for a client, over a connection from this address.
async fn change_from(world: &World, address: &str, client: &Itself, number: u32) -> TestReply {
    let uri = client.said("registration_client_uri");
    let token = client.said("registration_access_token");
    let body = asked(json!({
        "client_id": client.id(), "client_name": format!("Inspector {number}")
    }));
    let request = Request::put(uri.strip_prefix(ISSUER).unwrap())
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Bytes::from(body.to_string()))
        .unwrap();
    let address: IpAddr = address.parse().unwrap();
    world.request_from(address, request).await
}

/// A registration over a connection from `peer` that this proxy header comes with.
async fn register_from(world: &World, peer: &str, forwarded: Option<&str>) -> TestReply {
    let mut request = Request::post("/register").header("content-type", "application/json");
    if let Some(client) = forwarded {
        request = request.header("x-forwarded-for", client);
    }
    let request = request.body(Bytes::from(asked(json!({})).to_string()));
    let peer: IpAddr = peer.parse().unwrap();
    world.request_from(peer, request.unwrap()).await
}

both_with!(
    rfc_7592_5_a_client_asks_about_its_registration_so_often_in_an_hour,
    OPEN,
    |world| async {
        let client = Itself::of(&world, json!({})).await;
        let other = Itself::of(&world, json!({})).await;
        for _ in 0..=MAX_MANAGED_OF_CLIENT {
            let wrong = client.manage_by(&world, "x", Method::GET, &NOTHING).await;
            assert_eq!(wrong.status, 401, "strangers do not use it up");
        }
        let renamed = |number: u32| {
            let name = format!("Inspector {number}");
            asked(json!({ "client_id": client.id(), "client_name": name }))
        };
        for number in 0..MAX_MANAGED_OF_CLIENT {
            let reply = match number % 2 {
                0 => client.manage(&world, Method::GET, &NOTHING).await,
                _ => client.manage(&world, Method::PUT, &renamed(number)).await,
            };
            assert_eq!(reply.status, 200, "{number}: {}", reply.text());
        }
        let written = world.events_named("client.changed").await.len();
        for (method, body) in [
            (Method::GET, NOTHING),
            (Method::PUT, renamed(0)),
            (Method::DELETE, NOTHING),
        ] {
            paused(&world, &client.manage(&world, method, &body).await);
        }
        assert_eq!(world.events_named("client.changed").await.len(), written);
        let read = other.manage(&world, Method::GET, &NOTHING).await;
        assert_eq!(read.status, 200, "another client is not hurt");
        let wait = paused(&world, &client.manage(&world, Method::GET, &NOTHING).await);
        world.advance(wait - 1);
        paused(&world, &client.manage(&world, Method::GET, &NOTHING).await);
        world.advance(1);
        let reply = client.manage(&world, Method::DELETE, &NOTHING).await;
        assert_eq!(reply.status, 204, "the next hour");
    }
);

both_with!(
    rfc_7592_5_an_address_asks_about_registrations_so_often_in_an_hour,
    OPEN,
    |world| async {
        let client = Itself::of(&world, json!({})).await;
        let token = client.said("registration_access_token");
        for _ in 0..MAX_MANAGED_FROM_ADDRESS {
            let wrong = read_from(&world, "2001:db8:1::1", &client, "x").await;
            assert_eq!(wrong.status, 401);
        }
        let more = read_from(&world, "2001:db8:1::1", &client, "x").await;
        paused(&world, &more);
        let right = read_from(&world, "2001:db8:1::2", &client, token).await;
        paused(&world, &right);
        let elsewhere = read_from(&world, "2001:db8:2::1", &client, token).await;
        assert_eq!(elsewhere.status, 200, "another network");
        let here = read_from(&world, "127.0.0.1", &client, token).await;
        assert_eq!(here.status, 200, "this machine is no address");
    }
);

both_with!(
    an_address_changes_registrations_so_often_in_an_hour,
    OPEN,
    |world| async {
        let client = Itself::of(&world, json!({})).await;
        let most = 30;
        for number in 0..most {
            let reply = change_from(&world, "2001:db8:1::1", &client, number).await;
            assert_eq!(reply.status, 200, "{number}: {}", reply.text());
        }
        // What changes nothing leaves no event, and is not counted.
        let same = change_from(&world, "2001:db8:1::1", &client, most - 1).await;
        assert_eq!(same.status, 200, "{}", same.text());
        let another = Itself::of(&world, json!({})).await;
        for client in [&client, &another] {
            paused(
                &world,
                &change_from(&world, "2001:db8:1::2", client, most).await,
            );
        }
        let written = world.events_named("client.changed").await.len();
        assert_eq!(written, usize::try_from(most).unwrap());
        let elsewhere = change_from(&world, "2001:db8:2::1", &another, most).await;
        assert_eq!(elsewhere.status, 200, "another network");
    }
);

both_with!(
    registrations_are_counted_by_the_address_that_a_trusted_proxy_names,
    PROXIED,
    |world| async {
        for _ in 0..2 {
            let reply = register_from(&world, "10.0.0.1", Some("203.0.113.7")).await;
            assert_eq!(reply.status, 201, "{}", reply.text());
        }
        let more = register_from(&world, "10.0.0.1", Some("203.0.113.7")).await;
        paused(&world, &more);
        let made_up = register_from(&world, "10.0.0.1", Some("192.0.2.1, 203.0.113.7")).await;
        paused(&world, &made_up);
        let other = register_from(&world, "10.0.0.1", Some("203.0.113.8")).await;
        assert_eq!(other.status, 201, "one proxy, another client");
        // No address, or this machine's: behind a proxy that nobody configured all would be one.
        for (peer, forwarded) in [
            ("10.0.0.1", None),
            ("127.0.0.1", Some("203.0.113.9")),
            ("::1", None),
            ("127.0.0.1", None),
        ] {
            let reply = register_from(&world, peer, forwarded).await;
            assert_eq!(reply.status, 201, "{peer}: {}", reply.text());
        }
        assert_eq!(world.events_named("client.registered").await.len(), 7);
    }
);
