//! OpenID Connect Back-Channel Logout: a provider that says that somebody is signed out there ends the sessions that it opened here, once, and
//! nothing else.

use std::pin::pin;
use std::time::Duration;

use serde_json::{Value, json};
use writ_authority::Level;
use writ_core::authorize::OpenedBy;
use writ_platform::Random;
use writ_store::session::{NewUserSession, UpstreamSession};
use writ_testkit::{
    Cast, Forge, TestProvider, TestReply, UPSTREAM_CLIENT, UPSTREAM_SUBJECT, World, both_upstream,
    merge,
};

use super::upstream::{name_of, sign_in_as};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn claims(world: &World, acme: &TestProvider, changes: Value) -> Value {
    let mut claims = json!({
        "iss": acme.origin, "aud": UPSTREAM_CLIENT, "iat": world.now().seconds(), "jti": acme.key.jti(),
        "exp": world.now().seconds() + 120, "sub": UPSTREAM_SUBJECT, "events": { EVENT: {} }
    });
    merge(&mut claims, changes);
    claims
}

async fn send(world: &World, token: &str) -> TestReply {
    let form = [("logout_token", token)];
    world.post("/upstream/acme/logout", &form, &[]).await
}

pub(super) async fn log_out(world: &World, acme: &TestProvider, changes: Value) -> TestReply {
    let token = acme
        .key
        .sign_typed("logout+jwt", &claims(world, acme, changes));
    send(world, &token).await
}

both_upstream!(
    backchannel_2_7_the_sessions_of_that_provider_end,
    [("ANYONE", "true")],
    |world, acme| async {
        Cast::of(&world).await;
        let mut desk = world.browser();
        sign_in_as(&world, &acme, &mut desk, json!({ "sid": "desk" })).await;
        let mut phone = world.browser();
        sign_in_as(&world, &acme, &mut phone, json!({ "sid": "phone" })).await;
        let mut other = world.browser();
        sign_in_as(
            &world,
            &acme,
            &mut other,
            json!({ "sub": "other", "sid": "other" }),
        )
        .await;
        // One session there is one session here.
        let done = log_out(&world, &acme, json!({ "sid": "desk" })).await;
        assert_eq!(done.status, 200, "{}", done.text());
        assert_eq!(done.header("cache-control"), Some("no-store"));
        assert_eq!(desk.open("/app").await.url.path(), "/login");
        assert_eq!(phone.open("/app").await.url.path(), "/app");
        // One of which the provider said no name ends with any of the person's.
        let mut unnamed = world.browser();
        sign_in_as(&world, &acme, &mut unnamed, json!({})).await;
        let unknown = json!({ "sid": "of-a-tablet", "sub": "other" });
        assert_eq!(log_out(&world, &acme, unknown).await.status, 200);
        assert_eq!(unnamed.open("/app").await.url.path(), "/app");
        let done = log_out(&world, &acme, json!({ "sid": "of-a-tablet" })).await;
        assert_eq!(done.status, 200);
        assert_eq!(unnamed.open("/app").await.url.path(), "/login");
        assert_eq!(phone.open("/app").await.url.path(), "/app");
        // Without its name all of the person's are.
        assert_eq!(log_out(&world, &acme, json!({})).await.status, 200);
        assert_eq!(phone.open("/app").await.url.path(), "/login");
        assert_eq!(other.open("/app").await.url.path(), "/app");
        // Whoever is not signed in by it any more is signed out.
        assert_eq!(log_out(&world, &acme, json!({})).await.status, 200);
        assert_eq!(
            log_out(&world, &acme, json!({ "sub": "nobody" }))
                .await
                .status,
            200
        );
        let ended = world.events_named("logout.succeeded").await;
        assert_eq!(ended.len(), 3);
        assert!(ended.iter().all(|event| event.data["by"] == "upstream"));
    }
);

both_upstream!(
    backchannel_2_6_what_is_no_logout_token_ends_nothing,
    [("ANYONE", "true")],
    |world, acme| async {
        let mut browser = world.browser();
        sign_in_as(&world, &acme, &mut browser, json!({})).await;
        let now = world.now().seconds();
        for changes in [
            json!({ "iss": "https://evil.example" }),
            json!({ "aud": "another-client" }),
            json!({ "iat": now - 360 }),
            json!({ "iat": now + 61 }),
            json!({ "exp": now - 60 }),
            json!({ "jti": null }),
            json!({ "events": {} }),
            json!({ "nonce": "n" }),
            json!({ "sub": null }),
        ] {
            let reply = log_out(&world, &acme, changes.clone()).await;
            assert_eq!(
                reply.refusal(),
                (400, "invalid_request".to_owned()),
                "{changes}"
            );
        }
        let good = claims(&world, &acme, json!({}));
        let stranger = Forge::new(&Random::seeded(7));
        let kid = json!({ "alg": "ES256", "kid": acme.key.thumbprint(), "typ": "logout+jwt" });
        for token in [
            acme.key.unsigned(&good),
            stranger.sign(&kid, &good),
            stranger.sign_typed("logout+jwt", &good),
            acme.key
                .mac_by_public_key(&json!({ "alg": "HS256" }), &good),
            // An access token or an assertion of another kind.
            acme.key.sign_typed("at+jwt", &good),
            "x".to_owned(),
            String::new(),
        ] {
            let reply = send(&world, &token).await;
            assert_eq!(
                reply.refusal(),
                (400, "invalid_request".to_owned()),
                "{token}"
            );
        }
        assert_eq!(
            world.post("/upstream/acme/logout", &[], &[]).await.status,
            400
        );
        assert_eq!(
            world.post("/upstream/evil/logout", &[], &[]).await.status,
            404
        );
        assert_eq!(browser.open("/app").await.url.path(), "/app");
        // Once is once.
        let token = acme.key.sign_typed("logout+jwt", &good);
        assert_eq!(send(&world, &token).await.status, 200);
        assert_eq!(browser.open("/app").await.url.path(), "/login");
        sign_in_as(&world, &acme, &mut browser, json!({})).await;
        assert_eq!(send(&world, &token).await.status, 400);
        assert_eq!(browser.open("/app").await.url.path(), "/app");
    }
);

both_upstream!(
    /// A login that is not committed yet is waited for, and ends with the others.
    a_logout_beside_a_login_of_that_person_comes_after_it,
    [("ANYONE", "true")],
    |world, acme| async {
        let mut browser = world.browser();
        sign_in_as(&world, &acme, &mut browser, json!({})).await;
        let name = name_of(&mut browser).await.unwrap();
        let noor = world.user_id(&name).await;
        let mut login = world.app.begin().await.unwrap();
        login.hold_user(&noor).await.unwrap();
        let mut logout = pin!(log_out(&world, &acme, json!({})));
        tokio::select! {
            reply = &mut logout => panic!("waits for nobody: {}", reply.text()),
            () = world.database.until_one_waits(&world.app.store) => {}
        }
        login
            .insert_session(NewUserSession {
                digest: "beside",
                user: &noor,
                authenticated_at: world.now(),
                level: Level::Password,
                opened_by: OpenedBy::Upstream,
                for_request: None,
                expires_at: world.now().plus(Duration::from_secs(3600)),
                user_agent: None,
                address: None,
                upstream: Some(UpstreamSession {
                    issuer: &acme.origin,
                    sid: None,
                }),
            })
            .await
            .unwrap();
        let (committed, reply) = tokio::join!(login.commit(), logout);
        committed.unwrap();
        assert_eq!(reply.status, 200);
        let mut reading = world.begin().await;
        let left = reading.sessions_of(&noor, world.now(), 10).await.unwrap();
        assert_eq!(left.len(), 0);
    }
);

both_upstream!(
    a_logout_there_is_none_of_a_login_here,
    [],
    |world, acme| async {
        let cast = Cast::of(&world).await;
        cast.token(&world).await;
        let mut browser = world.browser();
        let page = browser.open("/app/upstream").await;
        let page = browser.log_in(&page, "alice", writ_testkit::PASSWORD).await;
        let fill = [("password", writ_testkit::PASSWORD)];
        let asked = browser.submit(&page, "link-acme", &fill).await;
        browser
            .open(&acme.answer(&asked, &acme.claims(&world, &asked)))
            .await;
        assert_eq!(log_out(&world, &acme, json!({})).await.status, 200);
        assert_eq!(browser.open("/app").await.url.path(), "/app");
        // Nor does it end what acts for her.
        let page = browser.open("/app/agents").await;
        page.says("Stop this task only");
    }
);
