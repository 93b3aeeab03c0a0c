//! A resource server asks a person for one action: what becomes of a question, and what its server hears of it (AuthZEN Access Request
//! and Approval Profile, draft 1).

use http::Method;
use serde_json::{Value, json};
use writ_testkit::both;

use super::access_scene::{REQUESTS, denied, permitted, presenting, problem, row, staged};
use crate::laws::nasty_text::taken;

const CANCEL: &str = "/cancel";

both!(arap_a_yes_permits_once, |world| async {
    let mut scene = staged(&world).await;
    let wanted = scene.deletion("Shopping list");
    assert_eq!(
        denied(&scene.notes.look(&world, &wanted).await),
        "approval_required"
    );
    let reply = scene.notes.ask(&world, &wanted).await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("retry-after"), Some("5"));
    let task = reply.json()["task"].clone();
    let id = task["id"].as_str().unwrap();
    assert_eq!(reply.header("location"), task["status_endpoint"].as_str());
    assert_eq!(task["status"], json!("pending"));
    assert!(reply.json().get("result").is_none());
    let review = task["links"]["review"].as_str().unwrap();
    assert!(review.ends_with(&format!("/app/requests/{id}")), "{review}");
    assert_eq!(scene.alice.inbox().await, [id]);
    scene.yes(id).await;
    let status = scene.notes.status(&world, id).await;
    assert_eq!(status["task"]["status"], json!("approved"));
    assert!(status["task"]["links"].get("cancel").is_none());
    assert_eq!(status["result"]["mode"], json!("reevaluate"));
    let approval = &status["result"]["approval"];
    assert_eq!(approval["approved_at"], json!(world.now().rfc3339()));
    let until = world.now().plus(std::time::Duration::from_secs(120));
    assert_eq!(approval["approved_until"], json!(until.rfc3339()));
    let again = presenting(&wanted, &status);
    let answer = scene.notes.decide(&world, &again).await;
    permitted(&answer);
    assert_eq!(answer["context"]["approval"]["id"], json!(id));
    let decision = answer["context"]["decision_id"].as_str().unwrap();
    // Once is once.
    assert_eq!(
        denied(&scene.notes.decide(&world, &again).await),
        "approval_expired"
    );
    assert_eq!(
        denied(&scene.notes.decide(&world, &wanted).await),
        "approval_required"
    );
    let used = world.events_named("approval.redeemed").await;
    assert_eq!(used.len(), 1);
    assert_eq!(used[0].data["decision_id"], json!(decision));
    assert_eq!(used[0].data["kind"], json!("access"));
    assert_eq!(used[0].resource.as_deref(), Some(scene.notes.uri));
    let asked = world.events_named("approval.requested").await;
    assert_eq!(asked[0].data["kind"], json!("access"));
    assert_eq!(asked[0].client.as_deref(), Some("agt_claude"));
    let text = format!("{:?}", world.events().await);
    assert!(!text.contains(&scene.token), "no token is kept");
});

both!(arap_a_no_is_denied, |world| async {
    let mut scene = staged(&world).await;
    let wanted = scene.deletion("Shopping list");
    let id = scene.notes.asked(&world, &wanted).await;
    let page = scene.alice.look(&id).await;
    scene.alice.refuse(&page, "deny").await;
    let status = scene.notes.status(&world, &id).await;
    assert_eq!(status["task"]["status"], json!("denied"));
    assert!(status.get("result").is_none(), "{status}");
    let mut again = wanted.clone();
    again["context"]["approval"] = json!({ "id": id });
    assert_eq!(
        denied(&scene.notes.decide(&world, &again).await),
        "approval_unverifiable"
    );
    // The same question has its answer, another one is asked.
    let told = scene.notes.ask(&world, &wanted).await;
    assert_eq!(problem(&told), (403, "denied".to_owned()));
    assert_eq!(told.header("retry-after"), None);
    assert_eq!(told.json()["title"], json!("The person said no"));
    scene.notes.asked(&world, &scene.deletion("Other")).await;
});

both!(arap_silence_is_expired, |world| async {
    let mut scene = staged(&world).await;
    let id = scene
        .notes
        .asked(&world, &scene.deletion("Shopping list"))
        .await;
    world.advance(300);
    let status = scene.notes.status(&world, &id).await;
    assert_eq!(status["task"]["status"], json!("expired"));
    let cancelled = scene.notes.cancel(&world, &id).await;
    assert_eq!(problem(&cancelled), (409, "invalid_task_state".to_owned()));
    scene.alice.look(&id).await.says("Time ran out");
});

both!(arap_a_call_that_died_cancels_its_question, |world| async {
    let mut scene = staged(&world).await;
    let wanted = scene.deletion("Shopping list");
    for method in [Method::POST, Method::DELETE] {
        let id = scene.notes.asked(&world, &wanted).await;
        let path = format!("{REQUESTS}/{id}{CANCEL}");
        let body = json!({ "reason": "call_died", "comment": "The client went away." });
        let reply = scene
            .notes
            .send_with(&world, (method, &path), &body, &[])
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let task = reply.json()["task"].clone();
        assert_eq!(task["status"], json!("cancelled"));
        assert_eq!(task["reason"], json!("cancelled_by_resource"));
        let again = scene.notes.cancel(&world, &id).await;
        assert_eq!(problem(&again), (409, "invalid_task_state".to_owned()));
        assert!(scene.alice.inbox().await.is_empty());
        let page = scene.alice.look(&id).await;
        page.says("Nobody waits for this any more");
        let mut late = wanted.clone();
        late["context"]["approval"] = json!({ "id": id });
        assert_eq!(
            denied(&scene.notes.decide(&world, &late).await),
            "approval_expired"
        );
    }
    let events = world.events_named("approval.cancelled").await;
    assert_eq!(events.len(), 2);
    let because = json!("call_died: The client went away.");
    assert_eq!(events[0].data["because"], because);
    // A yes is no question any more.
    let id = scene.notes.asked(&world, &wanted).await;
    scene.yes(&id).await;
    let late = scene.notes.cancel(&world, &id).await;
    assert_eq!(problem(&late), (409, "invalid_task_state".to_owned()));
});

both!(arap_a_stop_cancels_and_takes_back_a_yes, |world| async {
    let mut scene = staged(&world).await;
    let (first, second) = (scene.deletion("One"), scene.deletion("Two"));
    let again = scene.approved(&world, &first).await;
    let open = scene.notes.asked(&world, &second).await;
    let page = scene.alice.look(&open).await;
    let third = scene.notes.asked(&world, &scene.deletion("Three")).await;
    scene.alice.refuse(&page, "stop").await;
    assert_eq!(
        scene.notes.status(&world, &open).await["task"]["status"],
        json!("denied")
    );
    let stopped = |status: Value| {
        assert_eq!(status["task"]["status"], json!("cancelled"), "{status}");
        assert_eq!(status["task"]["reason"], json!("stopped"));
    };
    stopped(scene.notes.status(&world, &third).await);
    let approved = again["context"]["approval"]["id"].as_str().unwrap();
    stopped(scene.notes.status(&world, approved).await);
    assert_eq!(
        denied(&scene.notes.decide(&world, &again).await),
        "token_invalid"
    );
});

both!(
    arap_the_same_question_is_the_same_task_while_it_is_open,
    |world| async {
        let mut scene = staged(&world).await;
        let wanted = scene.deletion("Shopping list");
        let id = scene.notes.asked(&world, &wanted).await;
        for _ in 0..8 {
            assert_eq!(scene.notes.asked(&world, &wanted).await, id, "one buzz");
        }
        assert_eq!(scene.alice.inbox().await, [id.as_str()]);
        assert_eq!(world.events_named("approval.requested").await.len(), 1);
        let other = scene.notes.asked(&world, &scene.deletion("Other")).await;
        assert_ne!(other, id);
        scene.yes(&id).await;
        let next = scene.notes.asked(&world, &wanted).await;
        assert_ne!(next, id, "it was answered");
        assert_ne!(
            row(&world, &next).await.asked_hash,
            row(&world, &other).await.asked_hash
        );
    }
);

both!(arap_a_key_finds_the_task_that_it_made, |world| async {
    let mut scene = staged(&world).await;
    let wanted = scene.deletion("Shopping list");
    let body = scene.notes.submission(&world, &wanted).await;
    let key = [("idempotency-key", "7b8d0f0d-65a1-4af1")];
    let send = async |body: &Value| {
        let to = (Method::POST, REQUESTS);
        scene.notes.send_with(&world, to, body, &key).await
    };
    let first = send(&body).await;
    assert_eq!(first.status, 202, "{}", first.text());
    let id = first.json()["task"]["id"].clone();
    let other = scene
        .notes
        .submission(&world, &scene.deletion("Other"))
        .await;
    assert_eq!(
        problem(&send(&other).await),
        (409, "duplicate_request".to_owned())
    );
    let page = scene.alice.look(id.as_str().unwrap()).await;
    scene.alice.refuse(&page, "deny").await;
    let again = send(&body).await;
    assert_eq!(again.status, 201, "{}", again.text());
    assert_eq!(again.json()["task"]["id"], id);
    assert_eq!(again.json()["task"]["status"], json!("denied"));
});

both!(
    /// Also once the yes is there, or used, and after the denial has expired; the key with other words makes nothing of it.
    arap_a_key_finds_its_task_however_it_went_on,
    |world| async {
        let mut scene = staged(&world).await;
        let wanted = scene.deletion("Shopping list");
        for call_again in [false, true] {
            let mut body = scene.notes.submission(&world, &wanted).await;
            body["requested_access"] = json!({ "urn:writ:call_again": call_again });
            let key = format!("7b8d0f0d-65a1-4af1-{call_again}");
            let key = [("idempotency-key", key.as_str())];
            let send = async |body: &Value| {
                let to = (Method::POST, REQUESTS);
                scene.notes.send_with(&world, to, body, &key).await
            };
            let id = send(&body).await.json()["task"]["id"].clone();
            let found = async |status: &str| {
                let again = send(&body).await;
                assert_eq!(again.status, 201, "{call_again}, {status}: {}", again.text());
                let task = again.json()["task"].clone();
                assert_eq!((&task["id"], &task["status"]), (&id, &json!(status)));
            };
            let page = scene.alice.look(id.as_str().unwrap()).await;
            scene.alice.approve_by_password(&page).await;
            found("approved").await;
            let status = scene.notes.status(&world, id.as_str().unwrap()).await;
            permitted(&scene.notes.decide(&world, &presenting(&wanted, &status)).await);
            found("approved").await;
            if !call_again {
                continue;
            }
            world.advance(601);
            found("approved").await;
            let mut other = body.clone();
            other["context"]["says"] = json!("in other words");
            assert_eq!(problem(&send(&other).await), (410, "expired_denial".to_owned()));
        }
    }
);

both!(arap_a_question_is_bound_to_its_denial, |world| async {
    let scene = staged(&world).await;
    let wanted = scene.deletion("Shopping list");
    let body = scene.notes.submission(&world, &wanted).await;
    let sent = async |change: &dyn Fn(&mut Value)| {
        let mut body = body.clone();
        change(&mut body);
        let reply = scene.notes.send(&world, REQUESTS, &body).await;
        problem(&reply)
    };
    let unbound = (400, "invalid_denial_binding".to_owned());
    let changes: [&dyn Fn(&mut Value); 5] = [
        &|b| b["action"]["properties"]["title"] = json!("Diary"),
        &|b| b["action"]["name"] = json!("rename_note"),
        &|b| b["denial"]["evaluation_id"] = json!("evl_AAAA"),
        &|b| b["denial"] = json!({}),
        &|b| {
            b.as_object_mut().unwrap().remove("denial");
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        assert_eq!(sent(change).await, unbound, "{number}");
    }
    world.advance(601);
    let late = scene.notes.send(&world, REQUESTS, &body).await;
    assert_eq!(problem(&late), (410, "expired_denial".to_owned()));
    assert!(world.events_named("approval.requested").await.is_empty());
});

both!(
    arap_what_needs_no_person_is_not_requestable,
    |world| async {
        let scene = staged(&world).await;
        let wanted = scene.deletion("Shopping list");
        let body = scene.notes.submission(&world, &wanted).await;
        let unknown = scene.notes.evaluation(&scene.token, "shred", json!({}));
        let look = scene.notes.look(&world, &unknown).await;
        assert_eq!(denied(&look), "unknown_action");
        assert!(look["context"].get("access_request").is_none());
        let mut about = unknown.clone();
        about["denial"] = json!({ "evaluation_id": look["context"]["evaluation_id"], "expires_at": "2026-09-21T14:23:20Z" });
        let refused = scene.notes.send(&world, REQUESTS, &about).await;
        assert_eq!(refused.status, 400, "{}", refused.text());
        let mut long = body.clone();
        long["context"]["says"] = json!("a".repeat(141));
        let refused = scene.notes.send(&world, REQUESTS, &long).await;
        assert_eq!(refused.status, 400, "{}", refused.text());
        let mut many = body.clone();
        many["items"] = json!([]);
        let refused = scene.notes.send(&world, REQUESTS, &many).await;
        assert_eq!(refused.status, 400, "{}", refused.text());
        for broken in [
            "{",
            "[]",
            "{\"subject\":1}",
            "{\"denial\":{},\"denial\":{}}",
        ] {
            let headers = [
                ("authorization", scene.notes.basic.as_str()),
                ("content-type", "application/json"),
            ];
            let reply = world
                .send(Method::POST, REQUESTS, &headers, broken.as_bytes().to_vec())
                .await;
            assert_eq!(reply.status, 400, "{broken}: {}", reply.text());
        }
        assert!(world.events_named("approval.requested").await.is_empty());
    }
);

both!(
    nasty_text_in_a_question_is_refused_or_quoted,
    |world| async {
        let scene = staged(&world).await;
        let wanted = scene.deletion("Shopping list");
        let body = scene.notes.submission(&world, &wanted).await;
        let mut texts = taken();
        texts.push("a\0b".to_owned());
        for text in texts {
            for place in [
                "/subject/id",
                "/action/name",
                "/action/properties/title",
                "/resource/id",
                "/context/access_token",
                "/context/says",
                "/denial/evaluation_id",
                "/denial/expires_at",
            ] {
                let mut nasty = body.clone();
                match nasty.pointer_mut(place) {
                    Some(member) => *member = json!(text),
                    None => nasty["context"]["says"] = json!(text),
                }
                let reply = scene.notes.send(&world, REQUESTS, &nasty).await;
                let what = format!("{place}={text:.40}");
                assert!(reply.status < 500, "{what}: {}", reply.text());
                let is_text = !text.contains('\0');
                assert!(is_text || reply.status == 400, "{what}: {}", reply.status);
            }
        }
    }
);
