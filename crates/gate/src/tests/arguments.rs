//! Arguments that do not work.

use serde_json::json;

use super::gated::text;
use super::issuer::Decides;
use super::world::{World, call};

/// Apart from a no: the model is to correct them, and nobody is asked.
#[tokio::test]
async fn arguments_outside_the_schema_are_told_with_their_place() {
    let world = World::new().await;
    world.issuer.state().decides = Decides::RefuseArguments;
    let (_, answer) = world.call(&[]).await;
    assert_eq!(
        text(&answer),
        "The arguments do not fit the tool's schema: `/path` is no number; correct them and call again."
    );
    let meta = &answer["result"]["_meta"];
    assert_eq!(*meta, json!({ "writ/code": "arguments_invalid" }));
    assert_eq!(answer["result"]["isError"], true);
    assert!(world.issuer.state().asked.is_empty());
    assert!(world.calls().is_empty());
}

/// Nobody could judge them: the model hears why, as of those outside the schema.
#[tokio::test]
async fn arguments_that_cannot_be_judged_are_told_with_their_place() {
    let world = World::new().await;
    let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
    for (arguments, word) in [
        (
            json!({ "path": deep }),
            "more than 32 lists and objects deep",
        ),
        (
            json!({ "path": "x".repeat(65_536) }),
            "larger than 65536 bytes",
        ),
    ] {
        let (_, answer) = world.post(&[], &call("rm", &arguments)).await;
        let meta = &answer["result"]["_meta"];
        assert_eq!(
            *meta,
            json!({ "writ/code": "arguments_invalid" }),
            "{answer}"
        );
        assert_eq!(answer["result"]["isError"], true);
        assert!(text(&answer).contains(word), "{answer}");
    }
    assert!(world.issuer.state().evaluated.is_empty() && world.calls().is_empty());
}
