//! The command line: `writ init | serve | demo | migrate | check | user | client | agent | resource | mcp | gate | type | task | issuer | key | mail | audit | token`.

mod accounts;
mod admin;
mod archive;
mod audit;
mod by_clock;
mod check;
mod desk;
#[cfg(test)]
mod documented;
mod gate;
mod init;
mod inspect;
mod invite;
mod issuer;
mod json_file;
mod keys;
mod log;
mod log_queue;
mod mail;
mod mcp;
mod operators;
mod passkeys;
mod password;
mod registered;
mod roles;
mod serve;
mod signals;
mod start_line;
mod suspend;
mod system_user;
mod terminal;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use writ_authority::letters::is_hidden;
use writ_server::config::LogFormat;

#[cfg(feature = "demo")]
pub use desk::app as app_of;
#[cfg(feature = "demo")]
pub use mcp::{ServedResource, document as mcp_document, tools_of as mcp_tools};
#[cfg(feature = "demo")]
pub use serve::{Running, interrupted, serve_on};
#[cfg(feature = "demo")]
pub use system_user::operator;
#[cfg(feature = "demo")]
pub use terminal::KeyInput;

/// An OAuth 2.1 authorization server for agents that act for people.
#[derive(Parser)]
#[command(name = "writ", version)]
struct Cli {
    #[command(flatten)]
    configured: Configured,
    #[command(subcommand)]
    command: Command,
}

/// Where the configuration is.
#[derive(Args, Clone, Debug, Default)]
pub struct Configured {
    /// The configuration file; each key can also come from the environment, as WRIT__SERVER__LISTEN
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Set up a folder: configuration, master key, types, database, a first person and samples
    Init(init::InitArguments),
    /// Run the server
    Serve,
    #[cfg(feature = "demo")]
    /// Watch a person decide what an MCP client deletes and what agents pay, and stop them; all on loopback
    Demo(crate::demo::DemoArguments),
    /// Bring the database to this version
    Migrate,
    /// Explain every problem of the configuration at once
    Check,
    /// People
    #[command(subcommand)]
    User(admin::UserCommand),
    /// Plain clients
    #[command(subcommand)]
    Client(admin::ClientCommand),
    /// Agents
    #[command(subcommand)]
    Agent(admin::AgentCommand),
    /// Protected resources
    #[command(subcommand)]
    Resource(admin::ResourceCommand),
    /// MCP servers: their tools as actions of a resource
    #[command(subcommand)]
    Mcp(mcp::McpCommand),
    /// Stand before an MCP server that nobody can change
    Gate(gate::GateArguments),
    /// Types of authorization_details
    #[command(subcommand)]
    Type(inspect::TypeCommand),
    /// Tasks: what is approved, and stopping it
    #[command(subcommand)]
    Task(inspect::TaskCommand),
    /// The URL of this server, and its change
    #[command(subcommand)]
    Issuer(issuer::IssuerCommand),
    /// Signing keys
    #[command(subcommand)]
    Key(keys::KeyCommand),
    /// The mail server
    #[command(subcommand)]
    Mail(mail::MailCommand),
    /// The record
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Tokens
    #[command(subcommand)]
    Token(inspect::TokenCommand),
}

/// The result of a command; an error is a sentence for the operator.
pub type Outcome = Result<(), String>;

pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if logs_to_stderr(&cli.command)
        && let Err(sentence) = log::to_stderr(LogFormat::Text)
    {
        return fail(&sentence);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("the runtime does not start: {error}")),
    };
    let outcome = runtime.block_on(run(cli.command, &cli.configured));
    // Whatever is under way on its threads is not waited for.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => fail(&sentence),
    }
}

/// A server's configuration says how its log looks, and a demo is there to be read.
const fn logs_to_stderr(command: &Command) -> bool {
    match command {
        Command::Serve => false,
        #[cfg(feature = "demo")]
        Command::Demo(arguments) => arguments.log,
        _ => true,
    }
}

async fn run(command: Command, configured: &Configured) -> Outcome {
    match command {
        Command::Init(arguments) => init::init(arguments, configured).await,
        Command::Serve => serve::serve(configured).await,
        // Its configuration is its own: a fresh database on loopback.
        #[cfg(feature = "demo")]
        Command::Demo(arguments) => crate::demo::run(arguments).await,
        Command::Migrate => admin::migrate(configured).await,
        Command::Check => check::check(configured).await,
        Command::User(command) => admin::user(command, configured).await,
        Command::Client(command) => admin::client(command, configured).await,
        Command::Agent(command) => admin::agent(command, configured).await,
        Command::Resource(command) => admin::resource(command, configured).await,
        Command::Mcp(command) => mcp::mcp(command).await,
        Command::Gate(arguments) => gate::gate(arguments).await,
        Command::Type(command) => inspect::types(command, configured).await,
        Command::Task(command) => inspect::task(command, configured).await,
        Command::Issuer(command) => issuer::issuer(command, configured).await,
        Command::Key(command) => keys::key(command, configured).await,
        Command::Mail(command) => mail::mail(command, configured).await,
        Command::Audit(command) => audit::audit(command, configured).await,
        Command::Token(command) => inspect::token(command, configured).await,
    }
}

/// So long a last word waits for somebody to read it.
const SAID_WITHIN: Duration = Duration::from_secs(2);

/// Prints one line on standard output; a closed pipe is no error.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{}", visible(line));
}

/// What others chose, such as a tool's name, and a terminal would hide or obey is escaped, as JSON has it.
fn visible(line: &str) -> Cow<'_, str> {
    let is_obeyed = |c: char| c != '\n' && is_hidden(c);
    if !line.contains(is_obeyed) {
        return line.into();
    }
    let mut shown = String::with_capacity(line.len() * 2);
    for c in line.chars() {
        match is_obeyed(c) {
            true => {
                let mut units = [0; 2];
                let units = c.encode_utf16(&mut units).iter();
                shown.extend(units.map(|unit| format!("\\u{unit:04x}")));
            }
            false => shown.push(c),
        }
    }
    shown.into()
}

/// What the operator should know of a command that did what it was told; on standard error, because programs read the other.
pub fn note(sentence: &str) {
    tell(&format!("note: {sentence}"));
}

/// Prints indented JSON.
pub fn say_json<T: serde::Serialize>(value: &T) -> Outcome {
    say(&serde_json::to_string_pretty(value).map_err(|e| e.to_string())?);
    Ok(())
}

/// The environment variables, of which the configuration reads those with its prefix.
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn fail(sentence: &str) -> ExitCode {
    tell(sentence);
    ExitCode::FAILURE
}

/// Goes on after a while also where nobody reads what is said.
fn tell(sentence: &str) {
    let line = format!("writ: {}\n", visible(sentence));
    log_queue::write_within(std::io::stderr(), line, SAID_WITHIN);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A string of JSON is the same one to whoever reads it.
    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        for (text, shown) in [
            ("rm \u{1b}[2J", "rm \\u001b[2J"),
            ("\u{9b}2J\u{7f}", "\\u009b2J\\u007f"),
            ("a\u{202e}b\u{200b}", "a\\u202eb\\u200b"),
            ("\u{e0041}", "\\udb40\\udc41"),
            ("line\nof Łódź – न्त ‘x’", "line\nof Łódź – न्त ‘x’"),
        ] {
            assert_eq!(visible(text), shown);
            if text.contains('\n') {
                continue;
            }
            let read: String = serde_json::from_str(&format!("\"{shown}\"")).unwrap();
            assert_eq!(read, text);
        }
    }
}
