//! Which challenges may be asked, by whom and for whom: each rule at its bound.

use serde_json::{Value, json};
use writ_authority::Types;
use writ_jose::key::{KeySet, Thumbprint};
use writ_wire::error::ErrorCode;
use writ_wire::registration::{ClientFile, ResourceFile};
use writ_wire::time::Timestamp;

use super::*;
use crate::client::User;
use crate::id::{ClientId, UserId};
use crate::registration::{self, People};
use crate::resources::Resources;
use crate::role::RoleRules;

const BANK: &str = "https://bank.example";
const SHOP: &str = "https://shop.example";
const ISSUER: &str = "https://as.example";
const PAYMENT: &str = include_str!("../../../../config/types/payment.json");

fn key(kid: Option<&str>) -> Value {
    let mut key = json!({ "kty": "EC", "crv": "P-256",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA" });
    if let Some(kid) = kid {
        key["kid"] = json!(kid);
    }
    key
}

fn uri(text: &str) -> ResourceUri {
    ResourceUri::parse(text).unwrap()
}

/// Both take payments; the shop has no keys.
struct Scene {
    issuer: ResourceUri,
    types: Types,
    resources: Resources,
}

impl Scene {
    fn new() -> Self {
        let issuer = uri(ISSUER);
        let file = |resource: &str, more: Value| {
            let mut file = json!({ "resource": resource, "name": "R", "authorization_details_types": ["payment"] });
            if !more.is_null() {
                file["txn_challenge_jwks"] = more;
            }
            registered(file).unwrap()
        };
        let bank = file(BANK, json!({ "keys": [key(Some("k1"))] }));
        let shop = file(SHOP, Value::Null);
        Self {
            issuer,
            types: Types::from_documents([PAYMENT.to_owned()]).unwrap(),
            resources: [bank, shop]
                .map(|r| (r.uri.clone(), r))
                .into_iter()
                .collect(),
        }
    }

    fn realm(&self) -> Realm<'_> {
        Realm {
            issuer: &self.issuer,
            resources: &self.resources,
            types: &self.types,
            roles: &RoleRules::Unlimited,
        }
    }

    fn prepare(
        &self,
        challenge: &TransactionChallenge,
        client: &Client,
    ) -> Result<PreparedApproval, OAuthError> {
        let mut names = 0;
        let mut make_ref = || {
            names += 1;
            format!("ref_{names}")
        };
        let mut making = RequestContext {
            realm: self.realm(),
            now: Timestamp::from_seconds(1),
            mission_intent: false,
            make_ref: &mut make_ref,
        };
        let bank = self.resources.get(&uri(BANK)).unwrap();
        prepare(challenge, client, bank, Level::Passkey, &mut making)
    }
}

fn registered(file: Value) -> Result<Resource, registration::Faults> {
    let file: ResourceFile = serde_json::from_value(file).unwrap();
    registration::resource(&file, &uri(ISSUER))
}

/// Registered for CIBA, with pings.
fn asking() -> Client {
    let alice = User::new(UserId::from_text("usr_alice"), "alice");
    let file: ClientFile = serde_json::from_value(json!({
        "client_name": "Planner", "profile": "agent", "grant_types": [GrantType::Ciba.as_str()], "jwks": { "keys": [key(None)] },
        "backchannel_token_delivery_mode": "ping",
        "backchannel_client_notification_endpoint": "https://a.example/ping",
        "agent": { "owner": "alice", "sponsor": "alice", "publisher": "Acme", "ceiling": {
            "lifetime": 60, "authorization_details": [{ "type": "payment",
                "instructed_amount": { "amount": "500.00", "currency": "EUR" } }] } }
    }))
    .unwrap();
    let people = People {
        owner: alice.clone(),
        sponsor: alice,
    };
    registration::client(
        &file,
        ClientId::from_text("agt_planner"),
        None,
        Some(&people),
    )
    .unwrap()
}

fn payment(amount: &str) -> Value {
    json!({ "type": "payment", "instructed_amount": { "amount": amount, "currency": "EUR" },
        "creditor": { "name": "KLM", "account": { "iban": "NL91ABNA0417164300" } } })
}

fn challenge(changes: &[(&str, Value)]) -> TransactionChallenge {
    let mut claims = json!({
        "iss": BANK, "aud": ISSUER, "iat": 1, "exp": 300, "jti": "j", "txn": "order-7",
        "authorization_details": [payment("300.00")], "reason": "A person must agree."
    });
    for (name, value) in changes {
        claims[*name] = value.clone();
    }
    TransactionChallenge {
        claims: serde_json::from_value(claims).unwrap(),
        signer: Thumbprint::parse("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I").unwrap(),
        accepted_until: Timestamp::from_seconds(310),
    }
}

fn presented(act: Value) -> AccessTokenClaims {
    let mut claims = json!({
        "iss": ISSUER, "aud": BANK, "client_id": "agt_b", "jti": "t", "iat": 1, "exp": 300, "sub": "usr_alice"
    });
    if !act.is_null() {
        claims["act"] = act;
    }
    serde_json::from_value(claims).unwrap()
}

/// The planner asked the booker, who acts.
fn chain() -> AccessTokenClaims {
    let actor =
        |sub: &str| json!({ "iss": ISSUER, "sub": sub, "sub_profile": "ai_agent", "dlg": "dlg_1" });
    let mut outer = actor("agt_b");
    outer["act"] = actor("agt_a");
    presented(outer)
}

#[test]
fn draft_challenge_only_a_resource_with_keys_may_challenge() {
    let scene = Scene::new();
    assert_eq!(challenger(BANK, scene.realm()).unwrap().0.uri, uri(BANK));
    for other in [
        SHOP,
        "https://nobody.example",
        "https://bank.example/",
        "",
        "bank",
    ] {
        let refused = challenger(other, scene.realm()).unwrap_err();
        assert_eq!(refused.code, ErrorCode::InvalidRequest, "{other}");
    }
    assert!(scene.realm().trusts_challenges_of(&uri(BANK)));
    assert!(!scene.realm().trusts_challenges_of(&uri(SHOP)));
}

#[test]
fn draft_challenge_what_is_asked_is_what_the_challenge_says() {
    let scene = Scene::new();
    let prepared = scene.prepare(&challenge(&[]), &asking()).unwrap();
    assert_eq!(prepared.kind, Kind::Transaction);
    assert_eq!(
        prepared.delivery,
        Delivery::Poll,
        "also for a client that is pinged elsewhere"
    );
    assert_eq!(prepared.binding_message, None, "no words of the agent");
    let transaction = prepared.transaction.unwrap();
    assert_eq!(transaction.txn, "order-7");
    assert_eq!(transaction.resource, uri(BANK));
    assert_eq!(
        prepared.authority.resources().iter().collect::<Vec<_>>(),
        [&uri(BANK)]
    );
    assert_eq!(prepared.authority.details().len(), 1);
    let located = payment("300.00");
    let mut located = located.as_object().unwrap().clone();
    located.insert("locations".to_owned(), json!([BANK]));
    assert!(
        scene
            .prepare(
                &challenge(&[("authorization_details", json!([located]))]),
                &asking()
            )
            .is_ok()
    );
}

#[test]
fn draft_challenge_nothing_wider_unknown_or_for_another_resource() {
    let scene = Scene::new();
    let mut elsewhere = payment("1.00");
    elsewhere["locations"] = json!([SHOP]);
    let mut both = payment("1.00");
    both["locations"] = json!([BANK, SHOP]);
    let mut named = payment("1.00");
    named["ref"] = json!("ref_1");
    for detail in [
        payment("500.01"),
        json!({ "type": "transfer" }),
        elsewhere,
        both,
        named,
    ] {
        let changed = challenge(&[("authorization_details", json!([detail]))]);
        let refused = scene.prepare(&changed, &asking()).unwrap_err();
        assert_eq!(
            refused.code,
            ErrorCode::InvalidAuthorizationDetails,
            "{detail}"
        );
    }
}

#[test]
fn draft_challenge_the_client_is_one_that_may_ask_people() {
    let mut client = asking();
    client.grant_types.remove(GrantType::Ciba.as_str());
    let refused = Scene::new().prepare(&challenge(&[]), &client).unwrap_err();
    assert_eq!(refused.code, ErrorCode::UnauthorizedClient);
}

#[test]
fn draft_challenge_a_reason_of_which_nothing_can_be_shown() {
    let scene = Scene::new();
    let blank = challenge(&[("reason", json!("\u{200b}\u{202e}"))]);
    let refused = scene.prepare(&blank, &asking()).unwrap_err();
    assert_eq!(refused.code, ErrorCode::InvalidRequest);
    assert!(
        scene
            .prepare(&challenge(&[("reason", json!("x".repeat(500)))]), &asking())
            .is_ok()
    );
}

#[test]
fn draft_challenge_the_requester_is_the_one_whose_request_was_refused() {
    let ours = |sub: &str| json!({ "iss": ISSUER, "sub": sub });
    let nested = |outer: Value, inner: Value| {
        let mut outer = outer;
        outer["act"] = inner;
        json!(outer)
    };
    let good = nested(ours("agt_b"), ours("agt_a"));
    for changes in [
        &[][..],
        &[("act", good.clone())],
        &[("act", good.clone()), ("sub", json!("usr_alice"))],
    ] {
        assert!(
            requester(&challenge(changes), &chain()).is_ok(),
            "{changes:?}"
        );
    }
    for act in [
        ours("agt_b"),
        ours("agt_a"),
        nested(ours("agt_a"), ours("agt_b")),
        nested(ours("agt_b"), ours("agt_x")),
        nested(ours("agt_b"), nested(ours("agt_a"), ours("agt_0"))),
        nested(json!({ "sub": "agt_b" }), ours("agt_a")),
        nested(
            ours("agt_b"),
            json!({ "iss": "https://other.example", "sub": "agt_a" }),
        ),
    ] {
        let refused = requester(&challenge(&[("act", act.clone())]), &chain()).unwrap_err();
        assert_eq!(refused.code, ErrorCode::InvalidRequest, "{act}");
    }
    let nobody = presented(Value::Null);
    assert!(requester(&challenge(&[("act", good)]), &nobody).is_err());
    assert!(requester(&challenge(&[("sub", json!("usr_bob"))]), &chain()).is_err());
}

#[test]
fn keys_of_a_resource_are_public_and_named() {
    let file = |keys: Value| {
        registered(
            json!({ "resource": BANK, "name": "Bank", "txn_challenge_jwks": { "keys": keys } }),
        )
    };
    let good: KeySet = file(json!([key(Some("k1"))]))
        .unwrap()
        .challenge_keys
        .unwrap();
    assert_eq!(good.keys().len(), 1);
    let mut private = key(Some("k1"));
    private["d"] = json!("AAAA");
    for bad in [
        json!([]),
        json!([key(None)]),
        json!([key(Some("k1")), key(Some("k1"))]),
        json!([private]),
        json!([{ "kty": "oct", "k": "AAAA", "kid": "k1" }]),
    ] {
        let faults = file(bad.clone()).unwrap_err();
        assert!(
            faults.to_string().contains("txn_challenge_jwks"),
            "{bad}: {faults}"
        );
    }
}
