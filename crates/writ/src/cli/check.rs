//! `writ check`: what would keep a server from starting, and what is hardly meant.

use writ_core::realm::DEFAULT_TENANT;
use writ_platform::Clock;
use writ_server::config::roles::check_types;
use writ_server::config::{Config, expiry_warning};
use writ_server::node::app::StartError;
use writ_server::node::keyring;
use writ_store::{Deadlines, Store, StoreError, transport};

use super::desk::load;
use super::{Configured, Outcome, note, roles, say};

/// Everything that would keep the server from starting, at once.
pub async fn check(configured: &Configured) -> Outcome {
    let config = load(configured)?;
    let mut problems = Vec::new();
    let types =
        writ_server::node::type_files::type_files(&config.types_path).and_then(|documents| {
            let types = writ_authority::Types::from_documents(documents);
            check_types(&config.roles, &types.map_err(|e| e.to_string())?)
        });
    if let Err(problem) = types {
        problems.push(problem);
    }
    if let Some(sentence) = transport::unprotected(&config.database_url) {
        note(&sentence);
    }
    let mut notes = Vec::new();
    match Store::connect_within(&config.database_url, Deadlines::OF_A_COMMAND).await {
        Ok(store) => {
            let problem = match other_issuer(&store, &config).await {
                None => other_master(&store, &config).await,
                other => other,
            };
            problems.extend(problem);
            notes = roles::unresolved(&store, &config).await;
        }
        Err(problem) => problems.push(format!("`database.url`: {problem}")),
    }
    if !problems.is_empty() {
        return Err(problems.join("\n  "));
    }
    say("the configuration is usable");
    if let Some(files) = &config.tls {
        let expires_at = files.read().and_then(|pair| pair.certificate())?.expires_at;
        say(&format!(
            "the certificate is good until {}",
            expires_at.rfc3339()
        ));
        if let Some(warning) = expiry_warning(expires_at, Clock::System.now()) {
            say(&warning);
        }
    }
    for warning in config.warnings().into_iter().chain(notes) {
        say(&warning);
    }
    say(&match &config.liveness {
        Some(verifier) => format!(
            "approvals of level `liveness`: people are sent to {}, and results of `{}` count",
            verifier.url, verifier.issuer
        ),
        None => "approvals of level `liveness`: no verifier, so they are refused".to_owned(),
    });
    say_telemetry(&config);
    Ok(())
}

/// Where events and spans go; never what a collector wants in `Authorization`.
fn say_telemetry(config: &Config) {
    let telemetry = &config.telemetry;
    for sink in telemetry.sinks.iter() {
        say(&format!(
            "events go to `{}` ({})",
            sink.name,
            sink.way.kind()
        ));
    }
    if telemetry.sinks.is_empty() {
        say("events: no sink, so they stay in the database alone");
    }
    say(match telemetry.traces {
        Some(_) => "traces: a span of each request goes to the collector",
        None => "traces: no collector, so there are none",
    });
}

/// A server does not start on a database that belongs to another issuer.
async fn other_issuer(store: &Store, config: &Config) -> Option<String> {
    let issuer = match store.read(DEFAULT_TENANT).await {
        Ok(mut reading) => reading.issuer().await,
        Err(problem) => Err(problem),
    };
    match issuer {
        Ok(Some(issuer)) if issuer != config.issuer.as_str() => {
            let configured = config.issuer.to_string();
            let other = StoreError::OtherIssuer { issuer, configured };
            Some(format!("`server.issuer`: {other}"))
        }
        // A new one has no tables before the first start.
        Ok(_) => None,
        Err(problem) if problem.is_missing_table() => None,
        Err(problem) => Some(format!("`database.url`: {problem}")),
    }
}

/// Nor with a master key that does not open what is there.
async fn other_master(store: &Store, config: &Config) -> Option<String> {
    match keyring::check_master(store, config).await {
        Ok(()) => None,
        Err(StartError::Store(problem)) if problem.is_missing_table() => None,
        Err(problem) => Some(format!("`keys.master`: {problem}")),
    }
}
