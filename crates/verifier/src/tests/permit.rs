//! Authority against the concrete request, and what is used once (RFC 9396).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};
use writ_authority::TypeDefinition;
use writ_wire::error::ErrorCode;
use writ_wire::rar::Detail;

use super::world::{BANK, World, detail, payment_type, tool_type, with};
use crate::{Caller, MAX_TYPES, Reason, Spends, Usage};

fn payment(amount: &str) -> Value {
    json!({
        "type": "payment",
        "instructed_amount": { "amount": amount, "currency": "EUR" },
        "creditor": { "name": "Hotel Sol", "account": { "iban": "DE89370400440532013000" } },
    })
}

/// As the issuer writes it into a token.
fn granted(object: Value, reference: &str, definition: &TypeDefinition) -> Value {
    let object = with(object, "ref", json!(reference));
    let object = with(object, "type_hash", json!(definition.hash()));
    with(object, "locations", json!([BANK]))
}

async fn caller(world: &World, details: Vec<Value>) -> Caller {
    let claims = world.claims_with("authorization_details", Value::Array(details));
    world.present(&world.sign(&claims)).await.unwrap()
}

/// A bank whose issuer serves the shipped types, and a caller who may pay 100 EUR once.
async fn bank() -> (World, Caller) {
    let world = World::new();
    for definition in [payment_type(), tool_type()] {
        world
            .issuer
            .serve_type(definition.hash(), definition.document());
    }
    let caller = caller(&world, vec![granted(payment("100"), "r1", &payment_type())]).await;
    (world, caller)
}

#[tokio::test]
async fn a_payment_within_what_was_approved_is_permitted() {
    let (world, caller) = bank().await;
    let permit = world
        .verifier
        .permit(&caller, &detail(payment("99.50")))
        .await
        .unwrap();
    assert_eq!(
        (permit.reference.as_str(), permit.usage),
        ("r1", Usage::Once)
    );
}

#[tokio::test]
async fn a_larger_payment_is_refused_with_what_would_remedy_it() {
    let (world, caller) = bank().await;
    let wanted = payment("100.01");
    let refused = world
        .verifier
        .permit(&caller, &detail(wanted.clone()))
        .await
        .unwrap_err();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(refused.error(), Some(ErrorCode::InsufficientAuthorization));
    let challenge = &refused.challenges()[0];
    assert_eq!(challenge.scheme, "DPoP");
    let remediation = challenge.get("authorization_remediation").unwrap();
    let remediation = URL_SAFE_NO_PAD.decode(remediation).unwrap();
    let remediation: Value = serde_json::from_slice(&remediation).unwrap();
    assert_eq!(remediation, json!({ "authorization_details": [wanted] }));

    let body: Value = serde_json::from_slice(refused.into_response().body()).unwrap();
    assert_eq!(body["excess"][0]["pointer"], "/instructed_amount/amount");

    let allowed = world
        .verifier
        .permit(&caller, &detail(payment("100")))
        .await;
    assert!(allowed.is_ok(), "a refused try spends nothing");
}

#[tokio::test]
async fn another_payee_or_type_is_refused() {
    let (world, caller) = bank().await;
    let mut other = payment("1");
    other["creditor"]["account"]["iban"] = json!("FR7630006000011234567890189");
    for wanted in [other, json!({ "type": "transfer" })] {
        let refused = world
            .verifier
            .permit(&caller, &detail(wanted))
            .await
            .unwrap_err();
        assert!(matches!(refused.reason(), Reason::NotPermitted { .. }));
    }
}

#[tokio::test]
async fn once_is_once_also_for_a_narrower_token() {
    let (world, first) = bank().await;
    let wanted = detail(payment("10"));
    world.verifier.permit(&first, &wanted).await.unwrap();
    let refused = world.verifier.permit(&first, &wanted).await.unwrap_err();
    assert!(matches!(refused.reason(), Reason::AlreadyUsed { .. }));
    assert_eq!(refused.error(), Some(ErrorCode::InsufficientAuthorization));
    assert!(refused.to_string().contains("already used"));

    let narrower = caller(&world, vec![granted(payment("50"), "r1", &payment_type())]).await;
    let refused = world.verifier.permit(&narrower, &wanted).await.unwrap_err();
    assert!(matches!(refused.reason(), Reason::AlreadyUsed { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_payments_at_once_one_wins() {
    let (world, caller) = bank().await;
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (verifier, caller) = (world.verifier.clone(), caller.clone());
            tokio::spawn(async move {
                verifier
                    .permit(&caller, &detail(payment("1")))
                    .await
                    .is_ok()
            })
        })
        .collect();
    let mut permitted = 0;
    for task in tasks {
        permitted += usize::from(task.await.unwrap());
    }
    assert_eq!(permitted, 1);
}

#[tokio::test]
async fn two_payments_approved_alike_are_two() {
    let (world, _) = bank().await;
    let both = ["r1", "r2"].map(|r| granted(payment("100"), r, &payment_type()));
    let caller = caller(&world, both.to_vec()).await;
    let wanted = detail(payment("100"));
    assert!(world.verifier.permit(&caller, &wanted).await.is_ok());
    assert!(world.verifier.permit(&caller, &wanted).await.is_ok());
    assert!(world.verifier.permit(&caller, &wanted).await.is_err());

    let named = wanted.with("ref", json!("r2"));
    let refused = world.verifier.permit(&caller, &named).await.unwrap_err();
    assert!(matches!(refused.reason(), Reason::AlreadyUsed { .. }));
}

#[tokio::test]
async fn a_budget_is_spent_across_the_task() {
    let (world, _) = bank().await;
    let call = json!({ "type": "mcp_tool_call", "server": "https://files.example/mcp", "tool": "read_file" });
    let object = with(call.clone(), "calls", json!(2));
    let caller = caller(&world, vec![granted(object, "r9", &tool_type())]).await;
    let call = detail(call);
    assert!(world.verifier.permit(&caller, &call).await.is_ok());
    assert!(world.verifier.permit(&caller, &call).await.is_ok());
    let refused = world.verifier.permit(&caller, &call).await.unwrap_err();
    assert!(matches!(refused.reason(), Reason::AlreadyUsed { .. }));
}

#[tokio::test]
async fn without_a_store_nothing_that_is_spent_is_permitted() {
    let world = World::with(|config| config.spends = Spends::Refuse);
    let definition = payment_type();
    world
        .issuer
        .serve_type(definition.hash(), definition.document());
    let caller = caller(&world, vec![granted(payment("100"), "r1", &definition)]).await;
    let refused = world
        .verifier
        .permit(&caller, &detail(payment("1")))
        .await
        .unwrap_err();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn an_object_for_another_place_counts_for_nothing() {
    let (world, _) = bank().await;
    for locations in [json!(["https://other.example"]), json!([]), Value::Null] {
        let object = with(
            granted(payment("100"), "r1", &payment_type()),
            "locations",
            locations,
        );
        let caller = caller(&world, vec![object]).await;
        let refused = world
            .verifier
            .permit(&caller, &detail(payment("1")))
            .await
            .unwrap_err();
        assert!(matches!(refused.reason(), Reason::NotPermitted { .. }));
    }
}

async fn refusal(world: &World, object: Value) -> Reason {
    let caller = caller(world, vec![object]).await;
    let wanted: Detail = detail(payment("1"));
    let refused = world.verifier.permit(&caller, &wanted).await.unwrap_err();
    refused.reason().clone()
}

#[tokio::test]
async fn an_unknown_type_hash_is_refused() {
    let (world, _) = bank().await;
    let object = granted(payment("100"), "r1", &payment_type());
    let unknown = with(object.clone(), "type_hash", json!("A".repeat(43)));
    assert_eq!(refusal(&world, unknown).await, Reason::UnknownType);
    let absent = with(object.clone(), "type_hash", Value::Null);
    assert_eq!(refusal(&world, absent).await, Reason::UnknownType);

    let before = world.issuer.calls("/jwks");
    let path = with(object, "type_hash", json!("../jwks"));
    assert_eq!(refusal(&world, path).await, Reason::UnknownType);
    assert_eq!(
        world.issuer.calls("/jwks"),
        before,
        "only a hash becomes part of a URL"
    );
}

#[tokio::test]
async fn a_document_with_another_hash_is_refused() {
    let world = World::new();
    let hash = "A".repeat(43);
    world.issuer.serve_type(&hash, payment_type().document());
    let object = with(
        granted(payment("100"), "r1", &payment_type()),
        "type_hash",
        json!(hash),
    );
    assert!(matches!(
        refusal(&world, object).await,
        Reason::Unavailable { .. }
    ));
}

#[tokio::test]
async fn types_are_fetched_once_and_their_memory_is_bounded() {
    let (world, caller_) = bank().await;
    let hash = payment_type().hash().to_owned();
    for _ in 0..3 {
        let _ = world.verifier.permit(&caller_, &detail(payment("1"))).await;
    }
    assert_eq!(world.issuer.calls(&format!("/types/{hash}")), 1);
    for version in 2..(MAX_TYPES + 10) {
        let mut document: Value = serde_json::from_str(payment_type().document()).unwrap();
        document["version"] = json!(version);
        let definition = TypeDefinition::parse(&document.to_string()).unwrap();
        world
            .issuer
            .serve_type(definition.hash(), definition.document());
        let caller = caller(
            &world,
            vec![granted(payment("1"), &format!("v{version}"), &definition)],
        )
        .await;
        world
            .verifier
            .permit(&caller, &detail(payment("1")))
            .await
            .unwrap();
        assert!(world.verifier.0.rules.count() <= MAX_TYPES);
    }
}
