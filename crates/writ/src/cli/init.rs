//! `writ init`: a folder with everything that a server on this machine needs, a first person, and samples for a first token.

mod files;
mod samples;
mod staging;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::Args;
use writ_core::registration::check_user_name;

use super::password::Password;
use super::{Configured, Outcome, say, terminal};
pub use files::CONFIG;
use staging::Staging;

#[derive(Args)]
pub struct InitArguments {
    /// The folder to set up, made if it is missing; without it the current one
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Name of the first person, who is an admin of this server; asked on the terminal if it is left out
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    #[command(flatten)]
    password: Password,
}

/// The person whom `init` adds.
struct FirstUser {
    name: String,
    password: String,
}

pub async fn init(arguments: InitArguments, configured: &Configured) -> Outcome {
    if configured.config.is_some() {
        return Err(
            "`init` writes a configuration of its own: name a folder by `--dir`".to_owned(),
        );
    }
    let folder = arguments.dir.clone().unwrap_or_else(|| PathBuf::from("."));
    staging::refuse_overwriting(&folder)?;
    let user = first_user(&arguments)?;
    let staging = Staging::begin(&folder)?;
    files::write(&staging)?;
    samples::register(&staging, &user).await?;
    let target = staging.target().to_owned();
    staging.publish()?;
    let steps = next_steps(arguments.dir.as_deref(), &user.name);
    for line in made(&target, &user.name).into_iter().chain(steps) {
        say(&line);
    }
    Ok(())
}

fn first_user(arguments: &InitArguments) -> Result<FirstUser, String> {
    let interactive = std::io::stdin().is_terminal();
    if !interactive && (arguments.user.is_none() || !arguments.password.is_given()) {
        return Err(
            "there is no terminal to ask on: give `--user NAME --password-stdin`".to_owned(),
        );
    }
    let name = match &arguments.user {
        Some(name) => name.clone(),
        None => terminal::ask("Name of the first person: ")?,
    };
    check_user_name(&name).map_err(|e| e.to_string())?;
    let password = arguments.password.read()?;
    Ok(FirstUser { name, password })
}

/// What was made, by name.
fn made(target: &Path, user: &str) -> Vec<String> {
    let line = |name: &str, what: String| format!("  {name:16} {what}");
    vec![
        format!("made in {}:", target.display()),
        line(
            CONFIG,
            format!("the configuration; the issuer is {}", files::ISSUER),
        ),
        line(
            files::MASTER_KEY,
            "encrypts the private keys of the database: keep a copy elsewhere".to_owned(),
        ),
        line(
            files::TYPES,
            "types of authorization_details: samples".to_owned(),
        ),
        line(
            files::DATABASE,
            format!("the database, with the person {user}, who is its first admin"),
        ),
        line(
            samples::RESOURCE_FILE,
            "a sample resource, as it was registered".to_owned(),
        ),
        line(
            samples::CLIENT_FILE,
            format!(
                "the program that serves it; {} holds its secret",
                samples::CLIENT_SECRET
            ),
        ),
        line(
            samples::AGENT_FILE,
            format!("a sample agent; {} is its private key", samples::AGENT_KEY),
        ),
        String::new(),
    ]
}

/// Commands that work as they are printed.
fn next_steps(dir: Option<&Path>, user: &str) -> Vec<String> {
    let at = |name: &str| {
        let path = dir.map_or_else(|| PathBuf::from(name), |dir| dir.join(name));
        quoted(&path.display().to_string())
    };
    let issuer = files::ISSUER;
    let (config, secret) = (at(CONFIG), at(samples::CLIENT_SECRET));
    let writ = quoted(&program());
    vec![
        "1. Start the server, and leave it running:".to_owned(),
        String::new(),
        format!("       {writ} serve --config {config}"),
        String::new(),
        format!(
            "2. Log in as {user}: open {issuer}/app in a browser. The first passkey, under Devices there,"
        ),
        "   needs a code:".to_owned(),
        String::new(),
        format!(
            "       {writ} user passkeys --config {config} {} --enroll",
            quoted(user)
        ),
        String::new(),
        "3. The first token, in another terminal:".to_owned(),
        String::new(),
        format!(
            "       curl -s -u \"{}:$(cat {secret})\" -d grant_type=client_credentials \\",
            samples::CLIENT_ID
        ),
        format!(
            "            -d scope={} -d resource={} {issuer}/token",
            samples::SCOPE,
            samples::RESOURCE
        ),
        String::new(),
        format!(
            "4. A token on behalf of {user}: the agent {} with the key in {},",
            samples::AGENT_ID,
            at(samples::AGENT_KEY)
        ),
        "   as docs/agent-kit.md says.".to_owned(),
    ]
}

/// How this program was called, if by a path; otherwise its name.
fn program() -> String {
    let called = std::env::args().next().unwrap_or_default();
    if called.contains('/') {
        called
    } else {
        "writ".to_owned()
    }
}

/// A word of a POSIX shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_shell_are_quoted_where_they_must_be() {
        assert_eq!(quoted("my/writ.toml"), "my/writ.toml");
        assert_eq!(quoted("my writ/x"), "'my writ/x'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
