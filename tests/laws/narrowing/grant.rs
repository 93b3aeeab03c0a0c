//! Three agents, two resources, and one consent to everything that they may have.

use serde_json::json;
use writ_testkit::{
    BANK, Cast, Forge, PASSWORD, REDIRECT, TestAgent, World, authorize_url, payment,
};
use writ_wire::token::GrantType;

use super::{AUDIENCES, BOOKS, GRANTED, SCOPES, money};

pub(super) async fn agent(world: &World, id: &str, onward: &[&str]) -> TestAgent {
    let (assertion, dpop) = (Forge::new(&world.random), Forge::new(&world.random));
    let mut ceiling = payment("500.00");
    let members = ceiling.as_object_mut().unwrap();
    members.retain(|name, _| name == "type" || name == "instructed_amount");
    let scope = |resource: &str, scope: &str| json!({ "resource": resource, "scope": scope });
    world
        .add_client(json!({
            "client_id": id, "client_name": id, "profile": "agent", "redirect_uris": [REDIRECT],
            "jwks": { "keys": [assertion.jwk()] },
            "grant_types": GrantType::ALL.map(GrantType::as_str),
            "agent": {
                "owner": "alice", "sponsor": "alice", "publisher": "Acme",
                "ceiling": {
                    "scopes": [scope(BANK, SCOPES[0]), scope(BANK, SCOPES[1]), scope(BOOKS, SCOPES[2])],
                    "authorization_details": [ceiling], "lifetime": 7200
                },
                "onward": { "agents": onward, "depth": 3 }
            }
        }))
        .await;
    TestAgent {
        id: id.to_owned(),
        assertion,
        dpop,
    }
}

/// A first token: all scopes, one payment at the bank and one at either resource.
pub(super) async fn consented(world: &World, cast: &Cast, actor: &TestAgent) -> String {
    let mut objects = GRANTED.map(|cents| payment(&money(cents)));
    objects[0]["locations"] = json!([BANK]);
    objects[1]["locations"] = json!(AUDIENCES);
    let mut form = cast.request();
    form.retain(|(name, _)| !["client_id", "scope", "authorization_details"].contains(name));
    form.push(("client_id", actor.id.clone()));
    form.push(("scope", SCOPES.join(" ")));
    form.push(("authorization_details", json!(objects).to_string()));
    form.extend(AUDIENCES.map(|audience| ("resource", audience.to_owned())));
    let pushed = actor.send(world, "/par", &form).await;
    assert_eq!(pushed.status, 201, "{}", pushed.text());
    let url = authorize_url(&actor.id, &pushed.member("request_uri"));
    let back = world.browser().approve(&url, "alice", PASSWORD).await;
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap();
    let mut form = cast.redeem_form(&code.1);
    form.push(("resource", BANK.to_owned()));
    let reply = actor.send(world, "/token", &form).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.access_token()
}
