//! `writ user passkeys`: lists or removes a user's passkeys, for a user who lost their only device.

use clap::Args;
use serde_json::json;
use writ_core::event::{Event, EventName};
use writ_core::id::{EventId, UserId};
use writ_pages::messages::Passkey;
use writ_server::notifications::outbox::OutboxContext;
use writ_server::notifications::passkey_notice::passkey_changed;
use writ_store::DatabaseTransaction;

use super::desk::Desk;
use super::{Outcome, say_json};

#[derive(Args)]
pub struct PasskeysArgument {
    name: String,
    #[command(flatten)]
    removal: Removal,
}

#[derive(Args)]
#[group(multiple = false)]
struct Removal {
    /// Remove the passkey with this id
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    remove: Option<String>,
    /// Remove all of them: the person adds the next one with their password
    #[arg(long)]
    remove_all: bool,
}

/// Lists them, or removes some and ends every login that a passkey opened.
pub async fn passkeys(argument: PasskeysArgument, desk: &Desk) -> Outcome {
    let PasskeysArgument { name, removal } = argument;
    let user = desk.registry().user(&name).await;
    let user = user.map_err(|e| e.to_string())?.user.id;
    let mut transaction = desk.begin().await?;
    let stored = transaction.passkeys_of(&user).await;
    let stored = stored.map_err(|e| e.to_string())?;
    if removal.remove.is_none() && !removal.remove_all {
        for one in stored {
            say_json(&json!({
                "credential_id": one.credential_id,
                "name": one.name,
                "added_at": one.created_at.rfc3339(),
                "used_at": one.used_at.map(|at| at.rfc3339()),
            }))?;
        }
        return Ok(());
    }
    let chosen = stored.into_iter().map(|one| one.credential_id);
    let chosen: Vec<String> = chosen
        .filter(|id| removal.remove.as_ref().is_none_or(|only| only == id))
        .collect();
    if chosen.is_empty() {
        return Err(format!("`{name}` has no such passkey"));
    }
    for id in &chosen {
        remove(desk, &mut transaction, &user, id).await?;
    }
    transaction.commit().await.map_err(|e| e.to_string())?;
    say_json(&json!({ "name": name, "removed": chosen }))
}

async fn remove(
    desk: &Desk,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
    id: &str,
) -> Outcome {
    let now = desk.clock.now();
    let removed = transaction.remove_passkey(user, id, now).await;
    if !removed.map_err(|e| e.to_string())? {
        return Ok(());
    }
    let ended = transaction.end_passkey_sessions(user, "", now).await;
    ended.map_err(|e| e.to_string())?;
    let event = Event::new(
        EventId::make(now, desk.random.bytes()),
        now,
        EventName::UserChanged,
    )
    .of_subject(user.as_str())
    .with(json!({ "passkey": Passkey::Removed, "credential_id": id, "by": "operator" }));
    let written = transaction.insert_event(&event).await;
    written.map_err(|e| e.to_string())?;
    let outbox = OutboxContext {
        config: &desk.config,
        random: &desk.random,
        now,
    };
    let told = passkey_changed(&outbox, transaction, user, Passkey::Removed).await;
    told.map_err(|e| format!("{e:?}"))
}
