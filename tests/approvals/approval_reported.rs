//! "This was not me": one person's word stops an agent for that person, and nobody else's work. For everybody it is stopped when who
//! answers for the agent says so, or an operator.

use serde_json::json;
use writ_core::pending::State;
use writ_testkit::{
    BANK, Cast, Change, PASSWORD, TestAgent, World, agent_file, both, enrol, enrol_plain, minted,
    payment, refused,
};

use crate::approvals::approval::on_receipt;
use crate::client::ciba::{question_of_web, web_file};
use crate::laws::races::own_work;

/// A token of this agent for this person, who agreed to it.
async fn agreed(world: &World, cast: &Cast, agent: &TestAgent, person: &str) -> String {
    let code = cast.approved(world, agent, &cast.request(), person).await;
    let form = cast.redeem_form(&code).with("resource", BANK);
    let reply = agent.send(world, "/token", &form).await;
    minted(&reply, person);
    reply.access_token()
}

async fn is_live(world: &World, cast: &Cast, token: &str) -> bool {
    cast.introspect(world, token).await["active"] == json!(true)
}

async fn say_not_me(world: &World, person: &str, auth_req_id: &str) {
    let mut phone = world.phone_of(person).await;
    let page = phone.look(&world.request_id(auth_req_id).await).await;
    on_receipt(&phone.refuse(&page, "not_me").await);
}

both!(
    not_me_stops_the_agent_for_that_person_alone,
    |world| async {
        let cast = Cast::of(&world).await;
        let agent = &cast.stranger;
        let hers = agreed(&world, &cast, agent, "alice").await;
        let mallorys = agreed(&world, &cast, agent, "mallory").await;
        let asked = agent.asked(&world, &cast.question()).await;
        let other = cast.question().with("binding_message", "another");
        let other = agent.asked(&world, &other).await;
        let his = cast.question().with("login_hint", "mallory");
        let his = agent.asked(&world, &his).await;
        say_not_me(&world, "alice", &asked).await;
        assert!(!is_live(&world, &cast, &hers).await, "her task is over");
        let polled = agent.poll(&world, &other).await;
        refused(&polled, "access_denied", "and what else it asked her");
        let again = agent.ask(&world, &cast.question()).await;
        refused(&again, "unknown_user_id", "it may not ask her any more");
        // Everybody else's goes on.
        assert!(is_live(&world, &cast, &mallorys).await);
        assert_eq!(world.waiting(&his).await.state(), State::Pending);
        minted(&agent.send(&world, "/token", &own_work()).await, "its own");
        assert!(world.events_named("agent.suspended").await.is_empty());
        let events = world.events_named("agent.reported").await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].client.as_deref(), Some("agt_stranger"));
        assert_eq!(events[0].subject.as_deref(), Some(cast.alice.as_str()));
        let id = world.request_id(&asked).await;
        let data = json!({ "by": "report", "reported_by": cast.alice, "approval": id });
        assert_eq!(events[0].data, data);
    }
);

both!(
    /// Nobody answers for it but the operator.
    not_me_never_stops_a_client_of_the_house,
    |world| async {
        let cast = Cast::of(&world).await;
        let file = web_file(json!({ "may_ask": ["alice", "mallory"] }));
        let web = enrol_plain(&world, file).await;
        let reply = web.send(&world, "/bc-authorize", &question_of_web()).await;
        say_not_me(&world, "alice", &reply.member("auth_req_id")).await;
        let form = question_of_web().with("login_hint", "mallory");
        let reply = web.send(&world, "/bc-authorize", &form).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let events = world.events_named("agent.reported").await;
        assert_eq!(events[0].data["reported_by"], json!(cast.alice));
    }
);

both!(
    /// Whoever says it: for everybody only an admin stops it.
    not_me_of_owner_or_sponsor_stops_it_for_them_alone,
    |world| async {
        let cast = Cast::of(&world).await;
        for (id, owner, sponsor) in [
            ("agt_owned", "alice", "mallory"),
            ("agt_sponsored", "mallory", "alice"),
            ("agt_others", "mallory", "mallory"),
        ] {
            let mut file = agent_file(id, owner);
            file["agent"]["sponsor"] = json!(sponsor);
            let agent = enrol(&world, file).await;
            let mallorys = agreed(&world, &cast, &agent, "mallory").await;
            let hers = agreed(&world, &cast, &agent, "alice").await;
            let asked = agent.asked(&world, &cast.question()).await;
            say_not_me(&world, "alice", &asked).await;
            assert!(is_live(&world, &cast, &mallorys).await, "{id}");
            assert!(!is_live(&world, &cast, &hers).await, "{id}");
        }
        assert!(world.events_named("agent.suspended").await.is_empty());
        assert_eq!(world.events_named("agent.reported").await.len(), 3);
    }
);

both!(
    /// Who decides for another says nothing about what that person lets it do.
    not_me_of_an_approver_stops_and_pauses_nothing,
    |world| async {
        let cast = Cast::of(&world).await;
        world.add_user("bob", PASSWORD).await;
        let mut file = agent_file("agt_guarded", "mallory");
        file["agent"]["approvers"] = json!([{ "of": ["bob"], "need": 1 }]);
        let agent = enrol(&world, file).await;
        // Within a task that covers what is asked, he decides, not she.
        let covers = json!([payment("300.00")]).to_string();
        let form = cast.request().with("authorization_details", covers);
        let hers = cast.granted(&world, &agent, &form, BANK).await;
        let hers = hers.access_token();
        let question = cast.question_within(&hers);
        let asked = agent.asked(&world, &question).await;
        let other = question.with("binding_message", "another");
        let other = agent.asked(&world, &other).await;
        let mut bob = world.phone_of("bob").await;
        let page = bob.look(&world.request_id(&asked).await).await;
        page.says("Nothing else ends: what agt_guarded does for alice goes on.");
        page.says("It ends all that this agent does for alice");
        let receipt = bob.refuse(&page, "not_me").await;
        on_receipt(&receipt);
        receipt.says("Nothing else of agt_guarded was stopped.");
        refused(&agent.poll(&world, &asked).await, "access_denied", "his no");
        assert!(is_live(&world, &cast, &hers).await);
        assert_eq!(world.waiting(&other).await.state(), State::Pending);
        for name in ["agent.paused", "agent.stopped", "agent.suspended"] {
            assert!(world.events_named(name).await.is_empty(), "{name}");
        }
        let events = world.events_named("agent.reported").await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].data["for"], json!(cast.alice));
        // What he stops he stops for her, and is told so.
        let page = bob.look(&world.request_id(&other).await).await;
        on_receipt(&bob.refuse(&page, "stop").await);
        assert!(!is_live(&world, &cast, &hers).await);
    }
);
