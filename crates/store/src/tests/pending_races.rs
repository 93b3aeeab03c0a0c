//! Race tests over two nodes, one outcome each: decisions, redemptions, votes, polls, notices, ceremonies.

use std::collections::BTreeSet;

use writ_core::id::{DecisionId, DelegationId, EventId};
use writ_core::pending::{PendingRequest, PendingStatus, REPORTED, State};

use crate::Store;
use crate::pending::PollOutcome;
use crate::stop::RequestsOf;
use crate::testing::{DatabaseKind, TestDatabase};
use crate::tests::races::race;
use crate::tests::waiting::{
    END, INSTANT, bring, ceremony, decision, device, expire, id, insert, notice, of, passkey,
    question, stage, vote, waiting,
};
use crate::tests::world::{NOW, RACERS, TENANT, bank, planner, wins, world};

on_both! {
    approve_against_deny,
    approve_against_expiry,
    redemption_against_redemption,
    redemption_against_expiry,
    redemption_against_a_stop,
    a_permit_against_a_report,
    a_vote_against_a_denial,
    two_people_who_agree_at_once_decide_once,
    polls_at_the_same_moment,
    one_person_takes_a_terminal,
    one_view_and_one_escalation,
    nodes_never_send_the_same_notice,
    the_same_ceremony_twice,
    one_passkey_of_a_credential_and_one_server_key,
}

async fn start(kind: DatabaseKind, request: &PendingRequest, state: State) -> TestDatabase {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    bring(&mut transaction, request, state).await;
    transaction.commit().await.unwrap();
    database
}

async fn found(store: &Store, name: &str) -> PendingRequest {
    let mut transaction = store.read(TENANT).await.unwrap();
    transaction.pending_by_id(&id(name)).await.unwrap().unwrap()
}

fn delegation(name: usize) -> DelegationId {
    DelegationId::from_text(format!("dlg_{name}"))
}

/// Half of the racers of each node.
const fn is_first_kind(place: usize) -> bool {
    place % 4 < 2
}

async fn approve_against_deny(kind: DatabaseKind) {
    let database = start(kind, &waiting("1"), State::Viewed).await;
    let won = race!(database, transaction, place => {
        let yes = is_first_kind(place);
        transaction.decide_pending(&id("1"), &decision(yes), NOW).await.unwrap()
    });
    assert_eq!(won, 1);
    let after = found(&database.store, "1").await;
    let yes = after.state() == State::Approved;
    assert!(yes || after.state() == State::Denied);
    assert_eq!(after.decision(), Some(&decision(yes)));
}

/// Nodes whose clocks differ by a microsecond: it may be approved and then expire, never the other way round.
async fn approve_against_expiry(kind: DatabaseKind) {
    let database = start(kind, &waiting("1"), State::Pending).await;
    let last = END.minus(INSTANT);
    let won = race!(database, transaction, place => {
        if is_first_kind(place) {
            expire(&mut transaction, &id("1"), END).await
        } else {
            let yes = decision(true);
            transaction.decide_pending(&id("1"), &yes, last).await.unwrap()
        }
    });
    let after = found(&database.store, "1").await;
    assert_eq!(after.state(), State::Expired);
    assert_eq!(won, 1 + usize::from(after.decision().is_some()));
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let redeemed = transaction
        .redeem_pending(&id("1"), &delegation(1), last)
        .await;
    assert!(!redeemed.unwrap());
}

async fn redemption_against_redemption(kind: DatabaseKind) {
    let database = start(kind, &waiting("1"), State::Approved).await;
    let won = race!(database, transaction, place => {
        let won = transaction.redeem_pending(&id("1"), &delegation(place), NOW).await.unwrap();
        if won {
            let saved = transaction.save_screen(&id("1"), &of("alice"), delegation(place).as_str(), NOW).await;
            saved.unwrap();
        }
        won
    });
    assert_eq!(won, 1);
    let after = found(&database.store, "1").await;
    assert_eq!(after.state(), State::Redeemed);
    let mut transaction = database.store.read(TENANT).await.unwrap();
    let winner = transaction.screen(&id("1"), &of("alice")).await.unwrap();
    assert_eq!(
        after
            .status
            .delegation()
            .map(|delegation| delegation.to_string()),
        winner
    );
}

async fn redemption_against_expiry(kind: DatabaseKind) {
    let database = start(kind, &waiting("1"), State::Approved).await;
    let last = END.minus(INSTANT);
    let won = race!(database, transaction, place => {
        if is_first_kind(place) {
            transaction.redeem_pending(&id("1"), &delegation(place), last).await.unwrap()
        } else {
            expire(&mut transaction, &id("1"), END).await
        }
    });
    assert_eq!(won, 1);
    let after = found(&database.store, "1").await;
    assert_eq!(
        after.state() == State::Redeemed,
        after.status.delegation().is_some()
    );
    assert_eq!(
        after.state() == State::Expired,
        after.status.delegation().is_none()
    );
}

/// Whoever is second finds it ended; nobody redeems after the stop.
async fn redemption_against_a_stop(kind: DatabaseKind) {
    let database = start(kind, &waiting("1"), State::Approved).await;
    let won = race!(database, transaction, place => {
        if is_first_kind(place) {
            transaction.redeem_pending(&id("1"), &delegation(place), NOW).await.unwrap()
        } else {
            let (subject, client) = (&of("alice"), &planner());
            let event = EventId::from_text(format!("evt_{place}"));
            let stopped = transaction.stop_requests(subject, RequestsOf::Client(client), &event, NOW);
            stopped.await.unwrap().ended > 0
        }
    });
    assert_eq!(won, 1);
    let after = found(&database.store, "1").await;
    assert_eq!(
        after.state() == State::Redeemed,
        after.status.delegation().is_some()
    );
    assert_eq!(
        after.state() == State::Denied,
        after.status.delegation().is_none()
    );
}

/// What a resource was allowed is used before its report, or not at all.
async fn a_permit_against_a_report(kind: DatabaseKind) {
    let database = start(kind, &question("1"), State::Approved).await;
    let won = race!(database, transaction, place => {
        if is_first_kind(place) {
            let decision = DecisionId::from_text(format!("dec_{place}"));
            transaction.redeem_pending(&id("1"), &decision, NOW).await.unwrap()
        } else {
            let (subject, resource) = (&of("alice"), &bank());
            let event = EventId::from_text(format!("evt_{place}"));
            let of = RequestsOf::Resource(resource);
            let stopped = transaction.stop_requests(subject, of, &event, NOW);
            stopped.await.unwrap().ended > 0
        }
    });
    assert_eq!(won, 1);
    let after = found(&database.store, "1").await;
    match &after.status {
        PendingStatus::Redeemed { .. } => {}
        PendingStatus::Denied(no) => assert_eq!(no.reason.as_deref(), Some(REPORTED)),
        other => panic!("{other:?}"),
    }
}

/// Every vote that counts is seen by whoever denies; none comes after.
async fn a_vote_against_a_denial(kind: DatabaseKind) {
    let database = start(kind, &waiting("1"), State::Pending).await;
    let counted = race!(database, transaction, place => {
        if place == RACERS / 2 {
            let no = decision(false);
            let done = transaction.decide_pending(&id("1"), &no, NOW).await;
            assert!(done.unwrap());
            let seen = transaction.votes(&id("1")).await.unwrap().len().to_string();
            let saved = transaction.save_screen(&id("1"), &of("alice"), &seen, NOW).await;
            saved.unwrap();
            false
        } else {
            // Few people, who press more than once.
            let vote = vote(&format!("person{}", place % 20), NOW);
            transaction.insert_vote(&id("1"), &vote, NOW).await.unwrap()
        }
    });
    let mut transaction = database.store.read(TENANT).await.unwrap();
    let votes = transaction.votes(&id("1")).await.unwrap().len();
    let seen = transaction.screen(&id("1"), &of("alice")).await.unwrap();
    assert_eq!(votes, counted);
    assert_eq!(seen, Some(counted.to_string()));
}

/// Two of two, 25 times: whoever votes second sees the first vote and decides; it is never nobody.
async fn two_people_who_agree_at_once_decide_once(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    for place in 0..RACERS / 2 {
        let mut request = waiting(&place.to_string());
        request.asked.stages = vec![stage(&["alice", "olga"], 2)];
        insert(&mut transaction, &request).await;
    }
    transaction.commit().await.unwrap();
    let decided = race!(database, transaction, place => {
        let id = id(&(place / 2).to_string());
        let mine = vote(if place % 2 == 0 { "alice" } else { "olga" }, NOW);
        assert!(transaction.insert_vote(&id, &mine, NOW).await.unwrap());
        let votes = transaction.votes(&id).await.unwrap();
        let request = transaction.pending_by_id(&id).await.unwrap().unwrap();
        let yes = decision(true);
        request.is_decided_by(&votes)
            && transaction.decide_pending(&id, &yes, NOW).await.unwrap()
    });
    assert_eq!(decided, RACERS / 2);
}

async fn polls_at_the_same_moment(kind: DatabaseKind) {
    let database = start(kind, &waiting("1"), State::Pending).await;
    let free = race!(database, transaction, _ => {
        transaction.poll_pending(&id("1"), NOW).await.unwrap() == PollOutcome::OnTime
    });
    assert_eq!(free, 1);
    let polling = found(&database.store, "1").await.polling;
    // RFC 8628 3.5: 5 seconds, and 5 for each of the 49.
    assert_eq!((polling.interval, polling.hasty), (250, 49));
    assert_eq!(polling.last, Some(NOW));
}

async fn one_person_takes_a_terminal(kind: DatabaseKind) {
    let database = start(kind, &device("1"), State::Pending).await;
    let won = race!(database, transaction, place => {
        let name = if place % 2 == 0 { "alice" } else { "olga" };
        let mut asked = device("1").asked;
        asked.stages = vec![stage(&[name], 1)];
        transaction.take_pending(&id("1"), &of(name), &asked, NOW).await.unwrap()
    });
    assert_eq!(won, 1);
    let after = found(&database.store, "1").await;
    let subject = after.subject.clone().unwrap();
    assert_eq!(after.asked.stages[0].of.first(), Some(&subject));
    let mut transaction = database.store.read(TENANT).await.unwrap();
    for name in ["alice", "olga"] {
        let inbox = transaction.inbox(&of(name), NOW, 9).await.unwrap();
        assert_eq!(inbox.len(), usize::from(of(name) == subject));
    }
}

async fn one_view_and_one_escalation(kind: DatabaseKind) {
    let mut request = waiting("1");
    request.asked.stages = ["alice", "olga", "bob"]
        .map(|name| stage(&[name], 1))
        .into();
    let database = start(kind, &request, State::Pending).await;
    let won =
        race!(database, transaction, _ => transaction.view_pending(&id("1"), NOW).await.unwrap());
    assert_eq!(won, 1);
    let won = race!(database, transaction, _ => {
        let mut seen = waiting("1");
        seen.asked.stages = ["alice", "olga", "bob"].map(|name| stage(&[name], 1)).into();
        transaction.escalate_pending(&seen, NOW).await.unwrap()
    });
    assert_eq!(won, 1);
    assert_eq!(found(&database.store, "1").await.stage, 1);
}

/// Who takes one writes down what it took; each notice has one taker.
async fn nodes_never_send_the_same_notice(kind: DatabaseKind) {
    const NOTICES: usize = 40;
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    for place in 0..NOTICES {
        let new = notice(&place.to_string());
        transaction.insert_notice(&new, NOW).await.unwrap();
    }
    transaction.commit().await.unwrap();
    let takers = race!(database, transaction, place => {
        let taken = transaction.take_due_notices(NOW, END, 3).await.unwrap();
        let names: Vec<&str> = taken.iter().map(|notice| notice.id.as_str()).collect();
        let (names, me) = (names.join(" "), of(&place.to_string()));
        transaction.save_screen(&id("1"), &me, &names, NOW).await.unwrap();
        !taken.is_empty()
    });
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let mut taken = Vec::new();
    for place in 0..RACERS {
        let screen = transaction.screen(&id("1"), &of(&place.to_string())).await;
        taken.extend(
            screen
                .unwrap()
                .unwrap()
                .split_whitespace()
                .map(str::to_owned),
        );
    }
    // Whoever lost a race for all of its three took none; the rest is still there.
    let rest = transaction.take_due_notices(NOW, END, 100).await.unwrap();
    taken.extend(rest.iter().map(|notice| notice.id.to_string()));
    assert!(takers > 0);
    assert_eq!(taken.len(), NOTICES, "none twice");
    assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), NOTICES);
    let all = transaction.notices_of_request(&id("1")).await.unwrap();
    assert!(all.iter().all(|notice| notice.attempts == 1));
}

async fn the_same_ceremony_twice(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    transaction.insert_ceremony(ceremony("c")).await.unwrap();
    transaction.commit().await.unwrap();
    let won = race!(database, transaction, _ => {
        transaction.consume_ceremony("c", "login", NOW).await.unwrap().is_some()
    });
    assert_eq!(won, 1);
}

async fn one_passkey_of_a_credential_and_one_server_key(kind: DatabaseKind) {
    let database = world(kind).await;
    let won = race!(database, transaction, place => {
        let name = if place % 2 == 0 { "alice" } else { "olga" };
        transaction.insert_passkey(&passkey("c", name)).await.unwrap()
    });
    assert_eq!(won, 1);
    let won = race!(database, transaction, _ => {
        transaction.remove_passkey(&of("alice"), "c", NOW).await.unwrap()
            || transaction.remove_passkey(&of("olga"), "c", NOW).await.unwrap()
    });
    assert_eq!(won, 1);
    let won = race!(database, transaction, place => {
        let public = place.to_string();
        transaction.insert_server_key("vapid", &public, "sealed", NOW).await.unwrap()
    });
    assert_eq!(won, 1);
}
