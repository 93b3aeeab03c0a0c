//! `writ client invite`: makes an initial access token, by which clients register themselves (RFC 7591 section 3), or ends one.

use clap::Args;
use serde_json::json;
use writ_core::registration::dynamic::RegistrationMode;
use writ_server::operate::invite::{InviteTerms, end_invite, invite_clients};

use super::desk::{Desk, commit_change};
use super::{Outcome, say_json};

#[derive(Args)]
pub struct InviteArguments {
    /// How many of them
    #[arg(long, default_value_t = 1, value_name = "N")]
    uses: u32,
    /// For how long: a number and `m`, `h` or `d`
    #[arg(long, default_value = "24h", value_name = "TIME")]
    expires: String,
    /// End the token of this id, which `writ client invites` lists
    #[arg(long, value_name = "ID", allow_hyphen_values = true, conflicts_with_all = ["uses", "expires"])]
    end: Option<String>,
}

impl InviteArguments {
    pub const fn is_end(&self) -> bool {
        self.end.is_some()
    }
}

pub async fn invite(desk: &Desk, arguments: InviteArguments) -> Outcome {
    match &arguments.end {
        Some(id) => end(desk, id).await,
        None => make(desk, &arguments).await,
    }
}

async fn make(desk: &Desk, arguments: &InviteArguments) -> Outcome {
    if desk.config.registration.mode != RegistrationMode::Token {
        return Err(
            "only `registration.mode = \"token\"` asks for initial access tokens".to_owned(),
        );
    }
    let terms = InviteTerms::read(arguments.uses, &arguments.expires)?;
    let mut transaction = desk.begin().await?;
    let made = invite_clients(&mut transaction, terms, &desk.random, desk.change()).await;
    let made = commit_change(transaction, made.map(Some), String::new).await?;
    say_json(&json!({
        "initial_access_token": made.token,
        "id": made.id,
        "uses": terms.uses,
        "expires_at": made.expires_at.rfc3339(),
        "registration_endpoint": desk.config.url("/register"),
    }))
}

/// Also where the configuration asks for none any more.
async fn end(desk: &Desk, id: &str) -> Outcome {
    let mut transaction = desk.begin().await?;
    let ended = end_invite(&mut transaction, id, desk.change()).await;
    commit_change(transaction, ended.map(|did| did.then_some(())), || {
        format!("there is no live initial access token `{id}`: `writ client invites` lists them")
    })
    .await?;
    say_json(&json!({ "id": id, "state": "ended" }))
}
