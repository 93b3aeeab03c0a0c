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
