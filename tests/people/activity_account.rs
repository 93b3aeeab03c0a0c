//! What happened to the account is told by the act that it was, and never as something else.

use serde_json::json;
use writ_server::operate::disable::{UserSwitch, switch_user};
use writ_testkit::{Cast, PASSWORD, Phone, WebPage, World, both, both_heard};

use super::account::{NEW, finish, invite, link, reset, signs_in, text};
use super::webpush;

const CHANGED: &str = "You changed your settings";

async fn set(phone: &mut Phone, fields: &[(&'static str, &str)]) {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    let done = phone.post("/app/settings", &fields).await;
    assert_eq!(done.reply.status, 200, "{fields:?}: {}", done.words());
}

/// What stands first.
async fn activity(world: &World, phone: &mut Phone) -> WebPage {
    world.advance(1);
    phone.browser.open("/app/activity").await
}

both!(each_setting_is_told_by_its_name, |world| async {
    Cast::of(&world).await;
    let mut alice = world.phone_of("alice").await;
    let password = ("password", PASSWORD);
    for (fields, says) in [
        (
            &[("setting", "preferences"), ("time_zone", "Europe/Berlin")][..],
            "You changed your time zone",
        ),
        (
            &[
                ("setting", "preferences"),
                ("time_zone", "Europe/Berlin"),
                ("from", "22:00"),
                ("until", "07:00"),
            ],
            "You changed your quiet hours",
        ),
        (
            &[("setting", "user_code"), ("user_code", "4711"), password],
            "You set a user code",
        ),
        (
            &[("setting", "user_code"), ("user_code", ""), password],
            "You removed your user code",
        ),
        (
            &[("setting", "email"), ("email", ""), password],
            "You took your mail address away",
        ),
    ] {
        let before = activity(&world, &mut alice).await;
        before.does_not_say(says);
        set(&mut alice, fields).await;
        activity(&world, &mut alice).await.says(says);
    }
    activity(&world, &mut alice).await.does_not_say(CHANGED);
});

both!(what_others_did_is_told_too, |world| async {
    Cast::of(&world).await;
    let catalogue = world.app.catalogue().await.unwrap();
    let registry = world.registry(&catalogue.types);
    let email = registry.change_email("alice", Some("alice@example.org"));
    email.await.unwrap();
    let printed = reset(&world, "alice").await.unwrap();
    let mut hers = world.phone(1);
    let page = hers.browser.open(&link(&printed)).await;
    finish(&mut hers.browser, &page, "BBBB-BBBB", NEW).await;
    finish(&mut hers.browser, &page, &text(&printed, "code"), NEW).await;
    assert!(!signs_in(&world, "alice", PASSWORD).await);
    let told = activity(&world, &mut hers).await;
    for says in [
        "The operator changed the address that apps are told",
        "The operator let you set a new password",
        "A wrong code was typed for your account",
        "You set a new password by a link",
        "A sign-in with a wrong password",
    ] {
        told.says(says);
    }
    told.does_not_say(CHANGED);
    told.does_not_say("You changed your password");
    // Whoever was invited.
    let printed = invite(&world, "noor").await;
    let mut phone = world.phone(2);
    let page = phone.browser.open(&link(&printed)).await;
    finish(&mut phone.browser, &page, &text(&printed, "code"), NEW).await;
    activity(&world, &mut phone)
        .await
        .says("You accepted your invitation");
});

both_heard!(
    notifications_of_a_browser_are_told,
    |world, receiver| async {
        Cast::of(&world).await;
        let mut alice = world.phone_of("alice").await;
        let keys = json!({ "p256dh": webpush::PUBLIC, "auth": webpush::AUTH });
        let endpoint = receiver.url("/push/1");
        let subscription = json!({ "endpoint": endpoint, "keys": keys }).to_string();
        alice
            .post("/app/devices/push", &[("subscription", subscription)])
            .await;
        let told = activity(&world, &mut alice).await;
        told.says("You turned notifications on in a browser");
        told.does_not_say("notifications off");
        alice
            .post("/app/devices/push/remove", &[("endpoint", endpoint)])
            .await;
        let told = activity(&world, &mut alice).await;
        told.says("You turned notifications off in a browser");
        told.does_not_say(CHANGED);
    }
);

both!(being_stopped_and_let_in_again_is_told, |world| async {
    Cast::of(&world).await;
    for to in [UserSwitch::Disable, UserSwitch::Enable] {
        world.advance(1);
        let change = world.change();
        let mut transaction = world.begin().await;
        let done = switch_user(&mut transaction, "alice", to, change).await;
        assert!(done.unwrap().is_some());
        transaction.commit().await.unwrap();
    }
    let mut alice = world.phone_of("alice").await;
    let told = activity(&world, &mut alice).await;
    told.says("The operator locked your account");
    told.says("The operator let you in again");
});

both!(a_task_that_waits_after_a_reset_is_told, |world| async {
    let cast = Cast::of(&world).await;
    cast.token(&world).await;
    let printed = reset(&world, "alice").await.unwrap();
    let mut hers = world.phone(1);
    let page = hers.browser.open(&link(&printed)).await;
    finish(&mut hers.browser, &page, &text(&printed, "code"), NEW).await;
    let told = activity(&world, &mut hers).await;
    told.says("What agt_planner does for you was paused");
});

both!(
    /// Whoever sits in a session and guesses is no sign-in.
    a_wrong_password_within_a_session_is_told_as_such,
    |world| async {
        Cast::of(&world).await;
        let mut alice = world.phone_of("alice").await;
        let fields = [
            ("setting", "user_code".to_owned()),
            ("user_code", "4711".to_owned()),
            ("password", "not hers at all".to_owned()),
        ];
        let refused = alice.post("/app/settings", &fields).await;
        assert_eq!(refused.reply.status, 422);
        let told = activity(&world, &mut alice).await;
        told.says("A wrong password was typed where you were signed in");
        told.does_not_say("A sign-in with a wrong password");
    }
);
