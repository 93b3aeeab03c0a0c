//! At the same moment, on two nodes: one outcome, one token.

use std::time::Duration;

use writ_testkit::{Cast, at_once, both, poll_form, refused};

both!(
    two_polls_on_two_nodes_at_the_moment_of_approval_are_one_token,
    |world| async {
        let cast = Cast::of(&world).await;
        let node = world.node().await;
        for _ in 0..5 {
            let token = cast.token(&world).await;
            let form = cast.question_within(&token);
            let id = cast.planner.asked(&world, &form).await;
            let ready = || cast.planner.ready(&world, "/token", &poll_form(&id));
            let polls = vec![
                (world.door(), ready()),
                (node.door(), ready()),
                (world.door(), ready()),
                (node.door(), ready()),
            ];
            world.approve(&id, "alice").await;
            let racers = polls
                .into_iter()
                .map(|(door, ready)| async move { door.send(&ready).await });
            let replies = at_once(racers.collect()).await;
            let tokens = replies.iter().filter(|reply| reply.status == 200).count();
            assert_eq!(
                tokens,
                1,
                "{:?}",
                replies.iter().map(|r| r.text()).collect::<Vec<_>>()
            );
            for lost in replies.iter().filter(|reply| reply.status != 200) {
                refused(lost, "invalid_grant", "the losers");
            }
            world.advance(300);
        }
        assert_eq!(world.events_named("approval.redeemed").await.len(), 5);
    }
);

both!(approve_against_deny_has_one_outcome, |world| async {
    let cast = Cast::of(&world).await;
    for _ in 0..5 {
        cast.token(&world).await;
        let id = cast.planner.asked(&world, &cast.question()).await;
        let request = world.waiting(&id).await;
        let yes = world
            .yes(&id, "alice", request.asked.authority.clone())
            .await;
        let no = world.no(&id, "alice").await;
        let decide = |decision: writ_core::pending::Decision| {
            let (store, now, id) = (world.store().clone(), world.now(), request.id.clone());
            async move {
                let mut transaction = store.begin("default").await.unwrap();
                let decided = transaction.decide_pending(&id, &decision, now).await;
                transaction.commit().await.unwrap();
                decided.unwrap()
            }
        };
        let decided = at_once(vec![decide(yes), decide(no)]).await;
        assert_eq!(decided.iter().filter(|won| **won).count(), 1);
        let reply = cast.planner.poll(&world, &id).await;
        let expected = if decided[0] { 200 } else { 400 };
        assert_eq!(reply.status, expected, "{}", reply.text());
        world.advance(24 * 3600);
    }
});

both!(an_approval_at_its_end_is_late, |world| async {
    let cast = Cast::of(&world).await;
    cast.token(&world).await;
    let id = cast.planner.asked(&world, &cast.question()).await;
    let request = world.waiting(&id).await;
    let yes = world
        .yes(&id, "alice", request.asked.authority.clone())
        .await;
    world.clock.set(request.expires_at);
    assert!(!world.decide(&id, &yes).await, "expiry means no");
    refused(
        &cast.planner.poll(&world, &id).await,
        "expired_token",
        "late",
    );
    // Approved in time, fetched at the end.
    cast.token(&world).await;
    let id = cast.planner.asked(&world, &cast.question()).await;
    world.approve(&id, "alice").await;
    world.clock.set(world.waiting(&id).await.expires_at);
    refused(
        &cast.planner.poll(&world, &id).await,
        "expired_token",
        "too late",
    );
});

both!(
    ciba_10_1_1_a_long_poll_hears_of_another_node,
    |world| async {
        let cast = Cast::of(&world).await;
        let node = world.node().await;
        cast.token(&world).await;
        let id = cast.planner.asked(&world, &cast.question()).await;
        let ready = cast
            .planner
            .ready(&world, "/token", &poll_form(&id))
            .header("prefer", "wait=20");
        let door = node.door();
        let polling = door.send(&ready);
        let alice = writ_core::id::UserId::from_text(cast.alice.as_str());
        let mut inbox = node.app.waiting.watch_inbox(&alice);
        let approving = async {
            while node.app.waiting.polls() == 0 {
                tokio::task::yield_now().await;
            }
            // The first node announces to its own waiters alone.
            world.approve(&id, "alice").await;
            inbox.changed().await.unwrap();
        };
        let both = async { tokio::join!(polling, approving) };
        let both = tokio::time::timeout(Duration::from_secs(15), both);
        let (reply, ()) = both.await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
);

both!(
    ciba_10_1_1_a_change_that_decides_nothing_does_not_end_a_long_poll,
    |world| async {
        let cast = Cast::of(&world).await;
        cast.token(&world).await;
        let id = cast.planner.asked(&world, &cast.question()).await;
        let request = world.waiting(&id).await;
        let ready = cast
            .planner
            .ready(&world, "/token", &poll_form(&id))
            .header("prefer", "wait=20");
        let door = world.door();
        let polling = door.send(&ready);
        let approving = async {
            for _ in 0..3 {
                while world.app.waiting.polls() == 0 {
                    tokio::task::yield_now().await;
                }
                // As when somebody opened it.
                world.app.waiting.announce_request(&request);
            }
            while world.app.waiting.polls() == 0 {
                tokio::task::yield_now().await;
            }
            world.approve(&id, "alice").await;
        };
        let both = async { tokio::join!(polling, approving) };
        let both = tokio::time::timeout(Duration::from_secs(10), both);
        let (reply, ()) = both.await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
);
