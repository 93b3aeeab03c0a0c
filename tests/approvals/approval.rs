//! One person, one request: what the page says, and what each answer does.

use serde_json::{Value, json};
use writ_core::pending::State;
use writ_testkit::{Cast, PASSWORD, Phone, WebPage, World, both, claims, minted, refused};

/// The planner's question to alice about 300.00, within the task of its token; and who answers.
pub struct Scene {
    pub cast: Cast,
    pub token: String,
    pub auth_req_id: String,
    pub id: String,
    pub alice: Phone,
}

pub async fn staged(world: &World) -> Scene {
    let cast = Cast::of(world).await;
    let token = cast.token(world).await;
    let question = cast.question_within(&token);
    let auth_req_id = cast.planner.asked(world, &question).await;
    Scene {
        id: world.request_id(&auth_req_id).await,
        alice: world.phone_of("alice").await,
        cast,
        token,
        auth_req_id,
    }
}

pub async fn state(world: &World, scene: &Scene) -> State {
    world.waiting(&scene.auth_req_id).await.state()
}

pub fn on_receipt(page: &WebPage) {
    let path = page.url.path();
    assert!(
        path.starts_with("/app/receipts/"),
        "{path}: {}",
        page.reply.text()
    );
    assert_eq!(page.reply.status, 200);
}

both!(every_point_of_the_screen_is_on_the_page, |world| async {
    let mut scene = staged(&world).await;
    let alice = &mut scene.alice;
    assert_eq!(alice.inbox().await, [scene.id.clone()]);
    let page = alice.look(&scene.id).await;
    assert_eq!(page.reply.status, 200);
    for words in [
        "agt_planner asks for your approval",
        "Published by Acme",
        "Not verified",
        "Owner: alice. Answers for it: alice.",
        "It would act for you: alice.",
        "Pay up to EUR 300.00 to “KLM” (NL91 ABNA 0417 1643 00), once",
        "Reference on the statement: “Booking 7KQ2PX”",
        "At: https://bank.example",
        "Your yes is good for one single use, until 21 September 2026, 14:23 UTC.",
        "It may not pass this on to any other agent.",
        "wants to pay up to EUR 300.00 “KLM” unverified NL91 ABNA 0417 1643 00",
        "EUR 200.00 more than the EUR 100.00 you allowed.",
        "Once.",
        "“W4SCT”",
        "We did not check these words.",
        "21 September 2026, 14:13 UTC",
        "21 September 2026, 14:18 UTC",
        "You alone decide.",
        "You decide because it acts for you.",
        "Deny and stop this agent",
        "Deny, and report it",
        "This was not me",
    ] {
        page.says(words);
    }
    // What is kept is what was shown.
    let user = world.user_id("alice").await;
    let id = world.waiting(&scene.auth_req_id).await.id;
    let kept = world.begin().await.screen(&id, &user).await.unwrap();
    let kept: Value = serde_json::from_str(&kept.unwrap()).unwrap();
    for section in kept["screen"]["shown"].as_array().unwrap() {
        page.says(section["heading"].as_str().unwrap());
        for line in section["lines"].as_array().unwrap() {
            page.says(line.as_str().unwrap());
        }
    }
});

both!(
    a_password_typed_in_this_very_approval_approves,
    |world| async {
        let mut scene = staged(&world).await;
        let page = scene.alice.look(&scene.id).await;
        world.advance(20);
        let receipt = scene.alice.approve_by_password(&page).await;
        on_receipt(&receipt);
        assert_eq!(state(&world, &scene).await, State::Approved);
        assert!(scene.alice.inbox().await.is_empty());
        let reply = scene.cast.planner.poll(&world, &scene.auth_req_id).await;
        let token = minted(&reply, "approved");
        let approval = json!({
            "id": scene.id, "basis": "password", "at": world.now().seconds(),
            "by": "subject", "people": 1
        });
        assert_eq!(token["approval"], approval);
        assert_eq!(token["acr"], json!("urn:writ:acr:password"));
        assert_eq!(token["auth_time"], json!(world.now().seconds()));
        let amount = &token["authorization_details"][0]["instructed_amount"]["amount"];
        assert_eq!(amount, &json!("300.00"));
        assert_eq!(
            token["mission"]["id"],
            claims(&scene.token)["mission"]["id"]
        );
        // Whoever comes back finds how it ended.
        let again = scene.alice.look(&scene.id).await;
        again.says("You approved this");
    }
);

both!(deny_works_with_the_login_alone, |world| async {
    let mut scene = staged(&world).await;
    let page = scene.alice.look(&scene.id).await;
    let receipt = scene.alice.refuse(&page, "deny").await;
    on_receipt(&receipt);
    refused(
        &scene.cast.planner.poll(&world, &scene.auth_req_id).await,
        "access_denied",
        "denied",
    );
    let events = world.events_named("approval.denied").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].reason.as_deref(), Some("denied"));
    // The task lives on.
    let heard = scene.cast.introspect(&world, &scene.token).await;
    assert_eq!(heard["active"], json!(true));
});

both!(
    deny_and_stop_ends_what_the_agent_does_for_the_person,
    |world| async {
        let mut scene = staged(&world).await;
        let second = scene.cast.token(&world).await;
        let page = scene.alice.look(&scene.id).await;
        on_receipt(&scene.alice.refuse(&page, "stop").await);
        for token in [&scene.token, &second] {
            let heard = scene.cast.introspect(&world, token).await;
            assert_eq!(heard["active"], json!(false));
        }
        let stopped = world.events_named("task.revoked").await;
        assert_eq!(stopped.len(), 2);
        // It may be asked to act again: the agent itself is not suspended.
        let third = scene.cast.token(&world).await;
        let heard = scene.cast.introspect(&world, &third).await;
        assert_eq!(heard["active"], json!(true));
        scene
            .alice
            .look(&scene.id)
            .await
            .says("Denied, and stopped");
    }
);

both!(
    not_me_of_its_owner_ends_what_the_agent_does_for_them,
    |world| async {
        let mut scene = staged(&world).await;
        let page = scene.alice.look(&scene.id).await;
        on_receipt(&scene.alice.refuse(&page, "not_me").await);
        let events = world.events_named("agent.reported").await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].client.as_deref(), Some("agt_planner"));
        assert_eq!(events[0].data["reported_by"], json!(scene.cast.alice));
        assert_eq!(events[0].data["approval"], json!(scene.id));
        let heard = scene.cast.introspect(&world, &scene.token).await;
        assert_eq!(heard["active"], json!(false));
        let asked = scene.cast.planner.ask(&world, &scene.cast.question()).await;
        refused(&asked, "unknown_user_id", "it may ask her nothing");
        // It is no suspended agent: once she lets it, she can agree to it again.
        let proof = [("agent", "agt_planner"), ("password", PASSWORD)];
        let proof = proof.map(|(name, value)| (name, value.to_owned()));
        let page = scene.alice.post("/app/agents/unpause", &proof).await;
        page.says("It may ask you again");
        let token = scene.cast.token(&world).await;
        let heard = scene.cast.introspect(&world, &token).await;
        assert_eq!(heard["active"], json!(true));
    }
);

both!(a_link_leads_over_the_login_to_the_request, |world| async {
    let scene = staged(&world).await;
    let path = format!("/app/requests/{}", scene.id);
    let mut browser = world.browser();
    let login = browser.open(&path).await;
    assert_eq!(login.url.path(), "/login");
    let page = browser.log_in(&login, "alice", PASSWORD).await;
    assert_eq!(page.url.path(), path);
    page.says("Pay up to EUR 300.00 to “KLM”");
    assert_eq!(state(&world, &scene).await, State::Viewed);
});
