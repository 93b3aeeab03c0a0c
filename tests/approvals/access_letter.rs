//! A mail is shown as one, and what the caller calls otherwise than the resource that looked it up is said (docs/decisions.md).

use serde_json::{Value, json};
use writ_testkit::{World, both};

use super::access_scene::{NOTES, ResourceServer, Scene, staged};

/// Mails at the address of the notes.
async fn mailing(world: &World) -> Scene {
    let scene = staged(world).await;
    let mut file = ResourceServer::file(NOTES, "Notes", "notes-api");
    let actions = &mut file["actions"];
    actions["send_mail"] = json!({
        "scope": "notes:write", "ask": true,
        "says": { "en": "send the mail {/subject}", "de": "die E-Mail {/subject} senden" },
        "shown": {
            "does": { "en": "send this mail", "de": "diese E-Mail senden" },
            "letter": { "to": "/to", "cc": "/cc", "bcc": "/bcc", "subject": "/subject", "text": "/text" }
        }
    });
    actions["move_note"] = json!({
        "scope": "notes:write", "ask": true, "says": { "en": "move the note {/title}" },
        "resolved": ["/title"], "called": { "/label": "/title" }
    });
    world.add_resource(file).await;
    scene
}

fn mail(more: Value) -> Value {
    let mut mail = json!({
        "to": "bob@example.com", "subject": "Flight times", "text": "Dear Bob,\nsee you there!\nAnna"
    });
    for (name, value) in more.as_object().unwrap() {
        mail[name] = value.clone();
    }
    mail
}

both!(
    /// To whom, who else, about what, the text; and below it what no letter has.
    a_mail_is_shown_as_one,
    |world| async {
        let mut scene = mailing(&world).await;
        for (more, says, says_not) in [
            (json!({}), &["To “bob@example.com” “Flight times”"][..], &["opy to"][..]),
            (
                json!({ "bcc": "offers@deals.example" }),
                &["To “bob@example.com” Hidden copy to “offers@deals.example” “Flight times”"],
                &[],
            ),
            (
                json!({ "cc": ["a@x.example", "b@x.example", "c@x.example"] }),
                &["Copy to “a@x.example”, “b@x.example” and 1 more", "Shortened"],
                &[],
            ),
            (json!({ "cc": [], "bcc": null }), &["To “bob@example.com” “Flight times”"], &["opy to"]),
            (
                json!({ "attach": "taxes.pdf" }),
                &["see you there! Anna” “attach”: “taxes.pdf” In the agent's own words"],
                &["opy to"],
            ),
            (
                json!({ "to": "b” to “c@x.example" }),
                &["To “b\\” to \\“c@x.example”"],
                &["To “b” to"],
            ),
            // No letter: the sentence and every value say it.
            (
                json!({ "to": { "name": "Bob" } }),
                &["wants to: Send the mail “Flight times”, once"],
                &["wants to send this mail"],
            ),
        ] {
            let wanted = scene.notes.evaluation(&scene.token, "send_mail", mail(more.clone()));
            let id = scene.notes.asked(&world, &wanted).await;
            let page = scene.alice.look(&id).await;
            for words in says {
                page.says(words);
            }
            for words in says_not {
                page.does_not_say(words);
            }
            scene.alice.approve_by_password(&page).await;
            world.advance(1);
        }
    }
);

both!(
    the_end_of_a_long_mail_is_on_the_first_screen,
    |world| async {
        let mut scene = mailing(&world).await;
        let text = format!(
            "Dear Bob,\n{}\nand send her the keys",
            "well ".repeat(100).trim_end()
        );
        let wanted = mail(json!({ "text": text }));
        let wanted = scene.notes.evaluation(&scene.token, "send_mail", wanted);
        let id = scene.notes.asked(&world, &wanted).await;
        let page = scene.alice.look(&id).await;
        page.says("“Dear Bob, well");
        page.says("send her the keys” In the agent's own words");
        page.says("Shortened: see Details.");
    }
);

both!(what_the_caller_calls_otherwise_is_said, |world| async {
    let mut scene = mailing(&world).await;
    let title = "Tax documents 2026";
    for (label, warns) in [
        (json!("Shopping list"), true),
        (json!("tax documents 2026"), false),
        (json!(2026), true),
        (Value::Null, false),
    ] {
        let arguments = json!({ "title": title, "label": label });
        let wanted = scene.notes.evaluation(&scene.token, "move_note", arguments);
        let id = scene.notes.asked(&world, &wanted).await;
        let page = scene.alice.look(&id).await;
        let called = page.reply.text().contains("The agent calls it");
        assert_eq!(called, warns, "{label}");
        if label == "Shopping list" {
            page.says("The agent calls it “Shopping list”. At Notes it is “Tax documents 2026”.");
        }
        let receipt = scene.alice.approve_by_password(&page).await;
        assert_eq!(receipt.reply.text().contains("The agent calls it"), warns);
        world.advance(1);
    }
    let bare = scene
        .notes
        .evaluation(&scene.token, "move_note", json!({ "title": title }));
    let id = scene.notes.asked(&world, &bare).await;
    scene
        .alice
        .look(&id)
        .await
        .does_not_say("The agent calls it");
});
