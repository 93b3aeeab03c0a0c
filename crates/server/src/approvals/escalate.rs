//! Escalation and expiry of pending requests: without an answer in time the people of the next stage are asked, and after the last
//! stage the request expires. What was described anew ends too.

use serde_json::json;
use writ_core::event::EventName;
use writ_core::pending::{Ending, PendingRequest};
use writ_store::DatabaseTransaction;
use writ_wire::time::Timestamp;

use crate::approvals::access_request::end_if_described_anew;
use crate::approvals::close::{about, end};
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::notifications::outbox::stage_reached;

/// Requests of each kind in one turn.
const BATCH: u32 = 256;

/// Escalates and ends what is due; the background work calls it again and again.
pub async fn turn(app: &App) -> Result<(), Failure> {
    let now = app.clock.now();
    let (escalating, overdue) = {
        let mut reading = app.read().await?;
        let escalating = reading.escalating_pending(now, BATCH).await?;
        (escalating, reading.overdue_pending(now, BATCH).await?)
    };
    for request in &escalating {
        escalate(app, request, now).await?;
    }
    for request in &overdue {
        expire(app, request, now).await?;
    }
    end_described_anew(app, now).await
}

/// Ends what resource servers asked about actions that their records describe otherwise by now: once after each change of the
/// resources and types, so that nobody is told of a question that is over when they open it. Where it fails it is done again.
async fn end_described_anew(app: &App, now: Timestamp) -> Result<(), Failure> {
    let catalogue = app.fresh_catalogue().await?;
    if app.compared.is(&catalogue) {
        return Ok(());
    }
    let mut after = None;
    loop {
        let mut reading = app.read().await?;
        let open = reading.open_questions(after.as_ref(), now, BATCH).await?;
        drop(reading);
        for request in &open {
            end_if_described_anew(app, request, now).await?;
        }
        match open.into_iter().next_back() {
            Some(last) => after = Some((last.expires_at, last.id)),
            None => break,
        }
    }
    app.compared.keep(catalogue);
    Ok(())
}

async fn escalate(app: &App, request: &PendingRequest, now: Timestamp) -> Result<(), Failure> {
    let mut transaction = app.begin().await?;
    let escalated = next_stage(app, &mut transaction, request, now).await?;
    transaction.commit().await?;
    if escalated {
        app.waiting.announce_request(request);
    }
    Ok(())
}

/// The people of the next stage are asked, in the transaction of whatever leads to it. `false`: it is there already, or over.
pub async fn next_stage(
    app: &App,
    transaction: &mut DatabaseTransaction,
    request: &PendingRequest,
    now: Timestamp,
) -> Result<bool, Failure> {
    if !transaction.escalate_pending(request, now).await? {
        return Ok(false);
    }
    let stage = request.stage + 1;
    stage_reached(app, transaction, request, stage).await?;
    let people = request.asked.stages.get(stage).map(|stage| &stage.of);
    let event = about(app, request, EventName::ApprovalEscalated, now)
        .with(json!({ "approval": request.id, "stage": stage, "people": people }));
    transaction.insert_event(&event).await?;
    Ok(true)
}

async fn expire(app: &App, request: &PendingRequest, now: Timestamp) -> Result<(), Failure> {
    let mut transaction = app.begin().await?;
    let endings = end(app, &mut transaction, Ending::Late(&request.id), now).await?;
    transaction.commit().await?;
    endings.announce(app);
    Ok(())
}
