//! What is known before the first client comes: whether the issuer takes the gate's credentials.

use serde_json::json;
use writ_verifier::CredentialsError;

use super::world::World;

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
        };
        assert_eq!(found, expected, "{answer:?}");
    }
    // It changed nothing, and asked nobody.
    let state = world.issuer.state();
    assert!(state.evaluated.is_empty() && state.asked.is_empty());
    drop(state);
    assert!(world.reached().is_empty());
}
