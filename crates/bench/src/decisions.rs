//! `decisions`: what a resource server waits for (docs/decisions.md, docs/access-requests.md): evaluations with and without a key and a
//! budget, at full and at half load, and the way from a person's yes to the permit.

mod resource_server;
mod tap;

use serde_json::{Value, json};
use writ_platform::{Clock, Random};

use crate::Outcome;
use crate::agent::BenchAgent;
use crate::arguments::Arguments;
use crate::database::TemporaryDatabase;
use crate::load;
use crate::process::Cpu;
use crate::report::{database_name, percentile, say};
use crate::scene::{BANK, OWNER, SCOPE};
use crate::server::{Logging, Server, ServerSettings};
use crate::waiting::asker::Asker;
use crate::waiting::participants::CIBA;

use resource_server::ResourceServer;

const CONNECTIONS: usize = 16;
/// Requests before each measurement.
const WARMING: usize = 200;
/// More than is spent here.
const CALLS: u32 = 1_000_000;
/// Above what is asked here, so that budgets of people do not end the measurement.
const PROMPTS: [&str; 6] = [
    "WRIT__PROMPTS__PER_PERSON",
    "WRIT__PROMPTS__PER_AGENT",
    "WRIT__PROMPTS__PER_PAIR",
    "WRIT__PROMPTS__OPEN_PER_PAIR",
    "WRIT__PROMPTS__PER_RESOURCE",
    "WRIT__PROMPTS__OPEN_PER_RESOURCE",
];

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum MeasuredDecision {
    /// What would be decided.
    Look,
    /// By a key: recorded, with its event.
    Keyed,
    /// By a key, and all of them take from one budget.
    Spent,
}

impl MeasuredDecision {
    const ALL: [Self; 3] = [Self::Look, Self::Keyed, Self::Spent];

    const fn name(self) -> &'static str {
        match self {
            Self::Look => "looked at",
            Self::Keyed => "by a key",
            Self::Spent => "by a key, from one budget",
        }
    }

    fn action(self) -> (&'static str, Value) {
        match self {
            Self::Look | Self::Keyed => ("show_account", json!({ "name": "Savings" })),
            Self::Spent => (
                "mcp_tool_call",
                json!({ "server": BANK, "tool": "read_statement", "calls": 1 }),
            ),
        }
    }
}

/// Who plays.
pub struct DecisionCast {
    pub agent: BenchAgent,
    /// Of the bank's client.
    secret: String,
    pub password: String,
}

pub fn run(arguments: &Arguments) -> Outcome<()> {
    let place = TemporaryDatabase::make(&arguments.database)?;
    let mut settings = ServerSettings::new(&place)?;
    let most = CALLS.to_string();
    settings.environment = PROMPTS.map(|name| (name, most.clone())).to_vec();
    let cast = register(&settings)?;
    say(&format!("{}\n{HEADER}", database_name(&arguments.database)))?;
    for asked in MeasuredDecision::ALL {
        measure(&settings, arguments, &cast, asked)?;
    }
    let server = Server::start(&settings, Logging::Usual)?;
    tap::measure(&server, &cast, arguments)
}

fn register(settings: &ServerSettings<'_>) -> Outcome<DecisionCast> {
    let (agent, password) = (BenchAgent::make("agt_polling")?, Random::System.secret());
    settings.add_person(OWNER, &password)?;
    let client = json!({
        "client_id": "bank-api", "client_name": "Bank", "profile": "oauth21", "grant_types": [],
        "token_endpoint_auth_method": "client_secret_basic"
    });
    let shown = settings.add_shown("client", &client)?;
    let secret = shown.get("client_secret").and_then(Value::as_str);
    let secret = secret.ok_or("no secret was made")?.to_owned();
    settings.add("resource", &json!({
        "resource": BANK, "name": "Bank", "scopes": [SCOPE], "client_id": "bank-api",
        "verifies_proofs": true, "authorization_details_types": ["mcp_tool_call"],
        "actions": {
            "show_account": { "scope": SCOPE, "says": { "en": "show the account {/name}" } },
            "close_account": { "scope": SCOPE, "ask": true, "says": { "en": "close the account {/name}" } }
        }
    }))?;
    settings.add("agent", &json!({
        "client_id": agent.id, "client_name": agent.id, "profile": "agent",
        "jwks": { "keys": [agent.registered.jwk] }, "grant_types": [CIBA, "client_credentials"],
        "agent": { "owner": OWNER, "sponsor": OWNER, "publisher": "Acme", "may_ask": [OWNER], "ceiling": {
            "scopes": [{ "resource": BANK, "scope": SCOPE }],
            "authorization_details": [tool_calls()], "lifetime": 7200
        } }
    }))?;
    Ok(DecisionCast {
        agent,
        secret,
        password,
    })
}

fn tool_calls() -> Value {
    json!({ "type": "mcp_tool_call", "server": BANK, "tool": "read_statement", "calls": CALLS })
}

/// Full load first; then half as many each second, where each has its time. Each decision by a key must be on record.
fn measure(
    settings: &ServerSettings<'_>,
    arguments: &Arguments,
    cast: &DecisionCast,
    asked: MeasuredDecision,
) -> Outcome<()> {
    let server = Server::start(settings, Logging::Usual)?;
    let token = Asker::connect(&server, &cast.agent)?.own_token(&json!([tool_calls()]))?;
    let bank = ResourceServer::new(&server, &cast.secret, &token)?;
    let requests = |count: usize| -> Vec<Vec<u8>> {
        let each = (0..count).map(|_| bank.evaluation(asked.action(), asked));
        each.collect()
    };
    let limit = arguments.seconds.saturating_mul(1_000_000);
    let earlier = recorded(settings)?;
    let mut answered = load::drive(&server, requests(WARMING), CONNECTIONS, limit)?.len();
    let full = requests(arguments.tokens);
    let before = Cpu::of(server.id(), settings.place)?;
    let started = Clock::System.now();
    let decided = load::drive(&server, full, CONNECTIONS, limit)?.len();
    let seconds = started.until(Clock::System.now()).as_secs_f64();
    let cpu = Cpu::of(server.id(), settings.place)?.since(&before);
    let per_second = decided as f64 / seconds;
    let half = ((per_second / 2.0) as u64).max(1);
    let count = usize::try_from(half * arguments.seconds)?.min(arguments.tokens);
    let mut latencies = load::drive_steadily(&server, &requests(count), CONNECTIONS, half)?;
    latencies.sort_unstable();
    answered += decided + latencies.len();
    if asked != MeasuredDecision::Look && recorded(settings)? - earlier != answered {
        return Err(format!("{answered} were decided, and others are on record").into());
    }
    let at = |percent| percentile(&latencies, percent) as f64 / 1000.0;
    let each = |used: f64| format!("{:.0}", used / decided as f64);
    say(&format!(
        "| {} | {per_second:.0} | {} | {} | {half} | {:.1} | {:.1} |",
        asked.name(),
        each(cpu.writ),
        cpu.postgres.map_or_else(|| "-".to_owned(), each),
        at(50),
        at(99)
    ))
}

fn recorded(settings: &ServerSettings<'_>) -> Outcome<usize> {
    Ok(settings
        .place
        .query("SELECT COUNT(*) FROM decisions")?
        .parse()?)
}

const HEADER: &str = "| evaluations | each second, 16 connections | CPU of writ, us | CPU of PostgreSQL, us | half load, each second | p50 ms | p99 ms |
|---|---|---|---|---|---|---|";
