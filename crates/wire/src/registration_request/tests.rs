//! What a client may ask to be, and what is registered of it.

use super::*;

const REDIRECT: &str = r#""redirect_uris":["https://app.example/cb"]"#;

fn parse(more: &str) -> Result<RegisteredMetadata, RegistrationRefusal> {
    RegisteredMetadata::parse(format!("{{{REDIRECT}{more}}}").as_bytes())
}

#[test]
fn rfc_7591_2_what_is_left_out_has_its_default() {
    let found = parse("").unwrap();
    assert_eq!(
        found.token_endpoint_auth_method,
        AuthMethod::ClientSecretBasic
    );
    assert_eq!(found.grant_types, ["authorization_code"]);
    assert_eq!(found.response_types, ["code"]);
    assert_eq!(found.client_name, None);
}

#[test]
fn rfc_7591_3_2_1_what_is_not_heeded_is_not_in_the_answer() {
    let found = parse(
        r#","grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:device_code"],
        "response_types":["code","token"],"scope":" ","client_uri":"nowhere","logo_uri":"https://app.example/logo.png",
        "client_name":"A\nname ","token_endpoint_auth_method":"none","jwks":{"keys":[]},"x":{"y":1},"client_id":"mine",
        "client_secret":"mine","contacts":["a@b.example"],"tos_uri":null"#,
    )
    .unwrap();
    assert_eq!(found.grant_types, ["authorization_code", "refresh_token"]);
    assert_eq!(found.response_types, ["code"]);
    assert_eq!(found.client_name.as_deref(), Some("A name"));
    assert_eq!(
        (found.scope.as_ref(), found.client_uri.as_ref()),
        (None, None)
    );
    assert_eq!(
        found.logo_uri.as_deref(),
        Some("https://app.example/logo.png")
    );
    assert_eq!(found.jwks, None, "nobody asks for them");
    let said = serde_json::to_string(&found).unwrap();
    assert!(!said.contains("mine") && !said.contains("null"), "{said}");
    assert_eq!(
        serde_json::from_str::<RegisteredMetadata>(&said).unwrap(),
        found
    );
}

#[test]
fn rfc_7591_3_2_2_each_fault_has_its_code() {
    let code = |more: &str| parse(more).map(drop).map_err(|refusal| refusal.code);
    let metadata = Err(ErrorCode::InvalidClientMetadata);
    for bad in [
        r#","token_endpoint_auth_method":"magic""#,
        r#","token_endpoint_auth_method":7"#,
        r#","token_endpoint_auth_method":"private_key_jwt""#,
        r#","jwks":{"keys":[]},"jwks_uri":"https://app.example/jwks""#,
        r#","token_endpoint_auth_method":"private_key_jwt","jwks_uri":"http://app.example/jwks""#,
        r#","response_types":["token"]"#,
        r#","grant_types":["client_credentials"]"#,
        r#","grant_types":["refresh_token"]"#,
        r#","grant_types":"authorization_code""#,
        r#","client_name":["x"]"#,
        r#","application_type":"robot""#,
        r#","dpop_bound_access_tokens":"yes""#,
        r#","scope":"a\"b""#,
        r#","client_name":"a","client_name":"b""#,
    ] {
        assert_eq!(code(bad), metadata, "{bad}");
    }
    let long = format!(r#","client_name":"{}""#, "x".repeat(MAX_REGISTRATION_BYTES));
    assert_eq!(code(&long), metadata);
    let statement = r#","software_statement":"a.b.c""#;
    assert_eq!(code(statement), Err(ErrorCode::UnapprovedSoftwareStatement));
    let statement = r#","software_statement":"a""#;
    assert_eq!(code(statement), Err(ErrorCode::InvalidSoftwareStatement));
    for body in ["", "[]", "{", "null"] {
        let refusal = RegisteredMetadata::parse(body.as_bytes()).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::InvalidClientMetadata, "{body}");
    }
    let long = format!("https://app.example/{}", "x".repeat(MAX_REDIRECT_BYTES));
    for list in [
        "[]".to_owned(),
        "[7]".to_owned(),
        "null".to_owned(),
        format!("[{long:?}]"),
        r#"["https://b\u00fccher.example/cb"]"#.to_owned(),
        r#"["https://app.example/\ncb"]"#.to_owned(),
        r#"["https://app.example\\@other.example/cb"]"#.to_owned(),
        format!(
            "[{}]",
            ["\"https://app.example/cb\""; MAX_REDIRECTS + 1].join(",")
        ),
    ] {
        let body = format!(r#"{{"redirect_uris":{list}}}"#);
        let refusal = RegisteredMetadata::parse(body.as_bytes()).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::InvalidRedirectUri, "{list}");
    }
}

#[test]
fn rfc_7592_2_2_an_update_names_the_client_and_nothing_that_is_ours() {
    let update =
        |more: &str| RegistrationUpdate::parse(format!("{{{REDIRECT}{more}}}").as_bytes(), "dyn_1");
    let found = update(r#","client_id":"dyn_1","client_secret":"s","client_name":null"#).unwrap();
    assert_eq!(found.client_secret.as_deref(), Some("s"));
    assert_eq!(found.metadata, parse("").unwrap());
    for bad in ["", r#","client_id":"dyn_2""#, r#","client_id":7"#] {
        assert!(update(bad).is_err(), "{bad}");
    }
    for ours in OURS {
        let refusal = update(&format!(r#","client_id":"dyn_1","{ours}":"x""#)).unwrap_err();
        assert!(refusal.sentence.contains(ours), "{refusal}");
    }
}
