//! Repeated requests: the newest supersedes the others, and unsent notifications move to it.

use std::time::Duration;

use writ_core::id::NoticeId;
use writ_core::pending::{Ending, PendingRequest, State};

use crate::DatabaseTransaction;
use crate::notice::Notice;
use crate::pending::NewPendingRequest;
use crate::testing::DatabaseKind;
use crate::tests::waiting::{END, decision, id, notice, stage, waiting};
use crate::tests::world::{HOUR, NOW, TENANT, world};

on_both! {
    the_newest_copy_stands_for_all,
    what_was_not_told_yet_is_told_of_the_newest,
    people_are_asked_when_their_turn_comes,
}

/// So many seconds after the first one, and as long to wait.
fn copy(name: &str, seconds: u64) -> PendingRequest {
    let later = Duration::from_secs(seconds);
    PendingRequest {
        asked_hash: "the same".to_owned(),
        created_at: NOW.plus(later),
        expires_at: END.plus(later),
        ..waiting(name)
    }
}

async fn ask(transaction: &mut DatabaseTransaction, request: &PendingRequest) {
    let now = request.created_at;
    let ended = transaction
        .end_pending(Ending::Superseded(request), now)
        .await;
    ended.unwrap();
    let new = NewPendingRequest {
        request,
        user_code: None,
        sealed: None,
    };
    transaction.insert_pending(new).await.unwrap();
}

async fn the_newest_copy_stands_for_all(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    for request in [copy("1", 0), copy("2", 1), copy("3", 2), waiting("other")] {
        ask(&mut transaction, &request).await;
    }
    for name in ["1", "2"] {
        let older = transaction.pending_by_id(&id(name)).await.unwrap().unwrap();
        assert!(older.is_superseded(), "{name}");
        let newest = transaction.newest_copy(&older).await.unwrap().unwrap();
        assert_eq!(newest.id, id("3"), "{name}");
        assert!(!newest.is_superseded());
    }
    let now = NOW.plus(Duration::from_secs(3));
    let denied = transaction
        .decide_pending(&id("3"), &decision(false), now)
        .await;
    assert!(denied.unwrap());
    let older = transaction.pending_by_id(&id("1")).await.unwrap().unwrap();
    let newest = transaction.newest_copy(&older).await.unwrap().unwrap();
    assert_eq!((&newest.id, newest.state()), (&id("3"), State::Denied));
}

async fn what_was_not_told_yet_is_told_of_the_newest(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    ask(&mut transaction, &copy("1", 0)).await;
    let to = |name: &str, target: &str| Notice {
        id: NoticeId::from_text(format!("ntc_{name}")),
        target: target.to_owned(),
        ..notice("1")
    };
    let client = waiting("1").client;
    for new in [
        to("told", "people"),
        to("waits", "people"),
        to("client", client.as_str()),
    ] {
        transaction.insert_notice(&new, NOW).await.unwrap();
    }
    let told = to("told", "people").id;
    assert!(transaction.delivered_notice(&told, "", NOW).await.unwrap());
    let newer = copy("2", 60);
    ask(&mut transaction, &newer).await;
    transaction.hand_on_notices(&newer, NOW).await.unwrap();
    let notices = transaction.notices_of_request(&newer.id).await.unwrap();
    let [handed_on] = notices.as_slice() else {
        panic!("{notices:?}");
    };
    assert_eq!(handed_on.id, to("waits", "people").id);
    assert_eq!(handed_on.expires_at, newer.expires_at);
}

async fn people_are_asked_when_their_turn_comes(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let half = END.micros() - NOW.micros();
    let half = NOW.plus(Duration::from_micros(u64::try_from(half).unwrap() / 2));
    for name in ["silent", "denied", "again"] {
        let mut request = waiting(name);
        request.asked.stages = vec![stage(&["alice"], 1), stage(&["bob"], 1)];
        ask(&mut transaction, &request).await;
    }
    let early = NOW.plus(Duration::from_secs(1));
    let denied = transaction
        .decide_pending(&id("denied"), &decision(false), early)
        .await;
    assert!(denied.unwrap());
    let again = PendingRequest {
        created_at: early,
        asked_hash: waiting("again").asked_hash,
        ..waiting("newer")
    };
    ask(&mut transaction, &again).await;
    let mut asked = async |who: &str, now| {
        let mut mine = waiting(&format!("{who} {now:?}"));
        mine.asked.stages = vec![stage(&[who], 1)];
        // Later than all that is counted.
        mine.created_at = NOW.plus(HOUR);
        ask(&mut transaction, &mine).await;
        let asked = transaction.prompts_of_people(&mine.id, NOW, now).await;
        asked.unwrap()
    };
    assert_eq!(asked("alice", early).await, 4, "each copy counts");
    assert_eq!(asked("bob", half.minus(Duration::from_micros(1))).await, 0);
    assert_eq!(
        asked("bob", half).await,
        1,
        "of the one that nobody answered"
    );
    assert_eq!(asked("olga", END).await, 0);
}
