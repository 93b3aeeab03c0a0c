//! What the sweep costs: tokens at a steady rate while nothing is over, for as long as none of their own rows is, then in a fresh database
//! while as much is over each second as tokens make.

use std::net::TcpStream;
use std::thread::park_timeout;
use std::time::Duration;

use writ_platform::Clock;

use crate::Outcome;
use crate::arguments::Arguments;
use crate::database::TemporaryDatabase;
use crate::load;
use crate::process::Cpu;
use crate::report::{database_name, percentile, say};
use crate::scene::Scene;
use crate::server::{Logging, Server, ServerSettings};

const CONNECTIONS: usize = 16;
const MICROS: i64 = 1_000_000;
const A_DAY: i64 = 24 * 3600 * MICROS;
/// When nothing is to be over, rows end so much later.
const MUCH_LATER: i64 = 30 * A_DAY;
/// Between the rows and the first request: the start of a process, and its first round.
const BEFORE: i64 = 5 * MICROS;
/// How long after the last request it is looked for what is left.
const AFTERWARDS: Duration = Duration::from_secs(5);
/// How long after its token a row of its own is over, in seconds: that of the assertion, that of the proof. From then on the rows of the
/// tokens themselves end, and no others stand for them.
const REPLAYS_KEPT: [(&str, u64); 2] = [("a", 270), ("b", 450)];
/// For so many seconds none of them is over, also not of what was signed beforehand.
const BEFORE_OWN_END: u64 = 240;
/// A scattered number for each row, as digests are.
const SCATTERED: &str = "((i * 2654435761) % 4294967296)";
/// The end of a filled row's digest.
const FILLED: &str = "Xq5Lr0Jv2mWb8TzYd3HsKc";
/// Neighbours in time are neighbours, as ids are.
const IN_ORDER: &str = "(10000000000 + i)";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// None of the rows is over during the run.
    Later,
    /// As many each second as the tokens of a second make.
    Now,
}

impl Ends {
    /// How long tokens are asked for.
    fn seconds(self, arguments: &Arguments) -> u64 {
        match self {
            Self::Later => arguments.seconds.min(BEFORE_OWN_END),
            Self::Now => arguments.seconds,
        }
    }
}

/// So many tokens each second, for so long.
#[derive(Clone, Copy)]
struct SteadyLoad {
    rate: u64,
    seconds: u64,
}

pub fn run(arguments: &Arguments) -> Outcome<()> {
    say(&format!("{}, {HEADER}", database_name(&arguments.database)))?;
    for ends in [Ends::Later, Ends::Now] {
        measure(arguments, ends)?;
    }
    Ok(())
}

fn measure(arguments: &Arguments, ends: Ends) -> Outcome<()> {
    let place = TemporaryDatabase::make(&arguments.database)?;
    let settings = ServerSettings::new(&place)?;
    settings.register()?;
    // As many rows for both, however long each lasts.
    fill(
        &place,
        ends,
        arguments.rate * arguments.seconds,
        arguments.rate,
    )?;
    let server = Server::start(&settings, Logging::Usual)?;
    let scene = Scene::without_chain(&settings, &server)?;
    let one = SteadyLoad {
        rate: 1,
        seconds: 1,
    };
    drive(&server, &scene, one)?;
    check_kept(&place)?;
    let before = Cpu::of(server.id(), &place)?;
    let steady = SteadyLoad {
        rate: arguments.rate,
        seconds: ends.seconds(arguments),
    };
    let waited = drive(&server, &scene, steady)?;
    let cpu = Cpu::of(server.id(), &place)?.since(&before);
    park_timeout(AFTERWARDS);
    let left = place.query(&left_over())?;
    if ends == Ends::Now {
        let compared = Ends::Later.seconds(arguments);
        let first = |wait: &&Wait| wait.place < steady.rate * compared;
        let mut first: Vec<i64> = waited
            .iter()
            .filter(first)
            .map(|wait| wait.micros)
            .collect();
        let times = times(&mut first);
        let rate = first.len() as u64 / compared;
        say(&format!(
            "| as much is over as comes, its first {compared} s | {rate} | | | {times} | |"
        ))?;
    }
    let mut all: Vec<i64> = waited.into_iter().map(|wait| wait.micros).collect();
    let each = |used: f64| used / all.len() as f64;
    let postgres = cpu
        .postgres
        .map_or("-".to_owned(), |used| format!("{:.0}", each(used)));
    let writ = each(cpu.writ);
    let rate = all.len() as u64 / steady.seconds;
    say(&format!(
        "| {}, {} s | {rate} | {writ:.0} | {postgres} | {} | {} |",
        match ends {
            Ends::Later => "nothing is over",
            Ends::Now => "as much is over as comes",
        },
        steady.seconds,
        times(&mut all),
        left.replace('|', " / "),
    ))
}

/// p50, p99 and the worst, in milliseconds.
fn times(latencies: &mut [i64]) -> String {
    latencies.sort_unstable();
    let at = |percent: usize| percentile(latencies, percent) as f64 / 1000.0;
    let worst = latencies.last().copied().unwrap_or_default() as f64 / 1000.0;
    format!("{:.1} | {:.1} | {worst:.0}", at(50), at(99))
}

/// The rows of the scene's first token end when [`REPLAYS_KEPT`] says: within the seconds since.
fn check_kept(place: &TemporaryDatabase) -> Outcome<()> {
    let now = Clock::System.now().micros();
    let found = place.query(&format!(
        "SELECT MIN(expires_at - {now}), MAX(expires_at - {now}) FROM replays WHERE digest NOT LIKE '%{FILLED}'"
    ))?;
    let ends = found.trim().split('|').map(str::parse);
    let ends = ends.collect::<Result<Vec<i64>, _>>()?;
    let expected = REPLAYS_KEPT.map(|(_, kept)| kept as i64 * MICROS);
    let is_near = |(end, expected): (&i64, &i64)| (0..30 * MICROS).contains(&(expected - end));
    match ends.len() == 2 && ends.iter().zip(&expected).all(is_near) {
        true => Ok(()),
        false => {
            Err(format!("replays end in {found} microseconds, not when REPLAYS_KEPT says").into())
        }
    }
}

/// Two replay rows, a task and a delegation for each token that there will be.
fn fill(place: &TemporaryDatabase, ends: Ends, count: u64, rate: u64) -> Outcome<()> {
    let start = Clock::System.now().micros() + BEFORE;
    let start = match ends {
        Ends::Now => start,
        Ends::Later => start + MUCH_LATER,
    };
    let step = MICROS / i64::try_from(rate)?;
    let numbers = format!(
        "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
    );
    let authority =
        "{\"scopes\":[{\"resource\":\"https://bank.example\",\"scope\":\"accounts:read\"}]}";
    let (soon, late) = (
        format!("{start} + i * {step}"),
        format!("{start} - {A_DAY} + i * {step}"),
    );
    for (kind, kept) in REPLAYS_KEPT {
        let until = kept * rate;
        place.query(&format!(
            "{numbers} INSERT INTO replays (tenant, digest, expires_at)
            SELECT 'default', '{kind}' || {SCATTERED} || '{FILLED}', {soon} FROM n WHERE i <= {until}"
        ))?;
    }
    place.query(&format!(
        "{numbers} INSERT INTO tasks (tenant, id, subject_kind, subject, client_id, authority,
            authority_version, salt, transaction_id, approval, created_at, expires_at)
        SELECT 'default', 'tsk_01kb0v5r2m6w9x' || {IN_ORDER}, 'client', 'agt_planner', 'agt_planner', '{authority}', 1,
            '{FILLED}', 'txn_01kb0v5r2m6w9x' || {IN_ORDER}, '{authority}', {late}, {late} FROM n"
    ))?;
    place.query(&format!(
        "{numbers} INSERT INTO delegations (tenant, id, task_id, path, holder, requested_by, authority,
            onward, jkt, created_at, expires_at)
        SELECT 'default', 'dlg_01kb0v5r2m6w9x' || {IN_ORDER}, 'tsk_01kb0v5r2m6w9x' || {IN_ORDER}, 'dlg_01kb0v5r2m6w9x' || {IN_ORDER}, 'agt_planner',
            'agt_planner', '{authority}', '[]', '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I', {late}, {late}
        FROM n"
    ))?;
    Ok(())
}

/// How many rows are over, and for how many seconds the oldest.
fn left_over() -> String {
    let now = Clock::System.now().micros();
    let (day, most) = (now - A_DAY, i64::MAX);
    format!(
        "SELECT (SELECT COUNT(*) FROM replays WHERE expires_at <= {now})
            + (SELECT COUNT(*) FROM tasks WHERE expires_at <= {day})
            + (SELECT COUNT(*) FROM delegations WHERE expires_at <= {day}),
        (SELECT MAX(a) / 1000000 FROM (SELECT 0 AS a
            UNION ALL SELECT {now} - COALESCE(MIN(expires_at), {most}) FROM replays
            UNION ALL SELECT {day} - COALESCE(MIN(expires_at), {most}) FROM tasks
            UNION ALL SELECT {day} - COALESCE(MIN(expires_at), {most}) FROM delegations) ages)"
    )
}

/// How long one request waited for its answer.
struct Wait {
    /// Which request of all, from 0.
    place: u64,
    micros: i64,
}

/// Each connection has its turn at fixed times, and a request counts from its time on, also when the one before it was late.
fn drive(server: &Server, scene: &Scene<'_>, steady: SteadyLoad) -> Outcome<Vec<Wait>> {
    let (rate, count) = (steady.rate, steady.rate * steady.seconds);
    let start = Clock::System.now().micros();
    let send = |first: u64| -> Result<Vec<Wait>, String> {
        let mut stream = TcpStream::connect(server.address).map_err(|e| e.to_string())?;
        let mut latencies = Vec::new();
        let mut nonce = scene.nonce().to_owned();
        for place in (first..count).step_by(CONNECTIONS) {
            let request = scene.credentials(&nonce).map_err(|e| e.to_string())?;
            let due = start + i64::try_from(place * 1_000_000 / rate).map_err(|e| e.to_string())?;
            load::wait_until(due);
            let answer = load::exchange(&mut stream, &request).map_err(|e| e.to_string())?;
            let micros = Clock::System.now().micros() - due;
            latencies.push(Wait { place, micros });
            if !answer.is_ok() {
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                return Err(format!("{}: {body}", answer.first));
            }
            if let Some(fresh) = answer.header("dpop-nonce") {
                fresh.clone_into(&mut nonce);
            }
        }
        Ok(latencies)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS as u64)
            .map(|first| scope.spawn(move || send(first)))
            .collect();
        let mut latencies = Vec::new();
        for thread in threads {
            latencies.extend(thread.join().map_err(|_| "a connection broke")??);
        }
        Ok(latencies)
    })
}

const HEADER: &str = "client_credentials at a steady rate:
| rows | tokens/s | CPU of writ, us | CPU of PostgreSQL, us | p50 ms | p99 ms | worst ms | over at the end: rows / seconds |
|---|---|---|---|---|---|---|---|";
