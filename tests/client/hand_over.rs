//! Hand over: to another agent, with its consent, bound to its key, under its ceiling.

use serde_json::{Value, json};
use writ_core::id::{ClientId, UserId};
use writ_testkit::{
    BANK, Cast, Forge, ISSUER, TestAgent, agent_file, both, claims, enrol, minted, payment,
    refused, with,
};

use crate::client::onward::{chain, onward_file, siblings};

both!(
    /// The receiver stands around the old chain in `act`; the token is bound to its key, and useless to the caller.
    hand_over_puts_the_other_around_the_old_and_binds_its_key,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let before = claims(&token);
        let reply = cast.hand(&world, &cast.planner, &token, &cast.booker).await;
        let after = minted(&reply, "hand over");
        assert_eq!(chain(&after), ["agt_booker", "agt_planner"]);
        assert_eq!(
            after["act"]["act"], before["act"],
            "the old chain, unchanged"
        );
        assert_eq!(after["act"]["iss"], ISSUER);
        assert_eq!(after["act"]["sub_profile"], "ai_agent");
        assert_ne!(after["act"]["dlg"], before["act"]["dlg"]);
        assert_eq!(after["client_id"], "agt_booker", "who presents it");
        assert_eq!(after["cnf"]["jkt"], cast.booker.dpop.thumbprint());
        for same in [
            "sub",
            "aud",
            "mission",
            "txn",
            "scope",
            "authorization_details",
        ] {
            assert_eq!(after[same], before[same], "{same}");
        }
        assert_eq!(reply.json().get("refresh_token"), None);
        let mut events = world.events().await;
        events.retain(|event| event.name == "token.exchanged");
        let event = events.pop().unwrap();
        assert_eq!(
            event.data["requested_by"], "agt_planner",
            "who requested it"
        );
        assert_eq!(event.actor_path.as_deref(), Some("agt_booker>agt_planner"));
        assert_eq!(event.reason.as_deref(), Some("hand over"));

        // Useless to the caller: neither its key nor an actor token helps.
        let handed = reply.access_token();
        for actor in [
            None,
            Some(&cast.payer),
            Some(&cast.booker),
            Some(&cast.planner),
        ] {
            let assertion = actor.map(|a| a.actor_assertion(&world, "agt_planner"));
            let form = cast.exchange_form(&handed, assertion.as_deref());
            let reply = cast.planner.send(&world, "/token", &form).await;
            refused(&reply, "invalid_request", "the caller");
        }
        let form = cast.exchange_form(&handed, None);
        minted(
            &cast.booker.send(&world, "/token", &form).await,
            "the other agent",
        );
        assert_eq!(cast.introspect(&world, &handed).await["active"], true);
        assert_eq!(
            cast.introspect(&world, &token).await["active"],
            true,
            "the old one stays"
        );
    }
);

both!(
    /// What is handed over may be less, never more, and the pointer says what was too wide.
    a_hand_over_only_narrows,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let ask = async |details: Value| {
            let assertion = cast.booker.actor_assertion(&world, "agt_planner");
            let form = cast.exchange_form(&token, Some(&assertion));
            let form = with(&form, "authorization_details", details.to_string());
            cast.planner.send(&world, "/token", &form).await
        };
        let reply = ask(json!([payment("30.00")])).await;
        let less = minted(&reply, "less");
        let amount = &less["authorization_details"][0]["instructed_amount"]["amount"];
        assert_eq!(amount, "30.00");
        let more = ask(json!([payment("100.01")])).await;
        refused(&more, "invalid_authorization_details", "more");
        assert_eq!(
            more.json()["excess"][0]["pointer"],
            "/0/instructed_amount/amount"
        );
        // The receiver cannot come back for what it was not handed.
        let form = cast.exchange_form(&reply.access_token(), None);
        let form = with(
            &form,
            "authorization_details",
            json!([payment("30.01")]).to_string(),
        );
        let back = cast.booker.send(&world, "/token", &form).await;
        refused(
            &back,
            "invalid_authorization_details",
            "more than was handed over",
        );
    }
);

both!(
    /// The new key differs from every key in the chain.
    the_new_key_differs_from_every_key_in_the_chain,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let hand = async |from: &TestAgent, token: &str, to: &TestAgent, key: &Forge| {
            let keyed = to.with_key(key.clone());
            cast.hand(&world, from, token, &keyed).await
        };
        let reply = hand(&cast.planner, &token, &cast.booker, &cast.planner.dpop).await;
        refused(&reply, "invalid_request", "the caller's key");
        assert!(
            reply.text().contains("key of the chain"),
            "{}",
            reply.text()
        );
        let second = cast
            .hand(&world, &cast.planner, &token, &cast.booker)
            .await
            .access_token();
        for key in [&cast.planner.dpop, &cast.booker.dpop] {
            let reply = hand(&cast.booker, &second, &cast.payer, key).await;
            refused(&reply, "invalid_request", "a key further up");
            assert!(
                reply.text().contains("key of the chain"),
                "{}",
                reply.text()
            );
        }
        minted(
            &hand(&cast.booker, &second, &cast.payer, &cast.payer.dpop).await,
            "a key of its own",
        );
    }
);

both!(
    /// `cnf.jkt` of another agent is refused; a key that nobody has used is fine, no row is written by
    /// naming it, and it becomes the agent's at its first use.
    a_key_becomes_the_agents_at_its_first_use,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        minted(
            &cast.stranger.own(&world, &[]).await,
            "the stranger's key is used",
        );
        let foreign = cast.booker.with_key(cast.stranger.dpop.clone());
        let reply = cast.hand(&world, &cast.planner, &token, &foreign).await;
        refused(&reply, "invalid_request", "the stranger's key");
        // Also the key that another agent signs its assertions with.
        let foreign = cast.booker.with_key(cast.stranger.assertion.clone());
        let reply = cast.hand(&world, &cast.planner, &token, &foreign).await;
        refused(&reply, "invalid_request", "the stranger's assertion key");

        let fresh = Forge::new(&world.random);
        let named = cast.booker.with_key(fresh.clone());
        let handed = cast.hand(&world, &cast.planner, &token, &named).await;
        assert_eq!(minted(&handed, "unused")["cnf"]["jkt"], fresh.thumbprint());
        let thumbprint = writ_jose::key::Thumbprint::parse(&fresh.thumbprint()).unwrap();
        let owner = async || world.begin().await.key_owner(&thumbprint).await.unwrap();
        assert_eq!(owner().await, None, "naming a key writes no row");
        let form = cast.exchange_form(&handed.access_token(), None);
        minted(&named.send(&world, "/token", &form).await, "its first use");
        assert_eq!(owner().await, Some(ClientId::from_text("agt_booker")));
        let thief = cast.stranger.with_key(fresh);
        refused(
            &thief.own(&world, &[]).await,
            "invalid_dpop_proof",
            "another agent with that key",
        );
        let reply = thief.own(&world, &[]).await;
        assert!(
            reply.text().contains("belongs to another agent"),
            "{}",
            reply.text()
        );
    }
);

both!(
    /// The ceiling of the receiving agent limits a hand over, in authority and in time.
    the_receivers_ceiling_limits_a_hand_over,
    |world| async {
        let cast = Cast::of(&world).await;
        let agents = siblings(&world, &["agt_big"]).await;
        let mut file = agent_file("agt_small", "alice");
        let ceiling = &mut file["agent"]["ceiling"];
        ceiling["scopes"] = json!([{ "resource": BANK, "scope": "accounts:write" }]);
        ceiling["authorization_details"][0]["instructed_amount"]["amount"] = json!("50.00");
        ceiling["lifetime"] = json!(60);
        let small = enrol(&world, file).await;
        let token = cast
            .granted(&world, &agents[0], &cast.request(), BANK)
            .await
            .access_token();
        let ask = async |scope: &str, amount: &str| {
            let assertion = small.actor_assertion(&world, "agt_big");
            let form = with(
                &cast.exchange_form(&token, Some(&assertion)),
                "scope",
                scope,
            );
            let form = with(
                &form,
                "authorization_details",
                json!([payment(amount)]).to_string(),
            );
            agents[0].send(&world, "/token", &form).await
        };
        refused(
            &ask("accounts:read", "50.00").await,
            "invalid_scope",
            "scope above its ceiling",
        );
        let whole = cast.hand(&world, &agents[0], &token, &small).await;
        assert_eq!(whole.status, 400, "{}", whole.text());
        // A scope that is left empty is not asked for; so only what its ceiling allows is handed over.
        let only = async |amount: &str| {
            let assertion = small.actor_assertion(&world, "agt_big");
            let write = with(&cast.request(), "scope", "accounts:write");
            let token = cast
                .granted(&world, &agents[0], &write, BANK)
                .await
                .access_token();
            let form = cast.exchange_form(&token, Some(&assertion));
            let form = with(
                &form,
                "authorization_details",
                json!([payment(amount)]).to_string(),
            );
            agents[0].send(&world, "/token", &form).await
        };
        let above = only("50.01").await;
        refused(
            &above,
            "invalid_authorization_details",
            "details above its ceiling",
        );
        assert_eq!(
            above.json()["excess"][0]["pointer"],
            "/0/instructed_amount/amount"
        );
        assert_eq!(above.json()["excess"][0].get("granted"), None);
        let within = minted(&only("50.00").await, "within");
        assert_eq!(
            within["exp"].as_i64().unwrap() - within["iat"].as_i64().unwrap(),
            60
        );
    }
);

both!(
    /// The actor's state counts: a stopped agent, or one of a disabled owner, takes nothing over.
    a_stopped_actor_takes_nothing_over,
    |world| async {
        let cast = Cast::of(&world).await;
        let id = world.add_user("olga", "a long password").await["id"].clone();
        world.add_shop().await;
        let hers = enrol(&world, agent_file("agt_olga", "olga")).await;
        let planner = enrol(&world, onward_file("agt_p", &["agt_olga", "agt_booker"], 4)).await;
        let token = cast
            .granted(&world, &planner, &cast.request(), BANK)
            .await
            .access_token();
        let tokens = [
            hers.own(&world, &[]).await.access_token(),
            cast.booker.own(&world, &[]).await.access_token(),
        ];
        minted(&cast.hand(&world, &planner, &token, &hers).await, "before");
        let mut transaction = world.begin().await;
        let olga = UserId::from_text(id.as_str().unwrap());
        assert!(transaction.disable_user(&olga, world.now()).await.unwrap());
        let booker = ClientId::from_text("agt_booker");
        assert!(transaction.stop_client(&booker, world.now()).await.unwrap());
        transaction.commit().await.unwrap();
        for (to, own) in [&hers, &cast.booker].into_iter().zip(&tokens) {
            let reply = cast.hand(&world, &planner, &token, to).await;
            refused(&reply, "invalid_request", "by assertion");
            let form = with(
                &cast.exchange_form(&token, Some(own)),
                "actor_token_type",
                writ_wire::exchange::TOKEN_TYPE_ACCESS_TOKEN,
            );
            refused(
                &planner.send(&world, "/token", &form).await,
                "invalid_request",
                "by its own token",
            );
        }
    }
);

both!(
    /// Leaving the actor token out does not make a chain disappear: it is kept by itself.
    the_chain_in_the_subject_token_stays,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let handed = cast
            .hand(&world, &cast.planner, &token, &cast.booker)
            .await
            .access_token();
        let form = cast.exchange_form(&handed, None);
        for other in [&cast.planner, &cast.payer, &cast.stranger] {
            let reply = other.send(&world, "/token", &form).await;
            refused(&reply, "invalid_request", &other.id);
        }
        let narrowed = cast.booker.send(&world, "/token", &form).await;
        let narrowed = minted(&narrowed, "its holder");
        assert_eq!(narrowed["act"], claims(&handed)["act"]);
        let third = cast.hand(&world, &cast.booker, &handed, &cast.payer).await;
        let third = minted(&third, "the next");
        assert_eq!(third["act"]["act"], claims(&handed)["act"]);
        assert_eq!(third["act"]["sub"], "agt_payer");
        assert_eq!(third["act"]["act"]["act"]["sub"], "agt_planner");
    }
);
