//! What a no may take with it: everything that this agent does for the person, or the agent itself.

use serde_json::json;
use writ_core::approval::No;
use writ_core::id::TaskId;
use writ_store::Session;

use super::Visit;
use super::question::Question;
use crate::authorize::Ended;
use crate::notices;
use crate::stop::{Stopper, stop_task};
use crate::suspend::{Suspender, suspend};

/// The most tasks that are stopped with one answer.
const MAX_TASKS: u32 = 1000;

/// In the transaction of the no.
pub async fn follow(
    visit: &Visit<'_>,
    question: &Question,
    no: No,
    session: &mut Session,
) -> Result<(), Ended> {
    match no {
        No::Denied | No::WrongNumber => Ok(()),
        No::Stopped => stop_all(visit, question, session).await,
        No::NotMe => {
            let (app, now) = (visit.app, visit.app.clock.now());
            let (agent, reporter) = (&question.client.id, &visit.person.user.id);
            let by = Suspender::Person(reporter.as_str());
            let data = json!({ "request": question.request.id });
            if suspend(session, agent, by, (app.event_id(now), now, data)).await? {
                notices::suspended(app, session, agent, reporter).await?;
            }
            Ok(())
        }
    }
}

/// The tasks that it opened, and the one in which it asked.
async fn stop_all(
    visit: &Visit<'_>,
    question: &Question,
    session: &mut Session,
) -> Result<(), Ended> {
    let (app, now) = (visit.app, visit.app.clock.now());
    let (subject, client) = (&question.subject.id, &question.client.id);
    let mut tasks: Vec<TaskId> = session
        .live_tasks_between(subject, client, now, MAX_TASKS)
        .await?;
    let here = question.request.task.clone();
    tasks.extend(here.filter(|task| !tasks.contains(task)));
    let person = &visit.person.user.id;
    for task in tasks {
        let stopper = match person == subject {
            true => Stopper::Person(subject.as_str()),
            false => Stopper::Approver(person.as_str()),
        };
        if stop_task(session, &task, stopper, (app.event_id(now), now)).await? {
            app.metrics.stopped();
        }
    }
    Ok(())
}
