//! What there is besides does not matter: a stop, a page and a document cost as many statements, and as much memory, with much as with
//! little.

use serde_json::json;
use writ_core::delegation::Delegation;
use writ_core::id::{ApprovalId, ClientId, DelegationId, TaskId, UserId};
use writ_core::pending::{PendingRequest, State};
use writ_core::task::Task;
use writ_server::operate::change::ChangedBy;
use writ_server::operate::stop::stop_agent;
use writ_store::event::EventsOf;
use writ_store::pending::NewPendingRequest;
use writ_testkit::{BANK, Cast, World, both, claims};

const METADATA: &str = "/.well-known/oauth-authorization-server";

/// An agent's work for alice: a task, a question, and its part of another agent's task.
pub(super) struct Seed {
    task: Task,
    question: PendingRequest,
    part: Delegation,
}

impl Seed {
    pub(super) async fn of(world: &World, cast: &Cast) -> Self {
        let token = cast
            .granted(world, &cast.booker, &cast.request(), BANK)
            .await;
        let task = TaskId::from_text(
            claims(&token.access_token())["mission"]["id"]
                .as_str()
                .unwrap(),
        );
        let asked = cast.booker.asked(world, &cast.question()).await;
        let question = world.waiting(&asked).await;
        let other = cast.token(world).await;
        let handed = cast.hand(world, &cast.planner, &other, &cast.booker).await;
        let handed = claims(&handed.access_token());
        let part = DelegationId::from_text(handed["act"]["dlg"].as_str().unwrap());
        let mut reading = world.begin().await;
        let task = reading.task(&task).await.unwrap().unwrap().task;
        let part = reading.lineage(&part).await.unwrap().unwrap().leaf;
        Self {
            task,
            question,
            part,
        }
    }

    /// So many more of each.
    pub(super) async fn plant(&self, world: &World, round: &str, count: usize) {
        let mut transaction = world.begin().await;
        for number in 0..count {
            let name = format!("{round}_{number}");
            let task = Task {
                id: TaskId::from_text(format!("tsk_{name}")),
                ..self.task.clone()
            };
            assert!(transaction.insert_task_if_active(&task).await.unwrap());
            let question = PendingRequest {
                id: ApprovalId::from_text(format!("apr_{name}")),
                digest: format!("digest of {name}"),
                ..self.question.clone()
            };
            let new = NewPendingRequest {
                request: &question,
                user_code: None,
                sealed: None,
            };
            transaction.insert_pending(new).await.unwrap();
            let part = Delegation {
                id: DelegationId::from_text(format!("dlg_{name}")),
                ..self.part.clone()
            };
            transaction.insert_delegation(&part).await.unwrap();
        }
        transaction.commit().await.unwrap();
    }
}

/// What a stop of this agent for alice costs.
async fn stop(world: &World, cast: &Cast) -> (u64, u64, u64) {
    let (alice, booker) = (
        UserId::from_text(cast.alice.as_str()),
        ClientId::from_text("agt_booker"),
    );
    let before = world.app.store.statements();
    let mut transaction = world.begin().await;
    let by = ChangedBy::Subject(alice.as_str());
    let stopped = stop_agent(&world.app, &mut transaction, &alice, &booker, by)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    stopped.endings.announce(&world.app);
    let spent = world.app.store.statements() - before;
    let mut reading = world.begin().await;
    assert!(
        !reading
            .has_live_task(&alice, &booker, world.now())
            .await
            .unwrap()
    );
    (spent, stopped.tasks, stopped.delegations)
}

both!(
    /// Each with its event: 20 or 1,000 tasks, parts of others' tasks and questions.
    a_stop_of_an_agent_costs_the_same_whatever_it_ends,
    |world| async {
        let cast = Cast::of(&world).await;
        let seed = Seed::of(&world, &cast).await;
        stop(&world, &cast).await;
        let mut spent = Vec::new();
        for (round, count) in [("few", 20), ("many", 1000)] {
            world.advance(1);
            let mut reading = world.begin().await;
            let newest = reading.events_before(EventsOf::All, None, 1).await.unwrap().remove(0).id;
            drop(reading);
            // The first stop ended the task in which it had a part.
            let token = cast.token(&world).await;
            let here = TaskId::from_text(claims(&token)["mission"]["id"].as_str().unwrap());
            let part = Delegation { task: here, parent: None, ..seed.part.clone() };
            let seed = Seed { part, task: seed.task.clone(), question: seed.question.clone() };
            seed.plant(&world, round, count).await;
            let (statements, tasks, parts) = stop(&world, &cast).await;
            assert_eq!((tasks, parts), (count as u64, count as u64));
            spent.push(statements);
            let named = [
                ("task.revoked", count),
                ("delegation.stopped", count),
                ("approval.denied", count),
            ];
            for (name, expected) in named {
                let mut reading = world.begin().await;
                let of = EventsOf::Named(name);
                let told = reading.events_after(of, Some(&newest), 3000).await.unwrap();
                assert_eq!(told.len(), expected, "{name}");
                assert!(told.iter().all(|event| event.subject.as_deref() == Some(&*cast.alice)));
            }
            let mut reading = world.begin().await;
            let id = ApprovalId::from_text(format!("apr_{round}_7"));
            let denied = reading.pending_by_id(&id).await.unwrap().unwrap();
            assert_eq!(denied.state(), State::Denied);
        }
        assert_eq!(spent[0], spent[1], "{spent:?}");
    }
);

both!(
    /// In pages, with every task of hers on one of them.
    my_agents_cost_the_same_with_many_tasks,
    |world| async {
        let cast = Cast::of(&world).await;
        let seed = Seed::of(&world, &cast).await;
        let mut alice = world.phone_of("alice").await;
        alice.browser.open("/app/agents").await;
        let mut spent = Vec::new();
        for (round, count) in [("few", 5), ("many", 120)] {
            seed.plant(&world, round, count).await;
            let before = world.app.store.statements();
            let page = alice.browser.open("/app/agents").await;
            assert_eq!(page.reply.status, 200);
            spent.push(world.app.store.statements() - before);
        }
        assert_eq!(spent[0], spent[1], "{spent:?}");
        let (mut seen, mut path) = (std::collections::BTreeSet::new(), "/app/agents".to_owned());
        for _ in 0..4 {
            let page = alice.browser.open(&path).await.reply.text();
            let tasks = page.split("id=\"task-stop-").skip(1);
            seen.extend(tasks.filter_map(|rest| Some(rest.split('"').next()?.to_owned())));
            let more = page.split("href=\"/app/agents?after=").nth(1);
            let Some(more) = more.and_then(|rest| rest.split('"').next()) else { break };
            path = format!("/app/agents?after={more}");
        }
        for (round, count) in [("few", 5), ("many", 120)] {
            for number in 0..count {
                assert!(seen.contains(&format!("tsk_{round}_{number}")), "{round} {number}");
            }
        }
    }
);

both!(
    /// What is registered is read again after a change, by every node at once, and otherwise never.
    discovery_costs_one_statement_however_much_is_registered,
    |world| async {
        Cast::of(&world).await;
        let node = world.node().await;
        for round in 0..2 {
            for number in 0..20 {
                let uri = format!("https://r{round}-{number}.example");
                let scope = format!("r{round}:{number}");
                world.add_resource(json!({ "resource": uri, "name": "R", "scopes": [scope] })).await;
            }
            let newest = format!("r{round}:19");
            let here = world.get(METADATA, &[]).await;
            let there = node.browser().open(METADATA).await.reply;
            for reply in [here, there] {
                let scopes = reply.json()["scopes_supported"].to_string();
                assert!(scopes.contains(&newest), "{scopes}");
            }
            let before = world.app.store.statements();
            world.get(METADATA, &[]).await;
            assert_eq!(world.app.store.statements() - before, 1);
        }
    }
);
