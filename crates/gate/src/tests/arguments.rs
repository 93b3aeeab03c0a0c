//! Arguments that do not work.

use http::StatusCode;
use serde_json::{Value, json};

use super::gated::{eventually, text};
use super::issuer::Decides;
use super::waits::{By, Client, LONG};
use super::world::{World, call};

/// Apart from a no: the model is to correct them, and nobody is asked.
#[tokio::test]
async fn arguments_outside_the_schema_are_told_with_their_place() {
    let world = World::new().await;
    world.issuer.state().decides = Decides::RefuseArguments;
    let (_, answer) = world.call(&[]).await;
    assert_eq!(
        text(&answer),
        "The arguments do not fit the tool's schema: `/path` is no number; correct them and call again."
    );
    let meta = &answer["result"]["_meta"];
    assert_eq!(*meta, json!({ "writ/code": "arguments_invalid" }));
    assert_eq!(answer["result"]["isError"], true);
    assert!(world.issuer.state().asked.is_empty());
    assert!(world.calls().is_empty());
}

/// Nobody could judge them: the model hears why, as of those outside the schema.
#[tokio::test]
async fn arguments_that_cannot_be_judged_are_told_with_their_place() {
    let world = World::new().await;
    let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
    for (arguments, word) in [
        (
            json!({ "path": deep }),
            "more than 32 lists and objects deep",
        ),
        (
            json!({ "path": "x".repeat(65_536) }),
            "larger than 65536 bytes",
        ),
    ] {
        let (_, answer) = world.post(&[], &call("rm", &arguments)).await;
        let meta = &answer["result"]["_meta"];
        assert_eq!(
            *meta,
            json!({ "writ/code": "arguments_invalid" }),
            "{answer}"
        );
        assert_eq!(answer["result"]["isError"], true);
        assert!(text(&answer).contains(word), "{answer}");
    }
    assert!(world.issuer.state().evaluated.is_empty() && world.calls().is_empty());
}

/// What repeats an argument in a header field says what is sent, also where a person approved less than was asked.
#[tokio::test]
async fn a_header_field_says_the_argument_that_is_sent() {
    for (approved, field) in [
        (json!({ "amount": 5 }), Some("5")),
        (json!({ "amount": 500 }), Some("500")),
        (json!({}), None),
    ] {
        let client = Client::new(By::Progress, LONG).await;
        let schema = json!({ "type": "object", "properties": {
            "amount": { "type": "integer", "x-mcp-header": "Amount" }
        } });
        let tool = json!({ "name": "rm", "inputSchema": schema });
        client.world.server.lock().unwrap().tools = vec![tool];
        let answer = client.sends(2, &json!({ "amount": 500 }), None);
        eventually(|| client.world.issuer.state().polled > 0).await;
        let instead = json!({ "type": "tool", "tool": "rm", "arguments": approved });
        client.world.issuer.state().instead = Some(instead);
        client.world.issuer.state().status = "approved";
        let (_, answer) = answer.await.unwrap();
        let [reached] = &client.world.calls()[..] else {
            panic!("not one call: {answer}");
        };
        let sent = reached.headers.get("mcp-param-amount");
        assert_eq!(sent.map(|value| value.to_str().unwrap()), field);
        assert_eq!(reached.body["params"]["arguments"], approved);
    }
}

fn message(method: &str, arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":"own","method":"{method}","params":{{"name":"rm","arguments":{arguments}}}}}"#
    )
}

/// The table of every kit: a number passes in every spelling of its double, and what is forwarded is what was judged.
#[tokio::test]
async fn a_number_is_judged_and_forwarded_by_its_value() {
    let vectors = include_str!("../../../../conformance/vectors/arguments.json");
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    let world = World::new().await;
    for row in vectors["numbers"].as_array().unwrap() {
        let text = row["text"].as_str().unwrap();
        let before = world.calls().len();
        let (status, answer) = world
            .post(&[], &message("tools/call", &format!("{{\"n\":{text}}}")))
            .await;
        assert_eq!(
            (status, &answer["id"]),
            (StatusCode::OK, &json!("own")),
            "{text}: {answer}"
        );
        let Some(canonical) = row.get("canonical").and_then(Value::as_str) else {
            assert_eq!(refused(&answer), "`/arguments/n`: this number", "{text}");
            assert_eq!(world.calls().len(), before, "{text}");
            continue;
        };
        let canonical: f64 = canonical.parse().unwrap();
        let forwarded = world.calls()[before].body["params"]["arguments"].clone();
        let evaluated = world.issuer.state().evaluated.clone();
        let judged = evaluated.last().unwrap()["action"]["properties"]["arguments"].clone();
        assert_eq!(forwarded, judged, "{text}");
        let found = forwarded["n"].as_f64().unwrap();
        assert_eq!(found.to_bits(), (canonical + 0.0).to_bits(), "{text}");
    }
}

/// The place, and how what is wrong there begins.
fn refused(answer: &Value) -> String {
    assert_eq!(
        answer["result"]["_meta"],
        json!({ "writ/code": "arguments_invalid" }),
        "{answer}"
    );
    assert_eq!(answer["result"]["isError"], true);
    let told = text(answer);
    let told = told
        .strip_prefix("The arguments cannot be judged: ")
        .unwrap();
    let words: Vec<&str> = told.split(' ').take(3).collect();
    words.join(" ")
}

/// Whatever two parsers make of the arguments, the message says whose answer it is: the call is not lost.
#[tokio::test]
async fn arguments_that_two_parsers_read_differently_are_answered_under_the_calls_own_id() {
    let world = World::new().await;
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(500), "]".repeat(500));
    for (arguments, expected) in [
        (r#"{"a":1,"a":1}"#, "`/arguments`: the member"),
        (
            r#"{"a":[{"b":1,"\u0062":2}]}"#,
            "`/arguments/a/0`: the member",
        ),
        (r#"{"a":1,"A":2}"#, "`/arguments`: the members"),
        (r#"{},"arguments":{"a":1}"#, "`/arguments`: the member"),
        (r#"{},"ARGUMENTS":{"a":1}"#, "`/arguments`: the members"),
        (r#"{"a":{"__proto__":{}}}"#, "`/arguments/a`: a member"),
        (
            r#"{"a":{"$serde_json::private::RawValue":"{}"}}"#,
            "`/arguments/a`: a member",
        ),
        (r#"{"a":"\ud800"}"#, "`/arguments/a`: this is"),
        (r#"{"\udc00":1}"#, "`/arguments`: this is"),
        (r#"{"a":"\u0000"}"#, "`/arguments/a`: a text"),
        (
            r#"{"a/b":{"~":1e400}}"#,
            "`/arguments/a~1b/~0`: this number",
        ),
        ("9007199254740993", "`/arguments`: this number"),
        (
            deep.as_str(),
            "`/arguments/a/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0`: this is",
        ),
    ] {
        let (status, answer) = world.post(&[], &message("tools/call", arguments)).await;
        assert_eq!(
            (status, &answer["id"]),
            (StatusCode::OK, &json!("own")),
            "{answer}"
        );
        assert_eq!(refused(&answer), expected, "{arguments}");
        // Of what is no tool in an error, with the same words.
        let (status, answer) = world.post(&[], &message("prompts/get", arguments)).await;
        assert_eq!(
            (status, &answer["id"]),
            (StatusCode::OK, &json!("own")),
            "{answer}"
        );
        assert_eq!(
            answer["error"]["data"]["code"], "arguments_invalid",
            "{answer}"
        );
        // Where there are no arguments they are no reason.
        let (_, answer) = world.post(&[], &message("tools/list", arguments)).await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
    let (_, answer) = world.post(&[], &message("x/y", "{\"a\":1e400}")).await;
    assert_eq!(
        (&answer["id"], &answer["error"]["code"]),
        (&json!("own"), &json!(-32601))
    );
    assert!(world.reached().is_empty() && world.issuer.state().evaluated.is_empty());
}
