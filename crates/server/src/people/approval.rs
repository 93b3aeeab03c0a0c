//! `/app/requests/{id}`: one person looks at one request and decides (DESIGN 3, promise 7; JOURNEYS, the approval screen).
//! Opening it approves nothing (LESSONS 32): a yes needs the password or the device, in this very answer, over this screen.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::HeaderMap;
use writ_core::approval::Denial;
use writ_core::authorize::UserSession;
use writ_core::checks::Endpoint;
use writ_core::id::ApprovalId;
use writ_core::screen::Shown;
use writ_pages::{ApprovalProblem, Texts};
use writ_wire::form::Form;
use writ_wire::liveness::RESULT_PARAMETER;

use crate::node::app::App;
use crate::people::authorize::{Ended, see_other, untrusted};
use crate::people::inbox::person;
use crate::people::login::to_login;
use crate::people::session::Browser;

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
use question::{Question, Refused};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/app/requests/{id}", get(show).post(submit))
        .route("/app/requests/{id}/liveness", get(show_yourself))
        .route("/app/receipts/{id}", get(receipts::show))
        .route("/app/receipts/{id}/document", get(receipts::document))
}

/// Whether the page that a person has is of the request that waits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Copy {
    Newest,
    /// The same was asked again since.
    Older,
}

/// A visit of one person to one request.
struct Visit<'a> {
    app: &'a App,
    texts: &'a Texts,
    browser: &'a Browser,
    person: &'a UserSession,
    /// What a verifier said of them, as their browser brings it.
    liveness: Option<&'a str>,
}

/// What a visit is for.
enum Purpose {
    Look,
    /// To be seen by the verifier.
    Show,
    Answer,
}

async fn show(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let visited = visit(&app, (&headers, query.as_bytes()), id, Purpose::Look);
    finish(&app, visited.await)
}

async fn show_yourself(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let visited = visit(&app, (&headers, query.as_bytes()), id, Purpose::Show);
    finish(&app, visited.await)
}

async fn submit(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let visited = visit(&app, (&headers, &body), id, Purpose::Answer);
    finish(&app, visited.await)
}

async fn visit(
    app: &App,
    (headers, fields): (&HeaderMap, &[u8]),
    id: String,
    purpose: Purpose,
) -> Result<Response, Ended> {
    let form = Form::parse(fields).map_err(|e| untrusted(&e.into()))?;
    let browser = app.browser(headers).await?;
    let Some(person) = &browser.session else {
        return Ok(to_login(&format!("/app/requests/{id}")));
    };
    let liveness = form.optional(RESULT_PARAMETER);
    let texts = app.texts_for(headers, person).await?;
    let visit = Visit {
        app,
        texts: &texts,
        browser: &browser,
        person,
        liveness: liveness.map_err(|e| untrusted(&e.into()))?,
    };
    let id = ApprovalId::from_text(id);
    match purpose {
        Purpose::Look => visit.look(&id, &form).await,
        Purpose::Show => visit.show_yourself(&id, &form).await,
        Purpose::Answer => visit.answer(&id, &form).await,
    }
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
        let question = match self.find(id).await? {
            Ok((question, Copy::Newest)) => question,
            Ok((question, Copy::Older)) => {
                return Ok(see_other(&format!("/app/requests/{}", question.request.id)));
            }
            Err(refused) => return over::page(self, &refused).await,
        };
        if question.has_agreed(&self.person.user) {
            return over::waits(self, &question).await;
        }
        let choice = Choice::read(form).map_err(|e| untrusted(&e.into()))?;
        self.screen(&question, &choice, None).await
    }

    /// A no to an older copy is one to the newest (promise 6); a yes is to what was seen, and there is something else to see.
    async fn answer(&self, id: &ApprovalId, form: &Form) -> Result<Response, Ended> {
        let (question, copy) = match self.find(id).await? {
            Ok(found) => found,
            Err(refused) => return over::page(self, &refused).await,
        };
        let choice = Choice::read(form).map_err(|e| untrusted(&e.into()))?;
        if !self.browser.sent(form) {
            let problem = Some(ApprovalProblem::FormExpired);
            return self.screen(&question, &choice, problem).await;
        }
        let field = |name| form.optional(name).map_err(|e| untrusted(&e.into()));
        match field("decision")? {
            Some("approve") if copy == Copy::Older => over::newer(self, &question, copy).await,
            Some("approve") => self.approve(&question, &choice, form).await,
            Some("deny") => self.deny(&question, Denial::Denied).await,
            Some("stop") => self.deny(&question, Denial::Stopped).await,
            Some("not_me") => self.deny(&question, Denial::NotMe).await,
            _ => Err(untrusted(&writ_core::OAuthError::invalid_request(
                "neither approved nor denied",
            ))),
        }
    }

    /// The request, or the newest copy of the same question if its client asked again (JOURNEYS, "Guards").
    async fn find(&self, id: &ApprovalId) -> Result<Result<(Question, Copy), Refused>, Ended> {
        let refused = match question::load(self.app, self.person, id).await? {
            Ok(question) => return Ok(Ok((question, Copy::Newest))),
            Err(refused) => refused,
        };
        let older = match &refused {
            Refused::Ended(ending) if ending.request.is_superseded() => &ending.request,
            _ => return Ok(Err(refused)),
        };
        let newest = self.app.read().await?.newest_copy(older).await?;
        let Some(newest) = newest else {
            return Ok(Err(refused));
        };
        let found = question::load(self.app, self.person, &newest.id).await?;
        Ok(found.map(|question| (question, Copy::Older)))
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
        Ok(page.into_http().into_response())
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
        let is_new = question.request.status == writ_core::pending::PendingStatus::Pending;
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
