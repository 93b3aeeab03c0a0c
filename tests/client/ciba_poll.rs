//! Polls (CIBA 10.1.1 and 11): the limiter, and polls that are held until somebody decided.

use std::time::Duration;

use writ_core::id::{ApprovalId, ClientId};
use writ_server::node::waiting::{AskedBy, MAX_POLLS};
use writ_testkit::{Cast, Change, TestAgent, World, both, minted, poll_form, refused};

both!(the_first_poll_is_free_and_hasty_ones_cost, |world| async {
    let cast = Cast::of(&world).await;
    cast.token(&world).await;
    let id = cast.planner.asked(&world, &cast.question()).await;
    let poll = || cast.planner.poll(&world, &id);
    refused(&poll().await, "authorization_pending", "at once");
    world.advance(4);
    refused(&poll().await, "slow_down", "after 4 s");
    world.advance(5);
    refused(&poll().await, "slow_down", "the interval is 10 s now");
    world.advance(15);
    refused(&poll().await, "authorization_pending", "after 15 s");
    for _ in 0..17 {
        refused(&poll().await, "slow_down", "too fast");
    }
    refused(&poll().await, "invalid_request", "the 20th");
    world.approve(&id, "alice").await;
    world.advance(200);
    refused(&poll().await, "invalid_request", "for good");
});

both!(
    ciba_11_pending_answers_are_no_refusals_on_record,
    |world| async {
        let cast = Cast::of(&world).await;
        cast.token(&world).await;
        let id = cast.planner.asked(&world, &cast.question()).await;
        let before = world.events().await.len();
        refused(
            &cast.planner.poll(&world, &id).await,
            "authorization_pending",
            "",
        );
        refused(&cast.planner.poll(&world, &id).await, "slow_down", "");
        assert_eq!(world.events().await.len(), before);
        world.advance(20);
        // The assertion and the proof of a poll are used up by it.
        let form = cast.planner.signed(&world, &poll_form(&id));
        let pairs: Vec<_> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let proof = cast.planner.proof(&world, "/token");
        let first = world.post("/token", &pairs, &[("dpop", &proof)]).await;
        refused(&first, "authorization_pending", "fresh");
        let again = world.post("/token", &pairs, &[("dpop", &proof)]).await;
        assert_eq!(again.refusal(), (400, "invalid_client".to_owned()));
    }
);

/// A poll that waits.
async fn long_poll(
    world: &World,
    agent: &TestAgent,
    id: &str,
    wait: &str,
) -> writ_testkit::TestReply {
    let proof = agent.proof(world, "/token");
    let prefer = format!("wait={wait}");
    let headers = [("dpop", proof.as_str()), ("prefer", prefer.as_str())];
    agent
        .send_with(world, "/token", &poll_form(id), &headers)
        .await
}

both!(
    ciba_10_1_1_a_long_poll_ends_at_the_decision,
    |world| async {
        let cast = Cast::of(&world).await;
        cast.token(&world).await;
        let id = cast.planner.asked(&world, &cast.question()).await;
        let polling = long_poll(&world, &cast.planner, &id, "20");
        let approving = async {
            while world.app.waiting.polls() == 0 {
                tokio::task::yield_now().await;
            }
            world.approve(&id, "alice").await;
        };
        let both = async { tokio::join!(polling, approving) };
        let (reply, ()) = tokio::time::timeout(Duration::from_secs(10), both)
            .await
            .unwrap();
        minted(&reply, "held until the decision");
        assert_eq!(reply.header("preference-applied"), Some("wait=20"));
        assert_eq!(world.app.waiting.polls(), 0);
    }
);

both!(
    ciba_10_1_1_one_long_poll_at_a_time_and_each_has_an_end,
    |world| async {
        let cast = Cast::of(&world).await;
        cast.token(&world).await;
        let id = cast.planner.asked(&world, &cast.question()).await;
        let first = long_poll(&world, &cast.planner, &id, "20");
        let second = async {
            while world.app.waiting.polls() == 0 {
                tokio::task::yield_now().await;
            }
            world.advance(6);
            long_poll(&world, &cast.planner, &id, "1").await
        };
        let both = async { tokio::join!(first, second) };
        let both = tokio::time::timeout(Duration::from_secs(10), both);
        let (first, second) = both.await.unwrap();
        refused(&first, "authorization_pending", "the second took its place");
        refused(&second, "authorization_pending", "its second is over");
        assert_eq!(second.header("preference-applied"), Some("wait=1"));
        let hasty = long_poll(&world, &cast.planner, &id, "20").await;
        refused(&hasty, "slow_down", "too fast is not held");
        assert_eq!(hasty.header("preference-applied"), None);
    }
);

both!(
    /// Nobody is refused for that: the client asks again after its interval.
    a_poll_that_a_node_has_no_room_for_is_answered_at_once,
    |world| async {
        let cast = Cast::of(&world).await;
        cast.token(&world).await;
        let id = cast.planner.asked(&world, &cast.question()).await;
        let (waiting, id_of) = (&world.app.waiting, |n| ApprovalId::from_text(format!("apr_{n}")));
        let asked = AskedBy {
            client: ClientId::from_text("agt_other"),
            subject: None,
            resource: None,
            task: None,
        };
        let others: Vec<_> = (0..MAX_POLLS).map(|n| waiting.join(&id_of(n), asked.clone())).collect();
        assert!(others.iter().all(Option::is_some));
        assert!(waiting.join(&id_of(MAX_POLLS), asked.clone()).is_none());
        let polling = long_poll(&world, &cast.planner, &id, "25");
        let polled = tokio::time::timeout(Duration::from_secs(10), polling).await.unwrap();
        refused(&polled, "authorization_pending", "not held");
        assert_eq!(waiting.polls(), MAX_POLLS);
        // A newer poll for one of them takes the place of the one before it.
        let newer = waiting.join(&id_of(0), asked).unwrap();
        drop((others, newer));
        assert_eq!(waiting.polls(), 0);
        world.advance(6);
        let held = long_poll(&world, &cast.planner, &id, "25");
        let approving = async {
            while waiting.polls() == 0 {
                tokio::task::yield_now().await;
            }
            world.approve(&id, "alice").await;
        };
        let both = async { tokio::join!(held, approving) };
        let (reply, ()) = tokio::time::timeout(Duration::from_secs(10), both).await.unwrap();
        minted(&reply, "held until the decision");
    }
);

both!(a_node_whose_clock_is_ahead_silences_nobody, |world| async {
    let cast = Cast::of(&world).await;
    cast.token(&world).await;
    let id = cast.planner.asked(&world, &cast.question()).await;
    let other = cast.question().with("binding_message", "another");
    let other = cast.planner.asked(&world, &other).await;
    let polling = long_poll(&world, &cast.planner, &id, "20");
    let approving = async {
        while world.app.waiting.polls() == 0 {
            tokio::task::yield_now().await;
        }
        let mut inbox = world.app.waiting.watch_inbox(&world.user_id("alice").await);
        let ahead = world.now().plus(Duration::from_secs(200));
        let looked_at = world.waiting(&other).await.id;
        let mut transaction = world.begin().await;
        assert!(transaction.view_pending(&looked_at, ahead).await.unwrap());
        transaction.commit().await.unwrap();
        // This node has seen it; what others do is told all the same.
        inbox.changed().await.unwrap();
        world.advance(1);
        decide_elsewhere(&world, &id).await;
    };
    let both = async { tokio::join!(polling, approving) };
    let (reply, ()) = tokio::time::timeout(Duration::from_secs(10), both)
        .await
        .unwrap();
    minted(&reply, "held until the decision");
});

/// Alice says yes by another node.
async fn decide_elsewhere(world: &World, id: &str) {
    let request = world.waiting(id).await;
    let yes = world.yes(id, "alice", request.asked.authority).await;
    let mut transaction = world.begin().await;
    let decided = transaction.decide_pending(&request.id, &yes, world.now());
    assert!(decided.await.unwrap());
    transaction.commit().await.unwrap();
}
