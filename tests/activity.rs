//! A person's own pages: what acts for them, what happened, and all of it to take away (JOURNEYS, the person with a phone).

use serde_json::{Value, json};
use writ_testkit::{Cast, PASSWORD, both};

both!(
    journeys_history_tells_what_was_asked_and_answered,
    |world| async {
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
        history.says("Pay up to 300.00 EUR to KLM (NL91ABNA0417164300), once");
        assert!(
            history.reply.text().contains(&receipt),
            "a way to the receipt"
        );
        let mut mallory = world.phone_of("mallory").await;
        let hers = mallory.browser.open("/app/activity").await;
        hers.does_not_say("agt_planner");
    }
);

both!(
    journeys_the_export_is_the_record_of_one_person,
    |world| async {
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
    }
);

both!(journeys_a_long_history_has_pages, |world| async {
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

both!(
    journeys_one_tap_stops_an_agent_and_all_its_tasks,
    |world| async {
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
    }
);
