//! The page of a request that this person cannot decide any more, or never could.

use axum::response::{IntoResponse, Response};
use writ_core::approval::Denial;
use writ_core::id::ApprovalId;
use writ_core::pending::{Decision, PendingStatus, STOPPED};
use writ_pages::{ApprovalProblem, HowOver, Over};

use super::choice::Choice;
use super::question::{Ending, Question, Refused};
use super::{Copy, Visit};
use crate::people::authorize::Ended;
use crate::people::inbox::person;

pub(super) async fn page(visit: &Visit<'_>, refused: &Refused) -> Result<Response, Ended> {
    match refused {
        Refused::Unknown => plainly(visit, HowOver::Unknown).await,
        Refused::Ended(ending) => {
            let me = &visit.person.user.id;
            let decided = ending.request.decision().into_iter().flat_map(|d| &d.by);
            let mut votes = decided.chain(&ending.votes);
            let receipt = votes.find(|vote| vote.user == *me);
            let page = Over {
                person: person(visit.app, visit.browser, visit.person).await?,
                request: None,
                agent_name: ending.client.as_ref().map(|client| client.name.clone()),
                how: how(visit, ending),
                receipt: receipt.map(|vote| vote.receipt.to_string()),
            };
            Ok(page.page(visit.texts).into_http().into_response())
        }
    }
}

/// Without a word about the request.
pub(super) async fn plainly(visit: &Visit<'_>, how: HowOver) -> Result<Response, Ended> {
    let page = Over {
        person: person(visit.app, visit.browser, visit.person).await?,
        request: None,
        agent_name: None,
        how,
        receipt: None,
    };
    Ok(page.page(visit.texts).into_http().into_response())
}

/// This person agreed; the others have not yet.
pub(super) async fn waits(visit: &Visit<'_>, question: &Question) -> Result<Response, Ended> {
    let me = &visit.person.user.id;
    let mine = question.votes.iter().find(|vote| vote.user == *me);
    let stage = mine.map_or(question.standing.stage, |vote| vote.stage);
    let agreed = question.votes.iter().filter(|vote| vote.stage == stage);
    let stages = &question.request.asked.stages;
    let how = HowOver::WaitsForOthers {
        agreed: agreed.count(),
        need: stages.get(stage).map_or(1, |stage| stage.need),
    };
    let page = Over {
        person: person(visit.app, visit.browser, visit.person).await?,
        request: None,
        agent_name: Some(question.client.name.clone()),
        how,
        receipt: mine.map(|vote| vote.receipt.to_string()),
    };
    Ok(page.page(visit.texts).into_http().into_response())
}

/// Somebody was faster: as it is now.
pub(super) async fn again(visit: &Visit<'_>, id: &ApprovalId) -> Result<Response, Ended> {
    match visit.find(id).await? {
        Err(refused) => page(visit, &refused).await,
        Ok((question, copy)) => newer(visit, &question, copy).await,
    }
}

/// Another screen than the one that was answered.
pub(super) async fn newer(
    visit: &Visit<'_>,
    question: &Question,
    copy: Copy,
) -> Result<Response, Ended> {
    if question.has_agreed(&visit.person.user) {
        return waits(visit, question).await;
    }
    let problem = match copy {
        Copy::Newest => ApprovalProblem::Changed,
        Copy::Older => ApprovalProblem::AskedAgain,
    };
    visit
        .screen(question, &Choice::default(), Some(problem))
        .await
}

fn how(visit: &Visit<'_>, ending: &Ending) -> HowOver {
    match ending.request.status_at(visit.app.clock.now()) {
        PendingStatus::Approved(decision) | PendingStatus::Redeemed { decision, .. } => {
            by_whom(visit, decision, true)
        }
        PendingStatus::Denied(decision) => by_whom(visit, decision, false),
        PendingStatus::Expired { .. } | PendingStatus::Superseded => HowOver::Expired,
        PendingStatus::Pending | PendingStatus::Viewed => HowOver::Unknown,
    }
}

/// Who denied it came last; all others of a no had agreed.
fn by_whom(visit: &Visit<'_>, decision: &Decision, approved: bool) -> HowOver {
    let me = &visit.person.user.id;
    let mine = match approved {
        true => decision.by.iter().any(|vote| vote.user == *me),
        false => decision.by.last().is_some_and(|vote| vote.user == *me),
    };
    // Nobody's answer: it ended with all that the agent did.
    if decision.reason.as_deref() == Some(STOPPED) {
        return HowOver::Stopped;
    }
    let reason = decision.reason.as_deref().and_then(Denial::from_reason);
    match (mine, approved, reason) {
        (true, true, _) => HowOver::Approved,
        (true, false, Some(Denial::Stopped)) => HowOver::Stopped,
        (true, false, Some(Denial::NotMe)) => HowOver::NotMe,
        (true, false, Some(Denial::WrongNumber)) => HowOver::NumberWrong,
        (true, false, _) => HowOver::Denied,
        (false, approved, _) => HowOver::ByOther { approved },
    }
}
