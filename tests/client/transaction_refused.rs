//! What the server does not take of a transaction challenge (draft-rosomakho-oauth-txn-challenge-00): each demand broken, and
//! nobody is asked.

use serde_json::{Value, json};
use writ_testkit::{
    BANK, Change, Forge, ISSUER, SHOP, TRANSACTIONS, TestAgent, World, agent_file, both_with,
    enrol, enrol_plain, payment, plain_file, poll_form, present_form, refused, with,
};

use crate::client::transaction::{Scene, opened};

const INVALID: &str = "invalid_request";
const DETAILS: &str = "invalid_authorization_details";

/// A good challenge with one claim set, or removed by `null`.
fn changed(scene: &Scene, world: &World, name: &str, value: Value) -> String {
    let mut claims = scene.bank.challenge_claims(world);
    let members = claims.as_object_mut().unwrap();
    match value {
        Value::Null => _ = members.remove(name),
        value => _ = members.insert(name.to_owned(), value),
    }
    scene.bank.challenge(&claims)
}

/// Each is refused with its code, and no person hears of any.
async fn none_is_taken(world: &World, scene: &Scene, rows: Vec<(String, &str, String)>) {
    for (challenge, error, what) in rows {
        let reply = scene
            .cast
            .planner
            .present(world, &challenge, &scene.token)
            .await;
        refused(&reply, error, &what);
    }
    assert!(world.events_named("approval.requested").await.is_empty());
    let good = scene.bank.challenge(&scene.bank.challenge_claims(world));
    scene
        .cast
        .planner
        .presented(world, &good, &scene.token)
        .await;
}

both_with!(
    draft_as_processing_the_signature_is_a_registered_resources,
    TRANSACTIONS,
    |world| async {
        let scene = opened(&world).await;
        let claims = scene.bank.challenge_claims(&world);
        let header = json!({ "alg": "ES256", "typ": "txn-authz-challenge+jwt", "kid": scene.bank.thumbprint() });
        let header_with = |name: &str, value: Value| {
            let mut header = header.clone();
            header[name] = value;
            header
        };
        // Another resource that has keys of its own.
        world.add_shop().await;
        let shop = Forge::new(&world.random);
        world
            .add_resource(json!({
                "resource": SHOP, "name": "Shop", "authorization_details_types": ["payment"],
                "txn_challenge_jwks": { "keys": [shop.jwk()] }
            }))
            .await;
        let stranger = Forge::new(&world.random);
        let (start, _) = scene
            .bank
            .challenge(&claims)
            .rsplit_once('.')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        let mut wider = claims.clone();
        wider["authorization_details"] = json!([payment("400.00")]);
        let wider = scene.bank.challenge(&wider);
        let signature = scene.bank.challenge(&claims);
        let signature = signature.rsplit_once('.').unwrap().1;
        let swapped = format!("{}.{signature}", wider.rsplit_once('.').unwrap().0);
        let rows = [
            (stranger.challenge(&claims), "a key that nobody registered"),
            (
                stranger.sign(&header, &claims),
                "the right `kid`, another key",
            ),
            (shop.challenge(&claims), "another resource's key"),
            (scene.bank.unsigned(&claims), "alg none"),
            (
                scene
                    .bank
                    .mac_by_public_key(&header_with("alg", json!("HS256")), &claims),
                "HMAC",
            ),
            (
                scene.bank.sign(&header_with("typ", json!("JWT")), &claims),
                "another typ",
            ),
            (
                scene
                    .bank
                    .sign(&header_with("typ", json!("at+jwt")), &claims),
                "an access token's typ",
            ),
            (
                scene.bank.sign(
                    &json!({ "alg": "ES256", "typ": "txn-authz-challenge+jwt" }),
                    &claims,
                ),
                "no kid",
            ),
            (
                scene.bank.sign(&header_with("crit", json!(["x"])), &claims),
                "crit",
            ),
            (swapped, "claims under another signature"),
            (format!("{start}."), "no signature"),
            ("e30.e30.e30".to_owned(), "no challenge"),
            (scene.token.clone(), "an access token"),
        ];
        let rows = rows.map(|(text, what)| (text, INVALID, what.to_owned()));
        none_is_taken(&world, &scene, rows.into()).await;
    }
);

both_with!(
    draft_as_processing_each_claim_is_there_and_fits,
    TRANSACTIONS,
    |world| async {
        let scene = opened(&world).await;
        let now = world.now().seconds();
        let required = [
            "iss",
            "aud",
            "iat",
            "exp",
            "jti",
            "txn",
            "authorization_details",
            "reason",
        ];
        let mut rows: Vec<(String, &str, String)> = required
            .iter()
            .map(|name| {
                (
                    changed(&scene, &world, name, Value::Null),
                    INVALID,
                    format!("no {name}"),
                )
            })
            .collect();
        let act = |sub: &str| json!({ "iss": ISSUER, "sub": sub });
        let mut nested = act("agt_planner");
        nested["act"] = act("agt_booker");
        for (name, value, error) in [
            ("iss", json!(SHOP), INVALID),
            ("iss", json!("https://bank.example/"), INVALID),
            ("aud", json!("https://other.example"), INVALID),
            ("aud", json!(["https://other.example"]), INVALID),
            ("exp", json!(now), INVALID),
            ("exp", json!(now + 601), INVALID),
            ("iat", json!(now + 11), INVALID),
            ("txn", json!(""), INVALID),
            ("txn", json!(7), INVALID),
            ("txn", json!("x".repeat(257)), INVALID),
            ("jti", json!(""), INVALID),
            ("reason", json!("\u{200b}"), INVALID),
            ("reason", json!("x".repeat(1025)), INVALID),
            ("authorization_details", json!([]), INVALID),
            (
                "authorization_details",
                json!([{ "type": "unknown" }]),
                DETAILS,
            ),
            (
                "authorization_details",
                json!([{ "type": "calendar" }]),
                DETAILS,
            ),
            ("authorization_details", json!([payment("500.01")]), DETAILS),
            ("authorization_details", json!([located(SHOP)]), DETAILS),
            ("act", act("agt_booker"), INVALID),
            ("act", nested, INVALID),
            ("act", json!({ "sub": "agt_planner" }), INVALID),
            ("act", json!("agt_planner"), INVALID),
            ("sub", json!("usr_other"), INVALID),
        ] {
            let what = format!("{name}: {value}");
            rows.push((changed(&scene, &world, name, value), error, what));
        }
        none_is_taken(&world, &scene, rows).await;
    }
);

fn located(resource: &str) -> Value {
    let mut located = payment("1.00");
    located["locations"] = json!([resource]);
    located
}

both_with!(
    draft_as_processing_what_is_not_understood_is_ignored,
    TRANSACTIONS,
    |world| async {
        let scene = opened(&world).await;
        let planner = &scene.cast.planner;
        let mut claims = scene.bank.challenge_claims(&world);
        claims["more"] = json!({ "of": "this" });
        claims["reason_uri"] = json!("https://bank.example/why");
        claims["aud"] = json!(["https://other.example", ISSUER]);
        claims["authorization_details"] = json!([located(BANK)]);
        claims.as_object_mut().unwrap().remove("act");
        let challenge = scene.bank.challenge(&claims);
        let id = planner.presented(&world, &challenge, &scene.token).await;
        let asked = world.waiting(&id).await.asked;
        assert_eq!(asked.transaction.unwrap().resource.as_str(), BANK);
    }
);

both_with!(
    draft_request_the_client_is_authenticated_permitted_and_says_for_whom,
    TRANSACTIONS,
    |world| async {
        let scene = opened(&world).await;
        let planner = &scene.cast.planner;
        let fresh = || scene.bank.challenge(&scene.bank.challenge_claims(&world));
        let path = "/transaction_authorization";
        let (challenge, token) = (fresh(), scene.token.as_str());
        let form = present_form(&challenge, token);
        let pairs: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let reply = world.post(path, &pairs, &[]).await;
        assert_eq!(reply.refusal(), (400, "invalid_client".to_owned()));
        let public = enrol_plain(&world, plain_file("public")).await;
        let reply = public.send(&world, path, &form).await;
        assert_eq!(
            reply.refusal(),
            (400, "invalid_client".to_owned()),
            "the draft: 3.2.1 of RFC 6749"
        );
        let bare = form
            .clone()
            .without("subject_token")
            .without("subject_token_type");
        for (form, what) in [
            (bare, "nobody named"),
            (with(&form, "subject_token", "x.y.z"), "no token"),
            (
                form.clone().and("transaction_authorization_id", "x"),
                "both",
            ),
            (form.clone().and("transaction_challenge", "x"), "twice"),
            (vec![], "nothing"),
        ] {
            refused(&planner.send(&world, path, &form).await, INVALID, what);
        }
        let no_proof = planner.send_with(&world, path, &form, &[]).await;
        refused(&no_proof, INVALID, "no proof of the token's key");
        // Another agent with a stolen token, and the agent with another key.
        let stolen = scene.cast.booker.present(&world, &fresh(), token).await;
        refused(&stolen, INVALID, "a stolen token");
        let other = planner.with_key(Forge::new(&world.random));
        refused(
            &other.present(&world, &fresh(), token).await,
            INVALID,
            "another key",
        );
        let mut file = agent_file("agt_other", "alice");
        file["grant_types"] = json!(["client_credentials"]);
        let other = enrol(&world, file).await;
        let reply = other.present(&world, &fresh(), token).await;
        refused(&reply, "unauthorized_client", "may ask nobody");
        assert!(world.events_named("approval.requested").await.is_empty());
        planner.presented(&world, &fresh(), token).await;
    }
);

both_with!(
    draft_challenge_is_used_once_and_a_refusal_uses_nothing,
    TRANSACTIONS,
    |world| async {
        let scene = opened(&world).await;
        let planner = &scene.cast.planner;
        let claims = scene.bank.challenge_claims(&world);
        let challenge = scene.bank.challenge(&claims);
        let stolen = scene
            .cast
            .booker
            .present(&world, &challenge, &scene.token)
            .await;
        refused(&stolen, INVALID, "not the holder");
        planner.presented(&world, &challenge, &scene.token).await;
        let again = planner.present(&world, &challenge, &scene.token).await;
        refused(&again, INVALID, "replayed");
        // The same `jti` in a challenge that was signed anew.
        let mut renamed = claims.clone();
        renamed["txn"] = json!("order-8");
        let renamed = scene.bank.challenge(&renamed);
        let reply = planner.present(&world, &renamed, &scene.token).await;
        refused(&reply, INVALID, "the same jti");
        // The same transaction anew takes the place of the older question; another one stands beside it.
        let mut fresh = claims.clone();
        fresh["jti"] = json!(scene.bank.jti());
        planner
            .presented(&world, &scene.bank.challenge(&fresh), &scene.token)
            .await;
        let mut alice = world.phone_of("alice").await;
        assert_eq!(alice.inbox().await.len(), 1);
        let other = scene.bank.challenge(&scene.bank.challenge_claims(&world));
        planner.presented(&world, &other, &scene.token).await;
        assert_eq!(alice.inbox().await.len(), 2);
    }
);

both_with!(
    draft_response_the_id_is_the_clients_and_of_its_kind,
    TRANSACTIONS,
    |world| async {
        let scene = opened(&world).await;
        let (planner, booker) = (&scene.cast.planner, &scene.cast.booker);
        let challenge = scene.bank.challenge(&scene.bank.challenge_claims(&world));
        let id = planner.presented(&world, &challenge, &scene.token).await;
        let question = scene.cast.question_within(&scene.token);
        let auth_req_id = planner.asked(&world, &question).await;
        for handle in [&id, &auth_req_id] {
            world.approve(handle, "alice").await;
        }
        let wrong: [(&TestAgent, &str, &str); 2] = [
            (booker, &id, "another client"),
            (planner, &auth_req_id, "an auth_req_id"),
        ];
        for (who, handle, what) in wrong {
            let reply = who.poll_transaction(&world, handle).await;
            refused(&reply, "invalid_grant", what);
        }
        let reply = planner.send(&world, "/token", &poll_form(&id)).await;
        refused(&reply, "invalid_grant", "as an auth_req_id");
        let other = planner.with_key(Forge::new(&world.random));
        let reply = other.poll_transaction(&world, &id).await;
        refused(&reply, "invalid_grant", "another key");
        assert_eq!(planner.poll_transaction(&world, &id).await.status, 200);
        assert_eq!(planner.poll(&world, &auth_req_id).await.status, 200);
    }
);

both_with!(
    draft_security_a_resource_that_is_not_trusted_any_more_gets_no_token,
    TRANSACTIONS,
    |world| async {
        let scene = opened(&world).await;
        let planner = &scene.cast.planner;
        let fresh = || scene.bank.challenge(&scene.bank.challenge_claims(&world));
        let id = planner.presented(&world, &fresh(), &scene.token).await;
        world.approve(&id, "alice").await;
        world.add_resource(scene.cast.bank_file(Value::Null)).await;
        let reply = planner.poll_transaction(&world, &id).await;
        refused(&reply, "invalid_grant", "judged again");
        let reply = planner.present(&world, &fresh(), &scene.token).await;
        refused(&reply, INVALID, "no keys any more");
    }
);

both_with!(
    who_is_disabled_after_the_yes_gets_no_token,
    TRANSACTIONS,
    |world| async {
        let scene = opened(&world).await;
        let planner = &scene.cast.planner;
        let fresh = || scene.bank.challenge(&scene.bank.challenge_claims(&world));
        let id = planner.presented(&world, &fresh(), &scene.token).await;
        world.approve(&id, "alice").await;
        world.disable("alice").await;
        let reply = planner.poll_transaction(&world, &id).await;
        refused(&reply, "invalid_grant", "judged again");
        let reply = planner.present(&world, &fresh(), &scene.token).await;
        assert_eq!(reply.status, 400, "{}", reply.text());
    }
);

both_with!(
    draft_request_a_number_to_match_holds_here_too,
    TRANSACTIONS,
    |world| async {
        let scene = opened(&world).await;
        let mut file = agent_file("agt_number", "alice");
        file["number_matching"] = json!(true);
        let agent = enrol(&world, file).await;
        let request = scene.cast.request();
        let token = scene.cast.granted(&world, &agent, &request, BANK).await;
        let act = json!({ "iss": ISSUER, "sub": "agt_number" });
        let challenge = changed(&scene, &world, "act", act);
        let reply = agent
            .present(&world, &challenge, &token.access_token())
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let number = reply.json()["number_to_match"].as_u64();
        let id = reply.member("transaction_authorization_id");
        let kept = world.waiting(&id).await.asked.number.map(u64::from);
        assert!(number.is_some() && number == kept);
    }
);
