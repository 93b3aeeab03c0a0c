//! The keys of clients that registered themselves are fetched from hosts that they chose: one address, which registers many of them,
//! takes a part of those calls alone.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use writ_testkit::{DEVICE_REDIRECT, Forge, ISSUER, Node, Silence, SilentHost, TestGuest, World};
use writ_testkit::{both, front_url};

use crate::client::dynamic_registration::{JSON, asked};

/// Calls for guests that one address may cause at once.
const OF_ADDRESS: usize = 8;
const CLIENTS: usize = 12;
const BUSY: &str = "too many documents are being fetched";
const OTHER: &str = "198.51.100.9";

/// Four hosts that let whoever calls wait.
async fn slow_hosts() -> Vec<SilentHost> {
    let mut hosts = Vec::new();
    for place in 2..6 {
        let address = IpAddr::from(Ipv4Addr::new(127, 0, 0, place));
        hosts.push(SilentHost::at(address, Silence::LetsWait).await);
    }
    hosts
}

async fn node_of(world: &World, hosts: &[SilentHost]) -> Node {
    TestGuest::visit(world).await;
    let origins: Vec<&str> = hosts.iter().map(|host| host.origin.as_str()).collect();
    let origins = origins.join(",");
    let settings = [
        ("FEATURES__GUESTS", "true"),
        ("REGISTRATION__MODE", "open"),
        ("REGISTRATION__PER_ADDRESS", "100"),
        ("GUESTS__TRUSTED", origins.as_str()),
    ];
    world.node_with(&settings).await
}

fn at(jwks_uri: String) -> Value {
    asked(json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": jwks_uri }))
}

async fn registered(node: &Node, hosts: &[SilentHost]) -> Vec<Value> {
    let mut clients = Vec::new();
    for (number, host) in hosts.iter().cycle().take(CLIENTS).enumerate() {
        let body = at(host.url(&format!("/{number}"))).to_string();
        let reply = node
            .send(Method::POST, "/register", &[JSON], body.into_bytes())
            .await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        clients.push(reply.json());
    }
    clients
}

/// So many of them end at once because too many are under way; the others wait for their hosts, and somebody else's call is made.
async fn judge(node: &Node, hosts: Vec<SilentHost>, mut sent: JoinSet<String>) {
    for _ in OF_ADDRESS..CLIENTS {
        let text = sent.join_next().await.unwrap().unwrap();
        assert!(text.contains(BUSY), "{text}");
    }
    let calls = || hosts.iter().map(SilentHost::calls).sum::<usize>();
    while calls() < OF_ADDRESS {
        tokio::task::yield_now().await;
    }
    let id = hosts[0].url("/guest.json");
    let guest = TestGuest {
        id,
        ..TestGuest::at(DEVICE_REDIRECT)
    };
    let path = front_url(&guest.request());
    let other = node.seen_from(OTHER.parse().unwrap());
    let visit = tokio::spawn(async move { other.get(&path, &[]).await.text() });
    while calls() < OF_ADDRESS + 1 {
        tokio::task::yield_now().await;
    }
    drop(hosts);
    assert!(!visit.await.unwrap().contains(BUSY));
    while let Some(text) = sent.join_next().await {
        assert!(!text.unwrap().contains(BUSY));
    }
}

both!(
    one_address_leaves_calls_at_the_token_endpoint,
    |world| async {
        let hosts = slow_hosts().await;
        let node = node_of(&world, &hosts).await;
        let near = Arc::new(node.seen_from("203.0.113.7".parse().unwrap()));
        let key = Forge::new(&world.random);
        let mut sent = JoinSet::new();
        for client in registered(&near, &hosts).await {
            let id = client["client_id"].as_str().unwrap();
            let assertion = key.assertion(id, ISSUER, world.now().seconds());
            let near = near.clone();
            sent.spawn(async move {
                let form = [
                    ("grant_type", "authorization_code"),
                    ("code", "x"),
                    (
                        "client_assertion_type",
                        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                    ),
                    ("client_assertion", assertion.as_str()),
                ];
                near.post("/token", &form, &[]).await.text()
            });
        }
        judge(&node, hosts, sent).await;
    }
);

both!(
    one_address_leaves_calls_when_it_changes_what_it_registered,
    |world| async {
        let hosts = slow_hosts().await;
        let node = node_of(&world, &hosts).await;
        let near = Arc::new(node.seen_from("203.0.113.7".parse().unwrap()));
        let mut sent = JoinSet::new();
        for (number, client) in registered(&near, &hosts).await.into_iter().enumerate() {
            let said = |member: &str| client[member].as_str().unwrap().to_owned();
            let token = format!("Bearer {}", said("registration_access_token"));
            let path = format!("/register/{}", said("client_id"));
            let mut body = at(hosts[number % hosts.len()].url(&format!("/changed-{number}")));
            body["client_id"] = client["client_id"].clone();
            let near = near.clone();
            sent.spawn(async move {
                let headers = [JSON, ("authorization", token.as_str())];
                let body = body.to_string().into_bytes();
                near.send(Method::PUT, &path, &headers, body).await.text()
            });
        }
        judge(&node, hosts, sent).await;
    }
);
