//! Pending requests: they read back, are polled, and each transition is possible only from its states.

use std::time::Duration;

use writ_core::id::{ApprovalId, DelegationId, EventId};
use writ_core::pending::{
    Ending, Kind as Flow, PendingRequest, PendingStatus, Polling, STOPPED, State, TransitionError,
};
use writ_wire::time::Timestamp;

use crate::pending::{NewPendingRequest, PollOutcome};
use crate::stop::RequestsOf;
use crate::testing::DatabaseKind;
use crate::tests::waiting::{
    END, INSTANT, bring, decision, device, expire, id, insert, of, vote, waiting,
};
use crate::tests::world::{NOW, TENANT, world};
use crate::{DatabaseTransaction, StoreError};

on_both! {
    requests_read_back,
    a_handle_of_one_flow_is_none_of_another,
    the_first_poll_is_on_time_and_an_early_one_slows_for_good,
    every_transition_from_every_state,
    expiry_means_denial,
    a_row_of_another_version_is_an_error,
}

const APPROVED: &str = "dlg_approved";

async fn found(transaction: &mut DatabaseTransaction, id: &ApprovalId) -> PendingRequest {
    transaction.pending_by_id(id).await.unwrap().unwrap()
}

async fn requests_read_back(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let terminal = device("terminal");
    let slowed = PendingRequest {
        polling: Polling {
            interval: 15,
            last: Some(NOW),
            hasty: 2,
        },
        ..waiting("slowed")
    };
    for (request, user_code, sealed) in [
        (&waiting("phone"), None, Some("sealed")),
        (&terminal, Some("code"), None),
        (&slowed, None, None),
    ] {
        let new = NewPendingRequest {
            request,
            user_code,
            sealed,
        };
        transaction.insert_pending(new).await.unwrap();
        let by_handle = transaction.pending(request.kind, &request.digest).await;
        assert_eq!(by_handle.unwrap().as_ref(), Some(request));
        assert_eq!(&found(&mut transaction, &request.id).await, request);
        let kept = transaction.pending_sealed(&request.id).await.unwrap();
        assert_eq!(kept.as_deref(), sealed);
    }
    let by_code = transaction.pending_by_user_code("code").await.unwrap();
    assert_eq!(by_code, Some(terminal));
    assert!(
        transaction
            .pending_by_id(&id("gone"))
            .await
            .unwrap()
            .is_none()
    );
    let sealed = transaction.pending_sealed(&id("gone")).await.unwrap();
    assert_eq!(sealed, None);
}

async fn a_handle_of_one_flow_is_none_of_another(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let (ciba, terminal) = (waiting("1"), device("2"));
    for (request, user_code) in [(&ciba, "of ciba"), (&terminal, "of device")] {
        let new = NewPendingRequest {
            request,
            user_code: Some(user_code),
            sealed: None,
        };
        transaction.insert_pending(new).await.unwrap();
    }
    for (flow, digest) in [(Flow::Device, &ciba.digest), (Flow::Ciba, &terminal.digest)] {
        assert!(transaction.pending(flow, digest).await.unwrap().is_none());
    }
    let by_code = transaction.pending_by_user_code("of ciba").await.unwrap();
    assert!(by_code.is_none());
    assert!(transaction.code(&ciba.digest).await.unwrap().is_none());
    assert!(transaction.request(&ciba.digest).await.unwrap().is_none());
}

async fn the_first_poll_is_on_time_and_an_early_one_slows_for_good(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let request = waiting("1");
    insert(&mut transaction, &request).await;
    let at = |seconds| NOW.plus(Duration::from_secs(seconds));
    let slowed = |interval, seconds, hasty| {
        PollOutcome::TooEarly(Polling {
            interval,
            last: Some(at(seconds)),
            hasty,
        })
    };
    let polls = [
        (0, PollOutcome::OnTime),
        (5, PollOutcome::OnTime),
        (9, slowed(10, 9, 1)),
        (18, slowed(15, 18, 2)),
        (33, PollOutcome::OnTime),
        (47, slowed(20, 47, 3)),
        // Another node's clock is behind: too early, and the time does not go back.
        (40, slowed(25, 47, 4)),
        (71, slowed(30, 71, 5)),
        (101, PollOutcome::OnTime),
    ];
    for (seconds, expected) in polls {
        let polled = transaction.poll_pending(&request.id, at(seconds)).await;
        assert_eq!(polled.unwrap(), expected, "at {seconds}");
    }
    let last = PendingRequest {
        polling: Polling {
            interval: 30,
            last: Some(at(101)),
            hasty: 5,
        },
        ..request
    };
    assert_eq!(found(&mut transaction, &last.id).await, last);
    let gone = transaction.poll_pending(&id("gone"), NOW).await;
    assert!(matches!(gone, Err(StoreError::Corrupt(_))));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    View,
    Approve,
    Deny,
    Redeem,
    Expire,
    Cancel,
    Stop,
    Escalate,
}

/// Whether it was done, just before the end; expiry at the end.
async fn step(transaction: &mut DatabaseTransaction, step: Step, request: &PendingRequest) -> bool {
    let (id, now) = (&request.id, END.minus(INSTANT));
    let done = match step {
        Step::View => transaction.view_pending(id, now).await,
        Step::Approve => {
            let yes = decision(true);
            transaction.decide_pending(id, &yes, now).await
        }
        Step::Deny => {
            let no = decision(false);
            transaction.decide_pending(id, &no, now).await
        }
        Step::Redeem => {
            let delegation = DelegationId::from_text(APPROVED);
            transaction.redeem_pending(id, &delegation, now).await
        }
        Step::Expire => Ok(expire(transaction, id, END).await),
        Step::Cancel => {
            let ending = Ending::Cancelled {
                request: id,
                because: None,
            };
            let ended = transaction.end_pending(ending, now).await;
            ended.map(|ended| ended.len() == 1)
        }
        Step::Stop => {
            let (subject, client) = (&of("alice"), &request.client);
            let event = EventId::from_text("evt_stop");
            let before = found(transaction, &request.id).await.status;
            let stopped =
                transaction.stop_requests(subject, RequestsOf::Client(client), &event, now);
            let stopped = stopped.await;
            let after = found(transaction, &request.id).await.status;
            // Of the requests of all steps before, it ends those that wait too.
            stopped.map(|_| after != before)
        }
        Step::Escalate => transaction.escalate_pending(request, now).await,
    };
    done.unwrap()
}

/// What the rules say of the same step.
fn rule(step: Step, before: PendingStatus) -> Option<Result<PendingStatus, TransitionError>> {
    Some(match step {
        Step::View => before.view(),
        Step::Approve => before.decide(decision(true)),
        Step::Deny => before.decide(decision(false)),
        Step::Redeem => before.redeem((&DelegationId::from_text(APPROVED)).into()),
        Step::Expire => before.expire(),
        Step::Cancel => before.cancel(),
        Step::Stop => before.stop(STOPPED),
        Step::Escalate => return None,
    })
}

/// Which transition leads from which states, and to which.
const STEPS: [(Step, &[State], Option<State>); 8] = [
    (Step::View, &[State::Pending], Some(State::Viewed)),
    (
        Step::Approve,
        &[State::Pending, State::Viewed],
        Some(State::Approved),
    ),
    (
        Step::Deny,
        &[State::Pending, State::Viewed],
        Some(State::Denied),
    ),
    (Step::Redeem, &[State::Approved], Some(State::Redeemed)),
    (
        Step::Expire,
        &[State::Pending, State::Viewed, State::Approved],
        Some(State::Expired),
    ),
    (
        Step::Cancel,
        &[State::Pending, State::Viewed],
        Some(State::Cancelled),
    ),
    (
        Step::Stop,
        &[State::Pending, State::Viewed, State::Approved],
        Some(State::Denied),
    ),
    (Step::Escalate, &[State::Pending, State::Viewed], None),
];

async fn every_transition_from_every_state(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    for (taken, from, to) in STEPS {
        for state in State::ALL {
            let name = format!("{taken:?}_{state:?}");
            let request = waiting(&name);
            bring(&mut transaction, &request, state).await;
            let before = found(&mut transaction, &request.id).await;
            let done = step(&mut transaction, taken, &request).await;
            assert_eq!(done, from.contains(&state), "{name}");
            let after = found(&mut transaction, &request.id).await;
            if let Some(rule) = rule(taken, before.status.clone()) {
                assert_eq!(done, rule.is_ok(), "{name}");
                assert_eq!(
                    after.status,
                    rule.unwrap_or(before.status.clone()),
                    "{name}"
                );
            }
            let changed = transaction
                .changed_pending(END.minus(INSTANT), None, 1000)
                .await;
            let is_told = changed
                .unwrap()
                .iter()
                .any(|change| change.id == request.id && change.state == after.state());
            if done {
                assert_eq!(after.state(), to.unwrap_or(state), "{name}");
                assert!(is_told, "{name}");
            } else {
                assert_eq!(after, before, "{name}");
                assert_eq!(is_told, state == State::Expired, "{name}");
            }
        }
    }
}

async fn expiry_means_denial(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let (request, approved) = (waiting("1"), waiting("2"));
    insert(&mut transaction, &request).await;
    bring(&mut transaction, &approved, State::Approved).await;
    let (yes, delegation) = (decision(true), DelegationId::from_text(APPROVED));
    assert!(!transaction.view_pending(&request.id, END).await.unwrap());
    for decision in [&yes, &decision(false)] {
        let decided = transaction.decide_pending(&request.id, decision, END).await;
        assert!(!decided.unwrap());
    }
    let voted = transaction
        .insert_vote(&request.id, &vote("alice", END), END)
        .await;
    assert!(!voted.unwrap());
    assert!(!transaction.escalate_pending(&request, END).await.unwrap());
    // Approved and fetched too late.
    let redeemed = transaction
        .redeem_pending(&approved.id, &delegation, END)
        .await;
    assert!(!redeemed.unwrap());
    for request in [&request, &approved] {
        let early = END.minus(INSTANT);
        assert!(!expire(&mut transaction, &request.id, early).await);
        assert!(expire(&mut transaction, &request.id, END).await);
        assert!(!expire(&mut transaction, &request.id, END).await);
    }
    // What was decided stays on record.
    let after = found(&mut transaction, &approved.id).await;
    let unfetched = Some(yes);
    assert_eq!(after.status, PendingStatus::Expired { unfetched });
}

async fn a_row_of_another_version_is_an_error(kind: DatabaseKind) {
    let database = world(kind).await;
    let broken = [
        "UPDATE pending_requests SET state = 'deferred'",
        "UPDATE pending_requests SET kind = 'other'",
        "UPDATE pending_requests SET asked = '{}'",
        "UPDATE pending_requests SET decision = 'yes'",
        "UPDATE pending_requests SET state = 'approved'",
        "UPDATE pending_requests SET state = 'denied'",
        "UPDATE pending_requests SET state = 'redeemed', delegation_id = 'dlg_1'",
        "UPDATE pending_requests SET delegation_id = 'dlg_1'",
        "UPDATE pending_requests SET jkt = 'short'",
        "UPDATE pending_requests SET stage = -1",
        "UPDATE pending_requests SET hasty_polls = -1",
        "UPDATE pending_requests SET poll_interval = 4294967296",
    ];
    for sql in broken {
        let mut transaction = database.store.begin(TENANT).await.unwrap();
        insert(&mut transaction, &waiting("1")).await;
        execute!(transaction, sql).unwrap();
        let found = transaction.pending_by_id(&id("1")).await;
        assert!(matches!(found, Err(StoreError::Corrupt(_))), "{sql}");
    }
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    insert(&mut transaction, &waiting("1")).await;
    let voted = transaction
        .insert_vote(&id("1"), &vote("alice", NOW), NOW)
        .await;
    assert!(voted.unwrap());
    execute!(transaction, "UPDATE pending_votes SET vote = '{}'").unwrap();
    let votes = transaction.votes(&id("1")).await;
    assert!(matches!(votes, Err(StoreError::Corrupt(_))));
    let at: Timestamp = END;
    assert!(transaction.overdue_pending(at, 1).await.is_ok());
}
