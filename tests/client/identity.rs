//! ID token (OpenID Connect Core 2 and 3.1.3) and `/userinfo` (5.3, RFC 9449 section 7): only with `openid`, only with the key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};
use writ_jose::jws::UnverifiedJwt;
use writ_jose::key::{PublicKey, RsaSignatures};
use writ_testkit::{
    Cast, Change, Fields, Forge, ISSUER, PASSWORD, REDIRECT, TestAgent, TestReply, Web, World,
    authorize_url, both, claims,
};
use writ_wire::jwk::Jwk;

/// An agent that may ask who the person is.
async fn reader(world: &World) -> TestAgent {
    let (assertion, dpop) = (Forge::new(&world.random), Forge::new(&world.random));
    world
        .add_client(json!({
            "client_id": "agt_reader", "client_name": "Reader", "profile": "agent",
            "redirect_uris": [REDIRECT], "jwks": { "keys": [assertion.jwk()] },
            "scope": "openid accounts:read",
            "agent": {
                "owner": "alice", "sponsor": "alice", "publisher": "Acme",
                "ceiling": {
                    "scopes": [{ "resource": writ_testkit::BANK, "scope": "accounts:read" }],
                    "lifetime": 7200
                }
            }
        }))
        .await;
    TestAgent {
        id: "agt_reader".to_owned(),
        assertion,
        dpop,
    }
}

/// What the reader gets for a scope, approved by alice.
async fn granted(world: &World, cast: &Cast, actor: &TestAgent, form: &Fields) -> TestReply {
    let pushed = actor.send(world, "/par", form).await;
    assert_eq!(pushed.status, 201, "{}", pushed.text());
    let url = authorize_url(&actor.id, &pushed.member("request_uri"));
    let (mut browser, page) = world.consent_page(&url).await;
    let code = browser
        .submit(&page, "consent-approve", &[])
        .await
        .query("code")
        .unwrap();
    let reply = actor.send(world, "/token", &cast.redeem_form(&code)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply
}

fn asking(cast: &Cast, scope: &str) -> Fields {
    let form = cast
        .request()
        .with("client_id", "agt_reader")
        .with("scope", scope);
    form.without("authorization_details")
}

/// `/userinfo` with these credentials and this proof.
pub(super) async fn userinfo(
    world: &World,
    method: Method,
    authorization: &str,
    proof: Option<&str>,
) -> TestReply {
    let mut headers = vec![("authorization", authorization)];
    headers.extend(proof.map(|proof| ("dpop", proof)));
    world.send(method, "/userinfo", &headers, Vec::new()).await
}

fn proof(world: &World, key: &Forge, method: &str, token: &str) -> String {
    key.proof_with(
        method,
        &format!("{ISSUER}/userinfo"),
        world.now().seconds(),
        token,
    )
}

/// `/userinfo` with a token that is bound to this key.
pub(super) async fn asked(world: &World, key: &Forge, token: &str) -> TestReply {
    let proof = proof(world, key, "GET", token);
    userinfo(world, Method::GET, &format!("DPoP {token}"), Some(&proof)).await
}

/// 401 with a challenge that names the error and the algorithms.
fn assert_challenged(reply: &TestReply, error: &str) {
    assert_eq!(reply.refusal(), (401, error.to_owned()), "{}", reply.text());
    let challenge = reply.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("DPoP "), "{challenge}");
    assert!(
        challenge.contains(&format!("error=\"{error}\"")),
        "{challenge}"
    );
    assert!(challenge.contains("algs=\"ES256"), "{challenge}");
}

both!(openid_2_what_an_id_token_says, |world| async {
    let cast = Cast::of(&world).await;
    let web = Web::register(&world, json!({})).await;
    let form = web
        .request()
        .with("scope", "openid accounts:read")
        .with("nonce", "n-0S6_WzA2Mj");
    let mut browser = world.browser();
    let login = browser.open(&writ_testkit::front_url(&form)).await;
    let page = browser.log_in(&login, "alice", PASSWORD).await;
    let logged_in = world.now().seconds();
    world.advance(20);
    let code = browser
        .submit(&page, "consent-approve", &[])
        .await
        .query("code")
        .unwrap();
    world.advance(20);
    let reply = web
        .send(&world, "/token", &web.redeem_form(&code), &[])
        .await;
    let (token, id_token) = (reply.access_token(), reply.member("id_token"));
    let found = claims(&id_token);
    let half = &writ_jose::hash::sha256(token.as_bytes())[..16];
    let expected = json!({
        "iss": ISSUER, "sub": cast.alice, "aud": "web", "azp": "web", "nonce": "n-0S6_WzA2Mj",
        "iat": logged_in + 40, "exp": logged_in + 340, "auth_time": logged_in,
        "acr": "urn:writ:acr:password", "amr": ["pwd"], "at_hash": URL_SAFE_NO_PAD.encode(half)
    });
    assert_eq!(found, expected);
    let unverified = UnverifiedJwt::parse_client_assertion(&id_token).unwrap();
    assert!(
        !unverified.typ_is("at+jwt"),
        "never taken for an access token"
    );
    let kid = unverified.header().kid.clone().unwrap();
    let keys = world.get("/jwks", &[]).await.json();
    let key = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["kid"] == json!(kid))
        .unwrap()
        .clone();
    let key: Jwk = serde_json::from_value(key).unwrap();
    unverified
        .verify_signature(&PublicKey::from_jwk_with(&key, RsaSignatures::PssAndPkcs1).unwrap())
        .unwrap();
    assert_eq!(reply.claims()["auth_time"], found["auth_time"]);
});

both!(openid_3_1_2_1_an_id_token_only_with_openid, |world| async {
    let cast = Cast::of(&world).await;
    let agent = reader(&world).await;
    let without = granted(&world, &cast, &agent, &asking(&cast, "accounts:read")).await;
    assert_eq!(without.json().get("id_token"), None);
    let with = granted(
        &world,
        &cast,
        &agent,
        &asking(&cast, "openid accounts:read"),
    )
    .await;
    let found = claims(&with.member("id_token"));
    assert_eq!(
        found["sub"],
        json!(cast.alice),
        "an agent learns who the person is"
    );
    assert_eq!(found["aud"], json!("agt_reader"));
    assert_eq!(found.get("nonce"), None, "none was sent");
    assert_eq!(
        with.claims()["aud"],
        json!(writ_testkit::BANK),
        "`openid` adds no audience"
    );
    assert_eq!(with.claims()["scope"], json!("accounts:read"));
});

both!(
    openid_5_3_userinfo_answers_the_token_for_the_issuer,
    |world| async {
        let cast = Cast::of(&world).await;
        let agent = reader(&world).await;
        let reply = granted(&world, &cast, &agent, &asking(&cast, "openid")).await;
        assert_eq!(reply.claims()["aud"], json!(ISSUER));
        let token = reply.access_token();
        let found = asked(&world, &agent.dpop, &token).await;
        assert_eq!(found.status, 200, "{}", found.text());
        assert_eq!(found.json(), json!({ "sub": cast.alice }));
        assert_eq!(
            found.json()["sub"],
            claims(&reply.member("id_token"))["sub"]
        );
        assert_eq!(found.header("cache-control"), Some("no-store"));
        let posting = proof(&world, &agent.dpop, "POST", &token);
        let posted = userinfo(
            &world,
            Method::POST,
            &format!("dpop {token}"),
            Some(&posting),
        )
        .await;
        assert_eq!(posted.status, 200, "{}", posted.text());
        world.advance(300);
        assert_challenged(&asked(&world, &agent.dpop, &token).await, "invalid_token");
    }
);

both!(userinfo_wants_the_key_too, |world| async {
    let cast = Cast::of(&world).await;
    let agent = reader(&world).await;
    let token = granted(&world, &cast, &agent, &asking(&cast, "openid"))
        .await
        .access_token();
    let dpop = format!("DPoP {token}");
    let good = || proof(&world, &agent.dpop, "GET", &token);
    assert_challenged(
        &userinfo(&world, Method::GET, &dpop, None).await,
        "invalid_token",
    );
    let bearer = format!("Bearer {token}");
    for proof in [None, Some(good())] {
        let reply = userinfo(&world, Method::GET, &bearer, proof.as_deref()).await;
        assert_challenged(&reply, "invalid_token");
    }
    let other = proof(&world, &cast.booker.dpop, "GET", &token);
    assert_challenged(
        &userinfo(&world, Method::GET, &dpop, Some(&other)).await,
        "invalid_token",
    );
    let now = world.now().seconds();
    let url = format!("{ISSUER}/userinfo");
    let bad = [
        agent.dpop.proof("GET", &url, now),
        agent.dpop.proof_with("GET", &url, now, "another token"),
        agent.dpop.proof_with("POST", &url, now, &token),
        agent
            .dpop
            .proof_with("GET", &format!("{ISSUER}/token"), now, &token),
        agent.dpop.proof_with("GET", &url, now - 61, &token),
        "x".to_owned(),
    ];
    for proof in bad {
        let reply = userinfo(&world, Method::GET, &dpop, Some(&proof)).await;
        assert_challenged(&reply, "invalid_dpop_proof");
    }
    let once = good();
    assert_eq!(
        userinfo(&world, Method::GET, &dpop, Some(&once))
            .await
            .status,
        200
    );
    let replayed = userinfo(&world, Method::GET, &dpop, Some(&once)).await;
    assert_challenged(&replayed, "invalid_dpop_proof");
});

both!(rfc_9068_4_userinfo_takes_no_other_token, |world| async {
    let cast = Cast::of(&world).await;
    let agent = reader(&world).await;
    let with = granted(
        &world,
        &cast,
        &agent,
        &asking(&cast, "openid accounts:read"),
    )
    .await;
    let bank = asked(&world, &agent.dpop, &with.access_token()).await;
    assert_challenged(&bank, "invalid_token");
    let id_token = asked(&world, &agent.dpop, &with.member("id_token")).await;
    assert_challenged(&id_token, "invalid_token");
    let good = with.access_token();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", signature.chars().rev().collect::<String>());
    assert_challenged(&asked(&world, &agent.dpop, &forged).await, "invalid_token");
    let own = agent.send(&world, "/token", &TestAgent::own_work()).await;
    assert_eq!(own.claims()["aud"], json!(ISSUER));
    let own = asked(&world, &agent.dpop, &own.access_token()).await;
    assert_eq!(
        own.refusal(),
        (403, "insufficient_scope".to_owned()),
        "for the issuer, without `openid`"
    );

    // OAuth 2.1 section 5.2.1: never in a query.
    let query = format!("/userinfo?access_token={good}");
    for (method, path, header) in [
        (Method::GET, "/userinfo", None),
        (Method::POST, "/userinfo", None),
        (Method::GET, query.as_str(), None),
        (Method::GET, "/userinfo", Some(("authorization", "Basic x"))),
        (Method::GET, "/userinfo", Some(("authorization", "Bearer"))),
    ] {
        let reply = world
            .send(method, path, header.as_slice(), Vec::new())
            .await;
        assert_eq!(reply.refusal(), (401, "invalid_token".to_owned()), "{path}");
        let said = reply.member("error_description");
        assert!(said.contains("as `Authorization: Bearer`"), "{said}");
        let challenge = reply.header("www-authenticate").unwrap();
        assert!(
            challenge.starts_with("DPoP ") && !challenge.contains("error"),
            "RFC 6750 section 3.1: {challenge}"
        );
    }
    let twice = [("authorization", "DPoP x"), ("authorization", "DPoP x")];
    assert_eq!(
        world.get("/userinfo", &twice).await.refusal(),
        (400, "invalid_request".to_owned())
    );
});

both!(userinfo_ends_with_the_task, |world| async {
    let cast = Cast::of(&world).await;
    let agent = reader(&world).await;
    let token = granted(&world, &cast, &agent, &asking(&cast, "openid"))
        .await
        .access_token();
    assert_eq!(asked(&world, &agent.dpop, &token).await.status, 200);
    let mut browser = world.browser();
    let page = browser.open("/app/agents").await;
    let page = browser.log_in(&page, "alice", PASSWORD).await;
    browser.submit(&page, "task-stop", &[]).await;
    assert_challenged(&asked(&world, &agent.dpop, &token).await, "invalid_token");
});

both!(resource_names_the_issuer_for_userinfo, |world| async {
    let cast = Cast::of(&world).await;
    let agent = reader(&world).await;
    let pushed = agent
        .send(&world, "/par", &asking(&cast, "openid accounts:read"))
        .await;
    let url = authorize_url(&agent.id, &pushed.member("request_uri"));
    let (mut browser, page) = world.consent_page(&url).await;
    assert!(
        page.reply.text().contains("It also learns who you are"),
        "{}",
        page.reply.text()
    );
    let code = browser
        .submit(&page, "consent-approve", &[])
        .await
        .query("code")
        .unwrap();
    let form = cast.redeem_form(&code).with("resource", ISSUER);
    let reply = agent.send(&world, "/token", &form).await;
    assert_eq!(reply.claims()["aud"], json!(ISSUER), "{}", reply.text());
    assert_eq!(
        reply.claims()["scope"],
        json!("openid"),
        "only what this audience needs"
    );
    assert_eq!(
        asked(&world, &agent.dpop, &reply.access_token())
            .await
            .status,
        200
    );
});

both!(
    a_bearer_token_of_the_client_that_may_have_one,
    |world| async {
        let cast = Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let code = web
            .code(&world, &web.request().with("scope", "openid"))
            .await;
        let reply = web
            .send(&world, "/token", &web.redeem_form(&code), &[])
            .await;
        let token = reply.access_token();
        let found = userinfo(&world, Method::GET, &format!("Bearer {token}"), None).await;
        assert_eq!(found.json()["sub"], json!(cast.alice));
        let key = Forge::new(&world.random);
        let own = proof(&world, &key, "GET", &token);
        let dressed = userinfo(&world, Method::GET, &format!("DPoP {token}"), Some(&own)).await;
        assert_challenged(&dressed, "invalid_token");
        let claims: Value = reply.claims();
        assert_eq!(
            (claims.get("act"), claims.get("mission")),
            (None, None),
            "a plain client's token"
        );
    }
);
