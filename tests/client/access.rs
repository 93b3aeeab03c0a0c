//! Decisions per action (OpenID AuthZEN Authorization API 1.0): what is permitted, what is denied and why, and that looking changes
//! nothing.

use serde_json::{Value, json};
use writ_testkit::{
    AskingServer, BANK, Cast, ISSUER, World, asking_bank, both, claims, payment, permitted,
    question, reason, run_key,
};

/// The bank asks about its own actions too, and takes bearer tokens of none.
pub(crate) async fn opened(world: &World) -> (Cast, AskingServer) {
    let cast = Cast::of(world).await;
    world.add_resource(asking_bank()).await;
    let bank = AskingServer::bank(world, &cast);
    (cast, bank)
}

/// The arguments of a payment: its object without the envelope.
pub(crate) fn paying(amount: &str) -> (&'static str, Value) {
    let mut object = payment(amount);
    object.as_object_mut().unwrap().remove("type");
    ("payment", object)
}

both!(
    /// AuthZEN 1.0 section 9.1.
    authzen_9_the_metadata_names_each_endpoint,
    |world| async {
        let reply = world
            .get("/.well-known/authzen-configuration", &[])
            .await;
        assert_eq!(reply.status, 200);
        let expected = json!({
            "policy_decision_point": ISSUER,
            "access_evaluation_endpoint": format!("{ISSUER}/access/v1/evaluation"),
            "access_evaluations_endpoint": format!("{ISSUER}/access/v1/evaluations"),
            "access_request_endpoint": format!("{ISSUER}/access/v1/requests"),
            "capabilities": ["urn:openid:authzen:capability:access-request"]
        });
        assert_eq!(reply.json(), expected);
    }
);

both!(
    /// A number that parsers read differently denies the evaluation whose arguments have it, and no other; what nobody judges denies none.
    a_number_is_judged_where_it_stands,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let token = cast.token(&world).await;
        let exact = json!({ "name": "show_account", "properties": { "name": "Savings" } });
        let mut inexact = exact.clone();
        inexact["properties"]["n"] = json!(9_007_199_254_740_993_i64);
        let action = ("show_account", json!({ "name": "Savings" }));
        let mut body = question(&world, &cast.planner, &token, action);
        body["context"]["load"] = inexact["properties"]["n"].clone();
        permitted(&bank.look(&body).await);
        for (whole, evaluations, expected) in [
            (&exact, json!([{ "action": inexact }, { "action": exact }, {}]), [false, true, true]),
            (&inexact, json!([{ "action": exact }, {}, { "action": inexact }]), [true, false, false]),
        ] {
            let mut many = body.clone();
            many["action"] = whole.clone();
            many["evaluations"] = evaluations;
            let reply = bank.post("/access/v1/evaluations", &many, &[]).await;
            let answers = reply.json()["evaluations"].as_array().unwrap().clone();
            let decisions: Vec<bool> = answers.iter().map(|one| one["decision"] == json!(true)).collect();
            assert_eq!(decisions, expected, "{answers:?}");
            let denied = answers.iter().filter(|one| one["decision"] == json!(false));
            for one in denied {
                assert_eq!(one["context"]["reason"], json!("arguments_invalid"), "{one}");
            }
        }
    }
);

both!(
    /// An action whose scope the token has is permitted by a look; one that asks for a person, or whose scope it lacks, is not.
    an_action_is_covered_by_its_scope,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let token = cast.token(&world).await;
        let ask = |action| question(&world, &cast.planner, &token, action);
        let shown = bank
            .look(&ask(("show_account", json!({ "name": "Savings" }))))
            .await;
        let context = permitted(&shown);
        let evaluated = world.now().rfc3339();
        assert_eq!(context["evaluated_at"], json!(evaluated));
        let until = world.now().plus(std::time::Duration::from_secs(5));
        assert_eq!(context["valid_until"], json!(until.rfc3339()));
        assert_eq!(context.get("decision_id"), None, "it was a look");
        assert_eq!(shown.header("cache-control"), Some("no-store"));

        let name = json!({ "name": "Savings" });
        for (action, why) in [
            (("rename_account", name.clone()), "not_covered"),
            (("close_account", name.clone()), "approval_required"),
            (("open_account", name.clone()), "unknown_action"),
            (("calendar", json!({})), "unknown_action"),
            (("show_account", json!({})), "arguments_invalid"),
            (("show_account", json!({ "Name": "Savings" })), "arguments_invalid"),
            (("close_account", json!({ "name": "a\u{202e}" })), "arguments_invalid"),
            (("close_account", json!({ "name": ["a", null] })), "approval_required"),
        ] {
            let reply = bank.look(&ask(action.clone())).await;
            assert_eq!(reason(&reply), why, "{action:?}");
        }
        assert_eq!(world.events_named("decision.denied").await.len(), 0);
    }
);

both!(
    /// A denial about which a person may be asked says where, and until when (Access Request and Approval Profile).
    a_denial_says_whether_a_person_may_be_asked,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let token = cast.token(&world).await;
        let ask = |action| question(&world, &cast.planner, &token, action);
        let close = ask(("close_account", json!({ "name": "Savings" })));
        let denied = bank.look(&close).await.json()["context"].clone();
        let until = world.now().plus(std::time::Duration::from_secs(600));
        let expected = json!({
            "endpoint": format!("{ISSUER}/access/v1/requests"),
            "expires_at": until.rfc3339(), "display": { "title": "close_account" }
        });
        assert_eq!(denied["access_request"], expected);
        assert_eq!(denied["next_action"], "request");
        let id = denied["evaluation_id"].as_str().unwrap();
        let opened = world.app.open_denied(id).unwrap();
        assert_eq!(opened.resource, BANK);
        assert_eq!(opened.caller.as_str(), "bank-api");
        assert_eq!(opened.client.as_str(), "agt_planner");
        assert_eq!(opened.expires_at, until);
        assert!(!id.contains(&token));

        let known = |reply: Value| reply["context"].get("access_request").is_some();
        // More than was granted, within what the agent may have at all; and beyond that.
        for (action, requestable) in [
            (paying("400.00"), true),
            (paying("500.01"), false),
            (("rename_account", json!({ "name": "Savings" })), false),
            (("open_account", json!({})), false),
        ] {
            let reply = bank.look(&ask(action.clone())).await;
            assert_eq!(known(reply.json()), requestable, "{action:?}");
        }
        // Nobody is behind what an agent does for itself.
        let own = cast
            .planner
            .own(&world, &[("scope", "accounts:read".to_owned())])
            .await
            .access_token();
        let close = ("close_account", json!({ "name": "Savings" }));
        let reply = bank.look(&question(&world, &cast.planner, &own, close)).await;
        assert_eq!(reason(&reply), "approval_required");
        assert!(!known(reply.json()));
    }
);

both!(
    /// A payment that was approved once is permitted once, by a key, with its event; looking at it changes nothing.
    looking_never_spends_and_a_key_spends_once,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let token = cast.token(&world).await;
        let ask = |amount| question(&world, &cast.planner, &token, paying(amount));
        for _ in 0..3 {
            let looked = bank.look(&ask("99.00")).await;
            assert_eq!(looked.refusal(), (400, "invalid_request".to_owned()));
            assert!(looked.text().contains("Idempotency-Key"), "{}", looked.text());
        }
        let before = world.events_named("decision.permitted").await.len();
        let decided = bank.decide(&ask("99.00"), &run_key(&world)).await;
        let context = permitted(&decided);
        let id = context["decision_id"].as_str().unwrap();
        assert!(id.starts_with("dec_"), "{id}");
        let events = world.events_named("decision.permitted").await;
        assert_eq!((before, events.len()), (0, 1));
        let event = &events[0];
        assert_eq!(event.subject.as_deref(), Some(cast.alice.as_str()));
        assert_eq!(event.client.as_deref(), Some("agt_planner"));
        assert_eq!(event.resource.as_deref(), Some(BANK));
        assert_eq!(event.data["decision_id"], id);
        assert_eq!(event.data["by"], "bank-api");
        assert_eq!(
            event.data["ref"],
            claims(&token)["authorization_details"][0]["ref"]
        );
        for amount in ["99.00", "1.00"] {
            assert_eq!(reason(&bank.look(&ask(amount)).await), "used", "{amount}");
            let again = bank.decide(&ask(amount), &run_key(&world)).await;
            assert_eq!(reason(&again), "used", "{amount}");
        }
        let asked = world.events_named("decision.needs_approval").await;
        assert_eq!(asked.len(), 2, "another payment may be asked for");
    }
);

both!(
    /// AuthZEN 1.0 section 7.1: defaults, and the three semantics; nothing is spent by any of it.
    authzen_7_evaluations_are_looked_at_in_their_order,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let token = cast.token(&world).await;
        let whole = question(&world, &cast.planner, &token, paying("99.00"));
        let show = json!({ "name": "show_account", "properties": { "name": "Savings" } });
        let no = json!({ "name": "rename_account", "properties": { "name": "Savings" } });
        let evaluations = json!([{}, { "action": show }, { "action": no }, { "action": show }]);
        for (semantic, expected) in [
            (None, vec![true, true, false, true]),
            (Some("execute_all"), vec![true, true, false, true]),
            (Some("deny_on_first_deny"), vec![true, true, false]),
            (Some("permit_on_first_permit"), vec![true]),
        ] {
            let mut body = whole.clone();
            body["evaluations"] = evaluations.clone();
            if let Some(semantic) = semantic {
                body["options"] = json!({ "evaluations_semantic": semantic });
            }
            let reply = bank.post("/access/v1/evaluations", &body, &[]).await;
            let answers = reply.json()["evaluations"].clone();
            let decisions: Vec<bool> = answers
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["decision"].as_bool().unwrap())
                .collect();
            assert_eq!(decisions, expected, "{semantic:?}");
        }
        let single = bank.post("/access/v1/evaluations", &whole, &[]).await;
        assert_eq!(single.json()["decision"], true, "without the list: one");
        let decided = bank.decide(&whole, &run_key(&world)).await;
        permitted(&decided);
    }
);

both!(
    /// The binding for MCP (COAZ-MCP, draft 1): a tool is an action of its name; what there is, every live token may learn.
    a_tool_call_is_an_action_of_the_tools_name,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let token = cast.token(&world).await;
        let coaz = |action: &str, kind: &str, id: &str, arguments: Value| {
            let mut body = question(&world, &cast.planner, &token, (action, json!({})));
            body["subject"]["type"] = json!("identity");
            body["resource"] = json!({ "type": kind, "id": id });
            body["action"]["properties"] = json!({ "arguments": arguments });
            body
        };
        let name = json!({ "name": "Savings" });
        let call = |tool: &str| coaz("tools/call", "tool", tool, name.clone());
        permitted(&bank.look(&call("show_account")).await);
        assert_eq!(reason(&bank.look(&call("close_account")).await), "approval_required");
        assert_eq!(reason(&bank.look(&call("unknown")).await), "unknown_action");
        let broken = coaz("tools/call", "tool", "show_account", json!("x"));
        assert_eq!(reason(&bank.look(&broken).await), "arguments_invalid");
        for action in ["initialize", "tools/list", "resources/list", "prompts/list"] {
            permitted(&bank.look(&coaz(action, "mcp_server", BANK, json!({}))).await);
        }
        let other = coaz("tools/list", "mcp_server", "https://x.example", json!({}));
        assert_eq!(reason(&bank.look(&other).await), "token_invalid");
        let read = coaz("resources/read", "resource", "file:///x", json!({}));
        assert_eq!(reason(&bank.look(&read).await), "token_invalid");
        let prompt = coaz("prompts/get", "prompt", "x", json!({}));
        assert_eq!(reason(&bank.look(&prompt).await), "unknown_action");
    }
);

both!(
    /// AuthZEN 1.0 section 10.1: members that nobody knows change nothing.
    authzen_10_1_unknown_members_are_ignored,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let token = cast.token(&world).await;
        let action = ("show_account", json!({ "name": "Savings" }));
        let mut body = question(&world, &cast.planner, &token, action);
        body["more"] = json!({ "a": 1 });
        for member in ["subject", "action", "resource", "context"] {
            body[member]["more"] = json!([1]);
        }
        body["subject"]["properties"] = json!({ "department": "Sales" });
        permitted(&bank.look(&body).await);
    }
);

both!(
    /// A tool that was confirmed asks a person again while its definition is another one, or nobody says which it is.
    a_tool_whose_definition_changed_asks_a_person,
    |world| async {
        let cast = Cast::of(&world).await;
        let (seen, other) = ("A".repeat(43), "B".repeat(43));
        let mut file = asking_bank();
        file["actions"]["show_account"]["definition_hash"] = json!(seen);
        world.add_resource(file).await;
        let bank = AskingServer::bank(&world, &cast);
        let token = cast.token(&world).await;
        let action = ("show_account", json!({ "name": "Savings" }));
        let mut asked = question(&world, &cast.planner, &token, action);
        for (said, is_permitted) in [(json!(seen), true), (json!(other), false), (Value::Null, false)] {
            asked["context"]["definition_hash"] = said.clone();
            let reply = bank.look(&asked).await;
            match is_permitted {
                true => drop(permitted(&reply)),
                false => assert_eq!(reason(&reply), "approval_required", "{said}"),
            }
        }
    }
);
