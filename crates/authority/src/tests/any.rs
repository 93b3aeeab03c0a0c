//! Values of any kind: two different ones never read the same, all of them is there, and what a person would not see is refused.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use writ_wire::rar::Detail;

use crate::{
    ActionType, MAX_SHOWN_BYTES, MAX_SHOWN_NAME, MAX_SHOWN_NESTED, MAX_SHOWN_TEXT,
    MAX_SHOWN_VALUES, Piece, TypeDefinition,
};

const NOTES: &str = "https://notes.example";
/// Texts that resemble what is around them, and what stands for a line end or a tab.
const FRAGMENTS: [&str; 25] = [
    "a",
    "b",
    "1",
    "true",
    "null",
    "[]",
    "{}",
    "…",
    " ",
    ", ",
    " = ",
    " › ",
    "“",
    "”",
    "\"",
    "\\",
    "\n",
    "\r\n",
    "\t",
    "↵",
    "⇥",
    "␍",
    "(2 characters) ",
    "a.b",
    "é",
];

fn action(says: &str) -> TypeDefinition {
    let says = BTreeMap::from([("en".to_owned(), says.to_owned())]);
    let action = ActionType {
        resource: NOTES,
        name: "create",
        ask: true,
        says: &says,
        did: &BTreeMap::new(),
        resolved: &[],
        letter: None,
        arguments: None,
    };
    action.definition().unwrap()
}

fn object(definition: &TypeDefinition, arguments: &Value) -> Detail {
    let object = json!({ "type": definition.name(), "locations": [NOTES], "arguments": arguments });
    serde_json::from_value(object).unwrap()
}

/// Everything that a person reads, or why they are not asked.
fn shown(definition: &TypeDefinition, arguments: &Value) -> Result<Vec<String>, String> {
    let object = object(definition, arguments);
    let checked = definition.check_object(&object, "");
    checked.map_err(|problem| problem.to_string())?;
    let lines = definition.limits(&object, "en").into_iter();
    let lines = lines.map(|line| line.iter().map(Piece::as_str).collect());
    Ok(std::iter::once(definition.sentence(&object, "en"))
        .chain(lines)
        .collect())
}

#[test]
fn each_value_has_a_line_with_its_path() {
    let create = action("create the issue {/title} in {/repo/name}");
    let arguments = json!({
        "title": "Crash", "repo": { "name": "writ", "owner": null }, "labels": ["bug", "ui"],
        "assignees": [], "options": {}, "weight": 1.50, "count": 2.0, "draft": false,
        "body": "First\n\tsecond “line”\r\n", "more": [{ "a": [1] }]
    });
    assert_eq!(
        shown(&create, &arguments).unwrap(),
        [
            "Create the issue “Crash” in “writ”, once",
            "“assignees”: []",
            "“body”: (22 characters) “First↵\n⇥\tsecond \\“line\\”␍↵\n”",
            "“count”: 2",
            "“draft”: no",
            "“labels” › 1: “bug”",
            "“labels” › 2: “ui”",
            "“more” › 1 › “a” › 1: 1",
            "“options”: {}",
            "“repo” › “owner”: nothing",
            "“weight”: 1.5",
            "At: https://notes.example",
        ]
    );
}

#[test]
fn what_no_sentence_can_hold_stands_in_the_lines() {
    let create = action("create the issue {/title}");
    for (title, line) in [
        (
            json!("x".repeat(141)),
            format!("“title”: (141 characters) “{}”", "x".repeat(141)),
        ),
        (json!("a\nb"), "“title”: (3 characters) “a↵\nb”".to_owned()),
        (json!(["a"]), "“title” › 1: “a”".to_owned()),
        (json!({}), "“title”: {}".to_owned()),
    ] {
        let read = shown(&create, &json!({ "title": title })).unwrap();
        assert_eq!(read[..2], ["Create the issue …, once".to_owned(), line]);
    }
    let read = shown(&create, &json!({ "title": "…" })).unwrap();
    assert_eq!(read[0], "Create the issue “…”, once");
    let read = shown(&create, &json!({ "title": null })).unwrap();
    assert_eq!(read[0], "Create the issue nothing, once");
}

#[test]
fn values_that_differ_in_little_read_differently() {
    let create = action("create it");
    let all = [
        json!({ "a.b": 1 }),
        json!({ "a": { "b": 1 } }),
        json!({ "a › b": 1 }),
        json!({ "a” › “b": 1 }),
        json!({ "a": "1" }),
        json!({ "a": 1 }),
        json!({ "a": [1] }),
        json!({ "a": { "1": 1 } }),
        json!({ "a": [] }),
        json!({ "a": {} }),
        json!({ "a": "[]" }),
        json!({}),
        json!({ "a": null }),
        json!({ "a": "null" }),
        json!({ "a": "" }),
        json!({ "a": ["a,b"] }),
        json!({ "a": ["a", "b"] }),
        json!({ "a": ["a\nb"] }),
        json!({ "a": ["a\r\nb"] }),
        json!({ "a": ["a↵", "b"] }),
        json!({ "a": ["a↵\nb"] }),
        json!({ "a": ["a\tb"] }),
        json!({ "a": ["a\\tb"] }),
        json!({ "a": [["a"], "b"] }),
        json!({ "a": [["a", "b"]] }),
        json!({ "a": true }),
        json!({ "a": "true" }),
        json!({ "a": " x" }),
        json!({ "a": "x" }),
        json!({ "a": "x  y" }),
        json!({ "a": "x y" }),
        json!({ "a": "(1 characters) “x”" }),
    ];
    let mut read: BTreeMap<Vec<String>, &Value> = BTreeMap::new();
    for value in &all {
        let words = shown(&create, value).unwrap_or_else(|why| panic!("{value}: {why}"));
        let other = read.insert(words.clone(), value);
        assert_eq!(other, None, "{value} reads {words:?}");
    }
}

fn any_text() -> impl Strategy<Value = String> {
    vec(select(FRAGMENTS.as_slice()), 0..5).prop_map(|words| words.concat())
}

fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        select(vec![json!(0), json!(1), json!(1.5), json!(-2), json!(1e-7)]),
        any_text().prop_map(Value::from),
    ];
    scalar.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            btree_map(any_text(), inner, 0..3).prop_map(|members| json!(members)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Each beside each other, whether the sentence names a member or none.
    #[test]
    fn law_different_arguments_read_differently(
        values in vec(btree_map(prop_oneof![Just("a".to_owned()), any_text()], any_value(), 0..3), 24)
    ) {
        for says in ["create it", "create {/a}", "create {/a} of {/a/b}"] {
            let create = action(says);
            let mut read: BTreeMap<Vec<String>, Value> = BTreeMap::new();
            for value in &values {
                let value = json!(value);
                let Ok(words) = shown(&create, &value) else {
                    continue;
                };
                if let Some(other) = read.insert(words.clone(), value.clone()) {
                    prop_assert_eq!(other, value, "both read {:?}", words);
                }
            }
        }
    }

    /// A person reads back every text from what stands between its quotation marks.
    #[test]
    fn law_a_text_is_there_from_its_first_character_to_its_last(text in any_text()) {
        let create = action("create it");
        if let Ok(read) = shown(&create, &json!({ "a": text })) {
            let line = &read[1];
            let (_, rest) = line.split_once(": ").unwrap();
            let in_one_line = rest.starts_with('“');
            let (_, quoted) = rest.split_once('“').unwrap();
            let quoted = quoted.strip_suffix('”').unwrap();
            prop_assert_eq!(read_back(quoted, in_one_line), text);
        }
    }
}

/// As a person reads it: in a block a sign means what it stands for, unless a backslash is before it.
fn read_back(shown: &str, in_one_line: bool) -> String {
    let mut text = String::new();
    let mut rest = shown.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => text.extend(rest.next()),
            '↵' | '⇥' if !in_one_line => text.extend(rest.next()),
            '␍' if !in_one_line => text.push('\r'),
            c => text.push(c),
        }
    }
    text
}

#[test]
fn what_a_person_would_not_see_is_refused_with_its_place() {
    let create = action("create it");
    let long = |characters: usize| "word ".repeat(characters / 5);
    let mut deep = json!(1);
    for _ in 0..MAX_SHOWN_NESTED {
        deep = json!([deep]);
    }
    for (arguments, why) in [
        (
            json!({ "a": format!("{}x", long(MAX_SHOWN_TEXT)) }),
            "`/arguments/a`: this is longer than the 8000",
        ),
        (
            json!({ "a": vec![1; MAX_SHOWN_VALUES + 1] }),
            "`/arguments`: a person is shown at most 200",
        ),
        (
            json!({ "a": deep }),
            "`/arguments/a/0/0/0/0/0/0/0`: this is more than 8",
        ),
        (
            json!({ "a": vec![long(MAX_SHOWN_TEXT); 3] }),
            "`/arguments`: this is larger than 16384",
        ),
        (
            json!({ "a": { "n".repeat(MAX_SHOWN_NAME + 1): 1 } }),
            "a name has 1 to 64",
        ),
        (
            json!({ "a": { "": 1 } }),
            "`/arguments/a/`: a name has 1 to 64",
        ),
        (json!({ "a": { "b\nc": 1 } }), "U+000A"),
        (
            json!({ "a": [{ "it’s": 1, "itʼs": 2 }] }),
            "`/arguments/a/0/it’s`: this name reads like `itʼs`",
        ),
        (
            json!({ "a": ["x", "two\nlines\u{202e}"] }),
            "`/arguments/a/1`: U+202E at character 10",
        ),
        (
            json!({ "a": "two\nlines\u{200b}" }),
            "U+200B at character 10",
        ),
        (json!({ "a": "one\rtwo" }), "U+000D at character 4"),
        (json!({ "a": "one\r" }), "U+000D at character 4"),
        (json!({ "a": "one\n\u{301}" }), "marks at character 5"),
        (json!({ "a": "one\n\t\u{301}" }), "marks at character 6"),
        (json!({ "a": "one\ncafe\u{301}" }), "NFC"),
        (json!({ "a": "one\nw\u{43e}rk" }), "alphabets"),
        (json!({ "a": "one\na\u{a0}b" }), "U+00A0"),
        (json!({ "a": "one\nx \u{5d0} 1" }), "right"),
        (json!({ "a": "one\nx \u{5d0}\t\u{5d0}" }), "right"),
        (json!({ "a": "one\u{2028}two" }), "U+2028"),
        (json!({ "a": "\u{fb01}le " }), "U+FB01"),
    ] {
        let refused = shown(&create, &arguments).unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
}

#[test]
fn what_a_person_would_see_passes_up_to_each_bound() {
    let create = action("create it");
    let long = |characters: usize| "word ".repeat(characters / 5);
    let mut deep = json!(1);
    for _ in 1..MAX_SHOWN_NESTED {
        deep = json!([deep]);
    }
    for good in [
        json!({ "a": long(MAX_SHOWN_TEXT) }),
        json!({ "a": vec![1; MAX_SHOWN_VALUES] }),
        json!({ "a": deep }),
        json!({ "n".repeat(MAX_SHOWN_NAME): 1 }),
        json!({ "a": "  - item\n\n    code {\n\t}\n" }),
        json!({ "a": "שורה\nline 1" }),
    ] {
        assert!(shown(&create, &good).is_ok(), "{good}");
    }
    assert!(
        json!({ "a": vec![long(MAX_SHOWN_TEXT); 2] })
            .to_string()
            .len()
            < MAX_SHOWN_BYTES
    );
}

#[test]
fn what_nobody_is_shown_need_not_be_readable_but_is_read_alike_by_all() {
    let create = action("create it");
    let checked = |arguments: Value| {
        let checked = create.check_unshown(&object(&create, &arguments), "");
        checked.map_err(|problem| problem.to_string())
    };
    let mut deep = json!(1);
    for _ in 0..31 {
        deep = json!([deep]);
    }
    for good in [
        json!({ "q": "a\u{200b}\u{202e}b\u{a0}", "": "" }),
        json!({ "q": "x".repeat(60_000) }),
        json!({ "q": vec![0; 1000] }),
        json!({ "q": [-0.0, 1e300, 5e-324] }),
        json!({ "q": deep }),
    ] {
        assert_eq!(checked(good), Ok(()));
    }
    for (bad, why) in [
        (json!({ "q": "x".repeat(65_536) }), "larger than 65536"),
        (json!({ "q": [deep] }), "more than 32"),
        (
            json!({ "q": [{ "n": 9_007_199_254_740_993_u64 }] }),
            "`/arguments/q/0/n`: this number",
        ),
        (
            json!({ "q": { "a": 1, "A": 1 } }),
            "`/arguments/q`: the members",
        ),
        (
            json!({ "q": { "__proto__": 1 } }),
            "`/arguments/q`: a member",
        ),
    ] {
        let refused = checked(bad).unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
}
