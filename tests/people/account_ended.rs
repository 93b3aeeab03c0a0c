//! What a reset ends besides logins: the notifications of other browsers, which are told that and nothing after it. And why something is
//! paused is told by its one cause.

use serde_json::json;
use writ_core::id::{ApprovalId, ClientId, UserId};
use writ_core::pause::PausedBecause;
use writ_server::background::sending;
use writ_store::standing::Pair;
use writ_testkit::{Cast, Phone, both, both_heard};

use super::account::{NEW, finish, link, reset, text};
use super::paused::staged;
use super::webpush;

const DEVICE: &str = "writ-device-loopback-default";

/// Its browser turns notifications on, as its script does.
async fn told_in(phone: &mut Phone, name: &str, endpoint: &str) {
    let keys = json!({ "p256dh": webpush::PUBLIC, "auth": webpush::AUTH });
    let subscription = json!({ "endpoint": endpoint, "keys": keys }).to_string();
    let fields = [("subscription", subscription), ("name", name.to_owned())];
    let done = phone.post("/app/devices/push", &fields).await;
    assert_eq!(done.reply.status, 200, "{}", done.words());
    assert!(phone.browser.cookies.contains_key(DEVICE));
}

both_heard!(
    a_reset_ends_the_notifications_of_every_other_browser,
    |world, receiver| async {
        let alice = UserId::from_text(Cast::of(&world).await.alice);
        let (mut hers, mut other) = (world.phone_of("alice").await, world.phone_of("alice").await);
        told_in(&mut hers, "Hers", &receiver.url("/push/hers")).await;
        told_in(&mut other, "Other", &receiver.url("/push/other")).await;
        sending::send_due(&world.app).await.unwrap();
        receiver.heard();
        let printed = reset(&world, "alice").await.unwrap();
        sending::send_due(&world.app).await.unwrap();
        receiver.heard();
        let page = hers.browser.open(&link(&printed)).await;
        let done = finish(&mut hers.browser, &page, &text(&printed, "code"), NEW).await;
        done.says("No other browser gets your notifications any more");
        let mut reading = world.app.read().await.unwrap();
        let left = reading.subscriptions_of(&alice).await.unwrap();
        drop(reading);
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].name, "Hers");
        let recovered = world.events_named("user.recovered").await;
        assert_eq!(recovered[0].data["browsers_ended"], json!(1));
        sending::send_due(&world.app).await.unwrap();
        let mut told: Vec<_> = receiver
            .heard()
            .iter()
            .map(|one| (one.path.clone(), webpush::plain(one)["title"].clone()))
            .collect();
        told.sort_by(|one, other| one.0.cmp(&other.0));
        let reset = json!("Your password was reset");
        assert_eq!(
            told,
            [
                ("/push/hers".to_owned(), reset.clone()),
                ("/push/other".to_owned(), reset)
            ]
        );
        let activity = hers.browser.open("/app/activity").await;
        activity.says("You set a new password by a link");
        activity.does_not_say("notifications off");
    }
);

both_heard!(
    a_reset_in_a_new_browser_ends_all_of_them,
    |world, receiver| async {
        let alice = UserId::from_text(Cast::of(&world).await.alice);
        let mut hers = world.phone_of("alice").await;
        told_in(&mut hers, "Hers", &receiver.url("/push/hers")).await;
        let printed = reset(&world, "alice").await.unwrap();
        let mut fresh = world.browser();
        let page = fresh.open(&link(&printed)).await;
        finish(&mut fresh, &page, &text(&printed, "code"), NEW).await;
        let mut reading = world.app.read().await.unwrap();
        assert!(reading.subscriptions_of(&alice).await.unwrap().is_empty());
    }
);

both!(a_paused_agent_is_told_by_its_own_cause, |world| async {
    let cast = staged(&world).await;
    let alice = UserId::from_text(cast.alice.clone());
    let causes = [
        ("agt_planner", PausedBecause::NotMe, "reported as not yours"),
        (
            "agt_booker",
            PausedBecause::WrongNumber,
            "A wrong number was typed",
        ),
    ];
    let mut phone = world.phone_of("alice").await;
    for (client, because, says) in causes {
        let pair = Pair {
            subject: &alice,
            client: &ClientId::from_text(client),
        };
        let request = ApprovalId::from_text("apr_1");
        let mut transaction = world.begin().await;
        assert!(
            transaction
                .pause_client(pair, &request, because, world.now())
                .await
                .unwrap()
        );
        transaction.commit().await.unwrap();
        let page = phone.browser.open("/app/agents").await;
        page.says(says);
        for (_, other, words) in causes {
            if other != because {
                page.does_not_say(words);
            }
        }
        let mut transaction = world.begin().await;
        let paused = transaction.paused_client(pair).await.unwrap().unwrap();
        assert_eq!(paused.because, Some(because));
        assert!(transaction.lift_pause(&alice, &paused).await.unwrap());
        transaction.commit().await.unwrap();
    }
});
