//! `writ issuer`: the URL of this server, as its database knows it, and its change.

use clap::Subcommand;
use serde_json::json;
use writ_core::id::EventId;
use writ_core::realm::DEFAULT_TENANT;
use writ_platform::Random;
use writ_server::operate::change::{ChangeContext, ChangedBy};
use writ_server::operate::change_issuer::change_issuer;
use writ_store::Store;

use super::by_clock::ByClock;
use super::desk::{checked_clock, migrated};
use super::registered::confirm;
use super::{Configured, Outcome, environment, say_json, system_user};

/// What the environment calls `server.issuer`.
const ISSUER_VARIABLE: &str = "WRIT__SERVER__ISSUER";

#[derive(Subcommand)]
pub enum IssuerCommand {
    /// Show the issuer that this database belongs to
    Show,
    /// Change it, while no server runs; ends everything that names the old one
    Change {
        /// The new URL, as in `server.issuer`
        new: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

pub async fn issuer(command: IssuerCommand, configured: &Configured) -> Outcome {
    match command {
        IssuerCommand::Show => {
            let config = super::desk::load(configured)?;
            let store = migrated(&config).await?;
            say_json(&json!({ "issuer": current(&store).await? }))
        }
        IssuerCommand::Change { new, yes } => change(configured, new, yes).await,
    }
}

async fn change(configured: &Configured, new: String, yes: bool) -> Outcome {
    // The configuration may name the old one or the new one: the new one passes its checks, and the rest of it stays.
    let mut variables = environment();
    variables.insert(ISSUER_VARIABLE.to_owned(), new.clone());
    let config = super::desk::load_with(configured, &variables);
    let config = config.map_err(|problems| match problems.contains("`server.issuer`") {
        true => format!("`{new}` cannot be the issuer: {problems}"),
        false => problems,
    })?;
    let store = migrated(&config).await?;
    let (from, to) = (current(&store).await?, &config.issuer);
    if from == to.as_str() {
        return Err(format!("`{from}` is the issuer already"));
    }
    let mut ends = vec![
        format!("access tokens and ID tokens of `{from}`"),
        format!("assertions, proofs and metadata documents of clients that name `{from}`"),
        "grants that say who the person is (`openid`): they are asked again".to_owned(),
    ];
    if host(&from) != host(to.as_str()) {
        let passkeys = count_passkeys(&store).await?;
        ends.push(format!(
            "logins, and {passkeys} passkeys: they belong to the host"
        ));
    }
    let what = format!(
        "changing the issuer from `{from}` to `{to}` ends {}",
        ends.join("; ")
    );
    confirm(&what, yes)?;
    let (random, operator) = (Random::System, system_user::operator());
    let now = checked_clock(&store, ByClock::Grants).await?.now();
    let change = ChangeContext {
        by: ChangedBy::Operator(&operator),
        event_id: EventId::make(now, random.bytes()),
        now,
    };
    let begun = store.begin(DEFAULT_TENANT).await;
    let mut transaction = begun.map_err(|e| e.to_string())?;
    let changed = change_issuer(&mut transaction, &from, to, change).await;
    if !changed.map_err(|e| e.to_string())? {
        return Err("the issuer was changed by somebody else just now".to_owned());
    }
    transaction.commit().await.map_err(|e| e.to_string())?;
    say_json(&json!({
        "from": from,
        "to": to,
        "ends": ends,
        "next": format!("set `server.issuer` to `{to}` on every node, then start them"),
    }))
}

async fn current(store: &Store) -> Result<String, String> {
    let reading = store.read(DEFAULT_TENANT).await;
    let issuer = reading.map_err(|e| e.to_string())?.issuer().await;
    issuer
        .map_err(|e| e.to_string())?
        .ok_or_else(|| "this database has no issuer yet: start the server once".to_owned())
}

async fn count_passkeys(store: &Store) -> Result<i64, String> {
    let reading = store.read(DEFAULT_TENANT).await;
    let count = reading.map_err(|e| e.to_string())?.count_passkeys().await;
    count.map_err(|e| e.to_string())
}

/// What a passkey belongs to (WebAuthn Level 2 section 5.1.2): an issuer has neither user information nor a path.
fn host(issuer: &str) -> &str {
    let rest = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
    match rest.split_once(']') {
        Some((address, _)) => address,
        None => rest.split_once(':').map_or(rest, |(host, _)| host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_issuer_is_without_scheme_and_port() {
        assert_eq!(host("https://as.example"), "as.example");
        assert_eq!(host("http://localhost:8080"), "localhost");
        assert_eq!(host("http://[::1]:8080"), "[::1");
    }
}
