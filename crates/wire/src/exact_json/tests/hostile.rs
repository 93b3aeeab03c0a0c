//! What a hostile author sends, so that whoever judges and whoever acts read two values, or one of them falls over.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::value::RawValue;

use crate::exact_json::{misread, read};

/// Byte order marks, what follows the value, other encodings, halves of letters, numbers that no buffer was made for.
#[test]
fn what_a_hostile_author_sends_is_refused() {
    let long = |part: &str| part.repeat(100_000);
    #[rustfmt::skip]
    let texts = [
        "\u{feff}{}", "{}\u{feff}", "{}\0", "{}\u{b}", "{}\u{c}", "{}\u{a0}", "{}\u{2028}", "{}//", "{}#", "{},", "{}{}", "{}[]", "{}1",
        "\u{b}{}", "\u{85}{}", ")]}'\n{}", "\u{1e}{}\n", "{\"a\":1;}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{a:1}", "[1 2]", "[,1]", "[1,,2]",
        "{\"a\":\"\u{1}\"}", "{\"a\":\"\n\"}", "{\"a\":\"\\x41\"}", "{\"a\":\"\\u004\"}", "{\"a\":\"\\u{41}\"}", "{\"a\":\"\\'\"}",
        r#"{"a":"\udc00"}"#, r#"{"a":"\ud800\ud800"}"#, r#"{"a":"\udc00\ud800"}"#, r#"{"a":"\ud800A"}"#, r#"{"a":"\ud800\u0041"}"#,
        r#"{"\ud83d":1}"#, r#"["\uDBFF"]"#,
        "-", "--1", "1.", "1e", "1e+", "0x10", "1_000", "1,5", "-01", "00", "Infinity", "-Infinity", "nan", "1f", "1n", "١",
        "1e99999999999999999999", "1e-99999999999999999999", "-1e400", "True", "nul", "undefined", "{", "[", "\"", "\"a",
    ];
    let mut bad: Vec<Vec<u8>> = texts.map(|text| text.as_bytes().to_vec()).into();
    bad.extend([
        b"\xff\xfe{\0}\0".to_vec(),
        b"\xfe\xff\0{\0}".to_vec(),
        b"{\"a\":\"\xff\"}".to_vec(),
        b"{\"a\":\"\xf4\x90\x80\x80\"}".to_vec(),
        b"{\"a\":\"\xe2\x82\"}".to_vec(),
        b"{}\xef\xbb".to_vec(),
    ]);
    bad.extend(
        [
            long("["),
            long("{\"a\":"),
            format!("{}{}", long("["), long("]")),
            format!("{}1{}", long("{\"a\":"), long("}")),
            long("9"),
            format!("-{}", long("9")),
            format!("0.{}1", long("0")),
            format!("1e{}", long("9")),
            format!("1e-{}", long("9")),
            format!("1.{}1", long("0")),
        ]
        .map(String::into_bytes),
    );
    for text in bad {
        let shown = String::from_utf8_lossy(text.get(..60).unwrap_or(&text));
        assert!(read(&text).is_err(), "{shown}");
    }
}

/// Long, and still one value for all.
#[test]
fn what_is_long_or_odd_and_read_alike_is_taken() {
    let zeros = "0".repeat(100_000);
    for (text, kept) in [
        (format!("1.{zeros}"), "1"),
        (format!("0.{zeros}"), "0"),
        (format!("0e{zeros}9"), "0"),
        ("0e99999999999999999999".to_owned(), "0"),
        ("-0e-99999999999999999999".to_owned(), "0"),
        (format!("1e{zeros}2"), "100"),
        (" \t\r\n{ } \n".to_owned(), "{}"),
        (r#"{"a":"\ud83d\ude00\/"}"#.to_owned(), r#"{"a":"😀/"}"#),
        (r#"{"":{"":1}}"#.to_owned(), r#"{"":{"":1}}"#),
        (
            "[".repeat(100) + &"]".repeat(100),
            &("[".repeat(100) + &"]".repeat(100)),
        ),
    ] {
        let shown = text.get(..60).unwrap_or(&text);
        assert_eq!(
            read(text.as_bytes()),
            Ok(serde_json::from_str(kept).unwrap()),
            "{shown}"
        );
    }
}

const NAMES: [&str; 8] = [
    r#""a""#,
    r#""\u0061""#,
    r#""A""#,
    "\"\u{e9}\"",
    "\"e\u{301}\"",
    r#""__proto__""#,
    r#""\ud800""#,
    r#""\u0000""#,
];
const LEAVES: [&str; 8] = [
    "1.0",
    "-0",
    "1e400",
    "9007199254740993",
    "18446744073709551616",
    "null",
    r#""\udc00""#,
    r#""\u001b""#,
];

fn any_json() -> impl Strategy<Value = String> {
    let leaf = select(LEAVES.as_slice()).prop_map(str::to_owned);
    leaf.prop_recursive(3, 12, 3, |inner| {
        let member = (select(NAMES.as_slice()), inner.clone());
        let member = member.prop_map(|(name, value)| format!("{name}: {value}"));
        prop_oneof![
            vec(inner, 0..3).prop_map(|items| format!("[{}]", items.join(" , "))),
            vec(member, 0..3).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

proptest! {
    /// One says whether, the other where.
    #[test]
    fn a_place_is_found_of_exactly_what_is_refused(text in any_json()) {
        let raw: &RawValue = serde_json::from_str(&text).unwrap();
        let found = misread(raw, "", 32);
        prop_assert_eq!(found.is_some(), read(text.as_bytes()).is_err(), "{}: {:?}", text, found);
    }
}
