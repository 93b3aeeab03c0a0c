//! Compact JWS (RFC 7515): test vectors, algorithms, and malformed texts.

use serde_json::{Value, json};

use super::*;
use crate::encoding::encode;
use crate::testing::{Party, public, with};

/// RFC 7515 appendix A.3.
const RFC_7515_A_3: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
/// RFC 8037 appendix A.4; its payload is no JSON.
const RFC_8037_A_4: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

fn rfc_7515_key() -> PublicKey {
    public(json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }))
}

fn rfc_8037_key() -> PublicKey {
    public(
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
    )
}

fn text(header: &str, payload: &str) -> String {
    format!("{}.{}.{}", encode(header), encode(payload), encode([0; 64]))
}

fn refusal(text: &str) -> JwsError {
    UnverifiedJwt::parse(text).unwrap_err()
}

#[test]
fn rfc_7515_a_3_es256() {
    let unverified = UnverifiedJwt::parse(RFC_7515_A_3).unwrap();
    assert_eq!(unverified.header().alg, Algorithm::Es256);
    let claims: Value = unverified.verify(&rfc_7515_key()).unwrap();
    assert_eq!(
        claims,
        json!({ "iss": "joe", "exp": 1_300_819_380, "http://example.com/is_root": true })
    );
    assert_eq!(
        unverified.verify_signature(&Party::new(1).public()),
        Err(JwsError::Signature)
    );
}

#[test]
fn rfc_8037_a_4_eddsa() {
    let unverified = UnverifiedJwt::parse(RFC_8037_A_4).unwrap();
    assert_eq!(unverified.verify_signature(&rfc_8037_key()), Ok(()));
    assert_eq!(
        unverified.verify::<Value>(&rfc_8037_key()),
        Err(JwsError::Claims("not a JSON object".into()))
    );
}

#[test]
fn rfc_7515_4_no_member_stands_twice_and_no_text_has_control_characters() {
    for header in [
        r#"{"alg":"ES256","alg":"ES256"}"#,
        r#"{"alg":"ES256","x":1,"x":1}"#,
        r#"{"alg":"ES256","jwk":{"kty":"EC","x":"a","x":"b"}}"#,
        r#"{"alg":"ES256","kid":"a\u0000"}"#,
        r#"{"alg":"ES256","x":["\u009b"]}"#,
        r#"{"alg":"ES256","kid":"\ud800"}"#,
    ] {
        assert!(
            matches!(refusal(&text(header, "{}")), JwsError::Header(_)),
            "{header}"
        );
    }
    for claims in [
        r#"{"sub":"a","sub":"b"}"#,
        r#"{"act":{"sub":"a","sub":"b"}}"#,
        r#"{"sub":"a\u0000"}"#,
        r#"{"\u001b":1}"#,
    ] {
        let whole = text(r#"{"alg":"ES256"}"#, claims);
        let read = UnverifiedJwt::parse(&whole)
            .unwrap()
            .unverified_claims::<Value>();
        assert!(matches!(read, Err(JwsError::Claims(_))), "{claims}");
    }
}

#[test]
fn rfc_7515_a_3_any_changed_character_breaks_it() {
    let key = rfc_7515_key();
    for place in 0..RFC_7515_A_3.len() {
        let mut bytes = RFC_7515_A_3.as_bytes().to_vec();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        let verified = UnverifiedJwt::parse(&changed).and_then(|u| u.verify::<Value>(&key));
        assert!(verified.is_err(), "{place}");
    }
}

#[test]
fn rfc_8725_3_1_the_algorithm_is_that_of_the_key() {
    let unverified = UnverifiedJwt::parse(RFC_7515_A_3).unwrap();
    assert_eq!(
        unverified.verify_signature(&rfc_8037_key()),
        Err(JwsError::OtherAlgorithm { expected: "EdDSA" })
    );
}

#[test]
fn rfc_8725_3_1_none_macs_and_unknown_algorithms_are_refused() {
    for alg in [
        "none", "None", "HS256", "RS256", "ES384", "ES256K", "es256", "",
    ] {
        let forged = text(&json!({ "alg": alg }).to_string(), "{}");
        assert_eq!(refusal(&forged), JwsError::Algorithm(alg.into()));
    }
    assert!(matches!(refusal(&text("{}", "{}")), JwsError::Header(_)));
}

#[test]
fn rfc_7515_4_1_11_critical_members_are_refused() {
    for member in ["crit", "b64"] {
        for value in [json!([member]), json!(true), json!(null)] {
            let header = format!(r#"{{"alg":"ES256","{member}":{value}}}"#);
            assert_eq!(refusal(&text(&header, "{}")), JwsError::Critical);
        }
    }
}

#[test]
fn rfc_7515_7_1_three_strict_parts() {
    let (input, signature) = RFC_7515_A_3.rsplit_once('.').unwrap();
    for bad in [
        "",
        "a",
        input,
        &format!("{RFC_7515_A_3}."),
        &format!("{RFC_7515_A_3}.a.b"),
        "....",
    ] {
        assert_eq!(refusal(bad), JwsError::NotCompact, "{bad}");
    }
    for bad in [
        format!("{RFC_7515_A_3}="),
        format!("{input}. {signature}"),
        format!("{RFC_7515_A_3}\n"),
    ] {
        assert_eq!(refusal(&bad), JwsError::NotBase64url("signature"));
    }
    assert_eq!(
        refusal(&format!("{input}==.{signature}")),
        JwsError::NotBase64url("payload")
    );
    assert_eq!(
        refusal(&format!("={RFC_7515_A_3}")),
        JwsError::NotBase64url("header")
    );
    let large = format!("{RFC_7515_A_3}{}", "A".repeat(MAX_JWT_BYTES));
    assert_eq!(refusal(&large), JwsError::TooLong);
}

#[test]
fn rfc_7515_4_headers_are_objects_with_members_once() {
    for bad in [
        r#"["ES256"]"#,
        r#""ES256""#,
        r#"{"alg":"ES256","alg":"ES256"}"#,
        r#"{"alg":"ES256","typ":null}"#,
        r#"{"alg":"ES256","kid":1}"#,
        r#"{"alg":"ES256"} x"#,
        "",
    ] {
        assert!(
            matches!(refusal(&text(bad, "{}")), JwsError::Header(_)),
            "{bad}"
        );
    }
}

#[test]
fn claims_are_an_object_with_members_once() {
    #[derive(Debug, serde::Deserialize)]
    struct Claims {
        #[expect(dead_code, reason = "only read by serde")]
        sub: String,
    }
    for bad in [r#"["a"]"#, r#"{"sub":"a","sub":"b"}"#, "null", ""] {
        let text = text(r#"{"alg":"ES256"}"#, bad);
        let claims = UnverifiedJwt::parse(&text)
            .unwrap()
            .unverified_claims::<Claims>();
        assert!(matches!(claims, Err(JwsError::Claims(_))), "{bad}");
    }
}

#[test]
fn rfc_7515_4_1_9_typ_is_a_media_type() {
    let party = Party::new(1);
    let is = |typ: Value| {
        let text = party.sign(&with(&json!({ "alg": "ES256" }), "typ", typ), &json!({}));
        UnverifiedJwt::parse(&text).unwrap().typ_is("at+jwt")
    };
    for good in [
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "Application/AT+jwt",
    ] {
        assert!(is(json!(good)), "{good}");
    }
    for bad in [
        json!("JWT"),
        json!("text/at+jwt"),
        json!("at+jwt "),
        json!("application/"),
        Value::Null,
    ] {
        assert!(!is(bad.clone()), "{bad}");
    }
}
