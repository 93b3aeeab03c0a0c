//! `writ mcp add` at a server whose tools it cannot read: it says what to do.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;

use crate::process::binary;

/// A server that answers everything so, until the test ends.
fn answering(head: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut stream = stream;
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(
                format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
                    .as_bytes(),
            );
        }
    });
    url
}

fn complaint(url: &str) -> String {
    let mut command = Command::new(binary());
    command.args(["mcp", "add", url, "--name", "Notes", "--client-id", "notes"]);
    let ended = command.output().unwrap();
    assert!(!ended.status.success());
    assert!(ended.stdout.is_empty(), "no file is printed");
    String::from_utf8(ended.stderr).unwrap()
}

/// As the kits and the gate answer whoever has no token (RFC 9728 section 5.1).
const GUARDED: &str = "401 Unauthorized\r\nwww-authenticate: Bearer resource_metadata=\"http://localhost:8000/.well-known/oauth-protected-resource/mcp\"";

#[test]
fn a_server_behind_its_guard_is_to_be_started_without_it() {
    for head in [GUARDED, "401 Unauthorized"] {
        let said = complaint(&answering(head));
        for words in [
            "wants a token (401)",
            "without its guard",
            "--authorization-file FILE",
        ] {
            assert!(said.contains(words), "{said}");
        }
    }
}

#[test]
fn another_fault_is_said_as_it_is() {
    let said = complaint(&answering("503 Service Unavailable"));
    assert!(said.contains("the server answered 503"), "{said}");
    assert!(!said.contains("guard"), "{said}");
}
