//! The login behind a token, and the level of an approval (RFC 9470 section 3).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};
use writ_authority::TypeDefinition;
use writ_wire::error::ErrorCode;

use super::world::{BANK, World, detail, payment_type, with};
use crate::{Caller, Level, Reason, Rejection, StepUp};

const PASSWORD: &str = "urn:writ:acr:password";
const PASSKEY: &str = "urn:writ:acr:passkey";
const LIVENESS: &str = "urn:writ:acr:liveness";

fn logged_in(world: &World, acr: Value, ago: i64) -> Value {
    let claims = world.claims_with("acr", acr);
    with(
        claims,
        "auth_time",
        json!(world.clock.now().seconds() - ago),
    )
}

async fn caller(world: &World, claims: &Value) -> Caller {
    world.present(&world.sign(claims)).await.unwrap()
}

#[tokio::test]
async fn rfc_9470_3_the_challenge_names_values_and_age() {
    let world = World::new();
    let caller = caller(&world, &logged_in(&world, json!(PASSWORD), 10)).await;
    let wanted = StepUp::level(Level::Passkey).max_age(Duration::from_secs(300));
    let refused = caller.require_login(&wanted).unwrap_err();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        refused.error(),
        Some(ErrorCode::InsufficientUserAuthentication)
    );
    let challenge = &refused.challenges()[0];
    assert_eq!(challenge.scheme, "DPoP");
    assert_eq!(
        challenge.get("error"),
        Some("insufficient_user_authentication")
    );
    let both = format!("{PASSKEY} {LIVENESS}");
    assert_eq!(challenge.get("acr_values"), Some(both.as_str()));
    assert_eq!(challenge.get("max_age"), Some("300"));
    let body: Value = serde_json::from_slice(refused.into_response().body()).unwrap();
    assert_eq!(body["error"], "insufficient_user_authentication");
}

#[tokio::test]
async fn rfc_9470_3_one_of_the_values_or_a_stronger_one_is_enough() {
    let world = World::new();
    for (acr, wanted, enough) in [
        (json!(PASSWORD), vec![PASSWORD], true),
        (json!(PASSKEY), vec![PASSWORD], true),
        (json!(PASSWORD), vec![PASSKEY, PASSWORD], true),
        (json!(PASSWORD), vec![PASSKEY], false),
        (json!(PASSKEY), vec![LIVENESS], false),
        (json!("urn:other"), vec!["urn:other"], true),
        (json!("urn:other"), vec![PASSWORD], false),
        (json!(LIVENESS), vec!["urn:other"], false),
        (Value::Null, vec![PASSWORD], false),
        (Value::Null, vec![], true),
    ] {
        let caller = caller(&world, &logged_in(&world, acr.clone(), 10)).await;
        let wanted = StepUp::acr_values(wanted);
        assert_eq!(
            caller.require_login(&wanted).is_ok(),
            enough,
            "{acr} {wanted:?}"
        );
    }
}

#[tokio::test]
async fn rfc_9470_3_a_login_that_is_too_old_or_unknown_is_refused() {
    let world = World::new();
    let wanted = StepUp::default().max_age(Duration::from_secs(300));
    // The issuer's clock may be ahead of the resource's, as far as its `iat` may.
    for (ago, enough) in [
        (0, true),
        (300, true),
        (301, false),
        (-1, true),
        (-10, true),
        (-11, false),
    ] {
        let caller = caller(&world, &logged_in(&world, json!(PASSWORD), ago)).await;
        let checked = caller.require_login(&wanted);
        assert_eq!(checked.is_ok(), enough, "{ago}");
        if let Err(refused) = checked {
            assert_eq!(refused.challenges()[0].get("acr_values"), None);
        }
    }
    let nobody = with(world.claims(), "auth_time", Value::Null);
    let caller = caller(&world, &nobody).await;
    assert!(caller.require_login(&wanted).is_err());
}

#[tokio::test]
async fn a_resource_may_want_it_of_every_request() {
    let world = World::with(|config| config.step_up = Some(StepUp::level(Level::Passkey)));
    let weak = logged_in(&world, json!(PASSWORD), 10);
    assert!(matches!(world.refusal_of(&weak).await, Reason::Login(_)));
    let strong = logged_in(&world, json!(PASSKEY), 10);
    let caller = caller(&world, &strong).await;
    assert_eq!(caller.authentication.acr.as_deref(), Some(PASSKEY));
    let approval = caller.approval.unwrap();
    assert_eq!(approval.id, "apr_1");
    assert_eq!(approval.at, world.clock.now().seconds() - 5);
}

/// A payment type that wants a passkey above 100 EUR.
fn strict(usage: &str) -> TypeDefinition {
    let text = payment_type().document().to_owned();
    let text = match usage {
        "repeat" => text
            .replace(", once", ", each")
            .replace(", einmal", ", jede"),
        _ => text,
    };
    let mut document: Value = serde_json::from_str(&text).unwrap();
    document["level"] = json!("passkey");
    document["use"] = json!(usage);
    document["ask"] = json!({ "above": {
        "pointer": "/instructed_amount/amount", "limit": "100",
        "where": { "/instructed_amount/currency": "EUR" }
    }});
    TypeDefinition::parse(&document.to_string()).unwrap()
}

fn payment(amount: &str) -> Value {
    json!({
        "type": "payment",
        "instructed_amount": { "amount": amount, "currency": "EUR" },
        "creditor": { "name": "Hotel Sol", "account": { "iban": "DE89370400440532013000" } },
    })
}

/// What the bank says to a caller whose token permits payments up to 500, agreed to on this basis.
async fn pays(
    basis: &str,
    acr: &str,
    amount: &str,
    usage: &str,
) -> Result<crate::Permit, Rejection> {
    let world = World::new();
    let definition = strict(usage);
    world
        .issuer
        .serve_type(definition.hash(), definition.document());
    let object = with(payment("500"), "ref", json!("r1"));
    let object = with(object, "type_hash", json!(definition.hash()));
    let object = with(object, "locations", json!([BANK]));
    let claims = logged_in(&world, json!(acr), 10);
    let claims = with(claims, "authorization_details", json!([object]));
    let approval = json!({ "id": "apr_1", "basis": basis, "at": world.clock.now().seconds() });
    let caller = caller(&world, &with(claims, "approval", approval)).await;
    world
        .verifier
        .permit(&caller, &detail(payment(amount)))
        .await
}

#[tokio::test]
async fn a_person_must_have_agreed_as_strongly_as_the_type_wants() {
    for (basis, acr, amount, enough) in [
        ("consent", PASSWORD, "100", true),
        ("consent", PASSWORD, "100.01", false),
        ("consent", PASSKEY, "100.01", true),
        ("consent", "urn:other", "100.01", false),
        ("password", PASSWORD, "100.01", false),
        // What counts is how this was agreed to, not how somebody logged in before.
        ("password", PASSKEY, "100.01", false),
        ("passkey", PASSKEY, "100.01", true),
        ("liveness", LIVENESS, "100.01", true),
        ("policy", PASSKEY, "100", true),
        ("policy", PASSKEY, "100.01", false),
    ] {
        let permitted = pays(basis, acr, amount, "once").await;
        assert_eq!(permitted.is_ok(), enough, "{basis} {acr} {amount}");
    }
}

#[tokio::test]
async fn the_refusal_holds_exactly_what_to_ask_for() {
    let refused = pays("consent", PASSWORD, "412", "once").await.unwrap_err();
    assert_eq!(refused.error(), Some(ErrorCode::InsufficientAuthorization));
    assert!(matches!(
        refused.reason(),
        Reason::NeedsPerson {
            level: Level::Passkey,
            ..
        }
    ));
    let challenge = &refused.challenges()[0];
    let both = format!("{PASSKEY} {LIVENESS}");
    assert_eq!(challenge.get("acr_values"), Some(both.as_str()));
    assert_eq!(
        remediation(&refused),
        json!({ "authorization_details": [payment("412")] }),
        "no reference: it is used once"
    );
}

#[tokio::test]
async fn a_reference_is_the_same_for_the_same_and_only_where_a_grant_repeats() {
    let ask = async |amount: &str| {
        let refused = pays("consent", PASSWORD, amount, "repeat").await;
        remediation(&refused.unwrap_err())["authorization_reference"].clone()
    };
    let first = ask("412").await;
    assert!(first.is_string());
    assert_eq!(ask("412").await, first);
    assert_ne!(ask("413").await, first);
    // Too much is a refusal of the same kind.
    assert!(ask("501").await.is_string());
}

fn remediation(refused: &Rejection) -> Value {
    let encoded = refused.challenges()[0].get("authorization_remediation");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded.unwrap()).unwrap()).unwrap()
}
