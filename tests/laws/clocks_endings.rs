//! While the clock of a node is wrong, what only takes authority away goes on there, by the database's time; what gives any is closed.

use std::time::Duration;

use serde_json::json;
use writ_core::pending::State;
use writ_platform::ManualClock;
use writ_server::operate::change::ChangedBy;
use writ_server::operate::disable::{UserSwitch, switch_user};
use writ_testkit::{
    BANK, Cast, Change, PASSWORD, Phone, World, both, both_with, claims, minted, refused,
};

use super::clocks::{HOUR, ahead, behind, has_clock};
use crate::client::dynamic_registration::{Itself, OPEN};
use crate::people::oidc_consent::{agree, logged_in, remembering, silent};
use crate::people::remembered::{assert_asked, assert_silent};

/// Further than a login lasts.
const FAR: u64 = 9 * HOUR;
/// Longer than an agent waits after a second no.
const PAUSE: u64 = 600;

/// SQLite has no clock: a node that is ahead of it is not wrong.
fn wrong_clocks(world: &World) -> Vec<ManualClock> {
    let mut wrong = vec![behind(world, FAR)];
    if has_clock(world) {
        wrong.push(ahead(world, FAR));
    }
    wrong
}

/// Each route of people: whether it goes on.
const ROUTES: [(&str, &str, bool); 52] = [
    ("GET", "/", true),
    ("GET", "/app", true),
    ("GET", "/app/agents", true),
    ("POST", "/app/agents/forget", true),
    ("POST", "/app/agents/stop", true),
    ("POST", "/app/stop", true),
    ("GET", "/app/requests/apr_x", true),
    ("POST", "/app/requests/apr_x", true),
    ("POST", "/consent", true),
    ("GET", "/logout", true),
    ("POST", "/logout", true),
    ("GET", "/app/requests/apr_x/liveness", false),
    ("POST", "/app/agents/undo", false),
    ("POST", "/app/agents/unpause", false),
    ("POST", "/app/resume", false),
    ("GET", "/app/activity", false),
    ("GET", "/app/activity/export", false),
    ("GET", "/app/live", false),
    ("GET", "/app/receipts/rcp_x", false),
    ("GET", "/app/settings", false),
    ("POST", "/app/settings", false),
    ("GET", "/app/settings/address?link=x", false),
    ("POST", "/app/settings/address", false),
    ("GET", "/account?link=x", false),
    ("POST", "/account", false),
    ("GET", "/account/not-me?link=x", false),
    ("POST", "/account/not-me", false),
    ("POST", "/account/passkey/options", false),
    ("GET", "/login/forgot", false),
    ("POST", "/login/forgot", false),
    ("GET", "/app/devices", false),
    ("POST", "/app/devices/passkeys", false),
    ("POST", "/app/devices/passkeys/options", false),
    ("POST", "/app/devices/passkeys/prove", false),
    ("POST", "/app/devices/passkeys/remove", false),
    ("POST", "/app/devices/sessions/end", false),
    ("POST", "/app/devices/sessions/end-others", false),
    ("GET", "/app/devices/push/key", false),
    ("POST", "/app/devices/push", false),
    ("GET", "/authorize", false),
    ("POST", "/authorize", false),
    ("GET", "/consent", false),
    ("GET", "/device", false),
    ("POST", "/device", false),
    ("GET", "/login", false),
    ("POST", "/login", false),
    ("POST", "/login/passkey", false),
    ("GET", "/app/upstream", false),
    ("POST", "/app/upstream", false),
    ("POST", "/app/upstream/remove", false),
    ("POST", "/upstream/acme", false),
    ("GET", "/upstream/acme/callback?state=x", false),
];

both!(
    each_route_of_people_goes_on_with_a_wrong_clock_or_is_closed,
    |world| async {
        Cast::of(&world).await;
        let mut phone = world.phone_of("alice").await;
        for clock in wrong_clocks(&world) {
            let node = world.node_at(&clock).await;
            phone.browser.move_to(node.network.clone());
            for (method, path, goes_on) in ROUTES {
                let page = match method {
                    "GET" => phone.browser.open(path).await,
                    _ => phone.browser.post(path, &[]).await,
                };
                let status = page.reply.status;
                assert_eq!(status != 503, goes_on, "{method} {path}: {status}");
                if !goes_on {
                    assert!(page.reply.header("retry-after").is_some(), "{path}");
                }
            }
        }
    }
);

/// She asks for an end, on the wrong node.
async fn ends(phone: &mut Phone, path: &str, what: (&str, &str)) {
    let fields = [(what.0, what.1.to_owned())];
    let done = phone.post(path, &fields).await;
    assert_eq!(done.reply.status, 200, "{path}: {}", done.reply.text());
}

both!(
    a_person_stops_and_forgets_where_the_clock_is_wrong,
    |world| async {
        let cast = Cast::of(&world).await;
        let mut phone = world.phone_of("alice").await;
        let web = remembering(&world).await;
        for clock in wrong_clocks(&world) {
            let node = world.node_at(&clock).await;
            phone.browser.move_to(node.network.clone());
            for path in ["/app/stop", "/app/agents/stop"] {
                let token = cast.token(&world).await;
                let task = claims(&token)["mission"]["id"].clone();
                let task = task.as_str().unwrap();
                let shown = phone.browser.open("/app/agents").await.reply.text();
                assert!(shown.contains(task), "{shown}");
                let what = match path {
                    "/app/stop" => ("task", task),
                    _ => ("agent", cast.planner.id.as_str()),
                };
                ends(&mut phone, path, what).await;
                let seen = cast.introspect(&world, &token).await;
                assert_eq!(seen, json!({ "active": false }), "{path}");
            }
            let form = silent(&web);
            agree(&world, &form).await;
            assert_silent(&world, &form, "agreed").await;
            ends(&mut phone, "/app/agents/forget", ("client", &web.id)).await;
            assert_asked(&world, &form, "forgotten").await;
        }
        // The record has the time of the database.
        let events = world.events_named("task.revoked").await;
        assert!(!events.is_empty());
        for event in events {
            assert_eq!(event.at, world.now(), "{}", event.id);
        }
    }
);

both!(a_no_counts_where_the_clock_is_wrong, |world| async {
    let cast = Cast::of(&world).await;
    let mut phone = world.phone_of("alice").await;
    // Each is reported once: it is paused from then on.
    let mut reported = [&cast.stranger, &cast.payer].into_iter();
    for clock in wrong_clocks(&world) {
        let node = world.node_at(&clock).await;
        phone.browser.move_to(node.network.clone());
        for (no, agent) in [
            ("deny", &cast.planner),
            ("stop", &cast.booker),
            ("not_me", reported.next().unwrap()),
        ] {
            // After the pause that a no before began; what it stopped begins again by a new consent.
            world.advance(PAUSE);
            clock.advance(Duration::from_secs(PAUSE));
            let code = cast.approved(&world, agent, &cast.request(), "alice").await;
            let form = cast.redeem_form(&code).with("resource", BANK);
            minted(&agent.send(&world, "/token", &form).await, no);
            let asked = agent.asked(&world, &cast.question()).await;
            let id = world.request_id(&asked).await;
            let page = phone.look(&id).await;
            assert_eq!(page.reply.status, 200, "{}", page.reply.text());
            let yes = phone.approve_by_password(&page).await;
            assert_eq!(yes.reply.status, 503, "a yes: {}", yes.reply.text());
            assert_eq!(world.waiting(&asked).await.state(), State::Viewed);
            phone.refuse(&page, no).await;
            let polled = agent.poll(&world, &asked).await;
            refused(&polled, "access_denied", no);
        }
    }
});

both!(
    a_consent_is_refused_but_not_given_where_the_clock_is_wrong,
    |world| async {
        let cast = Cast::of(&world).await;
        for clock in wrong_clocks(&world) {
            let node = world.node_at(&clock).await;
            let (mut browser, page) = cast.asked(&world, &cast.request()).await;
            browser.move_to(node.network.clone());
            let fill = [("password", PASSWORD)];
            let yes = browser.submit(&page, "consent-approve", &fill).await;
            assert_eq!(yes.reply.status, 503, "{}", yes.reply.text());
            let no = browser.submit(&page, "consent-deny", &[]).await;
            assert_eq!(no.query("error").as_deref(), Some("access_denied"));
        }
    }
);

both!(a_person_signs_out_where_the_clock_is_wrong, |world| async {
    Cast::of(&world).await;
    for clock in wrong_clocks(&world) {
        let node = world.node_at(&clock).await;
        let mut browser = logged_in(&world).await;
        let page = browser.open("/app").await;
        browser.move_to(node.network.clone());
        let out = browser.submit(&page, "logout-submit", &[]).await;
        assert_eq!(out.reply.status, 200, "{}", out.reply.text());
        let copy = browser.open("/app").await;
        assert_eq!(copy.reply.status, 503, "signed out, and no way in");
        browser.move_to(world.network.clone());
        let page = browser.open("/app").await;
        assert_eq!(page.url.path(), "/login");
    }
    let outs = world.events_named("logout.succeeded").await.len();
    assert_eq!(outs, wrong_clocks(&world).len());
});

both_with!(
    rfc_7592_2_3_a_client_removes_itself_where_the_clock_is_wrong,
    OPEN,
    |world| async {
        for clock in wrong_clocks(&world) {
            let client = Itself::of(&world, json!({})).await;
            let node = world.node_at(&clock).await;
            let token = format!("Bearer {}", client.said("registration_access_token"));
            let path = format!("/register/{}", client.id());
            let authorization = [("authorization", token.as_str())];
            let read = node.get(&path, &authorization).await;
            assert_eq!(read.status, 503, "{}", read.text());
            let removed = node.delete(&path, &authorization).await;
            assert_eq!(removed.status, 204, "{}", removed.text());
        }
    }
);

both!(
    an_operator_disables_where_the_clock_is_wrong,
    |world| async {
        let cast = Cast::of(&world).await;
        let node = world.node_at(&behind(&world, FAR)).await;
        let token = cast.token(&world).await;
        let by = ChangedBy::Operator(&world.operator);
        let change = node.app.change(by, node.app.mended_time());
        let mut transaction = node.app.begin().await.unwrap();
        let switched = switch_user(&mut transaction, "alice", UserSwitch::Disable, change);
        assert!(switched.await.unwrap().is_some());
        transaction.commit().await.unwrap();
        let seen = cast.introspect(&world, &token).await;
        assert_eq!(seen, json!({ "active": false }));
    }
);
