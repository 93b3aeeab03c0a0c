//! Whose budget a question costs: of everybody who is asked, not of the one it is about.

use serde_json::{Value, json};
use writ_testkit::{
    Cast, Change, Fields, PASSWORD, TestAgent, TestReply, World, agent_file, authorize_url,
    both_with, enrol,
};
use writ_wire::exchange::TOKEN_TYPE_ACCESS_TOKEN;

use crate::laws::races::{RACERS, doors_of, send_at_once};

const SUBJECTS: [&str; 3] = ["alice", "mallory", "carol"];

/// Alice, Mallory and Carol, whom agents may ask about, and Bob, who decides where a record says so.
async fn office(world: &World) -> Cast {
    let cast = Cast::of(world).await;
    for name in ["bob", "carol"] {
        world.add_user(name, PASSWORD).await;
    }
    cast
}

/// Asked within a task of this person's, who granted all of it.
async fn ask_within(world: &World, cast: &Cast, agent: &TestAgent, subject: &str) -> TestReply {
    let form = cast.request().with("client_id", agent.id.clone());
    let pushed = agent
        .send(world, "/par", &form.without("authorization_details"))
        .await;
    let url = authorize_url(&agent.id, &pushed.member("request_uri"));
    let back = world.browser().approve(&url, subject, PASSWORD).await;
    let code = back
        .query_pairs()
        .find(|(name, _)| name == "code")
        .unwrap()
        .1
        .into_owned();
    let reply = agent.send(world, "/token", &cast.redeem_form(&code)).await;
    let question = question(subject, 0)
        .with("subject_token", reply.access_token())
        .with("subject_token_type", TOKEN_TYPE_ACCESS_TOKEN);
    agent.ask(world, &question).await
}

async fn agent(world: &World, id: &str, approvers: Option<Value>) -> TestAgent {
    let mut file = agent_file(id, "alice");
    file["agent"]["may_ask"] = json!(["alice", "mallory", "carol", "bob"]);
    if let Some(approvers) = approvers {
        file["agent"]["approvers"] = approvers;
    }
    enrol(world, file).await
}

fn question(subject: &str, number: usize) -> Fields {
    vec![
        ("login_hint", subject.to_owned()),
        ("scope", "accounts:read".to_owned()),
        ("binding_message", format!("question {number}")),
    ]
}

async fn ask(world: &World, agent: &TestAgent, subject: &str) -> TestReply {
    agent.ask(world, &question(subject, 0)).await
}

#[track_caller]
fn asked(reply: &TestReply) {
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[track_caller]
fn over_budget(reply: &TestReply) {
    let found = reply.refusal();
    assert_eq!(found, (403, "access_denied".to_owned()), "{}", reply.text());
    assert!(reply.header("retry-after").is_some());
}

both_with!(
    who_decides_for_many_is_asked_as_seldom_as_anybody,
    &[("PROMPTS__PER_PERSON", "2")],
    |world| async {
        office(&world).await;
        let bobs = json!([{ "of": ["bob"], "need": 1 }]);
        let guarded = agent(&world, "agt_guarded", Some(bobs)).await;
        asked(&ask(&world, &guarded, "alice").await);
        asked(&ask(&world, &guarded, "mallory").await);
        over_budget(&ask(&world, &guarded, "carol").await);
        let plain = agent(&world, "agt_plain", None).await;
        over_budget(&ask(&world, &plain, "bob").await);
        // Alice was asked once, for she decides before Bob does.
        asked(&plain.ask(&world, &question("alice", 0)).await);
        over_budget(&plain.ask(&world, &question("alice", 1)).await);
        world.advance(3601);
        asked(&ask(&world, &guarded, "carol").await);
    }
);

both_with!(
    whose_turn_has_not_come_was_not_asked,
    &[("PROMPTS__PER_PERSON", "2")],
    |world| async {
        let cast = office(&world).await;
        let stages = json!([{ "of": ["@subject"], "need": 1 }, { "of": ["bob"], "need": 1 }]);
        let patient = agent(&world, "agt_patient", Some(stages)).await;
        for subject in SUBJECTS {
            asked(&ask_within(&world, &cast, &patient, subject).await);
        }
        let plain = agent(&world, "agt_plain", None).await;
        asked(&ask(&world, &plain, "bob").await);
        // Two of the three are silent for half of the time.
        let (mut alice, id) = (world.phone_of("alice").await, world.user_id("alice").await);
        let inbox = world.begin().await.inbox(&id, world.now(), 9).await;
        let page = alice.look(inbox.unwrap()[0].id.as_str()).await;
        alice.refuse(&page, "deny").await;
        world.advance(150);
        over_budget(&plain.ask(&world, &question("bob", 1)).await);
    }
);

both_with!(
    fifty_at_once_never_exceed_the_limit_of_an_approver,
    &[
        ("PROMPTS__OPEN_PER_PAIR", "100"),
        ("PROMPTS__PER_PAIR", "100"),
        ("PROMPTS__PER_PERSON", "9"),
    ],
    |world| async {
        office(&world).await;
        let one = json!([{ "of": ["bob", "carol"], "need": 1 }]);
        let other = json!([{ "of": ["carol", "bob"], "need": 2 }]);
        let agents = [
            agent(&world, "agt_one", Some(one)).await,
            agent(&world, "agt_other", Some(other)).await,
        ];
        let doors = doors_of(&world).await;
        let all = (0..RACERS).map(|place| {
            let subject = ["alice", "mallory"][place / 2 % 2];
            agents[place % 2].ready(&world, "/bc-authorize", &question(subject, place))
        });
        let replies = send_at_once(&doors, all.collect()).await;
        let (taken, over): (Vec<_>, Vec<_>) = replies.iter().partition(|r| r.status == 200);
        over.into_iter().for_each(over_budget);
        assert_eq!(taken.len(), 9);
    }
);
