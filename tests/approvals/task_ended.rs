//! However one task ends, or a part of one: what was asked in it ends in the same transaction, also a yes that nobody used, and whoever
//! waits for an answer hears of it. Beside it everything goes on.

use std::time::Duration;

use serde_json::json;
use writ_core::id::TaskId;
use writ_core::pending::State;
use writ_server::background::sending;
use writ_server::operate::stop::stop_task;
use writ_testkit::{Cast, Change, Phone, TestAgent, World, both, claims, poll_form, refused};

use crate::approvals::approval::on_receipt;

/// How a task of the planner ends.
#[derive(Clone, Copy, Debug)]
enum Way {
    Operator,
    /// The button of its person.
    Person,
    /// "Deny and stop", on another question in it.
    Answer,
    /// "Stop" of the agent that opened it.
    Agent,
    RevokedToken,
    CodeUsedTwice,
}

/// A task of the planner's, and the booker's part of it.
struct Work {
    code: String,
    token: String,
    below: String,
}

impl Work {
    async fn of(world: &World, cast: &Cast) -> Self {
        let code = cast.code(world).await;
        let token = cast.redeem(world, &code).await.access_token();
        let below = cast.hand(world, &cast.planner, &token, &cast.booker).await;
        Self {
            code,
            below: below.access_token(),
            token,
        }
    }

    fn task(&self) -> TaskId {
        TaskId::from_text(claims(&self.token)["mission"]["id"].as_str().unwrap())
    }
}

/// A question in a task, in these words.
async fn ask(world: &World, cast: &Cast, who: &TestAgent, token: &str, words: &str) -> String {
    let question = cast.question_within(token).with("binding_message", words);
    who.asked(world, &question).await
}

async fn approve(world: &World, alice: &mut Phone, handle: &str) {
    let page = alice.look(&world.request_id(handle).await).await;
    on_receipt(&alice.approve_by_password(&page).await);
}

async fn revoke(world: &World, who: &TestAgent, token: &str) {
    let form = vec![("token", token.to_owned())];
    assert_eq!(who.send(world, "/revoke", &form).await.status, 200);
}

async fn end(world: &World, cast: &Cast, alice: &mut Phone, way: Way, work: &Work) {
    match way {
        Way::Operator => {
            let mut transaction = world.begin().await;
            let change = world.change();
            let outbox = world.app.outbox();
            let stopped = stop_task(&outbox, &mut transaction, &work.task(), change).await;
            transaction.commit().await.unwrap();
            stopped.unwrap().unwrap().announce(&world.app);
        }
        Way::Person => {
            let fields = [("task", work.task().to_string())];
            assert_eq!(alice.post("/app/stop", &fields).await.reply.status, 200);
        }
        Way::Answer => {
            let other = ask(world, cast, &cast.planner, &work.token, "another").await;
            let page = alice.look(&world.request_id(&other).await).await;
            on_receipt(&alice.refuse(&page, "stop").await);
        }
        Way::Agent => {
            let fields = [("agent", "agt_planner".to_owned())];
            let page = alice.post("/app/agents/stop", &fields).await;
            assert_eq!(page.reply.status, 200);
        }
        Way::RevokedToken => revoke(world, &cast.planner, &work.token).await,
        Way::CodeUsedTwice => {
            world.advance(11);
            cast.redeem(world, &work.code).await.refusal();
        }
    }
}

async fn ends_with_its_task(world: &World, way: Way) {
    let cast = Cast::of(world).await;
    let work = Work::of(world, &cast).await;
    let other = Work::of(world, &cast).await;
    let mut alice = world.phone_of("alice").await;
    let unused = ask(world, &cast, &cast.planner, &work.token, "unused").await;
    approve(world, &mut alice, &unused).await;
    let open = ask(world, &cast, &cast.planner, &work.token, "open").await;
    let below = ask(world, &cast, &cast.booker, &work.below, "below").await;
    let beside = ask(world, &cast, &cast.booker, &other.below, "beside").await;
    end(world, &cast, &mut alice, way, &work).await;
    for handle in [&unused, &open, &below] {
        assert_eq!(
            world.waiting(handle).await.state(),
            State::Denied,
            "{way:?}"
        );
    }
    let told = [
        (&cast.planner, &unused),
        (&cast.planner, &open),
        (&cast.booker, &below),
    ];
    for (who, handle) in told {
        refused(&who.poll(world, handle).await, "access_denied", handle);
    }
    let events = world.events_named("approval.denied").await;
    for handle in [&unused, &open, &below] {
        let id = json!(world.request_id(handle).await);
        let its: Vec<_> = events
            .iter()
            .filter(|event| event.data["approval"] == id)
            .collect();
        assert_eq!(its.len(), 1, "{way:?}");
        assert_eq!(its[0].reason.as_deref(), Some("stopped"), "{way:?}");
        assert_eq!(
            its[0].data["undecided"],
            json!(handle != &unused),
            "{way:?}"
        );
    }
    // All that the agent does for her ends with the agent.
    let left = match way {
        Way::Agent | Way::Answer => State::Denied,
        _ => State::Pending,
    };
    assert_eq!(world.waiting(&beside).await.state(), left, "{way:?}");
    assert_eq!(
        alice.inbox().await.len(),
        usize::from(left == State::Pending),
        "{way:?}"
    );
}

both!(
    what_was_asked_ends_by_an_operators_stop_of_its_task,
    |world| async {
        ends_with_its_task(&world, Way::Operator).await;
    }
);

both!(
    what_was_asked_ends_by_its_persons_stop_of_its_task,
    |world| async {
        ends_with_its_task(&world, Way::Person).await;
    }
);

both!(
    what_was_asked_ends_by_an_answer_that_stops_its_task,
    |world| async {
        ends_with_its_task(&world, Way::Answer).await;
    }
);

both!(
    what_was_asked_ends_by_a_stop_of_the_agent_above,
    |world| async {
        ends_with_its_task(&world, Way::Agent).await;
    }
);

both!(
    what_was_asked_ends_by_the_revocation_of_its_grant,
    |world| async {
        ends_with_its_task(&world, Way::RevokedToken).await;
    }
);

both!(
    what_was_asked_ends_by_a_code_that_was_used_twice,
    |world| async {
        ends_with_its_task(&world, Way::CodeUsedTwice).await;
    }
);

both!(
    /// The planner hands to the booker, and that to the payer: the booker revokes what it was handed.
    what_was_asked_below_a_part_ends_with_the_part,
    |world| async {
        let cast = Cast::of(&world).await;
        let work = Work::of(&world, &cast).await;
        let last = cast.hand(&world, &cast.booker, &work.below, &cast.payer).await;
        let last = last.access_token();
        let mut alice = world.phone_of("alice").await;
        let unused = ask(&world, &cast, &cast.payer, &last, "unused").await;
        approve(&world, &mut alice, &unused).await;
        let below = ask(&world, &cast, &cast.payer, &last, "below").await;
        let part = ask(&world, &cast, &cast.booker, &work.below, "the part").await;
        let above = ask(&world, &cast, &cast.planner, &work.token, "above").await;
        revoke(&world, &cast.booker, &work.below).await;
        for handle in [&unused, &below, &part] {
            assert_eq!(world.waiting(handle).await.state(), State::Denied);
        }
        assert_eq!(world.waiting(&above).await.state(), State::Pending);
        assert_eq!(alice.inbox().await.len(), 1);
        approve(&world, &mut alice, &above).await;
        cast.planner.poll(&world, &above).await.access_token();
    }
);

both!(
    /// Of the booker, in a task that the planner opened.
    ciba_10_1_1_a_held_poll_hears_that_its_task_ended,
    |world| async {
        let cast = Cast::of(&world).await;
        let work = Work::of(&world, &cast).await;
        let mut alice = world.phone_of("alice").await;
        let open = ask(&world, &cast, &cast.booker, &work.below, "open").await;
        let ready = cast.booker.ready(&world, "/token", &poll_form(&open));
        let ready = ready.header("prefer", "wait=20");
        let door = world.door();
        let polling = door.send(&ready);
        let stopping = async {
            while world.app.waiting.polls() == 0 {
                tokio::task::yield_now().await;
            }
            end(&world, &cast, &mut alice, Way::Person, &work).await;
        };
        let both = async { tokio::join!(polling, stopping) };
        let (reply, ()) = tokio::time::timeout(Duration::from_secs(10), both).await.unwrap();
        refused(&reply, "access_denied", "at once");
    }
);

both!(
    /// What had ended with its task is told of once, and a second stop finds nothing.
    a_second_end_ends_nothing_more,
    |world| async {
        let cast = Cast::of(&world).await;
        let work = Work::of(&world, &cast).await;
        let mut alice = world.phone_of("alice").await;
        ask(&world, &cast, &cast.booker, &work.below, "open").await;
        for way in [Way::Person, Way::Person, Way::RevokedToken] {
            end(&world, &cast, &mut alice, way, &work).await;
        }
        sending::send_due(&world.app).await.unwrap();
        assert_eq!(world.events_named("approval.denied").await.len(), 1);
        assert_eq!(world.events_named("task.revoked").await.len(), 1);
    }
);
