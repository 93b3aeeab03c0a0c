//! How a resource refuses: stolen, replayed, foreign and stopped tokens, with the right status and challenge
//! (RFC 6750 section 3, RFC 9068 section 4, RFC 9449 section 7.1, RFC 9728 section 5.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use writ_core::id::TaskId;
use writ_platform::Transport;
use writ_testkit::{
    BANK, Bank, Cast, Forge, ISSUER, TestReply, World, both, claims, enrol_plain, payment,
    plain_file, with, without,
};

/// Just these headers.
async fn raw(world: &World, method: &str, path: &str, headers: &[(&str, &str)]) -> TestReply {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{BANK}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .body(Bytes::from(payment("1.00").to_string()))
        .unwrap();
    TestReply::of(world.network.send(request).await.unwrap())
}

/// A proof of this key for the bank, with the nonce.
fn proof(world: &World, key: &Forge, token: &str, nonce: &str) -> String {
    let mut claims = key.proof_claims("GET", &format!("{BANK}/accounts"), world.now().seconds());
    claims["ath"] = json!(writ_jose::hash::access_token_hash(token));
    claims["nonce"] = json!(nonce);
    key.sign_proof(&claims)
}

/// `GET /accounts` with this token and a proof of this key; nonces are fetched as a client does.
pub(crate) async fn read(world: &World, key: &Forge, token: &str) -> TestReply {
    let authorization = format!("DPoP {token}");
    let first = proof(world, key, token, "none");
    let challenge = raw(
        world,
        "GET",
        "/accounts",
        &[("authorization", &authorization), ("dpop", &first)],
    )
    .await;
    let Some(nonce) = challenge.header("dpop-nonce") else {
        return challenge;
    };
    assert_eq!(challenge.refusal(), (401, "use_dpop_nonce".to_owned()));
    let second = proof(world, key, token, nonce);
    raw(
        world,
        "GET",
        "/accounts",
        &[("authorization", &authorization), ("dpop", &second)],
    )
    .await
}

#[track_caller]
pub(crate) fn challenged(reply: &TestReply, status: u16, error: &str) {
    assert_eq!(
        reply.refusal(),
        (status, error.to_owned()),
        "{}",
        reply.text()
    );
    let challenge = reply.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("DPoP "), "{challenge}");
    assert!(
        challenge.contains(&format!("error=\"{error}\"")),
        "{challenge}"
    );
    assert!(challenge.contains("algs=\"ES256"), "{challenge}");
    let metadata =
        "resource_metadata=\"https://bank.example/.well-known/oauth-protected-resource\"";
    assert!(challenge.contains(metadata), "{challenge}");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

both!(
    /// RFC 9449 section 7.1: a stolen token, a replayed proof, no proof, the wrong scheme: each with its challenge.
    rfc_9449_7_1_stolen_and_replayed,
    |world| async {
        let cast = Cast::of(&world).await;
        Bank::open(&world, &cast, |_| ());
        let token = cast.token(&world).await;
        let key = &cast.planner.dpop;
        assert_eq!(read(&world, key, &token).await.status, 200);
        for thief in [
            &Forge::new(&world.random),
            &cast.planner.assertion,
            &cast.booker.dpop,
        ] {
            challenged(&read(&world, thief, &token).await, 401, "invalid_token");
        }
        let authorization = format!("DPoP {token}");
        let first = proof(&world, key, &token, "none");
        let headers = [
            ("authorization", authorization.as_str()),
            ("dpop", first.as_str()),
        ];
        let challenge = raw(&world, "GET", "/accounts", &headers).await;
        challenged(&challenge, 401, "use_dpop_nonce");
        let nonce = challenge.header("dpop-nonce").unwrap().to_owned();
        let used = proof(&world, key, &token, &nonce);
        let headers = [
            ("authorization", authorization.as_str()),
            ("dpop", used.as_str()),
        ];
        assert_eq!(raw(&world, "GET", "/accounts", &headers).await.status, 200);
        challenged(
            &raw(&world, "GET", "/accounts", &headers).await,
            401,
            "invalid_dpop_proof",
        );
        let other = proof(&world, key, &token, &nonce);
        let headers = [
            ("authorization", authorization.as_str()),
            ("dpop", other.as_str()),
        ];
        challenged(
            &raw(&world, "POST", "/payments", &headers).await,
            401,
            "invalid_dpop_proof",
        );
        let headers = [("authorization", authorization.as_str())];
        challenged(
            &raw(&world, "GET", "/accounts", &headers).await,
            401,
            "invalid_dpop_proof",
        );
        let bearer = format!("Bearer {token}");
        let reply = raw(&world, "GET", "/accounts", &[("authorization", &bearer)]).await;
        challenged(&reply, 401, "invalid_token");
        let nothing = raw(&world, "GET", "/accounts", &[]).await;
        assert_eq!((nothing.status, nothing.text().as_str()), (401, ""));
        let challenge = nothing.header("www-authenticate").unwrap();
        assert!(
            challenge.starts_with("DPoP ") && !challenge.contains("error="),
            "RFC 6750 3.1: {challenge}"
        );
    }
);

both!(
    /// RFC 9068 section 4, RFC 6750 section 3.1: another audience, a forged or expired token, a plain client, a missing scope.
    rfc_9068_4_tokens_that_are_not_for_this,
    |world| async {
        let cast = Cast::of(&world).await;
        Bank::open(&world, &cast, |_| ());
        let key = &cast.planner.dpop;
        let token = cast.token(&world).await;
        let own = cast.planner.own(&world, &[]).await.access_token();
        let forged = Forge::new(&world.random);
        let header = json!({ "typ": "at+jwt", "alg": "ES256", "kid": "k" });
        let assertion = cast.planner.actor_assertion(&world, "agt_planner");
        let mut deep = claims(&token);
        for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
            deep["act"] = json!({
                "iss": ISSUER, "sub": format!("agt_{name}"), "sub_profile": "ai_agent", "dlg": "dlg_x", "act": deep["act"]
            });
        }
        let cases = [
            ("for the issuer", own),
            ("forged", forged.sign(&header, &claims(&token))),
            ("no access token", assertion),
            ("no token", "opaque".to_owned()),
            (
                "by our key, unknown to the issuer",
                world
                    .resigned(&token, |c| c["act"]["dlg"] = json!("dlg_x"))
                    .await,
            ),
            ("by our key, too deep", world.sign("at+jwt", &deep).await),
            (
                "by our key, `act` a list",
                world.resigned(&token, |c| c["act"] = json!([])).await,
            ),
        ];
        for (what, token) in &cases {
            let reply = read(&world, key, token).await;
            assert_eq!(reply.refusal(), (401, "invalid_token".to_owned()), "{what}");
        }
        let app = enrol_plain(&world, plain_file("app")).await;
        let plain = app
            .granted(&world, &cast, Some(&app.dpop))
            .await
            .access_token();
        challenged(&read(&world, &app.dpop, &plain).await, 401, "invalid_token");

        let only_pay = without(&cast.request(), "scope");
        let narrow = cast
            .granted(&world, &cast.planner, &only_pay, BANK)
            .await
            .access_token();
        let reply = read(&world, key, &narrow).await;
        challenged(&reply, 403, "insufficient_scope");
        assert!(
            reply
                .header("www-authenticate")
                .unwrap()
                .contains("scope=\"accounts:read\"")
        );
        world.advance(300);
        challenged(&read(&world, key, &token).await, 401, "invalid_token");
    }
);

both!(
    /// An issuer that cannot be asked is a refusal that may be tried again, never an acceptance.
    a_silent_issuer_is_a_refusal,
    |world| async {
        let cast = Cast::of(&world).await;
        Bank::open(&world, &cast, |config| {
            if let writ_verifier::LiveCheck::Introspection { client_secret, .. } = &mut config.live {
                *client_secret = writ_verifier::ClientSecret::new("wrong".to_owned());
            }
        });
        let token = cast.token(&world).await;
        let reply = read(&world, &cast.planner.dpop, &token).await;
        assert_eq!(reply.refusal(), (503, "temporarily_unavailable".to_owned()));
        assert_eq!(reply.header("retry-after"), Some("1"));
        assert!(!reply.text().contains("wrong"), "no cause in the answer");
    }
);

both!(
    /// A verifier follows a rotation: it fetches the keys again for a `kid` that it does not know.
    the_verifier_follows_two_rotations,
    |world| async {
        let cast = Cast::of(&world).await;
        Bank::open(&world, &cast, |_| ());
        let key = &cast.planner.dpop;
        assert_eq!(
            read(&world, key, &cast.token(&world).await).await.status,
            200
        );
        for _ in 0..2 {
            let done = world.rotate_keys().await;
            world.advance(60);
            let token = cast.token(&world).await;
            let header = URL_SAFE_NO_PAD
                .decode(token.split('.').next().unwrap())
                .unwrap();
            let header: Value = serde_json::from_slice(&header).unwrap();
            assert_eq!(header["kid"], json!(done.activated));
            assert_eq!(read(&world, key, &token).await.status, 200);
        }
    }
);

both!(
    /// Without `live` a token is taken until it expires: that is what the option is for, and the metadata of a task
    /// still ends it (`live` asks the issuer).
    offline_a_stop_counts_at_expiry,
    |world| async {
        let cast = Cast::of(&world).await;
        Bank::open(&world, &cast, |config| {
            config.live = writ_verifier::LiveCheck::No
        });
        let key = &cast.planner.dpop;
        let token = cast.token(&world).await;
        let task = TaskId::from_text(claims(&token)["mission"]["id"].as_str().unwrap());
        let mut transaction = world.begin().await;
        assert!(transaction.stop_task(&task, world.now()).await.unwrap());
        transaction.commit().await.unwrap();
        assert_eq!(read(&world, key, &token).await.status, 200);
        let form = with(&cast.exchange_form(&token, None), "scope", "accounts:read");
        assert_eq!(
            cast.planner.send(&world, "/token", &form).await.status,
            400,
            "and nothing new is made"
        );
        world.advance(300);
        challenged(&read(&world, key, &token).await, 401, "invalid_token");
    }
);
