//! Faults that were reported of authorization servers for MCP, each shown absent where a stranger makes a link, a request or a
//! document and somebody else opens it.

use std::net::IpAddr;

use http::Method;
use serde_json::json;
use writ_core::authorize::MAX_FRONT_REQUESTS;
use writ_testkit::{
    DEVICE_REDIRECT, GUEST_REDIRECT, ISSUER, TestGuest, WebPage, basic, both_with, front_url,
    minted, refused, with,
};

use super::mcp_faults::{CALLBACK, on_the_web};
use crate::client::dynamic_registration::{
    CALLBACK as DEVICE, Itself, OPEN, add_notes, notes, register,
};
use crate::people::interaction::links;

const WELL_KNOWN: [&str; 2] = [
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
];

/// Nobody is sent on: the page says what is wrong, and its one link says where it leads.
fn stays(page: &WebPage, redirect: &str) {
    assert_eq!(page.reply.status, 400, "{}", page.url);
    assert!(page.url.as_str().starts_with(ISSUER), "{}", page.url);
    let url = url::Url::parse(redirect).unwrap();
    page.says(&format!("The link leads to {}.", url.host_str().unwrap()));
    let found = links(page);
    assert_eq!(found.len(), 1, "{}", page.reply.text());
    let link = &found[0].0;
    assert!(link.starts_with(redirect), "{link}");
    for part in ["error=", "state=s1", "iss="] {
        assert!(link.contains(part), "{link}");
    }
}

both_with!(
    /// A link to this server leads to the site of whoever registered there (RFC 9700 section 4.11.2).
    fault_an_open_redirector,
    OPEN,
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        add_notes(&world).await;
        let itself = on_the_web(&world, json!({ "client_name": "Your bank" })).await;
        for (request, redirect) in
            [(itself.request(), CALLBACK), (guest.request(), GUEST_REDIRECT)]
        {
            for changes in [
                &[("scope", "no-such-scope")][..],
                &[("response_type", "token")],
                &[("code_challenge_method", "plain")],
                &[("resource", "https://elsewhere.example")],
                &[("prompt", "none")],
                &[("prompt", "none"), ("response_mode", "form_post")],
            ] {
                let form = changes.iter().fold(request.clone(), |form, (n, v)| with(&form, n, *v));
                stays(&world.browser().open(&front_url(&form)).await, redirect);
            }
        }
        // A program on the person's own device, too.
        let at_home = Itself::of(&world, json!({})).await;
        let form = with(&guest.request(), "redirect_uri", DEVICE_REDIRECT);
        for (request, redirect) in [(at_home.request(), DEVICE), (form, DEVICE_REDIRECT)] {
            let form = with(&request, "code_challenge_method", "plain");
            stays(&world.browser().open(&front_url(&form)).await, redirect);
        }
    }
);

both_with!(
    /// The link of a request that ran out, too. Whoever said no goes back: they read where to.
    fault_an_open_redirector_after_the_time_of_a_request,
    OPEN,
    |world| async {
        notes(&world).await;
        let client = on_the_web(&world, json!({})).await;
        let (mut browser, page) = world.consent_page(&front_url(&client.request())).await;
        page.says("app.example");
        let back = browser.submit(&page, "consent-deny", &[]).await;
        assert_eq!(back.query("error").as_deref(), Some("access_denied"));
        let (mut browser, page) = world.consent_page(&front_url(&client.request())).await;
        world.advance(3_600);
        stays(&browser.submit(&page, "consent-approve", &[]).await, CALLBACK);
        let link = format!("/login?request={}", page.query("request").unwrap());
        stays(&world.browser().open(&link).await, CALLBACK);
    }
);

both_with!(
    /// The metadata, or an address that is given out, is made of the `Host` that a stranger sent.
    fault_addresses_made_of_a_header,
    OPEN,
    |world| async {
        notes(&world).await;
        let evil = [
            ("host", "evil.example"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-proto", "http"),
            ("forwarded", "host=evil.example;proto=http"),
            ("x-original-url", "https://evil.example/"),
        ];
        for path in WELL_KNOWN {
            let plain = world.get(path, &[]).await;
            assert_eq!(world.get(path, &evil).await.json(), plain.json(), "{path}");
        }
        let client = on_the_web(&world, json!({})).await;
        let headers = [&[("content-type", "application/json")], &evil[..]].concat();
        let body = json!({ "redirect_uris": [CALLBACK] }).to_string().into_bytes();
        let reply = world.send(Method::POST, "/register", &headers, body).await;
        let place = reply.member("registration_client_uri");
        assert!(place.starts_with(ISSUER), "{place}");
        let reply = world.get(&front_url(&client.request()), &evil).await;
        let next = reply.header("location").unwrap();
        assert!(!next.contains("evil") && next.starts_with('/'), "{next}");
    }
);

both_with!(
    /// A client that has a secret is served without it, or by whoever knows its name.
    fault_a_secret_that_nobody_asks_for,
    OPEN,
    |world| async {
        notes(&world).await;
        for method in ["client_secret_basic", "client_secret_post"] {
            let changes = json!({ "token_endpoint_auth_method": method });
            let client = on_the_web(&world, changes).await;
            let code = client.code(&world).await;
            let form = with(&client.redeem_form(&code), "client_id", client.id());
            let wrong = basic(client.id(), "wrong");
            for (form, headers) in [
                (form.clone(), vec![]),
                (with(&form, "client_secret", ""), vec![]),
                (with(&form, "client_secret", "wrong"), vec![]),
                (client.redeem_form(&code), vec![("authorization", wrong.as_str())]),
            ] {
                let pairs: Vec<_> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
                let reply = world.post("/token", &pairs, &headers).await;
                assert_eq!(reply.error(), "invalid_client", "{method}: {}", reply.text());
            }
            let granted = client.send(&world, &client.redeem_form(&code)).await;
            minted(&granted, "nothing was used up");
        }
    }
);

both_with!(
    /// A refresh widens what the person ticked.
    fault_a_scope_that_grows,
    OPEN,
    |world| async {
        notes(&world).await;
        let client = on_the_web(&world, json!({})).await;
        let granted = client.granted(&world).await;
        for scope in ["notes.read notes.write", "notes.write", "openid"] {
            let form = vec![
                ("grant_type", "refresh_token".to_owned()),
                ("refresh_token", granted.member("refresh_token")),
                ("scope", scope.to_owned()),
            ];
            refused(&client.send(&world, &form).await, "invalid_scope", scope);
        }
        let again = client.refresh(&world, &granted).await;
        assert_eq!(minted(&again, "as before")["scope"], json!("notes.read"));
    }
);

both_with!(
    /// Links and pictures that a client names become part of a page, or are fetched.
    fault_addresses_of_a_registration_on_pages,
    OPEN,
    |world| async {
        notes(&world).await;
        for (name, bad) in
            [("client_uri", "javascript:alert(1)"), ("logo_uri", "data:image/svg+xml,x")]
        {
            let body = json!({ "redirect_uris": [CALLBACK], name: bad });
            let reply = register(&world, &body).await;
            assert!(!reply.text().contains(bad), "{}", reply.text());
        }
        let addresses = json!({
            "client_uri": "https://marked.example/a", "logo_uri": "https://marked.example/b",
            "tos_uri": "https://marked.example/c", "policy_uri": "https://marked.example/d"
        });
        let client = on_the_web(&world, addresses).await;
        let (_, page) = world.consent_page(&front_url(&client.request())).await;
        assert!(!page.reply.text().contains("marked.example"), "{}", page.reply.text());
        let policy = page.reply.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'"), "{policy}");
    }
);

both_with!(
    /// A stranger makes the server fetch from others as often as they like.
    fault_documents_fetched_without_a_limit,
    OPEN,
    |world| async {
        notes(&world).await;
        let client = on_the_web(&world, json!({})).await;
        let stranger: IpAddr = "203.0.113.7".parse().unwrap();
        let visit = |place: i64| {
            let id = format!("https://10.0.0.1/{place}.json");
            front_url(&with(&client.request(), "client_id", id))
        };
        for place in 0..MAX_FRONT_REQUESTS {
            let reply = world.get_from(stranger, &visit(place), &[]).await;
            assert!(reply.text().contains("not a public one"), "{place}: {}", reply.text());
        }
        let over = world.get_from(stranger, &visit(MAX_FRONT_REQUESTS), &[]).await;
        assert!(over.text().contains("too many requests from this address"), "{}", over.text());
    }
);

both_with!(
    /// A person who is signed in agrees by a form of another site, or by one that was made for somebody else.
    fault_a_consent_that_another_site_gives,
    OPEN,
    |world| async {
        notes(&world).await;
        let client = on_the_web(&world, json!({})).await;
        let (mut browser, page) = world.consent_page(&front_url(&client.request())).await;
        let (_, of_another) = world.consent_page(&front_url(&client.request())).await;
        let of = |page: &WebPage| page.fields("consent-approve");
        let token = of(&of_another).into_iter().find(|(name, _)| name == "csrf").unwrap();
        for csrf in [None, Some(("csrf".to_owned(), String::new())), Some(token)] {
            let mut form = of(&page);
            form.retain(|(name, _)| name != "csrf");
            form.extend(csrf);
            let sent = browser.send_form(&page, "consent-approve", &form).await;
            assert_eq!(sent.reply.status, 403, "{}", sent.url);
        }
        let stranger = world.browser().submit(&page, "consent-approve", &[]).await;
        assert!(stranger.query("code").is_none(), "{}", stranger.url);
        let back = browser.submit(&page, "consent-approve", &[]).await;
        assert!(back.query("code").is_some(), "{}", back.url);
    }
);
