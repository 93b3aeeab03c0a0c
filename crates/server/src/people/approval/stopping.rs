//! What a denial may stop as well: all that this agent does for the person, and the questions of a resource server.

use writ_core::access_request::SILENCE;
use writ_core::approval::Denial;
use writ_core::pause::PausedBecause;
use writ_core::pending::Kind;
use writ_store::pending::ResourceSilence;
use writ_store::standing::Pair;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;

use super::Visit;
use super::question::Question;
use crate::approvals::close::{Endings, take_back};
use crate::notifications::outbox::{self, StoppedFor};
use crate::operate::change::ChangedBy;
use crate::operate::stop::{stop_agent, stop_task};
use crate::operate::suspend::{pause_agent, report_agent, report_resource_of};
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
        Denial::WrongNumber if pauses(question, Some(no)) => {
            pause(visit, question, PausedBecause::WrongNumber, transaction).await?
        }
        // It says nothing about what else was approved: somebody else's question was.
        Denial::WrongNumber => return Ok(Endings::default()),
        Denial::Denied => Endings::default(),
        Denial::Stopped => stop_all(visit, question, transaction).await?,
        Denial::NotMe => match &question.request.asked.access {
            Some(asked) => report_resource(visit, question, &asked.resource, transaction).await?,
            None => report(visit, question, transaction).await?,
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
    if let Some(here) = &question.request.task
        && stop_task(transaction, here, app.change(by, now)).await?
    {
        app.metrics.stopped(1);
    }
    let stopped = stop_agent(app, transaction, subject, client, by).await?;
    Ok(stopped.endings)
}

/// A resource server made this question of what its caller sent, so it is the first that may ask this person nothing more. Where the
/// same client is behind a reported question of another resource already, the client is reported too.
async fn report_resource(
    visit: &Visit<'_>,
    question: &Question,
    resource: &ResourceUri,
    transaction: &mut DatabaseTransaction,
) -> Result<Endings, PageError> {
    let (app, now) = (visit.app, visit.app.clock.now());
    let (client, reporter) = (&question.client.id, &visit.person.user().id);
    let silence = ResourceSilence {
        subject: &question.subject.id,
        resource,
        request: &question.request.id,
        client,
    };
    let elsewhere = transaction.is_silenced_elsewhere(silence, now).await?;
    transaction
        .silence_resource(silence, now.plus(SILENCE))
        .await?;
    let by = ChangedBy::Reporter {
        user: reporter.as_str(),
        request: &question.request.id,
    };
    let change = app.change(by, now);
    report_resource_of(transaction, resource, (client, reporter), change).await?;
    outbox::resource_reported(app, transaction, resource, client, reporter).await?;
    match elsewhere {
        true => report(visit, question, transaction).await,
        false => Ok(Endings::default()),
    }
}

/// Whether the agent begins nothing more for this person: they reported it, or a wrong number says that somebody else's browser asks.
pub fn pauses(question: &Question, no: Option<Denial>) -> bool {
    match no {
        Some(Denial::NotMe) => true,
        Some(Denial::WrongNumber) => question.request.kind == Kind::Consent,
        Some(Denial::Denied | Denial::Stopped) | None => false,
    }
}

/// Before anything else of a report: whoever asks this person takes the same locks, so that no question of a client comes in beside its
/// pause.
pub async fn lock(
    question: &Question,
    transaction: &mut DatabaseTransaction,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (subject, client) = (&question.subject.id, &question.client.id);
    transaction.guard_prompts(Some(subject), client, now).await
}

/// Whoever runs the server hears of it. One person's word stops the agent for that person at once and pauses it there, also that of who
/// answers for it: for everybody only an admin does.
async fn report(
    visit: &Visit<'_>,
    question: &Question,
    transaction: &mut DatabaseTransaction,
) -> Result<Endings, PageError> {
    let (app, now) = (visit.app, visit.app.mended_time());
    let (agent, reporter) = (&question.client.id, &visit.person.user().id);
    let by = ChangedBy::Reporter {
        user: reporter.as_str(),
        request: &question.request.id,
    };
    report_agent(transaction, agent, reporter, app.change(by, now)).await?;
    outbox::agent_reported(app, transaction, agent, reporter, StoppedFor::Person).await?;
    pause(visit, question, PausedBecause::NotMe, transaction).await
}

/// What it does for this person ends, and it begins nothing for them until they lift that.
async fn pause(
    visit: &Visit<'_>,
    question: &Question,
    because: PausedBecause,
    transaction: &mut DatabaseTransaction,
) -> Result<Endings, PageError> {
    let by = ChangedBy::Reporter {
        user: visit.person.user().id.as_str(),
        request: &question.request.id,
    };
    let pair = Pair {
        subject: &question.subject.id,
        client: &question.client.id,
    };
    let change = visit.app.change(by, visit.app.mended_time());
    let why = (&question.request.id, because);
    pause_agent(transaction, pair, why, change).await?;
    stop_all(visit, question, transaction).await
}
