//! What is measured, and how long at most.

use crate::Outcome;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Measured {
    Tokens,
    /// What waits for a person.
    Waiting,
    /// Much against little.
    Growth,
    /// Tokens while rows are deleted that are over.
    Sweep,
    /// What resource servers ask.
    Decisions,
    /// The pages of a person with much.
    Pages,
}

pub struct Arguments {
    pub measured: Measured,
    /// `sqlite`, or the URL of a PostgreSQL database from which others may be made.
    pub database: String,
    /// Tokens of each measurement, at most.
    pub tokens: usize,
    /// Seconds of each measurement, at most.
    pub seconds: u64,
    pub runs: usize,
    /// Tokens each second, where the rate is steady.
    pub rate: u64,
    /// How many wait for a person.
    pub requests: usize,
    /// How many of these are held by a long poll.
    pub polls: usize,
    /// Of each way from an approval to its token.
    pub approvals: usize,
    /// Tasks, delegations and events while there is little, and while there is much.
    pub few: usize,
    pub many: usize,
    /// Live tasks of one person while there is much, and when an agent of theirs is stopped.
    pub busy: usize,
    pub below: usize,
    pub resources: usize,
    /// Events of one person.
    pub events: usize,
}

const USAGE: &str = "usage: writ-bench [sqlite|postgres:URL] [--tokens N] [--seconds N] [--runs N]
       writ-bench waiting [sqlite|postgres:URL] [--requests N] [--polls N] [--seconds N] [--approvals N]
       writ-bench growth [sqlite|postgres:URL] [--few N] [--many N] [--busy N] [--below N] [--resources N]
       writ-bench sweep [sqlite|postgres:URL] [--rate N] [--seconds N]
       writ-bench pages [sqlite|postgres:URL] [--busy N] [--events N]
       writ-bench decisions [sqlite|postgres:URL] [--tokens N] [--seconds N] [--approvals N]";
/// What is signed beforehand lives 120 seconds.
const MOST_SECONDS: u64 = 60;
/// Of the sweep; its requests are signed on the way.
const MOST_SWEEP_SECONDS: u64 = 3600;
const MOST_RATE: u64 = 100_000;
/// The record is counted by listing it.
const MOST_TOKENS: usize = 50_000;
/// The server takes 10,000.
const MOST_RESOURCES: usize = 9000;
/// More cannot be opened, one after the other, before the first of them ends.
const MOST_POLLS: usize = 8000;

impl Arguments {
    pub fn read() -> Outcome<Self> {
        let mut read = Self {
            measured: Measured::Tokens,
            database: "sqlite".to_owned(),
            tokens: 5000,
            seconds: 30,
            runs: 3,
            rate: 1000,
            requests: 10_000,
            polls: 1000,
            approvals: 180,
            few: 10_000,
            many: 1_000_000,
            busy: 1000,
            below: 100_000,
            resources: 1000,
            events: 10_000,
        };
        let mut most_seconds = MOST_SECONDS;
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut number = || {
                words
                    .next()
                    .and_then(|n| n.parse::<usize>().ok())
                    .ok_or(USAGE)
            };
            match word.as_str() {
                "waiting" => read.measured = Measured::Waiting,
                "decisions" => read.measured = Measured::Decisions,
                "growth" => read.measured = Measured::Growth,
                "pages" => read.measured = Measured::Pages,
                "--events" => read.events = number()?.max(1),
                "--few" => read.few = number()?.max(1),
                "--many" => read.many = number()?.max(1),
                "--busy" => read.busy = number()?.max(1),
                "--below" => read.below = number()?.max(1),
                "--resources" => read.resources = number()?.clamp(1, MOST_RESOURCES),
                "sweep" => {
                    read.measured = Measured::Sweep;
                    most_seconds = MOST_SWEEP_SECONDS;
                }
                "--rate" => read.rate = u64::try_from(number()?)?.clamp(1, MOST_RATE),
                "--tokens" => read.tokens = number()?.clamp(1, MOST_TOKENS),
                "--seconds" => read.seconds = u64::try_from(number()?)?.clamp(1, most_seconds),
                "--runs" => read.runs = number()?.max(1),
                "--requests" => read.requests = number()?.max(1),
                "--polls" => read.polls = number()?.clamp(1, MOST_POLLS),
                "--approvals" => read.approvals = number()?.max(1),
                name if name == "sqlite" || name.starts_with("postgres") => {
                    name.clone_into(&mut read.database);
                }
                _ => return Err(USAGE.into()),
            }
        }
        read.polls = read.polls.min(read.requests);
        Ok(read)
    }
}
