//! Whose calls a resource server asks about: agents, other clients and guests, with tokens that are bound and with others.

use serde_json::{Value, json};
use writ_testkit::{
    Change, GUEST, PASSWORD, Plain, TestGuest, WebPage, World, both, both_with_guests, claims,
    enrol_plain, plain_file,
};

use super::access_scene::{
    NOTES, REQUESTS, ResourceServer, Scene, denied, permitted, presenting, problem, staged,
};

both!(
    a_client_that_is_no_agent_is_asked_about_too,
    |world| async {
        let mut scene = staged(&world).await;
        let mut file = plain_file("web");
        file["client_name"] = json!("Web");
        file["scope"] = json!("openid notes:write");
        file["token_endpoint_auth_method"] = json!("client_secret_basic");
        let web: Plain = enrol_plain(&world, file).await;
        let asked = scene
            .cast
            .request()
            .without("authorization_details")
            .with("client_id", web.id.clone())
            .with("scope", "notes:write")
            .with("resource", NOTES);
        let pushed = web.send(&world, "/par", &asked).await;
        let url = writ_testkit::authorize_url(&web.id, &pushed.member("request_uri"));
        let back = world.browser().approve(&url, "alice", PASSWORD).await;
        let code = back
            .query_pairs()
            .find(|(name, _)| name == "code")
            .unwrap()
            .1
            .into_owned();
        let redeem = scene.cast.redeem_form(&code).with("resource", NOTES);
        let token = web.send(&world, "/token", &redeem).await.access_token();
        assert!(claims(&token).get("act").is_none());
        let wanted =
            scene
                .notes
                .evaluation(&token, "delete_note", json!({ "title": "Shopping list" }));
        let id = scene.notes.asked(&world, &wanted).await;
        scene
            .alice
            .look(&id)
            .await
            .says("Web, through Notes, wants to:");
        scene.yes(&id).await;
        let again = presenting(&wanted, &scene.notes.status(&world, &id).await);
        permitted(&scene.notes.decide(&world, &again).await);
    }
);

both_with_guests!(
    /// A guest is named by its host; what it calls itself is quoted.
    a_guest_is_asked_about_under_its_host,
    [],
    |world| async {
        let mut scene = staged(&world).await;
        let token = guest_token(&world).await;
        let arguments = json!({ "title": "Shopping list" });
        let wanted = scene.notes.evaluation(&token, "delete_note", arguments);
        let id = scene.notes.asked(&world, &wanted).await;
        let page = scene.alice.look(&id).await;
        page.says("client.example");
        page.says("through Notes, wants to: Delete the note “Shopping list”, once");
        page.does_not_say("Claude, through Notes");
        scene.yes(&id).await;
        let again = presenting(&wanted, &scene.notes.status(&world, &id).await);
        permitted(&scene.notes.decide(&world, &again).await);
        assert_eq!(
            denied(&scene.notes.decide(&world, &again).await),
            "approval_expired"
        );
    }
);

/// Alice let a guest, whose document calls it Claude, write notes.
async fn guest_token(world: &World) -> String {
    let mut file = ResourceServer::file(NOTES, "Notes", "notes-api");
    file["guests"] = json!({ "mode": "bearer", "scopes": ["notes:write"] });
    world.add_resource(file).await;
    world.app.fresh_catalogue().await.unwrap();
    let document = TestGuest::document(json!({ "client_name": "Claude" }));
    world.publish(GUEST, &document).await;
    let guest = TestGuest::at(writ_testkit::GUEST_REDIRECT);
    let form = guest.request().with("resource", NOTES);
    let form = form.with("scope", "notes:write");
    let back = guest.agreed(world, &form, &[]).await;
    let code = back.query("code").unwrap();
    let redeem = guest.redeem_form(&code).with("resource", NOTES);
    let granted = guest.send(world, &redeem, None).await;
    assert_eq!(granted.status, 200, "{}", granted.text());
    granted.access_token()
}

both_with_guests!(
    /// A guest acts for a person too, and may drive their browser.
    a_guest_is_answered_by_the_passkey_of_whoever_has_one,
    [],
    |world| async {
        let mut scene = staged(&world).await;
        let token = guest_token(&world).await;
        let arguments = json!({ "title": "Shopping list" });
        let wanted = scene.notes.evaluation(&token, "delete_note", arguments);
        let id = scene.notes.asked(&world, &wanted).await;
        let asks_for_password = |page: &WebPage| page.reply.text().contains("type=\"password\"");
        assert!(asks_for_password(&scene.alice.look(&id).await));
        let mut phone = world.enrolled_phone("alice", 1).await;
        assert!(!asks_for_password(&scene.alice.look(&id).await));
        let page = phone.look(&id).await;
        let shown = phone.approve_by_password(&page).await;
        assert_eq!(shown.reply.status, 422, "{}", shown.reply.text());
        let receipt = phone.approve_by_passkey(&page).await;
        assert!(receipt.url.path().starts_with("/app/receipts/"));
    }
);

/// Its server does not verify proofs, so it passes them on.
async fn passing_proofs(world: &World) -> Scene {
    let scene = staged(world).await;
    let mut file = ResourceServer::file(NOTES, "Notes", "notes-api");
    file["verifies_proofs"] = json!(false);
    world.add_resource(file).await;
    world.app.fresh_catalogue().await.unwrap();
    scene
}

/// The evaluation with a proof of the call.
fn proved(world: &World, scene: &Scene, title: &str) -> Value {
    let mut body = scene.deletion(title);
    let url = format!("{NOTES}/rpc");
    let now = world.now().seconds();
    let proof = scene
        .claude
        .dpop
        .proof_with("POST", &url, now, &scene.token);
    body["context"]["dpop"] = json!({ "proof": proof, "htm": "POST", "htu": url });
    body
}

both!(
    /// The proof of a call makes one question. Whoever presents the approval needs no other; a call that comes again has its own.
    a_question_with_a_proof,
    |world| async {
        let mut scene = passing_proofs(&world).await;
        let wanted = proved(&world, &scene, "Shopping list");
        let body = scene.notes.submission(&world, &wanted).await;
        let mut none = body.clone();
        none["context"].as_object_mut().unwrap().remove("dpop");
        let refused = scene.notes.send(&world, REQUESTS, &none).await;
        assert_eq!(refused.status, 400, "{}", refused.text());
        let ask = async |body: &Value| scene.notes.send(&world, REQUESTS, body).await;
        let asked = ask(&body).await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        let id = asked.json()["task"]["id"].as_str().unwrap().to_owned();
        // The same question with the same proof is the same task; another question needs a proof of its own.
        assert_eq!(ask(&body).await.json()["task"]["id"], json!(id));
        let mut other = proved(&world, &scene, "Diary");
        other["context"]["dpop"] = wanted["context"]["dpop"].clone();
        let other = scene.notes.submission(&world, &other).await;
        let refused = scene.notes.send(&world, REQUESTS, &other).await;
        assert_eq!(problem(&refused), (400, "not_requestable".to_owned()));
        assert_eq!(world.events_named("approval.requested").await.len(), 1);
        scene.yes(&id).await;
        let mut again = presenting(&wanted, &scene.notes.status(&world, &id).await);
        again["context"].as_object_mut().unwrap().remove("dpop");
        permitted(&scene.notes.decide(&world, &again).await);
    }
);

both!(
    a_call_that_comes_again_has_a_proof_of_its_own,
    |world| async {
        let mut scene = passing_proofs(&world).await;
        let wanted = proved(&world, &scene, "Shopping list");
        let mut body = scene.notes.submission(&world, &wanted).await;
        body["requested_access"] = json!({ "urn:writ:call_again": true });
        let asked = scene.notes.send(&world, REQUESTS, &body).await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        let id = asked.json()["task"]["id"].as_str().unwrap().to_owned();
        scene.yes(&id).await;
        let mut unproved = wanted.clone();
        unproved["context"].as_object_mut().unwrap().remove("dpop");
        for (body, what) in [(&unproved, "none"), (&wanted, "that of the question")] {
            let answer = scene.notes.decide(&world, body).await;
            assert_eq!(denied(&answer), "proof_invalid", "{what}");
        }
        let again = proved(&world, &scene, "Shopping list");
        permitted(&scene.notes.decide(&world, &again).await);
    }
);
