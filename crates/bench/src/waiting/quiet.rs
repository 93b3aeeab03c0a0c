//! Cost of pending requests while nothing happens: memory, CPU and statements of one node, without and with long polls.

use std::time::Duration;

use writ_platform::Clock;

use super::asker::{Asker, PollResult};
use super::delivery::message;
use super::participants::{Participants, SILENT};
use crate::arguments::Arguments;
use crate::database::TemporaryDatabase;
use crate::process::{self, Cpu};
use crate::report::say;
use crate::server::Server;
use crate::{Outcome, agent::BenchAgent};

/// Connections that ask.
const CONNECTIONS: usize = 4;
/// Between two long polls that are opened.
const PACE: Duration = Duration::from_micros(1500);
const SECOND: Duration = Duration::from_secs(1);
/// As long as the server holds a poll, less what opening and closing take.
const HELD: Duration = Duration::from_secs(22);
/// CPU in a second that counts as nothing, in microseconds; so many seconds in a row; at most so many seconds.
const STILL: f64 = 20_000.0;
const STILL_SECONDS: usize = 3;
const MOST_SECONDS: usize = 120;
/// Open files beside those of the long polls.
const OTHER_FILES: usize = 200;

pub struct Quiet<'a> {
    server: &'a Server,
    place: &'a TemporaryDatabase,
    arguments: &'a Arguments,
    /// Resident memory of the fresh process, in KiB.
    fresh: u64,
}

/// What passed in one stretch of time.
struct Spent {
    seconds: f64,
    cpu: Cpu,
    statements: usize,
    /// Polls that ended and were sent again.
    renewed: usize,
}

/// `auth_req_id`s.
type AuthReqIds = Vec<String>;

impl<'a> Quiet<'a> {
    pub fn new(
        server: &'a Server,
        place: &'a TemporaryDatabase,
        arguments: &'a Arguments,
    ) -> Outcome<Self> {
        Ok(Self {
            server,
            place,
            arguments,
            fresh: process::resident_kib(server.id())?,
        })
    }

    /// Asks; then CPU and memory. Everything waits on.
    pub fn spent(&self, cast: &Participants) -> Outcome<AuthReqIds> {
        say(
            "\n| what waits | resident MiB | seconds | CPU of writ, s | CPU of PostgreSQL, s | polls sent again |",
        )?;
        say("|---|---|---|---|---|---|")?;
        say(&format!(
            "| nothing, fresh process | {} | | | | |",
            mib(self.fresh)
        ))?;
        let waiting = self.ask(&cast.polling)?;
        self.settle()?;
        let count = waiting.len();
        let whole = Duration::from_secs(self.arguments.seconds);
        let spent = self.stretch(|| rest(whole))?;
        self.row(&format!("{count} requests, nobody polls"), &spent)?;
        let (mut holders, left) = self.hold(&cast.polling, &waiting)?;
        let spent = self.stretch(|| rest(left))?;
        let held = holders.len();
        self.row(&format!("{held} of them held, none ends"), &spent)?;
        let spent = self.stretch(|| renew(&mut holders, whole))?;
        self.row(&format!("{held} of them held, polled again"), &spent)?;
        Ok(waiting)
    }

    /// Statements alone: writing a line for each costs time and memory.
    pub fn counted(&self, cast: &Participants, waiting: &AuthReqIds) -> Outcome<()> {
        say(&format!(
            "\nresident after a restart, {} requests waiting: {} MiB",
            waiting.len(),
            mib(self.fresh)
        ))?;
        self.settle()?;
        say(
            "\n| statements | seconds | count | per second | polls sent again |\n|---|---|---|---|---|",
        )?;
        let whole = Duration::from_secs(self.arguments.seconds);
        say(&self.stretch(|| rest(whole))?.statements("nobody polls"))?;
        let (mut holders, left) = self.hold(&cast.polling, waiting)?;
        say(&self.stretch(|| rest(left))?.statements("held, none ends"))?;
        let spent = self.stretch(|| renew(&mut holders, whole))?;
        say(&spent.statements("held, polled again"))
    }

    fn ask(&self, agent: &BenchAgent) -> Outcome<AuthReqIds> {
        let count = self.arguments.requests;
        let share = |first: usize| -> Result<AuthReqIds, String> {
            let numbers = (first..count).step_by(CONNECTIONS);
            let asked = numbers.zip(SILENT.iter().cycle());
            let mut asker = Asker::connect(self.server, agent).map_err(|e| e.to_string())?;
            asked
                .map(|(number, person)| asker.ask(person, &message(number)))
                .map(|asked| asked.map_err(|e| e.to_string()))
                .collect()
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..CONNECTIONS)
                .map(|first| scope.spawn(move || share(first)))
                .collect();
            let mut asked = Vec::new();
            for thread in threads {
                asked.extend(thread.join().map_err(|_| "a connection broke")??);
            }
            Ok(asked)
        })
    }

    /// Until what the requests set off has been done.
    fn settle(&self) -> Outcome<()> {
        let mut still = 0;
        for _ in 0..MOST_SECONDS {
            let before = Cpu::of(self.server.id(), self.place)?;
            rest(SECOND)?;
            let spent = Cpu::of(self.server.id(), self.place)?.since(&before);
            still = if spent.writ <= STILL { still + 1 } else { 0 };
            if still >= STILL_SECONDS {
                return Ok(());
            }
        }
        Err("the server does not come to rest".into())
    }

    /// Opens the long polls; answers how long all of them will be held.
    fn hold<'b>(
        &'b self,
        agent: &'b BenchAgent,
        waiting: &'b AuthReqIds,
    ) -> Outcome<(Vec<Holder<'b>>, Duration)> {
        let most = self.most_polls()?;
        let started = Clock::System.now();
        let mut first = Asker::connect(self.server, agent)?;
        // For the nonce alone.
        first.ask(
            SILENT.first().copied().unwrap_or_default(),
            &message(usize::MAX),
        )?;
        let mut holders = Vec::new();
        for auth_req_id in waiting.iter().take(most) {
            let mut asker = Asker::connect(self.server, agent)?;
            asker.nonce.clone_from(&first.nonce);
            asker.hold(auth_req_id)?;
            holders.push(Holder { asker, auth_req_id });
            rest(PACE)?;
        }
        rest(SECOND)?;
        for holder in &mut holders {
            if holder.asker.is_answered(Duration::ZERO)? {
                return Err(format!("a poll was not held: {:?}", holder.asker.held()?).into());
            }
        }
        let opening = started.until(Clock::System.now());
        Ok((holders, HELD.saturating_sub(opening)))
    }

    /// Each is an open file here and there.
    fn most_polls(&self) -> Outcome<usize> {
        let here = process::most_open_files(std::process::id())?;
        let files = here.min(process::most_open_files(self.server.id())?);
        let polls = self.arguments.polls;
        if polls + OTHER_FILES > files {
            say(&format!("(`ulimit -n` is {files}: fewer long polls)"))?;
        }
        Ok(polls.min(files.saturating_sub(OTHER_FILES)))
    }

    fn stretch(&self, pass: impl FnOnce() -> Outcome<usize>) -> Outcome<Spent> {
        let statements = self.server.logged_statements()?;
        let started = Clock::System.now();
        let before = Cpu::of(self.server.id(), self.place)?;
        let renewed = pass()?;
        let cpu = Cpu::of(self.server.id(), self.place)?.since(&before);
        Ok(Spent {
            seconds: started.until(Clock::System.now()).as_secs_f64(),
            cpu,
            statements: self.server.logged_statements()? - statements,
            renewed,
        })
    }

    fn row(&self, name: &str, spent: &Spent) -> Outcome<()> {
        let resident = mib(process::resident_kib(self.server.id())?);
        let (seconds, writ) = (spent.seconds, spent.cpu.writ / 1e6);
        let postgres = spent.cpu.postgres;
        let postgres = postgres.map_or_else(|| "-".to_owned(), |used| format!("{:.2}", used / 1e6));
        let renewed = spent.renewed;
        say(&format!(
            "| {name} | {resident} | {seconds:.0} | {writ:.2} | {postgres} | {renewed} |"
        ))
    }
}

impl Spent {
    fn statements(&self, name: &str) -> String {
        let (count, seconds, renewed) = (self.statements, self.seconds, self.renewed);
        let each = count as f64 / seconds;
        format!("| {name} | {seconds:.0} | {count} | {each:.1} | {renewed} |")
    }
}

/// One long poll.
struct Holder<'a> {
    asker: Asker<'a>,
    auth_req_id: &'a str,
}

/// Each poll that ends is sent again, in the order in which they were opened.
fn renew(holders: &mut [Holder<'_>], time: Duration) -> Outcome<usize> {
    let end = Clock::System.now().plus(time);
    let mut renewed = 0;
    loop {
        for holder in &mut *holders {
            let left = Clock::System.now().until(end);
            if left.is_zero() || !holder.asker.is_answered(left)? {
                return Ok(renewed);
            }
            match holder.asker.held()? {
                PollResult::Pending => holder.asker.hold(holder.auth_req_id)?,
                other => return Err(format!("a held poll: {other:?}").into()),
            }
            renewed += 1;
        }
    }
}

/// Nothing is sent.
fn rest(time: Duration) -> Outcome<usize> {
    let end = Clock::System.now().plus(time);
    loop {
        let left = Clock::System.now().until(end);
        if left.is_zero() {
            return Ok(0);
        }
        std::thread::park_timeout(left);
    }
}

fn mib(kib: u64) -> String {
    format!("{:.1}", kib as f64 / 1024.0)
}
