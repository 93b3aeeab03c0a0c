//! Level `liveness` (docs/liveness.md): a verifier sees the person before exactly this screen, and what it says
//! counts once, beside the device's signature. A scripted verifier says everything that must not count.

use serde_json::{Value, json};
use writ_core::pending::State;
use writ_testkit::{
    Cast, Change, ISSUER, PASSWORD, Phone, WebPage, World, agent_file, both_seen, enrol, minted,
    payment, refused,
};

pub const LIVENESS: &str = "urn:writ:acr:liveness";

/// A question that needs a live face, and alice with her passkey.
pub struct Scene {
    pub cast: Cast,
    pub token: String,
    pub auth_req_id: String,
    pub id: String,
    pub alice: Phone,
}

pub async fn staged(world: &World) -> Scene {
    let cast = Cast::of(world).await;
    let token = cast.token(world).await;
    let alice = world.enrolled_phone("alice", 1).await;
    let (auth_req_id, id) = asked(world, &cast, (&token, "300.00")).await;
    Scene {
        cast,
        token,
        auth_req_id,
        id,
        alice,
    }
}

pub async fn asked(world: &World, cast: &Cast, (token, amount): (&str, &str)) -> (String, String) {
    let details = json!([payment(amount)]).to_string();
    let question = cast
        .question_within(token)
        .with("authorization_details", details)
        .with("acr_values", LIVENESS);
    let auth_req_id = cast.planner.asked(world, &question).await;
    let id = world.request_id(&auth_req_id).await;
    (auth_req_id, id)
}

pub async fn undecided(world: &World, auth_req_id: &str, what: &str) {
    let state = world.waiting(auth_req_id).await.state();
    assert_eq!(state, State::Viewed, "{what}");
}

/// The page says so, shows the verifier again, and offers no approval.
pub fn first_the_verifier(shown: &WebPage, words: &str, what: &str) {
    assert_eq!(shown.reply.status, 422, "{what}: {}", shown.words());
    shown.says(words);
    shown.says("Show that it is you");
    assert!(!shown.reply.text().contains("approval-approve"), "{what}");
}

both_seen!(
    a_verifier_and_the_device_together_are_liveness,
    |world, seer| async {
        let mut scene = staged(&world).await;
        let page = scene.alice.look(&scene.id).await;
        page.says("Show that it is you");
        assert!(!page.reply.text().contains("approval-approve"));
        assert!(!page.reply.text().contains("data-given"), "not yet");
        let asked = scene.alice.go_to(&seer, &world, &page).await;
        let screen = &page.fields("decision")[1];
        assert_eq!(screen.0, "screen");
        assert_eq!(asked["challenge"], json!(screen.1), "this very screen");
        let page_of_it = format!("{ISSUER}/app/requests/{}", scene.id);
        assert_eq!(asked["return_to"], json!(page_of_it));
        assert_eq!(asked["exp"], json!(world.now().seconds() + 300));
        assert_eq!(asked["ui_locales"], json!("en"));
        let finding = seer.finding(&world, &asked);
        let back = scene.alice.come_back(&asked, &seer.sign(&finding)).await;
        assert_eq!(back.reply.status, 200, "{}", back.words());
        back.says("You were seen.");
        world.advance(15);
        let receipt = scene.alice.approve_by_passkey(&back).await;
        let document: Value = serde_json::from_str(&scene.alice.receipt(&receipt).await).unwrap();
        assert_eq!(document["receipt"]["level"], json!("liveness"));
        assert_eq!(document["receipt"]["proof"]["method"], json!("liveness"));
        let token = scene.cast.planner.poll(&world, &scene.auth_req_id).await;
        let token = minted(&token, "seen");
        assert_eq!(token["approval"]["basis"], json!("liveness"));
        assert_eq!(token["acr"], json!(LIVENESS));
        assert_eq!(token["amr"], json!(["pop", "user", "mfa", "face"]));
        let events = world.events_named("approval.approved").await;
        assert_eq!(events[0].data["verifier"], json!("https://seer.example"));
    }
);

both_seen!(
    a_passkey_alone_never_passes_for_liveness,
    |world, seer| async {
        let mut scene = staged(&world).await;
        let page = scene.alice.look(&scene.id).await;
        let back = scene.alice.show(&seer, &world, &page).await;
        let signed = scene.alice.sign(&back).to_string();
        let without = [("assertion", signed.as_str()), ("liveness_result", "")];
        let shown = scene.alice.answer(&back, &without).await;
        first_the_verifier(&shown, "Show first that it is you", "a passkey alone");
        undecided(&world, &scene.auth_req_id, "a passkey alone").await;
        // Nor the verifier alone, nor with a password.
        for fill in [("assertion", ""), ("password", PASSWORD)] {
            let shown = scene.alice.answer(&back, &[fill]).await;
            assert_eq!(shown.reply.status, 422, "{fill:?}");
            undecided(&world, &scene.auth_req_id, fill.0).await;
        }
        let shown = scene.alice.answer(&back, &[("assertion", &signed)]).await;
        assert!(shown.url.path().starts_with("/app/receipts/"));
    }
);

both_seen!(
    the_verifier_learns_no_name_and_no_two_people_are_one,
    |world, seer| async {
        let mut scene = staged(&world).await;
        let page = scene.alice.look(&scene.id).await;
        let alice = scene.alice.go_to(&seer, &world, &page).await;
        let mut file = agent_file("agt_other", "mallory");
        file["agent"]["may_ask"] = json!(["mallory"]);
        let agent = enrol(&world, file).await;
        let question = scene.cast.question().with("login_hint", "mallory");
        let question = question.with("acr_values", LIVENESS);
        let auth_req_id = agent.asked(&world, &question).await;
        let id = world.request_id(&auth_req_id).await;
        let mut phone = world.enrolled_phone("mallory", 2).await;
        let page = phone.look(&id).await;
        let mallory = phone.go_to(&seer, &world, &page).await;
        assert_ne!(alice["sub"], mallory["sub"]);
        for (asked, name) in [(&alice, "alice"), (&mallory, "mallory")] {
            let user = world.user_id(name).await;
            let text = asked.to_string();
            assert!(
                !text.contains(user.as_str()) && !text.contains(name),
                "{text}"
            );
        }
        // Another verifier knows them by another name.
        let jwks = seer.jwks();
        let settings = [
            ("LIVENESS__URL", writ_testkit::SEER_PAGE),
            ("LIVENESS__ISSUER", "https://second.example"),
            ("LIVENESS__JWKS", jwks.as_str()),
        ];
        let mut browser = world.node_with(&settings).await.browser();
        browser.cookies.clone_from(&phone.browser.cookies);
        let mut elsewhere = Phone::new(browser, phone.device.clone());
        let again = elsewhere.go_to(&seer, &world, &page).await;
        assert_eq!(again["aud"], json!("https://second.example"));
        assert_ne!(again["sub"], mallory["sub"]);
    }
);

both_seen!(
    nobody_is_sent_for_a_screen_that_they_do_not_see,
    |world, _seer| async {
        let mut scene = staged(&world).await;
        let page = scene.alice.look(&scene.id).await;
        let path = page.link("approval-liveness");
        let shown = scene
            .alice
            .browser
            .open(&path.replace("screen=", "screen=A"))
            .await;
        assert_eq!(shown.reply.status, 409, "{}", shown.words());
        let bare = format!("/app/requests/{}/liveness", scene.id);
        let shown = scene.alice.browser.open(&bare).await;
        assert_eq!(shown.reply.status, 409);
        let stranger = world.get(&path, &[]).await;
        assert_eq!(stranger.status, 303);
        assert!(stranger.header("location").unwrap().starts_with("/login"));
        let mut mallory = world.phone_of("mallory").await;
        let shown = mallory.browser.open(&path).await;
        assert_eq!((shown.reply.status, shown.url.path()), (404, bare.as_str()));
        // A request that needs none sends nobody.
        let question = scene.cast.question_within(&scene.token);
        let plain = scene.cast.planner.asked(&world, &question).await;
        let id = world.request_id(&plain).await;
        scene.alice.look(&id).await;
        let path = format!("/app/requests/{id}/liveness");
        let shown = scene.alice.browser.open(&path).await;
        assert_eq!((shown.reply.status, shown.url.path()), (409, path.as_str()));
    }
);

both_seen!(
    without_its_verifier_a_request_can_only_be_denied,
    |world, seer| async {
        let mut scene = staged(&world).await;
        let page = scene.alice.look(&scene.id).await;
        let back = scene.alice.show(&seer, &world, &page).await;
        let signed = scene.alice.sign(&back).to_string();
        let mut browser = world.node_with(&[]).await.browser();
        browser.cookies.clone_from(&scene.alice.browser.cookies);
        let mut alice = Phone::new(browser, scene.alice.device.clone());
        let shown = alice.answer(&back, &[("assertion", &signed)]).await;
        assert_eq!(shown.reply.status, 422);
        shown.says("nothing here can do that now");
        assert!(!shown.reply.text().contains("approval-approve"));
        undecided(&world, &scene.auth_req_id, "no verifier").await;
        alice.refuse(&shown, "deny").await;
        let polled = scene.cast.planner.poll(&world, &scene.auth_req_id).await;
        refused(&polled, "access_denied", "denied");
    }
);
