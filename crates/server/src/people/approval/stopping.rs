//! What a denial may stop as well: all that this agent does for the person, and the questions of a resource server. Who reports a request
//! speaks for themselves: what is done for another person is that person's to end.

use writ_core::access_request::SILENCE;
use writ_core::approval::Denial;
use writ_core::id::UserId;
use writ_core::pause::PausedBecause;
use writ_core::pending::{Kind, PendingRequest};
use writ_pages::ReportView;
use writ_pages::messages::Reporter;
use writ_store::pending::ResourceSilence;
use writ_store::standing::Pair;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::resource::ResourceUri;

use super::Visit;
use super::question::Question;
use crate::approvals::close::{Endings, deny_all_of_resource, take_back};
use crate::node::app::App;
use crate::notifications::outbox::{self, NotMeReport};
use crate::operate::change::{ChangeContext, ChangedBy};
use crate::operate::stop::{stop_agent, stop_task};
use crate::operate::suspend::{
    ReportedClient, ReportedResource, pause_agent, report_agent, report_resource_of,
};
use crate::people::error::PageError;

/// In the transaction of the denial; other requests may end with it.
pub async fn follow(
    visit: &Visit<'_>,
    question: &Question,
    no: Denial,
    transaction: &mut DatabaseTransaction,
) -> Result<Endings, PageError> {
    let mut endings = match no {
        // Somebody's browser asks as this person: its agent begins nothing more for them until they let it.
        Denial::WrongNumber if pauses(visit, question, no) => {
            pause(visit, question, PausedBecause::WrongNumber, transaction).await?
        }
        // It says nothing about what else was approved: somebody else's question was.
        Denial::WrongNumber => return Ok(Endings::default()),
        Denial::Denied => Endings::default(),
        Denial::Stopped => Box::pin(stop_all(visit, question, transaction)).await?,
        Denial::NotMe if !is_about(visit, question) => {
            tell(visit, question, transaction).await?;
            Endings::default()
        }
        Denial::NotMe => match &question.request.asked.access {
            Some(asked) => {
                let reported = report_resource(visit, question, &asked.resource, transaction);
                Box::pin(reported).await?
            }
            None => Box::pin(report(visit, question, transaction)).await?,
        },
    };
    let now = visit.app.mended_time();
    endings.add(take_back(visit.app, transaction, &question.request, now).await?);
    Ok(endings)
}

/// All that it does for the person, and the task in which it asked, whoever opened that.
async fn stop_all(
    visit: &Visit<'_>,
    question: &Question,
    transaction: &mut DatabaseTransaction,
) -> Result<Endings, PageError> {
    let (app, now) = (visit.app, visit.app.mended_time());
    let (subject, client) = (&question.subject.id, &question.client.id);
    let person = &visit.person.user().id;
    let by = match person == subject {
        true => ChangedBy::Subject(subject.as_str()),
        false => ChangedBy::Approver(person.as_str()),
    };
    // First the task in which it asked: what dies with it needs no stop of its own.
    let mut endings = Endings::default();
    if let Some(here) = &question.request.task {
        let (outbox, change) = (app.outbox(), app.change(by, now));
        let stopped = Box::pin(stop_task(&outbox, transaction, here, change));
        if let Some(within) = stopped.await? {
            app.metrics.stopped(1);
            endings.add(within);
        }
    }
    let stopped = Box::pin(stop_agent(app, transaction, subject, client, by)).await?;
    endings.add(stopped.endings);
    Ok(endings)
}

/// A resource server made this question of what its caller sent, so it is the first that may ask this person nothing more, and what it
/// asked them ends, also what was approved and not used, whoever its callers are. Where the same client is behind a reported question of
/// another resource already, the client is reported too.
async fn report_resource(
    visit: &Visit<'_>,
    question: &Question,
    resource: &ResourceUri,
    transaction: &mut DatabaseTransaction,
) -> Result<Endings, PageError> {
    let now = visit.app.clock.now();
    let silence = silence(question, resource);
    let elsewhere = transaction.is_silenced_elsewhere(silence, now).await?;
    transaction
        .silence_resource(silence, now.plus(SILENCE))
        .await?;
    let change = change(visit, question);
    let denied = deny_all_of_resource(transaction, silence, &change.event_id, change.now);
    let (denied, mut endings) = denied.await?;
    let reported = ReportedResource {
        resource,
        ended: Some(denied.ended),
        change,
    };
    tell_of_resource(visit, question, reported, transaction).await?;
    if elsewhere {
        tell_of_agent(visit, question, transaction).await?;
        endings.add(pause(visit, question, PausedBecause::NotMe, transaction).await?);
    }
    Ok(endings)
}

fn silence<'a>(question: &'a Question, resource: &'a ResourceUri) -> ResourceSilence<'a> {
    ResourceSilence {
        subject: &question.subject.id,
        resource,
        request: &question.request.id,
        client: &question.client.id,
    }
}

/// Whether this person is the one for whom it would be done.
fn is_about(visit: &Visit<'_>, question: &Question) -> bool {
    visit.person.user().id == question.subject.id
}

/// What "This was not me" of this person would do now.
pub async fn would_do(visit: &Visit<'_>, question: &Question) -> Result<ReportView, PageError> {
    if !is_about(visit, question) {
        return Ok(ReportView::Told);
    }
    let Some(asked) = &question.request.asked.access else {
        return Ok(ReportView::Agent);
    };
    let silence = silence(question, &asked.resource);
    let mut reading = visit.app.read().await?;
    let elsewhere = reading.is_silenced_elsewhere(silence, visit.app.mended_time());
    let elsewhere = elsewhere.await?;
    let resource = question.catalogue.name_of(&asked.resource);
    Ok(match elsewhere {
        true => ReportView::ResourceAndAgent { resource },
        false => ReportView::Resource { resource },
    })
}

/// What "This was not me" of this user did, as far as it lasts.
pub async fn has_done(
    app: &App,
    request: &PendingRequest,
    reporter: &UserId,
) -> Result<Option<ReportView>, PageError> {
    let client = &request.client;
    let subject = match &request.subject {
        Some(subject) if subject == reporter => subject,
        _ => return Ok(Some(ReportView::Told)),
    };
    let paused = app
        .read()
        .await?
        .is_paused(Pair { subject, client })
        .await?;
    let resource = app.catalogue().await?.name_of_asking(request);
    Ok(match (resource, paused) {
        (Some(resource), true) => Some(ReportView::ResourceAndAgent { resource }),
        (Some(resource), false) => Some(ReportView::Resource { resource }),
        (None, true) => Some(ReportView::Agent),
        (None, false) => None,
    })
}

/// Whether the agent may begin nothing more for this person: they reported it, or a wrong number says that somebody else's browser asks.
fn pauses(visit: &Visit<'_>, question: &Question, no: Denial) -> bool {
    match no {
        Denial::NotMe => is_about(visit, question),
        Denial::WrongNumber => question.request.kind == Kind::Consent,
        Denial::Denied | Denial::Stopped => false,
    }
}

/// Before anything else of a no, because much may end with it: two of them about one person come one after the other. Whoever asks this
/// person takes the same locks, so that no question of a client comes in beside its pause.
pub async fn lock(
    visit: &Visit<'_>,
    question: &Question,
    no: Denial,
    transaction: &mut DatabaseTransaction,
) -> Result<(), StoreError> {
    let now = visit.app.mended_time();
    let (subject, client) = (&question.subject.id, &question.client.id);
    match pauses(visit, question, no) {
        true => transaction.guard_prompts(Some(subject), client, now).await,
        false => transaction.guard_person(subject, now).await,
    }
}

/// One person's word stops the agent for that person at once and pauses it there, also that of who answers for it: for everybody only an
/// admin does.
async fn report(
    visit: &Visit<'_>,
    question: &Question,
    transaction: &mut DatabaseTransaction,
) -> Result<Endings, PageError> {
    tell(visit, question, transaction).await?;
    pause(visit, question, PausedBecause::NotMe, transaction).await
}

/// Whoever runs the server hears of it: of the resource server where that asked, else of the agent.
async fn tell(
    visit: &Visit<'_>,
    question: &Question,
    transaction: &mut DatabaseTransaction,
) -> Result<(), PageError> {
    let Some(asked) = &question.request.asked.access else {
        return tell_of_agent(visit, question, transaction).await;
    };
    let reported = ReportedResource {
        resource: &asked.resource,
        ended: None,
        change: change(visit, question),
    };
    tell_of_resource(visit, question, reported, transaction).await
}

async fn tell_of_resource(
    visit: &Visit<'_>,
    question: &Question,
    resource: ReportedResource<'_>,
    transaction: &mut DatabaseTransaction,
) -> Result<(), PageError> {
    let (report, uri) = (reported(visit, question), resource.resource);
    report_resource_of(transaction, resource, of_record(question, report)).await?;
    outbox::resource_reported(visit.app, transaction, uri, report).await?;
    Ok(())
}

async fn tell_of_agent(
    visit: &Visit<'_>,
    question: &Question,
    transaction: &mut DatabaseTransaction,
) -> Result<(), PageError> {
    let report = reported(visit, question);
    let change = change(visit, question);
    report_agent(transaction, of_record(question, report), change).await?;
    outbox::agent_reported(visit.app, transaction, report).await?;
    Ok(())
}

fn reported<'a>(visit: &Visit<'a>, question: &'a Question) -> NotMeReport<'a> {
    NotMeReport {
        client: &question.client.id,
        by: &visit.person.user().id,
        reporter: match is_about(visit, question) {
            true => Reporter::Subject,
            false => Reporter::Approver,
        },
    }
}

fn of_record<'a>(question: &'a Question, report: NotMeReport<'a>) -> ReportedClient<'a> {
    ReportedClient {
        client: report.client,
        reporter: report.by,
        decided_for: match report.reporter {
            Reporter::Subject => None,
            Reporter::Approver => Some(&question.subject.id),
        },
    }
}

fn change<'a>(visit: &Visit<'a>, question: &'a Question) -> ChangeContext<'a> {
    let by = ChangedBy::Reporter {
        user: visit.person.user().id.as_str(),
        request: &question.request.id,
    };
    visit.app.change(by, visit.app.mended_time())
}

/// What it does for this person ends, and it begins nothing for them until they lift that.
async fn pause(
    visit: &Visit<'_>,
    question: &Question,
    because: PausedBecause,
    transaction: &mut DatabaseTransaction,
) -> Result<Endings, PageError> {
    let pair = Pair {
        subject: &question.subject.id,
        client: &question.client.id,
    };
    let change = change(visit, question);
    pause_agent(transaction, pair, &question.request.id, because, change).await?;
    Box::pin(stop_all(visit, question, transaction)).await
}
