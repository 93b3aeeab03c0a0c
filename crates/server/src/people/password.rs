//! How a person proves their password: at the login, or within their session. Counted before it is checked; a failure outside is never counted
//! against a session, nor against a browser that the person knows.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::json;
use writ_authority::Level;
use writ_core::event::{Event, EventName};
use writ_pages::{ApprovalProblem, LoginProblem, SettingsProblem};
use writ_store::StoreError;
use writ_store::attempts::Admission;
use writ_store::user::StoredUser;

use crate::node::app::App;
use crate::node::password_limits::{PasswordLimits, PasswordTrier};
use crate::node::passwords::{HashFor, HashHolder};
use crate::people::error::StepError;
use crate::people::request::{SignedIn, Visitor};

/// Why a password proves nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordProblem {
    Wrong,
    /// Paused after too many.
    TooMany {
        retry_after: Duration,
    },
    /// Too many wait for a hash.
    Busy,
}

/// A password as it was typed, and from where.
pub struct TypedPassword<'a> {
    pub username: &'a str,
    pub password: &'a str,
    pub address: Option<IpAddr>,
}

/// What one attempt is counted as, and in which order it is hashed.
struct PasswordAttempt<'a> {
    trier: PasswordTrier<'a>,
    by: HashFor,
    password: &'a str,
    asked: PasswordAsked,
}

/// Where a password was asked for: a person reads of the wrong ones.
#[derive(Clone, Copy)]
enum PasswordAsked {
    AtLogin,
    /// Of whoever is signed in.
    WithinSession,
}

/// The person of the typed name; never whether the name exists.
pub async fn check_login(
    visitor: &Visitor,
    typed: TypedPassword<'_>,
) -> Result<StoredUser, StepError<PasswordProblem>> {
    let app = &*visitor.app;
    let TypedPassword {
        username,
        password,
        address,
    } = typed;
    let stored = app.read().await?.user_by_name(username).await?;
    let is_theirs = |person: &SignedIn<'_>| {
        stored
            .as_ref()
            .is_some_and(|stored| stored.user.id == *person.id())
    };
    let known = stored.as_ref();
    let known = known.and_then(|stored| app.known_browser(&visitor.headers, stored));
    let session = visitor.session().filter(is_theirs);
    let digest = session.map(|person| person.browser.digest());
    let person = stored.as_ref().map(|stored| stored.user.id.clone());
    let (trier, by) = match (&digest, &known, &person) {
        (Some(digest), _, Some(person)) => (
            PasswordTrier::Session { digest, person },
            HashFor::SignedIn(HashHolder::of(person.as_str())),
        ),
        (None, Some(browser), Some(person)) => (
            PasswordTrier::KnownBrowser { browser, person },
            HashFor::KnownBrowser(HashHolder::of(person.as_str())),
        ),
        _ => (
            PasswordTrier::Stranger {
                name: username,
                address,
            },
            HashFor::Stranger(address),
        ),
    };
    let attempt = PasswordAttempt {
        trier,
        by,
        password,
        asked: PasswordAsked::AtLogin,
    };
    check(app, attempt, stored).await
}

/// Whether it is the password of whoever is signed in here.
pub async fn check_own(
    person: SignedIn<'_>,
    password: &str,
) -> Result<StoredUser, StepError<PasswordProblem>> {
    let stored = person.app.read().await?.user_by_id(person.id()).await?;
    let attempt = PasswordAttempt {
        trier: PasswordTrier::Session {
            digest: &person.browser.digest(),
            person: person.id(),
        },
        by: person.hash_for(),
        password,
        asked: PasswordAsked::WithinSession,
    };
    check(person.app, attempt, stored).await
}

async fn check(
    app: &App,
    attempt: PasswordAttempt<'_>,
    stored: Option<StoredUser>,
) -> Result<StoredUser, StepError<PasswordProblem>> {
    let busy = || {
        app.metrics.login("busy");
        StepError::Problem(PasswordProblem::Busy)
    };
    let paused = |until| {
        app.metrics.login("paused");
        let retry_after = app.clock.now().until(until);
        StepError::Problem(PasswordProblem::TooMany { retry_after })
    };
    let limits = PasswordLimits::of(attempt.trier, app.clock.now());
    let Ok(room) = app.passwords.room(attempt.by) else {
        // Who is paused would come back for nothing.
        return Err(match app.password_paused_until(&limits).await? {
            Some(until) => paused(until),
            None => busy(),
        });
    };
    if let Admission::PausedUntil(until) = app.admit_password(&limits).await? {
        return Err(paused(until));
    }
    // Whoever has no password takes as long as everybody.
    let hash = stored.as_ref().filter(|stored| stored.has_password());
    let hash = hash.map(|stored| stored.password_hash.clone());
    let password = attempt.password.to_owned();
    let Ok(matches) = room.verify(password, hash).await else {
        app.uncount_password(&limits).await;
        return Err(busy());
    };
    match stored {
        Some(stored) if matches && !stored.user.disabled => {
            app.forget_failures(&limits).await;
            Ok(stored)
        }
        stored => {
            record_failure(app, stored, attempt.asked).await?;
            Err(StepError::Problem(PasswordProblem::Wrong))
        }
    }
}

async fn record_failure(
    app: &App,
    stored: Option<StoredUser>,
    asked: PasswordAsked,
) -> Result<(), StoreError> {
    app.metrics.login("failed");
    let now = app.clock.now();
    let mut transaction = app.begin().await?;
    match stored {
        Some(stored) => {
            let data = match asked {
                PasswordAsked::AtLogin => json!({ "method": Level::Password }),
                PasswordAsked::WithinSession => {
                    json!({ "method": Level::Password, "within": "session" })
                }
            };
            let event = Event::new(app.event_id(now), now, EventName::LoginFailed)
                .of_subject(stored.user.id.as_str())
                .with(data);
            transaction.insert_event(&event).await?;
        }
        // Anybody can send names: counted, not written one event each.
        None => {
            transaction
                .count_refusal("/login", "unknown_name", now)
                .await?
        }
    }
    transaction.commit().await
}

impl PasswordProblem {
    pub const fn at_login(self) -> LoginProblem {
        match self {
            Self::Wrong => LoginProblem::Wrong,
            Self::TooMany { retry_after } => LoginProblem::TooMany { retry_after },
            Self::Busy => LoginProblem::Busy,
        }
    }

    pub const fn at_approval(self) -> ApprovalProblem {
        match self {
            Self::Wrong => ApprovalProblem::PasswordWrong,
            Self::TooMany { retry_after } => ApprovalProblem::TooMany { retry_after },
            Self::Busy => ApprovalProblem::Busy,
        }
    }

    pub const fn at_settings(self) -> SettingsProblem {
        match self {
            Self::Wrong => SettingsProblem::PasswordWrong,
            Self::TooMany { retry_after } => SettingsProblem::TooMany { retry_after },
            Self::Busy => SettingsProblem::Busy,
        }
    }
}
