//! Every way to an object asks the same function who decides about it (docs/design/approval.md): each way under each rule, by HTTP,
//! and what the resource's verifier says to the token.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use writ_outside::Transport;
use writ_testkit::{
    BANK, Bank, Cast, Change, DatabaseKind, Fields, Forge, Node, PASSWORD, TRANSACTIONS, TestAgent,
    TestReply, Web, World, agent_file, both_with, claims, enrol, front_url, payment,
    poll_transaction_form,
};

use crate::client::device;

static FOLDERS: AtomicU32 = AtomicU32::new(0);

/// Who decides about payments, by their type or by the agent's record.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    Subject,
    Bob,
    BobAndCarol,
    /// In the record of the agent.
    RecordBob,
    /// In the record too: alone, the agent's sponsor decides about nothing of another's.
    RecordSponsor,
    /// No person needs to be asked at all.
    Nobody,
}

const RULES: [Rule; 6] = [
    Rule::Subject,
    Rule::Bob,
    Rule::BobAndCarol,
    Rule::RecordBob,
    Rule::RecordSponsor,
    Rule::Nobody,
];

/// What became of one way.
#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    /// Refused with this code; for details it names where to ask.
    Refused(&'static str),
    /// A token that says who decided, and that the bank takes.
    Decided(&'static str, u64),
    /// A token behind which nobody was asked.
    Unasked,
}

use Outcome::{Decided, Refused, Unasked};

/// A row for each way, a column for each rule.
const FRESH: [(&str, [Outcome; 6]); 8] = [
    (
        "pushed",
        [
            Decided("subject", 1),
            ASK,
            ASK,
            Decided("subject", 1),
            Decided("subject", 1),
            Decided("subject", 1),
        ],
    ),
    (
        "front channel",
        [
            Decided("subject", 1),
            ASK,
            ASK,
            Decided("subject", 1),
            Decided("subject", 1),
            Decided("subject", 1),
        ],
    ),
    ("client_credentials", [ASK, ASK, ASK, ASK, ASK, Unasked]),
    (
        "ciba",
        [
            Decided("subject", 1),
            Decided("both", 2),
            Decided("both", 3),
            Decided("both", 2),
            Decided("both", 2),
            Decided("subject", 1),
        ],
    ),
    (
        "device",
        [
            Decided("subject", 1),
            Decided("both", 2),
            Decided("both", 3),
            Decided("both", 2),
            Decided("both", 2),
            Decided("subject", 1),
        ],
    ),
    (
        "ciba within",
        [
            Decided("subject", 1),
            Decided("designated", 1),
            Decided("designated", 2),
            Decided("designated", 1),
            Decided("both", 2),
            Decided("subject", 1),
        ],
    ),
    (
        "ciba beyond",
        [
            Decided("subject", 1),
            Decided("both", 2),
            Decided("both", 3),
            Decided("both", 2),
            Decided("both", 2),
            Decided("subject", 1),
        ],
    ),
    (
        "transaction within",
        [
            Decided("subject", 1),
            Decided("designated", 1),
            Decided("designated", 2),
            Decided("designated", 1),
            Decided("both", 2),
            Decided("subject", 1),
        ],
    ),
];

/// What was granted by the subject alone meets the rule only when it is used.
const LATER: [(&str, [Outcome; 3]); 4] = [
    (
        "code",
        [
            Decided("subject", 1),
            Refused("invalid_grant"),
            Refused("invalid_grant"),
        ],
    ),
    (
        "refresh",
        [
            Decided("subject", 1),
            Refused("invalid_grant"),
            Refused("invalid_grant"),
        ],
    ),
    ("narrow", [Decided("subject", 1), ASK, ASK]),
    ("hand over", [Decided("subject", 1), ASK, ASK]),
];

const ASK: Outcome = Refused("invalid_authorization_details");

/// The shipped types; payments as the rule has it.
fn types(rule: Rule) -> String {
    let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
    let name = format!("requirements-{}-{number}", std::process::id());
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let shipped = include_str!("../../config/types/payment.json");
    let mut document: Value = serde_json::from_str(shipped).unwrap();
    match rule {
        Rule::Bob => document["approvers"] = json!([{ "of": ["bob"], "need": 1 }]),
        Rule::BobAndCarol => document["approvers"] = json!([{ "of": ["bob", "carol"], "need": 2 }]),
        Rule::Nobody => document["ask"] = json!("never"),
        Rule::Subject | Rule::RecordBob | Rule::RecordSponsor => {}
    }
    std::fs::write(folder.join("payment.json"), document.to_string()).unwrap();
    let calendar = include_str!("../../config/types/calendar.json");
    std::fs::write(folder.join("calendar.json"), calendar).unwrap();
    folder.to_str().unwrap().to_owned()
}

/// `TYPES__PATH` of payments about which nobody needs to be asked.
pub(crate) fn unasked_payments() -> String {
    types(Rule::Nobody)
}

/// The agent that asks: owned and sponsored by mallory, for alice.
async fn agent(world: &World, rule: Rule) -> TestAgent {
    let mut file = agent_file("agt_planner_of_mallory", "mallory");
    file["agent"]["may_ask"] = json!(["alice"]);
    file["agent"]["approvers"] = match rule {
        Rule::RecordBob => json!([{ "of": ["bob"], "need": 1 }]),
        Rule::RecordSponsor => json!([{ "of": ["@sponsor"], "need": 1 }]),
        _ => json!([]),
    };
    enrol(world, file).await
}

struct Ways {
    cast: Cast,
    agent: TestAgent,
    bank: Forge,
}

async fn opened(world: &World, rule: Rule) -> Ways {
    let cast = Cast::of(world).await;
    for name in ["bob", "carol"] {
        world.add_user(name, PASSWORD).await;
    }
    let bank = Forge::new(&world.random);
    cast.bank_challenges_with(world, &bank).await;
    Bank::open(world, &cast, |config| config.agents_only = false);
    let agent = agent(world, rule).await;
    Ways { cast, agent, bank }
}

fn details(amount: &str) -> String {
    json!([payment(amount)]).to_string()
}

/// Everybody who is asked agrees, one after the other.
async fn decide(world: &World, id: &str) {
    for name in ["alice", "bob", "carol", "mallory"] {
        let mut phone = world.phone_of(name).await;
        if phone.inbox().await.iter().any(|other| other == id) {
            let page = phone.look(id).await;
            let agreed = phone.approve_by_password(&page).await;
            assert_eq!(agreed.reply.status, 200, "{name}: {}", agreed.reply.text());
        }
    }
    world.advance(5);
}

/// Whether the bank takes it for a payment of that amount.
async fn bank_takes(world: &World, key: Option<&Forge>, token: &str, amount: &str) -> bool {
    let url = format!("{BANK}/payments");
    let mut request = Request::post(&url);
    request = match key {
        Some(key) => request
            .header("authorization", format!("DPoP {token}"))
            .header(
                "dpop",
                key.proof_with("POST", &url, world.now().seconds(), token),
            ),
        None => request.header("authorization", format!("Bearer {token}")),
    };
    let body = Bytes::from(payment(amount).to_string());
    let reply = TestReply::of(
        world
            .network
            .send(request.body(body).unwrap())
            .await
            .unwrap(),
    );
    reply.status == 200
}

/// The answer of a way; a token is taken to the bank.
async fn outcome(world: &World, reply: &TestReply, key: Option<&Forge>, amount: &str) -> Outcome {
    if reply.status >= 300 {
        let (_, code) = reply.refusal();
        if code == "invalid_authorization_details" {
            assert!(reply.text().contains("/bc-authorize"), "{}", reply.text());
            return ASK;
        }
        return Refused(match code.as_str() {
            "invalid_grant" => "invalid_grant",
            other => panic!("{other}: {}", reply.text()),
        });
    }
    let token = reply.access_token();
    assert!(
        bank_takes(world, key, &token, amount).await,
        "the bank refuses it"
    );
    let approval = &claims(&token)["approval"];
    match approval["by"].as_str() {
        None => Unasked,
        Some("subject") => Decided("subject", approval["people"].as_u64().unwrap()),
        Some("designated") => Decided("designated", approval["people"].as_u64().unwrap()),
        Some("both") => Decided("both", approval["people"].as_u64().unwrap()),
        Some(other) => panic!("{other}"),
    }
}

impl Ways {
    fn request(&self) -> Fields {
        self.cast
            .request()
            .with("client_id", self.agent.id.clone())
            .with("authorization_details", details("100.00"))
            .without("scope")
    }

    async fn pushed(&self, world: &World) -> Outcome {
        let pushed = self.agent.send(world, "/par", &self.request()).await;
        if pushed.status != 201 {
            return outcome(world, &pushed, None, "100.00").await;
        }
        let reply = self
            .cast
            .granted(world, &self.agent, &self.request(), BANK)
            .await;
        outcome(world, &reply, Some(&self.agent.dpop), "100.00").await
    }

    /// A plain client, whose requests come by the browser.
    async fn front(&self, world: &World) -> Outcome {
        let web = Web::register(world, json!({})).await;
        let form = web
            .request()
            .without("scope")
            .with("authorization_details", details("100.00"));
        let mut browser = world.browser();
        let page = browser.open(&front_url(&form)).await;
        if let Some(error) = page.query("error") {
            assert_eq!(error, "invalid_authorization_details");
            assert!(
                page.query("error_description")
                    .unwrap()
                    .contains("/bc-authorize")
            );
            return ASK;
        }
        let code = web.code(world, &form).await;
        let basic = web.basic();
        let form = web.redeem_form(&code);
        let pairs: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let reply = world
            .post("/token", &pairs, &[("authorization", &basic)])
            .await;
        outcome(world, &reply, None, "100.00").await
    }

    async fn own(&self, world: &World) -> Outcome {
        let form = vec![("authorization_details", details("100.00"))];
        let reply = self.agent.own(world, &form).await;
        outcome(world, &reply, Some(&self.agent.dpop), "100.00").await
    }

    /// The answer, and the access token of the task that it opened.
    async fn ciba(&self, world: &World) -> (Outcome, String) {
        let question = self.cast.question();
        let auth_req_id = self.agent.asked(world, &question).await;
        decide(world, &world.request_id(&auth_req_id).await).await;
        let reply = self.agent.poll(world, &auth_req_id).await;
        let outcome = outcome(world, &reply, Some(&self.agent.dpop), "300.00").await;
        (outcome, reply.access_token())
    }

    async fn ciba_with(&self, world: &World, token: &str, amount: &str) -> Outcome {
        let question = self.cast.question_within(token);
        let question = question.with("authorization_details", details(amount));
        let auth_req_id = self.agent.asked(world, &question).await;
        decide(world, &world.request_id(&auth_req_id).await).await;
        let reply = self.agent.poll(world, &auth_req_id).await;
        outcome(world, &reply, Some(&self.agent.dpop), amount).await
    }

    async fn device(&self, world: &World) -> Outcome {
        let form = device::request().without("scope");
        let asked = device::ask(world, &self.agent, &form).await;
        let mut alice = world.phone_of("alice").await;
        let page = device::types(&mut alice, &asked.member("user_code")).await;
        let id = page.url.path().rsplit('/').next().unwrap().to_owned();
        decide(world, &id).await;
        let poll = device::poll(&asked.member("device_code"));
        let reply = self.agent.send(world, "/token", &poll).await;
        outcome(world, &reply, Some(&self.agent.dpop), "100.00").await
    }

    async fn transaction(&self, world: &World, token: &str) -> Outcome {
        let mut challenge = self.bank.challenge_claims(world);
        challenge["act"]["sub"] = json!(self.agent.id);
        let challenge = self.bank.challenge(&challenge);
        let id = self.agent.presented(world, &challenge, token).await;
        decide(world, &world.waiting(&id).await.id.to_string()).await;
        let form = poll_transaction_form(&id);
        let reply = self
            .agent
            .send(world, "/transaction_authorization", &form)
            .await;
        outcome(world, &reply, Some(&self.agent.dpop), "300.00").await
    }
}

/// One column of [`FRESH`], from top to bottom.
async fn fresh(world: &World, rule: Rule) {
    let scene = opened(world, rule).await;
    let mut found = vec![
        scene.pushed(world).await,
        scene.front(world).await,
        scene.own(world).await,
    ];
    let (ciba, token) = scene.ciba(world).await;
    found.push(ciba);
    world.advance(60);
    found.push(scene.device(world).await);
    world.advance(60);
    found.push(scene.ciba_with(world, &token, "300.00").await);
    world.advance(60);
    found.push(scene.ciba_with(world, &token, "400.00").await);
    found.push(scene.transaction(world, &token).await);
    let column = RULES.iter().position(|other| *other == rule).unwrap();
    for ((way, row), found) in FRESH.iter().zip(found) {
        assert_eq!(found, row[column], "{way} under {rule:?}");
    }
}

/// `TYPES__PATH` of the rule, and transaction challenges.
async fn under(kind: DatabaseKind, rule: Rule) {
    let folder = types(rule);
    let mut settings = TRANSACTIONS.to_vec();
    settings.push(("TYPES__PATH", folder.as_str()));
    let world = World::configured(kind, &settings).await;
    fresh(&world, rule).await;
}

macro_rules! columns {
    ($($name:ident => $rule:ident),*) => { $(
        mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                under(DatabaseKind::Sqlite, Rule::$rule).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                under(DatabaseKind::Postgres, Rule::$rule).await;
            }
        }
    )* };
}

columns!(
    every_way_where_the_subject_decides => Subject,
    every_way_where_a_type_designates_one => Bob,
    every_way_where_a_type_designates_two => BobAndCarol,
    every_way_where_a_record_designates_one => RecordBob,
    every_way_where_a_record_designates_the_sponsor => RecordSponsor,
    every_way_where_nobody_needs_to_be_asked => Nobody
);

/// The form as this agent sends it, at the other node.
async fn at(node: &Node, world: &World, agent: &TestAgent, form: &Fields) -> TestReply {
    let proof = agent.proof(world, "/token");
    let signed = agent.signed(world, form);
    let pairs: Vec<(&str, &str)> = signed
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    node.post("/token", &pairs, &[("dpop", &proof)]).await
}

both_with!(
    /// The type changes after the grant, on the next node first.
    what_one_person_granted_meets_the_rule_of_the_day_on_every_later_way,
    &[],
    |world| async {
        let cast = Cast::of(&world).await;
        Bank::open(&world, &cast, |_| {});
        for (column, rule) in [Rule::Subject, Rule::Bob, Rule::BobAndCarol].into_iter().enumerate() {
            let folder = types(rule);
            let node = world.node_with(&[("TYPES__PATH", folder.as_str())]).await;
            let code = cast.code(&world).await;
            let code = cast.redeem_form(&code);
            let granted = cast.granted(&world, &cast.planner, &cast.request(), BANK).await;
            let refresh = cast.planner.refresh_form(&granted.member("refresh_token"));
            let token = granted.access_token();
            let narrow = cast.exchange_form(&token, None);
            let assertion = cast.booker.actor_assertion(&world, &cast.planner.id);
            let hand_over = cast.exchange_form(&token, Some(&assertion));
            let forms = [code.with("resource", BANK), refresh.with("resource", BANK), narrow, hand_over];
            for ((way, row), form) in LATER.iter().zip(forms) {
                let reply = at(&node, &world, &cast.planner, &form).await;
                let key = match *way {
                    "hand over" => &cast.booker.dpop,
                    _ => &cast.planner.dpop,
                };
                let found = outcome(&world, &reply, Some(key), "100.00").await;
                assert_eq!(found, row[column], "{way} under {rule:?}");
                world.advance(1);
            }
        }
    }
);

both_with!(
    /// By tokens that the server's own key signed: what a fault of the server, or an older version, could make.
    a_bank_compares_who_decided_with_the_type,
    &[("TYPES__PATH", types(Rule::BobAndCarol).as_str())],
    |world| async {
        let scene = opened(&world, Rule::BobAndCarol).await;
        let (decided, token) = scene.ciba(&world).await;
        assert_eq!(decided, Decided("both", 3));
        let cases = [
            (json!({ "by": "both", "people": 3 }), true),
            (json!({ "by": "designated", "people": 2 }), true),
            (json!({ "by": "both", "people": 2 }), false),
            (json!({ "by": "designated", "people": 1 }), false),
            (json!({ "by": "subject", "people": 1 }), false),
            (json!({ "by": "subject", "people": 5 }), false),
            (json!({ "by": null, "people": null }), false),
        ];
        for (says, taken) in cases {
            let changed = world
                .resigned(&token, |claims| {
                    claims["jti"] = json!(scene.agent.dpop.jti());
                    for member in ["by", "people"] {
                        claims["approval"][member] = says[member].clone();
                    }
                })
                .await;
            let key = Some(&scene.agent.dpop);
            // Another object each time: what is used once is used once.
            assert_eq!(bank_takes(&world, key, &changed, "300.00").await, taken, "{says}");
            if taken {
                Bank::open(&world, &scene.cast, |config| config.agents_only = false);
            }
        }
    }
);
