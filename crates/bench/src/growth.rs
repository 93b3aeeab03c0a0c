//! What growth costs: each endpoint and page with few rows and with many, and the stop of an agent that has many tasks for one person.
//! The rows are copies that the database makes itself: of a task, a delegation and an event that the server wrote.

pub mod fill;

use std::io::Write;
use std::net::TcpStream;

use serde_json::json;
use writ_platform::{Clock, Random};

use crate::Outcome;
use crate::agent::BenchAgent;
use crate::arguments::Arguments;
use crate::database::TemporaryDatabase;
use crate::load::{self, Message};
use crate::request::SignedPost;
use crate::scene::{BANK, MeasuredGrant, SCOPE, Scene};
use crate::server::{Logging, Server, ServerSettings};
use crate::waiting::person::PersonBrowser;

use fill::{Fill, RowCounts};

/// Requests before each measurement, and those that are measured.
const WARMING: usize = 20;
const MEASURED: usize = 200;
/// Resources while there is little.
const FEW_RESOURCES: usize = 10;
/// The person's tasks while there is little: more than any page reads of them, so that both times whole pages are made.
const FEW_OF_ALICE: usize = 300;
/// More than that is too much (docs/benchmarks.md).
const AIM: f64 = 1.25;
const REDIRECT: &str = "https://app.example/callback";
const STOP: &str = "id=\"agent-stop-agt_planner\"";

/// Times by what was measured.
type Measured = Vec<(&'static str, Times)>;

/// Of several requests, in microseconds.
#[derive(Clone, Copy)]
pub struct Times {
    least: i64,
    pub median: i64,
}

pub fn run(arguments: &Arguments) -> Outcome<()> {
    let place = TemporaryDatabase::make(&arguments.database)?;
    let settings = ServerSettings::new(&place)?;
    let (password, app) = (Random::System.secret(), BenchAgent::make("app")?);
    settings.register_with(&password)?;
    settings.add("client", &registration(&app))?;
    let growth = Growth {
        settings: &settings,
        password: &password,
        app: &app,
    };
    growth.write_templates()?;
    let mut fill = Fill::new(&place);
    fill.up_to(RowCounts {
        rows: arguments.few,
        of_alice: FEW_OF_ALICE,
        resources: FEW_RESOURCES,
    })?;
    let few = growth.measure()?;
    fill.up_to(RowCounts {
        rows: arguments.many,
        of_alice: arguments.busy,
        resources: arguments.resources,
    })?;
    let many = growth.measure()?;
    say(&format!(
        "| what | {} rows, least / median ms | {} rows, least / median ms | ratio of each |\n|---|---|---|---|",
        arguments.few, arguments.many
    ))?;
    for ((name, before), (_, after)) in few.iter().zip(&many) {
        let ratio = |of: fn(&Times) -> i64| of(after) as f64 / of(before).max(1) as f64;
        let (least, median) = (ratio(|times| times.least), ratio(|times| times.median));
        // What other work on the machine adds is not in the least.
        let mark = if least.min(median) > AIM {
            " (missed)"
        } else {
            ""
        };
        say(&format!(
            "| {name} | {} | {} | {least:.2} / {median:.2}{mark} |",
            before.text(),
            after.text()
        ))?;
    }
    fill.up_to(RowCounts {
        rows: arguments.many,
        of_alice: arguments.below,
        resources: arguments.resources,
    })?;
    let took = growth.stop()?;
    say(&format!(
        "\nstop of an agent with {} live tasks of one person, from the press to the page after it: {:.2} s",
        arguments.below,
        took as f64 / 1_000_000.0
    ))
}

struct Growth<'a> {
    settings: &'a ServerSettings<'a>,
    password: &'a str,
    app: &'a BenchAgent,
}

impl Growth<'_> {
    /// A task, a delegation and an event, as the server writes them.
    fn write_templates(&self) -> Outcome<()> {
        let server = Server::start(self.settings, Logging::Usual)?;
        Scene::open(self.settings, &server).map(drop)
    }

    /// In a fresh process each time.
    fn measure(&self) -> Outcome<Measured> {
        let server = Server::start(self.settings, Logging::Usual)?;
        let mut measured = Vec::new();
        for (name, path) in [
            ("metadata", "/.well-known/oauth-authorization-server"),
            ("keys", "/jwks"),
        ] {
            let get = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", server.address);
            let requests = std::iter::repeat_with(|| Ok(get.clone().into_bytes()));
            measured.push((name, times(&server, requests)?));
        }
        let scene = Scene::open(self.settings, &server)?;
        let nonce = scene.nonce();
        let pushed = std::iter::repeat_with(|| self.pushed(&server, nonce));
        measured.push(("pushed request", times(&server, pushed)?));
        for grant in MeasuredGrant::ALL {
            let requests = scene.requests(grant, WARMING + MEASURED)?.into_iter();
            measured.push((grant.name(), times(&server, requests.map(Ok))?));
        }
        let mut alice = PersonBrowser::log_in(&server, self.password)?;
        for (name, path) in [
            ("inbox", "/app"),
            ("my agents", "/app/agents"),
            ("activity", "/app/activity"),
            ("settings", "/app/settings"),
        ] {
            let mut times = Vec::new();
            for place in 0..WARMING + MEASURED {
                let (answer, took) = timed(|| alice.get(path))?;
                accepted(&answer)?;
                if place >= WARMING {
                    times.push(took);
                }
            }
            measured.push((name, Times::of(times)?));
        }
        Ok(measured)
    }

    fn pushed(&self, server: &Server, nonce: &str) -> Outcome<Vec<u8>> {
        let post = SignedPost {
            agent: self.app,
            server,
            path: "/par",
            nonce,
        };
        let form = [
            ("response_type", "code"),
            ("client_id", "app"),
            ("redirect_uri", REDIRECT),
            ("scope", SCOPE),
            ("resource", BANK),
            ("state", "a state that nobody guesses"),
            (
                "code_challenge",
                "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            ),
            ("code_challenge_method", "S256"),
        ];
        let form = form.map(|(name, value)| (name, value.to_owned()));
        post.bytes(form.to_vec(), "")
    }

    /// Microseconds from the press to the page after it.
    fn stop(&self) -> Outcome<i64> {
        let server = Server::start(self.settings, Logging::Usual)?;
        let mut alice = PersonBrowser::log_in(&server, self.password)?;
        let (answer, took) = timed(|| alice.press("/app/agents", STOP))?;
        accepted(&answer)?;
        let page = String::from_utf8_lossy(&answer.body).into_owned();
        match page.contains(STOP) {
            true => Err("the agent is not stopped".into()),
            false => Ok(took),
        }
    }
}

fn registration(app: &BenchAgent) -> serde_json::Value {
    json!({
        "client_id": app.id, "client_name": "App", "profile": "oauth21",
        "jwks": { "keys": [app.registered.jwk] }, "grant_types": ["authorization_code"],
        "redirect_uris": [REDIRECT], "scope": SCOPE,
        "token_endpoint_auth_method": "private_key_jwt", "dpop_bound_access_tokens": true
    })
}

/// Of requests one after the other over one connection, in microseconds.
fn times(server: &Server, requests: impl Iterator<Item = Outcome<Vec<u8>>>) -> Outcome<Times> {
    let mut stream = TcpStream::connect(server.address)?;
    let mut times = Vec::new();
    for (place, request) in requests.take(WARMING + MEASURED).enumerate() {
        let request = request?;
        let (answer, took) = timed(|| load::exchange(&mut stream, &request))?;
        accepted(&answer)?;
        if place >= WARMING {
            times.push(took);
        }
    }
    Times::of(times)
}

pub fn timed(act: impl FnOnce() -> Outcome<Message>) -> Outcome<(Message, i64)> {
    let started = Clock::System.now();
    let answer = act()?;
    Ok((answer, Clock::System.now().micros() - started.micros()))
}

pub fn accepted(answer: &Message) -> Outcome<()> {
    if matches!(answer.status(), Some(200 | 201)) {
        return Ok(());
    }
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    Err(format!("{}: {body}", answer.first).into())
}

impl Times {
    pub fn of(mut times: Vec<i64>) -> Outcome<Self> {
        times.sort_unstable();
        let (least, median) = (times.first(), times.get(times.len() / 2));
        let (least, median) = least.zip(median).ok_or("nothing was measured")?;
        Ok(Self {
            least: *least,
            median: *median,
        })
    }

    /// In milliseconds.
    pub fn text(self) -> String {
        let ms = |micros: i64| micros as f64 / 1000.0;
        format!("{:.2} / {:.2}", ms(self.least), ms(self.median))
    }
}

fn say(line: &str) -> Outcome<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
