//! A reset that is finished by a passkey: it signs for one link and one password, and for no login.

use serde_json::{Value, json};
use writ_testkit::{Cast, PASSWORD, Phone, WebPage, both};

use super::account::{NEW, invite, link, reset, secret, signs_in, text};

const OPTIONS: &str = "/account/passkey/options";
const WRONG: &str = "BBBB-BBBB";

/// What the device of this phone says to the challenge for this link.
pub(super) async fn proof(phone: &mut Phone, secret: &str, password: &str) -> Value {
    let fields = [
        ("link", secret.to_owned()),
        ("new_password", password.to_owned()),
    ];
    let asked = phone.post(OPTIONS, &fields).await.reply;
    assert_eq!(asked.status, 200, "{}", asked.text());
    let options = asked.json();
    assert_eq!(options["allowCredentials"], json!([]), "it names nobody");
    phone.device.get(&options, &phone.origin).unwrap()
}

/// The form of this link with this answer of a passkey.
pub(super) async fn reset_with(phone: &mut Phone, secret: &str, assertion: &Value) -> WebPage {
    reset_to(phone, (secret, NEW), assertion).await
}

/// The same of another password.
async fn reset_to(
    phone: &mut Phone,
    (secret, password): (&str, &str),
    assertion: &Value,
) -> WebPage {
    let fields = [
        ("link", secret.to_owned()),
        ("new_password", password.to_owned()),
        ("new_password_again", password.to_owned()),
        ("assertion", assertion.to_string()),
    ];
    phone.post("/account", &fields).await
}

both!(whoever_has_a_passkey_resets_with_it, |world| async {
    Cast::of(&world).await;
    let mut alice = world.enrolled_phone("alice", 1).await;
    let mut mallory = world.enrolled_phone("mallory", 2).await;
    let printed = reset(&world, "alice").await.unwrap();
    assert_eq!(
        (printed.get("code"), &printed["needs"]),
        (None, &json!("passkey"))
    );
    let secret = secret(&printed);
    let page = alice.browser.open(&link(&printed)).await;
    page.says("then use your passkey");
    let shown = page.reply.text();
    assert!(shown.contains("Your passkey needs scripts in this browser"));
    assert!(!shown.contains("notifications"), "that is another page");
    let with = |assertion: Option<String>| {
        let mut fields = vec![
            ("link", secret.clone()),
            ("code", WRONG.to_owned()),
            ("new_password", NEW.to_owned()),
            ("new_password_again", NEW.to_owned()),
        ];
        fields.extend(assertion.map(|assertion| ("assertion", assertion)));
        fields
    };
    let refused = alice.post("/account", &with(None)).await;
    assert_eq!(refused.reply.status, 422);
    mallory.browser.open(&link(&printed)).await;
    let others = proof(&mut mallory, &secret, NEW).await.to_string();
    let refused = mallory.post("/account", &with(Some(others))).await;
    assert_eq!(refused.reply.status, 422);
    assert!(signs_in(&world, "alice", PASSWORD).await);
    let hers = proof(&mut alice, &secret, NEW).await.to_string();
    let done = alice.post("/account", &with(Some(hers.clone()))).await;
    done.says("Your password is set");
    assert!(signs_in(&world, "alice", NEW).await);
    let recovered = world.events_named("user.recovered").await;
    assert_eq!(recovered[0].data["by"], json!("passkey"));
    let again = alice.post("/account", &with(Some(hers))).await;
    assert_eq!(again.reply.status, 410);
});

both!(a_passkey_signs_for_one_link_and_no_login, |world| async {
    Cast::of(&world).await;
    let mut alice = world.enrolled_phone("alice", 1).await;
    world.enrolled_phone("mallory", 2).await;
    let hers = secret(&reset(&world, "alice").await.unwrap());
    let others = secret(&reset(&world, "mallory").await.unwrap());
    // Whoever holds her login back sets no password by it; it is still good to sign in.
    let login = alice.assertion().await;
    let refused = reset_with(&mut alice, &hers, &login).await;
    assert_eq!(refused.reply.status, 422, "{}", refused.words());
    refused.says("That passkey did not work here");
    let entered = alice.send_assertion(&login, &[]).await;
    assert_eq!(entered.url.path(), "/app", "{}", entered.words());
    // Nor does what she signs for the link sign in, or set a password by another link.
    let signed = proof(&mut alice, &hers, NEW).await;
    let refused = alice.send_assertion(&signed, &[]).await;
    assert_eq!(refused.reply.status, 422, "{}", refused.words());
    let signed = proof(&mut alice, &others, NEW).await;
    for secret in [&hers, &others] {
        let refused = reset_with(&mut alice, secret, &signed).await;
        assert_eq!(refused.reply.status, 422, "{}", refused.words());
    }
    // Whoever asks is told of nothing, and makes no row; what another browser was given is good there alone.
    let mut elsewhere = Phone::new(world.browser(), alice.device.clone());
    let path = format!("/account?link={hers}");
    let page = elsewhere.browser.open(&path).await.reply.text();
    let asks = format!("data-options=\"{OPTIONS}\"");
    assert!(page.contains(&asks), "{page}");
    let before = world.database.dump().await;
    let theirs = proof(&mut elsewhere, &hers, NEW).await;
    proof(&mut elsewhere, "no link", NEW).await;
    assert_eq!(world.database.dump().await, before);
    let refused = reset_with(&mut alice, &hers, &theirs).await;
    assert_eq!(refused.reply.status, 422, "{}", refused.words());
    let asked = alice.post(OPTIONS, &[]).await.reply;
    assert_eq!(asked.refusal(), (400, "invalid_request".to_owned()));
    let asked = alice.browser.post(OPTIONS, &[("link", hers.clone())]).await;
    assert_eq!(asked.reply.refusal(), (403, "form_expired".to_owned()));

    assert!(signs_in(&world, "alice", PASSWORD).await, "nothing was set");
    assert!(world.events_named("user.recovered").await.is_empty());
    let signed = proof(&mut alice, &hers, NEW).await;
    let done = reset_with(&mut alice, &hers, &signed).await;
    done.says("Your password is set");
});

both!(
    /// Whoever holds the form back, in the browser that they drive, sets no other password by what she signed.
    what_is_signed_for_a_reset_is_for_its_password,
    |world| async {
        Cast::of(&world).await;
        let mut alice = world.enrolled_phone("alice", 1).await;
        let link = secret(&reset(&world, "alice").await.unwrap());
        let signed = proof(&mut alice, &link, NEW).await;
        let longer = format!("{NEW} ");
        let upper = NEW.to_uppercase();
        for other in ["seven green kettles sing", &longer, &upper] {
            let swapped = reset_to(&mut alice, (&link, other), &signed).await;
            assert_eq!(swapped.reply.status, 422, "{other}: {}", swapped.words());
            swapped.says("That passkey did not work here");
            assert!(!signs_in(&world, "alice", other).await);
        }
        let without = alice.post(OPTIONS, &[("link", link.clone())]).await.reply;
        assert_eq!(without.refusal(), (400, "invalid_request".to_owned()));
        assert!(signs_in(&world, "alice", PASSWORD).await, "nothing was set");
        let done = reset_to(&mut alice, (&link, NEW), &signed).await;
        done.says("Your password is set");
        assert!(signs_in(&world, "alice", NEW).await);
    }
);

both!(
    /// The code adds the passkey; there is no password, until its person sets one with it.
    whoever_is_invited_may_have_a_passkey_instead_of_a_password,
    |world| async {
        Cast::of(&world).await;
        let printed = invite(&world, "noor").await;
        let mut phone = world.phone(1);
        let page = phone.browser.open(&link(&printed)).await;
        let wrong = phone.browser.submit(&page, "account-passkey", &[("code", WRONG)]).await;
        assert_eq!(wrong.reply.status, 422);
        wrong.says("That code is not right");
        let code = text(&printed, "code");
        let fill = [("code", code.as_str())];
        let joined = phone.browser.submit(&page, "account-passkey", &fill).await;
        joined.says("You are signed in");
        joined.says("You sign in as noor");
        joined.does_not_say("Everywhere else");
        joined.says("Without a passkey you cannot sign in again");
        let entered = world.events_named("login.succeeded").await;
        assert!(entered.iter().any(|event| event.data == json!({ "method": "code" })));
        let activity = phone.browser.open("/app/activity").await;
        activity.says("You signed in by a link and a code");
        activity.does_not_say("with your password");
        let devices = phone.browser.open("/app/devices").await;
        devices.says("by a link and a code");
        devices.does_not_say("by password");
        assert!(!signs_in(&world, "noor", "").await);
        let changed = world.events_named("user.changed").await;
        assert_eq!(changed[0].data, json!({ "by": "invitation", "setting": "account" }));
        phone.code = Some(code);
        phone.enrol("Phone").await.says("The passkey was added");
        let mut again = Phone::new(world.browser(), phone.device.clone());
        let entered = again.sign_in_with_passkey(&[]).await;
        assert_eq!(entered.url.path(), "/app", "{}", entered.words());

        // It is their only way in, until they have a password, which they set with it.
        let mut transaction = world.begin().await;
        let noor = transaction.user_by_name("noor").await.unwrap().unwrap();
        let passkeys = transaction.passkeys_of(&noor.user.id).await.unwrap();
        drop(transaction);
        let only = passkeys[0].credential_id.clone();
        let kept = again.remove(&only).await;
        kept.says("That is your only way to sign in");
        let reset_it = reset(&world, "noor").await.unwrap();
        assert_eq!(reset_it["needs"], json!("passkey"));
        let set = [
            ("setting", "password".to_owned()),
            ("new_password", NEW.to_owned()),
            ("new_password_again", NEW.to_owned()),
        ];
        let mut held = again.device.clone();
        let proof = again.proof(&mut held, &set).await.to_string();
        again.device = held;
        let fields: Vec<_> = set.into_iter().chain([("assertion", proof)]).collect();
        again.post("/app/settings", &fields).await.says("Your password was changed");
        assert!(signs_in(&world, "noor", NEW).await);
        again.remove(&only).await.says("The passkey was removed");
    }
);

both!(
    /// Whoever held the older link is neither signed in any more nor adds a passkey by its code.
    a_newer_invitation_ends_what_the_older_one_opened,
    |world| async {
        Cast::of(&world).await;
        let printed = invite(&world, "noor").await;
        let mut phone = world.phone(1);
        let page = phone.browser.open(&link(&printed)).await;
        let code = text(&printed, "code");
        let fill = [("code", code.as_str())];
        phone.browser.submit(&page, "account-passkey", &fill).await.says("You are signed in");
        assert_eq!(phone.browser.open("/app").await.url.path(), "/app");
        let newer = invite(&world, "noor").await;
        assert_eq!(phone.browser.open("/app").await.url.path(), "/login");
        let mut reading = world.begin().await;
        let noor = reading.user_by_name("noor").await.unwrap().unwrap().user.id;
        assert_eq!(reading.try_passkey_code(&noor, world.now()).await.unwrap(), None);
        drop(reading);
        let mut hers = world.phone(2);
        let page = hers.browser.open(&link(&newer)).await;
        let code = text(&newer, "code");
        let fill = [("code", code.as_str())];
        hers.browser.submit(&page, "account-passkey", &fill).await.says("You are signed in");
        hers.code = Some(code);
        hers.enrol("Phone").await.says("The passkey was added");
    }
);

both!(
    /// A reset is no invitation: there a password is set.
    only_an_invitation_goes_on_without_a_password,
    |world| async {
        Cast::of(&world).await;
        let printed = reset(&world, "alice").await.unwrap();
        let mut browser = world.browser();
        let page = browser.open(&link(&printed)).await;
        assert!(!page.reply.text().contains("account-passkey"));
        let mut fields = page.fields("account-submit");
        fields.push(("code".to_owned(), text(&printed, "code")));
        fields.push(("account-passkey".to_owned(), "1".to_owned()));
        let refused = browser.send_form(&page, "account-submit", &fields).await;
        assert_eq!(refused.reply.status, 422);
        refused.says("at least 15 characters");
        assert!(signs_in(&world, "alice", PASSWORD).await);
    }
);
