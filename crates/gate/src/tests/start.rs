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
            Err(why @ (CredentialsError::OtherIssuer { .. } | CredentialsError::NoRecord(_))) => {
                panic!("{why}")
            }
            Err(CredentialsError::Unknown(why)) => {
                assert!(why.contains(&answer.0.to_string()), "{why}");
                "unknown"
            }
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
