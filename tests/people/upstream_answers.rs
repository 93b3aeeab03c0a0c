//! What a provider, a stranger or another provider sends back that is not right signs nobody in, and leaves nobody here.

use serde_json::{Value, json};
use writ_platform::Random;
use writ_testkit::{
    DatabaseKind, Forge, ISSUER, TestBrowser, TestProvider, UPSTREAM_CLIENT, WebPage, World,
    both_upstream, merge, upstream_world_of,
};

use super::upstream::sign_in_as;

/// The callback page, and that nobody came of it.
async fn refused(world: &World, browser: &mut TestBrowser, back: &str, what: &str) -> WebPage {
    let page = browser.open(back).await;
    assert!(
        [403, 422].contains(&page.reply.status),
        "{what}: {} {}",
        page.reply.status,
        page.reply.text()
    );
    assert_eq!(browser.open("/app").await.url.path(), "/login", "{what}");
    let people = world.events_named("user.added").await;
    assert!(people.is_empty(), "{what}: {people:?}");
    page
}

/// From a fresh browser to the provider.
async fn asked(world: &World) -> (TestBrowser, WebPage) {
    let mut browser = world.browser();
    let login = browser.open("/login").await;
    let asked = browser.to_provider(&login, "acme").await;
    (browser, asked)
}

both_upstream!(
    oidc_core_3_1_3_7_an_id_token_that_is_not_right_signs_nobody_in,
    [("ANYONE", "true")],
    |world, acme| async {
        let now = world.now().seconds();
        let long = "s".repeat(256);
        for changes in [
            json!({ "iss": "https://evil.example" }),
            json!({ "iss": format!("{}/", acme.origin) }),
            json!({ "iss": null }),
            json!({ "aud": "another-client" }),
            json!({ "aud": [] }),
            json!({ "aud": null }),
            json!({ "aud": [UPSTREAM_CLIENT, "another-client"] }),
            json!({ "azp": "another-client" }),
            json!({ "nonce": "of-another-login" }),
            json!({ "nonce": null }),
            json!({ "exp": now }),
            json!({ "exp": now - 1 }),
            json!({ "exp": null }),
            json!({ "iat": now + 61 }),
            json!({ "iat": null }),
            json!({ "auth_time": now + 61 }),
            json!({ "sub": null }),
            json!({ "sub": "" }),
            json!({ "sub": long }),
            json!({ "sub": "\u{430}lice" }),
            json!({ "sub": 7 }),
            json!({ "at_hash": "MTIzNDU2Nzg5MDEyMzQ1Ng" }),
        ] {
            let (mut browser, asked) = asked(&world).await;
            let mut claims = acme.claims(&world, &asked);
            merge(&mut claims, changes.clone());
            let back = acme.answer(&asked, &claims);
            let page = refused(&world, &mut browser, &back, &changes.to_string()).await;
            page.says("the answer that came back is not right");
        }
        // The same with nothing wrong.
        let page = sign_in_as(&world, &acme, &mut world.browser(), json!({})).await;
        assert_eq!(page.url.path(), "/app");
    }
);

both_upstream!(
    rfc_8725_3_1_only_a_key_of_the_provider_signs,
    [("ANYONE", "true")],
    |world, acme| async {
        let other = Forge::new(&Random::seeded(7));
        let kid = json!({ "alg": "ES256", "kid": acme.key.thumbprint() });
        let hs256 = json!({ "alg": "HS256", "kid": acme.key.thumbprint() });
        let good = |claims: &Value| acme.key.sign(&kid, claims);
        type Signs<'a> = Box<dyn Fn(&Value) -> Value + Send + 'a>;
        let signed: [(&str, Signs<'_>); 9] = [
            ("no ID token", Box::new(|_| Value::Null)),
            (
                "alg none",
                Box::new(|claims| json!(acme.key.unsigned(claims))),
            ),
            (
                "another key by that name",
                Box::new(|claims| json!(other.sign(&kid, claims))),
            ),
            (
                "an unknown key",
                Box::new(|claims| json!(other.sign_typed("JWT", claims))),
            ),
            (
                "HS256 by the public key",
                Box::new(|claims| json!(acme.key.mac_by_public_key(&hs256, claims))),
            ),
            ("no JWT", Box::new(|_| json!("a.b.c"))),
            (
                "a critical header",
                Box::new(|claims| {
                    let header =
                        json!({ "alg": "ES256", "kid": acme.key.thumbprint(), "crit": ["exp"] });
                    json!(acme.key.sign(&header, claims))
                }),
            ),
            (
                "another kind of JWT",
                Box::new(|claims| {
                    let header = json!({ "alg": "ES256", "kid": acme.key.thumbprint(), "typ": "logout+jwt" });
                    json!(acme.key.sign(&header, claims))
                }),
            ),
            (
                "changed afterwards",
                Box::new(|claims| {
                    let token = good(claims);
                    let (head, signature) = token.rsplit_once('.').unwrap();
                    let mut changed = claims.clone();
                    changed["sub"] = json!("somebody-else");
                    let other = good(&changed);
                    let payload = other.rsplit_once('.').unwrap().0;
                    assert_ne!(head, payload);
                    json!(format!("{payload}.{signature}"))
                }),
            ),
        ];
        for (what, token) in &signed {
            let (mut browser, asked) = asked(&world).await;
            let id_token = token(&acme.claims(&world, &asked));
            let back = acme.answer_with(&asked, &json!({ "id_token": id_token }));
            refused(&world, &mut browser, &back, what).await;
        }
    }
);

both_upstream!(
    an_answer_is_for_one_browser_once_and_for_ten_minutes,
    [("ANYONE", "true")],
    |world, acme| async {
        let (mut victim, asked_there) = asked(&world).await;
        let back = acme.answer(&asked_there, &acme.claims(&world, &asked_there));
        // Somebody else's browser, with a login page of its own or without (RFC 9700 section 4.7).
        for mut other in [world.browser(), asked(&world).await.0] {
            refused(&world, &mut other, &back, "another browser").await;
        }
        let without = |name: &str| {
            let mut url = url::Url::parse(&back).unwrap();
            let kept: Vec<_> = asked_pairs(&url, name);
            url.query_pairs_mut().clear().extend_pairs(kept);
            url.to_string()
        };
        for gone in ["state", "code"] {
            refused(&world, &mut victim, &without(gone), gone).await;
        }
        refused(&world, &mut victim, &format!("{back}&error=x"), "both").await;
        assert_eq!(acme.redeemed(), 0, "nothing was asked of the provider");
        let page = victim.open(&back).await;
        assert_eq!(page.url.path(), "/app", "{}", page.reply.text());
        // Again: its state is used, and its cookie is another one.
        let again = victim.open(&back).await;
        assert_eq!(again.reply.status, 403);
        assert_eq!(acme.redeemed(), 1);
        assert_eq!(world.events_named("user.added").await.len(), 1);
        let (mut late, asked_late) = asked(&world).await;
        let mut claims = acme.claims(&world, &asked_late);
        claims["exp"] = json!(world.now().seconds() + 3600);
        let back = acme.answer(&asked_late, &claims);
        world.advance(600);
        assert_eq!(late.open(&back).await.reply.status, 403, "too late");
        assert_eq!(acme.redeemed(), 1);
    }
);

fn asked_pairs(url: &url::Url, without: &str) -> Vec<(String, String)> {
    let pairs = url.query_pairs().into_owned();
    pairs.filter(|(name, _)| name != without).collect()
}

both_upstream!(
    rfc_9207_2_4_an_answer_says_whose_it_is,
    [("ANYONE", "true")],
    |world, acme| async {
        let with_iss = |back: &str, iss: Option<&str>| {
            let mut url = url::Url::parse(back).unwrap();
            let mut pairs = asked_pairs(&url, "iss");
            pairs.extend(iss.map(|iss| ("iss".to_owned(), iss.to_owned())));
            url.query_pairs_mut().clear().extend_pairs(pairs);
            url.to_string()
        };
        let slash = format!("{}/", acme.origin);
        for iss in [
            None,
            Some("https://evil.example"),
            Some(ISSUER),
            Some(&*slash),
            Some(""),
        ] {
            let (mut browser, asked) = asked(&world).await;
            let back = acme.answer(&asked, &acme.claims(&world, &asked));
            refused(
                &world,
                &mut browser,
                &with_iss(&back, iss),
                &format!("{iss:?}"),
            )
            .await;
            // Also where it is an error that somebody else made up.
            let mut url = url::Url::parse(&with_iss(&back, iss)).unwrap();
            let pairs = asked_pairs(&url, "code");
            url.query_pairs_mut()
                .clear()
                .extend_pairs(pairs)
                .append_pair("error", "access_denied");
            refused(&world, &mut browser, url.as_str(), "an error").await;
        }
        assert_eq!(acme.redeemed(), 0);
        // A provider that does not say that it does need not; one that lies is found out all the same.
        acme.say(
            "authorization_response_iss_parameter_supported",
            Value::Null,
        );
        world.advance(24 * 3600);
        let (mut browser, asked) = asked(&world).await;
        let back = acme.answer(&asked, &acme.claims(&world, &asked));
        let evil = with_iss(&back, Some("https://evil.example"));
        refused(&world, &mut browser, &evil, "another").await;
        let page = browser.open(&with_iss(&back, None)).await;
        assert_eq!(page.url.path(), "/app", "{}", page.reply.text());
    }
);

both_upstream!(
    whoever_says_no_there_is_back_at_the_login,
    [("ANYONE", "true")],
    |world, acme| async {
        let (mut browser, asked) = asked(&world).await;
        let mut url = url::Url::parse(&asked.query("redirect_uri").unwrap()).unwrap();
        url.query_pairs_mut()
            .append_pair("error", "access_denied")
            .append_pair("error_description", "<b>call 555-0100</b>")
            .append_pair("state", &asked.query("state").unwrap())
            .append_pair("iss", &acme.origin);
        let page = refused(&world, &mut browser, url.as_str(), "a no").await;
        page.does_not_say("555-0100");
        page.says("Continue with");
    }
);

both_upstream!(
    oidc_core_10_1_1_a_new_key_is_fetched_when_it_signs,
    [("ANYONE", "true")],
    |world, acme| async {
        sign_in_as(&world, &acme, &mut world.browser(), json!({})).await;
        let mut acme = acme;
        let before = acme.key.clone();
        acme.key = Forge::new(&Random::seeded(20_261_202));
        acme.publish(&[&acme.key]);
        // Within a minute of the last fetch nobody makes this server fetch again.
        let page = sign_in_as(&world, &acme, &mut world.browser(), json!({})).await;
        assert_eq!(page.reply.status, 422);
        world.advance(61);
        let page = sign_in_as(&world, &acme, &mut world.browser(), json!({})).await;
        assert_eq!(page.url.path(), "/app", "{}", page.reply.text());
        acme.key = before;
        let page = sign_in_as(&world, &acme, &mut world.browser(), json!({})).await;
        assert_eq!(page.reply.status, 422, "a key that was withdrawn");
    }
);

both_upstream!(
    a_provider_that_is_away_or_another_one_is_said_so,
    [("ANYONE", "true")],
    |world, acme| async {
        let mut browser = world.browser();
        let login = browser.open("/login").await;
        acme.say("issuer", json!("https://evil.example"));
        let page = browser.submit(&login, "login-upstream-acme", &[]).await;
        assert_eq!(page.reply.status, 503, "its metadata is of another issuer");
        page.says("cannot be reached right now");
        acme.say("issuer", json!(acme.origin));
        acme.say("authorization_endpoint", json!("http://10.0.0.1/authorize"));
        world.advance(31);
        let page = browser.submit(&page, "login-upstream-acme", &[]).await;
        assert_eq!(
            page.reply.status, 503,
            "people are sent to public https alone"
        );
        acme.say(
            "authorization_endpoint",
            json!(format!("{}/authorize", acme.origin)),
        );
        acme.say("token_endpoint", json!("http://10.0.0.1/token"));
        world.advance(24 * 3600);
        let login = browser.open("/login").await;
        let asked = browser.to_provider(&login, "acme").await;
        let back = acme.answer(&asked, &acme.claims(&world, &asked));
        let page = browser.open(&back).await;
        assert_eq!(page.reply.status, 503, "and so is the code");
        // Unknown providers and forms of others are nothing.
        let form = [("csrf", "x".to_owned())];
        assert_eq!(
            browser.post("/upstream/acme", &form).await.reply.status,
            403
        );
        assert_eq!(
            browser.post("/upstream/evil", &form).await.reply.status,
            404
        );
        let nowhere = browser.open("/upstream/evil/callback?state=x").await;
        assert_eq!(nowhere.reply.status, 404);
    }
);

/// RFC 9700 section 4.4: a provider that is evil brings what an honest one gave to it, or the other way round.
async fn mix_up(kind: DatabaseKind) {
    let acme = TestProvider::start(1).await;
    let evil = TestProvider::start(2).await;
    let world = upstream_world_of(
        kind,
        &[("acme", &acme), ("evil", &evil)],
        &[("ANYONE", "true")],
    )
    .await;
    let mut browser = world.browser();
    let login = browser.open("/login").await;
    let at_evil = browser.to_provider(&login, "evil").await;
    assert!(at_evil.url.as_str().starts_with(&evil.origin));
    let login = browser.open("/login").await;
    let at_acme = browser.to_provider(&login, "acme").await;
    assert_ne!(at_evil.query("redirect_uri"), at_acme.query("redirect_uri"));
    let good = acme.answer(&at_acme, &acme.claims(&world, &at_acme));
    // A code of the honest one at the address of the evil one, and a state of one at the address of the other.
    let moved = good.replace("/upstream/acme/", "/upstream/evil/");
    refused(&world, &mut browser, &moved, "another callback").await;
    let swapped = {
        let mut url = url::Url::parse(&moved).unwrap();
        let mut pairs = asked_pairs(&url, "state");
        pairs.push(("state".to_owned(), at_evil.query("state").unwrap()));
        url.query_pairs_mut().clear().extend_pairs(pairs);
        url.to_string()
    };
    refused(&world, &mut browser, &swapped, "by `iss`").await;
    // The evil one claims to be the honest one, by its own key.
    let mut claims = evil.claims(&world, &at_evil);
    claims["iss"] = json!(acme.origin);
    let back = evil.answer(&at_evil, &claims);
    refused(&world, &mut browser, &back, "another issuer's name").await;
    assert_eq!(acme.redeemed(), 0);
    // The same subject at two providers is two people.
    for (name, provider) in [("acme", &acme), ("evil", &evil)] {
        let mut browser = world.browser();
        let login = browser.open("/login").await;
        let asked = browser.to_provider(&login, name).await;
        let back = provider.answer(&asked, &provider.claims(&world, &asked));
        world.advance(1);
        let page = browser.open(&back).await;
        assert_eq!(page.url.path(), "/app", "{name}: {}", page.reply.text());
    }
    let added = world.events_named("user.added").await;
    let names: Vec<_> = added
        .iter()
        .map(|event| event.data["name"].clone())
        .collect();
    assert_eq!(names, ["noor@acme", "noor@evil"]);
}

mod rfc_9700_4_4_an_answer_of_one_provider_is_none_of_another {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn sqlite() {
        mix_up(DatabaseKind::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn postgres() {
        mix_up(DatabaseKind::Postgres).await;
    }
}
