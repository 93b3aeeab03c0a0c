//! What a person's pages and export hold at most: as much as their number says, and what is left out is said or comes on a next page.

use std::time::Duration;

use serde_json::{Value, json};
use writ_authority::{Decimal, Level, UsualAmount};
use writ_core::authorize::OpenedBy;
use writ_core::consent::Consent;
use writ_core::delegation::Delegation;
use writ_core::event::{Event, EventName};
use writ_core::history::Use;
use writ_core::id::{ApprovalId, ClientId, ConsentId, DelegationId, ReceiptId, TaskId};
use writ_core::pending::PendingRequest;
use writ_core::task::Task;
use writ_store::approved_uses::NewUses;
use writ_store::event::EventsOf;
use writ_store::pending::NewPendingRequest;
use writ_store::receipt::NewReceipt;
use writ_store::session::NewUserSession;
use writ_testkit::{Cast, PASSWORD, Phone, WebPage, World, both, claims};

async fn signed_in(world: &World) -> Phone {
    let phone = world.phone_of("alice").await;
    world.advance(1);
    phone
}

fn how_often(page: &WebPage, text: &str) -> usize {
    page.reply.text().matches(text).count()
}

/// So many events about alice of which her page tells nothing.
async fn untold(world: &World, cast: &Cast, count: usize) {
    let mut transaction = world.begin().await;
    for _ in 0..count {
        let (id, now) = (world.app.event_id(world.now()), world.now());
        let event = Event::new(id, now, EventName::TaskApproved).of_subject(&cast.alice);
        transaction.insert_event(&event).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

/// How many events are newer than the newest of this name.
async fn newer_than(world: &World, of: EventsOf<'_>, name: &str) -> usize {
    let mut reading = world.begin().await;
    let events = reading.events_before(of, None, 100).await.unwrap();
    let found = events.iter().position(|event| event.name == name);
    found.unwrap()
}

both!(a_page_of_activity_reads_a_thousand_events, |world| async {
    let cast = Cast::of(&world).await;
    let mut alice = signed_in(&world).await;
    let told = "You signed in with your password";
    let newer = newer_than(&world, EventsOf::Subject(&cast.alice), "login.succeeded").await;
    untold(&world, &cast, 999 - newer).await;
    alice.browser.open("/app/activity").await.says(told);
    untold(&world, &cast, 1).await;
    let first = alice.browser.open("/app/activity").await;
    first.does_not_say(told);
    first.does_not_say("Nothing happened yet");
    let html = first.reply.text();
    let older = html.split("href=\"/app/activity?before=").nth(1).unwrap();
    let older = older.split('"').next().unwrap();
    let second = format!("/app/activity?before={older}");
    alice.browser.open(&second).await.says(told);
});

async fn export(alice: &mut Phone) -> Value {
    alice
        .browser
        .open("/app/activity/export")
        .await
        .reply
        .json()
}

fn length(list: &Value) -> usize {
    list.as_array().unwrap().len()
}

async fn events_of(world: &World, cast: &Cast) -> usize {
    let mut reading = world.begin().await;
    let of = EventsOf::Subject(&cast.alice);
    reading.events_before(of, None, 20_000).await.unwrap().len()
}

both!(
    an_export_has_ten_thousand_events_and_says_whether_that_is_all,
    |world| async {
        let cast = Cast::of(&world).await;
        let mut alice = signed_in(&world).await;
        let own = events_of(&world, &cast).await;
        let copies = i64::try_from((10_000 - own) / own).unwrap();
        world.database.copy_events(&cast.alice, copies, 0).await;
        let there = events_of(&world, &cast).await;
        untold(&world, &cast, 10_000 - there).await;
        let all = export(&mut alice).await;
        assert_eq!(
            (length(&all["events"]), &all["complete"]),
            (10_000, &json!(true))
        );
        untold(&world, &cast, 1).await;
        let newest = export(&mut alice).await;
        assert_eq!(
            (length(&newest["events"]), &newest["complete"]),
            (10_000, &json!(false))
        );
        assert_eq!(
            newest["events"][0], all["events"][1],
            "the oldest is left out"
        );
    }
);

/// So many more consents, and receipts, of alice.
async fn texts(world: &World, task: &Task, of: &str, count: usize) {
    let mut transaction = world.begin().await;
    let alice = world.user_id("alice").await;
    for place in 0..count {
        let consent = Consent {
            id: ConsentId::from_text(format!("con_{of}_{place}")),
            shown: "Pay 12.50".to_owned(),
            shown_hash: "hash".to_owned(),
            locale: "en".to_owned(),
            method: "password",
            at: world.now(),
        };
        transaction.insert_consent(task, &consent).await.unwrap();
        let receipt = NewReceipt {
            id: &ReceiptId::from_text(format!("rcp_{of}_{place}")),
            request: &ApprovalId::from_text("apr_1"),
            user: &alice,
            document: "{}",
            at: world.now(),
        };
        transaction.insert_receipt(receipt).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

both!(
    an_export_has_a_thousand_consents_and_receipts_and_says_whether_that_is_all,
    |world| async {
        let cast = Cast::of(&world).await;
        let task = task_of(&world, &cast.token(&world).await).await;
        let mut alice = signed_in(&world).await;
        texts(&world, &task, "first", 999).await;
        let export_of = export(&mut alice).await;
        // One consent is that to the task itself.
        assert_eq!(
            (
                length(&export_of["consents"]),
                length(&export_of["receipts"])
            ),
            (1000, 999)
        );
        assert_eq!(export_of["complete"], json!(true), "all of it");
        texts(&world, &task, "second", 1).await;
        let export_of = export(&mut alice).await;
        assert_eq!(
            (
                length(&export_of["consents"]),
                length(&export_of["receipts"])
            ),
            (1000, 1000)
        );
        assert_eq!(
            export_of["complete"],
            json!(false),
            "one consent is left out"
        );
    }
);

async fn task_of(world: &World, token: &str) -> Task {
    let id = claims(token)["mission"]["id"].as_str().unwrap().to_owned();
    let mut reading = world.begin().await;
    let stored = reading.task(&TaskId::from_text(id)).await.unwrap();
    stored.unwrap().task
}

async fn uses(world: &World, approval: &str, count: usize) {
    let alice = world.user_id("alice").await;
    let one = |place| Use {
        place,
        type_name: "payment".to_owned(),
        payee_digest: "payee".to_owned(),
        amount: Some(UsualAmount {
            value: Decimal::parse("1").unwrap(),
            text: "1".to_owned(),
            unit: "EUR".to_owned(),
        }),
    };
    let uses: Vec<Use> = (0..count).map(one).collect();
    let new = NewUses {
        approval: &ApprovalId::from_text(approval),
        client: &ClientId::from_text("agt_planner"),
        subject: &alice,
        uses: &uses,
    };
    let mut transaction = world.begin().await;
    transaction.insert_uses(new, world.now()).await.unwrap();
    transaction.commit().await.unwrap();
}

both!(
    of_more_than_a_thousand_uses_the_sum_is_at_least_what_is_told,
    |world| async {
        Cast::of(&world).await;
        let mut alice = signed_in(&world).await;
        uses(&world, "apr_first", 1000).await;
        let page = alice.browser.open("/app/agents").await;
        page.says("in 1 decision");
        page.does_not_say("At least");
        uses(&world, "apr_second", 1).await;
        alice.browser.open("/app/agents").await.says("At least");
    }
);

both!(a_hundred_unused_approvals_are_listed, |world| async {
    let cast = Cast::of(&world).await;
    cast.token(&world).await;
    let asked = cast.planner.asked(&world, &cast.question()).await;
    let question = world.waiting(&asked).await;
    let yes = world
        .yes(&asked, "alice", question.asked.authority.clone())
        .await;
    let mut transaction = world.begin().await;
    for place in 0..101 {
        let one = PendingRequest {
            id: ApprovalId::from_text(format!("apr_unused_{place}")),
            digest: format!("digest {place}"),
            ..question.clone()
        };
        let new = NewPendingRequest {
            request: &one,
            user_code: None,
            sealed: None,
        };
        transaction.insert_pending(new).await.unwrap();
        let decided = transaction.decide_pending(&one.id, &yes, world.now()).await;
        assert!(decided.unwrap());
    }
    transaction.commit().await.unwrap();
    let page = world
        .phone_of("alice")
        .await
        .browser
        .open("/app/agents")
        .await;
    assert_eq!(how_often(&page, "(until "), 100);
});

both!(
    the_newest_fifty_sign_ins_are_listed_and_all_others_end,
    |world| async {
        Cast::of(&world).await;
        let alice = world.user_id("alice").await;
        let mut transaction = world.begin().await;
        for place in 0..50 {
            let session = NewUserSession {
                digest: &format!("digest {place}"),
                user: &alice,
                authenticated_at: world.now(),
                level: Level::Password,
                opened_by: OpenedBy::Password,
                for_request: None,
                expires_at: world.now().plus(Duration::from_secs(3600)),
                user_agent: None,
                address: None,
                upstream: None,
            };
            transaction.insert_session(session).await.unwrap();
        }
        transaction.commit().await.unwrap();
        world.advance(1);
        let mut here = world.browser();
        let page = here.open("/app/devices").await;
        here.log_in(&page, "alice", PASSWORD).await;
        let page = here.open("/app/devices").await;
        page.says("This browser");
        assert_eq!(how_often(&page, "name=\"session-end\""), 49);
        here.submit(&page, "sessions-end-others", &[]).await;
        let events = world.events_named("session.ended").await;
        assert_eq!(
            events[0].data["sessions_ended"], 50,
            "also what was not listed"
        );
    }
);

/// So many agents more that have a part of this one's.
async fn hand_out(world: &World, root: &Delegation, of: &str, count: usize) {
    let mut transaction = world.begin().await;
    for place in 0..count {
        let part = Delegation {
            id: DelegationId::from_text(format!("dlg_z_{of}_{place:03}")),
            parent: Some(root.id.clone()),
            holder: ClientId::from_text(format!("agt_{of}_{place:03}")),
            ..root.clone()
        };
        transaction.insert_delegation(&part).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

async fn root_of(world: &World, token: &str) -> Delegation {
    let id = claims(token)["act"]["dlg"].as_str().unwrap().to_owned();
    let mut reading = world.begin().await;
    let lineage = reading.lineage(&DelegationId::from_text(id)).await.unwrap();
    lineage.unwrap().leaf
}

both!(
    /// Of a task the holders of its first 64 pieces are named; on a page a hundred agents stand that act in tasks of others.
    a_page_of_agents_names_so_many_of_a_task_and_in_all,
    |world| async {
        let cast = Cast::of(&world).await;
        let first = root_of(&world, &cast.token(&world).await).await;
        hand_out(&world, &first, "first", 64).await;
        let mut alice = signed_in(&world).await;
        let page = alice.browser.open("/app/agents").await;
        assert_eq!(how_often(&page, "<li class=\"level-"), 64);
        page.says("agt_first_062");
        page.does_not_say("agt_first_063");
        assert_eq!(how_often(&page, "<article class=\"agent\""), 1 + 63);
        let second = root_of(&world, &cast.token(&world).await).await;
        hand_out(&world, &second, "second", 64).await;
        let page = alice.browser.open("/app/agents").await;
        assert_eq!(how_often(&page, "<li class=\"level-"), 2 * 64, "tasks name theirs");
        assert_eq!(how_often(&page, "<article class=\"agent\""), 1 + 100);
    }
);

both!(
    /// However much happened in the task since.
    the_last_token_is_found_below_hundreds_of_events,
    |world| async {
        let cast = Cast::of(&world).await;
        let task = task_of(&world, &cast.token(&world).await).await;
        let mut alice = signed_in(&world).await;
        let mut transaction = world.begin().await;
        for _ in 0..300 {
            let (id, now) = (world.app.event_id(world.now()), world.now());
            let event = Event::new(id, now, EventName::TaskApproved).about(&task);
            transaction.insert_event(&event).await.unwrap();
        }
        transaction.commit().await.unwrap();
        let page = alice.browser.open("/app/agents").await;
        page.says("Last token");
        page.does_not_say("None yet");
    }
);
