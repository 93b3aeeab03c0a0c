//! The stop of an agent is taken back by the person whose agent it is: what a consent of theirs opened lives again, once.

use serde_json::{Value, json};
use writ_core::event::EventName;
use writ_store::stop::StopEvents;
use writ_store::undo::UndoableStop;
use writ_store::{DatabaseTransaction, StoreError};

use super::change::ChangedBy;
use crate::node::app::App;

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undoing {
    /// It is too late, somebody else did it or stopped the same, or the client was removed.
    Refused,
    GoesOn,
    /// Something else stops the client too: an operator suspended it, for example.
    StillStopped,
}

/// The events say who proved what.
pub async fn undo_stop(
    app: &App,
    transaction: &mut DatabaseTransaction,
    stop: &UndoableStop,
    proof: Value,
) -> Result<Undoing, StoreError> {
    let now = app.clock.now();
    transaction.begin_stop().await?;
    transaction.guard_person(&stop.subject, now).await?;
    let client = stop.client.as_str();
    let clients = transaction.clients_among(&[client]).await?;
    if clients.get(client).is_none_or(|stored| stored.removed)
        || !transaction.take_undoable_stop(stop, now).await?
    {
        return Ok(Undoing::Refused);
    }
    let by = ChangedBy::Subject(stop.subject.as_str());
    let facts = json!({ "undone": stop.id, "proof": proof });
    let event = app.change(by, now).event(EventName::TaskResumed, facts);
    let data = event.data.to_string();
    let events = StopEvents {
        id: &event.id,
        now,
        data: &data,
    };
    if transaction.undo_stop(stop, events).await? == 0 {
        return Ok(Undoing::Refused);
    }
    Ok(match transaction.goes_on(stop, events).await? {
        true => Undoing::GoesOn,
        false => Undoing::StillStopped,
    })
}
