//! `/app/agents`: what acts for this person, and one button to stop a task, or an agent with everything below it.

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use writ_core::id::{ClientId, TaskId};
use writ_pages::MineNotice;

use crate::node::app::App;
use crate::operate::change::ChangedBy;
use crate::operate::stop;
use crate::people::error::PageError;
use crate::people::remembered;
use crate::people::request::{PostedForm, Query, SignedIn, Visitor};
use listed::page_after;
use undo::OfferedUndo;
use unpause::AskedUnpause;

mod approved;
mod listed;
mod resume;
mod tree;
mod undo;
mod unpause;

const PATH: &str = "/app/agents";

/// What the page says of what was just done.
#[derive(Default)]
struct Said {
    notice: Option<MineNotice>,
    undo: Option<OfferedUndo>,
    unpause: Option<AskedUnpause>,
}

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(PATH, get(show))
        .route("/app/agents/stop", post(stop_agent))
        .route("/app/agents/undo", post(undo::undo))
        .route("/app/agents/unpause", post(unpause::unpause))
        .route("/app/stop", post(stop_task))
        .route("/app/resume", post(resume::resume_task))
        .route("/app/agents/forget", post(forget))
}

async fn show(Query(query): Query, visitor: Visitor) -> Result<Response, PageError> {
    let person = visitor.signed_in(PATH)?;
    let after = query.optional("after")?.and_then(listed::cursor);
    page_after(person, Said::default(), after).await
}

async fn stop_task(posted: PostedForm) -> Result<Response, PageError> {
    let (person, form) = posted.of_signed_in(PATH)?;
    let task = TaskId::from_text(form.required("task")?);
    let app = person.app;
    let mut transaction = person.begin_change().await?;
    let by = ChangedBy::Subject(person.id().as_str());
    let change = app.change(by, app.mended_time());
    let outbox = app.outbox();
    let stopped = stop::stop_task(&outbox, &mut transaction, &task, change).await?;
    transaction.commit().await?;
    let notice = match stopped {
        Some(endings) => {
            endings.announce(app);
            app.metrics.stopped(1);
            MineNotice::TaskStopped
        }
        None => MineNotice::AlreadyEnded,
    };
    page(person, Some(notice)).await
}

async fn stop_agent(posted: PostedForm) -> Result<Response, PageError> {
    let (person, form) = posted.of_signed_in(PATH)?;
    let agent = ClientId::from_text(form.required("agent")?);
    let (app, user) = (person.app, person.id());
    let by = ChangedBy::Subject(user.as_str());
    let mut transaction = person.begin_change().await?;
    let stopped = stop::stop_agent(app, &mut transaction, user, &agent, by).await?;
    let undo = undo::offer(person, &mut transaction, &agent, &stopped).await?;
    transaction.commit().await?;
    stopped.endings.announce(app);
    let notice = match stopped.is_nothing() {
        true => MineNotice::AgentHadEnded,
        false => MineNotice::Stopped,
    };
    let said = Said {
        notice: Some(notice),
        undo,
        ..Said::default()
    };
    page_after(person, said, None).await
}

async fn forget(posted: PostedForm) -> Result<Response, PageError> {
    let (person, form) = posted.of_signed_in(PATH)?;
    let client = ClientId::from_text(form.required("client")?);
    let notice = match remembered::forget(person, &client).await? {
        true => MineNotice::Forgotten,
        false => MineNotice::AlreadyEnded,
    };
    page(person, Some(notice)).await
}

async fn page(person: SignedIn<'_>, notice: Option<MineNotice>) -> Result<Response, PageError> {
    let said = Said {
        notice,
        ..Said::default()
    };
    page_after(person, said, None).await
}
