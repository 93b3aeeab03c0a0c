//! What a person types, and what their browser says of itself, is kept within bounds.

use serde_json::json;
use writ_testkit::{Cast, Phone, World, both, both_heard};

use super::kept_texts::{kept, text};
use crate::people::webpush::{AUTH, PUBLIC, Phone as PushedPhone};

/// Longer than anything that is kept of a person's forms.
const LONG: usize = 60_000;
const PUSH: &str = "/app/devices/push";

async fn at_home(world: &World) -> Phone {
    Cast::of(world).await;
    let mut phone = world.phone(1);
    phone.sign_in("alice").await;
    phone
}

/// An address for mail of so many bytes.
fn address(bytes: usize) -> String {
    let end = "@example.org";
    format!("{}{end}", text(bytes - end.len()))
}

both!(what_a_person_sets_is_bounded, |world| async {
    let mut phone = at_home(&world).await;
    for (setting, most, more) in [
        // How long one may be that is written to: `people/address.rs`.
        ("email", None, address(255)),
        ("user_code", Some(text(32)), text(33)),
        ("time_zone", Some("Europe/Vienna".to_owned()), text(LONG)),
        ("from", None, text(LONG)),
        ("until", None, text(LONG)),
        ("offset", None, text(LONG)),
    ] {
        let named = match setting {
            "from" | "until" | "offset" => "preferences",
            setting => setting,
        };
        let form = |value: String| {
            let mut form = vec![("setting", named.to_owned()), (setting, value)];
            if ["user_code", "email"].contains(&named) {
                form.push(("password", writ_testkit::PASSWORD.to_owned()));
            }
            form
        };
        let before = kept(&world).await;
        let refused = phone.post("/app/settings", &form(more)).await.reply;
        assert_eq!(refused.status, 422, "{setting}: {}", refused.text());
        assert_eq!(kept(&world).await, before, "{setting}");
        if let Some(most) = most {
            let taken = phone.post("/app/settings", &form(most)).await.reply;
            assert!(taken.status < 400, "{setting}: {}", taken.text());
        }
    }
    // What is no language of these pages is none.
    let long = [
        ("setting", "preferences".to_owned()),
        ("language", text(LONG)),
    ];
    phone.post("/app/settings", &long).await;
    assert!(!world.database.dump().await.contains(&text(255)));
});

both!(the_name_of_a_passkey_is_cut, |world| async {
    let mut phone = at_home(&world).await;
    phone.code = Some(world.passkey_code("alice").await);
    let added = phone.enrol(&text(LONG)).await;
    assert_eq!(added.reply.status, 200);
    let dump = world.database.dump().await;
    assert!(dump.contains(&text(64)) && !dump.contains(&text(65)));
});

both_heard!(
    what_a_browser_has_kept_is_bounded,
    |world, receiver| async {
        Cast::of(&world).await;
        let phone = PushedPhone::logged_in(&world, "alice").await;
        let endpoint = receiver.url("/push/1");
        let long = receiver.url(&format!("/{}", text(LONG)));
        let send = async |endpoint: &str, p256dh: &str, auth: &str| {
            let keys = json!({ "p256dh": p256dh, "auth": auth });
            let body = json!({ "endpoint": endpoint, "keys": keys, "name": text(LONG) });
            phone.post(&world, PUSH, &body).await
        };
        let before = kept(&world).await;
        for (endpoint, p256dh, auth) in [
            (&*long, PUBLIC, AUTH),
            (&*endpoint, &text(LONG), AUTH),
            (&*endpoint, PUBLIC, &text(LONG)),
        ] {
            let refused = send(endpoint, p256dh, auth).await;
            assert_eq!(refused.status, 400, "{}", refused.text());
            assert_eq!(kept(&world).await, before);
        }
        let taken = send(&endpoint, PUBLIC, AUTH).await;
        assert_eq!(taken.status, 204, "{}", taken.text());
        let dump = world.database.dump().await;
        assert!(dump.contains(&text(100)) && !dump.contains(&text(141)));
    }
);
