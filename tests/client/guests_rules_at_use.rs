//! The operator's lists hold at once: for who registered itself before, and however a host is spelled.

use serde_json::{Value, json};
use writ_testkit::{
    Fields, GUEST, Node, TestGuest, World, both_with, both_with_guests, front_url, minted,
};

use crate::client::dynamic_registration::{Itself, OPEN, asked, notes, register};

const LISTED: &[(&str, &str)] = &[
    ("FEATURES__GUESTS", "true"),
    ("REGISTRATION__MODE", "open"),
    ("GUESTS__SCHEMES", "cursor"),
];

/// One more node, with these lists.
async fn node(world: &World, lists: &[(&str, &str)]) -> Node {
    let all: Vec<_> = OPEN.iter().chain(lists).copied().collect();
    world.node_with(&all).await
}

fn pairs(form: &Fields) -> Vec<(&str, &str)> {
    form.iter().map(|(n, v)| (*n, v.as_str())).collect()
}

fn redirects(uris: &[&str]) -> Value {
    json!({ "redirect_uris": uris })
}

both_with!(
    what_an_operator_denies_later_ends_what_was_registered_before,
    LISTED,
    |world| async {
        notes(&world).await;
        let hosts = Itself::of(&world, redirects(&["https://app.evil.example./cb"])).await;
        let mixed = Itself::of(
            &world,
            redirects(&["http://localhost:6274/cb", "https://evil.example:8443/cb"]),
        )
        .await;
        let scheme = Itself::of(&world, redirects(&["cursor://any/cb"])).await;
        let fine = Itself::of(&world, redirects(&["https://good.example/cb"])).await;
        let denied = node(&world, &[("GUESTS__DENY", "evil.example, *.evil.example")]).await;
        let unlisted = "its scheme `cursor` has no dot, and no operator listed it";
        for (client, sentence) in [
            (
                &hosts,
                "this server sends nobody to the host `app.evil.example`",
            ),
            (
                &mixed,
                "this server sends nobody to the host `evil.example`",
            ),
            (&scheme, unlisted),
        ] {
            let granted = client.granted(&world).await;
            minted(&granted, "before");
            let open = world.consent_page(&front_url(&client.request())).await;
            let code = client.code(&world).await;
            // Now by the other lists: a visit, a pushed request, a code, a refresh token, a page that is open.
            let page = denied.browser().open(&front_url(&client.request())).await;
            assert_eq!(page.reply.status, 400, "{}", page.url);
            assert!(
                page.reply.text().contains(sentence),
                "{}",
                page.reply.text()
            );
            let refresh: Fields = vec![
                ("grant_type", "refresh_token".to_owned()),
                ("refresh_token", granted.member("refresh_token")),
                ("client_id", client.id().to_owned()),
            ];
            let redeem = writ_testkit::with(&client.redeem_form(&code), "client_id", client.id());
            for (path, form) in [
                ("/par", &client.request()),
                ("/token", &redeem),
                ("/token", &refresh),
            ] {
                let reply = denied.post(path, &pairs(form), &[]).await;
                assert_eq!(
                    reply.refusal(),
                    (400, "invalid_client".to_owned()),
                    "{path}"
                );
                assert!(reply.text().contains(sentence), "{path}: {}", reply.text());
            }
            let (mut browser, page) = open;
            browser.move_to(denied.network.clone());
            let page = browser.submit(&page, "consent-approve", &[]).await;
            assert_eq!(page.query("code"), None, "{}", page.url);
            assert!(
                page.reply.text().contains(sentence),
                "{}",
                page.reply.text()
            );
            // Nothing was used up: it is taken again as soon as the lists take it.
            minted(
                &client.send(&world, &client.redeem_form(&code)).await,
                "as before",
            );
        }
        let page = denied.browser().open(&front_url(&fine.request())).await;
        assert_eq!(page.url.path(), "/login", "{}", page.reply.text());
    }
);

both_with!(
    where_all_others_are_denied_who_registered_itself_must_be_listed,
    LISTED,
    |world| async {
        notes(&world).await;
        let lists = [("GUESTS__DENY", "*"), ("GUESTS__HOSTS", "good.example")];
        let few = node(&world, &lists).await;
        for (uri, path) in [
            ("https://good.example/cb", "/login"),
            ("https://good.example./cb", "/login"),
            ("http://localhost:6274/cb", "/login"),
            ("https://other.example/cb", "/authorize"),
            ("https://sub.good.example/cb", "/authorize"),
        ] {
            let client = Itself::of(&world, redirects(&[uri])).await;
            let page = few.browser().open(&front_url(&client.request())).await;
            assert_eq!(page.url.path(), path, "{uri}: {}", page.reply.text());
        }
    }
);

both_with!(
    /// Each line: how a host that an operator denied is spelled by somebody who registers itself.
    a_denied_host_is_denied_in_every_spelling,
    &[
        ("FEATURES__GUESTS", "true"),
        ("REGISTRATION__MODE", "open"),
        ("GUESTS__DENY", "evil.example, *.evil.example, 127.0.0.1, [::1], localhost")
    ],
    |world| async {
        for uri in [
            "https://evil.example/cb",
            "https://evil.example./cb",
            "https://evil.example../cb",
            "https://EVIL.Example/cb",
            "https://evil.example:8443/cb",
            "https://evil.example.:8443/cb",
            "https://%65vil.example/cb",
            "https://evil%2Eexample/cb",
            "https://evil.example%2e/cb",
            "https://evil\u{3002}example/cb",
            "https://evil.example\u{ff0e}/cb",
            "https://\u{ff45}vil.example/cb",
            "https://e\u{ad}vil.example/cb",
            "https:evil.example/cb",
            "https:/evil.example/cb",
            "https:\\\\evil.example\\@good.example/cb",
            "https://a.evil.example./cb",
            "https://good.example@evil.example/cb",
            "https://localhost./cb",
            "https://127.1/cb",
            "https://127.0.0.1./cb",
            "https://0x7f.1/cb",
            "https://0177.0.0.1/cb",
            "https://2130706433/cb",
            "https://[::ffff:127.0.0.1]/cb",
            "https://[::ffff:7f00:1]/cb",
            "https://[0:0:0:0:0:0:0:1]/cb",
            "https://[::1%25lo]/cb",
            "https://./cb",
        ] {
            let reply = register(&world, &asked(redirects(&[uri]))).await;
            assert_eq!(reply.refusal(), (400, "invalid_redirect_uri".to_owned()), "{uri}");
        }
        for uri in ["https://goodevil.example/cb", "https://evil.example.good.example/cb"] {
            let reply = register(&world, &asked(redirects(&[uri]))).await;
            assert_eq!(reply.status, 201, "{uri}: {}", reply.text());
        }
    }
);

both_with_guests!(
    /// The same for the host of a document.
    documents_of_a_denied_host_are_denied_in_every_spelling,
    [("GUESTS__DENY", "evil.example, *.evil.example, 127.0.0.1")],
    |world| async {
        TestGuest::visit(&world).await;
        let denied = "takes no clients of the host";
        let spelled = "is not written in its normal form";
        for (id, sentence) in [
            ("https://evil.example/a", denied),
            ("https://evil.example:8443/a", denied),
            ("https://a.evil.example/a", denied),
            ("https://[::ffff:7f00:1]/a", denied),
            ("https://evil.example./a", spelled),
            ("https://evil.example.:8443/a", spelled),
            ("https://Evil.example/a", spelled),
            ("https://%65vil.example/a", spelled),
            ("https://evil\u{3002}example/a", spelled),
            ("https://2130706433/a", spelled),
            ("https://0x7f.1/a", spelled),
            ("https://[::ffff:127.0.0.1]/a", spelled),
            ("https://good.example@evil.example/a", "has user information"),
            ("https://[::1%25lo]/a", "is no https URL"),
        ] {
            let form = writ_testkit::with(&TestGuest::at("http://127.0.0.1/cb").request(), "client_id", id);
            let page = TestGuest::opened(&world, &form).await;
            assert_eq!(page.reply.status, 400, "{id}");
            assert!(page.reply.text().contains(sentence), "{id}: {}", page.reply.text());
        }
    }
);

both_with_guests!(
    /// Nor are keys fetched from there, whoever names it.
    no_keys_are_fetched_from_a_denied_host,
    [("GUESTS__DENY", "*.evil.example"), ("REGISTRATION__MODE", "open")],
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        let sentence = "fetches no keys of clients from the host `keys.evil.example`";
        for jwks_uri in ["https://keys.evil.example/jwks", "https://Keys.evil.example.:8443/jwks"] {
            world.publish_keys(jwks_uri, &json!({ "keys": [] })).await;
            let changes =
                json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": jwks_uri });
            world.publish_later(GUEST, &TestGuest::document(changes.clone())).await;
            let page = TestGuest::opened(&world, &guest.request()).await;
            assert!(page.reply.text().contains(sentence), "{}", page.reply.text());
            let reply = register(&world, &asked(changes)).await;
            assert_eq!(reply.refusal(), (400, "invalid_client_metadata".to_owned()));
            assert!(reply.text().contains(sentence), "{}", reply.text());
        }
    }
);
