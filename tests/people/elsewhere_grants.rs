//! Another grant leads no agent back into the browser: on whichever way it asks, a yes to it needs the passkey of a person who has one.

use serde_json::json;
use writ_testkit::{Cast, Change, WebPage, World, agent_file, both, both_with, enrol};

use super::elsewhere::{tell_at, told_phone};
use crate::approvals::access_scene::{self, Scene};
use crate::client::device;

/// What agents ask alice on each way that leads to the approval screen; the screens, in a browser where she signed in by password.
async fn asked(world: &World, scene: &mut Scene) -> [(&'static str, WebPage); 3] {
    let mut file = agent_file("agt_asks", "alice");
    file["agent"]["may_ask"] = json!(["alice"]);
    let agent = enrol(world, file).await;
    let code = device::ask(world, &agent, &device::request()).await;
    let by_device = device::types(&mut scene.alice, &code.member("user_code")).await;
    let form = device::request()
        .with("login_hint", "alice")
        .with("binding_message", "W4SCT");
    let id = agent.asked(world, &form).await;
    let by_ciba = scene.alice.look(&world.request_id(&id).await).await;
    let id = scene.notes.asked(world, &scene.deletion("Diary")).await;
    let by_resource = scene.alice.look(&id).await;
    [
        ("device flow", by_device),
        ("CIBA", by_ciba),
        ("access request", by_resource),
    ]
}

fn asks_for_password(page: &WebPage) -> bool {
    page.reply.text().contains("type=\"password\"")
}

#[track_caller]
fn is_decided(page: &WebPage, what: &str) {
    let path = page.url.path();
    assert!(
        path.starts_with("/app/receipts/"),
        "{what}: {}",
        page.reply.text()
    );
}

/// The password alone agrees to each of them.
async fn password_agrees(world: &World, scene: &mut Scene) {
    for (what, page) in asked(world, scene).await {
        assert!(asks_for_password(&page), "{what}");
        is_decided(&scene.alice.approve_by_password(&page).await, what);
    }
}

both!(
    on_no_way_does_a_password_agree_to_what_an_agent_asks,
    |world| async {
        let mut scene = access_scene::staged(&world).await;
        let mut phone = told_phone(&world).await;
        let pages = asked(&world, &mut scene).await;
        for (what, page) in &pages {
            assert!(!asks_for_password(page), "{what}");
            let shown = scene.alice.approve_by_password(page).await;
            assert_eq!(shown.reply.status, 422, "{what}: {}", shown.reply.text());
        }
        // The authenticator of her phone, held to that browser.
        std::mem::swap(&mut scene.alice.device, &mut phone.device);
        for (what, page) in &pages {
            is_decided(&scene.alice.approve_by_passkey(page).await, what);
        }
    }
);

both!(
    a_device_that_comes_meanwhile_counts_at_the_answer,
    |world| async {
        let mut scene = access_scene::staged(&world).await;
        let pages = asked(&world, &mut scene).await;
        told_phone(&world).await;
        for (what, page) in &pages {
            assert!(asks_for_password(page), "{what}");
            let shown = scene.alice.approve_by_password(page).await;
            assert_eq!(shown.reply.status, 422, "{what}: {}", shown.reply.text());
        }
    }
);

both!(
    a_passkey_decides_also_on_the_only_device_that_is_told,
    |world| async {
        let mut scene = access_scene::staged(&world).await;
        world.enrol_first(&mut scene.alice, "alice").await;
        let pages = asked(&world, &mut scene).await;
        for (what, page) in &pages {
            assert!(!asks_for_password(page), "nothing is told: {what}");
        }
        tell_at(&mut scene.alice, "https://fcm.googleapis.com/fcm/send/one").await;
        for (what, page) in &pages {
            let shown = scene.alice.approve_by_password(page).await;
            assert_eq!(shown.reply.status, 422, "{what}: {}", shown.reply.text());
            is_decided(&scene.alice.approve_by_passkey(page).await, what);
        }
    }
);

both!(a_no_to_an_agent_needs_the_login_alone, |world| async {
    let mut scene = access_scene::staged(&world).await;
    told_phone(&world).await;
    for (what, page) in asked(&world, &mut scene).await {
        is_decided(&scene.alice.refuse(&page, "deny").await, what);
    }
});

both!(
    who_has_no_passkey_agrees_by_password_as_before,
    |world| async {
        let mut scene = access_scene::staged(&world).await;
        password_agrees(&world, &mut scene).await;
    }
);

both_with!(
    an_operator_can_let_a_password_agree_to_what_agents_ask,
    &[("APPROVAL__ELSEWHERE", "never")],
    |world| async {
        let mut scene = access_scene::staged(&world).await;
        told_phone(&world).await;
        password_agrees(&world, &mut scene).await;
    }
);

both!(
    a_password_agrees_to_what_an_application_asks,
    |world| async {
        Cast::of(&world).await;
        told_phone(&world).await;
        let terminal = device::terminal(&world).await;
        let form = [("scope", "openid accounts:read".to_owned())];
        let asked = terminal.send(&world, "/device_authorization", &form).await;
        let mut alice = world.phone_of("alice").await;
        let page = device::types(&mut alice, &asked.member("user_code")).await;
        assert!(asks_for_password(&page));
        is_decided(&alice.approve_by_password(&page).await, "a terminal");
    }
);
