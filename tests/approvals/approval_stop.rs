//! A stop ends what was asked as well: open questions, what was approved and not fetched, and the agent's work in
//! tasks that others opened. Whoever waits for one of them hears of it at once.

use std::time::Duration;

use serde_json::json;
use writ_core::id::{TaskId, UserId};
use writ_core::pending::State;
use writ_server::background::sending;
use writ_testkit::{
    BANK, Cast, Change, Phone, World, both, both_heard, claims, poll_form, refused,
};

use crate::approvals::approval::on_receipt;
use crate::approvals::notices::{NOTIFICATION_TOKEN, WAIT};
use crate::client::device;
use crate::client::push::{Asked, ask_to_be_told};

/// Different questions of the planner to alice, outside any task.
async fn questions<const N: usize>(world: &World, cast: &Cast) -> [String; N] {
    cast.token(world).await;
    let mut handles = [const { String::new() }; N];
    for (number, handle) in handles.iter_mut().enumerate() {
        let words = format!("question {number}");
        let question = cast.question().with("binding_message", words);
        *handle = cast.planner.asked(world, &question).await;
    }
    handles
}

async fn approve(world: &World, alice: &mut Phone, auth_req_id: &str) {
    let id = world.request_id(auth_req_id).await;
    let page = alice.look(&id).await;
    on_receipt(&alice.approve_by_password(&page).await);
}

/// Everything that this agent does for her.
async fn stop_agent(phone: &mut Phone, agent: &str) -> writ_testkit::WebPage {
    let fields = [("agent", agent.to_owned())];
    let page = phone.post("/app/agents/stop", &fields).await;
    assert_eq!(page.reply.status, 200, "{}", page.reply.text());
    page
}

both!(
    deny_and_stop_ends_what_was_approved_and_not_fetched,
    |world| async {
        let cast = Cast::of(&world).await;
        let [first, second, third] = questions(&world, &cast).await;
        let mut alice = world.phone_of("alice").await;
        approve(&world, &mut alice, &first).await;
        let page = alice.look(&world.request_id(&second).await).await;
        on_receipt(&alice.refuse(&page, "stop").await);
        assert!(alice.inbox().await.is_empty(), "nothing is asked any more");
        for (what, handle) in [("approved", &first), ("denied", &second), ("open", &third)] {
            refused(
                &cast.planner.poll(&world, handle).await,
                "access_denied",
                what,
            );
            assert_eq!(world.waiting(handle).await.state(), State::Denied);
            let page = alice.look(&world.request_id(handle).await).await;
            page.says("Denied, and stopped");
        }
        let denied = world.events_named("approval.denied").await;
        assert_eq!(denied.len(), 3);
        for handle in [&first, &third] {
            let id = world.request_id(handle).await;
            let mut events = denied.iter();
            let event = events.find(|event| event.data["approval"] == json!(id));
            let event = event.unwrap_or_else(|| panic!("{id} has no end in {denied:?}"));
            assert_eq!(event.subject.as_deref(), Some(cast.alice.as_str()));
            assert_eq!(event.client.as_deref(), Some("agt_planner"));
            assert_eq!(event.reason.as_deref(), Some("stopped"));
            assert_eq!(event.data["undecided"], json!(handle == &third));
        }
        assert!(world.events_named("approval.redeemed").await.is_empty());
    }
);

both!(
    /// From the list of agents, on another node, over a request of the device flow, which has no task yet.
    one_tap_ends_what_a_device_was_given,
    |world| async {
        let cast = Cast::of(&world).await;
        let node = world.node().await;
        let (code, mut alice, page) = device::taken(&world, &cast).await;
        on_receipt(&alice.approve_by_password(&page).await);
        let mut browser = node.browser();
        browser.cookies.clone_from(&alice.browser.cookies);
        let mut desk = Phone::new(browser, alice.device);
        stop_agent(&mut desk, "agt_planner").await.says("Stopped. It can't act for you any more.");
        let polled = cast.planner.send(&world, "/token", &device::poll(&code)).await;
        refused(&polled, "access_denied", "stopped before it was fetched");
        assert_eq!(device::waiting(&world, &code).await.state(), State::Denied);
        // There is nothing more to stop.
        stop_agent(&mut desk, "agt_planner").await.says("already ended");
        assert_eq!(world.events_named("approval.denied").await.len(), 1);
    }
);

both!(
    a_stop_ends_no_request_of_another_person_or_agent,
    |world| async {
        let cast = Cast::of(&world).await;
        let [mine] = questions(&world, &cast).await;
        cast.granted(&world, &cast.booker, &cast.request(), BANK)
            .await;
        let others = cast.booker.asked(&world, &cast.question()).await;
        let code = cast
            .approved(&world, &cast.planner, &cast.request(), "mallory")
            .await;
        cast.redeem(&world, &code).await;
        let hers = cast.question().with("login_hint", "mallory");
        let hers = cast.planner.asked(&world, &hers).await;
        let mut alice = world.phone_of("alice").await;
        stop_agent(&mut alice, "agt_planner").await;
        assert_eq!(world.waiting(&mine).await.state(), State::Denied);
        for left in [&others, &hers] {
            assert_eq!(world.waiting(left).await.state(), State::Pending);
        }
    }
);

both!(
    /// Whatever the order of a poll on one node and a stop on the other: what was stopped gives no token that lives.
    a_stop_never_loses_against_a_redemption,
    |world| async {
        let cast = Cast::of(&world).await;
        let node = world.node().await;
        let mut alice = world.phone_of("alice").await;
        for _ in 0..10 {
            let [question] = questions(&world, &cast).await;
            world.approve(&question, "alice").await;
            let ready = cast.planner.ready(&world, "/token", &poll_form(&question));
            let door = node.door();
            let csrf = alice.browser.csrf();
            let mut desk = world.browser();
            desk.cookies.clone_from(&alice.browser.cookies);
            let fields = [("csrf", csrf), ("agent", "agt_planner".to_owned())];
            let polling = tokio::spawn(async move { door.send(&ready).await });
            let stopped = desk.post("/app/agents/stop", &fields).await;
            assert_eq!(stopped.reply.status, 200);
            let reply = polling.await.unwrap();
            if reply.status == 200 {
                let heard = cast.introspect(&world, &reply.access_token()).await;
                assert_eq!(heard, json!({ "active": false }));
            }
            assert_ne!(world.waiting(&question).await.state(), State::Approved);
            // The next questions are those of another day.
            world.advance(24 * 3600);
            alice.sign_in("alice").await;
        }
    }
);

both!(ciba_10_1_1_a_held_poll_hears_of_a_stop, |world| async {
    let cast = Cast::of(&world).await;
    let [first, second] = questions(&world, &cast).await;
    let mut alice = world.phone_of("alice").await;
    let page = alice.look(&world.request_id(&second).await).await;
    let ready = cast.planner.ready(&world, "/token", &poll_form(&first));
    let ready = ready.header("prefer", "wait=20");
    let door = world.door();
    let polling = door.send(&ready);
    let stopping = async {
        while world.app.waiting.polls() == 0 {
            tokio::task::yield_now().await;
        }
        on_receipt(&alice.refuse(&page, "stop").await);
    };
    let both = async { tokio::join!(polling, stopping) };
    let (reply, ()) = tokio::time::timeout(Duration::from_secs(10), both)
        .await
        .unwrap();
    refused(&reply, "access_denied", "at once");
});

both!(
    /// The booker works in two tasks that the planner opened; alice stops it from a question in one of them.
    a_stop_reaches_the_agents_work_in_tasks_of_others,
    |world| async {
        let cast = Cast::of(&world).await;
        let mut handed = Vec::new();
        for _ in 0..2 {
            let token = cast.token(&world).await;
            let reply = cast.hand(&world, &cast.planner, &token, &cast.booker).await;
            handed.push((token, reply.access_token()));
        }
        let [(_, here), (above, there)] = [&handed[0], &handed[1]];
        let question = cast.question_within(here);
        let asked = cast.booker.asked(&world, &question).await;
        let mut alice = world.phone_of("alice").await;
        let page = alice.look(&world.request_id(&asked).await).await;
        on_receipt(&alice.refuse(&page, "stop").await);
        for stopped in [here, there] {
            let heard = cast.introspect(&world, stopped).await;
            assert_eq!(heard["active"], json!(false));
        }
        let heard = cast.introspect(&world, above).await;
        assert_eq!(heard["active"], json!(true), "the planner's own work goes on");
        let events = world.events_named("delegation.stopped").await;
        assert_eq!(events.len(), 1, "the other one died with its task");
        assert_eq!(events[0].client.as_deref(), Some("agt_booker"));
        assert_eq!(events[0].subject.as_deref(), Some(cast.alice.as_str()));
        let there = claims(there);
        assert_eq!(events[0].delegation.as_deref(), there["act"]["dlg"].as_str());
        assert_eq!(events[0].task.as_deref(), there["mission"]["id"].as_str());
        assert_eq!(events[0].data["by"], json!("subject"));
    }
);

both!(
    /// As many statements for each.
    a_stop_leaves_no_task_alive_however_many_there_are,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let task = TaskId::from_text(claims(&token)["mission"]["id"].as_str().unwrap());
        let mut transaction = world.begin().await;
        let stored = transaction.task(&task).await.unwrap().unwrap();
        for number in 0..70 {
            let id = TaskId::from_text(format!("tsk_{number}"));
            let more = writ_core::task::Task { id, ..stored.task.clone() };
            assert!(transaction.insert_task_if_active(&more).await.unwrap());
        }
        transaction.commit().await.unwrap();
        let mut alice = world.phone_of("alice").await;
        stop_agent(&mut alice, "agt_planner").await;
        let (alice, planner) = (UserId::from_text(cast.alice.as_str()), stored.task.client);
        let mut transaction = world.begin().await;
        let left = transaction.has_live_task(&alice, &planner, world.now()).await;
        assert!(!left.unwrap());
    }
);

/// The same question once more, over the same door.
async fn ask_again(world: &World, asked: &Asked) -> String {
    let form = vec![
        ("scope", "openid accounts:read".to_owned()),
        ("login_hint", "alice".to_owned()),
        ("binding_message", "W4SCT".to_owned()),
        ("client_notification_token", NOTIFICATION_TOKEN.to_owned()),
        ("requested_expiry", WAIT.to_string()),
    ];
    let reply = asked.web.send(world, "/bc-authorize", &form).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.member("auth_req_id")
}

both_heard!(
    /// CIBA 12: who is pushed would wait for ever.
    ciba_12_an_older_copy_ends_with_a_push_and_an_event,
    |world, receiver| async {
        let asked = ask_to_be_told(&world, "push", &receiver.url("/push")).await;
        let newer = ask_again(&world, &asked).await;
        for _ in 0..2 {
            sending::send_due(&world.app).await.unwrap();
            world.advance(WAIT);
        }
        let heard: Vec<_> = receiver.heard().iter().map(|heard| heard.json()).collect();
        let ends = |handle: &str| {
            let of_handle = heard.iter().filter(|body| body["auth_req_id"] == handle);
            of_handle.map(|body| body["error"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(ends(&asked.auth_req_id), [json!("expired_token")]);
        sending::send_due(&world.app).await.unwrap();
        assert_eq!(receiver.heard().len() + ends(&newer).len(), 1, "{heard:?}");
        let expired = world.events_named("approval.expired").await;
        let older: Vec<_> = expired
            .iter()
            .filter(|event| event.data["approval"] == json!(asked.request.id))
            .collect();
        assert_eq!(older.len(), 1);
        let newer = world.request_id(&newer).await;
        assert_eq!(older[0].data["superseded_by"], json!(newer));
        assert_eq!(expired.len(), 2, "and the newer one in its time");
    }
);

both!(
    ciba_10_1_1_a_held_poll_hears_of_a_newer_copy,
    |world| async {
        let cast = Cast::of(&world).await;
        cast.token(&world).await;
        let older = cast.planner.asked(&world, &cast.question()).await;
        let ready = cast.planner.ready(&world, "/token", &poll_form(&older));
        let ready = ready.header("prefer", "wait=20");
        let door = world.door();
        let polling = door.send(&ready);
        let asking = async {
            while world.app.waiting.polls() == 0 {
                tokio::task::yield_now().await;
            }
            cast.planner.asked(&world, &cast.question()).await;
        };
        let both = async { tokio::join!(polling, asking) };
        let (reply, ()) = tokio::time::timeout(Duration::from_secs(10), both)
            .await
            .unwrap();
        refused(&reply, "expired_token", "at once");
    }
);

both_heard!(
    /// What was approved has its push already, which finds the stop; what was open gets one.
    ciba_12_a_push_client_hears_of_a_stop_once,
    |world, receiver| async {
        let approved = ask_to_be_told(&world, "push", &receiver.url("/push")).await;
        let mut alice = world.phone_of("alice").await;
        let page = alice.look(approved.request.id.as_str()).await;
        on_receipt(&alice.approve_by_password(&page).await);
        let open = ask_again(&world, &approved).await;
        stop_agent(&mut alice, "web").await;
        for _ in 0..3 {
            sending::send_due(&world.app).await.unwrap();
            world.advance(60);
        }
        let mut heard: Vec<_> = receiver.heard().iter().map(|heard| heard.json()).collect();
        heard.sort_by_key(|body| body["auth_req_id"] == open);
        let ends: Vec<_> = heard.iter().map(|b| (&b["auth_req_id"], &b["error"])).collect();
        let denied = json!("access_denied");
        let (first, second) = (json!(approved.auth_req_id), json!(open));
        assert_eq!(ends, [(&first, &denied), (&second, &denied)]);
        assert!(world.events_named("token.issued").await.is_empty());
    }
);
