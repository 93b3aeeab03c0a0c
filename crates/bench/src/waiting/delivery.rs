//! Latency from an approval to its token by each delivery mode of CIBA. The clock starts when the response to the person's form was
//! read, so that password hashing does not count; what was delivered before that has a negative latency.

use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;
use writ_platform::Clock;

use super::asker::{Asker, PollResult};
use super::interval;
use super::participants::{ALICE, Participants};
use super::person::{MESSAGE, PersonBrowser};
use super::receiver::NotificationReceiver;
use crate::Outcome;
use crate::arguments::Arguments;
use crate::report::{percentile, say};
use crate::server::Server;

/// Before each measurement, so that caches are filled.
pub const WARMING: usize = 10;
/// After this time a long poll has arrived at the server.
const ARRIVED: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(30);

/// What the measurements share.
pub struct DeliveryBench<'a> {
    pub server: &'a Server,
    pub cast: &'a Participants,
    pub approvals: usize,
    pub person: PersonBrowser<'a>,
}

pub fn measure(
    server: &Server,
    cast: &Participants,
    receiver: &mut NotificationReceiver,
    arguments: &Arguments,
) -> Outcome<()> {
    let mut stage = DeliveryBench {
        server,
        cast,
        approvals: arguments.approvals,
        person: PersonBrowser::log_in(server, &cast.password)?,
    };
    say(HEADER)?;
    long_poll(&mut stage)?;
    ping(&mut stage, receiver)?;
    push(&mut stage, receiver)?;
    interval::poll(&mut stage)
}

/// The poll is sent as soon as the question was asked, and again after the interval if it is answered early.
fn long_poll(stage: &mut DeliveryBench<'_>) -> Outcome<()> {
    let (server, agent) = (stage.server, &stage.cast.polling);
    let mut asker = Asker::connect(server, agent)?;
    let mut holder = Asker::connect(server, agent)?;
    let (mut spans, mut early) = (Vec::new(), 0);
    for number in 0..stage.approvals + WARMING {
        let id = asker.ask(ALICE, &message(number))?;
        holder.nonce.clone_from(&asker.nonce);
        holder.hold(&id)?;
        holder.is_answered(ARRIVED)?;
        let (person, held) = (&mut stage.person, &mut holder);
        let (answered_at, token) = std::thread::scope(|scope| {
            let token = scope.spawn(|| held_to_the_end(held, &id).map_err(|e| e.to_string()));
            let approved = person.approve();
            let token = token.join().map_err(|_| "a poll broke")??;
            Outcome::Ok((approved?.answered_at, token))
        })?;
        spans.push(token.at - answered_at);
        early += usize::from(token.polls > 1);
    }
    print("long poll: answer to the form to token", spans)?;
    say(&format!(
        "| long polls answered before anybody decided | {early} | | |"
    ))
}

/// A token that came by long polls.
struct Held {
    at: i64,
    polls: usize,
}

fn held_to_the_end(holder: &mut Asker<'_>, id: &str) -> Outcome<Held> {
    let mut polls = 1;
    loop {
        match (holder.held()?, Clock::System.now().micros()) {
            (PollResult::Token, at) => return Ok(Held { at, polls }),
            (PollResult::Pending, now) => interval::wait_until(now + interval::INTERVAL),
            (PollResult::SlowDown, _) => return Err("told to slow down after an interval".into()),
        }
        holder.hold(id)?;
        polls += 1;
    }
}

fn ping(stage: &mut DeliveryBench<'_>, receiver: &mut NotificationReceiver) -> Outcome<()> {
    let (server, agent) = (stage.server, &stage.cast.pinged);
    let mut asker = Asker::connect(server, agent)?;
    let mut fetcher = Asker::connect(server, agent)?;
    let (mut to_ping, mut to_token) = (Vec::new(), Vec::new());
    let count = stage.approvals + WARMING;
    let (done, fetched) = mpsc::channel();
    let person = &mut stage.person;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for _ in 0..count {
                let fetched = fetch(receiver, &mut fetcher).map_err(|e| e.to_string());
                let failed = fetched.is_err();
                if done.send(fetched).is_err() || failed {
                    break;
                }
            }
        });
        for number in 0..count {
            let id = asker.ask(ALICE, &message(number))?;
            let answered_at = person.approve()?.answered_at;
            let (pinged, pinged_at, token_at) = fetched.recv_timeout(PATIENCE)??;
            if pinged != id {
                return Err("a ping names another request".into());
            }
            to_ping.push(pinged_at - answered_at);
            to_token.push(token_at - pinged_at);
        }
        Outcome::Ok(())
    })?;
    print("ping: answer to the form to ping", to_ping)?;
    print("ping: ping to token", to_token)
}

/// The `auth_req_id` of the next ping, when it came, and when the token came.
fn fetch(
    receiver: &mut NotificationReceiver,
    asker: &mut Asker<'_>,
) -> Outcome<(String, i64, i64)> {
    let heard = receiver.next()?;
    let id = heard.body.get("auth_req_id").and_then(Value::as_str);
    let id = id.ok_or("a ping without `auth_req_id`")?;
    let token_at = token(asker.poll(id))?;
    Ok((id.to_owned(), heard.at, token_at))
}

fn push(stage: &mut DeliveryBench<'_>, receiver: &mut NotificationReceiver) -> Outcome<()> {
    let mut asker = Asker::connect(stage.server, &stage.cast.pushed)?;
    let mut spans = Vec::new();
    for number in 0..stage.approvals + WARMING {
        let id = asker.ask(ALICE, &message(number))?;
        let answered_at = stage.person.approve()?.answered_at;
        let heard = receiver.next()?;
        let member = |name: &str| heard.body.get(name).and_then(Value::as_str);
        if member("auth_req_id") != Some(&id) || member("access_token").is_none() {
            return Err(format!("no token was pushed but {}", heard.body).into());
        }
        spans.push(heard.at - answered_at);
    }
    print("push: answer to the form to token", spans)
}

pub fn message(number: usize) -> String {
    format!("{MESSAGE}{number}")
}

/// When the token came.
fn token(polled: Outcome<PollResult>) -> Result<i64, String> {
    let at = Clock::System.now().micros();
    match polled.map_err(|e| e.to_string())? {
        PollResult::Token => Ok(at),
        other => Err(format!("no token but {other:?}")),
    }
}

/// Without the warm-up.
fn print(name: &str, spans: Vec<i64>) -> Outcome<()> {
    print_all(name, spans.into_iter().skip(WARMING).collect())
}

pub fn print_all(name: &str, mut spans: Vec<i64>) -> Outcome<()> {
    spans.sort_unstable();
    let at = |percent| percentile(&spans, percent) as f64 / 1000.0;
    let (count, p50, p99) = (spans.len(), at(50), at(99));
    say(&format!("| {name} | {count} | {p50:.1} | {p99:.1} |"))
}

const HEADER: &str = "\n| way | count | p50 ms | p99 ms |\n|---|---|---|---|";
