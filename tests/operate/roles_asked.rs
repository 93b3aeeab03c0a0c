//! Roles where somebody is asked elsewhere: by CIBA, with a device's code, by a resource server. It is the subject's authority that is given,
//! whoever decides.

use serde_json::json;
use writ_testkit::{
    AskingServer, BANK, Cast, Change, TestReply, agent_file, asking_bank, both_with, enrol, minted,
    payment, question, reason, refused, without,
};

use super::roles::{BOTH, ROLES, change, staffed};
use crate::approvals::access_scene::{self, NOTES, ResourceServer, Scene, denied};
use crate::client::access::paying;
use crate::client::device;

both_with!(
    /// CIBA section 13.
    ciba_asks_nobody_about_what_they_may_not_grant,
    &ROLES,
    |world| async {
        let cast = Cast::of(&world).await;
        change(&world, "alice", &["reader"], &[]).await;
        let reads = without(&cast.request(), "authorization_details");
        cast.granted(&world, &cast.planner, &reads, BANK).await;
        let told = cast.planner.ask(&world, &cast.question()).await;
        assert_eq!(told.refusal(), (403, "access_denied".to_owned()), "{}", told.text());
        assert_eq!(told.json()["excess"][0]["pointer"], json!("/0/type"));
        assert_eq!(told.json().get("retry_after"), None);
        assert_eq!(world.events_named("approval.requested").await.len(), 0);
        change(&world, "alice", &["payer"], &[]).await;
        let id = cast.planner.asked(&world, &cast.question()).await;
        world.approve(&id, "alice").await;
        change(&world, "alice", &[], &["payer"]).await;
        let late = cast.planner.poll(&world, &id).await;
        refused(&late, "invalid_grant", "the role ended before the poll");
        change(&world, "alice", &["payer"], &[]).await;
        world.advance(5);
        let reply = cast.planner.poll(&world, &id).await;
        minted(&reply, "it is back");
        change(&world, "alice", &[], &["payer"]).await;
        let heard = cast.introspect(&world, &reply.access_token()).await;
        assert_eq!(heard["active"], json!(false));
    }
);

both_with!(
    /// It is the subject's authority that is given: an approver's roles neither limit nor widen it.
    whoever_decides_for_somebody_needs_no_role_and_lends_none,
    &ROLES,
    |world| async {
        let cast = staffed(&world).await;
        let mut file = agent_file("agt_paid", "alice");
        file["agent"]["approvers"] = json!([{ "of": ["mallory"], "need": 1 }]);
        file["agent"]["may_ask"] = json!(["alice"]);
        let agent = enrol(&world, file).await;
        let covers = json!([payment("300.00")]).to_string();
        let task = cast.request().with("authorization_details", covers);
        let task = cast.granted(&world, &agent, &task, BANK).await.access_token();
        let id = agent.asked(&world, &cast.question_within(&task)).await;
        let mut mallory = world.phone_of("mallory").await;
        let page = mallory.look(&world.request_id(&id).await).await;
        mallory.approve_by_password(&page).await;
        minted(&agent.poll(&world, &id).await, "mallory has no role");
        change(&world, "mallory", &["payer"], &[]).await;
        change(&world, "alice", &[], &["payer"]).await;
        let told = agent.ask(&world, &cast.question().with("binding_message", "B2")).await;
        assert_eq!(told.refusal(), (403, "access_denied".to_owned()));
    }
);

both_with!(
    /// RFC 8628 section 3.3: the code is right, and the page says what is missing.
    a_device_gets_no_more_than_its_person_may_grant,
    &ROLES,
    |world| async {
        let cast = Cast::of(&world).await;
        let asked = device::ask(&world, &cast.planner, &device::request()).await;
        let mut alice = world.phone_of("alice").await;
        let page = device::types(&mut alice, &asked.member("user_code")).await;
        assert_eq!(page.reply.status, 403);
        page.says("it asks for more than you may allow here");
        change(&world, "alice", &BOTH, &[]).await;
        let page = device::types(&mut alice, &asked.member("user_code")).await;
        assert!(page.url.path().starts_with("/app/requests/"), "{}", page.url);
        alice.approve_by_password(&page).await;
        change(&world, "alice", &[], &["reader"]).await;
        let poll = device::poll(&asked.member("device_code"));
        let late = cast.planner.send(&world, "/token", &poll).await;
        refused(&late, "invalid_grant", "the role is gone");
        change(&world, "alice", &["reader"], &[]).await;
        world.advance(5);
        minted(&cast.planner.send(&world, "/token", &poll).await, "it is back");
    }
);

both_with!(
    a_yes_to_a_resource_server_is_worth_what_its_person_may_grant,
    &ROLES,
    |world| async {
        let cast = Cast::of(&world).await;
        change(&world, "alice", &["writer", "payer"], &[]).await;
        let notes = ResourceServer::add(&world, NOTES, "Notes").await;
        let claude = access_scene::agent(&world, "agt_claude").await;
        let mut scene = Scene {
            token: access_scene::token(&world, &cast, &claude, NOTES).await,
            alice: world.phone_of("alice").await,
            cast,
            claude,
            notes,
        };
        let wanted = scene.deletion("Shopping list");
        let approved = scene.approved(&world, &wanted).await;
        change(&world, "alice", &[], &["writer"]).await;
        assert_eq!(
            denied(&scene.notes.decide(&world, &approved).await),
            "token_invalid"
        );
        // Nothing is offered to be asked about.
        let another = scene.deletion("Another list");
        let looked = scene.notes.look(&world, &another).await;
        assert_eq!(denied(&looked), "token_invalid");
        change(&world, "alice", &["writer"], &[]).await;
        access_scene::permitted(&scene.notes.decide(&world, &approved).await);
        assert_eq!(
            denied(&scene.notes.decide(&world, &approved).await),
            "approval_expired"
        );
    }
);

both_with!(
    /// What nobody could grant is not offered to be asked about.
    a_payment_beyond_every_role_is_not_requestable,
    &ROLES,
    |world| async {
        let cast = Cast::of(&world).await;
        change(&world, "alice", &["reader"], &[]).await;
        world.add_resource(asking_bank()).await;
        let bank = AskingServer::bank(&world, &cast);
        let reads = without(&cast.request(), "authorization_details");
        let token = cast.granted(&world, &cast.planner, &reads, BANK).await.access_token();
        let asked = || question(&world, &cast.planner, &token, paying("20.00"));
        let offered = |reply: &TestReply| {
            assert_eq!(reason(reply), "not_covered");
            reply.json()["context"].get("access_request").is_some()
        };
        let without = bank.look(&asked()).await;
        change(&world, "alice", &["payer"], &[]).await;
        let with = bank.look(&asked()).await;
        assert_eq!((offered(&without), offered(&with)), (false, true), "{}", with.text());
    }
);
