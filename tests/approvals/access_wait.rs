//! `Prefer: wait` (RFC 7240 section 4.3) at a question of a resource server: held until it ends, however it ends, on whichever node.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use writ_server::node::app::App;
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

    const fn told(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Yes => ("approved", None),
            Self::No => ("denied", None),
            Self::Cancelled => ("cancelled", Some("cancelled_by_resource")),
            Self::Stopped | Self::Reported => ("cancelled", Some("stopped")),
        }
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

/// A poll that waits in this node.
async fn held(app: &App, door: NodeClient, scene: &Scene, id: &str) -> JoinHandle<TestReply> {
    let (basic, path) = (scene.notes.basic.clone(), format!("{REQUESTS}/{id}"));
    let poll = tokio::spawn(async move {
        let headers = [("authorization", basic.as_str()), ("prefer", "wait=25")];
        door.try_get_with(&path, &headers).await.unwrap()
    });
    until(async || app.waiting.polls() == 1).await;
    poll
}

async fn woken(poll: JoinHandle<TestReply>, what: &str) -> TestReply {
    let reply = tokio::time::timeout(SOON, poll).await;
    reply
        .unwrap_or_else(|_| panic!("{what}: not woken"))
        .unwrap()
}

async fn each_end_wakes(world: &World, (app, door): (&Arc<App>, NodeClient), ends: &[End]) {
    let mut scene = staged(world).await;
    for end in ends {
        let title = format!("{end:?}");
        let wanted = scene.deletion(&title);
        let id = scene.notes.asked(world, &wanted).await;
        let poll = held(app, door.clone(), &scene, &id).await;
        // Opening it is no end: the poll stays.
        scene.alice.look(&id).await.says(&title);
        let before = world.now();
        end.happens(world, &mut scene, &id).await;
        let reply = woken(poll, &title).await;
        assert_eq!(world.now(), before, "no time passed");
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.header("preference-applied"), Some("wait=25"));
        assert_eq!(reply.header("retry-after"), None, "{title}");
        let task = reply.json()["task"].clone();
        let (status, reason) = end.told();
        assert_eq!(task["status"], json!(status), "{title}");
        assert_eq!(
            task.get("reason").and_then(Value::as_str),
            reason,
            "{title}"
        );
        until(async || app.waiting.polls() == 0).await;
    }
}

both!(a_held_poll_is_woken_by_every_end, |world| async {
    each_end_wakes(&world, (&world.app, world.door()), &End::IN_TURN).await;
});

both!(a_held_poll_is_woken_by_a_report, |world| async {
    each_end_wakes(&world, (&world.app, world.door()), &[End::Reported]).await;
});

both!(
    a_held_poll_is_woken_by_every_end_on_another_node,
    |world| async {
        let node = world.node().await;
        each_end_wakes(&world, (&node.app, node.door()), &End::IN_TURN).await;
    }
);

both!(
    a_held_poll_is_woken_by_a_report_on_another_node,
    |world| async {
        let node = world.node().await;
        each_end_wakes(&world, (&node.app, node.door()), &[End::Reported]).await;
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
