//! What people may grant: never less by one more role, never more by one that is gone.

use serde_json::{Value, json};
use writ_authority::{ScopeGrant, Types};
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;

use super::*;
use crate::resources::Resources;
use crate::scope::{EMAIL, OFFLINE_ACCESS, OPENID};

const BANK: &str = "https://bank.example";
const SHOP: &str = "https://shop.example";
const ISSUER: &str = "https://as.example";

struct Scene {
    types: Types,
    issuer: ResourceUri,
    resources: Resources,
    roles: RoleRules,
}

impl Scene {
    fn new(roles: RoleRules) -> Self {
        let payment = include_str!("../../../../config/types/payment.json");
        Self {
            types: Types::from_documents([payment.to_owned()]).unwrap(),
            issuer: uri(ISSUER),
            resources: Resources::default(),
            roles,
        }
    }

    fn realm(&self) -> Realm<'_> {
        Realm {
            issuer: &self.issuer,
            resources: &self.resources,
            types: &self.types,
            roles: &self.roles,
        }
    }

    /// What of this is refused, by its first pointer; empty if nothing is.
    fn beyond(&self, authority: &Authority, held: &[&str]) -> String {
        match within_roles(authority, &names(held), self.realm()) {
            Ok(()) => String::new(),
            Err(refusal) => {
                assert_eq!(refusal.code, ErrorCode::AccessDenied);
                assert!(refusal.excess.iter().all(|excess| excess.granted.is_none()));
                let first = refusal.excess.first();
                first.map_or(refusal.sentence, |excess| excess.pointer.clone())
            }
        }
    }

    fn payment(&self, amount: &str, at: &str) -> Detail {
        let hash = self.types.by_name("payment").unwrap().hash();
        object(json!({
            "type": "payment",
            "instructed_amount": { "amount": amount, "currency": "EUR" },
            "creditor": { "name": "KLM", "account": { "iban": "NL91ABNA0417164300" } },
        }))
        .with("ref", json!(format!("ref_{amount}")))
        .with("type_hash", json!(hash))
        .with("locations", json!([at]))
    }
}

fn uri(text: &str) -> ResourceUri {
    ResourceUri::parse(text).unwrap()
}

fn object(value: Value) -> Detail {
    serde_json::from_value(value).unwrap()
}

fn names(held: &[&str]) -> BTreeSet<RoleName> {
    held.iter()
        .map(|name| RoleName::parse(name).unwrap())
        .collect()
}

fn scope(resource: &str, scope: &str) -> ScopeGrant {
    ScopeGrant {
        resource: uri(resource),
        scope: scope.to_owned(),
    }
}

fn scopes(all: &[(&str, &str)]) -> Authority {
    let all = all.iter().map(|(resource, name)| scope(resource, name));
    Authority::new(all.collect(), Vec::new(), BTreeSet::new())
}

fn rule(all: &[(&str, &str)], details: &[Value]) -> RoleRule {
    RoleRule {
        ceiling: Ceiling {
            scopes: all
                .iter()
                .map(|(resource, name)| scope(resource, name))
                .collect(),
            details: details.iter().cloned().map(object).collect(),
        },
        everyone: false,
    }
}

/// Payments of at most this much.
fn up_to(amount: &str) -> Value {
    json!({ "type": "payment", "instructed_amount": { "amount": amount, "currency": "EUR" } })
}

const ROLES: [&str; 4] = ["reader", "writer", "payer", "treasurer"];

fn rules() -> RoleRules {
    let here = json!({ "type": "payment", "locations": [BANK] });
    let mut at_the_shop = up_to("1000");
    at_the_shop["locations"] = json!([SHOP]);
    let by_role = [
        rule(&[(BANK, "read"), (SHOP, "read")], &[]),
        rule(&[(BANK, "write")], &[]),
        rule(&[(BANK, "read")], &[up_to("100")]),
        rule(&[], &[at_the_shop, here]),
    ];
    let named = ROLES.map(|name| RoleName::parse(name).unwrap());
    RoleRules::ByRole(named.into_iter().zip(by_role).collect())
}

#[test]
fn a_role_has_a_plain_name_that_is_no_operators() {
    let longest = "a".repeat(MAX_ROLE_NAME);
    for sound in [
        "a",
        "7",
        "employee",
        "eu.finance_team-2",
        "administrator",
        &longest,
    ] {
        assert_eq!(RoleName::parse(sound).unwrap().as_str(), sound);
    }
    let too_long = format!("{longest}a");
    for wrong in [
        "", "-a", ".a", "_a", "A", "a b", "a\n", "a/b", "ä", "admin", "auditor", "helpdesk", "a:b",
        &too_long,
    ] {
        assert_eq!(RoleName::parse(wrong), None, "{wrong:?}");
    }
}

#[test]
fn what_each_role_covers() {
    let scene = Scene::new(rules());
    let pay = |amount: &str, at: &str| {
        Authority::new(
            BTreeSet::new(),
            vec![scene.payment(amount, at)],
            BTreeSet::new(),
        )
    };
    let bare = Authority::new(BTreeSet::new(), Vec::new(), [uri(BANK)].into());
    let read = scopes(&[(BANK, "read")]);
    for (authority, held, expected) in [
        (&read, &["reader"][..], ""),
        (&read, &[], "/scope/read"),
        (&read, &["writer"], "/scope/read"),
        (&read, &["gone"], "/scope/read"),
        (
            &scopes(&[(SHOP, "write")]),
            &["reader", "writer"],
            "/scope/write",
        ),
        (
            &scopes(&[(BANK, "write"), (SHOP, "read")]),
            &["reader", "writer"],
            "",
        ),
        (
            &scopes(&[(ISSUER, OPENID), (ISSUER, EMAIL), (ISSUER, OFFLINE_ACCESS)]),
            &[],
            "",
        ),
        (&Authority::default(), &[], ""),
        (&bare, &["writer"], ""),
        (
            &bare,
            &[],
            "the person's roles let them grant nothing at `https://bank.example`",
        ),
        (&pay("100.00", BANK), &["payer"], ""),
        (
            &pay("100.01", BANK),
            &["payer"],
            "/0/instructed_amount/amount",
        ),
        (&pay("100.01", SHOP), &["payer", "treasurer"], ""),
        (&pay("9999.00", BANK), &["treasurer"], ""),
        (
            &pay("9999.00", SHOP),
            &["treasurer"],
            "/0/instructed_amount/amount",
        ),
        (&pay("1.00", BANK), &["reader", "writer"], "/0/type"),
    ] {
        assert_eq!(
            scene.beyond(authority, held),
            expected,
            "{held:?}: {authority:?}"
        );
    }
}

/// Every set of roles beside every set with one role more, for everything that can be put together of these parts.
#[test]
fn one_more_role_never_narrows_and_one_less_never_widens() {
    let scene = Scene::new(rules());
    let parts = [
        (BANK, "read"),
        (BANK, "write"),
        (SHOP, "read"),
        (ISSUER, OPENID),
    ];
    let payments = [("50.00", BANK), ("500.00", SHOP), ("5000.00", BANK)];
    let chosen = |set: usize, place: usize| set >> place & 1 == 1;
    let mut refused = 0;
    for held in 0..1_usize << ROLES.len() {
        let roles: Vec<&str> = (0..ROLES.len())
            .filter(|place| chosen(held, *place))
            .map(|place| ROLES[place])
            .collect();
        for asked in 0..1_usize << (parts.len() + payments.len()) {
            let some: Vec<_> = (0..parts.len())
                .filter(|place| chosen(asked, *place))
                .map(|place| parts[place])
                .collect();
            let details = (0..payments.len()).filter(|place| chosen(asked, parts.len() + place));
            let details = details.map(|place| scene.payment(payments[place].0, payments[place].1));
            let authority = Authority::new(
                scopes(&some).scopes().clone(),
                details.collect(),
                BTreeSet::new(),
            );
            let beyond = !scene.beyond(&authority, &roles).is_empty();
            refused += usize::from(beyond);
            for one in roles.iter().copied() {
                let fewer: Vec<&str> = roles.iter().copied().filter(|role| *role != one).collect();
                let without = !scene.beyond(&authority, &fewer).is_empty();
                assert!(
                    without || !beyond,
                    "{roles:?} refuse what {fewer:?} allow: {authority:?}"
                );
            }
        }
    }
    assert!(refused > 0);
}

#[test]
fn without_any_role_configured_nobody_is_limited() {
    let scene = Scene::new(RoleRules::Unlimited);
    let all = scopes(&[(BANK, "read"), (SHOP, "anything")]);
    assert_eq!(scene.beyond(&all, &[]), "");
    let none = Scene::new(RoleRules::ByRole(BTreeMap::new()));
    assert_eq!(none.beyond(&all, &["reader"]), "/scope/read");
}

#[test]
fn what_everyone_has_is_given_to_nobody_and_taken_from_nobody() {
    let everyone = RoleRule {
        everyone: true,
        ..rule(&[(BANK, "read")], &[])
    };
    let employee = RoleName::parse("employee").unwrap();
    let writer = RoleName::parse("writer").unwrap();
    let rules = BTreeMap::from([
        (employee, everyone),
        (writer, rule(&[(BANK, "write")], &[])),
    ]);
    let scene = Scene::new(RoleRules::ByRole(rules));
    let (read, both) = (
        scopes(&[(BANK, "read")]),
        scopes(&[(BANK, "read"), (BANK, "write")]),
    );
    for (authority, held, expected) in [
        (&read, &[][..], ""),
        (&read, &["writer"], ""),
        (&both, &[], "/scope/write"),
        (&both, &["writer"], ""),
        (&both, &["employee"], "/scope/write"),
    ] {
        assert_eq!(scene.beyond(authority, held), expected, "{held:?}");
    }
}
