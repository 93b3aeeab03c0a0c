//! What CIBA Core and FAPI-CIBA demand of the backchannel endpoint and of polling, where no person has to answer.

use std::time::Duration;

use serde_json::{Value, json};
use writ_core::pending::{LONGEST_POLL, MAX_HASTY_POLLS};
use writ_testkit::{
    BANK, Cast, Fields, Forge, ISSUER, PASSWORD, TestAgent, World, both, payment, plus, refused,
    with, without,
};

const CIBA: &str = "urn:openid:params:grant-type:ciba";

/// An agent that may ask alice.
pub async fn asker(world: &World) -> TestAgent {
    Cast::of(world).await;
    enrol(world, asker_file("agt_asker")).await
}

fn asker_file(id: &str) -> Value {
    let mut ceiling = payment("500.00");
    let members = ceiling.as_object_mut().unwrap();
    members.retain(|name, _| name == "type" || name == "instructed_amount");
    json!({
        "client_id": id, "client_name": "Asker", "profile": "agent", "redirect_uris": [],
        "response_types": [], "grant_types": [CIBA],
        "agent": {
            "owner": "alice", "sponsor": "alice", "publisher": "Acme", "may_ask": ["alice"],
            "ceiling": {
                "scopes": [{ "resource": BANK, "scope": "accounts:read" }],
                "authorization_details": [ceiling], "lifetime": 7200
            }
        }
    })
}

/// A client that is no agent, with `private_key_jwt`.
pub fn till_file(id: &str, profile: &str) -> Value {
    json!({
        "client_id": id, "client_name": "Till", "profile": profile, "redirect_uris": [],
        "response_types": [], "grant_types": [CIBA], "scope": "openid accounts:read",
        "token_endpoint_auth_method": "private_key_jwt", "dpop_bound_access_tokens": true,
        "may_ask": ["alice"]
    })
}

pub async fn enrol(world: &World, file: Value) -> TestAgent {
    try_enrol(world, file).await.unwrap()
}

async fn try_enrol(world: &World, mut file: Value) -> Result<TestAgent, String> {
    let (assertion, dpop) = (Forge::new(&world.random), Forge::new(&world.random));
    file["jwks"] = json!({ "keys": [assertion.jwk()] });
    let id = file["client_id"].as_str().unwrap().to_owned();
    world.try_add_client(file).await?;
    Ok(TestAgent {
        id,
        assertion,
        dpop,
    })
}

pub fn question() -> Fields {
    vec![
        ("login_hint", "alice".to_owned()),
        (
            "authorization_details",
            json!([payment("100.00")]).to_string(),
        ),
    ]
}

pub fn sign_in() -> Fields {
    vec![
        ("login_hint", "alice".to_owned()),
        ("scope", "openid".to_owned()),
    ]
}

fn poll(auth_req_id: &str) -> Fields {
    vec![
        ("grant_type", CIBA.to_owned()),
        ("auth_req_id", auth_req_id.to_owned()),
    ]
}

async fn asked(world: &World, who: &TestAgent, form: &Fields) -> String {
    let reply = who.send(world, "/bc-authorize", form).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.member("auth_req_id")
}

both!(
    ciba_4_a_client_registers_one_way_of_delivery,
    |world| async {
        Cast::of(&world).await;
        let good = till_file("good", "oauth21");
        let endpoint = "backchannel_client_notification_endpoint";
        let mode = "backchannel_token_delivery_mode";
        let bad: [&[(&str, Value)]; 7] = [
            &[(mode, json!("post"))],
            &[(mode, json!(["poll", "ping"]))],
            &[(mode, json!("ping"))],
            &[(mode, json!("push"))],
            &[
                (mode, json!("ping")),
                (endpoint, json!("http://till.example/cb")),
            ],
            &[(mode, json!("push")), (endpoint, json!("/cb"))],
            &[
                (mode, json!("poll")),
                ("grant_types", json!(["client_credentials"])),
            ],
        ];
        for changes in bad {
            let mut file = good.clone();
            for (name, value) in changes {
                file[*name] = value.clone();
            }
            assert!(try_enrol(&world, file).await.is_err(), "{changes:?}");
        }
        let mut pinged = till_file("pinged", "oauth21");
        pinged[mode] = json!("ping");
        pinged[endpoint] = json!("https://till.example/cb");
        enrol(&world, pinged).await;
        enrol(&world, good).await;
    }
);

both!(
    fapi_ciba_5_2_2_only_confidential_clients_and_never_push,
    |world| async {
        Cast::of(&world).await;
        let mut public = till_file("public", "oauth21");
        public["token_endpoint_auth_method"] = json!("none");
        assert!(world.try_add_client(public).await.is_err());
        for file in [till_file("pushed", "fapi2"), asker_file("agt_pushed")] {
            let mut file = file;
            file["backchannel_token_delivery_mode"] = json!("push");
            file["backchannel_client_notification_endpoint"] = json!("https://till.example/cb");
            assert!(try_enrol(&world, file).await.is_err());
        }
    }
);

both!(
    fapi_ciba_5_2_2_a_context_or_a_binding_message,
    |world| async {
        Cast::of(&world).await;
        let till = enrol(&world, till_file("till", "fapi2")).await;
        let bare = till.send(&world, "/bc-authorize", &sign_in()).await;
        refused(&bare, "invalid_binding_message", "no context at all");
        asked(&world, &till, &plus(&sign_in(), "binding_message", "W4SCT")).await;
    }
);

both!(
    fapi2_5_3_3_a_shared_secret_is_no_authentication_of_this_profile,
    |world| async {
        Cast::of(&world).await;
        let mut file = till_file("till", "fapi2");
        file["token_endpoint_auth_method"] = json!("client_secret_basic");
        assert!(world.try_add_client(file).await.is_err());
    }
);

both!(ciba_7_the_endpoint_takes_post_alone, |world| async {
    let reply = world.get("/bc-authorize?login_hint=alice", &[]).await;
    assert_eq!(reply.status, 405);
});

both!(ciba_7_2_the_client_is_authenticated_first, |world| async {
    let asker = asker(&world).await;
    let form = [
        ("client_id", "agt_asker"),
        ("login_hint", "nobody"),
        ("id_token_hint", "x"),
    ];
    for path in ["/bc-authorize", "/token"] {
        let grant = [("grant_type", CIBA), ("auth_req_id", "x")];
        let form: Vec<_> = match path {
            "/token" => form.into_iter().chain(grant).collect(),
            _ => form.to_vec(),
        };
        let reply = world.post(path, &form, &[]).await;
        let status = if path == "/token" { 400 } else { 401 };
        assert_eq!(
            reply.refusal(),
            (status, "invalid_client".to_owned()),
            "{path}"
        );
        assert_eq!(reply.header("content-type"), Some("application/json"));
    }
    let thief = TestAgent {
        assertion: Forge::new(&world.random),
        ..asker.clone()
    };
    let reply = thief.send(&world, "/bc-authorize", &question()).await;
    assert_eq!(reply.refusal(), (401, "invalid_client".to_owned()));
    assert!(world.events_named("approval.requested").await.is_empty());
});

both!(
    ciba_7_an_assertion_may_name_the_issuer_as_its_audience,
    |world| async {
        let asker = asker(&world).await;
        let form = asker.signed(&world, &question());
        let assertion = &form
            .iter()
            .find(|(n, _)| n == "client_assertion")
            .unwrap()
            .1;
        assert_eq!(writ_testkit::claims(assertion)["aud"], json!(ISSUER));
        let pairs: Vec<_> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let reply = world.post("/bc-authorize", &pairs, &[]).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
);

both!(ciba_7_1_a_request_asks_for_something, |world| async {
    let asker = asker(&world).await;
    let form = without(&question(), "authorization_details");
    let reply = asker.send(&world, "/bc-authorize", &form).await;
    assert_eq!(reply.status, 400, "{}", reply.text());
});

both!(ciba_7_1_unknown_parameters_are_ignored, |world| async {
    let asker = asker(&world).await;
    let reply = asker
        .send(&world, "/bc-authorize", &plus(&question(), "ui_hint", "x"))
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
});

both!(ciba_7_1_1_an_encrypted_request_is_refused, |world| async {
    Cast::of(&world).await;
    let mut file = till_file("signer", "oauth21");
    file["backchannel_authentication_request_signing_alg"] = json!("ES256");
    let signer = enrol(&world, file).await;
    for request in ["eyJhbGciOiJkaXIifQ..AAAA.AAAA.AAAA", "e30.e30.e30", "x"] {
        let form = vec![("request", request.to_owned())];
        let reply = signer.send(&world, "/bc-authorize", &form).await;
        assert_eq!(reply.status, 400, "{request}: {}", reply.text());
    }
});

both!(ciba_7_2_the_grant_is_registered, |world| async {
    Cast::of(&world).await;
    let mut file = till_file("till", "oauth21");
    file["grant_types"] = json!(["client_credentials"]);
    file["may_ask"] = json!([]);
    let till = enrol(&world, file).await;
    let reply = till.send(&world, "/bc-authorize", &sign_in()).await;
    refused(&reply, "unauthorized_client", "asks");
    let reply = till.send(&world, "/token", &poll("x")).await;
    refused(&reply, "unauthorized_client", "polls");
});

both!(
    ciba_7_1_2_who_has_a_user_code_is_not_asked_without_it,
    |world| async {
        Cast::of(&world).await;
        let mut phone = world.phone(1);
        phone.sign_in("alice").await;
        let code = [
            ("setting", "user_code".to_owned()),
            ("user_code", "tulip 24".to_owned()),
            ("password", PASSWORD.to_owned()),
        ];
        assert_eq!(phone.post("/app/settings", &code).await.reply.status, 200);
        let mut file = till_file("coded", "oauth21");
        file["backchannel_user_code_parameter"] = json!(true);
        let till = enrol(&world, file).await;
        let reply = till.send(&world, "/bc-authorize", &sign_in()).await;
        refused(&reply, "missing_user_code", "none");
        let wrong = plus(&sign_in(), "user_code", "rose 42");
        let reply = till.send(&world, "/bc-authorize", &wrong).await;
        refused(&reply, "invalid_user_code", "another");
        assert!(world.events_named("approval.requested").await.is_empty());
        asked(&world, &till, &plus(&sign_in(), "user_code", "tulip 24")).await;
        let plain = enrol(&world, till_file("plain", "oauth21")).await;
        asked(&world, &plain, &sign_in()).await;
    }
);

both!(
    ciba_7_2_an_id_token_hint_is_ours_and_for_this_client,
    |world| async {
        let cast = Cast::of(&world).await;
        let till = enrol(&world, till_file("till", "oauth21")).await;
        let now = world.now().seconds();
        let claims = json!({
            "iss": ISSUER, "sub": cast.alice, "aud": "till", "iat": now, "exp": now + 300,
            "auth_time": now
        });
        let changed = |name: &str, value: Value| {
            let mut claims = claims.clone();
            claims[name] = value;
            claims
        };
        let header = json!({ "alg": "ES256", "typ": "JWT" });
        let bad = [
            till.assertion.sign(&header, &claims),
            world.sign("JWT", &changed("aud", json!("other"))).await,
            world
                .sign("JWT", &changed("iss", json!("https://other.example")))
                .await,
            world.sign("at+jwt", &claims).await,
        ];
        let form = without(&sign_in(), "login_hint");
        for hint in bad {
            let form = with(&form, "id_token_hint", hint.clone());
            let reply = till.send(&world, "/bc-authorize", &form).await;
            assert_eq!(reply.status, 400, "{hint}: {}", reply.text());
        }
        let good = world.sign("JWT", &claims).await;
        asked(&world, &till, &with(&form, "id_token_hint", good)).await;
    }
);

both!(ciba_7_3_the_acknowledgement, |world| async {
    let asker = asker(&world).await;
    let reply = asker.send(&world, "/bc-authorize", &question()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let body = reply.json();
    assert_eq!(body["interval"], json!(5));
    assert_eq!(body["expires_in"], json!(300));
    let id = reply.member("auth_req_id");
    assert!(id.len() >= 27, "160 bits in base64url");
    let safe = |b: u8| b.is_ascii_alphanumeric() || b".-_".contains(&b);
    assert!(id.bytes().all(safe), "{id}");
    let other = json!([payment("99.00")]).to_string();
    let other = with(&question(), "authorization_details", other);
    assert_ne!(id, asked(&world, &asker, &other).await);
});

both!(ciba_10_1_an_unknown_auth_req_id, |world| async {
    let asker = asker(&world).await;
    let reply = asker.send(&world, "/token", &poll("never-issued")).await;
    refused(&reply, "invalid_grant", "never issued");
});

/// CIBA 10.1.1.
#[test]
fn ciba_10_1_a_held_poll_is_answered_within_thirty_seconds() {
    assert!(LONGEST_POLL <= Duration::from_secs(30));
}

both!(
    ciba_11_who_polls_too_fast_again_and_again_is_refused_for_good,
    |world| async {
        let asker = asker(&world).await;
        let id = asked(&world, &asker, &question()).await;
        let mut last = String::new();
        for _ in 0..=MAX_HASTY_POLLS + 1 {
            let reply = asker.send(&world, "/token", &poll(&id)).await;
            assert_eq!(reply.status, 400, "{}", reply.text());
            last = reply.error();
        }
        assert_eq!(last, "invalid_request");
        world.advance(250);
        let reply = asker.send(&world, "/token", &poll(&id)).await;
        refused(&reply, "invalid_request", "also after a while");
    }
);
