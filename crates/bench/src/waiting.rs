//! `waiting`: what requests that wait for a person cost while nothing happens, and how long it takes from an approval to its
//! token by each way of delivery (CIBA 10.1 to 10.3; docs/benchmarks.md).

pub mod asker;
mod delivery;
mod interval;
pub mod participants;
pub mod person;
mod quiet;
mod receiver;

use crate::Outcome;
use crate::arguments::Arguments;
use crate::database::TemporaryDatabase;
use crate::report::{database_name, say};
use crate::server::{Logging, Server, ServerSettings};

use participants::Participants;
use quiet::Quiet;
use receiver::NotificationReceiver;

/// Above what is asked here, so that the budgets of people do not end the measurement.
const PROMPTS: &str = "1000000";

pub fn run(arguments: &Arguments) -> Outcome<()> {
    let mut receiver = NotificationReceiver::start()?;
    let place = TemporaryDatabase::make(&arguments.database)?;
    let mut settings = ServerSettings::new(&place)?;
    settings.environment = environment(&receiver);
    let cast = Participants::register(&settings, &receiver)?;
    say(&format!(
        "{}, {} requests, {} long polls, {} s",
        database_name(&arguments.database),
        arguments.requests,
        arguments.polls,
        arguments.seconds
    ))?;
    rest(&settings, arguments, &cast)?;
    let server = Server::start(&settings, Logging::Usual)?;
    delivery::measure(&server, &cast, &mut receiver, arguments)
}

/// Once with the usual log; then what is still waiting, in a process that writes a line for each statement.
fn rest(settings: &ServerSettings<'_>, arguments: &Arguments, cast: &Participants) -> Outcome<()> {
    let waiting = {
        let server = Server::start(settings, Logging::Usual)?;
        let quiet = Quiet::new(&server, settings.place, arguments)?;
        quiet.spent(cast)?
    };
    let server = Server::start(settings, Logging::Statements)?;
    let quiet = Quiet::new(&server, settings.place, arguments)?;
    quiet.counted(cast, &waiting)
}

fn environment(receiver: &NotificationReceiver) -> Vec<(&'static str, String)> {
    let mut environment: Vec<_> = [
        "WRIT__PROMPTS__PER_PERSON",
        "WRIT__PROMPTS__PER_AGENT",
        "WRIT__PROMPTS__PER_PAIR",
        "WRIT__PROMPTS__OPEN_PER_PAIR",
    ]
    .map(|name| (name, PROMPTS.to_owned()))
    .to_vec();
    environment.push(("WRIT__OUTBOUND__TRUSTED", receiver.origin.clone()));
    environment
}
