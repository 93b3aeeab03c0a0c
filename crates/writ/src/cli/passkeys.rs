//! `writ user passkeys`: lists or removes a user's passkeys, for a user who lost their only device; and makes the code by which a user
//! adds their first one.

use clap::Args;
use serde_json::json;
use writ_core::event::EventName;
use writ_core::id::UserId;
use writ_pages::messages::Passkey;
use writ_server::notifications::account_notice::passkey_changed;
use writ_server::operate::passkey_code;
use writ_store::DatabaseTransaction;
use writ_store::passkey::StoredPasskey;

use super::desk::Desk;
use super::{Outcome, note, say_json};

#[derive(Args)]
pub struct PasskeysArgument {
    name: String,
    #[command(flatten)]
    change: PasskeysChange,
}

#[derive(Args)]
#[group(multiple = false)]
struct PasskeysChange {
    /// Remove the passkey with this id
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    remove: Option<String>,
    /// Remove all of them: the person adds the next one with a code of `--enroll`
    #[arg(long)]
    remove_all: bool,
    /// Make a code by which the person adds their first passkey; it is printed once, and good for an hour
    #[arg(long)]
    enroll: bool,
}

impl PasskeysArgument {
    pub const fn is_enrolment(&self) -> bool {
        self.change.enroll
    }
}

/// Lists them, makes a code, or removes some and ends every login that a passkey opened.
pub async fn passkeys(argument: PasskeysArgument, desk: &Desk) -> Outcome {
    let PasskeysArgument { name, change } = argument;
    let user = desk.registry().user(&name).await;
    let user = user.map_err(|e| e.to_string())?.user;
    let mut transaction = desk.begin().await?;
    let stored = transaction.passkeys_of(&user.id).await;
    let stored = stored.map_err(|e| e.to_string())?;
    let chosen: Vec<StoredPasskey> = match change {
        PasskeysChange { enroll: true, .. } => {
            return enroll(desk, transaction, &user.id, &stored).await;
        }
        PasskeysChange {
            remove: Some(id), ..
        } => {
            let of_id = stored.into_iter().filter(|one| one.credential_id == id);
            of_id.collect()
        }
        PasskeysChange {
            remove_all: true, ..
        } => stored,
        _ => return stored.iter().try_for_each(say),
    };
    if chosen.is_empty() {
        return Err(format!("`{name}` has no such passkey"));
    }
    let chosen: Vec<String> = chosen.into_iter().map(|one| one.credential_id).collect();
    for id in &chosen {
        remove(desk, &mut transaction, &user.id, id).await?;
    }
    transaction.commit().await.map_err(|e| e.to_string())?;
    say_json(&json!({ "name": name, "removed": chosen }))?;
    note(&format!(
        "a first passkey needs a code: `writ user passkeys {name} --enroll` makes it"
    ));
    Ok(())
}

fn say(one: &StoredPasskey) -> Outcome {
    say_json(&json!({
        "credential_id": one.credential_id,
        "name": one.name,
        "added_at": one.created_at.rfc3339(),
        "used_at": one.used_at.map(|at| at.rfc3339()),
    }))
}

/// Whoever has a passkey that counts adds the next one with that.
async fn enroll(
    desk: &Desk,
    mut transaction: DatabaseTransaction,
    user: &UserId,
    stored: &[StoredPasskey],
) -> Outcome {
    let counts = |one: &StoredPasskey| desk.config.passkeys.accept(&one.passkey);
    if stored.iter().any(counts) {
        return Err(
            "this person has a passkey, and adds the next one with it; if it is lost, remove it first by `--remove-all`"
                .to_owned(),
        );
    }
    desk.require_master().await?;
    let issued = passkey_code::issue(&desk.outbox(), &mut transaction, user, &desk.operator).await;
    let issued = issued.map_err(|e| format!("{e:?}"))?;
    transaction.commit().await.map_err(|e| e.to_string())?;
    say_json(&json!({
        "code": issued.code.to_string(),
        "expires_at": issued.expires_at.rfc3339(),
        "page": desk.config.url("/app/devices"),
    }))?;
    note("tell it to the person directly, not by a mail or chat that an agent of theirs reads");
    Ok(())
}

async fn remove(
    desk: &Desk,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
    id: &str,
) -> Outcome {
    let (now, change) = (desk.clock.now(), desk.change());
    let removed = transaction.remove_passkey(user, id, now).await;
    if !removed.map_err(|e| e.to_string())? {
        return Ok(());
    }
    let ended = transaction.end_passkey_sessions(user, "", now).await;
    ended.map_err(|e| e.to_string())?;
    let facts = json!({ "passkey": Passkey::Removed, "credential_id": id });
    let event = change.event(EventName::UserChanged, facts);
    let event = event.of_subject(user.as_str());
    let written = transaction.insert_event(&event).await;
    written.map_err(|e| e.to_string())?;
    let told = passkey_changed(&desk.outbox(), transaction, user, Passkey::Removed).await;
    told.map_err(|e| format!("{e:?}"))
}
