//! A receipt that was changed in any member is refused, whoever signed the change.

use serde_json::json;

use super::*;
use crate::narrowing::Narrowing;

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

fn screen(request: &str) -> Screen {
    Screen::read(json!({
        "version": 1,
        "request": request,
        "authority": { "scopes": [], "authorization_details": [], "resources": ["https://bank.example"] },
        "shown": [{ "heading": "What", "lines": ["Pay up to EUR 412.00 to KLM"] }],
    }))
    .unwrap()
}

fn receipt() -> Receipt {
    let shown = Shown {
        screen: screen("apr_1"),
        less: Narrowing::default(),
        nonce: URL_SAFE_NO_PAD.encode([7; 32]),
        since: NOW,
    };
    Receipt {
        version: VERSION,
        issuer: "https://as.example".into(),
        id: ReceiptId::from_text("rcp_1"),
        request: ApprovalId::from_text("apr_1"),
        at: NOW.rfc3339(),
        outcome: Verdict::Approved,
        reason: None,
        subject: "usr_alice".into(),
        approver: ReceiptApprover {
            id: UserId::from_text("usr_alice"),
            name: "alice".into(),
            role: Role::Subject,
        },
        client_id: ClientId::from_text("agt_1"),
        task: None,
        screen: Evidence::of(&shown).unwrap(),
        level: Level::Password,
        proof: Proof::Password,
    }
}

fn check(document: &str, key: &SigningKey) -> Result<(Receipt, Screen), Unproven> {
    verify(document, |kid| {
        (kid == key.kid()).then(|| key.public().clone())
    })
}

#[test]
fn a_receipt_reads_back_with_its_screen() {
    let key = SigningKey::generate().unwrap();
    let document = receipt().sign(&key, NOW).unwrap();
    let (found, shown) = check(&document, &key).unwrap();
    assert_eq!(found, receipt());
    assert_eq!(shown, screen("apr_1"));
    assert_eq!(read(&document).unwrap(), receipt());
}

#[test]
fn a_change_after_the_signature_is_seen() {
    let key = SigningKey::generate().unwrap();
    let document = receipt().sign(&key, NOW).unwrap();
    for (pointer, changed) in [
        ("/receipt/outcome", json!("agreed")),
        ("/receipt/approver/name", json!("bob")),
        ("/receipt/screen/text", json!("{}")),
        ("/receipt/at", json!("2026-01-01T00:00:00Z")),
    ] {
        let mut value: Value = serde_json::from_str(&document).unwrap();
        *value.pointer_mut(pointer).unwrap() = changed;
        let found = check(&value.to_string(), &key);
        assert_eq!(found, Err(Unproven::Changed), "{pointer}");
    }
    let mut value: Value = serde_json::from_str(&document).unwrap();
    value["receipt"]["more"] = json!(1);
    assert_eq!(check(&value.to_string(), &key), Err(Unproven::Changed));
    let other = SigningKey::generate().unwrap();
    assert!(matches!(
        check(&document, &other),
        Err(Unproven::Signature(_))
    ));
    let own = verify(&document, |_| Some(other.public().clone()));
    assert!(matches!(own, Err(Unproven::Signature(_))));
}

#[test]
fn rfc_8725_3_11_another_kind_of_jwt_is_no_receipt() {
    let key = SigningKey::generate().unwrap();
    let document = receipt().sign(&key, NOW).unwrap();
    let mut value: Value = serde_json::from_str(&document).unwrap();
    let hash = hash_of(&value["receipt"]);
    let claims =
        json!({ "iss": "https://as.example", "jti": "rcp_1", "iat": 0, "receipt_hash": hash });
    value["signature"] = json!(key.sign_jwt("at+jwt", &claims).unwrap());
    assert!(matches!(
        check(&value.to_string(), &key),
        Err(Unproven::Signature(_))
    ));
    for (member, other) in [("iss", "https://other.example"), ("jti", "rcp_2")] {
        let mut claims = claims.clone();
        claims[member] = json!(other);
        value["signature"] = json!(key.sign_jwt(RECEIPT_TYPE, &claims).unwrap());
        let found = check(&value.to_string(), &key);
        assert_eq!(found, Err(Unproven::Changed), "{member}");
    }
}

#[test]
fn even_the_issuer_cannot_sign_a_text_that_has_another_hash() {
    let key = SigningKey::generate().unwrap();
    let refused = |change: &dyn Fn(&mut Receipt)| {
        let mut receipt = receipt();
        change(&mut receipt);
        check(&receipt.sign(&key, NOW).unwrap(), &key).unwrap_err()
    };
    let other_text = |r: &mut Receipt| r.screen.text = r.screen.text.replace("412", "999");
    assert_eq!(refused(&other_text), Unproven::Hash);
    let spaced = |r: &mut Receipt| r.screen.text = r.screen.text.replacen(',', ", ", 1);
    assert_eq!(refused(&spaced), Unproven::Text);
    let other_hash = |r: &mut Receipt| r.screen.hash = URL_SAFE_NO_PAD.encode([0; 32]);
    assert_eq!(refused(&other_hash), Unproven::Hash);
    let other_nonce = |r: &mut Receipt| r.screen.nonce = URL_SAFE_NO_PAD.encode([8; 32]);
    assert_eq!(refused(&other_nonce), Unproven::Hash);
    let other_request = |r: &mut Receipt| r.request = ApprovalId::from_text("apr_2");
    assert_eq!(refused(&other_request), Unproven::Text);
    let stronger = |r: &mut Receipt| r.level = Level::Passkey;
    assert_eq!(refused(&stronger), Unproven::Level);
    let unproved = |r: &mut Receipt| {
        r.proof = Proof::Login;
        r.level = Level::None;
    };
    assert_eq!(refused(&unproved), Unproven::Level);
}
