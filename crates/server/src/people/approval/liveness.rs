//! Level `liveness` (docs/liveness.md): the person's browser goes to the verifier's page with a request for this very screen, and
//! comes back with what it found. Nothing is kept in between: the page is made again, and the result must be about it.

use axum::response::Response;
use writ_authority::Level;
use writ_core::id::{ApprovalId, UserId};
use writ_core::liveness::{self, Expected, NotSeen, Witnessed};
use writ_core::realm::DEFAULT_TENANT;
use writ_core::screen::Shown;
use writ_jose::hash;
use writ_pages::{ApprovalProblem, LevelView};
use writ_wire::form::Form;
use writ_wire::liveness::{LivenessRequest, REQUEST_PARAMETER, REQUEST_TYPE};
use writ_wire::time::Timestamp;

use super::choice::Choice;
use super::question::{self, Question};
use super::{Visit, over, path};
use crate::config::LivenessVerifier;
use crate::node::app::App;
use crate::people::error::{PageError, StepError};
use crate::people::redirect::see_other;

impl Visit<'_> {
    /// Sends the browser to the verifier, for the screen that the person was looking at; decides nothing.
    pub(super) async fn show_yourself(
        &self,
        id: &ApprovalId,
        form: &Form,
    ) -> Result<Response, PageError> {
        let question = match question::load(self.person, id).await {
            Ok(question) => question,
            Err(none) => return over::page(self, none).await,
        };
        if question.has_agreed(self.person.user()) {
            return over::waits(self, &question).await;
        }
        let choice = Choice::read(form)?;
        let verifier = self.app.config.liveness.as_ref();
        let wanted = question.request.asked.level == Level::Liveness;
        let shown = match self.shown(&question, &choice) {
            Ok(shown) => Some(shown),
            Err(error) => error.problem().map(|_| None)?,
        };
        let looked_at = form.optional("screen")?;
        match (verifier.filter(|_| wanted), shown, &question.kept) {
            (Some(verifier), Some(shown), Some(_))
                if looked_at == Some(&*shown.hash().map_err(PageError::broken)?) =>
            {
                self.to_verifier(verifier, &question, &choice, &shown).await
            }
            _ => {
                let problem = Some(ApprovalProblem::Changed);
                self.screen(&question, &choice, problem).await
            }
        }
    }

    async fn to_verifier(
        &self,
        verifier: &LivenessVerifier,
        question: &Question,
        choice: &Choice,
        shown: &Shown,
    ) -> Result<Response, PageError> {
        let now = self.app.clock.now();
        let request = LivenessRequest {
            iss: self.app.config.issuer.to_string(),
            aud: verifier.issuer.clone(),
            sub: pseudonym(self.app, verifier, &self.person.user().id),
            jti: self.app.random.identifier(),
            iat: now.seconds(),
            exp: now.plus(liveness::REQUEST_LIFETIME).seconds(),
            challenge: shown.hash().map_err(PageError::broken)?,
            return_to: self
                .app
                .config
                .url(&address(question, "", &choice.fields())),
            ui_locales: self.texts.locale().to_owned(),
        };
        let keys = self.app.keys().await?;
        let request = keys.active.sign_jwt(REQUEST_TYPE, &request);
        let mut url = verifier.url.clone();
        url.query_pairs_mut()
            .append_pair(REQUEST_PARAMETER, &request.map_err(PageError::broken)?);
        Ok(see_other(url.as_str()))
    }

    /// Judges the liveness result for this screen. The page says what to do; the log says why.
    pub(super) fn witnessed(
        &self,
        shown: &Shown,
        now: Timestamp,
    ) -> Result<Witnessed, StepError<ApprovalProblem>> {
        let verifier = self.app.config.liveness.as_ref();
        let verifier = verifier.ok_or(StepError::Problem(ApprovalProblem::LivenessFailed))?;
        let result = self.liveness;
        let result = result.ok_or(StepError::Problem(ApprovalProblem::LivenessMissing))?;
        let person = &self.person.user().id;
        let expected = Expected {
            verifier: &verifier.issuer,
            issuer: self.app.config.issuer.as_str(),
            subject: &pseudonym(self.app, verifier, person),
            challenge: &shown.hash().map_err(PageError::broken)?,
            now,
        };
        liveness::judge(result, &verifier.keys, &expected).map_err(|why| {
            tracing::info!(%why, %person, "a verifier's word on a person is refused");
            StepError::Problem(problem(&why))
        })
    }

    /// The verifier comes before the passkey; with what is wrong with a result that was brought.
    pub(super) fn live_level(
        &self,
        question: &Question,
        choice: &Choice,
        shown: &Shown,
        options: String,
    ) -> Result<(LevelView, Option<ApprovalProblem>), PageError> {
        if self.app.config.liveness.is_none() {
            return Ok((LevelView::LivenessMissing, None));
        }
        let problem = match self.liveness {
            Some(result) => match self.witnessed(shown, self.app.clock.now()) {
                Ok(_) => {
                    let result = result.to_owned();
                    return Ok((LevelView::Seen { result, options }, None));
                }
                Err(error) => Some(error.problem()?),
            },
            None => None,
        };
        Ok((self.first_the_verifier(question, choice, shown)?, problem))
    }

    fn first_the_verifier(
        &self,
        question: &Question,
        choice: &Choice,
        shown: &Shown,
    ) -> Result<LevelView, PageError> {
        let mut fields = vec![(
            "screen".to_owned(),
            shown.hash().map_err(PageError::broken)?,
        )];
        fields.extend(choice.fields());
        let path = address(question, "/liveness", &fields);
        Ok(LevelView::Liveness { path })
    }

    /// The result was used before: nothing is decided, and the person goes to the verifier again.
    pub(super) async fn seen_before(&self, question: &Question) -> Result<Response, PageError> {
        let without = Visit {
            liveness: None,
            ..*self
        };
        let problem = Some(ApprovalProblem::LivenessUsed);
        without.screen(question, &Choice::default(), problem).await
    }
}

/// Always the same for this person at this verifier. Without the master key it tells neither whose it is, nor that another
/// verifier's is the same person's.
fn pseudonym(app: &App, verifier: &LivenessVerifier, person: &UserId) -> String {
    let place = [DEFAULT_TENANT, &verifier.issuer, person.as_str()].join("\0");
    let secret = app
        .config
        .master
        .derive(&format!("liveness-subject\0{place}"));
    hash::digest_text(&[&secret])
}

/// Our page of this request, or one below it, for one choice.
fn address(question: &Question, below: &str, fields: &[(String, String)]) -> String {
    let path = path(question.request.id.as_str()) + below;
    if fields.is_empty() {
        return path;
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    format!("{path}?{query}")
}

const fn problem(why: &NotSeen) -> ApprovalProblem {
    match why {
        NotSeen::Old => ApprovalProblem::LivenessOld,
        NotSeen::OtherScreen | NotSeen::OtherPerson => ApprovalProblem::LivenessOther,
        NotSeen::NotLive(_) | NotSeen::Unproven(_) => ApprovalProblem::LivenessFailed,
    }
}
