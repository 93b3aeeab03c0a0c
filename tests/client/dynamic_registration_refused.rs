//! What no client can register (RFC 7591 section 3.2.2).

use http::Method;
use serde_json::json;
use writ_testkit::{both_with, refused};

use crate::client::dynamic_registration::{CALLBACK, JSON, OPEN, asked, register};

both_with!(
    rfc_7591_3_2_2_each_fault_has_its_code,
    OPEN,
    |world| async {
        for (changes, code) in [
            (json!({ "redirect_uris": [] }), "invalid_redirect_uri"),
            (json!({ "redirect_uris": null }), "invalid_redirect_uri"),
            (
                json!({ "redirect_uris": ["http://app.example/cb"] }),
                "invalid_redirect_uri",
            ),
            (
                json!({ "redirect_uris": [CALLBACK, "javascript:alert(1)"] }),
                "invalid_redirect_uri",
            ),
            (
                json!({ "redirect_uris": ["vscode://x/cb"] }),
                "invalid_redirect_uri",
            ),
            (
                json!({ "redirect_uris": ["https://app.example/cb#x"] }),
                "invalid_redirect_uri",
            ),
            (
                json!({ "redirect_uris": ["https://*.example/cb"] }),
                "invalid_redirect_uri",
            ),
            (
                json!({ "response_types": ["token"] }),
                "invalid_client_metadata",
            ),
            (
                json!({ "grant_types": ["password"] }),
                "invalid_client_metadata",
            ),
            (
                json!({ "token_endpoint_auth_method": "magic" }),
                "invalid_client_metadata",
            ),
            (
                json!({ "jwks": { "keys": [] }, "jwks_uri": "https://a.example/" }),
                "invalid_client_metadata",
            ),
            (
                json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [] } }),
                "invalid_client_metadata",
            ),
            (
                json!({ "software_statement": "a.b.c" }),
                "unapproved_software_statement",
            ),
            (
                json!({ "software_statement": 7 }),
                "invalid_software_statement",
            ),
        ] {
            let reply = register(&world, &asked(changes.clone())).await;
            refused(&reply, code, &changes.to_string());
            assert_eq!(reply.header("cache-control"), Some("no-store"));
        }
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let body = asked(json!({})).to_string().into_bytes();
        let reply = world.send(Method::POST, "/register", &form, body).await;
        assert_eq!(reply.refusal(), (415, "invalid_request".to_owned()));
        let twice =
            br#"{"redirect_uris":["https://a.example/"],"redirect_uris":["https://b.example/"]}"#;
        let reply = world
            .send(Method::POST, "/register", &[JSON], twice.to_vec())
            .await;
        refused(&reply, "invalid_client_metadata", "a member twice");
        assert!(world.events_named("client.registered").await.is_empty());
    }
);
