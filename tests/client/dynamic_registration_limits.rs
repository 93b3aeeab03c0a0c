//! Registration without limits fills a database: counted by address and in all before anything is stored, removed where nobody used
//! it, or closed to whoever has no initial access token (RFC 7591 sections 3 and 5).

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};
use writ_core::id::ClientId;
use writ_platform::Transport;
use writ_server::background;
use writ_server::operate::invite::{InviteTerms, invite_clients};
use writ_testkit::{ISSUER, TestReply, World, at_once, both_with, front_url, minted};

use crate::client::dynamic_registration::{Itself, OPEN, asked, notes, register};

const FEW: &[(&str, &str)] = &[
    ("FEATURES__GUESTS", "true"),
    ("REGISTRATION__MODE", "open"),
    ("REGISTRATION__PER_ADDRESS", "3"),
    ("REGISTRATION__IN_ALL", "5"),
    ("SERVER__TRUSTED_PROXIES", "10.0.0.1"),
];
pub(crate) const TOKEN: &[(&str, &str)] = &[
    ("FEATURES__GUESTS", "true"),
    ("REGISTRATION__MODE", "token"),
    ("REGISTRATION__PER_ADDRESS", "1"),
    ("REGISTRATION__IN_ALL", "1"),
];
const DAY: u64 = 24 * 3600;

async fn from(world: &World, address: &str) -> TestReply {
    let body = asked(json!({})).to_string();
    world
        .send_from(address.parse().unwrap(), "/register", &body)
        .await
}

pub(crate) async fn by(world: &World, authorization: &str, body: &Value) -> TestReply {
    let headers = [
        ("content-type", "application/json"),
        ("authorization", authorization),
    ];
    let body = body.to_string().into_bytes();
    world.send(Method::POST, "/register", &headers, body).await
}

async fn invite(world: &World, uses: u32, life: &str) -> String {
    let terms = InviteTerms::read(uses, life).unwrap();
    let change = world.change();
    let mut transaction = world.begin().await;
    let made = invite_clients(&mut transaction, terms, &world.random, change).await;
    transaction.commit().await.unwrap();
    format!("Bearer {}", made.unwrap().token)
}

both_with!(
    one_address_registers_so_often_in_an_hour,
    FEW,
    |world| async {
        for _ in 0..3 {
            assert_eq!(from(&world, "203.0.113.7").await.status, 201);
        }
        let more = from(&world, "203.0.113.7").await;
        assert_eq!(more.refusal(), (429, "temporarily_unavailable".to_owned()));
        let wait: u64 = more.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=3600).contains(&wait), "{wait}");
        assert_eq!(from(&world, "2001:db8:1::1").await.status, 201);
        assert_eq!(world.events_named("client.registered").await.len(), 4);
        world.advance(wait);
        assert_eq!(
            from(&world, "203.0.113.7").await.status,
            201,
            "the next hour"
        );
    }
);

async fn is_there(world: &World, id: &str) -> bool {
    let id = ClientId::from_text(id);
    world.begin().await.client(&id).await.unwrap().is_some()
}

both_with!(
    who_registers_many_ends_older_ones_and_keeps_nobody_out,
    FEW,
    |world| async {
        notes(&world).await;
        let used = Itself::of(&world, json!({})).await;
        minted(&used.granted(&world).await, "agreed");
        let mut ids = Vec::new();
        for number in 0..7 {
            let reply = from(&world, &format!("203.0.113.{number}")).await;
            assert_eq!(reply.status, 201, "{number}: {}", reply.text());
            ids.push(reply.member("client_id"));
            world.advance(1);
        }
        for (number, id) in ids.iter().enumerate() {
            assert_eq!(is_there(&world, id).await, number >= 2, "{number}");
        }
        assert!(is_there(&world, used.id()).await, "somebody agreed to it");
        assert_eq!(world.events_named("client.removed").await.len(), 2);
    }
);

both_with!(
    who_registers_many_ends_their_own_and_not_an_older_one_of_another,
    FEW,
    |world| async {
        let hers = from(&world, "198.51.100.1").await.member("client_id");
        let unknown = Itself::of(&world, json!({})).await;
        let mut of_site = Vec::new();
        for number in 0..8 {
            world.advance(1);
            let reply = from(&world, &format!("2001:db8:1:{number:x}::1")).await;
            assert_eq!(reply.status, 201, "{number}: {}", reply.text());
            of_site.push(reply.member("client_id"));
        }
        for (number, id) in of_site.iter().enumerate() {
            assert_eq!(is_there(&world, id).await, number >= 5, "{number}");
        }
        for address in ["203.0.113.1", "192.0.2.1"] {
            world.advance(1);
            let reply = from(&world, address).await;
            assert_eq!(reply.status, 201, "{address}: {}", reply.text());
            assert!(is_there(&world, &reply.member("client_id")).await);
        }
        assert!(!is_there(&world, &of_site[6]).await, "it still had most");
        assert!(is_there(&world, &of_site[7]).await);
        for id in [&hers, unknown.id()] {
            assert!(is_there(&world, id).await, "{id}");
        }
    }
);

both_with!(
    from_where_somebody_registered_is_forgotten_when_a_person_agrees,
    FEW,
    |world| async {
        notes(&world).await;
        let reply = from(&world, "192.0.2.77").await;
        let client = Itself {
            answer: reply.json(),
        };
        let kept = world.database.dump().await;
        assert!(kept.contains("192.0.2.0") && !kept.contains("192.0.2.77"));
        minted(&client.granted(&world).await, "agreed");
        assert!(!world.database.dump().await.contains("192.0.2."));
    }
);

both_with!(
    a_registration_that_nobody_used_ends_and_one_in_use_stays,
    OPEN,
    |world| async {
        notes(&world).await;
        let unused = Itself::of(&world, json!({})).await;
        let used = Itself::of(&world, json!({})).await;
        assert_ne!(
            unused.id(),
            used.id(),
            "the same registered twice is no error"
        );
        let first = used.granted(&world).await;
        minted(&first, "agreed");
        world.advance(DAY - 1);
        background::sweep_once(&world.app).await.unwrap();
        assert!(world.events_named("client.removed").await.is_empty());
        world.advance(2);
        background::sweep_once(&world.app).await.unwrap();
        let removed = world.events_named("client.removed").await;
        assert_eq!(removed.len(), 1);
        assert_eq!(removed[0].client.as_deref(), Some(unused.id()));
        let id = ClientId::from_text(unused.id());
        assert!(world.begin().await.client(&id).await.unwrap().is_none());
        let read = unused.manage(&world, Method::GET, &Value::Null).await;
        assert_eq!(read.status, 401);
        let read = used.manage(&world, Method::GET, &Value::Null).await;
        assert_eq!(read.status, 200);
        minted(&used.granted(&world).await, "it stays");
    }
);

both_with!(
    what_expires_while_a_person_agrees_is_refused_or_stays,
    OPEN,
    |world| async {
        notes(&world).await;
        let client = Itself::of(&world, json!({})).await;
        let id = ClientId::from_text(client.id());
        world.advance(DAY);
        let url = front_url(&client.request());
        let (mut browser, page) = world.consent_page(&url).await;
        background::sweep_once(&world.app).await.unwrap();
        let page = browser.submit(&page, "consent-approve", &[]).await;
        assert!(page.query("code").is_none(), "{}", page.url);
        assert!(world.begin().await.client(&id).await.unwrap().is_none());
        assert!(world.events_named("task.approved").await.is_empty());
    }
);

both_with!(
    rfc_7591_3_without_an_initial_access_token_nobody_registers,
    TOKEN,
    |world| async {
        let body = asked(json!({}));
        let bare = register(&world, &body).await;
        assert_eq!(bare.status, 401);
        assert_eq!(
            bare.header("www-authenticate"),
            Some("Bearer realm=\"writ\""),
            "RFC 6750 section 3.1: no error code without credentials"
        );
        let said = bare.member("error_description");
        assert!(said.contains("writ client invite"), "{said}");
        let token = invite(&world, 2, "24h").await;
        for wrong in ["Bearer x", "Basic eDp5", "Bearer ", "x"] {
            let reply = by(&world, wrong, &body).await;
            assert_eq!(
                reply.refusal(),
                (401, "invalid_token".to_owned()),
                "{wrong}"
            );
            assert!(!reply.member("error_description").is_empty(), "{wrong}");
            let challenge = reply.header("www-authenticate").unwrap();
            assert!(
                challenge.contains("Bearer realm=\"writ\", error=\"invalid_token\""),
                "{challenge}"
            );
        }
        let bad = by(&world, &token, &asked(json!({ "redirect_uris": [] }))).await;
        assert_eq!(
            bad.error(),
            "invalid_redirect_uri",
            "and nothing is used up"
        );
        for _ in 0..2 {
            assert_eq!(
                by(&world, &token, &body).await.status,
                201,
                "no limit by the hour"
            );
        }
        let more = by(&world, &token, &body).await;
        assert_eq!(more.refusal(), (401, "invalid_token".to_owned()), "used up");
        let late = invite(&world, 1, "30m").await;
        world.advance(1800);
        assert_eq!(by(&world, &late, &body).await.status, 401, "expired");
        assert_eq!(world.events_named("client.invited").await.len(), 2);
        let secret = token.strip_prefix("Bearer ").unwrap();
        assert!(!world.database.dump().await.contains(secret));
        world.advance(2 * DAY);
        background::sweep_once(&world.app).await.unwrap();
        assert!(
            world.events_named("client.removed").await.is_empty(),
            "who was invited stays"
        );
    }
);

both_with!(
    an_initial_access_token_is_counted_exactly_when_all_come_at_once,
    TOKEN,
    |world| async {
        let token = invite(&world, 3, "1h").await;
        let body = asked(json!({}));
        let racer = || {
            let request = Request::post(format!("{ISSUER}/register"))
                .header("content-type", "application/json")
                .header("authorization", &token)
                .body(Bytes::from(body.to_string()))
                .unwrap();
            let network = world.network.clone();
            async move { network.send(request).await.unwrap().status().as_u16() }
        };
        let answers = at_once((0..12).map(|_| racer()).collect()).await;
        let done = answers.iter().filter(|status| **status == 201).count();
        assert_eq!(done, 3);
        assert_eq!(world.events_named("client.registered").await.len(), 3);
    }
);
