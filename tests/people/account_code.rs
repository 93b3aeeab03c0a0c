//! The code of a reset signs nothing: it is bound to no password and to no browser (docs/threats.md). What holds instead: it comes in the form
//! that carries the password, is remembered nowhere between, and is good once.

use serde_json::json;
use writ_testkit::{Cast, PASSWORD, authorize_url, both, enrol_plain, minted, plain_file, without};

use super::account::{NEW, finish, link, reset, signs_in, text};

const OTHER: &str = "seven green kettles sing";

both!(
    a_code_is_good_for_the_form_that_carries_the_password,
    |world| async {
        Cast::of(&world).await;
        let printed = reset(&world, "alice").await.unwrap();
        let (path, code) = (link(&printed), text(&printed, "code"));
        let (mut hers, mut other) = (world.browser(), world.browser());
        let (page, theirs) = (hers.open(&path).await, other.open(&path).await);
        // A right code beside a password that is refused: nothing of it is kept, in this browser or in another one.
        for refused in ["too short", "alicealicealice alice alice"] {
            let again = finish(&mut hers, &page, &code, refused).await;
            assert_eq!(again.reply.status, 422, "{}", again.words());
            assert!(!again.reply.text().contains(&code));
            for (browser, page) in [(&mut hers, &again), (&mut other, &theirs)] {
                let without = finish(browser, page, "", OTHER).await;
                assert_eq!(without.reply.status, 422, "{}", without.words());
                without.says("That code is not right");
            }
        }
        assert!(signs_in(&world, "alice", PASSWORD).await, "nothing was set");
        // With link and code it is any browser's, and the first one's alone.
        let done = finish(&mut other, &theirs, &code, NEW).await;
        done.says("Your password is set");
        let late = finish(&mut hers, &page, &code, OTHER).await;
        assert_eq!(late.reply.status, 410, "{}", late.words());
        assert!(signs_in(&world, "alice", NEW).await && !signs_in(&world, "alice", OTHER).await);
        let recovered = world.events_named("user.recovered").await;
        assert_eq!(
            (recovered.len(), &recovered[0].data["by"]),
            (1, &"code".into())
        );
    }
);

both!(
    /// Also once she has a password: what opened the session does not change with what she set in it.
    devices_say_that_she_came_by_link_and_code,
    |world| async {
        let cast = Cast::of(&world).await;
        let printed = reset(&world, "alice").await.unwrap();
        let mut phone = world.phone(2);
        let page = phone.browser.open(&link(&printed)).await;
        let done = finish(&mut phone.browser, &page, &text(&printed, "code"), NEW).await;
        done.says("Your password is set");
        let devices = phone.browser.open("/app/devices").await;
        devices.says("by a link and a code");
        devices.does_not_say("by password");
        // A token says it too (RFC 8176): no password proved her.
        let app = enrol_plain(&world, plain_file("app")).await;
        let asked = without(&cast.request(), "authorization_details");
        let pushed = app.send(&world, "/par", &asked).await.member("request_uri");
        let page = phone.browser.open(&authorize_url(&app.id, &pushed)).await;
        let back = phone.browser.submit(&page, "consent-approve", &[]).await;
        let code = back.query("code").expect("a code");
        let reply = app.send(&world, "/token", &cast.redeem_form(&code)).await;
        let claims = minted(&reply, "by link and code");
        assert_eq!(claims["amr"], json!(["otp"]));
        assert_eq!(claims["acr"], "urn:writ:acr:password");
        phone.code = Some(text(&printed, "code"));
        phone.enrol("Phone").await.says("The passkey was added");
        phone.browser.open("/app/devices").await.says("by a link and a code");
        world.advance(1);
        let page = phone.browser.open("/login").await;
        phone.browser.log_in(&page, "alice", NEW).await;
        let devices = phone.browser.open("/app/devices").await;
        devices.says("by password");
        devices.does_not_say("by a link and a code");
        phone.sign_in_with_passkey(&[]).await;
        phone.browser.open("/app/devices").await.says("by passkey");
        let methods = world.events_named("login.succeeded").await;
        let methods: Vec<_> = methods.iter().map(|event| &event.data["method"]).collect();
        assert_eq!(methods, ["code", "password"]);
    }
);
