//! Any call waits for a yes: long texts, lists, nested objects, and tools that nobody has described (docs/decisions.md).

use serde_json::{Value, json};
use writ_testkit::{Cast, Change, World, both};

use super::access_scene::{NOTES, ResourceServer, Scene, denied, permitted, presenting, staged};

/// A tracker at the address of the notes: what tools of real servers take.
async fn tracked(world: &World) -> Scene {
    let scene = staged(world).await;
    let mut file = ResourceServer::file(NOTES, "Notes", "notes-api");
    let actions = &mut file["actions"];
    actions["create_issue"] = json!({
        "scope": "notes:write", "ask": true,
        "says": {
            "en": "create the issue {/title} in {/repo/name}",
            "de": "den Vorgang {/title} in {/repo/name} anlegen"
        },
        "resolved": ["/repo/name"],
        "arguments": {
            "type": "object", "required": ["title", "body"],
            "properties": {
                "title": { "type": "string", "minLength": 1, "pattern": "^[^\\n]+$" },
                "labels": { "type": "array", "items": { "type": "string", "maxLength": 20 }, "maxItems": 5 },
                "weight": { "type": ["number", "null"], "minimum": 0 }
            }
        }
    });
    actions["search"] = json!({ "scope": "notes:read", "says": { "en": "search" } });
    actions["confirmed"] = json!({
        "scope": "notes:read", "says": { "en": "look it up" }, "definition_hash": HASH
    });
    actions["put"] = json!({ "scope": "notes:write", "ask": true, "says": { "en": "put it" } });
    file["unknown_actions"] = json!({ "scope": "notes:write" });
    world.add_resource(file).await;
    scene
}

fn issue(body: &str) -> Value {
    json!({
        "title": "It crashes", "body": body, "repo": { "name": "writ", "owner": null },
        "labels": ["bug", "ui"], "weight": 1.5, "options": { "notify": { "people": ["bob"], "email": true } },
        "assignees": []
    })
}

/// 5,000 characters in lines, each of which says where it stands.
fn long_body() -> String {
    let lines = (0..).map(|line| format!("{line}: steps to <see> it & \"more\"\n"));
    let mut body = String::new();
    for line in lines {
        if body.chars().count() + line.chars().count() > 5_000 {
            break;
        }
        body.push_str(&line);
    }
    let left = 5_000 - body.chars().count();
    body + &"x".repeat(left)
}

/// As the page writes a text of several lines.
fn written(body: &str) -> String {
    let escaped = body
        .replace('&', "&#38;")
        .replace('<', "&#60;")
        .replace('>', "&#62;");
    escaped.replace('"', "\\&#34;").replace('\n', "↵\n")
}

both!(
    a_call_with_a_long_text_and_nested_arguments_passes_after_one_yes,
    |world| async {
        let mut scene = tracked(&world).await;
        let body = long_body();
        let wanted = scene
            .notes
            .evaluation(&scene.token, "create_issue", issue(&body));
        let id = scene.notes.asked(&world, &wanted).await;
        scene
            .alice
            .browser
            .open("/app")
            .await
            .says("Create the issue “It crashes” in “writ”, once");
        let page = scene.alice.look(&id).await;
        for words in [
            "Claude, through Notes, wants to: Create the issue “It crashes” in “writ”, once",
            "“assignees”: []",
            "“labels” › 1: “bug”",
            "“labels” › 2: “ui”",
            "“options” › “notify” › “email”: yes",
            "“options” › “notify” › “people” › 1: “bob”",
            "“repo” › “owner”: nothing",
            "“weight”: 1.5",
            "“body”: (5000 characters)",
            "Notes looked up: repo › name. All other details are in the words of Claude.",
        ] {
            page.says(words);
        }
        // Each line of a block is isolated.
        let html = page.reply.text().replace("</bdi><bdi>", "");
        assert!(
            html.contains(&written(&body)),
            "all of the text is there: {html}"
        );
        scene.yes(&id).await;
        let receipts = scene.alice.browser.open("/app/activity").await;
        receipts.says("You approved a request of Claude (through Notes)");
        let presented = presenting(&wanted, &scene.notes.status(&world, &id).await);
        // One character, deep inside.
        let mut changed = presented.clone();
        changed["action"]["properties"]["options"]["notify"]["people"][0] = json!("rob");
        assert_eq!(
            denied(&scene.notes.decide(&world, &changed).await),
            "out_of_scope"
        );
        permitted(&scene.notes.decide(&world, &presented).await);
        assert_eq!(
            denied(&scene.notes.decide(&world, &presented).await),
            "approval_expired"
        );
    }
);

both!(
    calls_that_differ_anywhere_are_two_questions,
    |world| async {
        let mut scene = tracked(&world).await;
        let mut screens: Vec<String> = Vec::new();
        for arguments in [
            json!({ "a.b": 1 }),
            json!({ "a": { "b": 1 } }),
            json!({ "a": ["b,c"] }),
            json!({ "a": ["b", "c"] }),
            json!({ "a": "b\nc" }),
        ] {
            let wanted = scene.notes.evaluation(&scene.token, "put", arguments);
            let id = scene.notes.asked(&world, &wanted).await;
            // Asked again, with its members and numbers written in another way, it is the same.
            assert_eq!(scene.notes.asked(&world, &wanted).await, id);
            let page = scene.alice.look(&id).await;
            let words = page.words();
            let (_, acts) = words.rsplit_once("Putit,once").unwrap();
            let (acts, _) = acts.split_once("At:").unwrap();
            screens.push(acts.to_owned());
            scene.notes.cancel(&world, &id).await;
        }
        screens.sort();
        screens.dedup();
        assert_eq!(screens.len(), 5, "{screens:?}");
        let one = scene
            .notes
            .evaluation(&scene.token, "put", json!({ "n": 1, "m": [0.5] }));
        let same = scene
            .notes
            .evaluation(&scene.token, "put", json!({ "m": [0.5], "n": 1.0 }));
        let id = scene.notes.asked(&world, &one).await;
        assert_eq!(scene.notes.asked(&world, &same).await, id);
    }
);

both!(
    what_is_out_of_bounds_is_denied_with_its_place,
    |world| async {
        let scene = tracked(&world).await;
        let nested = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner]));
        let mut wrong = issue("x");
        wrong["labels"] = json!(["bug", 7]);
        let mut without = issue("x");
        without["repo"].as_object_mut().unwrap().remove("name");
        for (action, arguments, why) in [
            ("put", json!({ "a": "x".repeat(8_001) }), "`/arguments/a`"),
            (
                "put",
                json!({ "a": nested(8) }),
                "`/arguments/a/0/0/0/0/0/0/0`",
            ),
            ("put", json!({ "a": vec![0; 201] }), "`/arguments`"),
            (
                "put",
                json!({ "a": ["b", "c\u{202e}d\n"] }),
                "`/arguments/a/1`",
            ),
            ("put", json!({ "a": "one\rtwo" }), "`/arguments/a`"),
            (
                "put",
                json!({ "a": 9_007_199_254_740_993_u64 }),
                "cannot be judged: `/arguments/a`: this number",
            ),
            ("create_issue", wrong, "`/arguments/labels/1`"),
            ("create_issue", without, "`/arguments/repo/name`"),
            (
                "create_issue",
                json!({}),
                "`/arguments/repo`: this member is required",
            ),
            ("search", json!({ "a": nested(32) }), "`/arguments/a"),
            ("search", json!({ "a": "x".repeat(65_536) }), "`/arguments`"),
        ] {
            let asked = scene.notes.evaluation(&scene.token, action, arguments);
            let answer = scene.notes.look(&world, &asked).await;
            assert_eq!(denied(&answer), "arguments_invalid", "{why}");
            let said = answer["context"]["reason_user"]["en"].as_str().unwrap();
            assert!(said.contains(why), "{said}");
            assert!(answer["context"].get("access_request").is_none());
        }
    }
);

both!(
    /// Numbers whose text two parsers read as two values.
    a_number_that_is_not_read_alike_is_denied,
    |world| async {
        let scene = tracked(&world).await;
        let asked = scene.notes.evaluation(&scene.token, "search", json!({ "a": 424_242 }));
        let of_value = "`/arguments/a`: this number is not read alike by every parser: send it as text";
        for (number, why) in [
            ("0.1000000000000000055511151231257827", "the number `0.1000000000000000055511151231257827`"),
            ("1e-400", "the number `1e-400`"),
            ("1234567890123456800", of_value),
            ("1234567890123456789.0", "the number `1234567890123456789.0`"),
            ("12345678901234567890", of_value),
        ] {
            let body = asked.to_string().replacen("424242", number, 1);
            let headers = [
                ("authorization", scene.notes.basic.as_str()),
                ("content-type", "application/json"),
            ];
            let path = "/access/v1/evaluation";
            let reply = world.send(http::Method::POST, path, &headers, body.into_bytes()).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            assert_eq!(denied(&reply.json()), "arguments_invalid", "{number}");
            let said = reply.json()["context"]["reason_user"]["en"].clone();
            let said = said.as_str().unwrap();
            let why = format!("The arguments cannot be judged: {why}");
            assert!(said.starts_with(&why), "{said}");
        }
    }
);

both!(
    /// A search takes what people type; once a person is asked about it, they must be able to read it.
    what_nobody_is_asked_about_need_not_be_readable,
    |world| async {
        let scene = tracked(&world).await;
        let odd = json!({ "q": "zero\u{200b}width \u{202e}turned\u{a0}", "": [1e-3] });
        let search = scene.notes.evaluation(&scene.token, "search", odd.clone());
        permitted(&scene.notes.decide(&world, &search).await);
        let mut confirmed = scene.notes.evaluation(&scene.token, "confirmed", odd);
        confirmed["context"]["definition_hash"] = json!(HASH);
        permitted(&scene.notes.decide(&world, &confirmed).await);
        confirmed["context"]["definition_hash"] = json!("B".repeat(43));
        let answer = scene.notes.decide(&world, &confirmed).await;
        assert_eq!(denied(&answer), "arguments_invalid");
        let said = answer["context"]["reason_user"]["en"].as_str().unwrap();
        let why = "The arguments cannot be shown to the person who decides: `/arguments/";
        assert!(said.starts_with(why), "{said}");
    }
);

both!(
    a_tool_that_nobody_described_asks_by_its_name,
    |world| async {
        let mut scene = tracked(&world).await;
        let mut call = scene
            .notes
            .evaluation(&scene.token, "tools/call", json!({}));
        call["resource"] = json!({ "type": "tool", "id": "rm_rf" });
        call["action"]["properties"] = json!({ "arguments": { "path": "/", "force": true } });
        let denial = scene.notes.look(&world, &call).await;
        assert_eq!(denied(&denial), "approval_required");
        let id = scene.notes.asked(&world, &call).await;
        let page = scene.alice.look(&id).await;
        page.says(
            "Claude, through Notes, wants to: Use “rm_rf”, which nobody has described here, once",
        );
        page.says("“path”: “/”");
        page.says("“force”: yes");
        scene.yes(&id).await;
        let presented = presenting(&call, &scene.notes.status(&world, &id).await);
        // Another tool with the same arguments is another question.
        let mut other = presented.clone();
        other["resource"]["id"] = json!("rm_all");
        assert_eq!(
            denied(&scene.notes.decide(&world, &other).await),
            "out_of_scope"
        );
        permitted(&scene.notes.decide(&world, &presented).await);
        // By its own name too, and named so that a page could not show it: denied.
        let named = scene.notes.evaluation(&scene.token, "rm_rf", json!({}));
        assert_eq!(
            denied(&scene.notes.look(&world, &named).await),
            "approval_required"
        );
        for bad in ["rm rf", "", "ｒｍ", "rm\u{202e}", &"r".repeat(65)] {
            let mut call = call.clone();
            call["resource"]["id"] = json!(bad);
            assert_eq!(
                denied(&scene.notes.look(&world, &call).await),
                "unknown_action",
                "{bad}"
            );
        }
    }
);

both!(
    without_the_member_what_nobody_described_is_denied,
    |world| async {
        let scene = staged(&world).await;
        let mut call = scene
            .notes
            .evaluation(&scene.token, "tools/call", json!({}));
        call["resource"] = json!({ "type": "tool", "id": "rm_rf" });
        assert_eq!(
            denied(&scene.notes.look(&world, &call).await),
            "unknown_action"
        );
    }
);

both!(
    /// Whatever the caller's token lacks, the name of an unknown tool gives it nothing.
    an_unknown_tool_needs_the_scope_of_its_member,
    |world| async {
        let mut scene = tracked(&world).await;
        let cast: &Cast = &scene.cast;
        let asked = cast.request().with("scope", "notes:read").with("resource", NOTES);
        scene.token = cast.granted(&world, &scene.claude, &asked, NOTES).await.access_token();
        let call = scene.notes.evaluation(&scene.token, "rm_rf", json!({}));
        assert_eq!(denied(&scene.notes.look(&world, &call).await), "not_covered");
    }
);

/// Of a tool's definition.
const HASH: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
