//! What is measured, and how long at most.

use crate::Outcome;

pub struct Arguments {
    /// `sqlite`, or the URL of a PostgreSQL database from which others may be made.
    pub database: String,
    /// Tokens of each measurement, at most.
    pub tokens: usize,
    /// Seconds of each measurement, at most.
    pub seconds: u64,
    pub runs: usize,
}

const USAGE: &str = "usage: writ-bench [sqlite|postgres:URL] [--tokens N] [--seconds N] [--runs N]";
/// What is signed beforehand lives 120 seconds.
const MOST_SECONDS: u64 = 60;
/// The record is counted by listing it.
const MOST_TOKENS: usize = 50_000;

impl Arguments {
    pub fn read() -> Outcome<Self> {
        let mut read = Self {
            database: "sqlite".to_owned(),
            tokens: 5000,
            seconds: 30,
            runs: 3,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut number = || {
                words
                    .next()
                    .and_then(|n| n.parse::<u64>().ok())
                    .ok_or(USAGE)
            };
            match word.as_str() {
                "--tokens" => read.tokens = usize::try_from(number()?)?.clamp(1, MOST_TOKENS),
                "--seconds" => read.seconds = number()?.clamp(1, MOST_SECONDS),
                "--runs" => read.runs = usize::try_from(number()?)?.max(1),
                name if name == "sqlite" || name.starts_with("postgres") => {
                    name.clone_into(&mut read.database);
                }
                _ => return Err(USAGE.into()),
            }
        }
        Ok(read)
    }
}
