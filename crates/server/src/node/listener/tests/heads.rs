//! What a head must have.

use super::*;

#[tokio::test]
async fn rfc_9112_3_2_a_request_has_one_host() {
    let server = start(Router::new(), 10, PATIENT).await;
    for (version, fields, is_taken) in [
        ("1.1", "host: a\r\n", true),
        ("1.1", "HOST: a.example:8080\r\n", true),
        ("1.1", "host: [::1]:8080\r\n", true),
        ("1.1", "host:\r\n", true),
        ("1.0", "", true),
        ("1.0", "host: a\r\n", true),
        ("1.1", "", false),
        ("1.1", "host: a\r\nhost: a\r\n", false),
        ("1.1", "host: a\r\nx: y\r\nHost: b\r\n", false),
        ("1.0", "host: a\r\nhost: b\r\n", false),
        ("1.1", "host: a b\r\n", false),
        ("1.1", "host: a, b\r\n", false),
        ("1.1", "host: a/b\r\n", false),
        ("1.1", "host: user@a\r\n", false),
    ] {
        let head = format!("GET /hello HTTP/{version}\r\n{fields}connection: close\r\n\r\n");
        let mut stream = server.sends(&head).await;
        let answer = rest(&mut stream).await;
        let status = if is_taken {
            "200 OK"
        } else {
            "400 Bad Request"
        };
        assert_eq!(answer.split("\r\n").next().unwrap()[9..], *status, "{head}");
        let is_told = answer.contains("\"error\":\"invalid_request\"");
        assert_eq!(is_told, !is_taken, "{head}");
    }
}

/// A request for `/hello` whose head has this many bytes, in an address or in a field.
fn head_of(bytes: usize, before: &str, after: &str) -> String {
    let filling = "a".repeat(bytes - before.len() - after.len());
    format!("{before}{filling}{after}")
}

/// RFC 9110 section 15.5.15, RFC 6585 section 5.
#[tokio::test]
async fn rfc_6585_5_a_head_and_an_address_have_a_largest_size() {
    const ADDRESS: usize = 64 * 1024 - 2;
    let field = ("GET /hello HTTP/1.1\r\nhost: a\r\nx: ", "\r\n\r\n");
    let address = ("GET /hello?", " HTTP/1.1\r\nhost: a\r\n\r\n");
    let around_address = "GET ".len() + address.1.len();
    let server = start(Router::new(), 10, PATIENT).await;
    for (head, status) in [
        (head_of(MAX_HEAD - 1, field.0, field.1), "200 OK"),
        // Its end is still to come: nobody waits for it.
        (
            head_of(MAX_HEAD, field.0, ""),
            "431 Request Header Fields Too Large",
        ),
        (
            head_of(around_address + ADDRESS, address.0, address.1),
            "200 OK",
        ),
        (
            head_of(around_address + ADDRESS + 1, address.0, address.1),
            "414 URI Too Long",
        ),
    ] {
        let mut stream = server.sends(&head).await;
        let answer = rest(&mut stream).await;
        assert_eq!(&answer.split("\r\n").next().unwrap()[9..], status);
    }
    assert!(server.answers().await);
}
