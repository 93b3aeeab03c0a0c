//! What guests may have: what a resource allows them, what the operator's lists say of hosts and redirect URIs.

use serde_json::json;
use writ_testkit::{
    BANK, Cast, Change, DEVICE_REDIRECT, Forge, GUEST, TestGuest, both_with_guests, payment,
};

both_with_guests!(
    a_guest_gets_no_more_than_the_resource_allows_guests,
    [],
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        // It asks for whatever the metadata lists: what is not open to guests is left out, and the answer says so.
        let form = guest
            .request()
            .with("scope", "accounts:read accounts:write unheard-of");
        let back = guest.agreed(&world, &form, &[]).await;
        let reply = guest
            .send(
                &world,
                &guest.redeem_form(&back.query("code").unwrap()),
                None,
            )
            .await;
        assert_eq!(reply.json()["scope"], "accounts:read", "{}", reply.text());
        let details = json!([payment("1.00")]).to_string();
        for (form, error) in [
            (
                guest.request().with("scope", "accounts:write"),
                "invalid_scope",
            ),
            (
                guest.request().with("authorization_details", details),
                "invalid_authorization_details",
            ),
            (
                guest.request().with("resource", "https://other.example"),
                "invalid_target",
            ),
        ] {
            let page = TestGuest::opened(&world, &form).await;
            assert_eq!(page.reply.status, 400, "{}", page.url);
            page.says(error);
        }
    }
);

both_with_guests!(
    what_a_resource_no_longer_allows_ends_the_grant,
    [],
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        let token = guest.granted(&world).await.member("refresh_token");
        for guests in [
            json!({ "mode": "none" }),
            json!({ "mode": "bearer", "scopes": [] }),
        ] {
            world.admit_guests(guests).await;
            let refused = guest.refreshed(&world, &token).await;
            assert_eq!(
                refused.refusal(),
                (400, "invalid_grant".to_owned()),
                "{}",
                refused.text()
            );
        }
    }
);

both_with_guests!(
    a_resource_without_the_member_takes_no_guests,
    [],
    |world| async {
        Cast::of(&world).await;
        world.publish(GUEST, &TestGuest::document(json!({}))).await;
        let guest = TestGuest::at("https://client.example/cb");
        let nothing_default = guest.request().without("scope");
        for form in [guest.request(), nothing_default] {
            let page = TestGuest::opened(&world, &form).await;
            assert_eq!(page.reply.status, 400, "{}", page.url);
            page.says("invalid_scope");
        }
    }
);

both_with_guests!(
    a_resource_that_takes_bound_tokens_gets_no_bearer,
    [],
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        let bearer = guest.granted(&world).await.member("refresh_token");
        world
            .admit_guests(json!({ "mode": "bound", "scopes": ["accounts:read"] }))
            .await;
        let key = Forge::new(&world.random);
        let code = guest.code(&world).await;
        let bare = guest.send(&world, &guest.redeem_form(&code), None).await;
        assert_eq!(
            bare.refusal(),
            (400, "invalid_request".to_owned()),
            "{}",
            bare.text()
        );
        let bound = guest
            .send(&world, &guest.redeem_form(&code), Some(&key))
            .await;
        assert_eq!(bound.json()["token_type"], "DPoP", "{}", bound.text());
        let refused = guest.refreshed(&world, &bearer).await;
        assert_eq!(
            refused.refusal(),
            (400, "invalid_request".to_owned()),
            "{}",
            refused.text()
        );
    }
);

both_with_guests!(
    redirects_lead_to_the_host_of_the_document_or_to_a_device,
    [
        ("GUESTS__HOSTS", "*.partner.example"),
        ("GUESTS__SCHEMES", "cursor")
    ],
    |world| async {
        TestGuest::visit(&world).await;
        let uris = json!([
            "https://client.example/cb",
            "https://app.client.example/cb",
            DEVICE_REDIRECT,
            "com.example.app:/cb",
            "cursor://anysphere/cb",
            "https://login.partner.example/cb",
            "https://evil.example/cb",
            "https://client.example.evil.example/cb",
            "zed://cb",
            "javascript:alert(1)",
            "intent://x",
            "https://client.example/cb#x",
            "http://client.example/cb"
        ]);
        world
            .publish_later(
                GUEST,
                &TestGuest::document(json!({ "redirect_uris": uris })),
            )
            .await;
        let uris: Vec<&str> = uris
            .as_array()
            .unwrap()
            .iter()
            .map(|uri| uri.as_str().unwrap())
            .collect();
        let (good, bad) = uris.split_at(6);
        for uri in good {
            let page = TestGuest::opened(&world, &TestGuest::at(uri).request()).await;
            assert_eq!(page.url.path(), "/login", "{uri}: {}", page.reply.text());
        }
        for (uri, sentence) in bad.iter().zip([
            "an operator can list it in `guests.hosts`",
            "an operator can list it in `guests.hosts`",
            "its scheme `zed` has no dot, and no operator listed it in `guests.schemes`",
            "has a scheme that browsers run",
            "has a scheme that browsers run",
            "has a fragment",
            "is `http` outside loopback",
        ]) {
            let page = TestGuest::opened(&world, &TestGuest::at(uri).request()).await;
            assert_eq!(page.reply.status, 400, "{uri}");
            page.says(sentence);
        }
        let unknown = TestGuest::at("https://client.example/other");
        let page = TestGuest::opened(&world, &unknown.request()).await;
        page.says("does not stand in the client's metadata document");
    }
);

both_with_guests!(
    hosts_are_taken_by_the_operators_lists,
    [
        ("GUESTS__HOSTS", "listed.github.io, *.good.example"),
        (
            "GUESTS__DENY",
            "bad.example, *.bad.example, worse.good.example"
        )
    ],
    |world| async {
        TestGuest::visit(&world).await;
        for (url, sentence) in [
            ("https://listed.github.io/a.json", None),
            ("https://fine.good.example/a.json", None),
            ("https://client.example/a.json", None),
            (
                "https://other.github.io/a.json",
                Some("anybody can put a document on the host"),
            ),
            (
                "https://raw.githubusercontent.com/a.json",
                Some("anybody can put a document on the host"),
            ),
            (
                "https://bad.example/a.json",
                Some("takes no clients of the host"),
            ),
            (
                "https://a.bad.example/a.json",
                Some("takes no clients of the host"),
            ),
            (
                "https://worse.good.example/a.json",
                Some("takes no clients of the host"),
            ),
        ] {
            let host = url
                .strip_prefix("https://")
                .unwrap()
                .split('/')
                .next()
                .unwrap();
            let redirect = format!("https://{host}/cb");
            let document = json!({ "client_id": url, "redirect_uris": [redirect] });
            world.publish(url, &document).await;
            let guest = TestGuest {
                id: url.to_owned(),
                redirect,
                key: None,
            };
            let page = TestGuest::opened(&world, &guest.request()).await;
            match sentence {
                None => assert_eq!(page.url.path(), "/login", "{url}: {}", page.reply.text()),
                Some(sentence) => page.says(sentence),
            }
        }
    }
);

both_with_guests!(
    only_listed_hosts_are_taken_where_all_others_are_denied,
    [("GUESTS__HOSTS", "client.example"), ("GUESTS__DENY", "*")],
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        let page = TestGuest::opened(&world, &guest.request()).await;
        assert_eq!(page.url.path(), "/login");
        let other = "https://other.example/a.json";
        world
            .publish(
                other,
                &json!({ "client_id": other, "redirect_uris": ["https://other.example/cb"] }),
            )
            .await;
        let guest = TestGuest {
            id: other.to_owned(),
            redirect: "https://other.example/cb".to_owned(),
            key: None,
        };
        let page = TestGuest::opened(&world, &guest.request().with("resource", BANK)).await;
        page.says("takes no clients of the host");
    }
);
