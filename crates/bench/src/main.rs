//! `cargo run --release -p writ-bench -- [waiting|growth|pages|sweep|decisions] [sqlite|postgres:URL] [--seconds N]` and more (docs/benchmarks.md).
//! The real binary `writ serve` on loopback, driven over keep-alive HTTP/1.1 with requests that were signed before.

mod agent;
mod arguments;
mod database;
mod decisions;
mod growth;
mod load;
mod pages;
mod process;
mod report;
mod request;
mod scene;
mod server;
mod sweep;
mod waiting;

use std::io::Write;
use std::process::ExitCode;

use arguments::{Arguments, Measured};
use report::{Report, Sample};
use scene::{MeasuredGrant, Scene};
use server::{Logging, Server};
use writ_platform::Clock;

/// Any error ends the run, and with it the server.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Requests before each measurement, so that caches are filled and files have their size.
const WARMING: usize = 200;
/// Requests whose statements are counted.
const COUNTED: usize = 50;
const CONNECTIONS: [usize; 2] = [1, 16];
const STARTS: usize = 5;

fn main() -> ExitCode {
    match Arguments::read().and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "writ-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Outcome<()> {
    server::build()?;
    match arguments.measured {
        Measured::Tokens => tokens(arguments),
        Measured::Waiting => waiting::run(arguments),
        Measured::Growth => growth::run(arguments),
        Measured::Sweep => sweep::run(arguments),
        Measured::Pages => pages::run(arguments),
        Measured::Decisions => decisions::run(arguments),
    }
}

fn tokens(arguments: &Arguments) -> Outcome<()> {
    let place = database::TemporaryDatabase::make(&arguments.database)?;
    let mut report = Report::new(&arguments.database);
    let settings = server::ServerSettings::new(&place)?;
    settings.register()?;
    for _ in 0..STARTS {
        let server = Server::start(&settings, Logging::Usual)?;
        report.start(server.ready_after, process::resident_kib(server.id())?);
    }
    statements(&settings, &mut report)?;
    for _ in 0..arguments.runs {
        for grant in MeasuredGrant::ALL {
            for connections in CONNECTIONS {
                let sample = measure(&settings, arguments, grant, connections)?;
                report.add(grant, connections, sample)?;
            }
        }
    }
    report.end()
}

/// A separate run, because logging each statement costs time.
fn statements(settings: &server::ServerSettings<'_>, report: &mut Report) -> Outcome<()> {
    let server = Server::start(settings, Logging::Statements)?;
    let scene = Scene::open(settings, &server)?;
    for grant in MeasuredGrant::ALL {
        load::drive(&server, scene.requests(grant, COUNTED)?, 1, u64::MAX)?;
        let before = server.logged_statements()?;
        load::drive(&server, scene.requests(grant, COUNTED)?, 1, u64::MAX)?;
        let counted = server.logged_statements()? - before;
        report.statements(grant, counted as f64 / COUNTED as f64);
    }
    Ok(())
}

/// Measures one fresh process after some warm-up requests; every token must have its audit event.
fn measure(
    settings: &server::ServerSettings<'_>,
    arguments: &Arguments,
    grant: MeasuredGrant,
    connections: usize,
) -> Outcome<Sample> {
    let server = Server::start(settings, Logging::Usual)?;
    let scene = Scene::open(settings, &server)?;
    let limit = arguments.seconds.saturating_mul(1_000_000);
    load::drive(&server, scene.requests(grant, WARMING)?, connections, limit)?;
    let requests = scene.requests(grant, arguments.tokens)?;
    let crypto_before = agent::bare_crypto(grant)?;
    let events_before = settings.events(grant)?;
    let before = process::Cpu::of(server.id(), settings.place)?;
    let started = Clock::System.now();
    let latencies = load::drive(&server, requests, connections, limit)?;
    let wall = started.until(Clock::System.now());
    let cpu = process::Cpu::of(server.id(), settings.place)?.since(&before);
    let crypto = (crypto_before + agent::bare_crypto(grant)?) / 2.0;
    let events = settings.events(grant)? - events_before;
    if events != latencies.len() {
        let tokens = latencies.len();
        return Err(format!("{tokens} tokens were issued and {events} events were written").into());
    }
    Ok(Sample::new(latencies, wall, cpu, crypto))
}
