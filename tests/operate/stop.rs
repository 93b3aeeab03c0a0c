//! Stop means stop: at once, on every node, below and nowhere else, and nothing undoes it.

use serde_json::json;
use writ_core::id::{ClientId, DelegationId, TaskId, UserId};
use writ_server::operate::stop::stop_task;
use writ_testkit::{
    BANK, Cast, Fields, ISSUER, Node, PASSWORD, TestAgent, TestReply, World, agent_file, both,
    claims, enrol, minted, refused, with,
};

/// A request to another node.
async fn at(node: &Node, world: &World, who: &TestAgent, form: &Fields) -> TestReply {
    let signed = who.signed(world, form);
    let pairs: Vec<(&str, &str)> = signed
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    let proof = who.proof(world, "/token");
    node.post("/token", &pairs, &[("dpop", &proof)]).await
}

fn task_of(token: &str) -> TaskId {
    TaskId::from_text(claims(token)["mission"]["id"].as_str().unwrap())
}

async fn stop(world: &World, token: &str) -> bool {
    let mut transaction = world.begin().await;
    let change = world.change();
    let outbox = world.app.outbox();
    let did = stop_task(&outbox, &mut transaction, &task_of(token), change).await;
    transaction.commit().await.unwrap();
    did.unwrap().is_some()
}

async fn is_active(world: &World, cast: &Cast, token: &str) -> bool {
    cast.introspect(world, token).await["active"] == json!(true)
}

/// Nothing comes of this token any more, by its holder.
async fn dead(world: &World, cast: &Cast, holder: &TestAgent, token: &str) {
    assert_eq!(
        cast.introspect(world, token).await,
        json!({ "active": false })
    );
    let form = cast.exchange_form(token, None);
    refused(
        &holder.send(world, "/token", &form).await,
        "invalid_request",
        "narrow",
    );
}

both!(
    /// A person's stop kills everything below the task at once, on every node, whatever was cached there.
    a_persons_stop_counts_on_every_node_at_once,
    |world| async {
        let cast = Cast::of(&world).await;
        let node = world.node().await;
        let grant = cast
            .granted(&world, &cast.planner, &cast.request(), BANK)
            .await;
        let first = grant.access_token();
        let second = cast
            .hand(&world, &cast.planner, &first, &cast.booker)
            .await
            .access_token();
        let third = cast
            .hand(&world, &cast.booker, &second, &cast.payer)
            .await
            .access_token();
        let chain = [
            (&cast.planner, &first),
            (&cast.booker, &second),
            (&cast.payer, &third),
        ];
        let refresh = cast.planner.refresh_form(&grant.member("refresh_token"));
        let bank = cast.bank_basic();
        let hears = async |token: &str| {
            let reply = node
                .post(
                    "/introspect",
                    &[("token", token)],
                    &[("authorization", &bank)],
                )
                .await;
            reply.json()["active"] == json!(true)
        };
        for (holder, token) in chain {
            assert!(hears(token).await);
            minted(
                &at(&node, &world, holder, &cast.exchange_form(token, None)).await,
                "warm",
            );
        }
        minted(&at(&node, &world, &cast.planner, &refresh).await, "warm");

        let mut browser = world.browser();
        let page = browser.open("/app/agents").await;
        let page = browser.log_in(&page, "alice", PASSWORD).await;
        browser.submit(&page, "task-stop", &[]).await;

        for (holder, token) in chain {
            assert!(!hears(token).await);
            let narrow = cast.exchange_form(token, None);
            refused(
                &at(&node, &world, holder, &narrow).await,
                "invalid_request",
                "there",
            );
            dead(&world, &cast, holder, token).await;
        }
        let assertion = cast.booker.actor_assertion(&world, "agt_planner");
        let onward = cast.exchange_form(&first, Some(&assertion));
        refused(
            &at(&node, &world, &cast.planner, &onward).await,
            "invalid_request",
            "hand over",
        );
        refused(
            &at(&node, &world, &cast.planner, &refresh).await,
            "invalid_grant",
            "refresh",
        );
        let events = world.events().await;
        let revoked = events.iter().find(|e| e.name == "task.revoked").unwrap();
        assert_eq!(revoked.data["by"], "subject");
        assert_eq!(revoked.subject.as_deref(), Some(cast.alice.as_str()));
        assert_eq!(revoked.task.as_deref(), Some(task_of(&first).as_str()));
    }
);

both!(
    /// An operator's stop does the same, once, and touches no other task; a code below it is worth nothing.
    an_operators_stop_touches_no_other_task,
    |world| async {
        let cast = Cast::of(&world).await;
        let (token, other) = (cast.token(&world).await, cast.token(&world).await);
        assert!(stop(&world, &token).await);
        assert!(!stop(&world, &token).await, "stopped already");
        dead(&world, &cast, &cast.planner, &token).await;
        assert!(is_active(&world, &cast, &other).await);
        let names = world.event_names().await;
        assert_eq!(names.iter().filter(|n| *n == "task.revoked").count(), 1);

        let code = cast
            .approved(&world, &cast.planner, &cast.request(), "alice")
            .await;
        let mut transaction = world.begin().await;
        let hers = writ_store::task::TasksInOrder::Subject(&cast.alice);
        let tasks = transaction.tasks_before(hers, None, 100).await.unwrap();
        let known = [task_of(&token), task_of(&other)];
        let waiting = tasks.iter().find(|t| !known.contains(&t.task.id)).unwrap();
        assert!(
            transaction
                .stop_task(&waiting.task.id, world.now())
                .await
                .unwrap()
        );
        transaction.commit().await.unwrap();
        refused(
            &cast.redeem(&world, &code).await,
            "invalid_grant",
            "a code of a stopped task",
        );
    }
);

both!(
    /// Delegation, agent, owner, person: what stands below dies, what stands above lives.
    every_kind_of_stop_reaches_all_descendants,
    |world| async {
        let cast = Cast::of(&world).await;
        let olga = world.add_user("olga", "a long password").await["id"].clone();
        world.add_shop().await;
        let mut file = agent_file("agt_head", "alice");
        file["agent"]["onward"] = json!({ "agents": ["agt_mid", "agt_end"], "depth": 4 });
        let head = enrol(&world, file.clone()).await;
        file["client_id"] = json!("agt_mid");
        file["agent"]["owner"] = json!("olga");
        let mid = enrol(&world, file.clone()).await;
        file["client_id"] = json!("agt_end");
        let end = enrol(&world, file).await;
        let chain = async || {
            let first = cast
                .granted(&world, &head, &cast.request(), BANK)
                .await
                .access_token();
            let second = cast.hand(&world, &head, &first, &mid).await.access_token();
            let third = cast.hand(&world, &mid, &second, &end).await.access_token();
            [first, second, third]
        };
        let [one, two, three] = [chain().await, chain().await, chain().await];
        let active = async |tokens: &[String; 3]| {
            let mut all = Vec::new();
            for token in tokens {
                all.push(is_active(&world, &cast, token).await);
            }
            all
        };

        let mut transaction = world.begin().await;
        let delegation = DelegationId::from_text(claims(&one[1])["act"]["dlg"].as_str().unwrap());
        assert!(
            transaction
                .stop_delegation(&delegation, world.now())
                .await
                .unwrap()
        );
        transaction.commit().await.unwrap();
        assert_eq!(active(&one).await, [true, false, false], "a delegation");
        assert_eq!(active(&two).await, [true, true, true], "another chain");
        dead(&world, &cast, &mid, &one[1]).await;
        dead(&world, &cast, &end, &one[2]).await;
        minted(
            &head
                .send(&world, "/token", &cast.exchange_form(&one[0], None))
                .await,
            "above",
        );

        let mut transaction = world.begin().await;
        assert!(
            transaction
                .stop_client(&ClientId::from_text("agt_end"), world.now())
                .await
                .unwrap()
        );
        transaction.commit().await.unwrap();
        assert_eq!(active(&two).await, [true, true, false], "an agent");
        dead(&world, &cast, &end, &two[2]).await;

        let mut transaction = world.begin().await;
        let olga = UserId::from_text(olga.as_str().unwrap());
        assert!(transaction.disable_user(&olga, world.now()).await.unwrap());
        transaction.commit().await.unwrap();
        assert_eq!(
            active(&three).await,
            [true, false, false],
            "the owner of an agent"
        );
        dead(&world, &cast, &mid, &three[1]).await;
        refused(
            &cast.hand(&world, &head, &three[0], &mid).await,
            "invalid_request",
            "a mint below",
        );

        let own = cast
            .booker
            .own(&world, &[("scope", "accounts:read".to_owned())])
            .await
            .access_token();
        assert!(is_active(&world, &cast, &own).await);
        let mut transaction = world.begin().await;
        let alice = UserId::from_text(cast.alice.as_str());
        assert!(transaction.disable_user(&alice, world.now()).await.unwrap());
        transaction.commit().await.unwrap();
        for tokens in [&one, &two, &three] {
            assert_eq!(active(tokens).await, [false, false, false], "the person");
        }
        assert!(
            !is_active(&world, &cast, &own).await,
            "and own work of her agents: she is their owner"
        );
    }
);

both!(
    /// A person's next login or consent does not undo a stop.
    a_new_login_and_consent_undo_nothing,
    |world| async {
        let cast = Cast::of(&world).await;
        let grant = cast
            .granted(&world, &cast.planner, &cast.request(), BANK)
            .await;
        let old = grant.access_token();
        let refresh = cast.planner.refresh_form(&grant.member("refresh_token"));
        assert!(stop(&world, &old).await);
        world.advance(5);
        let new = cast.token(&world).await;
        assert!(is_active(&world, &cast, &new).await, "a new task");
        assert_ne!(task_of(&new), task_of(&old));
        dead(&world, &cast, &cast.planner, &old).await;
        let reply = cast.planner.send(&world, "/token", &refresh).await;
        refused(&reply, "invalid_grant", "the old refresh token");
        // The old token cannot be dressed in the new one's task.
        let dressed = world
            .resigned(&old, |c| c["mission"] = claims(&new)["mission"].clone())
            .await;
        let form = cast.exchange_form(&dressed, None);
        refused(
            &cast.planner.send(&world, "/token", &form).await,
            "invalid_request",
            "dressed",
        );
    }
);

both!(
    /// Only the person's own tasks: not another's, not without login, not by a forged form.
    nobody_stops_another_persons_task,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let id = task_of(&token).to_string();
        let code = cast
            .approved(&world, &cast.planner, &cast.request(), "mallory")
            .await;
        let hers = cast.redeem(&world, &code).await.access_token();
        let mut browser = world.browser();
        let page = browser.open("/app/agents").await;
        let page = browser.log_in(&page, "mallory", PASSWORD).await;
        assert!(
            !page.reply.text().contains(&id),
            "her page does not show it"
        );
        let fields = page.fields("task-stop");
        let swapped: Vec<(String, String)> = fields
            .iter()
            .map(|(name, value)| {
                (
                    name.clone(),
                    if name == "task" {
                        id.clone()
                    } else {
                        value.clone()
                    },
                )
            })
            .collect();
        let shown = browser.send_form(&page, "task-stop", &swapped).await;
        assert_eq!(shown.reply.status, 200);
        assert!(is_active(&world, &cast, &token).await, "another person");
        let forged: Vec<(String, String)> = fields
            .iter()
            .filter(|(name, _)| name != "csrf")
            .cloned()
            .collect();
        browser.send_form(&page, "task-stop", &forged).await;
        assert!(is_active(&world, &cast, &hers).await, "a forged form");
        let mut stranger = world.browser();
        stranger.send_form(&page, "task-stop", &fields).await;
        assert!(is_active(&world, &cast, &hers).await, "nobody");
        assert!(
            !world
                .event_names()
                .await
                .contains(&"task.revoked".to_owned())
        );
        browser.send_form(&page, "task-stop", &fields).await;
        assert!(!is_active(&world, &cast, &hers).await, "her own");
        assert!(is_active(&world, &cast, &token).await);
    }
);

both!(
    /// A stopped token opens `/userinfo` no more.
    a_stopped_token_opens_userinfo_no_more,
    |world| async {
        let cast = Cast::of(&world).await;
        world.add_shop().await;
        let agent = enrol(&world, agent_file("agt_known", "alice")).await;
        let asked = with(&cast.request(), "scope", "openid accounts:read");
        let token = cast
            .granted(&world, &agent, &asked, ISSUER)
            .await
            .access_token();
        let url = format!("{ISSUER}/userinfo");
        let ask = async || {
            let proof = agent
                .dpop
                .proof_with("GET", &url, world.now().seconds(), &token);
            let authorization = format!("DPoP {token}");
            world
                .get(
                    "/userinfo",
                    &[("authorization", &authorization), ("dpop", &proof)],
                )
                .await
        };
        assert_eq!(ask().await.member("sub"), cast.alice);
        assert!(stop(&world, &token).await);
        assert_eq!(ask().await.refusal(), (401, "invalid_token".to_owned()));
    }
);
