//! `writ user invite` and `reset`: a link and a code are printed, for people who need them and nobody else.

use serde_json::{Value, json};
use writ_testkit::{ISSUER, both};

use super::registered::{cast_now, complaint, printed};
use super::suspend::writ;

fn link_and_code(done: &Value) -> (String, String) {
    let text = |member: &str| done[member].as_str().unwrap().to_owned();
    let link = text("link");
    let secret = link
        .strip_prefix(&format!("{ISSUER}/account?link="))
        .unwrap();
    assert_eq!(secret.len(), 43, "256 bits");
    (link, text("code"))
}

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
