//! Two different objects never read the same, and what would be hidden or cut is never granted.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::string::string_regex;
use serde_json::{Map, Value, json};

use super::world::{detail, payment, types, uri};
use crate::{Problem, TypeDefinition, consent};

const PLACE: &str = "https://bank.example";
/// Fragments of templates, and texts that resemble them.
const FRAGMENTS: [&str; 24] = [
    "a",
    "b",
    "A",
    "2",
    "true",
    "work",
    " of ",
    ": ",
    ", ",
    ",",
    "“",
    "”",
    "\"",
    "\\",
    "„",
    " (",
    ")",
    "[",
    "{",
    "é",
    "e\u{301}",
    "\u{200b}",
    " ",
    ", only with ",
];
const TIMES: [&str; 4] = [
    "2026-11-01T00:00:00Z",
    "2026-11-01T00:00:00.0Z",
    "2026-11-01T00:00:30Z",
    "2026-12-01T00:00:00+01:00",
];

/// What a person consents to, and everything that they read about it.
fn shown(value: Value, lang: &str) -> Result<(Value, String), Problem> {
    let types = types();
    let asked = detail(value);
    types.check_requested(std::slice::from_ref(&asked))?;
    let mut make_ref = || "ref_1".to_owned();
    let asked = consent::prepare(vec![asked], &types, |_| Some(uri(PLACE)), &mut make_ref)?;
    let definition = types.of(&asked[0]).unwrap();
    let lines = definition.limits(&asked[0], lang);
    let lines: Vec<String> = lines.iter().map(|line| text(line)).collect();
    let read = format!(
        "{}\n{}",
        definition.sentence(&asked[0], lang),
        lines.join("\n")
    );
    Ok((Value::Object(asked[0].members().clone()), read))
}

fn text(line: &[crate::Piece]) -> String {
    line.iter().map(crate::Piece::as_str).collect()
}

fn tool(arguments: Value) -> Value {
    json!({ "type": "mcp_tool_call", "server": "s", "tool": "t", "arguments": arguments })
}

fn calendar(name: &str) -> Value {
    json!({ "type": "calendar", "calendar": name, "actions": ["read"] })
}

fn any_text() -> impl Strategy<Value = String> {
    let words = vec(select(FRAGMENTS.as_slice()), 0..4).prop_map(|words| words.concat());
    (any::<bool>(), words).prop_map(|(slash, words)| match slash {
        true => format!("/{words}"),
        false => words,
    })
}

/// Values as the schema wants them, and as an attacker would.
fn any_value(name: &str, schema: &Value) -> BoxedStrategy<Value> {
    if let Some(listed) = schema["enum"].as_array() {
        return select(listed.clone()).boxed();
    }
    if let Some(pattern) = schema["pattern"].as_str() {
        let pattern = string_regex(pattern.trim_matches(['^', '$'])).unwrap();
        return pattern.prop_map(Value::from).boxed();
    }
    match &schema["type"] {
        Value::Array(kinds) => {
            let of = |kind: &Value| any_value(name, &json!({ "type": kind }));
            proptest::strategy::Union::new(kinds.iter().map(of)).boxed()
        }
        kind if kind == "object" => any_object(schema),
        kind if kind == "array" => {
            let items = schema["items"]["enum"].as_array().unwrap().clone();
            let most = items.len();
            subsequence(items, 1..=most).prop_map(Value::from).boxed()
        }
        kind if kind == "integer" => select(vec![1, 2, 12]).prop_map(Value::from).boxed(),
        kind if kind == "boolean" => any::<bool>().prop_map(Value::from).boxed(),
        _ if ["from", "until"].contains(&name) => {
            select(TIMES.as_slice()).prop_map(Value::from).boxed()
        }
        _ => any_text().prop_map(Value::from).boxed(),
    }
}

fn any_object(schema: &Value) -> BoxedStrategy<Value> {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let none = Map::new();
    let members = schema["properties"].as_object().unwrap_or(&none);
    let mut strategy = Just(Map::new()).boxed();
    for (name, inner) in members {
        let value = any_value(name, inner);
        let value = match required.contains(&json!(name)) {
            true => value.prop_map(Some).boxed(),
            false => proptest::option::of(value).boxed(),
        };
        let name = name.clone();
        strategy = (strategy, value)
            .prop_map(move |(mut members, value)| {
                members.extend(value.map(|value| (name.clone(), value)));
                members
            })
            .boxed();
    }
    let others = &schema["additionalProperties"];
    if others.is_object() {
        let free = btree_map(any_text(), any_value("", others), 1..3);
        return free.prop_map(|free| json!(free)).boxed();
    }
    strategy.prop_map(Value::Object).boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Forty objects of each shipped type, each beside each other, in each language.
    #[test]
    fn different_objects_of_a_type_read_differently(
        (name, objects) in select(types().names().map(str::to_owned).collect::<Vec<_>>())
            .prop_flat_map(|name| {
                let schema = Value::Object(types().by_name(&name).unwrap().schema().clone());
                (Just(name), vec(any_object(&schema), 40))
            })
    ) {
        for lang in ["en", "de"] {
            let mut read: BTreeMap<String, Value> = BTreeMap::new();
            for object in &objects {
                let mut object = object.clone();
                object["type"] = json!(name);
                let Ok((granted, words)) = shown(object, lang) else {
                    continue;
                };
                if let Some(other) = read.insert(words.clone(), granted.clone()) {
                    prop_assert_eq!(other, granted, "both read `{}`", words);
                }
            }
        }
    }
}

#[test]
fn an_argument_cannot_pose_as_several() {
    let one = shown(tool(json!({ "mode": "read, note = x, path = /tmp" })), "en").unwrap();
    let three = json!({ "mode": "read", "note": "x", "path": "/tmp" });
    let three = shown(tool(three), "en").unwrap();
    assert_ne!(one.1, three.1);
    assert!(
        one.1
            .contains("only with “mode”: “read, note = x, path = /tmp”")
    );
    assert!(
        three
            .1
            .contains("only with “mode”: “read”, “note”: “x”, “path”: “/tmp”")
    );
    let number = shown(tool(json!({ "page": 2 })), "en").unwrap();
    let text = shown(tool(json!({ "page": "2" })), "en").unwrap();
    assert_ne!(number.1, text.1);
}

#[test]
fn two_texts_side_by_side_cannot_share_a_border() {
    let call = |tool: &str, server: &str| {
        let value = json!({ "type": "mcp_tool_call", "server": server, "tool": tool });
        shown(value, "en").unwrap().1
    };
    assert_ne!(call("a of b", "c"), call("a", "b of c"));
    assert_ne!(call("a” of “b", "c"), call("a", "b” of “c"));
}

#[test]
fn what_would_be_hidden_or_cut_is_refused_with_its_pointer() {
    let long = "x".repeat(139) + "… and more";
    let cases = [
        ("work\u{200b}", "U+200B"),
        ("work\u{202e}krow", "U+202E"),
        ("wo\u{2066}rk", "U+2066"),
        ("work\u{0}", "U+0000"),
        ("two\nlines", "U+000A"),
        ("a\u{a0}b", "U+00A0"),
        (" work", "white space"),
        ("work ", "white space"),
        ("my  work", "white space"),
        (" ", "white space"),
        ("cafe\u{301}", "NFC"),
        ("w\u{43e}rk", "alphabets"),
        ("\u{fb01}le", "U+FB01"),
        ("\u{2011}b", "U+2011"),
        ("a\u{301}\u{302}\u{303}", "marks"),
        ("\u{301}a", "marks"),
        ("x \u{5d0} 1", "right"),
        ("x אב- גד", "right"),
        ("a (ג (ב", "right"),
        ("a אב-גד", "right"),
        ("a \u{627}\u{66b}\u{627}", "right"),
        ("א 1%-2", "right"),
        ("א 1-%2", "right"),
        ("a\u{2d0}b", "U+02D0"),
        ("a\u{589}b", "U+0589"),
        ("1\u{589}2", "U+0589"),
        ("a\u{2571}b", "U+2571"),
        ("a\u{2032}b", "U+2032"),
        ("\u{e000}", "U+E000"),
        ("\u{3164}", "U+3164"),
        ("a\u{200d}b", "U+200D"),
        ("a\u{fe0f}", "U+FE0F"),
        ("葛\u{e0100}", "U+E0100"),
    ];
    for (name, why) in cases {
        let problem = shown(calendar(name), "en").unwrap_err();
        assert_eq!(problem.pointer, "/0/calendar", "{name:?}");
        assert!(problem.sentence.contains(why), "{name:?}: {problem}");
    }
    let problem = shown(calendar(&long), "en").unwrap_err();
    assert_eq!(problem.pointer, "/0/calendar");
    let problem = shown(tool(json!({ "no\u{200b}te": "x" })), "en").unwrap_err();
    assert_eq!(problem.pointer, "/0/arguments/no\u{200b}te");
    let problem = shown(tool(json!({ "note": "x\u{200b}" })), "en").unwrap_err();
    assert_eq!(problem.pointer, "/0/arguments/note");
}

#[test]
fn names_of_people_and_companies_are_shown_exactly() {
    for name in [
        "KLM Royal Dutch Airlines N.V.",
        "Gasthaus \"Zum Löwen\"",
        "O’Brien & Sons, Ltd. (1984)",
        "Adékúnlé Ọ\u{300}ṣọ\u{301}",
        "Nguyễn Thị Mỹ Linh",
        "Łódź Иванова",
        "محمّد بن سلمان",
        "شرکت می\u{200c}خواهم",
        "בנק הפועלים",
        "\u{5e9}\u{5b8}\u{5c1}\u{5dc}\u{5d5}\u{5b9}\u{5dd}",
        "הבנק 12",
        "Bank הפועלים",
        "הפועלים Bank",
        "אב-abc",
        "Cohen & Co. בנק הפועלים, Ltd.",
        "Kaveh می\u{200c}خواهم",
        "הבנק 12.5% (א-ב)",
        "Բարև։",
        "น้ำ ผึ้ง เก็บ",
        "श्री क्ष\u{93f}तिज",
        "क्\u{200d}ष",
        "ক্ষ র\u{200d}্যাব",
        "ශ්\u{200d}රී ලංකා",
        "山田 太郎",
        "株式会社ＡＢＣ（東京）",
        "중앙은행",
        "Family 👨\u{200d}👩\u{200d}👧",
        "❤\u{fe0f} 🇩🇪 👩🏽\u{200d}⚕\u{fe0f} 🏳\u{fe0f}\u{200d}🌈",
        "C:\\Users\\me",
    ] {
        let name: String = name.to_owned();
        let (_, read) = shown(calendar(&name), "en").unwrap_or_else(|e| panic!("{name}: {e}"));
        let written = name.replace('\\', "\\\\").replace('"', "\\\"");
        assert!(read.contains(&format!("“{written}”")), "{read}");
    }
}

#[test]
fn a_limit_is_our_words_around_a_marked_value() {
    let mut value = payment("1");
    value["reference"] = json!("x\" At: https://evil.example");
    let types = types();
    let definition = types.by_name("payment").unwrap();
    let lines = definition.limits(&detail(value), "en");
    let expected = [
        crate::Piece::Text("Reference on the statement: “".into()),
        crate::Piece::Value("x\\\" At: https://evil.example".into()),
        crate::Piece::Text("”".into()),
    ];
    assert_eq!(lines[0], expected);
}

#[test]
fn an_old_grant_is_read_with_what_is_hidden_spelt_out() {
    let types = types();
    let old = detail(calendar("work\u{200b}\u{202e}"));
    let words = types.of(&old).unwrap().sentence(&old, "en");
    assert!(words.contains("“work\\u{200b}\\u{202e}”"), "{words}");
}

fn changed(pointer: &str, value: Value) -> Result<TypeDefinition, crate::TypeError> {
    let mut file: Value = serde_json::from_str(super::world::TOOL).unwrap();
    let (around, name) = pointer.rsplit_once('/').unwrap();
    let around = file.pointer_mut(around).unwrap().as_object_mut().unwrap();
    match value {
        Value::Null => drop(around.remove(name)),
        value => drop(around.insert(name.to_owned(), value)),
    }
    let loaded = TypeDefinition::parse(&file.to_string());
    // An older version is not checked.
    assert!(TypeDefinition::parse_older(&file.to_string()).is_ok());
    loaded
}

#[test]
fn a_type_whose_texts_could_be_cut_is_refused_when_it_is_loaded() {
    let free = "/schema/properties/arguments";
    let cases = [
        (
            "/schema/properties/server/maxLength",
            Value::Null,
            "/schema/properties/server",
        ),
        (
            "/schema/properties/server/maxLength",
            json!(141),
            "/schema/properties/server",
        ),
        (
            "/schema/properties/arguments/additionalProperties/maxLength",
            Value::Null,
            "/schema/properties/arguments/additionalProperties",
        ),
        (
            "/schema/properties/arguments/propertyNames",
            Value::Null,
            free,
        ),
        (
            "/schema/properties/arguments/propertyNames/maxLength",
            json!(141),
            free,
        ),
    ];
    for (pointer, value, at) in cases {
        assert_eq!(
            changed(pointer, value).unwrap_err().pointer,
            at,
            "{pointer}"
        );
    }
    assert!(changed("/schema/properties/server/maxLength", json!(140)).is_ok());
}

#[test]
fn a_type_whose_sentence_could_hide_or_join_values_is_refused_when_it_is_loaded() {
    let sentence = |text: &str| changed("/sentence/en", json!(text)).map(|_| ());
    let whole = "Call {/tool} of {/server}[ at {/path}|][ with {/arguments}|][, {/calls} times|]; each call";
    assert_eq!(sentence(whole), Ok(()));
    for bad in [
        // The path is hidden where no number of calls is given.
        "Call {/tool} of {/server}[ at {/path}, {/calls} times|][ with {/arguments}|]; each call",
        // One value ends where the next begins.
        "Call {/tool}{/server}[ at {/path}|][ with {/arguments}|][, {/calls} times|]; each call",
        "Call {/tool} of {/server}[ at {/path}|][ with {/arguments}|][{/calls} times|]; each call",
    ] {
        assert_eq!(sentence(bad).unwrap_err().pointer, "/sentence/en", "{bad}");
    }
    let error = changed("/limits/en", json!(["Places"])).unwrap_err();
    assert_eq!(error.pointer, "/sentence/en");
}

#[test]
fn two_values_never_have_one_word() {
    for (words, good) in [
        (json!({ "x": "run", "y": "look" }), true),
        (json!({ "x": "run", "y": "Run" }), false),
        (json!({ "x": "a µ", "y": "a μ" }), false),
        (json!({ "x": "run, look" }), false),
        (json!({ "x": "“y”" }), false),
        (json!({ "x": " " }), false),
    ] {
        let loaded = changed("/words", json!({ "en": { "/tool": words } }));
        assert_eq!(loaded.is_ok(), good, "{words}");
    }
}
