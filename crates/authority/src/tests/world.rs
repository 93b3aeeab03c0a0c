//! The shipped types, short ways to write authorities, and dice that make related ones: [`any`] makes an authority,
//! [`wider`] and [`narrower`] change one member after another by hand-written knowledge of the three types, so that
//! they are an oracle independent of the code that they test.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;

use crate::{Authority, ScopeGrant, Types};

pub(super) const PAYMENT: &str = include_str!("../../../../config/types/payment.json");
pub(super) const CALENDAR: &str = include_str!("../../../../config/types/calendar.json");
pub(super) const TOOL: &str = include_str!("../../../../config/types/mcp_tool_call.json");

pub(super) const AUDIENCES: [&str; 3] = [
    "https://bank.example",
    "https://calendar.example/api",
    "https://files.example",
];
const REFS: [(&str, &str); 6] = [
    ("ref_p1", "payment"),
    ("ref_p2", "payment"),
    ("ref_c1", "calendar"),
    ("ref_c2", "calendar"),
    ("ref_m1", "mcp_tool_call"),
    ("ref_m2", "mcp_tool_call"),
];
const ACTIONS: [&str; 4] = ["create", "delete", "read", "update"];
const AMOUNTS: [&str; 7] = ["0", "0.01", "5", "10", "99.99", "412", "1000000"];
const CALLS: [u32; 4] = [1, 3, 20, 1000];
/// The same moment on one line.
const TIMES: [[&str; 2]; 5] = [
    ["2026-11-01T00:00:00Z", "2026-11-01T01:00:00+01:00"],
    ["2026-11-10T12:00:00Z", "2026-11-10T12:00:00.000Z"],
    ["2026-11-10T12:00:01Z", "2026-11-10T07:00:01-05:00"],
    ["2026-11-20T00:00:00Z", "2026-11-20T05:30:00+05:30"],
    ["2026-12-31T23:59:59Z", "2026-12-31T23:59:59-00:00"],
];
const FOLDERS: [&str; 3] = ["reports", "r%65ports", "q4"];

pub(super) fn types() -> Types {
    // Compiled once: the laws ask thousands of times.
    static SHIPPED: OnceLock<Types> = OnceLock::new();
    let documents = [PAYMENT, CALENDAR, TOOL].map(str::to_owned);
    SHIPPED
        .get_or_init(|| Types::from_documents(documents).unwrap())
        .clone()
}

pub(super) fn uri(text: &str) -> ResourceUri {
    ResourceUri::parse(text).unwrap()
}

pub(super) fn detail(value: Value) -> Detail {
    serde_json::from_value(value).unwrap()
}

pub(super) fn scope(resource: &str, name: &str) -> ScopeGrant {
    ScopeGrant {
        resource: uri(resource),
        scope: name.into(),
    }
}

/// As after consent: with `ref`, the current `type_hash`, and a location.
pub(super) fn consented(reference: &str, location: &str, value: Value) -> Detail {
    let bare = detail(value);
    let hash = types().by_name(bare.type_name()).unwrap().hash().to_owned();
    bare.with("ref", json!(reference))
        .with("type_hash", json!(hash))
        .with("locations", json!([location]))
}

pub(super) fn of_details(details: impl IntoIterator<Item = Detail>) -> Authority {
    Authority::new(
        BTreeSet::new(),
        details.into_iter().collect(),
        BTreeSet::new(),
    )
}

pub(super) fn payment(amount: &str) -> Value {
    json!({
        "type": "payment",
        "instructed_amount": { "amount": amount, "currency": "EUR" },
        "creditor": { "name": "KLM", "account": { "iban": "NL91ABNA0417164300" } },
    })
}

/// Fair dice whose rolls are the random input of a property.
#[derive(Clone, Debug)]
pub(super) struct Dice {
    faces: Vec<u32>,
    next: usize,
}

pub(super) fn dice() -> impl Strategy<Value = Dice> {
    vec(any_face(), 48..96).prop_map(|faces| Dice { faces, next: 0 })
}

fn any_face() -> impl Strategy<Value = u32> {
    proptest::num::u32::ANY
}

impl Dice {
    /// 0 to `sides` - 1.
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        let face = self.faces[self.next % self.faces.len()];
        // When all are rolled, start again with other results.
        let face = face.rotate_left((self.next / self.faces.len()) as u32 * 7);
        self.next += 1;
        face as usize % sides
    }

    pub(super) fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

/// Objects as their schemas want them, several under one `ref` where the type repeats.
pub(super) fn any(dice: &mut Dice) -> Authority {
    let mut details = Vec::new();
    for (reference, kind) in REFS {
        let count = if kind == "payment" {
            dice.roll(2)
        } else {
            dice.roll(3)
        };
        for _ in 0..count {
            let value = match kind {
                "payment" => any_payment(dice),
                "calendar" => any_calendar(dice),
                _ => any_tool(dice),
            };
            let location = dice.pick(&AUDIENCES);
            let made = consented(reference, location, value);
            details.push(if dice.one_in(3) {
                add_location(made, dice)
            } else {
                made
            });
        }
    }
    let scopes = (0..dice.roll(4)).map(|_| any_scope(dice)).collect();
    let bare = (0..dice.roll(3))
        .map(|_| uri(dice.pick(&AUDIENCES)))
        .collect();
    Authority::new(scopes, details, bare)
}

/// An authority that covers the given one.
pub(super) fn wider(authority: &Authority, dice: &mut Dice) -> Authority {
    let mut details: Vec<Detail> = authority
        .details()
        .iter()
        .map(|d| change(d, Way::Wider, dice))
        .collect();
    if dice.one_in(2) {
        let mut known = Vec::new();
        for extra in any(dice).details() {
            let once = extra.type_name() == "payment";
            let taken = details.iter().any(|d| d.reference() == extra.reference());
            if !(once && taken) {
                known.push(extra.clone());
            }
        }
        details.extend(known);
    }
    let mut scopes = authority.scopes().clone();
    let mut resources = authority.resources().clone();
    if dice.one_in(2) {
        scopes.insert(any_scope(dice));
        resources.insert(uri(dice.pick(&AUDIENCES)));
    }
    Authority::new(scopes, details, resources)
}

/// An authority that the given one covers.
pub(super) fn narrower(authority: &Authority, dice: &mut Dice) -> Authority {
    let mut details = Vec::new();
    for detail in authority.details() {
        if !dice.one_in(4) {
            details.push(change(detail, Way::Narrower, dice));
        }
    }
    let mut scopes = authority.scopes().clone();
    if dice.one_in(2) {
        scopes.pop_last();
    }
    let resources = authority
        .resources()
        .iter()
        .filter(|_| !dice.one_in(4))
        .cloned()
        .collect();
    Authority::new(scopes, details, resources)
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Wider,
    Narrower,
}

fn any_scope(dice: &mut Dice) -> ScopeGrant {
    scope(dice.pick(&AUDIENCES), dice.pick(&["read", "write"]))
}

fn any_payment(dice: &mut Dice) -> Value {
    let mut value = payment(&spell(dice.roll(AMOUNTS.len()), dice));
    value["instructed_amount"]["currency"] = json!(dice.pick(&["EUR", "EUR", "USD"]));
    if dice.one_in(3) {
        value["reference"] = json!(dice.pick(&["A", "B"]));
    }
    value
}

fn any_calendar(dice: &mut Dice) -> Value {
    let mut actions = vec![dice.pick(&ACTIONS)];
    actions.extend((0..dice.roll(4)).map(|_| dice.pick(&ACTIONS)));
    actions.sort_unstable();
    actions.dedup();
    let calendar = dice.pick(&["work", "work", "home"]);
    let mut value = json!({ "type": "calendar", "calendar": calendar, "actions": actions });
    if !dice.one_in(3) {
        let from = dice.roll(TIMES.len());
        let until = from + dice.roll(TIMES.len() - from);
        value["period"] = json!({ "from": moment(from, dice), "until": moment(until, dice) });
    }
    value
}

fn any_tool(dice: &mut Dice) -> Value {
    let mut value = json!({
        "type": "mcp_tool_call", "server": "https://files.example/mcp",
        "tool": dice.pick(&["read_file", "read_file", "write_file"]),
    });
    if !dice.one_in(3) {
        let folders: Vec<&str> = (0..dice.roll(4)).map(|_| dice.pick(&FOLDERS)).collect();
        value["path"] = json!(format!("/{}", folders.join("/")));
    }
    for name in ["encoding", "mode"] {
        if dice.one_in(3) {
            value["arguments"][name] = json!(dice.pick(&["x", "y"]));
        }
    }
    if dice.one_in(2) {
        value["calls"] = json!(CALLS[dice.roll(CALLS.len())]);
    }
    value
}

fn change(detail: &Detail, way: Way, dice: &mut Dice) -> Detail {
    let mut value = Value::Object(detail.members().clone());
    if dice.one_in(2) {
        match detail.type_name() {
            "payment" => change_payment(&mut value, way, dice),
            "calendar" => change_calendar(&mut value, way, dice),
            _ => change_tool(&mut value, way, dice),
        }
    }
    let changed = self::detail(value);
    match way {
        Way::Wider if dice.one_in(2) => add_location(changed, dice),
        Way::Narrower if dice.one_in(2) => {
            let first = changed.locations()[0].to_owned();
            changed.with("locations", json!([first]))
        }
        _ => changed,
    }
}

fn change_payment(value: &mut Value, way: Way, dice: &mut Dice) {
    let place = value["instructed_amount"]["amount"]
        .as_str()
        .map(amount_place);
    let to = match (way, place) {
        (Way::Wider, Some(place)) => place + dice.roll(AMOUNTS.len() - place),
        (Way::Narrower, Some(place)) => dice.roll(place + 1),
        (Way::Narrower, None) => dice.roll(AMOUNTS.len()),
        (Way::Wider, None) => return,
    };
    value["instructed_amount"]["amount"] = json!(spell(to, dice));
    match way {
        Way::Wider if dice.one_in(2) => remove(value, "reference"),
        Way::Wider if dice.one_in(6) => remove(value, "creditor"),
        Way::Narrower if value.get("reference").is_none() => value["reference"] = json!("A"),
        _ => {}
    }
}

fn change_calendar(value: &mut Value, way: Way, dice: &mut Dice) {
    let mut actions: Vec<String> = serde_json::from_value(value["actions"].clone()).unwrap();
    match way {
        Way::Wider => actions.insert(0, dice.pick(&ACTIONS).to_owned()),
        Way::Narrower if actions.len() > 1 => drop(actions.remove(dice.roll(actions.len()))),
        Way::Narrower => {}
    }
    value["actions"] = json!(actions);
    if way == Way::Wider && dice.one_in(3) {
        return remove(value, "period");
    }
    let last = TIMES.len() - 1;
    let (from, until) = match value.get("period") {
        Some(period) => (time_place(&period["from"]), time_place(&period["until"])),
        None if way == Way::Narrower => (0, last),
        None => return,
    };
    let (from, until) = match way {
        Way::Wider => (dice.roll(from + 1), until + dice.roll(last - until + 1)),
        Way::Narrower => {
            let start = from + dice.roll(until - from + 1);
            (start, start + dice.roll(until - start + 1))
        }
    };
    value["period"] = json!({ "from": moment(from, dice), "until": moment(until, dice) });
}

fn change_tool(value: &mut Value, way: Way, dice: &mut Dice) {
    let path = value.get("path").and_then(Value::as_str).map(str::to_owned);
    match (way, path) {
        (Way::Wider, Some(path)) => {
            let above = path
                .trim_end_matches('/')
                .rsplit_once('/')
                .map_or("", |(above, _)| above);
            value["path"] = json!(if above.is_empty() { "/" } else { above });
        }
        (Way::Narrower, Some(path)) => {
            value["path"] = json!(format!(
                "{}/{}/",
                path.trim_end_matches('/'),
                dice.pick(&FOLDERS)
            ));
        }
        (Way::Narrower, None) => value["path"] = json!("/q4"),
        (Way::Wider, None) => {}
    }
    let calls = value.get("calls").and_then(Value::as_u64).unwrap_or(2000);
    match way {
        Way::Wider if dice.one_in(2) => remove(value, "calls"),
        Way::Wider if calls < 2000 => value["calls"] = json!(calls + dice.roll(5) as u64),
        Way::Wider => {}
        Way::Narrower => value["calls"] = json!(calls - calls / (1 + dice.roll(4) as u64) / 2),
    }
    match way {
        Way::Wider if dice.one_in(2) => remove(value, "arguments"),
        Way::Narrower if value["arguments"].get("extra").is_none() => {
            value["arguments"]["extra"] = json!(dice.pick(&["x", "y"]));
        }
        _ => {}
    }
}

fn add_location(detail: Detail, dice: &mut Dice) -> Detail {
    let mut all: Vec<String> = detail.locations().into_iter().map(str::to_owned).collect();
    all.push(dice.pick(&AUDIENCES).to_owned());
    detail.with("locations", json!(all))
}

fn remove(value: &mut Value, name: &str) {
    value.as_object_mut().unwrap().remove(name);
}

fn spell(place: usize, dice: &mut Dice) -> String {
    let zeros = if AMOUNTS[place].contains('.') {
        ["", "0"]
    } else {
        ["", ".00"]
    };
    format!("{}{}", AMOUNTS[place], dice.pick(&zeros))
}

fn amount_place(text: &str) -> usize {
    let bare = |t: &str| t.strip_suffix(".00").unwrap_or(t).to_owned();
    AMOUNTS
        .iter()
        .position(|a| bare(text) == *a || text == format!("{a}0"))
        .unwrap()
}

fn moment(place: usize, dice: &mut Dice) -> &'static str {
    TIMES[place][dice.roll(2)]
}

fn time_place(value: &Value) -> usize {
    TIMES
        .iter()
        .position(|same| same.contains(&value.as_str().unwrap()))
        .unwrap()
}
