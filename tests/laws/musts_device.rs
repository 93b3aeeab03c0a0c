//! What RFC 8628 demands of the device endpoint, of polling, and of the page where the code is typed.

use serde_json::json;
use writ_testkit::{
    BANK, Cast, Fields, PASSWORD, Plain, TestBrowser, WebPage, World, both, enrol_plain, payment,
    plain_file, plus, refused, with, without,
};

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const MOST_GUESSES: usize = 40;

fn question() -> Fields {
    vec![(
        "authorization_details",
        json!([payment("100.00")]).to_string(),
    )]
}

fn poll(device_code: &str) -> Fields {
    vec![
        ("grant_type", DEVICE.to_owned()),
        ("device_code", device_code.to_owned()),
    ]
}

/// A public client, such as a command line tool.
async fn tool(world: &World) -> Plain {
    let mut file = plain_file("tool");
    file["grant_types"] = json!([DEVICE]);
    file["redirect_uris"] = json!([]);
    file["response_types"] = json!([]);
    enrol_plain(world, file).await
}

/// Types a code into the page.
async fn typed(browser: &mut TestBrowser, code: &str) -> WebPage {
    let page = browser.open("/device").await;
    let mut fields = page.fields("user_code");
    fields.push(("user_code".to_owned(), code.to_owned()));
    browser.send_form(&page, "user_code", &fields).await
}

async fn signed_in(world: &World) -> TestBrowser {
    let mut browser = world.browser();
    let page = browser.open("/login").await;
    browser.log_in(&page, "alice", PASSWORD).await;
    browser
}

both!(
    rfc_8628_3_1_a_client_with_credentials_authenticates,
    |world| async {
        let cast = Cast::of(&world).await;
        for (path, form) in [
            ("/device_authorization", question()),
            ("/token", poll("any")),
        ] {
            let form = plus(&form, "client_id", cast.planner.id.as_str());
            let pairs: Vec<_> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
            let reply = world.post(path, &pairs, &[]).await;
            assert_eq!(
                reply.refusal(),
                (400, "invalid_client".to_owned()),
                "{path}"
            );
        }
        let planner = &cast.planner;
        let reply = planner
            .send(&world, "/device_authorization", &question())
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
);

both!(rfc_8628_3_1_a_public_client_names_itself, |world| async {
    Cast::of(&world).await;
    tool(&world).await;
    let form = [
        ("client_id", "tool"),
        ("scope", "accounts:read"),
        ("resource", BANK),
    ];
    let reply = world.post("/device_authorization", &form, &[]).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let unnamed = world.post("/device_authorization", &form[1..], &[]).await;
    assert_eq!(unnamed.error(), "invalid_client", "{}", unnamed.text());
});

both!(
    rfc_8628_3_4_a_public_client_names_itself_when_it_polls,
    |world| async {
        Cast::of(&world).await;
        let tool = tool(&world).await;
        let form = [
            ("client_id", tool.id.as_str()),
            ("scope", "accounts:read"),
            ("resource", BANK),
        ];
        let asked = world.post("/device_authorization", &form, &[]).await;
        let poll = poll(&asked.member("device_code"));
        let mut pairs: Vec<_> = poll.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let unnamed = world.post("/token", &pairs, &[]).await;
        assert_eq!(unnamed.error(), "invalid_client", "{}", unnamed.text());
        pairs.push(form[0]);
        let named = world.post("/token", &pairs, &[]).await;
        assert_ne!(named.error(), "invalid_client", "{}", named.text());
    }
);

both!(
    rfc_8628_3_1_empty_unknown_and_repeated_parameters,
    |world| async {
        let cast = Cast::of(&world).await;
        let ask = async |form: &Fields| {
            cast.planner
                .send(&world, "/device_authorization", form)
                .await
        };
        let empty = ask(&plus(&question(), "scope", "")).await;
        assert_eq!(empty.status, 200, "{}", empty.text());
        let unknown = ask(&plus(&question(), "ui_hint", "x")).await;
        assert_eq!(unknown.status, 200, "{}", unknown.text());
        let twice = plus(&question(), "scope", "accounts:read");
        let twice = ask(&plus(&twice, "scope", "accounts:read")).await;
        refused(&twice, "invalid_request", "given twice");
    }
);

both!(rfc_8628_3_2_the_answer, |world| async {
    let cast = Cast::of(&world).await;
    let planner = &cast.planner;
    let reply = planner
        .send(&world, "/device_authorization", &question())
        .await;
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let body = reply.json();
    assert!(body["expires_in"].as_u64().unwrap() > 0, "{body}");
    let interval = body.get("interval").map_or(5, |i| i.as_u64().unwrap());
    assert_eq!(interval, 5);
    assert!(reply.member("verification_uri").ends_with("/device"));
    assert!(!reply.member("user_code").is_empty());
    let code = reply.member("device_code");
    assert!(code.len() >= 27, "RFC 8628 5.2: cannot be guessed");
    let other = planner
        .send(&world, "/device_authorization", &question())
        .await;
    assert_ne!(other.member("device_code"), code);
    assert_ne!(other.member("user_code"), reply.member("user_code"));
});

both!(rfc_8628_3_2_both_codes_expire, |world| async {
    let cast = Cast::of(&world).await;
    let planner = &cast.planner;
    let reply = planner
        .send(&world, "/device_authorization", &question())
        .await;
    let waiting = planner
        .send(&world, "/token", &poll(&reply.member("device_code")))
        .await;
    refused(&waiting, "authorization_pending", "nobody decided");
    world.advance(reply.json()["expires_in"].as_u64().unwrap());
    let late = planner
        .send(&world, "/token", &poll(&reply.member("device_code")))
        .await;
    refused(&late, "expired_token", "RFC 8628 3.5");
    let mut browser = signed_in(&world).await;
    let page = typed(&mut browser, &reply.member("user_code")).await;
    assert_eq!(page.reply.status, 422, "{}", page.reply.text());
    assert_eq!(page.url.path(), "/device");
});

both!(
    rfc_8628_3_3_nobody_types_a_code_without_a_login,
    |world| async {
        let cast = Cast::of(&world).await;
        let reply = cast
            .planner
            .send(&world, "/device_authorization", &question())
            .await;
        let mut browser = world.browser();
        let page = browser.open("/device").await;
        assert_eq!(page.url.path(), "/login");
        let code = reply.member("user_code");
        let posted = world
            .post("/device", &[("user_code", code.as_str())], &[])
            .await;
        assert_ne!(posted.status, 200, "{}", posted.text());
        let events = world.event_names().await;
        assert!(!events.contains(&"approval.notified".to_owned()));
    }
);

both!(rfc_8628_3_4_device_code_is_required, |world| async {
    let cast = Cast::of(&world).await;
    let form = without(&poll("x"), "device_code");
    let reply = cast.planner.send(&world, "/token", &form).await;
    refused(&reply, "invalid_request", "missing");
    let form = with(&poll("x"), "device_code", "never-issued");
    let reply = cast.planner.send(&world, "/token", &form).await;
    refused(&reply, "invalid_grant", "never issued");
});

both!(rfc_8628_5_1_guessing_is_limited, |world| async {
    Cast::of(&world).await;
    let mut browser = signed_in(&world).await;
    let mut statuses = Vec::new();
    for _ in 0..MOST_GUESSES {
        let page = typed(&mut browser, "BCDF-GHJK").await;
        statuses.push(page.reply.status);
        if page.reply.status == 429 {
            break;
        }
    }
    assert_eq!(statuses.first(), Some(&422));
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
});

both!(
    rfc_8628_3_3_the_person_is_sent_back_to_their_device,
    |world| async {
        let cast = Cast::of(&world).await;
        cast.token(&world).await;
        let mut phone = world.phone_of("alice").await;
        let auth_req_id = cast.planner.asked(&world, &cast.question()).await;
        let page = phone.look(&world.request_id(&auth_req_id).await).await;
        let shown = phone.approve_by_password(&page).await;
        shown.does_not_say("Go back to the device");
        for decision in ["approve", "deny"] {
            let asked = cast
                .planner
                .send(&world, "/device_authorization", &question())
                .await;
            let page = typed(&mut phone.browser, &asked.member("user_code")).await;
            let shown = match decision {
                "approve" => phone.approve_by_password(&page).await,
                _ => phone.refuse(&page, decision).await,
            };
            shown.says("Go back to the device where you started this.");
            let path = shown.url.path().to_owned();
            let later = phone.browser.open(&path).await;
            later.does_not_say("Go back to the device");
        }
    }
);
