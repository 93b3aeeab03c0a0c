//! Votes of people: who may vote, at which authentication level, and when a request is decided.

use std::collections::BTreeSet;

use writ_wire::resource::ResourceUri;

use super::*;
use crate::id::{ApprovalId, ClientId, UserId};
use crate::pending::{
    Asked, Delivery, Kind, POLL_INTERVAL, PendingStatus, Polling, RedeemedFor, Stage,
};

fn user(name: &str) -> User {
    User::new(UserId::from_text(format!("usr_{name}")), name)
}

fn stage(of: &[&str], need: usize) -> Stage {
    Stage {
        role: Role::Designated,
        of: of.iter().map(|name| user(name).id).collect(),
        need,
    }
}

fn bare(uri: &str) -> Authority {
    let uri = ResourceUri::parse(uri).unwrap();
    Authority::new(BTreeSet::new(), Vec::new(), BTreeSet::from([uri]))
}

fn request(stages: Vec<Stage>) -> PendingRequest {
    PendingRequest {
        id: ApprovalId::from_text("apr_1"),
        kind: Kind::Ciba,
        digest: "digest".into(),
        client: ClientId::from_text("agt_1"),
        subject: Some(user("alice").id),
        status: PendingStatus::Viewed,
        asked: Asked {
            authority: bare("https://bank.example"),
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
            onward: crate::onward::Onward::nobody(),
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
        expires_at: Timestamp::from_seconds(100),
    }
}

fn voter<'a>(request: &'a PendingRequest, user: &'a User, votes: &'a [Vote]) -> Voter<'a> {
    Voter {
        request,
        user,
        votes,
        left: &request.asked.authority,
        now: Timestamp::from_seconds(10),
        receipt: ReceiptId::from_text("rcp_1"),
    }
}

fn yes(authority: &Authority, level: Level) -> Agreement<'_> {
    Agreement {
        level,
        typed: None,
        authority,
        ends_at: Timestamp::from_seconds(500),
    }
}

fn say_yes(request: &PendingRequest, who: &User, votes: &[Vote]) -> Result<VoteOutcome, VoteError> {
    let authority = request.asked.authority.clone();
    let yes = yes(&authority, Level::Password);
    approve(voter(request, who, votes), &yes, &Types::default())
}

#[test]
fn only_whom_it_was_asked_and_never_an_agent() {
    let mut request = request(vec![stage(&["alice"], 1)]);
    assert!(say_yes(&request, &user("alice"), &[]).is_ok());
    assert_eq!(
        say_yes(&request, &user("mallory"), &[]),
        Err(VoteError::NotAsked)
    );
    let gone = User {
        disabled: true,
        ..user("alice")
    };
    assert_eq!(say_yes(&request, &gone, &[]), Err(VoteError::NotAsked));
    let agent = User {
        id: UserId::from_text("agt_1"),
        ..user("alice")
    };
    request.asked.stages[0].of.push(agent.id.clone());
    assert_eq!(say_yes(&request, &agent, &[]), Err(VoteError::NotAsked));
    let no = deny(voter(&request, &user("mallory"), &[]), Denial::NotMe);
    assert_eq!(no, Err(VoteError::NotAsked), "nor may others say no");
}

#[test]
fn expiry_means_no_and_what_ended_stays() {
    let mut late = request(vec![stage(&["alice"], 1)]);
    late.expires_at = Timestamp::from_seconds(10);
    let expired = Err(VoteError::Ended(State::Expired));
    assert_eq!(say_yes(&late, &user("alice"), &[]), expired);
    assert_eq!(
        deny(voter(&late, &user("alice"), &[]), Denial::Denied),
        expired
    );
    let Ok(VoteOutcome::Ended(_, yes)) =
        say_yes(&request(vec![stage(&["alice"], 1)]), &user("alice"), &[])
    else {
        panic!("one person's yes is enough");
    };
    let redeemed = PendingStatus::Redeemed {
        decision: (*yes).clone(),
        redeemed_for: RedeemedFor::Delegation(crate::id::DelegationId::from_text("dlg_1")),
    };
    let denied = PendingStatus::Denied(Decision::of_nobody("denied"));
    for status in [PendingStatus::Approved(*yes), denied, redeemed] {
        let over = PendingRequest {
            status,
            ..request(vec![stage(&["alice"], 1)])
        };
        let ended = Err(VoteError::Ended(over.state()));
        assert_eq!(say_yes(&over, &user("alice"), &[]), ended);
    }
}

#[test]
fn a_level_is_reached_or_nothing_is_decided() {
    let levels = [
        Level::None,
        Level::Password,
        Level::Passkey,
        Level::Liveness,
    ];
    for (place, asked) in levels.into_iter().enumerate() {
        let mut request = request(vec![stage(&["alice"], 1)]);
        request.asked.stages[0].role = Role::Subject;
        request.asked.level = asked;
        for (reached_place, reached) in levels.into_iter().enumerate() {
            let authority = request.asked.authority.clone();
            let alice = user("alice");
            let voter = voter(&request, &alice, &[]);
            let outcome = approve(voter, &yes(&authority, reached), &Types::default());
            // A login alone is never a yes, whatever was asked.
            if reached_place >= place.max(1) {
                let Ok(VoteOutcome::Ended(vote, decision)) = outcome else {
                    panic!("{asked:?} {reached:?}: {outcome:?}");
                };
                let approval = decision.approval.unwrap();
                assert_eq!(vote.level, reached);
                assert_eq!(approval.id, request.id);
                let expected = match reached {
                    Level::Passkey => ApprovalBasis::Passkey,
                    Level::Liveness => ApprovalBasis::Liveness,
                    _ => ApprovalBasis::Password,
                };
                assert_eq!(approval.basis, expected);
                let how = approval.authentication.unwrap();
                assert_eq!(
                    how,
                    PersonAuthentication::of(reached, Timestamp::from_seconds(10))
                );
            } else {
                assert_eq!(outcome, Err(VoteError::TooWeak), "{asked:?} {reached:?}");
            }
        }
    }
}

#[test]
fn rfc_9068_2_2_1_somebody_elses_proof_says_nothing_about_the_subject() {
    let request = request(vec![stage(&["bob"], 1)]);
    let Ok(VoteOutcome::Ended(_, decision)) = say_yes(&request, &user("bob"), &[]) else {
        panic!("bob decides alone");
    };
    let approval = decision.approval.unwrap();
    assert_eq!(approval.basis, ApprovalBasis::Password);
    assert_eq!(approval.authentication, None);
}

#[test]
fn the_subject_beside_others_answers_as_the_subject() {
    let request = request(vec![stage(&["alice", "bob"], 2)]);
    let Ok(VoteOutcome::Agreed(own)) = say_yes(&request, &user("alice"), &[]) else {
        panic!("bob is needed too");
    };
    assert_eq!(own.role, Role::Subject);
    let authority = request.asked.authority.clone();
    let (bob, votes) = (user("bob"), [own]);
    let strong = yes(&authority, Level::Passkey);
    let second = approve(voter(&request, &bob, &votes), &strong, &Types::default());
    let Ok(VoteOutcome::Ended(vote, decision)) = second else {
        panic!("two are enough");
    };
    assert_eq!(vote.role, Role::Designated);
    let how = PersonAuthentication::of(Level::Password, Timestamp::from_seconds(10));
    assert_eq!(decision.approval.unwrap().authentication, Some(how));
}

#[test]
fn a_wrong_number_is_a_no_once_everything_else_is_right() {
    let mut request = request(vec![stage(&["alice"], 1)]);
    request.asked.number = Some(42);
    let whole = request.asked.authority.clone();
    let more = bare("https://other.example");
    let alice = user("alice");
    let say = |typed, level, authority| {
        let yes = Agreement {
            typed,
            ..yes(authority, level)
        };
        approve(voter(&request, &alice, &[]), &yes, &Types::default())
    };
    let missing = say(None, Level::Password, &whole);
    assert_eq!(missing, Err(VoteError::NumberMissing));
    // Right and wrong alike: neither tells which it was.
    for typed in [Some(41), Some(42)] {
        assert_eq!(say(typed, Level::None, &whole), Err(VoteError::TooWeak));
        assert_eq!(say(typed, Level::Password, &more), Err(VoteError::Changed));
    }
    let wrong = say(Some(41), Level::Password, &whole).unwrap();
    assert_eq!(wrong.denial(), Some(Denial::WrongNumber));
    let VoteOutcome::Ended(vote, decision) = wrong else {
        panic!("a wrong number is an answer");
    };
    assert_eq!(vote.level, Level::Password, "who said so is proved");
    assert_eq!(decision.approval, None);
    assert!(decision.authority.is_empty());
    let right = say(Some(42), Level::Password, &whole).unwrap();
    assert_eq!(right.denial(), None);
    assert!(matches!(right, VoteOutcome::Ended(_, decision) if decision.approval.is_some()));
}

#[test]
fn two_of_three_agree_with_the_weaker_proof_and_one_no_ends_it() {
    let request = request(vec![stage(&["bob", "carol", "dan"], 2)]);
    let (bob, carol) = (user("bob"), user("carol"));
    let Ok(VoteOutcome::Agreed(first)) = say_yes(&request, &bob, &[]) else {
        panic!("one is not enough");
    };
    let votes = [first];
    assert_eq!(
        say_yes(&request, &bob, &votes),
        Err(VoteError::AlreadyAgreed)
    );
    let authority = request.asked.authority.clone();
    let strong = yes(&authority, Level::Passkey);
    let second = approve(voter(&request, &carol, &votes), &strong, &Types::default());
    let Ok(VoteOutcome::Ended(_, decision)) = second else {
        panic!("two are enough");
    };
    assert_eq!(decision.approval.unwrap().basis, ApprovalBasis::Password);
    let names: Vec<&str> = decision.by.iter().map(|vote| vote.name.as_str()).collect();
    assert_eq!(names, ["bob", "carol"]);
    // Also who agreed before may still say no.
    for who in [&carol, &bob] {
        let Ok(VoteOutcome::Ended(vote, decision)) =
            deny(voter(&request, who, &votes), Denial::Denied)
        else {
            panic!("one no is enough");
        };
        assert_eq!(vote.level, Level::None);
        assert_eq!(decision.approval, None);
        assert_eq!(decision.by.len(), 2);
    }
}

#[test]
fn more_than_was_asked_is_never_approved() {
    let request = request(vec![stage(&["alice"], 1)]);
    let alice = user("alice");
    for wrong in [bare("https://other.example"), Authority::default()] {
        let yes = yes(&wrong, Level::Password);
        let outcome = approve(voter(&request, &alice, &[]), &yes, &Types::default());
        assert_eq!(outcome, Err(VoteError::Changed));
    }
    let authority = request.asked.authority.clone();
    let over = Agreement {
        ends_at: Timestamp::from_seconds(10),
        ..yes(&authority, Level::Password)
    };
    let outcome = approve(voter(&request, &alice, &[]), &over, &Types::default());
    assert_eq!(outcome, Err(VoteError::Changed));
}

/// Two resources, one of them, the other.
fn parts() -> (Authority, Authority, Authority) {
    let (bank, shop) = (bare("https://bank.example"), bare("https://shop.example"));
    let uris = bank.resources().union(shop.resources()).cloned();
    let both = Authority::new(BTreeSet::new(), Vec::new(), uris.collect());
    (both, bank, shop)
}

#[test]
fn the_least_is_left_whatever_the_clocks_say() {
    let (both, bank, shop) = parts();
    let types = Types::default();
    let left = |agreed: &[&Authority]| least(&both, agreed.iter().copied(), &types);
    assert_eq!(left(&[]), both);
    for order in [[&both, &bank], [&bank, &both]] {
        assert_eq!(left(&order), bank);
    }
    assert!(left(&[&bank, &shop]).is_empty(), "they agreed to nothing");
}

#[test]
fn nobody_approves_more_than_another_agreed_to() {
    let (both, bank, shop) = parts();
    let mut request = request(vec![stage(&["bob", "carol"], 1)]);
    request.asked.authority = both.clone();
    let carol = user("carol");
    for (wanted, good) in [(&both, false), (&shop, false), (&bank, true)] {
        let voter = Voter {
            left: &bank,
            ..voter(&request, &carol, &[])
        };
        let outcome = approve(voter, &yes(wanted, Level::Password), &Types::default());
        assert_eq!(outcome.is_ok(), good);
    }
}

#[test]
fn reasons_read_back() {
    for no in [
        Denial::Denied,
        Denial::Stopped,
        Denial::NotMe,
        Denial::WrongNumber,
    ] {
        assert_eq!(Denial::from_reason(no.as_str()), Some(no));
    }
    assert_eq!(Denial::from_reason("because"), None);
}
