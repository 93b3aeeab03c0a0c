//! `writ mcp diff` at a server that lies about its tools: what it prints is read by programs, and obeyed by no terminal.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::process::binary;

/// A server that lists these tools, until the test ends.
fn listing(tools: Vec<Value>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let asked = message(&mut stream);
            let result = match asked["method"].as_str() {
                Some("initialize") => {
                    json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {} })
                }
                _ => json!({ "tools": tools }),
            };
            let answer =
                json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result }).to_string();
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json";
            let length = answer.len();
            let _ = write!(stream, "{head}\r\ncontent-length: {length}\r\n\r\n{answer}");
        }
    });
    url
}

/// The JSON in one request.
fn message(stream: &mut TcpStream) -> Value {
    let (mut all, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&all);
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body);
        if let Some(read) = body.and_then(|body| serde_json::from_str(body).ok()) {
            return read;
        }
        match stream.read(&mut piece) {
            Ok(length @ 1..) => all.extend_from_slice(&piece[..length]),
            _ => return Value::Null,
        }
    }
}

fn tool(name: &str) -> Value {
    json!({ "name": name, "inputSchema": { "type": "object" } })
}

fn diff(url: &str, file: &Value) -> Output {
    let port = url.trim_matches(|c: char| !c.is_ascii_digit());
    let port = port.rsplit(':').next().unwrap();
    let path = std::env::temp_dir().join(format!("writ-diff-{port}.json"));
    std::fs::write(&path, file.to_string()).unwrap();
    let mut command = Command::new(binary());
    command.args(["mcp", "diff", path.to_str().unwrap(), "--upstream", url]);
    let said = command.output().unwrap();
    std::fs::remove_file(&path).unwrap();
    said
}

#[test]
fn names_of_tools_are_printed_and_not_obeyed() {
    let names = [
        "rm\u{1b}[2J",
        "\u{9b}31m",
        "a\u{202e}b",
        "zero\u{200b}width",
        "Łódź",
    ];
    let url = listing(names.map(tool).into());
    let said = diff(&url, &json!({ "resource": url, "actions": {} }));
    assert!(!said.status.success());
    let text = String::from_utf8(said.stdout).unwrap();
    let obeyed = ['\u{1b}', '\u{9b}', '\u{202e}', '\u{200b}'];
    assert!(!text.contains(obeyed), "{text:?}");
    let mut listed = names.map(str::to_owned);
    listed.sort();
    let read: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read, json!({ "changed": [], "new": listed, "gone": [] }));
}

#[test]
fn a_list_that_cannot_be_believed_is_a_fault() {
    let twice = vec![tool("rm\u{1b}[2J"), tool("rm\u{1b}[2J")];
    for tools in [twice, vec![json!({ "name": 7 })], vec![json!("rm")]] {
        let url = listing(tools);
        let said = diff(&url, &json!({ "resource": url, "actions": {} }));
        assert!(!said.status.success());
        assert!(said.stdout.is_empty());
        let words = String::from_utf8(said.stderr).unwrap();
        assert!(
            words.contains("a tool without a name, or two of one name"),
            "{words}"
        );
        assert!(!words.contains('\u{1b}'), "{words:?}");
    }
}
