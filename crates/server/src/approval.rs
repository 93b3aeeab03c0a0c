//! `/app/requests/{id}`: one person looks at one request and decides (DESIGN 3, promise 7; JOURNEYS, the approval screen).
//! Opening it approves nothing (LESSONS 32): a yes needs the password or the device, in this very answer, over this screen.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::HeaderMap;
use writ_core::approval::No;
use writ_core::authorize::Session;
use writ_core::checks::Endpoint;
use writ_core::id::ApprovalId;
use writ_core::screen::Shown;
use writ_wire::form::Form;

use crate::app::App;
use crate::authorize::{Ended, untrusted};
use crate::inbox::person;
use crate::login::to_login;
use crate::pages::{ApprovalProblem, Texts};
use crate::session::Browser;

mod audit;
mod choice;
mod commit;
mod decide;
mod liveness;
mod over;
mod proof;
mod question;
mod receipts;
mod stopping;
mod view;

pub use audit::prove;
pub use view::role_view;

use choice::Choice;
use question::Question;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/app/requests/{id}", get(show).post(submit))
        .route("/app/receipts/{id}", get(receipts::show))
        .route("/app/receipts/{id}/document", get(receipts::document))
}

/// A visit of one person to one request.
struct Visit<'a> {
    app: &'a App,
    texts: &'a Texts,
    browser: &'a Browser,
    person: &'a Session,
}

async fn show(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let result = async {
        let form = Form::parse(query.unwrap_or_default().as_bytes());
        let form = form.map_err(|e| untrusted(&e.into()))?;
        let browser = app.browser(&headers).await?;
        let Some(person) = &browser.session else {
            return Ok(to_login(&format!("/app/requests/{id}")));
        };
        let visit = Visit {
            app: &app,
            texts: app.languages.of_request(&headers),
            browser: &browser,
            person,
        };
        visit.look(&ApprovalId::from_text(id), &form).await
    };
    finish(&app, result.await)
}

async fn submit(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let result = async {
        let form = Form::parse(&body).map_err(|e| untrusted(&e.into()))?;
        let browser = app.browser(&headers).await?;
        let Some(person) = &browser.session else {
            return Ok(to_login(&format!("/app/requests/{id}")));
        };
        let visit = Visit {
            app: &app,
            texts: app.languages.of_request(&headers),
            browser: &browser,
            person,
        };
        visit.answer(&ApprovalId::from_text(id), &form).await
    };
    finish(&app, result.await)
}

fn finish(app: &App, result: Result<Response, Ended>) -> Response {
    match result {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

impl Visit<'_> {
    /// The screen, or less of it; nothing changes but that it was seen.
    async fn look(&self, id: &ApprovalId, form: &Form) -> Result<Response, Ended> {
        let question = match question::load(self.app, self.person, id).await? {
            Ok(question) => question,
            Err(refused) => return over::page(self, &refused).await,
        };
        if question.has_agreed(&self.person.user) {
            return over::waits(self, &question).await;
        }
        let choice = Choice::read(form).map_err(|e| untrusted(&e.into()))?;
        self.screen(&question, &choice, None).await
    }

    async fn answer(&self, id: &ApprovalId, form: &Form) -> Result<Response, Ended> {
        let question = match question::load(self.app, self.person, id).await? {
            Ok(question) => question,
            Err(refused) => return over::page(self, &refused).await,
        };
        let choice = Choice::read(form).map_err(|e| untrusted(&e.into()))?;
        if !self.browser.sent(form) {
            let problem = Some(ApprovalProblem::FormExpired);
            return self.screen(&question, &choice, problem).await;
        }
        let field = |name| form.optional(name).map_err(|e| untrusted(&e.into()));
        match field("decision")? {
            Some("approve") => self.approve(&question, &choice, form).await,
            Some("deny") => self.deny(&question, No::Denied).await,
            Some("stop") => self.deny(&question, No::Stopped).await,
            Some("not_me") => self.deny(&question, No::NotMe).await,
            _ => Err(untrusted(&writ_core::Refusal::invalid_request(
                "neither approved nor denied",
            ))),
        }
    }

    /// The page of a choice; a choice that is none shows everything and says so.
    async fn screen(
        &self,
        question: &Question,
        choice: &Choice,
        problem: Option<ApprovalProblem>,
    ) -> Result<Response, Ended> {
        let (shown, choice, problem) = match self.shown(question, choice)? {
            Ok(shown) => (shown, choice.clone(), problem),
            Err(not_less) => {
                let all = Choice::default();
                let shown = self.shown(question, &all)?;
                let shown = shown.map_err(|_| broken("nothing is asked"))?;
                (shown, all, problem.or(Some(not_less)))
            }
        };
        self.keep(question, &shown).await?;
        let person = person(self.app, self.browser, self.person).await?;
        let page = self
            .page(question, (&shown, &choice), (person, problem))
            .await?;
        Ok(page.into_response())
    }

    /// What this choice shows now, under the nonce of this person and request.
    fn shown(
        &self,
        question: &Question,
        choice: &Choice,
    ) -> Result<Result<Shown, ApprovalProblem>, Ended> {
        let since = question.since(self.app.clock.now());
        let less = choice.less(question, since);
        let (authority, ends_at) = match question.left(&less, self.app.clock.now()) {
            Ok(left) => left,
            Err(not_less) => return Ok(Err(choice::problem(&not_less))),
        };
        let view = self.screen_view(question, &authority, ends_at)?;
        let screen = writ_core::screen::Screen::read(view.canonical(self.texts));
        Ok(Ok(Shown {
            screen: screen.map_err(broken)?,
            less,
            nonce: question.nonce.clone(),
            since,
        }))
    }

    /// Kept before it is sent; written only when it is another than before.
    async fn keep(&self, question: &Question, shown: &Shown) -> Result<(), Ended> {
        let is_new = question.request.state == writ_core::pending::State::Pending;
        if !is_new && question.kept.as_ref() == Some(shown) {
            return Ok(());
        }
        let now = self.app.clock.now();
        let text = serde_json::to_string(shown).map_err(broken)?;
        let mut session = self.app.begin().await?;
        let (id, user) = (&question.request.id, &self.person.user.id);
        session.save_screen(id, user, &text, now).await?;
        if is_new && session.view_pending(id, now).await? {
            let event = commit::viewed(self.app, question, shown).map_err(broken)?;
            session.insert_event(&event).await?;
        }
        session.commit().await?;
        Ok(())
    }
}

/// Ours.
fn broken(cause: impl std::fmt::Display) -> Ended {
    Ended::Broken(cause.to_string())
}
