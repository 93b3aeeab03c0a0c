//! "This was not me" of a question of a resource server ends all that this resource asks the person who says it, and each yes there that
//! nobody used; nothing of other resources, and nothing of other people.

use serde_json::{Value, json};
use writ_core::pending::State;
use writ_testkit::{
    AskingServer, Cast, Change, NodeClient, Phone, TestAgent, WebPage, World, at_once, both,
    both_with,
};

use super::access_scene::{
    NOTES, ResourceServer, Scene, WIKI, agent, denied, fresh_key, permitted, presenting, problem,
    row, staged, token,
};

async fn report(alice: &mut Phone, id: &str) -> WebPage {
    let page = alice.look(id).await;
    alice.refuse(&page, "not_me").await
}

/// A token of this agent for this person, at the notes.
async fn token_of(world: &World, cast: &Cast, agent: &TestAgent, person: &str) -> String {
    let asked = cast.request().without("authorization_details");
    let asked = asked
        .with("scope", "notes:read notes:write")
        .with("resource", NOTES);
    let code = cast.approved(world, agent, &asked, person).await;
    let redeem = cast.redeem_form(&code).with("resource", NOTES);
    agent.send(world, "/token", &redeem).await.access_token()
}

/// Status and reason, as the resource server hears them.
async fn told(server: &ResourceServer, world: &World, id: &str) -> (Value, Value) {
    let task = server.status(world, id).await["task"].clone();
    (task["status"].clone(), task["reason"].clone())
}

fn stopped() -> (Value, Value) {
    (json!("cancelled"), json!("stopped"))
}

fn approval_of(evaluation: &Value) -> String {
    let id = &evaluation["context"]["approval"]["id"];
    id.as_str().unwrap().to_owned()
}

both!(
    /// Open, opened, and approved and not used; by this caller and by another one.
    a_report_ends_all_that_the_resource_asked_this_person,
    |world| async {
        let mut scene = staged(&world).await;
        let other = agent(&world, "agt_other").await;
        let others = token(&world, &scene.cast, &other, NOTES).await;
        let of_other = |title: &str| {
            let title = json!({ "title": title });
            scene.notes.evaluation(&others, "delete_note", title)
        };
        let (unused, used) = (scene.deletion("Unused"), scene.deletion("Used"));
        let (theirs, opened) = (of_other("Theirs"), of_other("Opened"));
        let unused = scene.approved(&world, &unused).await;
        let used = scene.approved(&world, &used).await;
        permitted(&scene.notes.decide(&world, &used).await);
        let theirs = scene.approved(&world, &theirs).await;
        let open = scene.notes.asked(&world, &scene.deletion("Open")).await;
        let opened = scene.notes.asked(&world, &opened).await;
        scene.alice.look(&opened).await.says("Opened");
        let reported = scene.notes.asked(&world, &scene.deletion("Reported")).await;

        let page = scene.alice.look(&reported).await;
        page.says("All that it asks you now ends, and so does what was approved there");
        let receipt = report(&mut scene.alice, &reported).await;
        receipt.says("All that it was asking you has ended");
        let page = scene.alice.look(&reported).await;
        page.says("All else that it was asking you has ended");

        assert_eq!(told(&scene.notes, &world, &reported).await.0, json!("denied"));
        for id in [&open, &opened, &approval_of(&unused), &approval_of(&theirs)] {
            assert_eq!(told(&scene.notes, &world, id).await, stopped(), "{id}");
            assert_eq!(row(&world, id).await.state(), State::Denied);
            let page = scene.alice.look(id).await;
            page.says("Another question of Notes was reported, so this one ended too.");
        }
        let spent = row(&world, &approval_of(&used)).await;
        assert_eq!(spent.state(), State::Redeemed, "what was done was done");
        for late in [&unused, &theirs] {
            let answer = scene.notes.decide(&world, late).await;
            assert_eq!(denied(&answer), "approval_expired");
            let why = "The person wants no questions of this resource any more.";
            assert_eq!(answer["context"]["reason_user"]["en"], json!(why));
            assert_eq!(answer["context"]["next_action"], json!("none"));
        }
        assert!(scene.alice.inbox().await.is_empty());
        let activity = scene.alice.browser.open("/app/activity").await;
        activity.says("A request of Claude (through Notes) ended because another one was reported");
    }
);

both!(the_record_names_what_a_report_ended, |world| async {
    let mut scene = staged(&world).await;
    let open = scene.notes.asked(&world, &scene.deletion("Open")).await;
    let unused = scene.approved(&world, &scene.deletion("Unused")).await;
    let reported = scene.notes.asked(&world, &scene.deletion("Reported")).await;
    report(&mut scene.alice, &reported).await;
    let reports = world.events_named("resource.reported").await;
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].data["ended"], json!(2));
    assert_eq!(reports[0].data["approval"], json!(reported));
    let denials = world.events_named("approval.denied").await;
    let ended: Vec<_> = denials
        .iter()
        .filter(|event| event.reason.as_deref() == Some("reported"))
        .collect();
    assert_eq!(ended.len(), 2, "{denials:?}");
    for (id, undecided) in [(open, true), (approval_of(&unused), false)] {
        let mut events = ended.iter();
        let event = events.find(|event| event.data["approval"] == json!(id));
        let event = event.unwrap();
        assert_eq!(event.data["undecided"], json!(undecided), "{id}");
        assert_eq!(event.resource.as_deref(), Some(NOTES));
        assert_eq!(event.client.as_deref(), Some("agt_claude"));
        assert_eq!(event.subject.as_deref(), Some(scene.cast.alice.as_str()));
        assert_eq!(event.id, format!("{}_{id}", reports[0].id));
    }
});

both!(
    /// Another resource, another person, and what the agent asks itself.
    a_report_ends_nothing_of_others,
    |world| async {
        let mut scene = staged(&world).await;
        let wiki = ResourceServer::add(&world, WIKI, "Wiki").await;
        let there = token(&world, &scene.cast, &scene.claude, WIKI).await;
        let page = wiki.evaluation(&there, "delete_note", json!({ "title": "Page" }));
        let open_there = wiki.asked(&world, &page).await;
        let unused = wiki.evaluation(&there, "rename_note", json!({ "title": "Home" }));
        let id = wiki.asked(&world, &unused).await;
        scene.yes(&id).await;
        let unused = presenting(&unused, &wiki.status(&world, &id).await);
        let mallorys = token_of(&world, &scene.cast, &scene.claude, "mallory").await;
        let hers = scene.notes.evaluation(&mallorys, "delete_note", json!({ "title": "Hers" }));
        let hers = scene.notes.asked(&world, &hers).await;
        let reported = scene.notes.asked(&world, &scene.deletion("Reported")).await;
        report(&mut scene.alice, &reported).await;
        let pending = (json!("pending"), Value::Null);
        assert_eq!(told(&wiki, &world, &open_there).await, pending);
        assert_eq!(told(&scene.notes, &world, &hers).await, pending);
        permitted(&wiki.decide(&world, &unused).await);
        // The notes ask other people as before.
        let again = scene.notes.evaluation(&mallorys, "delete_note", json!({ "title": "More" }));
        scene.notes.asked(&world, &again).await;
        let refused = scene.notes.ask(&world, &scene.deletion("More")).await;
        assert_eq!(problem(&refused), (429, "too-many".to_owned()));
    }
);

both!(
    /// The second reported resource stops the agent as well: both ends in one answer, and each hears of its own.
    a_second_resource_ends_its_questions_and_the_agents,
    |world| async {
        let mut scene = staged(&world).await;
        let wiki = ResourceServer::add(&world, WIKI, "Wiki").await;
        let first = scene.notes.asked(&world, &scene.deletion("Reported")).await;
        report(&mut scene.alice, &first).await;
        let other = agent(&world, "agt_other").await;
        let others = token(&world, &scene.cast, &other, WIKI).await;
        let theirs = wiki.evaluation(&others, "delete_note", json!({ "title": "Theirs" }));
        let theirs = wiki.asked(&world, &theirs).await;
        let there = token(&world, &scene.cast, &scene.claude, WIKI).await;
        let page = |title: &str| wiki.evaluation(&there, "delete_note", json!({ "title": title }));
        let open = wiki.asked(&world, &page("Open")).await;
        let second = wiki.asked(&world, &page("Second")).await;
        let receipt = report(&mut scene.alice, &second).await;
        receipt.says("All that Wiki was asking you has ended");
        for id in [&open, &theirs] {
            assert_eq!(told(&wiki, &world, id).await, stopped(), "{id}");
        }
        let reports = world.events_named("resource.reported").await;
        let ended: u64 = reports.iter().filter_map(|event| event.data["ended"].as_u64()).sum();
        assert_eq!(ended, 2, "none of the first report");
    }
);

both_with!(
    /// As many statements for two as for twelve.
    a_report_is_as_many_statements_for_many_as_for_few,
    &[
        ("PROMPTS__PER_PAIR", "1000"),
        ("PROMPTS__OPEN_PER_PAIR", "1000"),
        ("PROMPTS__OPEN_PER_RESOURCE", "1000"),
        ("PROMPTS__PER_PERSON", "1000")
    ],
    |world| async {
        let mut scene = staged(&world).await;
        let wiki = ResourceServer::add(&world, WIKI, "Wiki").await;
        let other = agent(&world, "agt_other").await;
        let there = token(&world, &scene.cast, &other, WIKI).await;
        let mut spent = Vec::new();
        for (server, token, count) in [
            (scene.notes.clone(), scene.token.clone(), 2),
            (wiki.clone(), there.clone(), 12),
        ] {
            for number in 0..count {
                let title = json!({ "title": format!("Note {number}") });
                let wanted = server.evaluation(&token, "delete_note", title);
                server.asked(&world, &wanted).await;
            }
            let title = json!({ "title": "Reported" });
            let wanted = server.evaluation(&token, "delete_note", title);
            let reported = server.asked(&world, &wanted).await;
            let page = scene.alice.look(&reported).await;
            let before = world.app.store.statements();
            let receipt = scene.alice.refuse(&page, "not_me").await;
            spent.push(world.app.store.statements() - before);
            receipt.says("may ask you nothing for 30 days");
        }
        assert_eq!(spent[0], spent[1]);
    }
);

both_with!(
    /// Twelve evaluations with approvals, and a report beside them, over two nodes: what is permitted was used, and what was not used is over.
    a_permit_beside_a_report_is_used_before_it_or_not_at_all,
    &[("PROMPTS__PER_PAIR", "1000"), ("PROMPTS__PER_PERSON", "1000")],
    |world| async {
        let mut scene = staged(&world).await;
        let node = world.node().await;
        let mut approved = Vec::new();
        for number in 0..12 {
            let wanted = scene.deletion(&format!("Note {number}"));
            approved.push(scene.approved(&world, &wanted).await);
        }
        let reported = scene.notes.asked(&world, &scene.deletion("Reported")).await;
        let page = scene.alice.look(&reported).await;
        let Scene { notes, alice, .. } = scene;
        let doors = [world.door(), node.door()];
        let mut racers: Vec<_> = approved
            .iter()
            .zip(doors.iter().cycle())
            .map(|(evaluation, door)| Racer::Permit {
                door: door.clone(),
                authorization: notes.basic.clone(),
                evaluation: evaluation.clone(),
            })
            .collect();
        let report = Racer::Report {
            alice: Box::new(alice),
            page: Box::new(page),
        };
        racers.insert(6, report);
        let answers = at_once(racers.into_iter().map(Racer::runs).collect()).await;
        let permits: Vec<bool> = answers.into_iter().flatten().collect();
        for (evaluation, permit) in approved.iter().zip(&permits) {
            let state = row(&world, &approval_of(evaluation)).await.state();
            let expected = match permit {
                true => State::Redeemed,
                false => State::Denied,
            };
            assert_eq!(state, expected);
            let late = notes.decide(&world, evaluation).await;
            assert_eq!(denied(&late), "approval_expired");
        }
        let reports = world.events_named("resource.reported").await;
        let used = permits.iter().filter(|permit| **permit).count();
        assert_eq!(reports[0].data["ended"], json!(12 - used));
    }
);

enum Racer {
    Permit {
        door: NodeClient,
        authorization: String,
        evaluation: Value,
    },
    Report {
        alice: Box<Phone>,
        page: Box<WebPage>,
    },
}

impl Racer {
    /// Whether it was permitted.
    async fn runs(self) -> Option<bool> {
        match self {
            Self::Permit {
                door,
                authorization,
                evaluation,
            } => {
                let server = AskingServer {
                    door,
                    authorization,
                };
                let answer = server.decide(&evaluation, &fresh_key()).await;
                Some(answer.json()["decision"] == true)
            }
            Self::Report { mut alice, page } => {
                let receipt = alice.refuse(&page, "not_me").await;
                receipt.says("Notes may ask you nothing for 30 days.");
                None
            }
        }
    }
}
