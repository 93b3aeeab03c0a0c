//! `/account`: the page behind a link that sets a password, of an invitation or a reset. Opening it changes nothing, however often, and
//! names nobody but whoever is invited: programs read mail. The link is used up by a form that brings the code, which came another
//! way, or a passkey of the person; then the person is signed in here, and nowhere else.

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use writ_core::account_link::{CODE_ADDS_PASSKEY, LinkKind};
use writ_core::authorize::OpenedBy;
use writ_core::event::{Event, EventName};
use writ_core::password::{PasswordPlace, check_new};
use writ_jose::hash;
use writ_pages::{
    AccountDonePage, AccountLinkPage, AccountLinkProblem, AccountSaid, LinkProof, NextStep, Texts,
};
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
    /// Of its person.
    name: String,
    /// In which they are written to, if that is known.
    language: Option<String>,
}

impl OpenedLink<'_> {
    fn offers_passkey(&self, app: &App) -> bool {
        self.link.kind == LinkKind::Invitation
            && self.proof == LinkProof::Code
            && app.passkeys.is_ok()
    }

    /// What this browser chose comes first, then the language of the letter.
    fn texts<'a>(&self, visitor: &'a Visitor) -> &'a Texts {
        let languages = &visitor.app.languages;
        languages.of_request_in(&visitor.headers, self.language.as_slice())
    }
}

/// By what the person signs in from now on.
enum Chosen<'a> {
    Password(&'a str),
    /// Whoever is invited needs no password: the code adds a passkey.
    Passkey,
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
    let Some(stored) = reading.user_by_id(&link.user).await? else {
        return Ok(None);
    };
    let settings = reading.settings(&link.user).await?;
    Ok(Some(OpenedLink {
        secret,
        link,
        proof,
        name: stored.user.name,
        language: settings.and_then(|settings| settings.language),
    }))
}

async fn finish(visitor: &Visitor, form: &Form, opened: &OpenedLink<'_>) -> Step<Response> {
    let chosen = Chosen::of(&visitor.app, form, opened)?;
    let proved = match opened.proof {
        LinkProof::Code => by_code(&visitor.app, form, opened).await?,
        LinkProof::Passkey => by_passkey(visitor, form, opened).await?,
    };
    let hash = match chosen {
        Chosen::Password(new) => Some(hashed(&visitor.app, opened, new).await?),
        Chosen::Passkey => None,
    };
    set(visitor, opened, &proved, hash.as_deref()).await
}

impl<'a> Chosen<'a> {
    fn of(app: &App, form: &'a Form, opened: &OpenedLink<'_>) -> Step<Self> {
        if opened.offers_passkey(app) && form.optional("account-passkey")?.is_some() {
            return Ok(Self::Passkey);
        }
        let new = form.optional("new_password")?.unwrap_or_default();
        if new != form.optional("new_password_again")?.unwrap_or_default() {
            return Err(problem(AccountLinkProblem::Differs));
        }
        // What is wrong with it without regard to whose it is; that is said after the proof.
        check_password(app, "", new)?;
        Ok(Self::Password(new))
    }
}

async fn hashed(app: &App, opened: &OpenedLink<'_>, new: &str) -> Step<String> {
    check_password(app, &opened.name, new)?;
    let by = HashFor::SignedIn(HashHolder::of(opened.link.user.as_str()));
    let hashed = app
        .passwords
        .hash(new.to_owned(), app.random.bytes(), by)
        .await;
    hashed.map_err(|error| match error {
        PasswordNotHashed::PoolFull => problem(AccountLinkProblem::Busy),
        PasswordNotHashed::Failed(cause) => StepError::Page(PageError::broken(cause)),
    })
}

fn check_password(app: &App, user: &str, new: &str) -> Step<()> {
    let place = PasswordPlace {
        user,
        host: app.config.host(),
    };
    check_new(new, place).map_err(|fault| problem(AccountLinkProblem::Password(fault)))
}

/// Counted before it is compared, unless it is no code at all. The link is not used up by it yet.
async fn by_code(app: &App, form: &Form, opened: &OpenedLink<'_>) -> Step<Proved> {
    let now = app.clock.now();
    let (user, digest) = (&opened.link.user, secret_digest(opened.secret));
    let wrong = || problem(AccountLinkProblem::WrongCode);
    let typed = form.optional("code")?.and_then(UserCode::parse);
    let typed = typed.ok_or_else(wrong)?;
    let mut transaction = app.begin().await?;
    let tried = transaction.try_account_link(&digest, now).await?;
    let tried = tried.ok_or(StepError::Problem(NotSet::Over))?;
    let stored = tried.code.as_deref().unwrap_or_default();
    let digest_of_code = code_digest(&app.config.master, user, &typed);
    let is_right = hash::constant_time_eq(stored.as_bytes(), digest_of_code.as_bytes());
    if is_right {
        transaction.forgive_account_link(&digest).await?;
    } else {
        let event = Event::new(app.event_id(now), now, EventName::LoginFailed)
            .of_subject(user.as_str())
            .with(json!({ "method": "account_code" }));
        transaction.insert_event(&event).await?;
        app.metrics.account_link(tried.kind, "wrong_code");
    }
    transaction.commit().await?;
    match is_right {
        true => Ok(Proved::Code(typed)),
        false => Err(wrong()),
    }
}

/// The challenge for this password by this link alone, whatever link it is: none is looked up, so none is told of.
async fn passkey_options(posted: PostedForm) -> Result<Response, PageError> {
    let form = posted.checked_for_script()?;
    let link = secret_digest(form.required("link")?);
    let password = form.required("new_password")?;
    let what = ChallengeFor::Link {
        link: &link,
        password,
    };
    begin_by_passkey(&posted.visitor, what)
}

/// A passkey of the link's person, asked for this link and this password: whoever holds a login back sets no password by it, and whoever
/// holds this form back sets no other one.
async fn by_passkey(visitor: &Visitor, form: &Form, opened: &OpenedLink<'_>) -> Step<Proved> {
    let failed = || NotSet::Problem(AccountLinkProblem::PasskeyFailed);
    let link = secret_digest(opened.secret);
    let what = ChallengeFor::Link {
        link: &link,
        password: form.optional("new_password")?.unwrap_or_default(),
    };
    let proved = prove_by_passkey(visitor, form, what).await;
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
    hash: Option<&str>,
) -> Step<Response> {
    let app = &*visitor.app;
    let (by, proof) = match proved {
        Proved::Code(_) => (RecoveredBy::Code, OpenedBy::Code),
        Proved::Passkey => (RecoveredBy::Passkey, OpenedBy::Passkey),
    };
    let device = app.known_device(&visitor.headers);
    let device = device.map(|device| device.digest());
    let recovery = Recovery {
        secret: opened.secret,
        hash,
        by,
        device: device.as_deref(),
    };
    let mut transaction = app.begin().await?;
    let recovered = recover(app, &mut transaction, &opened.link, recovery).await?;
    let recovered = recovered.ok_or(StepError::Problem(NotSet::Over))?;
    let next = match proved {
        Proved::Code(code) if app.passkeys.is_ok() => {
            keep_code(app, &mut transaction, opened, code).await?;
            match hash {
                Some(_) => NextStep::AddPasskey,
                None => NextStep::OnlyPasskey,
            }
        }
        Proved::Code(_) | Proved::Passkey => NextStep::Home,
    };
    let entrance = Entrance {
        visitor,
        person: &recovered.person,
        proof: proof.into(),
        destination: &Destination::default(),
        // The very moment of the pause: what was paused needs a login after it.
        at: recovered.at,
    };
    let fresh = entrance.open_session(app, &mut transaction).await?;
    transaction.commit().await?;
    recovered.endings.announce(app);
    app.notices.wake();
    app.metrics.account_link(opened.link.kind, "finished");
    let done = AccountDonePage {
        name: recovered.person.user.name.clone(),
        kind: opened.link.kind,
        next,
        agents_paused: recovered.tasks_paused > 0,
        browsers_ended: recovered.browsers_ended > 0,
    };
    let response = done.page(opened.texts(visitor));
    let response = response.into_http().into_response();
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
        name: (opened.link.kind == LinkKind::Invitation).then(|| opened.name.clone()),
        proof: opened.proof,
        offers_passkey: opened.offers_passkey(app),
        problem,
    };
    let page = page.page(opened.texts(visitor));
    let mut response = page.into_http().into_response();
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
