//! Consent: what is shown is what is recorded, less may be granted, and an agent asks each time.

use serde_json::json;
use writ_testkit::{
    Cast, Change, Fields, PASSWORD, Web, WebPage, World, authorize_url, both, front_url, payment,
};

/// What a person reads on a page, without any space.
fn visible(page: &WebPage) -> String {
    let text = page.reply.text();
    let main = text
        .split("<main")
        .nth(1)
        .unwrap()
        .split("</main>")
        .next()
        .unwrap();
    let words: String = format!("<main{main}")
        .split('<')
        .filter_map(|rest| rest.split_once('>').map(|(_, words)| words.to_owned()))
        .collect();
    let plain = words
        .replace("&#34;", "\"")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#38;", "&")
        .replace("&amp;", "&");
    squeezed(&plain)
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

fn with_purpose(cast: &Cast, purpose: &str) -> Fields {
    let intent = json!({ "intent": { "goal": purpose } }).to_string();
    cast.request().with("mission_intent", intent)
}

/// Everything of the form, but only these boxes ticked.
fn ticking(page: &WebPage, boxes: &[&str]) -> Vec<(String, String)> {
    let mut fields = page.fields("consent-approve");
    fields.retain(|(name, _)| name != "grant");
    fields.extend(
        boxes
            .iter()
            .map(|value| ("grant".to_owned(), (*value).to_owned())),
    );
    fields.push(("consent-approve".to_owned(), "1".to_owned()));
    fields
}

async fn session_of_alice(world: &World) -> writ_testkit::TestBrowser {
    let mut browser = world.browser();
    let page = browser.open("/login").await;
    browser.log_in(&page, "alice", PASSWORD).await;
    browser
}

both!(what_a_person_saw_is_what_is_recorded, |world| async {
    let cast = Cast::of(&world).await;
    let (mut browser, page) = cast
        .asked(&world, &with_purpose(&cast, "Book a flight"))
        .await;
    browser.submit(&page, "consent-approve", &[]).await;
    let events = world.events_named("consent.given").await;
    let data = &events[0].data;
    let shown = data["shown"].as_str().unwrap();
    assert_eq!(squeezed(shown), visible(&page));
    for line in [
        "agt_planner asks to act for you",
        "Published by Acme",
        "Not verified",
        "Pay up to EUR 100.00 to “KLM” (NL91 ABNA 0417 1643 00), once",
        "Reference on the statement: “Booking 7KQ2PX”",
        "Use “accounts:read” at Bank: nobody has said what that allows",
        "It ends by itself on 21 September 2026, 15:13 UTC.",
        "It may pass parts of this on to agt_booker (agt_booker), agt_payer (agt_payer).",
        "That may happen at most 3 times in a row.",
        "In the agent's own words",
        "“Book a flight”",
        "agents.example",
    ] {
        assert!(
            shown.lines().any(|found| found == line),
            "{line}\n---\n{shown}"
        );
    }
    let fact = |name: &str| shown.lines().skip_while(|line| *line != name).nth(1);
    assert_eq!(fact("Owner"), Some("alice"));
    assert_eq!(fact("Answers for it"), Some("alice"));
    assert_eq!(fact("Your account"), Some("alice"));
    assert_eq!(data["method"], json!("password"));
    assert_eq!(data["locale"], json!("en"));
    let hash = writ_jose::hash::digest_text(&[shown.as_bytes()]);
    assert_eq!(data["shown_hash"], json!(hash));
    assert_eq!(events[0].subject.as_deref(), Some(cast.alice.as_str()));
    assert_eq!(events[0].purpose.as_deref(), Some("Book a flight"));
});

both!(every_object_is_shown_whole, |world| async {
    let cast = Cast::of(&world).await;
    let mut second = payment("7.50");
    second["creditor"] =
        json!({ "name": "Hotel Roma", "account": { "iban": "IT60X0542811101000000123456" } });
    let details = json!([payment("100.00"), second]).to_string();
    let form = cast
        .request()
        .with("authorization_details", details)
        .with("scope", "accounts:read accounts:write");
    let (_, page) = cast.asked(&world, &form).await;
    assert_eq!(page.grants().len(), 4, "a box for each");
    let words = visible(&page);
    for sentence in [
        "Pay up to EUR 100.00 to “KLM” (NL91 ABNA 0417 1643 00), once",
        "Pay up to EUR 7.50 to “Hotel Roma” (IT60X0542811101000000123456), once",
        "Use “accounts:read” at Bank: nobody has said what that allows",
        "Use “accounts:write” at Bank: nobody has said what that allows",
    ] {
        assert!(words.contains(&squeezed(sentence)), "{sentence}: {words}");
    }
});

both!(
    the_clients_own_words_stand_apart_and_cannot_pretend,
    |world| async {
        let cast = Cast::of(&world).await;
        for (said, shown) in [
            ("<b>Pay</b> & go", "“<b>Pay</b> & go”"),
            ("Approved” by Bank", "“Approved' by Bank”"),
            ("line one\nline two", "“line one line two”"),
            ("right \u{202e}tfel", "“right tfel”"),
            ("see https://evil.example/x", "“see evil.example/x”"),
        ] {
            let (_, page) = cast.asked(&world, &with_purpose(&cast, said)).await;
            let words = visible(&page);
            assert!(words.contains(&squeezed(shown)), "{said}: {words}");
            assert!(!page.reply.text().contains("<b>Pay"), "escaped");
            assert!(
                !page.reply.text().contains("href=\"https://evil"),
                "no link"
            );
        }
    }
);

both!(a_person_can_grant_less_than_was_asked, |world| async {
    let cast = Cast::of(&world).await;
    let (mut browser, page) = cast.asked(&world, &cast.request()).await;
    let boxes = page.grants();
    let scope = boxes
        .iter()
        .find(|value| value.starts_with("scope "))
        .unwrap();
    let object = boxes
        .iter()
        .find(|value| value.starts_with("ref_"))
        .unwrap();
    let back = browser
        .send_form(&page, "consent-approve", &ticking(&page, &[scope]))
        .await;
    let only_scope = cast.redeem(&world, &back.query("code").unwrap()).await;
    assert_eq!(only_scope.claims()["scope"], json!("accounts:read"));
    assert_eq!(only_scope.claims().get("authorization_details"), None);
    assert_eq!(only_scope.json().get("authorization_details"), None);

    let (mut browser, page) = cast.asked(&world, &cast.request()).await;
    let other = page
        .grants()
        .into_iter()
        .find(|value| value.starts_with("ref_"))
        .unwrap();
    assert_ne!(*object, other, "a ref belongs to one request");
    let back = browser
        .send_form(&page, "consent-approve", &ticking(&page, &[&other]))
        .await;
    let only_object = cast.redeem(&world, &back.query("code").unwrap()).await;
    assert_eq!(only_object.claims().get("scope"), None);
    assert_eq!(
        only_object.claims()["authorization_details"][0]["ref"],
        json!(other)
    );

    let narrowed = world.events_named("consent.narrowed").await;
    assert_eq!(narrowed.len(), 2);
    assert_eq!(
        narrowed[0].data["asked"]["authorization_details"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert!(world.events_named("consent.given").await.is_empty());
});

both!(
    a_box_that_was_not_on_the_page_grants_nothing,
    |world| async {
        let cast = Cast::of(&world).await;
        let (mut browser, page) = cast.asked(&world, &cast.request()).await;
        let scope = "scope accounts:read https://bank.example";
        let more = [
            "scope accounts:write https://bank.example",
            "ref_made_up",
            "scope openid http://localhost:9",
        ];
        let mut boxes = vec![scope];
        boxes.extend(more);
        let back = browser
            .send_form(&page, "consent-approve", &ticking(&page, &boxes))
            .await;
        let reply = cast.redeem(&world, &back.query("code").unwrap()).await;
        assert_eq!(reply.claims()["scope"], json!("accounts:read"));
        assert_eq!(reply.claims().get("authorization_details"), None);
        assert_eq!(reply.json().get("id_token"), None);

        let (mut browser, page) = cast.asked(&world, &cast.request()).await;
        let back = browser
            .send_form(&page, "consent-approve", &ticking(&page, &more))
            .await;
        assert_eq!(back.query("code"), None);
        assert_eq!(back.query("error").as_deref(), Some("access_denied"));
    }
);

both!(nothing_ticked_asks_again, |world| async {
    let cast = Cast::of(&world).await;
    let (mut browser, page) = cast.asked(&world, &cast.request()).await;
    let again = browser
        .send_form(&page, "consent-approve", &ticking(&page, &[]))
        .await;
    assert_eq!(again.reply.status, 422);
    assert!(visible(&again).contains(&squeezed("Nothing is ticked.")));
    assert!(world.events_named("task.approved").await.is_empty());
    assert!(
        again.grants().is_empty(),
        "the boxes come back as they were sent"
    );
    let back = browser.submit(&page, "consent-approve", &[]).await;
    assert!(back.query("code").is_some());
});

both!(a_denied_consent_gives_no_code, |world| async {
    let cast = Cast::of(&world).await;
    let (mut browser, page) = cast.asked(&world, &cast.request()).await;
    let back = browser.submit(&page, "consent-deny", &[]).await;
    assert_eq!(back.reply.status, 303);
    assert_eq!(back.query("error").as_deref(), Some("access_denied"));
    assert_eq!(back.query("state").as_deref(), Some("s1"));
    assert_eq!(back.query("iss").as_deref(), Some(writ_testkit::ISSUER));
    assert_eq!(back.query("code"), None);
    let late = browser.submit(&page, "consent-approve", &[]).await;
    assert_eq!((late.reply.status, late.query("code")), (400, None));
    assert_eq!(world.events_named("consent.denied").await.len(), 1);
    assert!(world.events_named("task.approved").await.is_empty());
    // What the consent page knows is no code.
    let handle = page.query("request").unwrap();
    let reply = cast.redeem(&world, &handle).await;
    assert_eq!(
        reply.refusal(),
        (400, "invalid_grant".to_owned()),
        "the handle of a page is no code"
    );
});

both!(both_buttons_or_none_decide_nothing, |world| async {
    let cast = Cast::of(&world).await;
    let (mut browser, page) = cast.asked(&world, &cast.request()).await;
    let mut none = page.fields("consent-approve");
    let refused = browser.send_form(&page, "consent-approve", &none).await;
    assert_eq!(refused.reply.status, 400);
    none.push(("consent-approve".to_owned(), "1".to_owned()));
    none.push(("consent-deny".to_owned(), "1".to_owned()));
    let refused = browser.send_form(&page, "consent-approve", &none).await;
    assert_eq!(refused.reply.status, 400);
    assert!(
        browser
            .submit(&page, "consent-approve", &[])
            .await
            .query("code")
            .is_some()
    );
});

both!(
    an_agents_consent_needs_the_password_given_for_it,
    |world| async {
        let cast = Cast::of(&world).await;
        let mut browser = session_of_alice(&world).await;
        let url = authorize_url("agt_planner", &cast.pushed(&world, &cast.request()).await);
        let page = browser.open(&url).await;
        assert_eq!(page.url.path(), "/login", "a session is not enough");
        let handle = page.query("request").unwrap();
        let direct = browser.open(&format!("/consent?request={handle}")).await;
        assert_eq!(direct.url.path(), "/login");
        // The form, guessed whole, with a good token.
        let mut fields = page.fields("login-submit");
        fields.push(("consent-approve".to_owned(), "1".to_owned()));
        fields.push((
            "grant".to_owned(),
            "scope accounts:read https://bank.example".to_owned(),
        ));
        let cookie = browser
            .cookies
            .iter()
            .map(|(n, v)| format!("{n}={v}; "))
            .collect::<String>();
        let pairs: Vec<(&str, &str)> = fields
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        let reply = world.post("/consent", &pairs, &[("cookie", &cookie)]).await;
        assert_eq!(
            reply.header("location"),
            Some(format!("/login?request={handle}").as_str())
        );
        assert!(world.events_named("task.approved").await.is_empty());

        let page = browser.log_in(&page, "alice", PASSWORD).await;
        assert_eq!(page.url.path(), "/consent");
        let other = authorize_url("agt_planner", &cast.pushed(&world, &cast.request()).await);
        assert_eq!(
            browser.open(&other).await.url.path(),
            "/login",
            "given for another request"
        );
        assert!(
            browser
                .submit(&page, "consent-approve", &[])
                .await
                .query("code")
                .is_some()
        );
    }
);

both!(
    a_plain_client_may_use_the_session_and_is_asked_each_time,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let mut browser = session_of_alice(&world).await;
        for _ in 0..2 {
            let page = browser.open(&front_url(&web.request())).await;
            assert_eq!(page.url.path(), "/consent");
            let words = visible(&page);
            assert!(words.contains(&squeezed("Web asks for access")), "{words}");
            assert!(
                words.contains(&squeezed("Its publisher is not known here")),
                "{words}"
            );
            assert!(
                !words.contains("Notverified") && !words.contains("passpartsofthison"),
                "{words}"
            );
            assert!(
                browser
                    .submit(&page, "consent-approve", &[])
                    .await
                    .query("code")
                    .is_some()
            );
        }
    }
);

both!(only_who_is_there_and_enabled_approves, |world| async {
    let cast = Cast::of(&world).await;
    // Of an agent's owner more would end.
    let web = Web::register(&world, json!({})).await;
    let (mut browser, page) = world.consent_page(&front_url(&web.request())).await;
    let mut transaction = world.begin().await;
    let alice = writ_core::id::UserId::from_text(cast.alice.clone());
    transaction.disable_user(&alice, world.now()).await.unwrap();
    transaction.commit().await.unwrap();
    let refused = browser.submit(&page, "consent-approve", &[]).await;
    assert_eq!(refused.query("code"), None);
    assert_eq!(
        refused.url.path(),
        "/login",
        "a disabled person has no session"
    );
    let login = browser.log_in(&refused, "alice", PASSWORD).await;
    assert_eq!(login.reply.status, 422);
    assert!(world.events_named("task.approved").await.is_empty());
});
