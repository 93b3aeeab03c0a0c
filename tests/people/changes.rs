//! A session that ends while a form of it is answered changes nothing by that form: every form of a signed-in person waits for whatever ends
//! their session, and finds it ended. A reset of the password, a disabling and "Sign out everywhere else" end sessions so. And what was signed
//! before changes nothing afterwards, whoever is signed in then.

use std::pin::pin;

use writ_server::operate::disable::{UserSwitch, switch_user};
use writ_server::people::proofs::{AskedProof, FORMS};
use writ_testkit::{Cast, Phone, WebPage, World, both, both_heard};

use forms::NEW;
use stage::{Fields, Stage};

use super::account::{reset, secret};
use super::account_passkey::{proof, reset_with};

mod forms;
mod stage;

/// Sessions end, and what a day keeps is over.
const TWO_DAYS: u64 = 2 * 24 * 3600;

/// The forms of somebody who is signed in; that of the password last, because the others sign in by the one before.
fn forms() -> Vec<(&'static str, &'static str, AskedProof)> {
    let of_session =
        |path: &str| path.starts_with("/app/") || ["/consent", "/device"].contains(&path);
    let rows = FORMS.iter().filter(|(path, ..)| of_session(path));
    // Those of providers need one: `upstream_link.rs` has them.
    let rows = rows.filter(|(path, ..)| !path.starts_with("/app/upstream"));
    let mut rows: Vec<_> = rows.copied().collect();
    rows.sort_by_key(|(path, form, _)| (*path, *form) == ("/app/settings", "password"));
    rows
}

impl Stage<'_> {
    /// Sends a form while the end of its session is not committed yet.
    pub async fn send_beside_the_end(&mut self, path: &str, fields: &Fields) -> WebPage {
        let (app, database) = (&self.world.app, &self.world.database);
        let mut ending = app.begin().await.unwrap();
        ending.hold_user(&self.alice).await.unwrap();
        let now = self.world.now();
        assert!(ending.end_session(&self.session(), now).await.unwrap());
        let mut form = pin!(self.send(path, fields));
        tokio::select! {
            page = &mut form => panic!("{path} waits for nobody: {}", page.words()),
            () = database.until_one_waits(&app.store) => {}
        }
        let (ended, page) = tokio::join!(ending.commit(), form);
        ended.unwrap();
        page
    }

    /// She sets another password by a link, in this browser, and is signed in there.
    async fn recover(&mut self) {
        let secret = secret(&reset(self.world, "alice").await.unwrap());
        let signed = proof(&mut self.phone, &secret, NEW).await;
        let done = reset_with(&mut self.phone, &secret, &signed).await;
        done.says("Your password is set");
    }
}

both_heard!(
    nothing_changes_by_a_session_that_ends_meanwhile,
    |world, receiver| async {
        let mut stage = Stage::of(&world, &receiver).await;
        let forms = forms();
        assert!(forms.len() > 20, "{forms:?}");
        for (path, form, _) in forms {
            world.advance(TWO_DAYS);
            stage.phone.sign_in("alice").await;
            let (to, fields) = stage.form(path, form).await;
            let before = stage.kept().await;
            let page = stage.send_beside_the_end(&to, &fields).await;
            let after = stage.kept().await;
            let changed: Vec<_> = after.symmetric_difference(&before).collect();
            assert!(changed.is_empty(), "{path} {form}: {changed:?}");
            let refused = page.url.path() == "/login" || page.reply.status == 403;
            assert!(refused, "{path} {form}: {}", page.words());
            // The same is good while nothing ends its session.
            stage.phone.sign_in("alice").await;
            let (to, fields) = stage.form(path, form).await;
            let before = stage.kept().await;
            let page = stage.send(&to, &fields).await;
            let words = page.words();
            assert!(stage.kept().await != before, "{path} {form}: {words}");
        }
    }
);

both_heard!(
    what_was_signed_before_a_reset_changes_nothing_after_it,
    |world, receiver| async {
        let mut stage = Stage::of(&world, &receiver).await;
        let mut banked = Vec::new();
        for (path, form, proof) in forms() {
            let is_signed = match proof {
                AskedProof::Strongest | AskedProof::Passkey | AskedProof::Link => true,
                // A consent is agreed to by whoever is signed in.
                AskedProof::AsStrong => path != "/consent",
                AskedProof::Begins
                | AskedProof::Session
                | AskedProof::Login
                | AskedProof::FreshLogin
                | AskedProof::LinkAndSecond
                | AskedProof::LinkName => false,
            };
            if is_signed {
                banked.push((path, stage.form(path, form).await));
            }
        }
        assert!(banked.len() > 8, "{banked:?}");
        world.advance(1);
        stage.recover().await;
        let before = stage.kept().await;
        for (path, (to, fields)) in &banked {
            let page = stage.send(to, fields).await;
            let after = stage.kept().await;
            let changed: Vec<_> = after.symmetric_difference(&before).collect();
            assert!(changed.is_empty(), "{path}: {changed:?} {}", page.words());
        }
    }
);

/// What ends all sessions of a person, or all others.
#[derive(Clone, Copy, Debug)]
enum Ended {
    Others,
    Reset,
    Disabled,
}

async fn end_sessions(world: &World, alice: &mut Phone, by: Ended) {
    match by {
        Ended::Others => {
            let page = alice.post("/app/devices/sessions/end-others", &[]).await;
            assert_eq!(page.reply.status, 200, "{}", page.words());
        }
        Ended::Reset => {
            let secret = secret(&reset(world, "alice").await.unwrap());
            let signed = proof(alice, &secret, NEW).await;
            let done = reset_with(alice, &secret, &signed).await;
            done.says("Your password is set");
        }
        Ended::Disabled => {
            for to in [UserSwitch::Disable, UserSwitch::Enable] {
                let mut transaction = world.app.begin().await.unwrap();
                let change = world.change();
                let done = switch_user(&mut transaction, "alice", to, change).await;
                assert!(done.unwrap().is_some());
                transaction.commit().await.unwrap();
            }
        }
    }
}

both!(
    /// Whoever holds her answer back, in a browser that they drive, does not come in by it afterwards.
    a_login_that_was_held_back_is_over_with_all_sessions,
    |world| async {
        Cast::of(&world).await;
        let mut alice = world.phone(1);
        // No counter tells an older answer from a newer one.
        alice.device = alice.device.synced();
        alice.sign_in("alice").await;
        world.enrol_first(&mut alice, "alice").await;
        for by in [Ended::Others, Ended::Reset, Ended::Disabled] {
            let mut driven = Phone::new(world.browser(), alice.device.clone());
            driven.browser.open("/login").await;
            let held = driven.assertion().await;
            world.advance(1);
            end_sessions(&world, &mut alice, by).await;
            let refused = driven.send_assertion(&held, &[]).await;
            assert_eq!(refused.reply.status, 422, "{by:?}: {}", refused.words());
            let again = driven.assertion().await;
            let entered = driven.send_assertion(&again, &[]).await;
            assert_eq!(entered.url.path(), "/app", "{by:?}: {}", entered.words());
        }
    }
);
