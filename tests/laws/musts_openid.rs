//! What OpenID Connect Core and Discovery demand of the provider as a whole, and no scene of one feature breaks.

use http::Method;
use serde_json::{Value, json};
use writ_testkit::{
    Cast, Change, Fields, Forge, ISSUER, PASSWORD, TestBrowser, TestReply, WEB_REDIRECT, Web,
    World, both, both_with, claims, front_url,
};

use crate::client::dynamic_registration::{asked, register};

async fn logged_in(world: &World) -> TestBrowser {
    let mut browser = world.browser();
    let page = browser.open("/login").await;
    browser.log_in(&page, "alice", PASSWORD).await;
    browser
}

fn openid(web: &Web) -> Fields {
    web.request().with("scope", "openid accounts:read")
}

/// What a request that shows no page gets, in a browser where alice is logged in.
async fn silently(browser: &mut TestBrowser, form: &Fields) -> Option<String> {
    let silent = form.clone().with("prompt", "none");
    let page = browser.open(&front_url(&silent)).await;
    assert_eq!(page.url.host_str(), Some("web.example"), "{}", page.url);
    page.query("error")
}

/// Tokens of a grant for the issuer alone.
async fn identity(world: &World, web: &Web) -> TestReply {
    let form = web.request().with("scope", "openid");
    let code = web.code(world, &form).await;
    let form = web.redeem_form(&code);
    web.send(world, "/token", &form, &[]).await
}

both!(
    oidc_core_3_1_2_1_redirect_uri_is_required_with_openid,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let bare = openid(&web).without("redirect_uri");
        let page = world.browser().open(&front_url(&bare)).await;
        assert!(page.url.as_str().starts_with(WEB_REDIRECT), "{}", page.url);
        assert_eq!(page.query("error").as_deref(), Some("invalid_request"));
        let pushed = web.send(&world, "/par", &bare, &[]).await;
        assert_eq!(pushed.refusal(), (400, "invalid_request".to_owned()));
        // OAuth 2.1 section 4.1.1 lets a request without `openid` leave it out, where one is registered.
        let oauth = bare.with("scope", "accounts:read");
        let page = world.browser().open(&front_url(&oauth)).await;
        assert_eq!(page.url.path(), "/login", "{}", page.url);
    }
);

both!(
    oidc_core_15_1_the_use_of_these_parameters_is_no_error,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let mut browser = logged_in(&world).await;
        for (name, value) in [
            ("display", "page"),
            ("display", "wap"),
            ("ui_locales", "tlh fr-CA"),
            ("claims_locales", "fr de"),
            ("acr_values", "urn:mace:incommon:iap:silver"),
            ("login_hint", "nobody@nowhere.example"),
            (
                "claims",
                r#"{"id_token":{"acr":{"essential":true},"auth_time":null}}"#,
            ),
            ("max_age", "3600"),
        ] {
            let form = openid(&web).with(name, value);
            let page = browser.open(&front_url(&form)).await;
            assert_eq!(page.url.path(), "/consent", "{name}: {}", page.url);
        }
    }
);

both!(
    oidc_core_3_1_2_3_without_a_page_an_old_login_is_no_login,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({ "first_party": true })).await;
        let mut browser = logged_in(&world).await;
        world.advance(60);
        let aged = |age: &str| openid(&web).with("max_age", age);
        let needed = Some("login_required".to_owned());
        assert_eq!(silently(&mut browser, &aged("59")).await, needed);
        assert_eq!(silently(&mut browser, &aged("60")).await, None);
        let mut nobody = world.browser();
        assert_eq!(silently(&mut nobody, &aged("60")).await, needed);
    }
);

both!(oidc_core_11_offline_access_is_consented_to, |world| async {
    Cast::of(&world).await;
    let scope = "openid accounts:read offline_access";
    let file = json!({ "remember_consent": true, "scope": scope });
    let web = Web::register(&world, file).await;
    let mut browser = logged_in(&world).await;
    let page = browser.open(&front_url(&openid(&web))).await;
    browser.submit(&page, "consent-approve", &[]).await;
    assert_eq!(silently(&mut browser, &openid(&web)).await, None);
    let offline = openid(&web).with("scope", scope);
    let needed = Some("consent_required".to_owned());
    assert_eq!(silently(&mut browser, &offline).await, needed);
});

both!(
    oidc_core_2_no_client_gets_unsigned_id_tokens_or_such_of_a_shared_secret,
    |world| async {
        for (id, alg) in ["none", "HS256", "HS512", "RS1"].into_iter().enumerate() {
            let file = json!({
                "client_id": format!("web{id}"), "id_token_signed_response_alg": alg
            });
            let refused = world.try_add_client(Web::file(file)).await.unwrap_err();
            assert!(refused.contains("`RS256` or `ES256`"), "{alg}: {refused}");
        }
    }
);

both!(
    /// Discovery 3 and 4, Core 8: what is required stands there, in JSON, and the issuer is that of ID tokens.
    oidc_discovery_3_what_is_required_is_there,
    |world| async {
        Cast::of(&world).await;
        let reply = world.get("/.well-known/openid-configuration", &[]).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("content-type"), Some("application/json"));
        let found = reply.json();
        for name in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"] {
            assert!(found[name].is_string(), "{name}");
        }
        let has = |name: &str, value: &str| found[name].as_array().unwrap().contains(&json!(value));
        assert!(has("response_types_supported", "code"));
        assert!(has("scopes_supported", "openid"));
        assert!(has("id_token_signing_alg_values_supported", "RS256"));
        assert_eq!(found["subject_types_supported"], json!(["public"]));
        assert!(found.as_object().unwrap().values().all(|value| *value != json!([])));
        let web = Web::register(&world, json!({})).await;
        let id_token = claims(&identity(&world, &web).await.member("id_token"));
        assert_eq!((&found["issuer"], &id_token["iss"]), (&json!(ISSUER), &json!(ISSUER)));
    }
);

both!(
    oidc_core_5_3_userinfo_takes_bearer_tokens_and_answers_json,
    |world| async {
        let cast = Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let token = identity(&world, &web).await.access_token();
        let bearer = format!("Bearer {token}");
        for method in [Method::GET, Method::POST] {
            let headers = [("authorization", bearer.as_str())];
            let reply = world
                .send(method.clone(), "/userinfo", &headers, Vec::new())
                .await;
            assert_eq!(reply.status, 200, "{method}: {}", reply.text());
            assert_eq!(
                reply.header("content-type"),
                Some("application/json"),
                "{method}"
            );
            assert_eq!(reply.json(), json!({ "sub": cast.alice }));
        }
    }
);

/// The challenges of a refusal: scheme and error.
fn challenges(reply: &TestReply) -> Vec<(String, Value)> {
    let fields = reply.headers.get_all("www-authenticate").iter();
    let read = |text: &str| {
        let challenge = writ_wire::challenge::HttpChallenge::parse(text).unwrap();
        assert!(!challenge.parameters.is_empty(), "{text}");
        let error = challenge
            .get("error")
            .map_or(Value::Null, |error| json!(error));
        (challenge.scheme.clone(), error)
    };
    fields.map(|field| read(field.to_str().unwrap())).collect()
}

both!(
    /// Core 5.3.3, RFC 6750 section 3.
    rfc_6750_3_whoever_sends_a_bearer_token_is_challenged_by_bearer,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let token = identity(&world, &web).await.access_token();
        let of = |scheme: &str, error: Value| (scheme.to_owned(), error);
        let bare = world.get("/userinfo", &[]).await;
        let both = [of("DPoP", Value::Null), of("Bearer", Value::Null)];
        assert_eq!((bare.status, challenges(&bare)), (401, both.to_vec()));
        world.advance(300);
        let bearer = format!("Bearer {token}");
        let late = world.get("/userinfo", &[("authorization", &bearer)]).await;
        let invalid = json!("invalid_token");
        let both = [of("DPoP", invalid.clone()), of("Bearer", invalid)];
        assert_eq!((late.status, challenges(&late)), (401, both.to_vec()));
    }
);

both!(
    oidc_core_5_7_sub_is_of_one_person_and_stays,
    |world| async {
        Cast::of(&world).await;
        world.add_user("erin", PASSWORD).await;
        let web = Web::register(&world, json!({})).await;
        let other = Web::register(&world, json!({ "client_id": "other" })).await;
        let sub = async |name: &str, client: &Web| {
            let url = front_url(&client.request().with("scope", "openid"));
            let back = world.browser().approve(&url, name, PASSWORD).await;
            let code = back.query_pairs().find(|(name, _)| name == "code").unwrap();
            let form = client.redeem_form(&code.1);
            let reply = client.send(&world, "/token", &form, &[]).await;
            claims(&reply.member("id_token"))["sub"].clone()
        };
        let alice = sub("alice", &web).await;
        world.advance(24 * 3600);
        assert_eq!(sub("alice", &web).await, alice);
        assert_eq!(sub("alice", &other).await, alice, "subject type `public`");
        let erin = sub("erin", &web).await;
        assert_ne!(erin, alice);
        for sub in [alice, erin] {
            let text = sub.as_str().unwrap();
            assert!(text.len() <= 255 && text.is_ascii(), "Core 2: {text}");
        }
    }
);

both_with!(
    oidc_registration_2_a_key_set_holds_public_keys_alone,
    &[("FEATURES__GUESTS", "true"), ("REGISTRATION__MODE", "open")],
    |world| async {
        let key = Forge::new(&world.random);
        let with = |jwk: Value| {
            let jwks = json!({ "keys": [jwk] });
            asked(json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks }))
        };
        let mut private = key.jwk();
        private["d"] = json!("A".repeat(43));
        for bad in [private, json!({ "kty": "oct", "k": "A".repeat(43) })] {
            let reply = register(&world, &with(bad.clone())).await;
            let refused = (400, "invalid_client_metadata".to_owned());
            assert_eq!(reply.refusal(), refused, "{bad}");
        }
        let good = register(&world, &with(key.jwk())).await;
        assert_eq!(good.status, 201, "{}", good.text());
    }
);
