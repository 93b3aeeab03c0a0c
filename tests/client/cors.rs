//! Clients that run in a browser (Fetch section 3.3): every endpoint of programs answers preflights, and whatever it answers can be
//! read there; no page of people can (RFC 9700 section 2.6).

use http::Method;
use serde_json::json;
use writ_server::router::MAX_BODY;
use writ_testkit::{Cast, TestReply, Web, World, both, front_url};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const ORIGIN: (&str, &str) = ("origin", "https://inspector.example");

const PREFLIGHT: [(&str, &str); 3] = [
    ORIGIN,
    ("access-control-request-method", "POST"),
    (
        "access-control-request-headers",
        "authorization, dpop, mcp-protocol-version",
    ),
];

/// The paths of all endpoints that the metadata names, but the authorization endpoint, and of the metadata itself.
async fn endpoints(world: &World) -> Vec<String> {
    let metadata = "/.well-known/oauth-authorization-server";
    let found = world.get(metadata, &[]).await.json();
    let issuer = found["issuer"].as_str().unwrap().to_owned();
    let urls = found.as_object().unwrap().iter().filter(|(name, _)| {
        let is_endpoint = name.ends_with("_endpoint") || name.as_str() == "jwks_uri";
        is_endpoint && !["authorization_endpoint", "end_session_endpoint"].contains(&name.as_str())
    });
    let path = |url: &str| url.strip_prefix(&issuer).unwrap().to_owned();
    let named: Vec<_> = urls.map(|(_, url)| path(url.as_str().unwrap())).collect();
    assert!(named.len() >= 7, "{named:?}");
    let others = [metadata, "/.well-known/openid-configuration"];
    named.into_iter().chain(others.map(str::to_owned)).collect()
}

fn readable(reply: &TestReply, what: &str) {
    let origin = reply.header("access-control-allow-origin");
    assert_eq!(origin, Some("*"), "{what}");
    let credentials = reply.header("access-control-allow-credentials");
    assert_eq!(credentials, None, "{what}");
    let exposed = reply.header("access-control-expose-headers").unwrap();
    for name in ["dpop-nonce", "www-authenticate", "retry-after"] {
        assert!(exposed.contains(name), "{what}: {exposed}");
    }
}

both!(
    every_endpoint_of_programs_answers_a_preflight,
    |world| async {
        Cast::of(&world).await;
        for path in endpoints(&world).await {
            let reply = world
                .send(Method::OPTIONS, &path, &PREFLIGHT, Vec::new())
                .await;
            assert_eq!(reply.status, 204, "{path}");
            readable(&reply, &path);
            let allowed = reply.header("access-control-allow-headers").unwrap();
            for name in [
                "authorization",
                "content-type",
                "dpop",
                "mcp-protocol-version",
                "accept",
            ] {
                assert!(allowed.contains(name), "{path}: {allowed}");
            }
            assert!(
                reply
                    .header("access-control-allow-methods")
                    .unwrap()
                    .contains("POST")
            );
            assert_eq!(reply.header("access-control-max-age"), Some("7200"));
            assert_eq!(reply.header("set-cookie"), None, "{path}");
        }
    }
);

both!(every_error_of_a_program_can_be_read, |world| async {
    Cast::of(&world).await;
    let long = vec![b'a'; MAX_BODY + 1];
    for path in endpoints(&world).await {
        let what = |status: u16| format!("{path}: {status}");
        let odd = world
            .send(Method::PATCH, &path, &[ORIGIN], Vec::new())
            .await;
        assert_eq!(odd.refusal(), (405, "invalid_request".to_owned()), "{path}");
        assert!(odd.header("allow").is_some(), "{path}");
        readable(&odd, &what(405));
        let empty = world
            .send(Method::POST, &path, &[ORIGIN, FORM], Vec::new())
            .await;
        readable(&empty, &what(empty.status));
        let full = world
            .send(Method::POST, &path, &[ORIGIN, FORM], long.clone())
            .await;
        readable(&full, &what(full.status));
    }
    let full = world
        .send(Method::POST, "/token", &[ORIGIN, FORM], long)
        .await;
    assert_eq!(full.refusal(), (413, "invalid_request".to_owned()));
});

both!(
    where_there_is_no_metadata_a_browser_can_read_that,
    |world| async {
        for path in [
            "/.well-known/oauth-authorization-server/mcp",
            "/.well-known/oauth-protected-resource",
        ] {
            let reply = world.get(path, &[ORIGIN]).await;
            assert_eq!(reply.status, 404, "{path}");
            readable(&reply, path);
            let reply = world
                .send(Method::OPTIONS, path, &PREFLIGHT, Vec::new())
                .await;
            assert_eq!(reply.status, 204, "{path}");
            readable(&reply, path);
        }
    }
);

both!(
    rfc_9700_2_6_no_page_of_people_is_open_to_other_origins,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let authorize = front_url(&web.request());
        for path in [
            authorize.as_str(),
            "/authorize",
            "/login",
            "/consent",
            "/logout",
            "/device",
            "/app",
            "/app/agents",
            "/nothing",
        ] {
            for method in [Method::GET, Method::POST, Method::OPTIONS] {
                let what = format!("{method} {path}");
                let reply = world.send(method, path, &PREFLIGHT, Vec::new()).await;
                assert_eq!(reply.header("access-control-allow-origin"), None, "{what}");
                assert_eq!(reply.header("access-control-allow-methods"), None, "{what}");
            }
        }
    }
);
