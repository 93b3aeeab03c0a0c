//! The session of a console: a cookie of its own beside that of the person, whose session it ends with. Of its secret only a digest is stored.

use std::time::Duration;

use http::HeaderMap;
use writ_core::operator::CONSOLE_LONGEST;
use writ_core::realm::DEFAULT_TENANT;
use writ_jose::hash;
use writ_store::operator::ConsoleSession;
use writ_store::{DatabaseTransaction, StoreError};

use crate::node::app::App;
use crate::people::request::Visitor;
use crate::people::session::{SameSite, only_cookie};

/// Its use is written down so often at most.
const NOTED_EVERY: Duration = Duration::from_secs(60);
/// 32 bytes in base64url.
const COOKIE_LENGTH: usize = 43;

/// A console of this browser: the keys of its row.
#[derive(Clone, Debug)]
pub struct ConsoleKeys {
    /// Of the person's session.
    pub session: String,
    pub console: String,
}

/// What the cookie of this browser may open.
pub fn keys(visitor: &Visitor) -> Option<ConsoleKeys> {
    let cookie = only_cookie(&visitor.headers, &cookie_name(&visitor.app));
    let cookie = cookie.filter(|cookie| cookie.len() == COOKIE_LENGTH)?;
    Some(ConsoleKeys {
        session: visitor.browser.digest(),
        console: digest_of(&cookie),
    })
}

/// The console that is open in this browser; that it is used keeps it open.
pub async fn open_console(
    app: &App,
    keys: &ConsoleKeys,
) -> Result<Option<ConsoleSession>, StoreError> {
    let mut reading = app.read().await?;
    let found = still_open(app, &mut reading, keys).await?;
    drop(reading);
    let now = app.mended_time();
    if let Some(open) = &found
        && open.times.seen_at.plus(NOTED_EVERY) <= now
    {
        let mut transaction = app.begin().await?;
        transaction
            .note_console_used(&keys.session, &keys.console, now)
            .await?;
        transaction.commit().await?;
    }
    Ok(found)
}

/// The same in the transaction of a change.
pub async fn still_open(
    app: &App,
    transaction: &mut DatabaseTransaction,
    keys: &ConsoleKeys,
) -> Result<Option<ConsoleSession>, StoreError> {
    let now = app.mended_time();
    let found = transaction.console(&keys.session, &keys.console, now);
    Ok(found.await?.filter(|open| open.times.is_open(now)))
}

/// What is stored of a cookie.
pub fn digest_of(cookie: &str) -> String {
    hash::digest_text(&[b"console", cookie.as_bytes()])
}

/// Sent with requests of our own pages alone: no link of another site opens a page of the console.
pub fn set_cookie(app: &App, headers: &mut HeaderMap, cookie: &str) {
    let age = Some(CONSOLE_LONGEST.as_secs());
    app.set_cookie_of(headers, SameSite::Strict, (&cookie_name(app), cookie), age);
}

pub fn forget_cookie(app: &App, headers: &mut HeaderMap) {
    app.set_cookie_of(headers, SameSite::Strict, (&cookie_name(app), ""), Some(0));
}

fn cookie_name(app: &App) -> String {
    if app.config.is_https() {
        format!("__Host-writ-console-{DEFAULT_TENANT}")
    } else {
        format!("writ-console-loopback-{DEFAULT_TENANT}")
    }
}
