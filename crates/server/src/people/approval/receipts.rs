//! `/app/receipts/{id}`: what a person decided and saw, for them and for whom it was about; and the signed document itself.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde_json::Value;
use writ_core::approval::Denial;
use writ_core::id::ReceiptId;
use writ_core::lineage::Lineage;
use writ_core::pending::{Kind, PendingRequest, RedeemedFor};
use writ_core::receipt::{self, Receipt, Verdict};
use writ_pages::{BecameOf, ClientView, FailureKind, ReportView, VoteView, shown};
use writ_wire::access::ActionOutcome;
use writ_wire::time::Timestamp;

use super::{role_view, stopping};
use crate::node::app::App;
use crate::people::error::PageError;
use crate::people::request::{Query, SignedIn, Visitor};
use crate::people::views::client_view;

/// A receipt with what is still known about its request.
struct Kept {
    receipt: Receipt,
    document: String,
    request: Option<PendingRequest>,
    /// What was made of it.
    made: Option<Lineage>,
    /// When a resource server's evaluation used it.
    permitted_at: Option<Timestamp>,
    /// What the resource server said became of it.
    became: Option<BecameOf>,
}

pub async fn show(
    Path(id): Path<String>,
    Query(query): Query,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let person = visitor.signed_in(&path(&id))?;
    let kept = find(person, &id).await?;
    let page = writ_pages::ReceiptPage {
        person: person.frame().await?,
        fresh: query.contains("decided"),
        ..view(person.app, &kept).await?
    };
    let texts = person.texts().await?;
    Ok(page.page(&texts).into_http().into_response())
}

/// For an auditor: `writ audit receipt` verifies it.
pub async fn document(Path(id): Path<String>, visitor: Visitor) -> Result<Response, PageError> {
    let person = visitor.signed_in(&path(&id))?;
    let kept = find(person, &id).await?;
    let name = format!("attachment; filename=\"{}.json\"", kept.receipt.id);
    let name = HeaderValue::from_str(&name).map_err(PageError::broken)?;
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, kept.document).into_response())
}

fn path(id: &str) -> String {
    format!("/app/receipts/{id}")
}

/// A receipt that is not about this person is not found.
async fn find(person: SignedIn<'_>, id: &str) -> Result<Kept, PageError> {
    let nothing = || PageError::page(FailureKind::NotFound);
    let user = &person.user().id;
    let mut reading = person.app.read().await?;
    let stored = reading.receipt(&ReceiptId::from_text(id)).await?;
    let stored = stored.ok_or_else(nothing)?;
    let receipt = receipt::read(&stored.document).map_err(PageError::broken)?;
    if stored.user != *user && receipt.subject != user.as_str() {
        return Err(nothing());
    }
    let request = reading.pending_by_id(&stored.request).await?;
    let made = match request.as_ref().and_then(|r| r.status.delegation()) {
        Some(delegation) => reading.lineage(delegation).await?,
        None => None,
    };
    let permitted_at = match &request {
        Some(request) if request.kind == Kind::Access => reading.redeemed_at(&request.id).await?,
        _ => None,
    };
    let became = match request.as_ref().and_then(|r| r.status.redeemed_for()) {
        Some(RedeemedFor::Decision(id)) => reading.decision(id).await?,
        _ => None,
    };
    Ok(Kept {
        became: became
            .and_then(|decision| decision.outcome)
            .and_then(|outcome| became_of(&outcome)),
        receipt,
        document: stored.document,
        request,
        made,
        permitted_at,
    })
}

/// As `decisions.outcome` has it.
fn became_of(outcome: &str) -> Option<BecameOf> {
    match outcome {
        _ if outcome == ActionOutcome::Completed.as_str() => Some(BecameOf::Done),
        _ if outcome == ActionOutcome::Failed.as_str() => Some(BecameOf::InVain),
        _ if outcome == ActionOutcome::NotStarted.as_str() => Some(BecameOf::NotBegun),
        _ => None,
    }
}

async fn view(app: &App, kept: &Kept) -> Result<writ_pages::ReceiptPage, PageError> {
    let receipt = &kept.receipt;
    let client = app.client(receipt.client_id.as_str()).await?;
    let sponsor = client.as_ref().and_then(|c| c.agent.as_ref());
    let sponsor = sponsor.map(|agent| agent.sponsor.clone());
    let canonical: Value = serde_json::from_str(&receipt.screen.text).map_err(PageError::broken)?;
    let request = kept.request.as_ref();
    let decided = request.and_then(PendingRequest::decision);
    let mut by: Vec<VoteView> = decided
        .into_iter()
        .flat_map(|decision| &decision.by)
        .map(|vote| VoteView {
            name: vote.name.clone(),
            role: role_view(vote.role, &vote.user, sponsor.as_ref()),
            at: vote.at,
            level: vote.level,
        })
        .collect();
    if by.is_empty() {
        by.push(VoteView {
            name: receipt.approver.name.clone(),
            role: role_view(
                receipt.approver.role,
                &receipt.approver.id,
                sponsor.as_ref(),
            ),
            at: Timestamp::from_rfc3339(&receipt.at).unwrap_or(Timestamp::from_seconds(0)),
            level: receipt.level,
        });
    }
    Ok(writ_pages::ReceiptPage {
        person: writ_pages::PersonView::default(),
        id: receipt.id.to_string(),
        client: match &client {
            Some(client) => client_view(client),
            None => gone(receipt),
        },
        verdict: verdict(kept),
        by,
        shown: shown(&canonical),
        hash: receipt.screen.hash.clone(),
        used_at: kept.used_at(),
        became: kept.became,
        report: report(app, kept).await?,
        task: kept.made.as_ref().map(|made| made.task.id.to_string()),
        fresh: false,
        for_device: request.is_some_and(|request| request.kind == Kind::Device),
    })
}

async fn report(app: &App, kept: &Kept) -> Result<Option<ReportView>, PageError> {
    let reason = kept.receipt.reason.as_deref().and_then(Denial::from_reason);
    match &kept.request {
        Some(request) if reason == Some(Denial::NotMe) => {
            stopping::has_done(app, request, &kept.receipt.approver.id).await
        }
        _ => Ok(None),
    }
}

impl Kept {
    /// When what was approved was fetched or permitted.
    fn used_at(&self) -> Option<Timestamp> {
        let made = self.made.as_ref().map(|made| made.leaf.created_at);
        made.or(self.permitted_at)
    }
}

/// A client that is no longer registered.
fn gone(receipt: &Receipt) -> ClientView {
    ClientView {
        name: receipt.client_id.to_string(),
        client_id: receipt.client_id.to_string(),
        agent: None,
    }
}

fn verdict(kept: &Kept) -> writ_pages::ReceiptVerdict {
    let receipt = &kept.receipt;
    let request = kept.request.as_ref();
    match receipt.outcome {
        Verdict::Agreed => agreed(receipt, request),
        Verdict::Approved => {
            let decision = request.and_then(PendingRequest::decision);
            match decision.is_some_and(|decision| decision.narrowed) {
                true => writ_pages::ReceiptVerdict::ApprovedLess,
                false => writ_pages::ReceiptVerdict::Approved,
            }
        }
        Verdict::Denied => match receipt.reason.as_deref().and_then(Denial::from_reason) {
            Some(Denial::Stopped) => writ_pages::ReceiptVerdict::DeniedAndStopped,
            Some(Denial::NotMe) => writ_pages::ReceiptVerdict::NotMe,
            Some(Denial::Denied | Denial::WrongNumber) | None => writ_pages::ReceiptVerdict::Denied,
        },
    }
}

/// How many of how many, as far as it is known.
fn agreed(receipt: &Receipt, request: Option<&PendingRequest>) -> writ_pages::ReceiptVerdict {
    let need = request.map_or(1, |request| {
        let mut stages = request.asked.stages.iter();
        let own = stages.rposition(|stage| stage.of.contains(&receipt.approver.id));
        own.map_or(1, |stage| request.asked.people_needed(stage))
    });
    let votes = request.and_then(PendingRequest::decision);
    let agreed = votes.map_or(1, |decision| decision.by.len());
    writ_pages::ReceiptVerdict::Agreed { agreed, need }
}
