//! The device flow (RFC 8628): a code on a terminal, typed in a browser elsewhere, approved on the approval screen.

use serde_json::{Value, json};
use writ_core::pending::{Kind, PendingRequest, State};
use writ_server::node::secret::secret_digest;
use writ_testkit::{
    BANK, Cast, Change, Fields, ISSUER, Phone, Plain, TestAgent, TestReply, WebPage, World,
    agent_file, both, claims, enrol, enrol_plain, minted, payment, plain_file, poll_form, refused,
};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A good request of the planner.
pub fn request() -> Fields {
    vec![
        ("scope", "accounts:read".to_owned()),
        ("resource", BANK.to_owned()),
        (
            "authorization_details",
            json!([payment("100.00")]).to_string(),
        ),
    ]
}

pub fn poll(device_code: &str) -> Fields {
    vec![
        ("grant_type", GRANT.to_owned()),
        ("device_code", device_code.to_owned()),
    ]
}

pub async fn ask(world: &World, who: &TestAgent, form: &Fields) -> TestReply {
    let reply = who.send(world, "/device_authorization", form).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply
}

pub async fn waiting(world: &World, device_code: &str) -> PendingRequest {
    let digest = secret_digest(device_code);
    let found = world.begin().await.pending(Kind::Device, &digest).await;
    found.unwrap().expect("nothing waits")
}

/// Types a code, signed in.
pub async fn types(phone: &mut Phone, code: &str) -> WebPage {
    phone
        .post("/device", &[("user_code", code.to_owned())])
        .await
}

/// The planner's request, taken by alice; where she stands.
pub async fn taken(world: &World, cast: &Cast) -> (String, Phone, WebPage) {
    let asked = ask(world, &cast.planner, &request()).await;
    let mut alice = world.phone_of("alice").await;
    let page = types(&mut alice, &asked.member("user_code")).await;
    assert!(
        page.url.path().starts_with("/app/requests/apr_"),
        "{}: {}",
        page.url,
        page.reply.text()
    );
    (asked.member("device_code"), alice, page)
}

both!(
    /// RFC 8628 section 3.2: what the device gets; never to be kept by anybody between.
    rfc_8628_3_2_the_answer_to_the_device,
    |world| async {
        let cast = Cast::of(&world).await;
        let reply = ask(&world, &cast.planner, &request()).await;
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let body = reply.json();
        let user_code = body["user_code"].as_str().unwrap();
        let uri = format!("{ISSUER}/device");
        assert_eq!(body["verification_uri"], uri.as_str());
        assert_eq!(
            body["verification_uri_complete"],
            format!("{uri}?user_code={user_code}")
        );
        assert_eq!(body["expires_in"], 600);
        assert_eq!(body["interval"], 5);
        // RFC 8628 sections 6.1 and 5.2: eight letters of twenty to be typed; 256 bits that nobody types.
        let letters: Vec<char> = user_code.chars().filter(|c| *c != '-').collect();
        assert_eq!((letters.len(), user_code.len()), (8, 9));
        let known = "BCDFGHJKLMNPQRSTVWXZ";
        assert!(letters.iter().all(|l| known.contains(*l)), "{user_code}");
        assert_eq!(body["device_code"].as_str().unwrap().len(), 43);
        let again = ask(&world, &cast.planner, &request()).await.json();
        assert_ne!(again["user_code"], body["user_code"]);
        assert_ne!(again["device_code"], body["device_code"]);
        // It is on record, without its codes.
        let events = world.events_named("approval.requested").await;
        assert_eq!(events.len(), 2);
        let told = events[0].data.to_string();
        assert!(told.contains("100.00"), "{told}");
        assert!(!told.contains(user_code) && !told.contains(body["device_code"].as_str().unwrap()));
    }
);

both!(
    /// RFC 8628 section 3.1: a confidential client authenticates here and at the token endpoint; a public one names itself.
    which_client_may_ask_for_a_device_code_and_fetch_the_token,
    |world| async {
        let cast = Cast::of(&world).await;
        let named = request().with("client_id", cast.planner.id.as_str());
        let pairs: Vec<(&str, &str)> = named.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let reply = world.post("/device_authorization", &pairs, &[]).await;
        assert_eq!(reply.refusal(), (400, "invalid_client".to_owned()));
        let unknown = [("client_id", "nobody"), ("scope", "accounts:read")];
        let reply = world.post("/device_authorization", &unknown, &[]).await;
        assert_eq!(reply.refusal(), (400, "invalid_client".to_owned()));
        let reply = world.get("/device_authorization", &[]).await;
        assert_eq!(reply.status, 405, "RFC 8628 3.1: POST");

        let (device_code, mut alice, page) = taken(&world, &cast).await;
        alice.approve_by_password(&page).await;
        let form = poll(&device_code).with("client_id", cast.planner.id.as_str());
        let pairs: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let reply = world.post("/token", &pairs, &[]).await;
        assert_eq!(reply.refusal(), (400, "invalid_client".to_owned()));
        // RFC 8628 section 3.4: the client that the code was made for.
        let other = cast
            .booker
            .send(&world, "/token", &poll(&device_code))
            .await;
        refused(&other, "invalid_grant", "another client");
        minted(
            &cast
                .planner
                .send(&world, "/token", &poll(&device_code))
                .await,
            "its own",
        );
    }
);

both!(
    /// OpenID Connect Core 2: an ID token says that the person was there; whoever decides instead of them cannot say that.
    a_device_gets_no_identity_from_somebody_else,
    |world| async {
        Cast::of(&world).await;
        let mut file = agent_file("agt_owned", "mallory");
        file["agent"]["approvers"] = json!([{ "of": ["@owner"], "need": 1 }]);
        let agent = enrol(&world, file).await;
        let form = |scope: &str| vec![("scope", scope.to_owned()), ("resource", BANK.to_owned())];
        let reply = agent
            .send(&world, "/device_authorization", &form("openid accounts:read"))
            .await;
        refused(&reply, "invalid_scope", "openid");
        ask(&world, &agent, &form("accounts:read")).await;
    }
);

fn terminal_file() -> Value {
    let mut file = plain_file("terminal");
    file["grant_types"] = json!([GRANT, "refresh_token"]);
    file["redirect_uris"] = json!([]);
    file
}

pub async fn terminal(world: &World) -> Plain {
    enrol_plain(world, terminal_file()).await
}

both!(
    /// RFC 8628 sections 3.1 to 3.5 for a public client: no secret, a key of its own, an ordinary token.
    rfc_8628_3_1_a_public_client_comes_with_its_name,
    |world| async {
        Cast::of(&world).await;
        let terminal = terminal(&world).await;
        let form = vec![("scope", "openid accounts:read".to_owned())];
        let asked = terminal.send(&world, "/device_authorization", &form).await;
        assert_eq!(asked.status, 200, "{}", asked.text());
        let mut alice = world.phone_of("alice").await;
        let page = types(&mut alice, &asked.member("user_code")).await;
        alice.approve_by_password(&page).await;
        let form = poll(&asked.member("device_code")).with("resource", BANK);
        // The proof of the first request bound it: another key gets nothing.
        let thief = enrol_plain(&world, plain_file("other")).await;
        let stolen = terminal.send_by(&world, "/token", &form, Some(&thief.dpop));
        refused(&stolen.await, "invalid_grant", "another key");
        let without = terminal.send_by(&world, "/token", &form, None).await;
        assert_eq!(without.status, 400, "{}", without.text());
        let reply = terminal.send(&world, "/token", &form).await;
        let token = minted(&reply, "the terminal");
        assert_eq!(token["cnf"]["jkt"], terminal.dpop.thumbprint());
        assert!(token.get("act").is_none());
        assert_eq!(token["acr"], "urn:writ:acr:password");
        let id_token = claims(&reply.member("id_token"));
        assert_eq!(id_token["sub"], token["sub"]);
        let form = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", reply.member("refresh_token")),
            ("resource", BANK.to_owned()),
        ];
        minted(&terminal.send(&world, "/token", &form).await, "refreshed");
    }
);

both!(
    /// RFC 8628 section 3.1: what is asked is judged at once, as at every other endpoint.
    rfc_8628_3_1_what_may_be_asked,
    |world| async {
        let cast = Cast::of(&world).await;
        let send = async |form: Fields| {
            cast.planner
                .send(&world, "/device_authorization", &form)
                .await
        };
        for (form, error) in [
            (request().with("scope", "orders:read"), "invalid_scope"),
            (
                request().with("resource", "https://elsewhere.example"),
                "invalid_target",
            ),
            (request().and("scope", "accounts:write"), "invalid_request"),
            (
                request().with("authorization_details", json!([payment("500.01")]).to_string()),
                "invalid_authorization_details",
            ),
            (
                request().with("authorization_details", r#"[{"type":"calendar"}]"#),
                "invalid_authorization_details",
            ),
            (vec![], "invalid_scope"),
            (
                request().with(
                    "mission_intent",
                    r#"{"intent":{"goal":"x","expires_at":"2026-09-21T14:30:00Z"}}"#,
                ),
                "invalid_request",
            ),
        ] {
            refused(&send(form.clone()).await, error, &format!("{form:?}"));
        }
        let file = json!({ "grant_types": ["authorization_code"] });
        let mut without = agent_file("agt_without", "alice");
        world.add_shop().await;
        writ_testkit::merge(&mut without, file);
        let without = enrol(&world, without).await;
        let reply = without
            .send(&world, "/device_authorization", &request())
            .await;
        assert_eq!(reply.error(), "unauthorized_client");
    }
);

both!(
    /// RFC 8628 section 3.5: each answer with its code; the first poll is free, and haste costs five seconds for good.
    rfc_8628_3_5_each_answer_has_its_code,
    |world| async {
        let cast = Cast::of(&world).await;
        let send = async |code: &str| cast.planner.send(&world, "/token", &poll(code)).await;
        refused(&send("unknown").await, "invalid_grant", "unknown");
        let code = ask(&world, &cast.planner, &request())
            .await
            .member("device_code");
        refused(&send(&code).await, "authorization_pending", "nobody took it");
        world.advance(4);
        refused(&send(&code).await, "slow_down", "after 4 s");
        world.advance(6);
        refused(&send(&code).await, "slow_down", "10 s now");
        world.advance(15);
        refused(&send(&code).await, "authorization_pending", "after 15 s");
        world.advance(575);
        let over = send(&code).await;
        assert_eq!(over.refusal(), (400, "expired_token".to_owned()));

        let (code, mut alice, page) = taken(&world, &cast).await;
        refused(&send(&code).await, "authorization_pending", "taken");
        alice.refuse(&page, "deny").await;
        world.advance(5);
        refused(&send(&code).await, "access_denied", "denied");
        refused(&send(&code).await, "access_denied", "for good");
    }
);

both!(
    /// RFC 8628 section 3.5: an agent gets what its person saw, bound to its key, once; and a task to go on with.
    rfc_8628_3_5_an_agent_gets_what_was_approved_once,
    |world| async {
        let cast = Cast::of(&world).await;
        let intent = json!({ "intent": { "goal": "Tidy the books" } }).to_string();
        let form = request().with("mission_intent", intent);
        let asked = ask(&world, &cast.planner, &form).await;
        let mut alice = world.phone_of("alice").await;
        let page = types(&mut alice, &asked.member("user_code")).await;
        page.says("agt_planner asks for your approval");
        page.says("Pay up to EUR 100.00 to “KLM” (NL91ABNA0417164300), once");
        page.says("Tidy the books");
        assert!(alice.inbox().await.len() == 1, "like any other request");
        alice.approve_by_password(&page).await;
        let code = asked.member("device_code");
        // A code of one flow is nothing in another.
        let as_ciba = cast.planner.send(&world, "/token", &poll_form(&code)).await;
        refused(&as_ciba, "invalid_grant", "no auth_req_id");
        let reply = cast.planner.send(&world, "/token", &poll(&code)).await;
        let token = minted(&reply, "approved");
        assert_eq!(token["sub"], cast.alice.as_str());
        assert_eq!(token["act"]["sub"], "agt_planner");
        assert_eq!(token["cnf"]["jkt"], cast.planner.dpop.thumbprint());
        assert_eq!(token["mission"]["purpose"], "Tidy the books");
        assert_eq!(token["approval"]["basis"], "password");
        let amount = &token["authorization_details"][0]["instructed_amount"]["amount"];
        assert_eq!(amount, "100.00");
        assert_eq!(token["scope"], "accounts:read");
        let refresh = cast.planner.refresh_form(&reply.member("refresh_token"));
        let refreshed = cast.planner.send(&world, "/token", &refresh).await;
        assert_eq!(
            minted(&refreshed, "a task")["mission"]["id"],
            token["mission"]["id"]
        );
        for _ in 0..2 {
            world.advance(10);
            let again = cast.planner.send(&world, "/token", &poll(&code)).await;
            refused(&again, "invalid_grant", "twice");
        }
        assert_eq!(waiting(&world, &code).await.state(), State::Redeemed);
    }
);

both!(
    /// Two polls at the moment after the approval: one token.
    of_many_polls_at_once_one_gets_the_token,
    |world| async {
        let cast = Cast::of(&world).await;
        let (code, mut alice, page) = taken(&world, &cast).await;
        alice.approve_by_password(&page).await;
        let racers: Vec<_> = (0..8)
            .map(|_| {
                let ready = cast.planner.ready(&world, "/token", &poll(&code));
                let door = world.door();
                async move { door.send(&ready).await.status }
            })
            .collect();
        let statuses = writ_testkit::at_once(racers).await;
        let won = statuses.iter().filter(|status| **status == 200).count();
        assert_eq!(won, 1, "{statuses:?}");
    }
);

both!(
    /// The kit's side of it: codes to show, a wait, a grant that works.
    rfc_8628_by_the_kit,
    |world| async {
        let cast = Cast::of(&world).await;
        let kit = cast.planner_kit(&world).await;
        let intent = writ_agent::DeviceIntent {
            scope: "accounts:read".into(),
            resource: vec![BANK.into()],
            authorization_details: writ_agent::details(json!([payment("100.00")])).unwrap(),
            ..writ_agent::DeviceIntent::default()
        };
        let mut pending = kit.device(&intent).await.unwrap();
        assert_eq!(pending.verification_uri, format!("{ISSUER}/device"));
        let mut alice = world.phone_of("alice").await;
        let page = types(&mut alice, &pending.user_code).await;
        alice.approve_by_password(&page).await;
        let sleep = |pause| {
            world.clock.advance(pause);
            std::future::ready(())
        };
        let grant = pending.wait(&kit, sleep).await.unwrap();
        assert_eq!(grant.scope.as_deref(), Some("accounts:read"));
        assert!(grant.refresh_token.is_some());
    }
);
