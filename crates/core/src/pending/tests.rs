//! Stages of escalation and n of m: who may decide when, and when it is decided.

use super::*;

const MINUTE: i64 = 60;

fn user(name: &str) -> UserId {
    UserId::from_text(format!("usr_{name}"))
}

fn stage(of: &[&str], need: usize) -> Stage {
    Stage {
        role: Role::Designated,
        of: of.iter().map(|name| user(name)).collect(),
        need,
    }
}

fn vote(name: &str, stage: usize) -> Vote {
    Vote {
        user: user(name),
        name: name.to_owned(),
        role: Role::Designated,
        stage,
        at: Timestamp::from_seconds(1),
        level: Level::Password,
        receipt: ReceiptId::from_text("rcp_1"),
    }
}

fn waiting(stages: Vec<Stage>) -> PendingRequest {
    PendingRequest {
        id: ApprovalId::from_text("apr_1"),
        kind: Kind::Ciba,
        digest: "digest".into(),
        client: ClientId::from_text("agt_1"),
        subject: Some(user("alice")),
        status: PendingStatus::Pending,
        asked: Asked {
            authority: Authority::default(),
            binding_message: None,
            reason: None,
            level: Level::Password,
            stages,
            safeguards: Safeguards::default(),
            delivery: Delivery::Poll,
            number: None,
            address: None,
            identity: false,
            transaction: None,
            access: None,
            consent: None,
            onward: Onward::nobody(),
        },
        asked_hash: String::new(),
        jkt: None,
        asked_by: None,
        task: None,
        polling: Polling {
            interval: POLL_INTERVAL,
            last: None,
            hasty: 0,
        },
        stage: 0,
        created_at: Timestamp::from_seconds(0),
        expires_at: Timestamp::from_seconds(4 * MINUTE),
    }
}

#[test]
fn silence_leads_to_the_next_step_and_then_to_no() {
    let request = waiting(vec![stage(&["bob"], 1), stage(&["carol"], 1)]);
    let at = |seconds| Timestamp::from_seconds(seconds);
    let place = |name: &str, seconds| request.role_of(&user(name), at(seconds)).map(|(_, s)| s);
    assert_eq!(place("bob", 0), Some(0));
    assert_eq!(place("carol", 2 * MINUTE - 1), None, "not her turn yet");
    assert_eq!(place("carol", 2 * MINUTE), Some(1));
    assert_eq!(
        place("bob", 2 * MINUTE),
        Some(0),
        "a late answer counts in its own stage"
    );
    assert_eq!(place("alice", 2 * MINUTE), None, "nobody designated her");
    assert!(request.is_open(at(4 * MINUTE - 1)));
    assert_eq!(request.state_at(at(4 * MINUTE)), State::Expired);
}

#[test]
fn an_approval_that_nobody_fetched_expires_too() {
    let at = Timestamp::from_seconds(1);
    let yes = Decision {
        approval: Some(Approval {
            id: ApprovalId::from_text("apr_1"),
            basis: writ_wire::claims::ApprovalBasis::Password,
            at,
            authentication: None,
            transaction: None,
            by: None,
            people: 1,
            designation: None,
        }),
        ..Decision::of_nobody("")
    };
    let request = PendingRequest {
        status: PendingStatus::Approved(yes),
        ..waiting(vec![stage(&["bob"], 1)])
    };
    assert_eq!(request.state_at(request.expires_at), State::Expired);
}

#[test]
fn n_of_m_counts_different_people_of_one_stage() {
    let request = waiting(vec![stage(&["bob", "carol", "dan"], 2), stage(&["eve"], 1)]);
    assert!(!request.is_decided_by(&[]));
    assert!(!request.is_decided_by(&[vote("bob", 0)]));
    assert!(
        !request.is_decided_by(&[vote("bob", 0), vote("bob", 0)]),
        "the same person twice"
    );
    assert!(
        !request.is_decided_by(&[vote("bob", 0), vote("mallory", 0)]),
        "not one of them"
    );
    assert!(
        !request.is_decided_by(&[vote("bob", 0), vote("carol", 1)]),
        "of another stage"
    );
    assert!(request.is_decided_by(&[vote("bob", 0), vote("dan", 0)]));
    assert!(request.is_decided_by(&[vote("eve", 1)]));
}

#[test]
fn whoever_agreed_in_a_step_that_did_not_decide_is_not_counted() {
    let request = waiting(vec![stage(&["bob", "carol"], 2), stage(&["dan"], 1)]);
    let votes = [vote("bob", 0), vote("dan", 1)];
    let users = |votes: Vec<Vote>| votes.into_iter().map(|vote| vote.user).collect::<Vec<_>>();
    assert_eq!(request.deciding(&votes[..1]), None);
    assert_eq!(users(request.deciding(&votes).unwrap()), [user("dan")]);
    let late = [vote("bob", 0), vote("carol", 0)];
    assert_eq!(
        users(request.deciding(&late).unwrap()),
        [user("bob"), user("carol")]
    );
}

#[test]
fn a_step_that_needs_nobody_decides_nothing() {
    assert!(!waiting(vec![stage(&[], 0)]).is_decided_by(&[vote("bob", 0)]));
}

#[test]
fn the_others_are_asked_only_after_the_subject_agreed() {
    let alice = Stage {
        role: Role::Subject,
        ..stage(&["alice"], 1)
    };
    let mut request = waiting(vec![alice, stage(&["bob"], 1), stage(&["carol"], 1)]);
    request.asked.safeguards.subject_first = true;
    let at = Timestamp::from_seconds;
    assert_eq!(request.role_of(&user("bob"), at(3 * MINUTE)), None);
    let yes = vote("alice", 0);
    assert!(request.opens_next_stage(&yes));
    assert!(!request.is_decided_by(std::slice::from_ref(&yes)));
    assert!(!request.is_decided_by(&[vote("bob", 1)]), "alice is silent");
    request.stage = 1;
    assert!(!request.opens_next_stage(&vote("bob", 1)));
    assert!(request.role_of(&user("bob"), at(1)).is_some());
    assert_eq!(request.role_of(&user("carol"), at(1)), None);
    assert!(request.is_decided_by(&[yes.clone(), vote("bob", 1)]));
    assert!(request.is_decided_by(&[yes, vote("carol", 2)]));
}

#[test]
fn who_answers_for_the_agent_never_decides_alone() {
    let mut request = waiting(vec![stage(&["owner", "sponsor", "bob"], 1)]);
    let never_alone = [user("owner"), user("sponsor")];
    request.asked.safeguards.never_alone = never_alone.into();
    assert!(!request.is_decided_by(&[vote("owner", 0)]));
    assert!(!request.is_decided_by(&[vote("owner", 0), vote("sponsor", 0)]));
    assert!(request.is_decided_by(&[vote("bob", 0)]));
    assert!(request.is_decided_by(&[vote("owner", 0), vote("bob", 0)]));
    let as_subject = Vote {
        role: Role::Subject,
        ..vote("owner", 0)
    };
    assert!(request.is_decided_by(&[as_subject]));
}
