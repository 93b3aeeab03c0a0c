//! What `writ mcp add` writes, and what `writ mcp diff` tells apart.

use super::*;

fn tool(name: &str, hash: &str) -> (String, ToolDefinition) {
    let definition = ToolDefinition {
        name: name.to_owned(),
        input_schema: Value::Null,
        hash: hash.to_owned(),
    };
    (name.to_owned(), definition)
}

#[test]
fn what_changed_is_told_apart_from_what_came_and_went() {
    let file = json!({ "actions": {
        "same": { "definition_hash": "a" }, "other": { "definition_hash": "b" },
        "gone": { "definition_hash": "c" }, "resources/read": { "ask": true }
    } });
    let tools = [
        tool("same", "a"),
        tool("other", "x"),
        tool("fresh", "d"),
        // The file has it as a method.
        tool("resources/read", "e"),
    ]
    .into();
    let (changed, new, gone) = compared(&file, &tools);
    assert_eq!(
        (changed, new, gone),
        (
            vec!["other".into()],
            vec!["fresh".into(), "resources/read".into()],
            vec!["gone".into()]
        )
    );
}

/// What it prints is registered as it is, whatever the server is called.
#[test]
fn the_scope_has_words_that_people_read() {
    let here = "http://localhost:8081/mcp";
    for (name, english, german) in [
        (
            Some("Notes"),
            "Use the tools of Notes",
            "Die Werkzeuge von Notes benutzen",
        ),
        (
            None,
            "Use the tools of localhost:8081",
            "Die Werkzeuge von localhost:8081 benutzen",
        ),
        (
            Some("https://evil.example \"x\""),
            "Use the tools of this server",
            "Die Werkzeuge dieses Servers benutzen",
        ),
    ] {
        let served = ServedResource {
            resource: here,
            name,
            client_id: "notes",
            scope: "tools",
        };
        let made = document(&BTreeMap::new(), &served, &BTreeSet::new()).unwrap();
        let scope = json!({ "name": "tools", "says": { "en": english, "de": german } });
        assert_eq!(made["scopes"], json!([scope]));
        assert_eq!(made["unknown_actions"]["scope"], "tools");
    }
}

/// An action of that name is what an operator says of the method.
#[test]
fn a_tool_by_the_name_of_a_method_is_no_action() {
    let served = ServedResource {
        resource: "http://localhost:8081/mcp",
        name: None,
        client_id: "notes",
        scope: "tools",
    };
    let names = [
        "resources/read",
        "prompts/get",
        "tasks/get",
        "ping",
        "tools/call",
    ];
    let tools = names.map(|name| tool(name, "h")).into();
    let made = document(&tools, &served, &BTreeSet::new()).unwrap();
    let actions = made["actions"].as_object().unwrap();
    let taken: Vec<&String> = actions.keys().collect();
    assert_eq!(taken, ["ping", "tools/call"]);
}

#[test]
fn a_sentence_is_made_of_the_name() {
    let (_, rm) = tool("rm", "h");
    let made = action(&rm, "tools", true);
    assert_eq!(made["says"]["en"], "use the tool rm");
    assert_eq!(made["says"]["de"], "das Werkzeug rm benutzen");
    // `writ resource add` takes it as it is.
    for language in ["en", "de"] {
        let says = made["says"][language].as_str().unwrap();
        assert_eq!(words::clean(says, words::LONGEST_WORDS), says);
    }
    assert_eq!(
        (&made["ask"], &made["definition_hash"]),
        (&json!(true), &json!("h"))
    );
    // It says nothing of its arguments.
    assert_eq!(made.get("arguments"), None);
}

#[test]
fn what_can_be_enforced_of_a_schema_goes_along() {
    let (_, mut add) = tool("add", "h");
    add.input_schema = json!({
        "type": "object", "properties": { "url": { "type": "string", "format": "uri" } }
    });
    let made = action(&add, "tools", true);
    let kept = json!({ "type": "object", "properties": { "url": { "type": "string" } } });
    assert_eq!(made["arguments"], kept);
    let said = left_out_of(&add).unwrap();
    assert!(
        said.contains("`/arguments/properties/url/format`"),
        "{said}"
    );
    add.input_schema = json!({ "type": "object", "enum": ["x".repeat(9_000)] });
    assert_eq!(action(&add, "tools", true).get("arguments"), None);
    assert!(
        left_out_of(&add)
            .unwrap()
            .contains("no arguments are refused")
    );
    add.input_schema = kept;
    assert_eq!(left_out_of(&add), None);
    add.input_schema = json!({
        "$defs": { "Item": { "type": "string" } }, "properties": { "a": { "$ref": "#/$defs/Item" } }
    });
    assert_eq!(left_out_of(&add), None, "a reference is replaced");
}
