//! Whatever a person chooses is below what was asked, and what is not less is refused with its place.

use serde_json::{Value, json};
use writ_authority::{ScopeGrant, Types};

use super::*;
use crate::resources::Resources;
use crate::role::RoleRules;
use crate::scope::OPENID;

const BANK: &str = "https://bank.example";
const ISSUER: &str = "https://as.example";

struct Scene {
    types: Types,
    issuer: ResourceUri,
    resources: Resources,
}

impl Scene {
    fn new() -> Self {
        let documents = [
            include_str!("../../../../config/types/payment.json"),
            include_str!("../../../../config/types/mcp_tool_call.json"),
        ];
        Self {
            types: Types::from_documents(documents.map(str::to_owned)).unwrap(),
            issuer: uri(ISSUER),
            resources: Resources::default(),
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

    fn detail(&self, reference: &str, value: Value) -> Detail {
        let bare: Detail = serde_json::from_value(value).unwrap();
        let hash = self.types.by_name(bare.type_name()).unwrap().hash();
        bare.with("ref", json!(reference))
            .with("type_hash", json!(hash))
            .with("locations", json!([BANK]))
    }

    /// A payment of 412.00, twenty calls of a tool, one scope, and who the person is.
    fn asked(&self) -> Authority {
        let scope = |resource: &str, scope: &str| ScopeGrant {
            resource: uri(resource),
            scope: scope.to_owned(),
        };
        let payment = json!({
            "type": "payment",
            "instructed_amount": { "amount": "412.00", "currency": "EUR" },
            "creditor": { "name": "KLM", "account": { "iban": "NL91ABNA0417164300" } },
        });
        let tool = json!({ "type": "mcp_tool_call", "server": "s", "tool": "t", "calls": 20 });
        Authority::new(
            BTreeSet::from([scope(BANK, "accounts:read"), scope(ISSUER, OPENID)]),
            vec![self.detail("pay", payment), self.detail("call", tool)],
            BTreeSet::new(),
        )
    }

    fn narrow(&self, less: &Narrowing) -> Result<Authority, NarrowingError> {
        narrow(&self.asked(), less, self.realm())
    }
}

fn uri(text: &str) -> ResourceUri {
    ResourceUri::parse(text).unwrap()
}

fn parts(names: &[&str]) -> Narrowing {
    Narrowing {
        parts: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        ..Narrowing::default()
    }
}

fn amount(reference: &str, pointer: &str, value: &str) -> Narrowing {
    let amounts = BTreeMap::from([(pointer.to_owned(), value.to_owned())]);
    Narrowing {
        amounts: BTreeMap::from([(reference.to_owned(), amounts)]),
        ..Narrowing::default()
    }
}

const MONEY: &str = "/instructed_amount/amount";

#[test]
fn nothing_chosen_is_everything() {
    let scene = Scene::new();
    assert!(Narrowing::default().is_all());
    assert_eq!(scene.narrow(&Narrowing::default()).unwrap(), scene.asked());
}

#[test]
fn only_the_parts_that_stay() {
    let scene = Scene::new();
    let left = scene.narrow(&parts(&["pay"])).unwrap();
    assert_eq!(left.details().len(), 1);
    assert_eq!(left.details()[0].reference(), Some("pay"));
    let scopes: Vec<&str> = left.scopes().iter().map(|s| s.scope.as_str()).collect();
    assert_eq!(scopes, [OPENID], "who the person is has no box of its own");
    assert_eq!(scene.narrow(&parts(&[])), Err(NarrowingError::NothingLeft));
    assert_eq!(
        scene.narrow(&parts(&["other"])),
        Err(NarrowingError::NothingLeft)
    );
}

#[test]
fn a_smaller_amount_and_never_a_larger_one() {
    let scene = Scene::new();
    let left = scene.narrow(&amount("pay", MONEY, "50")).unwrap();
    assert!(scene.asked().covers(&left, &scene.types).is_ok());
    assert!(left.covers(&scene.asked(), &scene.types).is_err());
    let payment = left.details().iter().find(|d| d.type_name() == "payment");
    assert_eq!(
        payment.unwrap().members()["instructed_amount"]["amount"],
        json!("50")
    );
    let left = scene.narrow(&amount("call", "/calls", "3")).unwrap();
    let tool = left
        .details()
        .iter()
        .find(|d| d.reference() == Some("call"));
    assert_eq!(tool.unwrap().members()["calls"], json!(3), "still a number");
    for (reference, pointer, value) in [
        ("pay", MONEY, "412.01"),
        ("pay", MONEY, "0"),
        ("pay", MONEY, "-5"),
        ("pay", MONEY, "0.00001"),
        ("pay", MONEY, "1e2"),
        ("pay", MONEY, "5,50"),
        ("pay", MONEY, ""),
        ("pay", "/instructed_amount/currency", "1"),
        ("pay", "/creditor", "1"),
        ("pay", "/type", "1"),
        ("pay", "", "1"),
        ("call", "/calls", "1.5"),
        ("call", "/calls", "21"),
    ] {
        let refused = scene.narrow(&amount(reference, pointer, value));
        let expected = NarrowingError::Amount {
            reference: reference.to_owned(),
            pointer: pointer.to_owned(),
        };
        assert_eq!(refused, Err(expected), "{reference} {pointer} {value}");
    }
}

#[test]
fn a_shorter_time_and_never_a_longer_one() {
    let at = Timestamp::from_seconds;
    let end = |seconds: Option<i64>| Narrowing {
        ends_at: seconds.map(at),
        ..Narrowing::default()
    };
    let chosen = |less| ends_at(&less, at(100), at(10));
    assert_eq!(chosen(end(None)), Ok(at(100)));
    assert_eq!(chosen(end(Some(50))), Ok(at(50)));
    assert_eq!(chosen(end(Some(100))), Ok(at(100)));
    for wrong in [101, 10, 9] {
        assert_eq!(
            chosen(end(Some(wrong))),
            Err(NarrowingError::End),
            "{wrong}"
        );
    }
}
