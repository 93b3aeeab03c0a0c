//! Which scope names are granted, left out and refused, by profile and by what is registered.

use serde_json::{Value, json};
use writ_authority::Types;

use super::*;
use crate::id::ClientId;
use crate::registration;
use crate::resources::Resources;
use crate::role::RoleRules;

const ISSUER: &str = "https://as.example";
const NOTES: &str = "https://notes.example/mcp";
const FILES: &str = "https://files.example";

fn uri(text: &str) -> ResourceUri {
    ResourceUri::parse(text).unwrap()
}

fn resource(file: Value) -> (ResourceUri, Resource) {
    let file = serde_json::from_value(file).unwrap();
    let made = registration::resource(&file, &uri(ISSUER)).unwrap();
    (made.uri.clone(), made)
}

fn notes() -> (ResourceUri, Resource) {
    resource(json!({ "resource": NOTES, "name": "Notes", "scopes": [
        { "name": "notes:read", "default": true }, { "name": "notes:list", "default": true }, "notes:write", "read"
    ] }))
}

fn files() -> (ResourceUri, Resource) {
    resource(json!({ "resource": FILES, "name": "Files", "scopes": ["files:read", "read"] }))
}

/// A client that may refresh, of this profile, with this `scope` in its file.
fn client(profile: &str, scope: Option<&str>) -> Client {
    let mut file = json!({
        "client_name": "Client", "profile": profile, "redirect_uris": ["https://c.example/cb"],
        "grant_types": ["authorization_code", "refresh_token"]
    });
    if profile == "fapi2" {
        let key = json!({ "kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" });
        file["jwks"] = json!({ "keys": [key] });
    } else {
        file["token_endpoint_auth_method"] = json!("none");
    }
    if let Some(scope) = scope {
        file["scope"] = json!(scope);
    }
    let file = serde_json::from_value(file).unwrap();
    registration::client(&file, ClientId::from_text("c"), None, None).unwrap()
}

/// `resource scope` of everything that is found, or the refusal's code.
fn asked(client: &Client, scope: &str, at: &[&str], among: &[(ResourceUri, Resource)]) -> String {
    let (issuer, types) = (uri(ISSUER), Types::default());
    let resources: Resources = among.iter().cloned().collect();
    let realm = Realm {
        issuer: &issuer,
        resources: &resources,
        types: &types,
        roles: &RoleRules::Unlimited,
    };
    let scopes: Vec<String> = scope.split_whitespace().map(str::to_owned).collect();
    let at: Vec<ResourceUri> = at.iter().map(|text| uri(text)).collect();
    let wanted = Wanted {
        scopes: &scopes,
        resources: &at,
        details: &[],
    };
    let found = resolve(&wanted, client, realm).and_then(|mut found| {
        found.extend(defaults(&wanted, client, realm)?);
        Ok(found)
    });
    match found {
        Ok(found) => {
            let mut names: Vec<String> = found.into_iter().map(|grant| grant.scope).collect();
            names.sort();
            names.join(" ")
        }
        Err(refusal) => refusal.code.as_str().to_owned(),
    }
}

#[test]
fn a_login_client_asks_for_all_of_identity() {
    let all = "openid profile email offline_access";
    let plain = client("oauth21", None);
    assert_eq!(
        asked(&plain, all, &[], &[notes()]),
        "email offline_access openid profile"
    );
    let mut once = plain.clone();
    once.grant_types.remove(GrantType::RefreshToken.as_str());
    assert_eq!(
        asked(&once, all, &[], &[]),
        "email openid profile",
        "no refresh token, no promise"
    );
    assert_eq!(
        asked(&plain, "profile email", &[], &[]),
        "invalid_scope",
        "of nobody"
    );
}

#[test]
fn a_registered_scope_is_a_limit() {
    let some = client("oauth21", Some("openid notes:read"));
    assert_eq!(
        asked(&some, "openid notes:read", &[], &[notes()]),
        "notes:read openid"
    );
    for wide in ["openid email", "notes:read notes:write", "notes:write"] {
        assert_eq!(
            asked(&some, wide, &[], &[notes()]),
            "invalid_scope",
            "{wide}"
        );
    }
    assert_eq!(
        asked(&some, "openid offline_access", &[], &[]),
        "openid",
        "promises no authority"
    );
    let none = client("oauth21", None);
    assert_eq!(
        asked(&none, "openid notes:read", &[], &[notes()]),
        "invalid_scope"
    );
}

#[test]
fn unknown_scopes_are_left_out_or_refused_by_profile() {
    let (plain, strict) = ("oauth21", "fapi2");
    let scope = Some("openid profile notes:read files:read");
    let among = [notes(), files()];
    for unknown in ["notes:read mcp:tools", "notes:read files:read"] {
        let left = asked(&client(plain, scope), unknown, &[NOTES], &among);
        assert_eq!(left, "notes:read", "{unknown}");
        assert_eq!(
            asked(&client(strict, scope), unknown, &[NOTES], &among),
            "invalid_scope"
        );
    }
    assert_eq!(
        asked(&client(plain, scope), "mcp:tools", &[NOTES], &among),
        "invalid_scope"
    );
    assert_eq!(
        asked(&client(strict, scope), "profile notes:read", &[], &among),
        "invalid_scope"
    );
    assert_eq!(
        asked(&client(strict, scope), "openid offline_access", &[], &among),
        "invalid_scope"
    );
    assert_eq!(
        asked(&client(strict, None), "openid", &[], &among),
        "invalid_scope"
    );
}

#[test]
fn no_scope_is_the_default_of_the_resource() {
    let plain = client("oauth21", Some("notes:read notes:write files:read"));
    for none in ["", "offline_access"] {
        assert_eq!(
            asked(&plain, none, &[NOTES], &[notes(), files()]),
            "notes:read"
        );
        assert_eq!(
            asked(&plain, none, &[], &[notes()]),
            "notes:read",
            "the only resource"
        );
        assert_eq!(
            asked(&plain, none, &[], &[notes(), files()]),
            "invalid_target"
        );
        assert_eq!(
            asked(&plain, none, &[FILES], &[notes(), files()]),
            "invalid_scope"
        );
        assert_eq!(asked(&plain, none, &[], &[files()]), "invalid_scope");
        assert_eq!(asked(&plain, none, &[], &[]), "invalid_scope");
    }
    let strict = client("fapi2", Some("notes:read"));
    assert_eq!(
        asked(&strict, "", &[NOTES], &[notes()]),
        "",
        "the audience alone, as ever"
    );
}

#[test]
fn a_scope_of_several_resources_needs_one_of_them() {
    let plain = client("oauth21", Some("read"));
    let among = [notes(), files()];
    assert_eq!(asked(&plain, "read", &[], &among), "invalid_target");
    assert_eq!(asked(&plain, "read", &[FILES], &among), "read");
    assert_eq!(asked(&plain, "read", &[], &[notes()]), "read");
}
