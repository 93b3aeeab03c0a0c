//! At the same moment, on two nodes: one challenge is one question, one approval is one token.

use std::time::Duration;

use writ_testkit::{
    TRANSACTIONS, at_once, both_with, poll_transaction_form, present_form, refused,
};

use crate::client::transaction::opened;

const PATH: &str = "/transaction_authorization";

both_with!(
    the_same_challenge_at_once_on_two_nodes_is_one_question,
    TRANSACTIONS,
    |world| async {
        let scene = opened(&world).await;
        let node = world.node().await;
        for round in 1..=5 {
            let challenge = scene.bank.challenge(&scene.bank.challenge_claims(&world));
            let form = present_form(&challenge, &scene.token);
            let ready = || scene.cast.planner.ready(&world, PATH, &form);
            let requests = vec![
                (world.door(), ready()),
                (node.door(), ready()),
                (world.door(), ready()),
                (node.door(), ready()),
            ];
            let racers = requests
                .into_iter()
                .map(|(door, ready)| async move { door.send(&ready).await });
            let replies = at_once(racers.collect()).await;
            let taken = replies.iter().filter(|reply| reply.status == 200).count();
            assert_eq!(
                taken,
                1,
                "{:?}",
                replies.iter().map(|r| r.text()).collect::<Vec<_>>()
            );
            for lost in replies.iter().filter(|reply| reply.status != 200) {
                refused(lost, "invalid_request", "the losers");
            }
            assert_eq!(world.events_named("approval.requested").await.len(), round);
        }
    }
);

both_with!(
    polls_at_once_on_two_nodes_are_one_token,
    TRANSACTIONS,
    |world| async {
        let scene = opened(&world).await;
        let node = world.node().await;
        for _ in 0..5 {
            let challenge = scene.bank.challenge(&scene.bank.challenge_claims(&world));
            let planner = &scene.cast.planner;
            let id = planner.presented(&world, &challenge, &scene.token).await;
            let form = poll_transaction_form(&id);
            let ready = || planner.ready(&world, PATH, &form);
            let polls = vec![
                (world.door(), ready()),
                (node.door(), ready()),
                (world.door(), ready()),
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
        }
        assert_eq!(world.events_named("approval.redeemed").await.len(), 5);
    }
);

both_with!(
    rfc_7240_a_long_poll_hears_of_the_approval,
    TRANSACTIONS,
    |world| async {
        let scene = opened(&world).await;
        let challenge = scene.bank.challenge(&scene.bank.challenge_claims(&world));
        let planner = &scene.cast.planner;
        let id = planner.presented(&world, &challenge, &scene.token).await;
        let form = poll_transaction_form(&id);
        let ready = planner
            .ready(&world, PATH, &form)
            .header("prefer", "wait=20");
        let door = world.door();
        let polling = door.send(&ready);
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
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.header("preference-applied"), Some("wait=20"));
    }
);
