//! "This was not me": ends a link that sets a password. Whoever has the letter, or one of the person's devices, may do it: it takes only
//! away, and is named by what it is stored by, which opens nothing.

use axum::response::{IntoResponse, Response};
use serde_json::json;
use writ_core::event::{Event, EventName};
use writ_pages::{AccountSaid, NotMePage};

use super::over;
use crate::people::error::PageError;
use crate::people::request::{PostedForm, Query, Visitor};

pub(super) async fn show(Query(query): Query, visitor: Visitor) -> Result<Response, PageError> {
    let link = query.required("link")?;
    let (app, now) = (&*visitor.app, visitor.app.clock.now());
    let found = app.read().await?.account_link(link, now).await?;
    if found.is_none_or(|found| !found.kind.sets_password()) {
        return over(&visitor);
    }
    let page = NotMePage {
        csrf: visitor.browser.csrf(),
        link: link.to_owned(),
    };
    let texts = app.languages.of_request(&visitor.headers);
    let mut response = page.page(texts).into_http().into_response();
    app.remember(&visitor.browser, response.headers_mut());
    Ok(response)
}

pub(super) async fn submit(posted: PostedForm) -> Result<Response, PageError> {
    let (visitor, link) = (&posted.visitor, posted.checked()?.required("link")?);
    let (app, now) = (&*visitor.app, visitor.app.clock.now());
    let mut transaction = app.begin().await?;
    let ended = transaction.end_account_link(link).await?;
    let Some(ended) = ended.filter(|ended| ended.kind.sets_password()) else {
        return over(visitor);
    };
    let event = Event::new(app.event_id(now), now, EventName::UserChanged)
        .of_subject(ended.user.as_str())
        .with(json!({ "by": "not_me", "setting": "reset", "state": "ended", "link": ended.kind }));
    transaction.insert_event(&event).await?;
    transaction.commit().await?;
    app.metrics.account_link(ended.kind, "not_me");
    let texts = app.languages.of_request(&visitor.headers);
    let page = AccountSaid::LinkEnded.page(texts);
    Ok(page.into_http().into_response())
}
