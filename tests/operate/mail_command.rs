//! `writ mail test`: one letter by the configured mail server, and what that said; no database is asked.

use std::process::{Command, Output};

use serde_json::json;
use writ_testkit::{DatabaseKind, TestMailServer, World};

use super::registered::{complaint, printed};
use crate::process::binary;

async fn mail_test(world: &World, smtp: Option<&str>, address: &str) -> Output {
    let mut command = Command::new(binary());
    command.env_clear().envs(world.environment());
    if let Some(smtp) = smtp {
        command.env("WRIT__MAIL__SMTP", smtp);
        command.env("WRIT__MAIL__FROM", "Writ <writ@as.example>");
    }
    command.args(["mail", "test", address]);
    let done = tokio::task::spawn_blocking(move || command.output());
    done.await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_letter_shows_whether_mail_is_sent() {
    let world = World::new(DatabaseKind::Sqlite).await;
    let postbox = TestMailServer::start().await;
    let smtp = Some(postbox.url.as_str());
    let done = printed(&mail_test(&world, smtp, "olga@home.example").await);
    assert_eq!(
        done,
        json!({
            "to": "olga@home.example",
            "from": "Writ <writ@as.example>",
            "said": "250 taken",
        })
    );
    let letters = postbox.letters();
    let [letter] = letters.as_slice() else {
        panic!("{letters:?}");
    };
    for part in [
        "RCPT TO:<olga@home.example>",
        "MAIL FROM:<writ@as.example>",
        "Subject: A test of this mail server",
        "http://localhost:9 can send mail to you",
    ] {
        assert!(letter.contains(part), "{part}: {letter}");
    }
    for answer in ["451 come later", "550 no such mailbox"] {
        postbox.refuse(answer);
        let said = complaint(&mail_test(&world, smtp, "olga@home.example").await);
        let (code, words) = answer.split_once(' ').unwrap();
        for part in ["refused it", code, words] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    // Nobody listens there any more; a password of the URL is not repeated.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let smtp = format!("smtp://writ:hunter2hunter2@{address}");
    let said = complaint(&mail_test(&world, Some(&smtp), "olga@home.example").await);
    assert!(said.contains("was not reached"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    for (smtp, address, why) in [
        (None, "olga@home.example", "sends no mail"),
        (Some(postbox.url.as_str()), "olga", "is no mail address"),
    ] {
        let said = complaint(&mail_test(&world, smtp, address).await);
        assert!(said.contains(why), "{said}");
    }
    assert!(postbox.letters().is_empty());
}
