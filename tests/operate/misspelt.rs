//! A file or a variable that is wrong: the sentence names its place, what belongs there, and what was perhaps meant.

use std::process::Command;

use serde_json::{Value, json};
use writ_testkit::{World, both, merge};

use super::registered::{cast_now, complaint, printed, writ_reading};
use super::suspend::writ;
use crate::process::binary;

fn refused(world: &World, kind: &str, file: &str) -> String {
    let said = complaint(&writ_reading(world, &[kind, "add", "--file", "-"], file));
    for word in ["struct", "ClientFile", "invalid type", "sequence", "u64"] {
        assert!(!said.contains(word), "{said}");
    }
    assert!(said.contains("standard input: "), "{said}");
    said
}

fn client(changes: Value) -> String {
    let mut file = json!({
        "client_id": "web", "client_name": "Web", "profile": "oauth21", "bearer": true,
        "grant_types": ["client_credentials"]
    });
    merge(&mut file, changes);
    file.to_string()
}

both!(a_fault_of_a_file_is_named_with_its_place, |world| async {
    cast_now(&world).await;
    for (changes, means) in [
        (
            json!({ "scope": ["a", "b"] }),
            "`scope` takes text with spaces between, not a list",
        ),
        (
            json!({ "client_name": 5 }),
            "`client_name` takes text, not this number",
        ),
        (
            json!({ "redirect_uris": "https://a.example/cb" }),
            "`redirect_uris` takes a list, not text",
        ),
        (
            json!({ "redirect_uris": ["https://a.example/cb", 5] }),
            "`redirect_uris[1]` takes text",
        ),
        (
            json!({ "bearer": "true" }),
            "`bearer` takes `true` or `false`, not text",
        ),
        (
            json!({ "task_lifetime": "1h" }),
            "`task_lifetime` takes a whole number, not text",
        ),
        (
            json!({ "jwks": { "keys": [{ "kid": "a" }] } }),
            "`jwks.keys[0].kty` is missing",
        ),
        (
            json!({ "profile": "oauth2" }),
            "`profile` has another value, perhaps `oauth21` is meant",
        ),
        (
            json!({ "token_endpoint_auth_method": "basic" }),
            "`client_secret_basic`",
        ),
        (
            json!({ "redirect_uri": [] }),
            "`redirect_uri` is not known, perhaps `redirect_uris` is meant",
        ),
        (json!({ "Scope": "a" }), "perhaps `scope` is meant"),
        (
            json!({ "colour": "red" }),
            "`colour` is not known: known members are `client_id`, ",
        ),
    ] {
        let said = refused(&world, "client", &client(changes.clone()));
        assert!(said.contains(means), "{changes}: {said}");
    }
    for (file, means) in [
        ("{", "this is no JSON"),
        ("[]", "this is no JSON object"),
        (r#"{"profile":"oauth21"}"#, "`client_name` is missing"),
        (r#"{"client_name":"Web"}"#, "`profile` is missing"),
        (
            r#"{"client_name":"a","client_name":"b","profile":"oauth21"}"#,
            "duplicate field `client_name`",
        ),
    ] {
        let said = refused(&world, "client", file);
        assert!(said.contains(means), "{file}: {said}");
    }
});

both!(
    a_fault_deep_in_a_file_is_named_with_its_place,
    |world| async {
        cast_now(&world).await;
        let good = world.client_file("agt_planner").await;
        for (place, value, means) in [
            (
                "/agent/ceiling",
                json!({}),
                "`agent.ceiling.lifetime` is missing",
            ),
            (
                "/agent/ceiling/lifetime",
                json!("1h"),
                "`agent.ceiling.lifetime` takes a whole number",
            ),
            (
                "/agent/ceiling/scopes",
                json!([{ "scope": "a" }]),
                "`agent.ceiling.scopes[0].resource` is missing",
            ),
            (
                "/agent/ceiling/scopes",
                json!([{ "scope": "a", "resource": "https://a.example" }, { "scope": "a", "resource": "a" }]),
                "`agent.ceiling.scopes[1].resource`: `a` is not an absolute URI",
            ),
            (
                "/agent/owner",
                json!(["alice"]),
                "`agent.owner` takes text, not a list",
            ),
            (
                "/agent",
                json!("alice"),
                "`agent` takes an object, not text",
            ),
        ] {
            let mut file = good.clone();
            *file.pointer_mut(place).unwrap() = value;
            let said = refused(&world, "agent", &file.to_string());
            assert!(said.contains(means), "{place}: {said}");
        }
        let mut file = good.clone();
        file["agent"]["ownr"] = json!("alice");
        let said = refused(&world, "agent", &file.to_string());
        assert!(
            said.contains("`agent.ownr` is not known, perhaps `owner` is meant"),
            "{said}"
        );
    }
);

both!(keys_are_given_and_taken_with_care, |world| async {
    cast_now(&world).await;
    let pem = "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n";
    let add = ["agent", "add-key", "agt_planner", "-"];
    let said = complaint(&writ_reading(&world, &add, pem));
    assert!(
        said.contains("this is PEM") && said.contains("JWK"),
        "{said}"
    );
    let shown = printed(&writ(&world, &["agent", "show", "agt_planner"]));
    let keys = shown["jwks"]["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1);
    let kid = keys[0]["kid"].as_str().unwrap();
    let last = complaint(&writ(&world, &["agent", "remove-key", "agt_planner", kid]));
    for means in [
        "the last key",
        "`writ agent add-key`",
        "`writ agent suspend`",
    ] {
        assert!(last.contains(means), "{last}");
    }
});

both!(
    what_is_no_token_no_receipt_and_no_issuer_is_told,
    |world| async {
        cast_now(&world).await;
        for (command, means) in [
            (
                &["token", "explain", "abc"][..],
                "no access token of this server",
            ),
            (
                &["token", "explain", "a.b"],
                "no access token of this server",
            ),
            (
                &["audit", "receipt", "nosuch"],
                "neither a file nor the id of a receipt",
            ),
            (&["issuer", "change", "foo"], "`foo` cannot be the issuer"),
        ] {
            let said = complaint(&writ(&world, command));
            assert!(said.contains(means), "{command:?}: {said}");
        }
    }
);

both!(
    a_misspelt_variable_is_told_from_a_misspelt_key,
    |world| async {
        for (variable, means) in [
            ("WRIT__SERVER__LSITEN", "perhaps `listen` is meant"),
            ("WRIT__SEVER__LISTEN", "perhaps `server` is meant"),
            ("WRIT__SERVER__COLOUR", "expected one of"),
        ] {
            let mut command = Command::new(binary());
            command.env_clear().envs(world.environment());
            let done = command.env(variable, "127.0.0.1:1").arg("check").output();
            let said = complaint(&done.unwrap());
            let origin = format!("it comes from the environment, as `{variable}`");
            assert!(said.contains(&origin) && said.contains(means), "{said}");
        }
    }
);
