//! When the approval screen warns of a first payee or an unusual amount: each bound of both hints, and the sums.

use serde_json::{Value, json};
use writ_wire::rar::Detail;

use super::*;

const KLM: &str = "NL91ABNA0417164300";
const SAS: &str = "NO9386011117947";

fn types() -> Types {
    let documents = [
        include_str!("../../../../config/types/payment.json"),
        include_str!("../../../../config/types/calendar.json"),
    ];
    Types::from_documents(documents.map(str::to_owned)).unwrap()
}

fn alice() -> UserId {
    UserId::from_text("usr_alice")
}

fn payment(amount: &str, currency: &str, iban: &str) -> Value {
    json!({
        "type": "payment",
        "instructed_amount": { "amount": amount, "currency": currency },
        "creditor": { "name": "KLM", "account": { "iban": iban } },
    })
}

fn authority(details: impl IntoIterator<Item = Value>) -> Authority {
    let details = details.into_iter().enumerate();
    let details = details.map(|(place, value)| {
        let detail: Detail = serde_json::from_value(value).unwrap();
        detail.with("ref", json!(format!("ref_{place}")))
    });
    Authority::new(BTreeSet::new(), details.collect(), BTreeSet::new())
}

/// As it is read back after these were approved.
fn after(approved: &[Value]) -> Newest {
    let mut newest = Newest::new();
    for value in approved {
        for one in uses(&authority([value.clone()]), &alice(), &types()) {
            let earlier = Earlier {
                payee_digest: one.payee_digest,
                amount: one.amount,
            };
            newest.entry(one.type_name).or_default().push(earlier);
        }
    }
    newest
}

fn hints(asked: impl IntoIterator<Item = Value>, approved: &[Value]) -> Vec<Unusual> {
    unusual(&authority(asked), &alice(), &after(approved), &types())
}

fn first(payee: &str) -> Unusual {
    Unusual::FirstPayee {
        payee: payee.to_owned(),
    }
}

fn more(amount: &str, largest: &str) -> Unusual {
    Unusual::More {
        amount: amount.to_owned(),
        largest: largest.to_owned(),
        unit: "EUR".to_owned(),
    }
}

#[test]
fn a_payee_is_new_once() {
    let klm = payment("10", "EUR", KLM);
    assert_eq!(hints([klm.clone()], &[]), [first(KLM)]);
    assert_eq!(
        hints([klm.clone()], &[payment("9", "EUR", SAS)]),
        [first(KLM)]
    );
    assert_eq!(hints([klm.clone()], &[payment("9", "USD", KLM)]), []);
    // Said once, however many objects it is about.
    let twice = [
        klm.clone(),
        payment("11", "EUR", KLM),
        payment("1", "EUR", SAS),
    ];
    let mut said = hints(twice, &[]);
    said.sort_by_key(|hint| format!("{hint:?}"));
    assert_eq!(said, [first(KLM), first(SAS)]);
}

#[test]
fn what_one_person_approved_is_not_usual_for_another() {
    let klm = [payment("10", "EUR", KLM)];
    let bob = UserId::from_text("usr_bob");
    let said = unusual(&authority(klm.clone()), &bob, &after(&klm), &types());
    assert_eq!(said, [first(KLM)]);
}

#[test]
fn more_than_usual_takes_three_earlier_ones_of_the_same_unit() {
    let earlier = |amounts: &[(&str, &str)]| -> Vec<Value> {
        let payments = amounts.iter();
        payments.map(|(a, unit)| payment(a, unit, KLM)).collect()
    };
    let asked = |amount: &str| [payment(amount, "EUR", KLM)];
    let three = earlier(&[("9.5", "EUR"), ("100.00", "EUR"), ("20", "EUR")]);
    assert_eq!(hints(asked("100.01"), &three), [more("100.01", "100.00")]);
    // As much as the largest is no more, however it is written.
    assert_eq!(hints(asked("100.0000"), &three), []);
    assert_eq!(hints(asked("99.99"), &three), []);
    let two = earlier(&[("1", "EUR"), ("2", "EUR")]);
    assert_eq!(hints(asked("1000"), &two), []);
    let mixed = earlier(&[("1", "EUR"), ("2", "EUR"), ("3", "USD"), ("4", "USD")]);
    assert_eq!(hints(asked("1000"), &mixed), []);
    let mixed = earlier(&[("1", "EUR"), ("2", "EUR"), ("3", "EUR"), ("999", "USD")]);
    assert_eq!(hints(asked("5"), &mixed), [more("5", "3")]);
    // Compared as numbers, not as text.
    let nines = earlier(&[("9", "EUR"), ("8", "EUR"), ("7", "EUR")]);
    assert_eq!(hints(asked("10"), &nines), [more("10", "9")]);
    let long = "999999999999999.0001";
    let long = earlier(&[(long, "EUR"), ("1", "EUR"), ("1", "EUR")]);
    let longer = "999999999999999.0002";
    let said = hints(asked(longer), &long);
    assert_eq!(said, [more(longer, "999999999999999.0001")]);
}

#[test]
fn a_type_that_does_not_say_what_is_usual_has_no_hints() {
    let calendar = json!({ "type": "calendar", "calendar": "work", "actions": ["read"] });
    assert_eq!(hints([calendar.clone()], &[]), []);
    assert!(uses(&authority([calendar.clone()]), &alice(), &types()).is_empty());
    let both = authority([calendar, payment("1", "EUR", KLM)]);
    let names = types_of(&both, &types());
    assert_eq!(names, BTreeSet::from(["payment".to_owned()]));
    // Of a version that is not known nothing is said either.
    let unknown = payment("1", "EUR", KLM);
    let unknown: Detail = serde_json::from_value(unknown).unwrap();
    let unknown = unknown.with("type_hash", json!("x"));
    let unknown = Authority::new(BTreeSet::new(), vec![unknown], BTreeSet::new());
    assert!(types_of(&unknown, &types()).is_empty());
}

#[test]
fn what_is_kept_names_no_account() {
    let kept = uses(&authority([payment("1", "EUR", KLM)]), &alice(), &types());
    assert_eq!(kept.len(), 1);
    assert!(!kept[0].payee_digest.contains(KLM));
    assert_eq!(kept[0].payee_digest.len(), 43);
}

#[test]
fn sums_are_by_unit_and_decisions_are_counted_once() {
    let amount = |text: &str, unit: &str| UsualAmount {
        value: Decimal::parse(text).unwrap(),
        text: text.to_owned(),
        unit: unit.to_owned(),
    };
    let spent = [
        ("apr_1", amount("412.00", "EUR")),
        ("apr_1", amount("0.1", "EUR")),
        ("apr_2", amount("411.9", "EUR")),
        ("apr_3", amount("7", "USD")),
    ];
    let of = |spent: &[(&'static str, UsualAmount)], known| {
        let spent = spent.to_vec();
        totals(spent.iter().map(|(id, amount)| (*id, amount)), known)
    };
    let total = |unit: &str, sum: Sum, decisions| Total {
        unit: unit.to_owned(),
        sum,
        decisions,
    };
    let exact = |text: &str| Sum::Exact(text.to_owned());
    let at_least = |text: &str| Sum::AtLeast(text.to_owned());
    let all = [
        total("EUR", exact("824.00"), 2),
        total("USD", exact("7"), 1),
    ];
    assert_eq!(of(&spent, Known::All), all);
    let newest = of(&spent, Known::Newest);
    assert_eq!(newest[0], total("EUR", at_least("824.00"), 2));
    // More than can be written: what could be added.
    let huge = amount("999999999999999999", "EUR");
    let too_much = [("apr_1", huge.clone()), ("apr_2", huge)];
    let sum = at_least("999999999999999999");
    assert_eq!(of(&too_much, Known::All), [total("EUR", sum, 2)]);
    assert!(of(&[], Known::All).is_empty());
}
