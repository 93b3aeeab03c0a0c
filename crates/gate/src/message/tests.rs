//! What is read of a message, and what is refused.

use super::*;

/// Twice, or under a name that some parser takes for the same.
#[test]
fn arguments_that_are_there_twice_are_the_calls_own_fault() {
    for (second, why) in [
        ("arguments", ExactJsonError::Twice("arguments".to_owned())),
        (
            "\\u0061rguments",
            ExactJsonError::Twice("arguments".to_owned()),
        ),
        (
            "Arguments",
            ExactJsonError::SameName("arguments".to_owned(), "Arguments".to_owned()),
        ),
    ] {
        for value in ["{}", "1e400", r#"{"b":1,"b":2}"#] {
            let text = format!(
                r#"{{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{{"arguments":{{"a":1}},"name":"rm","{second}":{value}}}}}"#
            );
            let Ok(ClientMessage::Request(request)) = parse(text.as_bytes()) else {
                panic!("{text}");
            };
            let expected = json!({ "name": "rm", "arguments": {} });
            assert_eq!(Value::Object(request.params), expected, "{text}");
            let place = "/arguments".to_owned();
            let why = why.clone();
            assert_eq!(request.misread, Some(Misread { place, why }), "{text}");
        }
    }
}

const REST: &str = r#""method":"tools/call","params":{"name":"a","name":"b"}"#;

fn id_of_unread(members: &str) -> Option<Value> {
    let text = format!("{{{members}}}");
    let unread = parse(text.as_bytes()).unwrap_err();
    // Where the text does not end there, nobody knows where it does.
    let more = format!("{text}{text}");
    assert_eq!(parse(more.as_bytes()).unwrap_err().id, None, "{more}");
    unread.id
}

/// A client that waits for an answer under its own id gets one under it, where no parser reads another.
#[test]
fn a_message_that_is_not_read_has_the_id_that_every_parser_reads() {
    let rest = REST;
    for (members, expected) in [
        (format!(r#""jsonrpc":"2.0","id":"x",{rest}"#), json!("x")),
        (format!(r#"{rest},"jsonrpc":"2.0","i\u0064":7"#), json!(7)),
        (
            format!(r#""jsonrpc":"2.0","id":1,{rest},"method":"ping""#),
            json!(1),
        ),
        (
            format!(r#""jsonrpc":"2.0","id":1,{rest},"params":{{}}"#),
            json!(1),
        ),
        (
            format!(r#""jsonrpc":"2.0","jsonrpc":"1.0","id":1,{rest}"#),
            json!(1),
        ),
        (format!(r#""jsonrpc":"1.0","id":1,{rest}"#), json!(1)),
        (
            format!(r#""jsonrpc":"2.0","id":1,"__proto__":{{}},{rest}"#),
            json!(1),
        ),
        (
            r#""jsonrpc":"2.0","id":1,"method":"ping","params":[1]"#.to_owned(),
            json!(1),
        ),
        (
            r#""jsonrpc":"2.0","id":1,"method":["ping"]"#.to_owned(),
            json!(1),
        ),
    ] {
        assert_eq!(id_of_unread(&members), Some(expected), "{members}");
    }
}

#[test]
fn a_message_that_is_not_read_has_no_id_where_two_parsers_read_two() {
    let rest = REST;
    for members in [
        format!(r#""jsonrpc":"2.0","id":1,"id":1,{rest}"#),
        format!(r#""jsonrpc":"2.0","id":1,"ID":2,{rest}"#),
        format!(r#""jsonrpc":"2.0","Id":1,{rest}"#),
        format!(r#""jsonrpc":"2.0","id":9007199254740993,{rest}"#),
        format!(r#""jsonrpc":"2.0","id":"\ud800",{rest}"#),
        format!(r#""jsonrpc":"2.0","id":{{"a":1,"a":2}},{rest}"#),
        format!(r#""jsonrpc":"2.0","id":null,{rest}"#),
        format!(r#""jsonrpc":"2.0",{rest}"#),
        // The id of an answer is another's request.
        r#""jsonrpc":"2.0","id":1,"result":{},"result":{}"#.to_owned(),
        format!(r#""jsonrpc":"2.0","id":1,"result":{{}},{rest}"#),
    ] {
        assert_eq!(id_of_unread(&members), None, "{members}");
    }
}

/// Whatever stands in arguments, the rest of the message says whose answer it is.
#[test]
fn of_a_request_whose_arguments_two_parsers_read_differently_the_rest_is_read() {
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    for (bad, place) in [
        ("9007199254740993", "/arguments/a"),
        ("1e400", "/arguments/a"),
        (r#"[{"b":1,"b":2}]"#, "/arguments/a/0"),
        (r#"{"b":1,"B":2}"#, "/arguments/a"),
        (r#"{"__proto__":1}"#, "/arguments/a"),
        (r#""\ud800""#, "/arguments/a"),
        (r#""\u0000""#, "/arguments/a"),
        (deep.as_str(), "/arguments/a/0"),
    ] {
        let text = format!(
            r#"{{"params":{{"arguments":{{"a":{bad}}},"name":"rm"}},"id":"x","method":"tools/call","jsonrpc":"2.0"}}"#
        );
        let ClientMessage::Request(request) = parse(text.as_bytes()).unwrap() else {
            panic!("{text}");
        };
        assert_eq!(
            (request.id, request.params),
            (
                json!("x"),
                json!({ "name": "rm", "arguments": {} })
                    .as_object()
                    .unwrap()
                    .clone()
            )
        );
        assert!(request.misread.unwrap().place.starts_with(place), "{text}");
        // Beside arguments nothing is read of a message about which parsers disagree.
        for other in [
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"rm","_meta":{{"a":{bad}}}}}}}"#
            ),
            text.replace("\"id\":\"x\",", ""),
            text.replace("\"x\"", "1,\"id\":2"),
            text.replace("\"rm\"", "\"rm\",\"Name\":\"ls\""),
            text.replace("\"rm\"", "9007199254740993"),
            format!("{text}{text}"),
        ] {
            assert!(parse(other.as_bytes()).is_err(), "{other}");
        }
    }
}

#[test]
fn a_message_is_a_request_a_notification_or_a_response() {
    let request = parse(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).unwrap();
    assert!(matches!(request, ClientMessage::Request(one) if one.method == "ping"));
    let told = parse(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).unwrap();
    assert!(matches!(told, ClientMessage::Notification { .. }));
    let answer = parse(br#"{"jsonrpc":"2.0","id":"a","result":{}}"#).unwrap();
    assert!(matches!(answer, ClientMessage::Response { .. }));
}

/// Each is a message that one parser takes for a harmless one, and another for a call.
#[test]
fn what_could_be_read_as_another_message_is_refused() {
    for bad in [
        r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
        "[]",
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","Method":"tools/call"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","METHOD":"tools/call"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","\u006dethod":"tools/call"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","Name":"b"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"params":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","more":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","__proto__":{"method":"tools/call"}}"#,
        r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
        r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#,
        r#"{"id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":"","method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":["ping"]}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"tools/call"}"#,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n{}",
        "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
        r#""ping""#,
        "",
    ] {
        assert!(parse(bad.as_bytes()).is_err(), "{bad}");
    }
    // UTF-16, which some parsers guess.
    let wide: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(parse(&wide).is_err());
}

#[test]
fn an_id_has_a_longest_text() {
    for (length, is_taken) in [(0, false), (1, true), (MAX_ID, true), (MAX_ID + 1, false)] {
        let id = "\u{e9}".repeat(length);
        assert_eq!(is_id(&Value::from(id)), is_taken, "{length}");
    }
}
