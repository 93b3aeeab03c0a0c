//! Who decides: the type first, then the record, then the subject; never another about one's part.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use writ_authority::{ScopeGrant, Types};
use writ_wire::rar::Detail;
use writ_wire::registration::ClientFile;
use writ_wire::resource::ResourceUri;

use super::*;
use crate::client::User;
use crate::id::ClientId;
use crate::registration::{self, People};
use crate::resources::Resources;
use crate::role::RoleRules;

const PAYMENT: &str = include_str!("../../../../../config/types/payment.json");

/// Payments as bob decides about them, transfers as the record says.
pub(super) fn types(approvers: Value) -> Types {
    let mut payment: Value = serde_json::from_str(PAYMENT).unwrap();
    let mut transfer = payment.clone();
    payment["approvers"] = approvers;
    transfer["type"] = json!("transfer");
    transfer["example"]["type"] = json!("transfer");
    Types::from_documents([payment.to_string(), transfer.to_string()]).unwrap()
}

pub(super) fn client(approvers: Value) -> Client {
    let person = |name: &str| User::new(UserId::from_text(format!("usr_{name}")), name);
    let key = json!({ "kty": "EC", "crv": "P-256", "alg": "ES256",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA" });
    let file: ClientFile = serde_json::from_value(json!({
        "client_name": "Planner", "profile": "agent", "redirect_uris": ["https://a.example/cb"],
        "jwks": { "keys": [key] },
        "agent": { "owner": "alice", "sponsor": "carol", "publisher": "Acme",
            "ceiling": { "lifetime": 60 }, "approvers": approvers }
    }))
    .unwrap();
    let people = People {
        owner: person("alice"),
        sponsor: person("carol"),
    };
    let id = ClientId::from_text("agt_planner");
    registration::client(&file, id, None, Some(&people)).unwrap()
}

fn authority(types: &[&str], scope: Option<&str>) -> Authority {
    let details = types.iter().map(|name| {
        let members = json!({ "type": name, "locations": ["https://bank.example"] });
        Detail::new(members.as_object().unwrap().clone()).unwrap()
    });
    let grant = |scope: &str| ScopeGrant {
        resource: uri("https://bank.example"),
        scope: scope.to_owned(),
    };
    Authority::new(
        scope.map(grant).into_iter().collect(),
        details.collect(),
        BTreeSet::new(),
    )
}

pub(super) fn uri(text: &str) -> ResourceUri {
    ResourceUri::parse(text).unwrap()
}

/// Names of the first stage, or the code of the refusal.
fn first(types: &Types, client: &Client, authority: &Authority) -> Result<Vec<String>, ErrorCode> {
    let (issuer, resources) = (uri("https://as.example"), Resources::default());
    let realm = Realm {
        issuer: &issuer,
        resources: &resources,
        types,
        roles: &RoleRules::Unlimited,
    };
    let stages = designation(authority, client, realm).map_err(|refusal| refusal.code)?;
    Ok(stages
        .first()
        .map(|stage| stage.of.clone())
        .unwrap_or_default())
}

#[test]
fn the_type_comes_before_the_record() {
    let bob = json!([{ "of": ["bob"], "need": 1 }]);
    let dave = json!([{ "of": ["dave"], "need": 1 }]);
    let (plain, designated) = (client(json!([])), client(dave));
    let with_type = types(bob);
    let without = types(json!([]));
    let payment = authority(&["payment"], None);
    assert_eq!(
        first(&with_type, &designated, &payment),
        Ok(vec!["bob".to_owned()])
    );
    assert_eq!(
        first(&with_type, &plain, &payment),
        Ok(vec!["bob".to_owned()])
    );
    assert_eq!(
        first(&without, &designated, &payment),
        Ok(vec!["dave".to_owned()])
    );
    assert_eq!(first(&without, &plain, &payment), Ok(Vec::new()));
}

#[test]
fn nobody_decides_about_anothers_part() {
    let types = types(json!([{ "of": ["bob"], "need": 1 }]));
    let client = client(json!([]));
    let mixed = [
        authority(&["payment", "transfer"], None),
        authority(&["payment"], Some("accounts:read")),
    ];
    for authority in &mixed {
        assert_eq!(
            first(&types, &client, authority),
            Err(ErrorCode::AccessDenied)
        );
    }
    let twice = authority(&["payment", "payment"], None);
    assert!(first(&types, &client, &twice).is_ok());
    let with_openid = authority(&["payment"], Some("openid"));
    assert!(first(&types, &client, &with_openid).is_ok());
    assert!(first(&types, &client, &authority(&["transfer"], Some("x"))).is_ok());
}

#[test]
fn a_step_that_cannot_be_fulfilled_is_refused() {
    let alice = UserId::from_text("usr_alice");
    let find = |name: &str| {
        ["bob", "@sponsor"]
            .contains(&name)
            .then(|| UserId::from_text("usr_bob"))
    };
    let stage = |of: &[&str], need| ApproversFile {
        of: of.iter().map(|name| (*name).to_owned()).collect(),
        need,
    };
    let enough = |named: &[ApproversFile]| stages(named, &alice, &find);
    assert!(enough(&[stage(&["bob", "gone"], 1)]).is_ok());
    assert!(enough(&[stage(&["bob", "@subject"], 2)]).is_ok());
    assert!(enough(&[stage(&["gone"], 1)]).is_err());
    assert!(
        enough(&[stage(&["bob", "@sponsor"], 2)]).is_err(),
        "one person twice"
    );
    assert!(enough(&[stage(&["bob"], 1), stage(&["gone"], 1)]).is_err());
    assert!(
        enough(&[stage(&["bob"], 1), stage(&["@subject", "@sponsor"], 1)]).is_err(),
        "one person in two stages"
    );
    assert!(enough(&[stage(&["bob"], 1), stage(&["@subject"], 1)]).is_ok());
    let roles: Vec<Role> = [&["@subject"][..], &["bob"], &["bob", "@subject"]]
        .map(|of| enough(&[stage(of, 1)]).unwrap()[0].role)
        .to_vec();
    assert_eq!(roles, [Role::Subject, Role::Designated, Role::Designated]);
    let own = enough(&[]).unwrap();
    assert_eq!(
        (own[0].role, own[0].of.clone(), own[0].need),
        (Role::Subject, vec![alice.clone()], 1)
    );
}
