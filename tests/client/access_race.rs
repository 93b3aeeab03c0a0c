//! Decisions at the same moment, on two nodes: what may be used once is used once, and a budget is never overspent.

use serde_json::{Value, json};
use writ_testkit::{
    AskingServer, BANK, Cast, TestAgent, World, agent_file, at_once, basic, both, claims, enrol,
    plus, question, reason, run_key, with,
};

use crate::client::access::{opened, paying};

both!(
    /// Fifty decisions about one payment, each by a key of its own: one permit.
    one_object_is_used_once,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let node = world.node().await;
        let token = cast.token(&world).await;
        let racers = (0..50).map(|place| {
            let door = [world.door(), node.door()][place % 2].clone();
            let server = AskingServer {
                door,
                authorization: bank.authorization.clone(),
            };
            let body = question(&world, &cast.planner, &token, paying("99.00"));
            let key = run_key(&world);
            async move { server.decide(&body, &key).await.json() }
        });
        let replies = at_once(racers.collect()).await;
        let permits = replies.iter().filter(|reply| reply["decision"] == true);
        assert_eq!(permits.count(), 1, "{replies:?}");
        let used = replies.iter().filter(|r| r["context"]["reason"] == "used");
        assert_eq!(used.count(), 49, "{replies:?}");
        assert_eq!(world.events_named("decision.permitted").await.len(), 1);
    }
);

both!(
    /// The same key from many at once: one decision, and for everybody else the recorded answer.
    one_key_is_one_decision,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let node = world.node().await;
        let token = cast.token(&world).await;
        let key = run_key(&world);
        let racers = (0..20).map(|place| {
            let door = [world.door(), node.door()][place % 2].clone();
            let server = AskingServer {
                door,
                authorization: bank.authorization.clone(),
            };
            let body = question(&world, &cast.planner, &token, paying("99.00"));
            let key = key.clone();
            async move { server.decide(&body, &key).await.json() }
        });
        let replies = at_once(racers.collect()).await;
        let fresh = |reply: &&Value| reply["context"].get("replayed").is_none();
        assert!(replies.iter().all(|reply| reply["decision"] == true), "{replies:?}");
        assert_eq!(replies.iter().filter(fresh).count(), 1);
        assert_eq!(world.events_named("decision.permitted").await.len(), 1);
    }
);

/// An agent with a budget of calls that is good at both resources.
async fn caller(world: &World, cast: &Cast, calls: u32) -> (TestAgent, Vec<String>) {
    let mut file = agent_file("agt_caller", "alice");
    let ceiling = &mut file["agent"]["ceiling"]["authorization_details"];
    ceiling
        .as_array_mut()
        .unwrap()
        .push(json!({ "type": "mcp_tool_call" }));
    let agent = enrol(world, file).await;
    let object = json!([{
        "type": "mcp_tool_call", "server": "https://files.example/mcp", "tool": "read_file",
        "calls": calls, "locations": [BANK, OTHER]
    }]);
    let form = with(&cast.request(), "client_id", agent.id.as_str());
    let form = with(&form, "authorization_details", object.to_string());
    let form = plus(&plus(&form, "resource", BANK), "resource", OTHER);
    let first = cast.granted(world, &agent, &form, BANK).await;
    let refresh = first.member("refresh_token");
    let refresh = vec![
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", refresh),
        ("resource", OTHER.to_owned()),
    ];
    let second = agent.send(world, "/token", &refresh).await;
    (agent, vec![first.access_token(), second.access_token()])
}

const OTHER: &str = "https://other.example";
/// Less than what two thousand decisions want.
const BUDGET: u32 = 1500;

async fn other_server(world: &World) -> AskingServer {
    let client = json!({
        "client_id": "other-api", "client_name": "Other", "profile": "oauth21",
        "grant_types": [], "token_endpoint_auth_method": "client_secret_basic"
    });
    let secret = world.add_client(client).await["client_secret"].clone();
    world
        .add_resource(json!({
            "resource": OTHER, "name": "Other", "client_id": "other-api", "verifies_proofs": true,
            "authorization_details_types": ["mcp_tool_call"]
        }))
        .await;
    AskingServer {
        door: world.door(),
        authorization: basic("other-api", secret.as_str().unwrap()),
    }
}

fn call(world: &World, agent: &TestAgent, token: &str, calls: u32) -> Value {
    let arguments = json!({
        "server": "https://files.example/mcp", "tool": "read_file", "calls": calls
    });
    let mut body = question(world, agent, token, ("mcp_tool_call", arguments));
    body["resource"]["id"] = claims(token)["aud"].clone();
    body
}

both!(
    /// A budget that two resource servers spend at once, two thousand times, on two nodes: never more than it holds, and what was spent is what was decided.
    a_budget_is_never_overspent,
    |world| async {
        let cast = Cast::of(&world).await;
        let mut file = writ_testkit::asking_bank();
        file["verifies_proofs"] = json!(true);
        world.add_resource(file).await;
        let bank = AskingServer::bank(&world, &cast);
        let other = other_server(&world).await;
        let node = world.node().await;
        let (agent, tokens) = caller(&world, &cast, BUDGET).await;
        let racers = (0..20).map(|place| {
            let (server, token) = match place % 2 {
                0 => (&bank, tokens[0].clone()),
                _ => (&other, tokens[1].clone()),
            };
            let server = AskingServer {
                door: [world.door(), node.door()][place / 2 % 2].clone(),
                authorization: server.authorization.clone(),
            };
            let body = call(&world, &agent, &token, 1 + u32::try_from(place % 3).unwrap());
            let keys: Vec<String> = (0..100).map(|_| run_key(&world)).collect();
            async move {
                let mut taken = 0;
                for key in keys {
                    let reply = server.decide(&body, &key).await;
                    match reply.json()["decision"] == true {
                        true => taken += body["action"]["properties"]["calls"].as_u64().unwrap(),
                        false => assert_eq!(reason(&reply), "budget_exceeded"),
                    }
                }
                taken
            }
        });
        let taken: u64 = at_once(racers.collect()).await.into_iter().sum();
        let budget = u64::from(BUDGET);
        assert!((budget - 2..=budget).contains(&taken), "{taken}");
        let recorded: u64 = world
            .events_named("decision.permitted")
            .await
            .iter()
            .flat_map(|event| event.data["spent"].as_array().unwrap().clone())
            .map(|spent| spent["amount"].as_str().unwrap().parse::<u64>().unwrap())
            .sum();
        assert_eq!(recorded, taken);
        // What is left is left, and not one more.
        let left = u32::try_from(budget - taken).unwrap();
        if left > 0 {
            let body = call(&world, &agent, &tokens[0], left);
            writ_testkit::permitted(&bank.decide(&body, &run_key(&world)).await);
        }
        let body = call(&world, &agent, &tokens[1], 1);
        let reply = other.decide(&body, &run_key(&world)).await;
        assert_eq!(reason(&reply), "budget_exceeded");
    }
);
