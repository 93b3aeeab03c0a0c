//! An approval that permits nothing says why, each state in words of its own (docs/access-requests.md).

use serde_json::{Value, json};
use writ_testkit::{World, both};

use super::access_scene::{Scene, denied, permitted, presenting, staged};

/// The reason and the sentence of what is denied.
async fn told(world: &World, scene: &Scene, presented: &Value) -> (String, String) {
    let answer = scene.notes.decide(world, presented).await;
    let said = answer["context"]["reason_user"]["en"].as_str().unwrap();
    (denied(&answer), said.to_owned())
}

fn by(wanted: &Value, id: &str) -> Value {
    let mut presented = wanted.clone();
    presented["context"]["approval"] = json!({ "id": id });
    presented
}

both!(
    each_state_of_an_approval_has_its_own_sentence,
    |world| async {
        let mut scene = staged(&world).await;
        let is = |(reason, said): (String, String), wanted: (&str, &str)| {
            assert_eq!((reason.as_str(), said.as_str()), wanted);
        };
        let wanted = scene.deletion("Used");
        let used = scene.approved(&world, &wanted).await;
        permitted(&scene.notes.decide(&world, &used).await);
        let over = (
            "approval_expired",
            "The approval was used: it is good for one action.",
        );
        is(told(&world, &scene, &used).await, over);

        let lapsed = scene.approved(&world, &scene.deletion("Lapsed")).await;
        world.advance(120);
        let over = ("approval_expired", "The approval came too long ago.");
        is(told(&world, &scene, &lapsed).await, over);
        is(
            told(&world, &scene, &used).await,
            (
                "approval_expired",
                "The approval was used: it is good for one action.",
            ),
        );

        let wanted = scene.deletion("Open");
        let open = scene.notes.asked(&world, &wanted).await;
        let undecided = (
            "approval_unverifiable",
            "Nobody has decided about this yet.",
        );
        is(told(&world, &scene, &by(&wanted, &open)).await, undecided);
        let wanted = scene.deletion("Cancelled");
        let cancelled = scene.notes.asked(&world, &wanted).await;
        scene.notes.cancel(&world, &cancelled).await;
        let over = ("approval_expired", "The question was taken back.");
        is(told(&world, &scene, &by(&wanted, &cancelled)).await, over);

        let wanted = scene.deletion("Denied");
        let refused = scene.notes.asked(&world, &wanted).await;
        let page = scene.alice.look(&refused).await;
        scene.alice.refuse(&page, "deny").await;
        let no = ("approval_unverifiable", "The person said no.");
        is(told(&world, &scene, &by(&wanted, &refused)).await, no);
        let none = ("approval_unverifiable", "There is no such approval.");
        is(told(&world, &scene, &by(&wanted, "apr_none")).await, none);
    }
);

both!(
    an_approval_of_something_else_says_what_differs,
    |world| async {
        let mut scene = staged(&world).await;
        let wanted = scene.deletion("Diary");
        let id = scene.notes.asked(&world, &wanted).await;
        scene.yes(&id).await;
        let presented = presenting(&wanted, &scene.notes.status(&world, &id).await);
        let mut other = presented.clone();
        other["action"]["properties"]["title"] = json!("Letters");
        let (reason, said) = told(&world, &scene, &other).await;
        assert_eq!(
            (reason.as_str(), said.as_str()),
            ("out_of_scope", "The approval was given for something else.")
        );
        let mut defined = presented.clone();
        defined["context"]["definition_hash"] = json!("A".repeat(43));
        let (reason, said) = told(&world, &scene, &defined).await;
        let otherwise = "The tool was described otherwise when the person was asked.";
        assert_eq!(
            (reason.as_str(), said.as_str()),
            ("out_of_scope", otherwise)
        );
        permitted(&scene.notes.decide(&world, &presented).await);
    }
);
