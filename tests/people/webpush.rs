//! Web Push: RFC 8030 (delivery), RFC 8291 (encryption), RFC 8292 (who sends it), through the HTTP door.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};
use web_push_native::p256::SecretKey;
use web_push_native::{Auth, decrypt};
use writ_core::pending::{Delivery, State};
use writ_jose::jws::UnverifiedJwt;
use writ_jose::key::PublicKey;
use writ_server::background::sending;
use writ_testkit::{
    Cast, PASSWORD, ReceivedRequest, TestReply, World, agent_file, both, both_heard, enrol,
};
use writ_wire::jwk::Jwk;

use crate::approvals::notices::{Told, WAIT, decide, node, told};

/// The keys of RFC 8291 section 5.
const PRIVATE: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
pub const PUBLIC: &str =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
pub const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

/// A logged-in browser that can be pushed to.
pub struct Phone {
    pub cookie: String,
    pub csrf: String,
}

impl Phone {
    pub async fn logged_in(world: &World, person: &str) -> Self {
        let mut browser = world.browser();
        let page = browser.open("/login").await;
        let page = browser.log_in(&page, person, PASSWORD).await;
        let (name, value) = browser
            .cookies
            .get_key_value("writ-loopback-default")
            .unwrap();
        let text = page.reply.text();
        let after = text.split("name=\"csrf\" value=\"").nth(1).unwrap();
        Self {
            cookie: format!("{name}={value}"),
            csrf: after.split('"').next().unwrap().to_owned(),
        }
    }

    pub async fn subscribe(&self, world: &World, endpoint: &str) -> TestReply {
        let keys = json!({ "p256dh": PUBLIC, "auth": AUTH });
        let body = json!({ "endpoint": endpoint, "expirationTime": null, "keys": keys });
        self.post(world, "/app/devices/push", &body).await
    }

    pub async fn post(&self, world: &World, path: &str, body: &Value) -> TestReply {
        let headers = [
            ("cookie", self.cookie.as_str()),
            ("x-csrf", &self.csrf),
            ("content-type", "application/json"),
            ("accept-language", "de-DE,de;q=0.9,en;q=0.8"),
        ];
        self.post_with(world, path, (&headers, body)).await
    }

    async fn post_with(
        &self,
        world: &World,
        path: &str,
        (headers, body): (&[(&str, &str)], &Value),
    ) -> TestReply {
        let body = body.to_string().into_bytes();
        world.send(Method::POST, path, headers, body).await
    }
}

pub fn plain(heard: &ReceivedRequest) -> Value {
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let key = SecretKey::from_slice(&bytes(PRIVATE)).unwrap();
    let auth = <[u8; 16]>::try_from(bytes(AUTH)).unwrap();
    let plain = decrypt(heard.body.to_vec(), &key, &Auth::from(auth)).unwrap();
    serde_json::from_slice(&plain).unwrap()
}

async fn public_key(world: &World) -> String {
    let reply = world.get("/app/devices/push/key", &[]).await;
    assert_eq!(reply.status, 200);
    reply.member("key")
}

both_heard!(
    rfc_8291_the_browser_reads_what_is_asked_and_nobody_else,
    |world, receiver| async {
        let told = Told::of(&world, "poll", None).await;
        let phone = Phone::logged_in(&world, "alice").await;
        assert_eq!(
            phone
                .subscribe(&world, &receiver.url("/push/1"))
                .await
                .status,
            204
        );
        let request = told.ask(&world, Delivery::Poll, &[&told.alice]).await;
        receiver.answer(201, &[]);
        sending::send_due(&world.app).await.unwrap();
        let heard = receiver.only();
        assert_eq!(heard.path, "/push/1");
        assert_eq!(heard.header("content-encoding"), "aes128gcm");
        let message = plain(&heard);
        assert_eq!(
            message,
            json!({
                "title": "Travel agent bittet um Ihre Zustimmung",
                "body": "Zahlung. Öffnen Sie dies, um genau zu sehen, was geschehen wird.",
                "url": format!("/app/requests/{}", request.id),
                "tag": heard.header("topic"),
            }),
            "nothing of the payment itself"
        );
    }
);

both_heard!(
    /// RFC 8291 section 4: one record, whose size is larger than what is in it; at most 4096 octets of all.
    rfc_8291_4_one_record_within_its_size,
    |world, receiver| async {
        let cast = Cast::of(&world).await;
        let mut file = agent_file("agt_long", "alice");
        file["client_name"] = json!("ш".repeat(140));
        file["agent"]["may_ask"] = json!(["alice"]);
        let agent = enrol(&world, file).await;
        let phone = Phone::logged_in(&world, "alice").await;
        phone.subscribe(&world, &receiver.url("/push/1")).await;
        agent.asked(&world, &cast.question()).await;
        sending::send_due(&world.app).await.unwrap();
        let heard = receiver.only();
        assert!(plain(&heard)["title"].as_str().unwrap().contains("шшш"));
        let size = u32::from_be_bytes(heard.body[16..20].try_into().unwrap());
        let record = heard.body.len() - 86;
        assert!(size as usize > record, "{size} {record}");
        assert_eq!(heard.body[20], 65);
        assert!(heard.body.len() <= 4096, "{}", heard.body.len());
    }
);

both_heard!(
    rfc_8030_5_time_to_live_urgency_and_topic,
    |world, receiver| async {
        let told = Told::of(&world, "poll", None).await;
        let phone = Phone::logged_in(&world, "alice").await;
        phone.subscribe(&world, &receiver.url("/push/1")).await;
        let request = told.ask(&world, Delivery::Poll, &[&told.alice]).await;
        world.advance(10);
        receiver.answer(429, &[]);
        sending::send_due(&world.app).await.unwrap();
        let first = receiver.only();
        assert_eq!(first.header("ttl"), (WAIT - 10).to_string());
        assert_eq!(first.header("urgency"), "high");
        assert_eq!(first.header("topic").len(), 32);
        world.advance(2);
        sending::send_due(&world.app).await.unwrap();
        let again = receiver.only();
        assert_eq!(
            again.header("topic"),
            first.header("topic"),
            "a repetition replaces it"
        );
        assert_ne!(again.body, first.body, "encrypted anew");
        let other = told.ask(&world, Delivery::Poll, &[&told.alice]).await;
        sending::send_due(&world.app).await.unwrap();
        assert_ne!(
            receiver.only().header("topic"),
            first.header("topic"),
            "{}",
            request.id
        );
        decide(&world, &other, State::Denied).await;
    }
);

both_heard!(
    rfc_8292_the_push_service_knows_who_sends,
    |world, receiver| async {
        let told = Told::of(&world, "poll", None).await;
        let phone = Phone::logged_in(&world, "alice").await;
        phone.subscribe(&world, &receiver.url("/push/1")).await;
        told.ask(&world, Delivery::Poll, &[&told.alice]).await;
        sending::send_due(&world.app).await.unwrap();
        let heard = receiver.only();
        let parameters = heard
            .header("authorization")
            .strip_prefix("vapid ")
            .unwrap();
        let (token, key) = parameters.split_once(", ").unwrap();
        let (token, key) = (
            token.strip_prefix("t=").unwrap(),
            key.strip_prefix("k=").unwrap(),
        );
        assert_eq!(
            key,
            public_key(&world).await,
            "RFC 8292 section 3.2: the key of the subscription"
        );
        let claims: Value = UnverifiedJwt::parse(token)
            .unwrap()
            .verify(&key_of(key))
            .unwrap();
        assert_eq!(
            claims["aud"], receiver.origin,
            "section 2: the origin of the push service"
        );
        let left = claims["exp"].as_i64().unwrap() - world.now().seconds();
        assert!(
            (60..=24 * 3600).contains(&left),
            "section 2: at most a day: {left}"
        );
    }
);

/// RFC 8292 section 3.2: an uncompressed point.
fn key_of(point: &str) -> PublicKey {
    let point = URL_SAFE_NO_PAD.decode(point).unwrap();
    assert_eq!((point.len(), point[0]), (65, 4));
    let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": part(1..33), "y": part(33..65) });
    let jwk: Jwk = serde_json::from_value(jwk).unwrap();
    PublicKey::from_jwk(&jwk).unwrap()
}

both!(rfc_8292_every_node_has_the_same_key, |world| async {
    let first = public_key(&world).await;
    let other = node(&world, &[]).await;
    assert_eq!(other.notices.push_key.public, first);
});

both_heard!(
    rfc_8030_7_3_a_browser_that_is_gone_is_not_tried_again,
    |world, receiver| async {
        let told_ = Told::of(&world, "poll", None).await;
        let phone = Phone::logged_in(&world, "alice").await;
        for (status, path) in [(404, "/push/1"), (410, "/push/2")] {
            world.advance(1);
            phone.subscribe(&world, &receiver.url(path)).await;
            receiver.answer(status, &[]);
            told_.ask(&world, Delivery::Poll, &[&told_.alice]).await;
            sending::send_due(&world.app).await.unwrap();
            assert_eq!(receiver.only().path, path);
            told_.ask(&world, Delivery::Poll, &[&told_.alice]).await;
            sending::send_due(&world.app).await.unwrap();
            assert!(receiver.heard().is_empty());
        }
        let ends = told(&world).await;
        let outcomes: Vec<_> = ends.iter().map(|end| end["outcome"].clone()).collect();
        assert_eq!(outcomes, ["status 404", "status 410"]);
        phone.subscribe(&world, &receiver.url("/push/1")).await;
        told_.ask(&world, Delivery::Poll, &[&told_.alice]).await;
        sending::send_due(&world.app).await.unwrap();
        assert_eq!(receiver.only().path, "/push/1", "it came back");
    }
);

both_heard!(
    only_a_persons_own_page_changes_their_browsers,
    |world, receiver| async {
        let told = Told::of(&world, "poll", None).await;
        world.add_user("mallory", PASSWORD).await;
        let phone = Phone::logged_in(&world, "alice").await;
        let body =
            json!({ "endpoint": receiver.url("/1"), "keys": { "p256dh": PUBLIC, "auth": AUTH } });
        for (mut headers, status) in [
            (vec![], 401),
            (vec![("x-csrf", phone.csrf.as_str())], 401),
            (vec![("cookie", phone.cookie.as_str())], 403),
            (
                vec![("cookie", phone.cookie.as_str()), ("x-csrf", "x")],
                403,
            ),
        ] {
            headers.push(("content-type", "application/json"));
            for path in ["/app/devices/push", "/app/devices/push/remove"] {
                let reply = phone.post_with(&world, path, (&headers, &body)).await;
                assert_eq!(reply.status, status, "{path} {headers:?}");
            }
        }
        for bad in [
            json!({}),
            json!({ "endpoint": receiver.url("/1"), "keys": { "p256dh": PUBLIC, "auth": "AAAA" } }),
            json!({ "endpoint": receiver.url("/1"), "keys": { "p256dh": AUTH, "auth": AUTH } }),
        ] {
            assert_eq!(
                phone.post(&world, "/app/devices/push", &bad).await.status,
                400,
                "{bad}"
            );
        }
        phone.subscribe(&world, &receiver.url("/1")).await;
        let mallory = Phone::logged_in(&world, "mallory").await;
        let remove = "/app/devices/push/remove";
        let endpoint = json!({ "endpoint": receiver.url("/1") });
        assert_eq!(mallory.post(&world, remove, &endpoint).await.status, 204);
        told.ask(&world, Delivery::Poll, &[&told.alice]).await;
        sending::send_due(&world.app).await.unwrap();
        assert_eq!(receiver.heard().len(), 1, "mallory removed nothing");
        assert_eq!(phone.post(&world, remove, &endpoint).await.status, 204);
        sending::send_due(&world.app).await.unwrap();
        let last = plain(&receiver.only());
        assert_eq!(
            last["url"],
            json!("/app/devices"),
            "that it is told no more"
        );
        told.ask(&world, Delivery::Poll, &[&told.alice]).await;
        sending::send_due(&world.app).await.unwrap();
        assert!(receiver.heard().is_empty());
    }
);

both_heard!(the_page_of_devices_sends_forms, |world, receiver| async {
    let told = Told::of(&world, "poll", None).await;
    let phone = Phone::logged_in(&world, "alice").await;
    let keys = json!({ "p256dh": PUBLIC, "auth": AUTH });
    let subscription = json!({ "endpoint": receiver.url("/1"), "keys": keys }).to_string();
    let cookie = [("cookie", phone.cookie.as_str())];
    let good = [
        ("csrf", phone.csrf.as_str()),
        ("subscription", &subscription),
        ("name", "Pixel"),
    ];
    let reply = world.post("/app/devices/push", &good, &cookie).await;
    assert_eq!(
        (reply.status, reply.header("location")),
        (303, Some("/app/devices"))
    );
    let mut reading = world.app.read().await.unwrap();
    let devices = reading.subscriptions_of(&told.alice).await.unwrap();
    drop(reading);
    assert_eq!(devices[0].name, "Pixel");
    assert!(
        !format!("{devices:?}").contains("/1\""),
        "the endpoint is a secret"
    );
    for (form, headers) in [
        (
            vec![("csrf", "x"), ("device", devices[0].digest.as_str())],
            &cookie[..],
        ),
        (
            vec![
                ("csrf", phone.csrf.as_str()),
                ("device", &devices[0].digest),
            ],
            &[],
        ),
    ] {
        world.post("/app/devices/push/remove", &form, headers).await;
        let mut reading = world.app.read().await.unwrap();
        assert_eq!(
            reading.subscriptions_of(&told.alice).await.unwrap().len(),
            1
        );
    }
    let form = [
        ("csrf", phone.csrf.as_str()),
        ("device", &devices[0].digest),
    ];
    let reply = world.post("/app/devices/push/remove", &form, &cookie).await;
    assert_eq!(reply.status, 303);
    let mut reading = world.app.read().await.unwrap();
    assert!(
        reading
            .subscriptions_of(&told.alice)
            .await
            .unwrap()
            .is_empty()
    );
});
