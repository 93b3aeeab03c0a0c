//! What a person has: passkeys and ceremonies, settings, browsers; and what is to be delivered.

use std::time::Duration;

use writ_core::id::ClientId;
use writ_core::task::{Subject, Task};

use crate::push::PushSubscription;
use crate::testing::DatabaseKind;
use crate::tests::waiting::{
    END, INSTANT, ceremony, id, notice, of, passkey, settings, subscription,
};
use crate::tests::world::{HOUR, NOW, TENANT, booker, planner, task, user, world};

on_both! {
    passkeys_are_found_until_they_are_removed,
    a_ceremony_is_of_its_kind_and_ends,
    settings_and_user_code_do_not_touch_each_other,
    a_notice_is_leased_retried_and_ended,
    what_was_sealed_goes_with_the_last_attempt,
    a_browser_belongs_to_whoever_subscribed_last,
    a_device_counts_until_its_time_after_it_is_gone,
    a_server_key_is_made_once,
    whether_a_client_has_a_live_task_for_a_person,
    people_by_their_names,
    a_suspended_agent_is_resumed,
}

async fn passkeys_are_found_until_they_are_removed(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let (first, mut second) = (passkey("one", "alice"), passkey("two", "alice"));
    second.created_at = NOW.plus(HOUR);
    for new in [&second, &first, &passkey("olgas", "olga")] {
        assert!(transaction.insert_passkey(new).await.unwrap());
    }
    // A credential is one person's.
    let taken = transaction.insert_passkey(&passkey("one", "olga")).await;
    assert!(!taken.unwrap());
    let (alice, later) = (of("alice"), NOW.plus(HOUR));
    let used = transaction
        .use_passkey("one", &first.passkey, "counted", later)
        .await;
    assert!(used.unwrap());
    let stale = transaction
        .use_passkey("one", &first.passkey, "clone", later)
        .await;
    assert!(!stale.unwrap(), "judged by what is no longer so");
    let mut after = first.clone();
    (after.passkey, after.used_at) = ("counted".to_owned(), Some(later));
    assert_eq!(
        transaction.passkey("one").await.unwrap(),
        Some(after.clone())
    );
    let all = transaction.passkeys_of(&alice).await.unwrap();
    assert_eq!(all, [after, second.clone()]);
    let others = transaction.remove_passkey(&of("olga"), "one", later).await;
    assert!(!others.unwrap());
    assert!(
        transaction
            .remove_passkey(&alice, "one", later)
            .await
            .unwrap()
    );
    assert!(
        !transaction
            .remove_passkey(&alice, "one", later)
            .await
            .unwrap()
    );
    assert_eq!(transaction.passkey("one").await.unwrap(), None);
    assert_eq!(transaction.passkeys_of(&alice).await.unwrap(), [second]);
    let used = transaction
        .use_passkey("one", "counted", "again", later)
        .await;
    assert!(!used.unwrap());
    assert!(
        !transaction.insert_passkey(&first).await.unwrap(),
        "gone for good"
    );
}

async fn a_ceremony_is_of_its_kind_and_ends(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let alice = of("alice");
    let mut hers = ceremony("hers");
    (hers.kind, hers.user) = ("enrol", Some(&alice));
    for new in [hers, ceremony("anybodys")] {
        transaction.insert_ceremony(new).await.unwrap();
    }
    for (digest, kind, now) in [
        ("hers", "login", NOW),
        ("hers", "enrol", END),
        ("nobodys", "enrol", NOW),
    ] {
        let consumed = transaction
            .consume_ceremony(digest, kind, now)
            .await
            .unwrap();
        assert_eq!(consumed, None, "{digest} {kind}");
    }
    for (digest, kind, user) in [("hers", "enrol", Some(alice)), ("anybodys", "login", None)] {
        let last = END.minus(INSTANT);
        let consumed = transaction
            .consume_ceremony(digest, kind, last)
            .await
            .unwrap();
        assert_eq!(consumed, Some((user, r#"{"challenge":"c"}"#.to_owned())));
        let again = transaction
            .consume_ceremony(digest, kind, NOW)
            .await
            .unwrap();
        assert_eq!(again, None);
    }
}

async fn settings_and_user_code_do_not_touch_each_other(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let alice = of("alice");
    assert!(transaction.settings(&alice).await.unwrap().is_none());
    let code = transaction.set_user_code(&alice, Some("hash"), NOW).await;
    code.unwrap();
    let mut expected = settings();
    let saved = transaction.save_settings(&alice, &expected, NOW).await;
    saved.unwrap();
    expected.user_code_hash = Some("hash".to_owned());
    assert!(transaction.settings(&alice).await.unwrap().unwrap() == expected);
    expected.email = None;
    let saved = transaction.save_settings(&alice, &expected, NOW).await;
    saved.unwrap();
    assert!(transaction.settings(&alice).await.unwrap().unwrap() == expected);
    transaction.set_user_code(&alice, None, NOW).await.unwrap();
    expected.user_code_hash = None;
    assert!(transaction.settings(&alice).await.unwrap().unwrap() == expected);
    assert!(transaction.settings(&of("olga")).await.unwrap().is_none());
}

async fn a_notice_is_leased_retried_and_ended(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let at = |seconds| NOW.plus(Duration::from_secs(seconds));
    let mut new = notice("1");
    assert_eq!(transaction.next_notice_at(NOW).await.unwrap(), None);
    transaction.insert_notice(&new, at(10)).await.unwrap();
    assert_eq!(transaction.next_notice_at(NOW).await.unwrap(), Some(at(10)));
    let early = transaction
        .take_due_notices(at(9), at(99), 9)
        .await
        .unwrap();
    assert!(early.is_empty());
    for (now, lease, attempts) in [(10, 40, 1), (40, 70, 2)] {
        let taken = transaction.take_due_notices(at(now), at(lease), 9).await;
        new.attempts = attempts;
        assert_eq!(taken.unwrap(), [new.clone()]);
        let again = transaction.take_due_notices(at(now), at(lease), 9).await;
        assert!(again.unwrap().is_empty(), "leased");
        assert_eq!(
            transaction.next_notice_at(NOW).await.unwrap(),
            Some(at(lease))
        );
    }
    let later = transaction.retry_notice(&new.id, at(200), "503").await;
    assert!(later.unwrap());
    transaction
        .reseal_notice(&new.id, "resealed")
        .await
        .unwrap();
    (new.sealed, new.attempts) = ("resealed".to_owned(), 3);
    let taken = transaction.take_due_notices(at(200), at(230), 9).await;
    assert_eq!(taken.unwrap(), [new.clone()]);
    let done = transaction.delivered_notice(&new.id, "204", at(201)).await;
    assert!(done.unwrap());
    let over = [
        transaction.delivered_notice(&new.id, "204", at(201)).await,
        transaction.failed_notice(&new.id, "401", at(201)).await,
        transaction.retry_notice(&new.id, at(201), "503").await,
    ];
    assert!(over.into_iter().all(|done| !done.unwrap()));
    assert_eq!(transaction.next_notice_at(NOW).await.unwrap(), None);
    // What expired is never sent, and nobody wakes for it.
    transaction.insert_notice(&notice("2"), NOW).await.unwrap();
    assert_eq!(transaction.next_notice_at(END).await.unwrap(), None);
    let late = transaction.take_due_notices(END, END, 9).await.unwrap();
    assert!(late.is_empty());
    let of_request = transaction.notices_of_request(&id("1")).await.unwrap();
    assert_eq!(of_request.len(), 2);
    assert!(
        transaction
            .notices_of_request(&id("2"))
            .await
            .unwrap()
            .is_empty()
    );
}

async fn what_was_sealed_goes_with_the_last_attempt(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    for name in ["1", "2"] {
        transaction.insert_notice(&notice(name), NOW).await.unwrap();
    }
    let (one, two) = (notice("1").id, notice("2").id);
    assert!(
        transaction
            .delivered_notice(&one, "204", NOW)
            .await
            .unwrap()
    );
    assert!(transaction.failed_notice(&two, "gone", NOW).await.unwrap());
    transaction.reseal_notice(&two, "sealed").await.unwrap();
    let browser = subscription("endpoint", "alice");
    transaction.upsert_subscription(&browser).await.unwrap();
    assert!(
        transaction
            .subscription_gone("endpoint", NOW)
            .await
            .unwrap()
    );
    transaction.commit().await.unwrap();
    let rows = database.dump().await;
    assert!(rows.contains("ntc_2") && rows.contains("endpoint"));
    assert!(!rows.contains("sealed"), "{rows}");
}

async fn a_browser_belongs_to_whoever_subscribed_last(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let (alice, olga) = (of("alice"), of("olga"));
    for browser in [
        subscription("one", "alice"),
        subscription("two", "alice"),
        subscription("one", "olga"),
    ] {
        transaction.upsert_subscription(&browser).await.unwrap();
    }
    let hers = transaction.subscriptions_of(&alice).await.unwrap();
    assert_eq!(hers, [subscription("two", "alice")]);
    let hers = transaction.subscriptions_of(&olga).await.unwrap();
    assert_eq!(hers, [subscription("one", "olga")]);
    assert!(transaction.subscription_gone("one", NOW).await.unwrap());
    assert!(!transaction.subscription_gone("one", NOW).await.unwrap());
    assert!(
        transaction
            .subscriptions_of(&olga)
            .await
            .unwrap()
            .is_empty()
    );
    let again = subscription("one", "olga");
    transaction.upsert_subscription(&again).await.unwrap();
    assert_eq!(transaction.subscriptions_of(&olga).await.unwrap(), [again]);
}

async fn a_device_counts_until_its_time_after_it_is_gone(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let own = |endpoint, browser: Option<&str>| PushSubscription {
        browser: browser.map(str::to_owned),
        ..subscription(endpoint, "alice")
    };
    for browser in [
        own("one", Some("phone")),
        own("two", Some("phone")),
        own("three", Some("computer")),
        own("of before", None),
    ] {
        assert!(transaction.upsert_subscription(&browser).await.unwrap());
    }
    let gone = NOW.plus(HOUR);
    assert!(transaction.subscription_gone("three", gone).await.unwrap());
    let (alice, olga) = (of("alice"), of("olga"));
    for (since, devices) in [(NOW, vec!["computer", "phone"]), (gone, vec!["phone"])] {
        let found = transaction.own_devices(&alice, since).await.unwrap();
        assert_eq!(found, devices);
    }
    assert!(
        transaction
            .own_devices(&olga, NOW)
            .await
            .unwrap()
            .is_empty()
    );
    transaction.commit().await.unwrap();
    let mut other = database.store.begin("another").await.unwrap();
    assert!(other.own_devices(&alice, NOW).await.unwrap().is_empty());
    assert_eq!(other.asked_elsewhere("q").await.unwrap(), None);
    assert!(!other.ask_elsewhere("q", &id("1"), NOW).await.unwrap());
}

async fn a_server_key_is_made_once(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    assert_eq!(transaction.server_key("vapid").await.unwrap(), None);
    for (public, first) in [("one", true), ("two", false)] {
        let made = transaction
            .insert_server_key("vapid", public, "sealed", NOW)
            .await;
        assert_eq!(made.unwrap(), first);
    }
    let found = transaction.server_key("vapid").await.unwrap();
    assert_eq!(found, Some(("one".to_owned(), "sealed".to_owned())));
    assert_eq!(transaction.server_key("other").await.unwrap(), None);
}

async fn whether_a_client_has_a_live_task_for_a_person(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let (alice, end) = (of("alice"), NOW.plus(HOUR));
    let newer = Task {
        created_at: NOW.plus(INSTANT),
        ..task("newer")
    };
    // Its own work, under a name that looks like hers.
    let own = Task {
        subject: Subject::Agent("usr_alice".to_owned()),
        client: booker(),
        ..task("own")
    };
    for new in [&task("older"), &newer, &task("stopped"), &own] {
        assert!(transaction.insert_task_if_active(new).await.unwrap());
    }
    assert!(
        transaction
            .stop_task(&task("stopped").id, NOW)
            .await
            .unwrap()
    );
    for (person, client, now, expected) in [
        (&alice, planner(), end.minus(INSTANT), true),
        (&alice, planner(), end, false),
        (&alice, booker(), NOW, false),
        (&of("olga"), planner(), NOW, false),
        (&alice, ClientId::from_text("nobody"), NOW, false),
    ] {
        let live = transaction
            .has_live_task(person, &client, now)
            .await
            .unwrap();
        assert_eq!(live, expected, "{person} {client}");
    }
}

async fn people_by_their_names(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let mut names = vec!["olga".to_owned(), "nobody".to_owned(), "Alice".to_owned()];
    for place in 0..9 {
        let person = user(&format!("person{place}"));
        let written = transaction.insert_user(&person, "hash", NOW).await.unwrap();
        assert!(written);
        names.push(person.name);
    }
    names.extend(["alice".to_owned(), "olga".to_owned()]);
    assert!(transaction.disable_user(&of("alice"), NOW).await.unwrap());
    let found = transaction.users_by_names(&names).await.unwrap();
    let mut disabled = user("alice");
    disabled.disabled = true;
    assert_eq!(found.len(), 11);
    assert_eq!(found.first(), Some(&user("olga")));
    assert_eq!(found.get(1), Some(&user("person0")));
    assert_eq!(found.last(), Some(&disabled));
    assert!(transaction.users_by_names(&[]).await.unwrap().is_empty());
}

async fn a_suspended_agent_is_resumed(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    assert!(!transaction.resume_client(&planner()).await.unwrap());
    assert!(transaction.stop_client(&planner(), NOW).await.unwrap());
    assert!(transaction.resume_client(&planner()).await.unwrap());
    assert!(
        !transaction
            .client(&planner())
            .await
            .unwrap()
            .unwrap()
            .stopped
    );
    assert!(transaction.stop_client(&planner(), NOW).await.unwrap());
}
