//! An access request as its resource server sees it, and the wait for its end.

use std::time::Duration;

use tokio::time::Instant;
use writ_core::id::{ApprovalId, ClientId};
use writ_core::pending::{Decision, PendingRequest, PendingStatus};
use writ_wire::access::REQUESTS_PATH;
use writ_wire::access_request::{
    AccessTask, ApprovalResult, CancelReason, ResultMode, TaskApproval, TaskLinks, TaskResponse,
    TaskStatus,
};
use writ_wire::time::Timestamp;

use crate::approvals::access_request::{end_if_described_anew, find};
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::waiting::{AskedBy, WakeReason};

/// Held until it ends, at most for as long as the resource server likes; `None` once nobody knows it any more.
pub async fn wait_for_end(
    app: &App,
    request: PendingRequest,
    served_by: &ClientId,
    wait: Option<Duration>,
) -> Result<PendingRequest, Failure> {
    let now = app.clock.now();
    let Some(most) = wait.filter(|_| request.is_open(now)) else {
        return Ok(request);
    };
    let end = Instant::now() + most.min(now.until(request.expires_at));
    let mut known = request;
    loop {
        let place = app.waiting.join(&known.id, AskedBy::of(&known));
        // It may have been decided before the place was taken.
        if let Some(found) = look(app, &known.id, served_by).await? {
            known = found;
        }
        let Some(place) = place.filter(|_| known.is_open(app.clock.now())) else {
            return Ok(known);
        };
        match place.wait_until(end).await {
            // Not every change is an end: somebody opened the request, or was told of it.
            WakeReason::Changed => {}
            WakeReason::Replaced | WakeReason::TimedOut => {
                return Ok(look(app, &known.id, served_by).await?.unwrap_or(known));
            }
        }
    }
}

/// As it is now: a question whose action is described anew has ended.
pub async fn look(
    app: &App,
    id: &ApprovalId,
    served_by: &ClientId,
) -> Result<Option<PendingRequest>, Failure> {
    let found = find(&mut app.read().await?, id, served_by).await?;
    match &found {
        Some(open) if end_if_described_anew(app, open, app.clock.now()).await? => {
            find(&mut app.read().await?, id, served_by).await
        }
        _ => Ok(found),
    }
}

/// As it is now.
pub fn answer(app: &App, request: &PendingRequest, now: Timestamp) -> TaskResponse {
    let (status, reason) = status(request, now);
    let endpoint = app.config.url(&format!("{REQUESTS_PATH}/{}", request.id));
    let approved = match status {
        TaskStatus::Approved => request.decision(),
        _ => None,
    };
    TaskResponse {
        result: approved.and_then(|decision| result(request, decision)),
        task: AccessTask {
            id: request.id.to_string(),
            status,
            reason,
            expires_at: request.expires_at.rfc3339(),
            links: TaskLinks {
                review: app.config.url(&format!("/app/requests/{}", request.id)),
                cancel: (status == TaskStatus::Pending).then(|| format!("{endpoint}/cancel")),
            },
            status_endpoint: endpoint,
        },
    }
}

/// The task's status by the request's, and why it was cancelled. What was approved stays so, also when it was used or lapsed: a
/// status that is final does not change, and `approved_until` says that it is over.
fn status(request: &PendingRequest, now: Timestamp) -> (TaskStatus, Option<CancelReason>) {
    match (&request.status, request.status_at(now)) {
        (PendingStatus::Approved(_), _) => (TaskStatus::Approved, None),
        (_, PendingStatus::Pending | PendingStatus::Viewed) => (TaskStatus::Pending, None),
        (
            _,
            PendingStatus::Approved(_)
            | PendingStatus::Redeemed { .. }
            | PendingStatus::Expired { unfetched: Some(_) },
        ) => (TaskStatus::Approved, None),
        (_, PendingStatus::Denied(decision)) if decision.was_stopped() => {
            (TaskStatus::Cancelled, Some(CancelReason::Stopped))
        }
        (_, PendingStatus::Denied(_)) => (TaskStatus::Denied, None),
        (_, PendingStatus::Expired { unfetched: None }) => (TaskStatus::Expired, None),
        (_, PendingStatus::Superseded) => (TaskStatus::Cancelled, Some(CancelReason::Superseded)),
        (_, PendingStatus::Cancelled) => (
            TaskStatus::Cancelled,
            Some(CancelReason::CancelledByResource),
        ),
    }
}

fn result(request: &PendingRequest, decision: &Decision) -> Option<ApprovalResult> {
    let approval = decision.approval.as_ref()?;
    let until = decision.ends_at.unwrap_or(request.expires_at);
    let details = decision.authority.details().iter();
    // The names of grants say nothing to a resource server that asks about an object.
    let details = details.map(|detail| detail.clone().without("ref").without("type_hash"));
    Some(ApprovalResult {
        mode: ResultMode::Reevaluate,
        approval: TaskApproval {
            id: request.id.to_string(),
            approved_at: approval.at.rfc3339(),
            approved_until: until.min(request.expires_at).rfc3339(),
            authorization_details: match decision.narrowed {
                true => details
                    .map(|detail| detail.members().clone().into())
                    .collect(),
                false => Vec::new(),
            },
        },
    })
}
