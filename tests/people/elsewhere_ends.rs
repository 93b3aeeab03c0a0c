//! How a consent away from the browser that asks ends otherwise than by a yes, and what meanwhile ends it.

use std::collections::BTreeSet;

use serde_json::json;
use writ_testkit::{BANK, Cast, PASSWORD, WebPage, World, at_once, both};

use super::elsewhere::{Asking, Scene, another, code, number, staged, told_phone};
use super::undo::{is_active, stop};

fn is_denied(back: &WebPage, what: &str) {
    assert_eq!(
        back.query("error").as_deref(),
        Some("access_denied"),
        "{what}: {}",
        back.url
    );
    assert_eq!(back.query("code"), None, "{what}");
}

async fn asks(scene: &Scene, world: &World) -> (Asking, String) {
    let mut asking = scene.asking(world).await;
    let number = asking.starts().await;
    (asking, number)
}

both!(a_no_ends_it, |world| async {
    let mut scene = staged(&world).await;
    let (mut asking, _) = asks(&scene, &world).await;
    let screen = scene.look().await;
    scene.phone.refuse(&screen, "deny").await;
    is_denied(&asking.looks_again().await, "a no on the phone");
    world.advance(600);
    let (mut asking, _) = asks(&scene, &world).await;
    let waiting = scene.phone.inbox().await;
    let back = asking
        .browser
        .submit(&asking.page, "consent-deny", &[])
        .await;
    is_denied(&back, "cancelled in the browser");
    let over = scene.phone.look(&waiting[0]).await;
    over.says("Nobody waits for this any more");
    let cancelled = world.events_named("approval.cancelled").await;
    assert_eq!(
        cancelled[0].reason.as_deref(),
        Some("taken back in the browser")
    );
});

both!(
    a_wrong_number_ends_it_and_what_the_agent_does_for_the_person,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let mut scene = Scene {
            phone: told_phone(&world).await,
            cast,
        };
        let (mut asking, number) = asks(&scene, &world).await;
        let screen = scene.look().await;
        // Without the proof a wrong one tells nothing and ends nothing.
        let fill = [("number", &*another(&number)), ("password", PASSWORD)];
        let shown = scene.phone.answer(&screen, &fill).await;
        assert_eq!(shown.reply.status, 422);
        assert!(is_active(&world, &scene.cast, &token).await);
        let shown = scene.answers(&screen, &another(&number)).await;
        shown.says("That was not the number");
        shown.says("agt_planner is paused");
        // Nobody is asked for it any more, in that browser too.
        let told = asking.looks_again().await;
        assert_eq!(told.reply.status, 400);
        told.says("You paused this app");
        assert!(!is_active(&world, &scene.cast, &token).await);
    }
);

both!(silence_is_no_and_can_be_asked_again, |world| async {
    let mut scene = staged(&world).await;
    let (mut asking, first) = asks(&scene, &world).await;
    let screen = scene.look().await;
    world.advance(301);
    asking.page = asking.looks_again().await;
    asking.page.says("Nobody answered in time");
    let late = scene.answers(&screen, &first).await;
    late.says("Nothing was approved");
    let second = asking.starts().await;
    let screen = scene.look().await;
    scene.answers(&screen, &second).await;
    code(&asking.looks_again().await);
});

both!(who_signs_out_meanwhile_begins_again, |world| async {
    let mut scene = staged(&world).await;
    let (mut asking, first) = asks(&scene, &world).await;
    let fields = [("csrf", asking.browser.csrf())];
    asking.browser.post("/logout", &fields).await;
    let screen = scene.look().await;
    scene.answers(&screen, &first).await;
    let page = asking.looks_again().await;
    assert_eq!(page.url.path(), "/login");
    asking.page = asking.browser.log_in(&page, "alice", PASSWORD).await;
    asking.page.says("Decide on your other device");
    let second = asking.starts().await;
    let screen = scene.look().await;
    scene.answers(&screen, &second).await;
    code(&asking.looks_again().await);
});

both!(
    what_is_stopped_between_yes_and_code_gives_none,
    |world| async {
        let mut scene = staged(&world).await;
        let (mut asking, number) = asks(&scene, &world).await;
        let screen = scene.look().await;
        scene.answers(&screen, &number).await;
        stop(&mut scene.phone, "agt_planner").await;
        is_denied(&asking.looks_again().await, "stopped for her");
        world.advance(600);
        let (mut asking, number) = asks(&scene, &world).await;
        let screen = scene.look().await;
        scene.answers(&screen, &number).await;
        world
            .change_client("agt_planner", |file| {
                let scopes = json!([{ "resource": BANK, "scope": "accounts:read" }]);
                file["agent"]["ceiling"] = json!({ "lifetime": 7200, "scopes": scopes });
            })
            .await;
        is_denied(&asking.looks_again().await, "its record allows less by now");
    }
);

both!(
    the_passkey_that_goes_leaves_what_was_asked_where_it_is,
    |world| async {
        let mut scene = staged(&world).await;
        let (mut asking, first) = asks(&scene, &world).await;
        let screen = scene.look().await;
        scene.answers(&screen, &first).await;
        let held = scene.phone.device.credential_ids();
        scene.phone.remove(&held[0]).await;
        code(&asking.looks_again().await);
    }
);

both!(of_many_presses_at_once_one_asks, |world| async {
    let mut scene = staged(&world).await;
    let mut asking = scene.asking(&world).await;
    let (cookies, csrf) = (asking.browser.cookies.clone(), asking.browser.csrf());
    let request = asking.page.query("request").unwrap();
    let mut racers = Vec::new();
    for _ in 0..4 {
        let mut browser = world.node().await.browser();
        browser.cookies.clone_from(&cookies);
        let fields = [
            ("csrf", csrf.clone()),
            ("request", request.clone()),
            ("consent-elsewhere", "1".to_owned()),
        ];
        racers.push(async move { number(&browser.post("/consent", &fields).await) });
    }
    let shown: BTreeSet<String> = at_once(racers).await.into_iter().collect();
    let asked = world.events_named("approval.requested").await;
    assert_eq!((asked.len(), shown.len()), (1, 1), "{shown:?}");
    let screen = scene.look().await;
    scene.answers(&screen, shown.first().unwrap()).await;
    code(&asking.looks_again().await);
});

both!(two_tabs_get_one_code, |world| async {
    let mut scene = staged(&world).await;
    let (asking, first) = asks(&scene, &world).await;
    assert_eq!(number(&asking.page), first);
    let screen = scene.look().await;
    scene.answers(&screen, &first).await;
    let cookies = asking.browser.cookies.iter();
    let cookies: Vec<String> = cookies
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let (cookies, url) = (cookies.join("; "), asking.page.url.clone());
    let path = format!("{}?{}", url.path(), url.query().unwrap());
    let door = world.door();
    let racers = (0..8).map(|_| {
        let (door, path, cookies) = (door.clone(), path.clone(), cookies.clone());
        async move { door.try_get_with(&path, &[("cookie", &cookies)]).await }
    });
    let replies = at_once(racers.collect()).await;
    let codes = replies.iter().filter(|reply| {
        let to = reply.as_ref().unwrap().header("location");
        to.is_some_and(|to| to.contains("code="))
    });
    assert_eq!(codes.count(), 1);
    let given = world.events_named("consent.given").await;
    assert_eq!(given.len(), 1);
});
