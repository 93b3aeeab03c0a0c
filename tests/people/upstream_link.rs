//! A person links an account at a provider to theirs here: with the strongest proof that they have, in that browser, and to nobody else's.

use serde_json::{Value, json};
use writ_core::id::UserId;
use writ_core::upstream::AccountOrigin;
use writ_server::operate::invite_user::InvitedUser;
use writ_store::registered_user::AccountState;
use writ_store::upstream_account::{MAX_UPSTREAM_ACCOUNTS, UpstreamSubject};
use writ_testkit::{
    Cast, PASSWORD, TestBrowser, TestProvider, WebPage, World, both_upstream, merge,
};

use super::account::{self, reset, text};
use super::upstream::{name_of, sign_in_as};

pub(super) const PATH: &str = "/app/upstream";
const LINK: &str = "link-acme";

pub(super) async fn alice_at(world: &World, path: &str) -> (TestBrowser, WebPage) {
    let mut browser = world.browser();
    let login = browser.open(path).await;
    let page = browser.log_in(&login, "alice", PASSWORD).await;
    (browser, page)
}

/// From the form, with this proof, to where the provider sends back.
pub(super) async fn answered(
    world: &World,
    acme: &TestProvider,
    browser: &mut TestBrowser,
    changes: Value,
) -> String {
    let page = browser.open(PATH).await;
    let asked = browser.submit(&page, LINK, &[("password", PASSWORD)]).await;
    let mut claims = acme.claims(world, &asked);
    merge(&mut claims, changes);
    acme.answer(&asked, &claims)
}

pub(super) async fn links(world: &World) -> usize {
    let changed = world.events_named("user.changed").await;
    let linked = changed
        .iter()
        .filter(|event| event.data["state"] == "linked");
    linked.count()
}

both_upstream!(
    a_person_links_by_their_password_and_signs_in_by_it,
    [],
    |world, acme| async {
        Cast::of(&world).await;
        let (mut browser, page) = alice_at(&world, PATH).await;
        page.says("Whoever can sign in there as you");
        // Without the proof nobody is sent anywhere.
        for password in ["", "wrong"] {
            let again = browser.submit(&page, LINK, &[("password", password)]).await;
            assert_eq!(again.reply.status, 422, "{password}");
        }
        let back = answered(&world, &acme, &mut browser, json!({})).await;
        let page = browser.open(&back).await;
        assert_eq!(page.url.path(), PATH, "{}", page.reply.text());
        page.says("Linked on");
        // Nobody new would be let in: she is.
        let mut elsewhere = world.browser();
        let page = sign_in_as(&world, &acme, &mut elsewhere, json!({})).await;
        assert_eq!(page.url.path(), "/app", "{}", page.reply.text());
        let devices = elsewhere.open("/app/devices").await;
        devices.says("by acme & Sons");
        // What she linked she takes away by a tap, and with it the sessions that it opened.
        world.advance(1);
        let page = browser.open(PATH).await;
        browser.submit(&page, "unlink-acme", &[]).await;
        assert_eq!(elsewhere.open("/app").await.url.path(), "/login");
        assert_eq!(browser.open("/app").await.url.path(), "/app");
        let page = sign_in_as(&world, &acme, &mut elsewhere, json!({})).await;
        assert_eq!(page.reply.status, 403);
        let changed = world.events_named("user.changed").await;
        let states: Vec<_> = changed
            .iter()
            .map(|event| event.data["state"].clone())
            .collect();
        assert_eq!(states, ["linked", "removed"]);
    }
);

both_upstream!(
    whoever_has_a_passkey_links_by_it_alone,
    [],
    |world, acme| async {
        Cast::of(&world).await;
        let mut phone = world.enrolled_phone("alice", 1).await;
        let page = phone.browser.open(PATH).await;
        let named = ("upstream", "acme".to_owned());
        let by_password = [named.clone(), ("password", PASSWORD.to_owned())];
        let refused = phone.post(PATH, &by_password).await;
        assert_eq!(refused.reply.status, 422, "{}", refused.reply.text());
        page.says("Link with passkey");
        let prove = async |phone: &mut writ_testkit::Phone, what: (&'static str, &str)| {
            let fields = [(what.0, what.1.to_owned())];
            let asked = phone.post("/app/devices/passkeys/prove", &fields).await;
            let options = asked.reply.json();
            phone
                .device
                .get(&options, &phone.origin)
                .unwrap()
                .to_string()
        };
        // A proof for another act is none for this, nor is one for another provider.
        for what in [("agent", "agt_planner"), ("upstream", "evil")] {
            let assertion = prove(&mut phone, what).await;
            let fields = [named.clone(), ("assertion", assertion)];
            let refused = phone.post(PATH, &fields).await;
            assert_eq!(refused.reply.status, 422, "{what:?}");
        }
        let assertion = prove(&mut phone, ("upstream", "acme")).await;
        let fields = [named, ("assertion", assertion)];
        let asked = phone.post(PATH, &fields).await;
        let back = acme.answer(&asked, &acme.claims(&world, &asked));
        assert_eq!(phone.browser.open(&back).await.url.path(), PATH);
        assert_eq!(links(&world).await, 1);
        // Once: the same proof opens no second way.
        let again = phone.post(PATH, &fields).await;
        assert_eq!(again.reply.status, 422);
    }
);

both_upstream!(
    an_account_is_never_moved_and_a_link_is_of_its_browser,
    [("ANYONE", "true")],
    |world, acme| async {
        Cast::of(&world).await;
        // Somebody came by this account before.
        sign_in_as(&world, &acme, &mut world.browser(), json!({})).await;
        let (mut browser, _) = alice_at(&world, PATH).await;
        let back = answered(&world, &acme, &mut browser, json!({})).await;
        let page = browser.open(&back).await;
        assert_eq!(page.reply.status, 422);
        page.says("somebody else's here");
        // What she began nobody finishes in another browser, nor as somebody else in hers.
        let back = answered(&world, &acme, &mut browser, json!({ "sub": "two" })).await;
        let mut mallory = world.browser();
        let login = mallory.open("/login").await;
        mallory.log_in(&login, "mallory", PASSWORD).await;
        assert_eq!(mallory.open(&back).await.reply.status, 403);
        let login = browser.open("/login").await;
        browser.log_in(&login, "mallory", PASSWORD).await;
        assert_eq!(browser.open(&back).await.reply.status, 403);
        assert_eq!(links(&world).await, 0);
        // What is not right there links nothing.
        let (mut browser, _) = alice_at(&world, PATH).await;
        let wrong = json!({ "sub": "two", "aud": "another-client" });
        let back = answered(&world, &acme, &mut browser, wrong).await;
        let page = browser.open(&back).await;
        assert_eq!(page.reply.status, 422);
        assert_eq!(links(&world).await, 0);
    }
);

both_upstream!(
    /// A login at the provider is no proof here: an agent may have found its session in the browser.
    who_came_by_a_provider_keeps_who_they_are_and_links_by_a_passkey_alone,
    [("ANYONE", "true")],
    |world, acme| async {
        let mut browser = world.browser();
        sign_in_as(&world, &acme, &mut browser, json!({})).await;
        let page = browser.open(PATH).await;
        page.says("You came by this service");
        page.does_not_say("Remove");
        let csrf = browser.csrf();
        let fields = [("csrf", csrf), ("upstream", "acme".to_owned())];
        browser.post("/app/upstream/remove", &fields).await;
        assert_eq!(name_of(&mut browser).await.as_deref(), Some("noor@acme"));
        for password in ["", PASSWORD] {
            let mut fields = fields.to_vec();
            fields.push(("password", password.to_owned()));
            let refused = browser.post(PATH, &fields).await;
            assert_eq!(refused.reply.status, 422, "{}", refused.reply.text());
            refused.says("prove that it is you by a passkey");
        }
        assert_eq!(links(&world).await, 0);
    }
);

both_upstream!(
    an_operator_sees_who_came_by_a_provider_and_gives_them_a_password,
    [("ANYONE", "true")],
    |world, acme| async {
        let mut browser = world.browser();
        sign_in_as(&world, &acme, &mut browser, json!({})).await;
        let mut reading = world.begin().await;
        let noor = reading.user_by_name("noor@acme").await.unwrap().unwrap();
        let listed = reading.listed_user(&noor.user.id, world.now()).await;
        assert_eq!(listed.unwrap().unwrap().state, AccountState::Enabled);
        drop(reading);
        // Nobody is invited who is there.
        let catalogue = world.app.catalogue().await.unwrap();
        let registry = world.registry(&catalogue.types);
        let invited = InvitedUser {
            name: "noor@acme",
            email: None,
            language: None,
        };
        let refused = registry.invite_user(invited, &world.app.config).await;
        assert!(
            refused
                .err()
                .unwrap()
                .to_string()
                .contains("has an account")
        );
        let printed = reset(&world, "noor@acme").await.unwrap();
        let mut hers = world.browser();
        let page = hers.open(&text(&printed, "link")).await;
        let code = text(&printed, "code");
        let done = account::finish(&mut hers, &page, &code, account::NEW).await;
        assert_eq!(done.reply.status, 200, "{}", done.reply.text());
        let entered = account::signs_in(&world, "noor@acme", account::NEW);
        assert!(entered.await);
        // By which she came she comes as before.
        let page = sign_in_as(&world, &acme, &mut world.browser(), json!({})).await;
        assert_eq!(page.url.path(), "/app", "{}", page.reply.text());
    }
);

both_upstream!(
    nobody_links_more_accounts_than_are_listed,
    [],
    |world, acme| async {
        let cast = Cast::of(&world).await;
        let alice = UserId::from_text(cast.alice.clone());
        let (mut transaction, now) = (world.begin().await, world.now());
        for number in 0..MAX_UPSTREAM_ACCOUNTS {
            let issuer = format!("https://other-{number}.example");
            let account = UpstreamSubject {
                issuer: &issuer,
                subject: "alice-there",
            };
            let origin = AccountOrigin::Link;
            let written = transaction.insert_upstream_account(account, &alice, origin, now);
            assert!(written.await.unwrap());
        }
        transaction.commit().await.unwrap();
        let (mut browser, _) = alice_at(&world, PATH).await;
        let back = answered(&world, &acme, &mut browser, json!({})).await;
        let page = browser.open(&back).await;
        assert_eq!(page.reply.status, 422);
        page.says("as many accounts as you can have");
        assert_eq!(links(&world).await, 0);
    }
);

both_upstream!(
    /// A proof of before a reset links nothing after it.
    a_link_that_was_begun_before_a_reset_is_over,
    [],
    |world, acme| async {
        Cast::of(&world).await;
        let (mut browser, _) = alice_at(&world, PATH).await;
        let back = answered(&world, &acme, &mut browser, json!({})).await;
        let printed = reset(&world, "alice").await.unwrap();
        let mut hers = world.browser();
        let page = hers.open(&text(&printed, "link")).await;
        let code = text(&printed, "code");
        let done = account::finish(&mut hers, &page, &code, account::NEW).await;
        assert_eq!(done.reply.status, 200, "{}", done.reply.text());
        assert_eq!(browser.open(&back).await.reply.status, 403);
        assert_eq!(links(&world).await, 0);
    }
);

both_upstream!(
    a_reset_ends_what_somebody_else_may_have_linked,
    [],
    |world, acme| async {
        Cast::of(&world).await;
        let (mut browser, _) = alice_at(&world, PATH).await;
        let back = answered(&world, &acme, &mut browser, json!({})).await;
        browser.open(&back).await;
        let printed = reset(&world, "alice").await.unwrap();
        let mut hers = world.browser();
        let link = text(&printed, "link");
        let page = hers.open(&link).await;
        let code = text(&printed, "code");
        let done = account::finish(&mut hers, &page, &code, account::NEW).await;
        assert_eq!(done.reply.status, 200);
        let page = sign_in_as(&world, &acme, &mut world.browser(), json!({})).await;
        assert_eq!(page.reply.status, 403, "{}", page.reply.text());
    }
);
