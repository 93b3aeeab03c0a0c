//! `/app/settings`: language, time zone, quiet hours, e-mail, password, the code that CIBA asks for (`user_code`, CIBA section 7.1).

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use writ_core::event::{Event, EventName};
use writ_core::id::UserId;
use writ_core::upstream::AccountOrigin;
use writ_pages::messages::Reach;
use writ_pages::{
    LANGUAGE_COOKIE, PasswordAskedBy, PersonView, QuietView, Settings, SettingsNotice,
    SettingsProblem, Texts,
};
use writ_store::settings::PersonSettings as Stored;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::form::Form;

use crate::node::app::App;
use crate::node::passwords::PasswordNotHashed;
use crate::node::rate_limits::RateLimit;
use crate::notifications::reach_notice;
use crate::people::error::{PageError, StepError};
use crate::people::passkeys::can_prove_by_passkey;
use crate::people::request::{PostedForm, SignedIn, Visitor};
use proof::prove;

mod address;
mod password;
mod proof;
mod typed;

const PATH: &str = "/app/settings";
/// How long the cookie with the language is kept: a year.
const LANGUAGE_SECONDS: u64 = 365 * 24 * 3600;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(PATH, get(show).post(submit))
        .route(address::PATH, get(address::show).post(address::confirm))
}

type Outcome = Result<SettingsNotice, StepError<SettingsProblem>>;

/// What the page says of what was set.
#[derive(Default)]
struct Said {
    notice: Option<SettingsNotice>,
    problem: Option<SettingsProblem>,
    /// Of which form a problem with the password is.
    asked_by: PasswordAskedBy,
}

async fn show(visitor: Visitor) -> Result<Response, PageError> {
    let person = visitor.signed_in(PATH)?;
    let texts = person.texts().await?;
    page(person, &texts, Said::default()).await
}

async fn submit(posted: PostedForm) -> Result<Response, PageError> {
    let (person, form) = (posted.visitor.signed_in(PATH)?, posted.unchecked());
    let texts = person.texts().await?;
    let outcome = match posted.is_ours() {
        true => set(person, form).await,
        false => Err(StepError::Problem(SettingsProblem::FormExpired)),
    };
    if let (Ok(_), Some(tag)) = (&outcome, form.optional("language")?) {
        return set_language(person, tag).await;
    }
    let said = match outcome {
        Ok(notice) => Said {
            notice: Some(notice),
            ..Said::default()
        },
        Err(error) => Said {
            problem: Some(error.problem()?),
            asked_by: match form.optional("setting")? {
                Some("user_code") => PasswordAskedBy::UserCode,
                Some("email") => PasswordAskedBy::Email,
                _ => PasswordAskedBy::NewPassword,
            },
            ..Said::default()
        },
    };
    let changed = said.notice == Some(SettingsNotice::PasswordChanged);
    let mut response = page(person, &texts, said).await?;
    if changed {
        password::keep_browser(person, &mut response).await?;
    }
    Ok(response)
}

async fn set(person: SignedIn<'_>, form: &Form) -> Outcome {
    let app = person.app;
    let language = form.optional("language")?;
    if language.is_some_and(|tag| !app.languages.knows(tag)) {
        return Err(PageError::invalid_request("`language` is unknown").into());
    }
    match form.optional("setting")? {
        Some("time_zone") => set_time_zone(person, form).await,
        Some("preferences") => set_preferences(person, form).await,
        Some("email") => address::set(person, form).await,
        Some("password") => password::set(person, form).await,
        Some("user_code") => set_user_code(person, form).await,
        _ => Err(PageError::invalid_request("`setting` is unknown").into()),
    }
}

/// Kept by the browser, and answered in the new language.
async fn set_language(person: SignedIn<'_>, tag: &str) -> Result<Response, PageError> {
    let app = person.app;
    let texts = app.languages.of(tag);
    let (user, now) = (&person.user().id, app.clock.now());
    let mut transaction = person.begin_change().await?;
    transaction.set_language(user, texts.locale(), now).await?;
    transaction.commit().await?;
    let said = Said {
        notice: Some(SettingsNotice::Saved),
        ..Said::default()
    };
    let mut response = page(person, texts, said).await?;
    remember_language(app, texts, response.headers_mut());
    Ok(response)
}

/// A name that there is, or none again. `by` is `browser` where no click set it: the person did nothing, so nothing is recorded, and
/// what they set stays.
async fn set_time_zone(person: SignedIn<'_>, form: &Form) -> Outcome {
    let zone = typed_zone(person.app, form)?;
    if form.optional("by")? == Some("browser") {
        let first = |stored: &mut Stored| {
            let kept = stored.time_zone.take();
            stored.time_zone = kept.or_else(|| zone.clone());
        };
        return save(person, &[], first).await;
    }
    let facts = [json!({ "setting": "time_zone" })];
    let change = |stored: &mut Stored| stored.time_zone.clone_from(&zone);
    save(person, &facts, change).await
}

fn typed_zone(app: &App, form: &Form) -> Result<Option<String>, StepError<SettingsProblem>> {
    let typed = form.optional("time_zone")?;
    let zone = typed.map(|name| app.zones.find(name.trim()));
    match zone {
        Some(None) => Err(StepError::Problem(SettingsProblem::TimeZone)),
        zone => Ok(zone.flatten().map(|zone| zone.name().to_owned())),
    }
}

/// Time zone and quiet hours, of the form that has the language too: what is wrong in it changes nothing, and what is as before is
/// not recorded.
async fn set_preferences(person: SignedIn<'_>, form: &Form) -> Outcome {
    let (app, user) = (person.app, person.id());
    let zone = typed_zone(app, form)?;
    let quiet = typed::quiet(form);
    let quiet = quiet.ok_or(StepError::Problem(SettingsProblem::Quiet))?;
    let change = |stored: &mut Stored| {
        stored.time_zone.clone_from(&zone);
        stored.quiet_from = quiet.hours.map(|hours| hours.from);
        stored.quiet_until = quiet.hours.map(|hours| hours.until);
        stored.offset_minutes = quiet.offset_minutes.or(stored.offset_minutes);
    };
    let before = app.read().await?.settings(user).await?.unwrap_or_default();
    let mut after = before.clone();
    change(&mut after);
    let hours = |one: &Stored| (one.quiet_from, one.quiet_until, one.offset_minutes);
    let changed = [
        ("time_zone", before.time_zone != after.time_zone),
        ("quiet_hours", hours(&before) != hours(&after)),
    ];
    let changed = changed.into_iter().filter(|(_, changed)| *changed);
    let facts: Vec<Value> = changed
        .map(|(setting, _)| json!({ "setting": setting }))
        .collect();
    save(person, &facts, change).await
}

/// What changes how they are told is told as before.
async fn save(person: SignedIn<'_>, facts: &[Value], change: impl Fn(&mut Stored)) -> Outcome {
    let (app, user) = (person.app, person.id());
    let before = app.read().await?.settings(user).await?.unwrap_or_default();
    if reach_notice::difference(&before, &changed(&before, &change)).is_some() {
        reach_notice::admit_change(app, user).await?;
    }
    let mut transaction = person.begin_change().await?;
    save_within(app, &mut transaction, user, facts, change).await?;
    transaction.commit().await?;
    app.notices.wake();
    Ok(SettingsNotice::Saved)
}

fn changed(before: &Stored, change: impl Fn(&mut Stored)) -> Stored {
    let mut after = before.clone();
    change(&mut after);
    after
}

/// The caller commits, and wakes whoever sends the notices.
async fn save_within(
    app: &App,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
    facts: &[Value],
    change: impl Fn(&mut Stored),
) -> Result<(), PageError> {
    let (outbox, now) = (app.outbox(), app.clock.now());
    let before = transaction.settings(user).await?.unwrap_or_default();
    let after = changed(&before, change);
    let reach = reach_notice::difference(&before, &after);
    if let Some(what) = reach {
        reach_notice::about_to_change(&outbox, transaction, user, what, None).await?;
    }
    transaction.save_settings(user, &after, now).await?;
    if reach == Some(Reach::Email) && after.email.is_some() {
        reach_notice::address_is_new(&outbox, transaction, user).await?;
    }
    for fact in facts {
        record(app, transaction, user, fact.clone()).await?;
    }
    Ok(())
}

/// Guards against prompts by strangers, so whoever sets it proves who they are.
async fn set_user_code(person: SignedIn<'_>, form: &Form) -> Outcome {
    let app = person.app;
    let code = form.optional("user_code")?;
    if code.is_some_and(|code| !typed::is_user_code(code)) {
        return Err(StepError::Problem(SettingsProblem::UserCode));
    }
    prove(person, form).await?;
    let hash = match code {
        Some(code) => {
            let salt = app.random.bytes();
            let hash = app.passwords.hash(code.to_owned(), salt, person.hash_for());
            Some(hash.await.map_err(|error| match error {
                PasswordNotHashed::PoolFull => StepError::Problem(SettingsProblem::Busy),
                PasswordNotHashed::Failed(cause) => StepError::Page(PageError::broken(cause)),
            })?)
        }
        None => None,
    };
    let (user, now) = (&person.user().id, app.clock.now());
    let mut transaction = person.begin_change().await?;
    transaction
        .set_user_code(user, hash.as_deref(), now)
        .await?;
    let state = if hash.is_some() { "set" } else { "removed" };
    let facts = json!({ "setting": "user_code", "state": state });
    record(app, &mut transaction, user, facts).await?;
    transaction.commit().await?;
    // Wrong guesses counted against the old code do not count against the new one.
    app.reset_attempts(&RateLimit::of_user_code(user, now))
        .await;
    Ok(SettingsNotice::Saved)
}

async fn record(
    app: &App,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
    facts: Value,
) -> Result<(), StoreError> {
    let now = app.clock.now();
    let event = Event::new(app.event_id(now), now, EventName::UserChanged)
        .of_subject(user.as_str())
        .with(facts);
    transaction.insert_event(&event).await
}

async fn page(person: SignedIn<'_>, texts: &Texts, said: Said) -> Result<Response, PageError> {
    let app = person.app;
    let mut reading = app.read().await?;
    let stored = reading.settings(&person.user().id).await?;
    let stored = stored.unwrap_or_default();
    let linked = reading.upstream_accounts_of(&person.user().id).await?;
    drop(reading);
    let links = linked.iter().any(|one| one.origin == AccountOrigin::Link);
    let quiet = stored.quiet_from.zip(stored.quiet_until);
    let settings = Settings {
        person: PersonView {
            has_zone: stored.time_zone.is_some(),
            ..person.frame().await?
        },
        time_zone: stored.time_zone.unwrap_or_default(),
        zones: app.zones.names(),
        quiet: quiet.map(|(from, until)| QuietView { from, until }),
        offset_minutes: stored.offset_minutes.unwrap_or_default(),
        email: stored.email.unwrap_or_default(),
        email_possible: app.config.channels.mail.is_some(),
        upstreams: !app.config.upstreams.is_empty() || links,
        has_user_code: stored.user_code_hash.is_some(),
        languages: app.languages.names(),
        by_passkey: can_prove_by_passkey(person).await?,
        notice: said.notice,
        problem: said.problem,
        asked_by: said.asked_by,
    };
    Ok(settings.page(texts).into_http().into_response())
}

/// The language is the browser's, not the account's: the login page is read while the user is signed out.
fn remember_language(app: &App, texts: &Texts, headers: &mut HeaderMap) {
    let secure = if app.config.is_https() {
        "; Secure"
    } else {
        ""
    };
    let text = format!(
        "{LANGUAGE_COOKIE}={}; Path=/; HttpOnly; SameSite=Lax{secure}; Max-Age={LANGUAGE_SECONDS}",
        texts.locale()
    );
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.append(SET_COOKIE, value);
    }
}
