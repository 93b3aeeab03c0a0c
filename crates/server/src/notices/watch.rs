//! What time alone does to requests: silence leads to the next people, and after the last of them to no (SPECS appendix B.1).

use serde_json::json;
use writ_core::event::{Event, EventName};
use writ_core::mint::TOKEN_LIFETIME;
use writ_core::pending::{Delivery, PendingRequest};
use writ_wire::time::Timestamp;

use super::{Channel, Draft, Letter, tell_stage, write};
use crate::answer::Failure;
use crate::app::App;

/// Requests of each kind in one turn.
const BATCH: u32 = 256;

/// One look at the clock.
pub(super) async fn turn(app: &App) -> Result<(), Failure> {
    let now = app.clock.now();
    let (escalating, overdue) = {
        let mut session = app.read().await?;
        let escalating = session.escalating_pending(now, BATCH).await?;
        (escalating, session.overdue_pending(now, BATCH).await?)
    };
    for request in &escalating {
        escalate(app, request, now).await?;
    }
    for request in &overdue {
        expire(app, request, now).await?;
    }
    Ok(())
}

async fn escalate(app: &App, request: &PendingRequest, now: Timestamp) -> Result<(), Failure> {
    let mut session = app.begin().await?;
    let escalated = session.escalate_pending(request, now).await?;
    if escalated {
        let stage = request.stage + 1;
        tell_stage(app, &mut session, request, stage).await?;
        let people = request.asked.stages.get(stage).map(|stage| &stage.of);
        let event = event(app, request, EventName::ApprovalEscalated, now)
            .with(json!({ "approval": request.id, "stage": stage, "people": people }));
        session.insert_event(&event).await?;
    }
    session.commit().await?;
    if escalated {
        app.waiting.announce_request(request);
    }
    Ok(())
}

async fn expire(app: &App, request: &PendingRequest, now: Timestamp) -> Result<(), Failure> {
    let mut session = app.begin().await?;
    let expired = session.expire_pending(&request.id, now).await?;
    if expired {
        let undecided = request.decision.is_none();
        // Who is pinged may poll; who is pushed would wait for ever (CIBA 12). A decision has its own push.
        if undecided && request.asked.delivery == Delivery::Push {
            let draft = Draft {
                channel: Channel::Push,
                request: Some(&request.id),
                user: None,
                target: request.client.as_str(),
                letter: Letter::Over { answer: None },
                expires_at: now.plus(TOKEN_LIFETIME),
            };
            write(app, &mut session, draft).await?;
        }
        let event = event(app, request, EventName::ApprovalExpired, now)
            .with(json!({ "approval": request.id, "undecided": undecided }));
        session.insert_event(&event).await?;
    }
    session.commit().await?;
    if expired {
        app.waiting.announce_request(request);
    }
    Ok(())
}

fn event(app: &App, request: &PendingRequest, name: EventName, now: Timestamp) -> Event {
    let mut event = Event::new(app.event_id(now), now, name);
    event.subject = request.subject.as_ref().map(ToString::to_string);
    event.client = Some(request.client.to_string());
    event.task = request.task.as_ref().map(ToString::to_string);
    event.delegation = request.asked_by.as_ref().map(ToString::to_string);
    event
}
