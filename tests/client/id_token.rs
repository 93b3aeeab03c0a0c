//! Which key signs an ID token, and that a refresh gives one again (OpenID Connect Core 2, 3.1.3.7, 12.2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use writ_jose::jws::UnverifiedJwt;
use writ_jose::key::{PublicKey, RsaSignatures, RsaSigningKey};
use writ_server::background;
use writ_testkit::{Cast, Change, Fields, TestReply, Web, World, both, claims};
use writ_wire::jwk::Jwk;

/// Tokens of `openid` for alice.
async fn granted(world: &World, web: &Web, form: &Fields) -> TestReply {
    let code = web.code(world, form).await;
    let reply = web
        .send(world, "/token", &web.redeem_form(&code), &[])
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply
}

fn asking(web: &Web) -> Fields {
    web.request()
        .with("scope", "openid accounts:read")
        .with("nonce", "n1")
}

async fn published(world: &World) -> Vec<Value> {
    let keys = world.get("/jwks", &[]).await.json();
    keys["keys"].as_array().unwrap().clone()
}

/// The algorithm with which a published key verifies it.
async fn algorithm(world: &World, token: &str) -> String {
    let jws = UnverifiedJwt::parse_client_assertion(token).unwrap();
    let kid = jws.header().kid.clone().unwrap();
    let keys = published(world).await;
    let key = keys.iter().find(|key| key["kid"] == json!(kid)).unwrap();
    let jwk: Jwk = serde_json::from_value(key.clone()).unwrap();
    let public = PublicKey::from_jwk_with(&jwk, RsaSignatures::PssAndPkcs1).unwrap();
    jws.verify_signature(&public).unwrap();
    assert_eq!(key["alg"], json!(jws.header().alg.as_str()));
    assert_eq!(key["use"], json!("sig"));
    for private in ["d", "p", "q", "dp", "dq", "qi"] {
        assert_eq!(key.get(private), None);
    }
    jws.header().alg.as_str().to_owned()
}

both!(
    oidc_core_3_1_3_7_rs256_for_whoever_says_nothing_and_es256_for_whoever_asks,
    |world| async {
        Cast::of(&world).await;
        let silent = Web::register(&world, json!({})).await;
        let named = json!({ "client_id": "named", "id_token_signed_response_alg": "ES256" });
        let named = Web::register(&world, named).await;
        for (web, expected) in [(&named, "ES256"), (&silent, "RS256")] {
            let reply = granted(&world, web, &asking(web)).await;
            let id_token = reply.member("id_token");
            assert_eq!(algorithm(&world, &id_token).await, expected);
            assert_eq!(algorithm(&world, &reply.access_token()).await, "ES256");
            assert_eq!(claims(&id_token)["nonce"], json!("n1"));
        }
        let userinfo = [("authorization", "Bearer x")];
        assert_eq!(world.get("/userinfo", &userinfo).await.status, 401);
    }
);

both!(
    oidc_core_15_1_an_rs256_id_token_is_no_access_token,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let reply = granted(&world, &web, &asking(&web)).await;
        let bearer = format!("Bearer {}", reply.member("id_token"));
        let refused = world.get("/userinfo", &[("authorization", &bearer)]).await;
        assert_eq!(refused.refusal(), (401, "invalid_token".to_owned()));
        let listed = world
            .get("/.well-known/openid-configuration", &[])
            .await
            .json();
        let algorithms = &listed["id_token_signing_alg_values_supported"];
        assert_eq!(*algorithms, json!(["RS256", "ES256"]));
    }
);

both!(the_fapi_profiles_sign_with_es256_alone, |world| async {
    let cast = Cast::of(&world).await;
    let jwks = json!({ "keys": [cast.planner.assertion.jwk()] });
    for alg in ["RS256", "none", "HS256"] {
        let file = json!({
            "client_id": "strict", "client_name": "Strict", "profile": "fapi2", "jwks": jwks,
            "redirect_uris": ["https://strict.example/cb"], "id_token_signed_response_alg": alg
        });
        let refused = world.try_add_client(file).await.unwrap_err();
        assert!(
            refused.contains("`id_token_signed_response_alg` is `ES256`"),
            "{refused}"
        );
    }
    let ordinary = Web::file(json!({ "id_token_signed_response_alg": "HS256" }));
    let refused = world.try_add_client(ordinary).await.unwrap_err();
    assert!(refused.contains("`RS256` or `ES256`"), "{refused}");
});

both!(
    oidc_core_12_2_a_refresh_gives_an_id_token_of_the_same_login,
    |world| async {
        let cast = Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let first = granted(&world, &web, &asking(&web)).await;
        let before = claims(&first.member("id_token"));
        world.advance(120);
        let form = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", first.member("refresh_token")),
        ];
        let second = web.send(&world, "/token", &form, &[]).await;
        let after = claims(&second.member("id_token"));
        assert_eq!(after["sub"], json!(cast.alice));
        for same in ["iss", "sub", "aud", "azp", "auth_time", "acr", "amr"] {
            assert_eq!(after[same], before[same], "{same}");
        }
        assert_eq!(after.get("nonce"), None, "no nonce in a refreshed one");
        assert_eq!(
            after["iat"].as_i64().unwrap(),
            before["iat"].as_i64().unwrap() + 120
        );
        let narrower = form.clone().with("scope", "accounts:read");
        let third = web.send(&world, "/token", &narrower, &[]).await;
        assert_eq!(third.status, 200, "{}", third.text());
        assert_eq!(third.json().get("id_token"), None, "`openid` was left out");
        let plain = granted(&world, &web, &web.request()).await;
        let form = form.with("refresh_token", plain.member("refresh_token"));
        let again = web.send(&world, "/token", &form, &[]).await;
        assert_eq!(again.json().get("id_token"), None, "never granted");
    }
);

both!(rsa_keys_are_made_once_sealed_and_rotated, |world| async {
    Cast::of(&world).await;
    let rsa = |keys: Vec<Value>| keys.into_iter().filter(|key| key["kty"] == "RSA").count();
    let started = world.begin().await.id_token_keys().await.unwrap();
    assert_eq!(started.len(), 0, "a start makes none");
    assert_eq!(
        rsa(published(&world).await),
        1,
        "whoever reads the keys waits for it"
    );
    let other = world.node().await;
    let made = [&world.app, &other.app].map(|app| app.complete_id_token_keys());
    for made in futures_of(made).await {
        made.unwrap();
    }
    let rows = world.begin().await.id_token_keys().await.unwrap();
    assert_eq!(rows.len(), 2, "one active, one next, whoever came first");
    for row in &rows {
        let sealed = URL_SAFE_NO_PAD
            .decode(row.sealed.as_ref().unwrap())
            .unwrap();
        let read = RsaSigningKey::from_pkcs8(&sealed);
        assert!(read.is_err(), "sealed under the master key");
    }
    world.advance(11);
    assert_eq!(rsa(published(&world).await), 2);
    let web = Web::register(&world, json!({})).await;
    let before = granted(&world, &web, &asking(&web))
        .await
        .member("id_token");
    let rotated = world.rotate_keys().await;
    assert_eq!(rotated.id_token.unwrap().retired, kid(&before));
    world.advance(11);
    let after = granted(&world, &web, &asking(&web))
        .await
        .member("id_token");
    assert_ne!(kid(&after), kid(&before));
    assert_eq!(algorithm(&world, &before).await, "RS256", "still published");
    world.advance(400);
    background::sweep_once(&world.app).await.unwrap();
    world.advance(11);
    let kids: Vec<Value> = published(&world).await;
    assert!(kids.iter().all(|key| key["kid"] != json!(kid(&before))));
    let gone = world.begin().await.id_token_keys().await.unwrap();
    let gone = gone
        .into_iter()
        .find(|row| row.kid == kid(&before))
        .unwrap();
    assert_eq!(gone.sealed, None, "its private part is gone");
});

async fn futures_of<F: Future>(made: [F; 2]) -> [F::Output; 2] {
    let [one, two] = made;
    let (one, two) = tokio::join!(one, two);
    [one, two]
}

fn kid(token: &str) -> String {
    let jws = UnverifiedJwt::parse_client_assertion(token).unwrap();
    jws.header().kid.clone().unwrap()
}
