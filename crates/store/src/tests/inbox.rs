//! Lists of what waits, budgets of prompts, screens and receipts.

use std::time::Duration;

use writ_core::id::{EventId, ReceiptId};
use writ_core::pending::{PendingRequest, State};
use writ_wire::time::Timestamp;

use crate::DatabaseTransaction;
use crate::pending::{PromptCounts, StateChange};
use crate::receipt::{NewReceipt, StoredReceipt};
use crate::stop::RequestsOf;
use crate::testing::DatabaseKind;
use crate::tests::waiting::{
    END, INSTANT, bring, decision, expire, id, insert, of, question, stage, waiting,
};
use crate::tests::world::{NOW, TENANT, bank, booker, planner, world};

on_both! {
    the_inbox_is_for_approvers_and_the_first_to_expire_comes_first,
    many_approvers_are_all_reached,
    activity_is_of_approvers_and_subjects,
    what_is_overdue_is_found_until_somebody_says_so,
    changes_are_told_in_order,
    prompts_are_counted_by_person_agent_and_pair,
    denials_in_a_row_end_with_an_approval,
    a_yes_that_a_stop_or_a_report_ended_is_no_denial,
    the_last_screen_and_every_receipt_are_kept,
}

fn at(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn names(requests: &[PendingRequest]) -> Vec<&str> {
    requests.iter().map(|request| request.id.as_str()).collect()
}

async fn the_inbox_is_for_approvers_and_the_first_to_expire_comes_first(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let sooner = PendingRequest {
        expires_at: at(60),
        ..waiting("sooner")
    };
    let mut olgas = waiting("olgas");
    olgas.asked.stages = vec![stage(&["olga"], 1)];
    for request in [&waiting("later"), &sooner, &olgas] {
        insert(&mut transaction, request).await;
    }
    bring(&mut transaction, &waiting("viewed"), State::Viewed).await;
    for state in [State::Approved, State::Denied, State::Redeemed] {
        bring(&mut transaction, &waiting(state.as_str()), state).await;
    }
    let cases: [(_, _, _, &[&str]); 5] = [
        ("alice", NOW, 9, &["apr_sooner", "apr_later", "apr_viewed"]),
        ("alice", NOW, 1, &["apr_sooner"]),
        ("alice", at(60), 9, &["apr_later", "apr_viewed"]),
        ("alice", END, 9, &[]),
        ("olga", NOW, 9, &["apr_olgas"]),
    ];
    for (name, now, limit, expected) in cases {
        let inbox = transaction.inbox(&of(name), now, limit).await.unwrap();
        assert_eq!(names(&inbox), expected, "{name} {now}");
    }
}

async fn many_approvers_are_all_reached(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let people: Vec<String> = (0..17).map(|place| format!("person{place}")).collect();
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    let mut request = waiting("1");
    // Some are asked in two stages.
    request.asked.stages = vec![stage(&people, 2), stage(&people[5..12], 1)];
    insert(&mut transaction, &request).await;
    for name in people {
        let inbox = transaction.inbox(&of(name), NOW, 9).await.unwrap();
        assert_eq!(names(&inbox), ["apr_1"], "{name}");
    }
    let inbox = transaction.inbox(&of("alice"), NOW, 9).await.unwrap();
    assert!(inbox.is_empty());
}

async fn activity_is_of_approvers_and_subjects(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let mut for_olga = waiting("for_olga");
    for_olga.asked.stages = vec![stage(&["olga"], 1)];
    let new = PendingRequest {
        created_at: at(2),
        ..waiting("new")
    };
    for_olga.created_at = at(1);
    bring(&mut transaction, &waiting("old"), State::Expired).await;
    insert(&mut transaction, &for_olga).await;
    insert(&mut transaction, &new).await;
    let cases: [(_, _, &[&str]); 4] = [
        ("alice", 9, &["apr_new", "apr_for_olga", "apr_old"]),
        ("alice", 2, &["apr_new", "apr_for_olga"]),
        ("olga", 9, &["apr_for_olga"]),
        ("bob", 9, &[]),
    ];
    for (name, limit, expected) in cases {
        let activity = transaction.activity(&of(name), limit).await.unwrap();
        assert_eq!(names(&activity), expected, "{name} {limit}");
    }
}

async fn what_is_overdue_is_found_until_somebody_says_so(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    for state in State::ALL {
        bring(&mut transaction, &waiting(state.as_str()), state).await;
    }
    let early = transaction.overdue_pending(END.minus(INSTANT), 9).await;
    assert!(early.unwrap().is_empty());
    let overdue = transaction.overdue_pending(END, 9).await.unwrap();
    assert_eq!(
        names(&overdue),
        ["apr_approved", "apr_pending", "apr_viewed"]
    );
    assert_eq!(transaction.overdue_pending(END, 2).await.unwrap().len(), 2);
    for request in overdue {
        assert!(expire(&mut transaction, &request.id, END).await);
    }
    assert!(
        transaction
            .overdue_pending(END, 9)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn changes_are_told_in_order(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    insert(&mut transaction, &waiting("1")).await;
    insert(&mut transaction, &waiting("2")).await;
    assert!(transaction.view_pending(&id("1"), at(5)).await.unwrap());
    let change = |name: &str, state, at| {
        let id = id(name);
        StateChange { id, state, at }
    };
    let (second, first) = (
        change("2", State::Pending, NOW),
        change("1", State::Viewed, at(5)),
    );
    let cases = [
        (NOW, 9, vec![second.clone(), first.clone()]),
        (NOW, 1, vec![second]),
        (at(5), 9, vec![first]),
        (at(6), 9, vec![]),
    ];
    for (since, limit, expected) in cases {
        let changed = transaction
            .changed_pending(since, None, limit)
            .await
            .unwrap();
        assert_eq!(changed, expected);
    }
}

async fn prompts_are_counted_by_person_agent_and_pair(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    let mut transaction = store.begin(TENANT).await.unwrap();
    let nobody = transaction
        .prompts(&of("alice"), &planner(), NOW, NOW)
        .await;
    assert_eq!(nobody.unwrap(), PromptCounts::default());
    let older = PendingRequest {
        created_at: NOW.minus(INSTANT),
        ..waiting("older")
    };
    let by_booker = PendingRequest {
        client: booker(),
        ..waiting("by booker")
    };
    let to_olga = PendingRequest {
        subject: Some(of("olga")),
        ..waiting("to olga")
    };
    for request in [&older, &by_booker, &to_olga, &waiting("young")] {
        insert(&mut transaction, request).await;
    }
    for state in [State::Approved, State::Expired] {
        bring(&mut transaction, &waiting(state.as_str()), state).await;
    }
    let before = store.statements();
    let prompts = transaction
        .prompts(&of("alice"), &planner(), NOW, NOW)
        .await;
    assert_eq!(store.statements() - before, 1);
    let expected = PromptCounts {
        agent: 4,
        pair: 3,
        // With the one that was asked earlier.
        open: 2,
        denials: 0,
        last_denied_at: None,
    };
    assert_eq!(prompts.unwrap(), expected);
    let at_end = transaction
        .prompts(&of("alice"), &planner(), NOW, END)
        .await;
    let expected = PromptCounts {
        open: 0,
        ..expected
    };
    assert_eq!(at_end.unwrap(), expected);
}

/// Decided so many seconds after `NOW`.
async fn decide(
    transaction: &mut DatabaseTransaction,
    request: &PendingRequest,
    state: State,
    seconds: u64,
) {
    insert(transaction, request).await;
    let decision = decision(state == State::Approved);
    let done = transaction
        .decide_pending(&request.id, &decision, at(seconds))
        .await;
    assert!(done.unwrap());
}

async fn denials_in_a_row_end_with_an_approval(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let denied = State::Denied;
    decide(&mut transaction, &waiting("1"), denied, 1).await;
    decide(&mut transaction, &waiting("2"), State::Approved, 2).await;
    decide(&mut transaction, &waiting("3"), denied, 3).await;
    decide(&mut transaction, &waiting("4"), denied, 4).await;
    // Neither silence nor another agent or person changes anything.
    bring(&mut transaction, &waiting("5"), State::Expired).await;
    let by_booker = PendingRequest {
        client: booker(),
        ..waiting("6")
    };
    decide(&mut transaction, &by_booker, State::Approved, 5).await;
    let to_olga = PendingRequest {
        subject: Some(of("olga")),
        ..waiting("7")
    };
    decide(&mut transaction, &to_olga, denied, 6).await;
    for (since, denials, last) in [(0, 2, Some(4)), (4, 1, Some(4)), (5, 0, None)] {
        let found = transaction
            .prompts(&of("alice"), &planner(), at(since), at(9))
            .await;
        let found = found.unwrap();
        assert_eq!(found.denials, denials, "since {since}");
        assert_eq!(found.last_denied_at, last.map(at));
    }
    // Approved and never fetched is an approval too.
    decide(&mut transaction, &waiting("8"), State::Approved, 7).await;
    assert!(expire(&mut transaction, &id("8"), END).await);
    let found = transaction
        .prompts(&of("alice"), &planner(), NOW, at(9))
        .await;
    assert_eq!(found.unwrap().denials, 0);
}

/// It stays a yes, after which a row of denials begins anew; also where it ended at the moment at which it was given.
async fn a_yes_that_a_stop_or_a_report_ended_is_no_denial(kind: DatabaseKind) {
    let (client, resource) = (planner(), bank());
    for of_whom in [RequestsOf::Client(&client), RequestsOf::Resource(&resource)] {
        let database = world(kind).await;
        let mut transaction = database.store.begin(TENANT).await.unwrap();
        let alice = of("alice");
        decide(&mut transaction, &question("1"), State::Denied, 1).await;
        decide(&mut transaction, &question("2"), State::Approved, 2).await;
        let event = EventId::from_text("evt_stop");
        let ended = transaction.stop_requests(&alice, of_whom, &event, at(2));
        assert_eq!(ended.await.unwrap().ended, 1);
        for (denials, last) in [(0, None), (1, Some(3))] {
            let found = transaction
                .prompts(&alice, &client, NOW, at(9))
                .await
                .unwrap();
            assert_eq!(
                (found.denials, found.last_denied_at),
                (denials, last.map(at))
            );
            let there = transaction.prompts_of_resource(&alice, &resource, NOW, at(9));
            let there = there.await.unwrap();
            assert_eq!(
                (there.denials, there.last_denied_at),
                (denials, last.map(at))
            );
            let said_no = transaction.denied_questions(&alice, &client, NOW).await;
            assert_eq!(said_no.unwrap().len() as u64, denials);
            let there = transaction.questions_denied_to_resource(&alice, &resource, NOW);
            assert_eq!(there.await.unwrap().len() as u64, denials);
            if denials == 0 {
                decide(&mut transaction, &question("3"), State::Denied, 3).await;
            }
        }
    }
}

async fn the_last_screen_and_every_receipt_are_kept(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let (alice, olga) = (of("alice"), of("olga"));
    for screen in ["first", "second"] {
        let saved = transaction.save_screen(&id("1"), &alice, screen, NOW).await;
        saved.unwrap();
        let found = transaction.screen(&id("1"), &alice).await.unwrap();
        assert_eq!(found.as_deref(), Some(screen));
    }
    assert_eq!(transaction.screen(&id("1"), &olga).await.unwrap(), None);
    assert_eq!(transaction.screen(&id("2"), &alice).await.unwrap(), None);
    let mut all = Vec::new();
    for (name, request, user, seconds) in [
        ("a", "1", &alice, 2),
        ("b", "1", &olga, 1),
        ("c", "2", &alice, 3),
    ] {
        let stored = StoredReceipt {
            id: ReceiptId::from_text(format!("rcp_{name}")),
            request: id(request),
            user: user.clone(),
            document: format!("document {name}"),
            at: at(seconds),
        };
        let new = NewReceipt {
            id: &stored.id,
            request: &stored.request,
            user: &stored.user,
            document: &stored.document,
            at: stored.at,
        };
        transaction.insert_receipt(new).await.unwrap();
        let found = transaction.receipt(&stored.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&stored));
        all.push(stored);
    }
    let [a, b, c] = <[StoredReceipt; 3]>::try_from(all).unwrap();
    let of_alice = transaction.receipts_before(&alice, None, 9).await.unwrap();
    assert_eq!(of_alice, [c.clone(), a.clone()]);
    assert_eq!(
        transaction.receipts_before(&alice, None, 1).await.unwrap(),
        [c]
    );
    let of_request = transaction.receipts_of_request(&id("1")).await.unwrap();
    assert_eq!(of_request, [b, a]);
    let gone = ReceiptId::from_text("rcp_gone");
    assert!(transaction.receipt(&gone).await.unwrap().is_none());
}
