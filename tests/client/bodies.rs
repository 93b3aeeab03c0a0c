//! What a program is told whose request has no form, or an empty one: which, in JSON, at every endpoint that takes forms.

use http::Method;
use writ_testkit::{Cast, both_with};

const ENDPOINTS: [(&str, &str); 7] = [
    ("/par", "the client did not authenticate"),
    ("/token", "`grant_type`"),
    ("/bc-authorize", "the client did not authenticate"),
    ("/device_authorization", "the client did not authenticate"),
    (
        "/transaction_authorization",
        "the client did not authenticate",
    ),
    ("/introspect", "the client did not authenticate"),
    ("/revoke", "the client did not authenticate"),
];

const TRANSACTIONS: &[(&str, &str)] = &[("FEATURES__TRANSACTION_CHALLENGE", "true")];

const FORM: &str = "application/x-www-form-urlencoded";

both_with!(
    a_body_that_is_no_form_is_told_so_everywhere,
    TRANSACTIONS,
    |world| async {
        Cast::of(&world).await;
        for (path, _) in ENDPOINTS {
            for kind in [
                &[][..],
                &[("content-type", "")],
                &[("content-type", "application/json")],
                &[("content-type", "multipart/form-data; boundary=x")],
                &[("content-type", "text/plain")],
            ] {
                for body in ["", "{}", "client_id=web&token=x"] {
                    let reply = world.send(Method::POST, path, kind, body.into()).await;
                    let refusal = (415, "invalid_request".to_owned());
                    assert_eq!(reply.refusal(), refusal, "{path} {kind:?} {body}");
                    let said = reply.member("error_description");
                    assert_eq!(said, format!("the content type must be `{FORM}`"));
                }
            }
        }
    }
);

both_with!(
    an_empty_form_is_told_what_it_lacks_everywhere,
    TRANSACTIONS,
    |world| async {
        Cast::of(&world).await;
        for (path, sentence) in ENDPOINTS {
            for kind in [FORM, "Application/X-WWW-Form-URLEncoded; charset=utf-8"] {
                let headers = [("content-type", kind)];
                let reply = world.send(Method::POST, path, &headers, Vec::new()).await;
                assert_eq!(reply.header("content-type"), Some("application/json"));
                assert!(matches!(reply.status, 400 | 401), "{path} {}", reply.status);
                let said = reply.member("error_description");
                assert!(said.contains(sentence), "{path}: {said}");
            }
        }
    }
);

both_with!(
    rfc_9110_15_5_14_a_body_that_is_announced_as_too_large_is_refused_by_its_head,
    TRANSACTIONS,
    |world| async {
        Cast::of(&world).await;
        // What came of it is small, so whoever waits for the rest answers otherwise.
        for length in ["131073", "200000", "99000000", "18446744073709551615"] {
            let headers = [("content-type", FORM), ("content-length", length)];
            for (path, _) in ENDPOINTS {
                let body = b"client_id=web".to_vec();
                let reply = world.send(Method::POST, path, &headers, body).await;
                let refusal = (413, "invalid_request".to_owned());
                assert_eq!(reply.refusal(), refusal, "{path} {length}");
            }
            for path in ["/login", "/authorize", "/consent"] {
                let reply = world.send(Method::POST, path, &headers, Vec::new()).await;
                assert_eq!(reply.status, 413, "{path} {length}");
            }
            for path in ["/login/passkey/options", "/app/devices/passkeys/prove"] {
                let reply = world.send(Method::POST, path, &headers, Vec::new()).await;
                let refusal = (413, "invalid_request".to_owned());
                assert_eq!(reply.refusal(), refusal, "{path} {length}");
            }
        }
        let headers = [("content-type", FORM), ("content-length", "131072")];
        let reply = world
            .send(Method::POST, "/token", &headers, Vec::new())
            .await;
        assert_eq!(reply.status, 400, "as large as it may be");
    }
);

both_with!(
    what_userinfo_does_not_read_is_text_too,
    TRANSACTIONS,
    |world| async {
        Cast::of(&world).await;
        let headers = [("content-type", FORM)];
        for (body, status) in [("", 401), ("x=y", 401), ("x=%00", 400), ("%ff=y", 400)] {
            let sent = body.into();
            let reply = world.send(Method::POST, "/userinfo", &headers, sent).await;
            assert_eq!(reply.status, status, "{body}");
        }
    }
);
