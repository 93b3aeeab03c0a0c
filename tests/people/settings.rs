//! What a person sets for themselves: quiet hours, e-mail, the code of CIBA 7.1, language.

use serde_json::json;
use writ_core::id::UserId;
use writ_server::node::passwords::HashFor;
use writ_store::settings::PersonSettings;
use writ_testkit::{Cast, PASSWORD, Phone, WebPage, World, both};

async fn at_home(world: &World) -> Phone {
    Cast::of(world).await;
    let mut phone = world.phone(1);
    phone.sign_in("alice").await;
    phone
}

async fn stored(world: &World) -> PersonSettings {
    let mut transaction = world.begin().await;
    let alice: UserId = transaction
        .user_by_name("alice")
        .await
        .unwrap()
        .unwrap()
        .user
        .id;
    transaction
        .settings(&alice)
        .await
        .unwrap()
        .unwrap_or_default()
}

async fn set(phone: &mut Phone, fields: &[(&'static str, &str)]) -> WebPage {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    phone.post("/app/settings", &fields).await
}

both!(quiet_hours_are_kept_and_taken_away, |world| async {
    let mut phone = at_home(&world).await;
    let night = [
        ("setting", "preferences"),
        ("from", "22:00"),
        ("until", "07:30"),
        ("offset", "120"),
    ];
    assert_eq!(set(&mut phone, &night).await.reply.status, 200);
    let kept = stored(&world).await;
    assert_eq!(
        (kept.quiet_from, kept.quiet_until, kept.offset_minutes),
        (Some(1320), Some(450), Some(120))
    );
    let half = [
        ("setting", "preferences"),
        ("from", "22:00"),
        ("offset", "0"),
    ];
    assert_eq!(set(&mut phone, &half).await.reply.status, 422);
    assert_eq!(stored(&world).await.quiet_from, Some(1320));
    let none = [("setting", "preferences"), ("offset", "60")];
    assert_eq!(set(&mut phone, &none).await.reply.status, 200);
    let kept = stored(&world).await;
    assert_eq!((kept.quiet_from, kept.offset_minutes), (None, Some(60)));
    let changes = world.events_named("user.changed").await;
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[0].data, json!({ "setting": "quiet_hours" }));
});

both!(one_save_sets_what_changed, |world| async {
    let mut phone = at_home(&world).await;
    let all = [
        ("setting", "preferences"),
        ("language", "de"),
        ("time_zone", "Europe/Berlin"),
        ("from", "22:00"),
        ("until", "07:30"),
    ];
    let saved = set(&mut phone, &all).await;
    assert_eq!(saved.reply.status, 200);
    saved.says("Gespeichert");
    let kept = stored(&world).await;
    assert_eq!(kept.time_zone.as_deref(), Some("Europe/Berlin"));
    assert_eq!((kept.quiet_from, kept.quiet_until), (Some(1320), Some(450)));
    // What is as it was is no event; what is wrong changes nothing else.
    set(&mut phone, &all).await;
    let mut half = all;
    half[1].1 = "en";
    half[2].1 = "Europe/Vienna";
    half[4].1 = "";
    let refused = set(&mut phone, &half).await;
    assert_eq!(refused.reply.status, 422);
    assert_eq!(refused.reply.header("set-cookie"), None);
    let still = stored(&world).await;
    assert_eq!(still.time_zone, kept.time_zone);
    assert_eq!(
        (still.quiet_from, still.quiet_until),
        (kept.quiet_from, kept.quiet_until)
    );
    // Both have the same time, and their order is that of random ids.
    let changes = world.events_named("user.changed").await.into_iter();
    let changes: std::collections::BTreeSet<_> =
        changes.map(|event| event.data.to_string()).collect();
    let settings = ["quiet_hours", "time_zone"];
    let expected = settings.map(|setting| json!({ "setting": setting }).to_string());
    assert_eq!(changes.into_iter().collect::<Vec<_>>(), expected);
});

both!(a_zone_that_the_browser_tells_is_no_event, |world| async {
    let mut phone = at_home(&world).await;
    let told = [
        ("setting", "time_zone"),
        ("time_zone", "Asia/Kathmandu"),
        ("by", "browser"),
    ];
    assert_eq!(set(&mut phone, &told).await.reply.status, 200);
    assert!(stored(&world).await.time_zone.is_some());
    // Nor does it take the place of one that is set.
    let other = [
        ("setting", "time_zone"),
        ("time_zone", "Pacific/Kiritimati"),
        ("by", "browser"),
    ];
    assert_eq!(set(&mut phone, &other).await.reply.status, 200);
    let kept = stored(&world).await.time_zone;
    assert_eq!(kept.as_deref(), Some("Asia/Kathmandu"));
    assert!(world.events_named("user.changed").await.is_empty());
});

both!(without_mail_no_address_is_kept, |world| async {
    let mut phone = at_home(&world).await;
    let address = [
        ("setting", "email"),
        ("email", "alice@example.org"),
        ("password", PASSWORD),
    ];
    assert_eq!(set(&mut phone, &address).await.reply.status, 400);
    assert_eq!(stored(&world).await.email, None);
    for bad in ["alice", "a@b.org\r\nBcc: c@d.org", "a@b.org,c@d.org"] {
        let bad = [("setting", "email"), ("email", bad)];
        assert_eq!(set(&mut phone, &bad).await.reply.status, 422);
    }
    assert_eq!(stored(&world).await.email, None);
});

both!(
    ciba_7_1_a_user_code_is_set_with_the_password_and_kept_as_a_hash,
    |world| async {
        let mut phone = at_home(&world).await;
        let with = |code: &'static str, password: &'static str| {
            [
                ("setting", "user_code"),
                ("user_code", code),
                ("password", password),
            ]
        };
        for (code, password) in [("123", PASSWORD), ("1234", "wrong"), ("1234", "")] {
            let refused = set(&mut phone, &with(code, password)).await;
            assert_eq!(refused.reply.status, 422, "{code} {password}");
        }
        assert_eq!(stored(&world).await.user_code_hash, None);
        let done = set(&mut phone, &with("open sesame", PASSWORD)).await;
        assert_eq!(done.reply.status, 200);
        let hash = stored(&world).await.user_code_hash.unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        let room = world.app.passwords.room(HashFor::Stranger(None)).unwrap();
        let matches = room.verify("open sesame".to_owned(), Some(hash));
        assert_eq!(matches.await, Ok(true));
        let quiet = [("setting", "preferences"), ("offset", "0")];
        set(&mut phone, &quiet).await;
        assert!(stored(&world).await.user_code_hash.is_some());
        set(&mut phone, &with("", PASSWORD)).await;
        assert_eq!(stored(&world).await.user_code_hash, None, "taken away");
    }
);

both!(
    /// No app sent anybody there.
    what_is_malformed_on_a_page_of_ones_own_came_by_no_app,
    |world| async {
        let mut phone = at_home(&world).await;
        for fields in [
            &[("setting", "shoe_size")][..],
            &[],
            &[("setting", "email"), ("setting", "password")],
            &[("setting", "preferences"), ("language", "de"), ("language", "en")],
        ] {
            let refused = set(&mut phone, fields).await;
            assert_eq!(refused.reply.status, 400, "{fields:?}");
            refused.says("That could not be read");
            refused.does_not_say("The app that sent you here");
        }
        for path in ["/account?link=x&link=y", "/app/activity?before=x&before=y"] {
            let refused = phone.browser.open(path).await;
            assert_eq!(refused.reply.status, 400, "{path}");
            refused.says("That could not be read");
        }
        let refused = phone.browser.open("/authorize?client_id=x&client_id=y").await;
        assert_eq!(refused.reply.status, 400);
        refused.does_not_say("That could not be read");
    }
);

both!(a_language_is_chosen_for_each_browser, |world| async {
    let mut phone = at_home(&world).await;
    let chosen = set(
        &mut phone,
        &[("setting", "preferences"), ("language", "en")],
    )
    .await;
    assert_eq!(chosen.reply.status, 200);
    let cookie = chosen.reply.header("set-cookie").unwrap();
    assert!(cookie.starts_with("writ-language=en; Path=/;"), "{cookie}");
    let unknown = set(
        &mut phone,
        &[
            ("setting", "preferences"),
            ("language", "tlh"),
            ("time_zone", "Europe/Vienna"),
        ],
    )
    .await;
    assert_eq!(unknown.reply.status, 400);
    assert_eq!(unknown.reply.header("set-cookie"), None);
    assert_eq!(stored(&world).await.time_zone, None, "nothing was changed");
    let other = set(&mut phone, &[("setting", "email"), ("email", "a@b.org")]).await;
    assert_eq!(other.reply.header("set-cookie"), None);
});

both!(rfc_9700_4_7_forged_settings_change_nothing, |world| async {
    let mut phone = at_home(&world).await;
    for csrf in ["", "x"] {
        let fields = [
            ("csrf", csrf.to_owned()),
            ("setting", "email".to_owned()),
            ("email", "mallory@evil.example".to_owned()),
        ];
        let refused = phone.browser.post("/app/settings", &fields).await;
        assert_eq!(refused.reply.status, 422);
    }
    assert_eq!(stored(&world).await.email, None);
    let mut stranger = world.phone(2);
    let page = stranger.browser.open("/app/settings").await;
    assert_eq!(page.url.path(), "/login");
    assert_eq!(page.query("next").as_deref(), Some("/app/settings"));
});

both!(
    rfc_9700_too_many_tries_are_said_to_be_too_many,
    |world| async {
        let mut phone = at_home(&world).await;
        let with = |password: &'static str| {
            [
                ("setting", "user_code"),
                ("user_code", "4711"),
                ("password", password),
            ]
        };
        for _ in 0..5 {
            let wrong = set(&mut phone, &with("wrong")).await;
            assert_eq!(wrong.reply.status, 422);
            wrong.says("The password is not right.");
        }
        let paused = set(&mut phone, &with(PASSWORD)).await;
        assert_eq!(paused.reply.status, 429);
        paused.says("Too many attempts. Wait a minute, then try again; after 100 in a day, from midnight UTC on.");
        assert_eq!(stored(&world).await.user_code_hash, None);
        world.advance(60);
        // A right one forgets the wrong ones before it.
        assert_eq!(set(&mut phone, &with(PASSWORD)).await.reply.status, 200);
        for _ in 0..4 {
            set(&mut phone, &with("wrong")).await;
        }
        assert_eq!(set(&mut phone, &with(PASSWORD)).await.reply.status, 200);
    }
);
