//! People read times by their own clock, and sign what they read.

use serde_json::{Value, json};
use writ_testkit::{Cast, Phone, WebPage, World, both, minted};

use crate::approvals::approval::{on_receipt, staged};

async fn set(phone: &mut Phone, zone: &str) -> WebPage {
    let fields = [
        ("setting", "time_zone".to_owned()),
        ("time_zone", zone.to_owned()),
    ];
    phone.post("/app/settings", &fields).await
}

async fn stored(world: &World, name: &str) -> Option<String> {
    let user = world.user_id(name).await;
    let mut transaction = world.begin().await;
    let settings = transaction.settings(&user).await.unwrap();
    settings.unwrap_or_default().time_zone
}

both!(times_are_those_of_the_person, |world| async {
    let mut scene = staged(&world).await;
    let alice = &mut scene.alice;
    let page = alice.look(&scene.id).await;
    page.says("21 September 2026, 14:18 UTC");
    assert_eq!(set(alice, "Europe/Berlin").await.reply.status, 200);
    let page = alice.look(&scene.id).await;
    page.says("until 21 September 2026, 16:23 CEST.");
    page.says("Answer by21 September 2026, 16:18 CEST");
    page.does_not_say("UTC");
    // What is kept, and what a device would sign, is what was shown.
    let user = world.user_id("alice").await;
    let id = world.waiting(&scene.auth_req_id).await.id;
    let kept = world.begin().await.screen(&id, &user).await.unwrap();
    let kept: Value = serde_json::from_str(&kept.unwrap()).unwrap();
    assert_eq!(kept["screen"]["time_zone"], json!("Europe/Berlin"));
    let shown = kept["screen"]["shown"].to_string();
    assert!(
        shown.contains("16:18 CEST") && !shown.contains("UTC"),
        "{shown}"
    );
    let receipt = alice.approve_by_password(&page).await;
    on_receipt(&receipt);
    receipt.says("21 September 2026, 16:18 CEST");
    minted(
        &scene.cast.planner.poll(&world, &scene.auth_req_id).await,
        "approved",
    );
    let alice = &mut scene.alice;
    alice.browser.open("/app/activity").await.says("16:13 CEST");
    let agents = alice.browser.open("/app/agents").await;
    agents.says("21 September 2026, 16:13 CEST");
    // The receipt stays what it was, whatever its owner's clock says today.
    set(alice, "Asia/Kathmandu").await;
    let again = alice.browser.open(receipt.url.path()).await;
    again.says("21 September 2026, 16:18 CEST");
    again.says("21 September 2026, 19:58 UTC+05:45");
    // Others read by theirs.
    let mut mallory = world.phone_of("mallory").await;
    mallory
        .browser
        .open("/app/activity")
        .await
        .says("14:13 UTC");
});

both!(another_zone_is_another_screen, |world| async {
    let mut scene = staged(&world).await;
    let alice = &mut scene.alice;
    let page = alice.look(&scene.id).await;
    set(alice, "Europe/Berlin").await;
    let changed = alice.approve_by_password(&page).await;
    assert_eq!(changed.reply.status, 409);
    changed.says("This request changed while you looked.");
    changed.says("16:18 CEST");
    on_receipt(&alice.approve_by_password(&changed).await);
});

both!(winter_time_follows_summer_time, |world| async {
    Cast::of(&world).await;
    let mut alice = world.phone_of("alice").await;
    set(&mut alice, "Europe/Berlin").await;
    // From September over the last Sunday of October.
    world.advance(40 * 24 * 3600);
    alice.sign_in("alice").await;
    let page = alice.browser.open("/app/activity").await;
    page.says("31 October 2026");
    page.says("15:13 CET");
    page.says("21 September 2026");
    page.says("16:13 CEST");
});

both!(a_zone_that_does_not_exist_is_refused, |world| async {
    Cast::of(&world).await;
    let mut alice = world.phone_of("alice").await;
    set(&mut alice, " europe/berlin ").await;
    let berlin = Some("Europe/Berlin".to_owned());
    assert_eq!(stored(&world, "alice").await, berlin);
    let long = "x".repeat(500);
    for bad in ["Europe/Atlantis", "../etc/localtime", "Etc/Unknown", &long] {
        let refused = set(&mut alice, bad).await;
        assert_eq!(refused.reply.status, 422);
        refused.says("There is no time zone of that name.");
        assert_eq!(stored(&world, "alice").await, berlin);
    }
    // Quiet hours follow it from now on, and the page asks for no offset.
    let page = alice.browser.open("/app/settings").await;
    page.says("In your time zone, Europe/Berlin.");
    assert!(!page.reply.text().contains("name=\"offset\""));
    set(&mut alice, "").await;
    assert_eq!(stored(&world, "alice").await, None);
    let page = alice.browser.open("/app/settings").await;
    assert!(page.reply.text().contains("name=\"offset\""));
    let changes = world.events_named("user.changed").await;
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[0].data, json!({ "setting": "time_zone" }));
});

both!(a_browser_is_asked_where_no_zone_is_set, |world| async {
    let mut scene = staged(&world).await;
    let alice = &mut scene.alice;
    let asks = "data-zone=\"unset\"";
    for path in ["/app", "/app/agents", "/app/settings"] {
        let page = alice.browser.open(path).await;
        assert!(page.reply.text().contains(asks), "{path}");
    }
    // Never while somebody reads what they may sign.
    let page = alice.look(&scene.id).await;
    assert!(!page.reply.text().contains(asks));
    set(alice, "UTC").await;
    let page = alice.browser.open("/app").await;
    assert!(!page.reply.text().contains(asks));
});

both!(rfc_9700_4_7_nobody_else_sets_a_zone, |world| async {
    Cast::of(&world).await;
    let mut alice = world.phone_of("alice").await;
    let forged = [
        ("csrf", "x".to_owned()),
        ("setting", "time_zone".to_owned()),
        ("time_zone", "Europe/Berlin".to_owned()),
    ];
    let refused = alice.browser.post("/app/settings", &forged).await;
    assert_eq!(refused.reply.status, 422);
    assert_eq!(stored(&world, "alice").await, None);
    // The login page knows nobody's zone.
    let mut stranger = world.browser();
    let login = stranger.open("/app/settings").await;
    assert_eq!(login.url.path(), "/login");
});
