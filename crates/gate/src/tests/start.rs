//! What is known before the first client comes: whether the issuer takes the gate's credentials.

use serde_json::json;
use writ_verifier::CredentialsError;

use super::issuer::ISSUER;
use super::world::{NOTES, World};
use crate::{Upstream, list_tools};

#[tokio::test]
async fn credentials_are_known_to_be_good_or_refused_or_it_is_not_known() {
    let world = World::new().await;
    let said = |why: &str| json!({ "error": "e", "error_description": why });
    for (answer, expected) in [
        ((404, json!({ "title": "no task" })), "taken"),
        ((401, said("the client is unknown")), "refused"),
        ((403, said("no resource names this client")), "refused"),
        ((401, json!({})), "refused"),
        ((429, json!({})), "unknown"),
        ((500, json!({})), "unknown"),
        ((503, said("a secret")), "unknown"),
        ((302, json!({})), "unknown"),
    ] {
        world.issuer.state().unknown_question = answer.clone();
        let found = match world.check_credentials().await {
            Ok(()) => "taken",
            Err(CredentialsError::Refused { status, said }) => {
                assert_eq!(status.as_u16(), answer.0);
                let sent = answer.1["error_description"].as_str();
                assert_eq!(said, sent.unwrap_or_default());
                "refused"
            }
            Err(CredentialsError::Unknown(why)) => {
                assert!(why.contains(&answer.0.to_string()), "{why}");
                "unknown"
            }
            Err(why) => panic!("{why}"),
        };
        assert_eq!(found, expected, "{answer:?}");
    }
    // It changed nothing, and asked nobody.
    let state = world.issuer.state();
    assert!(state.evaluated.is_empty() && state.asked.is_empty());
    drop(state);
    assert!(world.reached().is_empty());
}

#[tokio::test]
async fn an_issuer_of_another_name_and_a_resource_without_a_record_are_told() {
    let world = World::new().await;
    let wiki = "https://wiki.example/mcp";
    for (name, resources, expected) in [
        (ISSUER, vec![NOTES], Ok(())),
        (ISSUER, vec![wiki, NOTES], Ok(())),
        // It lists none where there are too many.
        (ISSUER, vec![], Ok(())),
        (
            ISSUER,
            vec![wiki, "https://notes.example/mcp/"],
            Err("no resource's record of the issuer is of `https://notes.example/mcp`"),
        ),
        (
            "https://as.example/",
            vec![NOTES],
            Err("that server calls itself `https://as.example/`, not `https://as.example`"),
        ),
        (
            "https://other.example",
            vec![NOTES],
            Err("that server calls itself `https://other.example`, not `https://as.example`"),
        ),
    ] {
        {
            let mut state = world.issuer.state();
            (state.name, state.resources) = (name, resources);
        }
        let found = world.check_credentials().await;
        assert_eq!(
            found.map_err(|why| why.to_string()),
            expected.map_err(str::to_owned)
        );
    }
}

/// What is no Writ server will be none at the next attempt; what may only stand before one that is not up may become one.
#[tokio::test]
async fn a_server_of_another_kind_is_told_apart_from_one_that_is_not_up() {
    let world = World::new().await;
    let other = json!({ "policy_decision_point": ISSUER, "access_evaluation_endpoint": format!("{ISSUER}/e") });
    for (described, is_known) in [
        ((404, json!({})), true),
        ((404, json!("<html>")), true),
        ((401, json!({ "error": "x" })), true),
        ((302, json!({})), true),
        ((200, json!("<html>")), true),
        ((200, json!({})), true),
        ((200, json!({ "issuer": ISSUER })), true),
        ((200, other), true),
        ((408, json!({})), false),
        ((429, json!({})), false),
        ((500, json!("<html>")), false),
        ((502, json!({})), false),
        ((503, json!({})), false),
    ] {
        world.issuer.state().described = Some(described.clone());
        let why = world.check_credentials().await.unwrap_err();
        let found = matches!(why, CredentialsError::NotWrit(_));
        assert_eq!(found, is_known, "{described:?}: {why}");
        assert!(
            is_known || matches!(why, CredentialsError::Unknown(_)),
            "{why}"
        );
        assert!(why.to_string().contains("authzen-configuration"), "{why}");
    }
}

#[tokio::test]
async fn a_resource_of_another_client_is_told() {
    let world = World::new().await;
    let wiki = "https://wiki.example/mcp";
    for (served, is_taken) in [
        (json!([wiki]), false),
        (json!([wiki, NOTES]), true),
        // Too many to be said, or a server that does not say it.
        (json!([]), true),
        (json!(null), true),
    ] {
        world.issuer.state().unknown_question =
            (404, json!({ "title": "no task", "resources": served }));
        let found = world
            .check_credentials()
            .await
            .map_err(|why| why.to_string());
        let expected =
            "the record of `https://notes.example/mcp` names another client than this one";
        assert_eq!(
            found,
            if is_taken {
                Ok(())
            } else {
                Err(expected.to_owned())
            },
            "{served}"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_told() {
    let world = World::new().await;
    assert_eq!(world.gate.check_upstream().await, Ok(()));
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", gone.local_addr().unwrap());
    drop(gone);
    let upstream = Upstream::new(url.parse().unwrap(), None).unwrap();
    let why = list_tools(&upstream).await.unwrap_err();
    assert!(
        why.to_string().contains("the server cannot be reached"),
        "{why}"
    );
}
