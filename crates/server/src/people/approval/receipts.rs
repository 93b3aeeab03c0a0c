//! `/app/receipts/{id}`: what somebody decided and saw, for them and for whom it was about; and the signed document itself.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use serde_json::Value;
use writ_core::approval::Denial;
use writ_core::authorize::UserSession;
use writ_core::id::ReceiptId;
use writ_core::lineage::Lineage;
use writ_core::pending::{Kind, PendingRequest};
use writ_core::receipt::{self, Receipt, Verdict};
use writ_pages::{ClientView, FailureKind, VoteView, shown};
use writ_wire::form::Form;
use writ_wire::time::Timestamp;

use super::{broken, finish, role_view};
use crate::node::app::App;
use crate::people::authorize::{Ended, untrusted};
use crate::people::consent::client_view;
use crate::people::inbox::person;
use crate::people::login::to_login;

/// A receipt with what is still known about its request.
struct Kept {
    receipt: Receipt,
    document: String,
    request: Option<PendingRequest>,
    /// What was made of it.
    made: Option<Lineage>,
}

pub async fn show(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let result = async {
        let form = Form::parse(query.unwrap_or_default().as_bytes());
        let form = form.map_err(|e| untrusted(&e.into()))?;
        let browser = app.browser(&headers).await?;
        let Some(session) = &browser.session else {
            return Ok(to_login(&format!("/app/receipts/{id}")));
        };
        let kept = find(&app, session, &id).await?;
        let page = writ_pages::Receipt {
            person: person(&app, &browser, session).await?,
            fresh: form.contains("decided"),
            ..view(&app, &kept).await?
        };
        let texts = app.texts_for(&headers, session).await?;
        Ok(page.page(&texts).into_http().into_response())
    };
    finish(&app, result.await)
}

/// For an auditor: `writ audit receipt` verifies it.
pub async fn document(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let result = async {
        let browser = app.browser(&headers).await?;
        let Some(session) = &browser.session else {
            return Ok(to_login(&format!("/app/receipts/{id}")));
        };
        let kept = find(&app, session, &id).await?;
        let name = format!("attachment; filename=\"{}.json\"", kept.receipt.id);
        let name = HeaderValue::from_str(&name).map_err(broken)?;
        let headers = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            ),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (header::CONTENT_DISPOSITION, name),
        ];
        Ok((headers, kept.document).into_response())
    };
    finish(&app, result.await)
}

/// Nobody learns of a receipt that is not about them.
async fn find(app: &App, session: &UserSession, id: &str) -> Result<Kept, Ended> {
    let nothing = || Ended::Page(Box::new(writ_pages::Failure::new(FailureKind::NotFound)));
    let mut reading = app.read().await?;
    let stored = reading.receipt(&ReceiptId::from_text(id)).await?;
    let stored = stored.ok_or_else(nothing)?;
    let receipt = receipt::read(&stored.document).map_err(broken)?;
    if stored.user != session.user.id && receipt.subject != session.user.id.as_str() {
        return Err(nothing());
    }
    let request = reading.pending_by_id(&stored.request).await?;
    let made = match request.as_ref().and_then(|r| r.status.delegation()) {
        Some(delegation) => reading.lineage(delegation).await?,
        None => None,
    };
    Ok(Kept {
        receipt,
        document: stored.document,
        request,
        made,
    })
}

async fn view(app: &App, kept: &Kept) -> Result<writ_pages::Receipt, Ended> {
    let receipt = &kept.receipt;
    let client = app.client(receipt.client_id.as_str()).await?;
    let sponsor = client.as_ref().and_then(|c| c.agent.as_ref());
    let sponsor = sponsor.map(|agent| agent.sponsor.clone());
    let canonical: Value = serde_json::from_str(&receipt.screen.text).map_err(broken)?;
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
    Ok(writ_pages::Receipt {
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
        used_at: kept.made.as_ref().map(|made| made.leaf.created_at),
        task: kept.made.as_ref().map(|made| made.task.id.to_string()),
        fresh: false,
        for_device: request.is_some_and(|request| request.kind == Kind::Device),
    })
}

/// A client that is no longer registered.
fn gone(receipt: &Receipt) -> ClientView {
    ClientView {
        name: receipt.client_id.to_string(),
        client_id: receipt.client_id.to_string(),
        agent: None,
    }
}

fn verdict(kept: &Kept) -> writ_pages::Verdict {
    let receipt = &kept.receipt;
    let request = kept.request.as_ref();
    match receipt.outcome {
        Verdict::Agreed => agreed(receipt, request),
        Verdict::Approved => {
            let decision = request.and_then(PendingRequest::decision);
            match decision.is_some_and(|decision| decision.narrowed) {
                true => writ_pages::Verdict::ApprovedLess,
                false => writ_pages::Verdict::Approved,
            }
        }
        Verdict::Denied => match receipt.reason.as_deref().and_then(Denial::from_reason) {
            Some(Denial::Stopped) => writ_pages::Verdict::DeniedAndStopped,
            Some(Denial::NotMe) => writ_pages::Verdict::NotMe,
            Some(Denial::Denied | Denial::WrongNumber) | None => writ_pages::Verdict::Denied,
        },
    }
}

/// How many of how many, as far as it is known.
fn agreed(receipt: &Receipt, request: Option<&PendingRequest>) -> writ_pages::Verdict {
    let stages = request.map_or(&[][..], |request| &request.asked.stages);
    let mut mine = stages
        .iter()
        .filter(|s| s.of.contains(&receipt.approver.id));
    let need = mine.next_back().map_or(1, |stage| stage.need);
    let votes = request.and_then(PendingRequest::decision);
    let agreed = votes.map_or(1, |decision| decision.by.len());
    writ_pages::Verdict::Agreed { agreed, need }
}
