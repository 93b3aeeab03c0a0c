//! What waits in the scenes: a request to alice, votes, decisions, a passkey, a notice; and one row of each kind.

use std::collections::BTreeSet;
use std::time::Duration;

use writ_authority::{Authority, Level};
use writ_core::access_request::AskedAccess;
use writ_core::id::{ApprovalId, ClientId, DelegationId, NoticeId, ReceiptId, TaskId, UserId};
use writ_core::pending::{
    Asked, Decision, Delivery, Ending, Kind, POLL_INTERVAL, PendingRequest, PendingStatus, Polling,
    Role, Safeguards, Stage, State, Vote,
};
use writ_wire::time::Timestamp;

use crate::DatabaseTransaction;
use crate::notice::Notice;
use crate::passkey::{NewCeremony, StoredPasskey};
use crate::pending::NewPendingRequest;
use crate::push::PushSubscription;
use crate::receipt::NewReceipt;
use crate::settings::PersonSettings;
use crate::tests::world::{HOUR, NOW, authority, bank, key, planner, task, user};

/// The end of what `waiting` makes.
pub const END: Timestamp = Timestamp::from_seconds(NOW.seconds() + 300);
pub const INSTANT: Duration = Duration::from_micros(1);

pub fn id(name: &str) -> ApprovalId {
    ApprovalId::from_text(format!("apr_{name}"))
}

pub fn of(name: &str) -> UserId {
    user(name).id
}

pub fn stage(of_whom: &[&str], need: usize) -> Stage {
    let of = of_whom.iter().map(|name| of(name)).collect();
    let role = Role::Subject;
    Stage { role, of, need }
}

/// The planner asks alice, for five minutes.
pub fn waiting(name: &str) -> PendingRequest {
    PendingRequest {
        id: id(name),
        kind: Kind::Ciba,
        digest: format!("digest {name}"),
        client: planner(),
        subject: Some(of("alice")),
        status: PendingStatus::Pending,
        asked: Asked {
            authority: authority(),
            binding_message: Some("W4-7R".to_owned()),
            reason: Some("the hotel in Łódź".to_owned()),
            level: Level::Passkey,
            stages: vec![stage(&["alice"], 1)],
            safeguards: Safeguards::default(),
            delivery: Delivery::Ping,
            number: Some(42),
            address: Some("192.0.2.1".to_owned()),
            identity: true,
            transaction: None,
            access: None,
            consent: None,
            onward: writ_core::onward::Onward::nobody(),
        },
        asked_hash: format!("hash {name}"),
        jkt: Some(key('a')),
        asked_by: Some(DelegationId::from_text("dlg_tsk_t_1")),
        task: Some(TaskId::from_text("tsk_t")),
        polling: Polling {
            interval: POLL_INTERVAL,
            last: None,
            hasty: 0,
        },
        stage: 0,
        created_at: NOW,
        expires_at: END,
    }
}

/// The bank asks alice about an action of the planner.
pub fn question(name: &str) -> PendingRequest {
    let waiting = waiting(name);
    let access = AskedAccess {
        resource: bank(),
        served_by: ClientId::from_text("bank-api"),
        action: "close_account".to_owned(),
        object: format!("sha-256:{name}"),
        evaluation: format!("evaluation {name}"),
        call_again: false,
        says: None,
        resolved: BTreeSet::new(),
        called: std::collections::BTreeMap::new(),
        scope: None,
        waited_by: None,
        definition_hash: None,
        described: None,
        used_up: None,
    };
    PendingRequest {
        kind: Kind::Access,
        asked: Asked {
            access: Some(access),
            ..waiting.asked.clone()
        },
        ..waiting
    }
}

/// A terminal asks whoever comes.
pub fn device(name: &str) -> PendingRequest {
    let waiting = waiting(name);
    PendingRequest {
        kind: Kind::Device,
        subject: None,
        asked: Asked {
            stages: Vec::new(),
            number: None,
            ..waiting.asked.clone()
        },
        jkt: None,
        asked_by: None,
        task: None,
        ..waiting
    }
}

pub fn decision(yes: bool) -> Decision {
    Decision {
        authority: if yes {
            authority()
        } else {
            Authority::default()
        },
        narrowed: false,
        ends_at: yes.then_some(NOW.plus(HOUR)),
        approval: yes.then(|| task("t").approval),
        by: vec![vote("alice", NOW)],
        reason: (!yes).then(|| "not me".to_owned()),
    }
}

pub fn vote(name: &str, at: Timestamp) -> Vote {
    Vote {
        user: of(name),
        name: name.to_owned(),
        role: Role::Subject,
        stage: 0,
        at,
        level: Level::Passkey,
        receipt: ReceiptId::from_text("rcp_1"),
    }
}

pub async fn insert(transaction: &mut DatabaseTransaction, request: &PendingRequest) {
    let new = NewPendingRequest {
        request,
        user_code: None,
        sealed: None,
    };
    transaction.insert_pending(new).await.unwrap();
}

/// A request in this state, changed at `NOW` last.
pub async fn bring(transaction: &mut DatabaseTransaction, request: &PendingRequest, state: State) {
    insert(transaction, request).await;
    let (id, now) = (&request.id, NOW);
    let approved = matches!(state, State::Approved | State::Redeemed);
    if state == State::Viewed {
        assert!(transaction.view_pending(id, now).await.unwrap());
    }
    if approved || state == State::Denied {
        let decision = decision(approved);
        let done = transaction.decide_pending(id, &decision, now).await;
        assert!(done.unwrap());
    }
    if state == State::Redeemed {
        let delegation = DelegationId::from_text("dlg_approved");
        assert!(
            transaction
                .redeem_pending(id, &delegation, now)
                .await
                .unwrap()
        );
    }
    if state == State::Expired {
        assert!(expire(transaction, id, END).await);
    }
    if state == State::Cancelled {
        let ending = Ending::Cancelled {
            request: id,
            because: None,
        };
        let ended = transaction.end_pending(ending, now).await;
        assert_eq!(ended.unwrap().len(), 1);
    }
}

/// Whether this call ended it, because its time was over.
pub async fn expire(transaction: &mut DatabaseTransaction, id: &ApprovalId, at: Timestamp) -> bool {
    let ended = transaction.end_pending(Ending::Late(id), at).await.unwrap();
    ended.iter().any(|ended| ended.request.id == *id)
}

pub fn passkey(credential: &str, name: &str) -> StoredPasskey {
    StoredPasskey {
        credential_id: credential.to_owned(),
        user: of(name),
        name: "phone".to_owned(),
        passkey: r#"{"counter":1}"#.to_owned(),
        created_at: NOW,
        used_at: None,
    }
}

pub fn ceremony(digest: &str) -> NewCeremony<'_> {
    NewCeremony {
        digest,
        kind: "login",
        user: None,
        state: r#"{"challenge":"c"}"#,
        created_at: NOW,
        expires_at: END,
    }
}

pub fn notice(name: &str) -> Notice {
    Notice {
        id: NoticeId::from_text(format!("ntc_{name}")),
        kind: "ping".to_owned(),
        request: Some(id("1")),
        user: None,
        target: "https://agent.example/ping".to_owned(),
        sealed: "sealed".to_owned(),
        attempts: 0,
        created_at: NOW,
        expires_at: END,
    }
}

pub fn subscription(digest: &str, name: &str) -> PushSubscription {
    PushSubscription {
        digest: digest.to_owned(),
        user: of(name),
        sealed: "sealed".to_owned(),
        name: "Firefox".to_owned(),
        browser: None,
        created_at: NOW,
    }
}

pub fn settings() -> PersonSettings {
    PersonSettings {
        email: Some("alice@example.org".to_owned()),
        quiet_from: Some(22 * 60),
        quiet_until: Some(7 * 60),
        offset_minutes: Some(-210),
        ..PersonSettings::default()
    }
}

/// One row of every kind of what waits, and of what a person has.
pub async fn fill(transaction: &mut DatabaseTransaction) {
    let (request, alice) = (waiting("1"), of("alice"));
    let new = NewPendingRequest {
        request: &request,
        user_code: None,
        sealed: Some("sealed"),
    };
    transaction.insert_pending(new).await.unwrap();
    let terminal = device("2");
    let new = NewPendingRequest {
        request: &terminal,
        user_code: Some("code"),
        sealed: None,
    };
    transaction.insert_pending(new).await.unwrap();
    let at = transaction
        .save_screen(&request.id, &alice, "screen", NOW)
        .await;
    at.unwrap();
    let voted = transaction
        .insert_vote(&request.id, &vote("alice", NOW), NOW)
        .await;
    assert!(voted.unwrap());
    let receipt = NewReceipt {
        id: &ReceiptId::from_text("rcp_1"),
        request: &request.id,
        user: &alice,
        document: "{}",
        at: NOW,
    };
    transaction.insert_receipt(receipt).await.unwrap();
    let new = passkey("credential", "alice");
    assert!(transaction.insert_passkey(&new).await.unwrap());
    transaction
        .insert_ceremony(ceremony("ceremony"))
        .await
        .unwrap();
    let saved = transaction.save_settings(&alice, &settings(), NOW).await;
    saved.unwrap();
    transaction.insert_notice(&notice("1"), NOW).await.unwrap();
    let browser = subscription("endpoint", "alice");
    transaction.upsert_subscription(&browser).await.unwrap();
    let key = transaction
        .insert_server_key("vapid", "public", "sealed", NOW)
        .await;
    assert!(key.unwrap());
}
