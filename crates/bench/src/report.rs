//! The printed report: a line for each measurement, then the medians.

use std::io::Write;
use std::time::Duration;

use crate::Outcome;
use crate::process::Cpu;
use crate::scene::MeasuredGrant;

/// One measurement; times in microseconds.
pub struct Sample {
    tokens_per_second: f64,
    writ_cpu: f64,
    postgres_cpu: Option<f64>,
    crypto: f64,
    p50: i64,
    p99: i64,
}

#[derive(Default)]
pub struct Report {
    database: &'static str,
    starts: Vec<Duration>,
    resident_kib: Vec<u64>,
    statements: Vec<(MeasuredGrant, f64)>,
    samples: Vec<(MeasuredGrant, usize, Sample)>,
}

impl Sample {
    pub fn new(mut latencies: Vec<i64>, wall: Duration, cpu: Cpu, crypto: f64) -> Self {
        latencies.sort_unstable();
        let at = |percent: usize| percentile(&latencies, percent);
        let tokens = latencies.len() as f64;
        Self {
            tokens_per_second: tokens / wall.as_secs_f64(),
            writ_cpu: cpu.writ / tokens,
            postgres_cpu: cpu.postgres.map(|used| used / tokens),
            crypto,
            p50: at(50),
            p99: at(99),
        }
    }

    fn share(&self) -> f64 {
        self.crypto / self.writ_cpu
    }
}

impl Report {
    pub fn new(database: &str) -> Self {
        Self {
            database: database_name(database),
            ..Self::default()
        }
    }

    pub fn start(&mut self, ready_after: Duration, resident_kib: u64) {
        self.starts.push(ready_after);
        self.resident_kib.push(resident_kib);
    }

    pub fn statements(&mut self, grant: MeasuredGrant, each: f64) {
        self.statements.push((grant, each));
    }

    pub fn add(&mut self, grant: MeasuredGrant, connections: usize, sample: Sample) -> Outcome<()> {
        let line = row(grant, connections, &[&sample]);
        self.samples.push((grant, connections, sample));
        say(&line)
    }

    /// The medians.
    pub fn end(&mut self) -> Outcome<()> {
        say(&format!("\n{}, medians:\n{HEADER}", self.database))?;
        let mut kinds: Vec<(MeasuredGrant, usize)> = Vec::new();
        for (grant, connections, _) in &self.samples {
            if !kinds.contains(&(*grant, *connections)) {
                kinds.push((*grant, *connections));
            }
        }
        for kind in kinds {
            let of_kind = self.samples.iter().filter(|(g, c, _)| (*g, *c) == kind);
            let samples: Vec<&Sample> = of_kind.map(|(_, _, sample)| sample).collect();
            say(&row(kind.0, kind.1, &samples))?;
        }
        for (grant, each) in &self.statements {
            say(&format!(
                "{}: {each:.1} statements per token, and begin and commit",
                grant.name()
            ))?;
        }
        self.starts.sort_unstable();
        self.resident_kib.sort_unstable();
        let middle = self.starts.len() / 2;
        let start = self.starts.get(middle).copied().unwrap_or_default();
        let resident = self.resident_kib.get(middle).copied().unwrap_or_default();
        say(&format!(
            "start to ready {} ms, idle memory {:.1} MiB",
            start.as_millis(),
            resident as f64 / 1024.0
        ))
    }
}

pub fn database_name(database: &str) -> &'static str {
    if database == "sqlite" {
        "SQLite"
    } else {
        "PostgreSQL"
    }
}

fn row(grant: MeasuredGrant, connections: usize, samples: &[&Sample]) -> String {
    let of = |value: &dyn Fn(&Sample) -> f64| median(samples.iter().map(|s| value(s)).collect());
    let postgres = samples
        .iter()
        .all(|s| s.postgres_cpu.is_some())
        .then(|| format!("{:.0}", of(&|s| s.postgres_cpu.unwrap_or_default())));
    format!(
        "| {:18} | {connections:2} | {:6.0} | {:5.0} | {:>5} | {:4.0} | {:4.1} % | {:6.2} | {:6.2} |",
        grant.name(),
        of(&|s| s.tokens_per_second),
        of(&|s| s.writ_cpu),
        postgres.as_deref().unwrap_or("-"),
        of(&|s| s.crypto),
        of(&|s| s.share()) * 100.0,
        of(&|s| s.p50 as f64) / 1000.0,
        of(&|s| s.p99 as f64) / 1000.0,
    )
}

/// Of sorted values.
pub fn percentile(sorted: &[i64], percent: usize) -> i64 {
    let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(place).copied().unwrap_or_default()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

pub fn say(line: &str) -> Outcome<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

const HEADER: &str = "| grant | connections | tokens/s | CPU of writ, us | CPU of PostgreSQL, us | bare crypto, us | share | p50 ms | p99 ms |
|---|---|---|---|---|---|---|---|---|";
