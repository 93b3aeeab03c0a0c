//! Approvers whom a type designates (docs/types.md): they decide about every use of it, whatever the agent's record says. Where
//! that opens a task, the person it is for decides first.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use writ_core::pending::State;
use writ_testkit::{
    Cast, Change, PASSWORD, TestAgent, World, agent_file, both_with, enrol, minted, refused,
};

static FOLDERS: AtomicU32 = AtomicU32::new(0);

/// A folder with the shipped payment, about which these stages decide, and the shipped calendar.
fn types(approvers: Value) -> String {
    let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
    let name = format!("types-{}-{number}", std::process::id());
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let shipped = include_str!("../../config/types/payment.json");
    let mut payment: Value = serde_json::from_str(shipped).unwrap();
    payment["approvers"] = approvers;
    std::fs::write(folder.join("payment.json"), payment.to_string()).unwrap();
    let calendar = include_str!("../../config/types/calendar.json");
    std::fs::write(folder.join("calendar.json"), calendar).unwrap();
    folder.to_str().unwrap().to_owned()
}

/// Three people more, and an agent that may ask alice; these stages stand in its own record.
async fn people(world: &World, record: Value) -> (Cast, TestAgent) {
    let cast = Cast::of(world).await;
    world.add_shop().await;
    for name in ["bob", "carol", "dan"] {
        world.add_user(name, PASSWORD).await;
    }
    let mut file = agent_file("agt_payer_of_bills", "alice");
    file["agent"]["may_ask"] = json!(["alice"]);
    file["agent"]["approvers"] = record;
    (cast, enrol(world, file).await)
}

/// Asked, and alice agreed: now the designated are asked.
async fn asked(world: &World, cast: &Cast, agent: &TestAgent) -> (String, String) {
    let auth_req_id = agent.asked(world, &cast.question()).await;
    let id = world.request_id(&auth_req_id).await;
    let mut alice = world.phone_of("alice").await;
    let page = alice.look(&id).await;
    page.says("You decide because it acts for you.");
    let agreed = alice.approve_by_password(&page).await;
    assert_eq!(agreed.reply.status, 200, "{}", agreed.reply.text());
    assert_eq!(world.waiting(&auth_req_id).await.state(), State::Viewed);
    (auth_req_id, id)
}

/// Asked, and nobody is there to decide.
async fn nobody_decides(world: &World, cast: &Cast, agent: &TestAgent) {
    let reply = agent.ask(world, &cast.question()).await;
    let found = reply.refusal();
    assert_eq!(found, (403, "access_denied".to_owned()), "{}", reply.text());
    let mut alice = world.phone_of("alice").await;
    assert!(alice.inbox().await.is_empty(), "nor does she instead");
}

both_with!(
    whom_the_type_designates_decides_and_the_subject_does_not,
    &[(
        "TYPES__PATH",
        types(json!([{ "of": ["bob"], "need": 1 }])).as_str()
    )],
    |world| async {
        let (cast, agent) = people(&world, json!([])).await;
        let (auth_req_id, id) = asked(&world, &cast, &agent).await;
        let (mut alice, mut bob) = (world.phone_of("alice").await, world.phone_of("bob").await);
        assert!(alice.inbox().await.is_empty(), "she answered");
        let page = bob.look(&id).await;
        page.says("It would act for alice. You decide about it.");
        // His page in her hands, and without his cookie.
        let hers = alice.approve_by_password(&page).await;
        assert_ne!(hers.reply.status, 200);
        assert_eq!(world.waiting(&auth_req_id).await.state(), State::Viewed);
        refused(
            &agent.poll(&world, &auth_req_id).await,
            "authorization_pending",
            "hers is none",
        );
        let receipt = bob.approve_by_password(&page).await;
        let document: Value = serde_json::from_str(&bob.receipt(&receipt).await).unwrap();
        assert_eq!(document["receipt"]["outcome"], json!("approved"));
        assert_eq!(document["receipt"]["approver"]["role"], json!("designated"));
        world.advance(5);
        let token = minted(&agent.poll(&world, &auth_req_id).await, "by bob");
        // docs/approval.md: for whom, by which proof, in which roles and how many; never who.
        assert_eq!(token["sub"], json!(cast.alice));
        assert_eq!(token["approval"]["basis"], json!("password"));
        assert_eq!(token["approval"]["id"], json!(id));
        assert_eq!(token["approval"]["by"], json!("both"));
        assert_eq!(token["approval"]["people"], json!(2));
        // She took part, so her login of this very decision is claimed (RFC 9068 section 2.2.1).
        assert_eq!(token["acr"], json!("urn:writ:acr:password"));
        let decision = world
            .waiting(&auth_req_id)
            .await
            .decision()
            .cloned()
            .unwrap();
        let names: Vec<&str> = decision.by.iter().map(|vote| vote.name.as_str()).collect();
        assert_eq!(names, ["alice", "bob"]);
        // What is of no such type is hers, as ever.
        let form = cast
            .question()
            .without("authorization_details")
            .with("scope", "accounts:read");
        let other = agent.asked(&world, &form).await;
        let other = world.request_id(&other).await;
        assert_eq!(alice.inbox().await, std::slice::from_ref(&other));
        assert_eq!(bob.look(&other).await.reply.status, 404);
    }
);

both_with!(
    two_of_three_of_a_type,
    &[(
        "TYPES__PATH",
        types(json!([{ "of": ["bob", "carol", "dan"], "need": 2 }])).as_str()
    )],
    |world| async {
        let (cast, agent) = people(&world, json!([])).await;
        let (auth_req_id, id) = asked(&world, &cast, &agent).await;
        let (mut bob, mut dan) = (world.phone_of("bob").await, world.phone_of("dan").await);
        let page = bob.look(&id).await;
        page.says("2 of 3 people must agree.");
        bob.approve_by_password(&page).await;
        refused(
            &agent.poll(&world, &auth_req_id).await,
            "authorization_pending",
            "one of two",
        );
        let page = dan.look(&id).await;
        dan.approve_by_password(&page).await;
        world.advance(5);
        minted(&agent.poll(&world, &auth_req_id).await, "two of three");
        // One no of theirs is no.
        let (auth_req_id, id) = asked(&world, &cast, &agent).await;
        let page = bob.look(&id).await;
        bob.approve_by_password(&page).await;
        let page = dan.look(&id).await;
        dan.refuse(&page, "deny").await;
        refused(
            &agent.poll(&world, &auth_req_id).await,
            "access_denied",
            "one no",
        );
    }
);

both_with!(
    silence_of_whom_a_type_designates_is_no_whatever_the_subject_said,
    &[(
        "TYPES__PATH",
        types(json!([{ "of": ["bob"], "need": 1 }, { "of": ["@subject"], "need": 1 }])).as_str()
    )],
    |world| async {
        let (cast, agent) = people(&world, json!([])).await;
        let (auth_req_id, id) = asked(&world, &cast, &agent).await;
        let (mut alice, mut bob) = (world.phone_of("alice").await, world.phone_of("bob").await);
        assert_eq!(bob.inbox().await, std::slice::from_ref(&id));
        // Her own stage came with her answer: it is no way around bob.
        world.advance(150);
        assert!(alice.inbox().await.is_empty());
        refused(
            &agent.poll(&world, &auth_req_id).await,
            "authorization_pending",
            "bob did not answer",
        );
        world.advance(150);
        refused(
            &agent.poll(&world, &auth_req_id).await,
            "expired_token",
            "silence is no",
        );
    }
);

both_with!(
    silence_of_the_first_designated_leads_to_the_next,
    &[(
        "TYPES__PATH",
        types(json!([{ "of": ["bob"], "need": 1 }, { "of": ["carol"], "need": 1 }])).as_str()
    )],
    |world| async {
        let (cast, agent) = people(&world, json!([])).await;
        let (auth_req_id, id) = asked(&world, &cast, &agent).await;
        let (mut bob, mut carol) = (world.phone_of("bob").await, world.phone_of("carol").await);
        assert_eq!(bob.inbox().await, std::slice::from_ref(&id));
        assert_eq!(carol.look(&id).await.reply.status, 404, "not her turn yet");
        world.advance(150);
        writ_server::approvals::escalate::turn(&world.app)
            .await
            .unwrap();
        let page = carol.look(&id).await;
        carol.approve_by_password(&page).await;
        let token = minted(&agent.poll(&world, &auth_req_id).await, "the next one");
        assert_eq!(token["sub"], json!(cast.alice));
    }
);

both_with!(
    the_type_comes_before_the_agents_record,
    &[(
        "TYPES__PATH",
        types(json!([{ "of": ["bob"], "need": 1 }])).as_str()
    )],
    |world| async {
        let (cast, agent) = people(&world, json!([{ "of": ["dan"], "need": 1 }])).await;
        let (auth_req_id, id) = asked(&world, &cast, &agent).await;
        let (mut bob, mut dan) = (world.phone_of("bob").await, world.phone_of("dan").await);
        assert_eq!(dan.look(&id).await.reply.status, 404);
        assert!(dan.inbox().await.is_empty());
        let page = bob.look(&id).await;
        bob.approve_by_password(&page).await;
        minted(&agent.poll(&world, &auth_req_id).await, "bob, not dan");
        // Without such an object the record counts; with both at once nobody may decide about all of it.
        let scope = cast
            .question()
            .without("authorization_details")
            .with("scope", "accounts:read");
        let other = agent.asked(&world, &scope).await;
        let other = world.request_id(&other).await;
        let mut alice = world.phone_of("alice").await;
        let page = alice.look(&other).await;
        alice.approve_by_password(&page).await;
        assert_eq!(dan.inbox().await, std::slice::from_ref(&other));
        assert_eq!(bob.look(&other).await.reply.status, 404);
        let mixed = agent
            .ask(&world, &cast.question().with("scope", "accounts:read"))
            .await;
        assert_eq!(mixed.refusal(), (403, "access_denied".to_owned()));
    }
);

both_with!(
    a_disabled_approver_is_not_there,
    &[(
        "TYPES__PATH",
        types(json!([{ "of": ["bob", "carol"], "need": 2 }])).as_str()
    )],
    |world| async {
        let (cast, agent) = people(&world, json!([])).await;
        let (auth_req_id, id) = asked(&world, &cast, &agent).await;
        let (mut bob, mut carol) = (world.phone_of("bob").await, world.phone_of("carol").await);
        let page = bob.look(&id).await;
        let first = bob.approve_by_password(&page).await;
        assert_eq!(first.reply.status, 200, "{}", first.reply.text());
        let page = carol.look(&id).await;
        world.disable("carol").await;
        let late = carol.approve_by_password(&page).await;
        assert_eq!(late.url.path(), "/login", "{}", late.reply.text());
        refused(
            &agent.poll(&world, &auth_req_id).await,
            "authorization_pending",
            "one of two",
        );
        nobody_decides(&world, &cast, &agent).await;
    }
);

both_with!(
    an_approval_of_somebody_who_was_disabled_since_counts_no_more,
    &[(
        "TYPES__PATH",
        types(json!([{ "of": ["bob"], "need": 1 }])).as_str()
    )],
    |world| async {
        let (cast, agent) = people(&world, json!([])).await;
        let (auth_req_id, id) = asked(&world, &cast, &agent).await;
        let mut bob = world.phone_of("bob").await;
        let page = bob.look(&id).await;
        bob.approve_by_password(&page).await;
        assert_eq!(world.waiting(&auth_req_id).await.state(), State::Approved);
        world.disable("bob").await;
        let reply = agent.poll(&world, &auth_req_id).await;
        assert_eq!(reply.refusal().0, 400, "{}", reply.text());
        assert!(world.events_named("approval.redeemed").await.is_empty());
    }
);

both_with!(
    an_agent_is_never_an_approver,
    &[(
        "TYPES__PATH",
        types(json!([{ "of": ["agt_payer_of_bills", "agt_planner"], "need": 1 }])).as_str()
    )],
    |world| async {
        let (cast, agent) = people(&world, json!([])).await;
        nobody_decides(&world, &cast, &agent).await;
    }
);
