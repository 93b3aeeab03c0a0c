//! From a person's yes to the permit: the question is held, its answer is presented, the action is permitted. The clock starts when the
//! response to the person's form was read, so that password hashing does not count.

use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use writ_platform::Clock;

use super::DecisionCast;
use super::resource_server::{REQUESTS, ResourceServer};
use crate::Outcome;
use crate::arguments::Arguments;
use crate::load::{self, Message};
use crate::report::{percentile, say};
use crate::scene::OWNER;
use crate::server::Server;
use crate::waiting::asker::Asker;
use crate::waiting::person::{MESSAGE, PersonBrowser};

/// Before the measurement, so that caches are filled.
const WARMING: usize = 10;
/// After this time a question has arrived at the server.
const ARRIVED: Duration = Duration::from_millis(50);
const HOLD: &str = "prefer: wait=25\r\n";

/// When a question was answered, and when its action was permitted, after the yes; in microseconds.
struct Tap {
    held: i64,
    permitted: i64,
}

pub fn measure(server: &Server, cast: &DecisionCast, arguments: &Arguments) -> Outcome<()> {
    let mut person = PersonBrowser::log_in(server, &cast.password)?;
    let mut asker = Asker::connect(server, &cast.agent)?;
    let asked = asker.ask(OWNER, &format!("{MESSAGE}0"))?;
    person.approve()?;
    let token = asker.token(&asked)?;
    let bank = ResourceServer::new(server, &cast.secret, &token)?;
    let mut taps = Vec::new();
    for number in 0..arguments.approvals + WARMING {
        taps.push(tap(server, &bank, &mut person, number)?);
    }
    say("\n| from the yes | count | p50 ms | p99 ms |\n|---|---|---|---|")?;
    row("to the answer of the held question", &taps, |tap| tap.held)?;
    row("to the permit", &taps, |tap| tap.permitted)
}

fn tap(
    server: &Server,
    bank: &ResourceServer<'_>,
    person: &mut PersonBrowser<'_>,
    number: usize,
) -> Outcome<Tap> {
    let mut stream = TcpStream::connect(server.address)?;
    let name = json!({ "name": format!("Account {number}") });
    let question = bank.question("close_account", &name);
    let denied = load::exchange(&mut stream, &bank.look(&question))?.json()?;
    let id = denied.pointer("/context/evaluation_id").cloned();
    let mut body = question.clone();
    set(
        &mut body,
        "/context",
        "says",
        format!("{MESSAGE}{number}").into(),
    );
    set(&mut body, "", "denial", json!({ "evaluation_id": id }));
    load::send(&mut stream, &bank.post(REQUESTS, HOLD, &body))?;
    std::thread::park_timeout(ARRIVED);
    let (answered_at, permitted) = std::thread::scope(|scope| {
        let held = scope.spawn(|| {
            let permitted = permitted(&mut stream, bank, question);
            permitted.map_err(|e| e.to_string())
        });
        let approved = person.approve();
        let held = held.join().map_err(|_| "a question broke")?;
        // Without a yes the question tells nothing.
        Outcome::Ok((approved?.answered_at, held?))
    })?;
    Ok(Tap {
        held: permitted.held - answered_at,
        permitted: permitted.permitted - answered_at,
    })
}

/// Waits for the answer, presents the approval; when each of both came.
fn permitted(
    stream: &mut TcpStream,
    bank: &ResourceServer<'_>,
    mut question: Value,
) -> Outcome<Tap> {
    let answer = load::answer(stream)?;
    let held = Clock::System.now().micros();
    let approval = member(&answer, "/result/approval")?;
    set(&mut question, "/context", "approval", approval);
    let decided = load::exchange(stream, &bank.decision(&question))?;
    let permitted = Clock::System.now().micros();
    match member(&decided, "/decision")? {
        Value::Bool(true) => Ok(Tap { held, permitted }),
        _ => Err(format!("no permit but {}", decided.json()?).into()),
    }
}

fn member(answer: &Message, pointer: &str) -> Outcome<Value> {
    let body = answer.json()?;
    let found = body.pointer(pointer).cloned();
    found.ok_or_else(|| format!("no `{pointer}` in {body}").into())
}

fn set(body: &mut Value, at: &str, name: &str, value: Value) {
    if let Some(Value::Object(members)) = body.pointer_mut(at) {
        members.insert(name.to_owned(), value);
    }
}

fn row(name: &str, taps: &[Tap], of: impl Fn(&Tap) -> i64) -> Outcome<()> {
    let mut spans: Vec<i64> = taps.iter().skip(WARMING).map(of).collect();
    spans.sort_unstable();
    let at = |percent| percentile(&spans, percent) as f64 / 1000.0;
    let (count, p50, p99) = (spans.len(), at(50), at(99));
    say(&format!("| {name} | {count} | {p50:.1} | {p99:.1} |"))
}
