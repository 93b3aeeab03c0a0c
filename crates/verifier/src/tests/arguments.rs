//! Arguments of an action, by the table of every kit (conformance/vectors): what is sent, and what is refused before.

use serde_json::{Map, Value, json};
use writ_wire::exact_json;

use crate::{GatedAction, NotPermitted};

const ARGUMENTS: &str = include_str!("../../../../conformance/vectors/arguments.json");

#[test]
fn arguments_that_are_not_sent_are_told_in_the_words_of_the_server() {
    let vectors: Value = serde_json::from_str(ARGUMENTS).unwrap();
    for case in vectors["cases"].as_array().unwrap() {
        let said = case.get("sentence").and_then(Value::as_str);
        let text = filled_in(case);
        let given: Map<String, Value> = serde_json::from_str(&text).unwrap();
        for made in [
            GatedAction::named("n", given.clone()),
            GatedAction::tool("n", given.clone()),
            GatedAction::named_by_text("n", &text),
            GatedAction::tool_by_text("n", &text),
        ] {
            let Some(said) = said else {
                let made = made.unwrap();
                assert_eq!(
                    made.arguments(),
                    &exact_json::normal_members(given.clone()),
                    "{}",
                    case["name"]
                );
                continue;
            };
            let refused = made.unwrap_err();
            assert_eq!(
                (refused.code(), refused.sentence().as_str()),
                ("arguments_invalid", said)
            );
            let NotPermitted::ArgumentsInvalid { place, .. } = refused else {
                panic!("{}", case["name"]);
            };
            assert!(place.starts_with("`/arguments"), "{place}");
            assert!(said.contains(&format!(": {place};")), "{place}");
        }
    }
    for row in vectors["numbers"].as_array().unwrap() {
        let text = row["text"].as_str().unwrap();
        // What the parser here does not read never comes here; what it made of a text is all that does.
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            continue;
        };
        let arguments = Map::from_iter([("n".to_owned(), value)]);
        let found = GatedAction::tool("x", arguments).map(GatedAction::into_arguments);
        let parsed = row["parsed"].get("rust").or(row.get("canonical"));
        match parsed.and_then(Value::as_str) {
            Some(taken) => {
                let expected: f64 = taken.parse().unwrap();
                assert_eq!(found.unwrap()["n"].as_f64(), Some(expected), "{text}");
            }
            None => assert_eq!(found.unwrap_err().code(), "arguments_invalid", "{text}"),
        }
    }
    // No other kit compares names.
    for bad in [
        json!({ "a": { "b": 1, "B": 2 } }),
        json!({ "a": { "__proto__": 1 } }),
    ] {
        let refused = GatedAction::named("x", bad.as_object().unwrap().clone()).unwrap_err();
        assert!(
            refused.to_string().contains("`/arguments/a`: "),
            "{refused}"
        );
    }
    assert!(GatedAction::named("", Map::new()).is_err());
}

fn filled_in(case: &Value) -> String {
    let text = case["text"].as_str().unwrap();
    let count = |name: &str| usize::try_from(case[name].as_u64().unwrap_or_default()).unwrap();
    let filling = match case.get("nested") {
        Some(_) => format!(
            "{}1{}",
            "[".repeat(count("nested")),
            "]".repeat(count("nested"))
        ),
        None => "x".repeat(count("letters")),
    };
    text.replace("%s", &filling)
}

/// What no parsed value can tell: a text is read as the server reads it.
#[test]
fn arguments_by_their_text_lose_nothing() {
    let vectors: Value = serde_json::from_str(ARGUMENTS).unwrap();
    let by_text = |text: &str| {
        let made = GatedAction::tool_by_text("n", text).map(GatedAction::into_arguments);
        made.map(Value::Object)
    };
    let read = |text: &str| exact_json::read(text.as_bytes()).unwrap();
    for row in vectors["texts"].as_array().unwrap() {
        let text = row["text"].as_str().unwrap();
        match row["read"].as_str() {
            Some(expected) => assert_eq!(by_text(text).unwrap(), read(expected), "{text}"),
            None => {
                let [place, why] = ["place", "why"].map(|member| row[member].as_str().unwrap());
                let said = format!(
                    "The arguments cannot be judged: `{place}`: {why}; correct them and call again."
                );
                assert_eq!(by_text(text).unwrap_err().sentence(), said, "{text}");
            }
        }
    }
    for row in vectors["numbers"].as_array().unwrap() {
        let number = row["text"].as_str().unwrap();
        let found = by_text(&format!("{{\"a\":[{{\"b\":{number}}}]}}"));
        match row["canonical"].as_str() {
            Some(canonical) => {
                let double: f64 = canonical.parse().unwrap();
                assert_eq!(
                    found.unwrap()["a"][0]["b"].as_f64(),
                    Some(double),
                    "{number}"
                );
            }
            None => {
                let told = found.unwrap_err().to_string();
                assert!(told.contains("`/arguments/a/0/b`: this number"), "{told}");
            }
        }
    }
}
