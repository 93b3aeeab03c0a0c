//! `/account`: the page behind a link that sets a password, of an invitation or a reset. Opening it changes nothing, however often, and
//! names nobody: programs read mail. The link is used up by a form that brings the code, which came another way, or a passkey of the
//! person; then the person is signed in here, and nowhere else.

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use writ_authority::Level;
use writ_core::account_link::CODE_ADDS_PASSKEY;
use writ_core::event::{Event, EventName};
use writ_core::password::{PasswordPlace, check_new};
use writ_jose::hash;
use writ_pages::{AccountLinkPage, AccountLinkProblem, AccountSaid, LinkProof};
use writ_store::account_link::AccountLink;
use writ_store::passkey_code::NewPasskeyCode;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::device::UserCode;
use writ_wire::form::Form;

use crate::node::app::App;
use crate::node::passwords::{HashFor, HashHolder, PasswordNotHashed};
use crate::node::secret::secret_digest;
use crate::operate::account_link::{code_digest, has_passkey};
use crate::operate::passkey_code;
use crate::operate::recover::{RecoveredBy, Recovery, recover};
use crate::people::error::{PageError, StepError};
use crate::people::login::{
    ChallengeFor, Destination, Entrance, begin_by_passkey, prove_by_passkey,
};
use crate::people::request::{PostedForm, Query, Visitor};

mod not_me;

const PATH: &str = "/account";

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(PATH, get(show).post(submit))
        .route("/account/not-me", get(not_me::show).post(not_me::submit))
        .route("/account/passkey/options", post(passkey_options))
}

/// Why nothing was set.
#[derive(Debug)]
enum NotSet {
    /// Nothing can be set by this link.
    Over,
    Problem(AccountLinkProblem),
}

type Step<T> = Result<T, StepError<NotSet>>;

/// A link that is good, as it was opened.
struct OpenedLink<'a> {
    secret: &'a str,
    link: AccountLink,
    proof: LinkProof,
}

/// What the person proved.
enum Proved {
    Code(UserCode),
    Passkey,
}

async fn show(Query(query): Query, visitor: Visitor) -> Result<Response, PageError> {
    let secret = query.required("link")?;
    match open(&visitor.app, secret).await? {
        Some(opened) => Ok(page(&visitor, &opened, None)),
        None => over(&visitor),
    }
}

async fn submit(posted: PostedForm) -> Result<Response, PageError> {
    let (visitor, form) = (&posted.visitor, posted.unchecked());
    let Some(opened) = open(&visitor.app, form.required("link")?).await? else {
        return over(visitor);
    };
    let kind = opened.link.kind;
    let done = match posted.is_ours() {
        true => finish(visitor, form, &opened).await,
        false => Err(problem(AccountLinkProblem::FormExpired)),
    };
    match done {
        Ok(response) => Ok(response),
        Err(error) => match error.problem()? {
            NotSet::Over => {
                visitor.app.metrics.account_link(kind, "over");
                over(visitor)
            }
            NotSet::Problem(problem) => Ok(page(visitor, &opened, Some(problem))),
        },
    }
}

const fn problem(problem: AccountLinkProblem) -> StepError<NotSet> {
    StepError::Problem(NotSet::Problem(problem))
}

async fn open<'a>(app: &App, secret: &'a str) -> Result<Option<OpenedLink<'a>>, StoreError> {
    let mut reading = app.read().await?;
    let digest = secret_digest(secret);
    let found = reading.account_link(&digest, app.clock.now()).await?;
    let found = found.filter(|link| link.kind.sets_password());
    let Some(link) = found else {
        return Ok(None);
    };
    let proof = match has_passkey(&app.config, &mut reading, &link.user).await? {
        true => LinkProof::Passkey,
        false => LinkProof::Code,
    };
    Ok(Some(OpenedLink {
        secret,
        link,
        proof,
    }))
}

async fn finish(visitor: &Visitor, form: &Form, opened: &OpenedLink<'_>) -> Step<Response> {
    let app = &*visitor.app;
    let new = form.optional("new_password")?.unwrap_or_default();
    if new != form.optional("new_password_again")?.unwrap_or_default() {
        return Err(problem(AccountLinkProblem::Differs));
    }
    // What is wrong with it without regard to whose it is; that is said after the proof.
    check_password(app, "", new)?;
    let proved = match opened.proof {
        LinkProof::Code => by_code(app, form, opened).await?,
        LinkProof::Passkey => by_passkey(visitor, form, opened).await?,
    };
    let user = &opened.link.user;
    let stored = app.read().await?.user_by_id(user).await?;
    let stored = stored.ok_or(StepError::Problem(NotSet::Over))?;
    check_password(app, &stored.user.name, new)?;
    let by = HashFor::SignedIn(HashHolder::of(user.as_str()));
    let hashed = app
        .passwords
        .hash(new.to_owned(), app.random.bytes(), by)
        .await;
    let hash = hashed.map_err(|error| match error {
        PasswordNotHashed::PoolFull => problem(AccountLinkProblem::Busy),
        PasswordNotHashed::Failed(cause) => StepError::Page(PageError::broken(cause)),
    })?;
    set(visitor, opened, &proved, &hash).await
}

fn check_password(app: &App, user: &str, new: &str) -> Step<()> {
    let place = PasswordPlace {
        user,
        host: app.config.host(),
    };
    check_new(new, place).map_err(|fault| problem(AccountLinkProblem::Password(fault)))
}

/// Counted before it is compared. The link is not used up by it yet.
async fn by_code(app: &App, form: &Form, opened: &OpenedLink<'_>) -> Step<Proved> {
    let now = app.clock.now();
    let (user, digest) = (&opened.link.user, secret_digest(opened.secret));
    let typed = form.optional("code")?.and_then(UserCode::parse);
    let mut transaction = app.begin().await?;
    let tried = transaction.try_account_link(&digest, now).await?;
    let tried = tried.ok_or(StepError::Problem(NotSet::Over))?;
    let is_it = |code: &UserCode| {
        let typed = code_digest(&app.config.master, user, code);
        let stored = tried.code.as_deref().unwrap_or_default();
        hash::constant_time_eq(stored.as_bytes(), typed.as_bytes())
    };
    let right = typed.filter(is_it);
    if right.is_some() {
        transaction.forgive_account_link(&digest).await?;
    } else {
        let event = Event::new(app.event_id(now), now, EventName::LoginFailed)
            .of_subject(user.as_str())
            .with(json!({ "method": "account_code" }));
        transaction.insert_event(&event).await?;
        app.metrics.account_link(tried.kind, "wrong_code");
    }
    transaction.commit().await?;
    right
        .map(Proved::Code)
        .ok_or_else(|| problem(AccountLinkProblem::WrongCode))
}

/// The challenge for the form of this link alone, whatever link it is: none is looked up, so none is told of.
async fn passkey_options(posted: PostedForm) -> Result<Response, PageError> {
    let link = secret_digest(posted.checked_for_script()?.required("link")?);
    begin_by_passkey(&posted.visitor, ChallengeFor::Link(&link))
}

/// A passkey of the link's person, asked for this link: whoever holds a login back sets no password by it.
async fn by_passkey(visitor: &Visitor, form: &Form, opened: &OpenedLink<'_>) -> Step<Proved> {
    let failed = || NotSet::Problem(AccountLinkProblem::PasskeyFailed);
    let link = secret_digest(opened.secret);
    let proved = prove_by_passkey(visitor, form, ChallengeFor::Link(&link)).await;
    let (transaction, person) = proved.map_err(|error| error.map(|_| failed()))?;
    transaction.commit().await?;
    match person.user.id == opened.link.user {
        true => Ok(Proved::Passkey),
        false => Err(StepError::Problem(failed())),
    }
}

/// One transaction: of several with the same link one sets its password.
async fn set(
    visitor: &Visitor,
    opened: &OpenedLink<'_>,
    proved: &Proved,
    hash: &str,
) -> Step<Response> {
    let app = &*visitor.app;
    let (by, level) = match proved {
        Proved::Code(_) => (RecoveredBy::Code, Level::Password),
        Proved::Passkey => (RecoveredBy::Passkey, Level::Passkey),
    };
    let recovery = Recovery {
        secret: opened.secret,
        hash,
        by,
    };
    let mut transaction = app.begin().await?;
    let recovered = recover(app, &mut transaction, &opened.link, recovery).await?;
    let (person, at) = recovered.ok_or(StepError::Problem(NotSet::Over))?;
    let said = match proved {
        Proved::Code(code) if app.passkeys.is_ok() => {
            keep_code(app, &mut transaction, opened, code).await?;
            AccountSaid::PasswordSetWithoutPasskey
        }
        Proved::Code(_) | Proved::Passkey => AccountSaid::PasswordSet,
    };
    let entrance = Entrance {
        visitor,
        person: &person,
        level,
        destination: &Destination::default(),
        // The very moment of the pause: what was paused needs a login after it.
        at,
    };
    let fresh = entrance.open_session(app, &mut transaction).await?;
    transaction.commit().await?;
    app.notices.wake();
    app.metrics.account_link(opened.link.kind, "finished");
    let texts = app.languages.of_request(&visitor.headers);
    let response = said.page(texts).into_http().into_response();
    Ok(entrance.answer(app, &fresh, response)?)
}

/// The code that was right adds a first passkey for a while, so that no operator makes a second one at once.
async fn keep_code(
    app: &App,
    transaction: &mut DatabaseTransaction,
    opened: &OpenedLink<'_>,
    code: &UserCode,
) -> Result<(), StoreError> {
    let (user, now) = (&opened.link.user, app.clock.now());
    transaction
        .put_passkey_code(NewPasskeyCode {
            user,
            digest: &passkey_code::digest_of(&app.config.master, user, code),
            created_at: now,
            expires_at: now.plus(CODE_ADDS_PASSKEY),
        })
        .await
}

fn page(
    visitor: &Visitor,
    opened: &OpenedLink<'_>,
    problem: Option<AccountLinkProblem>,
) -> Response {
    let app = &*visitor.app;
    let page = AccountLinkPage {
        csrf: visitor.browser.csrf(),
        link: opened.secret.to_owned(),
        kind: opened.link.kind,
        proof: opened.proof,
        problem,
    };
    let texts = app.languages.of_request(&visitor.headers);
    let mut response = page.page(texts).into_http().into_response();
    app.remember(&visitor.browser, response.headers_mut());
    response
}

/// The same of a link that never was. Too many of one address are not looked for any more.
fn over(visitor: &Visitor) -> Result<Response, PageError> {
    let app = &*visitor.app;
    let admitted = app
        .strangers
        .admit_unproved(visitor.address, app.clock.now());
    admitted.map_err(|too_many| PageError::from(too_many.failure()))?;
    let texts = app.languages.of_request(&visitor.headers);
    Ok(AccountSaid::LinkOver
        .page(texts)
        .into_http()
        .into_response())
}
