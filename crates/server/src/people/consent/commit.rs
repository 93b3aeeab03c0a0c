//! The database transaction of a consent: the one who consumes the request writes everything else, and the client gets its code.

use axum::response::Response;
use serde_json::json;
use writ_core::OAuthError;
use writ_core::authorize::RequestUnusable;
use writ_core::consent::GrantedConsent;
use writ_core::event::{Event, EventName};
use writ_core::history;
use writ_core::pending::PendingRequest;
use writ_core::remembered::SkippedConsent;
use writ_store::approved_uses::NewUses;
use writ_store::{DatabaseTransaction, StoreError};

use super::parts::events;
use super::{ConsentQuestion, guest};
use crate::node::app::App;
use crate::node::metrics::CountedElsewhere;
use crate::people::error::PageError;
use crate::people::redirect::see_other;
use crate::people::remembered::{remember, still_skipped};
use crate::people::request_over::over;

/// By whom a request is granted.
#[derive(Clone, Copy)]
pub(super) enum GrantedBy<'a> {
    /// By the person, on the consent page.
    Page,
    /// By nobody: they need not be asked.
    Nobody(SkippedConsent),
    /// By the person, on a device of theirs.
    Device(&'a PendingRequest),
}

/// The one who consumes the request writes everything else.
pub(super) async fn commit(
    app: &App,
    question: &ConsentQuestion,
    approved: &GrantedConsent,
    code: &str,
    by: GrantedBy<'_>,
) -> Result<Response, PageError> {
    let now = app.clock.now();
    let Some(mut transaction) = question.begin_change(app).await? else {
        return Ok(see_other(&question.address()));
    };
    if !transaction
        .consume_request(&question.found.digest, now)
        .await?
    {
        drop(transaction);
        return Err(over(app, &question.found, RequestUnusable::Used).await?);
    }
    if !still_counts(app, &mut transaction, question, approved, by).await? {
        // Taken back meanwhile: the page asks, or the client hears that it must.
        return Ok(see_other(&question.address()));
    }
    guest::register(app, &mut transaction, question).await?;
    if !transaction.insert_task_if_active(&approved.task).await? {
        let (client, refusal) = (question.client.id.clone(), OAuthError::client_stopped());
        return Err(PageError::client_stopped(client, refusal));
    }
    transaction
        .insert_consent(&approved.task, &approved.consent)
        .await?;
    transaction.insert_delegation(&approved.delegation).await?;
    guest::keep_document(app, &mut transaction, question, approved).await?;
    transaction.insert_code(&approved.code).await?;
    match by {
        GrantedBy::Page => {
            remember(app, &mut transaction, question.person(), &approved.task).await?;
        }
        GrantedBy::Nobody(_) => {}
        GrantedBy::Device(request) => {
            record_redeemed(app, &mut transaction, request, question, approved).await?;
        }
    }
    for event in events(app, question, approved) {
        transaction.insert_event(&event).await?;
    }
    transaction.commit().await?;
    match by {
        GrantedBy::Nobody(skipped) => app.metrics.consent(skipped.method()),
        GrantedBy::Page if approved.narrowed => app.metrics.consent("narrowed"),
        GrantedBy::Page => app.metrics.consent("approved"),
        // Counted when it was decided.
        GrantedBy::Device(_) => app.metrics.elsewhere.count(CountedElsewhere::Granted),
    }
    let state = question.found.prepared.request.state.as_deref();
    let answer: Vec<(&str, &str)> = std::iter::once(("code", code))
        .chain(state.map(|s| ("state", s)))
        .collect();
    let mode = question.found.prepared.request.openid.response_mode;
    app.answer_client(&approved.code.redirect_uri, mode, &answer)
}

/// Whether it is still so that nobody need be asked. What was agreed to on a device is used up: it is good once, and not after a stop.
async fn still_counts(
    app: &App,
    transaction: &mut DatabaseTransaction,
    question: &ConsentQuestion,
    approved: &GrantedConsent,
    by: GrantedBy<'_>,
) -> Result<bool, PageError> {
    match by {
        GrantedBy::Page => Ok(true),
        GrantedBy::Nobody(skipped) => {
            still_skipped(app, transaction, question.person(), skipped).await
        }
        GrantedBy::Device(request) => {
            let (delegation, now) = (&approved.delegation.id, app.clock.now());
            let redeemed = transaction.redeem_pending(&request.id, delegation, now);
            Ok(redeemed.await?)
        }
    }
}

/// As every approval that is used: it is usual for this person from now on.
async fn record_redeemed(
    app: &App,
    transaction: &mut DatabaseTransaction,
    request: &PendingRequest,
    question: &ConsentQuestion,
    approved: &GrantedConsent,
) -> Result<(), StoreError> {
    let (now, subject) = (app.clock.now(), &question.session.user.id);
    let authority = &approved.delegation.authority;
    let uses = history::uses(authority, subject, question.catalogue.realm().types);
    let new = NewUses {
        approval: &request.id,
        client: &request.client,
        subject,
        uses: &uses,
    };
    transaction.insert_uses(new, now).await?;
    let event = Event::new(app.event_id(now), now, EventName::ApprovalRedeemed)
        .by(&question.client)
        .about(&approved.task)
        .under(&approved.delegation)
        .permitted()
        .with(json!({
            "approval": request.id,
            "kind": request.kind.as_str(),
            "by": request.decision().map(|decision| &decision.by),
            "narrowed": approved.narrowed,
        }));
    transaction.insert_event(&event).await
}
