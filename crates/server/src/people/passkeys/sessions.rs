//! Where a person is signed in, and the end of one of those sessions or of all but this one. It takes only away, so it asks for no proof.

use axum::response::Response;
use serde_json::json;
use writ_core::authorize::OpenedBy;
use writ_core::browser_name::BrowserName;
use writ_core::event::{Event, EventName};
use writ_jose::hash;
use writ_pages::{DevicesNotice, SessionProof, SessionView};
use writ_store::StoreError;

use super::{PATH, Said, page};
use crate::people::error::PageError;
use crate::people::request::{PostedForm, SignedIn};

/// The newest so many are listed.
const MAX_SESSIONS: u32 = 50;

pub(super) async fn end_one(posted: PostedForm) -> Result<Response, PageError> {
    let (person, form) = posted.of_signed_in(PATH)?;
    let id = form.required("session")?;
    let now = person.app.clock.now();
    let mut transaction = person.begin_change().await?;
    let sessions = transaction.sessions_of(person.id(), now, MAX_SESSIONS);
    let found = sessions.await?.into_iter();
    let mut ended = 0;
    if let Some(session) = found.into_iter().find(|one| handle(&one.digest) == id) {
        ended = u64::from(transaction.end_session(&session.digest, now).await?);
    }
    finish(person, transaction, ended).await
}

pub(super) async fn end_others(posted: PostedForm) -> Result<Response, PageError> {
    let (person, _) = posted.of_signed_in(PATH)?;
    let now = person.app.clock.now();
    let mut transaction = person.begin_change().await?;
    let this = person.browser.digest();
    let ended = transaction
        .end_other_sessions(person.id(), &this, now)
        .await?;
    finish(person, transaction, ended).await
}

async fn finish(
    person: SignedIn<'_>,
    mut transaction: writ_store::DatabaseTransaction,
    ended: u64,
) -> Result<Response, PageError> {
    let (app, now) = (person.app, person.app.clock.now());
    if ended > 0 {
        let event = Event::new(app.event_id(now), now, EventName::SessionEnded)
            .of_subject(person.id().as_str())
            .with(json!({ "by": "subject", "sessions_ended": ended }));
        transaction.insert_event(&event).await?;
    }
    transaction.commit().await?;
    let notice = match ended {
        0 => DevicesNotice::NoSessionEnded,
        _ => DevicesNotice::SessionEnded,
    };
    let said = Said {
        notice: Some(notice),
        problem: None,
    };
    page(person, said).await
}

/// Newest first.
pub(super) async fn views(person: SignedIn<'_>) -> Result<Vec<SessionView>, StoreError> {
    let (app, this) = (person.app, person.browser.digest());
    let mut reading = app.read().await?;
    let sessions = reading.sessions_of(person.id(), app.clock.now(), MAX_SESSIONS);
    let sessions = sessions.await?.into_iter();
    let views = sessions.map(|one| {
        let name = BrowserName::of(one.user_agent.as_deref().unwrap_or_default());
        SessionView {
            id: handle(&one.digest),
            browser: name.browser,
            system: name.system,
            address: one.address,
            since: one.authenticated_at,
            proof: match one.opened_by {
                OpenedBy::Password => SessionProof::Password,
                OpenedBy::Code => SessionProof::Code,
                OpenedBy::Passkey => SessionProof::Passkey,
                OpenedBy::Upstream => {
                    let issuer = one.upstream.as_deref().unwrap_or_default();
                    SessionProof::Provider(app.config.upstream_label(issuer))
                }
            },
            current: one.digest == this,
        }
    });
    Ok(views.collect())
}

/// Stands for a session on the page: its key is not shown, although it is only a digest.
fn handle(digest: &str) -> String {
    hash::digest_text(&[b"session-handle", digest.as_bytes()])
}
