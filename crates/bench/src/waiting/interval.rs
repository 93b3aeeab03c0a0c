//! Poll (CIBA 10.1.1): every client asks again each interval, so the interval is nearly all of what passes.

use std::collections::HashMap;
use std::time::Duration;

use writ_platform::Clock;

use super::asker::{Asker, PollResult};
use super::delivery::{DeliveryBench, message, print_all};
use super::participants::ALICE;
use crate::Outcome;
use crate::agent::BenchAgent;
use crate::server::Server;

/// What a client is told to wait between two polls.
pub const INTERVAL: i64 = 5_000_000;
/// Connections that poll, each for its share of the requests.
const CONNECTIONS: usize = 4;
/// Neighbours are polled far from each other.
const SCATTER: i64 = 79;
/// What one approval may take, beside the interval.
const EACH: i64 = 3_000_000;

/// One request, polled until its token comes.
struct Poll {
    message: String,
    auth_req_id: String,
    next_at: i64,
    token_at: Option<i64>,
}

/// What one connection saw.
#[derive(Default)]
struct Seen {
    token_at: HashMap<String, i64>,
    /// How long the polls took that were told to wait, and those that brought a token.
    pending: Vec<i64>,
    redeeming: Vec<i64>,
}

pub fn poll(stage: &mut DeliveryBench<'_>) -> Outcome<()> {
    let (server, agent, count) = (stage.server, &stage.cast.polling, stage.approvals);
    let mut shares = asked(server, agent, count)?;
    let patience = INTERVAL * 4 + EACH * i64::try_from(count)?;
    let until = Clock::System.now().micros() + patience;
    let person = &mut stage.person;
    let (approved, seen) = std::thread::scope(|scope| {
        let threads: Vec<_> = shares
            .iter_mut()
            .map(|share| scope.spawn(move || follow(server, agent, share, until)))
            .collect();
        let approved: Outcome<Vec<_>> = (0..count).map(|_| person.approve()).collect();
        let mut seen = Seen::default();
        for thread in threads {
            seen.add(thread.join().map_err(|_| "a connection broke")??);
        }
        Outcome::Ok((approved?, seen))
    })?;
    let spans: Option<Vec<i64>> = approved
        .iter()
        .map(|approved| Some(seen.token_at.get(&approved.message)? - approved.answered_at))
        .collect();
    let spans = spans.ok_or("an approval without a token")?;
    print_all("poll each 5 s: answer to the form to token", spans)?;
    print_all("one poll, told to wait", seen.pending)?;
    print_all("one poll, brings the token", seen.redeeming)
}

/// The requests, shared out; their polls are spread evenly over the interval.
fn asked(server: &Server, agent: &BenchAgent, count: usize) -> Outcome<Vec<Vec<Poll>>> {
    let mut asker = Asker::connect(server, agent)?;
    let mut polls = Vec::new();
    for number in 0..count {
        let message = message(number);
        polls.push(Poll {
            auth_req_id: asker.ask(ALICE, &message)?,
            message,
            next_at: 0,
            token_at: None,
        });
    }
    let (start, step) = (
        Clock::System.now().micros(),
        INTERVAL / i64::try_from(count)?,
    );
    // The order of the approvals must not follow that of the polls.
    for (poll, place) in polls.iter_mut().zip(0..) {
        poll.next_at = start + (step * place * SCATTER) % INTERVAL;
    }
    let mut shares: Vec<Vec<Poll>> = (0..CONNECTIONS).map(|_| Vec::new()).collect();
    for (place, poll) in polls.into_iter().enumerate() {
        if let Some(share) = shares.get_mut(place % CONNECTIONS) {
            share.push(poll);
        }
    }
    Ok(shares)
}

fn follow(
    server: &Server,
    agent: &BenchAgent,
    polls: &mut [Poll],
    until: i64,
) -> Result<Seen, String> {
    let mut asker = Asker::connect(server, agent).map_err(|e| e.to_string())?;
    let mut seen = Seen::default();
    loop {
        let open = polls.iter_mut().filter(|poll| poll.token_at.is_none());
        let Some(next) = open.min_by_key(|poll| poll.next_at) else {
            break;
        };
        wait_until(next.next_at);
        let sent_at = Clock::System.now().micros();
        if sent_at > until {
            return Err("an approval does not become a token".to_owned());
        }
        let polled = asker.poll(&next.auth_req_id).map_err(|e| e.to_string())?;
        let now = Clock::System.now().micros();
        match polled {
            PollResult::Token => {
                next.token_at = Some(now);
                seen.redeeming.push(now - sent_at);
                seen.token_at.insert(next.message.clone(), now);
            }
            PollResult::Pending => seen.pending.push(now - sent_at),
            PollResult::SlowDown => {
                return Err("told to slow down after a whole interval".to_owned());
            }
        }
        next.next_at = now + INTERVAL;
    }
    Ok(seen)
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.token_at.extend(other.token_at);
        self.pending.extend(other.pending);
        self.redeeming.extend(other.redeeming);
    }
}

pub fn wait_until(at: i64) {
    loop {
        let left = at - Clock::System.now().micros();
        let Ok(left @ 1..) = u64::try_from(left) else {
            return;
        };
        std::thread::park_timeout(Duration::from_micros(left));
    }
}
