//! `writ key`: the signing keys, and their rotation.

use clap::Subcommand;
use serde_json::{Value, json};
use writ_core::signing::KeyState;
use writ_server::node::keyring;

use super::by_clock::ByClock;
use super::desk::{Desk, commit_change};
use super::{Configured, Outcome, say_json};

#[derive(Subcommand)]
pub enum KeyCommand {
    /// List signing keys and their states
    List,
    /// The next key becomes active, the active one retires
    Rotate,
}

pub async fn key(command: KeyCommand, configured: &Configured) -> Outcome {
    match command {
        KeyCommand::List => list_keys(&Desk::open(configured, ByClock::ReadsOrEnds).await?).await,
        KeyCommand::Rotate => rotate(&Desk::open(configured, ByClock::Grants).await?).await,
    }
}

async fn list_keys(desk: &Desk) -> Outcome {
    let mut reading = desk.read().await?;
    let rows = reading.signing_keys().await.map_err(|e| e.to_string())?;
    let id_token_rows = reading.id_token_keys().await.map_err(|e| e.to_string())?;
    for row in rows.into_iter().chain(id_token_rows) {
        say_json(&json!({
            "kid": row.kid,
            "alg": algorithm(&row.public_jwk),
            "state": row.state.as_str(),
            "created_at": row.created_at.rfc3339(),
            "activated_at": row.activated_at.map(|at| at.rfc3339()),
            "retired_at": row.retired_at.map(|at| at.rfc3339()),
        }))?;
    }
    Ok(())
}

fn algorithm(public_jwk: &str) -> Option<String> {
    let jwk: Value = serde_json::from_str(public_jwk).ok()?;
    Some(jwk.get("alg")?.as_str()?.to_owned())
}

async fn rotate(desk: &Desk) -> Outcome {
    desk.require_master().await?;
    let next = keyring::NextKeys::make(&desk.store, &desk.config, desk.clock.now()).await;
    let next = next.map_err(|e| e.to_string())?;
    let event = |name, facts| desk.change().event(name, facts);
    let mut transaction = desk.begin().await?;
    let rotated = keyring::rotate(&mut transaction, &next, &event).await;
    let rotation = commit_change(transaction, rotated, || {
        "there is no key to rotate to: start the server once, or wait for the other rotation"
            .to_owned()
    });
    let rotation = rotation.await?;
    let mut said = json!({
        "activated": rotation.activated, "retired": rotation.retired, "state": KeyState::Retiring.as_str()
    });
    if let (Some(members), Some(kids)) = (said.as_object_mut(), rotation.id_token) {
        let kids = json!({ "activated": kids.activated, "retired": kids.retired });
        members.insert("id_token".to_owned(), kids);
    }
    say_json(&said)
}
