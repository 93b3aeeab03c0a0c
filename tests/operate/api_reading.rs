//! What the operators' API shows: everything by its id, lists in pages, the audit log by each filter, and no secret.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};
use writ_server::client::api::operation::{Action, ApiMethod};
use writ_server::client::api::operations::OPERATIONS;
use writ_server::operate::directory::events::MAX_LOOKED_AT;
use writ_server::operate::directory::tasks::MAX_TREE;
use writ_server::operate::directory::{MAX_PAGE, USUAL_PAGE};
use writ_testkit::{BANK, Cast, PASSWORD, both};

use super::api_scene::{Operations, in_path, problem};

both!(
    agents_are_listed_shown_and_stay_the_same_until_they_change,
    |world| async {
        let cast = Cast::of(&world).await;
        let ops = Operations::of(&world).await;
        let ids: Vec<Value> = ops
            .items(&world, "/agents")
            .await
            .iter()
            .map(|one| one["id"].clone())
            .collect();
        assert_eq!(
            ids,
            ["agt_booker", "agt_payer", "agt_planner", "agt_stranger"]
        );
        let below = format!("/agents/{}", cast.planner.id);
        let shown = ops.get(&world, &below).await;
        let body = shown.json();
        assert_eq!(
            (&body["state"], &body["record"]["agent"]["owner"]),
            (&json!("active"), &json!("alice"))
        );
        let etag = shown.header("etag").unwrap().to_owned();
        let ask = async |tag: &str| {
            let known = [("if-none-match", tag)];
            ops.call(&world, (Method::GET, &below), &Value::Null, &known)
                .await
        };
        for (tag, status) in [
            (etag.clone(), 304),
            (format!("W/{etag}"), 304),
            (format!("\"x\", {etag}"), 304),
            ("*".to_owned(), 304),
            ("\"x\"".to_owned(), 200),
        ] {
            let reply = ask(&tag).await;
            assert_eq!(
                (reply.status, reply.header("etag")),
                (status, Some(etag.as_str())),
                "{tag}"
            );
            assert_eq!(reply.text().is_empty(), status == 304, "{tag}");
        }
        world
            .change_client(&cast.planner.id, |file| {
                file["client_name"] = json!("Planner 2")
            })
            .await;
        assert_eq!(ask(&etag).await.status, 200, "another representation");
    }
);

both!(a_list_comes_in_pages_that_leave_nobody_out, |world| async {
    Cast::of(&world).await;
    let ops = Operations::of(&world).await;
    for (list, member) in [
        ("/agents", "id"),
        ("/clients", "id"),
        ("/people", "name"),
        ("/types", "hash"),
    ] {
        let whole = ops.items(&world, &format!("{list}?limit={MAX_PAGE}")).await;
        assert!(whole.len() > 1, "{list}");
        let (mut found, mut next) = (Vec::new(), Some(format!("{list}?limit=1")));
        while let Some(below) = next {
            let page = ops.get(&world, &below).await.json();
            let items = page["items"].as_array().unwrap();
            assert_eq!(items.len(), 1, "{below}");
            found.push(items[0][member].clone());
            next = page["next"]
                .as_str()
                .map(|url| url.strip_prefix("/api/v1").unwrap().to_owned());
        }
        let whole: Vec<Value> = whole.iter().map(|one| one[member].clone()).collect();
        assert_eq!(found, whole, "{list}");
    }
    for below in [
        "/agents?limit=201".to_owned(),
        "/agents?limit=x".to_owned(),
        "/agents?cursor=%25".to_owned(),
        // A NUL, and a line end behind a letter.
        "/agents?cursor=AA".to_owned(),
        "/people?cursor=YQo".to_owned(),
        "/agents?owner=alice".to_owned(),
        "/agents?limit=1&limit=2".to_owned(),
        "/events?outcome=maybe".to_owned(),
        "/events?from=yesterday".to_owned(),
        "/tasks?person=usr_x&agent=agt_x".to_owned(),
        "/approvals?state=closed".to_owned(),
        "/delegations".to_owned(),
    ] {
        let reply = ops.get(&world, &below).await;
        assert_eq!(
            problem(&reply),
            (400, "invalid_request".to_owned()),
            "{below}"
        );
    }
    assert_eq!((USUAL_PAGE, MAX_PAGE), (50, 200));
});

both!(everything_of_a_story_is_found_and_shown, |world| async {
    let cast = Cast::of(&world).await;
    cast.token(&world).await;
    let ops = Operations::of(&world).await;
    let tasks = ops
        .items(&world, &format!("/tasks?person={}", cast.alice))
        .await;
    assert_eq!(tasks.len(), 1);
    assert_eq!(
        (&tasks[0]["client_id"], &tasks[0]["state"]),
        (&json!("agt_planner"), &json!("active"))
    );
    assert_eq!(ops.items(&world, "/tasks?agent=agt_planner").await, tasks);
    assert_eq!(
        ops.items(&world, "/tasks?agent=agt_booker").await,
        Vec::<Value>::new()
    );
    let id = tasks[0]["id"].as_str().unwrap();
    let tree = ops.get(&world, &format!("/tasks/{id}")).await.json();
    assert_eq!(tree["delegations"].as_array().unwrap().len(), 1, "{tree}");
    let delegations = ops.items(&world, &format!("/delegations?task={id}")).await;
    assert_eq!(delegations[0]["id"], tree["delegations"][0]["id"]);
    let consents = ops
        .items(&world, &format!("/consents?person={}", cast.alice))
        .await;
    assert_eq!(consents[0]["task"], id);
    for (list, record) in [
        ("/consents", &consents[0]),
        ("/delegations", &delegations[0]),
        ("/people", &ops.items(&world, "/people").await[0]),
        ("/events", &ops.items(&world, "/events").await[0]),
    ] {
        let id = record["id"].as_str().unwrap();
        let shown = ops.get(&world, &format!("{list}/{id}")).await;
        assert_eq!(
            (shown.status, &shown.json()["id"]),
            (200, &json!(id)),
            "{list}"
        );
    }
    let bank = ops
        .get(&world, &format!("/resources/{}", in_path(BANK)))
        .await
        .json();
    assert_eq!(
        (&bank["id"], &bank["record"]["name"]),
        (&json!(BANK), &json!("Bank"))
    );
    let keys = ops.items(&world, "/keys").await;
    assert!(keys.iter().any(|key| key["state"] == "active"), "{keys:?}");
    assert!(
        !json!(keys).to_string().contains("\"d\""),
        "no private part"
    );
});

both!(
    the_audit_log_is_found_by_each_filter_and_by_several,
    |world| async {
        let cast = Cast::of(&world).await;
        let ops = Operations::of(&world).await;
        world.advance(10);
        let before = world.now();
        world.advance(10);
        let token = cast.token(&world).await;
        let task = writ_testkit::claims(&token)["mission"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        world.advance(10);
        cast.planner
            .send(&world, "/token", &cast.redeem_form("wrong"))
            .await;
        let (from, alice, bank) = (in_path(&before.rfc3339()), &cast.alice, in_path(BANK));
        let names = async |query: &str| {
            let found = ops.items(&world, &format!("/events?{query}")).await;
            let names = found
                .iter()
                .map(|event| event["name"].as_str().unwrap().to_owned());
            names.collect::<BTreeSet<String>>()
        };
        for (query, within, without) in [
            (
                format!("person={alice}"),
                "consent.given",
                "agent.registered",
            ),
            (
                "agent=agt_planner".to_owned(),
                "token.issued",
                "consent.denied",
            ),
            (format!("task={task}"), "token.issued", "user.added"),
            ("name=token.issued".to_owned(), "token.issued", "user.added"),
            (format!("resource={bank}"), "token.issued", "user.added"),
            ("outcome=deny".to_owned(), "token.refused", "token.issued"),
            ("outcome=permit".to_owned(), "token.issued", "token.refused"),
            (
                format!("from={from}&limit=200"),
                "token.issued",
                "agent.registered",
            ),
            (
                format!("to={from}&limit=200"),
                "agent.registered",
                "token.refused",
            ),
            (
                format!("person={alice}&agent=agt_planner"),
                "token.issued",
                "user.added",
            ),
            (
                format!("agent=agt_planner&outcome=deny&from={from}"),
                "token.refused",
                "token.issued",
            ),
            (
                format!("task={task}&name=token.issued"),
                "token.issued",
                "consent.given",
            ),
        ] {
            let found = names(&query).await;
            assert!(found.contains(within), "{query}: {found:?}");
            assert!(!found.contains(without), "{query}: {found:?}");
        }
        assert!(names("name=token.issued&agent=agt_booker").await.is_empty());
    }
);

both!(
    /// Everything that can be read, after a story with passwords, secrets and codes.
    no_view_has_a_secret,
    |world| async {
        let cast = Cast::of(&world).await;
        let code = cast.code(&world).await;
        let asked = cast.planner.send(&world, "/bc-authorize", &cast.question()).await;
        let ops = Operations::of(&world).await;
        let mut read = String::new();
        for operation in OPERATIONS {
            if operation.method != ApiMethod::Get || operation.has_id() {
                continue;
            }
            assert!(matches!(operation.action, Action::Read(_)));
            let query = match operation.below {
                "/delegations" => "?task=none",
                "/keys" => "",
                _ => "?limit=200",
            };
            let reply = ops.get(&world, &format!("{}{query}", operation.below)).await;
            assert_eq!(reply.status, 200, "{}: {}", operation.below, reply.text());
            read.push_str(&reply.text());
        }
        let digest = |text: &str| writ_server::node::secret::secret_digest(text);
        let secret = ops.client.secret.clone().unwrap();
        let handle = asked.member("auth_req_id");
        for (what, secret) in [
            ("a password", PASSWORD),
            ("a hash of one", "$argon2id$"),
            ("a code", code.as_str()),
            ("its digest", digest(&code).as_str()),
            ("a client's secret", secret.as_str()),
            ("its digest", digest(&secret).as_str()),
            ("the bank's", cast.bank_secret.as_str()),
            ("a request's handle", handle.as_str()),
            ("its digest", digest(&handle).as_str()),
            ("the token", ops.token.as_str()),
        ] {
            assert!(!read.contains(secret), "{what}");
        }
        assert!(read.contains("agt_planner") && read.contains("approval.requested"));
    }
);

both!(
    /// A person in a list of guests, a client in a list of agents: each kind is its own.
    one_kind_is_not_shown_as_another,
    |world| async {
        Cast::of(&world).await;
        let ops = Operations::of(&world).await;
        for (list, id) in [
            ("/clients", "agt_planner"),
            ("/guests", "agt_planner"),
            ("/agents", "bank-api"),
            ("/guests", "bank-api"),
        ] {
            let reply = ops.get(&world, &format!("{list}/{id}")).await;
            assert_eq!(problem(&reply), (404, "not_found".to_owned()), "{list}/{id}");
        }
        let clients = ops.items(&world, "/clients").await;
        let ids: Vec<&Value> = clients.iter().map(|one| &one["id"]).collect();
        assert_eq!(ids, ["bank-api", "ops"]);
    }
);

both!(
    a_tree_and_a_search_are_looked_through_so_far_at_once,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let task = writ_testkit::claims(&token)["mission"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let ops = Operations::of(&world).await;
        let task_id = writ_core::id::TaskId::from_text(task.as_str());
        world.advance(10);
        let mut transaction = world.begin().await;
        let root = transaction
            .delegations_of_task(&task_id, "", 1)
            .await
            .unwrap()
            .remove(0)
            .delegation;
        for number in 0..MAX_TREE {
            let mut one = root.clone();
            one.id = writ_core::id::DelegationId::from_text(format!("dlg_z{number:04}"));
            one.parent = Some(root.id.clone());
            one.path = format!("{}/{}", root.path, one.id);
            transaction.insert_delegation(&one).await.unwrap();
        }
        for _ in 0..=MAX_LOOKED_AT {
            let id = world.app.event_id(world.now());
            let event = writ_core::event::Event::new(
                id,
                world.now(),
                writ_core::event::EventName::LoginFailed,
            );
            transaction.insert_event(&event).await.unwrap();
        }
        transaction.commit().await.unwrap();
        let tree = ops.get(&world, &format!("/tasks/{task}")).await.json();
        assert_eq!(tree["truncated"], true);
        let below = tree["delegations"][0]["below"].as_array().unwrap();
        assert_eq!(below.len(), usize::try_from(MAX_TREE).unwrap() - 1);
        assert_eq!(below[0]["id"], "dlg_z0000");
        let page = ops.get(&world, "/events?outcome=permit").await.json();
        assert_eq!(page["items"], json!([]), "none among the newest");
        let next = page["next"]
            .as_str()
            .unwrap()
            .strip_prefix("/api/v1")
            .unwrap();
        let found = ops.items(&world, next).await;
        assert!(
            found.iter().any(|event| event["name"] == "token.issued"),
            "{found:?}"
        );
    }
);
