//! CIBA 7.1: well-formed and malformed requests.

use serde_json::json;

use super::*;
use crate::authorization::MAX_ACR_VALUES;

fn form(text: &str) -> Form {
    Form::parse(text.as_bytes()).unwrap()
}

fn parse(more: &str) -> Result<BackchannelRequest, RequestError> {
    BackchannelRequest::parse(&form(&format!("scope=openid{more}")))
}

fn claims(value: Value) -> Result<BackchannelRequest, RequestError> {
    let Value::Object(members) = value else {
        panic!("no object")
    };
    BackchannelRequest::from_claims(&members)
}

#[test]
fn ciba_7_1_exactly_one_hint() {
    assert!(parse("&login_hint=alice").unwrap().hint == UserHint::Login("alice".into()));
    assert!(parse("&login_hint_token=t").unwrap().hint == UserHint::LoginToken("t".into()));
    assert!(parse("&id_token_hint=t").unwrap().hint == UserHint::IdToken("t".into()));
    for bad in [
        "",
        "&login_hint=",
        "&login_hint=a&id_token_hint=t",
        "&login_hint=a&login_hint_token=t",
        "&login_hint_token=a&id_token_hint=t",
        "&login_hint=a&login_hint=b",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
    assert!(parse(&format!("&login_hint={}", "a".repeat(257))).is_err());
}

#[test]
fn ciba_7_1_notification_token_is_a_bearer_token_of_some_length() {
    let with = |token: &str| parse(&format!("&login_hint=a&client_notification_token={token}"));
    for good in ["a".repeat(22), format!("A1-._~%2B/{}==", "b".repeat(12))] {
        assert!(with(&good).is_ok(), "{good}");
    }
    assert!(with(&"a".repeat(1024)).is_ok());
    for bad in [
        "a".repeat(21),
        "a".repeat(1025),
        "=".repeat(30),
        format!("{}%20", "a".repeat(30)),
        format!("a=b{}", "a".repeat(30)),
    ] {
        assert!(with(&bad).is_err(), "{bad}");
    }
}

#[test]
fn ciba_7_1_requested_expiry_is_positive() {
    let with = |text: &str| parse(&format!("&login_hint=a&requested_expiry={text}"));
    assert_eq!(with("120").unwrap().requested_expiry, Some(120));
    for bad in ["0", "-1", "%2B5", "1.5", "soon", "99999999999999999999999"] {
        assert!(with(bad).is_err(), "{bad}");
    }
}

#[test]
fn ciba_7_1_1_expiry_may_be_a_number_or_a_text_in_a_signed_request() {
    for value in [json!(120), json!("120")] {
        let request = claims(json!({ "login_hint": "a", "requested_expiry": value })).unwrap();
        assert_eq!(request.requested_expiry, Some(120));
    }
    for value in [
        json!(0),
        json!(-1),
        json!(1.5),
        json!("x"),
        json!([1]),
        json!(null),
    ] {
        let request = claims(json!({ "login_hint": "a", "requested_expiry": value }));
        assert!(request.is_err(), "{value}");
    }
}

#[test]
fn ciba_7_1_1_claims_say_the_same_as_parameters() {
    let signed = claims(json!({
        "iss": "c", "aud": "as", "exp": 1, "iat": 1, "nbf": 1, "jti": "j", "unknown": {},
        "scope": "openid read", "login_hint": "alice", "acr_values": "a b",
        "resource": ["https://x.example"], "binding_message": "W4SCT",
        "authorization_details": [{ "type": "payment" }],
    }))
    .unwrap();
    let details = "%5B%7B%22type%22%3A%22payment%22%7D%5D";
    let plain = parse(&format!(
        "+read&login_hint=alice&acr_values=a+b&resource=https://x.example&binding_message=W4SCT&authorization_details={details}"
    ))
    .unwrap();
    assert!(signed == plain);
    assert!(claims(json!({ "login_hint": 1 })).is_err());
    assert!(claims(json!({ "login_hint": "a", "resource": [1] })).is_err());
}

#[test]
fn ciba_7_1_1_no_parameter_stands_beside_a_signed_request() {
    let good = form("request=x.y.z&client_id=c&client_assertion=a&client_assertion_type=t");
    assert_eq!(
        BackchannelParameters::of(&good),
        Ok(BackchannelParameters::Signed("x.y.z"))
    );
    // CIBA 7.2: unknown parameters are ignored.
    let unknown = form("request=x.y.z&ui_hint=x");
    assert_eq!(
        BackchannelParameters::of(&unknown),
        Ok(BackchannelParameters::Signed("x.y.z"))
    );
    for bad in [
        "scope=openid",
        "login_hint=a",
        "subject_token=t",
        "request=b",
    ] {
        assert!(
            BackchannelParameters::of(&form(&format!("request=x.y.z&{bad}"))).is_err(),
            "{bad}"
        );
    }
    assert!(BackchannelParameters::of(&form("request_uri=urn:x")).is_err());
    let plain = form("login_hint=a");
    assert_eq!(
        BackchannelParameters::of(&plain),
        Ok(BackchannelParameters::Plain(&plain))
    );
}

#[test]
fn subject_token_and_its_type_go_together() {
    let kind = format!("&subject_token_type={TOKEN_TYPE_ACCESS_TOKEN}");
    assert!(parse(&format!("&login_hint=a&subject_token=t{kind}")).is_ok());
    assert!(parse("&login_hint=a&subject_token=t").is_err());
    assert!(parse(&format!("&login_hint=a{kind}")).is_err());
    assert!(parse("&login_hint=a&subject_token=t&subject_token_type=x").is_err());
}

#[test]
fn acr_values_are_bounded() {
    assert_eq!(
        parse("&login_hint=a&acr_values=x++y").unwrap().acr_values,
        ["x", "y"]
    );
    let many = vec!["x"; MAX_ACR_VALUES + 1].join("+");
    assert!(parse(&format!("&login_hint=a&acr_values={many}")).is_err());
}
