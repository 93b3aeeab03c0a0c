//! A reverse proxy asks about one request (docs/forward-auth.md): what its method and path need, and what the API is told.

use http::Method;
use serde_json::{Value, json};
use writ_testkit::{BANK, Cast, TestAgent, TestReply, Web, World, both};

pub(crate) const CHECK: &str = "/access/v1/forward-auth";

/// The bank behind a proxy, which authenticates as the bank's client.
pub(crate) struct Proxy {
    pub(crate) cast: Cast,
    pub(crate) authorization: String,
}

/// What a caller sends.
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) uri: String,
    pub(crate) authorization: Option<String>,
    pub(crate) proof: Option<String>,
}

/// The bank, with what each of its paths needs.
pub(crate) fn routed_bank() -> Value {
    json!({
        "resource": BANK, "name": "Bank", "scopes": ["accounts:read", "accounts:write"],
        "authorization_details_types": ["payment"], "client_id": "bank-api",
        "actions": {
            "show_account": { "scope": "accounts:read", "says": { "en": "show the account {/name}" } },
            "rename_account": { "scope": "accounts:write", "says": { "en": "rename the account {/name}" } },
            "close_account": { "scope": "accounts:read", "ask": true, "says": { "en": "close the account {/name}" } }
        },
        "routes": [
            { "method": "GET", "path": "/accounts", "scope": "accounts:read" },
            { "method": "GET", "path": "/accounts/{name}", "action": "show_account" },
            { "method": "DELETE", "path": "/accounts/{name}", "action": "close_account" },
            { "method": "PATCH", "path": "/accounts/{name}", "action": "rename_account" },
            { "method": "POST", "path": "/accounts", "scope": "accounts:write" },
            { "method": "GET", "path": "/files/**", "scope": "accounts:read" }
        ]
    })
}

impl Proxy {
    pub(crate) async fn of(world: &World) -> Self {
        Self::before(world, routed_bank()).await
    }

    pub(crate) async fn before(world: &World, file: Value) -> Self {
        let cast = Cast::of(world).await;
        world.add_resource(file).await;
        let authorization = cast.bank_basic();
        Self {
            cast,
            authorization,
        }
    }

    /// As nginx asks: what came is in header fields of the proxy's own.
    pub(crate) fn fields<'a>(&'a self, call: &'a Call) -> Vec<(&'static str, &'a str)> {
        let mut fields = vec![
            ("authorization", self.authorization.as_str()),
            ("writ-original-origin", BANK),
            ("writ-original-method", call.method),
            ("writ-original-uri", call.uri.as_str()),
        ];
        let token = call.authorization.as_deref();
        fields.extend(token.map(|token| ("writ-original-authorization", token)));
        let proof = call.proof.as_deref();
        fields.extend(proof.map(|proof| ("writ-original-dpop", proof)));
        fields
    }

    pub(crate) async fn ask(&self, world: &World, call: &Call) -> TestReply {
        world.get(CHECK, &self.fields(call)).await
    }
}

impl Call {
    pub(crate) fn bare(method: &'static str, uri: &str) -> Self {
        Self {
            method,
            uri: uri.to_owned(),
            authorization: None,
            proof: None,
        }
    }

    /// With a bound token and a fresh proof of its key.
    pub(crate) fn bound(
        world: &World,
        holder: &TestAgent,
        token: &str,
        (method, uri): (&'static str, &str),
    ) -> Self {
        let path = uri.split('?').next().unwrap();
        let url = format!("{BANK}{path}");
        let now = world.now().seconds();
        Self {
            authorization: Some(format!("DPoP {token}")),
            proof: Some(holder.dpop.proof_with(method, &url, now, token)),
            ..Self::bare(method, uri)
        }
    }
}

/// Why a caller is refused, by status, body and header alike.
#[track_caller]
pub(crate) fn refused(reply: &TestReply) -> (u16, String) {
    let kind = reply.header("content-type");
    assert_eq!(kind, Some("application/problem+json"), "{}", reply.text());
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let body = reply.json();
    assert_eq!(body["status"], json!(reply.status));
    assert!(!body["detail"].as_str().unwrap().is_empty(), "{body}");
    let reason = body["reason"].as_str().unwrap().to_owned();
    assert_eq!(reply.header("writ-reason"), Some(reason.as_str()));
    (reply.status, reason)
}

pub(crate) fn challenges(reply: &TestReply) -> Vec<&str> {
    let fields = reply.headers.get_all("www-authenticate").iter();
    fields.map(|value| value.to_str().unwrap()).collect()
}

fn no(status: u16, reason: &str) -> (u16, String) {
    (status, reason.to_owned())
}

both!(
    /// A route is covered by a scope, or decided as an action with what its path says; what no route has is denied.
    a_method_and_a_path_need_what_the_record_says,
    |world| async {
        let proxy = Proxy::of(&world).await;
        let token = proxy.cast.token(&world).await;
        for (call, expected) in [
            (("GET", "/accounts"), None),
            (("GET", "/accounts?name=a/../b"), None),
            (("GET", "/accounts/Savings"), None),
            (("GET", "/files/a/b.txt"), None),
            (("POST", "/accounts"), Some("not_covered")),
            (("DELETE", "/accounts/Savings"), Some("approval_required")),
            (("HEAD", "/accounts"), Some("no_route")),
            (("PUT", "/accounts"), Some("no_route")),
            (("GET", "/accounts/"), Some("no_route")),
            (("GET", "/accounts/Savings/log"), Some("no_route")),
            (("GET", "/files"), Some("no_route")),
            (("GET", "/"), Some("no_route")),
        ] {
            let asked = Call::bound(&world, &proxy.cast.planner, &token, call);
            let reply = proxy.ask(&world, &asked).await;
            match expected {
                Some(reason) => assert_eq!(refused(&reply), no(403, reason), "{call:?}"),
                None => assert_eq!(reply.status, 200, "{call:?}: {}", reply.text()),
            }
        }
        for call in [("POST", "/accounts"), ("PATCH", "/accounts/Savings")] {
            let asked = Call::bound(&world, &proxy.cast.planner, &token, call);
            let reply = proxy.ask(&world, &asked).await;
            assert_eq!(refused(&reply), no(403, "not_covered"), "{call:?}");
            let said = challenges(&reply).join(", ");
            assert!(said.starts_with("DPoP error=\"insufficient_scope\""), "{said}");
            assert!(said.contains("scope=\"accounts:write\""), "{said}");
        }
    }
);

both!(
    /// The API hears who calls; a field with nothing to say is there too, so that a caller's own is replaced.
    the_api_is_told_who_calls,
    |world| async {
        let proxy = Proxy::of(&world).await;
        let token = proxy.cast.token(&world).await;
        let call = Call::bound(&world, &proxy.cast.planner, &token, ("GET", "/accounts"));
        let reply = proxy.ask(&world, &call).await;
        let claims = writ_testkit::claims(&token);
        let told = |reply: &TestReply| {
            ["subject", "client", "actor", "task", "scope"]
                .map(|name| reply.header(&format!("writ-{name}")).map(str::to_owned))
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let expected = [
            text(&claims["sub"]),
            text(&claims["client_id"]),
            text(&claims["act"]["sub"]),
            text(&claims["mission"]["id"]),
            text(&claims["scope"]),
        ];
        assert!(expected.iter().all(Option::is_some), "{claims}");
        assert_eq!(told(&reply), expected);
        assert_eq!((reply.status, reply.text().as_str()), (200, ""));
        assert_eq!(reply.header("cache-control"), Some("no-store"));

        let web = Web::register(&world, json!({})).await;
        let code = web.code(&world, &web.request()).await;
        let form = web.redeem_form(&code);
        let bearer = web.send(&world, "/token", &form, &[]).await.access_token();
        let call = Call {
            authorization: Some(format!("Bearer {bearer}")),
            ..Call::bare("GET", "/accounts")
        };
        let reply = proxy.ask(&world, &call).await;
        let [subject, client, actor, _, scope] = told(&reply);
        assert_eq!(subject, text(&writ_testkit::claims(&bearer)["sub"]));
        assert_eq!(client.as_deref(), Some("web"));
        assert_eq!(actor.as_deref(), Some(""), "nobody acts for the person");
        assert_eq!(scope.as_deref(), Some("accounts:read"));
    }
);

both!(
    /// Envoy sends the caller's method, and its path behind that of the check.
    envoy_appends_the_path_and_keeps_the_method,
    |world| async {
        let proxy = Proxy::of(&world).await;
        let token = proxy.cast.token(&world).await;
        for (method, uri, expected) in [
            ("GET", "/accounts", 200),
            ("GET", "/accounts?name=a", 200),
            ("GET", "/accounts/Savings", 200),
            ("POST", "/accounts", 403),
            ("DELETE", "/accounts/Savings", 403),
            ("OPTIONS", "/accounts", 403),
            ("PROPFIND", "/accounts", 403),
            ("GET", "/", 403),
            ("GET", "//accounts", 403),
            ("GET", "/../evaluation", 403),
        ] {
            let call = Call::bound(&world, &proxy.cast.planner, &token, (method, uri));
            let fields = proxy.fields(&call).into_iter();
            let own = fields.filter(|(name, _)| !["writ-original-method", "writ-original-uri"].contains(name));
            let mut fields: Vec<(&str, &str)> = own.collect();
            fields.extend([("host", "bank.example"), ("content-length", "0")]);
            let sent = Method::from_bytes(method.as_bytes()).unwrap();
            let path = format!("{CHECK}{uri}");
            let reply = world.send(sent, &path, &fields, Vec::new()).await;
            assert_eq!(reply.status, expected, "{method} {uri}: {}", reply.text());
            let told = reply.header("writ-subject").is_some();
            assert_eq!(told, expected == 200, "{method} {uri}");
        }
    }
);

both!(
    /// Looking spends nothing, writes nothing, and is counted as evaluations are.
    a_check_leaves_no_trace_but_a_number,
    |world| async {
        let proxy = Proxy::of(&world).await;
        let token = proxy.cast.token(&world).await;
        let first = Call::bound(&world, &proxy.cast.planner, &token, ("GET", "/accounts"));
        proxy.ask(&world, &first).await;
        let before = world.events().await.len();
        for call in [("GET", "/accounts"), ("DELETE", "/accounts/Savings"), ("GET", "/x")] {
            let asked = Call::bound(&world, &proxy.cast.planner, &token, call);
            proxy.ask(&world, &asked).await;
        }
        assert_eq!(world.events().await.len(), before);
        let metrics = world.app.metrics.render();
        for (outcome, count) in [("permit", 2), ("approval_required", 1), ("no_route", 1)] {
            let line = format!("writ_access_evaluation_seconds_count{{outcome=\"{outcome}\"}} {count}");
            assert!(metrics.contains(&line), "{line}");
        }
    }
);
