//! The code by which a person adds a first passkey. Whoever has seen the password, an agent in the browser for example, has no code, and so
//! never approves at level `passkey`.

use serde_json::{Value, json};
use writ_store::passkey_code::{MAX_CODE_FAILURES, MAX_CODE_FAILURES_OF_BROWSER};
use writ_testkit::{Cast, PASSWORD, Phone, World, both};

use crate::operate::suspend::writ;

const OPTIONS: &str = "/app/devices/passkeys/options";

async fn signed_in(world: &World, number: u8) -> Phone {
    let mut phone = world.phone(number);
    phone.sign_in("alice").await;
    phone
}

/// What the script is told, and its status.
async fn tried(phone: &mut Phone, fields: &[(&str, &str)]) -> (u16, Value) {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    let reply = phone.post(OPTIONS, &fields).await.reply;
    (reply.status, reply.json()["error"].clone())
}

/// Another code than this one.
fn other(code: &str) -> String {
    let first = if code.starts_with('B') { "C" } else { "B" };
    format!("{first}{}", &code[1..])
}

both!(a_password_alone_never_becomes_a_passkey, |world| async {
    Cast::of(&world).await;
    let mut thief = signed_in(&world, 1).await;
    let needs_code = (403, json!("needs_code"));
    let wrong = (403, json!("wrong_code"));
    assert_eq!(tried(&mut thief, &[]).await, needs_code);
    assert_eq!(
        tried(&mut thief, &[("password", PASSWORD)]).await,
        needs_code
    );
    assert_eq!(tried(&mut thief, &[("code", "")]).await, needs_code);
    for guess in [PASSWORD, "WDJB-MJHT", "12345678", "WDJB"] {
        let sent = [("password", PASSWORD), ("code", guess)];
        assert_eq!(
            tried(&mut thief, &sent).await,
            wrong,
            "{guess}: there is none"
        );
    }
    // Somebody else's code is no code.
    let theirs = world.passkey_code("mallory").await;
    assert_eq!(tried(&mut thief, &[("code", &theirs)]).await, wrong);
});

both!(
    the_operators_code_adds_the_first_passkey_once,
    |world| async {
        Cast::of(&world).await;
        let mut phone = signed_in(&world, 1).await;
        let code = world.passkey_code("alice").await;
        // As people type it.
        phone.code = Some(format!(" {} ", code.to_lowercase().replace('-', " ")));
        assert_eq!(phone.enrol("Phone").await.reply.status, 200);
        let id = phone.device.credential_ids()[0].clone();
        phone.remove(&id).await;
        let mut second = signed_in(&world, 2).await;
        let used = tried(&mut second, &[("code", &code)]).await;
        assert_eq!(used, (403, json!("wrong_code")), "used up");
    }
);

both!(
    a_device_that_fails_does_not_use_the_code_up,
    |world| async {
        Cast::of(&world).await;
        let mut phone = signed_in(&world, 1).await;
        phone.code = Some(world.passkey_code("alice").await);
        for _ in 0..=MAX_CODE_FAILURES {
            let failed = phone.send_credential(&json!({}), "Phone").await;
            assert_eq!(failed.reply.status, 422);
            let typed = phone.code.clone().unwrap();
            assert_eq!(tried(&mut phone, &[("code", &typed)]).await.0, 200);
        }
        assert_eq!(phone.enrol("Phone").await.reply.status, 200);
    }
);

both!(a_code_lasts_an_hour_and_twenty_wrong_tries, |world| async {
    Cast::of(&world).await;
    let mut phone = signed_in(&world, 1).await;
    let wrong = (403, json!("wrong_code"));
    let code = world.passkey_code("alice").await;
    world.advance(3599);
    assert_eq!(tried(&mut phone, &[("code", &code)]).await.0, 200);
    world.advance(1);
    assert_eq!(tried(&mut phone, &[("code", &code)]).await, wrong);
    // Wrong ones that were followed by the right one are forgotten; twenty in a row, of whatever browsers, end it.
    let code = world.passkey_code("alice").await;
    for (browsers, status) in [(3, 200), (3, 200), (4, 403)] {
        for number in 0..browsers {
            let mut browser = signed_in(&world, number + 2).await;
            for _ in 0..5 {
                assert_eq!(tried(&mut browser, &[("code", &other(&code))]).await, wrong);
            }
        }
        let mut hers = signed_in(&world, 9).await;
        assert_eq!(tried(&mut hers, &[("code", &code)]).await.0, status);
    }
    let failed = world.events_named("login.failed").await;
    assert!(
        failed
            .iter()
            .all(|event| event.data == json!({ "method": "passkey_code" }))
    );
    assert!(!failed.is_empty());
});

both!(
    wrong_codes_pause_the_browser_that_tries_and_leave_the_code_to_its_person,
    |world| async {
        Cast::of(&world).await;
        let (mut thief, mut phone) = (signed_in(&world, 1).await, signed_in(&world, 2).await);
        let guess = [("code", "WDJB-MJHT")];
        let (wrong, paused) = ((403, json!("wrong_code")), (429, json!("paused")));
        // Before there is one, and while it is good.
        for made in [false, true] {
            if made {
                world.advance(900);
                phone.code = Some(world.passkey_code("alice").await);
            }
            let looked_at = if made { 1 } else { 5 };
            for _ in 0..looked_at {
                assert_eq!(tried(&mut thief, &guess).await, wrong, "{made}");
            }
            for _ in 0..20 {
                assert_eq!(tried(&mut thief, &guess).await, paused, "{made}");
            }
        }
        let told = thief
            .post(OPTIONS, &[("code", guess[0].1.to_owned())])
            .await;
        assert_eq!(told.reply.header("retry-after"), Some("900"));
        let failed = world.events_named("login.failed").await;
        assert_eq!(failed.len(), 6, "what is not looked at is no event");
        assert_eq!(phone.enrol("Phone").await.reply.status, 200);
    }
);

both!(what_a_code_opened_ends_with_the_code, |world| async {
    Cast::of(&world).await;
    let mut phone = signed_in(&world, 1).await;
    let code = world.passkey_code("alice").await;
    let made = phone.created(&[("code", code)]).await;
    // The operator made another one meanwhile: they had a reason.
    world.passkey_code("alice").await;
    assert_eq!(
        phone.send_credential(&made, "Phone").await.reply.status,
        422
    );
});

both!(the_command_makes_a_code_and_says_it_once, |world| async {
    Cast::of(&world).await;
    let printed = |arguments: &[&str]| {
        let done = writ(&world, arguments);
        let complained = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(0), "{complained}");
        serde_json::from_slice::<Value>(&done.stdout).unwrap()
    };
    let made = printed(&["user", "passkeys", "alice", "--enroll"]);
    let code = made["code"].as_str().unwrap().to_owned();
    assert_eq!(code.len(), "WDJB-MJHT".len());
    assert!(made["page"].as_str().unwrap().ends_with("/app/devices"));
    let events = world.events_named("user.changed").await;
    let data = &events[0].data;
    assert_eq!(
        (&data["passkey"], &data["by"]),
        (&json!("code_made"), &json!("operator"))
    );
    for event in world.events().await {
        assert!(!event.data.to_string().contains(&code));
    }
    assert_eq!(
        writ(&world, &["user", "passkeys", "nobody", "--enroll"])
            .status
            .code(),
        Some(1)
    );
    let together = ["user", "passkeys", "alice", "--enroll", "--remove-all"];
    assert_eq!(writ(&world, &together).status.code(), Some(2));
    // Whoever has a passkey adds the next one with it; whoever lost it gets a code after it was removed.
    world.enrolled_phone("alice", 1).await;
    let refused = writ(&world, &["user", "passkeys", "alice", "--enroll"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("--remove-all"), "{said}");
    assert_eq!(refused.status.code(), Some(1));
    let removed = writ(&world, &["user", "passkeys", "alice", "--remove-all"]);
    let said = String::from_utf8(removed.stderr).unwrap();
    assert!(said.contains("writ user passkeys alice --enroll"), "{said}");
    printed(&["user", "passkeys", "alice", "--enroll"]);
});

both!(
    a_passkey_code_that_met_a_database_in_trouble_is_no_failure,
    |world| async {
        Cast::of(&world).await;
        let mut phone = signed_in(&world, 1).await;
        let code = world.passkey_code("alice").await;
        let wrong = (403, json!("wrong_code"));
        assert_eq!(tried(&mut phone, &[("code", &other(&code))]).await, wrong);
        let (away, back) = (
            "ALTER TABLE passkey_codes RENAME TO away",
            "ALTER TABLE away RENAME TO passkey_codes",
        );
        world.database.administer(away).await;
        for _ in 0..MAX_CODE_FAILURES_OF_BROWSER {
            let (status, error) = tried(&mut phone, &[("code", &code)]).await;
            assert!(status >= 500, "{status} {error}");
        }
        world.database.administer(back).await;
        assert_eq!(tried(&mut phone, &[("code", &code)]).await.0, 200);
    }
);
