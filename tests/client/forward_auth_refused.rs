//! What a proxy is told to refuse: tokens and proofs that are not good, paths that two programs may read differently, what would be
//! spent, and MCP servers. And what is wrong with the proxy itself.

use std::time::Duration;

use http::Method;
use serde_json::json;
use writ_core::id::TaskId;
use writ_platform::ManualClock;
use writ_testkit::{BANK, Web, World, asking_bank, basic, both, claims};

use crate::approvals::access_scene::{NOTES, REQUESTS, ResourceServer, Scene, permitted, staged};

use super::forward_auth::{CHECK, Call, Proxy, challenges, refused, routed_bank};

const ACCOUNTS: (&str, &str) = ("GET", "/accounts");

/// What is wrong, the path and the fields of the check.
type Misconfigured<'a> = (&'a str, String, Vec<(&'a str, &'a str)>);

fn no(status: u16, reason: &str) -> (u16, String) {
    (status, reason.to_owned())
}

async fn stop(world: &World, token: &str) {
    let task = claims(token)["mission"]["id"].clone();
    let id = TaskId::from_text(task.as_str().unwrap());
    let mut transaction = world.begin().await;
    transaction.stop_task(&id, world.now()).await.unwrap();
    transaction.commit().await.unwrap();
}

both!(
    /// RFC 6750 section 3.1: without a token the challenge names no error; with a bad one it does.
    rfc_6750_3_1_a_token_that_is_not_good_is_401,
    |world| async {
        let proxy = Proxy::of(&world).await;
        let planner = &proxy.cast.planner;
        for none in [None, Some(""), Some("Basic YTpi"), Some("x")] {
            let call = Call {
                authorization: none.map(str::to_owned),
                ..Call::bare("GET", "/accounts")
            };
            let reply = proxy.ask(&world, &call).await;
            assert_eq!(refused(&reply), no(401, "token_missing"), "{none:?}");
            let said = challenges(&reply);
            assert!(said[0].starts_with("Bearer ") && said[1].starts_with("DPoP "), "{said:?}");
            assert!(!said.join("").contains("error"), "{said:?}");
        }
        let token = proxy.cast.token(&world).await;
        let stopped = proxy.cast.token(&world).await;
        stop(&world, &stopped).await;
        for (what, bad) in [
            ("unknown", "opaque".to_owned()),
            ("tampered", format!("{}x", &token[..token.len() - 1])),
            ("stopped", stopped),
            (
                "for another resource",
                world.resigned(&token, |c| c["aud"] = json!("https://x.example")).await,
            ),
            (
                "expired",
                world.resigned(&token, |c| c["exp"] = json!(world.now().seconds())).await,
            ),
        ] {
            let call = Call::bound(&world, planner, &bad, ACCOUNTS);
            let reply = proxy.ask(&world, &call).await;
            assert_eq!(refused(&reply), no(401, "token_invalid"), "{what}");
            let said = challenges(&reply).join(", ");
            assert!(said.starts_with("DPoP error=\"invalid_token\""), "{what}: {said}");
        }
    }
);

both!(
    /// A stop denies the next request, also on a node that judged the one before.
    a_stop_denies_the_next_request_on_a_second_node,
    |world| async {
        let proxy = Proxy::of(&world).await;
        let node = world.node().await;
        let token = proxy.cast.token(&world).await;
        let call = || Call::bound(&world, &proxy.cast.planner, &token, ACCOUNTS);
        assert_eq!(node.get(CHECK, &proxy.fields(&call())).await.status, 200);
        stop(&world, &token).await;
        let reply = node.get(CHECK, &proxy.fields(&call())).await;
        assert_eq!(refused(&reply), no(401, "token_invalid"));
    }
);

both!(
    /// RFC 9449 section 7.1: a bound token comes with a proof of its key, for this method and URL, once on every node; whatever the
    /// record says of the server behind the proxy.
    rfc_9449_7_1_a_bound_token_needs_a_fresh_proof,
    |world| async {
        let mut file = routed_bank();
        file["verifies_proofs"] = json!(true);
        let proxy = Proxy::before(&world, file).await;
        let (planner, booker) = (&proxy.cast.planner, &proxy.cast.booker);
        let token = proxy.cast.token(&world).await;
        let good = || Call::bound(&world, planner, &token, ACCOUNTS);
        let with = |proof: Option<String>| Call { proof, ..good() };
        let other = Call::bound(&world, planner, &token, ("GET", "/accounts/Savings"));
        let method = Call::bound(&world, planner, &token, ("POST", "/accounts"));
        let key = Call::bound(&world, booker, &token, ACCOUNTS);
        for (what, call) in [
            ("none", with(None)),
            ("no JWT", with(Some("x".to_owned()))),
            ("another URL", with(other.proof)),
            ("another method", with(method.proof)),
            ("another key", with(key.proof)),
            (
                "as a bearer token",
                Call {
                    authorization: Some(format!("Bearer {token}")),
                    ..good()
                },
            ),
        ] {
            let reply = proxy.ask(&world, &call).await;
            assert_eq!(refused(&reply), no(401, "proof_invalid"), "{what}");
            let said = challenges(&reply).join(", ");
            assert!(said.starts_with("DPoP error=\"invalid_dpop_proof\""), "{what}: {said}");
        }
        let node = world.node().await;
        let call = good();
        assert_eq!(proxy.ask(&world, &call).await.status, 200);
        for again in [
            proxy.ask(&world, &call).await,
            node.get(CHECK, &proxy.fields(&call)).await,
        ] {
            assert_eq!(refused(&again), no(401, "proof_invalid"), "used before");
        }

        let web = Web::register(&world, json!({})).await;
        let code = web.code(&world, &web.request()).await;
        let form = web.redeem_form(&code);
        let bearer = web.send(&world, "/token", &form, &[]).await.access_token();
        let call = Call {
            authorization: Some(format!("DPoP {bearer}")),
            ..Call::bare("GET", "/accounts")
        };
        let reply = proxy.ask(&world, &call).await;
        assert_eq!(refused(&reply), no(401, "token_invalid"));
    }
);

both!(
    /// What a proxy and the API behind it may read differently is refused, not normalised.
    a_path_that_two_programs_may_read_differently_is_refused,
    |world| async {
        let proxy = Proxy::of(&world).await;
        let token = proxy.cast.token(&world).await;
        for (method, uri) in [
            ("GET", "/files/../accounts"),
            ("GET", "/files/./a"),
            ("GET", "/files/%2e%2e/accounts"),
            ("GET", "/files/a%2fb"),
            ("GET", "/%66iles/a"),
            ("GET", "/files/a%00"),
            ("GET", "//files/a"),
            ("GET", "/files//a"),
            ("GET", "/files/a;b=c"),
            ("GET", "/files/..;/accounts"),
            ("GET", "/files/a\\b"),
            ("GET", "/files/a#b"),
            ("GET", "/files/a b"),
            ("GET", "/files/a."),
            ("GET", "https://bank.example/files/a"),
            ("GET", "files/a"),
            ("GET", "*"),
            ("get", "/files/a"),
            ("Get", "/files/a"),
        ] {
            let call = Call::bound(&world, &proxy.cast.planner, &token, (method, uri));
            let reply = proxy.ask(&world, &call).await;
            assert_eq!(refused(&reply), no(403, "request_refused"), "{method} {uri}");
        }
    }
);

both!(
    /// A yes is used up by the server behind the proxy alone: here it is looked at, and stays.
    what_would_be_spent_is_denied_and_stays,
    |world| async {
        let mut scene = staged(&world).await;
        let mut file = ResourceServer::file(NOTES, "Notes", "notes-api");
        file["routes"] = json!([{ "method": "DELETE", "path": "/notes/{title}", "action": "delete_note" }]);
        world.add_resource(file).await;
        let url = format!("{NOTES}/notes/Diary");
        let authorization = format!("DPoP {}", scene.token);
        let check = async |scene: &Scene| {
            let now = world.now().seconds();
            let proof = scene.claude.dpop.proof_with("DELETE", &url, now, &scene.token);
            let fields = [
                ("authorization", scene.notes.basic.as_str()),
                ("writ-original-origin", NOTES),
                ("writ-original-method", "DELETE"),
                ("writ-original-uri", "/notes/Diary"),
                ("writ-original-authorization", authorization.as_str()),
                ("writ-original-dpop", proof.as_str()),
            ];
            refused(&world.get(CHECK, &fields).await)
        };
        assert_eq!(check(&scene).await, no(403, "approval_required"));
        let wanted = scene.deletion("Diary");
        let mut body = scene.notes.submission(&world, &wanted).await;
        body["requested_access"] = json!({ "urn:writ:call_again": true });
        let asked = scene.notes.send(&world, REQUESTS, &body).await.json();
        scene.yes(asked["task"]["id"].as_str().unwrap()).await;
        for _ in 0..2 {
            assert_eq!(check(&scene).await, no(403, "uses_up"));
        }
        permitted(&scene.notes.decide(&world, &wanted).await);
        assert_eq!(check(&scene).await, no(403, "approval_required"));
    }
);

both!(
    /// An MCP server's calls stand in bodies: it is refused here, and so are routes in its record.
    an_mcp_server_is_refused,
    |world| async {
        let proxy = Proxy::before(&world, asking_bank()).await;
        let token = proxy.cast.token(&world).await;
        let call = Call::bound(&world, &proxy.cast.planner, &token, ("POST", "/mcp"));
        let reply = proxy.ask(&world, &call).await;
        assert_eq!(refused(&reply), no(403, "mcp_resource"));
        assert!(reply.text().contains("writ gate"), "{}", reply.text());
        let mut file = asking_bank();
        file["routes"] = routed_bank()["routes"].clone();
        let said = world.try_add_resource(file).await.unwrap_err();
        assert!(said.contains("writ gate"), "{said}");
    }
);

both!(
    /// The resource is the one with the longest path at the proxy's origin, among those that its client serves.
    the_longest_path_says_which_resource_it_is,
    |world| async {
        let proxy = Proxy::of(&world).await;
        let token = proxy.cast.token(&world).await;
        let mut inner = routed_bank();
        inner["resource"] = json!(format!("{BANK}/files/private"));
        inner["routes"] = json!([]);
        world.add_resource(inner).await;
        let mut others = routed_bank();
        others["resource"] = json!(format!("{BANK}/files/other"));
        others["client_id"] = json!("other-api");
        others["routes"] = json!([]);
        world.add_resource(others).await;
        world.advance(6);
        for (uri, expected) in [
            ("/files/a", None),
            ("/files/privately", None),
            ("/files/other/a", None),
            ("/files/private", Some("no_route")),
            ("/files/private/a", Some("no_route")),
        ] {
            let call = Call::bound(&world, &proxy.cast.planner, &token, ("GET", uri));
            let reply = proxy.ask(&world, &call).await;
            match expected {
                None => assert_eq!(reply.status, 200, "{uri}: {}", reply.text()),
                Some(reason) => assert_eq!(refused(&reply), no(403, reason), "{uri}"),
            }
        }
        let call = Call::bound(&world, &proxy.cast.planner, &token, ACCOUNTS);
        let mut fields = proxy.fields(&call);
        fields[1].1 = "https://bank.example:8443";
        let reply = world.get(CHECK, &fields).await;
        assert_eq!(refused(&reply), no(403, "unknown_resource"));
    }
);

both!(
    /// 401 and 403 are said of the caller alone: what is wrong with the proxy is 400, which proxies take for a fault.
    what_is_wrong_with_the_proxy_is_no_word_about_the_caller,
    |world| async {
        let proxy = Proxy::of(&world).await;
        let nobody = json!({
            "client_id": "nobody-api", "client_name": "N", "profile": "oauth21", "grant_types": [],
            "token_endpoint_auth_method": "client_secret_basic"
        });
        let secret = world.add_client(nobody).await["client_secret"].clone();
        let serves_nothing = basic("nobody-api", secret.as_str().unwrap());
        let token = proxy.cast.token(&world).await;
        let call = Call::bound(&world, &proxy.cast.planner, &token, ACCOUNTS);
        let good = proxy.fields(&call);
        let wrong = basic("bank-api", "wrong");
        let callers = format!("DPoP {token}");
        let mut cases: Vec<Misconfigured<'_>> = Vec::new();
        for (what, authorization) in [
            ("a wrong secret", wrong.as_str()),
            ("the caller's token as its own", callers.as_str()),
            ("a client that serves nothing", serves_nothing.as_str()),
        ] {
            let mut fields = good.clone();
            fields[0].1 = authorization;
            cases.push((what, CHECK.to_owned(), fields));
        }
        for left_out in ["authorization", "writ-original-origin", "writ-original-method", "writ-original-uri"] {
            let fields = good.iter().filter(|(name, _)| *name != left_out);
            cases.push((left_out, CHECK.to_owned(), fields.copied().collect()));
        }
        for twice in ["writ-original-origin", "writ-original-method", "writ-original-uri", "writ-original-authorization", "writ-original-dpop"] {
            let mut fields = good.clone();
            fields.push((twice, "x"));
            cases.push((twice, CHECK.to_owned(), fields));
        }
        for origin in ["bank.example", "https://bank.example/accounts", "null"] {
            let mut fields = good.clone();
            fields[1].1 = origin;
            cases.push(("an origin that is none", CHECK.to_owned(), fields));
        }
        cases.push(("its path in two places", format!("{CHECK}/accounts"), good.clone()));
        for (what, path, fields) in cases {
            let reply = world.get(&path, &fields).await;
            assert_eq!(reply.status, 400, "{what}: {}", reply.text());
            assert!(challenges(&reply).is_empty(), "{what}");
            assert_eq!(reply.header("writ-reason"), None, "{what}");
            assert!(!reply.text().contains(&token), "{what}");
        }
        assert_eq!(world.get(CHECK, &good).await.status, 200);
    }
);

both!(
    /// A check that reached another endpoint, because somebody resolved its path, is answered by none.
    a_check_elsewhere_is_no_permit,
    |world| async {
        let proxy = Proxy::of(&world).await;
        let call = Call::bare("GET", "/accounts");
        for path in ["/jwks", "/.well-known/oauth-authorization-server", "/login", "/access/v1/forward-authx"] {
            let reply = world.get(path, &proxy.fields(&call)).await;
            assert_eq!(reply.status, 400, "{path}: {}", reply.text());
        }
        let reply = world.send(Method::OPTIONS, "/token", &proxy.fields(&call), Vec::new()).await;
        assert_eq!(reply.status, 400);
        assert_eq!(world.get("/jwks", &[]).await.status, 200);
    }
);

both!(
    /// By a clock that is wrong nobody is let through, whatever the method.
    a_node_whose_clock_is_wrong_permits_nothing,
    |world| async {
        let proxy = Proxy::of(&world).await;
        let token = proxy.cast.token(&world).await;
        world.app.compare_clock().await.unwrap();
        let late = world.now().minus(Duration::from_secs(90));
        let node = world.node_at(&ManualClock::starting_at(late)).await;
        for method in [Method::GET, Method::DELETE] {
            let call = Call::bound(&world, &proxy.cast.planner, &token, ACCOUNTS);
            let reply = node.send(method.clone(), CHECK, &proxy.fields(&call), Vec::new()).await;
            assert_eq!(reply.refusal(), (503, "temporarily_unavailable".to_owned()), "{method}");
        }
    }
);
