//! Whose budget a question costs: of everybody who is asked, not of the one it is about.

use serde_json::{Value, json};
use writ_testkit::{
    BANK, Cast, Change, Fields, PASSWORD, TestAgent, TestReply, World, agent_file, authorize_url,
    both_with, enrol,
};
use writ_wire::exchange::TOKEN_TYPE_ACCESS_TOKEN;

use crate::client::device;
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

/// The token of a task of this person's, who granted all of it.
async fn task(world: &World, cast: &Cast, agent: &TestAgent, subject: &str) -> String {
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
    reply.access_token()
}

fn within(question: Fields, token: &str) -> Fields {
    question
        .with("subject_token", token)
        .with("subject_token_type", TOKEN_TYPE_ACCESS_TOKEN)
}

/// This person decides first, and agrees.
async fn agrees(world: &World, name: &str, reply: &TestReply) {
    let id = world.request_id(&reply.member("auth_req_id")).await;
    let mut phone = world.phone_of(name).await;
    let page = phone.look(&id).await;
    let agreed = phone.approve_by_password(&page).await;
    assert_eq!(agreed.reply.status, 200, "{}", agreed.reply.text());
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
        for subject in ["alice", "mallory"] {
            let reply = ask(&world, &guarded, subject).await;
            asked(&reply);
            agrees(&world, subject, &reply).await;
        }
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
            let token = task(&world, &cast, &patient, subject).await;
            let question = within(question(subject, 0), &token);
            asked(&patient.ask(&world, &question).await);
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
    whoever_waits_for_the_subjects_yes_was_not_asked,
    &[("PROMPTS__PER_PERSON", "2")],
    |world| async {
        office(&world).await;
        let bobs = json!([{ "of": ["bob"], "need": 1 }]);
        let guarded = agent(&world, "agt_guarded", Some(bobs)).await;
        let plain = agent(&world, "agt_plain", None).await;
        // Each opens a task, about which the subject decides first.
        let mut questions = Vec::new();
        for subject in SUBJECTS {
            let reply = ask(&world, &guarded, subject).await;
            asked(&reply);
            questions.push(reply);
        }
        asked(&ask(&world, &plain, "bob").await);
        // One of the three agrees, and so bob is asked.
        agrees(&world, "alice", &questions[0]).await;
        over_budget(&plain.ask(&world, &question("bob", 1)).await);
        over_budget(&ask(&world, &guarded, "bob").await);
        // Those that ended unanswered never count.
        world.advance(3601);
        asked(&plain.ask(&world, &question("bob", 2)).await);
        asked(&plain.ask(&world, &question("bob", 3)).await);
    }
);

both_with!(
    a_device_asks_those_who_decide_as_seldom_as_anybody,
    &[("PROMPTS__PER_PERSON", "2")],
    |world| async {
        office(&world).await;
        let bobs = json!([{ "of": ["bob"], "need": 1 }]);
        let guarded = agent(&world, "agt_guarded", Some(bobs)).await;
        let plain = agent(&world, "agt_plain", None).await;
        let form = vec![
            ("scope", "accounts:read".to_owned()),
            ("resource", BANK.to_owned()),
        ];
        asked(&plain.ask(&world, &question("bob", 0)).await);
        let code = device::ask(&world, &guarded, &form)
            .await
            .member("user_code");
        let mut alice = world.phone_of("alice").await;
        let page = device::types(&mut alice, &code).await;
        assert_eq!(page.reply.status, 200, "{}", page.reply.text());
        alice.approve_by_password(&page).await;
        // Bob was asked twice by now: by the agent, and after alice.
        let code = device::ask(&world, &guarded, &form)
            .await
            .member("user_code");
        let page = device::types(&mut alice, &code).await;
        assert_eq!(page.reply.status, 429, "{}", page.reply.text());
        page.says("The people who decide about this were asked too often");
        // Nobody took it: her own agent asks nobody but her, and she may type this one later.
        let own = device::ask(&world, &plain, &form).await.member("user_code");
        let page = device::types(&mut alice, &own).await;
        assert_eq!(page.reply.status, 200, "{}", page.reply.text());
        world.advance(3601);
        let code = device::ask(&world, &guarded, &form)
            .await
            .member("user_code");
        let page = device::types(&mut alice, &code).await;
        assert_eq!(page.reply.status, 200, "{}", page.reply.text());
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
        let cast = office(&world).await;
        let one = json!([{ "of": ["bob", "carol"], "need": 1 }]);
        let other = json!([{ "of": ["carol", "bob"], "need": 2 }]);
        let agents = [
            agent(&world, "agt_one", Some(one)).await,
            agent(&world, "agt_other", Some(other)).await,
        ];
        // Within tasks of theirs: the approvers decide at once.
        let mut tokens = Vec::new();
        for agent in &agents {
            for subject in ["alice", "mallory"] {
                tokens.push(task(&world, &cast, agent, subject).await);
            }
        }
        let doors = doors_of(&world).await;
        let all = (0..RACERS).map(|place| {
            let (by, about) = (place % 2, place / 2 % 2);
            let question = question(["alice", "mallory"][about], place);
            let question = within(question, &tokens[2 * by + about]);
            agents[by].ready(&world, "/bc-authorize", &question)
        });
        let replies = send_at_once(&doors, all.collect()).await;
        let (taken, over): (Vec<_>, Vec<_>) = replies.iter().partition(|r| r.status == 200);
        over.into_iter().for_each(over_budget);
        assert_eq!(taken.len(), 9);
    }
);
