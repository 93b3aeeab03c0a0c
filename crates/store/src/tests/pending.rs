//! What waits for a person: it reads back, is polled, and each transition happens from its states alone (SPECS appendix B.1).

use std::time::Duration;

use writ_core::id::{ApprovalId, DelegationId};
use writ_core::pending::{Ending, Kind as Flow, PendingRequest, Polling, State};
use writ_wire::time::Timestamp;

use crate::pending::{NewPending, Polled};
use crate::testing::Kind;
use crate::tests::waiting::{
    END, INSTANT, bring, decision, device, expire, id, insert, of, vote, waiting,
};
use crate::tests::world::{NOW, TENANT, world};
use crate::{Session, StoreError};

on_both! {
    requests_read_back,
    lessons_33_a_handle_of_one_flow_is_none_of_another,
    lessons_31_the_first_poll_is_free_and_a_hasty_one_slows_for_good,
    every_transition_from_every_state,
    promise_7_expiry_means_no,
    promise_6_a_row_of_another_version_is_an_error,
}

const EDGE: &str = "dlg_edge";

async fn found(session: &mut Session, id: &ApprovalId) -> PendingRequest {
    session.pending_by_id(id).await.unwrap().unwrap()
}

async fn requests_read_back(kind: Kind) {
    let database = world(kind).await;
    let mut session = database.store.begin(TENANT).await.unwrap();
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
        let new = NewPending {
            request,
            user_code,
            sealed,
        };
        session.insert_pending(new).await.unwrap();
        let by_handle = session.pending(request.kind, &request.digest).await;
        assert_eq!(by_handle.unwrap().as_ref(), Some(request));
        assert_eq!(&found(&mut session, &request.id).await, request);
        let kept = session.pending_sealed(&request.id).await.unwrap();
        assert_eq!(kept.as_deref(), sealed);
    }
    let by_code = session.pending_by_user_code("code").await.unwrap();
    assert_eq!(by_code, Some(terminal));
    assert!(session.pending_by_id(&id("gone")).await.unwrap().is_none());
    let sealed = session.pending_sealed(&id("gone")).await.unwrap();
    assert_eq!(sealed, None);
}

async fn lessons_33_a_handle_of_one_flow_is_none_of_another(kind: Kind) {
    let database = world(kind).await;
    let mut session = database.store.begin(TENANT).await.unwrap();
    let (ciba, terminal) = (waiting("1"), device("2"));
    for (request, user_code) in [(&ciba, "of ciba"), (&terminal, "of device")] {
        let new = NewPending {
            request,
            user_code: Some(user_code),
            sealed: None,
        };
        session.insert_pending(new).await.unwrap();
    }
    for (flow, digest) in [(Flow::Device, &ciba.digest), (Flow::Ciba, &terminal.digest)] {
        assert!(session.pending(flow, digest).await.unwrap().is_none());
    }
    let by_code = session.pending_by_user_code("of ciba").await.unwrap();
    assert!(by_code.is_none());
    assert!(session.code(&ciba.digest).await.unwrap().is_none());
    assert!(session.request(&ciba.digest).await.unwrap().is_none());
}

async fn lessons_31_the_first_poll_is_free_and_a_hasty_one_slows_for_good(kind: Kind) {
    let database = world(kind).await;
    let mut session = database.store.begin(TENANT).await.unwrap();
    let request = waiting("1");
    insert(&mut session, &request).await;
    let at = |seconds| NOW.plus(Duration::from_secs(seconds));
    let slowed = |interval, seconds, hasty| {
        Polled::Hasty(Polling {
            interval,
            last: Some(at(seconds)),
            hasty,
        })
    };
    let polls = [
        (0, Polled::Free),
        (5, Polled::Free),
        (9, slowed(10, 9, 1)),
        (18, slowed(15, 18, 2)),
        (33, Polled::Free),
        (47, slowed(20, 47, 3)),
        // Another node's clock is behind: hasty, and the time does not go back.
        (40, slowed(25, 47, 4)),
        (71, slowed(30, 71, 5)),
        (101, Polled::Free),
    ];
    for (seconds, expected) in polls {
        let polled = session.poll_pending(&request.id, at(seconds)).await;
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
    assert_eq!(found(&mut session, &last.id).await, last);
    let gone = session.poll_pending(&id("gone"), NOW).await;
    assert!(matches!(gone, Err(StoreError::Corrupt(_))));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    View,
    Approve,
    Deny,
    Redeem,
    Expire,
    Stop,
    Escalate,
}

/// Whether it was done, just before the end; expiry at the end.
async fn step(session: &mut Session, step: Step, request: &PendingRequest) -> bool {
    let (id, now) = (&request.id, END.minus(INSTANT));
    let done = match step {
        Step::View => session.view_pending(id, now).await,
        Step::Approve => {
            let yes = decision(true);
            session.decide_pending(id, State::Approved, &yes, now).await
        }
        Step::Deny => {
            let no = decision(false);
            session.decide_pending(id, State::Denied, &no, now).await
        }
        Step::Redeem => {
            let edge = DelegationId::from_text(EDGE);
            session.redeem_pending(id, &edge, now).await
        }
        Step::Expire => Ok(expire(session, id, END).await),
        Step::Stop => {
            let (subject, client) = (&of("alice"), &request.client);
            let stopped = Ending::Stopped { subject, client };
            let ended = session.end_pending(stopped, now).await;
            ended.map(|ended| ended.iter().any(|ended| ended.request.id == *id))
        }
        Step::Escalate => session.escalate_pending(request, now).await,
    };
    done.unwrap()
}

/// SPECS appendix B.1: which step leads from which states, and where to.
const STEPS: [(Step, &[State], Option<State>); 7] = [
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
        Step::Stop,
        &[State::Pending, State::Viewed, State::Approved],
        Some(State::Denied),
    ),
    (Step::Escalate, &[State::Pending, State::Viewed], None),
];

async fn every_transition_from_every_state(kind: Kind) {
    let database = world(kind).await;
    let mut session = database.store.begin(TENANT).await.unwrap();
    for (taken, from, to) in STEPS {
        for state in State::ALL {
            let name = format!("{taken:?}_{state:?}");
            let request = waiting(&name);
            bring(&mut session, &request, state).await;
            let before = found(&mut session, &request.id).await;
            let done = step(&mut session, taken, &request).await;
            assert_eq!(done, from.contains(&state), "{name}");
            let after = found(&mut session, &request.id).await;
            let changed = session.changed_pending(END.minus(INSTANT), 1000).await;
            let is_told = changed
                .unwrap()
                .iter()
                .any(|change| change.id == request.id && change.state == after.state);
            if done {
                assert_eq!(after.state, to.unwrap_or(state), "{name}");
                assert!(is_told, "{name}");
            } else {
                assert_eq!(after, before, "{name}");
                assert_eq!(is_told, state == State::Expired, "{name}");
            }
        }
    }
}

async fn promise_7_expiry_means_no(kind: Kind) {
    let database = world(kind).await;
    let mut session = database.store.begin(TENANT).await.unwrap();
    let (request, approved) = (waiting("1"), waiting("2"));
    insert(&mut session, &request).await;
    bring(&mut session, &approved, State::Approved).await;
    let (yes, edge) = (decision(true), DelegationId::from_text(EDGE));
    assert!(!session.view_pending(&request.id, END).await.unwrap());
    for state in [State::Approved, State::Denied] {
        let decided = session.decide_pending(&request.id, state, &yes, END).await;
        assert!(!decided.unwrap());
    }
    let voted = session
        .insert_vote(&request.id, &vote("alice", END), END)
        .await;
    assert!(!voted.unwrap());
    assert!(!session.escalate_pending(&request, END).await.unwrap());
    // Approved and fetched too late.
    let redeemed = session.redeem_pending(&approved.id, &edge, END).await;
    assert!(!redeemed.unwrap());
    for request in [&request, &approved] {
        let early = END.minus(INSTANT);
        assert!(!expire(&mut session, &request.id, early).await);
        assert!(expire(&mut session, &request.id, END).await);
        assert!(!expire(&mut session, &request.id, END).await);
    }
    // What was decided stays on record.
    let after = found(&mut session, &approved.id).await;
    assert_eq!((after.state, after.decision), (State::Expired, Some(yes)));
    // Only yes and no are decisions.
    for state in [
        State::Pending,
        State::Viewed,
        State::Expired,
        State::Redeemed,
    ] {
        let refused = session
            .decide_pending(&request.id, state, &decision(false), NOW)
            .await;
        assert!(matches!(refused, Err(StoreError::Corrupt(_))));
    }
}

async fn promise_6_a_row_of_another_version_is_an_error(kind: Kind) {
    let database = world(kind).await;
    let broken = [
        "UPDATE pending_requests SET state = 'deferred'",
        "UPDATE pending_requests SET kind = 'other'",
        "UPDATE pending_requests SET asked = '{}'",
        "UPDATE pending_requests SET decision = 'yes'",
        "UPDATE pending_requests SET jkt = 'short'",
        "UPDATE pending_requests SET stage = -1",
        "UPDATE pending_requests SET hasty_polls = -1",
        "UPDATE pending_requests SET poll_interval = 4294967296",
    ];
    for sql in broken {
        let mut session = database.store.begin(TENANT).await.unwrap();
        insert(&mut session, &waiting("1")).await;
        execute!(session, sql).unwrap();
        let found = session.pending_by_id(&id("1")).await;
        assert!(matches!(found, Err(StoreError::Corrupt(_))), "{sql}");
    }
    let mut session = database.store.begin(TENANT).await.unwrap();
    insert(&mut session, &waiting("1")).await;
    let voted = session
        .insert_vote(&id("1"), &vote("alice", NOW), NOW)
        .await;
    assert!(voted.unwrap());
    execute!(session, "UPDATE pending_votes SET vote = '{}'").unwrap();
    let votes = session.votes(&id("1")).await;
    assert!(matches!(votes, Err(StoreError::Corrupt(_))));
    let at: Timestamp = END;
    assert!(session.overdue_pending(at, 1).await.is_ok());
}
