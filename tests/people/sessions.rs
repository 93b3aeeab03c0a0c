//! A person sees where they are signed in, and ends one of those sessions, or all but the one that they sit at.

use writ_testkit::{Cast, PASSWORD, TestBrowser, World, both};

async fn signed_in(world: &World, name: &str) -> TestBrowser {
    let mut browser = world.browser();
    let page = browser.open("/app/devices").await;
    browser.log_in(&page, name, PASSWORD).await;
    browser
}

async fn is_signed_in(browser: &mut TestBrowser) -> bool {
    browser.open("/app").await.url.path() == "/app"
}

both!(one_session_is_ended_and_no_other, |world| async {
    Cast::of(&world).await;
    let mut lost = signed_in(&world, "alice").await;
    world.advance(60);
    let mut second = signed_in(&world, "alice").await;
    world.advance(60);
    let mut here = signed_in(&world, "alice").await;
    let page = here.open("/app/devices").await;
    page.says("This browser");
    let html = page.reply.text();
    assert_eq!(html.matches("name=\"session-end\"").count(), 2, "{html}");
    // The second one is newer than the lost one, and stands before it.
    let fields = page.fields("session-end");
    let done = here.send_form(&page, "session-end", &fields).await;
    done.says("Whoever was signed in there is signed out");
    assert!(!is_signed_in(&mut second).await);
    assert!(is_signed_in(&mut lost).await && is_signed_in(&mut here).await);
    let again = here.send_form(&page, "session-end", &fields).await;
    again.says("That had already ended");
    let events = world.events_named("session.ended").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].data["sessions_ended"], 1);
    here.open("/app/activity")
        .await
        .says("You ended a sign-in elsewhere");
});

both!(all_others_are_ended_at_once, |world| async {
    Cast::of(&world).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(signed_in(&world, "alice").await);
    }
    let mut mallory = signed_in(&world, "mallory").await;
    let mut here = signed_in(&world, "alice").await;
    let page = here.open("/app/devices").await;
    let done = here.submit(&page, "sessions-end-others", &[]).await;
    done.says("This browser");
    assert!(
        !done.reply.text().contains("sessions-end-others"),
        "no other"
    );
    for other in &mut others {
        assert!(!is_signed_in(other).await);
    }
    assert!(is_signed_in(&mut here).await && is_signed_in(&mut mallory).await);
    let events = world.events_named("session.ended").await;
    assert_eq!(events[0].data["sessions_ended"], 3);
});

both!(nobody_ends_a_session_of_another_person, |world| async {
    Cast::of(&world).await;
    let mut alice = signed_in(&world, "alice").await;
    let mut elsewhere = signed_in(&world, "alice").await;
    let theirs = alice.open("/app/devices").await.fields("session-end");
    let mut mallory = signed_in(&world, "mallory").await;
    signed_in(&world, "mallory").await;
    let page = mallory.open("/app/devices").await;
    let mut fields = page.fields("session-end");
    for (name, value) in &mut fields {
        if name == "session" {
            let theirs = theirs.iter().find(|(name, _)| name == "session");
            value.clone_from(&theirs.unwrap().1);
        }
    }
    let done = mallory.send_form(&page, "session-end", &fields).await;
    done.says("That had already ended");
    assert!(is_signed_in(&mut elsewhere).await);
    // Nor by a form that no page of ours made.
    let fields = [("session", fields[1].1.clone())];
    let forged = alice
        .post("/app/devices/sessions/end-others", &fields)
        .await;
    assert_eq!(forged.reply.status, 403);
    assert!(is_signed_in(&mut elsewhere).await);
});
