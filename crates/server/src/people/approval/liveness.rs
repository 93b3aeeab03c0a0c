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
use super::{Visit, broken, over};
use crate::config::LivenessVerifier;
use crate::node::app::App;
use crate::people::authorize::{Ended, see_other, untrusted};

impl Visit<'_> {
    /// Sends the browser to the verifier, for the screen that the person was looking at; decides nothing.
    pub(super) async fn show_yourself(
        &self,
        id: &ApprovalId,
        form: &Form,
    ) -> Result<Response, Ended> {
        let question = match question::load(self.app, self.person, id).await? {
            Ok(question) => question,
            Err(refused) => return over::page(self, &refused).await,
        };
        if question.has_agreed(&self.person.user) {
            return over::waits(self, &question).await;
        }
        let choice = Choice::read(form).map_err(|e| untrusted(&e.into()))?;
        let verifier = self.app.config.liveness.as_ref();
        let wanted = question.request.asked.level == Level::Liveness;
        let shown = self.shown(&question, &choice)?.ok();
        let looked_at = form.optional("screen").map_err(|e| untrusted(&e.into()))?;
        match (verifier.filter(|_| wanted), shown, &question.kept) {
            (Some(verifier), Some(shown), Some(_))
                if looked_at == Some(&*shown.hash().map_err(broken)?) =>
            {
                self.sent_to(verifier, &question, (&choice, &shown)).await
            }
            _ => {
                let problem = Some(ApprovalProblem::Changed);
                self.screen(&question, &choice, problem).await
            }
        }
    }

    async fn sent_to(
        &self,
        verifier: &LivenessVerifier,
        question: &Question,
        (choice, shown): (&Choice, &Shown),
    ) -> Result<Response, Ended> {
        let now = self.app.clock.now();
        let request = LivenessRequest {
            iss: self.app.config.issuer.to_string(),
            aud: verifier.issuer.clone(),
            sub: pseudonym(self.app, verifier, &self.person.user.id),
            jti: self.app.random.identifier(),
            iat: now.seconds(),
            exp: now.plus(liveness::REQUEST_LIFETIME).seconds(),
            challenge: shown.hash().map_err(broken)?,
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
            .append_pair(REQUEST_PARAMETER, &request.map_err(broken)?);
        Ok(see_other(url.as_str()))
    }

    /// What the verifier's word on this screen is worth now. The browser learns what to do; the log says why.
    pub(super) fn witnessed(
        &self,
        shown: &Shown,
        now: Timestamp,
    ) -> Result<Result<Witnessed, ApprovalProblem>, Ended> {
        let Some(verifier) = &self.app.config.liveness else {
            return Ok(Err(ApprovalProblem::LivenessFailed));
        };
        let Some(result) = self.liveness else {
            return Ok(Err(ApprovalProblem::LivenessMissing));
        };
        let expected = Expected {
            verifier: &verifier.issuer,
            issuer: self.app.config.issuer.as_str(),
            subject: &pseudonym(self.app, verifier, &self.person.user.id),
            challenge: &shown.hash().map_err(broken)?,
            now,
        };
        let judged = liveness::judge(result, &verifier.keys, &expected);
        Ok(judged.map_err(|why| {
            let person = self.person.user.id.as_str();
            tracing::info!(%why, person, "a verifier's word on a person is refused");
            problem(&why)
        }))
    }

    /// First the verifier, then the device; with what is wrong with a word that was brought.
    pub(super) fn live_level(
        &self,
        question: &Question,
        (choice, shown): (&Choice, &Shown),
        options: String,
    ) -> Result<(LevelView, Option<ApprovalProblem>), Ended> {
        if self.app.config.liveness.is_none() {
            return Ok((LevelView::LivenessMissing, None));
        }
        if let Some(result) = self.liveness {
            let problem = match self.witnessed(shown, self.app.clock.now())? {
                Ok(_) => {
                    let result = result.to_owned();
                    return Ok((LevelView::Seen { result, options }, None));
                }
                Err(problem) => problem,
            };
            return Ok((
                self.first_the_verifier(question, choice, shown)?,
                Some(problem),
            ));
        }
        Ok((self.first_the_verifier(question, choice, shown)?, None))
    }

    fn first_the_verifier(
        &self,
        question: &Question,
        choice: &Choice,
        shown: &Shown,
    ) -> Result<LevelView, Ended> {
        let mut fields = vec![("screen".to_owned(), shown.hash().map_err(broken)?)];
        fields.extend(choice.fields());
        let path = address(question, "/liveness", &fields);
        Ok(LevelView::Liveness { path })
    }

    /// A word that counted before: nothing is decided, and the person shows themselves again.
    pub(super) async fn seen_before(&self, question: &Question) -> Result<Response, Ended> {
        let without = Visit {
            liveness: None,
            ..*self
        };
        let problem = Some(ApprovalProblem::LivenessUsed);
        without.screen(question, &Choice::default(), problem).await
    }
}

/// Always the same for this person at this verifier; nobody without the master key can tell whose it is, or that another
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
    let path = format!("/app/requests/{}{below}", question.request.id);
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
