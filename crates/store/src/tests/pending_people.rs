//! Who decides a pending request: a device request is bound to a person, votes count, silence escalates, repeated requests supersede.

use std::time::Duration;

use writ_core::pending::{Asked, Ending, Kind as Flow, PendingRequest, PendingStatus, State};

use crate::DatabaseTransaction;
use crate::testing::DatabaseKind;
use crate::tests::waiting::{
    END, INSTANT, bring, decision, device, id, insert, of, stage, vote, waiting,
};
use crate::tests::world::{NOW, TENANT, booker, planner, user, world};

on_both! {
    a_device_request_is_taken_once,
    votes_count_once_and_only_while_it_is_open,
    silence_escalates_stage_by_stage,
    repeated_requests_supersede,
}

async fn found(transaction: &mut DatabaseTransaction, name: &str) -> PendingRequest {
    let id = id(name.trim_start_matches("apr_"));
    transaction.pending_by_id(&id).await.unwrap().unwrap()
}

async fn a_device_request_is_taken_once(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let (terminal, ciba) = (device("1"), waiting("2"));
    for request in [&terminal, &ciba, &device("late")] {
        insert(&mut transaction, request).await;
    }
    assert!(transaction.inbox(&of("alice"), NOW, 9).await.unwrap().len() == 1);
    let asked = Asked {
        stages: vec![stage(&["alice"], 1), stage(&["olga"], 1)],
        ..terminal.asked.clone()
    };
    let late = transaction
        .take_pending(&id("late"), &of("alice"), &asked, END)
        .await;
    assert!(!late.unwrap());
    let other = transaction
        .take_pending(&ciba.id, &of("olga"), &asked, NOW)
        .await;
    assert!(!other.unwrap(), "not of the device flow");
    for (name, won) in [("alice", true), ("olga", false), ("alice", false)] {
        let taken = transaction
            .take_pending(&terminal.id, &of(name), &asked, NOW)
            .await;
        assert_eq!(taken.unwrap(), won);
    }
    let taken = PendingRequest {
        subject: Some(of("alice")),
        asked,
        ..terminal
    };
    assert_eq!(found(&mut transaction, "1").await, taken);
    for name in ["alice", "olga"] {
        let inbox = transaction.inbox(&of(name), NOW, 9).await.unwrap();
        assert!(inbox.contains(&taken), "{name}");
    }
    // Its first stage ends when any other's would.
    let half = NOW.plus(Duration::from_secs(150));
    let early = transaction.escalating_pending(half.minus(INSTANT), 9).await;
    assert!(early.unwrap().is_empty());
    assert_eq!(
        transaction.escalating_pending(half, 9).await.unwrap(),
        [taken]
    );
}

async fn votes_count_once_and_only_while_it_is_open(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let request = waiting("1");
    insert(&mut transaction, &request).await;
    let later = NOW.plus(Duration::from_secs(1));
    let (first, second) = (vote("olga", NOW), vote("alice", later));
    for (vote, counts) in [
        (&second, true),
        (&first, true),
        (&vote("olga", later), false),
    ] {
        let voted = transaction.insert_vote(&request.id, vote, vote.at).await;
        assert_eq!(voted.unwrap(), counts);
    }
    assert_eq!(
        transaction.votes(&request.id).await.unwrap(),
        [first, second]
    );
    let no = transaction
        .decide_pending(&request.id, &decision(false), later)
        .await;
    assert!(no.unwrap());
    let after = transaction
        .insert_vote(&request.id, &vote("bob", later), later)
        .await;
    assert!(!after.unwrap());
    let gone = transaction
        .insert_vote(&id("gone"), &vote("bob", later), later)
        .await;
    assert!(!gone.unwrap());
    assert_eq!(transaction.votes(&request.id).await.unwrap().len(), 2);
    assert!(transaction.votes(&id("gone")).await.unwrap().is_empty());
}

/// Each stage has an equal share, to the microsecond in which `stage_at` sees the next one.
async fn silence_escalates_stage_by_stage(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let mut request = waiting("1");
    request.expires_at = NOW.plus(Duration::from_secs(100));
    request.asked.stages = ["alice", "olga", "bob"]
        .map(|name| stage(&[name], 1))
        .into();
    insert(&mut transaction, &request).await;
    insert(&mut transaction, &waiting("one stage")).await;
    for (micros, stage) in [(33_333_334, 1), (66_666_667, 2)] {
        let at = NOW.plus(Duration::from_micros(micros));
        let before = at.minus(INSTANT);
        assert_eq!(request.stage_at(before), stage - 1);
        assert_eq!(request.stage_at(at), stage);
        let early = transaction.escalating_pending(before, 9).await.unwrap();
        assert!(early.is_empty());
        let due = transaction.escalating_pending(at, 9).await.unwrap();
        assert_eq!(due, [request.clone()]);
        assert!(transaction.escalate_pending(&request, at).await.unwrap());
        assert!(!transaction.escalate_pending(&request, at).await.unwrap());
        request.stage = stage;
        assert_eq!(found(&mut transaction, request.id.as_str()).await, request);
        assert!(
            transaction
                .escalating_pending(at, 9)
                .await
                .unwrap()
                .is_empty()
        );
    }
    let end = request.expires_at;
    let last = transaction.escalating_pending(end.minus(INSTANT), 9).await;
    assert!(last.unwrap().is_empty(), "no stage after the last");
    let decided = PendingRequest {
        id: id("decided"),
        digest: "decided".to_owned(),
        stage: 0,
        ..request
    };
    bring(&mut transaction, &decided, State::Approved).await;
    let due = transaction.escalating_pending(end.minus(INSTANT), 9).await;
    assert!(due.unwrap().is_empty(), "decided");
}

async fn repeated_requests_supersede(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let same = |name: &str| PendingRequest {
        asked_hash: "the same".to_owned(),
        ..waiting(name)
    };
    let (new, seen) = (same("new"), same("seen"));
    bring(&mut transaction, &seen, State::Viewed).await;
    bring(&mut transaction, &same("approved"), State::Approved).await;
    let others = [
        waiting("other question"),
        PendingRequest {
            client: booker(),
            ..same("other agent")
        },
        PendingRequest {
            subject: Some(user("olga").id),
            ..same("other person")
        },
        PendingRequest {
            kind: Flow::Device,
            ..same("other flow")
        },
        PendingRequest {
            expires_at: NOW,
            ..same("overdue")
        },
    ];
    for request in others.iter().chain([&new, &same("old")]) {
        insert(&mut transaction, request).await;
    }
    let anew = Ending::Superseded(&new);
    let ended = transaction.end_pending(anew, NOW).await.unwrap();
    assert_eq!(ended.len(), 2);
    for name in ["old", "seen"] {
        let old = found(&mut transaction, name).await;
        assert_eq!(
            (old.state(), &old.status),
            (State::Expired, &PendingStatus::Superseded)
        );
        let told = ended.iter().find(|one| one.request.id == old.id).unwrap();
        assert_eq!((&told.request, told.decided_at), (&old, None));
    }
    for request in others.iter().chain([&new]) {
        assert_eq!(&found(&mut transaction, request.id.as_str()).await, request);
    }
    let approved = found(&mut transaction, "approved").await;
    assert_eq!(approved.state(), State::Approved);
    assert!(transaction.end_pending(anew, NOW).await.unwrap().is_empty());
    // Nobody denied anything.
    let prompts = transaction
        .prompts(&of("alice"), &planner(), NOW, NOW)
        .await;
    assert_eq!(prompts.unwrap().denials, 0);
}
