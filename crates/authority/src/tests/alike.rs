//! What reads the same: beside each other two such names are refused, and as texts each of them is right.

use serde_json::{Value, json};

use super::world::{detail, types};
use crate::alike::two_alike;
use crate::legible::unclear;

/// Each is right alone.
const TWINS: [(&str, &str); 11] = [
    ("it’s", "itʼs"),
    ("it's", "itꞌs"),
    ("it's", "it’s"),
    ("E-Mail", "E\u{2011}Mail"),
    ("E-Mail", "E\u{2010}Mail"),
    ("µm", "μm"),
    ("20 %", "20\u{a0}%"),
    ("ភាសាខ្មែរ", "ភាសា\u{200b}ខ្មែរ"),
    ("❤", "❤\u{fe0f}"),
    ("ACE", "АСЕ"),
    ("Haiǁom", "Haillom"),
];

/// Those of ASCII are for the font to tell apart, as in every name of a program.
const APART: [(&str, &str); 6] = [
    ("l1", "ll"),
    ("O0", "OO"),
    ("form", "forrn"),
    ("é", "e"),
    ("µm", "um"),
    ("東京", "京東"),
];

fn problem(arguments: &Value) -> Option<String> {
    let call =
        json!({ "type": "mcp_tool_call", "server": "s", "tool": "t", "arguments": arguments });
    let refused = types().check_requested(&[detail(call)]).err()?;
    Some(refused.to_string())
}

#[test]
fn two_names_of_one_object_never_read_the_same() {
    for (one, other) in TWINS {
        for text in [one, other] {
            assert_eq!(unclear(text), None, "{text}");
            assert_eq!(problem(&json!({ text: other })), None, "{text}");
        }
        let names = ["x", one, "y", other];
        assert_eq!(two_alike(names), Some((one, other)), "{one} {other}");
        let why = problem(&json!({ one: "x", other: "x" })).unwrap();
        assert!(why.contains("this name reads like"), "{why}");
    }
}

#[test]
fn names_that_a_reader_tells_apart_stand_beside_each_other() {
    for (one, other) in APART {
        assert_eq!(two_alike([one, other]), None, "{one} {other}");
        assert_eq!(
            problem(&json!({ one: "x", other: "x" })),
            None,
            "{one} {other}"
        );
    }
    // Neither of ASCII hides behind another one of it.
    assert_eq!(two_alike(["l1", "ll", "lו"]), Some(("l1", "lו")));
}
