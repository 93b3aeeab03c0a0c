//! The canonical text and the challenge over it.

use serde_json::{Value, json};

use super::*;

/// 32 zero bytes.
const ZEROS: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn value() -> Value {
    json!({
        "version": 1,
        "request": "apr_1",
        "language": "en",
        "authority": { "scopes": [], "authorization_details": [], "resources": [] },
        "shown": [{ "heading": "What", "lines": ["Pay 1", "Zahle 1 €"] }],
    })
}

#[test]
fn the_text_is_canonical_whatever_the_order_of_members() {
    let screen = Screen::read(value()).unwrap();
    // RFC 8785 section 3.2.3: members sorted, no space, text as it is.
    let expected = concat!(
        r#"{"authority":{"authorization_details":[],"resources":[],"scopes":[]},"language":"en","#,
        r#""request":"apr_1","shown":[{"heading":"What","lines":["Pay 1","Zahle 1 €"]}],"version":1}"#
    );
    assert_eq!(screen.canonical().unwrap(), expected);
    let again: Screen = serde_json::from_str(expected).unwrap();
    assert_eq!(again, screen);
}

#[test]
fn the_challenge_covers_nonce_and_text() {
    // sha256sum of 32 zero bytes, and of 32 zero bytes and "a".
    assert_eq!(
        hex(&challenge(ZEROS, "").unwrap()),
        "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925"
    );
    let shown = |nonce: &str, text: Value| Shown {
        screen: Screen::read(text).unwrap(),
        less: Narrowing::default(),
        nonce: nonce.to_owned(),
        since: Timestamp::from_seconds(0),
    };
    let first = shown(ZEROS, value()).hash().unwrap();
    let other = ZEROS.replacen('A', "B", 1);
    assert_ne!(first, shown(&other, value()).hash().unwrap());
    for (pointer, changed) in [
        ("/request", json!("apr_2")),
        ("/language", json!("de")),
        ("/shown/0/lines/0", json!("Pay 2")),
        ("/authority/resources", json!(["https://bank.example"])),
    ] {
        let mut text = value();
        *text.pointer_mut(pointer).unwrap() = changed;
        assert_ne!(first, shown(ZEROS, text).hash().unwrap(), "{pointer}");
    }
}

#[test]
fn a_screen_of_another_form_is_none() {
    for (pointer, changed) in [
        ("/version", json!(2)),
        ("/authority", json!({ "budget": 1 })),
        ("/shown", json!("Pay 1")),
        ("/request", Value::Null),
    ] {
        let mut text = value();
        *text.pointer_mut(pointer).unwrap() = changed;
        assert!(Screen::read(text).is_err(), "{pointer}");
    }
    for nonce in ["", "AAAA", &format!("{ZEROS}A"), &format!("{ZEROS}=")] {
        assert_eq!(challenge(nonce, ""), Err(ScreenError::Nonce), "{nonce}");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_screen_has_a_longest_text() {
    let with_line = |length: usize| {
        let mut screen = value();
        screen["shown"][0]["lines"] = json!(["x".repeat(length)]);
        Screen::read(screen).unwrap().canonical()
    };
    let around = with_line(0).unwrap().len();
    assert_eq!(with_line(MAX_TEXT - around).unwrap().len(), MAX_TEXT);
    let refused = with_line(MAX_TEXT - around + 1).unwrap_err();
    assert_eq!(refused, ScreenError::TooLong);
    assert_eq!(
        refused.to_string(),
        "the screen is longer than 262144 bytes"
    );
}
