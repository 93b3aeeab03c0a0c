//! Metadata and keys (RFC 8414, OpenID Connect Discovery): what is listed works, what is off is not listed.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};
use writ_core::checks;
use writ_testkit::{Cast, ISSUER, Web, World, both, both_with};

const WELL_KNOWN: [&str; 2] = [
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
];

async fn metadata(world: &World) -> Value {
    let reply = world.get(WELL_KNOWN[0], &[]).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

fn names(list: &Value) -> BTreeSet<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect()
}

both!(
    rfc_8414_3_both_documents_say_the_same_and_name_this_issuer,
    |world| async {
        Cast::of(&world).await;
        let [oauth, openid] = WELL_KNOWN.map(|path| (path, ()));
        let (oauth, openid) = (
            world.get(oauth.0, &[]).await,
            world.get(openid.0, &[]).await,
        );
        assert_eq!(oauth.json(), openid.json());
        assert_eq!(oauth.header("content-type"), Some("application/json"));
        let found = oauth.json();
        assert_eq!(
            found["issuer"],
            json!(ISSUER),
            "RFC 9207: a plain comparison of strings"
        );
        assert_eq!(
            found["authorization_response_iss_parameter_supported"],
            json!(true)
        );
        for (name, value) in found.as_object().unwrap() {
            assert_ne!(value, &json!([]), "`{name}`: empty lists are left out");
            assert_ne!(value, &Value::Null, "`{name}`");
        }
    }
);

both!(
    rfc_8414_2_every_endpoint_that_is_named_is_there,
    |world| async {
        let found = metadata(&world).await;
        let mut endpoints = 0;
        for (name, value) in found.as_object().unwrap() {
            if !name.ends_with("_endpoint") && name != "jwks_uri" {
                continue;
            }
            endpoints += 1;
            let path = value.as_str().unwrap().strip_prefix(ISSUER).unwrap();
            let form = [("content-type", "application/x-www-form-urlencoded")];
            let get = world.send(Method::GET, path, &[], Vec::new()).await.status;
            let post = world
                .send(Method::POST, path, &form, Vec::new())
                .await
                .status;
            assert!(
                get != 404 && post != 404 && (get != 405 || post != 405),
                "{name}: {get} {post}"
            );
            assert!(get < 500 && post < 500, "{name}: {get} {post}");
        }
        assert_eq!(endpoints, 10);
    }
);

both!(
    rfc_8414_2_every_grant_and_method_that_is_listed_works,
    |world| async {
        let cast = Cast::of(&world).await;
        let found = metadata(&world).await;
        let grants = names(&found["grant_types_supported"]);
        assert_eq!(
            grants,
            [
                "authorization_code",
                "client_credentials",
                "refresh_token",
                "urn:ietf:params:oauth:grant-type:device_code",
                "urn:ietf:params:oauth:grant-type:token-exchange",
                "urn:openid:params:grant-type:ciba"
            ]
            .into()
        );
        for grant in grants {
            let form = vec![
                ("grant_type", grant.to_owned()),
                ("code", "x".to_owned()),
                ("refresh_token", "x".to_owned()),
                ("subject_token", "x".to_owned()),
                ("auth_req_id", "x".to_owned()),
                ("device_code", "x".to_owned()),
                (
                    "subject_token_type",
                    "urn:ietf:params:oauth:token-type:access_token".to_owned(),
                ),
            ];
            let reply = cast.planner.send(&world, "/token", &form).await;
            assert_ne!(reply.error(), "unsupported_grant_type", "{grant}");
            assert_ne!(reply.error(), "unauthorized_client", "{grant}");
        }
        let methods = names(&found["token_endpoint_auth_methods_supported"]);
        assert_eq!(
            methods,
            [
                "client_secret_basic",
                "client_secret_post",
                "none",
                "private_key_jwt"
            ]
            .into()
        );
        let with_keys = json!({ "keys": [cast.planner.assertion.jwk()] });
        for method in methods {
            let mut file =
                Web::file(json!({ "client_id": method, "token_endpoint_auth_method": method }));
            if method == "private_key_jwt" {
                file["jwks"] = with_keys.clone();
            }
            assert!(world.try_add_client(file).await.is_ok(), "{method}");
        }
        let other = Web::file(
            json!({ "client_id": "x", "token_endpoint_auth_method": "client_secret_jwt" }),
        );
        assert!(
            world.try_add_client(other).await.is_err(),
            "not listed, not taken"
        );
    }
);

both!(
    rfc_8414_2_lists_are_what_this_server_knows_now,
    |world| async {
        assert_eq!(
            metadata(&world).await.get("protected_resources"),
            None,
            "nothing is registered yet"
        );
        let cast = Cast::of(&world).await;
        let found = metadata(&world).await;
        assert_eq!(
            found["protected_resources"],
            json!(["https://bank.example"])
        );
        assert_eq!(
            names(&found["scopes_supported"]),
            [
                "accounts:read",
                "accounts:write",
                "email",
                "offline_access",
                "openid",
                "profile"
            ]
            .into()
        );
        assert_eq!(
            names(&found["authorization_details_types_supported"]),
            ["calendar", "mcp_tool_call", "payment"].into()
        );
        assert_eq!(found["response_types_supported"], json!(["code"]));
        assert_eq!(
            found["response_modes_supported"],
            json!(["query", "form_post"])
        );
        assert_eq!(found["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(
            found["id_token_signing_alg_values_supported"],
            json!(["RS256", "ES256"])
        );
        assert_eq!(found["request_parameter_supported"], json!(false));
        assert_eq!(found["request_uri_parameter_supported"], json!(false));
        for list in [
            "dpop_signing_alg_values_supported",
            "backchannel_authentication_request_signing_alg_values_supported",
        ] {
            assert_eq!(
                names(&found[list]),
                ["ES256", "EdDSA", "PS256"].into(),
                "{list}"
            );
        }
        assert_eq!(
            names(&found["token_endpoint_auth_signing_alg_values_supported"]),
            ["ES256", "EdDSA", "PS256", "RS256"].into()
        );
        assert_eq!(
            found["backchannel_token_delivery_modes_supported"],
            json!(["poll", "ping", "push"])
        );
        assert_eq!(
            found["backchannel_user_code_parameter_supported"],
            json!(true)
        );
        assert_eq!(
            found["backchannel_endpoint_login_hint_token_types_supported"],
            json!(["writ-login-hint+jwt"])
        );
        assert_eq!(
            found["acr_values_supported"],
            json!(["urn:writ:acr:password", "urn:writ:acr:passkey"]),
            "liveness has no verifier here"
        );
        let code = cast.code_of(&world, &cast.request()).await;
        let token = cast.redeem(&world, &code).await.access_token();
        assert_eq!(cast.introspect(&world, &token).await["active"], json!(true));
    }
);

/// Members for features that do not exist here.
const ABSENT: [&str; 8] = [
    "registration_endpoint",
    "check_session_iframe",
    "mtls_endpoint_aliases",
    "tls_client_certificate_bound_access_tokens",
    "client_id_metadata_document_supported",
    "request_object_signing_alg_values_supported",
    "introspection_signing_alg_values_supported",
    "authorization_signing_alg_values_supported",
];

both!(nothing_is_listed_that_is_off, |world| async {
    let found = metadata(&world).await;
    for name in ABSENT {
        assert_eq!(found.get(name), None, "{name}");
    }
    assert_eq!(
        found["mission_bound_authorization_supported"],
        json!(true),
        "on in this world"
    );
    for path in ["/register", "/metrics", "/healthz"] {
        assert_eq!(world.get(path, &[]).await.status, 404, "{path}");
    }
});

both_with!(
    a_draft_is_listed_only_where_it_is_on,
    &[("FEATURES__MISSION_INTENT", "")],
    |world| async {
        let found = metadata(&world).await;
        assert_eq!(found.get("mission_bound_authorization_supported"), None);
    }
);

both_with!(
    /// Passkeys are bound to a host name (WebAuthn section 5.1.2): an issuer at an address of numbers has none.
    a_login_that_nobody_can_reach_is_not_listed,
    &[("SERVER__ISSUER", "http://127.0.0.1:8080")],
    |world| async {
        let found = metadata(&world).await;
        assert_eq!(found["acr_values_supported"], json!(["urn:writ:acr:password"]));
    }
);

both!(
    rfc_7517_9_2_published_keys_have_no_private_members,
    |world| async {
        let cast = Cast::of(&world).await;
        let reply = world.get("/jwks", &[]).await;
        let found = reply.json();
        let keys = found["keys"].as_array().unwrap();
        assert!(
            keys.len() >= 2,
            "the active one, and the next one before it signs"
        );
        let mut kids = BTreeSet::new();
        for key in keys {
            let members = names_of(key);
            // RFC 7518 sections 6.2.1 and 6.3.1.
            let public: BTreeSet<&str> = match key["alg"].as_str().unwrap() {
                "RS256" => ["alg", "e", "kid", "kty", "n", "use"].into(),
                _ => ["alg", "crv", "kid", "kty", "use", "x", "y"].into(),
            };
            assert_eq!(members, public, "{key}");
            assert!(
                key["alg"] == "RS256" && key["kty"] == "RSA"
                    || key["alg"] == "ES256" && key["kty"] == "EC",
                "{key}"
            );
            assert_eq!(key["use"], "sig");
            assert!(kids.insert(key["kid"].as_str().unwrap()), "{key}");
        }
        let code = cast.code(&world).await;
        let token = cast.redeem(&world, &code).await.access_token();
        let header = writ_jose::jws::UnverifiedJwt::parse(&token)
            .unwrap()
            .header()
            .clone();
        assert_eq!(
            header.typ.as_deref(),
            Some("at+jwt"),
            "RFC 9068 section 2.1"
        );
        assert!(kids.contains(header.kid.as_deref().unwrap()));
        for path in ["/jwks", WELL_KNOWN[0]] {
            let caching = world.get(path, &[]).await;
            assert_eq!(
                caching.header("cache-control"),
                Some("public, max-age=60"),
                "{path}"
            );
        }
    }
);

fn names_of(object: &Value) -> BTreeSet<&str> {
    object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// One table says which check applies where, and the docs print it.
#[test]
fn the_docs_print_the_table_of_checks() {
    let document = include_str!("../../docs/checks.md");
    let table: String = document
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(
        table,
        checks::table(),
        "copy it from here:\n{}",
        checks::table()
    );
}
