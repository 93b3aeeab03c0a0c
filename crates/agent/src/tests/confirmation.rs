//! `confirm`: what is asked, how it is waited for, and how it ends (CIBA 7.1, 7.3, 10.1, 11; RFC 7240).

use std::sync::Mutex;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;
use serde_json::{Value, json};

use super::{BANK, NOW, World, bound_grant, is_protocol, is_usage, jwk, token_answer};
use crate::{Confirm, Error, ErrorCode, Grant, PendingConfirmation, ResourceRefusal, details, jwt};

fn payment() -> Value {
    json!([{ "type": "payment", "amount": "900.00" }])
}

/// A grant whose token says for whom and where it is good.
fn grant(world: &World) -> Grant {
    let claims = json!({
        "iss": "https://as.example/t/acme", "aud": BANK, "client_id": "agt_planner", "jti": "t", "iat": NOW,
        "exp": NOW + 60, "sub": "usr_alice", "cnf": { "jkt": world.dpop.thumbprint() }
    });
    let token = jwt::sign(&world.assertion, &json!({ "typ": "at+jwt" }), &claims).unwrap();
    Grant {
        access_token: token.into(),
        ..bound_grant()
    }
}

async fn refusal(world: &World, reference: Option<&str>) -> ResourceRefusal {
    let remediation =
        json!({ "authorization_details": payment(), "authorization_reference": reference });
    let remediation = URL_SAFE_NO_PAD.encode(remediation.to_string());
    let challenge = format!(
        r#"DPoP error="insufficient_authorization", authorization_remediation="{remediation}""#
    );
    world.answer(401, &[("www-authenticate", &challenge)], &json!({}));
    let request = Request::post(format!("{BANK}/payments")).body("{}".into());
    let error = world.agent.call(&bound_grant(), request.unwrap()).await;
    world.sent();
    match error.unwrap_err() {
        Error::Resource(refused) => *refused,
        other => panic!("{other}"),
    }
}

fn acknowledged(world: &World, interval: Option<u64>) {
    let body = json!({
        "auth_req_id": "arq-1", "expires_in": 120, "interval": interval, "number_to_match": 42
    });
    world.answer(200, &[], &body);
}

async fn asked(world: &World) -> PendingConfirmation {
    acknowledged(world, Some(5));
    let ask = Confirm::details(&details(payment()).unwrap());
    let question = world.agent.confirm(&grant(world), &ask).await.unwrap();
    world.sent();
    question
}

fn says(world: &World, code: &str) {
    world.answer(400, &[], &json!({ "error": code }));
}

/// Waits by moving the clock, and tells how long each pause was.
async fn wait(
    world: &World,
    question: &mut PendingConfirmation,
) -> (Result<Grant, Error>, Vec<u64>) {
    let pauses = Mutex::new(Vec::new());
    let sleep = |pause: Duration| {
        pauses.lock().unwrap().push(pause.as_secs());
        world.clock.advance(pause);
        std::future::ready(())
    };
    let result = question.wait(&world.agent, sleep).await;
    (result, pauses.into_inner().unwrap())
}

#[tokio::test]
async fn ciba_7_1_what_was_refused_is_asked_in_the_task_of_the_current_token() {
    let world = World::new().await;
    let refused = refusal(&world, None).await;
    acknowledged(&world, None);
    let grant = grant(&world);
    let ask = Confirm::refused(&refused)
        .binding_message("Booking 7KQ2PX")
        .requested_expiry(Duration::from_secs(90))
        .acr_values(["urn:writ:acr:passkey", "urn:writ:acr:liveness"]);
    let question = world.agent.confirm(&grant, &ask).await.unwrap();
    assert_eq!(question.number_to_match, Some(42));
    assert_eq!(question.expires_at.seconds(), NOW + 120);
    assert_eq!(question.interval(), Duration::from_secs(5), "CIBA 7.3");
    assert_eq!(question.auth_req_id().expose(), "arq-1");
    assert!(!format!("{question:?}").contains("arq-1"));

    let sent = world.sent();
    let form = sent[0].form();
    for (name, value) in [
        ("login_hint", "usr_alice"),
        ("resource", BANK),
        ("subject_token", grant.access_token.expose()),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        ("binding_message", "Booking 7KQ2PX"),
        ("requested_expiry", "90"),
        ("acr_values", "urn:writ:acr:passkey urn:writ:acr:liveness"),
        (
            "authorization_details",
            r#"[{"amount":"900.00","type":"payment"}]"#,
        ),
        ("client_id", "agt_planner"),
    ] {
        assert_eq!(form.required(name), Ok(value));
    }
    assert_eq!(sent[0].0.uri(), "https://as.example/t/acme/bc-authorize");
    // The key of the token, not its bearer, says that the chain asks.
    assert_eq!(sent[0].proof().0["jwk"]["x"], jwk(&world.dpop)["x"]);
}

#[tokio::test]
async fn ciba_10_1_it_waits_the_interval_and_longer_once_it_is_told_to() {
    let world = World::new().await;
    let mut question = asked(&world).await;
    for code in [
        "authorization_pending",
        "slow_down",
        "authorization_pending",
    ] {
        says(&world, code);
    }
    world.answer(200, &[], &token_answer());
    let (grant, pauses) = wait(&world, &mut question).await;
    assert_eq!(grant.unwrap().access_token.expose(), "at-1");
    assert_eq!(pauses, [5, 10, 10], "CIBA 11: five seconds more, for good");
    for sent in world.sent() {
        assert_eq!(
            sent.parameter("grant_type"),
            "urn:openid:params:grant-type:ciba"
        );
        assert_eq!(sent.parameter("auth_req_id"), "arq-1");
        assert_eq!(sent.header("prefer"), "wait=25", "RFC 7240 4.3");
        sent.proof();
    }
}

#[tokio::test]
async fn ciba_11_denied_and_expired_are_told_apart_and_advise() {
    let world = World::new().await;
    let mut question = asked(&world).await;
    says(&world, "access_denied");
    let (denied, _) = wait(&world, &mut question).await;
    let denied = denied.unwrap_err();
    assert!(matches!(denied, Error::Denied { .. }));
    assert!(denied.advice().contains("do not repeat"));

    let mut question = asked(&world).await;
    says(&world, "expired_token");
    let (expired, _) = wait(&world, &mut question).await;
    let expired = expired.unwrap_err();
    assert_eq!(expired.code(), Some(ErrorCode::ExpiredToken));
    assert!(expired.advice().contains("means no"));
}

#[tokio::test]
async fn the_wait_ends_even_if_the_server_never_says_so() {
    let world = World::new().await;
    let mut question = asked(&world).await;
    for _ in 0..100 {
        says(&world, "authorization_pending");
    }
    let (result, pauses) = wait(&world, &mut question).await;
    assert_eq!(result.unwrap_err().code(), Some(ErrorCode::ExpiredToken));
    assert_eq!(pauses.len(), 24, "120 seconds in steps of five");
}

#[tokio::test]
async fn rfc_8628_3_5_a_lost_answer_is_asked_for_again_less_often() {
    let world = World::new().await;
    let mut question = asked(&world).await;
    // Nothing is prepared: the network fails until the time is over.
    let (result, pauses) = wait(&world, &mut question).await;
    assert!(matches!(result, Err(Error::Transport(_))), "{result:?}");
    assert_eq!(pauses, [10, 20, 40, 60]);
}

#[tokio::test]
async fn one_question_at_a_time_for_who_has_a_loop_of_its_own() {
    let world = World::new().await;
    let mut question = asked(&world).await;
    says(&world, "authorization_pending");
    assert!(question.poll(&world.agent).await.unwrap().is_none());
    says(&world, "slow_down");
    let error = question.poll(&world.agent).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::SlowDown));
    assert!(error.advice().contains("five seconds longer"));
    assert_eq!(question.interval(), Duration::from_secs(10));
    world.answer(200, &[], &token_answer());
    assert!(question.poll(&world.agent).await.unwrap().is_some());
}

#[tokio::test]
async fn the_same_reference_again_means_stop() {
    let world = World::new().await;
    let refused = refusal(&world, Some("ref-a")).await;
    acknowledged(&world, None);
    let ask = Confirm::refused(&refused);
    let mut question = world.agent.confirm(&grant(&world), &ask).await.unwrap();
    // Before the answer the same may be asked again: the server collapses duplicates.
    acknowledged(&world, None);
    world.agent.confirm(&grant(&world), &ask).await.unwrap();
    world.answer(200, &[], &token_answer());
    wait(&world, &mut question).await.0.unwrap();

    world.sent();
    let again = refusal(&world, Some("ref-a")).await;
    let error = world
        .agent
        .confirm(&grant(&world), &Confirm::refused(&again))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Repeated));
    assert!(error.advice().contains("stop"));
    assert!(world.sent().is_empty(), "nobody is asked");

    for other in [Some("ref-b"), None] {
        let refused = refusal(&world, other).await;
        acknowledged(&world, None);
        let ask = Confirm::refused(&refused);
        assert!(world.agent.confirm(&grant(&world), &ask).await.is_ok());
    }
}

#[tokio::test]
async fn a_question_needs_a_key_details_and_a_readable_token() {
    let world = World::new().await;
    let ask = Confirm::details(&details(payment()).unwrap());
    let nothing = Confirm::details(&[]);
    assert!(is_usage(
        world.agent.confirm(&grant(&world), &nothing).await
    ));
    assert!(is_usage(world.agent.confirm(&bound_grant(), &ask).await));
    let bearer = World::bearer().await;
    assert!(is_usage(bearer.agent.confirm(&grant(&bearer), &ask).await));
    assert!(world.sent().is_empty());
    world.answer(200, &[], &json!({ "expires_in": 5 }));
    assert!(is_protocol(world.agent.confirm(&grant(&world), &ask).await));
}

#[tokio::test]
async fn without_a_token_a_person_is_asked_for_a_task_of_its_own() {
    let world = World::new().await;
    acknowledged(&world, None);
    let ask = Confirm::details(&details(payment()).unwrap()).resource(BANK);
    let asked = world.agent.confirm_in_new_task("alice", &ask).await;
    assert!(asked.is_ok());
    let form = world.sent()[0].form();
    assert_eq!(form.required("login_hint"), Ok("alice"));
    assert!(!form.contains("subject_token"));

    let unknown = json!({ "error": "unknown_user_id" });
    world.answer(400, &[], &unknown);
    let error = world.agent.confirm_in_new_task("bob", &ask).await;
    let error = error.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::UnknownUserId));
    assert!(error.advice().contains("may not ask"));
}

#[tokio::test]
async fn rfc_9470_3_the_refusal_names_the_login_that_is_wanted() {
    let world = World::new().await;
    let challenge =
        r#"DPoP error="insufficient_user_authentication", acr_values="urn:a urn:b", max_age="300""#;
    world.answer(401, &[("www-authenticate", challenge)], &json!({}));
    let request = Request::get(format!("{BANK}/accounts")).body("".into());
    let error = world.agent.call(&bound_grant(), request.unwrap()).await;
    let Err(Error::Resource(refused)) = error else {
        panic!("a refusal")
    };
    assert_eq!(refused.acr_values, ["urn:a", "urn:b"]);
    assert_eq!(refused.max_age, Some(300));
    assert!(refused.advice().contains("more strongly"));
}
