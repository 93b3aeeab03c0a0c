//! A task that was suspended goes on: of a guest whose document became weaker, or of a person who set another password by a link. Only by
//! a login since then, made a moment ago and as strong as the consent was, for an agent may be driving the browser.

use axum::response::Response;
use writ_authority::{Level, level_of};
use writ_core::id::TaskId;
use writ_core::task::Approval;
use writ_pages::MineNotice;
use writ_store::task::StoredTask;
use writ_wire::time::Timestamp;

use super::{PATH, page};
use crate::node::guests::GuestLookup;
use crate::operate::change::ChangedBy;
use crate::operate::suspend;
use crate::people::error::PageError;
use crate::people::request::{PostedForm, SignedIn};

pub(super) async fn resume_task(posted: PostedForm) -> Result<Response, PageError> {
    let (person, form) = posted.of_signed_in(PATH)?;
    let task = TaskId::from_text(form.required("task")?);
    let notice = carry_out(person, &task).await?;
    page(person, Some(notice)).await
}

/// The grant goes on with the document as it is now.
async fn carry_out(person: SignedIn<'_>, id: &TaskId) -> Result<MineNotice, PageError> {
    let (app, user) = (person.app, &person.user().id);
    let stored = app.read().await?.task(id).await?;
    let Some(stored) = stored.filter(|stored| stored.task.subject.as_str() == user.as_str()) else {
        return Ok(MineNotice::AlreadyEnded);
    };
    if stored.suspended_at.is_none() {
        return Ok(goes_on(&stored, app.clock.now()));
    }
    if !may_resume(person, &stored) {
        return Ok(MineNotice::SignInFirst);
    }
    let client = stored.task.client.as_str();
    let lookup = GuestLookup::Consent { person: user };
    let Some(client) = app.client_or_guest(client, lookup).await? else {
        return Ok(MineNotice::AlreadyEnded);
    };
    let change = app.change(ChangedBy::Subject(user.as_str()), app.clock.now());
    let mut transaction = person.begin_change().await?;
    let resumed = suspend::resume_task(&mut transaction, &stored, &client, change).await?;
    transaction.commit().await?;
    if resumed {
        return Ok(MineNotice::Resumed);
    }
    // Another tab was faster, or something ended it meanwhile.
    let stored = app.read().await?.task(id).await?;
    let now = app.clock.now();
    Ok(stored.map_or(MineNotice::AlreadyEnded, |stored| goes_on(&stored, now)))
}

/// Of a task that this request did not let go on.
fn goes_on(stored: &StoredTask, now: Timestamp) -> MineNotice {
    let is_live = stored.stopped_at.is_none() && stored.task.expires_at > now;
    match is_live && stored.suspended_at.is_none() {
        true => MineNotice::Resumed,
        false => MineNotice::AlreadyEnded,
    }
}

/// Whether this login lets a suspended task go on.
pub(super) fn may_resume(person: SignedIn<'_>, stored: &StoredTask) -> bool {
    let session = person.session;
    let is_since = stored
        .suspended_at
        .is_some_and(|at| session.authenticated_at > at);
    is_since && person.is_fresh() && session.level >= consented(&stored.task.approval)
}

/// How strongly the person proved who they are when they agreed.
fn consented(approval: &Approval) -> Level {
    let authentication = approval.authentication.as_ref();
    let level = authentication.and_then(|authentication| level_of(&authentication.acr));
    // A login proves no face.
    level.unwrap_or(Level::Password).min(Level::Passkey)
}
