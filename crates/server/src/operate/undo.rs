//! The stop of an agent is taken back by the person whose agent it is: what a consent of theirs opened lives again, once.

use serde_json::{Value, json};
use writ_core::event::EventName;
use writ_store::stop::StopEvents;
use writ_store::undo::UndoableStop;
use writ_store::{DatabaseTransaction, StoreError};

use super::change::ChangedBy;
use crate::node::app::App;

/// `false` if it is too late, somebody else did it, or somebody else stopped the same. The events say who proved what.
pub async fn undo_stop(
    app: &App,
    transaction: &mut DatabaseTransaction,
    stop: &UndoableStop,
    proof: Value,
) -> Result<bool, StoreError> {
    let now = app.clock.now();
    transaction.begin_stop().await?;
    if !transaction.take_undoable_stop(stop, now).await? {
        return Ok(false);
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
    Ok(transaction.undo_stop(stop, events).await? > 0)
}
