//! The types of actions: what is required, shown and refused.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use writ_wire::rar::Detail;

use crate::action::MAX_NAMED;
use crate::{ActionType, OtherActions, Piece, TypeDefinition};

const NOTES: &str = "https://notes.example";

fn read(says: Value, resolved: &[&str]) -> Result<TypeDefinition, String> {
    let says: BTreeMap<String, String> = serde_json::from_value(says).unwrap();
    let resolved: Vec<String> = resolved.iter().map(|text| (*text).to_owned()).collect();
    let action = ActionType {
        resource: NOTES,
        name: "delete_note",
        ask: true,
        says: &says,
        did: &BTreeMap::new(),
        resolved: &resolved,
        letter: None,
        arguments: None,
    };
    action.definition().map_err(|error| error.to_string())
}

fn shown(definition: &TypeDefinition, arguments: Value, lang: &str) -> Vec<String> {
    let object = json!({
        "type": definition.name(), "locations": [NOTES], "arguments": arguments
    });
    let object: Detail = serde_json::from_value(object).unwrap();
    definition.check_object(&object, "").unwrap();
    let limits = definition.limits(&object, lang).into_iter();
    let limits = limits.map(|line| line.iter().map(Piece::as_str).collect::<String>());
    std::iter::once(definition.sentence(&object, lang))
        .chain(limits)
        .collect()
}

#[test]
fn an_action_reads_as_its_record_says_it_and_shows_each_argument_once() {
    let says = json!({ "en": "delete the note {/title}", "de": "die Notiz {/title} löschen" });
    let action = read(says, &["/title"]).unwrap();
    assert_eq!(action.name(), "https://notes.example#delete_note");
    assert!(action.ask().needs_person(&action.example().unwrap()));
    let one = json!({ "title": "Shopping list" });
    assert_eq!(
        shown(&action, one.clone(), "en"),
        [
            "Delete the note “Shopping list”, once",
            "At: https://notes.example"
        ]
    );
    assert_eq!(
        shown(&action, one, "de"),
        [
            "Die Notiz „Shopping list“ löschen, einmal",
            "Bei: https://notes.example"
        ]
    );
    let more = json!({ "title": 7, "folder": "a = b", "force": true });
    assert_eq!(
        shown(&action, more, "en"),
        [
            "Delete the note 7, once",
            "“folder”: “a = b”",
            "“force”: yes",
            "At: https://notes.example"
        ]
    );
}

#[test]
fn arguments_outside_the_schema_are_refused() {
    let says = json!({ "en": "delete the note {/title}" });
    let action = read(says, &[]).unwrap();
    for bad in [
        json!({}),
        json!({ "title": "a\u{202e}b" }),
        json!({ "title": "a", "more": "\u{200b}" }),
        json!({ "title": "a", "more": 9_007_199_254_740_993_u64 }),
        json!({ "title": "a", "Title": "b" }),
        json!({ "title": "a", "": 1 }),
        json!({ "title": "a", "m".repeat(65): 1 }),
        json!("title"),
    ] {
        let object = json!({ "type": action.name(), "locations": [NOTES], "arguments": bad });
        let object: Detail = serde_json::from_value(object).unwrap();
        assert!(action.check_object(&object, "").is_err(), "{bad}");
    }
}

#[test]
fn an_action_names_so_many_arguments() {
    let says = |count: usize| {
        let slots: Vec<String> = (0..count).map(|place| format!("{{/a{place}}}")).collect();
        json!({ "en": format!("delete {}", slots.join(" ")) })
    };
    assert!(read(says(MAX_NAMED), &[]).is_ok());
    assert!(read(says(MAX_NAMED - 1), &["/resolved"]).is_ok());
    assert!(read(says(MAX_NAMED), &["/a0"]).is_ok(), "it is one of them");
    for refused in [
        read(says(MAX_NAMED + 1), &[]),
        read(says(MAX_NAMED), &["/resolved"]),
    ] {
        let refused = refused.unwrap_err();
        assert!(
            refused.contains("names more than 32 arguments"),
            "{refused}"
        );
    }
}

#[test]
fn words_that_could_hide_an_argument_are_refused() {
    assert!(read(json!({ "en": "empty the bin" }), &[]).is_ok());
    assert!(read(json!({ "en": "delete {/a} of {/b}" }), &["/c", "/d"]).is_ok());
    for (says, resolved, why) in [
        (json!({ "de": "löschen" }), &[][..], "`en`"),
        (json!({ "en": "delete[ {/title}]" }), &[], "brackets"),
        (json!({ "en": "delete {/title:and}" }), &[], "list"),
        (json!({ "en": "delete {title}" }), &[], "pointer"),
        (json!({ "en": "delete {/a//b}" }), &[], "no name"),
        (json!({ "en": "delete {/*}" }), &[], "no name"),
        (json!({ "en": "delete {/title" }), &[], "without `}`"),
        (json!({ "en": "delete note{/title}" }), &[], "white space"),
        (
            json!({ "en": "delete {/title}s" }),
            &[],
            "reads like a part",
        ),
        (
            json!({ "en": "delete it" }),
            &["title"],
            "names no argument",
        ),
    ] {
        let refused = read(says.clone(), resolved).unwrap_err();
        assert!(refused.contains(why), "{says} {resolved:?}: {refused}");
    }
}

#[test]
fn what_nobody_has_described_is_asked_about_by_its_name() {
    let others = OtherActions { resource: NOTES };
    let definition = TypeDefinition::parse(&others.document()).unwrap();
    assert_eq!(definition.name(), "https://notes.example#*");
    let asked = json!({
        "type": definition.name(), "locations": [NOTES], "tool": "rm", "arguments": { "all": true }
    });
    let asked: Detail = serde_json::from_value(asked).unwrap();
    assert_eq!(definition.check_object(&asked, ""), Ok(()));
    assert!(definition.ask().needs_person(&asked));
    let english = definition.sentence(&asked, "en");
    assert_eq!(english, "Use “rm”, which nobody has described here, once");
    let german = definition.sentence(&asked, "de");
    assert_eq!(
        german,
        "„rm“ benutzen, was hier niemand beschrieben hat, einmal"
    );
    let lines = definition.limits(&asked, "de");
    let first: String = lines[0].iter().map(Piece::as_str).collect();
    assert_eq!(first, "„all“: ja");
}

#[test]
fn a_record_schema_of_the_arguments_is_enforced() {
    let says = BTreeMap::from([("en".to_owned(), "create {/title}".to_owned())]);
    let none = BTreeMap::from([("en".to_owned(), "create it".to_owned())]);
    let schema = json!({
        "type": "object", "required": ["title"], "additionalProperties": false,
        "properties": {
            "title": { "type": "string", "pattern": "^[A-Z]" },
            "labels": { "type": "array", "items": { "enum": ["bug", "ui"] }, "maxItems": 2 },
            "weight": { "type": ["number", "null"], "minimum": 0 }
        }
    });
    for says in [&says, &none] {
        let action = ActionType {
            resource: NOTES,
            name: "create",
            ask: false,
            says,
            did: &BTreeMap::new(),
            resolved: &[],
            letter: None,
            arguments: Some(&schema),
        };
        let create = action.definition().unwrap();
        let checked = |arguments: Value| create.check_unshown(&object(&create, &arguments), "");
        for good in [
            json!({ "title": "A" }),
            json!({ "title": "A", "labels": ["ui", "bug"], "weight": null }),
            json!({ "title": "A", "weight": 0.5 }),
        ] {
            assert_eq!(checked(good), Ok(()));
        }
        for (bad, at) in [
            (json!({ "title": "a" }), "/arguments/title"),
            (json!({ "title": 1 }), "/arguments/title"),
            (
                json!({ "title": "A", "labels": ["x"] }),
                "/arguments/labels/0",
            ),
            (
                json!({ "title": "A", "labels": ["ui", "ui", "ui"] }),
                "/arguments/labels",
            ),
            (json!({ "title": "A", "weight": -1 }), "/arguments/weight"),
            (json!({ "title": "A", "more": 1 }), "/arguments/more"),
            (json!({ "labels": [] }), "/arguments/title"),
        ] {
            assert_eq!(checked(bad.clone()).unwrap_err().pointer, at, "{bad}");
        }
        let bare = json!({ "type": create.name(), "locations": [NOTES] });
        let bare: Detail = serde_json::from_value(bare).unwrap();
        assert_eq!(
            create.check_unshown(&bare, "").unwrap_err().pointer,
            "/arguments"
        );
    }
}

fn object(definition: &TypeDefinition, arguments: &Value) -> Detail {
    let object = json!({ "type": definition.name(), "locations": [NOTES], "arguments": arguments });
    serde_json::from_value(object).unwrap()
}

/// What was done, for who reads it afterwards; an older record says nothing of it, and has the same hash as ever.
#[test]
fn what_was_done_is_said_in_words_of_its_own() {
    let says = BTreeMap::from([("en".to_owned(), "delete the note {/title}".to_owned())]);
    let with = |did: Value| {
        let did: BTreeMap<String, String> = serde_json::from_value(did).unwrap();
        let action = ActionType {
            resource: NOTES,
            name: "delete_note",
            ask: true,
            says: &says,
            did: &did,
            resolved: &[],
            letter: None,
            arguments: None,
        };
        action.definition().map_err(|error| error.to_string())
    };
    let object = |title: &str| -> Detail {
        let object = json!({
            "type": format!("{NOTES}#delete_note"), "locations": [NOTES], "arguments": { "title": title }
        });
        serde_json::from_value(object).unwrap()
    };
    let did = with(json!({ "en": "deleted the note {/title}" })).unwrap();
    for lang in ["en", "de", "en-GB"] {
        let said = did.did(&object("Diary"), lang);
        assert_eq!(said.as_deref(), Some("deleted the note “Diary”"), "{lang}");
    }
    let without = with(json!({})).unwrap();
    assert_eq!(without.did(&object("Diary"), "en"), None);
    assert!(!without.document().contains("\"did\""));
    for (did, why) in [
        (json!({ "en": "deleted {/folder}" }), "`says` does not show"),
        (json!({ "en": "deleted[ {/title}|]" }), "has brackets"),
        (
            json!({ "de": "hat {/title} gelöscht" }),
            "has not this language",
        ),
    ] {
        let refused = with(did).unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
}
