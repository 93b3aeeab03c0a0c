//! Which URLs are client identifiers, and which documents are taken.

use super::*;

const URL: &str = "https://client.example/oauth/document.json";

fn url() -> ClientIdUrl {
    ClientIdUrl::parse(URL).unwrap()
}

fn parse(text: &str) -> Result<ClientDocument, String> {
    ClientDocument::parse(text.as_bytes(), &url()).map_err(|e| e.to_string())
}

#[test]
fn cimd_2_a_normal_https_url_with_a_path_is_a_client_id() {
    let mapped = ClientIdUrl::parse("https://[::ffff:7f00:1]/a").unwrap();
    assert_eq!(mapped.host(), "127.0.0.1");
    for good in [
        URL,
        "https://client.example/",
        "https://client.example:8443/a",
        "https://client.example/a?b=c",
        "https://xn--bcher-kva.example/a",
        "https://client.example/.well-known/a..b",
    ] {
        let parsed = ClientIdUrl::parse(good).unwrap();
        assert_eq!(parsed.as_str(), good);
    }
    assert_eq!(
        ClientIdUrl::parse("https://xn--bcher-kva.example:8443/a")
            .unwrap()
            .host(),
        "xn--bcher-kva.example"
    );
}

#[test]
fn cimd_2_only_normal_https_urls_with_a_path_are_client_ids() {
    for (bad, error) in [
        ("http://client.example/a", ClientIdError::NotHttps),
        ("https:client.example/a", ClientIdError::NotNormal),
        ("HTTPS://client.example/a", ClientIdError::NotNormal),
        ("cli_1", ClientIdError::NotHttps),
        ("https://client.example", ClientIdError::NoPath),
        ("https://client.example?a", ClientIdError::NoPath),
        ("https://client.example/a#", ClientIdError::Fragment),
        ("https://client.example/a#b", ClientIdError::Fragment),
        ("https://u@client.example/a", ClientIdError::UserInfo),
        ("https://u:p@client.example/a", ClientIdError::UserInfo),
        ("https://@client.example/a", ClientIdError::UserInfo),
        ("https://client.example/./a", ClientIdError::DotSegment),
        ("https://client.example/a/..", ClientIdError::DotSegment),
        ("https://client.example/%2e%2E/a", ClientIdError::DotSegment),
        ("https://client.example/.%2e/a", ClientIdError::DotSegment),
        ("https://Client.example/a", ClientIdError::NotNormal),
        ("https://client.example:443/a", ClientIdError::NotNormal),
        ("https://client.example./a", ClientIdError::NotNormal),
        ("https://client.example../a", ClientIdError::NotNormal),
        ("https://client.example.:8443/a", ClientIdError::NotNormal),
        ("https://localhost./a", ClientIdError::NotNormal),
        ("https://./a", ClientIdError::NotHttps),
        ("https://%63lient.example/a", ClientIdError::NotNormal),
        ("https://client%2eexample/a", ClientIdError::NotNormal),
        ("https://client.example\u{3002}/a", ClientIdError::NotNormal),
        ("https://2130706433/a", ClientIdError::NotNormal),
        ("https://0177.0.0.1/a", ClientIdError::NotNormal),
        ("https://127.0.0.1./a", ClientIdError::NotNormal),
        ("https://[::ffff:127.0.0.1]/a", ClientIdError::NotNormal),
        ("https://[fe80::1%25lo]/a", ClientIdError::NotHttps),
        ("https://[0::1]/a", ClientIdError::NotNormal),
        ("https://b\u{fc}cher.example/a", ClientIdError::NotNormal),
        ("https://client.example/\u{e9}", ClientIdError::NotNormal),
        ("https://client.example/a b", ClientIdError::NotNormal),
        ("https://client.example\\a", ClientIdError::NoPath),
        ("https://client.example/a\\b", ClientIdError::NotNormal),
        (" https://client.example/a", ClientIdError::NotNormal),
        ("https://client.example/a\n", ClientIdError::NotNormal),
        ("https://0x7f.1/a", ClientIdError::NotNormal),
    ] {
        assert_eq!(ClientIdUrl::parse(bad), Err(error), "{bad}");
    }
    let long = format!("https://client.example/{}", "a".repeat(MAX_CLIENT_ID_BYTES));
    assert_eq!(ClientIdUrl::parse(&long), Err(ClientIdError::TooLong));
}

#[test]
fn cimd_3_1_unknown_members_are_ignored_and_grants_are_not_asked() {
    let found = parse(&format!(
        r#"{{"client_id":"{URL}","client_name":"A\nClient","redirect_uris":["https://client.example/cb"],
        "token_endpoint_auth_method":"none","grant_types":["client_credentials"],"logo_uri":7,"x":{{}}}}"#
    ))
    .unwrap();
    assert_eq!(found.client_name.as_deref(), Some("A Client"));
    assert_eq!(found.method, AuthMethod::None);
    assert_eq!(found.redirect_uris, ["https://client.example/cb"]);
}

#[test]
fn cimd_3_1_what_a_document_must_not_be() {
    let with = |more: &str| {
        parse(&format!(
            r#"{{"client_id":"{URL}","redirect_uris":["https://client.example/cb"]{more}}}"#
        ))
    };
    assert!(with("").is_ok());
    for bad in [
        r#","client_secret":"x""#,
        r#","client_secret_expires_at":0"#,
        r#","token_endpoint_auth_method":"client_secret_basic""#,
        r#","token_endpoint_auth_method":"client_secret_post""#,
        r#","token_endpoint_auth_method":"client_secret_jwt""#,
        r#","token_endpoint_auth_method":"tls_client_auth""#,
        r#","token_endpoint_auth_method":"private_key_jwt""#,
        r#","token_endpoint_auth_method":7"#,
        r#","jwks":{"keys":[]},"jwks_uri":"https://client.example/jwks""#,
        r#","redirect_uris":["https://client.example/cb"]"#,
        r#","client_name":["x"]"#,
        r#","application_type":"robot""#,
        r#","dpop_bound_access_tokens":"yes""#,
    ] {
        assert!(with(bad).is_err(), "{bad}");
    }
    for bad in [
        "",
        "[]",
        "{}",
        r#"{"client_id":"https://client.example/oauth/document.json"}"#,
        r#"{"client_id":"https://client.example/other","redirect_uris":["https://client.example/cb"]}"#,
        r#"{"client_id":"https://client.example/oauth/document.json","redirect_uris":[]}"#,
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
    let keys_at =
        |uri: &str| with(&format!(r#","jwks_uri":"{uri}""#)).map(|document| document.jwks_uri);
    for good in [
        "https://client.example/jwks",
        "https://keys.example:8443/a?b",
    ] {
        assert_eq!(keys_at(good), Ok(Some(good.to_owned())));
    }
    for bad in [
        "http://client.example/jwks",
        "http://127.0.0.1:9000/jwks",
        "https://me@client.example/jwks",
        "https://client.example/jwks#x",
        "file:///etc/passwd",
        "data:application/json,{}",
        "gopher://127.0.0.1/x",
        "jwks",
        "//client.example/jwks",
        "",
    ] {
        assert!(keys_at(bad).is_err(), "{bad}");
    }
    let name = "x".repeat(MAX_DOCUMENT_BYTES);
    assert!(with(&format!(r#","client_name":"{name}""#)).is_err());
}
