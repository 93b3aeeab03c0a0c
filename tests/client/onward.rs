//! Onward: to whom a delegation may go on, how deep, and never in a circle.

use serde_json::{Value, json};
use writ_testkit::{
    BANK, Cast, Forge, TestAgent, World, agent_file, both, enrol, minted, payment, refused, with,
};

/// Agents of alice that may go on to each other, four deep.
pub(crate) async fn siblings(world: &World, names: &[&str]) -> Vec<TestAgent> {
    world.add_shop().await;
    let mut all = Vec::new();
    for name in names {
        all.push(enrol(world, agent_file(name, "alice")).await);
    }
    all
}

/// AGENT.json with these `onward` agents and this depth.
pub(crate) fn onward_file(id: &str, agents: &[&str], depth: usize) -> Value {
    let mut file = agent_file(id, "alice");
    file["agent"]["onward"] = json!({ "agents": agents, "depth": depth });
    file
}

/// Names in a chain, outermost first.
pub(crate) fn chain(claims: &Value) -> Vec<String> {
    let mut names = Vec::new();
    let mut act = claims.get("act");
    while let Some(one) = act {
        names.push(one["sub"].as_str().unwrap().to_owned());
        act = one.get("act");
    }
    names
}

both!(
    /// Only to the agents that stand in it.
    onward_names_the_agents,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let reply = cast
            .hand(&world, &cast.planner, &token, &cast.stranger)
            .await;
        refused(&reply, "invalid_request", "not named");
        assert!(reply.text().contains("agt_stranger"), "{}", reply.text());
        let unregistered = TestAgent {
            id: "agt_nobody".to_owned(),
            ..cast.payer.clone()
        };
        let reply = cast
            .hand(&world, &cast.planner, &token, &unregistered)
            .await;
        refused(&reply, "invalid_request", "not registered");
        minted(
            &cast.hand(&world, &cast.planner, &token, &cast.payer).await,
            "named",
        );
    }
);

both!(
    /// By default to agents of the same owner; `onward.agents` may name agents that come later.
    onward_defaults_to_agents_of_the_same_owner,
    |world| async {
        let cast = Cast::of(&world).await;
        let agents = siblings(&world, &["agt_one", "agt_two"]).await;
        let grant = cast
            .granted(&world, &agents[0], &cast.request(), BANK)
            .await;
        let token = grant.access_token();
        minted(
            &cast.hand(&world, &agents[0], &token, &agents[1]).await,
            "same owner",
        );
        minted(
            &cast.hand(&world, &agents[0], &token, &cast.booker).await,
            "same owner, other onward",
        );
        let hers = enrol(&world, agent_file("agt_hers", "mallory")).await;
        let reply = cast.hand(&world, &agents[0], &token, &hers).await;
        refused(&reply, "invalid_request", "another owner");

        let first = enrol(&world, onward_file("agt_first", &["agt_later"], 3)).await;
        let grant = cast.granted(&world, &first, &cast.request(), BANK).await;
        let later = enrol(&world, agent_file("agt_later", "mallory")).await;
        let reply = cast
            .hand(&world, &first, &grant.access_token(), &later)
            .await;
        minted(&reply, "named before it was registered, of another owner");
    }
);

both!(
    /// It narrows along the chain; a receiver's own wider `onward` widens nothing.
    onward_narrows_along_the_chain,
    |world| async {
        let cast = Cast::of(&world).await;
        world.add_shop().await;
        let planner = enrol(&world, onward_file("agt_p", &["agt_b", "agt_c"], 4)).await;
        let booker = enrol(&world, onward_file("agt_b", &["agt_c", "agt_d"], 4)).await;
        let c = enrol(&world, onward_file("agt_c", &["agt_b", "agt_d"], 4)).await;
        let d = enrol(&world, onward_file("agt_d", &["agt_c"], 4)).await;
        let grant = cast.granted(&world, &planner, &cast.request(), BANK).await;
        let reply = cast
            .hand(&world, &planner, &grant.access_token(), &booker)
            .await;
        let second = reply.access_token();
        refused(
            &cast.hand(&world, &booker, &second, &d).await,
            "invalid_request",
            "only its own onward names it",
        );
        let reply = cast.hand(&world, &booker, &second, &c).await;
        assert_eq!(
            chain(&minted(&reply, "both name it")),
            ["agt_c", "agt_b", "agt_p"]
        );
        let third = reply.access_token();
        refused(
            &cast.hand(&world, &c, &third, &d).await,
            "invalid_request",
            "the first never named it",
        );
        // Narrowing in between loses nothing of that.
        let form = with(
            &cast.exchange_form(&second, None),
            "authorization_details",
            json!([payment("1.00")]).to_string(),
        );
        let less = booker.send(&world, "/token", &form).await.access_token();
        refused(
            &cast.hand(&world, &booker, &less, &d).await,
            "invalid_request",
            "after narrowing",
        );
        minted(
            &cast.hand(&world, &booker, &less, &c).await,
            "after narrowing",
        );
    }
);

both!(
    /// Depth counts `act` objects of the new token; the default is 4: four pass, five do not.
    four_actors_pass_by_default_and_five_do_not,
    |world| async {
        let cast = Cast::of(&world).await;
        let agents = siblings(&world, &["agt_1", "agt_2", "agt_3", "agt_4", "agt_5"]).await;
        let grant = cast
            .granted(&world, &agents[0], &cast.request(), BANK)
            .await;
        let mut token = grant.access_token();
        for place in 1..4 {
            let reply = cast
                .hand(&world, &agents[place - 1], &token, &agents[place])
                .await;
            assert_eq!(chain(&minted(&reply, "within")).len(), place + 1);
            token = reply.access_token();
            // Narrowing adds rows and no actors.
            let form = with(&cast.exchange_form(&token, None), "scope", "accounts:read");
            let form = with(
                &form,
                "authorization_details",
                json!([payment(["0", "9", "8", "7"][place])]).to_string(),
            );
            token = agents[place]
                .send(&world, "/token", &form)
                .await
                .access_token();
        }
        let reply = cast.hand(&world, &agents[3], &token, &agents[4]).await;
        refused(&reply, "invalid_request", "five actors");
        assert!(reply.text().contains("at most 4"), "{}", reply.text());
    }
);

both!(
    /// The registered depth, n and n+1; the smallest along the chain counts; more than 4 is 4.
    the_registered_depth_passes_and_one_more_does_not,
    |world| async {
        let cast = Cast::of(&world).await;
        world.add_shop().await;
        let all = ["agt_two", "agt_deep", "agt_x", "agt_y", "agt_one"];
        let two = enrol(&world, onward_file("agt_two", &all, 2)).await;
        let deep = enrol(&world, onward_file("agt_deep", &all, 9)).await;
        let x = enrol(&world, onward_file("agt_x", &all, 9)).await;
        let y = enrol(&world, onward_file("agt_y", &all, 9)).await;
        let one = enrol(&world, onward_file("agt_one", &all, 1)).await;
        let start = async |who: &TestAgent| {
            cast.granted(&world, who, &cast.request(), BANK)
                .await
                .access_token()
        };
        let token = start(&one).await;
        refused(
            &cast.hand(&world, &one, &token, &x).await,
            "invalid_request",
            "depth 1 is itself alone",
        );
        let token = start(&two).await;
        let handed = cast.hand(&world, &two, &token, &deep).await;
        assert_eq!(chain(&minted(&handed, "n")).len(), 2);
        let third = cast.hand(&world, &deep, &handed.access_token(), &x).await;
        refused(
            &third,
            "invalid_request",
            "n + 1, although the second allows more",
        );
        // Depth 9 is cut to 4.
        let mut token = start(&deep).await;
        for (from, to) in [(&deep, &x), (&x, &y), (&y, &two)] {
            let reply = cast.hand(&world, from, &token, to).await;
            if to.id == "agt_two" {
                // The receiver's own depth of 2 limits what goes on from it, not the token that it gets.
                assert_eq!(chain(&minted(&reply, "four")).len(), 4);
            }
            token = reply.access_token();
        }
        refused(
            &cast.hand(&world, &two, &token, &one).await,
            "invalid_request",
            "five",
        );
    }
);

both!(
    /// Cycles (same `iss` and `sub`) are refused, wherever in the chain, and for the subject too.
    cycles_are_refused,
    |world| async {
        let cast = Cast::of(&world).await;
        let agents = siblings(&world, &["agt_a", "agt_b", "agt_c"]).await;
        let [a, b, c] = &agents[..] else {
            unreachable!()
        };
        let again = |who: &TestAgent| who.with_key(Forge::new(&world.random));
        let token = cast
            .granted(&world, a, &cast.request(), BANK)
            .await
            .access_token();
        let second = cast.hand(&world, a, &token, b).await.access_token();
        let third = cast.hand(&world, b, &second, c).await.access_token();
        for (from, token, to) in [(b, &second, a), (c, &third, a), (c, &third, b)] {
            let reply = cast.hand(&world, from, token, &again(to)).await;
            refused(&reply, "invalid_request", "a cycle");
            assert!(
                reply.text().contains("in the chain already"),
                "{}",
                reply.text()
            );
        }
        // An agent's own work cannot come back to it either.
        let own = a
            .own(&world, &[("scope", "accounts:read".to_owned())])
            .await;
        let handed = cast.hand(&world, a, &own.access_token(), b).await;
        let below = minted(&handed, "own work handed over");
        assert_eq!(
            (&below["sub"], chain(&below)),
            (&json!("agt_a"), vec!["agt_b".to_owned()])
        );
        let reply = cast
            .hand(&world, b, &handed.access_token(), &again(a))
            .await;
        refused(&reply, "invalid_request", "back to the subject");
    }
);
