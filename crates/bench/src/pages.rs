//! `pages`: what each page costs of a person with many tasks and events (docs/benchmarks.md): time, CPU, bytes, and memory above that of the
//! idle process. The rows are copies that the database makes itself.

use writ_platform::Random;

use crate::Outcome;
use crate::arguments::Arguments;
use crate::database::TemporaryDatabase;
use crate::growth::fill::{Fill, RowCounts};
use crate::growth::{Times, accepted, timed};
use crate::process::{Cpu, resident_kib};
use crate::report::{database_name, say};
use crate::scene::Scene;
use crate::server::{Logging, Server, ServerSettings};
use crate::waiting::person::PersonBrowser;

/// Requests of a page before those that are measured, and these.
const WARMING: usize = 5;
const MEASURED: usize = 50;
/// More than that is too much.
const AIM_MS: f64 = 200.0;
const AIM_MIB: f64 = 64.0;

/// Pages, and the links from them to the second pages of their lists.
const PAGES: [(&str, Option<&str>); 5] = [
    ("/app", None),
    ("/app/agents", Some("/app/agents?after=")),
    ("/app/activity", Some("/app/activity?before=")),
    ("/app/settings", None),
    ("/app/devices", None),
];

pub fn run(arguments: &Arguments) -> Outcome<()> {
    let place = TemporaryDatabase::make(&arguments.database)?;
    let (settings, password) = (ServerSettings::new(&place)?, Random::System.secret());
    settings.register_with(&password)?;
    // A task, a delegation and an event, as the server writes them.
    let writing = Server::start(&settings, Logging::Usual)?;
    Scene::open(&settings, &writing)?;
    drop(writing);
    let mut fill = Fill::new(&place);
    fill.up_to(RowCounts {
        of_alice: arguments.busy,
        ..RowCounts::default()
    })?;
    fill.events_of_alice(arguments.events)?;
    let server = Server::start(&settings, Logging::Usual)?;
    let idle = resident_kib(server.id())?;
    let mut pages = MeasuredPages {
        alice: PersonBrowser::log_in(&server, &password)?,
        place: &place,
        server: &server,
        idle,
    };
    say(&format!(
        "{}, a person with {} live tasks and {} events; {} MiB idle, {:.1} more after the login\n{HEADER}",
        database_name(&arguments.database),
        arguments.busy,
        arguments.events,
        idle / 1024,
        pages.above_idle()?
    ))?;
    for (path, next) in PAGES {
        let first = pages.measure(path)?;
        let link = next.and_then(|next| link(&first, next));
        if let Some(link) = link {
            pages.measure(&link)?;
        }
    }
    Ok(())
}

struct MeasuredPages<'a> {
    alice: PersonBrowser<'a>,
    place: &'a TemporaryDatabase,
    server: &'a Server,
    /// Resident, in KiB.
    idle: u64,
}

impl MeasuredPages<'_> {
    /// Says what it costs; its text.
    fn measure(&mut self, path: &str) -> Outcome<String> {
        for _ in 0..WARMING {
            accepted(&self.alice.get(path)?)?;
        }
        let before = Cpu::of(self.server.id(), self.place)?;
        let (mut times, mut body) = (Vec::new(), Vec::new());
        for _ in 0..MEASURED {
            let (answer, took) = timed(|| self.alice.get(path))?;
            accepted(&answer)?;
            times.push(took);
            body = answer.body;
        }
        let cpu = Cpu::of(self.server.id(), self.place)?.since(&before);
        let worst = times.iter().max().copied().unwrap_or_default() as f64 / 1000.0;
        let times = Times::of(times)?;
        let mark = |missed: bool| if missed { " (missed)" } else { "" };
        let each = |used: f64| format!("{:.1}", used / 1000.0 / MEASURED as f64);
        let above = self.above_idle()?;
        say(&format!(
            "| {} | {} | {}{} | {worst:.0} | {} | {} | {above:.1}{} |",
            path.split_once('=').map_or(path, |(path, _)| path),
            body.len(),
            times.text(),
            mark(times.median as f64 / 1000.0 > AIM_MS),
            each(cpu.writ),
            cpu.postgres.map_or_else(|| "-".to_owned(), each),
            mark(above > AIM_MIB),
        ))?;
        Ok(String::from_utf8(body)?)
    }

    /// In MiB.
    fn above_idle(&self) -> Outcome<f64> {
        let now = resident_kib(self.server.id())?;
        Ok(now.saturating_sub(self.idle) as f64 / 1024.0)
    }
}

/// The first link of a page that begins so.
fn link(page: &str, begins: &str) -> Option<String> {
    let (_, rest) = page.split_once(&format!("href=\"{begins}"))?;
    Some(format!("{begins}{}", rest.split('"').next()?))
}

const HEADER: &str = "| page | bytes | least / median ms | worst ms | CPU of writ, ms | CPU of PostgreSQL, ms | resident above idle, MiB |
|---|---|---|---|---|---|---|";
