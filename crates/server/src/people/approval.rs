//! `/app/requests/{id}`: one person looks at one request and decides. Opening it approves nothing: a yes needs the password or the
//! device, in this very answer, over this screen.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use writ_core::approval::Denial;
use writ_core::id::ApprovalId;
use writ_core::screen::Shown;
use writ_pages::{ApprovalProblem, Texts};
use writ_wire::form::{Form, FormError};
use writ_wire::liveness::RESULT_PARAMETER;

use crate::node::app::App;
use crate::people::error::{PageError, StepError};
use crate::people::redirect::see_other;
use crate::people::request::{PostedForm, Query, SignedIn, Visitor};
use crate::people::wrong_clock::require_right_clock;

mod audit;
mod beyond;
mod choice;
mod commit;
mod decide;
mod liveness;
mod number;
mod over;
mod proof;
mod question;
mod receipts;
mod stopping;
mod view;

pub use audit::prove;
pub use view::role_view;

use choice::Choice;
use question::{NoQuestion, Question};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/app/requests/{id}", get(show).post(submit))
        .route("/app/requests/{id}/liveness", get(show_yourself))
        .route("/app/receipts/{id}", get(receipts::show))
        .route("/app/receipts/{id}/document", get(receipts::document))
}

/// Whether the page that a person has is of the request that waits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Newest,
    /// The same was asked again since.
    Older,
}

/// The question that waits, and whether the address names an older copy of it.
struct FoundQuestion {
    question: Question,
    version: Version,
}

/// A visit of one person to one request.
struct Visit<'a> {
    app: &'a App,
    person: SignedIn<'a>,
    texts: &'a Texts,
    /// What a verifier said of them, as their browser brings it.
    liveness: Option<&'a str>,
}

async fn show(
    Path(id): Path<String>,
    Query(query): Query,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let person = visitor.signed_in(&path(&id))?;
    let texts = person.texts().await?;
    let visit = Visit::of(person, &texts, &query)?;
    visit.look(&ApprovalId::from_text(id), &query).await
}

/// Sends the browser to the liveness verifier.
async fn show_yourself(
    Path(id): Path<String>,
    Query(query): Query,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let person = visitor.signed_in(&path(&id))?;
    let texts = person.texts().await?;
    let visit = Visit::of(person, &texts, &query)?;
    visit
        .show_yourself(&ApprovalId::from_text(id), &query)
        .await
}

async fn submit(Path(id): Path<String>, posted: PostedForm) -> Result<Response, PageError> {
    let person = posted.visitor.signed_in(&path(&id))?;
    let texts = person.texts().await?;
    let visit = Visit::of(person, &texts, posted.unchecked())?;
    visit.answer(&ApprovalId::from_text(id), &posted).await
}

fn path(id: &str) -> String {
    format!("/app/requests/{id}")
}

impl<'a> Visit<'a> {
    fn of(person: SignedIn<'a>, texts: &'a Texts, form: &'a Form) -> Result<Self, FormError> {
        Ok(Self {
            app: person.app,
            person,
            texts,
            liveness: form.optional(RESULT_PARAMETER)?,
        })
    }

    /// The screen, or less of it; nothing changes but that it was seen.
    async fn look(&self, id: &ApprovalId, form: &Form) -> Result<Response, PageError> {
        let question = match self.find(id).await {
            Ok(found) if found.version == Version::Newest => found.question,
            Ok(found) => return Ok(see_other(&path(found.question.request.id.as_str()))),
            Err(none) => return over::page(self, none).await,
        };
        if question.has_agreed(self.person.user()) {
            return over::waits(self, &question).await;
        }
        let choice = Choice::read(form)?;
        self.screen(&question, &choice, None).await
    }

    /// Denying an older copy denies the newest; approving it does not, because the newest may show something else.
    async fn answer(&self, id: &ApprovalId, posted: &PostedForm) -> Result<Response, PageError> {
        let FoundQuestion { question, version } = match self.find(id).await {
            Ok(found) => found,
            Err(none) => return over::page(self, none).await,
        };
        let form = posted.unchecked();
        let choice = Choice::read(form)?;
        if !posted.is_ours() {
            let problem = Some(ApprovalProblem::FormExpired);
            return self.screen(&question, &choice, problem).await;
        }
        match form.optional("decision")? {
            Some("approve") if version == Version::Older => {
                over::newer(self, &question, version).await
            }
            Some("approve") => {
                require_right_clock(self.app).await?;
                self.approve(&question, &choice, form).await
            }
            Some("deny") => self.deny(&question, Denial::Denied).await,
            Some("stop") => self.deny(&question, Denial::Stopped).await,
            Some("not_me") => self.deny(&question, Denial::NotMe).await,
            _ => Err(PageError::invalid_request("neither approved nor denied")),
        }
    }

    /// The request, or the newest copy of the same question if its client asked again.
    async fn find(&self, id: &ApprovalId) -> Result<FoundQuestion, NoQuestion> {
        let closed = match question::load(self.person, id).await {
            Err(NoQuestion::Closed(closed)) if closed.request.is_superseded() => closed,
            Err(none) => return Err(none),
            Ok(question) => {
                let version = Version::Newest;
                return Ok(FoundQuestion { question, version });
            }
        };
        let newest = self.app.read().await?.newest_copy(&closed.request).await?;
        let newest = newest.ok_or(NoQuestion::Closed(closed))?;
        Ok(FoundQuestion {
            question: question::load(self.person, &newest.id).await?,
            version: Version::Older,
        })
    }

    /// The page of a choice; where the choice is not possible, the page of all that is asked, with the problem.
    async fn screen(
        &self,
        question: &Question,
        choice: &Choice,
        problem: Option<ApprovalProblem>,
    ) -> Result<Response, PageError> {
        let whole = Choice::default();
        let (shown, choice, problem) = match self.shown(question, choice) {
            Ok(shown) => (shown, choice, problem),
            Err(error) => {
                let not_less = error.problem()?;
                (
                    self.shown_whole(question)?,
                    &whole,
                    problem.or(Some(not_less)),
                )
            }
        };
        self.keep(question, &shown).await?;
        let page = self.page(question, &shown, choice, problem).await?;
        Ok(page.into_http().into_response())
    }

    /// What this choice shows now, under the nonce of this person and request.
    fn shown(
        &self,
        question: &Question,
        choice: &Choice,
    ) -> Result<Shown, StepError<ApprovalProblem>> {
        let since = question.since(self.app.mended_time());
        let less = choice.less(question, since);
        let left = question.left(&less, self.app.mended_time());
        let (authority, ends_at) =
            left.map_err(|not_less| StepError::Problem(choice::problem(&not_less)))?;
        let view = self.screen_view(question, &authority, ends_at)?;
        let screen = writ_core::screen::Screen::read(view.canonical(self.texts));
        Ok(Shown {
            screen: screen.map_err(PageError::broken)?,
            less,
            nonce: question.nonce.clone(),
            since,
        })
    }

    /// The same of all that is asked.
    fn shown_whole(&self, question: &Question) -> Result<Shown, PageError> {
        let shown = self.shown(question, &Choice::default());
        shown.map_err(|error| match error {
            StepError::Problem(_) => PageError::broken("nothing is asked"),
            StepError::Page(error) => error,
        })
    }

    /// Kept before it is sent; written only when it is another than before.
    async fn keep(&self, question: &Question, shown: &Shown) -> Result<(), PageError> {
        let is_new = question.request.status == writ_core::pending::PendingStatus::Pending;
        if !is_new && question.kept.as_ref() == Some(shown) {
            return Ok(());
        }
        let now = self.app.mended_time();
        let text = serde_json::to_string(shown).map_err(PageError::broken)?;
        let mut transaction = self.person.begin_change().await?;
        let (id, user) = (&question.request.id, &self.person.user().id);
        transaction.save_screen(id, user, &text, now).await?;
        if is_new && transaction.view_pending(id, now).await? {
            let event = commit::viewed(self.app, question, shown).map_err(PageError::broken)?;
            transaction.insert_event(&event).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}
