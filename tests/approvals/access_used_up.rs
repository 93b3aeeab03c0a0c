//! A person is asked about more than what is left of what was approved before: the screen says so, and then the yes alone permits. One who
//! was told nothing of it permits nothing beyond it.

use serde_json::{Value, json};
use writ_testkit::{
    AskingServer, Cast, World, asking_bank, both, permitted, question, reason, run_key,
};

use super::access_scene::{REQUESTS, presenting};
use crate::client::access::paying;
use crate::client::access_spenders::Spenders;

const ONE_MORE: &str = "What was approved before for one use was used. This is one more.";

/// Asks a person about what is denied; the id of the question.
async fn asked(server: &AskingServer, evaluation: &Value) -> String {
    let denied = server.look(evaluation).await.json();
    let denial = &denied["context"];
    assert!(denial["access_request"].is_object(), "{denied}");
    let mut body = evaluation.clone();
    body["denial"] = json!({
        "evaluation_id": denial["evaluation_id"], "expires_at": denial["access_request"]["expires_at"]
    });
    let reply = server.post(REQUESTS, &body, &[]).await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    reply.json()["task"]["id"].as_str().unwrap().to_owned()
}

/// Alice's page, if she is told this or nothing of it, and her yes; the evaluation with her approval.
async fn agreed(
    world: &World,
    (server, evaluation): (&AskingServer, &Value),
    id: &str,
    told: Result<&str, &str>,
) -> Value {
    let mut alice = world.phone_of("alice").await;
    let page = alice.look(id).await;
    match told {
        Ok(words) => page.says(words),
        Err(words) => page.does_not_say(words),
    }
    // Each of them is covered by what was approved, as far as it goes.
    page.does_not_say("Outside what you allowed");
    page.says("It belongs to what you approved on");
    alice.approve_by_password(&page).await;
    presenting(evaluation, &task(world, server, id).await)
}

async fn task(world: &World, server: &AskingServer, id: &str) -> Value {
    let path = format!("{REQUESTS}/{id}");
    let headers = [("authorization", server.authorization.as_str())];
    world.get(&path, &headers).await.json()
}

/// What the newest permit was beyond.
async fn beyond(world: &World, decided: &Value) -> Value {
    let events = world.events_named("decision.permitted").await;
    let event = events
        .iter()
        .find(|event| event.data["decision_id"] == decided["decision_id"]);
    event.unwrap().data["beyond"].clone()
}

both!(
    a_yes_to_more_than_is_left_permits_outside_the_budget,
    |world| async {
        let cast = Cast::of(&world).await;
        let spenders = Spenders::of(&world, &cast, 3).await;
        let bank = spenders.server(0, world.door());
        let decide = async |body: &Value| bank.decide(body, &run_key(&world)).await;
        let two = spenders.call(&world, 0, 2);
        let first = permitted(&decide(&two).await);
        assert_eq!(beyond(&world, &first).await, Value::Null);
        assert_eq!(reason(&decide(&two).await), "budget_exceeded");
        let id = asked(&bank, &two).await;
        let words = "Only 1 is left of the 3 approved before.";
        let again = agreed(&world, (&bank, &two), &id, Ok(words)).await;
        let context = permitted(&decide(&again).await);
        assert_eq!(beyond(&world, &context).await, "budget_exceeded");
        assert_eq!(spenders.spent(&world).await, "2", "the budget is as it was");
        assert_eq!(spenders.recorded(&world).await, 2);
        // What is left is left, and the yes was one.
        assert_eq!(reason(&decide(&again).await), "approval_expired");
        permitted(&decide(&spenders.call(&world, 0, 1)).await);
        assert_eq!(
            reason(&decide(&spenders.call(&world, 0, 1)).await),
            "budget_exceeded"
        );
    }
);

both!(
    /// A smaller wish that fits by now is taken from the budget.
    a_yes_takes_what_is_left_before_it_goes_beyond,
    |world| async {
        let cast = Cast::of(&world).await;
        let spenders = Spenders::of(&world, &cast, 3).await;
        let bank = spenders.server(0, world.door());
        let decide = async |body: &Value| bank.decide(body, &run_key(&world)).await;
        let two = spenders.call(&world, 0, 2);
        let first = permitted(&decide(&two).await);
        let id = asked(&bank, &two).await;
        let words = "Only 1 is left of the 3 approved before.";
        let again = agreed(&world, (&bank, &two), &id, Ok(words)).await;
        let told = bank.report(first["decision_id"].as_str().unwrap(), "not_started").await;
        assert_eq!(told.status, 204, "{}", told.text());
        let context = permitted(&decide(&again).await);
        assert_eq!(beyond(&world, &context).await, Value::Null);
        assert_eq!(spenders.spent(&world).await, "2");
    }
);

both!(
    /// Made as small as what is left, it is no more than that: the screen says nothing, and the yes permits nothing beyond.
    a_smaller_yes_is_within_what_is_left,
    |world| async {
        let cast = Cast::of(&world).await;
        let spenders = Spenders::of(&world, &cast, 3).await;
        let bank = spenders.server(0, world.door());
        let decide = async |body: &Value| bank.decide(body, &run_key(&world)).await;
        let (one, two) = (spenders.call(&world, 0, 1), spenders.call(&world, 0, 2));
        permitted(&decide(&two).await);
        let id = asked(&bank, &two).await;
        let mut alice = world.phone_of("alice").await;
        alice.look(&id).await.says("is left of the");
        let page = alice.less(&id, &[("part", "d0"), ("amount-d0", "1")]).await;
        page.does_not_say("is left of the");
        alice.approve_by_password(&page).await;
        let again = presenting(&one, &task(&world, &bank, &id).await);
        permitted(&decide(&one).await);
        assert_eq!(reason(&decide(&again).await), "budget_exceeded");
        assert_eq!(spenders.spent(&world).await, "3");
    }
);

both!(
    /// Two payments are asked about while one is left: who agreed to the second was not told that it is one more.
    a_yes_of_somebody_who_was_not_told_permits_nothing_beyond,
    |world| async {
        let cast = Cast::of(&world).await;
        let mut file = asking_bank();
        file["verifies_proofs"] = json!(true);
        world.add_resource(file).await;
        let bank = AskingServer::bank(&world, &cast);
        let decide = async |body: &Value| bank.decide(body, &run_key(&world)).await;
        // As if nobody had agreed to a payment of it yet.
        let token = cast.token(&world).await;
        let unasked = world.resigned(&token, |claims| {
            let claims = claims.as_object_mut().unwrap();
            claims.retain(|name, _| !["approval", "acr"].contains(&name.as_str()));
        });
        let unasked = unasked.await;
        let pay = |amount| question(&world, &cast.planner, &unasked, paying(amount));
        let (one, other) = (pay("50.00"), pay("60.00"));
        assert_eq!(reason(&decide(&one).await), "approval_required");
        let (first, second) = (asked(&bank, &one).await, asked(&bank, &other).await);
        let first = agreed(&world, (&bank, &one), &first, Err(ONE_MORE)).await;
        let second = agreed(&world, (&bank, &other), &second, Err(ONE_MORE)).await;
        let context = permitted(&decide(&first).await);
        assert_eq!(beyond(&world, &context).await, Value::Null, "it is the token's own object");
        for _ in 0..2 {
            assert_eq!(reason(&decide(&second).await), "used");
        }
        assert_eq!(world.events_named("approval.redeemed").await.len(), 1, "nothing was taken");
        // Asked about again, the screen says so.
        let third = asked(&bank, &other).await;
        let third = agreed(&world, (&bank, &other), &third, Ok(ONE_MORE)).await;
        let context = permitted(&decide(&third).await);
        assert_eq!(beyond(&world, &context).await, "used");
    }
);
