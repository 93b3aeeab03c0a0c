//! What the operators' API changes: containment at once, removal only of the record that was read, each with its event; the same request
//! again is done once.

use http::Method;
use serde_json::{Value, json};
use writ_server::client::api::operation::{Action, ApiMethod};
use writ_server::client::api::operations::OPERATIONS;
use writ_testkit::{BANK, Cast, World, both, claims};

use super::api_scene::{Operations, in_path, problem, token_form};

/// What is there to be changed.
struct Story {
    cast: Cast,
    ops: Operations,
    token: String,
    task: String,
}

impl Story {
    async fn of(world: &World) -> Self {
        let cast = Cast::of(world).await;
        let token = cast.token(world).await;
        let task = claims(&token)["mission"]["id"].as_str().unwrap().to_owned();
        let ops = Operations::of(world).await;
        Self {
            cast,
            ops,
            token,
            task,
        }
    }

    async fn is_live(&self, world: &World) -> bool {
        self.cast.introspect(world, &self.token).await["active"] == true
    }
}

both!(
    a_stop_of_a_task_ends_its_tokens_and_is_on_record,
    |world| async {
        let story = Story::of(&world).await;
        let below = format!("/tasks/{}/stop", story.task);
        assert!(story.is_live(&world).await);
        let done = story.ops.post(&world, &below, &Value::Null).await;
        assert_eq!(
            (done.status, &done.json()["task"]),
            (200, &json!(story.task))
        );
        assert!(!story.is_live(&world).await);
        assert_eq!(world.events_named("task.revoked").await.len(), 1);
        let again = story.ops.post(&world, &below, &Value::Null).await;
        assert_eq!(problem(&again), (409, "conflict".to_owned()));
        let unknown = story
            .ops
            .post(&world, "/tasks/tsk_none/stop", &Value::Null)
            .await;
        assert_eq!(problem(&unknown), (404, "not_found".to_owned()));
    }
);

both!(
    an_agent_is_stopped_for_one_person_or_for_all,
    |world| async {
        let story = Story::of(&world).await;
        let (ops, alice) = (&story.ops, &story.cast.alice);
        let below = "/agents/agt_planner/stop";
        let nobody = ops
            .post(&world, below, &json!({ "person": "usr_none" }))
            .await;
        assert_eq!(problem(&nobody).0, 404);
        // Not everybody, because somebody forgot to set it.
        let nobody = ops.post(&world, below, &json!({ "person": null })).await;
        assert_eq!(problem(&nobody).0, 400, "{}", nobody.text());
        let stopped = ops.post(&world, below, &json!({ "person": alice })).await;
        assert_eq!((stopped.status, &stopped.json()["tasks"]), (200, &json!(1)));
        assert!(!story.is_live(&world).await);
        assert_eq!(
            ops.get(&world, "/agents/agt_planner").await.json()["state"],
            "active"
        );

        story.cast.token(&world).await;
        let stopped = ops.post(&world, below, &Value::Null).await.json();
        assert_eq!(
            (&stopped["state"], &stopped["tasks"]),
            (&json!("suspended"), &json!(1))
        );
        assert_eq!(
            ops.get(&world, "/agents/agt_planner").await.json()["state"],
            "suspended"
        );
        let names = world.event_names().await;
        assert!(names.contains(&"agent.suspended".to_owned()), "{names:?}");
        let live = ops.items(&world, "/tasks?agent=agt_planner").await;
        assert!(
            live.iter().all(|task| task["state"] == "stopped"),
            "{live:?}"
        );
    }
);

both!(
    people_are_disabled_signed_out_and_asked_again,
    |world| async {
        let story = Story::of(&world).await;
        let (ops, person) = (&story.ops, format!("/people/{}", story.cast.alice));
        let ended = ops
            .post(&world, &format!("{person}/end-sessions"), &Value::Null)
            .await;
        assert!(
            ended.status == 200 && ended.json()["sessions"].is_u64(),
            "{}",
            ended.text()
        );
        assert_eq!(world.events_named("session.ended").await.len(), 1);
        let asked = json!({ "client_id": "agt_planner" });
        let nothing = ops
            .post(&world, &format!("{person}/forget-consents"), &asked)
            .await;
        assert_eq!(
            problem(&nothing).0,
            409,
            "an agent's consent is never remembered"
        );
        let disabled = ops
            .post(&world, &format!("{person}/disable"), &json!({}))
            .await;
        assert_eq!(disabled.json()["state"], "disabled", "{}", disabled.text());
        assert!(!story.is_live(&world).await);
        assert_eq!(ops.get(&world, &person).await.json()["state"], "disabled");
        assert_eq!(
            ops.get(&world, "/agents/agt_planner").await.json()["state"],
            "halted"
        );
    }
);

both!(
    /// RFC 9110 section 13.1.1, RFC 6585 section 3: nobody removes what somebody else changed meanwhile.
    rfc_9110_13_1_1_a_removal_is_of_the_record_that_was_read,
    |world| async {
        let story = Story::of(&world).await;
        let ops = &story.ops;
        let bank = format!("/resources/{}", in_path(BANK));
        for (below, event) in [
            ("/agents/agt_stranger", "agent.removed"),
            ("/clients/bank-api", "client.removed"),
            (bank.as_str(), "resource.removed"),
        ] {
            let etag = ops.get(&world, below).await.header("etag").unwrap().to_owned();
            let remove = async |more: &[(&str, &str)]| {
                ops.call(&world, (Method::DELETE, below), &Value::Null, more).await
            };
            assert_eq!(problem(&remove(&[]).await), (428, "precondition_required".to_owned()));
            for other in ["\"x\"".to_owned(), "*".to_owned(), format!("W/{etag}")] {
                let reply = remove(&[("if-match", &other)]).await;
                assert_eq!(problem(&reply), (412, "precondition_failed".to_owned()), "{other}");
            }
            let removed = remove(&[("if-match", &etag)]).await;
            assert_eq!((removed.status, &removed.json()["state"]), (200, &json!("removed")), "{below}");
            let names = world.event_names().await;
            assert!(names.contains(&event.to_owned()), "{names:?}");
            assert_eq!(ops.get(&world, below).await.status, 404);
        }
    }
);

both!(
    /// draft-ietf-httpapi-idempotency-key-header sections 2.6 and 2.7.
    a_key_does_its_request_once_and_no_other,
    |world| async {
        let story = Story::of(&world).await;
        let ops = &story.ops;
        let below = "/agents/agt_planner/stop";
        let body = json!({ "person": story.cast.alice });
        let key = [("idempotency-key", "0123456789abcdef-one")];
        let send = async |below: &str, body: &Value| {
            ops.call(&world, (Method::POST, below), body, &key).await
        };
        let first = send(below, &body).await;
        assert_eq!(first.json()["tasks"], 1, "{}", first.text());
        let count = world.events().await.len();
        let second = send(below, &body).await;
        assert_eq!((second.status, second.text()), (first.status, first.text()));
        assert_eq!(world.events().await.len(), count, "nothing was done again");
        for (below, body) in [(below, json!({})), ("/agents/agt_booker/stop", body.clone())] {
            let reply = send(below, &body).await;
            assert_eq!(problem(&reply), (422, "idempotency_key_reused".to_owned()), "{below}");
        }
        let other = Operations::with(&world, "other", "api:stop").await;
        let reply = other.call(&world, (Method::POST, below), &body, &key).await;
        assert_eq!(reply.json()["tasks"], 0, "another client's key is its own");
        world.advance(24 * 3600 + 1);
        let form = token_form("api:stop");
        let token = ops.client.send(&world, "/token", &form).await.access_token();
        let later = Operations { token, client: ops.client.clone() };
        let reply = later.call(&world, (Method::POST, below), &body, &key).await;
        assert_eq!(reply.json()["tasks"], 0, "the key is forgotten: {}", reply.text());
        for odd in ["short", "with space 0123456789", ""] {
            let key = [("idempotency-key", odd)];
            let reply = later.call(&world, (Method::POST, below), &body, &key).await;
            assert_eq!(problem(&reply), (400, "invalid_request".to_owned()), "{odd}");
        }
    }
);

both!(members_that_nobody_knows_change_nothing, |world| async {
    let story = Story::of(&world).await;
    let (ops, count) = (&story.ops, world.events().await.len());
    let alice = format!("/people/{}/disable", story.cast.alice);
    for (below, body) in [
        (
            "/agents/agt_planner/stop",
            json!({ "person": story.cast.alice, "state": "active" }),
        ),
        (
            "/agents/agt_planner/suspend",
            json!({ "person": story.cast.alice }),
        ),
        (alice.as_str(), json!({ "role": "admin" })),
        ("/agents/agt_planner/stop", json!([])),
    ] {
        let reply = ops.post(&world, below, &body).await;
        assert_eq!(
            problem(&reply),
            (400, "invalid_request".to_owned()),
            "{below}"
        );
    }
    let with_query = ops
        .post(&world, "/agents/agt_planner/stop?person=x", &Value::Null)
        .await;
    assert_eq!(problem(&with_query).0, 400);
    assert!(story.is_live(&world).await);
    let refused = world.events().await.len() - count;
    assert_eq!(refused, 0, "each refusal is counted by the minute");
});

both!(
    /// Each operation by each scope alone: only its own lets it pass, and a change that passes is on record.
    each_operation_is_open_to_its_scope_alone,
    |world| async {
        let story = Story::of(&world).await;
        let one = |scope: &'static str| Operations::with(&world, scope.rsplit(':').next().unwrap(), scope);
        let services = [
            ("api:read", one("api:read").await),
            ("api:stop", one("api:stop").await),
            ("api:change", one("api:change").await),
            ("api:propose", one("api:propose").await),
        ];
        for operation in OPERATIONS {
            let below = operation.below.replace("{id}", "none");
            let method = Method::from_bytes(operation.method.as_str().to_uppercase().as_bytes()).unwrap();
            for (scope, service) in &services {
                let reply = service.call(&world, (method.clone(), &below), &Value::Null, &[]).await;
                let refused = reply.status == 403;
                assert_eq!(refused, *scope != operation.scope().as_str(), "{} {scope}: {}", operation.id, reply.text());
            }
            let bare = world.send(method, &format!("/api/v1{below}"), &[], Vec::new()).await;
            assert_eq!(problem(&bare).0, 401, "{}", operation.id);
        }
        // Whatever succeeds and is no reading writes an event.
        for operation in OPERATIONS.iter().filter(|one| one.method == ApiMethod::Post) {
            let id = match operation.below.split('/').nth(1).unwrap() {
                "agents" => "agt_booker".to_owned(),
                "clients" => "bank-api".to_owned(),
                "people" => story.cast.alice.clone(),
                "tasks" => story.task.clone(),
                _ => continue,
            };
            assert!(matches!(operation.action, Action::Stop(_)));
            let below = operation.below.replace("{id}", &id);
            let before = world.events().await.len();
            let body = match operation.id {
                "forgetConsents" => json!({ "client_id": "bank-api" }),
                _ => Value::Null,
            };
            let reply = story.ops.post(&world, &below, &body).await;
            let wrote = world.events().await.len() > before;
            let changed = reply.status == 200;
            assert_eq!(changed, wrote, "{}: {}", operation.id, reply.text());
        }
    }
);

both!(
    a_key_that_is_sent_twice_at_once_is_done_once,
    |world| async {
        let story = Story::of(&world).await;
        let ops = &story.ops;
        let body = json!({ "person": story.cast.alice });
        let key = [("idempotency-key", "0123456789abcdef-at-once")];
        let send = || {
            ops.call(
                &world,
                (Method::POST, "/agents/agt_planner/stop"),
                &body,
                &key,
            )
        };
        let (one, two) = tokio::join!(send(), send());
        assert_eq!(
            (one.status, two.status),
            (200, 200),
            "{} {}",
            one.text(),
            two.text()
        );
        assert_eq!(
            (one.json()["tasks"].clone(), one.text()),
            (json!(1), two.text())
        );
        let names = world.event_names().await;
        let stops = names.iter().filter(|name| *name == "task.revoked").count();
        assert_eq!(stops, 1, "{names:?}");
    }
);
