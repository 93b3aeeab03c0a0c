//! The resource server's side of the transaction challenge (draft-rosomakho-oauth-txn-challenge-00).

use http::{HeaderValue, Request};
use serde_json::{Value, json};
use writ_jose::assertion::{TransactionChallenge, TransactionRules};
use writ_jose::key::KeySet;
use writ_wire::error::ErrorCode;

use super::world::{BANK, ISSUER, URL, World, detail, payment_type, request, with};
use crate::transaction::{MAX_CHALLENGE_BYTES, Wanted};
use crate::{Caller, Operation, Reason, Rejection, TransactionSigner, Transactions};

struct Scene {
    world: World,
    signer: TransactionSigner,
}

fn payment(amount: &str) -> Value {
    json!({
        "type": "payment",
        "instructed_amount": { "amount": amount, "currency": "EUR" },
        "creditor": { "name": "Hotel Sol", "account": { "iban": "DE89370400440532013000" } },
    })
}

/// A bank that challenges, and whose issuer serves the shipped type.
fn scene() -> Scene {
    let signer = TransactionSigner::generate()
        .unwrap()
        .with_reason("Too much");
    let world = World::with(|config| {
        config.transactions = Transactions::Challenge(signer.clone());
    });
    let definition = payment_type();
    world
        .issuer
        .serve_type(definition.hash(), definition.document());
    Scene { world, signer }
}

impl Scene {
    /// Who may pay 100 EUR once, and sends these lines of `Accept-Txn-Challenge`.
    async fn caller(&self, lines: &[&'static str]) -> Caller {
        let granted = with(payment("100"), "ref", json!("r1"));
        let granted = with(granted, "type_hash", json!(payment_type().hash()));
        let granted = with(granted, "locations", json!([BANK]));
        let claims = self
            .world
            .claims_with("authorization_details", json!([granted]));
        let token = self.world.sign(&claims);
        let proof = self.world.proof(&token).await;
        let mut request: Request<()> = request(&token, &proof);
        for line in lines {
            let line = HeaderValue::from_static(line);
            request.headers_mut().append("accept-txn-challenge", line);
        }
        self.world.send(&request).await.unwrap()
    }

    async fn refused(&self, lines: &[&'static str]) -> Rejection {
        let caller = self.caller(lines).await;
        let wanted = detail(payment("300"));
        let permitted = self.world.verifier.permit(&caller, &wanted).await;
        permitted.unwrap_err()
    }

    /// As the issuer verifies it.
    fn verified(&self, refused: &Rejection) -> TransactionChallenge {
        let text = refused.challenges()[0]
            .get("transaction_challenge")
            .unwrap();
        let keys = KeySet::from_jwks(&self.signer.jwks()).unwrap();
        let rules = TransactionRules {
            resource: BANK,
            issuer: ISSUER,
            now: self.world.clock.now(),
        };
        TransactionChallenge::verify(text, &keys, &rules).unwrap()
    }
}

#[tokio::test]
async fn draft_a_refusal_that_a_person_could_lift_is_a_signed_challenge() {
    let scene = scene();
    let refused = scene.refused(&["?1;v=2"]).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(
        refused.error(),
        Some(ErrorCode::TransactionAuthorizationRequired)
    );
    let challenge = &refused.challenges()[0];
    assert_eq!(
        challenge.get("error"),
        Some("transaction_authorization_required")
    );
    assert_eq!(challenge.get("authorization_remediation"), None);
    let verified = scene.verified(&refused).claims;
    assert_eq!(refused.transaction(), Some(verified.txn.as_str()));
    assert_eq!(verified.reason, "Too much");
    assert_eq!(verified.authorization_details, [detail(payment("300"))]);
    assert_eq!(verified.sub.as_deref(), Some("usr_alice"));
    let chain: Vec<_> = verified.act.iter().flat_map(|act| act.chain()).collect();
    let names: Vec<_> = chain
        .iter()
        .map(|act| (act.iss.as_deref(), act.sub.as_str()))
        .collect();
    assert_eq!(
        names,
        [(Some(ISSUER), "agt_booker"), (Some(ISSUER), "agt_planner")]
    );
    let body: Value = serde_json::from_slice(refused.clone().into_response().body()).unwrap();
    assert_eq!(body["error"], "transaction_authorization_required");
    let next = scene.verified(&scene.refused(&["?1"]).await).claims;
    assert_ne!((next.jti, next.txn), (verified.jti, verified.txn));
}

#[tokio::test]
async fn draft_capability_signal_without_it_nothing_changes() {
    let scene = scene();
    for lines in [
        &[][..],
        &["?0"],
        &["1"],
        &["true"],
        &["?1", "?1"],
        &["?1, ?1"],
    ] {
        let refused = scene.refused(lines).await;
        assert_eq!(
            refused.error(),
            Some(ErrorCode::InsufficientAuthorization),
            "{lines:?}"
        );
        let challenge = &refused.challenges()[0];
        assert_eq!(challenge.get("transaction_challenge"), None);
        assert!(challenge.get("authorization_remediation").is_some());
        assert_eq!(refused.transaction(), None);
    }
}

#[tokio::test]
async fn draft_an_operation_has_the_applications_name_and_words() {
    let scene = scene();
    let caller = scene.caller(&["?1"]).await;
    let operation = Operation {
        txn: "order-7".to_owned(),
        reason: "Your daily limit is 100 EUR".to_owned(),
    };
    let wanted = detail(payment("300"));
    let refused = scene
        .world
        .verifier
        .permit_operation(&caller, &wanted, &operation)
        .await;
    let refused = refused.unwrap_err();
    let claims = scene.verified(&refused).claims;
    assert_eq!(claims.txn, "order-7");
    assert_eq!(claims.reason, operation.reason);
    // What cannot be said in a challenge is refused as before.
    let long = Operation {
        txn: "x".repeat(crate::MAX_TXN + 1),
        ..operation
    };
    let refused = scene
        .world
        .verifier
        .permit_operation(&caller, &wanted, &long)
        .await;
    assert_eq!(
        refused.unwrap_err().error(),
        Some(ErrorCode::InsufficientAuthorization)
    );
}

#[tokio::test]
async fn draft_validation_a_token_of_another_transaction_is_refused() {
    let scene = scene();
    let caller = scene.caller(&[]).await;
    assert_eq!(caller.transaction.as_deref(), Some("txn_1"));
    assert!(caller.require_transaction("txn_1").is_ok());
    let refused = caller.require_transaction("txn_2").unwrap_err();
    assert_eq!(*refused.reason(), Reason::OtherTransaction);
    assert_eq!(refused.error(), Some(ErrorCode::InvalidToken));
    assert_eq!(refused.status(), 401);
}

#[test]
fn draft_key_discovery_the_metadata_names_keys_and_algorithms() {
    let signer = TransactionSigner::generate().unwrap();
    let again = TransactionSigner::from_pkcs8(&signer.to_pkcs8()).unwrap();
    assert_eq!(again.jwks(), signer.jwks());
    assert!(TransactionSigner::from_pkcs8(b"no key").is_err());
    let uri = format!("{URL}/keys");
    let world = World::with(|config| {
        config.transactions = Transactions::Challenge(signer.with_jwks_uri(uri.clone()));
    });
    let document = serde_json::to_value(world.verifier.resource_metadata(&[], &[])).unwrap();
    assert_eq!(document["txn_challenge_jwks_uri"], json!(uri));
    assert_eq!(
        document["txn_challenge_signing_alg_values_supported"],
        json!(["ES256"])
    );
    let silent = serde_json::to_value(World::new().verifier.resource_metadata(&[], &[])).unwrap();
    assert_eq!(
        silent.get("txn_challenge_signing_alg_values_supported"),
        None
    );
}

/// What does not fit into a header field is no challenge: the refusal says what would let it pass in its own way, if it can.
#[tokio::test]
async fn a_challenge_has_a_largest_size() {
    let scene = scene();
    let caller = scene.caller(&["?1"]).await;
    let length = |note: usize| {
        let request = detail(with(payment("300"), "note", json!("x".repeat(note))));
        let wanted = Wanted {
            resource: BANK,
            issuer: ISSUER,
            request: &request,
            operation: None,
            identifier: "id",
            now: scene.world.clock.now(),
        };
        let challenged = scene.signer.challenge(&caller, &wanted);
        challenged.map(|challenged| challenged.text.len())
    };
    let lengths: Vec<Option<usize>> = (2000..3200).map(length).collect();
    let fit = lengths.iter().take_while(|length| length.is_some()).count();
    let longest = lengths[fit - 1].unwrap();
    assert!(
        (MAX_CHALLENGE_BYTES - 3..=MAX_CHALLENGE_BYTES).contains(&longest),
        "{longest}"
    );
    assert!(lengths[fit..].iter().all(Option::is_none) && fit < lengths.len());
}
