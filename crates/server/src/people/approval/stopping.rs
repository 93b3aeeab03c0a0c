//! What a denial may stop as well: all tasks of this agent for the person, or the agent itself.

use writ_core::approval::Denial;
use writ_store::DatabaseTransaction;

use super::Visit;
use super::question::Question;
use crate::approvals::close::{Endings, deny_all};
use crate::notifications::outbox::{self, StoppedPair};
use crate::operate::change::ChangedBy;
use crate::operate::stop::{stop_agent, stop_task};
use crate::operate::suspend::suspend_agent;
use crate::people::error::PageError;

/// In the transaction of the denial; other requests may end with it.
pub async fn follow(
    visit: &Visit<'_>,
    question: &Question,
    no: Denial,
    transaction: &mut DatabaseTransaction,
) -> Result<Endings, PageError> {
    match no {
        Denial::Denied | Denial::WrongNumber => Ok(Endings::default()),
        Denial::Stopped => stop_all(visit, question, transaction).await,
        Denial::NotMe => report(visit, question, transaction).await,
    }
}

/// All that it does for the person, and the task in which it asked, whoever opened that.
async fn stop_all(
    visit: &Visit<'_>,
    question: &Question,
    transaction: &mut DatabaseTransaction,
) -> Result<Endings, PageError> {
    let (app, now) = (visit.app, visit.app.clock.now());
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

/// The agent is suspended. What it asked this person is over, also if an operator resumes it.
async fn report(
    visit: &Visit<'_>,
    question: &Question,
    transaction: &mut DatabaseTransaction,
) -> Result<Endings, PageError> {
    let (app, now) = (visit.app, visit.app.clock.now());
    let (agent, reporter) = (&question.client.id, &visit.person.user().id);
    let by = ChangedBy::Reporter {
        user: reporter.as_str(),
        request: &question.request.id,
    };
    if suspend_agent(transaction, agent, app.change(by, now)).await? {
        outbox::agent_suspended(app, transaction, agent, reporter).await?;
    }
    let (subject, client) = (&question.subject.id, agent);
    transaction.begin_stop().await?;
    let pair = StoppedPair { subject, client };
    Ok(deny_all(app, transaction, pair, now).await?)
}
