//! Arguments that are denied say what is wrong with them, and where (docs/decisions.md): outside the schema, too much to be judged, or
//! nothing that a person could be shown.

use serde_json::{Value, json};
use writ_testkit::{World, both, payment};

use super::access_scene::{NOTES, ResourceServer, Scene, denied, permitted, staged};

const SCHEMA: &str = "The arguments are not those of this action: ";
const SHOWN: &str = "The arguments cannot be shown to the person who decides: ";
const JUDGED: &str = "The arguments cannot be judged: ";

/// Notes with an action of a schema that asks, and one that asks nobody.
async fn noted(world: &World) -> Scene {
    let scene = staged(world).await;
    let mut file = ResourceServer::file(NOTES, "Notes", "notes-api");
    let schema = json!({
        "type": "object", "required": ["path", "at"], "additionalProperties": false,
        "properties": {
            "path": { "type": "string" },
            "at": { "type": "object", "required": ["line"], "properties": { "line": { "type": "integer", "minimum": 1 } } },
            "how": { "enum": ["soft", "hard"] }
        }
    });
    for (name, asks) in [("cut", true), ("count", false)] {
        file["actions"][name] = json!({
            "scope": "notes:write", "ask": asks, "says": { "en": "do it" }, "arguments": schema
        });
    }
    file["actions"]["any"] =
        json!({ "scope": "notes:write", "ask": true, "says": { "en": "do it" } });
    file["unknown_actions"] = json!({ "scope": "notes:write" });
    world.add_resource(file).await;
    scene
}

/// As a tool call of the binding for MCP, and as an action of its name.
fn both_ways(scene: &Scene, action: &str, arguments: &Value) -> [Value; 2] {
    let named = scene
        .notes
        .evaluation(&scene.token, action, arguments.clone());
    let properties = json!({ "arguments": arguments });
    let mut tool = scene
        .notes
        .evaluation(&scene.token, "tools/call", properties);
    tool["resource"] = json!({ "type": "tool", "id": action });
    [named, tool]
}

both!(what_is_wrong_with_arguments_is_said, |world| async {
    let scene = noted(&world).await;
    let nested = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    let at = json!({ "line": 1 });
    for (action, arguments, kind, place) in [
        (
            "cut",
            json!({}),
            SCHEMA,
            "`/arguments/path`: this member is required",
        ),
        (
            "count",
            json!({}),
            SCHEMA,
            "`/arguments/path`: this member is required",
        ),
        (
            "cut",
            json!({ "at": at }),
            SCHEMA,
            "`/arguments/path`: this member is required",
        ),
        (
            "cut",
            json!({ "path": "a", "at": {} }),
            SCHEMA,
            "`/arguments/at/line`: this member is required",
        ),
        (
            "cut",
            json!({ "path": "a", "at": { "line": 0 } }),
            SCHEMA,
            "`/arguments/at/line`",
        ),
        (
            "cut",
            json!({ "path": 1, "at": at }),
            SCHEMA,
            "`/arguments/path`",
        ),
        (
            "cut",
            json!({ "path": "a", "at": at, "how": "x" }),
            SCHEMA,
            "`/arguments/how`",
        ),
        (
            "cut",
            json!({ "path": "a", "at": at, "a/b~": 1 }),
            SCHEMA,
            "`/arguments/a~1b~0`",
        ),
        // A person is asked about the one, and nobody about the other.
        (
            "cut",
            json!({ "path": "a\u{200b}b", "at": at }),
            SHOWN,
            "`/arguments/path`",
        ),
        (
            "any",
            json!({ "a": [{ "b": "\u{202e}" }] }),
            SHOWN,
            "`/arguments/a/0/b`",
        ),
        ("any", json!({ "": 1 }), SHOWN, "`/arguments/`"),
        ("any", nested_in(9), SHOWN, "`/arguments/a/0"),
        ("any", json!({ "a": vec![0; 201] }), SHOWN, "`/arguments`"),
        (
            "nobody_knows_it",
            json!({ "a": "\u{200b}" }),
            SHOWN,
            "`/arguments/a`",
        ),
        ("any", json!({ "a": nested(32) }), JUDGED, "`/arguments/a/0"),
        (
            "count",
            json!({ "a": nested(32) }),
            JUDGED,
            "`/arguments/a/0",
        ),
        (
            "any",
            json!({ "a": "x".repeat(65_529) }),
            JUDGED,
            "`/arguments`",
        ),
        (
            "any",
            json!({ "a": [0, 12_345_678_901_234_567_890_u64] }),
            JUDGED,
            "`/arguments/a/1`: this number",
        ),
        (
            "count",
            json!({ "a": 9_007_199_254_740_993_u64 }),
            JUDGED,
            "`/arguments/a`: this number",
        ),
        (
            "any",
            json!({ "a": 9_007_199_254_740_993_u64 }),
            JUDGED,
            "`/arguments/a`: this number",
        ),
        (
            "any",
            json!({ "a": { "b": 1, "B": 2 } }),
            JUDGED,
            "`/arguments/a`",
        ),
    ] {
        for asked in both_ways(&scene, action, &arguments) {
            let answer = scene.notes.look(&world, &asked).await;
            assert_eq!(
                denied(&answer),
                "arguments_invalid",
                "{action} {kind}{place}"
            );
            let said = answer["context"]["reason_user"]["en"].as_str().unwrap();
            assert!(said.starts_with(&format!("{kind}{place}")), "{said}");
            assert!(answer["context"].get("access_request").is_none());
        }
    }
    let fine = both_ways(&scene, "count", &json!({ "path": "a\u{200b}b", "at": at }));
    assert_eq!(
        scene.notes.look(&world, &fine[0]).await["decision"],
        json!(true)
    );
    let asked = both_ways(&scene, "any", &json!({}));
    assert_eq!(
        denied(&scene.notes.look(&world, &asked[1]).await),
        "approval_required"
    );
});

fn nested_in(depth: usize) -> Value {
    json!({ "a": (0..depth).fold(json!(1), |inner, _| json!([inner])) })
}

both!(
    /// An object of a type stands before a person too.
    what_is_wrong_with_an_object_is_said,
    |world| async {
        let scene = staged(&world).await;
        let mut paid = payment("1.00");
        let members = paid.as_object_mut().unwrap();
        members.retain(|name, _| !["type", "locations", "ref"].contains(&name.as_str()));
        for (member, value, why) in [
            ("reference", json!("a\u{200b}"), format!("{SHOWN}`/reference`")),
            ("locations", json!(["x"]), format!("{SCHEMA}`/locations`: only the server says this")),
            ("more", json!(1), format!("{SCHEMA}`/more`: this type has no such member")),
        ] {
            let mut object = paid.clone();
            object[member] = value;
            let asked = scene.notes.evaluation(&scene.token, "payment", object);
            let answer = scene.notes.look(&world, &asked).await;
            assert_eq!(denied(&answer), "arguments_invalid", "{member}");
            let said = answer["context"]["reason_user"]["en"].as_str().unwrap();
            assert!(said.starts_with(&why), "{said}");
        }
    }
);

both!(
    /// A number is its double, however it is written, and what two readers take for two numbers is judged by nobody.
    a_number_is_judged_by_its_value,
    |world| async {
        let mut scene = noted(&world).await;
        let vectors = include_str!("../../conformance/vectors/arguments.json");
        let vectors: Value = serde_json::from_str(vectors).unwrap();
        let asked = scene.notes.evaluation(&scene.token, "any", json!({ "a": 424_242 }));
        for row in vectors["numbers"].as_array().unwrap() {
            let text = row["text"].as_str().unwrap();
            let body = asked.to_string().replacen("424242", text, 1);
            let headers = [
                ("authorization", scene.notes.basic.as_str()),
                ("content-type", "application/json"),
            ];
            let reply = world.send(http::Method::POST, "/access/v1/evaluation", &headers, body.into_bytes()).await;
            let Ok(double) = serde_json::from_str::<f64>(text) else {
                assert_eq!(reply.refusal(), (400, "invalid_request".to_owned()), "{text}");
                continue;
            };
            let answer = reply.json();
            let expected = match row.get("canonical") {
                Some(_) => "approval_required",
                None => "arguments_invalid",
            };
            assert_eq!(denied(&answer), expected, "{text} ({double}): {answer}");
            if row.get("canonical").is_none() {
                let said = answer["context"]["reason_user"]["en"].as_str().unwrap();
                assert!(said.starts_with(JUDGED) && said.contains("not read alike"), "{said}");
            }
        }
        // A yes is to the value: to each of its spellings, and to no other.
        let wanted = scene.notes.evaluation(&scene.token, "any", json!({ "a": [1000, 0] }));
        let mut again = scene.approved(&world, &wanted).await;
        again["action"]["properties"]["a"] = json!([1001, 0]);
        assert_eq!(denied(&scene.notes.decide(&world, &again).await), "out_of_scope");
        again["action"]["properties"]["a"] = json!([1e3, -0.0]);
        permitted(&scene.notes.decide(&world, &again).await);
    }
);

both!(
    /// What is not read at all is no evaluation: it is said where the body ends to be read.
    what_no_parser_here_reads_is_a_bad_request,
    |world| async {
        let scene = noted(&world).await;
        let asked = scene.notes.evaluation(&scene.token, "any", json!({ "a": 424_242 }));
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        for (value, why) in [
            ("1e400", "a number that no double holds"),
            (deep.as_str(), "nested deeper"),
            ("01", "no JSON"),
            ("NaN", "no JSON"),
            (r#""\u0000""#, "a control character"),
            (r#""\ud800""#, "no JSON"),
        ] {
            let body = asked.to_string().replacen("424242", value, 1);
            let headers = [
                ("authorization", scene.notes.basic.as_str()),
                ("content-type", "application/json"),
            ];
            let path = "/access/v1/evaluation";
            let reply = world.send(http::Method::POST, path, &headers, body.into_bytes()).await;
            assert_eq!(reply.refusal(), (400, "invalid_request".to_owned()), "{value}");
            let said = reply.text();
            assert!(said.contains(why) && said.contains("line 1, column"), "{said}");
        }
    }
);
