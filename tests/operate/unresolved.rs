//! Names in a file that are not registered: what can come later is noted, what cannot is refused.

use std::process::Output;

use serde_json::{Value, json};
use writ_testkit::{BANK, Web, World, both, merge};

use super::registered::{cast_now, complaint, printed, writ_reading};
use super::suspend::writ;

/// The notes of a command that did what it was told.
fn noted(done: &Output) -> Vec<String> {
    printed(done);
    let text = String::from_utf8(done.stderr.clone()).unwrap();
    let lines = text.lines();
    let notes = lines.filter_map(|line| line.strip_prefix("writ: note: "));
    notes.map(str::to_owned).collect()
}

fn add(world: &World, kind: &str, file: &Value) -> Output {
    writ_reading(world, &[kind, "add", "--file", "-"], &file.to_string())
}

/// The planner once more, with nothing in it that is not registered.
async fn planner_as(world: &World, id: &str) -> Value {
    let mut file = world.client_file("agt_planner").await;
    file["client_id"] = json!(id);
    file["scope"] = json!("accounts:read");
    let scopes = json!([{ "resource": BANK, "scope": "accounts:read" }]);
    file["agent"]["ceiling"]["scopes"] = scopes;
    file["agent"]["onward"] = json!({ "agents": ["agt_booker"] });
    file
}

fn web(id: &str, changes: Value) -> Value {
    let mut file = json!({
        "client_id": id, "client_name": "Web", "profile": "oauth21",
        "grant_types": ["client_credentials"], "scope": "accounts:read openid", "bearer": true
    });
    merge(&mut file, changes);
    file
}

both!(a_scope_that_no_resource_has_is_noted, |world| async {
    cast_now(&world).await;
    assert_eq!(
        noted(&add(&world, "client", &web("good", json!({})))),
        [""; 0]
    );
    let misspelt = web(
        "web",
        json!({ "scope": "acounts:read accounts:read profile" }),
    );
    let expected = "`scope`: no resource has the scope `acounts:read` yet";
    assert_eq!(noted(&add(&world, "client", &misspelt)), [expected]);
    let change = ["client", "change", "web", "--scope", "accounts:reed"];
    let changed = noted(&writ(&world, &change));
    assert_eq!(
        changed,
        ["`scope`: no resource has the scope `accounts:reed` yet"]
    );
    // What the resource has by now is noted no more.
    let more = ["resource", "change", BANK, "--add-scope", "accounts:reed"];
    printed(&writ(&world, &more));
    let named = ["client", "change", "web", "--name", "Reports"];
    assert_eq!(noted(&writ(&world, &named)), [""; 0]);
});

both!(
    what_an_agent_names_and_nobody_registered_is_noted,
    |world| async {
        cast_now(&world).await;
        let good = planner_as(&world, "agt_good").await;
        assert_eq!(noted(&add(&world, "agent", &good)), [""; 0]);
        let mut bad = planner_as(&world, "agt_bad").await;
        let scopes = json!([
            { "resource": BANK, "scope": "accounts:read" },
            { "resource": BANK, "scope": "acounts:read" },
            { "resource": "https://bnak.example", "scope": "accounts:read" }
        ]);
        bad["agent"]["ceiling"]["scopes"] = scopes;
        bad["agent"]["onward"] = json!({ "agents": ["agt_booker", "agt_boker"] });
        bad["agent"]["may_ask"] = json!(["alice", "alcie"]);
        bad["agent"]["approvers"] = json!([{ "of": ["@subject", "alice", "malory"], "need": 1 }]);
        let mut notes = noted(&add(&world, "agent", &bad));
        notes.sort();
        assert_eq!(
            notes,
            [
                "`ceiling.scopes`: resource `https://bank.example` has no scope `acounts:read` yet",
                "`ceiling.scopes`: resource `https://bnak.example` is not registered yet",
                "`onward.agents`: agent `agt_boker` is not registered yet",
                "there is no person `alcie` yet",
                "there is no person `malory` yet",
            ]
        );
    }
);

both!(
    whom_a_client_may_ask_and_nobody_is_is_noted,
    |world| async {
        cast_now(&world).await;
        let file = Web::file(json!({
            "grant_types": ["urn:openid:params:grant-type:ciba"], "may_ask": ["alice", "alcie"],
        }));
        let notes = noted(&add(&world, "client", &file));
        assert!(
            notes.contains(&"there is no person `alcie` yet".to_owned()),
            "{notes:?}"
        );
        assert!(
            notes.iter().all(|note| !note.contains("`alice`")),
            "{notes:?}"
        );
    }
);

both!(what_a_file_may_not_mean_is_noted, |world| async {
    cast_now(&world).await;
    let code = json!(["authorization_code"]);
    let both = json!(["authorization_code", "refresh_token"]);
    let back = json!(["https://a.example/cb"]);
    for (place, (changes, expected)) in [
        (json!({}), &[][..]),
        (json!({ "bearer": false }), &["DPoP"]),
        (
            json!({ "bearer": false, "dpop_bound_access_tokens": true }),
            &[],
        ),
        (json!({ "bearer": false, "grant_types": [] }), &[]),
        (json!({ "grant_types": null }), &["`redirect_uris`"]),
        (json!({ "grant_types": null, "redirect_uris": back }), &[]),
        (
            json!({ "grant_types": code, "redirect_uris": back, "scope": "openid offline_access" }),
            &["`offline_access`"],
        ),
        (
            json!({ "grant_types": both, "redirect_uris": back, "scope": "openid offline_access" }),
            &[],
        ),
        (
            json!({ "scope": "accounts:read offline_access" }),
            &["`offline_access`"],
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let file = web(&format!("web{place}"), changes.clone());
        let notes = noted(&add(&world, "client", &file));
        assert_eq!(notes.len(), expected.len(), "{changes}: {notes:?}");
        for (note, means) in notes.iter().zip(expected) {
            assert!(note.contains(means), "{note}");
        }
    }
    for (uri, plain) in [
        ("http://notes.example", true),
        ("http://127.0.0.1:9000", false),
        ("https://notes.example", false),
    ] {
        let file = json!({ "resource": uri, "name": "Notes", "scopes": ["notes.read"] });
        let notes = noted(&add(&world, "resource", &file));
        assert_eq!(notes.len(), usize::from(plain), "{uri}: {notes:?}");
    }
});

both!(the_client_of_a_resource_may_come_later, |world| async {
    cast_now(&world).await;
    let notes = |client: &str| {
        json!({
            "resource": "https://notes.example", "name": "Notes", "scopes": ["notes.read"],
            "client_id": client
        })
    };
    let early = noted(&add(&world, "resource", &notes("notes-api")));
    assert_eq!(
        early,
        ["`client_id`: client `notes-api` is not registered yet"]
    );
    assert_eq!(noted(&add(&world, "resource", &notes("bank-api"))), [""; 0]);
});

both!(a_type_that_is_not_declared_is_refused, |world| async {
    cast_now(&world).await;
    let types = json!({ "authorization_details_types": ["payment", "paymnet"] });
    let client = complaint(&add(&world, "client", &web("web", types.clone())));
    let mut file = planner_as(&world, "agt_new").await;
    merge(&mut file, types.clone());
    let agent = complaint(&add(&world, "agent", &file));
    let resource = json!({ "resource": "https://notes.example", "name": "Notes" });
    let mut with_types = resource.clone();
    merge(&mut with_types, types);
    let resource = complaint(&add(&world, "resource", &with_types));
    for said in [client, agent, resource] {
        let sentence = "`authorization_details_types`: type `paymnet` is not declared";
        assert!(said.contains(sentence), "{said}");
    }
});
