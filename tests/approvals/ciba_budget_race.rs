//! Budgets of prompts are exact: fifty questions at once over two nodes, and just as many are
//! asked as the limit says, on both databases.

use serde_json::json;
use writ_core::device::{DEVICES_ENDED_AT_ONCE, MAX_WAITING_DEVICES};
use writ_core::id::ClientId;
use writ_core::pending::State;
use writ_testkit::{
    Cast, Fields, PASSWORD, Ready, TestAgent, TestReply, World, agent_file, both, both_with, enrol,
};

use crate::client::device::request;
use crate::laws::races::{RACERS, doors_of, send_at_once};

const PEOPLE: [&str; 4] = ["alice", "mallory", "bob", "carol"];

/// The cast, two people more, and agents that may ask all four.
async fn askers<const MANY: usize>(world: &World) -> [TestAgent; MANY] {
    Cast::of(world).await;
    world.add_shop().await;
    for name in &PEOPLE[2..] {
        world.add_user(name, PASSWORD).await;
    }
    let mut made = Vec::new();
    for place in 0..MANY {
        let mut file = agent_file(&format!("agt_asker_{place}"), "alice");
        file["agent"]["may_ask"] = json!(PEOPLE);
        made.push(enrol(world, file).await);
    }
    made.try_into().unwrap_or_else(|_| unreachable!())
}

/// Different questions, so that none takes another's place.
fn questions(
    world: &World,
    agents: &[TestAgent],
    person: impl Fn(usize) -> &'static str,
    many: usize,
) -> Vec<Ready> {
    let ready = |place: usize| {
        let form: Fields = vec![
            ("login_hint", person(place).to_owned()),
            ("scope", "accounts:read".to_owned()),
            ("binding_message", format!("question {place}")),
        ];
        agents[place % agents.len()].ready(world, "/bc-authorize", &form)
    };
    (0..many).map(ready).collect()
}

/// How many were asked; every other one is refused by policy and told when to come back.
#[track_caller]
fn asked(replies: &[TestReply]) -> usize {
    let (asked, over): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
    for reply in over {
        let found = reply.refusal();
        assert_eq!(found, (403, "access_denied".to_owned()), "{}", reply.text());
        assert!(reply.header("retry-after").is_some());
    }
    asked.len()
}

async fn inbox(world: &World, name: &str) -> usize {
    let person = world.user_id(name).await;
    let mut transaction = world.begin().await;
    transaction
        .inbox(&person, world.now(), 100)
        .await
        .unwrap()
        .len()
}

both!(fifty_at_once_never_exceed_what_may_be_open, |world| async {
    let agents = askers::<1>(&world).await;
    let doors = doors_of(&world).await;
    let all = questions(&world, &agents, |_| "alice", RACERS);
    assert_eq!(asked(&send_at_once(&doors, all).await), 5);
    assert_eq!(inbox(&world, "alice").await, 5);
});

both_with!(
    fifty_at_once_never_exceed_the_limit_of_a_pair,
    &[
        ("PROMPTS__OPEN_PER_PAIR", "100"),
        ("PROMPTS__PER_PAIR", "7")
    ],
    |world| async {
        let agents = askers::<2>(&world).await;
        let doors = doors_of(&world).await;
        let all = questions(&world, &agents[..1], |_| "alice", RACERS);
        assert_eq!(asked(&send_at_once(&doors, all).await), 7);
        // What is over budget uses nothing up: another pair has all of its own.
        let all = questions(&world, &agents[1..], |_| "alice", RACERS);
        assert_eq!(asked(&send_at_once(&doors, all).await), 7);
    }
);

both_with!(
    fifty_at_once_never_exceed_the_limit_of_a_person,
    &[
        ("PROMPTS__OPEN_PER_PAIR", "100"),
        ("PROMPTS__PER_PAIR", "100"),
        ("PROMPTS__PER_PERSON", "9"),
    ],
    |world| async {
        let agents = askers::<3>(&world).await;
        let doors = doors_of(&world).await;
        let all = questions(&world, &agents, |_| "alice", RACERS);
        assert_eq!(asked(&send_at_once(&doors, all).await), 9);
        assert_eq!(inbox(&world, "alice").await, 9);
    }
);

both_with!(
    fifty_at_once_never_exceed_the_limit_of_an_agent,
    &[
        ("PROMPTS__OPEN_PER_PAIR", "100"),
        ("PROMPTS__PER_PAIR", "100"),
        ("PROMPTS__PER_AGENT", "11"),
    ],
    |world| async {
        let agents = askers::<1>(&world).await;
        let doors = doors_of(&world).await;
        let all = questions(&world, &agents, |place| PEOPLE[place % 4], RACERS);
        assert_eq!(asked(&send_at_once(&doors, all).await), 11);
    }
);

both!(
    /// Two agents, two people, each pair in both directions: whoever waits is let in, nobody waits for ever.
    counters_are_locked_in_one_order,
    |world| async {
        let agents = askers::<2>(&world).await;
        let doors = doors_of(&world).await;
        let crossed = |place: usize| ["alice", "mallory", "mallory", "alice"][place % 4];
        let all = questions(&world, &agents, crossed, 20);
        let replies = send_at_once(&doors, all).await;
        let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
        assert_eq!(statuses, [200; 20]);
    }
);

both!(
    /// Duplicates collapse, also those that come at the same moment.
    the_same_question_at_once_waits_once,
    |world| async {
        let cast = Cast::of(&world).await;
        cast.token(&world).await;
        let doors = doors_of(&world).await;
        let same = || cast.planner.ready(&world, "/bc-authorize", &cast.question());
        let replies = send_at_once(&doors, (0..20).map(|_| same()).collect()).await;
        assert_eq!(asked(&replies), 20, "as many as an agent may ask one person");
        assert_eq!(inbox(&world, "alice").await, 1);
        let mut open = 0;
        for reply in &replies {
            let found = world.waiting(&reply.member("auth_req_id")).await;
            open += usize::from(found.state() == State::Pending);
        }
        assert_eq!(open, 1);
    }
);

both!(
    /// RFC 8628 section 5.1: codes that wait have a limit, also for those who ask at the same moment.
    rfc_8628_5_1_fifty_devices_at_once_never_exceed_what_may_wait,
    |world| async {
        let [busy] = askers::<1>(&world).await;
        let doors = doors_of(&world).await;
        let ask = || busy.ready(&world, "/device_authorization", &request());
        for _ in 0..40 {
            let all = (0..25).map(|_| ask()).collect();
            let replies = send_at_once(&doors, all).await;
            assert!(replies.iter().all(|reply| reply.status == 200));
        }
        let replies = send_at_once(&doors, (0..RACERS).map(|_| ask()).collect()).await;
        assert!(replies.iter().all(|reply| reply.status == 200));
        let (client, now) = (ClientId::from_text(&busy.id), world.now());
        let mut transaction = world.begin().await;
        let waiting = transaction.waiting_devices(&client, usize::MAX, now).await;
        let (asked, most) = (1000 + RACERS, usize::try_from(MAX_WAITING_DEVICES).unwrap());
        let ended = usize::try_from(DEVICES_ENDED_AT_ONCE).unwrap();
        let waiting = waiting.unwrap().len();
        assert!(asked > most && waiting <= most, "{waiting}");
        assert_eq!(waiting, asked - ended, "room was made once");
    }
);
