//! What is wrong at the provider itself, or in how the two servers know each other: who is told what, and that odd texts break nothing.

use serde_json::{Value, json};
use writ_testkit::{
    TestProvider, UPSTREAM_CLIENT, UPSTREAM_SECRET, UPSTREAM_SUBJECT, World, both_upstream, merge,
};

use super::upstream::{name_of, sign_in_as};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

both_upstream!(
    rfc_6749_5_2_a_provider_that_redeems_no_code_is_away_or_says_why,
    [("ANYONE", "true")],
    |world, acme| async {
        let down = "<html>down</html>";
        for (status, body, shown) in [
            (503, down, 503),
            (503, "", 503),
            (500, r#"{"error":"server_error"}"#, 503),
            (502, r#"{"error":"invalid_grant"}"#, 503),
            (429, r#"{"error":"slow_down"}"#, 503),
            (404, down, 503),
            (302, "", 503),
            (400, r#"{"error":"server_error"}"#, 503),
            (400, r#"{"error":"temporarily_unavailable"}"#, 503),
            // The wrong secret, as some say it.
            (401, r#"{"error":"invalid_client"}"#, 503),
            (401, "", 503),
            (401, down, 503),
            (400, r#"{"error":"invalid_client"}"#, 503),
            (400, r#"{"error":"unauthorized_client"}"#, 503),
            // What is wrong with this very answer.
            (400, r#"{"error":"invalid_grant"}"#, 422),
            (403, r#"{"error":"invalid_grant"}"#, 422),
            (400, r#"{"error":"invalid_request"}"#, 422),
            (400, "", 422),
            (200, "", 422),
            (200, down, 422),
            (200, r#"{"error":"invalid_grant"}"#, 422),
        ] {
            acme.answer_tokens(status, body);
            let mut browser = world.browser();
            let page = sign_in_as(&world, &acme, &mut browser, json!({})).await;
            assert_eq!(page.reply.status, shown, "{status} {body}");
            page.says(match shown {
                503 => "cannot be reached right now",
                _ => "the answer that came back is not right",
            });
            page.does_not_say(UPSTREAM_SECRET);
            assert_eq!(browser.open("/app").await.url.path(), "/login");
        }
        assert!(world.events_named("user.added").await.is_empty());
    }
);

both_upstream!(
    only_a_list_of_texts_is_one_of_groups,
    [("GROUPS", "staff")],
    |world, acme| async {
        for (groups, let_in) in [
            (json!("staff"), false),
            (json!(["staff", 7]), false),
            (json!(["staff", null]), false),
            (json!([["staff"]]), false),
            (json!({ "staff": true }), false),
            (json!([]), false),
            (json!(["staff", "others"]), true),
        ] {
            let claims = json!({ "groups": groups });
            let page = sign_in_as(&world, &acme, &mut world.browser(), claims).await;
            let expected = if let_in { 200 } else { 403 };
            assert_eq!(page.reply.status, expected, "{groups}");
        }
    }
);

async fn log_out(world: &World, acme: &TestProvider, typ: &str, changes: Value) -> u16 {
    let mut claims = json!({
        "iss": acme.origin, "aud": UPSTREAM_CLIENT, "iat": world.now().seconds(), "jti": acme.key.jti(),
        "events": { EVENT: {} }
    });
    merge(&mut claims, changes);
    let token = acme.key.sign_typed(typ, &claims);
    let form = [("logout_token", token.as_str())];
    world.post("/upstream/acme/logout", &form, &[]).await.status
}

both_upstream!(
    a_session_there_is_called_by_what_can_be_kept,
    [("ANYONE", "true")],
    |world, acme| async {
        for sid in ["\u{0}", "a\u{0}b", "a\n", "\u{85}"] {
            let mut browser = world.browser();
            let page = sign_in_as(&world, &acme, &mut browser, json!({ "sid": sid })).await;
            assert_eq!(page.reply.status, 422, "{sid:?}");
            let named = json!({ "sid": sid });
            assert_eq!(log_out(&world, &acme, "logout+jwt", named).await, 400);
            let named = json!({ "sub": sid });
            assert_eq!(log_out(&world, &acme, "logout+jwt", named).await, 400);
        }
        // An empty name, and one that is too long to keep, is none: that session ends with any of the person's.
        for sid in [String::new(), "s".repeat(256)] {
            let mut browser = world.browser();
            let page = sign_in_as(&world, &acme, &mut browser, json!({ "sid": sid })).await;
            assert_eq!(page.url.path(), "/app", "{}", page.reply.text());
            let another = json!({ "sub": UPSTREAM_SUBJECT, "sid": "of-a-tablet" });
            assert_eq!(log_out(&world, &acme, "JWT", another).await, 200);
            assert_eq!(browser.open("/app").await.url.path(), "/login");
        }
    }
);

both_upstream!(
    a_made_name_is_no_option_of_a_command,
    [("ANYONE", "true")],
    |world, acme| async {
        for (sub, said, name) in [
            ("s1", "-x", Some("x@acme")),
            ("s2", "--help", Some("help@acme")),
            ("s3", "../noor", Some("noor@acme")),
            ("s4", "...", None),
            ("s5", "-", None),
        ] {
            let mut browser = world.browser();
            let claims = json!({ "sub": sub, "preferred_username": said });
            sign_in_as(&world, &acme, &mut browser, claims).await;
            let made = name_of(&mut browser).await.unwrap();
            match name {
                Some(name) => assert_eq!(made, name, "{said}"),
                None => assert!(made.starts_with("u-"), "{said}: {made}"),
            }
        }
    }
);
