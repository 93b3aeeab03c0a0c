//! A mailed link proves no person: an invitation and a reset are finished by a code that came another way, or by a passkey, in a form that
//! uses the link up; and with the password before ends what it opened.

use http::Method;
use serde_json::{Value, json};
use writ_core::account_link::{LinkKind, MAX_LINK_FAILURES};
use writ_server::operate::disable::{UserSwitch, switch_user};
use writ_server::operate::invite_user::InvitedUser;
use writ_testkit::{
    BANK, Cast, ISSUER, PASSWORD, Phone, TestBrowser, WebPage, World, at_once, both,
};

pub(super) const NEW: &str = "nine purple kettles sing";
const WRONG: &str = "BBBB-BBBB";

/// What `writ user invite` prints.
pub(super) async fn invite(world: &World, name: &str) -> Value {
    let catalogue = world.app.catalogue().await.unwrap();
    let registry = world.registry(&catalogue.types);
    let invited = InvitedUser {
        name,
        email: None,
        language: None,
    };
    let printed = registry.invite_user(invited, &world.app.config).await;
    printed.unwrap()
}

/// What `writ user reset` prints.
pub(super) async fn reset(world: &World, name: &str) -> Result<Value, String> {
    let catalogue = world.app.catalogue().await.unwrap();
    let registry = world.registry(&catalogue.types);
    let made = registry.reset_user(name, None, &world.app.config).await;
    made.map_err(|error| error.to_string())
}

pub(super) fn text(printed: &Value, member: &str) -> String {
    printed[member].as_str().unwrap().to_owned()
}

/// The path of a printed link.
pub(super) fn link(printed: &Value) -> String {
    let link = text(printed, "link");
    link.strip_prefix(ISSUER).unwrap().to_owned()
}

/// The secret in a printed link.
pub(super) fn secret(printed: &Value) -> String {
    link(printed).split('=').nth(1).unwrap().to_owned()
}

pub(super) async fn finish(
    browser: &mut TestBrowser,
    page: &WebPage,
    code: &str,
    password: &str,
) -> WebPage {
    let fill = [
        ("code", code),
        ("new_password", password),
        ("new_password_again", password),
    ];
    browser.submit(page, "account-submit", &fill).await
}

pub(super) async fn signs_in(world: &World, name: &str, password: &str) -> bool {
    let mut browser = world.browser();
    let page = browser.open("/login").await;
    let page = browser.log_in(&page, name, password).await;
    page.url.path() == "/app"
}

both!(
    an_invited_person_sets_a_password_by_link_and_code_once,
    |world| async {
        let printed = invite(&world, "noor").await;
        let (path, code) = (link(&printed), text(&printed, "code"));
        assert!(!signs_in(&world, "noor", "").await);
        // A program that reads mail opens it as often as it likes. It learns no more than the letter says: how the person is called here.
        for method in [Method::GET, Method::HEAD, Method::GET] {
            let opened = world.send(method.clone(), &path, &[], Vec::new()).await;
            assert_eq!(opened.status, 200);
            assert_eq!(opened.text().contains("noor"), method == Method::GET);
        }
        let mut phone = world.phone(1);
        let page = phone.browser.open(&path).await;
        page.says("You were invited");
        page.says("You sign in as noor");
        for (typed, password, says) in [
            (WRONG, NEW, "That code is not right"),
            ("", NEW, "That code is not right"),
            (&*code, "too short", "at least 15 characters"),
            (&code, "noornoornoor noor noor", "easily guessed"),
        ] {
            let again = finish(&mut phone.browser, &page, typed, password).await;
            assert_eq!(again.reply.status, 422, "{typed} {password}");
            again.says(says);
        }
        let mut differ = page.fields("account-submit");
        differ.extend([
            ("code".to_owned(), code.clone()),
            ("new_password".to_owned(), NEW.to_owned()),
        ]);
        let again = phone
            .browser
            .send_form(&page, "account-submit", &differ)
            .await;
        again.says("The two new passwords differ");
        let mut forged = differ.clone();
        forged.push(("new_password_again".to_owned(), NEW.to_owned()));
        forged[0].1 = "x".to_owned();
        let again = phone
            .browser
            .send_form(&page, "account-submit", &forged)
            .await;
        assert_eq!(again.reply.status, 403);
        assert!(!signs_in(&world, "noor", NEW).await, "nothing was set");

        let done = finish(&mut phone.browser, &page, &code, NEW).await;
        done.says("Your password is set");
        done.says("You sign in as noor");
        assert_eq!(phone.browser.open("/app").await.url.path(), "/app");
        assert!(signs_in(&world, "noor", NEW).await);
        let gone = phone.browser.open(&path).await;
        assert_eq!(gone.reply.status, 410);
        let again = finish(&mut phone.browser, &page, &code, "another seven kettles").await;
        assert_eq!(again.reply.status, 410);
        assert!(signs_in(&world, "noor", NEW).await);
        // The same code adds the first passkey, while it is new.
        phone.code = Some(code);
        let devices = phone.enrol("Phone").await;
        devices.says("The passkey was added");
        let invited = world.events_named("user.invited").await;
        assert_eq!(
            (invited.len(), &invited[0].data["by"]),
            (1, &json!("operator"))
        );
        let changed = world.events_named("user.changed").await;
        assert_eq!(
            changed[0].data,
            json!({ "by": "invitation", "setting": "password" })
        );
        let metrics = world.app.metrics.render();
        let counted = "writ_account_links_total{kind=\"invitation\",result=\"finished\"} 1";
        assert!(metrics.contains(counted), "{metrics}");
    }
);

both!(a_reset_ends_what_the_old_password_opened, |world| async {
    let cast = Cast::of(&world).await;
    let grant = cast
        .granted(&world, &cast.planner, &cast.request(), BANK)
        .await;
    let token = grant.access_token();
    let active = async || cast.introspect(&world, &token).await["active"] == json!(true);
    let mut elsewhere = world.phone_of("alice").await;
    let printed = reset(&world, "alice").await.unwrap();
    assert!(active().await, "a link alone ends nothing");
    let mut hers = world.phone(2);
    let page = hers.browser.open(&link(&printed)).await;
    page.says("Type the code");
    page.does_not_say("alice");
    let done = finish(&mut hers.browser, &page, &text(&printed, "code"), NEW).await;
    done.says("Your password is set");
    done.says("You sign in as alice");
    done.says("Your agents were paused");
    done.says("Everywhere else you are signed out");
    assert_eq!(done.link("paused-agents"), "/app/agents");

    assert_eq!(elsewhere.browser.open("/app").await.url.path(), "/login");
    assert!(!signs_in(&world, "alice", PASSWORD).await && signs_in(&world, "alice", NEW).await);
    assert!(!active().await);
    let refresh = cast.planner.refresh_form(&grant.member("refresh_token"));
    let refused = cast.planner.send(&world, "/token", &refresh).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    let recovered = world.events_named("user.recovered").await;
    assert_eq!(
        recovered[0].data,
        json!({
            "by": "code",
            "link": LinkKind::Reset,
            "sessions_ended": 2,
            "tasks_paused": 1,
            "browsers_ended": 0,
        })
    );
    let paused = world.events_named("task.suspended").await;
    assert_eq!(
        (paused.len(), &paused[0].data["because"]),
        (1, &json!("recovered"))
    );

    // It goes on by a login from since then, which is fresh.
    let task = paused[0].task.clone().unwrap();
    let resume = async |phone: &mut Phone| {
        let fields = [("task", task.clone())];
        phone.post("/app/resume", &fields).await
    };
    resume(&mut hers).await.says("Sign out and in again first");
    world.advance(1);
    let page = hers.browser.open("/login").await;
    hers.browser.log_in(&page, "alice", NEW).await;
    world.advance(900);
    let refused = resume(&mut hers).await;
    refused.says("Sign out and in again first");
    refused.says("Sign out and in again, then let those go on");
    assert!(!active().await);
    let page = hers.browser.open("/login").await;
    hers.browser.log_in(&page, "alice", NEW).await;
    let inbox = hers.browser.open("/app").await;
    inbox.says("Your agents were paused");
    assert_eq!(inbox.link("paused-agents"), "/app/agents");
    let agents = hers.browser.open("/app/agents").await;
    agents.says("Your agents were paused");
    agents.says("Paused when you set a new password by a link");
    agents.does_not_say("says of itself");
    agents.says("Let those go on that you still want");
    agents.does_not_say("Sign out and in again");
    agents.does_not_say("Sign in again");
    resume(&mut hers).await.says("It may go on");
    // In another tab.
    let twice = resume(&mut hers).await;
    twice.says("It may go on");
    twice.does_not_say("already ended");
    for path in ["/app", "/app/agents"] {
        let page = hers.browser.open(path).await;
        page.does_not_say("Your agents were paused");
    }
    let again = cast.planner.send(&world, "/token", &refresh).await;
    assert_eq!(again.status, 200, "{}", again.text());
    assert_eq!(world.events_named("task.resumed").await.len(), 1);
    hers.post("/app/stop", &[("task", task.clone())]).await;
    let late = resume(&mut hers).await;
    late.says("That task had already ended");
});

both!(
    a_link_is_over_when_it_may_not_be_used_any_more,
    |world| async {
        Cast::of(&world).await;
        let mut browser = world.browser();
        let over = async |browser: &mut TestBrowser, printed: &Value, why: &str| {
            let page = browser.open(&link(printed)).await;
            assert_eq!(page.reply.status, 410, "{why}");
            page.does_not_say("alice");
        };
        let guessed = reset(&world, "alice").await.unwrap();
        let page = browser.open(&link(&guessed)).await;
        for _ in 0..MAX_LINK_FAILURES {
            assert_eq!(
                finish(&mut browser, &page, WRONG, NEW).await.reply.status,
                422
            );
        }
        let late = finish(&mut browser, &page, &text(&guessed, "code"), NEW).await;
        assert_eq!(late.reply.status, 410);
        over(&mut browser, &guessed, "guessed").await;

        let older = reset(&world, "alice").await.unwrap();
        let newer = reset(&world, "alice").await.unwrap();
        over(&mut browser, &older, "a newer one").await;
        let page = browser.open(&link(&newer)).await;
        assert_eq!(
            finish(&mut browser, &page, &text(&older, "code"), NEW)
                .await
                .reply
                .status,
            422,
            "the code of the older one"
        );
        world.advance(LinkKind::Reset.lifetime().as_secs());
        over(&mut browser, &newer, "too old").await;

        let disabled = reset(&world, "alice").await.unwrap();
        for to in [UserSwitch::Disable, UserSwitch::Enable] {
            let mut transaction = world.app.begin().await.unwrap();
            let change = world.change();
            let done = switch_user(&mut transaction, "alice", to, change).await;
            assert!(done.unwrap().is_some());
            transaction.commit().await.unwrap();
        }
        over(&mut browser, &disabled, "disabled meanwhile").await;
        for bad in ["", "?link=", "?link=x", "?link=x&link=y"] {
            let status = browser.open(&format!("/account{bad}")).await.reply.status;
            assert!([400, 410].contains(&status), "{bad}: {status}");
        }
        assert!(signs_in(&world, "alice", PASSWORD).await, "nothing was set");
    }
);

both!(
    of_many_forms_with_one_link_one_sets_its_password,
    |world| async {
        Cast::of(&world).await;
        let printed = reset(&world, "alice").await.unwrap();
        let (node, code) = (world.node().await, text(&printed, "code"));
        let mut racers = Vec::new();
        for place in 0..6_usize {
            let mut browser = match place.is_multiple_of(2) {
                true => world.browser(),
                false => node.browser(),
            };
            let page = browser.open(&link(&printed)).await;
            let (code, password) = (code.clone(), format!("{NEW} {place}"));
            racers.push(async move {
                finish(&mut browser, &page, &code, &password)
                    .await
                    .reply
                    .status
            });
        }
        let statuses = at_once(racers).await;
        let won = statuses.iter().filter(|status| **status == 200).count();
        assert_eq!(won, 1, "{statuses:?}");
        assert_eq!(world.events_named("user.recovered").await.len(), 1);
    }
);
