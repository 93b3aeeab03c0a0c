//! `/app/settings`: language, time zone, quiet hours, e-mail, the code that CIBA asks for (`user_code`, CIBA 7.1).

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};
use serde_json::json;
use writ_core::authorize::UserSession as Person;
use writ_core::checks::Endpoint;
use writ_core::event::{Event, EventName};
use writ_pages::{
    LANGUAGE_COOKIE, LoginProblem, PersonView, QuietView, Settings, SettingsNotice,
    SettingsProblem, Texts,
};
use writ_store::settings::PersonSettings as Stored;
use writ_wire::form::Form;

use crate::node::app::App;
use crate::node::passwords::Busy;
use crate::node::rate_limits::Tries;
use crate::people::authorize::{Ended, untrusted};
use crate::people::inbox;
use crate::people::login::{check_password, signed_in, to_login};
use crate::people::session::Browser;

mod typed;

const PATH: &str = "/app/settings";
/// A year.
const LANGUAGE_SECONDS: u64 = 365 * 24 * 3600;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route(PATH, get(show).post(submit))
}

/// Who sets something, and in which words they read.
struct Visit<'a> {
    app: &'a App,
    browser: &'a Browser,
    person: &'a Person,
    texts: &'a Texts,
}

type Outcome = Result<SettingsNotice, SettingsProblem>;

async fn show(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let result = async {
        let browser = app.browser(&headers).await?;
        let Some(person) = signed_in(&browser) else {
            return Ok(to_login(PATH));
        };
        let texts = app.texts_for(&headers, person).await?;
        let visit = Visit {
            app: &app,
            browser: &browser,
            person,
            texts: &texts,
        };
        visit.page(None).await
    };
    match result.await {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

async fn submit(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    match set(&app, &headers, &body).await {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

async fn set(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<Response, Ended> {
    let form = Form::parse(body).map_err(|e| untrusted(&e.into()))?;
    let browser = app.browser(headers).await?;
    let Some(person) = signed_in(&browser) else {
        return Ok(to_login(PATH));
    };
    let texts = app.texts_for(headers, person).await?;
    let visit = Visit {
        app,
        browser: &browser,
        person,
        texts: &texts,
    };
    if !browser.sent(&form) {
        return visit.page(Some(Err(SettingsProblem::FormExpired))).await;
    }
    let field = |name| form.optional(name).map_err(|e| untrusted(&e.into()));
    if field("setting")? == Some("language") {
        return visit.language(field("language")?.unwrap_or_default()).await;
    }
    let outcome = match field("setting")? {
        Some("time_zone") => visit.time_zone(field("time_zone")?).await?,
        Some("quiet") => visit.quiet(&form).await?,
        Some("email") => visit.email(field("email")?).await?,
        Some("user_code") => visit.user_code(&form).await?,
        _ => return Err(unknown_setting()),
    };
    visit.page(Some(outcome)).await
}

fn unknown_setting() -> Ended {
    let refusal = writ_core::OAuthError::invalid_request("`setting` is unknown");
    untrusted(&refusal)
}

impl Visit<'_> {
    /// Kept by the browser, and answered in the new language.
    async fn language(self, tag: &str) -> Result<Response, Ended> {
        let texts = self.app.languages.of(tag);
        let (user, now) = (&self.person.user.id, self.app.clock.now());
        let mut session = self.app.begin().await?;
        session.set_language(user, texts.locale(), now).await?;
        session.commit().await?;
        let visit = Visit { texts, ..self };
        let mut response = visit.page(Some(Ok(SettingsNotice::Saved))).await?;
        remember_language(visit.app, texts, response.headers_mut());
        Ok(response)
    }

    /// A name that there is, or none again.
    async fn time_zone(&self, typed: Option<&str>) -> Result<Outcome, Ended> {
        let zone = typed.map(|name| self.app.zones.find(name.trim()));
        if matches!(zone, Some(None)) {
            return Ok(Err(SettingsProblem::TimeZone));
        }
        let name = zone.flatten().map(|zone| zone.name().to_owned());
        self.save("time_zone", |stored| stored.time_zone = name)
            .await
    }

    async fn quiet(&self, form: &Form) -> Result<Outcome, Ended> {
        let Some((quiet, offset)) = typed::quiet(form) else {
            return Ok(Err(SettingsProblem::Quiet));
        };
        let change = |stored: &mut Stored| {
            stored.quiet_from = quiet.map(|hours| hours.from);
            stored.quiet_until = quiet.map(|hours| hours.until);
            stored.offset_minutes = offset.or(stored.offset_minutes);
        };
        self.save("quiet_hours", change).await
    }

    async fn email(&self, typed: Option<&str>) -> Result<Outcome, Ended> {
        let email = match typed.map(typed::email) {
            Some(None) => return Ok(Err(SettingsProblem::Email)),
            Some(email) => email,
            None => None,
        };
        self.save("email", |stored| stored.email = email).await
    }

    async fn save(&self, what: &str, change: impl FnOnce(&mut Stored)) -> Result<Outcome, Ended> {
        let user = &self.person.user.id;
        let mut session = self.app.begin().await?;
        let mut stored = session.settings(user).await?.unwrap_or_default();
        change(&mut stored);
        let now = self.app.clock.now();
        session.save_settings(user, &stored, now).await?;
        self.record(&mut session, what).await?;
        session.commit().await?;
        Ok(Ok(SettingsNotice::Saved))
    }

    /// Guards against prompts by strangers, so whoever sets it knows the password.
    async fn user_code(&self, form: &Form) -> Result<Outcome, Ended> {
        let field = |name| form.optional(name).map_err(|e| untrusted(&e.into()));
        let code = field("user_code")?;
        if code.is_some_and(|code| !typed::is_user_code(code)) {
            return Ok(Err(SettingsProblem::UserCode));
        }
        let password = field("password")?.unwrap_or_default().to_owned();
        let name = &self.person.user.name;
        if let Err(problem) = check_password(self.app, name, password).await? {
            return Ok(Err(problem_of(problem)));
        }
        let hash = match code {
            Some(code) => {
                let salt = self.app.random.bytes();
                match self.app.passwords.hash(code.to_owned(), salt).await {
                    Ok(hash) => Some(hash.map_err(Ended::Broken)?),
                    Err(Busy) => return Ok(Err(SettingsProblem::Busy)),
                }
            }
            None => None,
        };
        let (user, now) = (&self.person.user.id, self.app.clock.now());
        let mut session = self.app.begin().await?;
        session.set_user_code(user, hash.as_deref(), now).await?;
        self.record(&mut session, "user_code").await?;
        session.commit().await?;
        // Guesses at the code before are none at this one.
        self.app
            .forget_tries(&Tries::of_user_code(user, now))
            .await?;
        Ok(Ok(SettingsNotice::Saved))
    }

    async fn record(
        &self,
        session: &mut writ_store::DatabaseTransaction,
        what: &str,
    ) -> Result<(), Ended> {
        let now = self.app.clock.now();
        let event = Event::new(self.app.event_id(now), now, EventName::UserChanged)
            .of_subject(self.person.user.id.as_str())
            .with(json!({ "setting": what }));
        Ok(session.insert_event(&event).await?)
    }

    async fn page(&self, outcome: Option<Outcome>) -> Result<Response, Ended> {
        let user = &self.person.user.id;
        let mut reading = self.app.read().await?;
        let stored = reading.settings(user).await?.unwrap_or_default();
        drop(reading);
        let quiet = stored.quiet_from.zip(stored.quiet_until);
        let person = inbox::person(self.app, self.browser, self.person).await?;
        let settings = Settings {
            person: PersonView {
                has_zone: stored.time_zone.is_some(),
                ..person
            },
            time_zone: stored.time_zone.unwrap_or_default(),
            zones: self.app.zones.names(),
            quiet: quiet.map(|(from, until)| QuietView { from, until }),
            offset_minutes: stored.offset_minutes.unwrap_or_default(),
            email: stored.email.unwrap_or_default(),
            email_possible: self.app.config.channels.mail.is_some(),
            has_user_code: stored.user_code_hash.is_some(),
            languages: self.app.languages.names(),
            notice: outcome.and_then(Result::ok),
            problem: outcome.and_then(Result::err),
        };
        Ok(settings.page(self.texts).into_http().into_response())
    }
}

fn problem_of(problem: LoginProblem) -> SettingsProblem {
    match problem {
        LoginProblem::TooMany => SettingsProblem::TooMany,
        LoginProblem::Busy => SettingsProblem::Busy,
        _ => SettingsProblem::PasswordWrong,
    }
}

/// The language is the browser's, not the account's: the login page is read before anybody is known.
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
