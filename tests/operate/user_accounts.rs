//! `writ user invite` and `reset`: a link and a code are printed, for people who need them and nobody else.

use std::process::Command;

use serde_json::{Value, json};
use writ_core::account_link::{LinkKind, MAX_LINK_FAILURES};
use writ_core::id::UserId;
use writ_store::account_link::NewAccountLink;
use writ_store::settings::PersonSettings;
use writ_testkit::{ISSUER, PASSWORD, both};

use super::registered::{cast_now, complaint, printed};
use super::suspend::writ;
use crate::process::binary;

fn link_and_code(done: &Value) -> (String, String) {
    let text = |member: &str| done[member].as_str().unwrap().to_owned();
    let link = text("link");
    let secret = link
        .strip_prefix(&format!("{ISSUER}/account?link="))
        .unwrap();
    assert_eq!(secret.len(), 43, "256 bits");
    (link, text("code"))
}

both!(whoever_never_came_is_listed_as_invited, |world| async {
    cast_now(&world).await;
    let show = async |name: &str| printed(&writ(&world, &["user", "show", name]));
    let state = async |name: &str| {
        let listed = printed(&writ(&world, &["user", "list", "--json"]));
        let rows = listed.as_array().unwrap();
        let row = rows.iter().find(|row| row["name"] == json!(name)).unwrap();
        let shown = show(name).await;
        for member in ["state", "invited_until"] {
            assert_eq!(row[member], shown[member], "{name} {member}");
        }
        (row["state"].clone(), row["invited_until"].clone())
    };
    let invited = printed(&writ(
        &world,
        &["user", "invite", "bob", "--language", "de"],
    ));
    let until = invited["expires_at"].clone();
    assert_eq!(state("bob").await, (json!("invited"), until));
    assert_eq!(state("alice").await, (json!("enabled"), Value::Null));
    let list = writ(&world, &["user", "list"]);
    let list = String::from_utf8(list.stdout).unwrap();
    assert!(list.contains("INVITED_UNTIL"), "{list}");
    // Guessed too often: nothing is set by it any more.
    let (link, _) = link_and_code(&invited);
    let mut browser = world.browser();
    let page = browser.open(&link).await;
    for _ in 0..MAX_LINK_FAILURES {
        let fill = [
            ("code", "BBBB-BBBB"),
            ("new_password", PASSWORD),
            ("new_password_again", PASSWORD),
        ];
        browser.submit(&page, "account-submit", &fill).await;
    }
    assert_eq!(state("bob").await, (json!("invitation over"), Value::Null));
    printed(&writ(&world, &["user", "invite", "bob"]));
    assert_eq!(state("bob").await.0, json!("invited"));
    printed(&writ(&world, &["user", "disable", "bob"]));
    assert_eq!(state("bob").await, (json!("disabled"), Value::Null));
    printed(&writ(&world, &["user", "enable", "bob"]));
    assert_eq!(state("bob").await, (json!("invitation over"), Value::Null));
    let refused = writ(&world, &["user", "invite", "eve", "--language", "fr"]);
    assert_eq!(refused.status.code(), Some(2));
});

both!(an_operator_sees_where_a_reset_is_mailed, |world| async {
    let cast = cast_now(&world).await;
    let show = |mail: &[(&str, &str)]| {
        let done = Command::new(binary())
            .env_clear()
            .envs(world.environment())
            .envs(mail.iter().copied())
            .args(["user", "show", "alice"])
            .output()
            .unwrap();
        let shown = printed(&done);
        (
            shown["resets_mailed_to"].clone(),
            shown["unconfirmed_address"].clone(),
        )
    };
    let mail = [
        ("WRIT__MAIL__SMTP", "smtps://mail.example"),
        ("WRIT__MAIL__FROM", "writ@as.example"),
    ];
    assert_eq!(show(&mail), (Value::Null, Value::Null));
    let alice = UserId::from_text(cast.alice);
    let mut transaction = world.app.begin().await.unwrap();
    let link = NewAccountLink {
        user: &alice,
        kind: LinkKind::Address,
        link: "digest",
        code: None,
        address: Some("new@home.example"),
        created_at: world.now(),
        expires_at: world.now().plus(LinkKind::Address.lifetime()),
    };
    assert!(transaction.put_account_link(link).await.unwrap());
    transaction.commit().await.unwrap();
    assert_eq!(show(&mail), (Value::Null, json!("new@home.example")));
    let mut transaction = world.app.begin().await.unwrap();
    let settings = PersonSettings {
        email: Some("alice@home.example".to_owned()),
        ..PersonSettings::default()
    };
    let saved = transaction.save_settings(&alice, &settings, world.now());
    saved.await.unwrap();
    assert!(
        transaction
            .end_account_link("digest")
            .await
            .unwrap()
            .is_some()
    );
    transaction.commit().await.unwrap();
    assert_eq!(show(&mail), (json!("alice@home.example"), Value::Null));
    // A server that sends no mail prints the link.
    assert_eq!(show(&[]), (Value::Null, Value::Null));
});

both!(an_operator_invites_and_resets, |world| async {
    cast_now(&world).await;
    let invite = ["user", "invite", "bob", "--email", "bob@example.org"];
    let first = printed(&writ(&world, &invite));
    assert_eq!(
        (&first["name"], &first["email"]),
        (&json!("bob"), &json!("bob@example.org"))
    );
    let (older, _) = link_and_code(&first);
    let (newer, code) = link_and_code(&printed(&writ(&world, &["user", "invite", "bob"])));
    assert_ne!(older, newer);
    for (arguments, says) in [
        (
            &["user", "invite", "alice"][..],
            "has an account: `writ user reset alice`",
        ),
        (
            &["user", "reset", "bob"],
            "`writ user invite bob` makes another link",
        ),
        (&["user", "reset", "nobody"], "there is no person `nobody`"),
        (&["user", "reset", "alice", "--code"], "asked for no link"),
        (&["user", "invite", "no name"], "a name has 1 to 64"),
        (&["user", "invite", "carol", "--email", "carol"], "ASCII"),
        (
            &["user", "invite", "carol", "--email", "bob@example.org"],
            "somebody else",
        ),
    ] {
        let said = complaint(&writ(&world, arguments));
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
    let mut browser = world.browser();
    let page = browser.open(&older).await;
    assert_eq!(page.reply.status, 410);
    let page = browser.open(&newer).await;
    let password = "nine purple kettles sing";
    let fill = [
        ("code", code.as_str()),
        ("new_password", password),
        ("new_password_again", password),
    ];
    let done = browser.submit(&page, "account-submit", &fill).await;
    done.says("Your password is set");
    let shown = printed(&writ(&world, &["user", "show", "bob"]));
    assert_eq!(shown["email"], json!("bob@example.org"));
    link_and_code(&printed(&writ(&world, &["user", "reset", "bob"])));
    printed(&writ(&world, &["user", "disable", "bob"]));
    let disabled = complaint(&writ(&world, &["user", "reset", "bob"]));
    assert!(disabled.contains("is disabled"), "{disabled}");
    // The record names no address.
    let invited = world.events_named("user.invited").await;
    assert_eq!(invited.len(), 2);
    for event in invited {
        assert!(!event.data.to_string().contains("example.org"));
    }
});
