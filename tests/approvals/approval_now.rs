//! An approval is what was shown, judged by what is there when it is fetched: to whom it goes on, the
//! client's record, the type's level, and the time that is left.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use writ_server::router::router;
use writ_testkit::{
    BANK, Cast, Change, ISSUER, Network, NodeClient, Phone, TestAgent, World, agent_file, both,
    enrol, minted, payment, poll_form, refused,
};

use crate::approvals::approval::on_receipt;
use crate::approvals::notices::node;
use crate::client::device;
use crate::client::step_up::strict_types;

/// An agent of alice that may ask her and hand on to the booker alone.
async fn staged(world: &World) -> (Cast, TestAgent) {
    let cast = Cast::of(world).await;
    let mut file = agent_file("agt_limited", "alice");
    file["agent"]["may_ask"] = json!(["alice"]);
    file["agent"]["onward"] = json!({ "agents": ["agt_booker"], "depth": 2 });
    (cast, enrol(world, file).await)
}

async fn approve(world: &World, alice: &mut Phone, auth_req_id: &str) {
    let id = world.request_id(auth_req_id).await;
    let page = alice.look(&id).await;
    on_receipt(&alice.approve_by_password(&page).await);
}

both!(
    what_was_approved_goes_on_to_whom_the_screen_named,
    |world| async {
        let (cast, agent) = staged(&world).await;
        let mut alice = world.phone_of("alice").await;
        let question = agent.asked(&world, &cast.question()).await;
        let page = alice.look(&world.request_id(&question).await).await;
        page.says("agt_booker");
        page.does_not_say("agt_payer");
        on_receipt(&alice.approve_by_password(&page).await);
        let wider = json!({ "agents": ["agt_booker", "agt_payer"], "depth": 4 });
        world
            .change_client(&agent.id, |file| file["agent"]["onward"] = wider)
            .await;
        world.advance(6);
        let token = agent.poll(&world, &question).await;
        minted(&token, "as it was shown");
        let token = token.access_token();
        let handed = cast.hand(&world, &agent, &token, &cast.payer).await;
        assert_ne!(
            handed.status,
            200,
            "nobody saw the payer: {}",
            handed.text()
        );
        minted(
            &cast.hand(&world, &agent, &token, &cast.booker).await,
            "shown",
        );
        let events = world.events_named("token.issued").await;
        assert_eq!(events[0].data["onward"]["agents"], json!(["agt_booker"]));
        assert_eq!(events[0].data["onward"]["depth"], json!(2));
    }
);

both!(what_a_record_no_longer_allows_is_not_given, |world| async {
    let (cast, agent) = staged(&world).await;
    let mut alice = world.phone_of("alice").await;
    let question = agent.asked(&world, &cast.question()).await;
    approve(&world, &mut alice, &question).await;
    let narrower = json!({ "agents": [], "depth": 2 });
    world
        .change_client(&agent.id, |file| file["agent"]["onward"] = narrower)
        .await;
    let polled = agent.poll(&world, &question).await;
    refused(&polled, "invalid_grant", "more would go on than may");
});

both!(
    /// The record changes while the poll is held, younger than any cache.
    a_held_poll_is_judged_by_the_record_of_its_end,
    |world| async {
        let changes = [
            ("ceiling", json!({ "lifetime": 7200, "scopes": [
                { "resource": BANK, "scope": "accounts:read" }
            ] })),
            ("approvers", json!([{ "of": ["mallory"], "need": 1 }])),
        ];
        let (cast, agent) = staged(&world).await;
        for (member, changed) in changes {
            let before = world.client_file(&agent.id).await;
            let words = format!("before the {member}");
            let form = cast.question().with("binding_message", words);
            let question = agent.asked(&world, &form).await;
            let ready = agent.ready(&world, "/token", &poll_form(&question));
            let ready = ready.header("prefer", "wait=20");
            let door = world.door();
            let polling = door.send(&ready);
            let deciding = async {
                while world.app.waiting.polls() == 0 {
                    tokio::task::yield_now().await;
                }
                world
                    .change_client(&agent.id, |file| file["agent"][member] = changed)
                    .await;
                world.approve(&question, "alice").await;
            };
            let both = async { tokio::join!(polling, deciding) };
            let (reply, ()) = tokio::time::timeout(Duration::from_secs(10), both).await.unwrap();
            refused(&reply, "invalid_grant", member);
            world.change_client(&agent.id, |file| *file = before).await;
        }
        assert!(world.events_named("token.issued").await.is_empty());
    }
);

both!(
    /// The person answered a password; since then the type wants a passkey.
    a_types_level_is_judged_again,
    |world| async {
        let (cast, agent) = staged(&world).await;
        let mut alice = world.phone_of("alice").await;
        let question = agent.asked(&world, &cast.question()).await;
        approve(&world, &mut alice, &question).await;
        let stricter = node(&world, &[("TYPES__PATH", &strict_types())]).await;
        let network = Arc::new(Network::new());
        network.serve(ISSUER, router(stricter));
        let ready = agent.ready(&world, "/token", &poll_form(&question));
        let reply = NodeClient::new(network, ISSUER).send(&ready).await;
        refused(&reply, "invalid_grant", "a password is too weak now");
        minted(&agent.poll(&world, &question).await, "where it is as it was");
    }
);

both!(
    /// A task that would live shorter than the person may think.
    a_short_task_can_be_approved_until_the_end_of_the_wait,
    |world| async {
        let cast = Cast::of(&world).await;
        let mut file = agent_file("agt_short", "alice");
        file["agent"]["may_ask"] = json!(["alice"]);
        file["task_lifetime"] = json!(60);
        let agent = enrol(&world, file).await;
        let mut alice = world.phone_of("alice").await;
        let question = agent.asked(&world, &cast.question()).await;
        let id = world.request_id(&question).await;
        alice.look(&id).await.says("It ends by itself on 21 September 2026, 14:19 UTC.");
        world.advance(290);
        approve(&world, &mut alice, &question).await;
        let token = minted(&agent.poll(&world, &question).await, "late, and in time");
        let end = world.now().plus(Duration::from_secs(60));
        assert_eq!(token["mission"]["expires_at"], json!(end.rfc3339()));
        assert_eq!(token["exp"], json!(end.seconds()));
        let asked = device::ask(&world, &agent, &device::request()).await;
        let page = device::types(&mut alice, &asked.member("user_code")).await;
        world.advance(500);
        on_receipt(&alice.approve_by_password(&page).await);
        let polled = agent
            .send(&world, "/token", &device::poll(&asked.member("device_code")))
            .await;
        minted(&polled, "from a terminal");
    }
);

both!(
    /// "15 minutes", and the token is asked for a minute later.
    what_ended_before_it_was_fetched_is_not_given,
    |world| async {
        let cast = Cast::of(&world).await;
        cast.token(&world).await;
        let mut alice = world.phone_of("alice").await;
        let form = cast.question().with("requested_expiry", "3600");
        let question = cast.planner.asked(&world, &form).await;
        let id = world.request_id(&question).await;
        let page = alice.less(&id, &[("part", "d0"), ("minutes", "15")]).await;
        on_receipt(&alice.approve_by_password(&page).await);
        world.advance(16 * 60);
        let polled = cast.planner.poll(&world, &question).await;
        refused(&polled, "invalid_grant", "over");
        let left = world.waiting(&question).await;
        assert_eq!(left.status.delegation(), None, "nothing was made");
        cast.token(&world).await;
        let dear = json!([payment("300.00")]).to_string();
        let form = cast.question().with("authorization_details", dear);
        let question = cast.planner.asked(&world, &form.with("requested_expiry", "3600")).await;
        let id = world.request_id(&question).await;
        let page = alice.less(&id, &[("part", "d0"), ("minutes", "15")]).await;
        on_receipt(&alice.approve_by_password(&page).await);
        world.advance(14 * 60);
        minted(&cast.planner.poll(&world, &question).await, "in time");
    }
);
