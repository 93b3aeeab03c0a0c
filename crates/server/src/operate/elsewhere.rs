//! What an id or a name is, where a command of another kind was given it: the sentence then names the command that knows it.

use writ_core::id::{ClientId, TaskId};
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::resource::ResourceUri;

use super::change_user::find_user;

/// What the operator wanted of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To see or change it.
    See,
    /// That nothing happens by it any more.
    Stop,
    /// That it acts again.
    Resume,
}

/// What is appended to "there is no ...": nothing, where nobody knows it.
pub async fn tip(
    transaction: &mut DatabaseTransaction,
    text: &str,
    wish: Wish,
) -> Result<String, StoreError> {
    let found = command(transaction, text, wish).await?;
    Ok(found.map_or_else(String::new, |(what, command)| {
        format!(": `{text}` is {what}, so say `writ {command} {text}`")
    }))
}

async fn command(
    transaction: &mut DatabaseTransaction,
    text: &str,
    wish: Wish,
) -> Result<Option<(&'static str, &'static str)>, StoreError> {
    if find_user(transaction, text).await?.is_some() {
        return Ok(Some(("a person", of_person(wish))));
    }
    if let Some(stored) = transaction.client(&ClientId::from_text(text)).await? {
        return Ok(Some(match stored.owner.is_some() {
            true => ("an agent", of_agent(wish)),
            false => ("a client", of_client(wish)),
        }));
    }
    if transaction.task(&TaskId::from_text(text)).await?.is_some() {
        return Ok(Some(("a task", of_task(wish))));
    }
    let Ok(uri) = ResourceUri::parse(text) else {
        return Ok(None);
    };
    let known = transaction.resource(&uri).await?;
    Ok(known.map(|_| ("a resource", "resource show")))
}

const fn of_person(wish: Wish) -> &'static str {
    match wish {
        Wish::See => "user show",
        Wish::Stop => "user disable",
        Wish::Resume => "user enable",
    }
}

const fn of_agent(wish: Wish) -> &'static str {
    match wish {
        Wish::See => "agent show",
        Wish::Stop => "agent suspend",
        Wish::Resume => "agent resume",
    }
}

const fn of_client(wish: Wish) -> &'static str {
    match wish {
        Wish::See => "client show",
        Wish::Stop => "client suspend",
        Wish::Resume => "client resume",
    }
}

/// A task that was stopped stays so.
const fn of_task(wish: Wish) -> &'static str {
    match wish {
        Wish::See | Wish::Resume => "audit list --task",
        Wish::Stop => "task stop",
    }
}
