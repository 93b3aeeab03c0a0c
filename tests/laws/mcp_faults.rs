//! Faults that were reported of authorization servers for MCP, each shown absent where clients register themselves.

use http::Method;
use serde_json::{Value, json};
use writ_testkit::{
    Change, Forge, ISSUER, PASSWORD, World, both_with, front_url, minted, refused, with, without,
};

use crate::client::dynamic_registration::{Itself, NOTES, OPEN, asked, notes, register};

const TOKEN: &[(&str, &str)] = &[
    ("FEATURES__GUESTS", "true"),
    ("REGISTRATION__MODE", "token"),
];
const LIMITED: &[(&str, &str)] = &[
    ("FEATURES__GUESTS", "true"),
    ("REGISTRATION__MODE", "open"),
    ("REGISTRATION__IN_ALL", "2"),
];
pub(super) const CALLBACK: &str = "https://app.example/cb";

/// A client on the web.
pub(super) async fn on_the_web(world: &World, changes: Value) -> Itself {
    let mut all = json!({ "redirect_uris": [CALLBACK] });
    writ_testkit::merge(&mut all, changes);
    Itself::of(world, all).await
}

/// What a browser sees of this request when nobody is signed in.
async fn opened(world: &World, form: &writ_testkit::Fields) -> (u16, String) {
    let page = world.browser().open(&front_url(form)).await;
    (page.reply.status, page.url.to_string())
}

both_with!(
    /// Registration is open although the operator asked for a token.
    fault_registration_without_authentication_where_it_was_meant,
    TOKEN,
    |world| async {
        for body in [asked(json!({})), json!({ "initial_access_token": "x" }), json!({})] {
            assert_eq!(register(&world, &body).await.status, 401);
        }
        assert!(world.events_named("client.registered").await.is_empty());
    }
);

both_with!(
    /// Anybody fills the database.
    fault_registration_without_limits,
    LIMITED,
    |world| async {
        for _ in 0..4 {
            let reply = register(&world, &asked(json!({}))).await;
            assert_eq!(reply.status, 201, "{}", reply.text());
        }
        // Two stay: what nobody used left when another came.
        assert_eq!(world.events_named("client.removed").await.len(), 2);
        let large = asked(json!({ "client_name": "x".repeat(20_000) }));
        assert_eq!(register(&world, &large).await.status, 400);
        assert_eq!(world.events_named("client.registered").await.len(), 4);
    }
);

both_with!(
    /// A code goes to an address that is only like the registered one.
    fault_redirect_uris_that_are_not_compared_exactly,
    OPEN,
    |world| async {
        notes(&world).await;
        let client = on_the_web(&world, json!({})).await;
        for evil in [
            "https://app.example/cb/evil",
            "https://app.example/cb?x=1",
            "https://app.example/CB",
            "https://app.example.evil.example/cb",
            "https://app.example@evil.example/cb",
            "https://app.example:444/cb",
            "https://evil.example/cb",
            "http://app.example/cb",
            "http://localhost:6274/oauth/callback",
            "javascript:alert(1)",
        ] {
            let form = client.request().with("redirect_uri", evil);
            let (status, url) = opened(&world, &form).await;
            assert_eq!(status, 400, "{evil}");
            assert!(url.starts_with(ISSUER), "nobody is sent there: {url}");
        }
    }
);

both_with!(
    /// A host that looks like another one is shown as if it were that.
    fault_look_alike_hosts,
    OPEN,
    |world| async {
        notes(&world).await;
        let letters = json!({ "redirect_uris": ["https://\u{430}pple.example/cb"] });
        let reply = register(&world, &asked(letters)).await;
        refused(&reply, "invalid_redirect_uri", "Cyrillic letters");
        let puny = json!({ "redirect_uris": ["https://xn--pple-43d.example/cb"] });
        let client = Itself::of(&world, puny).await;
        let (_, page) = world.consent_page(&front_url(&client.request())).await;
        let text = page.reply.text();
        assert!(text.contains("xn--pple-43d.example"), "{text}");
        assert!(!text.contains('\u{430}'), "{text}");
    }
);

both_with!(
    /// What a person agreed to goes elsewhere after a change of the registration.
    fault_redirect_uris_that_change_after_consent,
    OPEN,
    |world| async {
        notes(&world).await;
        let client = on_the_web(&world, json!({})).await;
        let code = client.code(&world).await;
        let evil = asked(json!({
            "client_id": client.id(), "redirect_uris": ["https://evil.example/cb"]
        }));
        let changed = client.manage(&world, Method::PUT, &evil).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        let form = client.redeem_form(&code);
        for redirect in [CALLBACK, "https://evil.example/cb"] {
            let form = with(&form, "redirect_uri", redirect);
            refused(&client.send(&world, &form).await, "invalid_grant", redirect);
        }
    }
);

both_with!(
    /// The metadata, or the answer to a registration, promises what is not so.
    fault_metadata_that_promises_what_is_not_so,
    OPEN,
    |world| async {
        notes(&world).await;
        let found = world
            .get("/.well-known/oauth-authorization-server", &[])
            .await
            .json();
        assert_eq!(found["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(found["registration_endpoint"], json!(format!("{ISSUER}/register")));
        let methods = found["token_endpoint_auth_methods_supported"].as_array().unwrap();
        for method in ["none", "client_secret_basic", "client_secret_post"] {
            assert!(methods.contains(&json!(method)), "{method}");
            let client =
                Itself::of(&world, json!({ "token_endpoint_auth_method": method })).await;
            let granted = client.granted(&world).await;
            minted(&granted, method);
            minted(&client.refresh(&world, &granted).await, "as `grant_types` said");
        }
    }
);

both_with!(
    /// PKCE is not asked for, or `plain` is taken.
    fault_pkce_missing_or_plain,
    OPEN,
    |world| async {
        notes(&world).await;
        let secret = json!({ "token_endpoint_auth_method": "client_secret_basic" });
        for changes in [json!({}), secret] {
            let client = on_the_web(&world, changes).await;
            let request = client.request();
            for form in [
                without(&without(&request, "code_challenge"), "code_challenge_method"),
                without(&request, "code_challenge_method"),
                with(&request, "code_challenge_method", "plain"),
            ] {
                let (status, url) = opened(&world, &form).await;
                assert_eq!(status, 400, "{url}");
            }
            let code = client.code(&world).await;
            let form = client.redeem_form(&code);
            let reply = client.send(&world, &without(&form, "code_verifier")).await;
            assert!(reply.status == 400, "{}", reply.text());
            let reply = client.send(&world, &with(&form, "code_verifier", "x".repeat(43))).await;
            refused(&reply, "invalid_grant", "another verifier");
        }
    }
);

both_with!(
    /// A person's one consent serves other clients, or the same one again, unseen.
    fault_one_consent_that_serves_other_clients,
    OPEN,
    |world| async {
        notes(&world).await;
        let client = on_the_web(&world, json!({})).await;
        let twin = on_the_web(&world, json!({})).await;
        let (mut browser, page) = world.consent_page(&front_url(&client.request())).await;
        let back = browser.submit(&page, "consent-approve", &[]).await;
        assert!(back.query("code").is_some(), "{}", back.url);
        for again in [&twin, &client] {
            let mut page = browser.open(&front_url(&again.request())).await;
            if page.url.path() == "/login" {
                page = browser.log_in(&page, "alice", PASSWORD).await;
            }
            assert_eq!(page.url.path(), "/consent", "asked each time");
            assert!(page.query("code").is_none());
        }
        let silent = with(&client.request(), "prompt", "none");
        let page = browser.open(&front_url(&silent)).await;
        assert!(page.query("code").is_none(), "{}", page.url);
    }
);

both_with!(
    /// A token is good at any server.
    fault_tokens_without_audience,
    OPEN,
    |world| async {
        notes(&world).await;
        let client = on_the_web(&world, json!({})).await;
        let granted = client.granted(&world).await;
        assert_eq!(minted(&granted, "granted")["aud"], json!(NOTES));
        let bearer = format!("Bearer {}", granted.access_token());
        let reply = world.get("/userinfo", &[("authorization", &bearer)]).await;
        assert_eq!(reply.status, 401, "meant for the notes alone");
        let again = client.refresh(&world, &granted).await;
        assert_eq!(minted(&again, "refreshed")["aud"], json!(NOTES));
    }
);

both_with!(
    /// A refresh token that was stolen works beside the one of its client.
    fault_refresh_tokens_that_are_not_rotated,
    OPEN,
    |world| async {
        notes(&world).await;
        let client = on_the_web(&world, json!({})).await;
        let first = client.granted(&world).await;
        let second = client.refresh(&world, &first).await;
        minted(&second, "rotated");
        assert_ne!(first.member("refresh_token"), second.member("refresh_token"));
        world.advance(61);
        refused(&client.refresh(&world, &first).await, "invalid_grant", "used before");
        refused(&client.refresh(&world, &second).await, "invalid_grant", "so all of it ends");
    }
);

both_with!(
    /// A registration makes the server call an address inside the house.
    fault_key_sets_that_reach_inside_the_house,
    OPEN,
    |world| async {
        let key = Forge::new(&world.random);
        for uri in ["https://127.0.0.1/jwks", "https://169.254.169.254/latest", "https://[::1]/"] {
            let client = Itself::of(
                &world,
                json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": uri }),
            )
            .await;
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            let assertion = key.assertion(client.id(), ISSUER, world.now().seconds());
            let form = with(&client.redeem_form("x"), "client_assertion_type", kind);
            let form = with(&form, "client_assertion", assertion);
            let reply = client.send(&world, &form).await;
            assert!(reply.text().contains("not a public one"), "{uri}: {}", reply.text());
            refused(&reply, "invalid_client", uri);
        }
        let plain = json!({
            "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://10.0.0.1/jwks"
        });
        let reply = register(&world, &asked(plain)).await;
        refused(&reply, "invalid_client_metadata", "no TLS");
    }
);

both_with!(
    /// A registration takes over the name of another client, or brings its own secret.
    fault_a_registration_that_takes_the_place_of_another_client,
    OPEN,
    |world| async {
        let first = Itself::of(&world, json!({})).await;
        let second = Itself::of(
            &world,
            json!({
                "client_id": first.id(), "client_secret": "mine",
                "token_endpoint_auth_method": "client_secret_basic"
            }),
        )
        .await;
        assert_ne!(first.id(), second.id());
        assert_ne!(second.said("client_secret"), "mine");
        let read = first.manage(&world, Method::GET, &Value::Null).await;
        assert_eq!(read.json(), first.answer);
        let own = json!({ "client_id": "dyn_x", "client_name": "X", "profile": "oauth21" });
        let refusal = world.try_add_client(own).await.unwrap_err();
        assert!(refusal.contains("dyn_"), "{refusal}");
    }
);

both_with!(
    /// A code or a refresh token of one client works for another one.
    fault_grants_that_another_client_can_use,
    OPEN,
    |world| async {
        notes(&world).await;
        let client = on_the_web(&world, json!({})).await;
        let thief = on_the_web(&world, json!({})).await;
        let code = client.code(&world).await;
        let form = client.redeem_form(&code);
        refused(&thief.send(&world, &form).await, "invalid_grant", "a code");
        let granted = client.send(&world, &form).await;
        minted(&granted, "nothing was used up");
        refused(&thief.refresh(&world, &granted).await, "invalid_grant", "a refresh token");
    }
);

both_with!(
    /// A code works twice.
    fault_codes_that_work_twice,
    OPEN,
    |world| async {
        notes(&world).await;
        let client = on_the_web(&world, json!({})).await;
        let code = client.code(&world).await;
        let form = client.redeem_form(&code);
        let granted = client.send(&world, &form).await;
        minted(&granted, "once");
        world.advance(20);
        refused(&client.send(&world, &form).await, "invalid_grant", "twice");
    }
);

both_with!(
    /// The answer does not say who gave it, so that it can be carried to another server (RFC 9207).
    fault_answers_that_do_not_name_their_issuer,
    OPEN,
    |world| async {
        notes(&world).await;
        let client = on_the_web(&world, json!({})).await;
        let url = front_url(&client.request());
        let back = world.browser().approve(&url, "alice", PASSWORD).await;
        let said = |name: &str| back.query_pairs().find(|(n, _)| n == name).map(|(_, v)| v);
        assert_eq!(said("iss").as_deref(), Some(ISSUER));
        assert_eq!(said("state").as_deref(), Some("s1"));
    }
);

both_with!(
    /// A name of a client becomes part of the page.
    fault_names_that_are_markup_or_turn_the_text_around,
    OPEN,
    |world| async {
        notes(&world).await;
        let name = "<script>alert(1)</script>\u{202e}\u{200b}Bank";
        let client = on_the_web(&world, json!({ "client_name": name })).await;
        let (_, page) = world.consent_page(&front_url(&client.request())).await;
        let text = page.reply.text();
        assert!(!text.contains("<script>alert"), "{text}");
        assert!(!text.contains('\u{202e}'), "{text}");
    }
);
