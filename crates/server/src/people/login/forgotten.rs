//! "Forgot your password?": whatever name is typed, the answer is the same, and what comes of it is done where nobody waits for it
//! (`operate/forgotten.rs`).

use axum::response::{IntoResponse, Response};
use writ_core::registration::check_user_name;
use writ_pages::{AccountSaid, ForgottenPage};

use crate::config::LocalAccounts;
use crate::node::app::App;
use crate::node::forgotten_limits::{ForgottenBy, forgotten_limits};
use crate::node::rate_limits::RateLimit;
use crate::notifications::link_mail::password_forgotten;
use crate::people::error::PageError;
use crate::people::request::{PostedForm, Visitor};

pub(super) async fn show(visitor: Visitor) -> Result<Response, PageError> {
    Ok(page(&visitor, false))
}

pub(super) async fn submit(posted: PostedForm) -> Result<Response, PageError> {
    let (visitor, form) = (&posted.visitor, posted.unchecked());
    if !posted.is_ours() || !sends_links(&visitor.app) {
        return Ok(page(visitor, !posted.is_ours()));
    }
    let name = form.required("username")?;
    let counted = admit(visitor, name).await?;
    let app = &*visitor.app;
    if check_user_name(name).is_ok() {
        let asked = ask_for_link(app, name).await;
        asked.inspect_err(|_| app.owe_attempts(&counted))?;
        app.notices.wake();
    }
    Ok(said(visitor, AccountSaid::LinkMayCome))
}

/// Nobody gets a link that nobody could use.
fn sends_links(app: &App) -> bool {
    app.config.channels.mail.is_some() && app.config.local_accounts == LocalAccounts::On
}

async fn ask_for_link(app: &App, name: &str) -> Result<(), PageError> {
    let mut transaction = app.begin().await?;
    password_forgotten(&app.outbox(), &mut transaction, name).await?;
    Ok(transaction.commit().await?)
}

/// What it is counted against.
async fn admit(visitor: &Visitor, name: &str) -> Result<Vec<RateLimit>, PageError> {
    let (app, now) = (&*visitor.app, visitor.app.clock.now());
    let stored = app.read().await?.user_by_name(name).await?;
    let known = stored.and_then(|stored| app.known_browser(&visitor.headers, &stored));
    let by = match &known {
        Some(id) => ForgottenBy::KnownBrowser(id),
        None => ForgottenBy::Stranger {
            name,
            address: visitor.address,
        },
    };
    let sentence =
        "a link was asked for too often: try again tomorrow, or ask whoever runs this server";
    app.admit_request(forgotten_limits(by, now), sentence)
        .await?;
    Ok(forgotten_limits(by, now))
}

fn page(visitor: &Visitor, form_expired: bool) -> Response {
    let app: &App = &visitor.app;
    if !sends_links(app) {
        return said(visitor, AccountSaid::AskOperator);
    }
    let forgotten = ForgottenPage {
        csrf: visitor.browser.csrf(),
        form_expired,
    };
    let texts = app.languages.of_request(&visitor.headers);
    let mut response = forgotten.page(texts).into_http().into_response();
    app.remember(&visitor.browser, response.headers_mut());
    response
}

fn said(visitor: &Visitor, said: AccountSaid) -> Response {
    let texts = visitor.app.languages.of_request(&visitor.headers);
    said.page(texts).into_http().into_response()
}
