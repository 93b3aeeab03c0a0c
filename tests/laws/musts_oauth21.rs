//! What OAuth 2.1 and RFC 6749 demand of all endpoints, or of how they answer, and no scene of one feature breaks.

use http::Method;
use serde_json::json;
use writ_testkit::{
    Cast, Change, Fields, Forge, ISSUER, PASSWORD, TestReply, VERIFIER, WEB_REDIRECT, Web, World,
    both, both_with, front_url,
};

use crate::client::dynamic_registration::{asked, register};

const HTTPS: &str = "https://as.example";
/// Everything that announces endpoints is on.
const ALL_ON: &[(&str, &str)] = &[
    ("SERVER__ISSUER", HTTPS),
    ("FEATURES__GUESTS", "true"),
    ("FEATURES__TRANSACTION_CHALLENGE", "true"),
    ("REGISTRATION__MODE", "open"),
];
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// 160 bits in base64url.
const LEAST_SECRET: usize = 27;

async fn posted(world: &World, path: &str, form: &Fields) -> TestReply {
    let pairs: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
    world.post(path, &pairs, &[]).await
}

both_with!(
    /// Sections 1.5, 3.1 and 3.2, RFC 7009 section 2, RFC 9126 section 2, OpenID Connect Discovery 3.
    oauth21_1_5_every_endpoint_is_https_and_has_no_fragment,
    ALL_ON,
    |world| async {
        let found = world.get("/.well-known/openid-configuration", &[]).await.json();
        let members = found.as_object().unwrap();
        let names = members.keys().filter(|name| name.ends_with("_endpoint") || *name == "jwks_uri");
        let mut urls: Vec<String> = names.map(|name| found[name].as_str().unwrap().to_owned()).collect();
        assert!(urls.len() >= 12, "{urls:?}");
        let registered = register(&world, &asked(json!({}))).await;
        urls.push(registered.member("registration_client_uri"));
        for url in urls {
            assert!(url.starts_with("https://as.example/"), "{url}");
            assert!(!url.contains(['#', '?']), "{url}");
        }
    }
);

both!(
    oauth21_2_4_1_a_secret_in_the_address_is_no_authentication,
    |world| async {
        let post = json!({ "token_endpoint_auth_method": "client_secret_post" });
        let web = Web::register(&world, post).await;
        let secret = web.secret.clone().unwrap();
        let grant: Fields = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", "x".to_owned()),
        ];
        let path = format!("/token?client_id=web&client_secret={secret}");
        let reply = posted(&world, &path, &grant).await;
        assert_eq!(reply.refusal(), (400, "invalid_client".to_owned()));
        let path = format!("/token?client_secret={secret}");
        let named = grant.clone().with("client_id", "web");
        let reply = posted(&world, &path, &named).await;
        assert_eq!(reply.refusal(), (400, "invalid_client".to_owned()));
        let form = named.with("client_secret", secret);
        let reply = posted(&world, "/token", &form).await;
        assert_eq!(reply.refusal(), (400, "invalid_grant".to_owned()));
    }
);

both!(
    oauth21_3_2_unknown_and_empty_parameters_do_no_harm_and_repeated_ones_are_refused,
    |world| async {
        Cast::of(&world).await;
        let machine = json!({ "grant_types": ["client_credentials"], "redirect_uris": [] });
        let machine = Web::register(&world, machine).await;
        let good: Fields = vec![
            ("grant_type", "client_credentials".to_owned()),
            ("scope", "accounts:read".to_owned()),
        ];
        let token = async |form: &Fields| machine.send(&world, "/token", form, &[]).await;
        for harmless in [
            good.clone().with("foo", "1"),
            good.clone().and("resource", "").and("code", ""),
        ] {
            let reply = token(&harmless).await;
            assert_eq!(reply.status, 200, "{harmless:?}: {}", reply.text());
        }
        let empty = good.clone().with("scope", "");
        let absent = good.clone().without("scope");
        assert_eq!(token(&empty).await.text(), token(&absent).await.text());
        for twice in [
            good.clone().and("grant_type", "client_credentials"),
            good.clone().and("scope", "accounts:read"),
        ] {
            let refusal = token(&twice).await.refusal();
            assert_eq!(refusal, (400, "invalid_request".to_owned()), "{twice:?}");
        }
    }
);

/// What a page, a header field or a query must not take for its own.
const HOSTILE: &str = "a\r\nset-cookie: x=y&iss=https://evil.example\"><script>alert(1)</script>#";

both!(
    oauth21_7_12_a_hostile_state_comes_back_as_it_was_and_does_nothing,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let form = web.request().with("state", HOSTILE);
        let (mut browser, page) = world.consent_page(&front_url(&form)).await;
        assert!(!page.reply.text().contains("<script>alert"));
        let denied = browser.submit(&page, "consent-deny", &[]).await;
        let refused = world
            .browser()
            .open(&front_url(&form.clone().with("scope", "no")))
            .await;
        for back in [denied, refused] {
            let state = back.query("state");
            assert_eq!(state.as_deref(), Some(HOSTILE));
            let issuers = back.url.query_pairs().filter(|(name, _)| name == "iss");
            let issuers: Vec<String> = issuers.map(|(_, value)| value.into_owned()).collect();
            assert_eq!(issuers, [ISSUER]);
            assert_eq!(back.url.fragment(), None, "{}", back.url);
            assert_eq!(back.reply.header("x"), None);
        }
        let by_form = form.with("response_mode", "form_post").with("scope", "no");
        let page = world.browser().open(&front_url(&by_form)).await;
        let html = page.reply.text();
        assert!(!html.contains("<script>alert"), "{html}");
        assert!(
            html.contains("&#60;script&#62;alert(1)"),
            "as it was: {html}"
        );
    }
);

both!(
    oauth21_4_1_2_an_answer_holds_code_state_and_issuer_and_nothing_else,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let (mut browser, page) = world.consent_page(&front_url(&web.request())).await;
        let back = browser.submit(&page, "consent-approve", &[]).await;
        let names: Vec<String> = back
            .url
            .query_pairs()
            .map(|(name, _)| name.into_owned())
            .collect();
        // `from` is the redirect URI's own.
        assert_eq!(names, ["from", "code", "state", "iss"]);
        assert!(!back.url.as_str().contains(writ_testkit::CHALLENGE));
    }
);

both!(
    oauth21_4_1_3_a_public_client_names_itself_and_gets_its_own_code_alone,
    |world| async {
        Cast::of(&world).await;
        let public = |id: &str| json!({ "client_id": id, "token_endpoint_auth_method": "none" });
        let app = Web::register(&world, public("app")).await;
        Web::register(&world, public("other")).await;
        let code = app.code(&world, &app.request()).await;
        let form = app.redeem_form(&code);
        let unnamed = posted(&world, "/token", &form).await;
        assert_eq!(unnamed.refusal(), (400, "invalid_client".to_owned()));
        let other = form.clone().with("client_id", "other");
        let foreign = posted(&world, "/token", &other).await;
        assert_eq!(foreign.refusal(), (400, "invalid_grant".to_owned()));
        let own = app.send(&world, "/token", &form, &[]).await;
        assert_eq!(own.status, 200, "{}", own.text());
    }
);

/// RFC 6749 section 5.2: `%x20-21 / %x23-5B / %x5D-7E`.
fn is_allowed(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

both!(
    rfc_6749_5_2_no_error_has_a_forbidden_character,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let hostile = "q\"b\\s\u{e4}\u{1f600}\n";
        for name in [
            "scope",
            "resource",
            "code_challenge_method",
            "response_mode",
            "max_age",
            "authorization_details",
        ] {
            let form = web.request().with(name, hostile);
            let back = world.browser().open(&front_url(&form)).await;
            for member in ["error", "error_description"] {
                let text = back
                    .query(member)
                    .unwrap_or_else(|| panic!("{name}: {}", back.url));
                assert!(is_allowed(&text), "{name}: {text}");
            }
            let pushed = web.send(&world, "/par", &form, &[]).await;
            assert!(
                is_allowed(&pushed.member("error_description")),
                "{}",
                pushed.text()
            );
        }
        for name in ["grant_type", "scope", "code", "client_id", "redirect_uri"] {
            let form = web.redeem_form("x").with(name, hostile);
            let reply = web.send(&world, "/token", &form, &[]).await;
            assert_ne!(reply.status, 200, "{name}");
            assert!(is_allowed(&reply.error()), "{name}");
            assert!(
                is_allowed(&reply.member("error_description")),
                "{}",
                reply.text()
            );
        }
    }
);

both!(
    /// Section 7.5.3: the browser must not send the form on.
    oauth21_7_5_3_a_form_with_a_password_is_answered_by_303,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        for address in ["/login".to_owned(), front_url(&web.request())] {
            let mut browser = world.browser();
            let page = browser.open(&address).await;
            let mut fields = page.fields("login-submit");
            fields.push(("login-submit".to_owned(), "1".to_owned()));
            fields.push(("username".to_owned(), "alice".to_owned()));
            fields.push(("password".to_owned(), PASSWORD.to_owned()));
            let pairs: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let cookies = browser.cookies.iter();
            let cookie: String = cookies.map(|(name, value)| format!("{name}={value}")).collect();
            let reply = world.post("/login", &pairs, &[("cookie", &cookie)]).await;
            assert_eq!(reply.status, 303, "{address}: {}", reply.text());
            assert!(!reply.header("location").unwrap().contains(PASSWORD));
        }
    }
);

both_with!(
    /// Section 7.7 and RFC 7592 section 5.
    rfc_6749_10_10_nothing_that_is_issued_can_be_guessed,
    &[("FEATURES__GUESTS", "true"), ("REGISTRATION__MODE", "open")],
    |world| async {
        let cast = Cast::of(&world).await;
        let mut seen: Vec<(&str, String)> = Vec::new();
        for id in ["one", "two"] {
            let uri = cast.pushed(&world, &cast.request()).await;
            seen.push(("request_uri", uri.rsplit(':').next().unwrap().to_owned()));
            let code = cast.code(&world).await;
            let reply = cast.redeem(&world, &code).await;
            seen.extend([("code", code), ("refresh_token", reply.member("refresh_token"))]);
            let asking = vec![("scope", "accounts:read".to_owned())];
            let device = cast.planner.send(&world, "/device_authorization", &asking).await;
            seen.push(("device_code", device.member("device_code")));
            let web = Web::register(&world, json!({ "client_id": id })).await;
            seen.push(("client_secret", web.secret.unwrap()));
            let secret = json!({ "token_endpoint_auth_method": "client_secret_basic" });
            let registered = register(&world, &asked(secret)).await;
            for name in ["client_secret", "registration_access_token"] {
                seen.push((name, registered.member(name)));
            }
        }
        for (place, (name, secret)) in seen.iter().enumerate() {
            assert!(secret.len() >= LEAST_SECRET, "{name}: {secret}");
            assert!(seen.iter().skip(place + 1).all(|(_, other)| other != secret), "{name}");
            let letters: std::collections::BTreeSet<char> = secret.chars().collect();
            assert!(letters.len() > 12, "{name}: {secret}");
        }
    }
);

both!(
    /// Section 3.2: by POST alone, with the parameters in the body.
    oauth21_3_2_the_token_endpoint_is_asked_by_post_alone,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let code = web.code(&world, &web.request()).await;
        let query = front_url(&web.redeem_form(&code)).replace("/authorize?", "/token?");
        let basic = web.basic();
        let headers = [("authorization", basic.as_str())];
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let reply = world.send(method.clone(), &query, &headers, Vec::new()).await;
            assert_eq!(reply.status, 405, "{method}");
        }
        let bare = world.post(&query, &[], &headers).await;
        assert_eq!(bare.refusal(), (400, "invalid_request".to_owned()));
        let form = web.redeem_form(&code);
        assert_eq!(form[2], ("code_verifier", VERIFIER.to_owned()));
        assert_eq!(form[3], ("redirect_uri", WEB_REDIRECT.to_owned()));
        let reply = web.send(&world, "/token", &form, &[]).await;
        assert_eq!(reply.status, 200, "nothing was used up: {}", reply.text());
    }
);

both!(
    /// As RFC 7523bis has it for clients of OAuth 2.1; others name the issuer alone.
    rfc_9126_2_an_assertion_names_the_issuer_the_token_endpoint_or_this_one,
    |world| async {
        Cast::of(&world).await;
        let key = Forge::new(&world.random);
        let file = json!({
            "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [key.jwk()] }
        });
        world.add_client(Web::file(file)).await;
        let web = Web { id: "web".to_owned(), secret: None };
        for (audience, status) in [
            (ISSUER.to_owned(), 201),
            (format!("{ISSUER}/token"), 201),
            (format!("{ISSUER}/par"), 201),
            (format!("{ISSUER}/bc-authorize"), 400),
            ("https://other.example/par".to_owned(), 400),
        ] {
            let assertion = key.assertion("web", &audience, world.now().seconds());
            let form = web.request().with("client_assertion_type", JWT_BEARER);
            let form = form.with("client_assertion", assertion);
            let reply = posted(&world, "/par", &form).await;
            assert_eq!(reply.status, status, "{audience}: {}", reply.text());
        }
    }
);
