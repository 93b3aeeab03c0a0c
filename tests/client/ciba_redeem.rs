//! Polls and redemption (CIBA 11): who is told what, and what is judged again.

use serde_json::json;
use writ_core::id::{ClientId, DelegationId, TaskId};
use writ_testkit::{
    BANK, Cast, Change, Forge, World, agent_file, both, claims, enrol, enrol_plain, minted,
    payment, poll_form, refused,
};
use writ_wire::registration::SPONSOR;

use crate::client::ciba::{question_of_web, web_file};

/// An approved request of the planner within alice's task, and the token of the task.
async fn approved(world: &World, cast: &Cast) -> (String, String) {
    let token = cast.token(world).await;
    let id = cast
        .planner
        .asked(world, &cast.question_within(&token))
        .await;
    world.approve(&id, "alice").await;
    (id, token)
}

both!(ciba_11_each_end_has_its_code, |world| async {
    let cast = Cast::of(&world).await;
    cast.token(&world).await;
    let poll = |id: String| {
        let (world, cast) = (&world, &cast);
        async move { cast.planner.poll(world, &id).await }
    };
    refused(&poll("unknown".into()).await, "invalid_grant", "unknown");
    let id = cast.planner.asked(&world, &cast.question()).await;
    let stranger = cast.stranger.poll(&world, &id).await;
    refused(&stranger, "invalid_grant", "another client's");
    world.deny(&id, "alice").await;
    refused(&poll(id.clone()).await, "access_denied", "denied");
    world.advance(61);
    let id = cast.planner.asked(&world, &cast.question()).await;
    world.approve(&id, "alice").await;
    world.advance(300);
    refused(
        &poll(id.clone()).await,
        "expired_token",
        "approved, not fetched",
    );
    let id = cast.planner.asked(&world, &cast.question()).await;
    world.advance(300);
    refused(&poll(id.clone()).await, "expired_token", "nobody decided");
});

both!(an_auth_req_id_is_good_once, |world| async {
    let cast = Cast::of(&world).await;
    let (id, _) = approved(&world, &cast).await;
    minted(&cast.planner.poll(&world, &id).await, "once");
    for _ in 0..2 {
        world.advance(10);
        refused(
            &cast.planner.poll(&world, &id).await,
            "invalid_grant",
            "twice",
        );
    }
    assert_eq!(world.events_named("approval.redeemed").await.len(), 1);
});

both!(
    a_yes_is_for_one_request_and_for_what_was_shown,
    |world| async {
        let cast = Cast::of(&world).await;
        let (first, token) = approved(&world, &cast).await;
        let other = cast
            .question_within(&token)
            .with("binding_message", "other");
        let second = cast.planner.asked(&world, &other).await;
        refused(
            &cast.planner.poll(&world, &second).await,
            "authorization_pending",
            "its own",
        );
        minted(&cast.planner.poll(&world, &first).await, "the approved one");
        // Less was approved than asked: the token holds exactly that.
        let asked = json!([payment("300.00"), payment("20.00")]).to_string();
        let form = cast
            .question_within(&token)
            .with("authorization_details", asked);
        let third = cast.planner.asked(&world, &form).await;
        let whole = world.waiting(&third).await.asked.authority;
        let small = whole
            .details()
            .iter()
            .find(|detail| detail.members()["instructed_amount"]["amount"] == json!("20.00"));
        let less =
            writ_authority::Authority::new([].into(), vec![small.unwrap().clone()], [].into());
        let decision = world.yes(&third, "alice", less).await;
        assert!(world.decide(&third, &decision).await);
        let claims = minted(&cast.planner.poll(&world, &third).await, "less");
        let granted = claims["authorization_details"].as_array().unwrap();
        assert_eq!(granted.len(), 1);
        assert_eq!(granted[0]["instructed_amount"]["amount"], json!("20.00"));
    }
);

both!(more_than_was_asked_is_never_redeemed, |world| async {
    let cast = Cast::of(&world).await;
    let token = cast.token(&world).await;
    let id = cast
        .planner
        .asked(&world, &cast.question_within(&token))
        .await;
    let asked = world.waiting(&id).await.asked.authority;
    let more = asked.details().iter().map(|detail| {
        let amount = json!({ "amount": "301.00", "currency": "EUR" });
        detail.clone().with("instructed_amount", amount)
    });
    let more = writ_authority::Authority::new([].into(), more.collect(), [].into());
    let decision = world.yes(&id, "alice", more).await;
    assert!(world.decide(&id, &decision).await);
    refused(
        &cast.planner.poll(&world, &id).await,
        "invalid_grant",
        "more",
    );
});

both!(a_token_is_bound_to_the_key_that_asked, |world| async {
    let cast = Cast::of(&world).await;
    let (id, _) = approved(&world, &cast).await;
    let other = cast.planner.with_key(Forge::new(&world.random));
    refused(
        &other.poll(&world, &id).await,
        "invalid_grant",
        "another key",
    );
    let bare = cast
        .planner
        .send_with(&world, "/token", &poll_form(&id), &[])
        .await;
    refused(&bare, "invalid_request", "no key");
    minted(&cast.planner.poll(&world, &id).await, "the key");
    // A request that showed a key yields no bearer, whatever the client may have.
    let web = enrol_plain(&world, web_file(json!({ "bearer": true }))).await;
    let reply = web.send(&world, "/bc-authorize", &question_of_web()).await;
    let id = reply.member("auth_req_id");
    world.approve(&id, "alice").await;
    let bare = web.send_by(&world, "/token", &poll_form(&id), None).await;
    refused(&bare, "invalid_grant", "bound once");
    let reply = web.send(&world, "/token", &poll_form(&id)).await;
    assert!(minted(&reply, "bound")["cnf"].is_object());
});

/// What ends between the approval and its redemption.
async fn ends(world: &World, what: &str, token: &str) {
    let claims = claims(token);
    let mut transaction = world.begin().await;
    let now = world.now();
    let stopped = match what {
        "person" => {
            let id = world.user_id("alice").await;
            transaction.disable_user(&id, now).await
        }
        "agent" => {
            let id = ClientId::from_text("agt_planner");
            transaction.stop_client(&id, now).await
        }
        "task" => {
            let id = claims["mission"]["id"].as_str().unwrap();
            transaction.stop_task(&TaskId::from_text(id), now).await
        }
        _ => {
            let id = claims["act"]["dlg"].as_str().unwrap();
            transaction
                .stop_delegation(&DelegationId::from_text(id), now)
                .await
        }
    };
    assert!(stopped.unwrap());
    transaction.commit().await.unwrap();
}

both!(everything_is_judged_again_at_redemption, |world| async {
    let cast = Cast::of(&world).await;
    for what in ["delegation", "task"] {
        let (id, token) = approved(&world, &cast).await;
        ends(&world, what, &token).await;
        refused(&cast.planner.poll(&world, &id).await, "invalid_grant", what);
    }
    let (id, token) = approved(&world, &cast).await;
    ends(&world, "agent", &token).await;
    refused(
        &cast.planner.poll(&world, &id).await,
        "invalid_grant",
        "agent",
    );
});

both!(
    a_disabled_person_is_asked_nothing_and_approved_nothing,
    |world| async {
        let cast = Cast::of(&world).await;
        let (id, token) = approved(&world, &cast).await;
        ends(&world, "person", &token).await;
        refused(
            &cast.planner.poll(&world, &id).await,
            "invalid_grant",
            "person",
        );
        let web = enrol_plain(&world, web_file(json!({}))).await;
        let reply = web.send(&world, "/bc-authorize", &question_of_web()).await;
        refused(&reply, "unknown_user_id", "as if nobody were there");
    }
);

both!(
    the_delegation_dies_with_the_chain_that_asked,
    |world| async {
        let cast = Cast::of(&world).await;
        let (id, token) = approved(&world, &cast).await;
        let reply = cast.planner.poll(&world, &id).await;
        let issued = reply.access_token();
        assert_eq!(
            cast.introspect(&world, &issued).await["active"],
            json!(true)
        );
        ends(&world, "delegation", &token).await;
        assert_eq!(
            cast.introspect(&world, &issued).await["active"],
            json!(false)
        );
    }
);

both!(a_delegation_for_one_action_goes_nowhere, |world| async {
    let cast = Cast::of(&world).await;
    let (id, _) = approved(&world, &cast).await;
    let reply = cast.planner.poll(&world, &id).await;
    let issued = reply.access_token();
    assert!(reply.json()["expires_in"].as_u64().unwrap() <= 300);
    let exchange = cast.exchange_form(&issued, None);
    let narrowed = cast.planner.send(&world, "/token", &exchange).await;
    refused(&narrowed, "invalid_request", "narrow");
    let handed = cast
        .hand(&world, &cast.planner, &issued, &cast.booker)
        .await;
    refused(&handed, "invalid_request", "hand over");
    let asked = cast
        .planner
        .ask(&world, &cast.question_within(&issued))
        .await;
    refused(&asked, "invalid_request", "ask");
});

both!(
    the_chain_above_stays_when_a_later_agent_asks,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let handed = cast.hand(&world, &cast.planner, &token, &cast.booker).await;
        let handed = handed.access_token();
        let id = cast
            .booker
            .asked(&world, &cast.question_within(&handed))
            .await;
        world.approve(&id, "alice").await;
        let claims = minted(&cast.booker.poll(&world, &id).await, "the booker's");
        assert_eq!(claims["act"]["sub"], json!("agt_booker"));
        assert_eq!(claims["act"]["act"]["sub"], json!("agt_planner"));
        // What belongs to the booker is nothing to the planner.
        let reply = cast
            .planner
            .ask(&world, &cast.question_within(&handed))
            .await;
        refused(&reply, "invalid_request", "another's token");
    }
);

both!(
    designated_approvers_decide_and_who_is_gone_does_not_count,
    |world| async {
        let cast = Cast::of(&world).await;
        world.add_user("bob", "another password").await;
        world.add_user("carol", "a third password").await;
        let mut file = agent_file("agt_bobs", "alice");
        file["agent"]["may_ask"] = json!(["alice"]);
        file["agent"]["approvers"] = json!([
            { "of": ["bob", "nobody"], "need": 1 }, { "of": [SPONSOR, "carol"], "need": 2 }
        ]);
        let agent = enrol(&world, file).await;
        // Within a task that covers it they decide in alice's place.
        let covers = json!([payment("300.00")]).to_string();
        let form = cast.request().with("authorization_details", covers);
        let task = cast.granted(&world, &agent, &form, BANK).await;
        let question = cast.question_within(&task.access_token());
        let id = agent.asked(&world, &question).await;
        let request = world.waiting(&id).await;
        let (bob, alice) = (world.user_id("bob").await, world.user_id("alice").await);
        assert_eq!(request.asked.stages[0].of, std::slice::from_ref(&bob));
        let both = [alice.clone(), world.user_id("carol").await]
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>();
        assert_eq!(
            request.asked.stages[1].of,
            both.into_iter().collect::<Vec<_>>()
        );
        assert_eq!(request.role_of(&alice, world.now()), None, "not her turn");
        world.approve(&id, "bob").await;
        let second = agent
            .asked(&world, &question.with("binding_message", "again"))
            .await;
        world.approve(&second, "bob").await;
        assert_eq!(
            minted(&agent.poll(&world, &id).await, "bob")["sub"],
            json!(cast.alice)
        );
        world.disable("bob").await;
        refused(
            &agent.poll(&world, &second).await,
            "invalid_grant",
            "bob is gone",
        );
        let reply = agent.ask(&world, &cast.question()).await;
        assert_eq!(
            reply.refusal(),
            (403, "access_denied".to_owned()),
            "too few are left"
        );
    }
);

both!(identity_is_not_approved_by_somebody_else, |world| async {
    let cast = Cast::of(&world).await;
    let mut file = agent_file("agt_owners", "mallory");
    file["agent"]["may_ask"] = json!(["alice"]);
    file["agent"]["approvers"] = json!([{ "of": ["@owner"], "need": 1 }]);
    let agent = enrol(&world, file).await;
    let form = cast.question().with("scope", "openid");
    refused(&agent.ask(&world, &form).await, "invalid_scope", "openid");
    agent.asked(&world, &cast.question()).await;
});
