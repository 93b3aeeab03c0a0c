//! The device flow, the client's side (RFC 8628 sections 3.1 to 3.5).

use std::time::Duration;

use serde_json::{Value, json};

use super::{BANK, NOW, World, is_protocol, jwk, token_answer};
use crate::{DeviceIntent, Error, ErrorCode, Purpose, details};

fn answer() -> Value {
    json!({
        "device_code": "dev-1", "user_code": "WDJB-MJHT",
        "verification_uri": "https://as.example/device",
        "verification_uri_complete": "https://as.example/device?user_code=WDJB-MJHT",
        "expires_in": 300, "interval": 7
    })
}

fn intent() -> DeviceIntent {
    DeviceIntent {
        scope: "accounts:read".into(),
        resource: vec![BANK.into()],
        authorization_details: details(json!([{ "type": "payment", "amount": "1.00" }])).unwrap(),
        purpose: Some(Purpose::from("tidy the books")),
    }
}

#[tokio::test]
async fn rfc_8628_3_1_the_request_is_authenticated_and_binds_the_key() {
    let world = World::new().await;
    world.answer(200, &[], &answer());
    let pending = world.agent.device(&intent()).await.unwrap();
    assert_eq!(pending.user_code, "WDJB-MJHT");
    assert_eq!(pending.verification_uri, "https://as.example/device");
    assert_eq!(
        pending.verification_uri_complete.as_deref(),
        Some("https://as.example/device?user_code=WDJB-MJHT")
    );
    assert_eq!(pending.expires_at.seconds(), NOW + 300);
    assert_eq!(pending.interval(), Duration::from_secs(7));
    assert!(!format!("{pending:?}").contains("dev-1"));
    let sent = world.sent();
    let form = sent[0].form();
    for (name, value) in [
        ("client_id", "agt_planner"),
        ("scope", "accounts:read"),
        ("resource", BANK),
        (
            "authorization_details",
            r#"[{"amount":"1.00","type":"payment"}]"#,
        ),
        ("mission_intent", r#"{"intent":{"goal":"tidy the books"}}"#),
    ] {
        assert_eq!(form.required(name), Ok(value));
    }
    assert!(form.contains("client_assertion"));
    assert_eq!(sent[0].proof().0["jwk"]["x"], jwk(&world.dpop)["x"]);
}

#[tokio::test]
async fn rfc_8628_3_4_and_3_5_polls_until_the_person_decided() {
    let world = World::new().await;
    world.answer(200, &[], &answer());
    let mut pending = world.agent.device(&intent()).await.unwrap();
    world.sent();
    world.answer(400, &[], &json!({ "error": "authorization_pending" }));
    world.answer(400, &[], &json!({ "error": "slow_down" }));
    world.answer(200, &[], &token_answer());
    let pauses = std::sync::Mutex::new(Vec::new());
    let sleep = |pause: Duration| {
        pauses.lock().unwrap().push(pause.as_secs());
        std::future::ready(())
    };
    let grant = pending.wait(&world.agent, sleep).await.unwrap();
    assert_eq!(grant.access_token.expose(), "at-1");
    assert_eq!(*pauses.lock().unwrap(), [7, 12]);
    for sent in world.sent() {
        assert_eq!(
            sent.parameter("grant_type"),
            "urn:ietf:params:oauth:grant-type:device_code"
        );
        assert_eq!(sent.parameter("device_code"), "dev-1");
        sent.proof();
    }
}

#[tokio::test]
async fn rfc_8628_3_2_without_an_interval_it_is_five_seconds() {
    let world = World::new().await;
    let mut without = answer();
    without.as_object_mut().unwrap().remove("interval");
    without
        .as_object_mut()
        .unwrap()
        .remove("verification_uri_complete");
    world.answer(200, &[], &without);
    let mut pending = world.agent.device(&intent()).await.unwrap();
    assert_eq!(pending.interval(), Duration::from_secs(5));
    assert_eq!(pending.verification_uri_complete, None);
    world.answer(400, &[], &json!({ "error": "access_denied" }));
    let denied = pending.poll(&world.agent).await;
    assert!(matches!(denied, Err(Error::Denied { .. })));
    world.answer(400, &[], &json!({ "error": "expired_token" }));
    let expired = pending.poll(&world.agent).await.unwrap_err();
    assert_eq!(expired.code(), Some(ErrorCode::ExpiredToken));
}

#[tokio::test]
async fn what_is_shown_in_a_terminal_is_plain_and_leads_to_a_safe_page() {
    let world = World::new().await;
    for (name, value) in [
        ("user_code", json!("WDJB\u{1b}[1mMJHT")),
        ("user_code", json!("")),
        ("verification_uri", json!("http://as.example/device")),
        ("verification_uri_complete", json!("javascript:alert(1)")),
        ("device_code", json!(null)),
    ] {
        let mut body = answer();
        body[name] = value;
        world.answer(200, &[], &body);
        assert!(is_protocol(world.agent.device(&intent()).await), "{name}");
    }
}
