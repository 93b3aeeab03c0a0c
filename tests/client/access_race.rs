//! Decisions at the same moment, on two nodes: what may be used once is used once, and a budget is never overspent.

use serde_json::Value;
use writ_testkit::{AskingServer, Cast, at_once, both, permitted, question, reason, run_key};

use crate::client::access::{opened, paying};
use crate::client::access_spenders::{AGENTS, Spenders};

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

/// What each agent wants.
const SPENDS_EACH: usize = 100;
/// Less than what two thousand decisions want.
const BUDGET: u32 = 3000;

both!(
    /// A budget that twenty agents spend at two resource servers at once, two thousand times, on two nodes: never more than it holds, and
    /// what was spent is what was decided.
    a_budget_is_never_overspent,
    |world| async {
        let cast = Cast::of(&world).await;
        let spenders = Spenders::of(&world, &cast, BUDGET).await;
        let node = world.node().await;
        let racers = (0..AGENTS).map(|place| {
            let door = [world.door(), node.door()][place / 2 % 2].clone();
            let server = spenders.server(place, door);
            let calls = spenders.wants(place);
            let body = spenders.call(&world, place, calls);
            let keys: Vec<String> = (0..SPENDS_EACH).map(|_| run_key(&world)).collect();
            async move {
                let mut taken = 0;
                for key in keys {
                    let reply = server.decide(&body, &key).await;
                    match reply.json()["decision"] == true {
                        true => taken += calls,
                        false => assert_eq!(reason(&reply), "budget_exceeded"),
                    }
                }
                taken
            }
        });
        let taken: u32 = at_once(racers.collect()).await.into_iter().sum();
        assert!((BUDGET - 2..=BUDGET).contains(&taken), "{taken}");
        assert_eq!(spenders.recorded(&world).await, taken);
        assert_eq!(spenders.spent(&world).await, taken.to_string());
        // What is left is left, and not one more.
        let one = async |place: usize, calls| {
            let server = spenders.server(place, world.door());
            let body = spenders.call(&world, place, calls);
            server.decide(&body, &run_key(&world)).await
        };
        if taken < BUDGET {
            permitted(&one(0, BUDGET - taken).await);
        }
        assert_eq!(reason(&one(1, 1).await), "budget_exceeded");
    }
);

both!(
    /// Twenty reports of one action that was not begun, while others spend: its budget comes back once.
    what_was_not_begun_comes_back_once_however_often_it_is_told,
    |world| async {
        let cast = Cast::of(&world).await;
        let spenders = Spenders::of(&world, &cast, 10).await;
        let node = world.node().await;
        let doors = [world.door(), node.door()];
        let all = spenders.call(&world, 0, 10);
        let decided = spenders.server(0, world.door());
        let decided = decided.decide(&all, &run_key(&world)).await;
        let id = permitted(&decided)["decision_id"].clone();
        let racers = (0..2 * AGENTS).map(|place| {
            // Each second one is the server that was permitted.
            let who = if place % 2 == 0 { 0 } else { place % AGENTS };
            let server = spenders.server(who, doors[place / 2 % 2].clone());
            let body = spenders.call(&world, who, 1);
            let (key, id) = (run_key(&world), id.clone());
            async move {
                if place % 2 == 0 {
                    let told = server.report(id.as_str().unwrap(), "not_started").await;
                    assert_eq!(told.status, 204, "{}", told.text());
                    return false;
                }
                server.decide(&body, &key).await.json()["decision"] == true
            }
        });
        let raced = at_once(racers.collect()).await;
        let mut taken = raced.into_iter().filter(|permit| *permit).count();
        for place in 0..AGENTS {
            let server = spenders.server(place, world.door());
            let body = spenders.call(&world, place, 1);
            let reply = server.decide(&body, &run_key(&world)).await;
            match reply.json()["decision"] == true {
                true => taken += 1,
                false => assert_eq!(reason(&reply), "budget_exceeded"),
            }
        }
        assert_eq!(taken, 10, "what came back was taken, and no more");
        assert_eq!(world.events_named("action.not_started").await.len(), 1);
    }
);
