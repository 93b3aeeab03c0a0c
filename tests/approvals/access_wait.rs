//! `Prefer: wait` (RFC 7240 section 4.3) at a question of a resource server: held until it ends, however it ends, on whichever node.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use writ_server::node::app::App;
use writ_server::node::waiting::MAX_POLLS_OF_QUESTION;
use writ_testkit::{NodeClient, TestReply, World, both};

use super::access_scene::{REQUESTS, Scene, staged};
use crate::process::until;

/// Less than the poll is held, so that only a wake can answer it; more than a loaded machine takes for one.
const SOON: Duration = Duration::from_secs(20);

/// How a question ends, and what its server hears.
#[derive(Clone, Copy, Debug)]
enum End {
    Yes,
    No,
    Cancelled,
    /// The person stops the agent at another of its questions.
    Stopped,
    /// The person reports another question of the resource.
    Reported,
}

impl End {
    /// None is after one that ends what the others need.
    const IN_TURN: [Self; 4] = [Self::Yes, Self::No, Self::Cancelled, Self::Stopped];

    fn told(self) -> (String, Option<String>) {
        let (status, reason) = match self {
            Self::Yes => ("approved", None),
            Self::No => ("denied", None),
            Self::Cancelled => ("cancelled", Some("cancelled_by_resource")),
            Self::Stopped | Self::Reported => ("cancelled", Some("stopped")),
        };
        (status.to_owned(), reason.map(str::to_owned))
    }

    async fn happens(self, world: &World, scene: &mut Scene, id: &str) {
        match self {
            Self::Yes => scene.yes(id).await,
            Self::No => {
                let page = scene.alice.look(id).await;
                scene.alice.refuse(&page, "deny").await;
            }
            Self::Cancelled => {
                let reply = scene.notes.cancel(world, id).await;
                assert_eq!(reply.status, 200, "{}", reply.text());
            }
            Self::Stopped => {
                let other = scene.notes.asked(world, &scene.deletion("Another")).await;
                let page = scene.alice.look(&other).await;
                scene.alice.refuse(&page, "stop").await;
            }
            Self::Reported => {
                let other = scene.notes.asked(world, &scene.deletion("Another")).await;
                let page = scene.alice.look(&other).await;
                scene.alice.refuse(&page, "not_me").await;
            }
        }
    }
}

/// Polls of one question that wait in this node, in their order.
async fn held(
    app: &Arc<App>,
    door: &NodeClient,
    scene: &Scene,
    id: &str,
    count: usize,
) -> Vec<JoinHandle<TestReply>> {
    let mut polls = Vec::new();
    for number in 1..=count {
        let (basic, path) = (scene.notes.basic.clone(), format!("{REQUESTS}/{id}"));
        let door = door.clone();
        polls.push(tokio::spawn(async move {
            let headers = [("authorization", basic.as_str()), ("prefer", "wait=25")];
            door.try_get_with(&path, &headers).await.unwrap()
        }));
        until(async || app.waiting.polls() == number).await;
    }
    polls
}

async fn woken(poll: JoinHandle<TestReply>, what: &str) -> TestReply {
    let reply = tokio::time::timeout(SOON, poll).await;
    reply
        .unwrap_or_else(|_| panic!("{what}: not woken"))
        .unwrap()
}

/// Status and reason.
fn told(reply: &TestReply) -> (String, Option<String>) {
    let task = &reply.json()["task"];
    let text = |name: &str| task.get(name).and_then(Value::as_str).map(str::to_owned);
    (text("status").unwrap(), text("reason"))
}

async fn each_end_wakes(world: &World, app: &Arc<App>, door: &NodeClient, ends: &[End]) {
    let mut scene = staged(world).await;
    for end in ends {
        let title = format!("{end:?}");
        let wanted = scene.deletion(&title);
        let id = scene.notes.asked(world, &wanted).await;
        // Of two calls that wait for it.
        let polls = held(app, door, &scene, &id, 2).await;
        // Opening it is no end: the polls stay.
        scene.alice.look(&id).await.says(&title);
        let before = world.now();
        end.happens(world, &mut scene, &id).await;
        for poll in polls {
            let reply = woken(poll, &title).await;
            assert_eq!(world.now(), before, "no time passed");
            assert_eq!(reply.status, 200, "{}", reply.text());
            assert_eq!(reply.header("preference-applied"), Some("wait=25"));
            assert_eq!(reply.header("retry-after"), None, "{title}");
            assert_eq!(told(&reply), end.told(), "{title}");
        }
        until(async || app.waiting.polls() == 0).await;
    }
}

both!(a_held_poll_is_woken_by_every_end, |world| async {
    each_end_wakes(&world, &world.app, &world.door(), &End::IN_TURN).await;
});

both!(a_held_poll_is_woken_by_a_report, |world| async {
    each_end_wakes(&world, &world.app, &world.door(), &[End::Reported]).await;
});

both!(
    a_held_poll_is_woken_by_every_end_on_another_node,
    |world| async {
        let node = world.node().await;
        each_end_wakes(&world, &node.app, &node.door(), &End::IN_TURN).await;
    }
);

both!(
    a_held_poll_is_woken_by_a_report_on_another_node,
    |world| async {
        let node = world.node().await;
        each_end_wakes(&world, &node.app, &node.door(), &[End::Reported]).await;
    }
);

both!(
    /// The request that asks may wait too: 201 once it has ended, 202 while it has not.
    a_question_that_waits_for_its_answer_is_woken,
    |world| async {
        let mut scene = staged(&world).await;
        let wanted = scene.deletion("Shopping list");
        let body = scene.notes.submission(&world, &wanted).await.to_string();
        let (basic, door) = (scene.notes.basic.clone(), world.door());
        let asking = tokio::spawn(async move {
            let headers = [("authorization", basic.as_str()), ("prefer", "wait=25")];
            door.send_json(Method::POST, REQUESTS, &headers, body).await
        });
        until(async || world.app.waiting.polls() == 1).await;
        let inbox = scene.alice.inbox().await;
        scene.yes(&inbox[0]).await;
        let reply = woken(asking, "the question").await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        assert_eq!(reply.json()["task"]["status"], json!("approved"));
        assert_eq!(reply.json()["result"]["approval"]["id"], json!(inbox[0]));
    }
);

both!(
    /// Time runs out for each call that waits, at once.
    every_held_poll_hears_that_nobody_answered,
    |world| async {
        let scene = staged(&world).await;
        let id = scene.notes.asked(&world, &scene.deletion("Diary")).await;
        let polls = held(&world.app, &world.door(), &scene, &id, 3).await;
        world.advance(300);
        let turned = writ_server::approvals::escalate::turn(&world.app).await;
        turned.unwrap();
        for poll in polls {
            let reply = woken(poll, "nobody answered").await;
            assert_eq!(told(&reply), ("expired".to_owned(), None));
        }
    }
);

both!(
    /// One more than may wait ends the first: its server polls again.
    a_question_holds_so_many_polls,
    |world| async {
        let mut scene = staged(&world).await;
        let id = scene.notes.asked(&world, &scene.deletion("Diary")).await;
        let (app, door) = (&world.app, world.door());
        let mut polls = held(app, &door, &scene, &id, MAX_POLLS_OF_QUESTION).await;
        let (basic, path) = (scene.notes.basic.clone(), format!("{REQUESTS}/{id}"));
        let last = tokio::spawn(async move {
            let headers = [("authorization", basic.as_str()), ("prefer", "wait=25")];
            door.try_get_with(&path, &headers).await.unwrap()
        });
        let first = woken(polls.remove(0), "the first").await;
        assert_eq!(told(&first), ("pending".to_owned(), None));
        assert_eq!(first.header("retry-after"), Some("5"));
        scene.yes(&id).await;
        for poll in polls.into_iter().chain([last]) {
            let reply = woken(poll, "the others").await;
            assert_eq!(told(&reply), ("approved".to_owned(), None));
        }
        assert_eq!(world.app.waiting.polls(), 0);
    }
);
