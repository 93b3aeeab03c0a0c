//! Approve with the device: the assertion is over exactly this screen, by this person's passkey, with user
//! verification, from our origin; everything else decides nothing.

use serde_json::{Value, json};
use writ_core::pending::State;
use writ_passkey::software::{Misbehaviour, SoftwareAuthenticator};
use writ_testkit::{
    Cast, Change, ISSUER, PASSWORD, Phone, WebPage, World, both, minted, options, payment, refused,
};

const PASSKEY: &str = "urn:writ:acr:passkey";

struct Scene {
    cast: Cast,
    token: String,
    auth_req_id: String,
    id: String,
    alice: Phone,
}

/// A question that needs a passkey, and alice with hers.
async fn staged(world: &World) -> Scene {
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

async fn asked(world: &World, cast: &Cast, (token, amount): (&str, &str)) -> (String, String) {
    let details = json!([payment(amount)]).to_string();
    let question = cast
        .question_within(token)
        .with("authorization_details", details)
        .with("acr_values", PASSKEY);
    let auth_req_id = cast.planner.asked(world, &question).await;
    let id = world.request_id(&auth_req_id).await;
    (auth_req_id, id)
}

async fn undecided(world: &World, scene: &Scene, what: &str) {
    let state = world.waiting(&scene.auth_req_id).await.state();
    assert_eq!(state, State::Viewed, "{what}");
}

/// The answer says that it did not count, and nothing else.
fn did_not_count(shown: &WebPage, what: &str) {
    assert_eq!(shown.reply.status, 422, "{what}: {}", shown.reply.text());
    shown.says("Your device's answer did not count.");
}

both!(the_device_signs_exactly_the_screen, |world| async {
    let mut scene = staged(&world).await;
    let page = scene.alice.look(&scene.id).await;
    let challenge = options(&page)["challenge"].clone();
    let fields = page.fields("decision");
    let screen = fields.iter().find(|(name, _)| name == "screen");
    assert_eq!(
        challenge,
        json!(screen.unwrap().1),
        "the hash of the screen"
    );
    world.advance(15);
    let receipt = scene.alice.approve_by_passkey(&page).await;
    let document: Value = serde_json::from_str(&scene.alice.receipt(&receipt).await).unwrap();
    assert_eq!(document["receipt"]["level"], json!("passkey"));
    assert_eq!(document["receipt"]["proof"]["method"], json!("passkey"));
    assert_eq!(document["receipt"]["screen"]["hash"], challenge);
    let polled = scene.cast.planner.poll(&world, &scene.auth_req_id).await;
    let token = minted(&polled, "approved");
    assert_eq!(token["approval"]["basis"], json!("passkey"));
    assert_eq!(token["acr"], json!(PASSKEY));
});

both!(a_password_is_weaker_than_a_passkey, |world| async {
    let mut scene = staged(&world).await;
    let page = scene.alice.look(&scene.id).await;
    assert!(!page.reply.text().contains("type=\"password\""));
    let shown = scene.alice.approve_by_password(&page).await;
    did_not_count(&shown, "a password");
    undecided(&world, &scene, "a password").await;
    // Who has no passkey can only say no.
    let mut other = world.phone_of("mallory").await;
    let mut file = writ_testkit::agent_file("agt_other", "mallory");
    file["agent"]["may_ask"] = json!(["mallory"]);
    let agent = writ_testkit::enrol(&world, file).await;
    let question = scene.cast.question();
    let question = question
        .with("login_hint", "mallory")
        .with("acr_values", PASSKEY);
    let auth_req_id = agent.asked(&world, &question).await;
    let id = world.request_id(&auth_req_id).await;
    let page = other.look(&id).await;
    page.says("This needs a passkey, and you have none yet.");
    other.refuse(&page, "deny").await;
    refused(
        &agent.poll(&world, &auth_req_id).await,
        "access_denied",
        "denied",
    );
});

both!(
    a_passkey_is_taken_where_a_password_would_do,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let mut alice = world.enrolled_phone("alice", 1).await;
        alice.sign_in_with_passkey(&[]).await;
        let question = cast.question_within(&token);
        let auth_req_id = cast.planner.asked(&world, &question).await;
        let id = world.request_id(&auth_req_id).await;
        let page = alice.look(&id).await;
        alice.approve_by_passkey(&page).await;
        let token = minted(&cast.planner.poll(&world, &auth_req_id).await, "stronger");
        assert_eq!(token["approval"]["basis"], json!("passkey"));
    }
);

both!(
    webauthn_7_2_a_dishonest_device_decides_nothing,
    |world| async {
        let mut scene = staged(&world).await;
        let page = scene.alice.look(&scene.id).await;
        let honest = scene.alice.device.clone();
        for trick in [
            Misbehaviour::NoUserVerification,
            Misbehaviour::NoUserPresence,
            Misbehaviour::RelyingParty("evil.example".to_owned()),
            Misbehaviour::Challenge(vec![7; 32]),
            Misbehaviour::Type("webauthn.create".to_owned()),
            Misbehaviour::OtherKey,
            Misbehaviour::UserHandle(vec![1; 16]),
        ] {
            let what = format!("{trick:?}");
            scene.alice.device = honest.clone().with(trick);
            let shown = scene.alice.approve_by_passkey(&page).await;
            did_not_count(&shown, &what);
            undecided(&world, &scene, &what).await;
        }
        scene.alice.device = honest;
        for origin in [
            "https://evil.example",
            "http://localhost:10",
            "http://localhost",
        ] {
            scene.alice.origin = origin.to_owned();
            let shown = scene.alice.approve_by_passkey(&page).await;
            did_not_count(&shown, origin);
            undecided(&world, &scene, origin).await;
        }
        scene.alice.origin = ISSUER.to_owned();
        scene.alice.approve_by_passkey(&page).await;
        let polled = scene.cast.planner.poll(&world, &scene.auth_req_id).await;
        minted(&polled, "the honest one");
    }
);

both!(
    an_assertion_is_good_for_one_screen_of_one_request,
    |world| async {
        let mut scene = staged(&world).await;
        let (_, small) = asked(&world, &scene.cast, (&scene.token, "5.00")).await;
        let small_page = scene.alice.look(&small).await;
        let signed = scene.alice.sign(&small_page).to_string();
        scene
            .alice
            .answer(&small_page, &[("assertion", &signed)])
            .await;
        // Replayed on the large one.
        let page = scene.alice.look(&scene.id).await;
        let shown = scene.alice.answer(&page, &[("assertion", &signed)]).await;
        did_not_count(&shown, "of another request");
        undecided(&world, &scene, "of another request").await;
        // Signed for less, sent for all.
        let less = [("part", "d0"), ("amount-d0", "10.00")];
        let less = scene.alice.less(&scene.id, &less).await;
        let signed = scene.alice.sign(&less).to_string();
        let shown = scene.alice.answer(&page, &[("assertion", &signed)]).await;
        did_not_count(&shown, "of a smaller screen");
        // And a login is no approval.
        let login = scene.alice.assertion().await.to_string();
        let shown = scene.alice.answer(&page, &[("assertion", &login)]).await;
        did_not_count(&shown, "of a login");
        undecided(&world, &scene, "of a login").await;
        // After all that the smaller one still counts, for what it says.
        let shown = scene.alice.answer(&less, &[("assertion", &signed)]).await;
        assert!(shown.url.path().starts_with("/app/receipts/"));
        let polled = scene.cast.planner.poll(&world, &scene.auth_req_id).await;
        let token = minted(&polled, "less");
        let amount = &token["authorization_details"][0]["instructed_amount"]["amount"];
        assert_eq!(amount, &json!("10.00"));
    }
);

both!(another_person_s_passkey_decides_nothing, |world| async {
    let mut scene = staged(&world).await;
    let page = scene.alice.look(&scene.id).await;
    let mallory = world.enrolled_phone("mallory", 2).await;
    let own = std::mem::replace(&mut scene.alice.device, mallory.device);
    let mut asked = options(&page);
    asked["allowCredentials"] = json!([]);
    let signed = scene.alice.device.get(&asked, ISSUER).unwrap().to_string();
    let shown = scene.alice.answer(&page, &[("assertion", &signed)]).await;
    did_not_count(&shown, "another person's");
    // Nor one that was removed after it had signed.
    scene.alice.device = own;
    let signed = scene.alice.sign(&page).to_string();
    let credential = scene.alice.device.credential_ids()[0].clone();
    scene.alice.remove(&credential).await;
    let shown = scene.alice.answer(&page, &[("assertion", &signed)]).await;
    assert_eq!(shown.reply.status, 422);
    undecided(&world, &scene, "removed").await;
});

both!(what_is_no_assertion_is_no_answer, |world| async {
    let mut scene = staged(&world).await;
    let page = scene.alice.look(&scene.id).await;
    let signed = scene.alice.sign(&page);
    let mut broken = signed.clone();
    broken["response"]["signature"] = json!("AAAA");
    let mut bare = signed.clone();
    bare["response"] = json!({});
    for answer in [
        json!("{}").to_string(),
        "not json".to_owned(),
        "[]".to_owned(),
        broken.to_string(),
        bare.to_string(),
    ] {
        let fill = [("assertion", answer.as_str()), ("password", PASSWORD)];
        let shown = scene.alice.answer(&page, &fill).await;
        did_not_count(&shown, &answer);
        undecided(&world, &scene, &answer).await;
    }
});

both!(
    rfc_8812_2_a_windows_device_signs_in_and_approves,
    |world| async {
        let mut scene = staged(&world).await;
        let laptop = SoftwareAuthenticator::new([5; 32]).rs256();
        let mut phone = std::mem::replace(&mut scene.alice.device, laptop);
        scene.alice.enrol_with(&mut phone, "Laptop").await;
        let seen = scene.alice.sign_in_with_passkey(&[]).await;
        assert_eq!(seen.url.path(), "/app", "{}", seen.reply.text());
        let page = scene.alice.look(&scene.id).await;
        let receipt = scene.alice.approve_by_passkey(&page).await;
        let document = scene.alice.receipt(&receipt).await;
        let document: Value = serde_json::from_str(&document).unwrap();
        let key = document["receipt"]["proof"]["public_key"].as_str().unwrap();
        assert!(key.contains("\"kty\":\"RSA\""), "{key}");
        let output = crate::approvals::receipt::Auditor::of(&world)
            .await
            .verify(&document);
        let complained = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{complained}");
        let polled = scene.cast.planner.poll(&world, &scene.auth_req_id).await;
        minted(&polled, "by RS256");
    }
);
