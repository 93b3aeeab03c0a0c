//! What became of a permitted action: told once; a budget comes back from what was not begun; silence is recorded.

use serde_json::{Value, json};
use writ_testkit::{
    AskingServer, BANK, Cast, OUTCOMES, TestAgent, World, agent_file, asking_bank, both, enrol,
    permitted, question, reason, run_key, with,
};

use crate::client::access::{opened, paying};

async fn paid(world: &World, cast: &Cast, bank: &AskingServer) -> String {
    let token = cast.token(world).await;
    let body = question(world, &cast.planner, &token, paying("99.00"));
    let context = permitted(&bank.decide(&body, &run_key(world)).await);
    context["decision_id"].as_str().unwrap().to_owned()
}

both!(
    /// The first outcome stays: the same again is no other, another one is refused.
    an_outcome_is_told_once,
    |world| async {
        let (cast, bank) = opened(&world).await;
        for (result, event) in [
            ("completed", "action.completed"),
            ("failed", "action.failed"),
            ("not_started", "action.not_started"),
        ] {
            let id = paid(&world, &cast, &bank).await;
            for _ in 0..2 {
                let told = bank.report(&id, result).await;
                assert_eq!((told.status, told.text()), (204, String::new()));
            }
            let other = if result == "failed" { "completed" } else { "failed" };
            let refused = bank.report(&id, other).await;
            assert_eq!(refused.refusal(), (409, "outcome_reported".to_owned()));
            let events = world.events_named(event).await;
            assert_eq!(events.len(), 1, "{event}");
            assert_eq!(events[0].data["decision_id"], id);
            assert_eq!(events[0].subject.as_deref(), Some(cast.alice.as_str()));
        }
    }
);

both!(an_outcome_that_is_none_is_refused, |world| async {
    let (cast, bank) = opened(&world).await;
    let shop = AskingServer {
        authorization: world.add_shop().await,
        door: world.door(),
    };
    let id = paid(&world, &cast, &bank).await;
    for (server, body) in [
        (
            &bank,
            json!({ "decision_id": "dec_x", "result": "completed" }),
        ),
        (&shop, json!({ "decision_id": id, "result": "completed" })),
        (&bank, json!({ "decision_id": id, "result": "done" })),
        (&bank, json!({ "decision_id": id })),
        (&bank, json!({ "result": "completed" })),
        (
            &bank,
            json!({ "decision_id": id, "result": "completed", "data_class": "a".repeat(141) }),
        ),
        (
            &bank,
            json!({ "decision_id": id, "result": "completed", "object": [] }),
        ),
    ] {
        let reply = server.post(OUTCOMES, &body, &[]).await;
        assert_eq!(
            reply.refusal(),
            (400, "invalid_request".to_owned()),
            "{body}"
        );
    }
    let told = json!({
        "decision_id": id, "result": "completed", "object": { "instructed_amount": "9" },
        "data_class": "payments"
    });
    assert_eq!(bank.post(OUTCOMES, &told, &[]).await.status, 204);
    let event = world.events_named("action.completed").await.remove(0);
    assert_eq!(event.data["data_class"], "payments");
    assert_eq!(event.data["object"], told["object"]);
});

both!(
    /// Ten minutes without a word are recorded, once; an outcome may come later all the same.
    silence_is_recorded_once,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let id = paid(&world, &cast, &bank).await;
        let quick = paid(&world, &cast, &bank).await;
        assert_eq!(bank.report(&quick, "completed").await.status, 204);
        world.advance(599);
        let note = async || {
            let noted = writ_server::request::action_event::note_silence(&world.app).await;
            noted.unwrap()
        };
        assert_eq!(note().await, 0);
        world.advance(1);
        assert_eq!((note().await, note().await), (1, 0));
        let events = world.events_named("action.unreported").await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].data["decision_id"], id);
        assert_eq!(bank.report(&id, "completed").await.status, 204);
        assert_eq!(world.events_named("action.completed").await.len(), 2);
    }
);

/// An agent with a budget of calls at the bank, its token, and what renews that.
async fn caller(world: &World, cast: &Cast, calls: u32) -> (TestAgent, String, String) {
    let mut file = agent_file("agt_caller", "alice");
    let ceiling = &mut file["agent"]["ceiling"]["authorization_details"];
    ceiling
        .as_array_mut()
        .unwrap()
        .push(json!({ "type": "mcp_tool_call" }));
    let agent = enrol(world, file).await;
    let object = json!([{
        "type": "mcp_tool_call", "server": "https://files.example/mcp", "tool": "read_file",
        "calls": calls
    }]);
    let form = with(&cast.request(), "client_id", agent.id.as_str());
    let form = with(&form, "authorization_details", object.to_string());
    let granted = cast.granted(world, &agent, &form, BANK).await;
    (
        agent,
        granted.access_token(),
        granted.member("refresh_token"),
    )
}

both!(
    /// `not_started` gives a budget back within ten minutes, and never an object that was used.
    what_was_not_begun_gives_its_budget_back,
    |world| async {
        let cast = Cast::of(&world).await;
        let mut file = asking_bank();
        file["verifies_proofs"] = json!(true);
        world.add_resource(file).await;
        let bank = AskingServer::bank(&world, &cast);
        let (agent, token, refresh) = caller(&world, &cast, 3).await;
        let call_by = |token: &str, calls: u32| -> Value {
            let arguments = json!({
                "server": "https://files.example/mcp", "tool": "read_file", "calls": calls
            });
            question(&world, &agent, token, ("mcp_tool_call", arguments))
        };
        let call = |calls| call_by(&token, calls);
        let take = async |calls: u32| {
            let reply = bank.decide(&call(calls), &run_key(&world)).await;
            permitted(&reply)["decision_id"].as_str().unwrap().to_owned()
        };
        let all = take(3).await;
        let more = bank.decide(&call(1), &run_key(&world)).await;
        assert_eq!(reason(&more), "budget_exceeded");
        assert_eq!(bank.report(&all, "not_started").await.status, 204);
        assert_eq!(bank.report(&all, "not_started").await.status, 204);
        let two = take(2).await;
        let one = take(1).await;
        let more = bank.decide(&call(1), &run_key(&world)).await;
        assert_eq!(reason(&more), "budget_exceeded", "given back once");
        assert_eq!(bank.report(&one, "failed").await.status, 204);
        let more = bank.decide(&call(1), &run_key(&world)).await;
        assert_eq!(reason(&more), "budget_exceeded", "it was begun");
        world.advance(600);
        assert_eq!(bank.report(&two, "not_started").await.status, 204);
        let renewed = agent
            .send(&world, "/token", &agent.refresh_form(&refresh))
            .await
            .access_token();
        let more = bank.decide(&call_by(&renewed, 1), &run_key(&world)).await;
        assert_eq!(reason(&more), "budget_exceeded", "too late");

        let token = cast.token(&world).await;
        let pay = || question(&world, &cast.planner, &token, paying("99.00"));
        let context = permitted(&bank.decide(&pay(), &run_key(&world)).await);
        let id = context["decision_id"].as_str().unwrap();
        assert_eq!(bank.report(id, "not_started").await.status, 204);
        let again = bank.decide(&pay(), &run_key(&world)).await;
        assert_eq!(reason(&again), "used");
    }
);
