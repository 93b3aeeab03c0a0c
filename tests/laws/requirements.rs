//! Every way to an object asks the same function who decides about it (docs/design/approval.md): each way under each rule, by HTTP,
//! and what the resource's verifier says to the token.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use writ_jose::hash::access_token_hash;
use writ_platform::Transport;
use writ_testkit::{
    BANK, Bank, Cast, Change, DatabaseKind, Fields, Forge, Node, PASSWORD, TRANSACTIONS, TestAgent,
    TestReply, Web, World, agent_file, claims, enrol, front_url, payment, poll_transaction_form,
};

use crate::client::device;

static FOLDERS: AtomicU32 = AtomicU32::new(0);

/// Who decides about payments, by their type or by the agent's record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rule {
    Subject,
    Bob,
    BobAndCarol,
    /// As many as Bob, in the same role.
    Carol,
    /// The subject, by a passkey.
    Passkey,
    /// In the record of the agent.
    RecordBob,
    /// In the record too: alone, the agent's sponsor decides about nothing of another's.
    RecordSponsor,
    /// No person needs to be asked at all.
    Nobody,
}

/// What becomes of each way under each rule: a refusal that names `/bc-authorize`, a token by so many people in these roles that
/// the bank takes, or one behind which nobody was asked.
const FRESH: &str = "
    way                | Subject   | Bob          | BobAndCarol  | RecordBob    | RecordSponsor | Nobody
    pushed             | subject 1 | ask people   | ask people   | subject 1    | subject 1     | subject 1
    front channel      | subject 1 | ask people   | ask people   | subject 1    | subject 1     | subject 1
    client_credentials | ask people| ask people   | ask people   | ask people   | ask people    | unasked
    ciba               | subject 1 | both 2       | both 3       | both 2       | both 2        | subject 1
    device             | subject 1 | both 2       | both 3       | both 2       | both 2        | subject 1
    ciba within        | subject 1 | designated 1 | designated 2 | designated 1 | both 2        | subject 1
    ciba beyond        | subject 1 | both 2       | both 3       | both 2       | both 2        | subject 1
    transaction within | subject 1 | designated 1 | designated 2 | designated 1 | both 2        | subject 1";

pub(crate) const ASK: &str = "ask people";

/// The ways of a table, each with what is expected under this rule.
pub(crate) fn column(table: &'static str, rule: Rule) -> Vec<(&'static str, &'static str)> {
    let mut rows = table.lines().filter(|line| !line.trim().is_empty());
    let cells = |line: &'static str| line.split('|').map(str::trim).collect::<Vec<_>>();
    let name = format!("{rule:?}");
    let place = cells(rows.next().unwrap())
        .iter()
        .position(|head| *head == name);
    let place = place.expect("a column of the rule");
    let row = |line| {
        let cells = cells(line);
        (cells[0], cells[place])
    };
    rows.map(row).collect()
}

/// The shipped types; payments as the rule has it.
pub(crate) fn types(rule: Rule) -> String {
    let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
    let name = format!("requirements-{}-{number}", std::process::id());
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let shipped = include_str!("../../config/types/payment.json");
    let mut document: Value = serde_json::from_str(shipped).unwrap();
    match rule {
        Rule::Bob => document["approvers"] = json!([{ "of": ["bob"], "need": 1 }]),
        Rule::Carol => document["approvers"] = json!([{ "of": ["carol"], "need": 1 }]),
        Rule::Passkey => document["level"] = json!("passkey"),
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

pub(crate) struct Ways {
    pub cast: Cast,
    pub agent: TestAgent,
    bank: Forge,
}

pub(crate) async fn opened(world: &World, rule: Rule) -> Ways {
    let cast = Cast::of(world).await;
    for name in ["bob", "carol"] {
        world.add_user(name, PASSWORD).await;
    }
    let bank = Forge::new(&world.random);
    cast.bank_challenges_with(world, &bank).await;
    open_bank(world, &cast);
    let agent = agent(world, rule).await;
    Ways { cast, agent, bank }
}

pub(crate) fn open_bank(world: &World, cast: &Cast) {
    Bank::open(world, cast, |_| {});
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

/// Whether the bank takes it for a payment of that amount; nonces are fetched as a client does.
pub(crate) async fn bank_takes(world: &World, key: &Forge, token: &str, amount: &str) -> bool {
    let first = pay(world, key, "none", token, amount).await;
    let reply = match first.header("dpop-nonce").filter(|_| first.status == 401) {
        Some(nonce) => pay(world, key, nonce, token, amount).await,
        None => first,
    };
    reply.status == 200
}

async fn pay(world: &World, key: &Forge, nonce: &str, token: &str, amount: &str) -> TestReply {
    let url = format!("{BANK}/payments");
    let mut claims = key.proof_claims("POST", &url, world.now().seconds());
    claims["ath"] = json!(access_token_hash(token));
    claims["nonce"] = json!(nonce);
    let request = Request::post(&url)
        .header("authorization", format!("DPoP {token}"))
        .header("dpop", key.sign_proof(&claims));
    let body = Bytes::from(payment(amount).to_string());
    let request = request.body(body).unwrap();
    TestReply::of(world.network.send(request).await.unwrap())
}

/// The answer of a way; a token is taken to the bank.
pub(crate) async fn outcome(
    world: &World,
    reply: &TestReply,
    key: Option<&Forge>,
    amount: &str,
) -> String {
    if reply.status >= 300 {
        let (_, code) = reply.refusal();
        if code == "invalid_authorization_details" {
            assert!(reply.text().contains("/bc-authorize"), "{}", reply.text());
            return ASK.to_owned();
        }
        return code;
    }
    let token = reply.access_token();
    // A plain client's token names no task, by which a bank could tell what is used once: it takes none.
    if let Some(key) = key {
        let taken = bank_takes(world, key, &token, amount).await;
        assert!(taken, "the bank refuses it");
    }
    let approval = &claims(&token)["approval"];
    match approval["by"].as_str() {
        None => "unasked".to_owned(),
        Some(by) => format!("{by} {}", approval["people"]),
    }
}

/// The form as this agent sends it to the other node.
pub(crate) async fn at(
    node: &Node,
    world: &World,
    agent: &TestAgent,
    (path, form): (&str, &Fields),
) -> TestReply {
    let proof = agent.proof(world, path);
    let signed = agent.signed(world, form);
    let pairs: Vec<(&str, &str)> = signed
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    node.post(path, &pairs, &[("dpop", &proof)]).await
}

impl Ways {
    /// A payment, and nothing else.
    pub fn request(&self) -> Fields {
        self.cast
            .request()
            .with("client_id", self.agent.id.clone())
            .with("authorization_details", details("100.00"))
            .without("scope")
    }

    async fn pushed(&self, world: &World) -> String {
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
    async fn front(&self, world: &World) -> String {
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
            return ASK.to_owned();
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

    async fn own(&self, world: &World) -> String {
        let form = vec![("authorization_details", details("100.00"))];
        let reply = self.agent.own(world, &form).await;
        outcome(world, &reply, Some(&self.agent.dpop), "100.00").await
    }

    /// The answer, and the access token of the task that it opened.
    pub async fn ciba(&self, world: &World) -> (String, String) {
        let reply = self.ciba_reply(world).await;
        let outcome = outcome(world, &reply, Some(&self.agent.dpop), "300.00").await;
        (outcome, reply.access_token())
    }

    /// The token response of a task that people opened.
    pub async fn ciba_reply(&self, world: &World) -> TestReply {
        let auth_req_id = self.agent.asked(world, &self.cast.question()).await;
        decide(world, &world.request_id(&auth_req_id).await).await;
        self.agent.poll(world, &auth_req_id).await
    }

    async fn ciba_with(&self, world: &World, token: &str, amount: &str) -> String {
        // A bank that has seen no payment yet: within the task it is the same object.
        open_bank(world, &self.cast);
        let question = self.cast.question_within(token);
        let question = question.with("authorization_details", details(amount));
        let auth_req_id = self.agent.asked(world, &question).await;
        decide(world, &world.request_id(&auth_req_id).await).await;
        let reply = self.agent.poll(world, &auth_req_id).await;
        outcome(world, &reply, Some(&self.agent.dpop), amount).await
    }

    async fn device(&self, world: &World) -> String {
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

    async fn transaction(&self, world: &World, token: &str) -> String {
        open_bank(world, &self.cast);
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
    for ((way, expected), found) in column(FRESH, rule).into_iter().zip(found) {
        assert_eq!(found, expected, "{way} under {rule:?}");
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
