//! What strangers write: every string that broke some server goes to every parameter of every route, on both databases. Nothing
//! fails on our side, what is no text is refused in the endpoint's own form, and nothing of a refused request is kept.

use http::Method;
use serde_json::{Value, json};
use writ_core::checks::Endpoint;
use writ_testkit::{Cast, Fields, TestReply, World, basic, both_with};
use writ_wire::token::GrantType;

/// Registration by anybody, transaction challenges, and no limit that ends the table early.
pub(super) const SETTINGS: &[(&str, &str)] = &[
    ("FEATURES__GUESTS", "true"),
    ("REGISTRATION__MODE", "open"),
    ("FEATURES__TRANSACTION_CHALLENGE", "true"),
];

pub(super) const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// Stands beside whatever is refused: it must be in no table afterwards.
pub(super) const MARK: &str = "nastymark";

/// Percent-encoded; none of them is text in the sense of `wire/src/text.rs`.
pub(super) const REFUSED: [&str; 10] = [
    "nastymark%00",
    "%00",
    "nastymark%1b[31m",
    "nastymark%08",
    "nastymark%7f",
    "nastymark%c2%85",
    "nastymark%ff",
    "nastymark%c0%80",
    "nastymark%ed%a0%80",
    "nastymark%f8%88%80%80%80",
];

/// Text, whatever it does to those who do not expect it.
pub(crate) fn taken() -> Vec<String> {
    let long = "x".repeat(20_000);
    let marks = format!("e{}", "\u{301}".repeat(2_000));
    let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
    let short = [
        "one\r\nSet-Cookie: a=b",
        "\u{feff}bom",
        "user\u{202e}gnp.exe",
        "zero\u{200b}width\u{2060}",
        "😀\u{1f468}\u{200d}\u{1f469}",
        "%",
        "%00",
        "'; DROP TABLE users; --",
        "\" OR \"\"=\"",
        "<script>alert(1)</script>",
        "\\u0000",
        "[{\"type\":\"a\",\"type\":\"b\"}]",
        "{\"a\":\"\\u0000\"}",
        "[{\"type\":\"\\ud800\"}]",
        "-1",
        "99999999999999999999999",
        "../../../etc/passwd",
        "${jndi:ldap://x}",
        "\u{e000}\u{10ffff}",
    ];
    let short = short.into_iter().map(str::to_owned);
    short.chain([long, marks, deep]).collect()
}

/// A route, what a good request of it holds, and what else it reads.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    base: Fields,
    pub(super) names: &'static str,
}

impl Route {
    pub(super) fn form(path: &'static str, base: Fields, names: &'static str) -> Self {
        let method = Method::POST;
        Self {
            method,
            path,
            base,
            names,
        }
    }

    pub(super) fn query(path: &'static str, names: &'static str) -> Self {
        Self {
            method: Method::GET,
            base: Vec::new(),
            path,
            names,
        }
    }

    pub(super) fn names(&self) -> Vec<&'static str> {
        let base = self.base.iter().map(|(name, _)| *name);
        let mut names: Vec<_> = base.chain(self.names.split_whitespace()).collect();
        names.dedup();
        names
    }

    /// The request with this parameter set to this encoded value.
    pub(super) fn encoded(&self, name: &str, value: &str) -> String {
        let kept = self.base.iter().filter(|(n, _)| *n != name);
        let base = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(kept)
            .finish();
        format!("{base}&{name}={value}")
    }
}

const AUTHENTICATION: &str = "client_id client_secret client_assertion client_assertion_type";
pub(super) const AUTHORIZATION: &str = "client_id request_uri request response_type response_mode redirect_uri scope \
    state nonce code_challenge code_challenge_method authorization_details resource prompt max_age acr_values \
    login_hint id_token_hint ui_locales mission_intent claims dpop_jkt";

fn of_grant(cast: &Cast, grant: GrantType) -> Route {
    let base = vec![("grant_type", grant.as_str().to_owned())];
    let (more, names): (Fields, &str) = match grant {
        GrantType::AuthorizationCode => (
            cast.redeem_form("x").split_off(1),
            "redirect_uri resource scope authorization_details",
        ),
        GrantType::RefreshToken => (
            vec![("refresh_token", "x".to_owned())],
            "scope resource authorization_details",
        ),
        GrantType::ClientCredentials => (Vec::new(), "scope resource authorization_details"),
        GrantType::TokenExchange => (
            cast.exchange_form("x", None).split_off(1),
            "scope resource audience authorization_details actor_token actor_token_type onward requested_token_type",
        ),
        GrantType::Ciba => (vec![("auth_req_id", "x".to_owned())], ""),
        GrantType::DeviceCode => (vec![("device_code", "x".to_owned())], ""),
    };
    Route::form(Endpoint::TOKEN_PATH, [base, more].concat(), names)
}

/// The endpoints of programs that take a form.
fn programs(cast: &Cast) -> Vec<Route> {
    let mut routes = vec![
        Route::form("/par", cast.request(), AUTHORIZATION),
        Route::form(
            "/bc-authorize",
            cast.question(),
            "login_hint login_hint_token id_token_hint request requested_expiry client_notification_token \
             user_code binding_message acr_values subject_token subject_token_type resource scope mission_intent",
        ),
        Route::form(
            "/device_authorization",
            vec![("scope", "accounts:read".to_owned())],
            "authorization_details resource mission_intent",
        ),
        Route::form(
            "/transaction_authorization",
            Vec::new(),
            "transaction_challenge transaction_authorization_id subject_token subject_token_type user_code sub",
        ),
        Route::form(
            "/introspect",
            vec![("token", "x".to_owned())],
            "token_type_hint",
        ),
        Route::form(
            "/revoke",
            vec![("token", "x".to_owned())],
            "token_type_hint",
        ),
    ];
    routes.extend(GrantType::ALL.map(|grant| of_grant(cast, grant)));
    routes
}

/// What is told, in JSON.
fn told(reply: &TestReply, what: &str) -> Value {
    assert!(
        reply.status < 500,
        "{what}: {} {}",
        reply.status,
        reply.text()
    );
    if reply.status < 400 || reply.status == 404 {
        return Value::Null;
    }
    assert_eq!(
        reply.header("content-type"),
        Some("application/json"),
        "{what}: {}",
        reply.text()
    );
    let body = reply.json();
    assert!(body["error"].is_string(), "{what}: {body}");
    body
}

both_with!(
    no_text_breaks_an_endpoint_of_programs,
    SETTINGS,
    |world| async {
        let cast = Cast::of(&world).await;
        for route in programs(&cast) {
            for name in route.names() {
                for text in taken() {
                    let form: Fields = route
                        .base
                        .iter()
                        .filter(|(n, _)| *n != name)
                        .cloned()
                        .collect();
                    let form = [form, vec![(name, text.clone())]].concat();
                    let reply = cast.planner.send(&world, route.path, &form).await;
                    told(&reply, &format!("{} {name}={:.40}", route.path, text));
                }
            }
        }
    }
);

both_with!(
    what_is_no_text_is_refused_by_every_endpoint_of_programs,
    SETTINGS,
    |world| async {
        let cast = Cast::of(&world).await;
        for route in programs(&cast) {
            let names = route
                .names()
                .into_iter()
                .chain(AUTHENTICATION.split_whitespace());
            for name in names.chain(["unknown"]) {
                for bad in REFUSED {
                    let body = route.encoded(name, bad);
                    let what = format!("{} {name}={bad}", route.path);
                    let reply = world
                        .send(Method::POST, route.path, &[FORM], body.into())
                        .await;
                    assert_eq!(told(&reply, &what)["error"], "invalid_request", "{what}");
                    assert_eq!(reply.status, 400, "{what}");
                }
            }
            let body = route.encoded("a%00nastymark", "");
            let reply = world
                .send(Method::POST, route.path, &[FORM], body.into())
                .await;
            assert_eq!(reply.refusal(), (400, "invalid_request".to_owned()));
        }
        assert!(!world.database.dump().await.contains(MARK));
    }
);

both_with!(
    credentials_that_are_no_text_are_refused,
    SETTINGS,
    |world| async {
        Cast::of(&world).await;
        for bad in ["a%00", "%1b", "%ff", "%c0%80"] {
            for (id, secret) in [(bad, "x"), ("web", bad)] {
                let authorization = basic_of(id, secret);
                for path in ["/par", "/token", "/introspect", "/revoke", "/bc-authorize"] {
                    let form = [("grant_type", "client_credentials"), ("token", "x")];
                    let reply = world
                        .post(path, &form, &[("authorization", &authorization)])
                        .await;
                    assert_eq!(
                        reply.refusal(),
                        (400, "invalid_request".to_owned()),
                        "{path} {bad}"
                    );
                }
            }
        }
        for text in taken() {
            let authorization = basic(&text, &text);
            let reply = world
                .post(
                    "/introspect",
                    &[("token", "x")],
                    &[("authorization", &authorization)],
                )
                .await;
            let error = told(&reply, &text)["error"].clone();
            assert!(
                error == "invalid_client" || error == "invalid_request",
                "{text}"
            );
        }
    }
);

/// As it stands, without a further encoding.
fn basic_of(id: &str, secret: &str) -> String {
    use base64::Engine;
    let pair = format!("{id}:{secret}");
    format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(pair)
    )
}

const METADATA: &str = "client_name redirect_uris grant_types response_types token_endpoint_auth_method scope jwks \
    jwks_uri client_uri logo_uri tos_uri policy_uri contacts software_id software_version software_statement \
    application_type authorization_details_types dpop_bound_access_tokens unknown";

both_with!(no_text_breaks_registration, SETTINGS, |world| async {
    let good = json!({ "redirect_uris": ["https://app.example/cb"], "client_name": "nastymark" });
    for name in METADATA.split_whitespace() {
        for bad in [
            "\\u0000",
            "\\u001b",
            "\\u007f",
            "\\u009b",
            "\\ud800",
            "\u{7f}",
            "a\",\"b\":1,\"b\":\"2",
        ] {
            let mut whole = good.clone();
            whole[name] = Value::from("PLACE");
            let body = whole.to_string().replace("PLACE", bad);
            let reply = register(&world, &body).await;
            let refusal = (400, "invalid_client_metadata".to_owned());
            assert_eq!(reply.refusal(), refusal, "{name}: {bad}");
        }
    }
    assert!(!world.database.dump().await.contains(MARK));
    for name in METADATA.split_whitespace() {
        for text in taken() {
            for value in [json!(text), json!([text]), json!({ text.clone(): text })] {
                let mut whole = good.clone();
                whole[name] = value;
                told(&register(&world, &whole.to_string()).await, name);
            }
        }
    }
});

async fn register(world: &World, body: &str) -> TestReply {
    let headers = [("content-type", "application/json")];
    world
        .send(Method::POST, "/register", &headers, body.into())
        .await
}
