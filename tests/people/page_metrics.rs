//! What a page refuses is counted under its own route, and is no event of a token.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::Request;
use writ_platform::Transport;
use writ_testkit::{ISSUER, PASSWORD, TestReply, World, both};

/// Every route of people that takes a form: as it is called, and as it is counted.
const ROUTES: [(&str, &str); 25] = [
    ("/authorize", "/authorize"),
    ("/login", "/login"),
    ("/login/passkey/options", "/login/passkey/options"),
    ("/login/passkey", "/login/passkey"),
    ("/account/passkey/options", "/account/passkey/options"),
    ("/app/upstream", "/app/upstream"),
    ("/app/upstream/remove", "/app/upstream/remove"),
    ("/upstream/acme", "/upstream/{provider}"),
    ("/logout", "/logout"),
    ("/consent", "/consent"),
    ("/device", "/device"),
    ("/app/requests/apr_1", "/app/requests/{id}"),
    ("/app/stop", "/app/stop"),
    ("/app/agents/stop", "/app/agents/stop"),
    ("/app/agents/undo", "/app/agents/undo"),
    ("/app/agents/unpause", "/app/agents/unpause"),
    ("/app/settings", "/app/settings"),
    ("/app/devices/passkeys", "/app/devices/passkeys"),
    ("/app/devices/passkeys/prove", "/app/devices/passkeys/prove"),
    (
        "/app/devices/passkeys/options",
        "/app/devices/passkeys/options",
    ),
    (
        "/app/devices/passkeys/remove",
        "/app/devices/passkeys/remove",
    ),
    ("/app/devices/sessions/end", "/app/devices/sessions/end"),
    (
        "/app/devices/sessions/end-others",
        "/app/devices/sessions/end-others",
    ),
    ("/app/devices/push", "/app/devices/push"),
    ("/app/devices/push/remove", "/app/devices/push/remove"),
];

/// No form: it is not UTF-8.
const BAD_FORM: &str = "a=%ff";

async fn send_bad_form(world: &World, path: &str) -> TestReply {
    let request = Request::post(format!("{ISSUER}{path}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(BAD_FORM))
        .unwrap();
    TestReply::of(world.network.send(request).await.unwrap())
}

/// The lines of refusals, without the number at their end.
fn refusals(world: &World) -> BTreeSet<String> {
    let metrics = world.app.metrics.render();
    let lines = metrics
        .lines()
        .filter(|line| line.contains("refused_total{"));
    lines.map(str::to_owned).collect()
}

both!(a_bad_form_is_counted_under_its_own_route, |world| async {
    let before = refusals(&world);
    let mut counted = BTreeSet::new();
    for (path, route) in ROUTES {
        let earlier = refusals(&world);
        let reply = send_bad_form(&world, path).await;
        assert_eq!(reply.status, 400, "{path}: {}", reply.text());
        let now = refusals(&world);
        let new: Vec<_> = now.difference(&earlier).collect();
        let [line] = new.as_slice() else {
            panic!("{path}: {new:?}");
        };
        assert!(line.contains(&format!("=\"{route}\"")), "{path}: {line}");
        assert!(line.contains("code=\"invalid_request\""), "{path}: {line}");
        assert!(line.ends_with(" 1"), "{path}: {line}");
        counted.insert(route);
    }
    assert_eq!(counted.len(), ROUTES.len());
    assert_eq!(refusals(&world).len(), before.len() + ROUTES.len());
});

both!(an_expired_form_is_no_event_of_a_token, |world| async {
    world.add_user("alice", PASSWORD).await;
    let mut browser = world.browser();
    let login = browser.open("/login").await;
    browser.log_in(&login, "alice", PASSWORD).await;
    let events = world.events().await.len();
    let wrong = [("csrf", "wrong".to_owned()), ("task", "tsk_1".to_owned())];
    let page = browser.post("/app/stop", &wrong).await;
    assert_eq!(page.reply.status, 403);
    let counted = refusals(&world);
    let counted = counted.iter().find(|line| line.contains("\"/app/stop\""));
    assert!(counted.is_some_and(|line| line.ends_with(" 1")));
    assert_eq!(world.events().await.len(), events);
});
