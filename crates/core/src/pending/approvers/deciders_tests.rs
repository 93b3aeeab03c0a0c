//! Where the subject decides beside the designated, and when those who answer for the agent need somebody beside them.

use serde_json::{Value, json};

use super::tests::{client, types, uri};
use super::*;
use crate::pending::Deciders;
use crate::realm::Realm;
use crate::requirements::requirements;
use crate::resources::Resources;
use crate::role::RoleRules;

/// Stages of people, and whether the subject decides first.
fn deciders_of(record: Value, subject: &str) -> Result<Deciders, OAuthError> {
    let (issuer, resources) = (uri("https://as.example"), Resources::default());
    let types = types(json!([]));
    let realm = Realm {
        issuer: &issuer,
        resources: &resources,
        types: &types,
        roles: &RoleRules::Unlimited,
    };
    let client = client(record);
    let subject = UserId::from_text(format!("usr_{subject}"));
    let authority = Authority::default();
    let needs = requirements(&authority, &client, Some(&subject), None, realm);
    let find = |name: &str| {
        let name = match name {
            "@owner" => "alice",
            "@sponsor" => "carol",
            name => name,
        };
        Some(UserId::from_text(format!("usr_{name}")))
    };
    let responsible = ["alice", "carol"].map(|name| UserId::from_text(format!("usr_{name}")));
    deciders(&needs, &responsible.into(), &subject, find)
}

/// `alice | bob carol/2`: the stages, people and how many of them where it is not one.
fn stages(deciders: &Deciders) -> String {
    let one = |stage: &Stage| {
        let names: Vec<&str> = stage
            .of
            .iter()
            .map(|user| user.as_str().trim_start_matches("usr_"))
            .collect();
        match stage.need {
            1 => names.join(" "),
            need => format!("{}/{need}", names.join(" ")),
        }
    };
    let stages: Vec<String> = deciders.stages.iter().map(one).collect();
    stages.join(" | ")
}

/// A new task for dan by an agent of alice (owner) and carol (sponsor).
#[test]
fn the_subject_comes_first_and_has_no_second_answer() {
    let one = |of: &[&str], need: usize| json!({ "of": of, "need": need });
    let cases = [
        (json!([]), "dan", false),
        (json!([one(&["bob"], 1)]), "dan | bob", true),
        (json!([one(&["bob", "eve"], 2)]), "dan | bob eve/2", true),
        (json!([one(&["@subject"], 1)]), "dan", false),
        (json!([one(&["@subject", "bob"], 1)]), "dan", false),
        (json!([one(&["@subject", "bob"], 2)]), "dan | bob", true),
        (json!([one(&["dan", "bob"], 2)]), "dan | bob", true),
        // Silence of bob never is dan's yes.
        (
            json!([one(&["bob"], 1), one(&["@subject"], 1)]),
            "dan | bob",
            true,
        ),
        (
            json!([one(&["bob"], 1), one(&["@subject", "eve"], 1)]),
            "dan | bob",
            true,
        ),
        (
            json!([one(&["bob"], 1), one(&["@subject", "eve"], 2)]),
            "dan | bob | eve",
            true,
        ),
        (
            json!([one(&["@subject"], 1), one(&["bob"], 1)]),
            "dan",
            false,
        ),
        (json!([one(&["@sponsor"], 1)]), "dan | carol", true),
    ];
    for (record, expected, first) in cases {
        let found = deciders_of(record.clone(), "dan").unwrap();
        assert_eq!(stages(&found), expected, "{record}");
        assert_eq!(found.safeguards.subject_first, first, "{record}");
    }
}

#[test]
fn who_answers_for_the_agent_is_known_except_where_it_acts_for_them() {
    let bob = json!([{ "of": ["bob"], "need": 1 }]);
    let users = |names: &[&str]| {
        let ids = names
            .iter()
            .map(|name| UserId::from_text(format!("usr_{name}")));
        ids.collect::<BTreeSet<_>>()
    };
    let for_dan = deciders_of(bob.clone(), "dan").unwrap();
    assert_eq!(for_dan.safeguards.never_alone, users(&["alice", "carol"]));
    let for_alice = deciders_of(bob, "alice").unwrap();
    assert_eq!(for_alice.safeguards.never_alone, users(&["carol"]));
}
