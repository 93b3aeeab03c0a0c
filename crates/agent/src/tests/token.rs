//! Token responses, refresh, the agent's own work, introspection, and advice for every code.

use serde_json::json;

use super::{BANK, World, bound_grant, is_protocol, is_usage, token_answer};
use crate::{Error, ErrorCode, RequestedAccess, advice, details};

#[tokio::test]
async fn rfc_6749_6_refresh_keeps_the_old_token_unless_a_new_one_comes() {
    let world = World::new().await;
    let mut answer = token_answer();
    answer["refresh_token"] = "rt-2".into();
    world.answer(200, &[], &answer);
    let ask = RequestedAccess::resource(BANK);
    let second = world.agent.refresh(&bound_grant(), &ask).await.unwrap();
    assert_eq!(second.refresh_token.as_ref().unwrap().expose(), "rt-2");
    answer.as_object_mut().unwrap().remove("refresh_token");
    world.answer(200, &[], &answer);
    let third = world.agent.refresh(&second, &ask).await.unwrap();
    assert_eq!(third.refresh_token.unwrap().expose(), "rt-2");
    let sent = world.sent();
    assert_eq!(sent[0].parameter("grant_type"), "refresh_token");
    assert_eq!(sent[0].parameter("refresh_token"), "rt-1");
    assert_eq!(sent[1].parameter("refresh_token"), "rt-2");
    // A refresh of a bound token needs a proof each time (RFC 9449 section 5).
    assert_ne!(sent[0].proof().1["jti"], sent[1].proof().1["jti"]);
    let without = crate::Grant {
        refresh_token: None,
        ..bound_grant()
    };
    assert!(is_usage(world.agent.refresh(&without, &ask).await));
}

#[tokio::test]
async fn what_would_be_taken_as_absent_is_not_sent() {
    let world = World::new().await;
    for ask in [
        RequestedAccess::resource(BANK).scope(""),
        RequestedAccess::resource(BANK).scope("  "),
        RequestedAccess::resource(""),
        RequestedAccess::resource("bank"),
        RequestedAccess::default().scope("a\"b"),
    ] {
        assert!(
            is_usage(world.agent.narrow(&bound_grant(), &ask).await),
            "{ask:?}"
        );
    }
    assert_eq!(world.sent().len(), 0);
    // An empty list of details is a value, and asks for none.
    world.answer(200, &[], &token_answer());
    let none = RequestedAccess::resource(BANK).details(Vec::new());
    world.agent.narrow(&bound_grant(), &none).await.unwrap();
    assert_eq!(world.sent()[0].parameter("authorization_details"), "[]");
    assert!(is_usage(details(json!([{ "amount": 1 }]))));
}

#[tokio::test]
async fn the_verbs_can_be_spawned() {
    fn sendable<T: Send>(_: T) {}
    let world = World::new().await;
    let (grant, ask) = (bound_grant(), RequestedAccess::default());
    sendable(world.agent.own(&ask));
    sendable(
        world
            .agent
            .authorize(&crate::AuthorizationIntent::default()),
    );
    sendable(world.agent.call(&grant, http::Request::default()));
    sendable(world.agent.confirm(&grant, &crate::Confirm::details(&[])));
    sendable(world.agent.device(&crate::DeviceIntent::default()));
    sendable(std::sync::Arc::new(&world.agent));
}

#[tokio::test]
async fn own_asks_for_nothing_by_itself() {
    let world = World::new().await;
    world.answer(200, &[], &token_answer());
    world.agent.own(&RequestedAccess::default()).await.unwrap();
    let names: Vec<_> = world.sent()[0]
        .form()
        .pairs()
        .iter()
        .map(|(n, _)| n.clone())
        .collect();
    let expected = [
        "grant_type",
        "client_id",
        "client_assertion_type",
        "client_assertion",
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn rfc_6749_5_1_an_unreadable_answer_is_refused_and_not_quoted() {
    let world = World::new().await;
    world.answer(
        200,
        &[],
        &json!({ "access_token": "at-secret", "token_type": "at-secret" }),
    );
    let error = world
        .agent
        .own(&RequestedAccess::default())
        .await
        .unwrap_err();
    assert!(!format!("{error} {error:?}").contains("at-secret"));
    world.answer(502, &[], &json!("bad gateway"));
    assert!(is_protocol(
        world.agent.own(&RequestedAccess::default()).await
    ));
    world.answer(400, &[], &json!({ "error": "of_my_own" }));
    assert!(is_protocol(
        world.agent.own(&RequestedAccess::default()).await
    ));
    assert!(matches!(
        world.agent.own(&RequestedAccess::default()).await,
        Err(Error::Transport(_))
    ));
}

#[tokio::test]
async fn rfc_7662_2_introspection_authenticates_and_sends_no_proof() {
    let world = World::new().await;
    world.answer(200, &[], &json!({ "active": false }));
    assert!(!world.agent.introspect("at-9").await.unwrap().active);
    let sent = world.sent();
    assert_eq!(sent[0].0.uri(), "https://as.example/t/acme/introspect");
    assert_eq!(sent[0].parameter("token"), "at-9");
    assert!(sent[0].form().contains("client_assertion"));
    assert!(!sent[0].0.headers().contains_key("dpop"));
    world.answer(200, &[], &json!({ "active": true }));
    assert!(is_protocol(world.agent.introspect("at-9").await));
}

#[tokio::test]
async fn every_code_comes_back_typed_and_with_advice() {
    let world = World::new().await;
    for code in ErrorCode::ALL {
        world.answer(400, &[], &json!({ "error": code.as_str() }));
        let error = world
            .agent
            .own(&RequestedAccess::default())
            .await
            .unwrap_err();
        assert_eq!(error.code(), Some(*code));
        assert_eq!(error.advice(), advice(*code));
        assert!(!error.advice().is_empty() && !error.advice().ends_with('.'));
        assert_eq!(
            matches!(error, Error::Denied { .. }),
            *code == ErrorCode::AccessDenied
        );
    }
}
