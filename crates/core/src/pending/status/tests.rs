//! Each transition from each status, and each combination of columns.

use writ_authority::Level;
use writ_wire::claims::ApprovalBasis;
use writ_wire::time::Timestamp;

use super::*;
use crate::id::ApprovalId;
use crate::task::{Approval, PersonAuthentication};

fn yes() -> Decision {
    let at = Timestamp::from_seconds(1);
    Decision {
        approval: Some(Approval {
            id: ApprovalId::from_text("apr_1"),
            basis: ApprovalBasis::Password,
            at,
            authentication: Some(PersonAuthentication::of(Level::Password, at)),
            transaction: None,
            by: None,
            people: 1,
            designation: None,
        }),
        reason: None,
        ..no()
    }
}

fn no() -> Decision {
    Decision::of_nobody("denied")
}

fn delegation() -> RedeemedFor {
    RedeemedFor::Delegation(DelegationId::from_text("dlg_1"))
}

fn evaluated() -> RedeemedFor {
    RedeemedFor::Decision(DecisionId::from_text("dec_1"))
}

fn every_status() -> [PendingStatus; 10] {
    [
        PendingStatus::Pending,
        PendingStatus::Viewed,
        PendingStatus::Approved(yes()),
        PendingStatus::Denied(no()),
        PendingStatus::Expired { unfetched: None },
        PendingStatus::Expired {
            unfetched: Some(yes()),
        },
        PendingStatus::Superseded,
        PendingStatus::Cancelled,
        PendingStatus::Redeemed {
            decision: yes(),
            redeemed_for: delegation(),
        },
        PendingStatus::Redeemed {
            decision: yes(),
            redeemed_for: evaluated(),
        },
    ]
}

type Transition = fn(PendingStatus) -> Next;
type Expected = Option<fn() -> PendingStatus>;

/// What a transition leads to from pending, viewed and approved; every other status is final.
const TRANSITIONS: [(&str, Transition, [Expected; 3]); 8] = [
    ("view", PendingStatus::view, [Some(viewed), None, None]),
    (
        "approve",
        |status| status.decide(yes()),
        [Some(approved), Some(approved), None],
    ),
    (
        "deny",
        |status| status.decide(no()),
        [Some(denied), Some(denied), None],
    ),
    (
        "redeem",
        |status| status.redeem(delegation()),
        [None, None, Some(redeemed)],
    ),
    (
        "expire",
        PendingStatus::expire,
        [Some(undecided), Some(undecided), Some(unfetched)],
    ),
    (
        "supersede",
        PendingStatus::supersede,
        [Some(superseded), Some(superseded), None],
    ),
    (
        "cancel",
        PendingStatus::cancel,
        [Some(cancelled), Some(cancelled), None],
    ),
    (
        "stop",
        |status| status.stop(STOPPED),
        [Some(stopped), Some(stopped), Some(stopped)],
    ),
];

const fn viewed() -> PendingStatus {
    PendingStatus::Viewed
}

fn approved() -> PendingStatus {
    PendingStatus::Approved(yes())
}

fn denied() -> PendingStatus {
    PendingStatus::Denied(no())
}

fn redeemed() -> PendingStatus {
    PendingStatus::Redeemed {
        decision: yes(),
        redeemed_for: delegation(),
    }
}

const fn cancelled() -> PendingStatus {
    PendingStatus::Cancelled
}

const fn undecided() -> PendingStatus {
    PendingStatus::Expired { unfetched: None }
}

fn unfetched() -> PendingStatus {
    PendingStatus::Expired {
        unfetched: Some(yes()),
    }
}

const fn superseded() -> PendingStatus {
    PendingStatus::Superseded
}

fn stopped() -> PendingStatus {
    PendingStatus::Denied(Decision::of_nobody(STOPPED))
}

#[test]
fn every_transition_from_every_status() {
    for (name, transition, leads_to) in TRANSITIONS {
        for (place, before) in every_status().into_iter().enumerate() {
            let from = before.state();
            let expected = leads_to
                .get(place)
                .copied()
                .flatten()
                .map(|status| status())
                .ok_or(TransitionError { from });
            assert_eq!(transition(before), expected, "{name} from {from:?}");
        }
    }
}

#[test]
fn only_what_is_open_or_approved_can_change() {
    for status in every_status() {
        let moves = TRANSITIONS
            .iter()
            .filter(|(_, transition, _)| transition(status.clone()).is_ok())
            .count();
        let is_final = !status.is_open() && !matches!(status, PendingStatus::Approved(_));
        assert_eq!(moves == 0, is_final, "{status:?}");
    }
}

#[test]
fn columns_make_a_status_or_are_inconsistent() {
    let decisions = [None, Some(no()), Some(yes())];
    let uses = [None, Some(delegation()), Some(evaluated())];
    let mut consistent = Vec::new();
    for state in State::ALL {
        for decision in &decisions {
            for used in &uses {
                let read = PendingStatus::from_columns(state, decision.clone(), used.clone());
                match read {
                    Ok(status) => {
                        assert_eq!(status.state(), state);
                        assert_eq!(status.redeemed_for(), used.as_ref());
                        consistent.push(status);
                    }
                    Err(fault) => assert_eq!(fault, InconsistentStatus { state }),
                }
            }
        }
    }
    assert_eq!(consistent.len(), every_status().len());
    for status in every_status() {
        assert!(consistent.contains(&status), "{status:?}");
    }
}
