//! A person's own pages: what acts for them, what happened, and all of it to take away.

use serde_json::{Value, json};
use writ_testkit::{Cast, PASSWORD, both, claims};

both!(history_tells_what_was_asked_and_answered, |world| async {
    let cast = Cast::of(&world).await;
    let token = cast.token(&world).await;
    let question = cast.question_within(&token);
    let auth_req_id = cast.planner.asked(&world, &question).await;
    let id = world.request_id(&auth_req_id).await;
    let mut alice = world.phone_of("alice").await;
    world.advance(1);
    let page = alice.look(&id).await;
    let receipt = alice.approve_by_password(&page).await;
    let receipt = receipt.url.path().to_owned();
    world.advance(1);
    cast.planner.poll(&world, &auth_req_id).await;
    let history = alice.browser.open("/app/activity").await;
    assert_eq!(history.reply.status, 200);
    history.says("agt_planner");
    history.says("Pay up to EUR 300.00 to “KLM” (NL91ABNA0417164300), once");
    assert!(
        history.reply.text().contains(&receipt),
        "a way to the receipt"
    );
    let mut mallory = world.phone_of("mallory").await;
    let hers = mallory.browser.open("/app/activity").await;
    hers.does_not_say("agt_planner");
});

both!(
    /// One query by `approval` finds everything about a request, whatever happened to it.
    every_event_of_a_request_names_it_alike,
    |world| async {
        let cast = Cast::of(&world).await;
        let (_, mut alice, _) = crate::client::device::taken(&world, &cast).await;
        for answer in ["approve", "deny", "not_me"] {
            world.advance(600);
            let question = cast.question_within(&cast.token(&world).await);
            let auth_req_id = cast.planner.asked(&world, &question).await;
            let id = world.request_id(&auth_req_id).await;
            alice.sign_in("alice").await;
            let page = alice.look(&id).await;
            match answer {
                "approve" => alice.approve_by_password(&page).await,
                other => alice.refuse(&page, other).await,
            };
            cast.planner.poll(&world, &auth_req_id).await;
        }
        let mut seen = std::collections::BTreeMap::<String, usize>::new();
        for event in world.events().await {
            let of_request = event.name.starts_with("approval.") || event.name == "agent.reported";
            if of_request {
                let id = event.data["approval"].as_str().unwrap_or_default();
                assert!(id.starts_with("apr_"), "{}: {}", event.name, event.data);
                assert_eq!(event.data.get("request"), None, "{}", event.name);
                *seen.entry(event.name).or_default() += 1;
            }
        }
        let expected = [
            ("agent.reported", 1),
            ("approval.approved", 1),
            ("approval.denied", 2),
            ("approval.notified", 1),
            ("approval.redeemed", 1),
            ("approval.requested", 4),
            ("approval.viewed", 4),
        ];
        let expected = expected.map(|(name, count)| (name.to_owned(), count));
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected);
    }
);

both!(
    /// The first yes of two is no approval.
    history_says_that_others_are_waited_for,
    |world| async {
        let cast = Cast::of(&world).await;
        world.add_user("bob", PASSWORD).await;
        let mut file = writ_testkit::agent_file("agt_guarded", "alice");
        file["agent"]["may_ask"] = json!(["alice"]);
        file["agent"]["approvers"] = json!([{ "of": ["alice", "bob"], "need": 2 }]);
        let agent = writ_testkit::enrol(&world, file).await;
        let auth_req_id = agent.asked(&world, &cast.question()).await;
        let id = world.request_id(&auth_req_id).await;
        for (name, decision, told) in [
            ("alice", None, "One yes for agt_guarded; others are still asked"),
            ("bob", Some("permit"), "bob approved a request of agt_guarded"),
        ] {
            world.advance(1);
            let mut phone = world.phone_of(name).await;
            let page = phone.look(&id).await;
            phone.approve_by_password(&page).await;
            let events = world.events_named("approval.approved").await;
            let last = events.last().unwrap();
            assert_eq!(last.decision.as_deref(), decision);
            assert_eq!(last.data["complete"], json!(decision.is_some()));
            let mut alice = world.phone_of("alice").await;
            alice.browser.open("/app/activity").await.says(told);
        }
    }
);

both!(
    /// However many tasks have ended since: what lives can be stopped.
    what_lives_stands_before_what_has_ended,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let task = writ_testkit::claims(&token)["mission"]["id"].as_str().unwrap().to_owned();
        let id = writ_core::id::TaskId::from_text(task.as_str());
        let mut transaction = world.begin().await;
        let stored = transaction.task(&id).await.unwrap().unwrap().task;
        for number in 0..120 {
            let newer = writ_core::task::Task {
                id: writ_core::id::TaskId::from_text(format!("tsk_{number}")),
                created_at: stored.created_at.plus(std::time::Duration::from_secs(number + 1)),
                expires_at: stored.created_at.plus(std::time::Duration::from_secs(number + 2)),
                ..stored.clone()
            };
            assert!(transaction.insert_task_if_active(&newer).await.unwrap());
        }
        transaction.commit().await.unwrap();
        world.advance(200);
        let mut alice = world.phone_of("alice").await;
        let page = alice.browser.open("/app/agents").await;
        let text = page.reply.text();
        assert!(text.contains(&task), "its button");
    }
);

both!(the_export_is_the_record_of_one_person, |world| async {
    let cast = Cast::of(&world).await;
    cast.token(&world).await;
    let mut alice = world.phone_of("alice").await;
    let export = alice.browser.open("/app/activity/export").await.reply;
    assert_eq!(export.header("cache-control"), Some("no-store"));
    let export = export.json();
    assert_eq!(export["subject"], json!(cast.alice));
    let events = export["events"].as_array().unwrap();
    let subjects = events.iter().map(|event| event["subject"].clone());
    assert!(
        subjects
            .into_iter()
            .all(|subject| subject == json!(cast.alice))
    );
    let names: Vec<&Value> = events.iter().map(|event| &event["name"]).collect();
    for name in ["task.approved", "token.issued", "login.succeeded"] {
        assert!(names.contains(&&json!(name)), "{name}");
    }
    let stranger = world.get("/app/activity/export", &[]).await;
    assert_eq!(stranger.status, 303, "nobody without a login");
});

both!(
    the_export_holds_consents_receipts_and_stops,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        // Somebody else's, of the same agent.
        cast.approved(&world, &cast.planner, &cast.request(), "mallory")
            .await;
        let question = cast.question_within(&token);
        let auth_req_id = cast.planner.asked(&world, &question).await;
        let id = world.request_id(&auth_req_id).await;
        let mut alice = world.phone_of("alice").await;
        let page = alice.look(&id).await;
        let receipt = alice.approve_by_password(&page).await;
        let signed: Value = serde_json::from_str(&alice.receipt(&receipt).await).unwrap();
        let task = claims(&token)["mission"]["id"].clone();
        let stop = [("task", task.as_str().unwrap().to_owned())];
        alice.post("/app/stop", &stop).await;
        let export = alice.browser.open("/app/activity/export").await.reply;
        let saved = export.header("content-disposition");
        assert_eq!(saved, Some("attachment; filename=\"activity.json\""));
        assert_eq!(export.header("cache-control"), Some("no-store"));
        let export = export.json();
        assert_eq!(export["complete"], json!(true));
        assert_eq!(export["limits"]["events"], json!(10_000));
        assert_eq!(export["receipts"], json!([signed]));
        let consents = export["consents"].as_array().unwrap();
        assert_eq!(consents.len(), 1);
        assert_eq!(consents[0]["task"], task);
        assert_eq!(consents[0]["client"], json!("agt_planner"));
        assert!(
            consents[0]["shown"]
                .as_str()
                .unwrap()
                .contains("EUR 100.00")
        );
        assert!(
            consents[0]["at"]
                .as_str()
                .unwrap()
                .starts_with("2026-09-21T14:")
        );
        let named = |list: &str| -> Vec<Value> {
            let list = export[list].as_array().unwrap().iter();
            list.map(|one| one["name"].clone()).collect()
        };
        assert_eq!(named("stops"), [json!("task.revoked")]);
        assert_eq!(export["stops"][0]["task"], task);
        let approvals = named("approvals");
        for name in ["approval.requested", "approval.viewed", "approval.approved"] {
            assert!(approvals.contains(&json!(name)), "{name}: {approvals:?}");
        }
        // Hers alone: nothing of alice is in mallory's.
        let mut mallory = world.phone_of("mallory").await;
        let hers = mallory.browser.open("/app/activity/export").await.reply;
        for one in [id.as_str(), task.as_str().unwrap(), receipt.url.path()] {
            assert!(!hers.text().contains(one), "{one}: {}", hers.text());
        }
        let hers = hers.json();
        assert_eq!(hers["receipts"], json!([]));
        assert_eq!(hers["stops"], json!([]));
        assert_eq!(hers["consents"].as_array().unwrap().len(), 1);
    }
);

both!(a_long_history_has_pages, |world| async {
    Cast::of(&world).await;
    let mut alice = world.phone_of("alice").await;
    for _ in 0..60 {
        world.advance(1);
        alice.sign_in("alice").await;
    }
    let first = alice.browser.open("/app/activity").await;
    let text = first.reply.text();
    let older = text.split("href=\"/app/activity?before=").nth(1);
    let before = older.unwrap().split('"').next().unwrap().to_owned();
    let path = format!("/app/activity?before={before}");
    let second = alice.browser.open(&path).await;
    assert_eq!(second.reply.status, 200);
    assert!(!second.reply.text().contains("/app/activity?before="));
});

both!(one_tap_stops_an_agent_and_all_its_tasks, |world| async {
    let cast = Cast::of(&world).await;
    let tokens = [cast.token(&world).await, cast.token(&world).await];
    let code = cast
        .approved(&world, &cast.planner, &cast.request(), "mallory")
        .await;
    let hers = cast.redeem(&world, &code).await.access_token();
    let mut browser = world.browser();
    // From a link, over the login, to the page.
    let page = browser.open("/app/agents").await;
    let page = browser.log_in(&page, "alice", PASSWORD).await;
    assert_eq!(page.url.path(), "/app/agents");
    page.says("agt_planner");
    let mut fields = page.fields("agent-stop");
    let forged: Vec<_> = fields
        .iter()
        .filter(|(name, _)| name != "csrf")
        .cloned()
        .collect();
    let refused = browser.send_form(&page, "agent-stop", &forged).await;
    assert_eq!(refused.reply.status, 403);
    for token in &tokens {
        let heard = cast.introspect(&world, token).await;
        assert_eq!(heard["active"], json!(true));
    }
    fields.push(("agent-stop".to_owned(), "1".to_owned()));
    browser.send_form(&page, "agent-stop", &fields).await;
    for token in &tokens {
        let heard = cast.introspect(&world, token).await;
        assert_eq!(heard["active"], json!(false));
    }
    let heard = cast.introspect(&world, &hers).await;
    assert_eq!(heard["active"], json!(true), "another person's task");
});
