//! `prepare`: requested objects are completed for consent.

use serde_json::{Value, json};
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;

use super::world::{consented, detail, payment, types, uri};
use crate::{Problem, consent};

const BANK: &str = "https://bank.example";

fn prepare(asked: Vec<Value>, default: Option<ResourceUri>) -> Result<Vec<Detail>, Problem> {
    let mut count = 0;
    let mut make_ref = || {
        count += 1;
        format!("ref_{count}")
    };
    let asked = asked.into_iter().map(detail).collect();
    consent::prepare(asked, &types(), |_| default.clone(), &mut make_ref)
}

#[test]
fn each_object_gets_its_ref_type_hash_and_resource() {
    let mut placed = payment("5.00");
    placed["locations"] = json!([
        "https://z.example",
        "HTTPS://A.example",
        "https://z.example"
    ]);
    placed["ref"] = json!("ref_from_the_client");
    let prepared = prepare(vec![payment("412.00"), placed], Some(uri(BANK))).unwrap();
    assert_eq!(prepared[0], consented("ref_1", BANK, payment("412.00")));
    assert_eq!(prepared[1].reference(), Some("ref_2"));
    assert_eq!(
        prepared[1].locations(),
        ["https://a.example", "https://z.example"]
    );
}

#[test]
fn no_locations_and_several_resources_is_refused() {
    let problem = prepare(vec![payment("5")], None).unwrap_err();
    assert_eq!(problem.pointer, "/0/locations");
}

#[test]
fn arrays_and_paths_are_kept_in_normal_form_and_amounts_as_approved() {
    let calendar = json!({
        "type": "calendar", "calendar": "work", "actions": ["read", "create", "read"],
        "period": { "from": "2026-11-23T00:00:00+01:00", "until": "2026-11-27T18:00:00+01:00" },
    });
    let tool = json!({ "type": "mcp_tool_call", "server": "s", "tool": "t", "path": "/%61/b/" });
    let prepared = prepare(vec![calendar, tool, payment("412.00")], Some(uri(BANK))).unwrap();
    assert_eq!(prepared[0].members()["actions"], json!(["create", "read"]));
    assert_eq!(
        prepared[0].members()["period"]["from"],
        "2026-11-23T00:00:00+01:00"
    );
    assert_eq!(prepared[1].members()["path"], "/a/b");
    assert_eq!(
        prepared[2].members()["instructed_amount"]["amount"],
        "412.00"
    );
}

#[test]
fn what_is_not_understood_is_refused() {
    let mut strange = payment("5");
    strange["fee"] = json!("1");
    let mut hashed = payment("5");
    hashed["type_hash"] = json!("x");
    let cases = [
        (json!({ "type": "flight" }), "/1/type"),
        (strange, "/1/fee"),
        (hashed, "/1/type_hash"),
        (payment("1e9"), "/1/instructed_amount/amount"),
    ];
    for (value, pointer) in cases {
        let problem = prepare(vec![payment("1"), value], Some(uri(BANK))).unwrap_err();
        assert_eq!(problem.pointer, pointer);
    }
}
