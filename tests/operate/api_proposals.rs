//! What widens is only proposed by a service: tried when it is proposed, applied once by an operator, over the records of that moment.

use http::Method;
use serde_json::{Value, json};
use writ_core::id::ProposalId;
use writ_server::operate::proposal::{MAX_OPEN_PROPOSALS, PROPOSAL_LIFE, apply};
use writ_testkit::{Cast, ISSUER, World, both};

use super::api_scene::{Operations, problem, service_file};

async fn propose(ops: &Operations, world: &World, change: Value) -> Value {
    let reply = ops
        .post(world, "/proposals", &json!({ "change": change }))
        .await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    reply.json()
}

/// As an operator's page does it after the signature.
async fn applied(world: &World, id: &str) -> Result<Value, String> {
    let mut transaction = world.begin().await;
    let proposal = transaction
        .proposal(&ProposalId::from_text(id))
        .await
        .unwrap()
        .unwrap();
    let (app, by) = (&world.app, &world.operator);
    let done = apply(app, &mut transaction, &proposal, by, "usr_admin").await;
    let done = done.map_err(|e| e.to_string())?;
    transaction.commit().await.unwrap();
    Ok(done)
}

both!(
    a_proposal_changes_nothing_until_it_is_applied_and_then_once,
    |world| async {
        Cast::of(&world).await;
        let ops = Operations::of(&world).await;
        let change = json!({ "kind": "register", "record": service_file("more", "api:read") });
        let proposed = propose(&ops, &world, change.clone()).await;
        let id = proposed["id"].as_str().unwrap();
        assert_eq!(proposed["url"], format!("{ISSUER}/admin/changes/{id}"));
        assert_eq!(world.events_named("change.proposed").await.len(), 1);
        assert_eq!(ops.get(&world, "/clients/more").await.status, 404);
        let shown = ops.get(&world, &format!("/proposals/{id}")).await.json();
        assert_eq!(
            (&shown["hash"], &shown["change"]["kind"]),
            (&proposed["hash"], &json!("register"))
        );
        applied(&world, id).await.unwrap();
        assert_eq!(ops.get(&world, "/clients/more").await.status, 200);
        assert_eq!(
            ops.get(&world, &format!("/proposals/{id}")).await.json()["signed_by"],
            "usr_admin"
        );
        let twice = applied(&world, id).await.unwrap_err();
        assert!(twice.contains("applied before"), "{twice}");
    }
);

both!(
    a_proposal_lapses_and_is_of_the_record_that_it_replaces,
    |world| async {
        Cast::of(&world).await;
        let ops = Operations::of(&world).await;
        let record = ops.get(&world, "/agents/agt_planner").await.json()["record"].clone();
        let mut wider = record.clone();
        wider["agent"]["ceiling"]["lifetime"] = json!(9000);
        let change =
            json!({ "kind": "change", "id": "agt_planner", "record": wider, "replaces": record });
        let first = propose(&ops, &world, change.clone()).await;
        let second = propose(&ops, &world, change).await;
        world
            .change_client("agt_planner", |file| file["client_name"] = json!("Other"))
            .await;
        let meanwhile = applied(&world, first["id"].as_str().unwrap())
            .await
            .unwrap_err();
        assert!(
            meanwhile.contains("changed by somebody else"),
            "{meanwhile}"
        );
        world.advance(PROPOSAL_LIFE.as_secs() + 1);
        let late = applied(&world, second["id"].as_str().unwrap())
            .await
            .unwrap_err();
        assert!(late.contains("its time is over"), "{late}");
    }
);

both!(
    what_revives_is_proposed_and_what_could_not_be_is_refused,
    |world| async {
        let cast = Cast::of(&world).await;
        let ops = Operations::of(&world).await;
        ops.post(&world, "/agents/agt_planner/suspend", &Value::Null)
            .await;
        ops.post(
            &world,
            &format!("/people/{}/disable", cast.alice),
            &Value::Null,
        )
        .await;
        for change in [
            json!({ "kind": "resume", "id": "agt_planner" }),
            json!({ "kind": "enable", "id": cast.alice }),
        ] {
            let proposed = propose(&ops, &world, change).await;
            applied(&world, proposed["id"].as_str().unwrap())
                .await
                .unwrap();
        }
        assert_eq!(
            ops.get(&world, "/agents/agt_planner").await.json()["state"],
            "active"
        );
        let mut odd = service_file("odd", "api:read");
        odd["grant_types"] = json!([]);
        for (change, status) in [
            (json!({ "kind": "resume", "id": "agt_planner" }), 422),
            (json!({ "kind": "enable", "id": "usr_none" }), 422),
            (json!({ "kind": "register", "record": odd }), 422),
            (
                json!({ "kind": "register", "record": { "client_name": "x", "secret": "y" } }),
                422,
            ),
            (
                json!({ "kind": "register", "record": service_file("ops", "api:read") }),
                409,
            ),
            (
                json!({ "kind": "resource", "record": { "resource": "https://bank.example", "name": "B" } }),
                412,
            ),
            (json!({ "kind": "role", "person": "alice" }), 400),
            (
                json!({ "kind": "resume", "id": "agt_planner", "now": true }),
                400,
            ),
        ] {
            let reply = ops
                .post(&world, "/proposals", &json!({ "change": change }))
                .await;
            assert_eq!(problem(&reply).0, status, "{change}: {}", reply.text());
        }
    }
);

both!(
    a_service_has_so_many_open_proposals_at_most,
    |world| async {
        Cast::of(&world).await;
        let ops = Operations::of(&world).await;
        ops.post(&world, "/agents/agt_planner/suspend", &Value::Null)
            .await;
        let body = json!({ "change": { "kind": "resume", "id": "agt_planner" } });
        for _ in 0..MAX_OPEN_PROPOSALS {
            assert_eq!(ops.post(&world, "/proposals", &body).await.status, 202);
        }
        let more = ops
            .call(&world, (Method::POST, "/proposals"), &body, &[])
            .await;
        assert_eq!(problem(&more), (429, "too_many".to_owned()));
        assert!(more.header("retry-after").is_some());
    }
);

both!(
    /// Its answer was lost, and it was applied meanwhile.
    a_known_key_is_answered_as_it_was_whatever_happened_since,
    |world| async {
        Cast::of(&world).await;
        let ops = Operations::of(&world).await;
        let change = json!({ "kind": "register", "record": service_file("more", "api:read") });
        let body = json!({ "change": change });
        let key = [("idempotency-key", "drawn-at-random-0001")];
        let ask = async || {
            let to = (Method::POST, "/proposals");
            ops.call(&world, to, &body, &key).await
        };
        let first = ask().await;
        assert_eq!(first.status, 202, "{}", first.text());
        applied(&world, first.json()["id"].as_str().unwrap())
            .await
            .unwrap();
        let again = ask().await;
        assert_eq!((again.status, again.json()), (202, first.json()));
        assert_eq!(world.events_named("change.proposed").await.len(), 1);
    }
);
