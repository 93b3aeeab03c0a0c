//! The page of a request that this person cannot decide any more, or never could.

use axum::response::{IntoResponse, Response};
use writ_core::approval::Denial;
use writ_core::id::ApprovalId;
use writ_core::pending::{Decision, Kind, PendingStatus, REPORTED, STOPPED};
use writ_pages::{ApprovalProblem, HowOver, Over};

use super::choice::Choice;
use super::question::{ClosedRequest, NoQuestion, Question};
use super::{FoundQuestion, Version, Visit, stopping};
use crate::people::error::PageError;

pub(super) async fn page(visit: &Visit<'_>, none: NoQuestion) -> Result<Response, PageError> {
    let closed = match none {
        NoQuestion::Page(error) => return Err(error),
        NoQuestion::Unknown => return plainly(visit, HowOver::Unknown).await,
        NoQuestion::Closed(closed) => closed,
    };
    let me = &visit.person.user().id;
    let decided = closed.request.decision().into_iter().flat_map(|d| &d.by);
    let mut votes = decided.chain(&closed.votes);
    let receipt = votes.find(|vote| vote.user == *me);
    let over = Over {
        person: visit.person.frame().await?,
        request: None,
        agent_name: closed.client.as_ref().map(|client| client.name.clone()),
        how: how(visit, &closed).await?,
        receipt: receipt.map(|vote| vote.receipt.to_string()),
    };
    Ok(over.page(visit.texts).into_http().into_response())
}

/// A page that says nothing about the request.
pub(super) async fn plainly(visit: &Visit<'_>, how: HowOver) -> Result<Response, PageError> {
    let page = Over {
        person: visit.person.frame().await?,
        request: None,
        agent_name: None,
        how,
        receipt: None,
    };
    Ok(page.page(visit.texts).into_http().into_response())
}

/// This person agreed; the others have not yet.
pub(super) async fn waits(visit: &Visit<'_>, question: &Question) -> Result<Response, PageError> {
    let me = &visit.person.user().id;
    let own = question.votes.iter().find(|vote| vote.user == *me);
    let stage = own.map_or(question.standing.stage, |vote| vote.stage);
    let agreed = question.votes.iter().filter(|vote| vote.stage == stage);
    let asked = &question.request.asked;
    let how = HowOver::WaitsForOthers {
        agreed: match asked.safeguards.subject_first {
            true => question.votes.len(),
            false => agreed.count(),
        },
        need: asked.people_needed(stage),
    };
    let page = Over {
        person: visit.person.frame().await?,
        request: None,
        agent_name: Some(question.client.name.clone()),
        how,
        receipt: own.map(|vote| vote.receipt.to_string()),
    };
    Ok(page.page(visit.texts).into_http().into_response())
}

/// Another answer came first: the request as it is now.
pub(super) async fn again(visit: &Visit<'_>, id: &ApprovalId) -> Result<Response, PageError> {
    match visit.find(id).await {
        Err(none) => page(visit, none).await,
        Ok(FoundQuestion { question, version }) => newer(visit, &question, version).await,
    }
}

/// The screen has changed since it was shown: the new one, with the reason.
pub(super) async fn newer(
    visit: &Visit<'_>,
    question: &Question,
    version: Version,
) -> Result<Response, PageError> {
    if question.has_agreed(visit.person.user()) {
        return waits(visit, question).await;
    }
    let problem = match version {
        Version::Newest => ApprovalProblem::Changed,
        Version::Older => ApprovalProblem::AskedAgain,
    };
    visit
        .screen(question, &Choice::default(), Some(problem))
        .await
}

async fn how(visit: &Visit<'_>, closed: &ClosedRequest) -> Result<HowOver, PageError> {
    let me = &visit.person.user().id;
    if let PendingStatus::Denied(decision) = &closed.request.status
        && decision.by.last().is_some_and(|vote| vote.user == *me)
        && decision.reason.as_deref().and_then(Denial::from_reason) == Some(Denial::NotMe)
        && let Some(report) = stopping::has_done(visit.app, &closed.request, me).await?
    {
        return Ok(HowOver::Reported(report));
    }
    if let PendingStatus::Denied(decision) = &closed.request.status
        && decision.reason.as_deref() == Some(REPORTED)
        && let Some(resource) = visit.app.catalogue().await?.name_of_asking(&closed.request)
    {
        return Ok(HowOver::EndedByReport { resource });
    }
    Ok(ended(visit, closed))
}

fn ended(visit: &Visit<'_>, closed: &ClosedRequest) -> HowOver {
    match closed.request.status_at(visit.app.mended_time()) {
        PendingStatus::Approved(decision) | PendingStatus::Redeemed { decision, .. } => {
            by_whom(visit, closed, decision)
        }
        PendingStatus::Denied(decision) => by_whom(visit, closed, decision),
        taken_back if taken_back.was_taken_back() => HowOver::TakenBack,
        PendingStatus::Expired { unfetched: Some(_) } => HowOver::NotDone,
        // Of a resource server's question there is no newer copy.
        PendingStatus::Superseded if closed.request.kind == Kind::Access => HowOver::DescribedAnew,
        PendingStatus::Expired { unfetched: None } | PendingStatus::Superseded => HowOver::Expired,
        PendingStatus::Cancelled => HowOver::Cancelled,
        PendingStatus::Pending | PendingStatus::Viewed => HowOver::Unknown,
    }
}

/// The last vote of a denied request is the denial; all before it had agreed.
fn by_whom(visit: &Visit<'_>, closed: &ClosedRequest, decision: &Decision) -> HowOver {
    let approved = decision.is_approval();
    let me = &visit.person.user().id;
    let own = match approved {
        true => decision.by.iter().any(|vote| vote.user == *me),
        false => decision.by.last().is_some_and(|vote| vote.user == *me),
    };
    // Ended without an answer, when the agent was stopped.
    if decision.reason.as_deref() == Some(STOPPED) {
        return HowOver::Stopped;
    }
    let reason = decision.reason.as_deref().and_then(Denial::from_reason);
    match (own, approved, reason) {
        (true, true, _) => HowOver::Approved,
        (true, false, Some(Denial::Stopped)) => HowOver::Stopped,
        (true, false, Some(Denial::WrongNumber)) => match closed.request.kind {
            Kind::Consent => HowOver::NumberWrongElsewhere,
            Kind::Ciba | Kind::Device | Kind::Transaction | Kind::Access => HowOver::NumberWrong,
        },
        (true, false, _) => HowOver::Denied,
        (false, approved, _) => HowOver::ByOther { approved },
    }
}
