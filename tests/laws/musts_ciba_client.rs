//! What CIBA Core demands of who asks at the backchannel endpoint: how a client authenticates, and what stands beside its request.

use serde_json::json;
use writ_testkit::{Cast, ISSUER, TestAgent, World, both, plus, refused};

use crate::laws::musts_ciba::{asker, enrol, question, sign_in, till_file};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The question at `/bc-authorize`, with an assertion for this audience.
async fn asked_at(world: &World, client: &TestAgent, audience: &str) -> u16 {
    let now = world.now().seconds();
    let assertion = client.assertion.assertion(&client.id, audience, now);
    let form = plus(&sign_in(), "binding_message", "W4SCT");
    let form = plus(&form, "client_assertion_type", ASSERTION_TYPE);
    let form = plus(&form, "client_assertion", &assertion);
    let pairs: Vec<_> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
    world.post("/bc-authorize", &pairs, &[]).await.status
}

both!(ciba_7_1_which_audiences_are_taken, |world| async {
    Cast::of(&world).await;
    let mut either = till_file("either", "oauth21");
    either["assertion_audience"] = json!("endpoint");
    let mut narrow = till_file("narrow", "oauth21");
    narrow["assertion_audience"] = json!("issuer");
    let urls = ["/token", "/bc-authorize", "/par"].map(|path| format!("{ISSUER}{path}"));
    for (file, taken) in [
        (till_file("common", "oauth21"), [200, 200, 401]),
        (narrow, [401, 401, 401]),
        (till_file("strict", "fapi2"), [401, 401, 401]),
        (either, [200, 200, 401]),
    ] {
        let till = enrol(&world, file).await;
        assert_eq!(asked_at(&world, &till, ISSUER).await, 200, "{}", till.id);
        let foreign = asked_at(&world, &till, "https://other.example").await;
        assert_eq!(foreign, 401, "{}", till.id);
        for (url, status) in urls.iter().zip(taken) {
            let found = asked_at(&world, &till, url).await;
            assert_eq!(found, status, "{} {url}", till.id);
        }
    }
});

both!(ciba_7_2_only_the_registered_method, |world| async {
    let asker = asker(&world).await;
    let form = question();
    let pairs: Vec<_> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
    // `agt_asker:secret`
    let basic = [("authorization", "Basic YWd0X2Fza2VyOnNlY3JldA==")];
    let reply = world.post("/bc-authorize", &pairs, &basic).await;
    assert_eq!(reply.refusal(), (401, "invalid_client".to_owned()));
    let reply = asker.send(&world, "/bc-authorize", &form).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
});

both!(
    ciba_7_2_unknown_parameters_beside_a_signed_request,
    |world| async {
        Cast::of(&world).await;
        let mut file = till_file("signer", "oauth21");
        file["backchannel_authentication_request_signing_alg"] = json!("ES256");
        let signer = enrol(&world, file).await;
        let now = world.now().seconds();
        let request = |jti: &str| {
            let claims = json!({
                "iss": "signer", "aud": ISSUER, "exp": now + 300, "iat": now, "nbf": now,
                "jti": jti, "scope": "openid", "login_hint": "alice", "binding_message": "W4SCT"
            });
            let typ = "oauth-authz-req+jwt";
            vec![("request", signer.assertion.sign_typed(typ, &claims))]
        };
        let beside = plus(&request("one"), "scope", "openid");
        let reply = signer.send(&world, "/bc-authorize", &beside).await;
        refused(&reply, "invalid_request", "a parameter of the request");
        let unknown = plus(&request("two"), "ui_hint", "x");
        let reply = signer.send(&world, "/bc-authorize", &unknown).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
);
